"""Orders as the exchange has them, joined with the journal: what we asked for and what became of it.

The exchange is the truth for counts, prices and fees; the journal adds the words the user chose. An
order the journal does not know was placed elsewhere and is marked external. Never renders, never trades.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from kalshi_trading.kalshi_client import KalshiClient
from kalshi_trading.models import Action, BookSide, Fill, Order, Side
from kalshi_trading.money import (
    Contracts,
    Dollars,
    Price,
)
from kalshi_trading.pnl import average_price
from kalshi_trading.trade_logger import JournalRecord, TradeLogger
from kalshi_trading.wire import book_side


@dataclass(frozen=True, slots=True)
class OrderRecord:
    """One order; prices in the terms of `side`. `action` None: placed elsewhere, so only its effect is known.

    `average_price` is rounded to a hundredth of a cent; None while nothing is filled or fills are missing.
    """

    order: Order
    action: Action | None
    side: Side
    price: Price
    average_price: Price | None
    fees: Dollars

    @property
    def is_external(self) -> bool:
        return self.action is None

    @property
    def canceled_count(self) -> Contracts:
        return self.order.initial_count - self.order.fill_count - self.order.remaining_count


@dataclass(frozen=True, slots=True)
class TradeHistory:
    """Orders newest first; `incomplete` says why some may be missing."""

    orders: tuple[OrderRecord, ...]
    incomplete: str | None


def load_history(client: KalshiClient, journal: TradeLogger, *, most: int = 50) -> TradeHistory:
    """Read the newest orders and their fills side by side. Raises KalshiAPIError, JournalError."""
    intents = own_intents(journal)
    with ThreadPoolExecutor(max_workers=2) as pool:
        orders = pool.submit(client.get_orders, limit=most)
        fills = pool.submit(client.get_fills, limit=10 * most)
    rows = [
        describe(order, intents.get(order.client_order_id), fills.result().items) for order in orders.result()
    ]
    rows.sort(key=lambda row: (row.order.created_at is not None, row.order.created_at), reverse=True)
    return TradeHistory(tuple(rows), orders.result().incomplete)


def own_intents(journal: TradeLogger) -> dict[str, JournalRecord]:
    """Give the intents of the journal by client_order_id. Raises JournalError."""
    records = journal.read_journal().records
    return {record.text("client_order_id"): record for record in records if record.event == "order.intent"}


def describe(order: Order, intent: JournalRecord | None, fills: tuple[Fill, ...] = ()) -> OrderRecord:
    """Put one order into the user's words; without an intent, into those of its effect."""
    action, side = _words(order, intent)
    own = (fill for fill in fills if fill.order_id == order.order_id)
    average = average_price(own, order.fill_count, side)
    return OrderRecord(order, action, side, side.converted(order.yes_price), average, order.fees)


def _words(order: Order, intent: JournalRecord | None) -> tuple[Action | None, Side]:
    """The user's words, when the journal has them and they mean what the exchange has."""
    if intent is not None:
        try:
            action, side = Action(intent.text("action")), Side(intent.text("side"))
        except ValueError:
            pass
        else:
            if book_side(action, side) is order.book_side:
                return action, side
    return None, Side.YES if order.book_side is BookSide.BID else Side.NO
