"""Journal, errors and requests in plain words: newest, found or new ones.

Reads no more than needed. A damaged line is returned in its place, never skipped. Log text is data:
it arrives without terminal control characters and is never read as markup.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from kalshi_trading.core.dates import FAR_FUTURE
from kalshi_trading.core.money import (
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
    """One event in plain words; `text` holds all its words for a search."""

    at: datetime
    what: str
    market: str
    sentence: str
    text: str = ""


LogItem = LogEvent | DamagedLine


# --- In plain words -------------------------------------------------------------------------------


def event_of(record: JournalRecord) -> LogEvent:
    """Return a journal record in plain words."""
    what = label_of(record)
    market, words = record.text("ticker"), _sentence(record)
    everything = (what, record.event, words, *(str(value) for value in record.fields.values()))
    return LogEvent(record.at, what, market, words, "\n".join(everything))


def _sentence(record: JournalRecord) -> str:
    """Describe what happened; the market is a field of its own."""
    market, wish = record.text("ticker"), record.text("sentence")
    if not wish:
        count, price = decimal_from_text(record.text("count")), decimal_from_text(record.text("price"))
        if count is not None and price is not None:
            wish = describe_order(record.text("action"), count, record.text("side"), price)
    wish = wish.replace(f" {market} ", " ") if market else wish
    happened = record.text("reason")
    filled = decimal_from_text(record.text("fill_count")) if record.event == FILL_EVENT else None
    if filled is not None:
        average, fee = decimal_from_text(record.text("average_price")), decimal_from_text(record.text("fee"))
        happened = f"{count_text(filled)} filled"
        if average is not None:
            happened += f" at {price_text(average)} on average"
        if fee is not None:
            happened += f", fee {dollars_text(fee)}"
    if record.event.startswith("order.") and wish and happened:
        return f"{wish}: {happened}"
    return happened or wish or record.text("order_id")


# --- Newest first ---------------------------------------------------------------------------------


def newest_events(journal: TradeLogger) -> Iterator[LogItem]:
    """Yield the journal's events, newest first. Raises JournalError."""
    return (each if isinstance(each, DamagedLine) else event_of(each) for each in journal.newest_records())


def newest_errors(journal: TradeLogger) -> Iterator[LogItem]:
    """Yield the errors with their references, newest first.

    Raises JournalError.
    """
    return _newest_of(journal.errors_path)


def _newest_of(path: Path) -> Iterator[LogItem]:
    with as_journal_errors(path):
        yield from _reviewed(newest_entries(path))


def _reviewed(entries: Iterable[LogEntry | DamagedLine]) -> Iterator[LogItem]:
    for each in entries:
        if isinstance(each, DamagedLine):
            yield each
            continue
        what = "request" if each.level != "ERROR" else "error"
        reference = f"[{each.reference}] " if each.reference else ""
        text = "\n".join((what, each.level, each.reference, each.message, *each.details))
        yield LogEvent(each.at, what, "", f"{reference}{each.message}", text)


def search(journal: TradeLogger, words: Sequence[str]) -> Iterator[LogItem]:
    """Yield events that contain every word, newest first.

    Searches all kept files and ignores case. Also yields damaged lines, because their text cannot be
    known. Raises JournalError.
    """
    wanted = [word.casefold() for word in words]
    logs = (newest_events(journal), newest_errors(journal), _newest_of(journal.requests_path))
    # A damaged line has no time, so it directly follows the line before it.
    found = heapq.merge(
        *logs, key=lambda line: FAR_FUTURE if isinstance(line, DamagedLine) else line.at, reverse=True
    )
    return (line for line in found if isinstance(line, DamagedLine) or _holds(line, wanted))


def _holds(event: LogEvent, wanted: Sequence[str]) -> bool:
    text = event.text.casefold()
    return all(word in text for word in wanted)


# --- As they happen -------------------------------------------------------------------------------


class LogFollower:
    """Returns events and errors as they are written, by any session."""

    def __init__(self, journal: TradeLogger) -> None:
        """Start at the current end of both logs. Raises JournalError."""
        self._journal = journal
        with as_journal_errors(journal.trades_path):
            self._events = Follower(journal.trades_path)
        with as_journal_errors(journal.errors_path):
            self._errors = Follower(journal.errors_path)

    def new_lines(self) -> list[LogItem]:
        """Return the lines since the last call, oldest first.

        Events come before errors. Raises JournalError.
        """
        with as_journal_errors(self._journal.trades_path):
            events = [entry_of(line) for line in self._events.new_lines() if line.data.strip()]
        with as_journal_errors(self._journal.errors_path):
            errors = [*entries_backwards(reversed(self._errors.new_lines()))]
        return [
            *(event_of(each) if isinstance(each, JournalRecord) else each for each in events),
            *_reviewed(reversed(errors)),
        ]
