"""The journal's files: one event a line, appended whole, rotated by day, read back with its damage.

Each line is one write to a file opened for appending; order events are on the disk before the call
returns, and every failure is raised to the caller. Several programs may write at once: who appends or
rotates holds the journal's lock, so that no line meets another or a file that was moved away. Nothing is
ever rewritten, and no day is ever deleted.
"""

from __future__ import annotations

import fcntl
import gzip
import json
import logging
import os
import re
import shutil
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import BinaryIO

from kalshi_trading.errors import JournalError
from kalshi_trading.file_locks import locked, locked_for_reading

DURABLE_EVENTS = ("order.", "cancel.")
RECORD_VERSION = 1
_LINE = re.compile(r"(\S+) ([a-z]+\.[a-z_]+) (\{.*\})", re.ASCII | re.DOTALL)
_ROTATED = re.compile(r"(\d{4}-\d{2}-\d{2})(?:\.(\d+))?\.log(\.gz)?", re.ASCII)
_UNREADABLE = b"the rest of the file cannot be unpacked"


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


# --- Writing --------------------------------------------------------------------------------------


class JournalHandler(logging.Handler):
    """Writes log records as journal lines: the message is the event, `fields` its JSON.

    Unlike the handlers of the library it raises what goes wrong (JournalError), so that whoever logs an
    order's intent learns that it is not recorded.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path

    def emit(self, record: logging.LogRecord) -> None:
        at = datetime.fromtimestamp(record.created, UTC).astimezone()
        try:
            _append(self.path, at.date(), self.format(record), durable=record.msg.startswith(DURABLE_EVENTS))
        except OSError as error:
            raise JournalError(str(self.path), error.strerror or str(error)) from error

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC).astimezone()
        fields = json.dumps(record.__dict__["fields"], ensure_ascii=False, separators=(", ", ": "))
        return f"{at.isoformat(timespec='milliseconds')} {record.msg} {fields}"


def _append(path: Path, day: date, line: str, *, durable: bool) -> None:
    """Add one line to the file of its day; durable: it is on the disk when this returns."""
    data = f"{line}\n".encode(errors="backslashreplace")  # a lone surrogate must not lose the line
    _make_folder(path.parent)
    with locked(_lock_of(path)):
        rotated = _rotate_when_due(path, day)
        new = not path.exists()
        with _open_to_append(path) as descriptor:
            _write_line(descriptor, data)
            if durable:
                os.fsync(descriptor)
        if new:
            _sync_folder(path.parent)
    if rotated:
        _compress_all(path)


@contextmanager
def _open_to_append(path: Path) -> Iterator[int]:
    """Open anew for each line: after a failure nothing that was known of the file is believed."""
    descriptor = os.open(path, os.O_APPEND | os.O_CREAT | os.O_RDWR, 0o600)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _write_line(descriptor: int, data: bytes) -> None:
    """Write a line whole, on a line of its own even where the one before lacks its end."""
    size = os.fstat(descriptor).st_size
    if size > 0 and os.pread(descriptor, 1, size - 1) != b"\n":
        data = b"\n" + data
    if os.write(descriptor, data) != len(data):
        raise OSError("the disk took only a part of the line")


def _make_folder(folder: Path) -> None:
    """Make the folder for the owner alone, and see that its names are on the disk as well."""
    if folder.exists():
        return
    for missing in [each for each in (*reversed(folder.parents), folder) if not each.exists()]:
        missing.mkdir(mode=0o700, exist_ok=True)
        _sync_folder(missing.parent)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _lock_of(path: Path) -> Path:
    return path.with_name(f"{path.name}.lock")


# --- Rotation -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _RotatedFile:
    path: Path
    day: date
    number: int


def _rotate_when_due(path: Path, today: date) -> bool:
    """Move the file of an earlier day aside; the caller holds the lock."""
    begun = _begun_on(path)
    if begun is None or begun >= today:
        return False
    path.rename(_free_name(path, begun))
    _sync_folder(path.parent)
    return True


def _begun_on(path: Path) -> date | None:
    """Return the day of the first line, that of the last change when it cannot be read, None without lines.

    The lines say better than the file's times to which day they belong: those follow every copy, and
    another clock.
    """
    if not path.is_file():
        return None
    with path.open("rb") as file:
        start, changed_at = file.read(10), os.fstat(file.fileno()).st_mtime
    try:
        return date.fromisoformat(start.decode("ascii")) if start else None
    except ValueError:
        return datetime.fromtimestamp(changed_at, UTC).astimezone().date()


def _free_name(path: Path, day: date) -> Path:
    """Name the day's file; a day that was rotated before gets a further number."""
    number = max((found.number + 1 for found in _rotated_files(path) if found.day == day), default=0)
    suffix = f".{number}" if number else ""
    return path.with_name(f"{path.stem}-{day}{suffix}.log")


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


