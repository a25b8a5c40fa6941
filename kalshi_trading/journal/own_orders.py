"""Map exchange order ids to our own orders (action, side).

The mapping comes from the journal. Fills carry only the exchange's order_id, so both ids of an order are
needed. Where the journal lacks the exchange's answer, the exchange's order list supplies the id. Ids are
packed to bytes to save memory.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias, TypeVar
from uuid import UUID

from kalshi_trading.core.models import Action, BookSide, Fill, Order, Side
from kalshi_trading.journal.events import DENIED_EVENT, INTENT_EVENT, SENDING_EVENT
from kalshi_trading.journal.files.log_cursor import LogCursor, LogReplacedError
from kalshi_trading.journal.order_state import WITHOUT_ORDER
from kalshi_trading.journal.records import JournalRecord, as_journal_errors, entries_of

_WITHOUT_ORDER = {DENIED_EVENT, *(f"order.{stage}" for stage in WITHOUT_ORDER)}
_Words: TypeAlias = tuple[Action, Side] | None
_EVERY_WORDS = {(action.value, side.value): (action, side) for action in Action for side in Side}


class OwnOrders:
    """Our orders as the journal records them. Takes the oldest record first."""

    def __init__(self, records: Iterable[JournalRecord] = ()) -> None:
        self._nameless: dict[str, _Words] = {}  # by client_order_id
        every_words: tuple[_Words, ...] = (*_EVERY_WORDS.values(), None)  # None: ours, action and side lost
        self._named = {words: dict[bytes | str, bytes | str]() for words in every_words}
        self.add(records)

    def add(self, records: Iterable[JournalRecord]) -> None:
        """Add later records of the same journal."""
        for record in records:
            if not record.event.startswith("order."):
                continue
            name, order_id = record.text("client_order_id"), record.text("order_id")
            words = words_in(record.text("action"), record.text("side"))
            if words is not None:
                self._nameless[name] = words
            elif record.event == SENDING_EVENT:
                self._nameless.setdefault(name, None)
            if order_id:
                self._name(order_id, name)
            elif record.event in _WITHOUT_ORDER:
                self._nameless.pop(name, None)

    @property
    def lacks_names(self) -> bool:
        """True if an order may exist whose order_id the journal lacks."""
        return bool(self._nameless)

    def _name(self, order_id: str, client_order_id: str) -> None:
        words, key = self._nameless.pop(client_order_id, None), packed(order_id)
        if words is not None or not any(key in named for named in self._named.values()):
            self._named[words][key] = packed(client_order_id)

    def remember(self, order: Order) -> None:
        """Record both ids of an order from the exchange's list, if it is ours."""
        if order.client_order_id in self._nameless:
            self._name(order.order_id, order.client_order_id)

    def of(self, order_id: str, effect: BookSide) -> tuple[str | None, Action | None, Side]:
        """Return client_order_id, action and side.

        No client_order_id: an external order. No action: only the effect is known, because the recorded
        action and side are lost or contradict the exchange.
        """
        key = packed(order_id)
        for words, named in self._named.items():
            if key in named:
                return unpacked(named[key]), *words_that_mean(words, effect)
        return None, None, effect.long_outcome


Row = TypeVar("Row", Order, Fill)


class OwnOrdersReader:
    """OwnOrders kept current by reading only new journal lines. Thread-safe.

    `lacks_names` and `in_own_words` raise JournalError.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._guard = threading.Lock()
        self._begin()

    def _begin(self) -> None:
        self._cursor, self._own = LogCursor(self._path), OwnOrders()

    def lacks_names(self) -> bool:
        """Return True if an order may exist whose order_id the journal lacks."""
        with self._guard:
            self._read_on()
            return self._own.lacks_names

    def remember(self, orders: Iterable[Order]) -> None:
        """Record both ids of our orders from the exchange's list."""
        with self._guard:
            for order in orders:
                self._own.remember(order)

    def in_own_words(self, rows: Iterable[Row]) -> tuple[Row, ...]:
        """Return orders or fills with the action and side as placed, where known."""
        with self._guard:
            self._read_on()
            return tuple(map(self._in_own_words, rows))

    def _in_own_words(self, row: Row) -> Row:
        if isinstance(row, Order):
            self._own.remember(row)
        _, action, side = self._own.of(row.order_id, row.book_side)
        return row if action is None else replace(row, placed_as=(action, side))

    def _read_on(self) -> None:
        with as_journal_errors(self._path):
            try:
                self._read_unread()
            except LogReplacedError:
                self._begin()
                self._read_unread()

    def _read_unread(self) -> None:
        for unread in self._cursor.unread():
            entries = entries_of(unread.file, unread.number, unread.batch)
            self._own.add(entry for entry in entries if isinstance(entry, JournalRecord))


def words_in(action: str, side: str) -> tuple[Action, Side] | None:
    """Return action and side as recorded. None: one is not on record."""
    return _EVERY_WORDS.get((action, side))


def words_that_mean(words: tuple[Action, Side] | None, effect: BookSide) -> tuple[Action | None, Side]:
    """Return our action and side if they match the exchange's book side.

    Otherwise no action, and the outcome the book side goes long.
    """
    if words is not None and BookSide.of(*words) is effect:
        return words
    return None, effect.long_outcome


def intents_of(orders: Sequence[Order], newest_first: Iterable[JournalRecord]) -> dict[str, JournalRecord]:
    """Return the intents of these orders by order_id.

    Reads no further than the last intent needed.
    """
    order_ids = {order.order_id for order in orders}
    named = {order.client_order_id: order.order_id for order in orders}
    found: dict[str, JournalRecord] = {}
    for record in newest_first:
        if len(found) == len(order_ids):
            break
        name, order_id = record.text("client_order_id"), record.text("order_id")
        if name and order_id in order_ids:
            named[name] = order_id
        if record.event == INTENT_EVENT and name in named:
            found[named[name]] = record
    return found


def packed(name: str) -> bytes | str:
    """Return a UUID as bytes, in under two thirds of the memory.

    Any other name is returned unchanged.
    """
    try:
        number = UUID(name)
    except ValueError:
        return name
    return number.bytes if str(number) == name else name


def unpacked(name: bytes | str) -> str:
    return name if isinstance(name, str) else str(UUID(bytes=name))
