"""The timeline of one order, from confirmation to fill or settlement.

Merges journal records and exchange data into one list of events. Renders nothing.
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
from kalshi_trading.core.results import Fetched, fetch, fetch_or_none
from kalshi_trading.core.valuation import floor_cancel
from kalshi_trading.history.comparison import Mismatch, differences_of
from kalshi_trading.history.rows import HistoryRow
from kalshi_trading.journal.events import sentence_of
from kalshi_trading.kalshi_client import KalshiClient

JOURNAL, EXCHANGE = "journal", "exchange"


@dataclass(frozen=True, slots=True)
class TimelineEvent:
    """One event of an order.

    `at` None: the exchange reports no time.
    """

    at: datetime | None
    source: str
    sentence: str


@dataclass(frozen=True, slots=True)
class OrderTimeline:
    """One order with its events, mismatches and settlement.

    `mismatches` are the differences between journal and exchange.
    """

    row: HistoryRow
    events: tuple[TimelineEvent, ...]
    mismatches: tuple[Mismatch, ...]
    settlement: Fetched[Settlement | None]


def read_timeline(client: KalshiClient | None, row: HistoryRow) -> OrderTimeline:
    """Return the timeline of one row and read whether its market settled.

    `client` None: the exchange is not connected. Then only the journal's events appear and nothing is
    compared.
    """
    if client is None:
        unasked: Fetched[Settlement | None] = Fetched(None, "Not connected to this environment's exchange.")
        return OrderTimeline(row, events_of(row, None), (), unasked)

    def read_settlement() -> Settlement | None:
        if not row.fill_count:
            return None
        rows = client.get_settlements(ticker=row.ticker).require_complete()
        return next((each for each in rows if each.ticker == row.ticker), None)

    settlement = fetch(read_settlement)
    mismatches = () if row.order is None and row.is_external else differences_of(row)
    reason = fetch_or_none(lambda: _cancel_reason(client, row))
    return OrderTimeline(row, events_of(row, settlement.value, reason), mismatches, settlement)


def _cancel_reason(client: KalshiClient, row: HistoryRow) -> str | None:
    """Return why the exchange canceled our open order.

    None: it did not, or the reason is not known.
    """
    own, order = row.logged, row.order
    if order is None or own is None or own.is_canceled or own.reported is None:
        return None
    if order.status is not OrderStatus.CANCELED or not own.reported.remaining_count:
        return None  # it never rested
    return floor_cancel(order, client.get_market(row.ticker))


def events_of(
    row: HistoryRow, settlement: Settlement | None, cancel_reason: str | None = None
) -> tuple[TimelineEvent, ...]:
    """Return all events in time order; those without a time come last.

    `cancel_reason` says why the exchange canceled the order. None: not known.
    """
    events = [TimelineEvent(record.at, JOURNAL, sentence_of(record)) for record in row.records]
    if row.order is not None:
        events += _exchange_events(row.order, row, cancel_reason or "canceled")
    if settlement is not None:
        held = row.side or Side.YES
        paid = dollars_text(held.price_in_side(yes_value(settlement)))
        sentence = f"market settled {settlement.result.upper()}: each {held.upper()} contract paid {paid}"
        events.append(TimelineEvent(settlement.settled_at, EXCHANGE, sentence))
    return tuple(sorted(events, key=lambda event: event.at or FAR_FUTURE))


# --- The exchange's events ------------------------------------------------------------------------


def _exchange_events(order: Order, row: HistoryRow, canceled: str) -> Iterator[TimelineEvent]:
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
        yield TimelineEvent(order.updated_at, EXCHANGE, f"{canceled}; {count_text(left)} not filled")
    elif order.remaining_count > ZERO:
        expiry = "" if order.expires_at is None else f" until {order.expires_at.astimezone():%b %d %H:%M:%S}"
        yield TimelineEvent(None, EXCHANGE, f"{count_text(order.remaining_count)} still open{expiry}")
