"""Cost of one order, the cash it leaves, and its P&L in each outcome.

Uses the walked book, and the limit for what rests. Pure arithmetic; decides nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from kalshi_trading.core.fees import max_cash
from kalshi_trading.core.market_models import BookLevel, Market
from kalshi_trading.core.models import Action, BookSide, OrderRequest, Position
from kalshi_trading.core.money import ONE_DOLLAR, ZERO, Contracts, Dollars, Price
from kalshi_trading.core.order_book import BookWalk

EMPTY_WALK = BookWalk((), ZERO)
"""A walk that fills nothing: with all contracts as the rest at the limit, it is the worst case."""


@dataclass(frozen=True, slots=True)
class FloorTerms:
    """Dollars by which a settlement floor changes one contract of an order.

    An opening contract costs `opening` less and a closing one brings `closing` less, because the exchange
    paid them before. `least` is the least a YES contract pays over its life. Source: Kalshi API, settlement
    floors.
    """

    opening: Dollars = ZERO
    closing: Dollars = ZERO
    least: Dollars = ZERO


def floor_terms(request: OrderRequest, market: Market) -> FloorTerms:
    """Return the terms of the market's floor.

    If the floor is unknown they are on the safe side. Opening then costs the whole price. Closing a YES
    counts on no proceeds, because the floor can be just below its price.
    """
    floor = market.settlement_floor or ZERO
    if request.book_side is BookSide.BID:
        return FloorTerms(opening=floor, least=floor)
    return FloorTerms(closing=request.yes_price if market.is_floor_unknown else floor, least=floor)


def expected_cost(
    walk: BookWalk, rests: Contracts, request: OrderRequest, opening: Contracts, terms: FloorTerms
) -> Dollars:
    """Return the cash that the opening part takes by the book as it was read.

    The first fills are the ones that close.
    """
    parts = (*walk.fills, BookLevel(request.price, rests))
    cost, left = ZERO, max(ZERO, walk.filled + rests - (request.count - opening))
    for part in reversed(parts):
        taken = min(left, part.count)
        cost += taken * (price_of_opening(request.action, part.price) - terms.opening)
        left -= taken
    return cost


def price_of_opening(action: Action, price: Price) -> Price:
    """Return the price to open one contract.

    A sale that opens costs the price of the other outcome. Source: Kalshi API, order direction.
    """
    return price if action is Action.BUY else ONE_DOLLAR - price


@dataclass(frozen=True, slots=True)
class Payoff:
    """The result of one order alone if it fills in one way.

    Dollars; gains are positive. `proceeds` is what the closing contracts bring, before fees. `if_yes` and
    `if_no` are P&L after fees, `if_no` at the settlement floor if there is one. None: the fee is not known.
    """

    proceeds: Dollars
    if_yes: Dollars | None
    if_no: Dollars | None


def payoff(
    walk: BookWalk,
    rests: Contracts,
    request: OrderRequest,
    closing: Contracts,
    fee: Dollars | None,
    terms: FloorTerms,
) -> Payoff:
    """Return the result if `walk` fills and `rests` fills at the limit."""
    return Payoff(
        _proceeds(walk, rests, request, closing, terms),
        _profit_at(ONE_DOLLAR, walk, rests, request, fee),
        _profit_at(terms.least, walk, rests, request, fee),
    )


def _proceeds(
    walk: BookWalk, rests: Contracts, request: OrderRequest, closing: Contracts, terms: FloorTerms
) -> Dollars:
    amount, closed = _first_contracts(walk, rests, request, closing), min(closing, walk.filled + rests)
    price = amount if request.action is Action.SELL else closed - amount
    return price - closed * terms.closing


def _profit_at(
    yes_value: Dollars, walk: BookWalk, rests: Contracts, request: OrderRequest, fee: Dollars | None
) -> Dollars | None:
    """Return the P&L if a YES contract settles at `yes_value` dollars.

    A sale gives up the payout for the price. None: the fee is not known.
    """
    if fee is None:
        return None
    count = walk.filled + rests
    amount = walk.amount + rests * request.price
    payout = count * request.side.price_in_side(yes_value)
    gain = payout - amount if request.action is Action.BUY else amount - payout
    return gain - fee


@dataclass(frozen=True, slots=True)
class Bounds:
    """The most an order can take with fees and rounding, however it fills.

    Dollars, never negative. `cost` is the cash for the opening part, plus any closing fees above the
    closing proceeds. `proceeds` is the least that the closing part brings after fees, if all is filled.
    `added` is the most that fees and rounding add to all contracts at the limit.
    """

    cost: Dollars
    proceeds: Dollars
    added: Dollars


def bounds(
    request: OrderRequest, opening: Contracts, rate: Decimal | None, terms: FloorTerms
) -> Bounds | None:
    """Bound the cash of an order; `rate` is the highest r·m it can meet.

    None: the rate is not known.
    """
    if rate is None:
        return None
    price, closing = price_of_opening(request.action, request.price), request.count - opening
    opened = max_cash(rate, opening, price, terms.opening)
    closed = max_cash(rate, closing, price, -terms.closing)
    at_limit = opening * (price - terms.opening) + closing * (price + terms.closing)
    return Bounds(
        cost=opened + max(ZERO, closed - closing),
        proceeds=max(ZERO, closing - closed),
        added=opened + closed - at_limit,
    )


def cash_after(cash: Dollars | None, most: Bounds | None) -> Dollars | None:
    """Return the least cash that can be left once all is filled.

    None: cash or fees are not known.
    """
    if cash is None or most is None:
        return None
    return cash - most.cost + most.proceeds


def locked_in(
    position: Position | None, walk: BookWalk, rests: Contracts, request: OrderRequest, signed: Contracts
) -> Dollars | None:
    """Return the P&L over average cost of the closed contracts, before fees.

    The exchange books realized P&L lot by lot, oldest first. With lots at several prices a partial sale can
    differ from the average shown here. None: the order closes nothing.
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
    """Return price times count over the first `count` contracts to fill.

    The first fills are the ones that close.
    """
    amount, left = ZERO, count
    for level in (*walk.fills, BookLevel(request.price, rests)):
        taken = min(left, level.count)
        amount += taken * level.price
        left -= taken
    return amount
