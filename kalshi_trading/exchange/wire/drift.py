"""Compare answers with the documented fields to notice API changes.

Only compares: an answer with changed fields is still read where money and identity allow. Performs no I/O.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cache, lru_cache
from itertools import islice

from kalshi_trading.core.dates import utc_now
from kalshi_trading.core.money import decimal_from_text
from kalshi_trading.core.text import sanitize
from kalshi_trading.exchange.wire.documented import ANSWERS, DOCUMENTED, RECORDS
from kalshi_trading.exchange.wire.fields import is_number, is_time, is_whole

_MAX_REPORTED = 500
"""Different changes kept per session. An exchange that invents names must not fill the memory."""
_MAX_LINES = 20


class Change(StrEnum):
    NEW = "new"
    MISSING = "missing"
    RETYPED = "of another type"


@dataclass(frozen=True, slots=True, order=True)
class FieldChange:
    """A field that differs from the documentation of one endpoint."""

    endpoint: str
    record: str
    field: str
    change: Change

    def __str__(self) -> str:
        return f"{self.record}.{self.field} is {self.change}"


@dataclass(frozen=True, slots=True)
class SeenChange:
    """A field change with the number of records that showed it."""

    change: FieldChange
    count: int
    first_seen: datetime


class DriftCheck:
    """Count field changes per endpoint and kind. Thread-safe.

    `report` is called once for each change with a sentence about its endpoint.
    """

    def __init__(
        self,
        report: Callable[[str], object] = lambda sentence: None,
        *,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._report = report
        self._clock = clock
        self._seen: dict[FieldChange, SeenChange] = {}
        self._lock = threading.Lock()

    def observe(self, method: str, path: str, body: Mapping[str, object]) -> None:
        """Compare one successful answer. `path` has no prefix and no query."""
        endpoint = _endpoint(method, path)
        if endpoint is None:
            return
        found = Counter(field_changes(endpoint, body))
        if not found:
            return
        with self._lock:
            unseen = sorted(change for change in found if change not in self._seen)
            unseen = unseen[: _MAX_REPORTED - len(self._seen)]
            for change in unseen:
                self._seen[change] = SeenChange(change, 0, self._clock())
            for change, count in found.items():
                if (seen := self._seen.get(change)) is not None:
                    self._seen[change] = SeenChange(change, seen.count + count, seen.first_seen)
        if unseen:
            self._report(f"{endpoint}: {', '.join(map(str, unseen))}")

    def release_note(self) -> tuple[str, ...]:
        """Describe the changes seen in this session, by endpoint.

        The first line has the local date of the first change. Empty if there is none.
        """
        seen = self.seen()
        if not seen:
            return ()
        first = min(each.first_seen for each in seen).astimezone()
        title = f"The exchange's API has changed since {DOCUMENTED}. First seen {first:%b %d, %Y}."
        lines = [f"{each.change.endpoint}: {each.change}, seen {each.count:,}×" for each in seen[:_MAX_LINES]]
        more = len(seen) - len(lines)
        return (title, *lines, *([f"{more:,} more changes are in the records."] if more else []))

    def seen(self) -> tuple[SeenChange, ...]:
        """Return all changes of this session, by endpoint."""
        with self._lock:
            return tuple(self._seen[change] for change in sorted(self._seen))


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    kind: str
    is_optional: bool
    depth: int  # number of lists around the kind

    @classmethod
    def parse(cls, text: str) -> _Field:
        name, _, kind = text.partition(":")
        inner = kind.removesuffix("?").strip("[]")
        return cls(name, inner, kind.endswith("?"), kind.count("["))


def field_changes(endpoint: str, body: Mapping[str, object]) -> Iterator[FieldChange]:
    """Yield each difference of an answer, once per record that shows it."""
    answer = ANSWERS[endpoint]
    name = answer if answer in RECORDS else "answer"
    for record, field, change in _compare(name, _fields(RECORDS.get(answer, answer)), body):
        yield FieldChange(endpoint, record.replace("-", " "), field, change)


_Difference = tuple[str, str, Change]


def _compare(name: str, fields: Mapping[str, _Field], body: Mapping[str, object]) -> Iterator[_Difference]:
    for key in islice(body.keys() - fields.keys(), _MAX_REPORTED):
        yield name, sanitize(key[:80]), Change.NEW
    for key, field in fields.items():
        value = body.get(key)
        if value is None or (value == "" and field.kind not in ("text", "any")):
            if not field.is_optional:
                yield name, key, Change.MISSING
        elif (differences := _differences(field, value, field.depth)) is None:
            yield name, key, Change.RETYPED
        else:
            yield from differences


def _differences(field: _Field, value: object, depth: int) -> Iterator[_Difference] | None:
    """Return the differences inside a value. None: it has another type."""
    if depth:
        if not isinstance(value, list):
            return None
        inner = [_differences(field, item, depth - 1) for item in value]
        return None if None in inner else (each for part in inner if part is not None for each in part)
    if (check := _TYPES.get(field.kind)) is not None:
        return iter(()) if check(value) else None
    if not isinstance(value, Mapping):
        return None
    return _compare(field.kind, _fields(RECORDS[field.kind]), value)


@cache
def _fields(text: str) -> Mapping[str, _Field]:
    return {field.name: field for field in map(_Field.parse, text.split())}


def _is_level(value: object) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(map(_is_decimal, value))


def _is_decimal(value: object) -> bool:
    return decimal_from_text(value) is not None


_TYPES: dict[str, Callable[[object], bool]] = {
    "any": lambda value: True,
    "text": lambda value: isinstance(value, str),
    "flag": lambda value: isinstance(value, bool),
    "decimal": _is_decimal,
    "whole": is_whole,
    "number": is_number,
    "time": is_time,
    "level": _is_level,
}


@lru_cache(maxsize=2_048)  # the same markets are read again and again
def _endpoint(method: str, path: str) -> str | None:
    """Return the documented endpoint of a path. None: there is none.

    A fixed word in a route wins over a placeholder.
    """
    parts = path.split("/")
    matching = [endpoint for endpoint in ANSWERS if _matches(endpoint.partition(" "), method, parts)]
    return min(matching, key=lambda endpoint: endpoint.count("{"), default=None)


def _matches(endpoint: tuple[str, str, str], method: str, parts: list[str]) -> bool:
    wanted_method, _, route = endpoint
    expected = route.split("/")
    return (
        wanted_method == method
        and len(expected) == len(parts)
        and all(part == given or part.startswith("{") for part, given in zip(expected, parts, strict=True))
    )
