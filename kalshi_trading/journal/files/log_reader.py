"""Read a log's lines as bytes from either end, rotated files included.

The file list and the size of today's file are read under the log's lock. So each line is in exactly one
file. Memory is bounded for any content. Knows nothing of what a line means. Changes no file.
"""

from __future__ import annotations

import gzip
import os
import tempfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from io import BufferedReader
from pathlib import Path
from typing import BinaryIO, NamedTuple, cast

from kalshi_trading.journal.files.file_locks import locked_for_reading
from kalshi_trading.journal.files.log_files import CLOCK_SLACK, RotatedFile, lock_of, rotated_files
from kalshi_trading.journal.files.private_files import open_to_read

UNREADABLE = b"the rest of the file cannot be unpacked"
TOO_LONG_LINE = b"a line that is too long"
"""Replaces a line longer than MAX_LINE_BYTES, whose bytes are dropped."""
MAX_LINE_BYTES = 1 << 20
MAX_UNPACKED_BYTES = 1 << 28
"""Unpacked bytes allowed for any file. Larger files may have MAX_UNPACK_RATIO times their compressed size."""
MAX_UNPACK_RATIO = 100
_BLOCK = 1 << 16
_READ_BYTES = 1 << 16
"""Bytes per forward read, at most MAX_LINE_BYTES."""
_COUNT_BLOCK = 1 << 20
_UNPACKED_IN_MEMORY = 1 << 24
CANNOT_UNPACK = (EOFError, zlib.error, gzip.BadGzipFile)


class LineBatch(NamedTuple):
    """Lines without their line ends, and the bytes they take.

    An unfinished last line comes in a batch of its own.
    """

    lines: list[bytes]
    size: int
    has_end: bool = True


class LogLine(NamedTuple):
    """One line without its line end.

    `number` counts the lines before it when called, unless they are counted already.
    """

    data: bytes
    file: str
    number: Callable[[], int]
    has_end: bool


@dataclass(frozen=True, slots=True)
class DamagedLine:
    """A line that could not be read: its file and line number.

    `is_cut`: the file ends within the line.
    """

    file: str
    number: int
    is_cut: bool = False

    def __str__(self) -> str:
        return f"{self.file} line {self.number}{' (cut short)' if self.is_cut else ''}"


def as_damaged(line: LogLine) -> DamagedLine:
    return DamagedLine(line.file, line.number(), is_cut=not line.has_end)


# --- Files ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class LogFile:
    """One file of a log.

    Today's file is open as `current` and read up to `size`. The others are opened when read.
    """

    path: Path
    current: BufferedReader | None = None
    size: int = 0

    @property
    def name(self) -> str:
        return shown_name(self.path)

    @property
    def stream(self) -> BufferedReader:
        """Today's file, open."""
        assert self.current is not None
        return self.current

    def batches(self) -> Iterator[LineBatch]:
        """Yield the lines, oldest first.

        Data that cannot be unpacked is one additional line.
        """
        if self.current is not None:
            yield from batches_between(self.current, 0, self.size)
            return
        with open_rotated(self.path) as file:
            yield from batches_from(file, 0)

    def backwards(self) -> Iterator[LogLine]:
        """Yield the lines, newest first, reading only on demand."""
        if self.current is not None:
            yield from _backwards(self.name, self.current, self.size)
            return
        with open_rotated(self.path) as file:
            if isinstance(file, CompressedLog):
                yield from _unpacked_backwards(self.name, file)
            else:
                yield from _backwards(self.name, file, os.fstat(file.fileno()).st_size)


def shown_name(path: Path) -> str:
    """Return the file name without the .gz of compression."""
    return path.name.removesuffix(".gz")


@contextmanager
def open_log(path: Path, *, since: date | None = None, until: date | None = None) -> Iterator[list[LogFile]]:
    """Yield the log's files, oldest first. Raises OSError.

    With days: only files that may hold lines of those days.
    """
    with ExitStack() as stack:
        rotated, current = snapshot(path, stack)
        files = [LogFile(each.path) for each in rotated if _may_hold(each, since, until)]
        yield [*files, *([current] if current is not None else [])]


