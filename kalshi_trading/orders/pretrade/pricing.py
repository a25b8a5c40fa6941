"""Price and check a ticket against what was read. Pure arithmetic.

Never reads the network or a clock.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from kalshi_trading.core import order_book
from kalshi_trading.core.fees import fee_of_fill, fee_rate, highest_rate
from kalshi_trading.core.market_models import BookLevel, Market, OrderBook
from kalshi_trading.core.models import Action, BookSide, OrderRequest, Side, TimeInForce
from kalshi_trading.core.money import ONE_DOLLAR, ZERO, Contracts, Dollars, Price
from kalshi_trading.core.order_book import BookWalk
from kalshi_trading.core.valuation import OpenSize, market_exposure
from kalshi_trading.orders.pretrade import risk
from kalshi_trading.orders.pretrade.context import DayTotals, InFlightOrder, OrderContext, opening_count
from kalshi_trading.orders.pretrade.findings import Severity
from kalshi_trading.orders.pretrade.payoff import (
    EMPTY_WALK,
    bounds,
    cash_after,
    expected_cost,
    floor_terms,
    locked_in,
    payoff,
    price_of_opening,
)
from kalshi_trading.orders.pretrade.preview import OrderPreview
from kalshi_trading.orders.pretrade.ticket import OrderTicket
from kalshi_trading.settings.options import Limits


def build_preview(
    ticket: OrderTicket,
    context: OrderContext,
    *,
    limits: Limits,
    read_only: bool,
    client_order_id: str,
) -> OrderPreview:
    """Price and check a ticket: the same input gives the same preview."""
    held = context.position.net if context.position else ZERO
    request = _request(ticket, context, limits, held, client_order_id)
    walk = _walk(request, context)
    rests = ZERO if ticket.is_market_order or walk.meets_own_at is not None else walk.left
    signed = request.count if request.book_side is BookSide.BID else -request.count
    opening = ZERO if request.reduce_only else opening_count(held, signed, context.working)
    terms = floor_terms(request, context.market)
    most = bounds(request, opening, _highest_rate(context, request), terms)
    expected_fee, closing = _expected_fee(context, walk, rests, request), request.count - opening
    preview = OrderPreview(
        ticket=ticket,
        request=request,
        context=context,
        walk=walk,
        cost=opening * (price_of_opening(request.action, request.price) - terms.opening),
        expected_cost=expected_cost(walk, rests, request, opening, terms),
        expected_fee=expected_fee,
        bounds=most,
        cash_after=cash_after(context.free_cash, most),
        worst_loss=_worst_loss(context, request, held),
        held_before=held,
        held_after=held + signed,
        closing=closing,
        expected=payoff(walk, rests, request, closing, expected_fee, terms),
        worst=payoff(EMPTY_WALK, request.count, request, closing, most.added if most else None, terms),
        locked_in=locked_in(context.position, walk, rests, request, signed),
        findings=(),
    )
    return replace(preview, findings=risk.check(preview, limits, read_only=read_only))


def _worst_loss(context: OrderContext, request: OrderRequest, held: Contracts) -> Dollars:
    """Return the largest loss in the market if all our orders were filled.

    Includes this order and every order of ours that may rest.
    """
    basis = context.position.cost_basis if context.position else ZERO
    orders = [OpenSize(order.book_side, order.yes_price, order.remaining_count) for order in context.working]
    orders.append(OpenSize(request.book_side, request.yes_price, request.count))
    return market_exposure(held, basis, orders, context.floor).worst


def _request(
    ticket: OrderTicket, context: OrderContext, limits: Limits, held: Contracts, client_order_id: str
) -> OrderRequest:
    price = ticket.worst_price if ticket.price is None else ticket.price
    if price is None:
        price = worst_price(ticket.action, ticket.side, context.market, context.book, limits.market_order_cap)
    closes_only = ticket.is_market_order and _is_pure_sale(ticket, held)
    return OrderRequest(
        client_order_id=client_order_id,
        ticker=ticket.ticker,
        action=ticket.action,
        side=ticket.side,
        count=ticket.count,
        price=price,
        time_in_force=(
            TimeInForce.IMMEDIATE_OR_CANCEL if ticket.is_market_order else TimeInForce.GOOD_TILL_CANCELED
        ),
        post_only=ticket.post_only,
        reduce_only=closes_only,
    )


def _is_pure_sale(ticket: OrderTicket, held: Contracts) -> bool:
    held_of_side = held if ticket.side is Side.YES else -held
    return ticket.action is Action.SELL and ticket.count <= held_of_side


def worst_price(action: Action, side: Side, market: Market, book: OrderBook | None, cap: Dollars) -> Price:
    """Return the price `cap` dollars beyond the best, on the price grid.

    A market order trades at this price or better. Without a best price it is $0.50; the checks then deny
    the order.
    """
    best = order_book.best_opposite(book, action, side) if book is not None else None
    if best is None:
        return Decimal("0.5")
    wanted = best.price + cap if action is Action.BUY else best.price - cap
    in_yes = side.price_in_side(wanted)
    grid = market.price_grid
    # Round toward the best price, so that the cap is never exceeded.
    find = grid.at_or_below if BookSide.of(action, side) is BookSide.BID else grid.at_or_above
    on_grid = find(min(max(in_yes, ZERO), ONE_DOLLAR))
    return best.price if on_grid is None else side.price_in_side(on_grid)


def _walk(request: OrderRequest, context: OrderContext) -> BookWalk:
    """Walk the book as it was read.

    Without a book only our own orders on the other side are considered.
    """
    if request.post_only:
        return BookWalk((), request.count)
    own = [
        request.side.price_in_side(order.yes_price)
        for order in context.working
        if order.book_side is not request.book_side
    ]
    book = context.book or OrderBook(request.ticker, (), (), context.at)
    return order_book.walk(book, request.action, request.side, request.count, request.price, own)


def _highest_rate(context: OrderContext, request: OrderRequest) -> Decimal | None:
    """Return the highest r·m that may apply until the order fills.

    None: it is not known.
    """
    if context.fees is None:
        return None
    rests = request.time_in_force is TimeInForce.GOOD_TILL_CANCELED
    schedules = (context.fees, *context.later_fees) if rests else (context.fees,)
    return highest_rate(schedules, is_taker=not request.post_only)


def _expected_fee(
    context: OrderContext, walk: BookWalk, rests: Contracts, request: OrderRequest
) -> Dollars | None:
    """Return the expected fee for the taken levels and for the resting rest.

    Assumes one fill per level of the book as it was read. Where a level is several orders, rounding can move
    the fee by some units. None: the book or a fee rate is not known.
    """
    taker = fee_rate(context.fees, is_taker=True) if context.fees else None
    maker = fee_rate(context.fees, is_taker=False) if context.fees else None
    if context.book is None or taker is None or maker is None:
        return None
    sign = -1 if request.action is Action.BUY else 1
    total = accumulator = ZERO
    for rate, level in (*((taker, fill) for fill in walk.fills), (maker, BookLevel(request.price, rests))):
        revenue = sign * level.count * level.price
        charged = fee_of_fill(rate, level.count, level.price, revenue=revenue, accumulator=accumulator)
        total, accumulator = total + charged.net_fee, charged.accumulator
    return total


def recheck(
    preview: OrderPreview, later: Sequence[InFlightOrder], today: DayTotals, limits: Limits
) -> OrderPreview:
    """Check a preview again with the orders recorded since.

    `later` are those orders and `today` is the day's totals now, of every session. Only rules in
    `risk.COUNTING` run again. A new question denies too, because the user cannot be asked any more. A
    finding with the same numbers as before counts as answered. `cost` is recomputed, so that the day's totals
    are right.
    """
    context = preview.context
    if not later and replace(today, pnl=context.today.pnl) == context.today:
        return preview
    listed = {order.client_order_id for order in context.resting}
    here = tuple(
        order
        for order in later
        if order.ticker == context.market.ticker and order.client_order_id not in listed
    )
    cost_elsewhere = sum((order.cost for order in later if order.ticker != context.market.ticker), ZERO)
    counted = replace(
        context,
        unseen=(*context.unseen, *here),
        today=replace(today, pnl=context.today.pnl),
        cost_elsewhere=context.cost_elsewhere + cost_elsewhere,
    )
    identity = preview.request.client_order_id
    judged = build_preview(preview.ticket, counted, limits=limits, read_only=False, client_order_id=identity)
    known = {(finding.rule, finding.actual, finding.limit) for finding in preview.findings}
    stricter = [
        replace(each, severity=Severity.DENY)
        for each in judged.findings
        if each.rule in risk.COUNTING
        and each.severity is not Severity.WARN
        and (each.rule, each.actual, each.limit) not in known
    ]
    return replace(preview, cost=judged.cost, bounds=judged.bounds, findings=(*stricter, *preview.findings))
