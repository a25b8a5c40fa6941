"""Keep a session's digest of the journal current, reading each line once.

A session starts from the checkpoint, if a valid one exists. It then reads only newer lines, those of other
sessions included, across rotation and compression. Thread-safe. Decides nothing.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from kalshi_trading.core.dates import utc_now
from kalshi_trading.core.results import Progress
from kalshi_trading.journal.checkpoint import Checkpoint, read_checkpoint, write_checkpoint
from kalshi_trading.journal.digest import KEPT_FOR, JournalDigest
from kalshi_trading.journal.files.file_locks import LockHeldError
from kalshi_trading.journal.files.log_cursor import LogCursor, LogReplacedError
from kalshi_trading.journal.files.log_reader import as_damaged
from kalshi_trading.journal.order_log import LoggedOrder
from kalshi_trading.journal.records import Damage, JournalRecord, as_journal_errors, entries_of, parse_line

CHECKPOINT_AFTER = 1 << 20
"""Bytes read at a start that make a new checkpoint worthwhile."""
_LONGEST_DAY = timedelta(hours=25)
_DROP_EVERY = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class JournalChanges:
    """Orders that changed in the journal, and all its panics and damage.

    An order is None once no more can come of it. `until` is the `since` of the next call.
    """

    until: int
    orders: tuple[tuple[str, LoggedOrder | None], ...]
    panics: tuple[JournalRecord, ...]
    damage: Damage


class DigestReader:
    """Folds one journal. Callers use `changes` only."""

    def __init__(self, path: Path, *, clock: Callable[[], datetime] = utc_now) -> None:
        self._path = path
        self._clock = clock
        self._guard = threading.Lock()
        self._cursor: LogCursor | None = None
        self._digest = JournalDigest()
        self._fully_dropped_at: datetime | None = None
        self._changed: list[str] = []
        """Names of changed orders, one per change since the first read, in order."""

    def changes(self, since: int = 0, *, progress: Progress = lambda lines: None) -> JournalChanges:
        """Read new lines and return what changed since an earlier `until`.

        `since` 0: changes since the first read. `progress` is called with the number of lines read. Raises
        JournalError.
        """
        with self._guard, as_journal_errors(self._path):
            self._update(progress)
            cut = self._cursor.cut if self._cursor is not None else None
            damage = self._digest.damage
            return JournalChanges(
                until=len(self._changed),
                orders=tuple(
                    (name, self._digest.order(name)) for name in dict.fromkeys(self._changed[since:])
                ),
                panics=self._digest.panics,
                damage=damage if cut is None else damage.with_line(as_damaged(cut)),
            )

    def _update(self, progress: Progress) -> None:
        now = self._clock()
        if not _covers_today(self._digest, now):
            self._reset()
        try:
            if self._cursor is None:
                self._load(now, progress, read_checkpoint(self._path))
                return
            try:
                for named, _ in self._fold(self._cursor, now, progress):
                    self._changed += named
            except LogReplacedError:
                self._reset()
                self._load(now, progress, read_checkpoint(self._path))
        except LockHeldError:
            raise  # before any line was read
        except BaseException:
            self._reset()  # a batch may have been folded in part
            raise

    def _reset(self) -> None:
        """Restart at the next read. Every order known now counts as changed."""
        self._changed += self._digest.names
        self._cursor, self._digest, self._fully_dropped_at = None, JournalDigest(), None

    def _load(self, now: datetime, progress: Progress, checkpoint: Checkpoint | None) -> None:
        """Read from the checkpoint, or everything.

        Writes a new checkpoint after CHECKPOINT_AFTER bytes.
        """
        cursor, digest = LogCursor(self._path), JournalDigest()
        if checkpoint and _covers_today(checkpoint.digest, now) and cursor.resume(checkpoint.bookmark):
            digest = checkpoint.digest
        self._digest = digest
        try:
            read = sum(size for _, size in self._fold(cursor, now, progress))
        except LogReplacedError:
            if checkpoint is None:
                raise
            self._load(now, progress, None)  # the checkpoint is of another journal
            return
        self._cursor = cursor
        self._changed += digest.names
        mark = cursor.bookmark()
        if read >= CHECKPOINT_AFTER and mark is not None:
            with suppress(OSError, RecursionError):  # the journal can be read without it
                write_checkpoint(self._path, Checkpoint(digest, mark))

    def _fold(self, cursor: LogCursor, now: datetime, progress: Progress) -> Iterator[tuple[list[str], int]]:
        """Fold new lines and drop settled orders.

        Yields the names of changed orders and the bytes read.
        """
        before, lines = now - KEPT_FOR, 0
        for unread in cursor.unread():
            named = self._digest.add(entries_of(unread.file, unread.number, unread.batch))
            self._digest.drop_settled(before, among=named)
            lines += len(unread.batch.lines)
            yield named, unread.batch.size
            progress(lines)
        if cursor.cut is not None and (record := parse_line(cursor.cut.data)) is not None:
            named = self._digest.add([record])
            cursor.accept_cut()
            yield named, 0
        if self._fully_dropped_at is None or now - self._fully_dropped_at >= _DROP_EVERY:
            yield self._digest.drop_settled(before), 0
            self._fully_dropped_at = now


def _covers_today(digest: JournalDigest, now: datetime) -> bool:
    """Return True if no order of the local day was dropped.

    The check is needed because the clock may have been set back.
    """
    dropped_before = digest.dropped_before
    return dropped_before is None or now - _LONGEST_DAY >= dropped_before
