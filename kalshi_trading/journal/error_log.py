"""Write and read the error log (with tracebacks) and the request log.

No order depends on these logs. An entry is a head line followed by indented details. Only the owner can read
the files. They are rotated and compressed daily, and kept until the user deletes them. Text is sanitized
when read.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from kalshi_trading.core.text import REPLACEMENT, sanitize
from kalshi_trading.journal.files import log_files
from kalshi_trading.journal.files.log_reader import DamagedLine, LogLine, as_damaged, open_log

_INDENT = "    "
_HEAD = re.compile(r"(\S+) ([A-Z]+) (?:\[([^\]]+)\] )?(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One log entry.

    `details` are the lines below the first, such as a traceback.
    """

    at: datetime
    level: str
    reference: str
    message: str
    details: tuple[str, ...] = ()

    @property
    def head(self) -> str:
        """The entry's first line."""
        reference = f"[{self.reference}] " if self.reference else ""
        return f"{_stamp(self.at)} {self.level} {reference}{self.message}"


def _stamp(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds")


# --- Writing --------------------------------------------------------------------------------------


def write_error(path: Path, at: datetime, reference: str, message: str, trace: str) -> None:
    """Add an error with its traceback. Raises OSError."""
    _write(path, at, f"ERROR [{reference}] {message}", trace)


def _write(path: Path, at: datetime, head: str, details: str = "") -> None:
    local = at.astimezone()
    text = f"{_stamp(local)} {head}\n{details}".rstrip("\n").replace("\n", f"\n{_INDENT}")
    log_files.append(path, local.date(), text, durable=False)


class RequestHandler(logging.Handler):
    """Write the request log and ignore failures.

    They must never reach the screen.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path

    def emit(self, record: logging.LogRecord) -> None:
        with suppress(OSError):
            at = datetime.fromtimestamp(record.created, UTC)
            _write(self._path, at, f"{record.levelname} {self.format(record)}")


def request_log(path: Path, level: str) -> None:
    """Send the program's own log to this file only.

    It holds method, path, status and duration of each request.
    """
    log = logging.getLogger("kalshi_trading")
    for handler in [each for each in log.handlers if isinstance(each, RequestHandler)]:
        log.removeHandler(handler)
    log.setLevel(level)
    log.propagate = False
    log.addHandler(RequestHandler(path))


# --- Reading --------------------------------------------------------------------------------------


def newest_entries(path: Path) -> Iterator[LogEntry | DamagedLine]:
    """Yield entries and damaged lines, newest first, reading only on demand.

    Raises OSError.
    """
    with open_log(path) as files:
        for file in reversed(files):
            yield from entries_backwards(file.backwards())


def entries_backwards(lines: Iterator[LogLine]) -> Iterator[LogEntry | DamagedLine]:
    """Group lines, newest first, into entries.

    A line that belongs to no entry is damaged.
    """
    below: list[LogLine] = []
    for line in lines:
        entry = _entry(line.data, below) if line.has_end else None
        if entry is not None:
            yield entry
        elif line.has_end and (not line.data.strip() or line.data.startswith(_INDENT.encode())):
            below.append(line)
            continue
        else:
            yield from _damaged([*below, line])
        below = []
    yield from _damaged(below)


def _damaged(lines: list[LogLine]) -> Iterator[DamagedLine]:
    return (as_damaged(line) for line in lines if line.data.strip() or not line.has_end)


def _entry(data: bytes, below: list[LogLine]) -> LogEntry | None:
    """Parse the head line of an entry. None: it is not a head line."""
    try:
        found = _HEAD.fullmatch(data.decode("utf-8"))
        if found is None:
            return None
        at = datetime.fromisoformat(found[1])
        details = tuple(_text(line.data.decode("utf-8").removeprefix(_INDENT)) for line in reversed(below))
    except ValueError:
        return None
    if at.tzinfo is None or not 1 < at.year < 9999:
        return None
    return LogEntry(at, found[2], _text(found[3] or ""), _text(found[4]), details)


def _text(written: str) -> str:
    """Return logged text for display, with control characters visible."""
    return sanitize(written, invisible=REPLACEMENT)
