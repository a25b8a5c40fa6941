"""Sequences that a terminal sends by itself never answer a question.

Tested at every consequential question of the real program.
"""

from __future__ import annotations

import ast
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from exchange_process import ExchangeProcess, running_exchange
from key_sequences import NO_KEYS
from terminal import CTRL_C, ENTER, PROJECT, Terminal, program

from kalshi_trading.ui.terminal.gate import QUIET_S

pytestmark = pytest.mark.journey
WIDE = 180
UP, DOWN, BACKSPACE = "\x1b[A", "\x1b[B", "\x7f"
AT_ONCE = 20
"""Number of sequences that arrive together."""
ROW = re.compile(r"^ ([▸ ]) (\w)  ", re.MULTILINE)
PAST = "positions=2,fills=20,settled=0,resting=0,days=2,seed=3"


@dataclass(frozen=True)
class Session:
    """A home, and the exchange that the program finds there."""

    home: Path
    exchange: ExchangeProcess

    def state(self) -> Any:
        """Return everything that an answer could have changed.

        These are the files of the home and the orders at the exchange.
        """
        logs = self.home / "logs"
        files = {path: path.read_bytes() for path in logs.rglob("*.log*") if path.stem != "requests"}
        tables = {path: path.read_bytes() for path in self.home.glob("*.csv")}
        orders = sorted(
            self.exchange.client().get_orders().require_complete(), key=lambda order: order.order_id
        )
        return files, tables, orders


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    options = ("--seed", "11", "--still", "--scenario", PAST)
    with running_exchange(tmp_path / "data/practice", *options) as exchange:
        yield Session(tmp_path, exchange)


def corpus() -> Iterator[bytes]:
    """Yield the corpus, many sequences together, then each in two pieces."""
    for start in range(0, len(NO_KEYS), AT_ONCE):
        yield b"".join(NO_KEYS[start : start + AT_ONCE])
    for data in NO_KEYS:
        yield from filter(None, (data[:2], data[2:]))  # an escape alone may be the Escape key


def question(terminal: Terminal) -> str:
    """Return the last question on the screen, with its answers."""
    return terminal.screen.rpartition("› ")[2].strip()


def marked(terminal: Terminal) -> int:
    return [mark for mark, _ in ROW.findall(question(terminal))].index("▸")


def list_withstands(session: Session, terminal: Terminal, asked: str) -> None:
    """Send the corpus to this list and check that it did nothing.

    Afterwards an arrow moves the mark by one entry, and back.
    """
    terminal.wait_for(rf"› {asked}[^›]*\Z")
    at, before, shown = marked(terminal), session.state(), question(terminal)
    for data in corpus():
        terminal.send(data)
        terminal.wait_until_read()
    is_last = at == len(ROW.findall(question(terminal))) - 1
    for key, there in ((UP, at - 1), (DOWN, at)) if is_last else ((DOWN, at + 1), (UP, at)):
        terminal.press(key)
        terminal.wait_until(
            lambda text, there=there: (  # type: ignore[misc]
                re.search(rf"› {asked}[^›]*\Z", text) is not None and marked(terminal) == there
            ),
            f"the mark at {there}",
        )
    assert question(terminal) == shown
    assert session.state() == before


def text_withstands(session: Session, terminal: Terminal, asked: str) -> None:
    """Send the corpus to this question and check that it did nothing.

    Afterwards a typed letter appears alone, and can be deleted.
    """
    ready = rf"› {asked}[^›·]*\Z"
    terminal.wait_for(ready)
    before, shown = session.state(), question(terminal)
    for data in corpus():
        terminal.send(data)
        terminal.wait_until_read()
    time.sleep(2 * QUIET_S)  # the last ones may have been Alt keys, after which a key has to wait
    terminal.press("x")
    terminal.wait_for(rf"› {asked}[^›·]*x\s*\Z")
    assert question(terminal) == f"{shown} x"
    assert session.state() == before
    terminal.press(BACKSPACE)
    terminal.wait_until(lambda _: question(terminal) == shown)


def answer(terminal: Terminal, text: str) -> None:
    """Type an answer, then Enter, which counts only if it arrives alone."""
    terminal.press(text)
    terminal.wait_for(rf"{text}\s*\Z")
    terminal.press(ENTER)


def open_ticket(session: Session, terminal: Terminal, count: str) -> None:
    """Fill in a bid that will not fill, up to its confirmation."""
    terminal.choose("2", "Search markets or enter a ticker")
    terminal.type("temperature")
    terminal.wait_for("Search again")
    bids = re.findall(r"^[ ▸]+(\d+)  +(\d+)(?:\.\d)?¢/", terminal.screen, re.MULTILINE)
    terminal.press(next(key for key, bid in bids if int(bid) >= 10))
    for asked, keys in (
        ("Choose a side", "1"),
        ("Order type", "1"),
        ("YES limit price", "2" + ENTER),
        ("Quantity", count + ENTER),
    ):
        terminal.wait_for(rf"{asked}[^›]*\Z")
        terminal.press(keys)


