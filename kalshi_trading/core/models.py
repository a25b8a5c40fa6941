"""Account types as frozen records: orders, fills, positions, settlements.

Money and counts are `Decimal` dollars and contracts. Times are aware UTC. None: the exchange did not report
it. Never reads JSON, never invents a number, performs no I/O.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar

from kalshi_trading.core.money import (
    BALANCE_GRAIN,
    ONE_DOLLAR,
    Contracts,
    Dollars,
    Price,
    cents,
    round_half_even,
)
from kalshi_trading.core.results import (
    DictReading,
    Listing,
    Read,
    read_attributes,
    read_cents,
    read_contracts,
    read_seconds,
    read_text,
    read_time,
)
from kalshi_trading.core.text import describe_order


class Side(StrEnum):
    """The outcome the user trades."""

    YES = "yes"
    NO = "no"

    @property
    def opposite(self) -> Side:
        return Side.NO if self is Side.YES else Side.YES

    def price_in_side(self, price: Price) -> Price:
        """Convert a YES price to this side's terms, or back."""
        return price if self is Side.YES else ONE_DOLLAR - price


class Action(StrEnum):
    BUY = "buy"
    SELL = "sell"


class BookSide(StrEnum):
    """Side of the YES book. A bid goes long YES, an ask long NO.

    Source: Kalshi API, order direction.
    """

    BID = "bid"
    ASK = "ask"

    @classmethod
    def of(cls, action: Action, side: Side) -> BookSide:
        """Return the order's side of the YES book: selling NO is a bid for YES."""
        return cls.BID if (action is Action.BUY) == (side is Side.YES) else cls.ASK

    @property
    def long_outcome(self) -> Side:
        """The outcome this order goes long."""
        return Side.YES if self is BookSide.BID else Side.NO


class TimeInForce(StrEnum):
    GOOD_TILL_CANCELED = "good_till_canceled"
    IMMEDIATE_OR_CANCEL = "immediate_or_cancel"
    FILL_OR_KILL = "fill_or_kill"


class SelfTradePrevention(StrEnum):
    TAKER_AT_CROSS = "taker_at_cross"
    MAKER = "maker"


class OrderStatus(StrEnum):
    RESTING = "resting"
    CANCELED = "canceled"
    EXECUTED = "executed"
    UNKNOWN = "unknown"  # a status unknown to this program; never sent


class MarketResult(StrEnum):
    YES = "yes"
    NO = "no"
    SCALAR = "scalar"
    NONE = ""
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Balance(DictReading):
    """Cash as reported by the exchange.

    `portfolio_value` is the exchange's own valuation of the positions.
    """

    dict_keys: ClassVar[dict[str, Read]] = {
        "balance": read_cents("cash"),
        "portfolio_value": read_cents("portfolio_value"),
        "updated_ts": read_seconds("updated_at"),
    }

    cash: Dollars
    portfolio_value: Dollars | None
    updated_at: datetime | None
    by_shard: tuple[tuple[int, Dollars | None], ...]

    def cash_for(self, shard: int | None) -> Dollars | None:
        """Return the cash available to orders on this shard.

        None: unknown for that shard. Without a breakdown by shard it is all cash.
        Source: Kalshi API, money is per shard.
        """
        return dict(self.by_shard).get(shard) if self.by_shard and shard is not None else self.cash


@dataclass(frozen=True, slots=True)
class Position(DictReading):
    """Net contracts in one market: above zero YES, below zero NO.

    Dollars exclude fees.
    """

    dict_keys: ClassVar[dict[str, Read]] = {
        **read_attributes("ticker"),
        "position": read_contracts("net"),
        "average_price": read_cents("average_price"),
        "market_exposure": read_cents("cost_basis"),
        "realized_pnl": read_cents("realized_pnl"),
        "fees_paid": read_cents("fees_paid"),
        "total_traded": read_cents("total_traded"),
        "last_updated_ts": read_time("updated_at"),
    }

    ticker: str
    net: Contracts
    cost_basis: Dollars
    realized_pnl: Dollars
    fees_paid: Dollars
    total_traded: Dollars
    updated_at: datetime | None
    exchange_index: int | None

    @property
    def side(self) -> Side | None:
        """The outcome of the position. None: flat."""
        if self.net == 0:
            return None
        return Side.YES if self.net > 0 else Side.NO

    @property
    def count(self) -> Contracts:
        """Contracts of `side`, never negative."""
        return abs(self.net)

    @property
    def average_price(self) -> Price | None:
        """Dollars per contract of `side`, rounded to $0.0001. None: flat."""
        return None if self.net == 0 else round_half_even(self.cost_basis / self.count, BALANCE_GRAIN)


@dataclass(frozen=True, slots=True)
class EventPosition(DictReading):
    """Totals of one event. Figures may be missing once it has no position."""

    dict_keys: ClassVar[dict[str, Read]] = {
        **read_attributes("event_ticker"),
        "total_cost": read_cents("total_cost"),
        "event_exposure": read_cents("cost_basis"),
        "realized_pnl": read_cents("realized_pnl"),
        "fees_paid": read_cents("fees_paid"),
    }

    event_ticker: str
    total_cost: Dollars | None
    contracts_traded: Contracts | None
    cost_basis: Dollars | None
    realized_pnl: Dollars | None
    fees_paid: Dollars | None


@dataclass(frozen=True, slots=True)
class Positions(DictReading):
    dict_keys: ClassVar[dict[str, Read]] = {
        "market_positions": lambda positions: list(positions.markets),
        "event_positions": lambda positions: list(positions.events),
        "cursor": lambda positions: positions.markets.cursor,
    }

    markets: Listing[Position]
    events: tuple[EventPosition, ...]

    def __iter__(self) -> Iterator[Any]:
        """Iterate over the positions by market, like any list."""
        return iter(self.markets)

    def __len__(self) -> int:
        return len(self.markets)


