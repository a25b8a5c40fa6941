"""Results that may be incomplete, with the reason data is missing.

Records are read by attribute, in dollars, or by the keys of Kalshi's older JSON, in cents.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from operator import attrgetter
from typing import Any, ClassVar, Generic, TypeVar, overload

from kalshi_trading.core.errors import KalshiAPIError
from kalshi_trading.core.money import ZERO, Contracts, Dollars, cents, require_exact_context

Progress = Callable[[int], None]
"""Called with the number of rows read so far."""

T = TypeVar("T")


Read = Callable[[Any], object]
"""Reads one key from a record."""


class DictLike:
    """A record that reads like a dict.

    `get` returns its default only for an unknown key.
    """

    __slots__ = ()

    def keys(self) -> tuple[str, ...]:
        raise NotImplementedError

    def _read_key(self, key: str) -> object:
        raise NotImplementedError

    def __getitem__(self, key: str) -> Any:
        if key not in self.keys():
            raise KeyError(f"{type(self).__name__} has no {key!r}; it has {', '.join(self.keys())}")
        return self._read_key(key)

    def get(self, key: str, default: object = None) -> Any:
        return self[key] if key in self.keys() else default

    def __contains__(self, key: object) -> bool:
        return key in self.keys()

    def __iter__(self) -> Iterator[str]:
        return iter(self.keys())

    def items(self) -> tuple[tuple[str, object], ...]:
        return tuple((key, self[key]) for key in self.keys())


class DictReading(DictLike):
    """A record that reads like a dict with the keys and units of the 2024 API.

    Money is in **cents**: an int if whole, otherwise `Cents`. Keys that were dollar text (`fee_cost`) stay
    so. Contracts are an int if whole. Times are text in UTC. None: unknown, or no longer reported by the
    exchange.
    """

    __slots__ = ()
    dict_keys: ClassVar[Mapping[str, Read]] = {}

    def keys(self) -> tuple[str, ...]:
        return tuple(self.dict_keys)

    def _read_key(self, key: str) -> object:
        require_exact_context()
        return self.dict_keys[key](self)


def read_attributes(*names: str) -> dict[str, Read]:
    """Read keys that are attributes of the same name."""
    return {name: attrgetter(name) for name in names}


def read_cents(name: str) -> Read:
    """Read an attribute in dollars as cents."""
    value = attrgetter(name)
    return lambda record: cents(value(record))


def read_contracts(name: str) -> Read:
    """Read a number of contracts, as an int if whole."""
    value = attrgetter(name)
    return lambda record: whole_if_possible(value(record))


def whole_if_possible(count: Contracts | None) -> int | Contracts | None:
    return int(count) if count is not None and count == int(count) else count


def read_time(name: str) -> Read:
    """Read a time in the exchange's format, such as `2026-11-21T14:31:07Z`."""
    value = attrgetter(name)

    def read(record: object) -> str | None:
        at: datetime | None = value(record)
        return None if at is None else at.astimezone(UTC).isoformat().replace("+00:00", "Z")

    return read


def read_seconds(name: str) -> Read:
    """Read a time in whole Unix seconds."""
    value = attrgetter(name)
    return lambda record: None if value(record) is None else int(value(record).timestamp())


def read_text(name: str) -> Read:
    """Read an enum value as plain text."""
    value = attrgetter(name)
    return lambda record: None if value(record) is None else str(value(record))


def no_longer_reported(*names: str) -> dict[str, Read]:
    """Read keys the exchange no longer reports: None, never a default."""
    return dict.fromkeys(names, lambda record: None)


@dataclass(frozen=True, slots=True)
class Listing(Generic[T]):
    """Rows collected over pages.

    `incomplete` is why rows may be missing. None: the list is complete. `cursor` continues a list cut after
    a page; it is empty at the end. Read like a dict, the rows are under `name`.
    """

    items: tuple[T, ...]
    incomplete: str | None = None
    name: str = ""
    cursor: str = ""

    @overload
    def __getitem__(self, key: int) -> T: ...
    @overload
    def __getitem__(self, key: slice) -> tuple[T, ...]: ...
    @overload
    def __getitem__(self, key: str) -> Any: ...
    def __getitem__(self, key: int | slice | str) -> Any:
        if not isinstance(key, str):
            return self.items[key]
        if key == self.name:
            return list(self.items)
        if key == "cursor":
            return self.cursor
        raise KeyError(f"The list has no {key!r}; it has {self.name} and cursor")

    def get(self, key: str, default: object = None) -> Any:
        return self[key] if key in (self.name, "cursor") else default

    def require_complete(self) -> tuple[T, ...]:
        """Return all rows. Raises KalshiAPIError if some may be missing.

        A total over an incomplete list would be wrong.
        """
        if self.incomplete is not None:
            raise KalshiAPIError(f"The list is incomplete: {self.incomplete.rstrip('.')}.")
        return self.items

    def __iter__(self) -> Iterator[T]:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)


@dataclass(frozen=True, slots=True)
class Fetched(Generic[T]):
    """A value, or why it is unavailable."""

    value: T | None
    unavailable: str | None = None


def fetch(read: Callable[[], T]) -> Fetched[T]:
    """Call `read` and return its value, or why it is unavailable.

    A KalshiAPIError becomes the reason.
    """
    try:
        return Fetched(read())
    except KalshiAPIError as error:
        return Fetched(None, str(error))


def fetch_or_none(read: Callable[[], T]) -> T | None:
    """Read an optional value. None: it could not be read."""
    return fetch(read).value


def sum_known(amounts: Iterable[Dollars | None]) -> Dollars | None:
    """Add up amounts. None: an amount is unknown."""
    total = ZERO
    for amount in amounts:
        if amount is None:
            return None
        total += amount
    return total
