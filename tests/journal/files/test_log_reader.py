"""Logs read from either end and followed, while damaged, cut or rotated.

Rotated files are compressed or not.
"""

from __future__ import annotations

import gzip
import os
import shutil
import threading
import time
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kalshi_trading.history.log_review import newest_errors, newest_events
from kalshi_trading.journal.files import log_files, log_reader
from kalshi_trading.journal.files.log_cursor import Follower
from kalshi_trading.journal.files.log_reader import DamagedLine, LogFile, open_log
from kalshi_trading.journal.records import (
    JournalRecord,
    newest_records,
    read_journal,
    scan_journal,
)
from kalshi_trading.trade_logger import TradeLogger

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)


@pytest.fixture(params=[1, 7, 1 << 16])
def block(request, monkeypatch):
    """Read backwards in blocks of this size. No result may depend on it."""
    monkeypatch.setattr(log_reader, "_BLOCK", request.param)
    return request.param


def line(number: int, day: int = 0, pad: str = "") -> bytes:
    at = (NOON + timedelta(days=day, seconds=number)).isoformat(timespec="milliseconds")
    return f'{at} order.intent {{"n": "{number}", "pad": "{pad}"}}\n'.encode()


def forward(path: Path) -> list[str]:
    return [shown(entry) for entry in scan_journal(path)]


def backward(path: Path) -> list[str]:
    return [shown(entry) for entry in newest_records(path)]


def shown(entry: JournalRecord | DamagedLine) -> str:
    return entry.text("n") if isinstance(entry, JournalRecord) else f"damaged {entry}"


def lines_backwards(path: Path) -> list[bytes]:
    with open_log(path) as files:
        return [each.data for file in reversed(files) for each in file.backwards()]


# --- From the end ---------------------------------------------------------------------------------


@given(
    data=st.lists(st.sampled_from([b"\n", b"a", "¢".encode(), "–".encode(), b"\r", b"\0"]), max_size=60),
    size=st.integers(1, 20),
)
def test_the_lines_of_any_bytes_from_the_end_are_those_from_the_start_turned_round(
    tmp_path, data, size, monkeypatch
):
    content = b"".join(data)
    path = tmp_path / "trades.log"
    path.write_bytes(content)
    monkeypatch.setattr(log_reader, "_BLOCK", size)
    expected = [each.removesuffix(b"\n") for each in content.split(b"\n")]
    expected = expected if expected[-1] else expected[:-1]
    assert lines_backwards(path) == expected[::-1]
    with open_log(path) as (file,):
        assert [each for batch in file.batches() for each in batch.lines] == expected
        numbers = [each.number() for each in file.backwards()]
    assert numbers == list(range(len(expected), 0, -1))


def test_the_numbers_of_damaged_lines_are_the_same_from_both_ends(tmp_path, block):
    path = tmp_path / "trades.log"
    good = [line(number, pad="é" * number) for number in range(12)]
    for place in (3, 4, 9):
        good[place] = b"garbage \xff\n"
    good[6] = b"\n"
    path.write_bytes(b"".join(good) + b"2026-11-01T12:00:00.000+00:00 order.int")
    expected = ["0", "1", "2", "damaged trades.log line 4", "damaged trades.log line 5", "5", "7", "8"]
    expected += ["damaged trades.log line 10", "10", "11", "damaged trades.log line 13 (cut short)"]
    assert forward(path) == expected
    assert backward(path) == expected[::-1]


def test_a_line_longer_than_many_blocks_is_read_whole(tmp_path, block):
    path = tmp_path / "trades.log"
    path.write_bytes(line(1) + line(2, pad="¢" * 3000) + line(3))
    assert backward(path) == ["3", "2", "1"]


def test_the_newest_lines_are_read_without_reading_what_lies_before_them(tmp_path):
    path = tmp_path / "trades.log"
    with path.open("wb") as file:
        file.truncate(1 << 34)  # reading this much would be noticed
        file.seek(0, os.SEEK_END)
        file.write(b"\n" + line(1) + line(2))
    newest = newest_records(path)
    assert [shown(next(newest)), shown(next(newest))] == ["2", "1"]
    newest.close()


