"""The start, and the way back to the menu from every screen and error.

The start reports orders without an end, a wrong clock and a failing journal.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from exchange_process import ExchangeProcess
from screen_session import place, quoted_market, screen_text, session
from scripted_prompter import BACK, ScriptedPrompter

from kalshi_trading.exchange.http.transport import Transport
from kalshi_trading.journal.sessions import Session
from kalshi_trading.kalshi_client import KalshiClient
from kalshi_trading.orders.execution.submission_result import Outcome
from kalshi_trading.settings.environments import Environment
from kalshi_trading.trade_logger import TradeLogger
from kalshi_trading.ui import menu
from kalshi_trading.ui.app import AppContext

Start = Callable[..., AppContext]


@pytest.fixture
def start(exchange: ExchangeProcess, tmp_path: Path) -> Start:
    """Build a session that answers the menu from a script."""

    return lambda *answers: session(exchange, tmp_path, ScriptedPrompter(*answers), width=160)


def leave_open(app: AppContext, **fields: str) -> str:
    """Write the records of a killed session's order; return its sentence.

    The order never reached the exchange. Its market is the last one found, which leaves the first ones to
    orders that tests place.
    """
    ticker = app.orders.search_markets("")[-1].market.ticker
    sentence = f"BUY 10 YES {ticker} at 57¢, good till canceled"
    order = {"client_order_id": str(uuid.uuid4()), "ticker": ticker, "sentence": sentence, **fields}
    journal = TradeLogger(app.journal.folder.parent, app.journal.environment)
    journal.log_order_step("intent", order)
    journal.log_order_step("sending", order)
    return sentence


def events(app: AppContext) -> list[str]:
    return [record.event for record in app.journal.read_journal().records]


def test_an_order_without_an_end_is_named_before_the_menu_and_in_every_header(start: Start) -> None:
    app = start("9", "0", "0")
    sentence = leave_open(app)
    assert menu.run(app) == 0
    text = screen_text(app)
    notice = f"Order from an earlier session, status unknown: {sentence}"
    unknown = f"Order status unknown, still checking: {sentence}. It may be live; don't resend."
    assert text.count(notice) == 1
    assert text.count(unknown) == 2
    assert text.index(notice) < text.index(unknown)


def test_an_order_of_a_session_that_is_alive_is_left_to_it(start: Start) -> None:
    app = start("0")
    with Session.open(app.journal.folder) as other:
        sentence = leave_open(app, session=other.session_id)
        assert menu.run(app) == 0
    assert sentence not in screen_text(app)
    assert app.orders.pending_orders() == ()
    assert events(app) == ["order.intent", "order.sending"]


def test_an_order_of_another_key_is_named_and_left_alone(start: Start) -> None:
    app = start("0")
    sentence = leave_open(app, account="0123456789ab")
    assert menu.run(app) == 0
    assert f"Unresolved order from another API key, not checked here: {sentence}" in screen_text(app)
    assert app.orders.pending_orders() == ()
    assert events(app) == ["order.intent", "order.sending"]


@pytest.mark.parametrize(
    ("damaged", "words"),
    [
        (1, "1 journal line is damaged (last: trades.log line 1)"),
        (2, "2 journal lines are damaged (last: trades.log line 3)"),
    ],
)
def test_damaged_journal_lines_are_reported_at_the_start(start: Start, damaged: int, words: str) -> None:
    app = start("0")
    sentence = leave_open(app)
    leave_open(app)
    lines = app.journal.trades_path.read_bytes().splitlines(keepends=True)
    for number in (0, 2)[:damaged]:
        lines[number] = lines[number][:-20] + b"\n"
    app.journal.trades_path.write_bytes(b"".join(lines))
    assert menu.run(app) == 0
    text = " ".join(screen_text(app).split())
    assert f"{words}. Orders on damaged lines cannot be checked; check open orders." in text
    assert f"Order from an earlier session, status unknown: {sentence}" in text


def test_the_order_of_a_session_that_dies_meanwhile_is_looked_for_then(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    """This session stays at its menu until it looks up the other's order."""
    monkeypatch.setattr("kalshi_trading.orders.execution.recovery_loop.PAUSE_S", 0.01)
    app = start("0")
    other = Session.open(app.journal.folder)
    sentence = leave_open(app, session=other.session_id)
    choose = app.prompter.choose

    def after_the_other_died(question: str, choices: Any, **how: Any) -> Any:
        if question != "Menu":
            return choose(question, choices, **how)
        assert app.orders.pending_orders() == ()
        other.close()
        ends_at = time.monotonic() + 60
        while not app.orders.pending_orders():
            assert time.monotonic() < ends_at
            time.sleep(0.01)
        return choose(question, choices, **how)

    monkeypatch.setattr(app.prompter, "choose", after_the_other_died)
    assert menu.run(app) == 0
    assert [life.sentence for life in app.orders.pending_orders()] == [sentence]


