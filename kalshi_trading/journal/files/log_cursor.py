"""Read only the new bytes of a growing log.

This works across rotation and compression. A cursor is always placed after a whole line. A bookmark saves
its place for a later program. Knows nothing of what a line means. Changes no file.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from functools import partial
from io import BufferedReader
from pathlib import Path
from typing import NamedTuple

from kalshi_trading.journal.files.log_files import RotatedFile, rotated_files
from kalshi_trading.journal.files.log_reader import (
    CANNOT_UNPACK,
    CompressedLog,
    LineBatch,
    LogFile,
    LogLine,
    batches_between,
    batches_from,
    count_line_ends,
    end_of_lines,
    locked_against_writers,
    open_current,
    open_rotated,
    shown_name,
    snapshot,
)
from kalshi_trading.journal.files.private_files import open_to_read

_ENDING_BYTES = 4096
_SIZES = 1 << 32


class LogReplacedError(OSError):
    """The log no longer begins with what was read of it before."""

    def __init__(self) -> None:
        super().__init__("the file was truncated or replaced")


@dataclass(frozen=True, slots=True)
class Bookmark:
    """A place in a log: after some whole files and some bytes of the next one.

    `before` holds name and size of the whole files. `lines` counts the lines read of the next file. `ending`
    is a hash of the last bytes before the place.
    """

    before: tuple[tuple[str, int], ...]
    offset: int
    lines: int
    ending: str


class UnreadLines(NamedTuple):
    """Some lines of one file. `number` is the line number of the first."""

    file: str
    number: int
    batch: LineBatch

    def lines(self) -> Iterator[LogLine]:
        for place, data in enumerate(self.batch.lines, start=self.number):
            yield LogLine(data, self.file, partial(int, place), self.batch.has_end)


class LogCursor:
    """Reads what was added to a log since the last call.

    For one thread at a time. Keeps no file open.
    """

    def __init__(self, path: Path) -> None:
        """Start before the first line."""
        self._path = path
        self._before: dict[str, int] = {}
        self._place: _Place | None = None
        self._seen: tuple[int, ...] | None = None
        self.cut: LogLine | None = None
        """The last line of the current file if it had no line end at the last call."""

    # --- Bookmarks --------------------------------------------------------------------------------

    def bookmark(self) -> Bookmark | None:
        """Return the current place.

        None: no current file, or its last line has no line end.
        """
        place = self._place
        if place is None or place.lacks_end:
            return None
        return Bookmark(tuple(self._before.items()), place.offset, place.lines, place.ending)

    def resume(self, mark: Bookmark) -> bool:
        """Move to a bookmark. False: files before it changed.

        A change in the file of the bookmark is found by `unread`.
        """
        with locked_against_writers(self._path):
            rotated = rotated_files(self._path)
        known = {shown_name(each.path): _plain_size(each.path) for each in rotated[: len(mark.before)]}
        if known != dict(mark.before):
            return False
        self._before, self._place = known, _Place(mark.offset, mark.lines, mark.ending)
        return True

    def skip_existing(self, *, current: bool) -> None:
        """Move to the start of the current file, or after its last whole line.

        Raises OSError.
        """
        with ExitStack() as stack:
            rotated, today = snapshot(self._path, stack)
            self._before = {shown_name(each.path): 0 for each in rotated}
            self._place = self._seen = None
            if current and today is not None:
                end = end_of_lines(today)
                self._place = _Place(end, count_line_ends(today.stream, 0, end), _ending(today.stream, end))

    # --- Reading ----------------------------------------------------------------------------------

    def accept_cut(self) -> None:
        """Count the unfinished line as whole.

        If text is later appended to that line, the next read raises LogReplacedError.
        """
        assert self.cut is not None
        assert self._place is not None
        with open_to_read(self._path) as stream:
            self._place.offset += len(self.cut.data)
            self._place.ending = _ending(stream, self._place.offset)
        self._place.lines += 1
        self._place.lacks_end = True
        self.cut = None

    def unread(self) -> Iterator[UnreadLines]:
        """Yield new lines, oldest first.

        A line is yielded once it has its line end, or once its file can grow no more. Raises OSError, and
        LogReplacedError if the log lost lines that were read.
        """
        if self._seen is not None and self._seen == _path_fingerprint(self._path):
            return
        with ExitStack() as stack:
            with locked_against_writers(self._path):
                current = open_current(self._path, stack)
                is_same = current is not None and self._is_same_file(current)
                rotated = [] if is_same else rotated_files(self._path)
            new = [each for each in rotated if shown_name(each.path) not in self._before]
            for each in new:
                yield from self._read_rotated(each)
            self.cut = self._seen = None
            if current is not None:
                yield from self._read_current(current)
            elif self._place is not None:
                raise LogReplacedError

    def _is_same_file(self, current: LogFile) -> bool:
        """Check whether this is the file of the last call, so nothing was rotated.

        The inode is not enough: the system may reuse it once the old file is compressed.
        """
        now = os.fstat(current.stream.fileno())
        is_same = self._seen is not None and self._seen[:2] == (now.st_dev, now.st_ino)
        place = self._place
        return is_same and place is not None and place.offset > 0 and place.matches(current.stream)

    def _read_rotated(self, rotated: RotatedFile) -> Iterator[UnreadLines]:
        """Read a rotated file to its end."""
        name, place = shown_name(rotated.path), self._place or _Place()
        with open_rotated(rotated.path) as stream:
            if not place.matches(stream):
                raise LogReplacedError
            for batch in batches_from(stream, place.offset):
                yield place.advance(name, batch)
        self._before[name], self._place = _plain_size(rotated.path), None

    def _read_current(self, current: LogFile) -> Iterator[UnreadLines]:
        """Read the current file up to its last whole line."""
        stream, place = current.stream, self._place or _Place()
        if not place.matches(stream):
            raise LogReplacedError
        self._place = place
        for batch in batches_between(stream, place.offset, current.size):
            if batch.has_end:
                yield place.advance(current.name, batch)
            elif place.lacks_end:
                raise LogReplacedError
            elif batch.lines[0].strip():
                self.cut = LogLine(batch.lines[0], current.name, partial(int, place.lines + 1), False)
        place.ending = _ending(stream, place.offset)
        now = os.fstat(stream.fileno())
        if now.st_size == current.size:
            self._seen = _fingerprint(now)


@dataclass(slots=True)
class _Place:
    """A place in one file."""

    offset: int = 0
    lines: int = 0
    ending: str = ""
    lacks_end: bool = False
    """True if the last line has no line end. A writer adds it before the next line."""

    def matches(self, stream: BufferedReader | CompressedLog) -> bool:
        """Check whether the bytes before this place are unchanged in the file."""
        try:
            return self.offset == 0 or _ending(stream, self.offset) == self.ending
        except CANNOT_UNPACK:
            return False

    def advance(self, file: str, batch: LineBatch) -> UnreadLines:
        """Advance past some lines and return them."""
        if self.lacks_end:
            if batch.lines[0]:
                raise LogReplacedError
            self.lacks_end = False
            self.lines -= 1  # the empty piece ends the line already counted
        unread = UnreadLines(file, self.lines + 1, batch)
        self.lines += len(batch.lines)
        self.offset += batch.size
        return unread


def _path_fingerprint(path: Path) -> tuple[int, ...] | None:
    try:
        return _fingerprint(os.stat(path))
    except FileNotFoundError:
        return None


def _fingerprint(now: os.stat_result) -> tuple[int, ...]:
    return now.st_dev, now.st_ino, now.st_size, now.st_mtime_ns


def _ending(stream: BufferedReader | CompressedLog, offset: int) -> str:
    """Hash the last bytes before a place."""
    begin = max(0, offset - _ENDING_BYTES)
    stream.seek(begin)
    return hashlib.sha256(stream.read(offset - begin)).hexdigest()


def _plain_size(path: Path) -> int:
    """Return a file's uncompressed size, modulo 2³² as gzip stores it.

    Source: RFC 1952.
    """
    if path.suffix != ".gz":
        with suppress(FileNotFoundError):  # compressed just now
            return path.stat().st_size % _SIZES
        path = path.with_name(f"{path.name}.gz")
    with open_to_read(path) as packed:
        packed.seek(max(0, packed.seek(0, os.SEEK_END) - 4))
        return int.from_bytes(packed.read(4), "little")


# --- Following --------------------------------------------------------------------------------


class Follower:
    """Returns the lines added to a log since the last call."""

    def __init__(self, path: Path) -> None:
        """Start at the end of the log. Raises OSError."""
        self._cursor = LogCursor(path)
        self._cursor.skip_existing(current=True)

    def new_lines(self) -> list[LogLine]:
        """Return new lines, oldest first. Raises OSError.

        If another file replaced the followed one, all its lines are new.
        """
        try:
            return self._lines()
        except LogReplacedError:
            self._cursor.skip_existing(current=False)
            return self._lines()

    def _lines(self) -> list[LogLine]:
        return [line for unread in self._cursor.unread() for line in unread.lines()]
