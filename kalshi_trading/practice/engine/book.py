"""One market's book of resting orders: YES prices, price-time priority.

Never changes an order. `matches` finds the orders an incoming order trades with; the engine executes them.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field

from kalshi_trading.practice.records import BookSide, Order


@dataclass(frozen=True, slots=True)
class Match:
    """A resting order that an incoming order meets.

    `count` is the number of contracts they would trade.
    """

    resting: Order
    count: int


@dataclass(slots=True)
class _Level:
    """The orders at one price, oldest first."""

    count: int = 0
    orders: OrderedDict[str, Order] = field(default_factory=OrderedDict)


class _Side:
    """One side of the book.

    Prices are stored as ranks, so that the best price always sorts last.
    """

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

    def count_ahead(self, order: Order) -> int:
        total = 0
        for other in self._levels[order.price].orders.values():
            if other is order:
                break
            total += other.remaining_count
        return total


class Book:
    """Both sides of one market's book."""

    def __init__(self) -> None:
        self._sides = {side: _Side(side) for side in BookSide}

    def add(self, order: Order) -> None:
        """Add an order at the end of the queue at its price."""
        self._sides[order.side].add(order)

    def reduce(self, order: Order, count: int) -> None:
        """Subtract a fill from the order's level; the order keeps its priority.

        Call this before lowering the order's remaining count.
        """
        self._sides[order.side].reduce(order, count)

    def remove(self, order: Order) -> None:
        """Remove an order, before its remaining count is set to 0."""
        self._sides[order.side].remove(order)

    def best(self, side: BookSide) -> tuple[int, int] | None:
        """Return price and count of the best level. None: the side is empty."""
        return self._sides[side].best()

    def levels(self, side: BookSide) -> list[tuple[int, int]]:
        """Return price and count of every level, best first."""
        return list(self._sides[side].levels())

    def orders(self, side: BookSide) -> list[Order]:
        """Return the resting orders in priority order."""
        return list(self._sides[side].orders())

    def count_ahead(self, order: Order) -> int:
        """Return the contracts ahead of a resting order at its price."""
        return self._sides[order.side].count_ahead(order)

    def crosses(self, side: BookSide, price: int) -> bool:
        """Return True if an incoming order at `price` would match."""
        best = self._sides[opposite(side)].best()
        return best is not None and _reaches(side, price, best[0])

    def matches(self, side: BookSide, price: int, count: int, skipped_account: str) -> Iterator[Match]:
        """Yield the matches of an incoming order in priority order.

        Stops once the order is filled or no opposite order reaches its price. An order of
        `skipped_account` is yielded with count 0, because it is met but never traded with.
        """
        for resting in self._sides[opposite(side)].orders():
            if count <= 0 or not _reaches(side, price, resting.price):
                return
            own = resting.account_id == skipped_account
            match = Match(resting, 0 if own else min(count, resting.remaining_count))
            count -= match.count
            yield match


def opposite(side: BookSide) -> BookSide:
    """Return the other side of the book."""
    return BookSide.ASK if side is BookSide.BID else BookSide.BID


def _reaches(side: BookSide, limit: int, price: int) -> bool:
    return price <= limit if side is BookSide.BID else price >= limit
