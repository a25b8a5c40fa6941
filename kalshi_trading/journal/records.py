"""Write journal lines and read them back, damaged ones included.

A line is a time, an event name and its fields as JSON. Lines of orders and cancels are synced to disk. Every
write failure is raised to the caller. Text is sanitized when read for display, because anyone may have
written it (see `JournalRecord.text`). `files.log_files` decides where lines are kept. Never rewrites a line
and never deletes a day.
"""

from __future__ import annotations

import json
import logging
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from kalshi_trading.core.dates import local_date, local_midnight
from kalshi_trading.core.errors import JournalError
from kalshi_trading.core.text import REPLACEMENT, pluralize, sanitize
from kalshi_trading.journal.files import log_files
from kalshi_trading.journal.files.log_reader import (
    DamagedLine,
    LineBatch,
    LogFile,
    LogLine,
    as_damaged,
    open_log,
)

DURABLE_EVENTS = ("order.", "cancel.")
RECORD_VERSION = 1
MAX_NAMED = 20
_HEAD = re.compile(r"(\S+) ([a-z]+\.[a-z_]+) (?=\{)", re.ASCII)
_LINES = re.compile(rf"^{_HEAD.pattern}(.+\}})$", re.ASCII | re.MULTILINE)
_DECODER = json.JSONDecoder(parse_float=str, parse_constant=str)
_value_at, _values = _DECODER.raw_decode, _DECODER.decode
_SEPARATOR = os.urandom(16).hex()
_JOINER = f',"{_SEPARATOR}",'


class JournalRecord(NamedTuple):
    """One journal event. `fields` holds text as in the file, numbers as text."""

    at: datetime
    event: str
    fields: Mapping[str, object]

    def text(self, name: str) -> str:
        """Return a field sanitized for display or comparison.

        Every control or invisible character is replaced by a visible sign. None is dropped, so no name or
        number turns into another.
        """
        return sanitize(self.exact_text(name), invisible=REPLACEMENT)

    def exact_text(self, name: str) -> str:
        """Return a field for writing to a file, with its characters unchanged."""
        value = self.fields.get(name)
        if isinstance(value, str):
            return value
        return "" if value is None else str(value)


JournalEntry = JournalRecord | DamagedLine


@dataclass(frozen=True, slots=True)
class Damage:
    """Count of unreadable lines, with the first MAX_NAMED and the last one."""

    count: int = 0
    first: tuple[DamagedLine, ...] = ()
    last: DamagedLine | None = None

    def __len__(self) -> int:
        return self.count

    @property
    def sentence(self) -> str | None:
        """The number of damaged lines as a sentence. None: no damage."""
        if not self.count:
            return None
        return f"{pluralize(self.count, 'journal line')} {'is' if self.count == 1 else 'are'} damaged"

    def with_line(self, line: DamagedLine) -> Damage:
        first = (*self.first, line) if self.count < MAX_NAMED else self.first
        return Damage(self.count + 1, first, line)


UNDAMAGED = Damage()


@dataclass(frozen=True, slots=True)
class JournalReading:
    """The readable records, oldest first, and the damage."""

    records: tuple[JournalRecord, ...]
    damage: Damage


# --- Writing --------------------------------------------------------------------------------------