def _compress_all(path: Path) -> None:
    """Compress what was rotated, also what a killed program left plain; readers take either.

    A failure leaves the plain file as it is, for the next rotation to try again.
    """
    for plain in sorted(path.parent.glob(f"{path.stem}-*.log")):
        if _ROTATED.fullmatch(plain.name.removeprefix(f"{path.stem}-")):
            with suppress(OSError):
                _compress(plain, lock=_lock_of(path))


def _compress(plain: Path, *, lock: Path) -> None:
    """Compress beside and rename; until then the plain file is the one that counts."""
    packed = plain.with_name(f"{plain.name}.gz")
    partial = plain.with_name(f".{packed.name}.partial")
    with plain.open("rb") as source:
        fcntl.flock(source, fcntl.LOCK_EX | fcntl.LOCK_NB)  # refused: somebody else is about it
        _pack(source, partial)
        with locked(lock):  # whoever lists the files sees one of the two
            if plain.exists():
                partial.rename(packed)
                _sync_folder(plain.parent)
                plain.unlink()
            else:
                partial.unlink()


def _pack(source: BinaryIO, target: Path) -> None:
    target.unlink(missing_ok=True)
    with os.fdopen(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
        with gzip.GzipFile(fileobj=file, mode="wb", filename="", mtime=0) as packed:
            shutil.copyfileobj(source, packed)
        file.flush()
        os.fsync(file.fileno())


# --- Reading --------------------------------------------------------------------------------------


def read_journal(path: Path, *, since: date | None = None) -> JournalReading:
    """Read every record, or those of the local day `since` and later.

    Damaged lines are named, never guessed at, and change nothing. Raises JournalError when a file
    cannot be read.
    """
    try:
        files, today = _snapshot(path)
        # a file is named by the day where its first line was written, which may be another one here
        wanted = [file for file in files if since is None or file.day >= since - timedelta(days=2)]
        contents = [(_shown_name(file.path), _lines(file.path)) for file in wanted]
        reading = _parsed([*contents, (path.name, iter(today.split(b"\n")))])
    except OSError as error:
        raise JournalError(str(path), error.strerror or str(error)) from error
    if since is None:
        return reading
    records = tuple(record for record in reading.records if record.at.astimezone().date() >= since)
    return JournalReading(records, reading.damaged)


def _snapshot(path: Path) -> tuple[list[_RotatedFile], bytes]:
    """List the rotated files and read the current one while nobody rotates: each line is in one of them."""
    try:
        with locked_for_reading(_lock_of(path)):
            return _rotated_files(path), _content(path)
    except (FileNotFoundError, PermissionError):
        return _rotated_files(path), _content(path)  # nobody ever wrote here, or this is a copy to look at


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""


def _shown_name(path: Path) -> str:
    return path.name.removesuffix(".gz")


def _lines(path: Path) -> Iterator[bytes]:
    """Yield a rotated file's lines; what of it cannot be unpacked is one damaged line."""
    try:
        with _opened(path) as file:
            yield from file
    except (EOFError, zlib.error, gzip.BadGzipFile):
        yield _UNREADABLE


def _opened(path: Path) -> BinaryIO | gzip.GzipFile:
    if path.suffix == ".gz":
        return gzip.open(path, "rb")
    try:
        return path.open("rb")
    except FileNotFoundError:  # it has just been compressed
        return gzip.open(path.with_name(f"{path.name}.gz"), "rb")


def _parsed(contents: Iterable[tuple[str, Iterator[bytes]]]) -> JournalReading:
    records: list[JournalRecord] = []
    damaged: list[DamagedLine] = []
    for name, lines in contents:
        for number, line in enumerate(lines, start=1):
            record = _parse_line(line.rstrip(b"\n"))
            if record is not None:
                records.append(record)
            elif line.strip():
                damaged.append(DamagedLine(name, number))
    return JournalReading(tuple(records), tuple(damaged))


def _parse_line(line: bytes) -> JournalRecord | None:
    """Read one line; None when it is not a whole record of a version that is understood."""
    try:
        found = _LINE.fullmatch(line.decode("utf-8"))
        if found is None:
            return None
        at = datetime.fromisoformat(found[1])
        at.astimezone()  # a year that no zone can hold
        fields = json.loads(found[3], parse_float=str, parse_constant=str)
    except (ValueError, OverflowError, RecursionError):
        return None
    if at.tzinfo is None or not isinstance(fields, dict) or fields.get("version", 1) != RECORD_VERSION:
        return None
    return JournalRecord(at, found[2], fields)
