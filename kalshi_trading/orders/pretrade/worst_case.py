"""What an order opens beyond what is held, and the cash that others of ours may still take.

Counts every order of ours that may still fill, whether the exchange lists it or not. Pure arithmetic.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from kalshi_trading.core.models import BookSide, Order
from kalshi_trading.core.money import ONE_DOLLAR, ZERO, Contracts, Dollars, Price
from kalshi_trading.orders.pretrade.risk_input import SentOrder


def opening_count(held: Contracts, signed: Contracts, working: Iterable[Order | SentOrder]) -> Contracts:
    """Give the contracts of an order beyond those that close what is held; never negative.

    `signed` is above zero where the order goes long YES. What our other orders of the same direction will
    close is not there to be closed again.
    """
    if held * signed >= ZERO:
        return abs(signed)
    promised = promised_count(BookSide.BID if signed > ZERO else BookSide.ASK, working)
    return max(ZERO, abs(signed) - max(ZERO, abs(held) - promised))


def promised_count(side: BookSide, working: Iterable[Order | SentOrder]) -> Contracts:
    """Give the contracts that our orders of one side of the book may still trade."""
    return sum((order.remaining_count for order in working if order.book_side is side), ZERO)


def cash_of_unseen(held: Contracts, resting: Sequence[Order], unseen: Iterable[SentOrder]) -> Dollars:
    """Give the cash that orders missing in the exchange's data may take; each counts whole.

    For resting ones the exchange has set cash aside already. What closes takes none, and the cheapest
    are taken to close.
    """
    total = ZERO
    before: list[Order | SentOrder] = list(resting)
    for order in sorted(unseen, key=_cost_of_one):
        signed = order.remaining_count if order.book_side is BookSide.BID else -order.remaining_count
        total += opening_count(held, signed, before) * _cost_of_one(order)
        before.append(order)
    return total


def _cost_of_one(order: SentOrder) -> Price:
    return order.yes_price if order.book_side is BookSide.BID else ONE_DOLLAR - order.yes_price
