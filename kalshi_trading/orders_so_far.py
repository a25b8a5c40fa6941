"""What the journal tells at this moment: our orders of late, those of unknown outcome, and a panic.

The orders of every session of the account count, also of those that run elsewhere; one of unknown outcome
counts however old it is. Reads the journal whole once, later from where something may still change. Decides
nothing and asks no exchange.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from kalshi_trading.cancellation import panic_stands
from kalshi_trading.journal_orders import JournaledOrder, JournaledOrders, journaled_orders
from kalshi_trading.models import TimeInForce
from kalshi_trading.money import ZERO
from kalshi_trading.order_life import WITHOUT_ORDER, OrderLife
from kalshi_trading.proposal import DayTotals, RecentOrder, SentOrder
from kalshi_trading.sent_orders import sent_orders
from kalshi_trading.trade_logger import TradeLogger

_RECENT = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class OrdersSoFar:
    """Our orders of the last minute, the day's counters without profit, and what may still be under way.

    `sent` exist or may exist; `open_lives` are of unknown outcome.
    """

    recent: tuple[RecentOrder, ...]
    today: DayTotals
    sent: tuple[SentOrder, ...] = ()
    open_lives: tuple[OrderLife, ...] = ()
    panic_stands: bool = False


class OrdersReader:
    """Reads the journal anew each time, back to yesterday or to the oldest order of unknown outcome."""

    def __init__(
        self,
        journal: TradeLogger,
        *,
        account: str | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._journal = journal
        self._account = account
        self._clock = clock
        self._reading = threading.Lock()
        self._since: date | None = None
        self._panic_stands = False

    def read(self) -> OrdersSoFar:
        """Tell how things stand. Raises JournalError."""
        with self._reading:
            now = self._clock()
            since = None if self._since is None else min(self._since, _day_before(now))
            records = self._journal.read_journal(since).records
            told = journaled_orders(records, self._journal.environment, self._account)
            self._panic_stands = panic_stands(records, self._account, before=self._panic_stands)
            self._since = _unsettled_since(told, now)
            own = told.orders.values()
            return OrdersSoFar(
                *orders_of_day(told.known.values(), now),
                sent_orders(own),
                tuple(order.life for order in own if order.life.is_open),
                self._panic_stands,
            )


def _unsettled_since(told: JournaledOrders, now: datetime) -> date:
    """Give the local day from which the journal has to be read again."""
    begins = (order.life.intent_at for order in told.orders.values() if order.life.is_open)
    return min(map(_day_before, (now, *begins)))


def _day_before(at: datetime) -> date:
    """A day more: an order of a moment ago is no less ours after midnight, and clocks may be set."""
    return at.astimezone().date() - timedelta(days=1)


def orders_of_day(
    orders: Iterable[JournaledOrder], now: datetime
) -> tuple[tuple[RecentOrder, ...], DayTotals]:
    """Give the orders of the last minute, and the counters of the local day of `now`.

    What ended without an order at the exchange counts for nothing.
    """
    placed = [order for order in orders if order.life.state not in WITHOUT_ORDER]
    day = now.astimezone().date()
    today = [order for order in placed if order.life.intent_at.astimezone().date() == day]
    recent = (_recent_order(order) for order in placed if order.life.intent_at >= now - _RECENT)
    return (
        tuple(order for order in recent if order is not None),
        DayTotals(sum((order.cost for order in today), ZERO), len(today)),
    )


def _recent_order(order: JournaledOrder) -> RecentOrder | None:
    action, side, count, price = order.action, order.side, order.count, order.price
    if action is None or side is None or count is None or price is None:
        return None
    at_once = order.text("time_in_force") == TimeInForce.IMMEDIATE_OR_CANCEL
    return RecentOrder(order.life.ticker, action, side, count, price, order.life.intent_at, at_once)
