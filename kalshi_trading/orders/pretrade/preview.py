"""A person's wish, priced and checked: the ticket in, the preview out, as pure arithmetic.

What the preview shows is what will be sent: it holds the finished order request with its
client_order_id. Nothing here reads the network or a clock; what is not known stays None.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from kalshi_trading.core import order_book
from kalshi_trading.core.fees import dearest_rate, fee_of_fill, fee_rate
from kalshi_trading.core.market_models import BookLevel, FeeSchedule, Market, OrderBook
from kalshi_trading.core.models import Action, BookSide, Order, OrderRequest, Position, Side, TimeInForce
from kalshi_trading.core.money import (
    ONE_DOLLAR,
    ZERO,
    Contracts,
    Dollars,
    Price,
    count_text,
    price_text,
)
from kalshi_trading.core.order_book import BookWalk
from kalshi_trading.core.valuation import OpenSize, market_exposure
from kalshi_trading.orders.pretrade import risk
from kalshi_trading.orders.pretrade.payoff import (
    AT_THE_LIMIT,
    Bounds,
    Payoff,
    bounds,
    cash_after,
    cash_of_unseen,
    expected_cost,
    locked_in,
    opening_count,
    payoff,
    price_of_opening,
)
from kalshi_trading.orders.pretrade.risk_input import (
    NO_ORDERS_YET,
    DataAge,
    DayTotals,
    Finding,
    InFlightOrder,
    RecentOrder,
    RiskInput,
    Severity,
)
from kalshi_trading.orders.pretrade.ticket import OrderTicket
from kalshi_trading.settings.model import Limits


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
    freshness: DataAge = NO_ORDERS_YET
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


@dataclass(frozen=True, slots=True)
class OrderPreview:
    """One order with every question answered. Dollars; gains are positive.

    `cost` is the cash needed at most before fees: the book can move until the order arrives, so every
    contract counts at the worst price. What is expected goes by the book as it was read.
    """

    ticket: OrderTicket
    request: OrderRequest
    circumstances: OrderContext
    walk: BookWalk
    cost: Dollars
    expected_cost: Dollars
    expected_fee: Dollars | None  # None: the fee schedule is not known, or the book could not be read
    bounds: Bounds | None  # with fees and rounding; None: a fee schedule that may apply is not known
    cash_after: Dollars | None  # at least, if all is filled; None: cash or fees are not known
    held_before: Contracts  # net, above zero YES, below zero NO
    held_after: Contracts
    closing: Contracts  # of its contracts, those that close what is held
    expected: Payoff
    worst: Payoff  # if all is filled, with the most it can cost
    locked_in: Dollars | None  # profit of what a closing order sells, before fees; None: closes nothing
    findings: tuple[Finding, ...]

    @property
    def from_midpoint(self) -> Price | None:
        """How far the limit lies above the midpoint, both in the terms of the side; None: one-sided."""
        book = self.circumstances.book
        middle = order_book.midpoint(book, self.request.side) if book is not None else None
        return None if middle is None else self.request.price - middle

    @property
    def is_denied(self) -> bool:
        return bool(risk.denials(self.findings))

    @property
    def sentence(self) -> str:
        """The order in one sentence: what is confirmed, recorded and sent."""
        return describe_order(self.request)


def describe_order(order: OrderRequest) -> str:
    """Write an order as a trader says it: `BUY 10 YES KXHIGHNY-26NOV21-B46.5 at 57¢, good till canceled`."""
    how_long = order.time_in_force.replace("_", " ")
    extras = (", post only" if order.post_only else "") + (", reduce only" if order.reduce_only else "")
    return (
        f"{order.action.upper()} {count_text(order.count)} {order.side.upper()} {order.ticker} "
        f"at {price_text(order.price)}, {how_long}{extras}"
    )


def is_worse(before: OrderPreview, after: OrderPreview) -> bool:
    """Tell whether less of the same order would fill now, or at an average more than a tick worse."""
    was, now = before.walk.average_price, after.walk.average_price
    if after.walk.filled < before.walk.filled:
        return True
    if was is None or now is None:
        return False
    off = now - was if after.request.action is Action.BUY else was - now
    return off > after.circumstances.market.price_grid.finest_step


def build_preview(
    ticket: OrderTicket,
    circumstances: OrderContext,
    *,
    limits: Limits,
    read_only: bool,
    client_order_id: str,
) -> OrderPreview:
    """Price and check a ticket against what was read. Pure: the same input gives the same preview."""
    now = circumstances
    held = now.position.net if now.position else ZERO
    request = _request(ticket, now, limits, held, client_order_id)
    walk = _walk(request, now)
    rests = ZERO if ticket.is_market_order or walk.meets_own_at is not None else walk.left
    signed = request.count if _goes_long_yes(ticket.action, ticket.side) else -request.count
    opening = ZERO if request.reduce_only else opening_count(held, signed, now.working)
    most = bounds(request, opening, _dearest_rate(now, request))
    expected_fee, closing = _expected_fee(now, walk, rests, request), request.count - opening
    preview = OrderPreview(
        ticket=ticket,
        request=request,
        circumstances=now,
        walk=walk,
        cost=opening * price_of_opening(request.action, request.price),
        expected_cost=expected_cost(walk, rests, request, opening),
        expected_fee=expected_fee,
        bounds=most,
        cash_after=cash_after(now.free_cash, most),
        held_before=held,
        held_after=held + signed,
        closing=closing,
        expected=payoff(walk, rests, request, closing, expected_fee),
        worst=payoff(AT_THE_LIMIT, request.count, request, closing, most.added if most else None),
        locked_in=locked_in(now.position, walk, rests, request, signed),
        findings=(),
    )
    return _checked(preview, limits, read_only)


def _goes_long_yes(action: Action, side: Side) -> bool:
    return (action is Action.BUY) == (side is Side.YES)


def _request(
    ticket: OrderTicket, now: OrderContext, limits: Limits, held: Contracts, client_order_id: str
) -> OrderRequest:
    price = ticket.worst_price if ticket.price is None else ticket.price
    if price is None:
        price = worst_price(ticket.action, ticket.side, now.market, now.book, limits.market_order_cap)
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
    """Give the worst price a market order accepts: `cap` dollars beyond the best, on the grid.

    Without a book to start from it is the middle of the range; the checks then deny the order.
    """
    best = order_book.best_opposite(book, action, side) if book is not None else None
    if best is None:
        return Decimal("0.5")
    wanted = best.price + cap if action is Action.BUY else best.price - cap
    in_yes = wanted if side is Side.YES else ONE_DOLLAR - wanted
    # Towards the best price, so that the cap is never exceeded.
    find = market.price_grid.at_or_below if _goes_long_yes(action, side) else market.price_grid.at_or_above
    on_grid = find(min(max(in_yes, ZERO), ONE_DOLLAR))
    if on_grid is None:
        return best.price
    return on_grid if side is Side.YES else ONE_DOLLAR - on_grid


def _walk(request: OrderRequest, now: OrderContext) -> BookWalk:
    """Walk the book as it was read; without one only orders of our own are known to be in the way."""
    if request.post_only:
        return BookWalk((), request.count)
    own_side = BookSide.of(request.action, request.side)
    own = [
        request.side.price_in_side(order.yes_price)
        for order in now.working
        if order.book_side is not own_side
    ]
    book = now.book or OrderBook(request.ticker, (), (), now.at)
    return order_book.walk(book, request.action, request.side, request.count, request.price, own)


def _dearest_rate(now: OrderContext, request: OrderRequest) -> Decimal | None:
    """Give the dearest r·m that may apply until the order fills; None: not known."""
    if now.fees is None:
        return None
    rests = request.time_in_force is TimeInForce.GOOD_TILL_CANCELED
    schedules = (now.fees, *now.later_fees) if rests else (now.fees,)
    return dearest_rate(schedules, is_taker=not request.post_only)


def _expected_fee(
    now: OrderContext, walk: BookWalk, rests: Contracts, request: OrderRequest
) -> Dollars | None:
    """Fee by the book as it was read: of what takes from it now, and of the rest once it is taken.

    One fill for each level; where a level is several orders, rounding can move it by some units.
    """
    taker = fee_rate(now.fees, is_taker=True) if now.fees else None
    maker = fee_rate(now.fees, is_taker=False) if now.fees else None
    if now.book is None or taker is None or maker is None:
        return None
    sign = -1 if request.action is Action.BUY else 1
    total = accumulator = ZERO
    for rate, level in (*((taker, fill) for fill in walk.fills), (maker, BookLevel(request.price, rests))):
        revenue = sign * level.count * level.price
        charged = fee_of_fill(rate, level.count, level.price, revenue=revenue, accumulator=accumulator)
        total, accumulator = total + charged.net_fee, charged.accumulator
    return total


def rechecked(
    preview: OrderPreview, later: Sequence[InFlightOrder], today: DayTotals, limits: Limits
) -> OrderPreview:
    """Judge a preview again with the orders recorded since; a counting rail that objects now denies it.

    `later` are those orders and `today` the day's counters now, of every session. A rail that would only ask
    denies too, because the user cannot be asked any more; what was asked with the same numbers is answered.
    The cost is that of now, so that the day's count is right.
    """
    now = preview.circumstances
    if not later and replace(today, pnl=now.today.pnl) == now.today:
        return preview
    listed = {order.client_order_id for order in now.resting}
    here = tuple(
        order for order in later if order.ticker == now.market.ticker and order.client_order_id not in listed
    )
    elsewhere = sum((order.cost for order in later if order.ticker != now.market.ticker), ZERO)
    counted = replace(
        now,
        unseen=(*now.unseen, *here),
        today=replace(today, pnl=now.today.pnl),
        elsewhere=now.elsewhere + elsewhere,
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


def _checked(preview: OrderPreview, limits: Limits, read_only: bool) -> OrderPreview:
    now, request = preview.circumstances, preview.request
    held = now.position.net if now.position else ZERO
    basis = now.position.cost_basis if now.position else ZERO
    side = BookSide.of(request.action, request.side)
    in_yes = request.price if request.side is Side.YES else ONE_DOLLAR - request.price
    orders = [OpenSize(order.book_side, order.yes_price, order.remaining_count) for order in now.working]
    orders.append(OpenSize(side, in_yes, request.count))
    proposal = RiskInput(
        market=now.market,
        action=request.action,
        side=request.side,
        count=request.count,
        price=request.price,
        is_market_order=preview.ticket.is_market_order,
        book=now.book,
        walk=preview.walk,
        cost=preview.cost,
        cost_bound=preview.bounds.cost if preview.bounds else preview.cost,
        cash=now.free_cash,
        held=max(ZERO, held if request.side is Side.YES else -held),
        resting=now.resting,
        worst_loss=market_exposure(held, basis, orders).worst,
        recent=now.recent,
        today=now.today,
        limits=limits,
        read_only=read_only,
        now=now.at,
        unresolved=now.unresolved,
        unseen=now.unseen,
        freshness=now.freshness,
    )
    return replace(preview, findings=risk.check(proposal))
