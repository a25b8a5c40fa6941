"""The exchange's lists: where each one is, what its rows are called, and how one row is read.

A table; asks nothing. Source: Kalshi API, endpoints and pagination.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from kalshi_trading import wire, wire_markets
from kalshi_trading.wire_fields import Fields, Unchanged

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Pages(Generic[T]):
    """One list, read in pages of at most `page_size` rows; `signed` asks as the account."""

    path: str
    rows: str
    decode: Callable[[Fields], T]
    page_size: int = 1000
    signed: bool = True


EVENTS = Pages("/events", "events", wire_markets.event, 200, signed=False)
COMBO_EVENTS = Pages("/events/multivariate", "events", wire_markets.event, 200, signed=False)
EVENT_FEE_CHANGES = Pages(
    "/events/fee_changes", "event_fee_changes", wire_markets.event_fee_change, signed=False
)
MARKETS = Pages("/markets", "markets", Unchanged(wire_markets.market, "ticker"), signed=False)
TRADES = Pages("/markets/trades", "trades", wire_markets.trade, signed=False)
POSITIONS = Pages("/portfolio/positions", "market_positions", Unchanged(wire.position, "ticker", most=20_000))
FILLS = Pages("/portfolio/fills", "fills", wire.fill)
SETTLEMENTS = Pages("/portfolio/settlements", "settlements", wire.settlement)
ORDERS = Pages("/portfolio/orders", "orders", wire.order)
DEPOSITS = Pages("/portfolio/deposits", "deposits", wire.transfer, 500)
WITHDRAWALS = Pages("/portfolio/withdrawals", "withdrawals", wire.transfer, 500)
OLD_MARKETS = Pages("/historical/markets", "markets", wire_markets.market, signed=False)
OLD_TRADES = Pages("/historical/trades", "trades", wire_markets.trade, signed=False)
OLD_FILLS = Pages("/historical/fills", "fills", wire.fill)
OLD_ORDERS = Pages("/historical/orders", "orders", wire.order)
OLD_POSITIONS = Pages("/historical/positions", "market_positions", wire.position)
