"""A log read from either end through rotation and compression, or followed as it grows: lines as bytes.

What is listed and how far today's file reaches is fixed while nobody writes, so that each line stands in
one of the files, once. Knows nothing of what a line says, and changes nothing.
"""

from __future__ import annotations

import gzip
import os
import tempfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, NamedTuple, cast

from kalshi_trading.file_locks import locked_for_reading
from kalshi_trading.log_files import CLOCK_SLACK, RotatedFile, lock_of, rotated_files

UNREADABLE = b"the rest of the file cannot be unpacked"
_BLOCK = 1 << 16
_COUNTED_BLOCK = 1 << 20
_UNPACKED_IN_MEMORY = 1 << 24
_CANNOT_UNPACK = (EOFError, zlib.error, gzip.BadGzipFile)


class LogLine(NamedTuple):
    """One line without its end; `number` counts up to it where nobody has counted yet."""

    data: bytes
    file: str
    number: Callable[[], int]
    has_end: bool


@dataclass(frozen=True, slots=True)
class DamagedLine:
    """A line that could not be read: its file and its number there; `is_cut`: the file ends within it."""

    file: str
    number: int
    is_cut: bool = False

    def __str__(self) -> str:
        return f"{self.file} line {self.number}{' (cut short)' if self.is_cut else ''}"


def damaged(line: LogLine) -> DamagedLine:
    return DamagedLine(line.file, line.number(), is_cut=not line.has_end)


# --- Files ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class LogFile:
    """One file of a log. Today's is open as `current` and read up to `size`; the others open when read."""

    path: Path
    current: BinaryIO | None = None
    size: int = 0

    @property
    def name(self) -> str:
        return _shown_name(self.path)

    @property
    def stream(self) -> BinaryIO:
        """The open file of today."""
        assert self.current is not None
        return self.current

    def lines(self) -> Iterator[bytes]:
        """Yield the lines with their ends, oldest first; what cannot be unpacked is one line more."""
        if self.current is not None:
            self.current.seek(0)
            yield from _within(self.current, self.size)
            return
        try:
            with _opened(self.path) as file:
                _require_content(file)
                yield from file
        except _CANNOT_UNPACK:
            yield UNREADABLE + b"\n"

    def backwards(self) -> Iterator[LogLine]:
        """Yield the lines newest first, reading no more than is asked for."""
        if self.current is not None:
            yield from _backwards(self.name, self.current, self.size)
            return
        with _opened(self.path) as file:
            if isinstance(file, gzip.GzipFile):
                yield from _unpacked_backwards(self.name, file)
            else:
                yield from _backwards(self.name, file, os.fstat(file.fileno()).st_size)


def _shown_name(path: Path) -> str:
    return path.name.removesuffix(".gz")


@contextmanager
def opened_log(
    path: Path, *, since: date | None = None, until: date | None = None
) -> Iterator[list[LogFile]]:
    """Give the log's files, oldest first; with days, those that may hold lines of them. Raises OSError."""
    with ExitStack() as stack:
        rotated, current = _snapshot(path, stack)
        files = [LogFile(each.path) for each in rotated if _may_hold(each, since, until)]
        yield [*files, *([current] if current is not None else [])]


def _may_hold(file: RotatedFile, since: date | None, until: date | None) -> bool:
    """A file is named by the day where its first line was written, which may be another one here."""
    slack = timedelta(days=2)
    return (since is None or since - file.day <= slack) and (
        until is None or file.day - until <= slack + CLOCK_SLACK
    )


def _snapshot(path: Path, stack: ExitStack) -> tuple[list[RotatedFile], LogFile | None]:
    """List the files and open today's while nobody writes: each line is in one of them."""
    try:
        with locked_for_reading(lock_of(path)):
            return rotated_files(path), _open_current(path, stack)
    except (FileNotFoundError, PermissionError):
        return rotated_files(path), _open_current(path, stack)  # nobody ever wrote here, or this is a copy


def _open_current(path: Path, stack: ExitStack) -> LogFile | None:
    try:
        file = stack.enter_context(path.open("rb"))
    except FileNotFoundError:
        return None
    return LogFile(path, file, os.fstat(file.fileno()).st_size)


def _opened(path: Path) -> BinaryIO | gzip.GzipFile:
    """Open a file that was put aside, also when it has just been compressed."""
    if path.suffix == ".gz":
        return gzip.open(path, "rb")
    try:
        return path.open("rb")
    except FileNotFoundError:
        return gzip.open(path.with_name(f"{path.name}.gz"), "rb")


def _require_content(file: BinaryIO | gzip.GzipFile) -> None:
    """Let an empty file not pass for an empty one that was compressed. Raises EOFError."""
    if isinstance(file, gzip.GzipFile) and os.fstat(file.fileno()).st_size == 0:
        raise EOFError


def _within(file: BinaryIO, size: int) -> Iterator[bytes]:
    """Yield the lines of the first `size` bytes: what grows behind them is not whole yet."""
    for line in file:
        if len(line) >= size:
            if size:
                yield line[:size]
            return
        size -= len(line)
        yield line


# --- From the end ---------------------------------------------------------------------------------


