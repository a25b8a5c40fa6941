"""The journal keeps each event whole, in one line, and exports as CSV.

No line is ever lost, torn or rewritten.
"""

from __future__ import annotations

import csv
import errno
import json
import logging
import logging.config
import os
import re
import shutil
import stat
import subprocess
import sys
import threading
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from cases import naming
from hypothesis import given
from hypothesis import strategies as st
from zones import local_noon

from kalshi_trading import compose, config, trade_logger
from kalshi_trading.core.errors import InvalidInputError, JournalError
from kalshi_trading.journal.order_log import logged_orders
from kalshi_trading.trade_logger import TradeLogger, account_fingerprint, open_request_log

PROJECT = Path(__file__).resolve().parent.parent
AT = datetime(2026, 11, 21, 14, 50, 0, 123456, UTC)
LINE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d\d:\d\d order\.intent \{.*\}\n")
INTENT = {
    "client_order_id": "0d9f6c3e-0001-4b7a-8e55-c0ffee000001",
    "ticker": "KXHIGHNY-26NOV21-B46.5",
    "action": "buy",
    "side": "yes",
    "count": Decimal("2.50"),
    "price": Decimal("0.0550"),
    "post_only": False,
    "order_id": None,
}


def journal_in(folder):
    return TradeLogger(folder, "practice", clock=lambda: AT)


@pytest.fixture
def journal(tmp_path):
    return journal_in(tmp_path / "logs")


def lines_of(journal):
    return [f"{line}\n" for line in journal.trades_path.read_text(encoding="utf-8").split("\n")[:-1]]


# --- Writing --------------------------------------------------------------------------------------


def test_an_event_is_one_line_with_time_name_and_every_number_as_text(journal):
    journal.log_order_step("intent", INTENT)
    (line,) = lines_of(journal)
    assert LINE.fullmatch(line)
    when, event, body = line.split(" ", 2)
    fields = json.loads(body)
    assert datetime.fromisoformat(when) == AT.replace(microsecond=123000)
    assert event == "order.intent"
    assert fields == INTENT | {"environment": "practice", "count": "2.50", "price": "0.0550"}


def test_every_kind_of_event_has_its_name(journal):
    journal.log_order_step("sending", {})
    journal.log_order_fill({})
    journal.log_cancel_step("requested", {})
    events = [record.event for record in journal.read_journal().records]
    assert events == ["order.sending", "order.fill", "cancel.requested"]


def test_only_the_owner_can_read_the_journal_and_its_folder(journal):
    before = os.umask(0)
    try:
        journal.log_order_step("intent", INTENT)
        journal.log_error("oh")
    finally:
        os.umask(before)
    assert stat.S_IMODE(journal.trades_path.stat().st_mode) == 0o600
    assert stat.S_IMODE(journal.errors_path.stat().st_mode) == 0o600
    assert stat.S_IMODE(journal.trades_path.parent.stat().st_mode) == 0o700


def test_each_environment_has_a_journal_of_its_own(tmp_path):
    TradeLogger(tmp_path, "sandbox").log_order_step("intent", INTENT)
    assert TradeLogger(tmp_path, "production").read_journal().records == ()


@pytest.mark.parametrize("text", ["two\nlines\r\n", "é 50¢ – 46°", "\u2028", "\x00\x1b[2J", "\ud800", '"{}"'])
def test_any_text_stays_on_its_line_and_comes_back(journal, text):
    journal.log_order_step("rejected", {"reason": text})
    journal.log_order_step("intent", INTENT)
    reading = journal.read_journal()
    assert len(lines_of(journal)) == 2
    assert not reading.damage
    assert reading.records[0].exact_text("reason") == text


def test_a_value_that_is_neither_text_nor_number_is_a_mistake_of_the_program(journal):
    with pytest.raises(TypeError, match="cannot be stored in the journal"):
        journal.log_order_step("intent", {"price": object()})
    assert not journal.trades_path.exists()