def test_a_journal_that_cannot_be_read_locks_orders_and_leaves_reads_and_cancels(start: Start) -> None:
    app = start("1", "0", "3", "0", "4", "a", "0")
    market = quoted_market(app.orders)
    for price in ("0.01", "0.02"):
        placed = place(app.orders, market.ticker, "yes", 1, price)
        assert placed.outcome is Outcome.ACKNOWLEDGED
    app.journal.trades_path.rename(app.journal.trades_path.with_suffix(".old"))
    app.journal.trades_path.mkdir()

    assert menu.run(app) == 0

    text = screen_text(app)
    assert "Trading is locked. The journal" in text
    assert "P&L" in text
    assert text.count(": Canceled 1 contract.") == 2
    assert app.orders.list_open_orders() == ()


def test_a_lock_ends_with_the_recovery_that_was_owed_and_finds_what_is_open(start: Start) -> None:
    app = start("0")
    sentence = leave_open(app)
    kept = app.journal.trades_path.with_suffix(".old")
    app.journal.trades_path.rename(kept)
    app.journal.trades_path.mkdir()
    assert menu.run(app) == 0
    app.journal.trades_path.rmdir()
    kept.rename(app.journal.trades_path)
    market = quoted_market(app.orders)
    place(app.orders, market.ticker, "no", 1, "0.01")
    assert app.orders.lock_reason is None
    assert [life.sentence for life in app.orders.pending_orders()] == [sentence]


@pytest.mark.parametrize(("off_s", "how"), [(61, "ahead of"), (-61, "behind")])
def test_a_clock_skew_is_reported_and_orders_go_through(start: Start, off_s: int, how: str) -> None:
    app = start("0", "e")

    def wrong_clock() -> datetime:
        return datetime.now(UTC) + timedelta(seconds=off_s)

    assert app.settings.api_base_url is not None
    transport = Transport(app.settings.api_base_url, app.settings.credentials, clock=wrong_clock)
    client = KalshiClient(transport)
    app = replace(app, client=client)
    assert menu.run(app) == 0
    assert f"s {how} the exchange's. Using exchange time; please correct it." in screen_text(app)
    record = app.journal.read_journal().records[0]
    assert record.event == "clock.offset"
    assert f"s {how} the exchange's" in record.text("reason")
    assert client.get_balance().cash > 0


def test_production_is_read_only_until_the_word_is_typed(exchange: ExchangeProcess, tmp_path: Path) -> None:
    prompter = ScriptedPrompter("production", "0")
    app = session(exchange, tmp_path, prompter, environment=Environment.PRODUCTION)
    assert menu.run(app) == 0
    assert "real money" in prompter.questions[0]
    assert "READ-ONLY" in screen_text(app)
    assert "PRODUCTION · REAL MONEY" in screen_text(app)


@pytest.mark.parametrize("key", ["1", "0"])
def test_an_unexpected_fault_becomes_a_reference_and_the_menu_comes_back(
    exchange: ExchangeProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    """This includes the exit, while orders may be open."""

    def broken(app: AppContext) -> None:
        monkeypatch.undo()
        raise ZeroDivisionError("an unexpected fault")

    entries = tuple(replace(each, value=broken) if each.key == key else each for each in menu.ENTRIES)
    monkeypatch.setattr(menu, "ENTRIES", entries)
    app = session(exchange, tmp_path, ScriptedPrompter(key, "0"))
    assert menu.run(app) == 0
    text = screen_text(app)
    assert "Unexpected error (reference " in text
    assert "ZeroDivisionError" not in text
    assert "ZeroDivisionError: an unexpected fault" in app.journal.errors_path.read_text()


def test_ctrl_c_in_a_screen_leads_back_to_the_menu(exchange: ExchangeProcess, tmp_path: Path) -> None:
    prompter = ScriptedPrompter("2", BACK, "4", "0", "6", BACK, "0")
    app = session(exchange, tmp_path, prompter)
    assert menu.run(app) == 0
    prompter.assert_all_used()
    assert prompter.questions.count("Menu") == 4
    assert screen_text(app).count("Back to the menu.") == 2
