"""The journal's files: one event a line, appended whole, rotated by day, read back with its damage.

Each line is one write to a file opened for appending; order events are flushed to the disk before the
call returns, and every failure is raised to the caller. Several programs may write at once: appends
share a lock, rotation takes it alone. Nothing is ever rewritten, and no day is ever deleted.
"""

from __future__ import annotations

import fcntl
import gzip
import json
import logging
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import BinaryIO

from kalshi_trading.errors import JournalError

_LINE = re.compile(r"(\S+) ([a-z]+\.[a-z_]+) (\{.*\})", re.ASCII | re.DOTALL)
_ROTATED = re.compile(r"(\d{4}-\d{2}-\d{2})(?:\.(\d+))?\.log(\.gz)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class JournalRecord:
    """One event of the journal; `fields` holds text, numbers as text."""

    at: datetime
    event: str
    fields: Mapping[str, object]

    def text(self, name: str) -> str:
        value = self.fields.get(name)
        return "" if value is None else str(value)


@dataclass(frozen=True, slots=True)
class DamagedLine:
    """A line that could not be read: its file and its number there."""

    file: str
    number: int

    def __str__(self) -> str:
        return f"{self.file} line {self.number}"


@dataclass(frozen=True, slots=True)
class JournalReading:
    """What could be read, oldest first, and what could not."""

    records: tuple[JournalRecord, ...]
    damaged: tuple[DamagedLine, ...]


class JournalHandler(logging.Handler):
    """Writes log records as journal lines: one write each, on the disk before `emit` returns.

    Unlike the handlers of the library it raises what goes wrong (JournalError), so that whoever logs an
    order's intent learns that it is not recorded.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path

    def emit(self, record: logging.LogRecord) -> None:
        line = self.format(record)
        if "\n" in line:
            raise ValueError("a journal line cannot hold a line break")
        try:
            self._write(f"{line}\n".encode(errors="backslashreplace"), _local_day(record.created))
        except OSError as error:
            raise JournalError(str(self.path), error.strerror or str(error)) from error

    def _write(self, data: bytes, today: date) -> None:
        new_folder = not self.path.parent.exists()
        if new_folder:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _rotate_when_due(self.path, today)
        with _locked(self.path, fcntl.LOCK_SH):
            new = not self.path.exists()
            descriptor = os.open(self.path, os.O_APPEND | os.O_CREAT | os.O_RDWR, 0o600)
            try:
                if _ends_torn(descriptor):
                    data = b"\n" + data
                if os.write(descriptor, data) != len(data):
                    raise OSError("the disk took only a part of the line")
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        if new:
            _sync_folder(self.path.parent)


def _rotate_when_due(path: Path, today: date) -> None:
    """Move a file last written on an earlier day aside and compress it, once, whoever comes first."""
    if not _is_of_an_earlier_day(path, today):
        return
    with _locked(path, fcntl.LOCK_EX):
        if not _is_of_an_earlier_day(path, today):
            return
        rotated = _free_name(path, _local_day(path.stat().st_mtime))
        path.rename(rotated)
        _sync_folder(path.parent)
    _compress(rotated)


def _is_of_an_earlier_day(path: Path, today: date) -> bool:
    try:
        return _local_day(path.stat().st_mtime) < today
    except FileNotFoundError:
        return False


def _local_day(unix_s: float) -> date:
    return datetime.fromtimestamp(unix_s, UTC).astimezone().date()


def _free_name(path: Path, day: date) -> Path:
    """Name the day's file; a day that was rotated before gets a further number."""
    taken = {(found.day, found.number) for found in _rotated_files(path)}
    number = next(number for number in range(len(taken) + 1) if (day, number) not in taken)
    suffix = f".{number}" if number else ""
    return path.with_name(f"{path.stem}-{day}{suffix}.log")


def _compress(rotated: Path) -> None:
    """Compress beside and rename; until the rename the plain file is the one that counts.

    A failure leaves the plain file as it is: readers take either.
    """
    partial = rotated.with_name(f".{rotated.name}.{os.getpid()}.partial")
    with suppress(OSError):
        try:
            with rotated.open("rb") as plain, open(partial, "xb") as file:
                os.fchmod(file.fileno(), 0o600)
                with gzip.GzipFile(fileobj=file, mode="wb", filename=rotated.name) as packed:
                    shutil.copyfileobj(plain, packed)
                file.flush()
                os.fsync(file.fileno())
            partial.rename(rotated.with_name(f"{rotated.name}.gz"))
            _sync_folder(rotated.parent)
            rotated.unlink(missing_ok=True)
        finally:
            partial.unlink(missing_ok=True)


@dataclass(frozen=True, slots=True)
class _RotatedFile:
    path: Path
    day: date
    number: int


def _rotated_files(path: Path) -> list[_RotatedFile]:
    """List the files of earlier days, oldest first; a compressed one stands for its plain leftover."""
    found: dict[tuple[date, int], _RotatedFile] = {}
    for candidate in sorted(path.parent.glob(f"{path.stem}-*.log*")):
        parts = _ROTATED.fullmatch(candidate.name.removeprefix(f"{path.stem}-"))
        if parts is not None:
            with suppress(ValueError):
                day, number = date.fromisoformat(parts[1]), int(parts[2] or 0)
                found[day, number] = _RotatedFile(candidate, day, number)
    return [found[key] for key in sorted(found)]


def read_journal(path: Path, *, since: date | None = None) -> JournalReading:
    """Read every record of the journal, or those in files of `since` and later days.

    Damaged lines are named, never guessed at, and change nothing. Raises JournalError when a file
    cannot be opened.
    """
    records: list[JournalRecord] = []
    damaged: list[DamagedLine] = []
    with _reading(path):
        files = [file.path for file in _rotated_files(path) if since is None or file.day >= since]
        for file in [*files, path]:
            for number, line in enumerate(_lines(file), start=1):
                record = parse_line(line)
                if record is not None:
                    records.append(record)
                elif line.strip():
                    damaged.append(DamagedLine(file.name, number))
    return JournalReading(tuple(records), tuple(damaged))


def parse_line(line: str) -> JournalRecord | None:
    """Read one line; None when it is not a whole record."""
    found = _LINE.fullmatch(line)
    if found is None:
        return None
    try:
        at = datetime.fromisoformat(found[1])
        at.astimezone()  # a year that no zone can hold
        fields = json.loads(found[3])
    except (ValueError, OverflowError, RecursionError):
        return None
    if at.tzinfo is None or not isinstance(fields, dict):
        return None
    return JournalRecord(at, found[2], fields)


def _lines(path: Path) -> Iterator[str]:
    """Yield a file's lines; the current file may not be there yet, an older one may just have been packed."""
    try:
        with _opened(path) as file:
            for line in file:
                yield line.decode("utf-8", errors="replace").rstrip("\n")
    except FileNotFoundError:
        return
    except (OSError, EOFError) as error:
        raise JournalError(str(path), str(error)) from error


def _opened(path: Path) -> BinaryIO | gzip.GzipFile:
    if path.suffix == ".gz":
        return gzip.open(path, "rb")
    try:
        return path.open("rb")
    except FileNotFoundError:
        return gzip.open(path.with_name(f"{path.name}.gz"), "rb")


@contextmanager
def _locked(path: Path, kind: int) -> Iterator[None]:
    """Hold the journal's lock: shared to append, alone to rotate. It ends with whoever holds it."""
    descriptor = os.open(path.with_name(f"{path.name}.lock"), os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(descriptor, kind)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    """Keep rotation away while files are read; where the lock cannot be had they are read all the same."""
    try:
        lock = os.open(path.with_name(f"{path.name}.lock"), os.O_RDONLY)
    except OSError:
        yield
        return
    try:
        fcntl.flock(lock, fcntl.LOCK_SH)
        yield
    finally:
        os.close(lock)


def _ends_torn(descriptor: int) -> bool:
    """Tell whether the last line lacks its end, so that the next one is not glued to it."""
    size = os.fstat(descriptor).st_size
    return size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
