"""What a position is worth at its mark or sold into the book, and the most it can still lose.

The worst case assumes that exactly those resting orders fill that make it worse; fees are left out of it.
Pure; sells nothing.
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
    """What an order may still trade: contracts at a YES price."""

    book_side: BookSide
    yes_price: Price
    count: Contracts

    @property
    def price(self) -> Price:
        """What one contract of the outcome it buys costs."""
        return self.book_side.long_outcome.price_in_side(self.yes_price)


@dataclass(frozen=True, slots=True)
class Exposure:
    """The most one market can lose if it ends YES, and if it ends NO; below zero it is a profit."""

    if_yes: Dollars = ZERO
    if_no: Dollars = ZERO

    @property
    def worst(self) -> Dollars:
        """The worse of both, never below zero. Scalar results lie between them."""
        return max(ZERO, self.if_yes, self.if_no)


def market_exposure(net: Contracts, cost_basis: Dollars, orders: Iterable[OpenSize]) -> Exposure:
    """Weigh one market. `net` is above zero for YES held, below for NO; `cost_basis` what it cost."""
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
    """Give the most the markets of one event can lose together.

    Of mutually exclusive markets at most one ends YES, so their worst cases cannot all come true.
    """
    exposures = tuple(markets)
    if not mutually_exclusive:
        return sum((exposure.worst for exposure in exposures), ZERO)
    none_yes = sum((exposure.if_no for exposure in exposures), ZERO)
    one_yes = (none_yes - exposure.if_no + exposure.if_yes for exposure in exposures)
    return max(ZERO, none_yes, *one_yes)


def resting_collateral(net: Contracts, orders: Iterable[OpenSize]) -> Dollars:
    """Give the cash that the resting orders of one market hold: what they would open costs.

    Contracts that close a position cost nothing; where only some can close, the dearest count as opening.
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
    """A sale of everything, best bids first. `unsold` contracts find no buyer and bring nothing.

    `proceeds` are before `fees`; None: the fee schedule is not known.
    """

    proceeds: Dollars
    fees: Dollars | None
    average_price: Price | None
    unsold: Contracts

    @property
    def value(self) -> Dollars | None:
        """Cash the sale would bring; None when its fees are not known."""
        return None if self.fees is None else self.proceeds - self.fees


def liquidate(net: Contracts, book: OrderBook, schedule: FeeSchedule | None) -> Liquidation:
    """Sell `net` contracts (above zero YES, below zero NO) to every bid there is, as a taker."""
    side = Side.YES if net > ZERO else Side.NO
    sale = walk(book, Action.SELL, side, abs(net), ZERO)
    return Liquidation(sale.amount, taker_fees(sale, schedule), sale.average_price, sale.left)


def taker_fees(sale: BookWalk, schedule: FeeSchedule | None) -> Dollars | None:
    """Give the fees of a sale, each level as one fill of one order; None: the rates are not known."""
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
    """The price at which a position is valued, in the terms of the side held."""

    BEST_BID = "best bid"  # what somebody would pay now
    MIDPOINT = "midpoint"
    LAST = "last price"


def mark_price(position: Position, market: Market | None, mark: Mark = Mark.BEST_BID) -> Price | None:
    """Give the mark in the terms of the side held; None without quotes or when the market is not known."""
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
