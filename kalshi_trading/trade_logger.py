"""The journal of trades, the log of errors, the history read back, and its export as CSV.

Knows what is written and under which names; how a line gets safely to the disk is `journal.files`'. Order
events are on the disk before the call returns, and a failure is raised, never swallowed. Nothing is
ever rewritten, and no secret is ever stored.

The functions below are for scripts, over the journal of the settings: see docs/python.md. Every order that is
placed through this package is on record without them.
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
from kalshi_trading.journal.files.private_files import make_folder, mend
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
"""Tells the errors of one second apart, whichever logger of this process writes them."""


class TradeLogger:
    """Journal and error log of one environment, in a folder of its own.

    Every record carries the environment, and the session and the account (see `account_fingerprint`)
    where they are given.
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
        # known to nobody else, so that no configuration of logging can turn it off
        self._log = logging.Logger("journal")
        self._log.addHandler(JournalHandler(self.trades_path))
        self._digest = DigestReader(self.trades_path, clock=clock)
        self.own_orders = OwnOrdersReader(self.trades_path)

    def close_to_others(self) -> tuple[str, ...]:
        """Close the environment's folder and its files to other users; say what is not ours to close.

        The folder above, which the user may share, stays as it is. Never raises.
        """
        folders = (self.folder, sessions_folder(self.folder))
        logs = [file for path in self.log_paths for file in every_file_of(path)]
        own = (self.folder / INTENTS_LOCK, checkpoint_of(self.trades_path), *session_files(self.folder))
        return mend(folders, [*logs, *own])

    # --- Writing ----------------------------------------------------------------------------------

    def log_order_step(self, event: str, fields: Mapping[str, object]) -> None:
        """Record a step of an order's submission (`intent`, `sending`, `acknowledged`, …).

        Raises JournalError when it is not safely on the disk; then nothing may be sent.
        """
        self.log_event(f"order.{event}", fields)

    @contextmanager
    def intent_lock(self) -> Iterator[None]:
        """Hold the lock that every session takes to count its orders and record an intent.

        Raises JournalError, also if another session keeps it for too long. Other records need no lock, so
        that a panic never waits for one.
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
        """Record what of an order was filled. Raises JournalError."""
        self.log_event(FILL_EVENT, fields)

    def log_cancel_step(self, event: str, fields: Mapping[str, object]) -> None:
        """Record a step of a cancel (`requested`, `acknowledged`, …). Raises JournalError."""
        self.log_event(f"cancel.{event}", fields)

    def log_event(self, event: str, fields: Mapping[str, object]) -> None:
        """Record any event (`session.begun`, `clock.offset`, …); `order.` and `cancel.` are flushed.

        Raises JournalError.
        """
        plain = {name: _plain(value) for name, value in fields.items()}
        record = self._log.makeRecord(self._log.name, logging.INFO, "", 0, event, (), None)
        record.created = self._clock().timestamp()
        record.fields = self._stamps | plain
        self._log.handle(record)  # not `info`, which `logging.disable` would silence

    def log_error(self, message: str, error: BaseException | None = None) -> str:
        """Write an error with its traceback to errors.log and return a reference to find it by.

        An error log that cannot be written must not hide the error itself, so this never raises.
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
        """Read every record, or those of these local days, both included; damaged lines are named.

        Raises JournalError.
        """
        return read_journal(self.trades_path, since=since, until=until)

    def scan_journal(self, since: date | None = None, until: date | None = None) -> Iterator[JournalEntry]:
        """Yield the same one by one, oldest first, for journals of any length. Raises JournalError."""
        return scan_journal(self.trades_path, since=since, until=until)

    def newest_records(self) -> Iterator[JournalEntry]:
        """Yield records and damaged lines, newest first, reading no more than is asked for.

        Raises JournalError.
        """
        return newest_records(self.trades_path)

    def recent_records(self, most: int | None) -> Iterator[JournalRecord]:
        """Yield the records among the newest `most` lines, newest first; None: among all.

        Raises JournalError.
        """
        newest = islice(self.newest_records(), most)
        return (entry for entry in newest if isinstance(entry, JournalRecord))

    def changes(self, since: int = 0, *, progress: Progress = lambda lines: None) -> JournalChanges:
        """Give what the journal says newly of the orders that still count; see `DigestReader.changes`.

        Raises JournalError.
        """
        return self._digest.changes(since, progress=progress)

    def get_records(
        self, start_date: str | date | None = None, end_date: str | date | None = None
    ) -> tuple[JournalRecord, ...]:
        """Return the records of these local days, both included, oldest first.

        A word such as `today`, `7d` or `2026-11` begins with its first day and ends with its last.
        Damaged lines are left out; `read_journal` names them. Raises InvalidInputError, JournalError.
        """
        return self.read_journal(*days_between(start_date, end_date, local_date(self._clock()))).records

    def read_errors(self, most: int = 20) -> tuple[str, ...]:
        """Return the first lines of the last errors, newest last; a log that cannot be read has none."""
        heads: list[str] = []
        with suppress(OSError):
            entries = (each for each in newest_entries(self.errors_path) if isinstance(each, LogEntry))
            heads += (entry.head for entry in islice(entries, most))
        return tuple(reversed(heads))

    def log_sizes(self) -> dict[str, LogSize]:
        """Measure journal, errors and requests, by the name of today's file. Raises OSError."""
        return {path.name: size_of(path) for path in self.log_paths}

    def export_journal_to_csv(self, filename: str | Path) -> int:
        """Write the journal as CSV, one row for each event on record, and return the number of rows.

        A line that cannot be read is a row too, which says where it stands. `table_files` says how cells are
        written. Raises InvalidInputError when the file exists or cannot be written, JournalError.
        """
        return write_table(Path(filename), JOURNAL, map(journal_row, self.scan_journal()))


