"""Journal files under writers, midnights, kills, damage, full disks."""

from __future__ import annotations

import errno
import gzip
import json
import os
import shutil
import stat
import subprocess
import sys
import threading
import time
from collections import Counter
from datetime import date, timedelta
from pathlib import Path

import proof
import pytest
from journal_children import NOON, OTHER_UID

from kalshi_trading.core.errors import JournalError
from kalshi_trading.journal.files import file_locks
from kalshi_trading.journal.files.file_locks import locked
from kalshi_trading.trade_logger import TradeLogger

HERE = Path(__file__).resolve().parent.parent
WRITERS, DAYS = 4, 6


class Diary:
    """A journal whose clock the test sets."""

    def __init__(self, folder: Path) -> None:
        self.now = NOON
        self.log = TradeLogger(folder, "practice", clock=lambda: self.now)
        self.path = self.log.trades_path

    def write(self, who: str, event: str = "order.intent") -> None:
        self.log.log_event(event, {"who": who})

    def tomorrow(self) -> None:
        self.now += timedelta(days=1)

    def read(self, since: date | None = None) -> list[str]:
        """Return the `who` of each record, and fail if one is damaged."""
        reading = self.log.read_journal(since)
        assert not reading.damage
        return [record.text("who") for record in reading.records]

    def names(self) -> list[str]:
        return sorted(path.name for path in self.log.folder.iterdir() if path.suffix != ".lock")


@pytest.fixture
def diary(tmp_path):
    return Diary(tmp_path / "logs")


def start_child(*arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(HERE / "support" / "builders" / "journal_children.py"), *map(str, arguments)],
        cwd=HERE.parent,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(HERE.parent), str(HERE / "support")])},
        stdout=subprocess.PIPE,
        text=True,
    )


def said_by_child(*arguments: object) -> object:
    child = start_child(*arguments)
    try:
        said = child.communicate(timeout=300)[0]
    finally:
        child.kill()
    assert child.returncode == 0
    return json.loads(said)


# --- Many writers and midnight --------------------------------------------------------------------


def steps_by_writer(whos: list[str]) -> dict[str, list[int]]:
    steps: dict[str, list[int]] = {}
    for who in whos:
        name, _, step = who.partition("-")
        steps.setdefault(name, []).append(int(step))
    return steps


def test_four_writers_across_midnights_lose_and_tear_nothing_and_readers_see_each_line_once(tmp_path):
    diary, lines = Diary(tmp_path), proof.CURRENT.journal_lines
    writers = [start_child("write", tmp_path, name, lines, DAYS, WRITERS) for name in range(WRITERS)]
    readings, before = 0, 0
    while any(writer.poll() is None for writer in writers):
        whos = diary.read()
        for steps in steps_by_writer(whos).values():
            assert steps == list(range(len(steps)))  # none missing, none twice, in order
        assert len(whos) >= before
        readings, before = readings + 1, len(whos)
    assert [writer.communicate()[0] or writer.returncode for writer in writers] == [0] * WRITERS
    assert readings > 3
    assert steps_by_writer(diary.read()) == {str(name): list(range(lines)) for name in range(WRITERS)}
    days = [f"trades-{NOON.date() + timedelta(days=day)}.log.gz" for day in range(DAYS - 1)]
    assert diary.names() == [*days, "trades.log"]


def test_a_new_day_begins_a_new_file_and_the_old_one_is_compressed_and_private(diary):
    diary.write("first")
    diary.tomorrow()
    diary.write("second", "session.begun")
    diary.write("third")
    assert diary.names() == ["trades-2026-11-17.log.gz", "trades.log"]
    packed = diary.log.folder / "trades-2026-11-17.log.gz"
    assert b"first" in gzip.decompress(packed.read_bytes())
    assert stat.S_IMODE(packed.stat().st_mode) == 0o600
    assert diary.read() == ["first", "second", "third"]


