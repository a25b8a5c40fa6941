"""One order, priced and checked: shown on the ticket and sent unchanged.

Contains the complete order request with its client_order_id. Unknown values stay None.
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
    """One priced and checked order. Dollars; gains are positive.

    `cost` is the most cash needed before fees. Every contract counts at the worst price, because the book
    can move until the order arrives. Expected values use the book as it was read.
    """

    ticket: OrderTicket
    request: OrderRequest
    context: OrderContext
    walk: BookWalk
    cost: Dollars  # 0 for a sale that only closes a position
    expected_cost: Dollars
    expected_fee: Dollars | None  # None: the fee schedule is not known, or the book could not be read
    bounds: Bounds | None  # with fees and rounding; None: a fee schedule that may apply is not known
    cash_after: Dollars | None  # at least, if all is filled; None: cash or fees are not known
    worst_loss: Dollars  # in this market, if this order and all our open orders were filled
    held_before: Contracts  # net: positive is YES, negative is NO
    held_after: Contracts
    closing: Contracts  # the contracts of this order that close the position
    expected: Payoff
    worst: Payoff  # if all is filled, at the highest cost
    locked_in: Dollars | None  # P&L of the closed contracts, before fees; None: closes nothing
    findings: tuple[Finding, ...]

    @property
    def distance_from_midpoint(self) -> Price | None:
        """The limit minus the midpoint, both in the terms of the side.

        None: the book is one-sided or could not be read.
        """
        book = self.context.book
        middle = order_book.midpoint(book, self.request.side) if book is not None else None
        return None if middle is None else self.request.price - middle

    @property
    def adds_risk(self) -> bool:
        """True if the order can add risk."""
        return self.cost > ZERO

    @property
    def cost_bound(self) -> Dollars:
        """The cost with fees and rounding; without them if they are not known."""
        return self.bounds.cost if self.bounds else self.cost

    @property
    def held_of_side(self) -> Contracts:
        """Contracts held now on the side this order trades."""
        return max(ZERO, self.held_before if self.request.side is Side.YES else -self.held_before)

    @property
    def is_denied(self) -> bool:
        return bool(denials(self.findings))

    @property
    def sentence(self) -> str:
        """The order in one sentence, as confirmed, recorded and sent."""
        return self.request.sentence
