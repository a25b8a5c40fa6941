"""One order, priced and checked: what the ticket shows, and exactly what will be sent.

It holds the finished order request with its client_order_id. What is not known stays None.
"""

from __future__ import annotations

from dataclasses import dataclass

from kalshi_trading.core import order_book
from kalshi_trading.core.models import OrderRequest, Side
from kalshi_trading.core.money import ZERO, Contracts, Dollars, Price
from kalshi_trading.core.order_book import BookWalk
from kalshi_trading.orders.pretrade.context import OrderContext
from kalshi_trading.orders.pretrade.findings import Finding, denials
from kalshi_trading.orders.pretrade.payoff import Bounds, Payoff
from kalshi_trading.orders.pretrade.ticket import OrderTicket


@dataclass(frozen=True, slots=True)
class OrderPreview:
    """One order with every question answered. Dollars; gains are positive.

    `cost` is the cash needed at most before fees: the book can move until the order arrives, so every
    contract counts at the worst price. What is expected goes by the book as it was read.
    """

    ticket: OrderTicket
    request: OrderRequest
    context: OrderContext
    walk: BookWalk
    cost: Dollars  # 0 for a sale of what is held
    expected_cost: Dollars
    expected_fee: Dollars | None  # None: the fee schedule is not known, or the book could not be read
    bounds: Bounds | None  # with fees and rounding; None: a fee schedule that may apply is not known
    cash_after: Dollars | None  # at least, if all is filled; None: cash or fees are not known
    worst_loss: Dollars  # in this market, if this order and all that may rest were filled
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
        book = self.context.book
        middle = order_book.midpoint(book, self.request.side) if book is not None else None
        return None if middle is None else self.request.price - middle

    @property
    def opens(self) -> bool:
        """Whether the order can add to what is at risk."""
        return self.cost > ZERO

    @property
    def cost_bound(self) -> Dollars:
        """The cost with fees and rounding; without them where they are not known."""
        return self.bounds.cost if self.bounds else self.cost

    @property
    def held_of_side(self) -> Contracts:
        """Contracts held now of the side it trades."""
        return max(ZERO, self.held_before if self.request.side is Side.YES else -self.held_before)

    @property
    def is_denied(self) -> bool:
        return bool(denials(self.findings))

    @property
    def sentence(self) -> str:
        """The order in one sentence: what is confirmed, recorded and sent."""
        return self.request.sentence
