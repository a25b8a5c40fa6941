"""What is known when an order is priced: its market, book and fees, the account, and our other orders.

Plain data, read by `context_reader` and `activity`, and how much of what is held and of the cash our other
orders leave; decides nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from kalshi_trading.core.market_models import FeeSchedule, Market, OrderBook
from kalshi_trading.core.models import Action, BookSide, Order, Position, Side
from kalshi_trading.core.money import ZERO, Contracts, Dollars, Price


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
    cost: Dollars = ZERO  # the cash it may take, without fees

    @property
    def price(self) -> Price:
        """What one contract of the outcome it goes long costs."""
        return self.book_side.long_outcome.price_in_side(self.yes_price)


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
class OrderContext:
    """Everything read from exchange and journal for one preview; None: could not be read."""

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
    unseen: tuple[InFlightOrder, ...] = ()  # ours in this market that may rest or be filled, shown nowhere
    elsewhere: Dollars = ZERO  # cost of orders of ours in other markets that the cash may not show yet
    data_age: DataAge = NO_ORDERS_YET
    later_fees: tuple[FeeSchedule, ...] = ()  # that will apply before the market closes
    known_orders: int = 0  # how many orders of the journal are taken into account here

    @property
    def working(self) -> tuple[Order | InFlightOrder, ...]:
        """Our orders in this market that may still trade, listed or not."""
        return (*self.resting, *self.unseen)

    @property
    def free_cash(self) -> Dollars | None:
        """Cash less what orders of any market may take that it does not show yet; never below zero."""
        if self.cash is None:
            return None
        held = self.position.net if self.position else ZERO
        return max(ZERO, self.cash - self.elsewhere - cash_of_unseen(held, self.resting, self.unseen))


def opening_count(held: Contracts, signed: Contracts, working: Iterable[Order | InFlightOrder]) -> Contracts:
    """Give the contracts of an order beyond those that close what is held; never negative.

    `signed` is above zero where the order goes long YES. What our other orders of the same direction will
    close is not there to be closed again.
    """
    if held * signed >= ZERO:
        return abs(signed)
    promised = promised_count(BookSide.BID if signed > ZERO else BookSide.ASK, working)
    return max(ZERO, abs(signed) - max(ZERO, abs(held) - promised))


def promised_count(side: BookSide, working: Iterable[Order | InFlightOrder]) -> Contracts:
    """Give the contracts that our orders of one side of the book may still trade."""
    return sum((order.remaining_count for order in working if order.book_side is side), ZERO)


def cash_of_unseen(held: Contracts, resting: Sequence[Order], unseen: Iterable[InFlightOrder]) -> Dollars:
    """Give the cash that orders missing in the exchange's data may take; each counts whole.

    For resting ones the exchange has set cash aside already. What closes takes none, and the cheapest
    are taken to close.
    """
    total = ZERO
    before: list[Order | InFlightOrder] = list(resting)
    for order in sorted(unseen, key=lambda order: order.price):
        signed = order.remaining_count if order.book_side is BookSide.BID else -order.remaining_count
        total += opening_count(held, signed, before) * order.price
        before.append(order)
    return total
