"""Order states by name and an order index, from journal records."""

from __future__ import annotations

from collections.abc import Iterable

from model_factory import MARKET

from kalshi_trading.journal.order_log import logged_orders
from kalshi_trading.journal.order_state import OrderState, by_client_order_id, state_of
from kalshi_trading.journal.records import JournalRecord
from kalshi_trading.orders.pretrade.order_index import OrderIndex

INTENT_FIELDS = {"ticker": MARKET.ticker, "action": "buy", "side": "yes", "count": "10"}
INTENT_FIELDS |= {"price": "0.57", "cost": "5.70"}
"""Fields of an intent."""


def order_states(records: Iterable[JournalRecord]) -> dict[str, OrderState]:
    states = ((name, state_of(logged)) for name, logged in by_client_order_id(records).items())
    return {name: state for name, state in states if state is not None}


def order_index(records: Iterable[JournalRecord], account: str | None = None) -> OrderIndex:
    index = OrderIndex("practice", account)
    for name, order in logged_orders(records, "practice", account).all_orders.items():
        index.put(name, order)
    return index
