"""Pre-trade checks as named rules over plain data: a proposed order in, findings out.

A denial cannot be overridden here: there is no force flag. A finding that asks wants a typed answer, a
warning only stands on the ticket. Never calls the network, never raises. Cancels and reads are never
checked.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

from kalshi_trading.core.market_models import MarketStatus
from kalshi_trading.core.models import Action, Side
from kalshi_trading.core.money import (
    ZERO,
    Price,
    PriceGrid,
    count_text,
    dollars_text,
    price_text,
    round_half_even,
)
from kalshi_trading.core.order_book import best_opposite, is_crossed, midpoint
from kalshi_trading.orders.pretrade.payoff import promised_count
from kalshi_trading.orders.pretrade.risk_input import Finding, RecentOrder, RiskInput, Severity

STALE_BOOK = timedelta(seconds=5)
OUTCOME_UNKNOWN = "outcome unknown"
SAME_ORDER_WITHIN = timedelta(seconds=30)

Rule = Callable[[RiskInput], Finding | None]


def check(proposal: RiskInput) -> tuple[Finding, ...]:
    """Ask every rule; denials first, then questions, then warnings."""
    found = [finding for rule in RULES if (finding := rule(proposal)) is not None]
    return tuple(sorted(found, key=lambda finding: list(Severity).index(finding.severity)))


def denials(findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    return tuple(finding for finding in findings if finding.severity is Severity.DENY)


def questions(findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    return tuple(finding for finding in findings if finding.severity is Severity.ASK)


def read_only(proposal: RiskInput) -> Finding | None:
    if not proposal.read_only:
        return None
    return Finding("read-only", Severity.DENY, "This session is read-only; no order can be sent.")


def market_open(proposal: RiskInput) -> Finding | None:
    market = proposal.market
    if market.status is not MarketStatus.ACTIVE:
        return Finding("market open", Severity.DENY, f"The market is {market.status_word}, not active.")
    if proposal.now >= market.close_at:
        return Finding("market open", Severity.DENY, "The market has closed.")
    return None


def price_on_grid(proposal: RiskInput) -> Finding | None:
    text = off_grid(proposal.market.price_grid, proposal.side, proposal.price)
    return None if text is None else Finding("price grid", Severity.DENY, text, proposal.price)


def off_grid(grid: PriceGrid, side: Side, price: Price) -> str | None:
    """Say that a price cannot be traded and which are the nearest that can; None when it can."""
    in_yes = side.price_in_side(price)
    if grid.contains(in_yes):
        return None
    neighbours = (grid.at_or_below(in_yes), grid.at_or_above(in_yes))
    valid = sorted(side.price_in_side(near) for near in neighbours if near is not None)
    nearest = " and ".join(price_text(near) for near in valid) or "not known"
    verb = "are" if len(valid) > 1 else "is"
    return f"{price_text(price)} is not a price of this market; the nearest {verb} {nearest}."


def contracts_per_order(proposal: RiskInput) -> Finding | None:
    count, soft, hard = proposal.count, proposal.limits.soft_order_count, proposal.limits.hard_order_count
    if count > hard:
        limit = f"{count_text(hard)} (KALSHI_HARD_ORDER_COUNT)"
        text = f"{count_text(count)} contracts are above the limit of {limit}."
        return Finding("contracts per order", Severity.DENY, text, count, hard)
    if count > soft:
        text = f"{count_text(count)} contracts are more than {count_text(soft)}."
        return Finding("contracts per order", Severity.ASK, text, count, soft)
    return None


def cost_per_order(proposal: RiskInput) -> Finding | None:
    cost, soft, hard = proposal.cost, proposal.limits.soft_order_cost, proposal.limits.hard_order_cost
    if cost > hard:
        limit = f"{dollars_text(hard)} (KALSHI_HARD_ORDER_COST)"
        text = f"A cost of {dollars_text(cost)} is above the limit of {limit}."
        return Finding("cost per order", Severity.DENY, text, cost, hard)
    if cost > soft:
        text = f"A cost of {dollars_text(cost)} is more than {dollars_text(soft)}."
        return Finding("cost per order", Severity.ASK, text, cost, soft)
    return None


def enough_cash(proposal: RiskInput) -> Finding | None:
    if not proposal.opens:
        return None
    if proposal.cash is None:
        return Finding("cash", Severity.ASK, "The balance is not known; the exchange may refuse the order.")
    if proposal.cost > proposal.cash:
        text = f"It needs {dollars_text(proposal.cost)}; there is {dollars_text(proposal.cash)}."
        if proposal.unseen:
            text += " Orders of yours that the exchange does not show yet are taken off."
        return Finding("cash", Severity.DENY, text, proposal.cost, proposal.cash)
    if proposal.cost_bound > proposal.cash:
        most, cash = dollars_text(proposal.cost_bound), dollars_text(proposal.cash)
        text = f"Max cost is {most}, cash is {cash}; the exchange may refuse the order."
        return Finding("cash", Severity.WARN, text, proposal.cost_bound, proposal.cash)
    return None


def loss_per_market(proposal: RiskInput) -> Finding | None:
    limit = proposal.limits.market_loss_limit
    if not proposal.opens or proposal.worst_loss <= limit:
        return None
    text = (
        f"This market could then lose {dollars_text(proposal.worst_loss)}, resting orders included; "
        f"the limit is {dollars_text(limit)} (KALSHI_MARKET_LOSS_LIMIT)."
    )
    return Finding("loss per market", Severity.DENY, text, proposal.worst_loss, limit)


def bought_per_day(proposal: RiskInput) -> Finding | None:
    limit = proposal.limits.daily_cost_limit
    total = proposal.today.bought + proposal.cost
    if not proposal.opens or total <= limit:
        return None
    text = (
        f"It would bring today's buying orders, filled or not, to {dollars_text(total)}; "
        f"the limit is {dollars_text(limit)} (KALSHI_DAILY_COST_LIMIT)."
    )
    return Finding("bought per day", Severity.DENY, text, total, limit)


def orders_per_day(proposal: RiskInput) -> Finding | None:
    limit = proposal.limits.daily_order_limit
    if not proposal.opens or proposal.today.orders < limit:
        return None
    text = f"{proposal.today.orders} orders were sent today; the limit is {limit} (KALSHI_DAILY_ORDER_LIMIT)."
    return Finding("orders per day", Severity.DENY, text, Decimal(proposal.today.orders), Decimal(limit))


def loss_per_day(proposal: RiskInput) -> Finding | None:
    """Let only reducing orders pass once the day's loss has reached its limit."""
    pnl, limit = proposal.today.pnl, proposal.limits.daily_loss_limit
    if not proposal.opens:
        return None
    if pnl is None:
        return Finding("loss per day", Severity.ASK, "The profit and loss of today could not be read.")
    so_far = f"Realized today and all that is open come to {dollars_text(pnl.total, signed=True)}"
    if pnl.total <= -limit:
        text = (
            f"{so_far}; from a loss of {dollars_text(limit)} on (KALSHI_DAILY_LOSS_LIMIT) "
            f"only reducing orders pass."
        )
        return Finding("loss per day", Severity.DENY, text, pnl.total, -limit)
    if pnl.total - pnl.unmarked <= -limit:
        text = f"{so_far}, but nobody bids for positions that cost {dollars_text(pnl.unmarked)}."
        return Finding("loss per day", Severity.ASK, text, pnl.total - pnl.unmarked, -limit)
    return None