def test_no_day_is_ever_deleted_and_a_day_that_ends_twice_keeps_both_files(diary):
    for who in range(100):
        diary.write(str(who))
        diary.tomorrow()
    diary.now = NOON + timedelta(days=99)
    diary.path.write_text(diary.path.read_text().replace("2026-", "2020-"))  # an older day
    for _ in range(2):
        diary.write("again")
        diary.path.write_bytes(b"2026-11-17" + diary.path.read_bytes()[10:])
    diary.write("end")
    assert sorted(Counter(diary.read()).items()) == sorted(
        {**{str(who): 1 for who in range(100)}, "again": 2, "end": 1}.items()
    )
    assert {"trades-2026-11-17.1.log.gz", "trades-2026-11-17.2.log.gz"} <= set(diary.names())


def test_a_clock_that_goes_back_rotates_nothing(diary):
    diary.write("today")
    diary.now -= timedelta(days=1)
    diary.write("yesterday")
    assert diary.names() == ["trades.log"]


def test_days_turn_over_again_as_soon_as_a_clock_that_was_ahead_is_right(diary):
    diary.now += timedelta(days=3650)
    diary.write("ahead")
    diary.now = NOON
    for who in ("17", "18", "19"):
        diary.write(who)
        diary.tomorrow()
    packed = [f"trades-{day}.log.gz" for day in ("2026-11-17", "2026-11-18", "2036-11-14")]
    assert diary.names() == [*packed, "trades.log"]
    assert diary.read(date(2026, 11, 18)) == ["18", "ahead", "19"]


def test_what_was_written_while_the_clock_was_behind_is_found_under_its_day(diary):
    diary.write("right")
    diary.now -= timedelta(days=7)
    diary.write("behind")
    diary.now += timedelta(days=8)
    diary.write("right again")
    for day, who in ((10, "behind"), (17, "right"), (18, "right again")):
        (record,) = diary.log.read_journal(date(2026, 11, day), date(2026, 11, day)).records
        assert record.text("who") == who
    assert Counter(diary.read()) == {"right": 1, "behind": 1, "right again": 1}


def test_what_was_written_a_day_back_is_found_under_its_day_after_the_file_was_put_aside(diary):
    diary.write("today")
    diary.now -= timedelta(days=1)
    diary.write("yesterday")
    diary.now += timedelta(days=3)
    diary.write("later")
    (record,) = diary.log.read_journal(date(2026, 11, 16), date(2026, 11, 16)).records
    assert record.text("who") == "yesterday"


def test_a_disk_that_is_full_while_a_day_is_compressed_leaves_no_part_of_it(diary, monkeypatch):
    def runs_full(source, target):
        target.write(source.read(10))
        raise OSError(errno.ENOSPC, "No space left on device")

    diary.write("first")
    diary.tomorrow()
    with monkeypatch.context() as full:
        full.setattr(shutil, "copyfileobj", runs_full)
        diary.write("second")
    assert diary.names() == ["trades-2026-11-17.log", "trades.log"]
    assert diary.read() == ["first", "second"]
    diary.tomorrow()
    diary.write("third")
    assert diary.names() == ["trades-2026-11-17.log.gz", "trades-2026-11-18.log.gz", "trades.log"]


def test_what_a_kill_left_of_a_day_that_is_gone_is_cleared_away_by_the_next_one(diary):
    diary.write("first")
    stray = diary.log.folder / ".trades-2026-10-01.1.log.gz.partial"
    others = [
        diary.log.folder / name for name in (".trades-x.log.gz.partial", ".errors-2026-10-01.log.gz.partial")
    ]
    for each in (stray, *others):
        each.write_bytes(b"half")
    diary.tomorrow()
    diary.write("second")
    assert not stray.exists()
    assert all(each.exists() for each in others), "not a part of this log"


