"""Pre-trade checks: named rules that turn a priced order into findings.

A denial cannot be overridden: there is no force flag. A question needs a typed answer; a warning only
appears on the ticket. Never calls the network, never raises. Cancels and reads are never checked.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum

from kalshi_trading.core.market_models import MarketStatus
from kalshi_trading.core.models import Action
from kalshi_trading.core.money import (
    ZERO,
    Dollars,
    cents_text,
    count_text,
    dollars_text,
    price_text,
    round_down,
    round_half_even,
    round_up,
)
from kalshi_trading.core.order_book import best_opposite, is_crossed, midpoint
from kalshi_trading.core.text import contracts_text
from kalshi_trading.orders.pretrade.context import RecentOrder, promised_count
from kalshi_trading.orders.pretrade.findings import Finding, Severity
from kalshi_trading.orders.pretrade.preview import OrderPreview
from kalshi_trading.orders.pretrade.ticket import off_grid
from kalshi_trading.settings.options import Limits

STALE_BOOK = timedelta(seconds=5)
OUTCOME_UNKNOWN = "outcome unknown"
SAME_ORDER_WITHIN = timedelta(seconds=30)
READ_ONLY = Finding("read-only", Severity.DENY, "This session is read-only. Orders are disabled.")

Rule = Callable[[OrderPreview, Limits], Finding | None]


def check(preview: OrderPreview, limits: Limits, *, read_only: bool) -> tuple[Finding, ...]:
    """Apply every rule and return denials, then questions, then warnings."""
    found = [finding for rule in RULES if (finding := rule(preview, limits)) is not None]
    if read_only:
        found.insert(0, READ_ONLY)
    return tuple(sorted(found, key=lambda finding: list(Severity).index(finding.severity)))


class Worse(StrEnum):
    """Changes other than findings that need a second confirmation."""

    ORDER = "order"
    EXPECTED = "expected"
    COST = "cost"
    MAX_COST = "max cost"


def what_is_worse(before: OrderPreview, after: OrderPreview) -> list[Worse | Finding]:
    """Return what got worse between two previews of the same ticket.

    A change that is not worse needs no second question.
    """
    found: list[Worse | Finding] = []
    if before.sentence != after.sentence:
        found.append(Worse.ORDER)
    if _fills_worse(before, after):
        found.append(Worse.EXPECTED)
    if after.cost > before.cost:
        found.append(Worse.COST)
    elif before.bounds and after.bounds and after.bounds.cost > before.bounds.cost:
        found.append(Worse.MAX_COST)
    known = {(finding.rule, finding.severity) for finding in before.findings}
    if before.context.unresolved != after.context.unresolved:
        known.discard((OUTCOME_UNKNOWN, Severity.ASK))  # it concerns another order now
    found += [finding for finding in after.findings if (finding.rule, finding.severity) not in known]
    return found


def _fills_worse(before: OrderPreview, after: OrderPreview) -> bool:
    """Check whether less would fill now, or over a tick worse on average."""
    was, now = before.walk.average_price, after.walk.average_price
    if after.walk.filled < before.walk.filled:
        return True
    if was is None or now is None:
        return False
    off = now - was if after.request.action is Action.BUY else was - now
    return off > after.context.market.price_grid.finest_step


def market_open(preview: OrderPreview, _: Limits) -> Finding | None:
    market = preview.context.market
    if market.status is not MarketStatus.ACTIVE:
        return Finding(
            "market open", Severity.DENY, f"This market is not active (status: {market.status_word})."
        )
    if preview.context.at >= market.close_at:
        return Finding("market open", Severity.DENY, "This market has closed.")
    return None


def price_on_grid(preview: OrderPreview, _: Limits) -> Finding | None:
    text = off_grid(preview.context.market.price_grid, preview.request.side, preview.request.price)
    return None if text is None else Finding("price grid", Severity.DENY, text, preview.request.price)


def floor_known(preview: OrderPreview, _: Limits) -> Finding | None:
    if not preview.context.market.is_floor_unknown:
        return None
    text = "Settlement floor unknown: costs count the full price, and selling YES counts on no proceeds."
    return Finding("settlement floor", Severity.WARN, text)


def contracts_per_order(preview: OrderPreview, limits: Limits) -> Finding | None:
    rule, count = "contracts per order", preview.request.count
    soft, hard = limits.soft_order_count, limits.hard_order_count
    if count > hard:
        text = f"Too large: {contracts_text(count)} (max {count_text(hard)}, KALSHI_HARD_ORDER_COUNT)."
        return Finding(rule, Severity.DENY, text, count, hard)
    if count > soft:
        text = f"Large order: {contracts_text(count)} (confirm above {count_text(soft)})."
        return Finding(rule, Severity.ASK, text, count, soft)
    return None


def cost_per_order(preview: OrderPreview, limits: Limits) -> Finding | None:
    rule, cost = "cost per order", preview.cost
    soft, hard = limits.soft_order_cost, limits.hard_order_cost
    if cost > hard:
        text = f"Cost too high: {_at_most(cost)} (max {dollars_text(hard)}, KALSHI_HARD_ORDER_COST)."
        return Finding(rule, Severity.DENY, text, cost, hard)
    if cost > soft:
        text = f"High cost: {_at_most(cost)} (confirm above {dollars_text(soft)})."
        return Finding(rule, Severity.ASK, text, cost, soft)
    return None


def _at_most(amount: Dollars) -> str:
    """Write dollars rounded up, so an excess never reads as the limit."""
    return cents_text(amount, round_up)


def _at_least(amount: Dollars) -> str:
    return cents_text(amount, round_down)


def enough_cash(preview: OrderPreview, _: Limits) -> Finding | None:
    cost, cash, balance = preview.cost, preview.context.free_cash, preview.context.cash
    if balance is not None and balance < ZERO:
        text = (
            f"Cash is {cents_text(balance, round_down)}. The exchange takes no order until it is $0 or more."
        )
        return Finding("cash", Severity.ASK, text, cost, balance)
    if not preview.adds_risk:
        return None
    if cash is None:
        return Finding("cash", Severity.ASK, "Cash balance unavailable. The exchange may reject the order.")
    if cost > cash:
        text = f"Not enough cash: need {_at_most(cost)}, have {_at_least(cash)}."
        if preview.context.unseen:
            text += " Orders the exchange does not show yet are deducted."
        return Finding("cash", Severity.DENY, text, cost, cash)
    if preview.cost_bound > cash:
        most = _at_most(preview.cost_bound)
        text = f"Max cost {most} exceeds cash {_at_least(cash)}. The exchange may reject the order."
        return Finding("cash", Severity.WARN, text, preview.cost_bound, cash)
    return None


def loss_per_market(preview: OrderPreview, limits: Limits) -> Finding | None:
    limit = limits.market_loss_limit
    if not preview.adds_risk or preview.worst_loss <= limit:
        return None
    text = (
        f"Over your market loss limit: {_at_most(preview.worst_loss)} at risk including open orders "
        f"(max {dollars_text(limit)}, KALSHI_MARKET_LOSS_LIMIT)."
    )
    return Finding("loss per market", Severity.DENY, text, preview.worst_loss, limit)


def bought_per_day(preview: OrderPreview, limits: Limits) -> Finding | None:
    limit = limits.daily_cost_limit
    total = preview.context.today.bought + preview.cost
    if not preview.adds_risk or total <= limit:
        return None
    text = (
        f"Over your daily buy limit: {_at_most(total)} today, filled or not "
        f"(max {dollars_text(limit)}, KALSHI_DAILY_COST_LIMIT)."
    )
    return Finding("bought per day", Severity.DENY, text, total, limit)


def orders_per_day(preview: OrderPreview, limits: Limits) -> Finding | None:
    orders, limit = preview.context.today.orders, limits.daily_order_limit
    if not preview.adds_risk or orders < limit:
        return None
    text = f"At your daily order limit: {orders:,} sent today (max {limit:,}, KALSHI_DAILY_ORDER_LIMIT)."
    return Finding("orders per day", Severity.DENY, text, Decimal(orders), Decimal(limit))


def loss_per_day(preview: OrderPreview, limits: Limits) -> Finding | None:
    """Allow only reducing orders once the day's loss reaches its limit."""
    pnl, limit = preview.context.today.pnl, limits.daily_loss_limit
    if not preview.adds_risk:
        return None
    if pnl is None:
        text = "Today's P&L is unavailable, so your daily loss limit cannot be checked."
        return Finding("loss per day", Severity.ASK, text)
    so_far = f"{cents_text(pnl.total, round_down, signed=True)} realized today plus open positions"
    if pnl.total <= -limit:
        text = (
            f"At your daily loss limit: {so_far} (max {dollars_text(limit)}, KALSHI_DAILY_LOSS_LIMIT). "
            "Only closing orders are allowed."
        )
        return Finding("loss per day", Severity.DENY, text, pnl.total, -limit)
    if pnl.total - pnl.unmarked <= -limit:
        text = (
            f"Daily loss limit uncertain: {so_far}, but positions that cost {_at_most(pnl.unmarked)} "
            "have no bids."
        )
        return Finding("loss per day", Severity.ASK, text, pnl.total - pnl.unmarked, -limit)
    return None


