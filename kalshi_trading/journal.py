"""The journal's lines: one event each, safely on the disk where an order hangs on it, read with its damage.

A line is a time, an event's name and its fields as JSON. Every failure of writing is raised to the caller.
Where the lines are kept is `log_files`' matter; nothing is ever rewritten, and no day is ever deleted.
"""

from __future__ import annotations

import json
import logging
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from kalshi_trading import log_files
from kalshi_trading.errors import JournalError
from kalshi_trading.log_reader import DamagedLine as DamagedLine
from kalshi_trading.log_reader import LogFile, LogLine, damaged, opened_log
from kalshi_trading.periods import local_midnight

DURABLE_EVENTS = ("order.", "cancel.")
RECORD_VERSION = 1
BATCH = 256
"""Lines that are read in one go."""
_HEAD = re.compile(r"(\S+) ([a-z]+\.[a-z_]+) (?=\{)", re.ASCII)
_DECODER = json.JSONDecoder(parse_float=str, parse_constant=str)
_value_at, _values = _DECODER.raw_decode, _DECODER.decode
_WORD = os.urandom(16).hex()
_BETWEEN = f',"{_WORD}",'


class JournalRecord(NamedTuple):
    """One event of the journal; `fields` holds text, numbers as text."""

    at: datetime
    event: str
    fields: Mapping[str, object]

    def text(self, name: str) -> str:
        value = self.fields.get(name)
        if isinstance(value, str):
            return value
        return "" if value is None else str(value)


JournalEntry = JournalRecord | DamagedLine


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
        day = datetime.fromtimestamp(record.created, UTC).astimezone().date()
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
    """Turn what the system refuses about this file into a JournalError."""
    try:
        yield
    except OSError as error:
        raise JournalError(str(path), error.strerror or str(error)) from error


# --- Reading --------------------------------------------------------------------------------------


def read_journal(path: Path, *, since: date | None = None, until: date | None = None) -> JournalReading:
    """Read every record, or those of these local days, both included.

    Damaged lines are named, never guessed at, and change nothing. Raises JournalError when a file
    cannot be read.
    """
    records: list[JournalRecord] = []
    damaged: list[DamagedLine] = []
    for entry in scan_journal(path, since=since, until=until):
        if isinstance(entry, JournalRecord):
            records.append(entry)
        else:
            damaged.append(entry)
    return JournalReading(tuple(records), tuple(damaged))


def scan_journal(
    path: Path, *, since: date | None = None, until: date | None = None
) -> Iterator[JournalEntry]:
    """Yield the same one by one, oldest first: nothing is kept. Raises JournalError."""
    begin = None if since is None else local_midnight(since)
    end = None if until is None or until == date.max else local_midnight(until + timedelta(days=1))
    with as_journal_errors(path), opened_log(path, since=since, until=until) as files:
        for file in files:
            for entry in _entries(file):
                if isinstance(entry, JournalRecord) and (
                    (begin is not None and entry.at < begin) or (end is not None and entry.at >= end)
                ):
                    continue
                yield entry


def newest_records(path: Path) -> Iterator[JournalEntry]:
    """Yield records and damaged lines, newest first, reading no more than is asked for.

    Raises JournalError.
    """
    with as_journal_errors(path), opened_log(path) as files:
        for file in reversed(files):
            yield from (entry_of(line) for line in file.backwards() if line.data.strip())


def _entries(file: LogFile) -> Iterator[JournalEntry]:
    number, lines = 1, file.lines()
    while batch := list(islice(lines, BATCH)):
        yield from _read_together(batch) or _read_one_by_one(file.name, number, batch)
        number += len(batch)


def _read_one_by_one(file: str, number: int, lines: Sequence[bytes]) -> Iterator[JournalEntry]:
    for place, line in enumerate(lines, start=number):
        record = parse_line(line.rstrip(b"\n"))
        if record is not None:
            yield record
        elif line.strip():
            yield DamagedLine(file, place, is_cut=not line.endswith(b"\n"))


def _read_together(lines: Sequence[bytes]) -> list[JournalRecord] | None:
    """Read lines as one list, which takes half the time and memory; None unless each is a whole record.

    A word that no line can know stands between them, so that no line reaches into the next one.
    """
    try:
        texts = [line.decode("utf-8").rstrip("\n") for line in lines]
        heads = [head for text in texts if (head := _HEAD.match(text)) is not None and text[-1] == "}"]
        if len(heads) != len(lines):
            return None
        fields = (text[head.end() :] for text, head in zip(texts, heads, strict=True))
        values = _values(f"[{_BETWEEN.join(fields)}]")
        if values[1::2] != [_WORD] * (len(lines) - 1):
            return None
        records = [_record(head, value) for head, value in zip(heads, values[::2], strict=True)]
    except (ValueError, RecursionError):
        return None
    whole = [record for record in records if record is not None]
    return whole if len(whole) == len(lines) else None


def entry_of(line: LogLine) -> JournalEntry:
    """Read one line; one that is no record is damaged."""
    return parse_line(line.data) or damaged(line)


def parse_line(line: bytes) -> JournalRecord | None:
    """Read one line; None when it is not a whole record of a version that is understood."""
    try:
        text = line.decode("utf-8")
        head = _HEAD.match(text)
        if head is None:
            return None
        fields, end = _value_at(text, head.end())
        return _record(head, fields) if end == len(text) else None
    except (ValueError, RecursionError):
        return None


def _record(head: re.Match[str], fields: dict[str, object]) -> JournalRecord | None:
    """Put a line together; None when it is of another version. Raises ValueError."""
    at = datetime.fromisoformat(head[1])
    if at.tzinfo is None or not 1 < at.year < 9999:  # a year that no zone can hold
        return None
    return JournalRecord(at, head[2], fields) if fields.get("version", 1) == RECORD_VERSION else None
