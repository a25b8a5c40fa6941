"""A newcomer's first session, from search to history.

Search, buy, place an open bid, cancel it, look at portfolio and history.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import proof
import pytest
from cases import naming
from terminal import CTRL_C, CTRL_D, ENTER, Terminal, program

pytestmark = pytest.mark.journey
DOWN = "\x1b[B"


def _open_market(terminal: Terminal) -> str:
    """Search for a word and take the first market with a bid and an ask.

    Return its ticker.
    """
    terminal.choose("2", "Search markets or enter a ticker")
    terminal.type("temperature")
    terminal.wait_for("Search again")
    rows = re.findall(r"^[ ▸]+(\d+)  +(\d+(?:\.\d)?)¢/(\d+(?:\.\d)?)¢ ", terminal.text, re.MULTILINE)
    quoted = [key for key, bid, ask in rows if float(bid) >= 20 and float(ask) <= 80]
    assert quoted, terminal.text
    terminal.press(DOWN * (int(quoted[0]) - 1) + ENTER)
    return terminal.wait_for(r"╭─ (KX[A-Z0-9.-]+) ─")[1]


def _buy(terminal: Terminal, count: str, price: str) -> None:
    """Fill in the ticket for a purchase of YES, up to its confirmation."""
    terminal.wait_for("Choose a side")
    terminal.press("1")
    terminal.wait_for("Order type")
    terminal.press("1")
    terminal.wait_for("YES limit price")
    if price:
        terminal.type(price)
    else:
        terminal.press(ENTER)
    terminal.wait_for("Quantity")
    terminal.type(count)


def _send(terminal: Terminal) -> None:
    """Confirm until the result appears.

    After a market move the program asks again; until then it must send nothing.
    """
    asked = r"Place this order\?[^\n]*\n[^\n]*0  Back[^\n]*\n +1  Place order[^\n]*\s*\Z"
    results = terminal.text.count("─ Result ─")
    terminal.wait_for(asked)
    for _ in range(5):
        terminal.decide("Place this order", "1")
        terminal.wait_until(lambda text: not re.search(asked, text))
        terminal.wait_until(lambda text: bool(re.search(asked, text)) or text.count("─ Result ─") > results)
        if terminal.text.count("─ Result ─") > results:
            return
        assert "Ticket changed" in terminal.text
    raise AssertionError(terminal.text)


def test_search_buy_rest_cancel_portfolio_history(home: Path) -> None:
    journal = home / "logs/practice/trades.log"
    earlier = journal.read_text() if journal.exists() else ""  # from other journeys of this home
    with program(home) as terminal:
        ticker = _open_market(terminal)
        _buy(terminal, "10", "")
        _send(terminal)
        terminal.wait_for(r"Filled: bought 10 YES at [\d.]+¢ · fee \$0\.\d\d")

        terminal.choose("2", "Search markets or enter a ticker:[^\n]*\\s*\\Z")
        terminal.type(ticker)
        _buy(terminal, "7", "2")
        _send(terminal)
        terminal.wait_for(r"Open: BUY 7 YES at 2¢")

        terminal.choose("3", r"BUY 7 YES at 2¢.*?0 +7 .*Refresh\s*\Z")
        terminal.press("0")
        terminal.choose("4", r"7 YES at 2¢  KX")
        terminal.decide("Cancel which order", "1")
        terminal.wait_for(r"Canceled 7 contracts\.")

        terminal.choose("1", r"Unrealized P&L +[−+]?\$.*10 YES.*Refresh\s*\Z")
        terminal.press("0")
        terminal.choose(
            "5", r"BUY 7 YES at 2¢[^\n]*canceled.*BUY 10 YES[^\n]*filled +10 .*Daily totals[^\n]*\s*\Z"
        )
        terminal.press("0")
        terminal.leave()
        assert terminal.exit_status() == 0

    events = [line.split(" ", 2) for line in journal.read_text().removeprefix(earlier).splitlines()]
    names = [event for _, event, _ in events]
    assert names[:4] == ["order.intent", "order.sending", "order.acknowledged", "order.fill"]
    assert json.loads(events[0][2])["ticker"] == ticker


@pytest.mark.parametrize("key", [CTRL_C, CTRL_D])
def test_leaving_at_every_question_of_a_trade_sends_nothing(home: Path, key: str) -> None:
    """Ctrl-C and Ctrl-D lead back to the menu from each question in turn."""
    for questions in proof.sample_journeys(range(6)):
        with naming(f"{questions} questions answered"), program(home) as terminal:
            _open_and_answer(terminal, questions)
            terminal.press(key)
            terminal.wait_for("Back to the menu")
            terminal.leave()
            assert terminal.exit_status() == 0
            assert "─ Result ─" not in terminal.text
            assert "Traceback" not in terminal.text


def _open_and_answer(terminal: Terminal, questions: int) -> None:
    """Begin a trade and stop at one of its questions.

    These are search, direction, kind, price, count and confirmation.
    """
    terminal.choose("2", "Search markets or enter a ticker")
    steps = [
        ("temperature" + ENTER + "1", "Choose a side"),
        ("1", "Order type"),
        ("1", "YES limit price"),
        (ENTER, "Quantity"),
        (ENTER, "Place this order"),
    ]
    for keys, question in steps[:questions]:
        if keys.startswith("temperature"):
            terminal.press("temperature" + ENTER)
            terminal.wait_for("Search again")
            keys = "1"
        terminal.press(keys)
        terminal.wait_for(question)


HEADER = "Market open"
QUESTION = "Refresh|Daily totals|Cancel which order|Search markets|Which records"


def _count(pattern: str, text: str) -> int:
    return len(re.findall(pattern, text))


def test_every_menu_entry_comes_back_to_the_menu(home: Path) -> None:
    with program(home) as terminal:
        for entry in "1345689":
            terminal.menu()
            headers, questions = _count(HEADER, terminal.text), _count(QUESTION, terminal.text)
            terminal.press(entry)
            if entry != "3":
                terminal.wait_until(lambda text, seen=questions: _count(QUESTION, text) > seen, entry)
                terminal.press(CTRL_C)
            terminal.wait_until(lambda text, seen=headers: _count(HEADER, text) > seen, f"menu after {entry}")
        terminal.leave()
        assert terminal.exit_status() == 0
        assert "unexpected" not in terminal.text.lower()


@pytest.mark.parametrize("key", [CTRL_C, CTRL_D])
def test_leaving_at_the_menu_asks_before_it_ends_the_program(home: Path, key: str) -> None:
    with program(home) as terminal:
        terminal.menu()
        terminal.press(key)
        terminal.decide("Exit the program", key)
        terminal.wait_for("Back to the menu\\.")
        terminal.menu()
        terminal.press(key)
        terminal.decide("Exit the program", "e")
        assert terminal.exit_status() == 0


def test_bad_answers_get_one_sentence_and_are_asked_again(home: Path) -> None:
    journal = home / "logs/practice/trades.log"
    earlier = journal.read_text() if journal.exists() else ""  # from other journeys of this home
    with program(home) as terminal:
        _open_market(terminal)
        terminal.press("1")
        terminal.wait_for("Order type")
        terminal.press("1")
        terminal.wait_for("YES limit price")
        terminal.type("55.55")
        terminal.wait_for("is not a valid price here. Try ")
        terminal.type("150")
        terminal.wait_for("Enter a price above 0¢ and below 100¢")
        terminal.type("57")
        terminal.wait_for("Quantity")
        for bad in ("ten", "-5", "1e3", "2.345", "١٠", "$", "$1e3", "$0.05"):
            terminal.type(bad)
        terminal.wait_for(r"too little\. One contract costs up to \$0\.5.*Quantity[^\n]*\s*\Z")
        terminal.press(CTRL_C)
        terminal.wait_for("Back to the menu")
        terminal.menu()
    written = journal.read_text() if journal.exists() else ""
    assert " order." not in written.removeprefix(earlier)


def test_the_narrow_screen_stays_readable(home: Path) -> None:
    with program(home, columns=80, rows=24, NO_COLOR="1") as terminal:
        terminal.choose("9", r"Request limit.*1 Refresh\s*\Z")
        assert "Environment" in terminal.screen
        assert "Daily orders" in terminal.screen
        terminal.press("0")
        terminal.menu()
        assert all(len(line) <= 80 for line in terminal.text.splitlines())
        assert b"\x1b[31m" not in terminal.raw
        terminal.leave()
        assert terminal.exit_status() == 0


def test_the_portfolio_fits_a_narrow_screen_and_arrows_choose(home: Path) -> None:
    with program(home, columns=80, rows=24) as terminal:
        terminal.choose("1", r"Account value .*Refresh\s*\Z")
        assert "Account value" in terminal.screen
        assert "Net P&L" in terminal.screen
        assert "0 Back  1 View or close" in terminal.screen
        terminal.press("\x1b[C" * 4 + ENTER)
        terminal.wait_for("Sort by")
        terminal.press(CTRL_C)
        terminal.wait_for(r"Back to the menu\.")
        terminal.menu()


def test_a_digit_is_the_entry_with_that_digit_on_the_screen(home: Path) -> None:
    with program(home) as terminal:
        terminal.choose("2", "Search markets or enter a ticker")
        terminal.type("temperature")
        terminal.wait_for("page 1 of 2")
        terminal.press("]")
        row = terminal.wait_for(r"\n[ ▸]+2  +\S+/\S+ +\d+ \w+ +(KX\S+)  [^\n]*[^›]*page 2 of 2")
        terminal.press("2")
        page = terminal.wait_for(r"╭─ (KX[A-Z0-9.-]+) ─.*?YES pays if: ")
        assert page[1] == row[1]
        terminal.wait_for("Choose a side")
        terminal.press(CTRL_C)
        terminal.menu()
