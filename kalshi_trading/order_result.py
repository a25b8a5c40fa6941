"""What one order takes and brings: its cost, the cash it leaves, its profit either way, what it locks in.

Goes by the book as it was walked, and by the limit for what rests. Pure arithmetic; decides nothing.
"""

from __future__ import annotations

from kalshi_trading.market_models import BookLevel
from kalshi_trading.models import Action, OrderRequest, Position, Side
from kalshi_trading.money import ONE_DOLLAR, ZERO, Contracts, Dollars, Price
from kalshi_trading.order_book import Walk


def expected_cost(walk: Walk, rests: Contracts, request: OrderRequest, opening: Contracts) -> Dollars:
    """Cash the opening part takes by the book as it was read: the first fills are the ones that close."""
    parts = (*walk.fills, BookLevel(request.price, rests))
    cost, left = ZERO, max(ZERO, walk.filled + rests - (request.count - opening))
    for part in reversed(parts):
        taken = min(left, part.count)
        cost += taken * paid(request.action, part.price)
        left -= taken
    return cost


def paid(action: Action, price: Price) -> Price:
    """Give what opening one contract takes; a sale that opens costs what the other outcome costs.

    Source: Kalshi API, order direction.
    """
    return price if action is Action.BUY else ONE_DOLLAR - price


def cash_after(
    cash: Dollars | None, request: OrderRequest, opening: Contracts, cost: Dollars, fee: Dollars | None
) -> Dollars | None:
    """Cash once all is filled at the worst price; what closes brings the rest of its dollar."""
    if cash is None or fee is None:
        return None
    proceeds = (request.count - opening) * (ONE_DOLLAR - paid(request.action, request.price))
    return cash - cost + proceeds - fee


def profit_if(
    walk: Walk,
    rests: Contracts,
    request: OrderRequest,
    fee: Dollars | None,
    result: Side,
) -> Dollars | None:
    """Profit of this order, as expected, if the market settles `result`; None when the fee is unknown.

    Selling is giving up the payout for the price.
    """
    if fee is None:
        return None
    count = walk.filled + rests
    amount = walk.amount + rests * request.price
    payout = count if result is request.side else ZERO
    gain = payout - amount if request.action is Action.BUY else amount - payout
    return gain - fee


def locked_in(
    position: Position | None, walk: Walk, rests: Contracts, request: OrderRequest, signed: Contracts
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


def _first_contracts(walk: Walk, rests: Contracts, request: OrderRequest, count: Contracts) -> Dollars:
    """Price times count over the first `count` contracts to be filled: they are the ones that close."""
    amount, left = ZERO, count
    for level in (*walk.fills, BookLevel(request.price, rests)):
        taken = min(left, level.count)
        amount += taken * level.price
        left -= taken
    return amount
