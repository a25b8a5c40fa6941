"""An order as the rules see it, and what a rule says about it: plain data between preview and `risk`.

Decides nothing and reads nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from kalshi_trading.core.market_models import Market, OrderBook
from kalshi_trading.core.models import Action, BookSide, Order, Side
from kalshi_trading.core.money import ZERO, Contracts, Dollars, Price
from kalshi_trading.core.order_book import BookWalk
from kalshi_trading.settings.model import Limits


class Severity(StrEnum):
    DENY = "deny"
    ASK = "ask"
    WARN = "warn"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one rule says about one order; `actual` and `limit` are the numbers on both sides, if any."""

    rule: str
    severity: Severity
    message: str
    actual: Decimal | None = None
    limit: Decimal | None = None

    def fields(self) -> dict[str, str | None]:
        """Give the finding as plain text for the journal."""
        return {
            "rule": self.rule,
            "severity": self.severity.value,
            "message": self.message,
            "actual": None if self.actual is None else f"{self.actual:f}",
            "limit": None if self.limit is None else f"{self.limit:f}",
        }


@dataclass(frozen=True, slots=True)
class RecentOrder:
    """An order of ours of a moment ago, to notice one that is sent twice."""

    ticker: str
    action: Action
    side: Side
    count: Contracts
    price: Price
    at: datetime
    is_market_order: bool = False


@dataclass(frozen=True, slots=True)
class InFlightOrder:
    """An order of ours by the journal alone: it exists or may exist, and may rest or be filled.

    `remaining_count` is all of it, so that it can be counted like an order that rests. `at` is when its
    last step was taken.
    """

    client_order_id: str
    order_id: str  # empty where the exchange's answer is not on record
    ticker: str
    book_side: BookSide
    yes_price: Price
    remaining_count: Contracts
    at: datetime
    is_open: bool  # nobody has confirmed it or ruled it out
    cost: Dollars = ZERO  # the cash it may take, without fees


@dataclass(frozen=True, slots=True)
class DataAge:
    """How old the account's data is, next to our newest order in the market; both by our clock."""

    newest_order_at: datetime | None = None  # None: there is none to be missed
    as_of: datetime | None = None  # None: could not be read


NO_ORDERS_YET = DataAge()


@dataclass(frozen=True, slots=True)
class DayPnl:
    """Profit of the local day: realized today with fees inside, and what is held now against its cost.

    `unmarked` is the cost of what is held and nobody bids for; it may turn out to be worth nothing.
    """

    realized: Dollars = ZERO
    unrealized: Dollars = ZERO
    unmarked: Dollars = ZERO

    @property
    def total(self) -> Dollars:
        """Profit as far as it can be marked."""
        return self.realized + self.unrealized


@dataclass(frozen=True, slots=True)
class DayTotals:
    """What was bought, ordered and gained today; `pnl` None: it could not be read."""

    bought: Dollars = ZERO
    orders: int = 0
    pnl: DayPnl | None = DayPnl()


@dataclass(frozen=True, slots=True)
class RiskInput:
    """One order and everything the rules look at. `price` is the limit in the terms of `side`."""

    market: Market
    action: Action
    side: Side
    count: Contracts
    price: Price
    is_market_order: bool
    book: OrderBook | None
    walk: BookWalk
    cost: Dollars  # cash the order may take, without fees; 0 for a sale of what is held
    cost_bound: Dollars  # with fees and rounding; without them where they are not known
    cash: Dollars | None  # less what `unseen` may take
    held: Contracts  # contracts of `side` held now
    resting: tuple[Order, ...]  # ours, in this market
    worst_loss: Dollars  # in this market, if this order and all that may rest were filled
    recent: tuple[RecentOrder, ...]
    today: DayTotals
    limits: Limits
    read_only: bool
    now: datetime
    unresolved: tuple[str, ...] = ()  # orders in this market of which nobody knows whether they exist
    unseen: tuple[InFlightOrder, ...] = ()  # ours in this market that the exchange's data does not show
    freshness: DataAge = NO_ORDERS_YET

    @property
    def opens(self) -> bool:
        """Tell whether the order can add to what is at risk."""
        return self.cost > ZERO

    @property
    def book_side(self) -> BookSide:
        long_yes = (self.action is Action.BUY) == (self.side is Side.YES)
        return BookSide.BID if long_yes else BookSide.ASK
