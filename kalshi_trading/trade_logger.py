"""Write and read the trade journal and error log; export them as CSV.

Defines the events and file names. `journal.files` syncs each line to disk. Order events are on disk before
the call returns. A failure is raised, never swallowed. Never rewrites a line. Never stores a secret.

The functions below are for scripts and use the journal of the settings: see docs/python.md. Every order
placed through this package is recorded without them.
"""

from __future__ import annotations

import hashlib
import logging
import os
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import date, datetime
from decimal import Decimal
from itertools import count, islice
from pathlib import Path

from kalshi_trading.core.dates import FORMS, Period, local_date, parse_period, utc_now
from kalshi_trading.core.errors import InvalidInputError
from kalshi_trading.core.models import Fill
from kalshi_trading.core.results import Progress
from kalshi_trading.journal.checkpoint import checkpoint_of
from kalshi_trading.journal.csv_rows import JOURNAL, journal_row
from kalshi_trading.journal.digest_reader import DigestReader, JournalChanges
from kalshi_trading.journal.error_log import LogEntry, newest_entries, request_log, write_error
from kalshi_trading.journal.events import FILL_EVENT, NOTED_CANCEL, NOTED_FILL, NOTED_ORDER
from kalshi_trading.journal.files.file_locks import take_lock
from kalshi_trading.journal.files.log_files import LogSize, every_file_of, size_of
from kalshi_trading.journal.files.private_files import make_folder, restrict_permissions
from kalshi_trading.journal.files.table_files import write_table
from kalshi_trading.journal.own_orders import OwnOrdersReader
from kalshi_trading.journal.records import (
    JournalEntry,
    JournalHandler,
    JournalReading,
    JournalRecord,
    as_journal_errors,
    newest_records,
    read_journal,
    scan_journal,
)
from kalshi_trading.journal.sessions import session_files, sessions_folder

__all__ = [
    "TradeLogger",
    "export_trades_to_csv",
    "get_trade_history",
    "log_error",
    "log_order_cancellation",
    "log_order_fill",
    "log_order_submission",
]

TRADES_FILE = "trades.log"
ERRORS_FILE = "errors.log"
REQUESTS_FILE = "requests.log"
INTENTS_LOCK = "intents.lock"
_ERROR_NUMBERS = count(1)
"""Distinguishes errors of the same second, across all loggers of this process."""


