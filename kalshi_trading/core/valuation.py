"""Position value at a mark or sold into the book, and the maximum loss.

The worst case assumes that exactly the harmful resting orders fill. It excludes fees. Performs no I/O.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from kalshi_trading.core.fees import fee_of_fill, fee_rate
from kalshi_trading.core.market_models import FeeSchedule, Market, OrderBook
from kalshi_trading.core.models import Action, BookSide, Order, OrderStatus, Position, Side
from kalshi_trading.core.money import ONE_DOLLAR, ZERO, Contracts, Dollars, Price, price_text
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

    def cost(self, floor: Dollars) -> Dollars:
        """Return the cash to open one contract above a settlement floor."""
        return self.price - floor if self.book_side is BookSide.BID else self.price


def floor_paid(market: Market | None, side: Side | None) -> Dollars | None:
    """Return the dollars already paid on one held contract.

    A settlement floor pays YES holders early. Zero for NO. None: the floor is unknown.
    Source: Kalshi API, settlement floors.
    """
    if side is not Side.YES:
        return ZERO
    if market is None or market.is_floor_unknown:
        return None
    return market.settlement_floor or ZERO


def floor_cancel(order: Order, market: Market) -> str | None:
    """Explain a canceled order that the settlement floor has overtaken.

    Orders carry no reason: its price at or below today's floor is the evidence. None: no such order.
    Source: Kalshi API, settlement floors (`SettlementBoundsCancel`).
    """
    floor = market.settlement_floor
    if order.status is not OrderStatus.CANCELED or not floor or order.yes_price > floor:
        return None
    return f"canceled as the settlement floor rose to {price_text(floor)}"


@dataclass(frozen=True, slots=True)
class Exposure:
    """The most one market can lose if it ends YES, and if it ends NO.

    With a settlement floor `if_no` is the loss at the floor. Below zero it is a profit.
    """

    if_yes: Dollars = ZERO
    if_no: Dollars = ZERO

    @property
    def worst(self) -> Dollars:
        """The larger loss, never below zero. Scalar results lie in between."""
        return max(ZERO, self.if_yes, self.if_no)


def market_exposure(
    net: Contracts, cost_basis: Dollars, orders: Iterable[OpenSize], floor: Dollars = ZERO
) -> Exposure:
    """Return the exposure of one market, with its open orders.

    `net` is above zero for YES, below for NO. `cost_basis` is what the position cost, at full prices. A YES
    contract pays at least `floor`, so a NO contract never pays more than a dollar less it.
    """
    if_yes = if_no = cost_basis
    if net > ZERO:
        if_yes -= net
        if_no -= net * floor
    else:
        if_no += net * (ONE_DOLLAR - floor)
    for order in orders:
        if order.book_side is BookSide.BID:
            if_no += order.count * order.cost(floor)
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


def resting_collateral(net: Contracts, orders: Iterable[OpenSize], floor: Dollars = ZERO) -> Dollars:
    """Return the cash reserved by one market's resting orders.

    That is the cost of the contracts they would open. Closing contracts cost nothing. If only some can
    close, the most expensive count as opening. A bid costs its price less the settlement floor.
    """
    sizes = tuple(orders)
    bids = [order for order in sizes if order.book_side is BookSide.BID]
    asks = [order for order in sizes if order.book_side is BookSide.ASK]
    return _opening_cost(bids, max(ZERO, -net), floor) + _opening_cost(asks, max(ZERO, net), floor)


def _opening_cost(orders: list[OpenSize], closable: Contracts, floor: Dollars) -> Dollars:
    opening = max(ZERO, sum((order.count for order in orders), ZERO) - closable)
    cost = ZERO
    for order in sorted(orders, key=lambda order: order.price, reverse=True):
        part = min(opening, order.count)
        cost += part * order.cost(floor)
        opening -= part
    return cost


@dataclass(frozen=True, slots=True)
class Liquidation:
    """A sale of the whole position, best bids first.

    `unsold` contracts have no bids and bring nothing. `proceeds` are before `fees`, without the
    `floor_paid` that came earlier. None: the fee schedule is unknown.
    """

    proceeds: Dollars
    fees: Dollars | None
    average_price: Price | None
    unsold: Contracts
    floor_paid: Dollars = ZERO

    @property
    def value(self) -> Dollars | None:
        """Cash from the sale after fees. None: the fees are unknown."""
        return None if self.fees is None else self.proceeds - self.fees


def liquidate(
    net: Contracts, book: OrderBook, schedule: FeeSchedule | None, prepaid: Dollars = ZERO
) -> Liquidation:
    """Sell `net` contracts to all bids, as a taker.

    `net` is above zero for YES, below for NO. `prepaid` is what a settlement floor already paid on each.
    """
    side = Side.YES if net > ZERO else Side.NO
    sale = walk(book, Action.SELL, side, abs(net), ZERO)
    early, fees = prepaid * sale.filled, taker_fees(sale, schedule, prepaid)
    return Liquidation(sale.amount - early, fees, sale.average_price, sale.left, early)


def taker_fees(sale: BookWalk, schedule: FeeSchedule | None, prepaid: Dollars = ZERO) -> Dollars | None:
    """Return the fees of a sale, with each level as one fill of one order.

    The price sets the fee; the cash, less what was `prepaid`, its rounding. None: the rates are unknown.
    """
    rate = fee_rate(schedule, is_taker=True) if schedule is not None else None
    if rate is None:
        return None
    total = accumulator = ZERO
    for level in sale.fills:
        revenue = (level.price - prepaid) * level.count
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

    None: there is no such quote, no position, or the market is unknown. A quote at or below the settlement
    floor is from before the floor rose, and is none.
    """
    if market is None or position.side is None:
        return None
    side, floor = position.side, market.settlement_floor or ZERO
    bid, ask, last = (
        quote if quote is not None and quote > floor else None
        for quote in (market.yes_bid, market.yes_ask, market.last_price)
    )
    if mark is Mark.MIDPOINT:
        return None if bid is None or ask is None else side.price_in_side((bid + ask) / 2)
    quote = last if mark is Mark.LAST else bid if side is Side.YES else ask
    return None if quote is None else side.price_in_side(quote)
