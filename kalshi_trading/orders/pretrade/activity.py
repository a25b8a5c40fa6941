"""Our recent orders, orders of unknown outcome, and panics in the journal.

Orders of every session of the account count, including sessions on other machines. An order of unknown
outcome counts however old it is. Decides nothing and never calls the exchange.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from kalshi_trading.core.dates import utc_now
from kalshi_trading.journal.order_state import OrderState
from kalshi_trading.journal.panic_state import is_panic_active
from kalshi_trading.orders.pretrade.context import DayTotals, InFlightOrder, RecentOrder
from kalshi_trading.orders.pretrade.in_flight import NONE_IN_FLIGHT, InFlightOrders
from kalshi_trading.orders.pretrade.order_index import OrderIndex
from kalshi_trading.trade_logger import TradeLogger


@dataclass(frozen=True, slots=True)
class OrderActivity:
    """Our recent orders, today's totals without P&L, and orders in flight.

    `recent` covers the last minute. `pending_orders` are of unknown outcome. `known_count` is the number of
    journal orders taken into account here.
    """

    recent: tuple[RecentOrder, ...]
    today: DayTotals
    in_flight: InFlightOrders = NONE_IN_FLIGHT
    pending_orders: tuple[OrderState, ...] = ()
    known_count: int = 0


class ActivityReader:
    """Reads what was added to the journal since the last read. Thread-safe.

    Every method raises JournalError.
    """

    def __init__(
        self,
        journal: TradeLogger,
        *,
        account: str | None = None,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._journal = journal
        self._account = account
        self._clock = clock
        self._reading = threading.Lock()
        self._index = OrderIndex(journal.environment, account)
        self._read_until = 0
        self._is_panic_active = False

    def read(self) -> OrderActivity:
        """Return recent orders, today's totals and the orders of unknown outcome."""
        with self._reading:
            self._read_on()
            now = self._clock()
            return OrderActivity(
                self._index.recent(now),
                self._index.today(now),
                self._index.in_flight(),
                self._index.pending_orders,
                self._index.known_count,
            )

    def since(self, known_count: int) -> tuple[list[InFlightOrder], DayTotals]:
        """Return the orders after the first `known_count`, and today's totals.

        `known_count` comes from an earlier `read`.
        """
        with self._reading:
            self._read_on()
            return self._index.in_flight_beyond(known_count), self._index.today(self._clock())

    def pending_orders(self) -> tuple[OrderState, ...]:
        """Return our orders of unknown outcome."""
        with self._reading:
            self._read_on()
            return self._index.pending_orders

    def is_panic_active(self) -> bool:
        """Check whether a panic of any session blocks new orders."""
        with self._reading:
            self._read_on()
            return self._is_panic_active

    def _read_on(self) -> None:
        changes = self._journal.changes(self._read_until)
        for name, order in changes.orders:
            self._index.put(name, order)
        self._read_until = changes.until
        self._is_panic_active = is_panic_active(changes.panics, self._account)