def _may_hold(file: RotatedFile, since: date | None, until: date | None) -> bool:
    """Check whether a file may hold lines of these days.

    The file name has the day of its first line in the writer's zone, which may be another day here.
    """
    slack = timedelta(days=2)
    return (since is None or since - file.day <= slack) and (
        until is None or file.day - until <= slack + CLOCK_SLACK
    )


def snapshot(path: Path, stack: ExitStack) -> tuple[list[RotatedFile], LogFile | None]:
    """List the files and open today's, under the lock. Raises OSError.

    Each line is then in exactly one file.
    """
    with locked_against_writers(path):
        return rotated_files(path), open_current(path, stack)


@contextmanager
def locked_against_writers(path: Path) -> Iterator[None]:
    """Keep writers out of the log. Raises OSError.

    Without a lock file, or without the right to open it, there is no lock. Such a log has no writers or is a
    copy.
    """
    with ExitStack() as stack:
        with suppress(FileNotFoundError, PermissionError):
            stack.enter_context(locked_for_reading(lock_of(path)))
        yield


def open_current(path: Path, stack: ExitStack) -> LogFile | None:
    """Open today's file at its present size. Raises OSError.

    None: there is no file.
    """
    try:
        file = stack.enter_context(open_to_read(path))
    except FileNotFoundError:
        return None
    return LogFile(path, file, os.fstat(file.fileno()).st_size)


def open_rotated(path: Path) -> BufferedReader | CompressedLog:
    """Open a rotated file, even if it was compressed just now. Raises OSError."""
    if path.suffix == ".gz":
        return CompressedLog(path)
    try:
        return open_to_read(path)
    except FileNotFoundError:
        return CompressedLog(path.with_name(f"{path.name}.gz"))


class CompressedLog(gzip.GzipFile):
    """A compressed file that unpacks no more bytes than a log may have."""

    def __init__(self, path: Path) -> None:
        self._packed = open_to_read(path)
        super().__init__(fileobj=self._packed)
        self._packed_size = os.fstat(self.fileno()).st_size

    def read1(self, size: int = -1) -> bytes:
        """Read some bytes.

        Raises EOFError for an empty file and beyond the allowed unpacked size.
        """
        data = super().read1(size)
        most = max(MAX_UNPACKED_BYTES, MAX_UNPACK_RATIO * self._packed_size)
        if self._packed_size == 0 or self.tell() > most:
            raise EOFError
        return data

    def close(self) -> None:
        super().close()
        self._packed.close()


# --- From the start -------------------------------------------------------------------------------


def batches_between(file: BinaryIO, begin: int, end: int) -> Iterator[LineBatch]:
    """Yield the lines of these bytes, ignoring what is appended after them."""
    left = end - begin

    def read(most: int) -> bytes:
        nonlocal left
        block = file.read(min(most, left))
        left -= len(block)
        return block

    file.seek(begin)
    yield from _batches(read)


def batches_from(file: BufferedReader | CompressedLog, begin: int) -> Iterator[LineBatch]:
    """Yield the lines of a rotated file.

    Data that cannot be unpacked is one additional line.
    """
    try:
        file.seek(begin)
        yield from _batches(file.read1)
    except CANNOT_UNPACK:
        yield LineBatch([UNREADABLE], 0)


def _batches(read: Callable[[int], bytes]) -> Iterator[LineBatch]:
    """Split the data at line ends, block by block."""
    rest, dropped = b"", 0  # of the unfinished line: its bytes, or their number if it is too long
    while block := read(_READ_BYTES):
        if dropped:
            end = block.find(b"\n") + 1
            dropped += end or len(block)
            if not end:
                continue
            yield LineBatch([TOO_LONG_LINE], dropped)
            block, dropped = block[end:], 0
        data = rest + block
        lines = data.split(b"\n")
        rest = lines.pop()
        if lines:
            if len(lines[0]) > MAX_LINE_BYTES:  # the others fit in one block
                lines[0] = TOO_LONG_LINE
            yield LineBatch(lines, len(data) - len(rest))
        if len(rest) > MAX_LINE_BYTES:
            rest, dropped = b"", len(rest)
    if rest or dropped:
        yield LineBatch([TOO_LONG_LINE if dropped else rest], dropped or len(rest), has_end=False)


