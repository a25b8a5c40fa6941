"""A journal edited or copied by another person.

None of its characters acts on the terminal, on any screen.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path

import pytest
from exchange_process import ExchangeProcess
from hypothesis import given
from hypothesis import strategies as st
from screen_session import buy, quoted_market, screen_text, session
from scripted_prompter import ScriptedPrompter

from kalshi_trading.core.money import decimal_from_text
from kalshi_trading.core.text import REPLACEMENT, sanitize
from kalshi_trading.history import read_timeline
from kalshi_trading.history.trade_history import history_from_journal
from kalshi_trading.journal.error_log import newest_entries, write_error
from kalshi_trading.journal.files.log_reader import DamagedLine
from kalshi_trading.journal.order_state import OrderStage
from kalshi_trading.journal.records import JournalRecord
from kalshi_trading.orders.execution.pending_orders import PendingOrders
from kalshi_trading.orders.service import OrderService
from kalshi_trading.ui import menu
from kalshi_trading.ui.app import AppContext
from kalshi_trading.ui.prompts.prompter import GoBack, InputClosed, LeaveTask
from kalshi_trading.ui.screens import account as account_screens
from kalshi_trading.ui.screens import exit as exit_screen
from kalshi_trading.ui.screens import history as history_screens
from kalshi_trading.ui.screens import orders as order_screens
from kalshi_trading.ui.screens import records as record_screens
from kalshi_trading.ui.screens import trade as trade_screens
from kalshi_trading.ui.views import history as history_view

HOSTILE = (
    *("\x1b[2J", "\x1b]0;title\x07", "\x9b2J", "\x9d0;x\x9c", "\x00", "\x08", "\x7f", "\r", "\n", "\t"),
    *("\u202e", "\u2066", "\u200b", "\u200d", "\ufeff", "\u2028", "\u2029", "\ud800", "\ue000", "\u00ad"),
)
POISON = f"A{'-'.join(HOSTILE)}Z"
SEEN = "A␛[2J-␛]0;title"
"""The beginning of POISON as a screen shows it."""
EVENTS = (
    *(f"order.{state}" for state in OrderStage),
    *("order.fill", "order.ended", "order.denied", "order.unlocked", "session.begun", "clock.offset"),
    *("cancel.requested", "cancel.acknowledged", "cancel.unconfirmed", "cancel.panic", "cancel.rearmed"),
)
OPEN = ("order.intent", "order.sending", "order.unknown")
ORDER = {
    "environment": "practice",
    "session": "0" * 32,
    "action": "buy",
    "side": "yes",
    "count": "1.00",
    "price": "0.0200",
    "time_in_force": "good_till_canceled",
    "cost": "0.0200",
    "sentence": "BUY 1 YES at 2¢",
    "order_id": "an unknown order",
    "fill_count": "0.00",
    "remaining_count": "1.00",
    "fee": "0.0000",
    "average_price": "0.0200",
    "reduced_by": "1.00",
    "reason": "for a reason",
    "as_of": "2026-11-21T12:00:00+00:00",
    "findings": [],
}
FIELDS = ("client_order_id", "ticker", "account", *ORDER)
EVERY_FIELD = "every field"
"""All fields at once, except those that identify the order and its account."""
LEFT_OPEN = {"sentence", "ticker", EVERY_FIELD}
"""Fields whose orders stay without an end: few, because each order is looked up separately."""


def line(at: datetime, event: str, fields: dict[str, object]) -> str:
    return f"{at.isoformat(timespec='milliseconds')} {event} {json.dumps(fields)}\n"


def poisoned_fields(app: AppContext, ticker: str, field: str) -> dict[str, object]:
    whole: dict[str, object] = {**ORDER, "client_order_id": str(uuid.uuid4()), "ticker": ticker}
    whole["account"] = app.account
    if field == EVERY_FIELD:
        return {**whole, **dict.fromkeys(("ticker", *ORDER), POISON), "environment": "practice"}
    return {**whole, field: [POISON, {"deep": POISON}] if field == "findings" else f"{POISON}{uuid.uuid4()}"}


def write_poisoned_journal(app: AppContext, ticker: str) -> None:
    """Write orders that end in each event, with each field poisoned.

    A field is poisoned in all records of its order.
    """
    at = datetime.now(UTC) - timedelta(seconds=3)
    lines = []
    for event, field in product(EVENTS, (*FIELDS, EVERY_FIELD)):
        fields = poisoned_fields(app, ticker, field)
        events = ["order.intent", event] if event != "order.fill" else ["order.acknowledged", event]
        if not (event in OPEN and field in LEFT_OPEN):
            events.append("order.not_sent")
        lines += [line(at, each, fields) for each in events]
        at += timedelta(milliseconds=5)
    lines.append(line(at, "cancel.rearmed", {"environment": "practice", "account": app.account}))
    app.journal.folder.mkdir(parents=True, exist_ok=True)
    with app.journal.trades_path.open("a") as journal:
        journal.writelines(lines)


def shown_by(app: AppContext, prompter: ScriptedPrompter, screen: Callable[[AppContext], object]) -> str:
    """Run a screen as long as it has answers; return all its text.

    This is the printed text, questions, labels and defaults.
    """
    before = len(screen_text(app))
    with suppress(GoBack, LeaveTask, InputClosed):
        screen(app)
    labels = [label for each in prompter.labels for label in each]
    return "\n".join([screen_text(app)[before:], *prompter.questions, *labels, *prompter.defaults])


def acting(shown: str) -> set[str]:
    """Return the characters that could act on a terminal, or hide."""
    return {character for character in shown if not character.isprintable() and character != "\n"}


def follow(app: AppContext) -> None:
    """Follow the logs over one event and one error."""

    def write(_: float) -> None:
        if app.journal.read_errors(1) and "followed" in app.journal.read_errors(1)[0]:
            raise KeyboardInterrupt
        app.journal.log_event("order.rejected", {"reason": POISON})
        app.journal.log_error(f"followed {POISON}")

    record_screens.follow(app, wait=write)


def without_pauses(app: AppContext) -> AppContext:
    """Remove the pauses between the lookups of a panic, not the lookups."""
    pending = PendingOrders()
    pending.track(app.orders.pending_orders())
    orders = OrderService(
        app.client,
        app.journal,
        limits=app.settings.limits,
        account=app.account,
        pending=pending,
        sleep=lambda _: None,
    )
    return replace(app, orders=orders)


SCREENS: dict[str, tuple[Callable[[AppContext], object], list[str]]] = {
    "start, menu and end": (menu.run, ["9", "0", "0", "e"]),
    "history": (history_screens.trade_history, ["2", "2", "2", "0"]),
    "history by the journal alone": (history_screens.trade_history, ["8", "1", "2", "0"]),
    "reconciliation and sums": (history_screens.trade_history, ["r", "all", "s", "today", "0"]),
    "events": (record_screens.events, ["1"] * 30),
    "errors": (record_screens.errors, []),
    "search": (record_screens.search, ["reason", "1", "1", "1"]),
    "follow": (follow, []),
    "leaving": (lambda app: exit_screen.confirm_exit(app, was_chosen=True), ["0"]),
    "account": (account_screens.account, ["0"]),
    "open orders": (order_screens.open_orders, ["0"]),
    "cancel and panic": (lambda app: order_screens.cancel_order(without_pauses(app)), ["p"]),
}
SHOWS_NONE = {"account", "open orders", "leaving"}
"""Screens with numbers of the journal or text of the exchange, but no text of the journal."""


@pytest.fixture(scope="module")
def ticker(still_exchange: ExchangeProcess, tmp_path_factory: pytest.TempPathFactory) -> str:
    return quoted_market(session(still_exchange, tmp_path_factory.mktemp("market")).orders).ticker


@pytest.fixture
def poisoned(exchange: ExchangeProcess, ticker: str, tmp_path: Path) -> Path:
    """A folder of logs in which every field of every event is hostile once.

    Its orders are newer than those of other tests on this exchange, so they come first.
    """
    folder = tmp_path / "logs"
    app = session(exchange, folder)
    write_poisoned_journal(app, ticker)
    app.journal.log_error(f"{POISON} went wrong", ValueError(POISON))
    path = app.journal.requests_path
    write_error(path, datetime.now(UTC), POISON.replace("\n", ""), f"reason {POISON}", POISON)
    return folder


@pytest.mark.parametrize("name", SCREENS)
def test_no_text_of_a_journal_acts_on_the_terminal(
    exchange: ExchangeProcess, poisoned: Path, name: str
) -> None:
    screen, answers = SCREENS[name]
    prompter = ScriptedPrompter(*answers)
    app = session(exchange, poisoned, prompter, width=2000)
    if name != "start, menu and end":
        app.orders.recover()
    shown = shown_by(app, prompter, screen)
    assert acting(shown) == set()
    assert (SEEN in shown) is (name not in SHOWS_NONE)


def test_no_text_of_a_journal_acts_on_the_terminal_from_the_story_of_any_order(
    exchange: ExchangeProcess, poisoned: Path
) -> None:
    app = session(exchange, poisoned, width=2000)
    history = history_from_journal(app.journal)
    for row in history.rows:
        app.show(history_view.timeline(read_timeline(None, row), app.clock()))
    shown_text = screen_text(app)
    assert acting(shown_text) == set()
    assert shown_text.count(SEEN) > 200
    assert len(history.rows) > 300


def test_an_unresolved_order_on_the_ticket_is_harmless(exchange: ExchangeProcess, poisoned: Path) -> None:
    market = quoted_market(session(exchange, poisoned).orders)
    prompter = ScriptedPrompter(*buy(market, count="1", price="2")[:-1])
    app = session(exchange, poisoned, prompter, width=2000)
    shown = shown_by(app, prompter, trade_screens.place_trade)
    assert acting(shown) == set()
    assert SEEN in shown


def test_a_name_or_number_of_the_journal_never_becomes_another_by_being_made_harmless() -> None:
    for hidden in HOSTILE:
        record = JournalRecord(
            datetime.now(UTC), "order.intent", {"id": f"ab{hidden}c", "count": f"1{hidden}0"}
        )
        assert record.text("id") not in ("abc", f"ab{hidden}c")
        assert decimal_from_text(record.text("count")) is None
        assert record.exact_text("id") == f"ab{hidden}c"


@given(text=st.text())
def test_any_text_of_the_logs_is_harmless_once_read_and_harmless_text_stays(
    tmp_path: Path, text: str
) -> None:
    shown = JournalRecord(datetime.now(UTC), "order.intent", {"reason": text}).text("reason")
    assert acting(shown) == set()
    assert "\n" not in shown
    assert len(shown) == len(text)
    assert shown == sanitize(shown, invisible=REPLACEMENT)
    if text.isprintable():
        assert shown == text


def test_the_export_of_a_journal_has_its_text_to_the_character(
    poisoned: Path, exchange: ExchangeProcess
) -> None:
    app = session(exchange, poisoned)
    path = poisoned / f"{uuid.uuid4()}.csv"
    app.journal.export_journal_to_csv(path)
    written = path.read_bytes().decode()
    assert POISON.replace("\ud800", "\\ud800") in written
    assert REPLACEMENT not in written


def test_errors_and_damaged_lines_are_read_without_what_acts(poisoned: Path, tmp_path: Path) -> None:
    folder = tmp_path / "practice"
    folder.mkdir()
    (folder / "errors.log").write_bytes((poisoned / "practice" / "errors.log").read_bytes() + b"\x1b[2J\n")
    (folder / "errors-2026-11-20.log\x1b[2J.gz").write_bytes(b"\x1b[2J\n")
    entries = [*newest_entries(folder / "errors.log")]
    assert {type(each) for each in entries} >= {DamagedLine}
    for entry in entries:
        texts = [str(entry)] if isinstance(entry, DamagedLine) else [entry.head, *entry.details]
        assert [acting(text) for text in texts if acting(text)] == []