def price_against_book(preview: OrderPreview, limits: Limits) -> Finding | None:
    book, request = preview.context.book, preview.request
    if book is None or is_crossed(book):
        severity = Severity.DENY if preview.ticket.is_market_order else Severity.ASK
        return Finding("book", severity, "No reliable order book right now.")
    best = best_opposite(book, request.action, request.side)
    if best is None:
        return _book_side_is_empty(preview)
    sign = 1 if request.action is Action.BUY else -1
    through = sign * (request.price - best.price)
    beyond = "above the best ask" if request.action is Action.BUY else "below the best bid"
    text = f"{_your_price(preview)} is {price_text(through)} {beyond} of {price_text(best.price)}"
    warn, block = limits.warn_through, limits.block_through
    if through > block:
        text = f"{text} (max {price_text(block)}, KALSHI_BLOCK_THROUGH)."
        return Finding("price against the book", Severity.DENY, text, through, block)
    if through > warn and not preview.ticket.is_market_order:  # its cap is on the ticket
        return Finding("price against the book", Severity.WARN, f"{text}.", through, warn)
    return None


def _your_price(preview: OrderPreview) -> str:
    price, is_buy = price_text(preview.request.price), preview.request.action is Action.BUY
    if preview.ticket.is_market_order:
        return f"Your {'max' if is_buy else 'min'} price {price}"
    return f"Your {price} limit"


