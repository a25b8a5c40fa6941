"""The worst that one market can do: what an order opens, the cash others of ours may take, the loss.

Counts every order of ours that may still fill, whether the exchange lists it or not. Pure arithmetic.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from kalshi_trading.models import BookSide, Order
from kalshi_trading.money import ONE_DOLLAR, ZERO, Contracts, Dollars, Price
from kalshi_trading.proposal import SentOrder


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


def worst_loss_in_market(
    held: Contracts, cost_basis: Dollars, orders: Sequence[tuple[BookSide, Price, Contracts]]
) -> Dollars:
    """Give the most this market can lose: the worse of all bids filled and all asks filled, at settlement.

    `orders` are (book side, YES price, count), working ones and a new one alike; fees are left out.
    """
    losses = []
    for wanted in (BookSide.BID, BookSide.ASK):
        filled = [(price, count) for side, price, count in orders if side is wanted]
        losses.append(_loss_when_filled(held, cost_basis, filled, wanted))
    return max(ZERO, *losses)


def _loss_when_filled(
    held: Contracts, cost_basis: Dollars, filled: list[tuple[Price, Contracts]], side: BookSide
) -> Dollars:
    sign = 1 if side is BookSide.BID else -1
    count = sum((count for _, count in filled), ZERO)
    paid = sum((count * price for price, count in filled), ZERO) * sign
    net = held + sign * count
    # In the YES view a NO contract held is a YES sold: it was received (1 − cost) for.
    paid_before = cost_basis if held >= ZERO else -(abs(held) - cost_basis)
    if_yes = net - paid - paid_before
    if_no = -paid - paid_before
    return -min(if_yes, if_no)
