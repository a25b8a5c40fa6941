"""Table of the exchange's list endpoints: path, row name and decoder.

Sends nothing. Source: Kalshi API, endpoints and pagination.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from operator import attrgetter
from typing import Generic, TypeVar

from kalshi_trading.core.market_models import Event, Market, Trade
from kalshi_trading.core.models import Fill, Order, Position, Transfer
from kalshi_trading.exchange.wire import account as account_wire
from kalshi_trading.exchange.wire import markets as market_wire
from kalshi_trading.exchange.wire.fields import DecodeCache, Fields

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ListEndpoint(Generic[T]):
    """One list endpoint, read in pages of at most `page_size` rows.

    `signed` reads as the account. `identity` names a row, so a repeated row counts once. If identities are
    `shared`, different rows may have the same one and cannot be distinguished. `skip` returns True for rows
    without information.
    """

    path: str
    rows: str
    decode: Callable[[Fields], T]
    page_size: int = 1000
    signed: bool = True
    identity: Callable[[T], str] | None = None
    shared: bool = False
    skip: Callable[[Fields], bool] | None = None


def _events(path: str) -> ListEndpoint[Event]:
    return ListEndpoint(path, "events", market_wire.event, 200, False, lambda event: event.event_ticker)


def _markets(path: str, decode: Callable[[Fields], Market]) -> ListEndpoint[Market]:
    return ListEndpoint(path, "markets", decode, signed=False, identity=lambda market: market.ticker)


def _trades(path: str) -> ListEndpoint[Trade]:
    return ListEndpoint(
        path, "trades", market_wire.trade, signed=False, identity=lambda trade: trade.trade_id
    )


def _fills(path: str) -> ListEndpoint[Fill]:
    return ListEndpoint(path, "fills", account_wire.fill, identity=attrgetter("fill_id"))


def _orders(path: str) -> ListEndpoint[Order]:
    return ListEndpoint(path, "orders", account_wire.order, identity=lambda order: order.order_id)


def _positions(path: str, decode: Callable[[Fields], Position]) -> ListEndpoint[Position]:
    return ListEndpoint(
        path,
        "market_positions",
        decode,
        identity=lambda row: row.ticker,
        skip=account_wire.is_empty_position,
    )


def _transfers(name: str) -> ListEndpoint[Transfer]:
    return ListEndpoint(
        f"/portfolio/{name}", name, account_wire.transfer, 500, identity=lambda row: row.transfer_id
    )


EVENTS = _events("/events")
COMBO_EVENTS = _events("/events/multivariate")
EVENT_FEE_CHANGES = ListEndpoint(
    "/events/fee_changes", "event_fee_changes", market_wire.event_fee_change, signed=False
)
MARKETS = _markets("/markets", DecodeCache(market_wire.market, "ticker"))
TRADES = _trades("/markets/trades")
POSITIONS = _positions("/portfolio/positions", DecodeCache(account_wire.position, "ticker", most=3_000))
FILLS = _fills("/portfolio/fills")
SETTLEMENTS = ListEndpoint(
    "/portfolio/settlements",
    "settlements",
    account_wire.settlement,
    identity=lambda row: row.ticker,
    shared=True,  # each subaccount has its own row per market, without naming the subaccount
)
ORDERS = _orders("/portfolio/orders")
DEPOSITS = _transfers("deposits")
WITHDRAWALS = _transfers("withdrawals")
OLD_MARKETS = _markets("/historical/markets", market_wire.market)
OLD_TRADES = _trades("/historical/trades")
OLD_FILLS = _fills("/historical/fills")
OLD_ORDERS = _orders("/historical/orders")
OLD_POSITIONS = _positions("/historical/positions", account_wire.position)
