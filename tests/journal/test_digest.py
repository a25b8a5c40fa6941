"""The digest from a checkpoint, continued or new, equals the journal."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import random
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import proof
import pytest
from hypothesis import given
from hypothesis import strategies as st
from journaled import INTENT_FIELDS, order_index
from model_factory import NOW

from kalshi_trading.core.errors import JournalError
from kalshi_trading.journal import digest as journal_digest
from kalshi_trading.journal import digest_reader
from kalshi_trading.journal.checkpoint import checkpoint_of, read_checkpoint
from kalshi_trading.journal.digest import KEPT_FOR, LATE_FOR, JournalDigest
from kalshi_trading.journal.digest_reader import DigestReader
from kalshi_trading.journal.events import ORDERS_ALLOWED_EVENT, PANIC_EVENT
from kalshi_trading.journal.files import file_locks, log_files, log_reader
from kalshi_trading.journal.files.file_locks import locked
from kalshi_trading.journal.files.log_cursor import Bookmark, LogCursor
from kalshi_trading.journal.files.log_files import lock_of
from kalshi_trading.journal.order_log import logged_orders
from kalshi_trading.journal.order_state import NO_ORDER_STAGES
from kalshi_trading.journal.panic_state import is_panic_active
from kalshi_trading.journal.records import JournalRecord, newest_records, scan_journal
from kalshi_trading.orders.execution.pending_orders import PendingOrders
from kalshi_trading.orders.execution.recovery import OrderRecovery
from kalshi_trading.orders.pretrade.activity import ActivityReader
from kalshi_trading.trade_logger import TradeLogger

DAY = timedelta(days=1)
SAID = {"sentence": "BUY 10 YES"}
FILLED = {"fill_count": "10", "remaining_count": "0", "order_id": "o"}
RESTS = {"fill_count": "4", "remaining_count": "6", "order_id": "o"}
LIVES = {
    "of an intent alone": [("intent", INTENT_FIELDS)],
    "sent": [("intent", INTENT_FIELDS), ("sending", SAID)],
    "unknown": [("intent", INTENT_FIELDS), ("sending", SAID), ("unknown", SAID)],
    "filled": [("intent", INTENT_FIELDS), ("sending", SAID), ("acknowledged", FILLED), ("fill", FILLED)],
    "resting": [("intent", INTENT_FIELDS), ("acknowledged", RESTS)],
    "canceled": [
        ("intent", INTENT_FIELDS),
        ("acknowledged", RESTS),
        ("cancel.acknowledged", {"reduced_by": "6"}),
    ],
    "canceled in part": [
        ("intent", INTENT_FIELDS),
        ("acknowledged", RESTS),
        ("cancel.acknowledged", {"reduced_by": "5"}),
    ],
    "filled later": [("intent", INTENT_FIELDS), ("acknowledged", RESTS), ("fill", FILLED)],
    "ended elsewhere": [("intent", INTENT_FIELDS), ("acknowledged", RESTS), ("ended", RESTS)],
    "rejected": [("intent", INTENT_FIELDS), ("sending", SAID), ("rejected", SAID)],
    "absent": [("intent", INTENT_FIELDS), ("unknown", SAID), ("absent", SAID)],
    "late": [("intent", INTENT_FIELDS), ("absent", SAID), ("acknowledged", RESTS)],
    "of a lost intent": [("sending", INTENT_FIELDS), ("acknowledged", FILLED)],
    "of odd numbers": [
        ("intent", INTENT_FIELDS),
        ("acknowledged", {"fill_count": "4.50", "remaining_count": "5.50"}),
    ],
}


class Diary:
    """A journal written at any time by any session."""

    def __init__(self, folder: Path) -> None:
        self.now = NOW
        self.folder = folder
        self._orders = 0
        self.log = self.session()
        self.path = self.log.trades_path

    def session(self, account: str = "mine", session: str = "0" * 32) -> TradeLogger:
        return TradeLogger(
            self.folder, "practice", session_id=session, account=account, clock=lambda: self.now
        )

    def order(self, life: str, account: str = "mine") -> None:
        self._orders += 1
        log = self.session(account)
        for event, fields in LIVES[life]:
            name = {"client_order_id": f"order-{self._orders}"}
            kind, _, step = event.rpartition(".")
            log.log_event(f"{kind or 'order'}.{step}", {**name, **fields})

    def years(self) -> None:
        """Write orders of every age and kind, and damaged lines.

        At each age one order is of another account.
        """
        for age in (400 * DAY, LATE_FOR + 2 * DAY, LATE_FOR - DAY, 3 * DAY, DAY, timedelta(0)):
            self.now = NOW - age
            for life in LIVES:
                self.order(life)
            self.order("unknown", account="theirs")
            self.session("theirs").log_cancel_step("panic", {"reason": "everything is canceled"})
        self.session().log_cancel_step("panic", {"reason": "everything is canceled"})
        self.damage()
        self.session().log_cancel_step("rearmed", {"reason": "new orders allowed again"})

    def damage(self) -> None:
        with self.path.open("ab") as file:
            file.write(b"neither a time nor an event\n")

    def said(self, reader: DigestReader | None = None):
        """Return the changes of a reader, or of a new one, without its counter."""
        changes = (reader or DigestReader(self.path, clock=lambda: self.now)).changes()
        return {name: order for name, order in changes.orders if order}, changes.panics, changes.damage


@pytest.fixture
def diary(tmp_path, monkeypatch):
    monkeypatch.setattr(digest_reader, "CHECKPOINT_AFTER", 1)
    return Diary(tmp_path)


def without_checkpoint(diary: Diary):
    kept = checkpoint_of(diary.path)
    hidden = kept.with_suffix(".hidden")
    if kept.exists():
        kept.rename(hidden)
    said = diary.said()
    kept.unlink(missing_ok=True)
    if hidden.exists():
        hidden.rename(kept)
    return said


# --- The digest equals the journal ----------------------------------------------------------------


def test_recovery_and_counters_are_those_of_the_whole_journal(diary):
    diary.years()
    reading = diary.log.read_journal()
    whole = logged_orders(reading.records, "practice", "mine")
    orders, panics, damage = diary.said()
    index = order_index(reading.records, "mine")
    seen = ActivityReader(diary.log, account="mine", clock=lambda: diary.now).read()
    assert seen.today == index.today(diary.now)
    assert seen.recent == index.recent(diary.now)
    assert seen.pending_orders == index.pending_orders
    assert seen.in_flight.after(diary.now - DAY) == index.in_flight().after(diary.now - DAY)
    assert (damage, len(damage)) == (reading.damage, 1)
    assert [record.event for record in panics] == ["cancel.panic", "cancel.rearmed"]
    logged = whole.all_orders
    assert {name for name, order in logged.items() if order.is_resting} <= orders.keys()
    young = diary.now - KEPT_FOR
    assert {name for name, order in logged.items() if order.state.intent_at >= young} <= orders.keys()
    assert all(orders[name] == logged[name] for name in orders)
    recovery = OrderRecovery(None, diary.log, PendingOrders()).recover(
        account="mine", is_alive=lambda session: False
    )
    foreign = [order.state for order in whole.foreign.values() if order.state.is_pending]
    assert list(recovery.foreign) == foreign


def test_what_is_settled_is_dropped_and_what_may_turn_up_is_kept_for_a_month(diary):
    diary.years()
    orders, _, _ = diary.said()
    ages = {
        (NOW - order.state.intent_at).days
        for order in orders.values()
        if order.state.stage in NO_ORDER_STAGES
    }
    assert ages == {0, 1, 3, 29}
    ages = {(NOW - order.state.intent_at).days for order in orders.values() if order.filled == 10}
    assert ages == {0, 1}
    assert len([order for order in orders.values() if order.state.is_pending]) == 6 * 4
    assert len([order for order in orders.values() if order.is_resting]) == 6 * 4


@given(
    lives=st.lists(st.tuples(st.sampled_from(sorted(LIVES)), st.integers(0, 900)), max_size=30),
    looks=st.lists(st.booleans(), min_size=30, max_size=30),
)
def test_read_on_from_a_checkpoint_or_anew_the_digest_is_the_same(tmp_path, lives, looks, monkeypatch):
    monkeypatch.setattr(digest_reader, "CHECKPOINT_AFTER", 1)
    shutil.rmtree(tmp_path, ignore_errors=True)
    diary = Diary(tmp_path)
    session = DigestReader(diary.path, clock=lambda: diary.now)
    known: dict[str, object] = {}
    until = 0
    for (life, hours), looks_now in zip(lives, looks, strict=False):
        diary.now += timedelta(hours=hours % 60)
        diary.order(life)
        if looks_now:
            changes = session.changes(until)
            until = changes.until
            known |= dict(changes.orders)
            with_checkpoint, anew = diary.said(), without_checkpoint(diary)
            assert with_checkpoint == anew
            assert {name: order for name, order in known.items() if order is not None} == anew[0]
            assert (changes.panics, changes.damage) == anew[1:]


def test_four_sessions_that_write_over_midnights_are_all_read(diary):
    reader = DigestReader(diary.path, clock=lambda: diary.now)
    until, seen = 0, set()

    def write(who: int) -> None:
        log = diary.session(f"account-{who}")
        for step in range(40):
            log.log_order_step("intent", {"client_order_id": f"{who}-{step}", **INTENT_FIELDS})

    with ThreadPoolExecutor(4) as threads:
        writers = [threads.submit(write, who) for who in range(4)]
        while not all(writer.done() for writer in writers):
            changes = reader.changes(until)
            until, seen = changes.until, seen | {name for name, _ in changes.orders}
            if changes.orders:
                diary.now += timedelta(hours=5)
    for writer in writers:
        writer.result()
    seen |= {name for name, _ in reader.changes(until).orders}
    assert seen == {f"{who}-{step}" for who in range(4) for step in range(40)}
    assert diary.said(reader) == diary.said()


@given(
    steps=st.lists(
        st.tuples(
            st.sampled_from(
                ["intent", "sending", "acknowledged", "rejected", "unknown", "absent", "fill", "ended"]
            ),
            st.sampled_from(["0", "4", "4.50", "10", "", "x"]),
            st.sampled_from(["0", "6", "5.50", "10", "", "x"]),
        )
        | st.tuples(st.just("cancel.acknowledged"), st.sampled_from(["0", "6", "5", "5.50"]), st.just("")),
        max_size=7,
    )
)
def test_the_quick_check_calls_settled_only_what_the_rules_do(steps):
    records = []
    for step, filled, left in steps:
        kind, _, event = step.rpartition(".")
        fields = {"fill_count": filled, "remaining_count": left} if not kind else {"reduced_by": filled}
        named = {"client_order_id": "a", "order_id": "o", **INTENT_FIELDS, **fields}
        records.append(JournalRecord(NOW - 400 * DAY, f"{kind or 'order'}.{event}", named))
    digest = JournalDigest()
    digest.add(records)
    with_shortcut = digest.drop_settled(NOW)
    by_rules = JournalDigest()
    by_rules.add(records)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(journal_digest, "_is_filled_or_canceled", lambda records: False)
        assert by_rules.drop_settled(NOW) == with_shortcut


def test_the_newest_panic_or_rearm_decides_whichever_account_it_names():
    def record(event: str, account: str) -> JournalRecord:
        return JournalRecord(NOW, event, {"account": account} if account else {})

    digest = JournalDigest()
    digest.add([record(PANIC_EVENT, ""), record(ORDERS_ALLOWED_EVENT, "mine"), record(PANIC_EVENT, "")])
    assert is_panic_active(digest.panics, "mine")
    digest.add([record(ORDERS_ALLOWED_EVENT, "mine")])
    assert not is_panic_active(digest.panics, "mine")
    assert is_panic_active(digest.panics, "theirs")


# --- The checkpoint -------------------------------------------------------------------------------


def test_a_start_reads_only_what_came_after_the_checkpoint(diary, monkeypatch):
    diary.years()
    said = diary.said()
    mark = read_checkpoint(diary.path).bookmark
    read: list[int] = []
    reader = DigestReader(diary.path, clock=lambda: diary.now)
    reader.changes(progress=read.append)
    assert (read, len(mark.before)) == ([], 5)
    diary.order("resting")
    reader = DigestReader(diary.path, clock=lambda: diary.now)
    reader.changes(progress=read.append)
    assert read == [2]
    assert len(diary.said(reader)[0]) == len(said[0]) + 1


def test_a_short_journal_needs_none(tmp_path):
    diary = Diary(tmp_path)
    diary.years()
    diary.said()
    assert not checkpoint_of(diary.path).exists()


def flipped(content: bytes, place: int, bit: int) -> bytes:
    return content[:place] + bytes([content[place] ^ (1 << bit)]) + content[place + 1 :]


def small(diary: Diary) -> None:
    diary.now = NOW - 3 * DAY
    diary.order("unknown")
    diary.now = NOW
    diary.order("resting")


@pytest.mark.parametrize("write", [small, Diary.years])
def test_cut_or_flipped_anywhere_it_changes_nothing(diary, write):
    write(diary)
    expected = diary.said()
    path = checkpoint_of(diary.path)
    whole, draw = path.read_bytes(), random.Random(7)
    places = range(len(whole))
    for place in draw.sample(places, min(len(places), proof.CURRENT.damaged_places)):
        for content in (whole[:place], flipped(whole, place, draw.randrange(8))):
            path.write_bytes(content)
            assert diary.said() == expected
            assert path.read_bytes() == whole  # it was written again


def edited(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content.replace(b"order-", b"0rder-"))


def cut(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: content.rindex(b"\n", 0, -1) + 1])


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def removed(path: Path) -> None:
    path.unlink()


@pytest.mark.parametrize("change", [edited, cut, emptied, removed])
@pytest.mark.parametrize("reads_on", [False, True])
def test_a_journal_that_was_changed_is_read_anew(diary, change, reads_on):
    diary.order("resting")
    diary.order("unknown")
    reader = DigestReader(diary.path, clock=lambda: diary.now)
    reader.changes()
    change(diary.path)
    assert diary.said(reader if reads_on else None) == without_checkpoint(diary)
    diary.order("filled")
    assert diary.said(reader if reads_on else None) == without_checkpoint(diary)


@pytest.mark.parametrize("change", [edited, removed])
def test_earlier_files_that_changed_their_size_or_are_gone_are_read_anew(diary, change):
    diary.years()
    diary.said()
    oldest = log_files.rotated_files(diary.path)[0].path
    if change is edited:
        with gzip.open(oldest, "ab") as file:
            file.write(b'2026-11-01T12:00:00.000+00:00 order.intent {"client_order_id": "added"}\n')
    else:
        oldest.unlink()
    said = diary.said()
    assert said == without_checkpoint(diary)
    assert ("added" in said[0]) == (change is edited)


def test_the_checkpoint_of_another_journal_is_of_no_use(diary, tmp_path):
    diary.order("resting")
    other = Diary(tmp_path / "other")
    other.order("unknown")
    expected = other.said()
    diary.said()
    shutil.copy(checkpoint_of(diary.path), checkpoint_of(other.path))
    assert other.said() == expected


def test_a_clock_that_is_set_back_reads_what_was_dropped_of_that_day(diary):
    diary.order("filled")
    reader = DigestReader(diary.path, clock=lambda: diary.now)
    assert list(diary.said(reader)[0]) == ["order-1"]
    diary.now += 9 * DAY
    assert list(diary.said(reader)[0]) == []
    checkpoint_of(diary.path).unlink()
    assert list(diary.said()[0]) == []
    assert read_checkpoint(diary.path).digest.dropped_before > NOW
    diary.now -= 9 * DAY
    assert list(diary.said(reader)[0]) == ["order-1"]
    assert list(diary.said()[0]) == ["order-1"]


@pytest.mark.parametrize(
    "change",
    [
        {"version": 2},
        {"bookmark": {"offset": 0}},
        {"dropped_before": "yesterday"},
        {"damage": {"count": 0, "first": [{"line": 1}], "last": None}},
        {"bookmark": {"before": [1], "offset": 1, "lines": 1, "ending": ""}},
    ],
    ids=str,
)
def test_one_that_another_version_wrote_is_of_no_use(diary, change):
    diary.order("resting")
    expected = diary.said()
    path = checkpoint_of(diary.path)
    head, _, rest = path.read_bytes().partition(b"\n")
    lines = rest.rpartition(b"\n")[0].rpartition(b"\n")[0] + b"\n"
    content = json.dumps(json.loads(head) | change).encode() + b"\n" + lines
    path.write_bytes(content + f"{hashlib.sha256(content).hexdigest()}\n".encode())
    assert read_checkpoint(diary.path) is None
    assert diary.said() == expected


def test_a_file_that_is_damaged_after_it_was_put_aside_is_read_anew(diary):
    diary.order("resting")
    diary.said()
    diary.now += DAY
    diary.order("unknown")
    packed = log_files.rotated_files(diary.path)[0].path
    content = packed.read_bytes()
    for damaged in (content[:30], flipped(content, len(content) // 2, 3), content[:-8] + content[-8:][::-1]):
        packed.write_bytes(damaged)
        assert diary.said() == without_checkpoint(diary)


def test_a_checkpoint_is_private_and_replaces_the_last_one_atomically(diary):
    mask = os.umask(0)
    try:
        diary.order("resting")
        diary.said()
    finally:
        os.umask(mask)
    assert checkpoint_of(diary.path).stat().st_mode & 0o777 == 0o600
    left = {path.name for path in diary.path.parent.iterdir()}
    assert left == {"trades.log", "trades.log.lock", "trades.checkpoint"}


def test_where_no_checkpoint_can_be_written_the_journal_is_read_without(diary):
    diary.order("resting")
    checkpoint_of(diary.path).mkdir()
    assert list(diary.said()[0]) == ["order-1"]
    assert len(list(diary.path.parent.iterdir())) == 3  # journal, lock and this folder


# --- Failures while reading -----------------------------------------------------------------------


def test_an_interruption_half_way_leaves_nothing_half_read(diary):
    diary.years()
    expected = diary.said()
    checkpoint_of(diary.path).unlink()
    reader = DigestReader(diary.path, clock=lambda: diary.now)
    seen: list[int] = []

    def interrupted(lines: int) -> None:
        seen.append(lines)
        if len(seen) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        reader.changes(progress=interrupted)
    assert diary.said(reader) == expected


def test_a_lock_that_another_program_keeps_at_the_start_hides_nothing(diary, monkeypatch):
    diary.order("resting")
    expected = diary.said()
    reader = DigestReader(diary.path, clock=lambda: diary.now)
    resume = LogCursor.resume

    def locked_meanwhile(cursor: LogCursor, mark: Bookmark) -> bool:
        fits = resume(cursor, mark)
        monkeypatch.undo()
        raise file_locks.LockHeldError if fits else AssertionError

    monkeypatch.setattr(LogCursor, "resume", locked_meanwhile)
    with pytest.raises(JournalError, match="another program has locked it"):
        reader.changes()
    assert diary.said(reader) == expected


def test_a_journal_in_the_place_of_another_takes_back_what_was_said(diary, tmp_path):
    diary.order("resting")
    reader = DigestReader(diary.path, clock=lambda: diary.now)
    until = reader.changes().until
    other = Diary(tmp_path / "other")
    for life in ("filled", "unknown"):
        other.order(life)
    content = other.path.read_bytes().replace(b"order-", b"other-")
    diary.path.unlink()
    diary.path.write_bytes(content)
    changed = dict(reader.changes(until).orders)
    assert {name: order is None for name, order in changed.items()} == {
        "order-1": True,
        "other-1": False,
        "other-2": False,
    }


def test_a_lock_that_another_program_keeps_loses_nothing_that_was_read(diary, monkeypatch):
    monkeypatch.setattr(file_locks, "LOCK_TIMEOUT_S", 0.05)
    diary.order("resting")
    reader = DigestReader(diary.path, clock=lambda: diary.now)
    until = reader.changes().until
    with diary.path.open("ab") as file:
        file.write(b"torn")
    with locked(lock_of(diary.path)), pytest.raises(JournalError, match="another program has locked it"):
        reader.changes(until)
    changes = reader.changes(until)
    assert (changes.orders, len(changes.damage)) == ((), 1)


def test_a_torn_end_is_damage_until_it_is_whole(diary):
    diary.order("resting")
    reader = DigestReader(diary.path, clock=lambda: diary.now)
    line = diary.path.read_bytes().splitlines(keepends=True)[0].replace(b"order-1", b"order-2")
    for cut_at, damaged in ((9, 1), (len(line) - 2, 1), (len(line) - 1, 0), (len(line), 0)):
        content = diary.path.read_bytes()
        whole = content[: content.rindex(b"\n") + 1]
        diary.path.write_bytes(whole + line[:cut_at])
        assert len(diary.said(reader)[2]) == damaged
        assert diary.said(reader) == diary.said()
    assert "order-2" in diary.said(reader)[0]


@pytest.mark.parametrize("life", ["of an intent alone", "resting"])
@pytest.mark.parametrize("then", ["goes on", "is put aside", "is continued by hand", "is damaged"])
def test_a_last_line_that_lacks_only_its_end_counts(diary, life, then):
    diary.order(life)
    diary.session().log_cancel_step("panic", {"reason": "everything is canceled"})
    diary.path.write_bytes(diary.path.read_bytes()[:-1])
    reader = DigestReader(diary.path, clock=lambda: diary.now)
    reading = diary.log.read_journal()
    orders, panics, damage = diary.said(reader)
    assert (len(orders), panics[-1], len(damage)) == (1, reading.records[-1], 0)
    assert diary.said() == (orders, panics, damage)
    if then == "is put aside":
        diary.now += DAY
    if then in ("goes on", "is put aside"):
        diary.order("unknown")
    else:
        with diary.path.open("ab") as file:
            file.write(b"\n" if then == "is continued by hand" else b"?\n")
        diary.damage()
    reading = diary.log.read_journal()
    assert diary.said(reader) == diary.said()
    assert diary.said(reader)[2] == reading.damage
    assert len(diary.said(reader)[1]) == (then != "is damaged")


@pytest.mark.parametrize("letter", ["\N{CYRILLIC CAPITAL LETTER A}", "\N{GRINNING FACE}"])
def test_a_long_line_of_any_script_is_kept_by_the_checkpoint(diary, letter):
    named = {"client_order_id": "a", **INTENT_FIELDS, "sentence": letter * 200_000}
    diary.log.log_order_step("intent", named)
    expected = diary.said()
    assert list(expected[0]) == ["a"]
    assert read_checkpoint(diary.path) is not None
    assert diary.said() == expected


def test_what_was_heard_of_an_old_order_a_moment_ago_is_kept(diary):
    diary.now = NOW - 40 * DAY
    diary.order("unknown")
    diary.order("unknown")
    diary.now = NOW
    for number, (event, fields) in enumerate((("acknowledged", FILLED), ("absent", SAID)), start=1):
        diary.log.log_order_step(event, {"client_order_id": f"order-{number}", **fields})
    assert sorted(diary.said()[0]) == ["order-1", "order-2"]
    diary.now = NOW + 3 * DAY
    assert sorted(diary.said()[0]) == ["order-2"]
    diary.now = NOW + LATE_FOR + DAY
    assert sorted(diary.said()[0]) == []


def test_a_clock_set_back_in_steps_hides_nothing(diary):
    diary.order("filled")
    diary.now += 2 * DAY + timedelta(hours=1)
    reader = DigestReader(diary.path, clock=lambda: diary.now)
    assert list(diary.said(reader)[0]) == []
    for _ in range(2):
        diary.now -= timedelta(hours=22, minutes=30)
        diary.order("resting")
        diary.said(reader)
    assert diary.said(reader)[0].keys() == diary.said()[0].keys() == {"order-1", "order-2", "order-3"}


# --- Memory ---------------------------------------------------------------------------------------

MEASURE = """
import resource, sys
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from kalshi_trading.journal.digest_reader import DigestReader
from kalshi_trading.journal.records import newest_records, read_journal
path = Path(sys.argv[1])
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
changes = DigestReader(path, clock=lambda: datetime(2026, 11, 21, 15, tzinfo=UTC)).changes()
reading = read_journal(path)
newest = list(islice(newest_records(path), 5))
grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
print(len(changes.damage), len(reading.damage), len(reading.records), len(newest), grown)
"""


def measured(path: Path) -> tuple[int, ...]:
    """Read a journal from both ends in a new process and return the counts.

    The last number is the memory it took in KiB.
    """
    project = Path(__file__).resolve().parents[2]
    command = [sys.executable, "-c", MEASURE, str(path)]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, timeout=300, check=True)
    return tuple(map(int, done.stdout.split()))


GOOD = b'2026-11-21T12:00:00.000+00:00 order.intent {"client_order_id": "a", "ticker": "KX-1"}\n'


def endless_line(path: Path, size: int) -> None:
    with path.open("wb") as file:
        file.write(GOOD)
        for _ in range(size >> 20):
            file.write(b"x" * (1 << 20))
        file.write(b"\n" + GOOD)


def endless_end(path: Path, size: int) -> None:
    endless_line(path, size)
    os.truncate(path, path.stat().st_size - len(GOOD) - 1)


def many_damaged_lines(path: Path, size: int) -> None:
    with path.open("wb") as file:
        file.write(GOOD)
        for _ in range(size >> 20):
            file.write(b"damaged\n" * (1 << 14))


def bomb(path: Path, size: int) -> None:
    with gzip.open(path.with_name("trades-2026-11-20.log.gz"), "wb", 1) as file:
        file.write(GOOD)
        for _ in range(size >> 20):
            file.write(b"\0" * (1 << 20))
    path.write_bytes(GOOD)


@pytest.mark.parametrize("make", [endless_line, endless_end, many_damaged_lines, bomb])
def test_no_file_takes_more_memory_than_a_good_one(tmp_path, make):
    path = tmp_path / "trades.log"
    make(path, proof.CURRENT.hostile_megabytes << 20)
    in_digest, in_reading, records, newest, grown = measured(path)
    assert in_digest == in_reading > 0
    assert (records, newest > 0) == (1 if make in (endless_end, many_damaged_lines) else 2, True)
    assert grown < 30 * 1024


def test_a_line_longer_than_any_of_ours_is_one_damaged_line_from_both_ends(tmp_path, monkeypatch):
    monkeypatch.setattr(log_reader, "MAX_LINE_BYTES", 200)
    monkeypatch.setattr(log_reader, "_READ_BYTES", 100)
    monkeypatch.setattr(log_reader, "_BLOCK", 64)
    path = tmp_path / "trades.log"
    long = b'2026-11-21T12:00:00.000+00:00 order.intent {"pad": "' + b"x" * 400 + b'"}\n'
    path.write_bytes(GOOD + long + GOOD + long * 2 + GOOD + long[:-1])
    forwards = [str(entry)[:20] for entry in scan_journal(path)]
    assert forwards == [str(entry)[:20] for entry in newest_records(path)][::-1]
    assert [each for each in forwards if "line" in each] == [
        "trades.log line 2",
        "trades.log line 4",
        "trades.log line 5",
        "trades.log line 7 (c",
    ]


def test_a_compressed_file_may_unpack_to_what_a_log_can_have_and_no_further(tmp_path, monkeypatch):
    monkeypatch.setattr(log_reader, "MAX_UNPACKED_BYTES", 100_000)
    path = tmp_path / "trades.log"
    packed = path.with_name("trades-2026-11-20.log.gz")
    with gzip.open(packed, "wb") as file:
        file.write(GOOD * 5_000)
    entries = list(scan_journal(path))
    assert "trades-2026-11-20.log" in str(entries[-1])
    monkeypatch.setattr(log_reader, "MAX_UNPACK_RATIO", 5_000)
    assert len(list(scan_journal(path))) == 5_000