class JournalHandler(logging.Handler):
    """Write log records as journal lines.

    The message is the event, `fields` its JSON. Unlike the library's handlers, it raises JournalError. The
    caller must know when an intent is not recorded.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path

    def emit(self, record: logging.LogRecord) -> None:
        day = local_date(datetime.fromtimestamp(record.created, UTC))
        with as_journal_errors(self.path):
            log_files.append(
                self.path, day, self.format(record), durable=record.msg.startswith(DURABLE_EVENTS)
            )

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC).astimezone()
        fields = json.dumps(record.__dict__["fields"], ensure_ascii=False, separators=(", ", ": "))
        return f"{at.isoformat(timespec='milliseconds')} {record.msg} {fields}"


@contextmanager
def as_journal_errors(path: Path) -> Iterator[None]:
    """Convert an OSError about this file to a JournalError."""
    try:
        yield
    except OSError as error:
        raise JournalError(str(path), error.strerror or str(error)) from error


def line_of(record: JournalRecord) -> bytes:
    """Format a record as a line that `parse_line` reads back unchanged."""
    fields = json.dumps(record.fields, separators=(", ", ": "))  # ASCII, whatever a text contains
    return f"{record.at.isoformat()} {record.event} {fields}".encode("ascii")


# --- Reading --------------------------------------------------------------------------------------


def read_journal(path: Path, *, since: date | None = None, until: date | None = None) -> JournalReading:
    """Read every record, or those of these local days, both included.

    Damaged lines are reported, never guessed at, and change nothing else. Raises JournalError when a file
    cannot be read.
    """
    records: list[JournalRecord] = []
    damage = UNDAMAGED
    for entry in scan_journal(path, since=since, until=until):
        if isinstance(entry, JournalRecord):
            records.append(entry)
        else:
            damage = damage.with_line(entry)
    return JournalReading(tuple(records), damage)


def scan_journal(
    path: Path, *, since: date | None = None, until: date | None = None
) -> Iterator[JournalEntry]:
    """Yield the same entries one by one, oldest first, keeping none in memory.

    Raises JournalError.
    """
    begin = None if since is None else local_midnight(since)
    end = None if until is None or until == date.max else local_midnight(until + timedelta(days=1))
    with as_journal_errors(path), open_log(path, since=since, until=until) as files:
        for file in files:
            for entry in _entries(file):
                if isinstance(entry, JournalRecord) and (
                    (begin is not None and entry.at < begin) or (end is not None and entry.at >= end)
                ):
                    continue
                yield entry


def newest_records(path: Path) -> Iterator[JournalEntry]:
    """Yield records and damaged lines, newest first, reading only on demand.

    Raises JournalError.
    """
    with as_journal_errors(path), open_log(path) as files:
        for file in reversed(files):
            yield from (entry_of(line) for line in file.backwards() if line.data.strip())


def _entries(file: LogFile) -> Iterator[JournalEntry]:
    number = 1
    for batch in file.batches():
        yield from entries_of(file.name, number, batch)
        number += len(batch.lines)


def entries_of(file: str, number: int, batch: LineBatch) -> Iterable[JournalEntry]:
    """Parse lines of one file, skipping empty ones.

    `number` is the line number of the first.
    """
    return _read_together(batch.lines) or _read_one_by_one(file, number, batch)


def _read_one_by_one(file: str, number: int, batch: LineBatch) -> Iterator[JournalEntry]:
    for place, line in enumerate(batch.lines, start=number):
        if not line:
            continue
        record = parse_line(line)
        if record is not None:
            yield record
        elif line.strip():
            yield DamagedLine(file, place, is_cut=not batch.has_end)


def _read_together(lines: Sequence[bytes]) -> list[JournalRecord] | None:
    """Parse lines as one JSON list. None: one line is not a whole record.

    This takes a third of the time. A random word separates the lines, so no line can reach into the next.
    """
    try:
        parts = _LINES.findall(b"\n".join(lines).decode("utf-8"))
        if len(parts) != len(lines):
            return None
        stamps, events, fields = zip(*parts, strict=True)
        values = _values(f"[{_JOINER.join(fields)}]")
        times = list(map(datetime.fromisoformat, stamps))
    except (ValueError, RecursionError):
        return None
    if values[1::2] != [_SEPARATOR] * (len(lines) - 1) or not all(map(_is_readable, times, values[::2])):
        return None
    return list(map(JournalRecord, times, events, values[::2]))


def entry_of(line: LogLine) -> JournalEntry:
    """Parse one line. A line that is no record is damaged."""
    return parse_line(line.data) or as_damaged(line)


def parse_line(line: bytes) -> JournalRecord | None:
    """Parse one line. None: no whole record, or an unknown version."""
    try:
        text = line.decode("utf-8")
        head = _HEAD.match(text)
        if head is None:
            return None
        fields, end = _value_at(text, head.end())
        at = datetime.fromisoformat(head[1])
        return JournalRecord(at, head[2], fields) if end == len(text) and _is_readable(at, fields) else None
    except (ValueError, RecursionError):
        return None


def _is_readable(at: datetime, fields: dict[str, object]) -> bool:
    """Check that the record version is known and the time usable.

    The time must have a zone and be representable in every other zone.
    """
    return at.tzinfo is not None and 1 < at.year < 9999 and fields.get("version", 1) == RECORD_VERSION
