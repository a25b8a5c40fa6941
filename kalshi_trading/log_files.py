"""The two logs that may lose a line: errors and requests, rotated daily and kept for a month.

Nothing that matters for an order stands in them. They are for their owner's eyes only.
"""

from __future__ import annotations

import logging
import os
from contextlib import suppress
from datetime import datetime
from io import TextIOWrapper
from logging.handlers import TimedRotatingFileHandler
from pathlib import Path
from textwrap import indent

DAYS_KEPT = 30


class DailyFile(TimedRotatingFileHandler):
    """A log file of the library's kind that only its owner can read. Raises what goes wrong."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        super().__init__(
            path,
            when="midnight",
            backupCount=DAYS_KEPT,
            encoding="utf-8",
            errors="backslashreplace",
            delay=True,
        )

    def _open(self) -> TextIOWrapper:
        descriptor = os.open(self.baseFilename, os.O_APPEND | os.O_CREAT | os.O_WRONLY, 0o600)
        return open(descriptor, "a", encoding=self.encoding, errors=self.errors)

    def handleError(self, record: logging.LogRecord) -> None:
        raise


class RequestFile(DailyFile):
    """The log of requests: what goes wrong with it must disturb nobody, least of all the screen."""

    def handleError(self, record: logging.LogRecord) -> None:
        return

    def close(self) -> None:
        with suppress(OSError):
            super().close()


def write_error(path: Path, at: datetime, reference: str, message: str, trace: str) -> None:
    """Add one entry: a line to find it by, and its traceback indented below. Raises OSError."""
    head = f"{at.astimezone().isoformat(timespec='milliseconds')} ERROR [{reference}] {message}"
    text = "\n".join([head.replace("\n", "\n    "), *filter(None, [indent(trace.rstrip("\n"), "    ")])])
    handler = DailyFile(path)
    try:
        handler.handle(logging.LogRecord("errors", logging.ERROR, "", 0, text, None, None))
    finally:
        handler.close()


def request_log(path: Path, level: str) -> None:
    """Let the program's own log (method, path, status, duration of requests) go to this file.

    A log that cannot be opened is done without.
    """
    try:
        handler = RequestFile(path)
    except OSError:
        return
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    log = logging.getLogger("kalshi_trading")
    log.setLevel(level)
    log.propagate = False
    log.addHandler(handler)
