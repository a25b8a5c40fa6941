"""Fills of some days, live and archived, with their orders' side."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from types import SimpleNamespace

import pytest
from model_factory import NOW, ORDER_ID, fill, order

from kalshi_trading.core.models import Action, BookSide, Side
from kalshi_trading.history import read_fills
from kalshi_trading.trade_logger import TradeLogger

NAMES = {"client_order_id": order(BookSide.ASK, "0.63").client_order_id}
INTENT = {**NAMES, "action": "sell", "side": "yes"}
DAY = timedelta(days=1)


def client_of(*fills, orders=()):
    asked = SimpleNamespace(since=None, until=None)

    def each_fill(*, since, until):
        asked.since, asked.until = since, until
        return iter(fills)

    return SimpleNamespace(each_fill=each_fill, each_order=lambda: iter(orders), asked=asked)


def sale(at):
    return fill(BookSide.ASK, "2", "0.63", at=at)


@pytest.fixture
def journal(tmp_path):
    return TradeLogger(tmp_path, "practice", clock=lambda: NOW)


def test_fills_come_oldest_first_with_action_and_side_as_placed(journal):
    journal.log_order_step("intent", INTENT)
    journal.log_order_step("acknowledged", {**NAMES, "order_id": ORDER_ID})
    newest_first = [sale(NOW), sale(NOW - DAY)]
    rows = read_fills(client_of(*newest_first), journal)
    assert [row.created_at for row in rows] == [NOW - DAY, NOW]
    assert {row.placed_as for row in rows} == {(Action.SELL, Side.YES)}


def test_where_the_answer_was_lost_the_exchange_tells_which_order_it_was(journal):
    journal.log_order_step("intent", INTENT)
    placed = replace(order(BookSide.ASK, "0.63"), order_id=ORDER_ID)
    assert read_fills(client_of(sale(NOW), orders=[placed]), journal)[0].placed_as == (Action.SELL, Side.YES)


def test_fills_of_orders_placed_elsewhere_have_no_action(journal):
    assert read_fills(client_of(sale(NOW)), journal)[0].placed_as is None


def test_a_fill_belongs_to_the_local_day_it_came_on(journal):
    days = [
        sale(NOW - DAY),
        sale(NOW),
        sale(NOW + DAY),
        replace(sale(NOW), created_at=None, fill_id="timeless"),
    ]
    today = NOW.astimezone().date()
    client = client_of(*days)
    assert [row.created_at for row in read_fills(client, journal, today, today)] == [NOW]
    assert client.asked.since <= NOW < client.asked.until
    assert len(read_fills(client, journal, today)) == 2
    assert len(read_fills(client, journal, None, today)) == 2
    assert len(read_fills(client, journal)) == 4
    assert read_fills(client, journal, date(2020, 1, 1), date(2020, 1, 2)) == ()