def test_a_file_whose_first_line_is_damaged_rotates_by_the_day_of_its_last_change(diary):
    diary.log.folder.mkdir(parents=True)
    diary.path.write_text("garbage\n")
    changed = NOON - timedelta(days=3)
    os.utime(diary.path, (changed.timestamp(), changed.timestamp()))
    diary.write("first")
    assert diary.names() == ["trades-2026-11-14.log.gz", "trades.log"]
    assert [str(line) for line in diary.log.read_journal().damage.first] == ["trades-2026-11-14.log line 1"]


def test_reading_since_a_day_gives_that_local_day_and_later_ones(diary):
    for who in range(5):
        diary.write(str(who))
        diary.tomorrow()
    first = NOON.astimezone().date()
    for day in range(7):
        assert diary.read(first + timedelta(days=day)) == [str(who) for who in range(day, 5)]


def test_several_compressors_at_once_leave_one_whole_file(diary):
    diary.write("first")
    diary.tomorrow()
    for number in range(30):
        plain = diary.log.folder / f"trades-2026-10-{number + 1:02}.log"
        shutil.copy(diary.path, plain)
    diaries = [Diary(diary.log.folder.parent) for _ in range(4)]
    for each in diaries:
        each.now = diary.now
    threads = [threading.Thread(target=each.write, args=("x",)) for each in diaries]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Counter(diary.read()) == {"first": 31, "x": 4}
    assert all(name.endswith(".gz") for name in diary.names()[:-1])
    assert len(diary.names()) == 32


def test_a_plain_leftover_beside_its_compressed_file_is_read_once_and_cleared_away(diary):
    diary.write("first")
    plain = diary.path.read_bytes()
    diary.tomorrow()
    diary.write("second")
    (diary.log.folder / "trades-2026-11-17.log").write_bytes(plain)
    (diary.log.folder / ".trades-2026-11-17.log.gz.partial").write_bytes(b"half")
    assert diary.read() == ["first", "second"]
    diary.tomorrow()
    diary.write("third")
    assert diary.read() == ["first", "second", "third"]
    assert diary.names() == ["trades-2026-11-17.log.gz", "trades-2026-11-18.log.gz", "trades.log"]


def test_a_midnight_in_the_middle_of_a_reading_hides_no_line_from_it(diary, monkeypatch):
    diary.write("first")
    diary.tomorrow()
    midnight = threading.Thread(target=diary.write, args=("second",))
    listing = Path.glob

    def and_then_midnight(folder, pattern):
        found = list(listing(folder, pattern))
        if midnight.ident is None:
            midnight.start()
            midnight.join(0.2)  # it waits for the reader, or else is done by now
        return found

    monkeypatch.setattr(Path, "glob", and_then_midnight)
    assert diary.read() == ["first"]
    midnight.join()
    assert diary.read() == ["first", "second"]


# --- Kills ----------------------------------------------------------------------------------------


def test_wherever_an_append_that_rotates_and_compresses_is_killed_nothing_is_lost(tmp_path):
    kills = said_by_child("kill", tmp_path)
    assert isinstance(kills, int)
    assert kills > 100


# --- Damage ---------------------------------------------------------------------------------------


def test_cut_at_every_byte_of_its_last_record_the_journal_keeps_the_others_and_goes_on(diary):
    for who in ("first", "second", "last"):
        diary.write(who)
    whole = diary.path.read_bytes()
    last = whole.rindex(b"\n", 0, -1) + 1
    for cut in range(last, len(whole)):
        diary.path.write_bytes(whole[:cut])
        kept = [record.text("who") for record in diary.log.read_journal().records]
        assert kept == ["first", "second", *(["last"] if cut == len(whole) - 1 else [])]
        diary.write("next")
        reading = diary.log.read_journal()
        assert [record.text("who") for record in reading.records] == [*kept, "next"]
        torn = cut not in (last, len(whole) - 1)
        assert [line.number for line in reading.damage.first] == ([3] if torn else [])


