"""The official client's request model accepts our order bodies."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from kalshi_trading.core.models import Action, OrderRequest, SelfTradePrevention, Side, TimeInForce
from kalshi_trading.exchange.wire import account as account_wire

kalshi = pytest.importorskip("kalshi_python_sync", reason="NOT INSTALLED: kalshi-python-sync")
pytestmark = pytest.mark.contract

# Source: Kalshi API, direction: buying YES and selling NO are bids on the YES book, the others asks.
BIDS = {(Action.BUY, Side.YES), (Action.SELL, Side.NO)}


def request(**changes):
    wish = {
        "client_order_id": "7d444840-9dc0-11d1-b245-5ffdce74fad2",
        "ticker": "KXHIGHNY-26NOV22-B52.5",
        "action": Action.BUY,
        "side": Side.YES,
        "count": Decimal("2.5"),
        "price": Decimal("0.571"),
        "time_in_force": TimeInForce.GOOD_TILL_CANCELED,
    }
    return OrderRequest(**(wish | changes))


def accepted(order):
    """Parse our body with the official model, which must keep it unchanged."""
    body = account_wire.order_body(order)
    model = kalshi.CreateOrderV2Request.model_validate(body)
    assert model.to_dict() == body
    return model


@pytest.mark.parametrize(("action", "side"), list(itertools.product(Action, Side)))
def test_every_direction_is_a_bid_or_an_ask_at_the_yes_price(action, side):
    model = accepted(request(action=action, side=side))
    assert model.side.value == ("bid" if (action, side) in BIDS else "ask")
    assert Decimal(model.price) == (Decimal("0.571") if side is Side.YES else Decimal("0.429"))
    assert Decimal(model.count) == Decimal("2.5")


@pytest.mark.parametrize(
    ("time_in_force", "prevention"), list(itertools.product(TimeInForce, SelfTradePrevention))
)
def test_every_word_of_ours_is_a_word_of_the_exchange(time_in_force, prevention):
    model = accepted(request(time_in_force=time_in_force, self_trade_prevention=prevention))
    assert model.time_in_force == time_in_force.value
    assert model.self_trade_prevention_type.value == prevention.value


def test_an_order_that_expires_and_only_makes_is_understood():
    model = accepted(request(post_only=True, expires_at=datetime(2026, 11, 22, 12, tzinfo=UTC)))
    assert model.post_only is True
    assert model.expiration_time == 1795348800


def test_an_order_that_only_reduces_is_understood():
    model = accepted(request(reduce_only=True, time_in_force=TimeInForce.IMMEDIATE_OR_CANCEL))
    assert model.reduce_only is True
