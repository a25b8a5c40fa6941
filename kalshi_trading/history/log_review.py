"""Journal, errors and requests in plain words: the newest of them, those with certain words, and new ones.

Reads no more than is asked for. A damaged line is handed on in its place, never skipped. Text of the logs
is data: it arrives without what could act on a terminal, and is never read as markup.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from kalshi_trading.core.dates import FAR_FUTURE
from kalshi_trading.core.money import (
    Contracts,
    Price,
    count_text,
    decimal_from_text,
    dollars_text,
    price_text,
)
from kalshi_trading.core.text import describe_order
from kalshi_trading.journal.error_log import LogEntry, entries_backwards, newest_entries
from kalshi_trading.journal.events import FILL_EVENT, label_of
from kalshi_trading.journal.files.log_cursor import Follower
from kalshi_trading.journal.files.log_reader import DamagedLine
from kalshi_trading.journal.records import JournalRecord, as_journal_errors, entry_of
from kalshi_trading.trade_logger import TradeLogger


@dataclass(frozen=True, slots=True)
class LogEvent:
    """One event for a person: `text` holds every word of it, to be searched."""

    at: datetime
    what: str
    market: str
    sentence: str
    text: str = ""


LogItem = LogEvent | DamagedLine


# --- In plain words -------------------------------------------------------------------------------


def event_of(record: JournalRecord) -> LogEvent:
    """Put a journal record into plain words."""
    what = label_of(record)
    market, words = record.text("ticker"), _sentence(record)
    everything = (what, record.event, words, *(str(value) for value in record.fields.values()))
    return LogEvent(record.at, what, market, words, "\n".join(everything))


def _sentence(record: JournalRecord) -> str:
    """Say what happened; the market stands beside it."""
    market, wish = record.text("ticker"), record.text("sentence") or _wish(record)
    wish = wish.replace(f" {market} ", " ") if market else wish
    happened = _filled(record) if record.event == FILL_EVENT else record.text("reason")
    if record.event.startswith("order.") and wish and happened:
        return f"{happened}: {wish}"
    return happened or wish or record.text("order_id")


def _wish(record: JournalRecord) -> str:
    count, price = decimal_from_text(record.text("count")), decimal_from_text(record.text("price"))
    if count is None or price is None:
        return ""
    return describe_order(record.text("action"), count, record.text("side"), price)


def _filled(record: JournalRecord) -> str:
    count: Contracts | None = decimal_from_text(record.text("fill_count"))
    price: Price | None = decimal_from_text(record.text("average_price"))
    fee = decimal_from_text(record.text("fee"))
    if count is None:
        return record.text("reason")
    average = f" at {price_text(price)} on average" if price is not None else ""
    return f"{count_text(count)} filled{average}" + (f", fee {dollars_text(fee)}" if fee is not None else "")


def _event_of_entry(entry: LogEntry) -> LogEvent:
    what = "request" if entry.level != "ERROR" else "error"
    reference = f"[{entry.reference}] " if entry.reference else ""
    text = "\n".join((what, entry.level, entry.reference, entry.message, *entry.details))
    return LogEvent(entry.at, what, "", f"{reference}{entry.message}", text)


# --- Newest first ---------------------------------------------------------------------------------


def newest_events(journal: TradeLogger) -> Iterator[LogItem]:
    """Yield the journal's events, newest first. Raises JournalError."""
    return (each if isinstance(each, DamagedLine) else event_of(each) for each in journal.newest_records())


def newest_errors(journal: TradeLogger) -> Iterator[LogItem]:
    """Yield the errors with their references, newest first. Raises JournalError."""
    return _newest_of(journal.errors_path)


def _newest_of(path: Path) -> Iterator[LogItem]:
    with as_journal_errors(path):
        yield from _reviewed(newest_entries(path))


def _reviewed(entries: Iterable[LogEntry | DamagedLine]) -> Iterator[LogItem]:
    return (each if isinstance(each, DamagedLine) else _event_of_entry(each) for each in entries)


def search(journal: TradeLogger, words: Sequence[str]) -> Iterator[LogItem]:
    """Yield the events of all kept files that hold every word, upper or lower case, newest first.

    Damaged lines are yielded as well: what they held cannot be known. Raises JournalError.
    """
    wanted = [word.casefold() for word in words]
    logs = (newest_events(journal), newest_errors(journal), _newest_of(journal.requests_path))
    found = heapq.merge(*(_with_times(lines) for lines in logs), key=lambda timed: timed[0], reverse=True)
    return (line for _, line in found if isinstance(line, DamagedLine) or _holds(line, wanted))


def _with_times(lines: Iterable[LogItem]) -> Iterator[tuple[datetime, LogItem]]:
    """Let a damaged line, which has no time, follow at once on the one before it."""
    for line in lines:
        yield FAR_FUTURE if isinstance(line, DamagedLine) else line.at, line


def _holds(event: LogEvent, wanted: Sequence[str]) -> bool:
    text = event.text.casefold()
    return all(word in text for word in wanted)


# --- As they happen -------------------------------------------------------------------------------


class LogFollower:
    """Gives events and errors as they are written, also by other sessions."""

    def __init__(self, journal: TradeLogger) -> None:
        """Begin with what comes now. Raises JournalError."""
        self._journal = journal
        with as_journal_errors(journal.trades_path):
            self._events = Follower(journal.trades_path)
        with as_journal_errors(journal.errors_path):
            self._errors = Follower(journal.errors_path)

    def new_lines(self) -> list[LogItem]:
        """Give what came since the last look, oldest first. Raises JournalError."""
        with as_journal_errors(self._journal.trades_path):
            events = [entry_of(line) for line in self._events.new_lines() if line.data.strip()]
        with as_journal_errors(self._journal.errors_path):
            errors = [*entries_backwards(reversed(self._errors.new_lines()))]
        return [
            *(event_of(each) if isinstance(each, JournalRecord) else each for each in events),
            *_reviewed(reversed(errors)),
        ]