@pytest.mark.parametrize("tail", [b"\0" * 4096, b"2026-11-17T12:00:00.000+00:00 order.int\0\0\0\0"])
def test_zeros_that_a_crash_left_at_the_end_spoil_no_other_line(diary, tail):
    diary.write("first")
    with diary.path.open("ab") as file:
        file.write(tail)
    diary.write("second")
    reading = diary.log.read_journal()
    assert [record.text("who") for record in reading.records] == ["first", "second"]
    assert [str(line) for line in reading.damage.first] == ["trades.log line 2"]


@pytest.mark.parametrize(
    ("line", "understood"),
    [
        (b'2026-11-17T12:00:00.000+00:00 venue.moved {"who": "x"}', True),
        (b'2026-11-17T12:00:00.000+00:00 order.intent {"who": "x", "version": 1}', True),
        (b'2026-11-17T12:00:00.000+00:00 order.intent {"who": "x", "version": 2}', False),
        (b'2026-11-17T12:00:00.000+00:00 order.intent {"who": "x", "version": "1"}', False),
        (b'2026-11-17T12:00:00.000+00:00 order.intent {"who": "x", "note": "\xff"}', False),
        (b'2026-11-17T12:00:00.000+00:00 order.intent {"who": "x"} {"who": "y"}', False),
    ],
)
def test_an_unknown_event_is_a_record_and_an_unknown_version_is_reported(diary, line, understood):
    diary.write("first")
    with diary.path.open("ab") as file:
        file.write(line + b"\n")
    reading = diary.log.read_journal()
    assert len(reading.records) == 1 + understood
    assert [each.number for each in reading.damage.first] == ([] if understood else [2])


def test_a_number_that_is_none_of_ours_is_read_as_its_text(diary):
    diary.write("first")
    with diary.path.open("ab") as file:
        file.write(b'2026-11-17T12:00:00.000+00:00 order.fill {"fee": 0.10, "price": NaN}\n')
    assert diary.log.read_journal().records[1].fields == {"fee": "0.10", "price": "NaN"}


@pytest.mark.parametrize("cut", [0, 5, 30, -1])
def test_a_damaged_old_day_is_reported_and_hides_no_other(diary, cut):
    for who in ("first", "second", "third"):
        diary.write(who)
        diary.tomorrow()
    old = diary.log.folder / "trades-2026-11-17.log.gz"
    data = old.read_bytes()
    old.write_bytes(data[:cut] + b"\xff" * (len(data) - len(data[:cut])) if cut else b"no gzip")
    reading = diary.log.read_journal()
    assert [record.text("who") for record in reading.records][-2:] == ["second", "third"]
    assert {line.file for line in reading.damage.first} == {"trades-2026-11-17.log"}


# --- Disks and folders ----------------------------------------------------------------------------


def test_a_file_that_may_not_grow_refuses_the_line_and_the_next_one_is_not_glued_to_its_rest(tmp_path):
    accepted = said_by_child("small", tmp_path)
    assert isinstance(accepted, int)
    assert accepted > 10


def write_until_refused(diary):
    """Write numbered records until one is refused; return the journal's count."""
    for who in range(1, 10_000):
        try:
            diary.write(str(who))
        except JournalError:
            return who
    raise AssertionError("nothing was refused")


def test_a_full_disk_refuses_the_line_and_room_made_lets_it_go_on(diary, tmp_path):
    (tmp_path / "logs").mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=16k", "none", str(tmp_path / "logs")], capture_output=True
    )
    if mounted.returncode:
        pytest.skip("no small disk can be mounted here; the limit of a file's size is tried above")
    try:
        diary.write("0")
        filler = tmp_path / "logs" / "filler"
        filled = subprocess.run(["dd", "if=/dev/zero", f"of={filler}", "bs=512"], capture_output=True)
        assert filled.returncode, "the disk is not small"
        written = write_until_refused(diary)
        filler.unlink()
        diary.write("after")
        reading = diary.log.read_journal()
        assert [record.text("who") for record in reading.records] == [*map(str, range(written)), "after"]
        assert len(reading.damage) <= 1
    finally:
        subprocess.run(["umount", "-l", str(tmp_path / "logs")], check=True)


