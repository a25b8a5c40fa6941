"""The data behind a preview: market, book, fees, account and other orders.

`context_reader` and `activity` read it. Computes the part of position and cash that our other orders
leave free. Decides nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from kalshi_trading.core.market_models import FeeSchedule, Market, OrderBook
from kalshi_trading.core.models import Action, BookSide, Order, Position, Side
from kalshi_trading.core.money import ZERO, Contracts, Dollars, Price
from kalshi_trading.core.valuation import OpenSize


@dataclass(frozen=True, slots=True)
class RecentOrder:
    """An order of ours from the last minute, to detect a double submission."""

    ticker: str
    action: Action
    side: Side
    count: Contracts
    price: Price
    at: datetime
    is_market_order: bool = False


@dataclass(frozen=True, slots=True)
class InFlightOrder:
    """An order of ours known from the journal: it exists or may exist.

    It may rest or be filled. `remaining_count` includes filled contracts, so that all of it counts like
    a resting order; canceled contracts are excluded. `at` is the time of its last step.
    """

    client_order_id: str
    order_id: str  # empty: the exchange's answer is not on record
    ticker: str
    book_side: BookSide
    yes_price: Price
    remaining_count: Contracts
    at: datetime
    cost: Dollars = ZERO  # the cash it may take, without fees

    @property
    def size(self) -> OpenSize:
        return OpenSize(self.book_side, self.yes_price, self.remaining_count)


@dataclass(frozen=True, slots=True)
class DataAge:
    """The time of the account's data and of our newest order in the market.

    Both are by our clock.
    """

    newest_order_at: datetime | None = None  # None: no order that could be missing
    as_of: datetime | None = None  # None: could not be read


NO_ORDERS_YET = DataAge()


@dataclass(frozen=True, slots=True)
class DayPnl:
    """P&L of the local day.

    `realized` is today's, after fees. `unrealized` compares open positions with their cost. `unmarked` is the
    cost of positions without a bid, which may turn out worthless.
    """

    realized: Dollars = ZERO
    unrealized: Dollars = ZERO
    unmarked: Dollars = ZERO

    @property
    def total(self) -> Dollars:
        """P&L without the unmarked positions."""
        return self.realized + self.unrealized


@dataclass(frozen=True, slots=True)
class DayTotals:
    """Cost of buys, number of orders and P&L of today.

    `pnl` None: it could not be read.
    """

    bought: Dollars = ZERO
    orders: int = 0
    pnl: DayPnl | None = DayPnl()


@dataclass(frozen=True, slots=True)
class OrderContext:
    """Everything read from exchange and journal for one preview.

    None: it could not be read.
    """

    market: Market
    book: OrderBook | None
    fees: FeeSchedule | None
    cash: Dollars | None
    position: Position | None
    resting: tuple[Order, ...]  # ours, in this market
    recent: tuple[RecentOrder, ...]
    today: DayTotals
    at: datetime
    unresolved: tuple[str, ...] = ()  # our orders in this market that may be live, as sentences
    unseen: tuple[InFlightOrder, ...] = ()  # ours in this market that may rest or be filled, in no list
    cost_elsewhere: Dollars = ZERO  # cost of our orders in other markets that the cash may not reflect yet
    data_age: DataAge = NO_ORDERS_YET
    later_fees: tuple[FeeSchedule, ...] = ()  # schedules that start before the market closes
    known_order_count: int = 0  # number of journal orders taken into account here

    @property
    def floor(self) -> Dollars:
        """The settlement floor that costs count on. Zero: none, or unknown."""
        return self.market.settlement_floor or ZERO

    @property
    def working(self) -> tuple[Order | InFlightOrder, ...]:
        """Our orders in this market that may still fill.

        Includes orders that the exchange does not list yet.
        """
        return (*self.resting, *self.unseen)

    @property
    def free_cash(self) -> Dollars | None:
        """Cash minus what orders not yet reflected in it may take.

        Includes orders of every market. Never below zero. None: the cash could not be read.
        """
        if self.cash is None:
            return None
        held = self.position.net if self.position else ZERO
        here = cash_of_unseen(held, self.resting, self.unseen, self.floor)
        return max(ZERO, self.cash - self.cost_elsewhere - here)


def opening_count(held: Contracts, signed: Contracts, working: Iterable[Order | InFlightOrder]) -> Contracts:
    """Return the contracts of an order that do not close the position.

    Never negative. `signed` is positive if the order goes long YES. Contracts that our other orders in
    the same direction will close cannot be closed again.
    """
    if held * signed >= ZERO:
        return abs(signed)
    promised = promised_count(BookSide.BID if signed > ZERO else BookSide.ASK, working)
    return max(ZERO, abs(signed) - max(ZERO, abs(held) - promised))


def promised_count(side: BookSide, working: Iterable[Order | InFlightOrder]) -> Contracts:
    """Return the contracts that our orders on one book side may still trade."""
    return sum((order.remaining_count for order in working if order.book_side is side), ZERO)


def cash_of_unseen(
    held: Contracts, resting: Sequence[Order], unseen: Iterable[InFlightOrder], floor: Dollars = ZERO
) -> Dollars:
    """Return the cash that orders missing from the exchange's data may take.

    Each order counts whole. For resting orders the exchange has already reserved cash. Closing contracts take
    none, and the cheapest orders are assumed to close. A bid costs its price less the settlement floor.
    """
    total = ZERO
    before: list[Order | InFlightOrder] = list(resting)
    for order in sorted(unseen, key=lambda order: order.size.price):
        signed = order.remaining_count if order.book_side is BookSide.BID else -order.remaining_count
        total += opening_count(held, signed, before) * order.size.cost(floor)
        before.append(order)
    return total
