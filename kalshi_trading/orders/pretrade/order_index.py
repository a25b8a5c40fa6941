"""Our orders, indexed by day, by intent time and by last step.

Updated one order at a time, so a preview does not read all orders of the day again. Pure.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import takewhile
from operator import itemgetter

from kalshi_trading.core.dates import local_date
from kalshi_trading.core.models import TimeInForce
from kalshi_trading.journal.order_log import LoggedOrder, is_own
from kalshi_trading.journal.order_state import NO_ORDER_STAGES, OrderState
from kalshi_trading.orders.pretrade.context import DayTotals, InFlightOrder, RecentOrder
from kalshi_trading.orders.pretrade.in_flight import InFlightOrders, in_flight_order

_RECENT = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class _Entry:
    """An order as it was added, so that it can be removed again."""

    order: LoggedOrder
    day: date
    in_flight: InFlightOrder | None


class OrderIndex:
    """The orders of an account; other accounts count only in the day's totals.

    An order that ended without existing at the exchange is left out. Account None: every key is ours.
    """

    def __init__(self, environment: str, account: str | None) -> None:
        self._environment = environment
        self._account = account
        self._entries: dict[str, _Entry] = {}
        self._numbers: dict[str, int] = {}
        self._by_intent: list[tuple[datetime, int, str]] = []
        self._by_step: list[tuple[datetime, int, InFlightOrder]] = []
        self._days: dict[date, DayTotals] = {}
        self._pending: dict[str, OrderState] = {}
        self._in_flight: InFlightOrders | None = None  # None: an order changed

    def put(self, name: str, order: LoggedOrder | None) -> None:
        """Set what is known of an order.

        None: it no longer counts.
        """
        self._remove(name)
        if order is None:
            return
        number = self._numbers.setdefault(name, len(self._numbers))
        if order.state.stage in NO_ORDER_STAGES:
            return
        ours = is_own(order.state, self._environment, self._account)
        at = order.state.intent_at
        entry = _Entry(order, local_date(at), in_flight_order(order) if ours else None)
        self._entries[name] = entry
        insort(self._by_intent, (at, number, name))
        totals = self._days.get(entry.day, DayTotals())
        self._days[entry.day] = DayTotals(totals.bought + order.cost, totals.orders + 1)
        if ours and order.state.is_pending:
            self._pending[name] = order.state
        if entry.in_flight is not None:
            insort(self._by_step, (entry.in_flight.at, number, entry.in_flight))
            self._in_flight = None

    def _remove(self, name: str) -> None:
        entry = self._entries.pop(name, None)
        if entry is None:
            return
        number = self._numbers[name]
        del self._by_intent[bisect_left(self._by_intent, (entry.order.state.intent_at, number))]
        totals = self._days[entry.day]
        self._days[entry.day] = DayTotals(totals.bought - entry.order.cost, totals.orders - 1)
        self._pending.pop(name, None)
        if entry.in_flight is not None:
            del self._by_step[bisect_left(self._by_step, (entry.in_flight.at, number))]
            self._in_flight = None

    # --- Questions --------------------------------------------------------------------------------

    @property
    def known_count(self) -> int:
        """The number of orders ever added."""
        return len(self._numbers)

    @property
    def pending_orders(self) -> tuple[OrderState, ...]:
        """Our orders of unknown outcome, however old."""
        return tuple(self._pending.values())

    def in_flight(self) -> InFlightOrders:
        """Return our orders that exist or may exist."""
        if self._in_flight is None:
            unconfirmed = (self._entries[name].in_flight for name in self._pending)
            self._in_flight = InFlightOrders(
                tuple(map(itemgetter(2), self._by_step)),
                tuple(order for order in unconfirmed if order is not None),
            )
        return self._in_flight

    def in_flight_beyond(self, known_count: int) -> list[InFlightOrder]:
        """Return our sent orders added after the first `known_count`."""
        names = takewhile(lambda name: self._numbers[name] >= known_count, reversed(self._numbers))
        later = (self._entries[name].in_flight for name in names if name in self._entries)
        return [order for order in later if order is not None]

    def today(self, now: datetime) -> DayTotals:
        """Count the orders of the local day of `now`, without the day's P&L."""
        return self._days.get(local_date(now), DayTotals())

    def recent(self, now: datetime) -> tuple[RecentOrder, ...]:
        """Return the orders of the last minute, oldest first."""
        found = reversed(list(self._newest(now - _RECENT)))
        return tuple(order for order in map(_recent_order, found) if order is not None)

    def _newest(self, since: datetime) -> Iterator[LoggedOrder]:
        for at, _, name in reversed(self._by_intent):
            if at < since:
                return
            yield self._entries[name].order


def _recent_order(order: LoggedOrder) -> RecentOrder | None:
    action, side, count, price = order.action, order.side, order.count, order.price
    if action is None or side is None or count is None or price is None:
        return None
    at_once = order.time_in_force is TimeInForce.IMMEDIATE_OR_CANCEL
    return RecentOrder(order.state.ticker, action, side, count, price, order.state.intent_at, at_once)