def test_a_float_never_reaches_the_journal(journal):
    for number in (0.57, float("nan")):
        with pytest.raises(TypeError, match="float cannot be stored in the journal"):
            journal.log_order_step("intent", {"price": number})


def test_the_journal_only_grows(journal):
    before = b""
    for step in range(5):
        journal.log_order_step("intent", {"step": step})
        now = journal.trades_path.read_bytes()
        assert now.startswith(before)
        assert len(now) > len(before)
        before = now


def test_a_torn_tail_is_closed_so_that_the_next_line_stands_alone(journal):
    journal.log_order_step("intent", INTENT)
    torn = journal.trades_path.read_bytes() + b'2026-11-21T14:50:01.000+00:00 order.sending {"client'
    journal.trades_path.write_bytes(torn)
    journal.log_order_step("acknowledged", INTENT)
    reading = journal.read_journal()
    assert journal.trades_path.read_bytes().startswith(torn + b"\n")
    assert [record.event for record in reading.records] == ["order.intent", "order.acknowledged"]
    assert [str(line) for line in reading.damage.first] == ["trades.log line 2"]


def test_wherever_the_journal_is_cut_the_earlier_lines_and_the_next_one_survive(journal):
    for _ in range(3):
        journal.log_order_step("intent", INTENT)
    whole = journal.trades_path.read_bytes()
    size = len(whole) // 3
    for cut in range(len(whole) + 1):
        journal.trades_path.write_bytes(whole[:cut])
        os.utime(journal.trades_path, (AT.timestamp(),) * 2)  # the journal's clock, not this machine's
        kept = journal.read_journal()
        assert len(kept.records) == (cut + 1) // size
        assert len(kept.damage) == (cut % size != 0 and (cut + 1) % size != 0)
        if cut % 7 == 0:
            journal.log_order_step("acknowledged", INTENT)
            assert journal.read_journal().records[-1].event == "order.acknowledged"
            assert len(journal.read_journal().records) == len(kept.records) + 1


# --- Failures -------------------------------------------------------------------------------------


def test_a_full_disk_is_a_journal_error_and_nothing_else(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    journal = TradeLogger(tmp_path, "practice")
    monkeypatch.setattr(os, "write", refuse)
    with pytest.raises(JournalError, match="No space left") as caught:
        journal.log_order_step("intent", INTENT)
    assert str(journal.trades_path) in str(caught.value)


def test_a_folder_that_is_a_file_is_a_journal_error(tmp_path):
    (tmp_path / "logs").write_text("in the way")
    with pytest.raises(JournalError):
        TradeLogger(tmp_path / "logs", "practice").log_order_fill({})


def test_a_journal_that_is_a_folder_is_a_journal_error_for_writing_and_reading(journal):
    journal.trades_path.mkdir(parents=True)
    with pytest.raises(JournalError):
        journal.log_order_fill({})
    with pytest.raises(JournalError):
        journal.read_journal()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_permission_is_a_journal_error(journal):
    journal.trades_path.parent.mkdir(parents=True)
    journal.trades_path.parent.chmod(0o500)
    with pytest.raises(JournalError):
        journal.log_order_fill({})


def test_a_line_the_disk_takes_only_a_part_of_is_a_journal_error_and_the_next_one_is_whole(
    journal, monkeypatch
):
    write = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: write(descriptor, data[:40]))
    with pytest.raises(JournalError, match="only part of the line"):
        journal.log_order_step("intent", INTENT)
    monkeypatch.undo()
    journal.log_order_step("intent", INTENT)
    reading = journal.read_journal()
    assert (len(reading.records), [line.number for line in reading.damage.first]) == (1, [1])


def test_a_line_that_is_not_safely_on_the_disk_is_a_journal_error(journal, monkeypatch):
    def fails(descriptor):
        raise OSError(5, "Input/output error")

    journal.log_order_step("intent", INTENT)  # after this the folder needs no sync
    monkeypatch.setattr(os, "fsync", fails)
    with pytest.raises(JournalError, match="Input/output error"):
        journal.log_order_step("intent", INTENT)


