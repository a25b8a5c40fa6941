"""Pre-trade checks as named rules over plain data: a proposed order in, findings out.

A denial cannot be overridden here: there is no force flag. A finding that asks wants a typed answer, a
warning only stands on the ticket. Never calls the network, never raises. Cancels and reads are never
checked.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from kalshi_trading.market_models import Market, MarketStatus, OrderBook
from kalshi_trading.models import Action, BookSide, Order, Side
from kalshi_trading.money import (
    ONE_DOLLAR,
    ZERO,
    Contracts,
    Dollars,
    Price,
    count_text,
    dollars_text,
    price_text,
)
from kalshi_trading.order_book import Walk, is_crossed, touch
from kalshi_trading.settings import Limits


class Severity(StrEnum):
    DENY = "deny"
    ASK = "ask"
    WARN = "warn"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one rule says about one order, with the numbers on both sides."""

    rule: str
    severity: Severity
    message: str


@dataclass(frozen=True, slots=True)
class RecentOrder:
    """An order of ours of a moment ago, to notice one that is sent twice."""

    ticker: str
    action: Action
    side: Side
    count: Contracts
    price: Price
    at: datetime


@dataclass(frozen=True, slots=True)
class DayTotals:
    """What was bought and ordered today, as the journal has it."""

    bought: Dollars = ZERO
    orders: int = 0


@dataclass(frozen=True, slots=True)
class Proposal:
    """One order and everything the rules look at. `price` is the limit in the terms of `side`."""

    market: Market
    action: Action
    side: Side
    count: Contracts
    price: Price
    is_market_order: bool
    book: OrderBook | None
    walk: Walk
    cost: Dollars  # cash the order may take, without fees; 0 for a sale of what is held
    fee_bound: Dollars
    cash: Dollars | None
    held: Contracts  # contracts of `side` held now
    resting: tuple[Order, ...]  # ours, in this market
    worst_loss: Dollars  # in this market, if this order and all that rest were filled
    recent: tuple[RecentOrder, ...]
    today: DayTotals
    limits: Limits
    read_only: bool
    now: datetime

    @property
    def opens(self) -> bool:
        """Tell whether the order can add to what is at risk."""
        return self.cost > ZERO

    @property
    def book_side(self) -> BookSide:
        long_yes = (self.action is Action.BUY) == (self.side is Side.YES)
        return BookSide.BID if long_yes else BookSide.ASK


Rule = Callable[[Proposal], Finding | None]


def check(proposal: Proposal) -> tuple[Finding, ...]:
    """Ask every rule; denials first, then questions, then warnings."""
    found = [finding for rule in RULES if (finding := rule(proposal)) is not None]
    return tuple(sorted(found, key=lambda finding: list(Severity).index(finding.severity)))


