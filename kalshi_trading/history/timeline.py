"""The whole life of one order, from the confirmation to the last fill or the settlement of its market.

Puts what the journal recorded and what the exchange has into one line of events. Renders nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from kalshi_trading.core.dates import FAR_FUTURE
from kalshi_trading.core.models import Order, OrderStatus, Settlement, Side
from kalshi_trading.core.money import (
    ZERO,
    count_text,
    dollars_text,
    price_text,
)
from kalshi_trading.core.pnl import yes_value
from kalshi_trading.core.results import Fetched, fetch
from kalshi_trading.history.comparison import Mismatch, differences_of
from kalshi_trading.history.rows import HistoryRow
from kalshi_trading.journal.events import sentence_of
from kalshi_trading.kalshi_client import KalshiClient

JOURNAL, EXCHANGE = "journal", "exchange"


@dataclass(frozen=True, slots=True)
class TimelineEvent:
    """One thing that happened; `at` None: the exchange does not say when."""

    at: datetime | None
    source: str
    sentence: str


@dataclass(frozen=True, slots=True)
class OrderTimeline:
    """One order in depth; `mismatches` says where journal and exchange differ."""

    row: HistoryRow
    events: tuple[TimelineEvent, ...]
    mismatches: tuple[Mismatch, ...]
    settlement: Fetched[Settlement | None]


def read_timeline(client: KalshiClient | None, row: HistoryRow) -> OrderTimeline:
    """Tell one row of the history; whether its market has settled is asked now.

    Without a client, as its exchange is not connected, the journal alone speaks and nothing is compared.
    """
    if client is None:
        unasked: Fetched[Settlement | None] = Fetched(None, "Not connected to this environment's exchange.")
        return OrderTimeline(row, events_of(row, None), (), unasked)

    def settled() -> Settlement | None:
        if not row.fill_count:
            return None
        rows = client.get_settlements(ticker=row.ticker).whole()
        return next((each for each in rows if each.ticker == row.ticker), None)

    settlement = fetch(settled)
    mismatches = () if row.order is None and row.is_external else differences_of(row)
    return OrderTimeline(row, events_of(row, settlement.value), mismatches, settlement)


def events_of(row: HistoryRow, settlement: Settlement | None) -> tuple[TimelineEvent, ...]:
    """Put everything in the order it happened; what has no time comes last."""
    events = [TimelineEvent(record.at, JOURNAL, sentence_of(record)) for record in row.records]
    if row.order is not None:
        events += _exchange_events(row.order, row)
    if settlement is not None:
        held = row.side or Side.YES
        paid = dollars_text(held.price_in_side(yes_value(settlement)))
        sentence = f"market settled {settlement.result.upper()}: each {held.upper()} contract paid {paid}"
        events.append(TimelineEvent(settlement.settled_at, EXCHANGE, sentence))
    return tuple(sorted(events, key=lambda event: event.at or FAR_FUTURE))


# --- The exchange's events ------------------------------------------------------------------------


def _exchange_events(order: Order, row: HistoryRow) -> Iterator[TimelineEvent]:
    yield TimelineEvent(order.created_at, EXCHANGE, f"placed as {order.order_id}")
    side = row.side or Side.YES
    for fill in row.fills:
        price = price_text(side.price_in_side(fill.yes_price))
        role = "taker" if fill.is_taker else "maker"
        sentence = f"filled {count_text(fill.count)} at {price} as {role}, fee {dollars_text(fill.fee)}"
        yield TimelineEvent(fill.created_at, EXCHANGE, sentence)
    if row.fills_missing:
        sentence = f"{count_text(row.fills_missing)} more contracts filled; their fills are not listed"
        yield TimelineEvent(None, EXCHANGE, sentence)
    if order.status is OrderStatus.CANCELED:
        left = order.initial_count - order.fill_count
        yield TimelineEvent(order.updated_at, EXCHANGE, f"canceled; {count_text(left)} not filled")
    elif order.remaining_count > ZERO:
        expiry = "" if order.expires_at is None else f" until {order.expires_at.astimezone():%b %d %H:%M:%S}"
        yield TimelineEvent(None, EXCHANGE, f"{count_text(order.remaining_count)} still open{expiry}")