def test_a_journal_deleted_while_running_starts_anew(journal):
    journal.log_order_step("intent", INTENT)
    shutil.rmtree(journal.folder)
    journal.log_order_step("intent", INTENT)
    assert len(journal.read_journal().records) == 1


DAMAGED = [
    b"garbage",
    b"\x00\x00\x00",
    b"\xff\xfe",
    b"2026-11-21T14:50:00+00:00 order.intent",
    b"2026-11-21T14:50:00+00:00 order.intent {",
    b"2026-11-21T14:50:00+00:00 order.intent []",
    b"2026-11-21T14:50:00 order.intent {}",
    b"0001-01-01T00:00:00+14:00 order.intent {}",
    b"9999-12-31T23:59:59-14:00 order.intent {}",
    b"yesterday order.intent {}",
    b"2026-11-21T14:50:00+00:00 ORDER {}",
    b'2026-11-21T14:50:00+00:00 order.intent {"a": ' + b"[" * 100_000 + b"}",
    b'2026-11-21T14:50:00+00:00 order.intent {"a": ' + b"9" * 5_000 + b"}",
]


def test_a_damaged_line_is_reported_by_its_number_and_hides_no_other(tmp_path):
    wrong = []
    for number, damage in enumerate(DAMAGED):
        journal = journal_in(tmp_path / str(number))
        with naming(damage[:60]):
            journal.log_order_step("intent", INTENT)
            good = journal.trades_path.read_bytes()
            journal.trades_path.write_bytes(good + b"\n" + damage + b"\n" + good)
            reading = journal.read_journal()
            history = journal.get_records(date(2026, 1, 1), date(2026, 12, 31))
        damaged = [line.number for line in reading.damage.first]
        if len(reading.records) != 2 or damaged != [3] or history != reading.records:
            wrong.append((damage[:60], reading, history))
    assert wrong == []


@given(place=st.integers(min_value=0), byte=st.integers(min_value=0, max_value=255))
def test_whatever_byte_is_changed_the_journal_can_be_read(journal, place, byte):
    journal.trades_path.unlink(missing_ok=True)
    for _ in range(3):
        journal.log_order_step("intent", INTENT)
    data = bytearray(journal.trades_path.read_bytes())
    data[place % len(data)] = byte
    journal.trades_path.write_bytes(data)
    assert len(journal.read_journal().records) >= 1
    journal.get_records(date(2026, 11, 20), date(2026, 11, 22))


def test_reading_never_changes_the_journal(journal):
    journal.trades_path.parent.mkdir(parents=True)
    journal.trades_path.write_bytes(b"torn" + bytes(range(256)))
    before = journal.trades_path.read_bytes()
    journal.read_journal()
    assert journal.trades_path.read_bytes() == before


def test_a_journal_that_does_not_exist_yet_is_empty_and_stays_unmade(journal):
    assert journal.read_journal().records == ()
    assert journal.get_records() == ()
    assert journal.read_errors() == ()
    assert not journal.trades_path.parent.exists()


def test_no_configuration_of_logging_turns_the_journal_off(journal):
    loggers = [each for each in logging.root.manager.loggerDict.values() if isinstance(each, logging.Logger)]
    enabled = [each for each in loggers if not each.disabled]
    logging.disable(logging.CRITICAL)
    try:
        logging.config.dictConfig({"version": 1, "disable_existing_loggers": True})
        journal.log_order_step("intent", INTENT)
    finally:
        logging.disable(logging.NOTSET)
        for each in enabled:
            each.disabled = False
    assert len(journal.read_journal().records) == 1


def test_every_record_says_whose_session_and_account_it_is(tmp_path):
    account = account_fingerprint("a-key-id")
    journal = TradeLogger(tmp_path, "practice", session_id="5e55", account=account)
    journal.log_order_step("intent", INTENT)
    journal.log_event("session.begun", {})
    stamps = {"environment": "practice", "session": "5e55", "account": account}
    for record in journal.read_journal().records:
        assert stamps.items() <= record.fields.items()
    assert re.fullmatch("[0-9a-f]{12}", account)
    assert account_fingerprint("another-key-id") != account


