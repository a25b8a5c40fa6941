"""Resting orders that fill or end: reported once and recorded."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal as D
from pathlib import Path
from typing import Any

import pytest
from exchange_process import ExchangeProcess
from market_factory import TICKER
from model_factory import MARKET, NOW, floored, order
from screen_session import place, quoted_market, screen_text, session
from scripted_prompter import ScriptedPrompter

from kalshi_trading.core.errors import JournalError, NotFoundError, UnavailableError
from kalshi_trading.core.market_models import Market
from kalshi_trading.core.models import BookSide, Fill, Order, OrderStatus
from kalshi_trading.core.results import Listing
from kalshi_trading.orders.execution.resting_watch import ENDED_EVENT, RestingOrderMonitor
from kalshi_trading.trade_logger import TradeLogger
from kalshi_trading.ui import menu

SENTENCE = f"BUY 20 YES {TICKER} at 37¢, good till canceled"
RESTING = order("bid", "0.37", "20")


class Exchange:
    """The lists that the watch reads; `asked` counts the requests."""

    def __init__(self, *orders: Order) -> None:
        self.orders = {each.order_id: each for each in orders}
        self.fills: list[Fill] = []
        self.asked: list[str] = []
        self.error: Exception | None = None
        self.balance_expired = 0
        self.market = MARKET

    def expire_balance(self) -> None:
        self.balance_expired += 1

    def _ask(self, what: str) -> None:
        self.asked.append(what)
        if self.error is not None:
            raise self.error

    def get_orders(self, *, status: OrderStatus) -> Listing[Order]:
        self._ask("list")
        return Listing(tuple(each for each in self.orders.values() if each.status is status))

    def get_order(self, order_id: str) -> Order:
        self._ask(order_id)
        if order_id not in self.orders:
            raise NotFoundError("There is no such order.")
        return self.orders[order_id]

    def get_market(self, ticker: str) -> Market:
        self._ask("market")
        return self.market

    def get_fills(self, *, order_id: str) -> Listing[Fill]:
        return Listing(tuple(self.fills))

    def fill(self, count: str, *, price: str = "0.37", fee: str = "0.12") -> None:
        row = self.orders[RESTING.order_id]
        left = row.remaining_count - D(count)
        self.fills.append(
            Fill(
                f"f{len(self.fills)}",
                row.order_id,
                TICKER,
                BookSide.BID,
                D(count),
                D(price),
                False,
                D(fee),
                NOW,
            )
        )
        self.orders[row.order_id] = replace(
            row,
            fill_count=row.fill_count + D(count),
            remaining_count=left,
            fees=row.fees + D(fee),
            status=OrderStatus.RESTING if left else OrderStatus.EXECUTED,
        )


@pytest.fixture
def journal(tmp_path: Path) -> TradeLogger:
    """The journal of a session that placed an order, which rests."""
    log = TradeLogger(tmp_path, "practice", clock=lambda: NOW)
    terms = {
        "client_order_id": "ours",
        "ticker": TICKER,
        "sentence": SENTENCE,
        "action": "buy",
        "side": "yes",
    }
    log.log_order_step("intent", terms | {"count": D(20), "price": D("0.37")})
    answer = {"order_id": RESTING.order_id, "fill_count": D(0), "remaining_count": D(20)}
    log.log_order_step("acknowledged", terms | answer)
    return log


def watch_of(exchange: Any, journal: TradeLogger) -> RestingOrderMonitor:
    return RestingOrderMonitor(exchange, journal, clock=lambda: NOW + timedelta(minutes=5))


def recorded(journal: TradeLogger) -> list[tuple[str, str, str, str]]:
    return [
        tuple(record.text(name) for name in ("fill_count", "remaining_count", "average_price", "fee"))
        for record in journal.read_journal().records
        if record.event == "order.fill"
    ]


def test_a_fill_is_reported_once_and_recorded_for_every_session(journal: TradeLogger) -> None:
    exchange = Exchange(RESTING)
    watch = watch_of(exchange, journal)
    assert watch.look() == ()
    exchange.fill("20")
    assert watch.look() == (f"{SENTENCE}: filled, 20 of 20 at 37¢ on average, fee $0.12.",)
    assert exchange.balance_expired == 1
    assert recorded(journal) == [("20", "0", "0.37", "0.12")]
    questions = len(exchange.asked)
    assert watch.look() == watch_of(exchange, journal).look() == ()
    assert len(exchange.asked) == questions  # nothing rests any more, so no request is made


def test_partial_fills_are_reported_as_they_come(journal: TradeLogger) -> None:
    exchange = Exchange(RESTING)
    watch = watch_of(exchange, journal)
    exchange.fill("5")
    (first,) = watch.look()
    assert first.endswith("partly filled, 5 of 20 at 37¢ on average, fee $0.12; 15 still open.")
    assert watch.look() == ()
    exchange.fill("15", fee="0.30")
    (second,) = watch.look()
    assert second.endswith("filled, 20 of 20 at 37¢ on average, fee $0.42.")
    assert [row[:2] for row in recorded(journal)] == [("5", "15"), ("20", "0")]


@pytest.mark.parametrize("filled", ["0", "5"])
def test_an_order_canceled_elsewhere_is_reported_as_ended(journal: TradeLogger, filled: str) -> None:
    exchange = Exchange(RESTING)
    if D(filled):
        exchange.fill(filled)
    row = exchange.orders[RESTING.order_id]
    exchange.orders[RESTING.order_id] = replace(row, remaining_count=D(0), status=OrderStatus.CANCELED)
    watch = watch_of(exchange, journal)
    (message,) = watch.look()
    expected = "the rest is no longer open." if D(filled) else "no longer open, 20 of 20 not filled."
    assert message.endswith(expected)
    assert watch.look() == watch_of(exchange, journal).look() == ()
    events = [record.event for record in journal.read_journal().records]
    assert events[-1] == ("order.fill" if D(filled) else ENDED_EVENT)


@pytest.mark.parametrize("filled", ["0", "5"])
def test_an_order_below_a_risen_floor_is_reported_with_its_reason(journal: TradeLogger, filled: str) -> None:
    exchange = Exchange(RESTING)
    if D(filled):
        exchange.fill(filled)
    row = exchange.orders[RESTING.order_id]
    exchange.orders[RESTING.order_id] = replace(row, remaining_count=D(0), status=OrderStatus.CANCELED)
    exchange.market = floored("0.40")
    (message,) = watch_of(exchange, journal).look()
    reason = "canceled as the settlement floor rose to 40¢"
    assert message.endswith(f"the rest is {reason}." if D(filled) else f"{reason}, 20 of 20 not filled.")


def test_a_cancel_of_ours_is_no_news(journal: TradeLogger) -> None:
    journal.log_cancel_step("acknowledged", {"client_order_id": "ours", "reduced_by": D(20)})
    exchange = Exchange()
    assert watch_of(exchange, journal).look() == ()
    assert exchange.asked == []


def test_a_list_that_lags_proves_nothing(journal: TradeLogger) -> None:
    """An order not listed or not found yet is not reported and stays watched."""
    exchange = Exchange()
    watch = RestingOrderMonitor(exchange, journal, clock=lambda: NOW + timedelta(seconds=1))  # type: ignore[arg-type]
    assert watch.look() == ()
    exchange.orders[RESTING.order_id] = RESTING
    exchange.fill("20")
    assert len(watch.look()) == 1


def test_an_order_that_is_gone_for_long_is_asked_for_once(journal: TradeLogger) -> None:
    exchange = Exchange()
    watch = watch_of(exchange, journal)
    for _ in range(3):
        assert watch.look() == ()
    assert exchange.asked.count(RESTING.order_id) == 1


def test_what_cannot_be_read_is_reported_later(journal: TradeLogger, monkeypatch: pytest.MonkeyPatch) -> None:
    exchange = Exchange(RESTING)
    exchange.fill("20")
    watch = watch_of(exchange, journal)
    exchange.error = UnavailableError("The exchange cannot be reached.")
    assert watch.look() == ()
    exchange.error = None
    write = journal.log_order_fill

    def full(fields: object) -> None:
        raise JournalError(str(journal.trades_path), "the disk is full")

    monkeypatch.setattr(journal, "log_order_fill", full)
    (message,) = watch.look()
    assert "filled, 20 of 20" in message
    assert "Not recorded. The journal" in message
    assert watch.look() == ()
    monkeypatch.setattr(journal, "log_order_fill", write)
    assert len(watch_of(exchange, journal).look()) == 1  # the next session reports and records it
    assert len(recorded(journal)) == 1


def test_the_menu_tells_it_among_the_news(still_exchange: ExchangeProcess, tmp_path: Path) -> None:
    """Another program cancels an order between two looks."""
    prompter = ScriptedPrompter("9", "0", "0")
    app = session(still_exchange, tmp_path, prompter)
    market = quoted_market(app.orders)
    placed = place(app.orders, market.ticker, "yes", 3, "0.02")
    assert placed.order_id is not None
    app.client.send_cancel(placed.order_id, ticker=market.ticker)
    assert menu.run(app) == 0
    assert " ".join(screen_text(app).split()).count("no longer open, 3 of 3 not filled.") == 1


def test_a_fault_of_the_watch_is_reported_and_never_blocks_the_menu(
    still_exchange: ExchangeProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = session(still_exchange, tmp_path, ScriptedPrompter("0"))
    monkeypatch.setattr(app.watch, "look", lambda: 1 // 0)
    assert menu.run(app) == 0
    assert "Could not check open orders for changes (reference " in screen_text(app)
    assert "ZeroDivisionError" in app.journal.errors_path.read_text()
