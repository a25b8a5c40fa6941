"""Position value at a mark or sold into the book, and the maximum loss.

The worst case assumes that exactly the harmful resting orders fill. It excludes fees. Performs no I/O.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from kalshi_trading.core.fees import fee_of_fill, fee_rate
from kalshi_trading.core.market_models import FeeSchedule, Market, OrderBook
from kalshi_trading.core.models import Action, BookSide, Position, Side
from kalshi_trading.core.money import ZERO, Contracts, Dollars, Price
from kalshi_trading.core.order_book import BookWalk, walk


@dataclass(frozen=True, slots=True)
class OpenSize:
    """The unfilled part of an order: contracts at a YES price."""

    book_side: BookSide
    yes_price: Price
    count: Contracts

    @property
    def price(self) -> Price:
        """The price of one contract of the outcome it buys."""
        return self.book_side.long_outcome.price_in_side(self.yes_price)


@dataclass(frozen=True, slots=True)
class Exposure:
    """The most one market can lose if it ends YES, and if it ends NO.

    Below zero it is a profit.
    """

    if_yes: Dollars = ZERO
    if_no: Dollars = ZERO

    @property
    def worst(self) -> Dollars:
        """The larger loss, never below zero. Scalar results lie in between."""
        return max(ZERO, self.if_yes, self.if_no)


def market_exposure(net: Contracts, cost_basis: Dollars, orders: Iterable[OpenSize]) -> Exposure:
    """Return the exposure of one market, with its open orders.

    `net` is above zero for YES, below for NO. `cost_basis` is what the position cost.
    """
    if_yes = if_no = cost_basis
    if net > ZERO:
        if_yes -= net
    else:
        if_no += net
    for order in orders:
        if order.book_side is BookSide.BID:
            if_no += order.count * order.price
        else:
            if_yes += order.count * order.price
    return Exposure(if_yes, if_no)


def event_exposure(markets: Iterable[Exposure], *, mutually_exclusive: bool) -> Dollars:
    """Return the maximum joint loss of one event's markets.

    At most one of mutually exclusive markets ends YES, so their worst cases cannot all occur.
    """
    exposures = tuple(markets)
    if not mutually_exclusive:
        return sum((exposure.worst for exposure in exposures), ZERO)
    none_yes = sum((exposure.if_no for exposure in exposures), ZERO)
    one_yes = (none_yes - exposure.if_no + exposure.if_yes for exposure in exposures)
    return max(ZERO, none_yes, *one_yes)


def resting_collateral(net: Contracts, orders: Iterable[OpenSize]) -> Dollars:
    """Return the cash reserved by one market's resting orders.

    That is the cost of the contracts they would open. Closing contracts cost nothing. If only some can
    close, the most expensive count as opening.
    """
    sizes = tuple(orders)
    bids = [order for order in sizes if order.book_side is BookSide.BID]
    asks = [order for order in sizes if order.book_side is BookSide.ASK]
    return _opening_cost(bids, max(ZERO, -net)) + _opening_cost(asks, max(ZERO, net))


def _opening_cost(orders: list[OpenSize], closable: Contracts) -> Dollars:
    opening = max(ZERO, sum((order.count for order in orders), ZERO) - closable)
    cost = ZERO
    for order in sorted(orders, key=lambda order: order.price, reverse=True):
        part = min(opening, order.count)
        cost += part * order.price
        opening -= part
    return cost


@dataclass(frozen=True, slots=True)
class Liquidation:
    """A sale of the whole position, best bids first.

    `unsold` contracts have no bids and bring nothing. `proceeds` are before `fees`. None: the fee schedule
    is unknown.
    """

    proceeds: Dollars
    fees: Dollars | None
    average_price: Price | None
    unsold: Contracts

    @property
    def value(self) -> Dollars | None:
        """Cash from the sale after fees. None: the fees are unknown."""
        return None if self.fees is None else self.proceeds - self.fees


def liquidate(net: Contracts, book: OrderBook, schedule: FeeSchedule | None) -> Liquidation:
    """Sell `net` contracts to all bids, as a taker.

    `net` is above zero for YES, below for NO.
    """
    side = Side.YES if net > ZERO else Side.NO
    sale = walk(book, Action.SELL, side, abs(net), ZERO)
    return Liquidation(sale.amount, taker_fees(sale, schedule), sale.average_price, sale.left)


def taker_fees(sale: BookWalk, schedule: FeeSchedule | None) -> Dollars | None:
    """Return the fees of a sale, with each level as one fill of one order.

    None: the rates are unknown.
    """
    rate = fee_rate(schedule, is_taker=True) if schedule is not None else None
    if rate is None:
        return None
    total = accumulator = ZERO
    for level in sale.fills:
        revenue = level.price * level.count
        fee = fee_of_fill(rate, level.count, level.price, revenue=revenue, accumulator=accumulator)
        total, accumulator = total + fee.net_fee, fee.accumulator
    return total


class Mark(StrEnum):
    """The price that values a position, in the terms of its side."""

    BEST_BID = "best bid"  # what a buyer would pay now
    MIDPOINT = "midpoint"
    LAST = "last price"


def mark_price(position: Position, market: Market | None, mark: Mark = Mark.BEST_BID) -> Price | None:
    """Return the mark in the terms of the position's side.

    None: there is no such quote, no position, or the market is unknown.
    """
    if market is None or position.side is None:
        return None
    side = position.side
    if mark is Mark.LAST:
        return None if market.last_price is None else side.price_in_side(market.last_price)
    if mark is Mark.BEST_BID:
        quote = market.yes_bid if side is Side.YES else market.yes_ask
        return None if quote is None else side.price_in_side(quote)
    if market.yes_bid is None or market.yes_ask is None:
        return None
    return side.price_in_side((market.yes_bid + market.yes_ask) / 2)