def test_only_what_concerns_an_order_waits_for_the_disk(journal, monkeypatch):
    journal.log_event("session.begun", {})
    flushed = []
    monkeypatch.setattr(os, "fsync", flushed.append)
    journal.log_event("session.ended", {})
    journal.log_event("clock.offset", {"seconds": 3})
    assert len(flushed) == 0
    journal.log_order_step("intent", INTENT)
    journal.log_cancel_step("requested", {})
    assert len(flushed) == 2


# --- Several writers ------------------------------------------------------------------------------


def test_threads_that_share_a_journal_lose_nothing(journal):
    def write(writer):
        for step in range(50):
            journal.log_order_step("intent", {"who": f"{writer}-{step}", "pad": "x" * 500})

    threads = [threading.Thread(target=write, args=(writer,)) for writer in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    reading = journal.read_journal()
    assert not reading.damage
    assert {record.text("who") for record in reading.records} == {
        f"{writer}-{step}" for writer in range(8) for step in range(50)
    }


WRITER = """
import sys
from pathlib import Path
from kalshi_trading.trade_logger import TradeLogger
journal = TradeLogger(Path(sys.argv[1]), "practice")
for step in range(100):
    journal.log_order_step("intent", {"who": f"{sys.argv[2]}-{step}", "pad": "x" * 700})
"""


def test_processes_that_share_a_journal_lose_nothing(journal):
    folder = str(journal.trades_path.parent.parent)
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, folder, str(number)], cwd=PROJECT)
        for number in range(4)
    ]
    assert [writer.wait(timeout=60) for writer in writers] == [0, 0, 0, 0]
    reading = journal.read_journal()
    assert not reading.damage
    assert {record.text("who") for record in reading.records} == {
        f"{number}-{step}" for number in range(4) for step in range(100)
    }
    assert len(reading.records) == 400


# --- History --------------------------------------------------------------------------------------


def test_the_history_of_a_day_is_that_of_the_local_day_both_ends_included(tmp_path):
    now = [AT]
    journal = TradeLogger(tmp_path, "practice", clock=lambda: now[0])
    noon = AT.astimezone().replace(hour=12, minute=0)
    for days in range(4):
        now[0] = noon + timedelta(days=days)
        journal.log_order_step("intent", {"day": days})
    first = noon.date()
    days = journal.get_records(first + timedelta(days=1), first + timedelta(days=2))
    assert [record.text("day") for record in days] == ["1", "2"]
    assert len(journal.get_records(start_date=first + timedelta(days=1))) == 3
    assert len(journal.get_records(end_date=first)) == 1
    assert len(journal.get_records()) == 4


@pytest.mark.parametrize(
    ("start", "end", "days"),
    [
        ("today", None, "21"),
        ("yesterday", "yesterday", "20"),
        ("3d", "today", "19 20 21"),
        ("2026-10", "2026-10", "31"),
        ("2026-10", "2026-11", "31 1 19 20 21"),
        (None, "2026-11-19", "31 1 19"),
        (date(2026, 11, 1), "2026-11-19", "1 19"),
        (local_noon(2026, 11, 20), None, "20 21"),
        ("2025", "2025", ""),
    ],
)
def test_the_days_of_a_history_can_be_said_in_words(tmp_path, start, end, days):
    now = [local_noon(2026, 10, 31)]
    journal = TradeLogger(tmp_path, "practice", clock=lambda: now[0])
    for month, day in ((10, 31), (11, 1), (11, 19), (11, 20), (11, 21)):
        now[0] = local_noon(2026, month, day)
        journal.log_event("session.begun", {"day": day})
    assert " ".join(record.text("day") for record in journal.get_records(start, end)) == days


