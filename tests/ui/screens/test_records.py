"""The records screen: review, errors, search, follow, size, deletion."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from scripted_prompter import BACK, ESCAPE, ScriptedPrompter
from zones import local_noon

from kalshi_trading.config import load_settings
from kalshi_trading.core.errors import JournalError
from kalshi_trading.history.log_review import event_of
from kalshi_trading.journal.files.log_files import LogSize
from kalshi_trading.journal.records import JournalRecord
from kalshi_trading.settings.credentials import Credentials
from kalshi_trading.trade_logger import TradeLogger
from kalshi_trading.ui.app import AppContext
from kalshi_trading.ui.program import build_app
from kalshi_trading.ui.prompts.prompter import LeaveTask
from kalshi_trading.ui.screens import account as account_screens
from kalshi_trading.ui.screens import records as record_screens
from kalshi_trading.ui.views import records as records_view

NOON = local_noon(2026, 11, 21)
TICKER = "KXHIGHNY-26NOV21-B46.5"
ORDER = {
    "client_order_id": "0d9f6c3e-0001",
    "ticker": TICKER,
    "action": "buy",
    "side": "yes",
    "count": "10",
    "price": "0.5600",
}
Start = Callable[..., AppContext]


class RecordsSession:
    """Records in a folder, with a settable clock and a scripted user."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.now = NOON
        self.log = TradeLogger(folder, "practice", clock=lambda: self.now)

    def show(self, *answers: str, at: Callable[[AppContext], None] = record_screens.records) -> str:
        """Answer a screen and return its text, including wrapped line breaks."""
        prompter = ScriptedPrompter(*answers)
        app = self.app(prompter)
        at(app)
        prompter.assert_all_used()
        return app.console.export_text(clear=False)

    def review(self, *answers: str) -> str:
        """Answer up to a page of records, go back and leave; return the text."""
        prompter = ScriptedPrompter(*answers, "0", BACK)
        app = self.app(prompter)
        with pytest.raises(LeaveTask):
            record_screens.records(app)
        prompter.assert_all_used()
        return app.console.export_text(clear=False)

    def app(self, prompter: ScriptedPrompter) -> AppContext:
        loaded = load_settings(
            {"KALSHI_LOG_DIR": str(self.folder), "KALSHI_DATA_DIR": str(self.folder)}, None
        )
        key = Credentials("key", Ed25519PrivateKey.generate())
        nowhere = replace(loaded, api_base_url="http://127.0.0.1:9", credentials=key)
        console = Console(file=io.StringIO(), width=80, record=True, emoji=False, markup=False)
        return replace(build_app(nowhere, console, prompter, read_only=False), clock=lambda: self.now)

    def trade(self, number: int = 0) -> None:
        sentence = f"BUY {number + 1} YES {TICKER} at 56¢, good till canceled"
        self.log.log_order_step("intent", {**ORDER, "sentence": sentence})
        self.now += timedelta(seconds=1)


@pytest.fixture
def session(tmp_path: Path) -> RecordsSession:
    return RecordsSession(tmp_path)


# --- Review ---------------------------------------------------------------------------------------


def test_recent_events_are_newest_first_by_day(session: RecordsSession) -> None:
    session.trade()
    session.now += timedelta(days=1)
    session.log.log_order_step("rejected", {**ORDER, "reason": "the market is closed"})
    rows = [row.rstrip() for row in session.review("1").splitlines()]
    second, first = session.now.astimezone(), NOON.astimezone()
    assert rows[:5] == [
        f"{second:%a %b %d, %Y}",
        f"{second:%H:%M:%S} rejected  {TICKER}  BUY 10 YES at 56¢: the market is",
        f"{'':19}closed",
        f"{first:%a %b %d, %Y}",
        f"{first:%H:%M:%S} confirmed {TICKER}  BUY 1 YES at 56¢, good till canceled",
    ]
    assert all(len(row) <= 80 for row in rows)


