"""The journal's digest kept up to date for a session: what was read once is not read again.

A session begins with the checkpoint, if there is one that fits, and reads only what the journal got since,
also what other sessions write, across rotation and compression. Thread-safe; decides nothing.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from kalshi_trading.file_locks import LockHeldError
from kalshi_trading.journal import Damage, JournalRecord, as_journal_errors, entries_of
from kalshi_trading.journal_checkpoint import Checkpoint, read_checkpoint, write_checkpoint
from kalshi_trading.journal_digest import KEPT_FOR, JournalDigest
from kalshi_trading.journal_orders import JournaledOrder
from kalshi_trading.log_cursor import LogCursor, LogReplacedError
from kalshi_trading.paging import Progress

CHECKPOINT_AFTER = 1 << 20
"""Bytes read at a start from which on the next start should be spared them."""
_LONGEST_DAY = timedelta(hours=25)
_DROP_EVERY = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class JournalChanges:
    """What the journal says newly of the orders, and all that it says of panics and damage.

    An order is None once nothing can come of it. `until` is where the next look goes on.
    """

    until: int
    orders: tuple[tuple[str, JournaledOrder | None], ...]
    panics: tuple[JournalRecord, ...]
    damage: Damage


class DigestReader:
    """Folds one journal; `changes` is its only door."""

    def __init__(self, path: Path, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._path = path
        self._clock = clock
        self._guard = threading.Lock()
        self._cursor: LogCursor | None = None
        self._digest = JournalDigest()
        self._looked_through_at: datetime | None = None
        self._changed: list[str] = []
        """The order of each change since the first look, in their turn."""

    def changes(self, since: int = 0, *, progress: Progress = lambda lines: None) -> JournalChanges:
        """Read on, and give what changed since an earlier `until`; 0: every order that counts.

        `progress` is called with the number of lines read. Raises JournalError.
        """
        with self._guard, as_journal_errors(self._path):
            self._update(progress)
            named = self._changed[since - 1 :] if since else self._digest.names
            cut = self._cursor.cut if self._cursor is not None else None
            damage = self._digest.damage
            return JournalChanges(
                until=len(self._changed) + 1,
                orders=tuple((name, self._digest.order(name)) for name in dict.fromkeys(named)),
                panics=self._digest.panics,
                damage=damage if cut is None else damage.with_line(cut),
            )

    def _update(self, progress: Progress) -> None:
        now = self._clock()
        dropped_before = self._digest.dropped_before
        if dropped_before is not None and now - _LONGEST_DAY < dropped_before:
            self._forget()  # the clock was set back: what was dropped may be of today
        try:
            if self._cursor is not None:
                with suppress(LogReplacedError):
                    self._read_on(self._cursor, now, progress, note=self._changed.extend)
                    return
            self._forget()
            self._begin(now, progress)
        except LockHeldError:
            raise  # before anything was read
        except BaseException:
            self._forget()  # it may have been half folded
            raise

    def _forget(self) -> None:
        """Begin anew at the next look; every order known now counts as changed."""
        self._cursor = None
        self._changed.extend(self._digest.names)
        self._digest, self._looked_through_at = JournalDigest(), None

    def _begin(self, now: datetime, progress: Progress) -> None:
        """Read from the checkpoint on, or all, and leave a checkpoint where that was much."""
        cursor, checkpoint = LogCursor(self._path), read_checkpoint(self._path)
        if checkpoint is not None and _is_of_use(checkpoint, now) and cursor.resume(checkpoint.bookmark):
            self._digest = checkpoint.digest
        self._cursor = cursor
        read = self._read_on(cursor, now, progress, note=lambda names: None)
        self._changed.extend(self._digest.names)
        mark = cursor.bookmark()
        if read >= CHECKPOINT_AFTER and mark is not None:
            with suppress(OSError):  # it is only a shortcut
                write_checkpoint(self._path, Checkpoint(self._digest, mark))

    def _read_on(
        self,
        cursor: LogCursor,
        now: datetime,
        progress: Progress,
        *,
        note: Callable[[Iterable[str]], None],
    ) -> int:
        """Fold what is new and drop what is settled; return how many bytes were new.

        `note` is called with the orders that this changes.
        """
        before = now - KEPT_FOR
        lines = size = 0
        for unread in cursor.unread():
            named = self._digest.add(entries_of(unread.file, unread.number, unread.batch))
            self._digest.drop_settled(before, among=named)
            note(named)
            lines, size = lines + len(unread.batch.lines), size + unread.batch.size
            progress(lines)
        if self._looked_through_at is None or now - self._looked_through_at >= _DROP_EVERY:
            note(self._digest.drop_settled(before))
            self._looked_through_at = now
        return size


def _is_of_use(checkpoint: Checkpoint, now: datetime) -> bool:
    dropped_before = checkpoint.digest.dropped_before
    return dropped_before is None or now - _LONGEST_DAY >= dropped_before