def denials(findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    return tuple(finding for finding in findings if finding.severity is Severity.DENY)


def questions(findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    return tuple(finding for finding in findings if finding.severity is Severity.ASK)


def read_only(proposal: Proposal) -> Finding | None:
    if not proposal.read_only:
        return None
    return Finding("read-only", Severity.DENY, "This session is read-only; no order can be sent.")


def market_open(proposal: Proposal) -> Finding | None:
    market = proposal.market
    if market.status is not MarketStatus.ACTIVE:
        return Finding("market open", Severity.DENY, f"The market is {market.status_word}, not active.")
    if proposal.now >= market.close_at:
        return Finding("market open", Severity.DENY, "The market has closed.")
    return None


def price_on_grid(proposal: Proposal) -> Finding | None:
    grid = proposal.market.price_grid
    in_yes = _flip(proposal.side, proposal.price)
    if grid.holds(in_yes):
        return None
    neighbours = (grid.at_or_below(in_yes), grid.at_or_above(in_yes))
    valid = sorted(_flip(proposal.side, price) for price in neighbours if price is not None)
    nearest = " and ".join(price_text(price) for price in valid) or "not known"
    verb = "are" if len(valid) > 1 else "is"
    text = f"{price_text(proposal.price)} is not a price of this market; the nearest {verb} {nearest}."
    return Finding("price grid", Severity.DENY, text)


def _flip(side: Side, price: Price) -> Price:
    return price if side is Side.YES else ONE_DOLLAR - price


def contracts_per_order(proposal: Proposal) -> Finding | None:
    limits, count = proposal.limits, proposal.count
    if count > limits.hard_order_count:
        text = f"{count_text(count)} contracts are above the limit of {count_text(limits.hard_order_count)}."
        return Finding("contracts per order", Severity.DENY, text)
    if count > limits.soft_order_count:
        text = f"{count_text(count)} contracts are more than {count_text(limits.soft_order_count)}."
        return Finding("contracts per order", Severity.ASK, text)
    return None


def cost_per_order(proposal: Proposal) -> Finding | None:
    limits, cost = proposal.limits, proposal.cost
    if cost > limits.hard_order_cost:
        text = f"A cost of {dollars_text(cost)} is above the limit of {dollars_text(limits.hard_order_cost)}."
        return Finding("cost per order", Severity.DENY, text)
    if cost > limits.soft_order_cost:
        text = f"A cost of {dollars_text(cost)} is more than {dollars_text(limits.soft_order_cost)}."
        return Finding("cost per order", Severity.ASK, text)
    return None


def enough_cash(proposal: Proposal) -> Finding | None:
    if not proposal.opens:
        return None
    if proposal.cash is None:
        return Finding("cash", Severity.ASK, "The balance is not known; the exchange may refuse the order.")
    if proposal.cost > proposal.cash:
        text = f"It needs {dollars_text(proposal.cost)}; there is {dollars_text(proposal.cash)}."
        return Finding("cash", Severity.DENY, text)
    if proposal.cost + proposal.fee_bound > proposal.cash:
        return Finding(
            "cash", Severity.WARN, "The fee may not be covered; the exchange may refuse the order."
        )
    return None


def loss_per_market(proposal: Proposal) -> Finding | None:
    limit = proposal.limits.market_loss_limit
    if not proposal.opens or proposal.worst_loss <= limit:
        return None
    text = (
        f"This market could then lose {dollars_text(proposal.worst_loss)}, resting orders included; "
        f"the limit is {dollars_text(limit)}."
    )
    return Finding("loss per market", Severity.DENY, text)


def bought_per_day(proposal: Proposal) -> Finding | None:
    limit = proposal.limits.daily_cost_limit
    total = proposal.today.bought + proposal.cost
    if not proposal.opens or total <= limit:
        return None
    text = f"It would bring today's buying to {dollars_text(total)}; the limit is {dollars_text(limit)}."
    return Finding("bought per day", Severity.DENY, text)


def orders_per_day(proposal: Proposal) -> Finding | None:
    limit = proposal.limits.daily_order_limit
    if not proposal.opens or proposal.today.orders < limit:
        return None
    text = f"{proposal.today.orders} orders were sent today; the limit is {limit}."
    return Finding("orders per day", Severity.DENY, text)


def price_against_book(proposal: Proposal) -> Finding | None:
    book = proposal.book
    if book is None or is_crossed(book):
        severity = Severity.DENY if proposal.is_market_order else Severity.ASK
        return Finding("book", severity, "There is no trustworthy book to compare the price with.")
    best = touch(book, proposal.action, proposal.side)
    if best is None:
        return _nobody_there(proposal)
    sign = 1 if proposal.action is Action.BUY else -1
    through = sign * (proposal.price - best.price)
    text = f"{price_text(proposal.price)} is {price_text(through)} past the best, {price_text(best.price)}."
    if through > proposal.limits.block_through:
        return Finding("price against the book", Severity.DENY, text)
    if through > proposal.limits.warn_through and not proposal.is_market_order:  # its cap is on the ticket
        return Finding("price against the book", Severity.WARN, text)
    return None


def _nobody_there(proposal: Proposal) -> Finding | None:
    if proposal.is_market_order:
        verb = "sells" if proposal.action is Action.BUY else "buys"
        return Finding(
            "book", Severity.DENY, f"Nobody {verb} {proposal.side.upper()} now; use a limit order."
        )
    return Finding("book", Severity.WARN, "Nobody is on the other side of the book; the order will rest.")


def sale_within_position(proposal: Proposal) -> Finding | None:
    if proposal.action is not Action.SELL:
        return None
    promised = sum(
        (order.remaining_count for order in proposal.resting if order.book_side is proposal.book_side), ZERO
    )
    free = max(ZERO, proposal.held - promised)
    if proposal.count <= free:
        return None
    side, other = proposal.side.upper(), proposal.side.opposite.upper()
    text = (
        f"You can sell {count_text(free)} {side} (held {count_text(proposal.held)}, in resting sells "
        f"{count_text(promised)}); the rest would open a {other} position."
    )
    return Finding("sale within position", Severity.ASK, text)


def own_order_opposite(proposal: Proposal) -> Finding | None:
    price = _flip(proposal.side, proposal.price)
    is_bid = proposal.book_side is BookSide.BID
    meets = [
        order
        for order in proposal.resting
        if order.book_side is not proposal.book_side
        and (order.yes_price <= price if is_bid else order.yes_price >= price)
    ]
    if not meets:
        return None
    text = f"It would meet your own resting order {meets[0].order_id}; the exchange will stop it there."
    return Finding("own order", Severity.WARN, text)


def same_order_again(proposal: Proposal) -> Finding | None:
    wanted = (proposal.market.ticker, proposal.action, proposal.side, proposal.count, proposal.price)
    for order in proposal.recent:
        age_s = (proposal.now - order.at).total_seconds()
        if 0 <= age_s <= 30 and wanted == (order.ticker, order.action, order.side, order.count, order.price):
            text = f"The same order was sent {int(age_s)} s ago."
            return Finding("same order again", Severity.ASK, text)
    return None


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
    price_against_book,
    sale_within_position,
    own_order_opposite,
    same_order_again,
)