def test_sending_canceling_and_leaving_with_orders(session: Session) -> None:
    with program(session.home, columns=WIDE, KALSHI_SOFT_ORDER_COUNT="5") as terminal:
        for count in ("6", "7"):
            open_ticket(session, terminal, count)
            list_withstands(session, terminal, "Place this order")
            terminal.press("1")
            text_withstands(session, terminal, "To confirm, type the quantity")
            answer(terminal, count)
            terminal.wait_for(rf"Open: BUY {count} YES at 2¢")
        terminal.choose("4", "Cancel which order")
        list_withstands(session, terminal, "Cancel which order")
        terminal.press("1")
        terminal.wait_for(r": Canceled \d+ contracts?\.")
        terminal.menu()
        terminal.press("0")
        list_withstands(session, terminal, "You have 1 open order. Keep or cancel")
        terminal.press("x")
        list_withstands(session, terminal, "Cancel 1 order")
        terminal.press("c")
        assert terminal.exit_status() == 0
        assert terminal.text.count(": Canceled ") == 2


def test_allowing_orders_after_a_panic_and_leaving(session: Session) -> None:
    with program(session.home, columns=WIDE) as terminal:
        terminal.choose("4", "Cancel which order")
        terminal.decide("Cancel which order", "p")
        terminal.choose("4", "Unlock trading")
        list_withstands(session, terminal, "Cancel which order")
        terminal.press("r")
        text_withstands(session, terminal, "Type ALLOW")
        answer(terminal, "ALLOW")
        terminal.wait_for(r"Trading is unlocked\.")
        terminal.menu()
        terminal.press(CTRL_C)
        list_withstands(session, terminal, "Exit the program")
        terminal.press("0")
        terminal.menu()
        terminal.press("0")
        list_withstands(session, terminal, "Exit the program")
        terminal.press("e")
        assert terminal.exit_status() == 0


def test_closing_a_position(session: Session) -> None:
    with program(session.home, columns=WIDE) as terminal:
        terminal.choose("1", r"Account value .*Refresh\s*\Z")
        for keys, then in (
            ("1", "Which position"),
            ("1", "Close all or part"),
            ("1", "Quantity to sell"),
            (ENTER, "Order type"),
            ("1", "limit price"),
            ("99" + ENTER, "Place this order"),
        ):
            terminal.press(keys)
            terminal.wait_for(rf"{then}[^›]*\Z")
        list_withstands(session, terminal, "Place this order")
        _, _, before = session.state()
        terminal.press("1")
        terminal.wait_for("─ Result ─.*(Open|Filled|Partly filled): ")
        _, _, after = session.state()
        assert len(after) == len(before) + 1


def test_replacing_an_export_and_deleting_old_records(session: Session) -> None:
    table, old = session.home / "mine.csv", session.home / "logs/practice/errors-2020-01-01.log"
    table.write_text("mine")
    old.parent.mkdir(parents=True)
    old.write_text("2020-01-01T12:00:00.000Z error oh\n")
    with program(session.home, columns=WIDE) as terminal:
        terminal.choose("8", "Which records")
        terminal.press("3")
        terminal.wait_for("Export which table")
        terminal.press("3")
        terminal.wait_for("File [(].csv or .jsonl")
        terminal.type(str(table))
        list_withstands(session, terminal, "[^\n]*mine.csv already exists")
        terminal.press("1")
        terminal.wait_for(r"written to \S+mine\.csv")
        assert table.read_text() != "mine"
        terminal.choose("8", "Which records")
        terminal.press("6")
        text_withstands(session, terminal, "Type DELETE")
        answer(terminal, "DELETE")
        terminal.wait_for("Deleted 1 file")
        assert not old.exists()


def test_allowing_orders_in_production(session: Session) -> None:
    """The practice exchange plays the real one."""
    settings = {
        "KALSHI_ENVIRONMENT": "production",
        "KALSHI_API_BASE_URL": session.exchange.url,
        "KALSHI_API_KEY": session.exchange.key_id,
        "KALSHI_API_SECRET": session.exchange.private_key_path,
    }
    with program(session.home, columns=WIDE, **settings) as terminal:
        text_withstands(session, terminal, "Type PRODUCTION to trade real money")
        answer(terminal, "PRODUCTION")
        terminal.menu()
        assert "READ-ONLY" not in terminal.text
        terminal.leave()
        assert terminal.exit_status() == 0


def test_placing_orders_to_verify(session: Session) -> None:
    with program(session.home, "verify", "--trade", columns=WIDE) as terminal:
        list_withstands(session, terminal, "Place about 20 orders")
        terminal.press("1")
        terminal.wait_for("No orders were placed")
        assert terminal.exit_status() == 0


PROVEN = {
    "menu._prepare: ask",
    "trade._ask_to_send: choose",
    "trade._ask_for_count: ask",
    "orders.cancel_order: choose",
    "orders._allow_orders: ask",
    "exit._ask_what_to_do: choose",
    "exit._confirm_cancel: choose",
    "export._ask_to_replace: choose",
    "records.sizes: ask",
    "verify.confirm: choose",
}


def consequential_questions() -> set[str]:
    """Return the functions that ask a consequential question, and their calls.

    The flag must be a literal, never a variable.
    """
    found = set()
    for path in (PROJECT / "kalshi_trading").rglob("*.py"):
        tree = ast.parse(path.read_text())
        for function in (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)):
            for call in (node for node in ast.walk(function) if isinstance(node, ast.Call)):
                if "is_consequential=True" in map(ast.unparse, call.keywords):
                    assert isinstance(call.func, ast.Attribute)
                    found.add(f"{path.stem}.{function.name}: {call.func.attr}")
    return found


def test_every_consequential_question_is_among_these() -> None:
    assert consequential_questions() == PROVEN
