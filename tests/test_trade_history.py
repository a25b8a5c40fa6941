"""The history: the exchange's orders in the user's words, what was placed elsewhere, and what is missing."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
import responses
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from market_world import NOW, TICKER, order
from responses import matchers

from kalshi_trading.credentials import Credentials
from kalshi_trading.errors import JournalError, KalshiAPIError
from kalshi_trading.kalshi_client import KalshiClient
from kalshi_trading.models import Action, BookSide, Fill, OrderStatus, Side
from kalshi_trading.trade_history import describe, load_history
from kalshi_trading.trade_logger import JournalRecord, TradeLogger
from kalshi_trading.transport import Timing, Transport

URL = "https://external-api.demo.kalshi.co/trade-api/v2"
KEY_ID = "11111111-2222-3333-4444-555555555555"
KEY = rsa.generate_private_key(65537, 2048)


def signed(request):
    headers = request.headers
    path = request.url.removeprefix("https://external-api.demo.kalshi.co").partition("?")[0]
    text = f"{headers['KALSHI-ACCESS-TIMESTAMP']}{request.method}{path}"
    salted = padding.PSS(padding.MGF1(SHA256()), SHA256().digest_size)
    signature = base64.b64decode(headers["KALSHI-ACCESS-SIGNATURE"], validate=True)
    KEY.public_key().verify(signature, text.encode(), salted, SHA256())
    return headers["KALSHI-ACCESS-KEY"] == KEY_ID, "another key"


def intent(action, side, **more):
    return JournalRecord(NOW, "order.intent", {"action": action, "side": side, **more})


def fill(count, yes_price, order_id=None):
    return Fill(
        fill_id="f",
        order_id=order_id or order("bid", "0.5", 1).order_id,
        ticker=TICKER,
        book_side=BookSide.BID,
        count=Decimal(count),
        yes_price=Decimal(yes_price),
        is_taker=True,
        fee=Decimal(0),
        created_at=None,
    )


def executed(book_side, yes_price, count):
    return order(
        *(book_side, yes_price, "0"),
        fill_count=Decimal(count),
        initial_count=Decimal(count),
        status=OrderStatus.EXECUTED,
    )


@pytest.mark.parametrize(
    ("action", "side", "book_side", "price"),
    [
        (Action.BUY, Side.YES, "bid", "0.65"),
        (Action.SELL, Side.YES, "ask", "0.65"),
        (Action.BUY, Side.NO, "ask", "0.35"),
        (Action.SELL, Side.NO, "bid", "0.35"),
    ],
)
def test_an_order_of_ours_is_told_in_the_words_of_its_intent(action, side, book_side, price):
    row = describe(order(book_side, "0.65", "10"), intent(action.value, side.value))
    assert (row.action, row.side, row.price) == (action, side, Decimal(price))
    assert row.is_external is False


@pytest.mark.parametrize(
    ("book_side", "side", "price"), [("bid", Side.YES, "0.65"), ("ask", Side.NO, "0.35")]
)
@pytest.mark.parametrize(
    "known",
    [None, intent("", ""), intent("juggle", "yes"), intent("buy", None)],
    ids=["no intent", "empty", "no word of ours", "half"],
)
def test_an_order_placed_elsewhere_is_told_by_its_effect(book_side, side, price, known):
    row = describe(order(book_side, "0.65", "10"), known)
    assert (row.action, row.side, row.price) == (None, side, Decimal(price))
    assert row.is_external is True


def test_an_intent_that_means_the_other_direction_is_not_believed():
    row = describe(order("bid", "0.65", "10"), intent("sell", "yes"))
    assert (row.action, row.side) == (None, Side.YES)


def test_the_average_price_is_that_of_the_fills_in_the_terms_of_the_side():
    fills = (fill("4", "0.60"), fill("6", "0.65"), fill("99", "0.01", order_id="another"))
    bought_yes = describe(executed("bid", "0.65", "10"), intent("buy", "yes"), fills)
    sold_no = describe(executed("bid", "0.65", "10"), intent("sell", "no"), fills)
    assert (bought_yes.average_price, sold_no.average_price) == (Decimal("0.63"), Decimal("0.37"))


def test_an_average_over_some_of_the_fills_would_be_wrong_so_there_is_none():
    assert describe(executed("bid", "0.65", "10"), None, (fill("4", "0.60"),)).average_price is None
    assert describe(order("bid", "0.65", "10"), None).average_price is None


def test_what_was_neither_filled_nor_rests_was_canceled():
    row = describe(order("bid", "0.65", "0", initial_count=Decimal(10), fill_count=Decimal("2.5")), None)
    assert row.canceled_count == Decimal("7.5")


# --- Read from the exchange and the journal -------------------------------------------------------


def wire_order(number, **changes):
    return {
        "order_id": f"order-{number}",
        "user_id": "me",
        "client_order_id": f"client-{number}",
        "ticker": TICKER,
        "outcome_side": "yes",
        "book_side": "bid",
        "type": "limit",
        "status": "executed",
        "yes_price_dollars": "0.6500",
        "no_price_dollars": "0.3500",
        "fill_count_fp": "2.00",
        "remaining_count_fp": "0.00",
        "initial_count_fp": "2.00",
        "taker_fill_cost_dollars": "1.300000",
        "maker_fill_cost_dollars": "0.000000",
        "taker_fees_dollars": "0.031900",
        "maker_fees_dollars": "0.000100",
        "created_time": (datetime(2026, 11, 21, tzinfo=UTC) + timedelta(hours=number)).isoformat(),
        **changes,
    }


def wire_fill(number, price="0.6400"):
    return {
        "fill_id": f"fill-{number}",
        "order_id": f"order-{number}",
        "ticker": TICKER,
        "book_side": "bid",
        "count_fp": "2.00",
        "yes_price_dollars": price,
        "is_taker": True,
        "fee_cost": "0.032000",
    }


def exchange_has(orders, fills, *, status=200):
    for path, query, body in (
        ("/portfolio/orders", {"limit": "50"}, {"orders": orders, "cursor": ""}),
        ("/portfolio/fills", {"limit": "500"}, {"fills": fills, "cursor": ""}),
    ):
        match = [matchers.query_param_matcher(query, strict_match=True), signed]
        responses.add("GET", URL + path, json=body, status=status, match=match)


@pytest.fixture
def client():
    return KalshiClient(
        Transport(URL, Credentials(KEY_ID, KEY), timing=Timing(read_retries=0, first_pause_s=0.001))
    )


@pytest.fixture
def journal(tmp_path):
    return TradeLogger(tmp_path, "sandbox")


@responses.activate
def test_the_history_joins_exchange_and_journal_newest_first(client, journal):
    exchange_has(
        [wire_order(1), wire_order(3), wire_order(2, created_time=None), wire_order(4)],
        [wire_fill(1), wire_fill(4, "0.6300")],
    )
    journal.log_order_submission("intent", {"client_order_id": "client-4", "action": "sell", "side": "no"})
    journal.log_order_cancellation("requested", {"client_order_id": "client-4"})
    journal.log_order_submission("acknowledged", {"client_order_id": "client-1", "action": "buy"})
    history = load_history(client, journal)
    assert [row.order.order_id for row in history.orders] == ["order-4", "order-3", "order-1", "order-2"]
    ours, theirs = history.orders[0], history.orders[2]
    assert (ours.action, ours.side, ours.price) == (Action.SELL, Side.NO, Decimal("0.35"))
    assert (ours.average_price, ours.fees) == (Decimal("0.37"), Decimal("0.0320"))
    assert theirs.is_external
    assert history.incomplete is None


@responses.activate
def test_a_history_with_a_row_nobody_can_read_says_so(client, journal):
    exchange_has([wire_order(1), {"order_id": "order-2"}], [])
    history = load_history(client, journal)
    assert len(history.orders) == 1
    assert "could not be read" in history.incomplete


@responses.activate
@pytest.mark.parametrize("status", [401, 500])
def test_a_history_that_cannot_be_read_is_an_error_and_not_empty(client, journal, status):
    exchange_has([], [], status=status)
    with pytest.raises(KalshiAPIError):
        load_history(client, journal)


def test_a_journal_that_cannot_be_read_is_an_error_and_makes_nothing_external(client, journal):
    journal.trades_path.mkdir(parents=True)
    with pytest.raises(JournalError):
        load_history(client, journal)