def test_a_fill_keeps_its_average_and_its_fee_at_eighty_columns(session: RecordsSession) -> None:
    fill = {"fill_count": "20", "average_price": "0.3725", "fee": "0.1234", "sentence": "BUY 20 YES at 37¢"}
    session.log.log_order_fill({**ORDER, **fill})
    assert "BUY 20 YES at 37¢: 20 filled at 37.25¢ on average, fee $0.1234" in " ".join(
        session.review("1").split()
    )


def test_older_events_come_page_by_page_and_each_once(session: RecordsSession) -> None:
    for number in range(45):
        session.trade(number)
    text = session.review("1", "1", "1")
    bought = [int(row.split("BUY ")[1].split()[0]) for row in text.splitlines() if "BUY" in row]
    assert bought == list(range(45, 0, -1))


def test_the_last_page_stays_and_offers_no_older_ones(
    session: RecordsSession,
) -> None:
    for number in range(record_screens.PAGE):
        session.trade(number)
    assert session.review("1").count("BUY") == record_screens.PAGE
    with pytest.raises(AssertionError):  # no such choice
        session.show("1", "1")


def test_an_empty_journal_says_so(session: RecordsSession) -> None:
    assert "The journal is empty." in session.show("1", "0")
    assert "No errors recorded." in session.show("2", "0")
    prompter = ScriptedPrompter("4", "fish", BACK)
    app = session.app(prompter)
    with pytest.raises(LeaveTask):
        record_screens.records(app)
    assert prompter.defaults == ["", "fish"]  # another search is possible
    assert "No records match “fish”." in app.console.export_text()


@pytest.mark.parametrize("damaged", [1, record_screens.PAGE + 5])
def test_a_journal_whose_newest_lines_are_damaged_is_not_called_empty(
    session: RecordsSession, damaged: int
) -> None:
    session.trade()
    with session.log.trades_path.open("ab") as file:
        file.write(b"garbage\n" * damaged)
    answers = ["1"] if damaged > record_screens.PAGE else []
    text = session.review("1", *answers)
    assert text.count(": unreadable") == damaged
    assert "BUY" in text
    assert "empty" not in text
    assert "Only unreadable" not in text


def test_only_damaged_lines_are_reported_as_such(session: RecordsSession) -> None:
    session.trade()
    for path in (session.log.trades_path, session.log.errors_path):
        path.write_bytes(b"garbage\n")
    for task, wrong in (("1", "empty"), ("2", "No errors")):
        text = session.review(task)
        assert "Only unreadable lines found." in text
        assert wrong not in text
        assert "Details by reference" not in text


def test_damaged_lines_are_shown_in_place_with_file_and_line(session: RecordsSession) -> None:
    session.trade()
    with session.log.trades_path.open("ab") as file:
        file.write(b"garbage\n")
    session.trade()
    with session.log.trades_path.open("ab") as file:
        file.write(b"2026-11-21T12:00")
    text = session.review("1")
    places = [text.index(words) for words in ("line 4 (cut short)", "BUY", "trades.log line 2: unreadable")]
    assert places == sorted(places)
    assert text.count("✗ damaged") == 2


def test_a_damaged_journal_is_not_called_empty(session: RecordsSession) -> None:
    session.log.folder.mkdir(parents=True)
    session.log.trades_path.write_bytes(b"\0\0\0\n")
    text = session.review("1")
    assert "trades.log line 1: unreadable" in text


def test_a_journal_that_cannot_be_read_is_a_journal_error(session: RecordsSession) -> None:
    session.log.errors_path.mkdir(parents=True)
    for entry in (["2"], ["4", "fish"], ["5"]):
        with pytest.raises(JournalError, match=r"errors\.log"):
            session.show(*entry)


def test_errors_are_shown_with_the_reference_they_are_found_by_and_never_a_traceback(
    session: RecordsSession,
) -> None:
    references = []
    for number in range(2):
        try:
            raise ZeroDivisionError(f"cause {number}")
        except ZeroDivisionError as error:
            references.append(session.log.log_error(f"Problem {number}", error))
        session.now += timedelta(minutes=1)
    text = session.review("2")
    places = [text.index(f"[{references[1]}] Problem 1"), text.index(f"[{references[0]}] Problem 0")]
    assert places == sorted(places)
    assert "Traceback" not in text
    assert "cause" not in text
    assert "errors.log" in text.replace("\n", "")