def _book_side_is_empty(preview: OrderPreview) -> Finding | None:
    what = "offers" if preview.request.action is Action.BUY else "bids"
    if preview.ticket.is_market_order:
        text = f"No {what} for {preview.request.side.upper()} right now. Use a limit order."
        return Finding("book", Severity.DENY, text)
    return Finding("book", Severity.WARN, f"No {what} yet. Your order will rest.")


def book_is_fresh(preview: OrderPreview, _: Limits) -> Finding | None:
    if preview.context.book is None:
        return None  # price_against_book reports it
    age = preview.context.at - preview.context.book.as_of
    if age <= STALE_BOOK:
        return None
    age_s = round_half_even(_seconds(age), Decimal("0.1"))
    text = f"The order book is {age_s} s old and may have moved."
    return Finding("book age", Severity.ASK, text, age_s, _seconds(STALE_BOOK))


def _seconds(duration: timedelta) -> Decimal:
    return Decimal(duration // timedelta(microseconds=1)).scaleb(-6)


def distance_from_midpoint(preview: OrderPreview, limits: Limits) -> Finding | None:
    book, price, limit = preview.context.book, preview.request.price, limits.warn_from_midpoint
    middle = midpoint(book, preview.request.side) if book is not None and not is_crossed(book) else None
    if middle is None or abs(price - middle) <= limit:
        return None
    distance, where = abs(price - middle), "above" if price > middle else "below"
    text = f"{_your_price(preview)} is {price_text(distance)} {where} the midpoint of {price_text(middle)}."
    return Finding("midpoint", Severity.WARN, text, distance, limit)


def sale_within_position(preview: OrderPreview, _: Limits) -> Finding | None:
    request, held = preview.request, preview.held_of_side
    if request.action is not Action.SELL:
        return None
    promised = promised_count(request.book_side, preview.context.working)
    free = max(ZERO, held - promised)
    if request.count <= free:
        return None
    side, other = request.side.upper(), request.side.opposite.upper()
    opens = count_text(request.count - free)
    if promised:
        orders = "open or unconfirmed orders" if preview.context.unseen else "open orders"
        text = (
            f"You hold {count_text(held)} {side}; {orders} may already sell {count_text(promised)}. "
            f"Selling {count_text(request.count)} more can open {opens} {other}."
        )
    else:
        verb = "also opens" if held else "opens"
        text = (
            f"You hold {count_text(held)} {side}. Selling {count_text(request.count)} {verb} {opens} {other}."
        )
    return Finding("sale within position", Severity.ASK, text, request.count, free)


def own_order_opposite(preview: OrderPreview, _: Limits) -> Finding | None:
    at, left = preview.walk.meets_own_at, preview.walk.left
    if at is None:
        return None
    text = (
        f"Crosses your own order at {price_text(at)}. "
        f"The exchange will cancel the rest of this order, up to {contracts_text(left)}."
    )
    return Finding("own order", Severity.WARN, text, left)


def same_order_again(preview: OrderPreview, _: Limits) -> Finding | None:
    for order in preview.context.recent:
        age = abs(preview.context.at - order.at)  # a clock that stepped back must not hide it
        if _is_same(preview, order) and age <= SAME_ORDER_WITHIN:
            text = f"You sent the same order {int(age.total_seconds())} s ago."
            return Finding("same order again", Severity.ASK, text, _seconds(age), _seconds(SAME_ORDER_WITHIN))
    return None


def _is_same(preview: OrderPreview, order: RecentOrder) -> bool:
    """Compare an order with the preview, ignoring the price of market orders.

    That price follows the book.
    """
    wanted = preview.request
    terms = (preview.context.market.ticker, wanted.action, wanted.side, wanted.count)
    if terms != (order.ticker, order.action, order.side, order.count):
        return False
    return (preview.ticket.is_market_order and order.is_market_order) or wanted.price == order.price


def outcome_unknown(preview: OrderPreview, _: Limits) -> Finding | None:
    unresolved = preview.context.unresolved
    if not unresolved:
        return None
    text = f"Order status unknown in this market; it may be live: {'; '.join(unresolved)}."
    return Finding(OUTCOME_UNKNOWN, Severity.ASK, text, Decimal(len(unresolved)), ZERO)


def data_is_fresh(preview: OrderPreview, _: Limits) -> Finding | None:
    """Ask if position, cash and open orders may lack our newest order."""
    age = preview.context.data_age
    newest_at, as_of = age.newest_order_at, age.as_of
    if newest_at is None or (as_of is not None and as_of >= newest_at):
        return None
    missing = "Position, cash and open orders may not include"
    if as_of is None:
        text = f"Could not check how fresh the exchange data is. {missing} your newest order in this market."
        return Finding("data age", Severity.ASK, text)
    behind_s = round_half_even(_seconds(newest_at - as_of), Decimal("0.1"))
    text = f"Exchange data is {behind_s} s older than your newest order in this market. {missing} it."
    return Finding("data age", Severity.ASK, text, behind_s, ZERO)


COUNTING = frozenset({"cash", "loss per market", "bought per day", "orders per day", "sale within position"})
"""Rules whose numbers change with the orders of other sessions."""

RULES: tuple[Rule, ...] = (
    market_open,
    price_on_grid,
    floor_known,
    contracts_per_order,
    cost_per_order,
    enough_cash,
    loss_per_market,
    bought_per_day,
    orders_per_day,
    loss_per_day,
    price_against_book,
    book_is_fresh,
    distance_from_midpoint,
    sale_within_position,
    own_order_opposite,
    same_order_again,
    outcome_unknown,
    data_is_fresh,
)
