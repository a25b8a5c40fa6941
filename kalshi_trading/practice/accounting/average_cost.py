"""A position by its average cost, instead of first in, first out.

Only for the assumption that the exchange reckons so. Units as in `positions`.
"""

from __future__ import annotations

from kalshi_trading.practice.accounting.positions import side_price
from kalshi_trading.practice.records import ONE_DOLLAR_PRICE, BookSide


class AverageCost:
    """Net contracts, their cost and the realized P&L, without fees."""

    def __init__(self) -> None:
        self.held = 0  # negative for NO
        self.cost = 0
        self.realized = 0

    def apply(self, side: BookSide, yes_price: int, count: int) -> None:
        """Apply a fill: close what it closes, open the rest."""
        sign = 1 if side is BookSide.BID else -1
        closing = min(count, max(0, -sign * self.held))
        if closing:
            part = self.cost * closing // abs(self.held)
            self.realized += closing * (ONE_DOLLAR_PRICE - side_price(side, yes_price)) - part
            self.cost -= part
        self.cost += side_price(side, yes_price) * (count - closing)
        self.held += sign * count