# --- Cut anywhere, rotated anywhere ---------------------------------------------------------------


@dataclass
class Kept:
    """A journal spread over plain and compressed files."""

    path: Path
    whole: list[str]


def spread(folder: Path, days: list[int], packed: list[bool]) -> Kept:
    """Write this many lines per day. All days but the last are rotated.

    `packed` compresses a rotated day.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    path, number, names = folder / "trades.log", 0, []
    for day, lines in enumerate(days):
        content = b"".join(line(number + each, day, pad="–¢" * each) for each in range(lines))
        names += [str(number + each) for each in range(lines)]
        number += lines
        if day == len(days) - 1:
            path.write_bytes(content)
            continue
        aside = folder / f"trades-{(NOON + timedelta(days=day)).date()}.log"
        if packed[day]:
            aside.with_name(f"{aside.name}.gz").write_bytes(gzip.compress(content))
        else:
            aside.write_bytes(content)
    return Kept(path, names)


DAYS = st.lists(st.integers(0, 5), min_size=1, max_size=4)


@given(days=DAYS, packed=st.lists(st.booleans(), min_size=4, max_size=4), cut=st.data())
def test_whichever_file_is_cut_at_whichever_byte_exactly_the_whole_lines_are_read_in_order(
    tmp_path, days, packed, cut
):
    kept = spread(tmp_path / "logs", days, packed)
    plain = [path for path in sorted(kept.path.parent.iterdir()) if path.suffix != ".gz"]
    victim = cut.draw(st.sampled_from(plain))
    content = victim.read_bytes()
    at = cut.draw(st.integers(0, len(content)))
    victim.write_bytes(content[:at])
    gone = {str(number) for number in numbers_in(content)[whole_records(content[:at]) :]}
    intact = [name for name in kept.whole if name not in gone]
    torn = at > 0 and content[at - 1 : at] != b"\n" and content[at : at + 1] != b"\n" and bool(content)
    for entries in (forward(kept.path), backward(kept.path)[::-1]):
        assert [each for each in entries if not each.startswith("damaged")] == intact
        damage = [each for each in entries if each.startswith("damaged")]
        number = content[:at].count(b"\n") + 1
        assert damage == ([f"damaged {victim.name} line {number} (cut short)"] if torn else [])


def numbers_in(content: bytes) -> list[int]:
    return [int(each.split(b'"n": "')[1].split(b'"')[0]) for each in content.splitlines()]


def whole_records(content: bytes) -> int:
    """Count the whole lines.

    A last line that lacks only its line end counts.
    """
    return sum(1 for each in content.split(b"\n") if each.endswith(b"}"))


@example(place=0)
@given(place=st.integers(0, 10_000))
def test_a_compressed_file_cut_anywhere_gives_its_lines_from_the_start_and_says_that_it_is_cut(
    tmp_path, place, monkeypatch
):
    monkeypatch.setattr(log_reader, "_COUNT_BLOCK", 50)  # shorter than a line
    kept = spread(tmp_path / "logs", [40, 2], [True])
    (packed,) = kept.path.parent.glob("*.gz")
    content = packed.read_bytes()
    packed.write_bytes(content[: place % len(content)])
    entries = forward(kept.path)
    assert backward(kept.path) == entries[::-1]
    good = [each for each in entries if not each.startswith("damaged")]
    assert good == [*kept.whole[: len(good) - 2], "40", "41"]
    assert [each for each in entries if each not in good] == [f"damaged {packed.stem} line {len(good) - 1}"]


@given(days=st.lists(st.integers(0, 3), min_size=1, max_size=30))
def test_wherever_the_days_change_while_it_is_written_every_line_is_read_once_from_both_ends(tmp_path, days):
    shutil.rmtree(tmp_path / "logs", ignore_errors=True)
    now = [NOON]
    log = TradeLogger(tmp_path / "logs", "practice", clock=lambda: now[0])
    for number, later in enumerate(days):
        now[0] += timedelta(days=later)
        log.log_event("session.tick", {"n": number})
    expected = [str(number) for number in range(len(days))]
    assert forward(log.trades_path) == expected
    assert backward(log.trades_path) == expected[::-1]


def test_reading_from_the_end_goes_on_where_a_file_was_put_aside_and_compressed_meanwhile(tmp_path):
    now = [NOON]
    log = TradeLogger(tmp_path, "practice", clock=lambda: now[0])
    for number in range(5):
        log.log_event("session.tick", {"n": number})
    newest = log.newest_records()
    assert shown(next(newest)) == "4"
    now[0] += timedelta(days=1)
    log.log_event("session.tick", {"n": 5})
    assert [shown(each) for each in newest] == ["3", "2", "1", "0"]


def test_a_plain_file_that_was_listed_and_then_compressed_is_read_all_the_same(tmp_path):
    kept = spread(tmp_path / "logs", [3, 1], [False])
    with open_log(kept.path) as files:
        (aside,) = kept.path.parent.glob("trades-*.log")
        aside.with_name(f"{aside.name}.gz").write_bytes(gzip.compress(aside.read_bytes()))
        aside.unlink()
        assert [sum(len(each.lines) for each in file.batches()) for file in files] == [3, 1]
        assert [len(list(file.backwards())) for file in files] == [3, 1]


def test_what_is_written_while_it_is_read_is_not_read(tmp_path):
    path = tmp_path / "trades.log"
    path.write_bytes(line(1) + line(2)[:-1])
    with open_log(path) as (file,):
        with path.open("ab") as more:
            more.write(b"\n" + line(3))
        assert [each.size for each in file.batches()] == [len(line(1)), len(line(2)) - 1]
        assert next(file.backwards()).data == line(2)[:-1]


AT = b"2026-11-01T12:00:00.000+00:00 order.intent "
FRAGMENTS = [
    *[AT + b'{"n": "7"}', AT + b'{"n": "8", "version": 1}', AT + b'{"n": "9", "version": 2}'],
    *[AT + b'{"a": [{}', AT + b'{"b": 2}]}', AT + b'{"x": 1},{"y": 2}', AT + b'{"x": 1},"word",{"y": 2}'],
    *[AT + b'{"a": "', AT + b'{"a": 1} ', AT + b'{"a": 1}\r', AT + b"{}", AT + b"[]", AT + b'{"a": 1}}'],
    *[
        b"",
        b" ",
        b"\xff",
        b"2026-11-01T12:00:00 order.intent {}",
        b"\0" * 9,
        AT + b'{"a": ' + b"9" * 5000 + b"}",
    ],
]


@given(lines=st.lists(st.sampled_from(FRAGMENTS), max_size=9), together=st.sampled_from([1, 60, 1 << 17]))
def test_lines_read_together_are_those_read_one_by_one_also_where_they_reach_for_each_other(
    tmp_path, lines, together, monkeypatch
):
    monkeypatch.setattr(log_reader, "_READ_BYTES", together)
    path = tmp_path / "trades.log"
    path.write_bytes(b"".join(each + b"\n" for each in lines))
    assert list(scan_journal(path)) == list(newest_records(path))[::-1]


def test_a_line_that_makes_up_for_the_count_of_two_that_were_torn_is_not_believed(tmp_path):
    """Three pieces that parse as three values together, but not one by one."""
    path = tmp_path / "trades.log"
    path.write_bytes(
        AT + b'{"n": [{}\n' + AT + b'{"b": 2}]}\n' + AT + b'{"n": 3},0,{"n": 4}\n' + AT + b'{"n": "5"}\n'
    )
    assert forward(path) == [*(f"damaged trades.log line {number}" for number in (1, 2, 3)), "5"]


# --- Days -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Asia/Kolkata", "Pacific/Auckland"])
def test_the_records_of_some_days_are_those_of_the_local_days(tmp_path, in_zone, zone):
    in_zone(zone)
    kept = spread(tmp_path / "logs", [24] * 5, [True] * 4)
    content = [line(hour * 3600, pad="x") for hour in range(24 * 5)]
    kept.path.write_bytes(b"".join(content))
    every = [entry for entry in scan_journal(kept.path) if isinstance(entry, JournalRecord)]
    since, until = date(2026, 11, 1), date(2026, 11, 3)
    expected = [each for each in every if since <= each.at.astimezone().date() <= until]
    assert read_journal(kept.path, since=since, until=until).records == tuple(expected)
    assert 0 < len(expected) < len(every)


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [("America/Santiago", date(2026, 9, 6), 23), ("America/Havana", date(2026, 3, 8), 23)],
)
def test_a_day_without_a_midnight_has_the_records_of_its_hours(tmp_path, in_zone, zone, day, hours):
    in_zone(zone)
    start = datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(days=1)
    moments = [start + timedelta(minutes=30 * step) for step in range(48 * 3)]
    path = tmp_path / "trades.log"
    path.write_text("".join(f"{at.isoformat()} a.b {{}}\n" for at in moments))
    records = read_journal(path, since=day, until=day).records
    assert [each.at for each in records] == [at for at in moments if at.astimezone().date() == day]
    assert len(records) == 2 * hours


def test_a_day_at_the_end_of_the_calendar_is_no_error(tmp_path):
    kept = spread(tmp_path / "logs", [2], [])
    assert len(read_journal(kept.path, since=date(1, 1, 3), until=date.max).records) == 2


# --- Following ------------------------------------------------------------------------------------


class Followed:
    """A journal, its follower and a clock."""

    def __init__(self, folder: Path) -> None:
        self.now = NOON
        self.log = TradeLogger(folder, "practice", clock=lambda: self.now)
        self.path = self.log.trades_path

    def write(self, *whos: object) -> None:
        for who in whos:
            self.log.log_event("session.tick", {"n": who})


@pytest.fixture
def followed(tmp_path):
    return Followed(tmp_path)


def new(follower: Follower) -> list[str]:
    from kalshi_trading.journal.records import entry_of

    return [shown(entry_of(each)) for each in follower.new_lines() if each.data.strip()]


def test_followed_from_before_the_first_line_each_line_comes_once(followed):
    follower = Follower(followed.path)
    assert new(follower) == []
    followed.write(1, 2)
    assert new(follower) == ["1", "2"]
    assert new(follower) == []
    followed.write(3)
    assert new(follower) == ["3"]


def test_what_stood_there_before_is_not_new(followed):
    followed.write(1, 2)
    follower = Follower(followed.path)
    assert new(follower) == []
    followed.write(3)
    assert new(follower) == ["3"]


@given(steps=st.lists(st.tuples(st.integers(0, 2), st.booleans()), max_size=20), before=st.integers(0, 2))
def test_across_any_rotations_between_looks_no_line_is_lost_or_doubled(tmp_path, steps, before):
    shutil.rmtree(tmp_path, ignore_errors=True)
    here = Followed(tmp_path)
    here.write(*(f"before{each}" for each in range(before)))
    found: list[str] = []
    follower = Follower(here.path)
    for number, (days, looks) in enumerate(steps):
        here.now += timedelta(days=days)
        here.write(number)
        if looks:
            found += new(follower)
    found += new(follower)
    assert found == [str(number) for number in range(len(steps))]


def test_a_torn_line_is_damaged_with_its_number_once_it_has_its_end(followed):
    followed.write(1)
    follower = Follower(followed.path)
    with followed.path.open("ab") as file:
        file.write(b"2026-11-01T12:00:00.000+00:00 order.int")
    assert new(follower) == []
    followed.write(2)
    assert new(follower) == ["damaged trades.log line 2", "2"]


def test_a_line_torn_when_the_day_ended_is_reported_as_cut_short(followed):
    followed.write(1)
    follower = Follower(followed.path)
    with followed.path.open("ab") as file:
        file.write(b"torn")
    followed.now += timedelta(days=1)
    followed.write(2)
    day = NOON.astimezone().date()
    assert new(follower) == [f"damaged trades-{day}.log line 2 (cut short)", "2"]
    with followed.path.open("ab") as file:
        file.write(b"garbage\n")
    assert new(follower) == ["damaged trades.log line 2"]


def test_a_followed_journal_that_is_deleted_goes_on_with_the_new_one(followed):
    followed.write(1)
    follower = Follower(followed.path)
    followed.path.unlink()
    assert new(follower) == []
    followed.write(2)
    assert new(follower) == ["2"]


def test_followed_while_four_threads_write_over_midnights_nothing_is_missed(followed):
    def write(who: int) -> None:
        log = TradeLogger(followed.log.folder.parent, "practice", clock=lambda: clock[0])
        try:
            for step in range(60):
                log.log_event("session.tick", {"n": f"{who}-{step}"})
                begun[who] = clock[0]
                if who == 0 and step % 20 == 19:
                    while min(begun) < clock[0]:  # clocks of one computer are never a day apart
                        time.sleep(0.001)
                    clock[0] += timedelta(days=1)
        finally:
            begun[who] = datetime.max.replace(tzinfo=UTC)

    clock, begun, found = [NOON], [NOON - timedelta(days=1)] * 4, []
    threads = [threading.Thread(target=write, args=(who,)) for who in range(4)]
    follower = Follower(followed.path)
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        found += new(follower)
    found += new(follower)
    assert sorted(found) == sorted(f"{who}-{step}" for who in range(4) for step in range(60))


# --- Errors and requests --------------------------------------------------------------------------


def test_errors_are_read_newest_first_over_days_with_what_belongs_to_them(tmp_path):
    now = [NOON]
    log = TradeLogger(tmp_path, "practice", clock=lambda: now[0])
    for number in range(5):
        log.log_error(f"problem {number}\nsecond line", ValueError(f"cause {number}\n\n2026 forged"))
        now[0] += timedelta(days=1)
    found = list(newest_errors(log))
    assert [each.sentence.rsplit("] ")[1] for each in found] == [
        f"problem {number}" for number in (4, 3, 2, 1, 0)
    ]
    assert all(f"ValueError: cause {4 - place}" in each.text for place, each in enumerate(found))
    assert "second line" in found[0].text


@given(place=st.integers(0, 100_000))
def test_an_error_log_cut_anywhere_keeps_every_earlier_error_and_names_the_cut(tmp_path, place):
    shutil.rmtree(tmp_path, ignore_errors=True)
    log = TradeLogger(tmp_path, "practice", clock=lambda: NOON)
    ends = []
    for number in range(3):
        log.log_error(f"problem {number}", ValueError("x"))
        ends.append(log.errors_path.stat().st_size)
    content = log.errors_path.read_bytes()
    cut = place % len(content)
    log.errors_path.write_bytes(content[:cut])
    found = list(newest_errors(log))
    whole = sum(1 for end in ends if end <= cut)
    sentences = [each.sentence for each in found if not isinstance(each, DamagedLine)]
    assert [each[-1] for each in sentences[len(sentences) - whole :]] == ["2", "1", "0"][3 - whole :]
    damage = [each for each in found if isinstance(each, DamagedLine)]
    assert [each.is_cut for each in damage] == (
        [True] if content[:cut] and content[cut - 1 : cut] != b"\n" else []
    )
    log.log_error("after", None)
    assert log.read_errors(1)[0].endswith("after")


def test_lines_that_belong_to_no_error_are_damaged_each_with_its_number(tmp_path):
    log = TradeLogger(tmp_path, "practice", clock=lambda: NOON)
    log.log_error("first")
    with log.errors_path.open("ab") as file:
        file.write(b"\xff head\n    below it\n\n")
    log.log_error("second")
    found = [
        str(each) if isinstance(each, DamagedLine) else each.sentence[-5:] for each in newest_errors(log)
    ]
    assert found == ["econd", "errors.log line 3", "errors.log line 2", "first"]


# --- Retention ------------------------------------------------------------------------------------


def test_a_long_day_is_compressed_beside_the_line_that_begins_the_next_one(tmp_path, monkeypatch):
    now = [NOON]
    log = TradeLogger(tmp_path, "practice", clock=lambda: now[0])
    log.log_event("session.tick", {"n": 0})
    monkeypatch.setattr(log_files, "INLINE_COMPRESS_BYTES", 10)
    started = threading.Event()
    real = log_files._compress_all

    def slowly(plain, lock):
        started.wait(60)
        real(plain, lock)

    monkeypatch.setattr(log_files, "_compress_all", slowly)
    before = set(threading.enumerate())
    now[0] += timedelta(days=1)
    log.log_event("session.tick", {"n": 1})  # returns while the compression waits
    assert sorted(path.suffix for path in log.folder.glob("trades-*")) == [".log"]
    assert forward(log.trades_path) == ["0", "1"]
    started.set()
    for thread in set(threading.enumerate()) - before:
        thread.join()
    assert sorted(path.suffix for path in log.folder.glob("trades-*")) == [".gz"]
    assert forward(log.trades_path) == ["0", "1"]


def test_the_size_of_a_log_is_that_of_all_its_files(tmp_path):
    kept = spread(tmp_path / "logs", [3, 2, 1], [True, False])
    size = log_files.size_of(kept.path)
    files = [path for path in kept.path.parent.iterdir() if path.name.startswith("trades")]
    assert (size.files, size.stored_bytes) == (3, sum(path.stat().st_size for path in files))
    assert size.oldest == NOON.date()
    assert log_files.size_of(tmp_path / "none.log") == log_files.LogSize(0, 0, None)


def test_only_days_before_the_one_asked_for_are_deleted_and_nothing_comes_to_life_again(tmp_path):
    kept = spread(tmp_path / "logs", [1, 1, 1, 1], [True, False, True])
    leftover = kept.path.parent / "trades-2026-11-01.log"
    leftover.write_bytes(line(0))
    assert log_files.delete_before(kept.path, date(2026, 11, 3)) == 2
    assert forward(kept.path) == ["2", "3"]
    assert not leftover.exists()


def test_the_files_of_another_log_are_neither_read_nor_deleted(tmp_path):
    kept = spread(tmp_path / "logs", [1, 1], [False])
    other = kept.path.with_name("errors-2026-01-01.log")
    other.write_bytes(b"x\n")
    for name in ("trades-2026-13-01.log", "trades-notes.log", "trades-2026-01-01.log.bak"):
        (kept.path.parent / name).write_bytes(line(9))
    assert forward(kept.path) == ["0", "1"]
    log_files.delete_before(kept.path, date.max)
    assert len(list(kept.path.parent.iterdir())) == 6  # including the lock


def test_a_file_opened_on_its_own_is_read_from_both_ends(tmp_path, block):
    path = tmp_path / "trades-2026-11-01.log"
    path.write_bytes(line(1) + line(2))
    file = LogFile(path)
    forwards = [each for batch in file.batches() for each in batch.lines]
    assert forwards == [each.data for each in file.backwards()][::-1]


def test_the_newest_events_are_in_plain_words(tmp_path):
    log = TradeLogger(tmp_path, "practice", clock=lambda: NOON)
    order = {"client_order_id": "c", "ticker": "KXFED-26DEC", "action": "buy", "side": "yes"}
    wish = {"count": "10", "price": "0.5600"}
    log.log_order_step("intent", {**order, **wish, "sentence": "BUY 10 YES KXFED-26DEC at 56¢, good"})
    log.log_order_step("acknowledged", {**order, **wish, "reason": "resting"})
    log.log_order_fill({**order, "fill_count": "4.00", "average_price": "0.5550", "fee": "0.0700"})
    log.log_cancel_step("acknowledged", {**order, "reason": "Canceled."})
    log.log_event("venue.moved_on", {"reason": "a new event"})
    found = [(each.what, each.market, each.sentence) for each in newest_events(log)][::-1]
    assert found == [
        ("confirmed", "KXFED-26DEC", "BUY 10 YES at 56¢, good"),
        ("accepted", "KXFED-26DEC", "BUY 10 YES at 56¢: resting"),
        ("filled", "KXFED-26DEC", "4 filled at 55.5¢ on average, fee $0.07"),
        ("canceled", "KXFED-26DEC", "Canceled."),
        ("venue moved on", "", "a new event"),
    ]
