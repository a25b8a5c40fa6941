"""What one order costs, the cash it leaves, and its profit in each outcome.

Goes by the book as it was walked, and by the limit for what rests. Pure arithmetic; decides nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from kalshi_trading.core.fees import cash_bound
from kalshi_trading.core.market_models import BookLevel
from kalshi_trading.core.models import Action, OrderRequest, Position, Side
from kalshi_trading.core.money import ONE_DOLLAR, ZERO, Contracts, Dollars, Price
from kalshi_trading.core.order_book import BookWalk

AT_THE_LIMIT = BookWalk((), ZERO)
"""Nothing fills better than at the limit: with all contracts as the rest, the worst that can happen."""


def expected_cost(walk: BookWalk, rests: Contracts, request: OrderRequest, opening: Contracts) -> Dollars:
    """Cash the opening part takes by the book as it was read: the first fills are the ones that close."""
    parts = (*walk.fills, BookLevel(request.price, rests))
    cost, left = ZERO, max(ZERO, walk.filled + rests - (request.count - opening))
    for part in reversed(parts):
        taken = min(left, part.count)
        cost += taken * price_of_opening(request.action, part.price)
        left -= taken
    return cost


def price_of_opening(action: Action, price: Price) -> Price:
    """Give what opening one contract takes; a sale that opens costs what the other outcome costs.

    Source: Kalshi API, order direction.
    """
    return price if action is Action.BUY else ONE_DOLLAR - price


@dataclass(frozen=True, slots=True)
class Payoff:
    """What an order alone comes to when it fills in one way. Dollars; gains are positive.

    `proceeds` is what its contracts bring that close what is held, before fees. Profits are after fees;
    None: the fee is not known.
    """

    proceeds: Dollars
    if_yes: Dollars | None
    if_no: Dollars | None


def payoff(
    walk: BookWalk, rests: Contracts, request: OrderRequest, closing: Contracts, fee: Dollars | None
) -> Payoff:
    """Tell what comes of it if `walk` fills and the rest at the limit."""
    return Payoff(
        _proceeds(walk, rests, request, closing),
        _profit_if(Side.YES, walk, rests, request, fee),
        _profit_if(Side.NO, walk, rests, request, fee),
    )


def _proceeds(walk: BookWalk, rests: Contracts, request: OrderRequest, closing: Contracts) -> Dollars:
    amount = _first_contracts(walk, rests, request, closing)
    return amount if request.action is Action.SELL else min(closing, walk.filled + rests) - amount


def _profit_if(
    result: Side, walk: BookWalk, rests: Contracts, request: OrderRequest, fee: Dollars | None
) -> Dollars | None:
    """Profit if the market settles `result`. Selling is giving up the payout for the price."""
    if fee is None:
        return None
    count = walk.filled + rests
    amount = walk.amount + rests * request.price
    payout = count if result is request.side else ZERO
    gain = payout - amount if request.action is Action.BUY else amount - payout
    return gain - fee


@dataclass(frozen=True, slots=True)
class Bounds:
    """The most an order can take, fees and rounding inside, however it fills. Dollars, never negative.

    `cost` is the cash for what it opens, and for what it closes where that brings less than its fees.
    `proceeds` is the least that what it closes brings after fees, if all is filled. `added` is what fees
    and rounding can add to all contracts at the limit.
    """

    cost: Dollars
    proceeds: Dollars
    added: Dollars


def bounds(request: OrderRequest, opening: Contracts, rate: Decimal | None) -> Bounds | None:
    """Bound the cash of an order; `rate` is the dearest r·m it can meet. None: it is not known."""
    if rate is None:
        return None
    price, closing = price_of_opening(request.action, request.price), request.count - opening
    opened, closed = cash_bound(rate, opening, price), cash_bound(rate, closing, price)
    return Bounds(
        cost=opened + max(ZERO, closed - closing),
        proceeds=max(ZERO, closing - closed),
        added=opened + closed - request.count * price,
    )


def cash_after(cash: Dollars | None, most: Bounds | None) -> Dollars | None:
    """Give the least cash that can be left once all is filled."""
    if cash is None or most is None:
        return None
    return cash - most.cost + most.proceeds


def locked_in(
    position: Position | None, walk: BookWalk, rests: Contracts, request: OrderRequest, signed: Contracts
) -> Dollars | None:
    """Profit over average cost of the contracts this order closes, before fees.

    The exchange books realized profit lot by lot, oldest first; with lots at several prices a partial
    sale can differ from the average shown here.
    """
    if position is None or position.net * signed >= ZERO:
        return None
    reached = walk.filled + rests
    closed = min(position.count, reached)
    if closed == ZERO:
        return None
    amount = _first_contracts(walk, rests, request, closed)
    received = amount if position.side is request.side else closed - amount
    return received - position.cost_basis * closed / position.count


def _first_contracts(walk: BookWalk, rests: Contracts, request: OrderRequest, count: Contracts) -> Dollars:
    """Price times count over the first `count` contracts to be filled: they are the ones that close."""
    amount, left = ZERO, count
    for level in (*walk.fills, BookLevel(request.price, rests)):
        taken = min(left, level.count)
        amount += taken * level.price
        left -= taken
    return amount