class _LineNumbers:
    """Numbers lines by where they begin, counting each part of the file once: from its end to its start."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._known: tuple[int, int] | None = None

    def at(self, offset: int) -> int:
        """Count up to here; to be asked from the end on."""
        if self._known is None:
            self._known = offset, _ends_between(self._file, 0, offset) + 1
        begin, number = self._known
        self._known = offset, number - _ends_between(self._file, offset, begin)
        return self._known[1]


def _ends_between(file: BinaryIO, start: int, end: int) -> int:
    file.seek(start)
    ends = 0
    while start < end and (block := file.read(min(end - start, _COUNTED_BLOCK))):
        ends += block.count(b"\n")
        start += len(block)
    return ends


def _backwards(name: str, file: BinaryIO, size: int) -> Iterator[LogLine]:
    """Yield the lines of the first `size` bytes, the last one first."""
    numbers = _LineNumbers(file)
    for offset, data in _pieces_backwards(file, size):
        at_end = offset + len(data) == size
        if data or not at_end:  # behind the last end there is no line
            yield LogLine(data, name, partial(numbers.at, offset), not at_end)


def _pieces_backwards(file: BinaryIO, size: int) -> Iterator[tuple[int, bytes]]:
    """Split at line ends, block by block from the end; a piece may reach over any number of blocks."""
    held: list[bytes] = []
    begin = size
    while begin > 0:
        end, begin = begin, max(0, begin - _BLOCK)
        file.seek(begin)
        pieces = file.read(end - begin).split(b"\n")
        while len(pieces) > 1:
            end -= len(pieces[-1])
            yield end, pieces.pop() + b"".join(reversed(held))
            held = []
            end -= 1
        held.append(pieces[0])
    yield 0, b"".join(reversed(held))


def _unpacked_backwards(name: str, packed: gzip.GzipFile) -> Iterator[LogLine]:
    """Unpack beside; what can be unpacked of a damaged file counts up to its last whole line."""
    with tempfile.SpooledTemporaryFile(_UNPACKED_IN_MEMORY) as spool:
        file = cast(BinaryIO, spool)
        whole, is_damaged = _unpack(packed, file)
        if is_damaged:
            yield LogLine(UNREADABLE, name, lambda: _ends_between(file, 0, whole) + 1, True)
        size = whole if is_damaged else file.seek(0, os.SEEK_END) or file.tell()
        yield from _backwards(name, file, size)


def _unpack(packed: gzip.GzipFile, target: BinaryIO) -> tuple[int, bool]:
    """Unpack as far as it goes; return where the last whole line ends, and whether it went no further."""
    whole = 0
    try:
        _require_content(packed)
        while block := packed.read1(_COUNTED_BLOCK):  # `read` would lose what came before a failure
            end = block.rfind(b"\n") + 1
            whole = target.tell() + end if end else whole
            target.write(block)
    except _CANNOT_UNPACK:
        return whole, True
    return whole, False


# --- As it grows ----------------------------------------------------------------------------------


class Follower:
    """Gives the lines that a log has got since the last look, across any number of rotations."""

    def __init__(self, path: Path) -> None:
        """Begin at the end of what there is. Raises OSError."""
        self._path = path
        self._files = ExitStack()
        rotated, self._file = _snapshot(path, self._files)
        self._known = {_shown_name(each.path) for each in rotated}
        self._seen = 0 if self._file is None else _end_of_lines(self._file)
        self._number = 1 if self._file is None else _ends_between(self._file.stream, 0, self._seen) + 1

    def __enter__(self) -> Follower:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._files.close()

    def new_lines(self) -> list[LogLine]:
        """Give what is new, oldest first; a line is given once it has its end. Raises OSError."""
        with ExitStack() as looking:
            rotated, current = _snapshot(self._path, looking)
            if _is_same(self._file, current):
                return self._grown()
            found = self._rest_of_what_was_followed()
            new = [each for each in rotated if _shown_name(each.path) not in self._known]
            for each in new[1:] if self._file is not None else new:  # the first is what was followed
                found += reversed([_counted(line) for line in LogFile(each.path).backwards()])
            self._known |= {_shown_name(each.path) for each in new}
            self._files.close()
            self._file, self._files = current, looking.pop_all()
            self._seen, self._number = 0, 1
            return found + self._grown()

    def _grown(self) -> list[LogLine]:
        if self._file is None:
            return []
        stream = self._file.stream
        now = LogFile(self._path, stream, os.fstat(stream.fileno()).st_size)
        return self._taken(now.stream, _end_of_lines(now))

    def _rest_of_what_was_followed(self) -> list[LogLine]:
        """Nobody writes into it any more, so what has no end is a line as well."""
        if self._file is None:
            return []
        stream = self._file.stream
        return self._taken(stream, os.fstat(stream.fileno()).st_size)

    def _taken(self, stream: BinaryIO, end: int) -> list[LogLine]:
        stream.seek(self._seen)
        data = stream.read(max(0, end - self._seen))
        self._seen = end
        pieces = data.split(b"\n")
        last = pieces.pop()
        lines = [self._line(piece, has_end=True) for piece in pieces]
        return [*lines, self._line(last, has_end=False)] if last else lines

    def _line(self, data: bytes, *, has_end: bool) -> LogLine:
        line = LogLine(data, self._path.name, partial(int, self._number), has_end)
        self._number += 1
        return line


def _is_same(one: LogFile | None, other: LogFile | None) -> bool:
    if one is None or other is None:
        return one is other
    return os.path.samestat(os.fstat(one.stream.fileno()), os.fstat(other.stream.fileno()))


def _end_of_lines(file: LogFile) -> int:
    """Tell where the last whole line ends."""
    return next(_pieces_backwards(file.stream, file.size))[0]


def _counted(line: LogLine) -> LogLine:
    """Count while the file is still open."""
    return line._replace(number=partial(int, line.number()))