class TradeLogger:
    """Journal and error log of one environment, in its own folder.

    Every record carries the environment. It carries session and account (see `account_fingerprint`) if they
    are given.
    """

    def __init__(
        self,
        folder: Path,
        environment: str,
        *,
        session_id: str | None = None,
        account: str | None = None,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self.environment = environment
        self.folder = folder / environment
        self.trades_path = self.folder / TRADES_FILE
        self.errors_path = self.folder / ERRORS_FILE
        self.requests_path = self.folder / REQUESTS_FILE
        self.log_paths = (self.trades_path, self.errors_path, self.requests_path)
        self._clock = clock
        stamps = {"environment": environment, "session": session_id, "account": account}
        self._stamps = {name: value for name, value in stamps.items() if value is not None}
        # a private logger, so no logging configuration can turn it off
        self._log = logging.Logger("journal")
        self._log.addHandler(JournalHandler(self.trades_path))
        self._digest = DigestReader(self.trades_path, clock=clock)
        self.own_orders = OwnOrdersReader(self.trades_path)

    def restrict_permissions(self) -> tuple[str, ...]:
        """Remove other users' access to the environment's folder and files.

        Returns sentences about what we cannot fix. The parent folder stays as it is, because the user may
        share it. Never raises.
        """
        folders = (self.folder, sessions_folder(self.folder))
        logs = [file for path in self.log_paths for file in every_file_of(path)]
        own = (self.folder / INTENTS_LOCK, checkpoint_of(self.trades_path), *session_files(self.folder))
        return restrict_permissions(folders, [*logs, *own])

    # --- Writing ----------------------------------------------------------------------------------

    def log_order_step(self, event: str, fields: Mapping[str, object]) -> None:
        """Record a step of an order's submission (`intent`, `sending`, …).

        Raises JournalError when it is not synced to disk. Then nothing may be sent.
        """
        self.log_event(f"order.{event}", fields)

    @contextmanager
    def intent_lock(self) -> Iterator[None]:
        """Hold the lock for counting a session's orders and logging an intent.

        Raises JournalError, also if another session holds it too long. Other records need no lock, so a
        panic never waits for one.
        """
        lock = self.folder / INTENTS_LOCK
        with as_journal_errors(lock):
            make_folder(self.folder)
            descriptor = take_lock(lock)
        try:
            yield
        finally:
            os.close(descriptor)

    def log_order_fill(self, fields: Mapping[str, object]) -> None:
        """Record the fills of an order. Raises JournalError."""
        self.log_event(FILL_EVENT, fields)

    def log_cancel_step(self, event: str, fields: Mapping[str, object]) -> None:
        """Record a step of a cancel (`requested`, `acknowledged`, …).

        Raises JournalError.
        """
        self.log_event(f"cancel.{event}", fields)

    def log_event(self, event: str, fields: Mapping[str, object]) -> None:
        """Record any event. Raises JournalError.

        Examples: `session.begun`, `clock.offset`. `order.` and `cancel.` events are synced to disk.
        """
        plain = {name: _to_json(value) for name, value in fields.items()}
        record = self._log.makeRecord(self._log.name, logging.INFO, "", 0, event, (), None)
        record.created = self._clock().timestamp()
        record.fields = self._stamps | plain
        self._log.handle(record)  # `logging.disable` would silence `info`

    def log_error(self, message: str, error: BaseException | None = None) -> str:
        """Write an error with its traceback to errors.log and return a reference.

        Never raises: a broken error log must not hide the error itself.
        """
        now = self._clock()
        reference = f"{now:%Y%m%dT%H%M%S}-{os.getpid()}-{next(_ERROR_NUMBERS)}"
        trace = "" if error is None else "".join(traceback.format_exception(error))
        try:
            write_error(self.errors_path, now, reference, message, trace)
        except OSError:
            return f"{reference} (not recorded: {self.errors_path} cannot be written)"
        return reference

    # --- Reading ----------------------------------------------------------------------------------

    def read_journal(self, since: date | None = None, until: date | None = None) -> JournalReading:
        """Read every record, or those of these local days, both included.

        Damaged lines are reported. Raises JournalError.
        """
        return read_journal(self.trades_path, since=since, until=until)

    def scan_journal(self, since: date | None = None, until: date | None = None) -> Iterator[JournalEntry]:
        """Yield the same entries one by one, oldest first, for any journal size.

        Raises JournalError.
        """
        return scan_journal(self.trades_path, since=since, until=until)

    def newest_records(self) -> Iterator[JournalEntry]:
        """Yield records and damaged lines, newest first, reading only on demand.

        Raises JournalError.
        """
        return newest_records(self.trades_path)

    def recent_records(self, most: int | None) -> Iterator[JournalRecord]:
        """Yield the records among the newest `most` lines, newest first.

        None: all lines. Raises JournalError.
        """
        newest = islice(self.newest_records(), most)
        return (entry for entry in newest if isinstance(entry, JournalRecord))

    def changes(self, since: int = 0, *, progress: Progress = lambda lines: None) -> JournalChanges:
        """Return what changed in the journal about orders that still matter.

        See `DigestReader.changes`. Raises JournalError.
        """
        return self._digest.changes(since, progress=progress)

    def get_records(
        self, start_date: str | date | None = None, end_date: str | date | None = None
    ) -> tuple[JournalRecord, ...]:
        """Return the records of these local days, both included, oldest first.

        A start such as `today`, `7d` or `2026-11` is its first day, an end its last. Damaged lines are left
        out; `read_journal` reports them. Raises InvalidInputError, JournalError.
        """
        return self.read_journal(*days_between(start_date, end_date, local_date(self._clock()))).records

    def read_errors(self, most: int = 20) -> tuple[str, ...]:
        """Return the head lines of the last errors, newest last.

        Empty if the log cannot be read.
        """
        heads: list[str] = []
        with suppress(OSError):
            entries = (each for each in newest_entries(self.errors_path) if isinstance(each, LogEntry))
            heads += (entry.head for entry in islice(entries, most))
        return tuple(reversed(heads))

    def log_sizes(self) -> dict[str, LogSize]:
        """Measure journal, errors and requests, by file name. Raises OSError."""
        return {path.name: size_of(path) for path in self.log_paths}

    def export_journal_to_csv(self, filename: str | Path) -> int:
        """Write the journal as CSV, one row per event, and return the row count.

        A damaged line is a row with its place. See `table_files` for the format of cells. Raises
        InvalidInputError when the file exists or cannot be written, JournalError.
        """
        return write_table(Path(filename), JOURNAL, map(journal_row, self.scan_journal()))


def days_between(
    start: str | date | None, end: str | date | None, today: date
) -> tuple[date | None, date | None]:
    """Parse the first and last day of a period. Raises InvalidInputError.

    None: unbounded.
    """
    first = None if start is None else _days(start, today).first
    last = None if end is None else _days(end, today).last
    if first is not None and last is not None and first > last:
        raise InvalidInputError(f"Start with the earlier date: {last} is before {first}.")
    return first, last


def _days(asked: str | date, today: date) -> Period:
    """Parse one end of a period. Raises InvalidInputError."""
    if isinstance(asked, datetime):
        asked = local_date(asked)
    if isinstance(asked, date):
        if not 2000 <= asked.year <= 9000:
            raise InvalidInputError(f"{asked} is out of range. Use a date from 2000 to 9000.")
        return Period(asked, asked)
    if not isinstance(asked, str):
        raise InvalidInputError(f"Pass a date, or text such as {FORMS}, not {asked!r}.")
    if ".." in asked:
        raise InvalidInputError(f"{asked!r} is a range. Pass its ends as start_date and end_date.")
    return parse_period(asked, today)


def _to_json(value: object) -> object:
    """Convert a value to plain JSON data. A float is refused as inexact.

    Raises TypeError.
    """
    if value is None or isinstance(value, (str, int)):
        return value
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, (list, tuple)):
        return [_to_json(item) for item in value]
    if isinstance(value, Mapping):
        return {str(name): _to_json(item) for name, item in value.items()}
    raise TypeError(f"{type(value).__name__} cannot be stored in the journal")


