"""Our journaled orders that the exchange's data may not show yet. Pure.

Reads lag writes. An order just sent may be missing from open orders, position and cash. An order of
unknown outcome may appear at any time. Never calls the exchange.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from kalshi_trading.core.models import BookSide, Fill, Order
from kalshi_trading.core.money import ZERO, Contracts, decimal_from_text
from kalshi_trading.journal.events import ACKNOWLEDGED_EVENT
from kalshi_trading.journal.order_log import LoggedOrder
from kalshi_trading.journal.order_state import NO_ORDER_STAGES, is_step
from kalshi_trading.journal.records import JournalRecord
from kalshi_trading.kalshi_client import READ_LAG
from kalshi_trading.orders.pretrade.context import InFlightOrder


@dataclass(frozen=True, slots=True)
class InFlightOrders:
    """Orders that exist or may exist, by the time of their last step.

    `unconfirmed` are the ones that only may exist.
    """

    by_step: tuple[InFlightOrder, ...] = ()
    unconfirmed: tuple[InFlightOrder, ...] = ()

    def after(self, at: datetime) -> tuple[InFlightOrder, ...]:
        """Return the orders with a step after `at`, and all unconfirmed ones."""
        begin = bisect_right(self.by_step, at, key=lambda order: order.at)
        later = self.by_step[begin:]
        return (*(order for order in self.unconfirmed if order.at <= at), *later)

    def newest_in(self, ticker: str) -> datetime | None:
        """Return the time of the last step in a market.

        None: no order there.
        """
        return next((order.at for order in reversed(self.by_step) if order.ticker == ticker), None)


NONE_IN_FLIGHT = InFlightOrders()


def possibly_missing(
    in_flight: InFlightOrders, as_of: datetime | None, now: datetime
) -> tuple[InFlightOrder, ...]:
    """Return the orders that data of time `as_of` may lack.

    None: the age is not known; we assume a lag of READ_LAG.
    """
    return in_flight.after(now - READ_LAG if as_of is None else as_of)


def drop_filled(in_flight: Iterable[InFlightOrder], fills: Iterable[Fill]) -> tuple[InFlightOrder, ...]:
    """Drop orders with a listed fill: the exchange's data shows them."""
    filled = {fill.order_id for fill in fills}
    return tuple(order for order in in_flight if order.order_id not in filled)


def drop_listed(in_flight: Iterable[InFlightOrder], resting: Iterable[Order]) -> tuple[InFlightOrder, ...]:
    """Drop orders listed as resting, so that none is counted twice."""
    listed = {order.client_order_id for order in resting}
    return tuple(order for order in in_flight if order.client_order_id not in listed)


def in_flight_order(own: LoggedOrder) -> InFlightOrder | None:
    """Return an order that exists or may exist, from its journal records.

    None: it ended without existing, has nothing left to count, or lacks a recorded price or count.
    """
    if own.state.stage in NO_ORDER_STAGES:
        return None
    action, side, price, count = own.action, own.side, own.price, _working_count(own.records)
    if action is None or side is None or price is None or count is None or count <= ZERO:
        return None
    return InFlightOrder(
        client_order_id=own.state.client_order_id,
        order_id=own.order_id,
        ticker=own.state.ticker,
        book_side=BookSide.of(action, side),
        yes_price=side.price_in_side(price),
        remaining_count=count,
        at=max(record.at for record in own.records if is_step(record)),
        cost=own.cost,
    )


def _working_count(records: Iterable[JournalRecord]) -> Contracts | None:
    """Return the contracts of an order that may have filled or may rest.

    Starts with the whole count and subtracts what the exchange canceled. None: no count is on record.
    """
    count: Contracts | None = None
    for record in records:
        filled, remaining, canceled, whole = (
            decimal_from_text(record.text(name))
            for name in ("fill_count", "remaining_count", "reduced_by", "count")
        )
        if record.event == ACKNOWLEDGED_EVENT and filled is not None and remaining is not None:
            count = filled + remaining
        elif count is None:
            count = whole
        elif canceled is not None:
            count -= canceled
    return count