def price_against_book(proposal: RiskInput) -> Finding | None:
    book = proposal.book
    if book is None or is_crossed(book):
        severity = Severity.DENY if proposal.is_market_order else Severity.ASK
        return Finding("book", severity, "There is no trustworthy book to compare the price with.")
    best = best_opposite(book, proposal.action, proposal.side)
    if best is None:
        return _nobody_there(proposal)
    sign = 1 if proposal.action is Action.BUY else -1
    through = sign * (proposal.price - best.price)
    text = f"{price_text(proposal.price)} is {price_text(through)} past the best, {price_text(best.price)}."
    warn, block = proposal.limits.warn_through, proposal.limits.block_through
    if through > block:
        text = f"{text[:-1]}; the limit is {price_text(block)} (KALSHI_BLOCK_THROUGH)."
        return Finding("price against the book", Severity.DENY, text, through, block)
    if through > warn and not proposal.is_market_order:  # its cap is on the ticket
        return Finding("price against the book", Severity.WARN, text, through, warn)
    return None


def _nobody_there(proposal: RiskInput) -> Finding | None:
    if proposal.is_market_order:
        verb = "sells" if proposal.action is Action.BUY else "buys"
        return Finding(
            "book", Severity.DENY, f"Nobody {verb} {proposal.side.upper()} now; use a limit order."
        )
    return Finding("book", Severity.WARN, "Nobody is on the other side of the book; the order will rest.")


