"""Answers that may be incomplete: a list, one value, or a sum, and why something is missing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

from kalshi_trading.core.errors import KalshiAPIError
from kalshi_trading.core.money import ZERO, Dollars

Progress = Callable[[int], None]
"""Called with the number of rows read so far."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Listing(Generic[T]):
    """Rows collected over pages. `incomplete` says why rows may be missing; None: it is the whole list."""

    items: tuple[T, ...]
    incomplete: str | None = None

    def whole(self) -> tuple[T, ...]:
        """Return the rows; raises KalshiAPIError when some may be missing, as a sum would be wrong."""
        if self.incomplete is not None:
            raise KalshiAPIError(f"The list could not be read whole: {self.incomplete}.")
        return self.items

    def __iter__(self) -> Iterator[T]:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)


@dataclass(frozen=True, slots=True)
class Fetched(Generic[T]):
    """One part of the picture: its value, or why there is none."""

    value: T | None
    unavailable: str | None = None


def fetch(read: Callable[[], T]) -> Fetched[T]:
    """Read one part of a picture; what the exchange refuses or garbles becomes the reason it is missing."""
    try:
        return Fetched(read())
    except KalshiAPIError as error:
        return Fetched(None, str(error))


def fetch_or_none(read: Callable[[], T]) -> T | None:
    """Read what can be done without; None: it could not be read."""
    return fetch(read).value


def sum_known(amounts: Iterable[Dollars | None]) -> Dollars | None:
    """Add up; None as soon as one amount is not known."""
    total = ZERO
    for amount in amounts:
        if amount is None:
            return None
        total += amount
    return total
