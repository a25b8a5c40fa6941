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
from kalshi_trading.journal.order_state import NO_ORDER_STAGES
from kalshi_trading.journal.records import JournalRecord, as_journal_errors, entries_of

_NO_ORDER_EVENTS = {DENIED_EVENT, *(f"order.{stage}" for stage in NO_ORDER_STAGES)}
_ActionSide: TypeAlias = tuple[Action, Side] | None
_ACTION_SIDES = {(action.value, side.value): (action, side) for action in Action for side in Side}


class OwnOrders:
    """Our orders as the journal records them. Takes the oldest record first."""

    def __init__(self, records: Iterable[JournalRecord] = ()) -> None:
        self._unmapped: dict[str, _ActionSide] = {}  # by client_order_id
        groups: tuple[_ActionSide, ...] = (*_ACTION_SIDES.values(), None)  # None: ours, action and side lost
        self._mapped = {action_side: dict[bytes | str, bytes | str]() for action_side in groups}
        self.add(records)

    def add(self, records: Iterable[JournalRecord]) -> None:
        """Add later records of the same journal."""
        for record in records:
            if not record.event.startswith("order."):
                continue
            name, order_id = record.text("client_order_id"), record.text("order_id")
            action_side = parse_action_side(record.text("action"), record.text("side"))
            if action_side is not None:
                self._unmapped[name] = action_side
            elif record.event == SENDING_EVENT:
                self._unmapped.setdefault(name, None)
            if order_id:
                self._map(order_id, name)
            elif record.event in _NO_ORDER_EVENTS:
                self._unmapped.pop(name, None)

    @property
    def has_unmapped_orders(self) -> bool:
        """True if an order may exist whose order_id the journal lacks."""
        return bool(self._unmapped)

    def _map(self, order_id: str, client_order_id: str) -> None:
        action_side, key = self._unmapped.pop(client_order_id, None), packed(order_id)
        if action_side is not None or not any(key in ids for ids in self._mapped.values()):
            self._mapped[action_side][key] = packed(client_order_id)

    def remember(self, order: Order) -> None:
        """Record both ids of an order from the exchange's list, if it is ours."""
        if order.client_order_id in self._unmapped:
            self._map(order.order_id, order.client_order_id)

    def lookup(self, order_id: str, effect: BookSide) -> tuple[str | None, Action | None, Side]:
        """Return client_order_id, action and side.

        No client_order_id: an external order. No action: only the effect is known, because the recorded
        action and side are lost or contradict the exchange.
        """
        key = packed(order_id)
        for action_side, ids in self._mapped.items():
            if key in ids:
                return unpacked(ids[key]), *action_side_for(action_side, effect)
        return None, None, effect.long_outcome


Row = TypeVar("Row", Order, Fill)


class OwnOrdersReader:
    """OwnOrders kept current by reading only new journal lines. Thread-safe.

    `has_unmapped_orders` and `with_placed_action` raise JournalError.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._guard = threading.Lock()
        self._reset()

    def _reset(self) -> None:
        self._cursor, self._own = LogCursor(self._path), OwnOrders()

    def has_unmapped_orders(self) -> bool:
        """Return True if an order may exist whose order_id the journal lacks."""
        with self._guard:
            self._update()
            return self._own.has_unmapped_orders

    def remember(self, orders: Iterable[Order]) -> None:
        """Record both ids of our orders from the exchange's list."""
        with self._guard:
            for order in orders:
                self._own.remember(order)

    def with_placed_action(self, rows: Iterable[Row]) -> tuple[Row, ...]:
        """Return orders or fills with the action and side as placed, where known."""
        with self._guard:
            self._update()
            return tuple(map(self._with_placed_action, rows))

    def _with_placed_action(self, row: Row) -> Row:
        if isinstance(row, Order):
            self._own.remember(row)
        _, action, side = self._own.lookup(row.order_id, row.book_side)
        return row if action is None else replace(row, placed_as=(action, side))

    def _update(self) -> None:
        with as_journal_errors(self._path):
            try:
                self._fold_unread()
            except LogReplacedError:
                self._reset()
                self._fold_unread()

    def _fold_unread(self) -> None:
        for unread in self._cursor.unread():
            entries = entries_of(unread.file, unread.number, unread.batch)
            self._own.add(entry for entry in entries if isinstance(entry, JournalRecord))


def parse_action_side(action: str, side: str) -> tuple[Action, Side] | None:
    """Return action and side as recorded. None: one is not on record."""
    return _ACTION_SIDES.get((action, side))


def action_side_for(recorded: tuple[Action, Side] | None, effect: BookSide) -> tuple[Action | None, Side]:
    """Return our action and side if they match the exchange's book side.

    Otherwise no action, and the outcome the book side goes long.
    """
    if recorded is not None and BookSide.of(*recorded) is effect:
        return recorded
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
