"""Delayed copy of one account's records, as the exchange's reads may lag.

Holds orders, fills, positions and the balance as of one instant, `as_of`, which only moves forward. Never
changes anything at the exchange.
Source: Kalshi API, user_data_timestamp.
"""

from __future__ import annotations

import copy
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from kalshi_trading.practice.accounting import ledger
from kalshi_trading.practice.engine.changes import Kind
from kalshi_trading.practice.engine.exchange import Exchange
from kalshi_trading.practice.records import Fill, Order, Position

Change = tuple[int, Kind, str, Any]  # commit time, kind, key and the record at that time

_FOLLOWED = (Kind.ORDER, Kind.FILL, Kind.POSITION)


class LaggingReads:
    """Private reads with a delay.

    `shown_until` maps the current time to the latest instant that reads may show.
    """

    def __init__(
        self, exchange: Exchange, account_id: str, now: int, shown_until: Callable[[int], int]
    ) -> None:
        self.as_of = now
        self._exchange = exchange
        self._account_id = account_id
        self._shown_until = shown_until
        self._changed: dict[tuple[Kind, str], Any] = {}
        self._queued: deque[Change] = deque()
        self._balance = exchange.balance(account_id)
        self._fills = {fill.key: fill for fill in reversed(exchange.fills_of(account_id))}
        self._positions = {row.ticker: copy.deepcopy(row) for row in exchange.positions_of(account_id)}
        self._orders = {row.order_id: copy.copy(row) for row in reversed(exchange.orders_of(account_id))}

    # Updates.

    def record_change(self, kind: str, key: str, record: object) -> None:
        """Note a change; it counts from the next `commit`."""
        is_own = getattr(record, "account_id", None) == self._account_id
        if kind in _FOLLOWED and is_own:
            self._changed[Kind(kind), key] = record
        elif kind == Kind.FLOOR or (kind == Kind.BALANCE and key == ledger.cash(self._account_id)):
            self._changed[Kind.BALANCE, self._account_id] = None  # read at the commit

    def commit(self, now: int) -> None:
        """Queue the noted changes with the time `now`."""
        if self._changed:  # an order or a floor may hold or free collateral without moving cash
            self._changed[Kind.BALANCE, self._account_id] = self._exchange.balance(self._account_id)
        for (kind, key), record in self._changed.items():
            self._queued.append((now, kind, key, copy.deepcopy(record)))
        self._changed.clear()
        self.advance(now)

    def advance(self, now: int) -> None:
        """Apply the queued changes that may be shown by `now`."""
        self.as_of = max(self.as_of, min(now, self._shown_until(now)))
        while self._queued and self._queued[0][0] <= self.as_of:
            self._apply(*self._queued.popleft()[1:])

    def _apply(self, kind: Kind, key: str, record: Any) -> None:
        if kind is Kind.ORDER:
            self._orders[key] = record
        elif kind is Kind.FILL:
            self._fills[key] = record
        elif kind is Kind.POSITION:
            self._positions[record.ticker] = record
        else:
            self._balance = record

    # Reads with the interface of `Exchange`; only the followed account has records.

    def order(self, order_id: str) -> Order | None:
        """Return an order. None: it is unknown or not visible yet."""
        return self._orders.get(order_id)

    def orders_of(self, account_id: str) -> list[Order]:
        """Return the orders, newest first."""
        return [row for row in reversed(self._orders.values()) if row.account_id == account_id]

    def fills_of(self, account_id: str) -> list[Fill]:
        """Return the fills, newest first."""
        return [row for row in reversed(self._fills.values()) if row.account_id == account_id]

    def orders_oldest_first(self, account_id: str) -> Sequence[Order]:
        """Return the orders, oldest first."""
        return sorted(self.orders_of(account_id), key=lambda row: row.sequence)

    def fills_oldest_first(self, account_id: str) -> Sequence[Fill]:
        """Return the fills, oldest first."""
        return sorted(self.fills_of(account_id), key=lambda row: row.sequence)

    def position_tickers(self, account_id: str) -> Sequence[str]:
        """Return the tickers of all markets ever traded, sorted."""
        return sorted(row.ticker for row in self.positions_of(account_id))

    def position(self, account_id: str, ticker: str) -> Position | None:
        """Return the position in a market, or None."""
        row = self._positions.get(ticker)
        return row if row is not None and row.account_id == account_id else None

    def positions_of(self, account_id: str) -> list[Position]:
        """Return the positions, most recently changed first."""
        held = [row for row in self._positions.values() if row.account_id == account_id]
        return sorted(held, key=lambda row: row.updated_at, reverse=True)

    def balance(self, _account_id: str) -> int:
        """Return the cash minus the collateral of resting orders."""
        return self._balance
