"""A second order right after the first, with fresh and with lagging reads.

Runs on a real exchange.
"""

from __future__ import annotations

from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from decimal import Decimal as D

import pytest
from faulty_exchange import running_faulty_exchange

from kalshi_trading.core.models import Action, Side
from kalshi_trading.orders.execution.submission_result import Outcome
from kalshi_trading.orders.pretrade.ticket import OrderTicket
from kalshi_trading.orders.service import OrderService
from kalshi_trading.settings.options import Limits
from kalshi_trading.trade_logger import TradeLogger


@pytest.fixture
def open_desk(tmp_path):
    """Start an exchange with lagging reads and an executor with a market."""
    with ExitStack() as stack:

        def start(lag_s):
            faulty = stack.enter_context(running_faulty_exchange(tmp_path / "data", "--seed", "5"))
            if lag_s:
                faulty.fail({"kind": "read_lag", "lag_s": lag_s})
            client = faulty.exchange.client()
            limits = Limits(market_loss_limit=D(20))
            executor = OrderService(client, TradeLogger(tmp_path, "practice"), limits=limits)
            return executor, a_market(client)

        yield start


def a_market(client):
    rows = client.get_markets(status="open", limit=400)
    quoted = (row for row in rows if row.yes_bid is not None and row.yes_bid > D("0.3"))
    return max(quoted, key=lambda row: row.close_at)


def preview(executor, market, count, price):
    return executor.preview(OrderTicket(market.ticker, Action.BUY, Side.YES, D(count), price))


def rules(seen):
    return {finding.rule for finding in seen.findings}


def test_what_was_just_bid_counts_against_the_limit_although_the_exchange_does_not_show_it(open_desk):
    executor, market = open_desk(lag_s=600)
    price = D("0.10")
    first = preview(executor, market, "150", price)
    assert not first.is_denied
    assert executor.submit(first).outcome is Outcome.ACKNOWLEDGED
    again = preview(executor, market, "60", price)
    assert again.context.resting == ()
    assert [order.remaining_count for order in again.context.unseen] == [150]
    assert rules(again) >= {"loss per market", "data age"}
    assert again.is_denied
    assert "loss per market" not in rules(preview(executor, market, "50", price))


def test_an_order_of_unknown_outcome_counts_however_old_it_is(open_desk, tmp_path):
    executor, market = open_desk(lag_s=0)
    week_ago = datetime.now(UTC) - timedelta(days=7)
    order = {"client_order_id": "lost", "ticker": market.ticker, "sentence": "BUY 150 YES at 10¢"}
    order |= {"action": "buy", "side": "yes", "count": "150", "price": "0.10"}
    ended = TradeLogger(tmp_path, "practice", session_id="ended", clock=lambda: week_ago)
    ended.log_order_step("intent", order)
    executor.recover()
    seen = preview(executor, market, "60", D("0.10"))
    assert [each.client_order_id for each in seen.context.unseen] == ["lost"]
    assert rules(seen) >= {"loss per market", "outcome unknown"}
    assert seen.is_denied


def test_fresh_reads_raise_no_question_however_quickly_orders_follow_each_other(open_desk):
    executor, market = open_desk(lag_s=0)
    for number in range(1, 11):
        seen = preview(executor, market, "1", D(number) / 100)
        assert "data age" not in rules(seen)
        assert seen.context.unseen == ()
        assert len(seen.context.resting) == number - 1
        assert executor.submit(seen).outcome is Outcome.ACKNOWLEDGED