def book_is_fresh(proposal: RiskInput) -> Finding | None:
    if proposal.book is None:
        return None  # said by the rule about the price
    age_s = round_half_even(_seconds(proposal.now - proposal.book.as_of), Decimal("0.1"))
    if proposal.now - proposal.book.as_of <= STALE_BOOK:
        return None
    text = f"The book is {age_s} s old; it may have moved since."
    return Finding("book age", Severity.ASK, text, age_s, _seconds(STALE_BOOK))


def _seconds(duration: timedelta) -> Decimal:
    return Decimal(duration // timedelta(microseconds=1)).scaleb(-6)


def distance_from_midpoint(proposal: RiskInput) -> Finding | None:
    book, limit = proposal.book, proposal.limits.warn_from_midpoint
    middle = midpoint(book, proposal.side) if book is not None and not is_crossed(book) else None
    if middle is None or abs(proposal.price - middle) <= limit:
        return None
    distance = proposal.price - middle
    where = "above" if distance > ZERO else "below"
    text = (
        f"{price_text(proposal.price)} is {price_text(abs(distance))} {where} the midpoint, "
        f"{price_text(middle)}."
    )
    return Finding("midpoint", Severity.WARN, text, abs(distance), limit)


def sale_within_position(proposal: RiskInput) -> Finding | None:
    if proposal.action is not Action.SELL:
        return None
    promised = promised_count(proposal.book_side, (*proposal.resting, *proposal.unseen))
    free = max(ZERO, proposal.held - promised)
    if proposal.count <= free:
        return None
    side, other = proposal.side.upper(), proposal.side.opposite.upper()
    where = "that rest or may have filled" if proposal.unseen else "that rest"
    text = (
        f"You can sell {count_text(free)} {side} (held {count_text(proposal.held)}; orders {where} may take "
        f"{count_text(promised)}); more would open a {other} position."
    )
    return Finding("sale within position", Severity.ASK, text, proposal.count, free)


def own_order_opposite(proposal: RiskInput) -> Finding | None:
    at, left = proposal.walk.meets_own_at, proposal.walk.left
    if at is None:
        return None
    text = (
        f"It would meet your own order at {price_text(at)}: the exchange then cancels what is left of it, "
        f"up to {count_text(left)}."
    )
    return Finding("own order", Severity.WARN, text, left)


def same_order_again(proposal: RiskInput) -> Finding | None:
    for order in proposal.recent:
        age = abs(proposal.now - order.at)  # a clock that stepped back must not hide it
        if _is_same(proposal, order) and age <= SAME_ORDER_WITHIN:
            text = f"The same order was sent {int(age.total_seconds())} s ago."
            return Finding("same order again", Severity.ASK, text, _seconds(age), _seconds(SAME_ORDER_WITHIN))
    return None


def _is_same(proposal: RiskInput, order: RecentOrder) -> bool:
    """Compare without the price of market orders: it follows the book."""
    wanted = (proposal.market.ticker, proposal.action, proposal.side, proposal.count)
    if wanted != (order.ticker, order.action, order.side, order.count):
        return False
    return (proposal.is_market_order and order.is_market_order) or proposal.price == order.price


def outcome_unknown(proposal: RiskInput) -> Finding | None:
    if not proposal.unresolved:
        return None
    named = "; ".join(proposal.unresolved)
    text = f"An order in this market may be live, its outcome is unknown: {named}."
    return Finding(OUTCOME_UNKNOWN, Severity.ASK, text, Decimal(len(proposal.unresolved)), ZERO)


def data_is_fresh(proposal: RiskInput) -> Finding | None:
    """Ask where our newest order may be missing in position, cash and open orders."""
    newest_at, as_of = proposal.freshness.newest_order_at, proposal.freshness.as_of
    if newest_at is None or (as_of is not None and as_of >= newest_at):
        return None
    lacking = "position, cash and open orders may not have it yet."
    if as_of is None:
        text = (
            f"How old the exchange's data is could not be read. Your newest order in this market: {lacking}"
        )
        return Finding("data age", Severity.ASK, text)
    behind_s = round_half_even(_seconds(newest_at - as_of), Decimal("0.1"))
    text = f"The exchange's data is {behind_s} s behind your newest order in this market; {lacking}"
    return Finding("data age", Severity.ASK, text, behind_s, ZERO)


COUNTING = frozenset({"cash", "loss per market", "bought per day", "orders per day", "sale within position"})
"""Rules whose numbers the orders of other sessions change."""

RULES: tuple[Rule, ...] = (
    read_only,
    market_open,
    price_on_grid,
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
