"""Orders of ours that the exchange's data may not show yet, told from the journal.

Reads lag writes: what was just sent may be missing among open orders, position and cash, and what has an
unknown outcome may turn up at any time. Knows how to tell such orders apart; asks nobody. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from kalshi_trading.journal import JournalRecord
from kalshi_trading.journal_orders import JournaledOrder
from kalshi_trading.models import Fill, Order
from kalshi_trading.money import ZERO, Contracts, decimal_from_text
from kalshi_trading.order_life import WITHOUT_ORDER, State, is_step
from kalshi_trading.proposal import SentOrder
from kalshi_trading.wire import book_side

LONGEST_LAG = timedelta(minutes=1)
_ACKNOWLEDGED = f"order.{State.ACKNOWLEDGED}"


def sent_orders(orders: Iterable[JournaledOrder]) -> tuple[SentOrder, ...]:
    """Give the orders that exist or may exist, as the journal last spoke of them.

    One of which no price and count are on record is left out: it cannot be counted, only named.
    """
    found = (_sent_order(own) for own in orders if own.life.state not in WITHOUT_ORDER)
    return tuple(order for order in found if order is not None)


def doubtful(sent: Iterable[SentOrder], as_of: datetime | None, now: datetime) -> tuple[SentOrder, ...]:
    """Give the orders that data of `as_of` may lack; None: taken to lag by a minute at most."""
    shown_until = now - LONGEST_LAG if as_of is None else as_of
    return tuple(order for order in sent if order.is_open or order.at > shown_until)


def not_filled(sent: Iterable[SentOrder], fills: Iterable[Fill]) -> tuple[SentOrder, ...]:
    """Leave out the orders of which fills are listed: then the exchange's data shows them."""
    filled = {fill.order_id for fill in fills}
    return tuple(order for order in sent if order.order_id not in filled)


def not_listed(sent: Iterable[SentOrder], resting: Iterable[Order]) -> tuple[SentOrder, ...]:
    """Leave out the orders that are listed as resting, so that none is counted twice."""
    listed = {order.client_order_id for order in resting}
    return tuple(order for order in sent if order.client_order_id not in listed)


def _sent_order(own: JournaledOrder) -> SentOrder | None:
    action, side, price, count = own.action, own.side, own.price, _working_count(own.records)
    if action is None or side is None or price is None or count is None or count <= ZERO:
        return None
    return SentOrder(
        client_order_id=own.life.client_order_id,
        order_id=own.order_id,
        ticker=own.life.ticker,
        book_side=book_side(action, side),
        yes_price=side.converted(price),
        remaining_count=count,
        at=max(record.at for record in own.records if is_step(record)),
        is_open=own.life.is_open,
        cost=own.cost,
    )


def _working_count(told: Iterable[JournalRecord]) -> Contracts | None:
    """Give what of an order may have filled or may rest: all of it, less what the exchange took back."""
    count: Contracts | None = None
    for record in told:
        filled, remaining, canceled, whole = (
            decimal_from_text(record.text(name))
            for name in ("fill_count", "remaining_count", "reduced_by", "count")
        )
        if record.event == _ACKNOWLEDGED and filled is not None and remaining is not None:
            count = filled + remaining
        elif count is None:
            count = whole
        elif canceled is not None:
            count -= canceled
    return count
