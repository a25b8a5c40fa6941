"""The journal of trades, the log of errors, the history read back, and its export as CSV.

`trades.log` holds one event per line, readable by a person: local time with offset, event name, JSON.
Each line is one write to a file opened for appending, flushed to the disk before the call returns; a
failure is raised, never swallowed. Nothing is ever rewritten, and no secret is ever stored.
"""

from __future__ import annotations

import csv
import json
import logging
import logging.handlers
import os
import re
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

from kalshi_trading.config import get_config
from kalshi_trading.errors import InvalidInputError, JournalError

TRADES_FILE = "trades.log"
ERRORS_FILE = "errors.log"
REQUESTS_FILE = "requests.log"
_DAYS_OF_REQUESTS = 30
_LINE = re.compile(r"(\S+) ([a-z]+\.[a-z_]+) (\{.*\})", re.ASCII | re.DOTALL)
_ERROR_LINE = re.compile(r"\d{4}-\S+ ERROR \[", re.ASCII)
_FORMULA_STARTS = tuple("=+-@\t\r＝＋－＠")
_CSV_COLUMNS = (
    "time",
    "event",
    "environment",
    "ticker",
    "action",
    "side",
    "count",
    "price",
    "fill_count",
    "average_price",
    "fee",
    "order_id",
    "client_order_id",
    "reason",
)


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
class JournalReading:
    """What could be read, oldest first, and the numbers of the lines that could not."""

    records: tuple[JournalRecord, ...]
    damaged_lines: tuple[int, ...]


class TradeLogger:
    """Journal and error log of one environment, in a folder of its own."""

    def __init__(
        self,
        folder: Path,
        environment: str,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.environment = environment
        self.trades_path = folder / environment / TRADES_FILE
        self.errors_path = folder / environment / ERRORS_FILE
        self._clock = clock
        self._lock = threading.Lock()

    # --- Writing ----------------------------------------------------------------------------------

    def log_order_submission(self, event: str, fields: Mapping[str, object]) -> None:
        """Record a step of an order's submission (`intent`, `sending`, `acknowledged`, …).

        Raises JournalError when it is not safely on the disk; then nothing may be sent.
        """
        self._append(f"order.{event}", fields)

    def log_order_fill(self, fields: Mapping[str, object]) -> None:
        """Record what of an order was filled. Raises JournalError."""
        self._append("order.fill", fields)

    def log_order_cancellation(self, event: str, fields: Mapping[str, object]) -> None:
        """Record a step of a cancel (`requested`, `acknowledged`, …). Raises JournalError."""
        self._append(f"cancel.{event}", fields)

    def log_error(self, message: str, error: BaseException | None = None) -> str:
        """Write an error with its traceback to errors.log and return a reference to find it by.

        An error log that cannot be written must not hide the error itself, so this never raises.
        """
        reference = f"{self._clock():%Y%m%dT%H%M%S}-{os.getpid()}"
        trace = "" if error is None else "".join(traceback.format_exception(error))
        moment = self._clock().astimezone().isoformat(timespec="milliseconds")
        try:
            self._write(self.errors_path, f"{moment} ERROR [{reference}] {message}\n{trace}")
        except OSError:
            return f"{reference} (not recorded: {self.errors_path} cannot be written)"
        return reference

    def _append(self, event: str, fields: Mapping[str, object]) -> None:
        plain = {name: _plain(value) for name, value in fields.items()}
        stamped = {"environment": self.environment, **plain}
        body = json.dumps(stamped, ensure_ascii=False, separators=(", ", ": "))
        moment = self._clock().astimezone().isoformat(timespec="milliseconds")
        try:
            self._write(self.trades_path, f"{moment} {event} {body}\n")
        except OSError as error:
            raise JournalError(str(self.trades_path), error.strerror or str(error)) from error

    def _write(self, path: Path, line: str) -> None:
        """Append one line in a single write and wait until it is on the disk."""
        data = line.encode(errors="backslashreplace")  # a lone surrogate must not lose the line
        with self._lock:
            new = not path.exists()
            if new:
                path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(path, os.O_APPEND | os.O_CREAT | os.O_RDWR, 0o600)
            try:
                if _ends_torn(descriptor):
                    data = b"\n" + data
                if os.write(descriptor, data) != len(data):
                    raise OSError("the disk took only a part of the line")
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
            if new:
                _sync_folder(path.parent)

    # --- Reading ----------------------------------------------------------------------------------

    def read_journal(self) -> JournalReading:
        """Read every record; lines that are damaged are counted, never guessed at."""
        records, damaged = [], []
        for number, line in enumerate(_lines(self.trades_path), start=1):
            record = _parse_line(line)
            if record is not None:
                records.append(record)
            elif line.strip():
                damaged.append(number)
        return JournalReading(tuple(records), tuple(damaged))

    def get_trade_history(
        self, start_date: date | None = None, end_date: date | None = None
    ) -> tuple[JournalRecord, ...]:
        """Return the records of these local days, both included, oldest first."""
        return tuple(
            record
            for record in self.read_journal().records
            if (start_date is None or record.at.astimezone().date() >= start_date)
            and (end_date is None or record.at.astimezone().date() <= end_date)
        )

    def read_errors(self, most: int = 20) -> tuple[str, ...]:
        """Return the last lines of the error log that begin an entry, newest last."""
        entries = [line for line in _lines(self.errors_path) if _ERROR_LINE.match(line)]
        return tuple(entries[-most:])

    def export_trades_to_csv(self, filename: str | Path) -> int:
        """Write the journal as CSV and return the number of rows.

        Written beside and renamed, so that the file is whole or not there. Text that a spreadsheet
        would run is defused; numbers are never touched. Raises InvalidInputError when the file exists
        or cannot be written.
        """
        records = self.read_journal().records
        try:
            _write_csv(Path(filename).expanduser(), records)
        except FileExistsError:
            raise InvalidInputError(
                f"{filename} is already there. Choose another name; nothing was written."
            ) from None
        except (OSError, ValueError, RuntimeError) as error:  # a path with NUL, the home of nobody
            reason = getattr(error, "strerror", None) or str(error)
            raise InvalidInputError(f"{str(filename)!r} cannot be written: {reason}.") from error
        return len(records)


def _plain(value: object) -> object:
    """Give what JSON holds to the digit; a float would not be."""
    if value is None or isinstance(value, (str, int)):
        return value
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} does not belong into the journal")


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