HOSTILE = [
    "\x1b[2J",
    "\x9b31m",
    "\u202e",
    "\u2066",
    "[bold red]",
    "[link=http://evil]x[/link]",
    ":bomb:",
    "\n\n",
    "\r",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_that_a_log_holds_moves_the_cursor_or_is_read_as_markup(
    session: RecordsSession, text: str
) -> None:
    session.log.log_order_step("rejected", {**ORDER, "ticker": f"A{text}B", "reason": f"C{text}D"})
    session.log.log_error(f"E{text}F")
    shown = session.review("1") + session.review("2") + session.review("4", "c")
    assert not set(shown) & {"\x1b", "\x9b", "\u202e", "\u2066", "\r"}
    if text.startswith(("[", ":")):
        assert f"C{text}D" in shown
        assert f"E{text}F" in shown


@given(market=st.text(), reason=st.text())
def test_any_text_is_one_line_of_the_screen(market: str, reason: str) -> None:
    console = Console(file=io.StringIO(), width=2000, record=True, emoji=False, markup=False)
    record = JournalRecord(NOON, "order.rejected", {"ticker": market, "reason": reason})
    console.print(records_view.new_lines([event_of(record)]))
    (row,) = console.export_text().splitlines()
    assert row.startswith(f"{NOON.astimezone():%H:%M:%S}")


# --- Search ---------------------------------------------------------------------------------------


def test_a_search_finds_all_words_in_any_case_over_all_kept_files_of_all_logs(
    session: RecordsSession,
) -> None:
    session.trade(6)
    session.now += timedelta(days=1)
    session.log.log_error("While reading KXHIGHNY: the answer broke off", ValueError("seven of eight"))
    session.now += timedelta(days=1)
    session.trade(7)
    (session.log.folder / "requests-2026-11-20.log").write_text(
        "2026-11-20T10:00:00.000+00:00 INFO GET /markets/KXHIGHNY 200 7 ms\n"
    )
    assert [path.name for path in sorted(session.log.folder.glob("*.gz"))] == ["trades-2026-11-21.log.gz"]
    text = " ".join(session.review("4", "kxhighny").split())
    words = ("BUY 8 YES", "the answer broke off", "BUY 7 YES", "GET /markets/KXHIGHNY")
    places = [text.index(each) for each in words]
    assert places == sorted(places)
    assert "BUY 7 YES" in session.review("4", "buy CONFIRMED 7")
    assert "BUY 8 YES" not in session.review("4", "buy confirmed 7")
    assert "broke off" in session.review("4", "eight")  # it is in the traceback


def test_a_search_reports_what_it_could_not_read(session: RecordsSession) -> None:
    session.trade()
    with session.log.trades_path.open("ab") as file:
        file.write(b"garbage\n")
    text = session.review("4", "fish")
    assert "trades.log line 2: unreadable" in text
    assert "No records match “fish”." in text


def test_a_search_shows_damage_in_place(session: RecordsSession) -> None:
    session.trade(1)
    with session.log.trades_path.open("ab") as file:
        file.write(b"garbage\n")
    session.trade(2)
    session.log.log_error("BUY an error")
    text = session.review("4", "buy")
    places = [text.index(words) for words in ("BUY an error", "BUY 3", "trades.log line 2", "BUY 2")]
    assert places == sorted(places)


def test_a_search_that_is_left_leads_back(session: RecordsSession) -> None:
    with pytest.raises(LeaveTask):
        session.show("4", BACK)


# --- Going back -----------------------------------------------------------------------------------

RECORDS, SEARCH = "Which records?", "Search records (all words must match)"


@pytest.mark.parametrize(
    ("keys", "landed", "kept"),
    [
        (["1", "0"], RECORDS, "Recent events"),
        (["1", ESCAPE], RECORDS, "Recent events"),
        (["2", "0"], RECORDS, "Errors"),
        (["3", "0"], RECORDS, "Export"),
        (["3", ESCAPE], RECORDS, "Export"),
        (["4", ESCAPE], RECORDS, "Search"),
        (["4", "BUY yes", "0"], SEARCH, "BUY yes"),
        (["4", "BUY yes", ESCAPE], SEARCH, "BUY yes"),
        (["6", ESCAPE], RECORDS, "Disk usage"),
    ],
)
def test_going_back_asks_the_question_before_with_its_answer_kept(
    session: RecordsSession, keys: list[str], landed: str, kept: str
) -> None:
    old_and_new(session)
    prompter = ScriptedPrompter(*keys, BACK)
    with pytest.raises(LeaveTask):
        record_screens.records(session.app(prompter))
    prompter.assert_all_used()
    assert prompter.questions[-1] == landed
    assert (prompter.marked if landed == RECORDS else prompter.defaults)[-1].startswith(kept)


# --- Follow ---------------------------------------------------------------------------------------


def test_following_shows_what_any_session_writes_over_a_midnight_until_ctrl_c(
    session: RecordsSession,
) -> None:
    session.trade(0)
    other = TradeLogger(session.folder, "practice", clock=lambda: session.now)

    def next_day() -> None:
        session.now += timedelta(days=1)
        session.trade(2)
        other.log_error("An error of another session")

    def end() -> None:
        raise KeyboardInterrupt

    happenings = iter([lambda: session.trade(1), lambda: None, next_day, end])
    text = session.show(at=lambda app: record_screens.follow(app, wait=lambda _: next(happenings)()))
    assert "BUY 1 YES" not in text
    assert text.count("BUY 2 YES") == 1
    assert text.count("BUY 3 YES") == 1
    assert text.count("An error of another session") == 1
    assert text.rstrip().endswith("Stopped following.")


# --- Size and deleting ----------------------------------------------------------------------------


def old_and_new(session: RecordsSession) -> None:
    """Write to all logs, fifty days ago and today."""
    session.now -= timedelta(days=50)
    for days in (0, 50):
        session.now += timedelta(days=days)
        session.trade()
        session.log.log_error("oh")


def kept(session: RecordsSession) -> list[Path]:
    return sorted(path for path in session.log.folder.iterdir() if ".log" in path.name)


def test_the_size_of_all_records_is_shown_there_and_under_account(session: RecordsSession) -> None:
    session.trade()
    session.log.log_error("oh")
    logs = session.log.log_sizes()
    total = records_view.total_size(logs)
    assert total == f"{sum(log.stored_bytes for log in logs.values())} B in 2 files"
    text = session.show("6")
    assert f"Total {total}" in text
    assert "DELETE" not in text
    # that screen asks the exchange, which is unreachable: errors.log grows
    assert re.search(r"B in [23] files", " ".join(session.show("0", at=account_screens.account).split()))


def test_the_oldest_day_is_that_of_the_oldest_line_also_where_nothing_was_put_aside(
    session: RecordsSession,
) -> None:
    session.trade()
    session.now += timedelta(days=5)
    (row,) = [row for row in session.show("6").splitlines() if row.split()[:1] == ["journal"]]
    assert "2026-11-21" in row


def test_old_errors_are_deleted_at_the_typed_word_alone_and_the_journal_never(
    session: RecordsSession,
) -> None:
    old_and_new(session)
    before = kept(session)
    for answer in ("delete", "y", ""):
        assert "Nothing was deleted." in session.show("6", answer)
        assert kept(session) == before
    assert "Deleted 1 file. The journal is unchanged." in session.show("6", "DELETE")
    assert len(session.log.read_errors()) == 1
    assert len(session.log.read_journal().records) == 2
    assert session.log.log_sizes()["trades.log"].files == 2


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (1_234_567, "1.2 MB"),
        (999_999_999, "999.9 MB"),
        (7_000_000_000_000, "7,000 GB"),
    ],
)
def test_a_size_is_written_in_the_unit_where_it_has_few_digits(size: int, text: str) -> None:
    assert records_view.size_text(size) == text
    assert records_view.total_size({"x": LogSize(1, size, None)}) == f"{text} in 1 file"
