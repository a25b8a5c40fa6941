"""Records of the practice exchange, in integer units.

The integer units keep every sum exact:
- prices in ten-thousandths of a dollar (0.57 is 5700)
- counts in hundredths of a contract (10 contracts are 1000)
- money in millionths of a dollar, so price times count needs no conversion
- times in Unix microseconds, UTC

No behavior beyond arithmetic.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

ONE_DOLLAR_PRICE = 10_000
ONE_CENT_PRICE = 100
ONE_CONTRACT = 100
ONE_DOLLAR = 1_000_000
ONE_CENT = 10_000
ONE_SECOND = 1_000_000


class BookSide(StrEnum):
    """A side of the YES book: a bid goes long YES, an ask goes long NO."""

    BID = "bid"
    ASK = "ask"


class OrderStatus(StrEnum):
    RESTING = "resting"
    CANCELED = "canceled"
    EXECUTED = "executed"


class TimeInForce(StrEnum):
    GOOD_TILL_CANCELED = "good_till_canceled"
    IMMEDIATE_OR_CANCEL = "immediate_or_cancel"
    FILL_OR_KILL = "fill_or_kill"


class SelfTradePrevention(StrEnum):
    TAKER_AT_CROSS = "taker_at_cross"
    MAKER = "maker"


class MarketStatus(StrEnum):
    INITIALIZED = "initialized"
    INACTIVE = "inactive"
    ACTIVE = "active"
    CLOSED = "closed"
    DETERMINED = "determined"
    FINALIZED = "finalized"


class FeeType(StrEnum):
    QUADRATIC = "quadratic"
    QUADRATIC_WITH_MAKER_FEES = "quadratic_with_maker_fees"
    QUADRATIC_WITH_COMBO_MAKER_FEES = "quadratic_with_combo_maker_fees"


@dataclass(slots=True)
class Series:
    ticker: str
    title: str
    category: str
    tags: list[str]
    frequency: str
    fee_type: FeeType
    fee_multiplier_percent: int  # 100 is a multiplier of 1
    source_name: str
    last_updated_at: int


@dataclass(slots=True)
class Event:
    event_ticker: str
    series_ticker: str
    title: str
    sub_title: str
    mutually_exclusive: bool
    strike_at: int | None
    last_updated_at: int


@dataclass(slots=True)
class Market:
    """A market's terms, status and running totals, without its book."""

    ticker: str
    event_ticker: str
    series_ticker: str
    title: str
    yes_sub_title: str
    no_sub_title: str
    rules_primary: str
    rules_secondary: str
    scalar: bool
    created_at: int
    updated_at: int
    open_at: int
    close_at: int
    expected_expiration_at: int
    latest_expiration_at: int
    settlement_timer_s: int
    grid: str  # name of a price grid in `price_grids`
    strike_type: str | None
    floor_strike: str | None  # decimal text, written to JSON as a number
    cap_strike: str | None
    initial_value: int  # price around which the simulated traders start
    status: MarketStatus = MarketStatus.INITIALIZED
    settlement_value: int | None = None  # price one YES contract pays; set when the market is determined
    determined_at: int | None = None
    settled_at: int | None = None
    expiration_value: str = ""
    last_price: int | None = None
    volume: int = 0
    open_interest: int = 0
    settlement_floor: int | None = None  # least price a YES contract pays; None: the market never has one

    @property
    def floor(self) -> int:
        """The part of a YES contract's payout that is paid already."""
        return self.settlement_floor or 0


@dataclass(slots=True)
class FloorChange:
    """The settlement floor of a market from one moment on."""

    ticker: str
    floor: int
    changed_at: int
    sequence: int  # among the fills of the market

    @property
    def key(self) -> str:
        """The storage key."""
        return f"{self.ticker}/{self.sequence}"


@dataclass(slots=True)
class Account:
    account_id: str  # also the user_id on the wire
    simulated: bool


@dataclass(slots=True)
class Order:
    order_id: str
    account_id: str
    client_order_id: str
    ticker: str
    side: BookSide
    price: int
    initial_count: int
    remaining_count: int
    time_in_force: TimeInForce
    post_only: bool
    self_trade_prevention: SelfTradePrevention
    created_at: int
    updated_at: int
    expires_at: int | None = None
    cancel_order_on_pause: bool = False
    status: OrderStatus = OrderStatus.RESTING
    fill_count: int = 0
    taker_fill_cost: int = 0
    maker_fill_cost: int = 0
    taker_fees: int = 0
    maker_fees: int = 0
    rounding_accumulator: int = 0
    sequence: int = 0  # time priority inside a price level


@dataclass(slots=True)
class Fill:
    """One account's part in a trade."""

    trade_id: str
    account_id: str
    order_id: str
    ticker: str
    side: BookSide
    price: int
    count: int
    is_taker: bool
    fee: int
    created_at: int
    sequence: int

    @property
    def key(self) -> str:
        """The storage key: both parties of a trade have a fill."""
        return f"{self.trade_id}/{self.account_id}"


@dataclass(slots=True)
class Trade:
    """The public print of a match.

    `taker_side` is the taker's side of the YES book.
    """

    trade_id: str
    ticker: str
    price: int
    count: int
    taker_side: BookSide
    created_at: int
    sequence: int


@dataclass(slots=True)
class Lot:
    """Contracts bought together at one price, in the held side's terms."""

    price: int
    count: int


@dataclass(slots=True)
class Position:
    """An account's net contracts and trading history in one market.

    `count` above 0 is YES, below 0 is NO.
    """

    account_id: str
    ticker: str
    count: int = 0
    lots: list[Lot] = field(default_factory=list)  # oldest first
    realized_pnl: int = 0  # by netting, without fees
    fees_paid: int = 0
    yes_bought: int = 0  # contracts ever bought here, netted pairs included
    yes_cost: int = 0
    no_bought: int = 0
    no_cost: int = 0
    updated_at: int = 0
    settled: bool = False


@dataclass(slots=True)
class Settlement:
    """The payout row of one account in one market."""

    account_id: str
    ticker: str
    event_ticker: str
    value: int  # price paid per YES contract
    yes_count: int
    yes_cost: int
    no_count: int
    no_cost: int
    revenue: int  # money paid for the net position
    fees: int
    settled_at: int
    sequence: int