def account_fingerprint(key_id: str) -> str:
    """Return a name for a key's account that does not reveal the key."""
    return hashlib.sha256(key_id.encode()).hexdigest()[:12]


def open_request_log(folder: Path, environment: str, level: str) -> None:
    """Send the program's own log to requests.log.

    It holds method, path, status and duration of each request.
    """
    request_log(folder / environment / REQUESTS_FILE, level)


# --- For scripts ------------------------------------------------------------------------------------


def log_order_submission(details: Mapping[str, object]) -> None:
    """Note in the journal an order placed elsewhere, such as on the web.

    `details` is plain data: text, whole numbers, Decimal, datetime. The note is a `note.order` event in
    trades.log, with its details nested. It is never taken for an order of this program. The exchange is not
    asked. Raises InvalidInputError if `details` is no mapping of plain data, JournalError.
    """
    _note(NOTED_ORDER, details)


def log_order_fill(details: Mapping[str, object]) -> None:
    """Note a fill as `note.fill`. See `log_order_submission`."""
    _note(NOTED_FILL, details)


def log_order_cancellation(order_id: str) -> None:
    """Note a cancel as `note.cancel`. It cancels nothing.

    See `log_order_submission`.
    """
    _note(NOTED_CANCEL, {"order_id": order_id})


def log_error(message: str, error: BaseException | None = None) -> str:
    """Write an error with its traceback to errors.log and return a reference.

    The exchange is not asked. Raises ConfigurationError. If the log cannot be written, the reference says
    so.
    """
    return _journal().log_error(message, error)


def get_trade_history(
    start_date: str | date | None = None, end_date: str | date | None = None
) -> tuple[Fill, ...]:
    """Return the account's fills of these local days, oldest first.

    Both days are included. None: unbounded. A day is a date or a word such as `today`, `7d`, `2026-11-01`.
    Each fill has price and fee in dollars, and the action and side as placed. Fills of orders placed
    elsewhere are included. Only reads. Raises InvalidInputError, KalshiAPIError, JournalError.
    """
    from kalshi_trading import compose

    return compose.fills_between(*days_between(start_date, end_date, local_date(utc_now())))


def export_trades_to_csv(filename: str | Path) -> int:
    """Write every fill of the account to a new CSV file; return their number.

    Prices are exact dollars in the terms of the side. Only reads the exchange. Raises InvalidInputError when
    the file exists or cannot be written, KalshiAPIError, JournalError.
    """
    from kalshi_trading import compose

    return compose.export_fills(Path(filename))


def _journal() -> TradeLogger:
    from kalshi_trading import compose

    return compose.current_journal()


def _note(event: str, details: Mapping[str, object]) -> None:
    if not isinstance(details, Mapping):
        raise InvalidInputError(f"A note must be a dict, not {type(details).__name__}.")
    try:
        _journal().log_event(event, {"details": details})  # nested: apart from our own orders' fields
    except (TypeError, RecursionError) as error:
        raise InvalidInputError(f"{error}. Nothing was recorded; use text, integers or Decimal.") from None