def test_a_read_only_folder_is_a_journal_error_and_can_still_be_read(tmp_path):
    diary = Diary(tmp_path / "mine")
    diary.now = NOON
    diary.write("before")
    for path in diary.log.folder.iterdir():
        path.chmod(0o644)
        if os.geteuid() == 0:
            os.chown(path, OTHER_UID, -1)  # the child drops its privileges
    diary.log.folder.chmod(0o555)
    (tmp_path / "mine").chmod(0o755)
    tmp_path.chmod(0o755)
    assert "Permission denied" in str(said_by_child("no_rights", tmp_path))


def test_a_flush_that_fails_is_an_error_and_the_next_line_looks_at_the_file_anew(diary, monkeypatch):
    diary.write("first")
    real = os.fsync

    def fails(descriptor):
        with diary.path.open("r+b") as file:
            file.truncate(diary.path.stat().st_size - 9)  # lost by the disk
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fsync", fails)
    with pytest.raises(JournalError, match="Input/output error"):
        diary.write("lost")
    monkeypatch.setattr(os, "fsync", real)
    diary.write("next")
    reading = diary.log.read_journal()
    assert [record.text("who") for record in reading.records] == ["first", "next"]
    assert [line.number for line in reading.damage.first] == [2]


@pytest.mark.alone
@pytest.mark.parametrize("use", [lambda diary: diary.write("lost"), lambda diary: diary.read()])
def test_waiting_for_a_stopped_program_that_holds_the_journal_times_out(diary, monkeypatch, use):
    monkeypatch.setattr(file_locks, "LOCK_TIMEOUT_S", 0.2)
    diary.write("first")
    with locked(diary.path.with_name("trades.log.lock")):
        begun = time.monotonic()
        with pytest.raises(JournalError, match=r"trades\.log cannot be used: another program has locked it"):
            use(diary)
        assert 0.2 <= time.monotonic() - begun < 4
    diary.write("next")
    assert diary.read() == ["first", "next"]


@pytest.mark.alone
def test_after_a_timeout_the_long_timeout_returns_only_once_the_lock_was_free(diary, monkeypatch):
    monkeypatch.setattr(file_locks, "LOCK_TIMEOUT_S", 1.0)
    diary.write("first")

    def seconds_until_given_up():
        begun = time.monotonic()
        with pytest.raises(JournalError):
            diary.write("lost")
        return time.monotonic() - begun

    for _ in range(2):
        with locked(diary.path.with_name("trades.log.lock")):
            assert seconds_until_given_up() >= 1
            assert max(seconds_until_given_up() for _ in range(3)) < 0.5
        diary.write("next")
    assert diary.read() == ["first", "next", "next"]


def test_a_line_waits_for_one_that_another_program_is_just_writing(diary):
    diary.write("first")
    with locked(diary.path.with_name("trades.log.lock")):
        waiting = threading.Thread(target=diary.write, args=("next",))
        waiting.start()
        waiting.join(0.3)
        assert waiting.is_alive()
    waiting.join(60)
    assert diary.read() == ["first", "next"]


@pytest.mark.parametrize("name", ["trades.log", "trades.log.lock"])
def test_files_deleted_while_writers_wait_are_made_anew(diary, name):
    stop = threading.Event()

    def delete():
        while not stop.is_set():
            (diary.log.folder / name).unlink(missing_ok=True)

    deleting = threading.Thread(target=delete)
    deleting.start()
    try:
        for who in range(200):
            diary.write(str(who))
    finally:
        stop.set()
        deleting.join()
    diary.write("end")
    whos = diary.read()
    assert whos[-1] == "end"
    if name != "trades.log":
        assert whos == [*map(str, range(200)), "end"]
