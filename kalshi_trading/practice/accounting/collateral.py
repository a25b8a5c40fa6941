"""Cash that one account's resting orders hold back.

Closing contracts need no cash. If only some of the resting contracts can close, the most expensive ones
count as opening, so that the hold is never too small.
Source: Kalshi API, order semantics (direction; cash an order needs).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from kalshi_trading.practice.records import BookSide

Closable = Callable[[str, BookSide], int]  # contracts that an order in this market, on this side, can close


@dataclass(frozen=True, slots=True)
class CollateralHold:
    """Upper bound of one order's cost.

    `price` is the cash that opens a contract, `fees` an upper bound. `pair` is the cash that a closed pair
    frees: $1 less the settlement floor.
    """

    price: int
    count: int
    fees: int
    pair: int

    @property
    def cost(self) -> int:
        """The cost if every contract opens, without fees."""
        return self.price * self.count

    def need(self, opening: int) -> int:
        """Return the cash needed if `opening` contracts open and the rest close.

        Each closing contract frees a pair. That pays for the contract and usually for the fees.
        """
        proceeds = (self.pair - self.price) * (self.count - opening)
        return self.price * opening + max(0, self.fees - proceeds)


class _Side:
    """The holds on one side of one market's book, with running totals."""

    def __init__(self) -> None:
        self.holds: dict[str, CollateralHold] = {}
        self._count = 0
        self._cost = 0
        self._fees = 0

    def put(self, order_id: str, hold: CollateralHold) -> None:
        self.drop(order_id)
        self.holds[order_id] = hold
        self._add(hold, 1)

    def drop(self, order_id: str) -> None:
        hold = self.holds.pop(order_id, None)
        if hold is not None:
            self._add(hold, -1)

    def collateral(self, closable: int) -> int:
        if closable == 0:
            return self._cost
        if closable >= self._count:
            return 0
        return sum(hold.price * opening for hold, opening in _opening(self.holds.values(), closable))

    def need(self, closable: int, extra: CollateralHold | None) -> int:
        if closable == 0:
            return self._cost + self._fees + (extra.need(extra.count) if extra else 0)
        holds = [*self.holds.values(), extra] if extra else [*self.holds.values()]
        return sum(hold.need(opening) for hold, opening in _opening(holds, closable))

    def _add(self, hold: CollateralHold, sign: int) -> None:
        self._count += sign * hold.count
        self._cost += sign * hold.cost
        self._fees += sign * hold.fees


class CollateralHolds:
    """All collateral holds of one account."""

    def __init__(self) -> None:
        self._sides: dict[tuple[str, BookSide], _Side] = {}

    def put(self, ticker: str, side: BookSide, order_id: str, hold: CollateralHold) -> None:
        """Set the hold of a resting order, replacing its previous one."""
        self._sides.setdefault((ticker, side), _Side()).put(order_id, hold)

    def drop(self, ticker: str, side: BookSide, order_id: str) -> None:
        """Remove an order's hold."""
        holds = self._sides.get((ticker, side))
        if holds is None:
            return
        holds.drop(order_id)
        if not holds.holds:
            del self._sides[ticker, side]

    def collateral(self, closable: Closable) -> int:
        """Return the cost of the contracts resting orders open, without fees."""
        return sum(holds.collateral(closable(*key)) for key, holds in self._sides.items())

    def reserved(self, closable: Closable) -> int:
        """Return the cash needed so that no fill brings the balance below zero."""
        return sum(holds.need(closable(*key), None) for key, holds in self._sides.items())

    def need(self, closable: Closable, ticker: str, side: BookSide, extra: CollateralHold) -> int:
        """Return the cash that all resting orders and `extra` need together.

        With that much cash, no fill can bring the balance below zero.
        """
        others = sum(
            holds.need(closable(*key), None) for key, holds in self._sides.items() if key != (ticker, side)
        )
        same_side = self._sides.get((ticker, side)) or _Side()
        return others + same_side.need(closable(ticker, side), extra)

    def as_dict(self) -> dict[str, CollateralHold]:
        """Return the holds by order id."""
        return {key: hold for side in self._sides.values() for key, hold in side.holds.items()}


def _opening(holds: Iterable[CollateralHold], closable: int) -> Iterator[tuple[CollateralHold, int]]:
    """Yield each hold with the number of its contracts that count as opening."""
    dearest_first = sorted(holds, key=lambda hold: hold.price, reverse=True)
    opening = max(0, sum(hold.count for hold in dearest_first) - closable)
    for hold in dearest_first:
        part = min(opening, hold.count)
        opening -= part
        yield hold, part
