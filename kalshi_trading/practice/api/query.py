"""Strict parser for query strings; knows parameter rules, not meanings.

A broken rule gets the exchange's answer: 400 with a `msg` that names operation and field. Every method but
`error` raises ApiError.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from starlette.datastructures import QueryParams

from kalshi_trading.practice.records import ONE_SECOND
from kalshi_trading.practice.responses.errors import ApiError, invalid_parameter

_INTEGER = re.compile(r"-?[0-9]{1,18}")
_BOOLEANS = {"true": True, "1": True, "false": False, "0": False}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MAX_TEXT_LENGTH = 20_000
_MAX_NAME_LENGTH = 200


class Query:
    """Parameters of one request to one operation."""

    def __init__(self, operation: str, parameters: QueryParams) -> None:
        self._operation = operation
        self._parameters = parameters

    def error(self, name: str, rule: str) -> ApiError:
        """Return the error for a parameter that broke this rule."""
        field = "".join(part.capitalize() for part in name.split("_"))
        return invalid_parameter(self._operation, field, rule)

    def text(self, name: str) -> str | None:
        """Return the text, or None if absent or empty."""
        value = self._parameters.get(name)
        if value is not None and len(value) > _MAX_TEXT_LENGTH:
            raise self.error(name, "max")
        return value or None

    def choice(self, name: str, choices: Iterable[str]) -> str | None:
        value = self.text(name)
        if value is not None and value not in choices:
            raise self.error(name, "oneof")
        return value

    def names(self, name: str, most: int | None = None) -> tuple[str, ...]:
        """Return the items of a comma-separated list, empty if absent."""
        parts = tuple(part for part in (self.text(name) or "").split(",") if part)
        if most is not None and len(parts) > most:
            raise self.error(name, "max")
        return parts

    def repeated(self, name: str, most: int) -> tuple[str, ...]:
        """Return the values of a parameter that may repeat; requires at least one."""
        values = tuple(value for value in self._parameters.getlist(name) if value)
        if not values:
            raise self.error(name, "required")
        if len(values) > most or any(len(value) > _MAX_NAME_LENGTH for value in values):
            raise self.error(name, "max")
        return values

    def repeated_integers(self, name: str, most: int, least: int, greatest: int) -> tuple[int, ...]:
        """Return the whole numbers of a parameter that may repeat, at least one."""
        values = self.repeated(name, most)
        if not all(_INTEGER.fullmatch(value) and least <= int(value) <= greatest for value in values):
            raise self.error(name, "dive")
        return tuple(map(int, values))

    def boolean(self, name: str) -> bool | None:
        value = self.text(name)
        if value is None:
            return None
        if value.lower() not in _BOOLEANS:
            raise self.error(name, "boolean")
        return _BOOLEANS[value.lower()]

    def integer(self, name: str, least: int | None = None, most: int | None = None) -> int | None:
        value = self.text(name)
        if value is None:
            return None
        if not _INTEGER.fullmatch(value):
            raise self.error(name, "number")
        number = int(value)
        if least is not None and number < least:
            raise self.error(name, "gte")
        if most is not None and number > most:
            raise self.error(name, "lte")
        return number

    def required_integer(self, name: str, least: int | None = None, most: int | None = None) -> int:
        number = self.integer(name, least, most)
        if number is None:
            raise self.error(name, "required")
        return number

    def instant(self, name: str) -> int | None:
        """Return a time, sent in Unix seconds, in microseconds."""
        seconds = self.integer(name, least=0, most=10**11)
        return None if seconds is None else seconds * ONE_SECOND

    def periods(self) -> tuple[int, int, int]:
        """Return start, end (Unix seconds) and period length (minutes)."""
        start, end = self.required_integer("start_ts", least=0), self.required_integer("end_ts", least=0)
        interval = self.required_integer("period_interval")
        if end < start:
            raise self.error("end_ts", "gtefield")
        return start, end, interval

    def date_time(self, name: str) -> int | None:
        """Return an RFC3339 time in microseconds."""
        value = self.text(name)
        if value is None:
            return None
        try:
            return (datetime.fromisoformat(value) - _EPOCH) // timedelta(microseconds=1)
        except (ValueError, TypeError):
            raise self.error(name, "datetime") from None

    def limit(self, most: int, default: int = 100, least: int = 1) -> int:
        """Return the page size; a size above the maximum raises ApiError."""
        number = self.integer("limit", least, most)
        return default if number is None else number

    def primary_account_only(self) -> bool:
        """Return True if the request names no subaccount or shard except 0."""
        subaccount = self.integer("subaccount", least=0, most=63)
        shard = self.integer("exchange_index", least=-1)
        return subaccount in (None, 0) and shard in (None, -1, 0)