def _lines(path: Path) -> Iterator[str]:
    """Yield the lines of a log; a log that does not exist yet has none. Raises JournalError."""
    try:
        with path.open("rb") as file:
            for line in file:
                yield line.decode("utf-8", errors="replace").rstrip("\n")
    except FileNotFoundError:
        return
    except OSError as error:
        raise JournalError(str(path), error.strerror or str(error)) from error


def _parse_line(line: str) -> JournalRecord | None:
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


def _write_csv(path: Path, records: tuple[JournalRecord, ...]) -> None:
    """Write beside and rename; whatever happens, no half-written file stays behind."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    if os.path.lexists(path):
        raise FileExistsError
    try:
        with partial.open("x", encoding="utf-8", errors="replace", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(_CSV_COLUMNS)
            writer.writerows(_csv_row(record) for record in records)
        partial.rename(path)
    finally:
        partial.unlink(missing_ok=True)


def _csv_row(record: JournalRecord) -> list[str]:
    named = {"time": record.at.isoformat(timespec="milliseconds"), "event": record.event}
    return [_defused(named.get(column) or record.text(column)) for column in _CSV_COLUMNS]


def _defused(cell: str) -> str:
    """Keep a spreadsheet from running text; a plain number is left as it is."""
    if re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", cell, re.ASCII):
        return cell
    runs = cell.lstrip(" ").startswith(_FORMULA_STARTS) or cell.lstrip().startswith(_FORMULA_STARTS)
    return f"'{cell}" if runs else cell


def open_request_log(folder: Path, environment: str, level: str) -> None:
    """Let the program's own log (method, path, status, duration of requests) go to requests.log.

    Kept for a month. A log that cannot be opened is done without: it records nothing that matters.
    """
    path = folder / environment / REQUESTS_FILE
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(mode=0o600)
        handler = logging.handlers.TimedRotatingFileHandler(
            path, when="midnight", backupCount=_DAYS_OF_REQUESTS, encoding="utf-8", delay=True
        )
    except OSError:
        return
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    log = logging.getLogger("kalshi_trading")
    log.setLevel(level)
    log.propagate = False
    log.addHandler(handler)


# --- The same doors for a script, over the configured folder and environment ----------------------


def configured_trade_logger() -> TradeLogger:
    """Open the journal that the settings name. Raises ConfigurationError."""
    settings = get_config()
    return TradeLogger(settings.log_dir, settings.environment.value)


def log_order_submission(event: str, fields: Mapping[str, object]) -> None:
    configured_trade_logger().log_order_submission(event, fields)


def log_order_fill(fields: Mapping[str, object]) -> None:
    configured_trade_logger().log_order_fill(fields)


def log_order_cancellation(event: str, fields: Mapping[str, object]) -> None:
    configured_trade_logger().log_order_cancellation(event, fields)


def log_error(message: str, error: BaseException | None = None) -> str:
    return configured_trade_logger().log_error(message, error)


def get_trade_history(
    start_date: date | None = None, end_date: date | None = None
) -> tuple[JournalRecord, ...]:
    return configured_trade_logger().get_trade_history(start_date, end_date)


def export_trades_to_csv(filename: str | Path) -> int:
    return configured_trade_logger().export_trades_to_csv(filename)