def days_between(
    start: str | date | None, end: str | date | None, today: date
) -> tuple[date | None, date | None]:
    """Read the ends of a history; None: without end. Raises InvalidInputError."""
    first = None if start is None else _days(start, today).first
    last = None if end is None else _days(end, today).last
    if first is not None and last is not None and first > last:
        raise InvalidInputError(f"Start with the earlier date: {last} is before {first}.")
    return first, last


def _days(asked: str | date, today: date) -> Period:
    """Read one end of a history. Raises InvalidInputError."""
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


def _plain(value: object) -> object:
    """Give what JSON holds to the digit; a float would not be."""
    if value is None or isinstance(value, (str, int)):
        return value
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, Mapping):
        return {str(name): _plain(item) for name, item in value.items()}
    raise TypeError(f"{type(value).__name__} cannot be stored in the journal")


def account_fingerprint(key_id: str) -> str:
    """Name the account of a key in the journal without telling the key."""
    return hashlib.sha256(key_id.encode()).hexdigest()[:12]


def open_request_log(folder: Path, environment: str, level: str) -> None:
    """Let the program's own log (method, path, status, duration of requests) go to requests.log."""
    request_log(folder / environment / REQUESTS_FILE, level)


# --- For scripts ------------------------------------------------------------------------------------


def log_order_submission(details: Mapping[str, object]) -> None:
    """Note in the journal an order that was placed somewhere else, such as by hand on the web.

    `details` is plain data: text, whole numbers, Decimal, datetime. The note stands in trades.log as
    `note.order`, its details apart, and is never taken for an order of this program. Asks the exchange
    nothing. Raises InvalidInputError for what is no mapping of plain data, JournalError.
    """
    _note(NOTED_ORDER, details)


def log_order_fill(details: Mapping[str, object]) -> None:
    """Note a fill, as `note.fill`; see `log_order_submission`."""
    _note(NOTED_FILL, details)


def log_order_cancellation(order_id: str) -> None:
    """Note a cancel, as `note.cancel`; it cancels nothing. See `log_order_submission`."""
    _note(NOTED_CANCEL, {"order_id": order_id})


def log_error(message: str, error: BaseException | None = None) -> str:
    """Write an error, with the traceback of `error`, to errors.log and return a reference to find it by.

    Asks the exchange nothing. Raises ConfigurationError. A log that cannot be written raises nothing: the
    reference says so.
    """
    return _journal().log_error(message, error)


def get_trade_history(
    start_date: str | date | None = None, end_date: str | date | None = None
) -> tuple[Fill, ...]:
    """Return the account's fills of these local days, both included, oldest first; None: without end.

    A day is a date or a word such as `today`, `7d`, `2026-11-01`. Each has the price and fee in dollars and
    the words in which its order was placed; fills of orders placed elsewhere are among them. Only reads.
    Raises InvalidInputError, KalshiAPIError, JournalError.
    """
    from kalshi_trading import compose

    return compose.fills_between(*days_between(start_date, end_date, local_date(utc_now())))


def export_trades_to_csv(filename: str | Path) -> int:
    """Write every fill of the account to a new CSV file, one row each, and return their number.

    Prices are dollars in the terms of the side, exact to the digit. Only reads the exchange. Raises
    InvalidInputError when the file exists or cannot be written, KalshiAPIError, JournalError.
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
        _journal().log_event(event, {"details": details})  # apart from the fields of our own orders
    except (TypeError, RecursionError) as error:
        raise InvalidInputError(f"{error}. Nothing was recorded; use text, integers or Decimal.") from None
