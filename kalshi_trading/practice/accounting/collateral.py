"""How much of an account's cash its resting orders hold back.

Knows the holds of one account. Contracts that would close a position need no cash; when only some of
the resting ones can close, the dearest count as opening, so that too little is never held back.
Source: Kalshi API, order semantics (direction; cash an order needs).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from kalshi_trading.practice.records import ONE_DOLLAR_PRICE, BookSide

Closable = Callable[[str, BookSide], int]  # contracts an order in this market, on this side, can close


@dataclass(frozen=True, slots=True)
class CollateralHold:
    """What one order may cost: `price` is that of the contract it goes long, `fees` an upper bound."""

    price: int
    count: int
    fees: int

    @property
    def cost(self) -> int:
        """Return the cost when every contract opens."""
        return self.price * self.count

    def need(self, opening: int) -> int:
        """Return the cash that is safe when `opening` contracts open and the others close.

        A closing contract frees $1, which pays for it and, as a rule, for the fees.
        """
        proceeds = (ONE_DOLLAR_PRICE - self.price) * (self.count - opening)
        return self.price * opening + max(0, self.fees - proceeds)


class _Side:
    """The holds in one market on one side of the book, with their running sums."""

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
    """Every hold of one account."""

    def __init__(self) -> None:
        self._sides: dict[tuple[str, BookSide], _Side] = {}

    def put(self, ticker: str, side: BookSide, order_id: str, hold: CollateralHold) -> None:
        """Hold for a resting order, in place of what was held for it before."""
        self._sides.setdefault((ticker, side), _Side()).put(order_id, hold)

    def drop(self, ticker: str, side: BookSide, order_id: str) -> None:
        """Hold nothing more for an order."""
        holds = self._sides.get((ticker, side))
        if holds is None:
            return
        holds.drop(order_id)
        if not holds.holds:
            del self._sides[ticker, side]

    def collateral(self, closable: Closable) -> int:
        """Return the cost of what the resting orders would open, without fees."""
        return sum(holds.collateral(closable(*key)) for key, holds in self._sides.items())

    def reserved(self, closable: Closable) -> int:
        """Return the cash with which nothing that rests can lead below zero."""
        return sum(holds.need(closable(*key), None) for key, holds in self._sides.items())

    def need(self, closable: Closable, ticker: str, side: BookSide, extra: CollateralHold) -> int:
        """Return the cash with which nothing that rests, nor `extra`, can lead below zero."""
        others = sum(
            holds.need(closable(*key), None) for key, holds in self._sides.items() if key != (ticker, side)
        )
        same_side = self._sides.get((ticker, side)) or _Side()
        return others + same_side.need(closable(ticker, side), extra)

    def as_dict(self) -> dict[str, CollateralHold]:
        """Return the holds by order id."""
        return {key: hold for side in self._sides.values() for key, hold in side.holds.items()}


def _opening(holds: Iterable[CollateralHold], closable: int) -> Iterator[tuple[CollateralHold, int]]:
    """Yield each hold with the contracts of it that count as opening."""
    dearest_first = sorted(holds, key=lambda hold: hold.price, reverse=True)
    opening = max(0, sum(hold.count for hold in dearest_first) - closable)
    for hold in dearest_first:
        part = min(opening, hold.count)
        opening -= part
        yield hold, part