ActionSide = tuple[Action, Side]
"""The order as the user placed it: buy or sell, YES or NO."""


def _placed_or_effect(record: Fill | Order) -> ActionSide:
    """Return the order as placed, or else the equivalent purchase.

    Selling YES is equivalent to buying NO.
    """
    return record.placed_as or (Action.BUY, record.book_side.long_outcome)


_ACTION_SIDE_KEYS: dict[str, Read] = {
    "action": lambda record: _placed_or_effect(record)[0].value,
    "side": lambda record: _placed_or_effect(record)[1].value,
    "price": lambda record: cents(_placed_or_effect(record)[1].price_in_side(record.yes_price)),
    "yes_price": read_cents("yes_price"),
    "no_price": lambda record: cents(ONE_DOLLAR - record.yes_price),
}


@dataclass(frozen=True, slots=True)
class Fill(DictReading):
    """Our part of a trade. Price in YES dollars, `fee` net of rebates."""

    dict_keys: ClassVar[dict[str, Read]] = {
        **read_attributes("fill_id", "order_id", "ticker", "is_taker"),
        **_ACTION_SIDE_KEYS,
        "trade_id": lambda fill: fill.fill_id,
        "count": read_contracts("count"),
        "fee_cost": lambda fill: f"{fill.fee:f}",  # dollars as text, the exchange's format
        "created_time": read_time("created_at"),
    }

    fill_id: str
    order_id: str
    ticker: str
    book_side: BookSide
    count: Contracts
    yes_price: Price
    is_taker: bool
    fee: Dollars
    created_at: datetime | None
    subaccount: int | None = None  # 0 is the primary; None: the exchange does not report it
    placed_as: ActionSide | None = None  # None: not looked up, or unknown


@dataclass(frozen=True, slots=True)
class Settlement(DictReading):
    """Payout of one market. Counts and costs are totals per side."""

    dict_keys: ClassVar[dict[str, Read]] = {
        **read_attributes("ticker", "event_ticker"),
        "market_result": read_text("result"),
        "settlement_value": read_cents("value"),
        "value": read_cents("value"),
        "revenue": read_cents("revenue"),
        "yes_count": read_contracts("yes_count"),
        "yes_total_cost": read_cents("yes_cost"),
        "no_count": read_contracts("no_count"),
        "no_total_cost": read_cents("no_cost"),
        "fee_cost": lambda row: f"{row.fees:f}",  # dollars as text, the exchange's format
        "settled_time": read_time("settled_at"),
    }

    ticker: str
    event_ticker: str
    result: MarketResult
    yes_count: Contracts
    yes_cost: Dollars
    no_count: Contracts
    no_cost: Dollars
    revenue: Dollars
    fees: Dollars
    settled_at: datetime
    value: Dollars | None  # paid per YES contract, over its life
    floor: Dollars | None = None  # paid on each YES contract before; None: nothing, or not looked up


@dataclass(frozen=True, slots=True)
class Order(DictReading):
    """The exchange's order. `yes_price` is its limit, no fill price."""

    dict_keys: ClassVar[dict[str, Read]] = {
        **read_attributes("order_id", "client_order_id", "ticker"),
        **_ACTION_SIDE_KEYS,
        "type": lambda order: "limit",  # the exchange has no other type
        "status": read_text("status"),
        "count": read_contracts("initial_count"),
        "initial_count": read_contracts("initial_count"),
        "fill_count": read_contracts("fill_count"),
        "remaining_count": read_contracts("remaining_count"),
        "fill_cost": read_cents("fill_cost"),
        "fees": read_cents("fees"),
        "created_time": read_time("created_at"),
        "last_update_time": read_time("updated_at"),
        "expiration_time": read_time("expires_at"),
    }

    order_id: str
    client_order_id: str
    ticker: str
    book_side: BookSide
    status: OrderStatus
    yes_price: Price
    fill_count: Contracts
    remaining_count: Contracts
    initial_count: Contracts
    fill_cost: Dollars
    fees: Dollars
    created_at: datetime | None
    updated_at: datetime | None
    expires_at: datetime | None
    exchange_index: int | None
    placed_as: ActionSide | None = None  # None: not looked up, or unknown


@dataclass(frozen=True, slots=True)
class Transfer:
    """A deposit or withdrawal. The balance includes only status `applied`."""

    transfer_id: str
    status: str
    method: str
    amount: Dollars
    fee: Dollars
    created_at: datetime


# --- Orders to the exchange -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class OrderRequest:
    """One order to place. `price` is in the terms of `side`."""

    client_order_id: str
    ticker: str
    action: Action
    side: Side
    count: Contracts
    price: Price
    time_in_force: TimeInForce
    post_only: bool = False
    reduce_only: bool = False
    self_trade_prevention: SelfTradePrevention = SelfTradePrevention.TAKER_AT_CROSS
    expires_at: datetime | None = None

    @property
    def book_side(self) -> BookSide:
        return BookSide.of(self.action, self.side)

    @property
    def yes_price(self) -> Price:
        """The limit price in YES dollars."""
        return self.side.price_in_side(self.price)

    @property
    def sentence(self) -> str:
        """The order as text: `BUY 10 YES KXFED-26DEC at 57¢, good till canceled`."""
        order = describe_order(self.action, self.count, self.side, self.price, ticker=self.ticker)
        how_long = self.time_in_force.replace("_", " ")
        extras = (", post only" if self.post_only else "") + (", reduce only" if self.reduce_only else "")
        return f"{order}, {how_long}{extras}"
