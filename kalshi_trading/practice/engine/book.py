"""One market's book of resting orders, quoted in YES prices, in price-time priority.

Knows who stands where. Never changes an order and never decides anything: `meet` says whom an
incoming order would meet, the engine carries it out.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field

from kalshi_trading.practice.records import BookSide, Order


@dataclass(frozen=True, slots=True)
class Match:
    """A resting order an incoming one meets, and how many contracts they would trade."""

    resting: Order
    count: int


@dataclass(slots=True)
class _Level:
    """The orders at one price, first in line first."""

    count: int = 0
    orders: OrderedDict[str, Order] = field(default_factory=OrderedDict)


class _Side:
    """One side of the book. Prices are kept as ranks, so that the best one always sorts last."""

    def __init__(self, side: BookSide) -> None:
        self._sign = 1 if side is BookSide.BID else -1
        self._ranks: list[int] = []
        self._levels: dict[int, _Level] = {}

    def add(self, order: Order) -> None:
        level = self._levels.get(order.price)
        if level is None:
            level = self._levels[order.price] = _Level()
            insort(self._ranks, self._sign * order.price)
        level.orders[order.order_id] = order
        level.count += order.remaining_count

    def reduce(self, order: Order, count: int) -> None:
        self._levels[order.price].count -= count

    def remove(self, order: Order) -> None:
        level = self._levels[order.price]
        del level.orders[order.order_id]
        level.count -= order.remaining_count
        if not level.orders:
            del self._levels[order.price]
            del self._ranks[bisect_left(self._ranks, self._sign * order.price)]

    def best(self) -> tuple[int, int] | None:
        return next(self.levels(), None)

    def levels(self) -> Iterator[tuple[int, int]]:
        for rank in reversed(self._ranks):
            price = self._sign * rank
            yield price, self._levels[price].count

    def orders(self) -> Iterator[Order]:
        for rank in reversed(self._ranks):
            yield from self._levels[self._sign * rank].orders.values()

    def ahead(self, order: Order) -> int:
        total = 0
        for other in self._levels[order.price].orders.values():
            if other is order:
                break
            total += other.remaining_count
        return total


class Book:
    """Both sides of one market."""

    def __init__(self) -> None:
        self._sides = {side: _Side(side) for side in BookSide}

    def add(self, order: Order) -> None:
        """Put an order last in line at its price."""
        self._sides[order.side].add(order)

    def reduce(self, order: Order, count: int) -> None:
        """Note that a resting order is about to become smaller; it keeps its place."""
        self._sides[order.side].reduce(order, count)

    def remove(self, order: Order) -> None:
        """Take an order off the book, while it still carries its remaining count."""
        self._sides[order.side].remove(order)

    def best(self, side: BookSide) -> tuple[int, int] | None:
        """Return price and count of the best level, or None when the side is empty."""
        return self._sides[side].best()

    def levels(self, side: BookSide) -> list[tuple[int, int]]:
        """Return price and count of every level, best first."""
        return list(self._sides[side].levels())

    def orders(self, side: BookSide) -> list[Order]:
        """Return the resting orders in the sequence in which they would trade."""
        return list(self._sides[side].orders())

    def ahead(self, order: Order) -> int:
        """Return the contracts that stand before a resting order at its price."""
        return self._sides[order.side].ahead(order)

    def crosses(self, side: BookSide, price: int) -> bool:
        """Tell whether an order coming in on `side` at `price` would meet anybody."""
        best = self._sides[opposite(side)].best()
        return best is not None and _reaches(side, price, best[0])

    def meet(self, side: BookSide, price: int, count: int, skipped_account: str) -> Iterator[Match]:
        """Yield whom an incoming order meets, in priority, until it is filled or nobody is left.

        An order of `skipped_account` is yielded with a count of 0: it is met but never traded with.
        """
        for resting in self._sides[opposite(side)].orders():
            if count <= 0 or not _reaches(side, price, resting.price):
                return
            own = resting.account_id == skipped_account
            match = Match(resting, 0 if own else min(count, resting.remaining_count))
            count -= match.count
            yield match


def opposite(side: BookSide) -> BookSide:
    """Return the side an order on this side trades against."""
    return BookSide.ASK if side is BookSide.BID else BookSide.BID


def _reaches(side: BookSide, limit: int, price: int) -> bool:
    return price <= limit if side is BookSide.BID else price >= limit