@pytest.mark.parametrize(
    ("start", "end", "sentence"),
    [
        ("2026-13", None, "Enter today, yesterday"),
        (None, "", "Enter today, yesterday"),
        ("soon", "today", "Enter today, yesterday"),
        ("2026-11-01..2026-11-07", None, "start_date and end_date"),
        (20261121, None, "not 20261121"),
        ("today", "yesterday", "2026-11-20 is before 2026-11-21"),
    ],
)
def test_a_history_of_no_days_is_refused_in_one_sentence(tmp_path, start, end, sentence):
    journal = TradeLogger(tmp_path, "practice", clock=lambda: local_noon(2026, 11, 21))
    with pytest.raises(InvalidInputError, match=sentence):
        journal.get_records(start, end)


# --- Errors ---------------------------------------------------------------------------------------


def test_an_error_is_logged_with_its_traceback_under_a_reference(journal):
    try:
        raise ValueError("broken \ud800 thing\n2026-11-21 ERROR [forged] never happened")
    except ValueError as error:
        reference = journal.log_error("While drawing", error)
    text = journal.errors_path.read_text()
    assert f"ERROR [{reference}] While drawing" in text
    assert "Traceback (most recent call last)" in text
    assert "broken" in text


def test_errors_of_one_moment_have_references_of_their_own(journal):
    again = TradeLogger(journal.folder.parent, "practice", clock=lambda: AT)
    references = [each.log_error("oh") for each in (journal, again) * 3]
    assert len(set(references)) == 6
    text = journal.errors_path.read_text()
    assert all(text.count(f"[{reference}]") == 1 for reference in references)


def test_the_last_errors_are_their_first_lines_only(journal):
    for number in range(5):
        journal.log_error(f"problem {number}", RuntimeError("an ERROR inside"))
    assert [line.rsplit("] ", 1)[1] for line in journal.read_errors(2)] == ["problem 3", "problem 4"]


def test_an_error_cannot_forge_another_entry(journal):
    journal.log_error(
        "one\n2026-11-21T00:00:00 ERROR [forged] x", ValueError("\n2026-11-21T00:00:00 ERROR [y]")
    )
    assert len(journal.read_errors()) == 1


def test_the_error_log_turns_over_at_midnight_loses_no_day_and_stays_private(tmp_path):
    now = [AT]
    journal = TradeLogger(tmp_path, "practice", clock=lambda: now[0])
    for day in range(40):
        journal.log_error(f"problem {day}", ValueError("x"))
        now[0] += timedelta(days=1)
    files = sorted(journal.folder.glob("errors*.log*"))
    assert len([path for path in files if path.name.endswith(".log.gz")]) == 39
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in files)
    heads = [line.rsplit("] ", 1)[1] for line in journal.read_errors(100)]
    assert heads == [f"problem {day}" for day in range(40)]


def test_processes_that_share_an_error_log_lose_nothing(journal):
    code = (
        "import sys; from pathlib import Path; from kalshi_trading.trade_logger import TradeLogger\n"
        "log = TradeLogger(Path(sys.argv[1]), 'practice')\n"
        "for step in range(100): log.log_error(f'{sys.argv[2]}-{step}', ValueError('x'))"
    )
    folder = str(journal.folder.parent)
    writers = [
        subprocess.Popen([sys.executable, "-c", code, folder, str(number)], cwd=PROJECT)
        for number in range(3)
    ]
    assert [writer.wait(timeout=60) for writer in writers] == [0, 0, 0]
    heads = {line.rsplit("] ", 1)[1] for line in journal.read_errors(1000)}
    assert heads == {f"{number}-{step}" for number in range(3) for step in range(100)}


def test_a_failing_request_log_is_ignored(tmp_path, capfd):
    log = logging.getLogger("kalshi_trading")
    before = (log.level, log.propagate)
    open_request_log(tmp_path, "practice", "INFO")
    handler = log.handlers[-1]
    try:
        log.info("GET /markets 200 12 ms")
        path = tmp_path / "practice" / "requests.log"
        assert path.read_text().endswith("INFO GET /markets 200 12 ms\n")
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        handler.close()
        path.unlink()
        path.symlink_to("/dev/full")
        log.info("GET /markets 200 12 ms")
    finally:
        log.removeHandler(handler)
        handler.close()
        log.level, log.propagate = before
    assert capfd.readouterr() == ("", "")


