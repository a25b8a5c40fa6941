"""The trade's nouns as frozen records: what the exchange tells and what the user wants.

Money and counts are `Decimal` in dollars and contracts; None means the exchange did not say. Times
are aware UTC. Nothing here reads JSON, performs I/O or puts a number where none was given.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Generic, TypeVar

from kalshi_trading.money import Contracts, Dollars, Price, PriceGrid

T = TypeVar("T")


class Side(StrEnum):
    """The outcome a person trades."""

    YES = "yes"
    NO = "no"

    @property
    def opposite(self) -> Side:
        return Side.NO if self is Side.YES else Side.YES


class Action(StrEnum):
    BUY = "buy"
    SELL = "sell"


class BookSide(StrEnum):
    """Side of the YES book. A bid goes long YES, an ask long NO. Source: Kalshi API, order direction."""

    BID = "bid"
    ASK = "ask"


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
    UNKNOWN = "unknown"  # a word this program does not know; never sent


class MarketStatus(StrEnum):
    INITIALIZED = "initialized"
    INACTIVE = "inactive"
    ACTIVE = "active"
    CLOSED = "closed"
    DETERMINED = "determined"
    DISPUTED = "disputed"
    AMENDED = "amended"
    FINALIZED = "finalized"
    UNKNOWN = "unknown"


class MarketResult(StrEnum):
    YES = "yes"
    NO = "no"
    SCALAR = "scalar"
    NONE = ""
    UNKNOWN = "unknown"


class FeeType(StrEnum):
    QUADRATIC = "quadratic"
    QUADRATIC_WITH_MAKER_FEES = "quadratic_with_maker_fees"
    QUADRATIC_WITH_COMBO_MAKER_FEES = "quadratic_with_combo_maker_fees"
    FLAT = "flat"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Listing(Generic[T]):
    """Rows collected over pages. `incomplete` says why rows may be missing; None: it is the whole list."""

    items: tuple[T, ...]
    incomplete: str | None = None

    def __iter__(self) -> Iterator[T]:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)


# --- The exchange ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ShardStatus:
    """One shard of the exchange; an order only uses the cash on its market's shard."""

    exchange_index: int
    description: str
    exchange_active: bool
    trading_active: bool


@dataclass(frozen=True, slots=True)
class ExchangeStatus:
    exchange_active: bool
    trading_active: bool
    estimated_resume_at: datetime | None
    shards: tuple[ShardStatus, ...]


@dataclass(frozen=True, slots=True)
class TradingSession:
    """Opening hours on one weekday, clock times US Eastern; 00:00 to 00:00 is the whole day."""

    weekday: str
    opens: str
    closes: str


@dataclass(frozen=True, slots=True)
class ExchangeSchedule:
    sessions: tuple[TradingSession, ...]
    maintenance: tuple[tuple[datetime, datetime], ...]


@dataclass(frozen=True, slots=True)
class HistoricalCutoff:
    """Rows older than these moments live under the historical endpoints."""

    markets_settled_at: datetime
    trades_created_at: datetime
    orders_updated_at: datetime
    positions_updated_at: datetime | None


@dataclass(frozen=True, slots=True)
class TokenBucketLimit:
    refill_rate: int  # tokens per second
    bucket_capacity: int


@dataclass(frozen=True, slots=True)
class AccountLimits:
    usage_tier: str
    read: TokenBucketLimit
    write: TokenBucketLimit


@dataclass(frozen=True, slots=True)
class EndpointCosts:
    """Tokens per request; `exceptions` maps (method, route template) to its own cost."""

    default_cost: int
    exceptions: tuple[tuple[str, str, int], ...]


@dataclass(frozen=True, slots=True)
class VolumeProgress:
    """Contracts traded in the last 30 days and, per usage tier, the volumes that earn and keep it."""

    computed_at: datetime
    trailing_volume: Contracts
    goals: tuple[tuple[str, Contracts, Contracts], ...]


# --- Series, events, markets ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class FeeSchedule:
    """Which fee curve applies, and its multiplier m; None where the exchange did not say."""

    fee_type: FeeType
    multiplier: Decimal


@dataclass(frozen=True, slots=True)
class Series:
    ticker: str
    title: str
    category: str
    categories: tuple[str, ...]
    tags: tuple[str, ...]
    frequency: str
    fees: FeeSchedule
    settlement_sources: tuple[str, ...]
    volume: Contracts | None


@dataclass(frozen=True, slots=True)
class FeeChange:
    """A scheduled change of fees of a series or event; None values clear an event's override."""

    ticker: str
    fee_type: FeeType | None
    multiplier: Decimal | None
    scheduled_at: datetime


@dataclass(frozen=True, slots=True)
class Market:
    """One market with its best quotes. Quotes are YES dollars; None: nobody quotes that side."""

    ticker: str
    event_ticker: str
    title: str
    yes_label: str
    no_label: str
    scalar: bool
    status: MarketStatus
    status_word: str  # as the exchange spelled it
    open_at: datetime
    close_at: datetime
    expected_expiration_at: datetime | None
    latest_expiration_at: datetime
    settlement_timer_s: int
    yes_bid: Price | None
    yes_bid_count: Contracts
    yes_ask: Price | None
    yes_ask_count: Contracts
    last_price: Price | None
    volume: Contracts
    volume_24h: Contracts
    open_interest: Contracts
    result: MarketResult
    settlement_value: Dollars | None
    settled_at: datetime | None
    can_close_early: bool
    fee_waiver_until: datetime | None
    rules_primary: str
    rules_secondary: str
    price_grid: PriceGrid
    exchange_index: int | None