# --- From the end ---------------------------------------------------------------------------------


class _LineNumbers:
    """Numbers lines by their offset, counting each part of the file once.

    It counts from the end of the file to its start.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._known: tuple[int, int] | None = None

    def at(self, offset: int) -> int:
        """Return the line number at this offset. Offsets must descend."""
        if self._known is None:
            self._known = offset, count_line_ends(self._file, 0, offset) + 1
        begin, number = self._known
        self._known = offset, number - count_line_ends(self._file, offset, begin)
        return self._known[1]


def count_line_ends(file: BinaryIO, start: int, end: int) -> int:
    file.seek(start)
    ends = 0
    while start < end and (block := file.read(min(end - start, _COUNT_BLOCK))):
        ends += block.count(b"\n")
        start += len(block)
    return ends


def _backwards(name: str, file: BinaryIO, size: int) -> Iterator[LogLine]:
    """Yield the lines of the first `size` bytes, newest first."""
    numbers = _LineNumbers(file)
    end = size
    for offset, data in _pieces_backwards(file, size):
        at_end, end = end == size, offset - 1
        if data or not at_end:  # after the last line end there is no line
            yield LogLine(data, name, partial(numbers.at, offset), not at_end)


def _pieces_backwards(file: BinaryIO, size: int) -> Iterator[tuple[int, bytes]]:
    """Split at line ends, block by block from the end of the file.

    A piece may span any number of blocks.
    """
    held = _Pieces()
    begin = size
    while begin > 0:
        end, begin = begin, max(0, begin - _BLOCK)
        file.seek(begin)
        pieces = file.read(end - begin).split(b"\n")
        while len(pieces) > 1:
            end -= len(pieces[-1])
            held.add(pieces.pop())
            yield end, held.take()
            end -= 1
        held.add(pieces[0])
    yield 0, held.take()


def end_of_lines(file: LogFile) -> int:
    """Return the offset after the last whole line of today's file."""
    return next(_pieces_backwards(file.stream, file.size))[0]


class _Pieces:
    """A line collected from its end.

    The bytes of a line that is too long are dropped.
    """

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._size = 0

    def add(self, piece: bytes) -> None:
        self._size += len(piece)
        self._pieces.append(piece)
        if self._size > MAX_LINE_BYTES:
            self._pieces.clear()

    def take(self) -> bytes:
        line = b"".join(reversed(self._pieces)) if self._size <= MAX_LINE_BYTES else TOO_LONG_LINE
        self._pieces, self._size = [], 0
        return line


def _unpacked_backwards(name: str, packed: CompressedLog) -> Iterator[LogLine]:
    """Unpack to a temporary file and yield its lines, newest first.

    A damaged file counts up to its last whole line.
    """
    with tempfile.SpooledTemporaryFile(_UNPACKED_IN_MEMORY) as spool:
        file = cast(BinaryIO, spool)
        whole, is_damaged = _unpack(packed, file)
        if is_damaged:
            yield LogLine(UNREADABLE, name, lambda: count_line_ends(file, 0, whole) + 1, True)
        size = whole if is_damaged else file.seek(0, os.SEEK_END) or file.tell()
        yield from _backwards(name, file, size)


def _unpack(packed: CompressedLog, target: BinaryIO) -> tuple[int, bool]:
    """Unpack as far as possible.

    Returns the offset after the last whole line, and True if the data is damaged.
    """
    whole = 0
    try:
        while block := packed.read1(_COUNT_BLOCK):  # `read` would lose the data before a failure
            end = block.rfind(b"\n") + 1
            whole = target.tell() + end if end else whole
            target.write(block)
    except CANNOT_UNPACK:
        return whole, True
    return whole, False