def test_an_error_log_that_cannot_be_written_does_not_hide_the_error(tmp_path):
    (tmp_path / "logs").write_text("in the way")
    reference = TradeLogger(tmp_path / "logs", "practice").log_error("oh", RuntimeError("x"))
    assert "not recorded" in reference


# --- CSV ------------------------------------------------------------------------------------------


def exported(journal, path):
    count = journal.export_journal_to_csv(path)
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == count
    return rows


def test_the_export_holds_every_record_with_its_numbers_to_the_digit(journal, tmp_path):
    journal.log_order_step("intent", INTENT)
    journal.log_order_fill(INTENT | {"fill_count": Decimal("2.50"), "fee": Decimal("-0.000100")})
    intent, fill = exported(journal, tmp_path / "new" / "trades.csv")
    assert (intent["event"], intent["price"], intent["count"]) == ("order.intent", "0.0550", "2.50")
    assert (intent["order_id"], intent["fee"]) == ("", "")
    assert fill["fee"] == "-0.000100"
    assert datetime.fromisoformat(fill["time"]) == AT.replace(microsecond=123000)


def test_a_cell_that_a_spreadsheet_would_run_is_escaped(tmp_path):
    texts = [
        *("=1+1", "+1+1", "-1+1", "@SUM(A1)", "\t=1", "\r=1", "  =1", "\n=1", "\u00a0=1"),
        *("＝1+1", "－1", "＋1", "＠x", '=HYPERLINK("http://evil","x")', "-cmd|' /C calc'!A0"),
        *("-", "-5%", "+5", "-1e5", "-٥", " \t@x"),
    ]
    wrong = []
    for number, text in enumerate(texts):
        journal = journal_in(tmp_path / str(number))
        with naming(repr(text)):
            journal.log_order_step("rejected", {"reason": text})
            (row,) = exported(journal, tmp_path / f"{number}.csv")
        if row["reason"] != f"'{text}":
            wrong.append((text, row["reason"]))
    assert wrong == []


@pytest.mark.parametrize("number", ["-12.34", "0", "-0.0001", "1234567.89", "57"])
def test_a_number_stays_a_number(journal, tmp_path, number):
    journal.log_order_step("rejected", {"price": Decimal(number), "fee": number})
    (row,) = exported(journal, tmp_path / "trades.csv")
    assert (row["price"], row["fee"]) == (number, number)


@pytest.mark.parametrize("number", ["007", "00.10"])
def test_a_number_that_is_not_as_we_write_them_keeps_its_digits(journal, tmp_path, number):
    journal.log_order_step("intent", {"count": number})
    assert exported(journal, tmp_path / "t.csv")[0]["count"] == f"'{number}"


@given(reason=st.text())
def test_no_text_runs_in_a_spreadsheet_and_all_text_comes_back(journal, tmp_path, reason):
    journal.trades_path.unlink(missing_ok=True)
    journal.log_order_step("rejected", {"reason": reason})
    path = tmp_path / "trades.csv"
    path.unlink(missing_ok=True)
    (row,) = exported(journal, path)
    cell = row["reason"]
    assert cell in (reason, f"'{reason}")
    assert not cell.strip().startswith(("=", "+", "-", "@", "＝", "＋", "－", "＠"))


def test_an_export_never_replaces_a_file(journal, tmp_path):
    journal.log_order_step("intent", INTENT)
    path = tmp_path / "taxes.csv"
    path.write_text("mine")
    dangling = tmp_path / "link.csv"
    dangling.symlink_to(tmp_path / "nowhere")
    for taken in (path, dangling, tmp_path):
        with pytest.raises(InvalidInputError, match="already exists"):
            journal.export_journal_to_csv(taken)
    assert path.read_text() == "mine"
    assert dangling.is_symlink()


