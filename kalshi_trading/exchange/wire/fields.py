"""Typed access to one JSON object. Every error names the field.

Never fills in a value. A required field that is missing, null or malformed raises MalformedAnswerError with
its path. An optional field that is missing, null or empty is None. A field for display is also None when
malformed. Text is sanitized here, on arrival: no control, escape or direction character passes this module.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache
from typing import Any, Generic, TypeGuard, TypeVar

from kalshi_trading.core.dates import SANE_YEARS
from kalshi_trading.core.errors import MalformedAnswerError
from kalshi_trading.core.money import CENT, ONE_DOLLAR, decimal_from_text
from kalshi_trading.core.text import pluralize, sanitize
from kalshi_trading.core.tickers import is_ticker

E = TypeVar("E", bound=StrEnum)
V = TypeVar("V")

_MOMENT = re.compile(
    r"(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2}:\d{2})(?:\.(\d{1,9}))?(Z|[+-]\d{2}:\d{2})", re.ASCII | re.IGNORECASE
)
_EXACT_COUNT = re.compile(r"(0|[1-9][0-9]{0,17})(\.[0-9]{1,2})?", re.ASCII)
_IDENTIFIER = re.compile(r"[A-Za-z0-9._:-]{1,128}", re.ASCII)


class Fields:
    """One JSON object of an answer, with its path for error messages."""

    def __init__(self, body: object, where: str) -> None:
        if not isinstance(body, Mapping):
            raise MalformedAnswerError(f"The exchange's answer has no readable {where}.")
        self._body = body
        self._where = where

    def _fault(self, name: str) -> MalformedAnswerError:
        return MalformedAnswerError(
            f"The exchange's answer cannot be used: {self._where}.{name} is missing or malformed."
        )

    def _required(self, name: str, read: Callable[[object], V | None]) -> V:
        value = read(self._body.get(name))
        if value is None:
            raise self._fault(name)
        return value

    def _optional(self, name: str, read: Callable[[object], V | None]) -> V | None:
        """Read an optional field. None: it is missing, null or empty text.

        Any other value must be well-formed.
        """
        if self._body.get(name) in (None, ""):
            return None
        return self._required(name, read)

    def display(self, read: Callable[[str], V], name: str) -> V | None:
        """Read a field that is only displayed. None: it is missing or malformed.

        For everything that is neither money nor identity, so it never costs the row.
        """
        try:
            return read(name)
        except MalformedAnswerError:
            return None

    def has(self, name: str) -> bool:
        return self._body.get(name) is not None

    def text(self, name: str) -> str:
        return self._required(name, _text)

    def optional_text(self, name: str) -> str | None:
        return self._optional(name, _text)

    def ticker(self, name: str) -> str:
        return self._required(name, _ticker)

    def identifier(self, name: str) -> str:
        return self._required(name, _identifier)

    def optional_identifier(self, name: str) -> str | None:
        return self._optional(name, _identifier)

    def decimal(self, name: str) -> Decimal:
        """Read dollars or contracts from plain decimal text."""
        return self._required(name, decimal_from_text)

    def optional_decimal(self, name: str) -> Decimal | None:
        return self._optional(name, decimal_from_text)

    def count(self, name: str) -> Decimal:
        """Read a number of contracts, zero or more."""
        return self._required(name, _not_negative)

    def exact_count(self, name: str) -> Decimal:
        """Read contracts in the exchange's exact format only.

        `-0.00`, for example, is rejected.
        """
        return self._required(name, _exact_count)

    def optional_exact_count(self, name: str) -> Decimal | None:
        return self._optional(name, _exact_count)

    def price(self, name: str) -> Decimal:
        """Read the price of an order or a trade, from $0 to $1."""
        return self._required(name, _price)

    def optional_price(self, name: str) -> Decimal | None:
        return self._optional(name, _price)

    def quote(self, name: str) -> Decimal | None:
        """Read a required quote. None: it is 0 or 1, so that side is empty.

        Source: Kalshi API, empty-side quotes.
        """
        price = self.price(name)
        return price if 0 < price < 1 else None

    def positive(self, name: str) -> Decimal:
        """Read decimal text above zero, such as a tick."""
        return self._required(name, _positive)

    def number(self, name: str) -> Decimal:
        """Read a JSON number, such as a fee multiplier."""
        return self._required(name, _number)

    def optional_number(self, name: str) -> Decimal | None:
        return self._optional(name, _number)

    def whole(self, name: str) -> int:
        return self._required(name, _whole)

    def optional_whole(self, name: str) -> int | None:
        return self._optional(name, _whole)

    def cents(self, name: str) -> Decimal:
        """Read a whole number of cents as dollars."""
        return self._required(name, _whole) * CENT

    def optional_cents(self, name: str) -> Decimal | None:
        value = self._optional(name, _whole)
        return None if value is None else value * CENT

    def flag(self, name: str) -> bool:
        return self._required(name, _flag)

    def moment(self, name: str) -> datetime:
        """Read an RFC 3339 time."""
        return self._required(name, _moment)

    def optional_moment(self, name: str) -> datetime | None:
        """Read an optional time. None: it is missing or was never set."""
        value = self._body.get(name)
        at = _moment(value)
        return None if at is None and _is_never(value) else at or self._optional(name, _moment)

    def moment_s(self, name: str) -> datetime:
        """Read a time in Unix seconds."""
        return self._required(name, lambda value: _unix(value, 1))

    def moment_ms(self, name: str) -> datetime:
        """Read a time in Unix milliseconds."""
        return self._required(name, lambda value: _unix(value, 1000))

    def enum(self, name: str, members: type[E]) -> E:
        """Read a value of a closed enum, such as a direction.

        Raises MalformedAnswerError for any other value.
        """
        return self._required(name, lambda value: _enum(value, members))

    def open_enum(self, name: str, members: type[E], unknown: E) -> E:
        """Read a value of an enum that may grow.

        A new value becomes `unknown`. A missing one raises MalformedAnswerError.
        """
        found = _enum(self._required(name, _text), members)
        return unknown if found is None else found  # empty text is a valid value

    def inner(self, name: str) -> Fields:
        return Fields(self._body.get(name), f"{self._where}.{name}")

    def rows(self, name: str) -> list[Fields]:
        """Read a required list of objects.

        Anything else in the list is read as an object without fields.
        """
        rows = self._required(name, _list)
        return [_row(row, f"{self._where}.{name}[{index}]") for index, row in enumerate(rows)]

    def lists(self, name: str) -> list[list[Fields]]:
        """Read a required list of lists of objects."""
        outer = self._required(name, _list)
        if not all(isinstance(rows, list) for rows in outer):
            raise self._fault(name)
        return [[_row(row, f"{self._where}.{name}") for row in rows] for rows in outer]

    def optional_rows(self, name: str) -> list[Fields]:
        """Read an optional list of objects, empty if missing, null or blank."""
        return [] if self._body.get(name) == "" or not self.has(name) else self.rows(name)

    def texts(self, name: str) -> tuple[str, ...]:
        """Read an optional list of text, empty if missing or null."""
        values = self._optional(name, _list) or []
        return tuple(sanitize(value) for value in values if isinstance(value, str))

    def pairs(self, name: str) -> list[tuple[Decimal, Decimal]]:
        """Read a required list of [price, count] text pairs."""
        pairs = []
        for row in self._required(name, _list):
            if not isinstance(row, list) or len(row) != 2:
                raise self._fault(name)
            first, second = decimal_from_text(row[0]), decimal_from_text(row[1])
            if first is None or second is None:
                raise self._fault(name)
            pairs.append((first, second))
        return pairs


def _row(value: object, where: str) -> Fields:
    return Fields(value if isinstance(value, Mapping) else {}, where)


@dataclass(frozen=True, slots=True)
class DecodedRows(Generic[V]):
    """The readable rows of a list, and an error message for each other row."""

    items: tuple[V, ...]
    unreadable: tuple[str, ...]

    @property
    def incomplete(self) -> str | None:
        """The reason why rows are missing. None: all were readable."""
        return unreadable_text(self.unreadable) if self.unreadable else None


def unreadable_text(complaints: Sequence[str]) -> str:
    """Return the reason why rows are missing from a list."""
    return f"{pluralize(len(complaints), 'row')} could not be read. First: {complaints[0]}"


def decode_rows(rows: Iterable[Fields], decode: Callable[[Fields], V]) -> DecodedRows[V]:
    """Decode each row. An unreadable row costs only itself."""
    items: list[V] = []
    unreadable: list[str] = []
    for row in rows:
        try:
            items.append(decode(row))
        except MalformedAnswerError as error:
            unreadable.append(str(error))
    return DecodedRows(tuple(items), tuple(unreadable))


class DecodeCache(Generic[V]):
    """Cache of decoded rows: an identical JSON row returns the same model.

    Keeps at least the last `most` rows and at most twice as many. Rows take memory, and accounts with
    thousands of markets are read rarely.
    """

    def __init__(self, decode: Callable[[Fields], V], name: str, *, most: int = 1_000) -> None:
        self._decode = decode
        self._name = name
        self._most = most
        self._latest: dict[str, tuple[Mapping[str, object], V]] = {}
        self._earlier: dict[str, tuple[Mapping[str, object], V]] = {}

    def __call__(self, row: Fields) -> V:
        name = row._body.get(self._name)
        if not isinstance(name, str):
            return self._decode(row)
        known = self._latest.get(name) or self._earlier.get(name)
        if known is None or known[0] != row._body:
            known = (row._body, self._decode(row))
        if len(self._latest) >= self._most and name not in self._latest:
            self._earlier, self._latest = self._latest, {}
        self._latest[name] = known
        return known[1]


def _text(value: object) -> str | None:
    return sanitize(value) if isinstance(value, str) else None


def _ticker(value: object) -> str | None:
    return value if isinstance(value, str) and is_ticker(value) else None


def _identifier(value: object) -> str | None:
    return value if isinstance(value, str) and _IDENTIFIER.fullmatch(value) else None


def _positive(value: object) -> Decimal | None:
    number = decimal_from_text(value)
    return number if number is not None and number > 0 else None


def _not_negative(value: object) -> Decimal | None:
    number = decimal_from_text(value)
    return number if number is not None and number >= 0 else None


def _exact_count(value: object) -> Decimal | None:
    return decimal_from_text(value) if isinstance(value, str) and _EXACT_COUNT.fullmatch(value) else None


def _price(value: object) -> Decimal | None:
    number = _not_negative(value)
    return number if number is not None and number <= ONE_DOLLAR else None


def is_whole(value: object) -> bool:
    """Return True for a JSON number without a fraction."""
    return _whole(value) is not None


def is_number(value: object) -> bool:
    """Return True for any finite JSON number."""
    return _number(value) is not None


def is_time(value: object) -> TypeGuard[str]:
    """Return True for RFC 3339 text, also of a time that was never set."""
    return isinstance(value, str) and _MOMENT.fullmatch(value) is not None


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _number(value: object) -> Decimal | None:
    if isinstance(value, Decimal):
        return value if value.is_finite() else None
    whole = _whole(value)
    return None if whole is None else Decimal(whole)


def _list(value: object) -> list[Any] | None:
    return value if isinstance(value, list) else None


def _flag(value: object) -> bool | None:
    return value if isinstance(value, bool) else None


def _enum(value: object, members: type[E]) -> E | None:
    return next((member for member in members if member == value), None)


def _moment(value: object) -> datetime | None:
    return _moment_from_text(value) if isinstance(value, str) else None


def _is_never(value: object) -> bool:
    return is_time(value) and int(value[:4]) not in SANE_YEARS


@lru_cache(maxsize=16_384)  # the same market times recur in every read
def _moment_from_text(text: str) -> datetime | None:
    found = _MOMENT.fullmatch(text)
    if found is None:
        return None
    day, clock, fraction, offset = found.groups()
    microseconds = (fraction or "0")[:6].ljust(6, "0")
    zone = "+00:00" if offset in "Zz" else offset
    try:
        return _sane(datetime.fromisoformat(f"{day}T{clock}.{microseconds}{zone}").astimezone(UTC))
    except (ValueError, OverflowError):
        return None


def _unix(value: object, per_second: int) -> datetime | None:
    whole = _whole(value)
    if whole is None:
        return None
    try:
        seconds, rest = divmod(whole, per_second)
        at = datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return _sane(at.replace(microsecond=rest * (1_000_000 // per_second)))


def _sane(at: datetime) -> datetime | None:
    return at if at.year in SANE_YEARS else None
