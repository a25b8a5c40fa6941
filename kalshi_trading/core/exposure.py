"""The most that positions and resting orders can still lose at settlement, per market and per event.

Worst means: of the resting orders exactly those fill that make it worse. Fees are left out. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from kalshi_trading.core.models import BookSide
from kalshi_trading.core.money import ZERO, Contracts, Dollars, Price


@dataclass(frozen=True, slots=True)
class RestingSize:
    """What an order may still trade: contracts at a YES price."""

    book_side: BookSide
    yes_price: Price
    count: Contracts

    @property
    def price(self) -> Price:
        """What one contract of the outcome it buys costs."""
        return self.book_side.bought.converted(self.yes_price)


@dataclass(frozen=True, slots=True)
class Exposure:
    """The most one market can lose if it ends YES, and if it ends NO; below zero it is a profit."""

    if_yes: Dollars = ZERO
    if_no: Dollars = ZERO

    @property
    def worst(self) -> Dollars:
        """The worse of both, never below zero. Scalar results lie between them."""
        return max(ZERO, self.if_yes, self.if_no)


def market_exposure(net: Contracts, cost_basis: Dollars, orders: Iterable[RestingSize]) -> Exposure:
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


def resting_collateral(net: Contracts, orders: Iterable[RestingSize]) -> Dollars:
    """Give the cash that the resting orders of one market hold: what they would open costs.

    Contracts that close a position cost nothing; where only some can close, the dearest count as opening.
    """
    sizes = tuple(orders)
    bids = [order for order in sizes if order.book_side is BookSide.BID]
    asks = [order for order in sizes if order.book_side is BookSide.ASK]
    return _opening_cost(bids, max(ZERO, -net)) + _opening_cost(asks, max(ZERO, net))


def _opening_cost(orders: list[RestingSize], closable: Contracts) -> Dollars:
    opening = max(ZERO, sum((order.count for order in orders), ZERO) - closable)
    cost = ZERO
    for order in sorted(orders, key=lambda order: order.price, reverse=True):
        part = min(opening, order.count)
        cost += part * order.price
        opening -= part
    return cost