@dataclass(frozen=True, slots=True)
class Event:
    event_ticker: str
    series_ticker: str
    title: str
    sub_title: str
    mutually_exclusive: bool
    category: str | None
    fee_type_override: FeeType | None
    fee_multiplier_override: Decimal | None
    markets: tuple[Market, ...]


@dataclass(frozen=True, slots=True)
class EventMetadata:
    image_url: str
    settlement_sources: tuple[str, ...]
    competition: str | None


@dataclass(frozen=True, slots=True)
class BookLevel:
    price: Price
    count: Contracts


@dataclass(frozen=True, slots=True)
class OrderBook:
    """Bids of both outcomes, best first, each priced in its own outcome's dollars."""

    ticker: str
    yes_bids: tuple[BookLevel, ...]
    no_bids: tuple[BookLevel, ...]
    as_of: datetime


@dataclass(frozen=True, slots=True)
class QuoteRange:
    """Open, low, high, close of a quote over one bar, YES dollars."""

    open: Price
    low: Price
    high: Price
    close: Price


@dataclass(frozen=True, slots=True)
class TradeRange:
    """The same for trade prices; None where nothing traded."""

    open: Price | None
    low: Price | None
    high: Price | None
    close: Price | None
    mean: Price | None
    previous: Price | None


@dataclass(frozen=True, slots=True)
class Candlestick:
    end_at: datetime
    yes_bid: QuoteRange
    yes_ask: QuoteRange
    price: TradeRange
    volume: Contracts
    open_interest: Contracts


@dataclass(frozen=True, slots=True)
class EventCandlesticks:
    """Bars per market of one event; the exchange may serve less than asked, up to `served_until`."""

    bars: tuple[tuple[str, tuple[Candlestick, ...]], ...]
    served_until: datetime


@dataclass(frozen=True, slots=True)
class ForecastPoint:
    """One percentile (0 to 9999, hundredths of a percent) of an event's forecast."""

    end_at: datetime
    percentile: int
    value: Decimal
    shown_as: str


@dataclass(frozen=True, slots=True)
class Trade:
    """Anyone's public print. `taker_side` is the outcome the taker went long."""

    trade_id: str
    ticker: str
    count: Contracts
    yes_price: Price
    taker_side: Side
    created_at: datetime
    is_block_trade: bool


# --- The account ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Balance:
    """Cash as the exchange reports it; `portfolio_value` is its own mark of the positions."""

    cash: Dollars
    portfolio_value: Dollars
    updated_at: datetime
    by_shard: tuple[tuple[int, Dollars], ...]


@dataclass(frozen=True, slots=True)
class Position:
    """Net contracts held in one market: above zero YES, below zero NO. Dollars are without fees."""

    ticker: str
    net: Contracts
    cost_basis: Dollars
    realized_pnl: Dollars
    fees_paid: Dollars
    total_traded: Dollars
    updated_at: datetime
    exchange_index: int | None

    @property
    def side(self) -> Side | None:
        """The outcome held; None when flat."""
        if self.net == 0:
            return None
        return Side.YES if self.net > 0 else Side.NO

    @property
    def count(self) -> Contracts:
        """Contracts held of `side`, never negative."""
        return abs(self.net)


@dataclass(frozen=True, slots=True)
class EventPosition:
    event_ticker: str
    total_cost: Dollars
    contracts_traded: Contracts
    cost_basis: Dollars
    realized_pnl: Dollars
    fees_paid: Dollars


@dataclass(frozen=True, slots=True)
class Positions:
    markets: Listing[Position]
    events: tuple[EventPosition, ...]


@dataclass(frozen=True, slots=True)
class Fill:
    """Our part in a trade, at the execution price in YES dollars; `fee` is net of rebates."""

    fill_id: str
    order_id: str
    ticker: str
    book_side: BookSide
    count: Contracts
    yes_price: Price
    is_taker: bool
    fee: Dollars
    created_at: datetime | None


@dataclass(frozen=True, slots=True)
class Settlement:
    """Payout of one market. Counts and costs are totals per side over the market's life."""

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
    value: Dollars | None  # paid per YES contract


@dataclass(frozen=True, slots=True)
class Order:
    """An order as the exchange has it; `yes_price` is its limit in YES dollars, not a fill price."""

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


@dataclass(frozen=True, slots=True)
class Transfer:
    """A deposit or withdrawal; only those with status `applied` are in the balance."""

    transfer_id: str
    status: str
    method: str
    amount: Dollars
    fee: Dollars
    created_at: datetime


# --- Orders to the exchange -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class OrderRequest:
    """One order in a person's words; `price` is in the terms of `side`. `wire` turns it into bid/ask."""

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


@dataclass(frozen=True, slots=True)
class OrderAcknowledgement:
    """What the exchange said when it took an order. Price is in YES dollars, the fee per contract."""

    order_id: str
    client_order_id: str | None
    fill_count: Contracts
    remaining_count: Contracts
    average_fill_price: Price | None
    average_fee_paid: Dollars | None
    at: datetime


@dataclass(frozen=True, slots=True)
class CancelAcknowledgement:
    order_id: str
    reduced_by: Contracts
    at: datetime