def test_a_neighbour_that_looks_like_a_half_written_export_is_left_alone(journal, tmp_path):
    (tmp_path / "trades.csv.partial").write_text("mine")
    exported(journal, tmp_path / "trades.csv")
    assert (tmp_path / "trades.csv.partial").read_text() == "mine"


@pytest.mark.parametrize(
    "filename", ["nul\x00.csv", "x" * 300, "~nobody-of-that-name/x.csv", "/dev/null/x.csv", "", "/"]
)
def test_a_file_that_cannot_be_is_refused_in_one_sentence(journal, monkeypatch, tmp_path, filename):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InvalidInputError):
        journal.export_journal_to_csv(filename)
    assert list(tmp_path.iterdir()) == []


def test_an_export_that_fails_half_way_leaves_nothing_behind(journal, tmp_path, monkeypatch):
    journal.log_order_step("intent", INTENT)
    there = tmp_path / "out"
    there.mkdir()

    def fails(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fails)
    with pytest.raises(InvalidInputError, match="No space left"):
        journal.export_journal_to_csv(there / "trades.csv")
    assert list(there.iterdir()) == []


def test_the_export_leaves_no_line_out_and_says_where_one_cannot_be_read(journal, tmp_path):
    journal.log_order_step("intent", INTENT)
    with journal.trades_path.open("a") as file:
        file.write("not a line of ours\n")
    journal.log_order_step("acknowledged", INTENT)
    rows = exported(journal, tmp_path / "trades.csv")
    assert [row["event"] for row in rows] == ["order.intent", "journal.damaged", "order.acknowledged"]
    assert (rows[1]["time"], rows[1]["fields"]) == ("", "trades.log line 2 cannot be read")


@pytest.fixture
def notes(tmp_path, monkeypatch):
    """Return the records that scripts noted in a journal of this test."""
    monkeypatch.setenv("KALSHI_LOG_DIR", str(tmp_path))
    monkeypatch.setattr(config, "env_file_path", lambda: tmp_path / ".env")
    compose.shut_down()
    return lambda: TradeLogger(tmp_path, "practice").read_journal().records


def test_what_a_script_notes_is_on_record_and_no_order_of_ours(notes):
    details = {
        "client_order_id": "web-1",
        "order_id": "web-1",
        "action": "buy",
        "side": "yes",
        "count": Decimal("2.5"),
    }
    trade_logger.log_order_submission(details)
    trade_logger.log_order_fill(details)
    trade_logger.log_order_cancellation("web-1")
    assert [(record.event, record.fields["details"]["order_id"]) for record in notes()] == [
        ("note.order", "web-1"),
        ("note.fill", "web-1"),
        ("note.cancel", "web-1"),
    ]
    assert notes()[0].fields["details"]["count"] == "2.5"
    assert logged_orders(notes(), "practice", None).all_orders == {}
    assert compose.current_journal().changes().orders == ()


@pytest.mark.parametrize("value", [0.39, object(), {"deep": [1.5]}])
def test_what_cannot_be_kept_to_the_digit_is_not_noted(notes, value):
    with pytest.raises(InvalidInputError, match=r"Nothing was recorded; use text, integers or Decimal\.$"):
        trade_logger.log_order_submission({"price": value})
    assert notes() == ()


def test_no_secret_of_the_settings_is_ever_in_a_log(tmp_path, monkeypatch):
    for name in list(os.environ):
        if name.startswith("KALSHI_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KALSHI_LOG_DIR", str(tmp_path / "logs"))
    monkeypatch.setenv("KALSHI_API_KEY", "canary-key-id")
    monkeypatch.setenv("KALSHI_API_SECRET", "canary-secret")
    trade_logger.log_order_submission(INTENT)
    trade_logger.log_order_fill(INTENT)
    trade_logger.log_order_cancellation("order-1")
    trade_logger.log_error("oh", ValueError("x"))
    logs = [*(tmp_path / "logs").rglob("*.log")]
    assert {path.name for path in logs} == {"trades.log", "errors.log"}
    assert not any("canary" in path.read_text() for path in logs)
