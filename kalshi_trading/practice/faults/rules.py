"""Rules of scripted faults as plain data, and their JSON file format.

Knows which fields each kind takes. Looks at a request's method and path only.

A file is `{"seed": 1, "rules": [{"kind": "after_accept", "method": "POST", "hold_s": 15}, ...]}`. `path`
is the part after /trade-api/v2: a template such as `/portfolio/orders/{order_id}`, or a prefix that ends
with `*`. Rules that apply to requests may also have:

- `times`: how often the rule applies
- `chance`: probability from 0 to 1
- `after`: number of matching requests to skip first
- `for_s`: seconds the rule lasts, from the first request after the skipped ones
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any

from kalshi_trading.practice.faults.answers import CANNED, GARBLED, RawAnswer, json_answer


class FaultKind(StrEnum):
    """Kinds of faults.

    A fault applies to single requests, or from `READ_LAG` on to the whole exchange.
    """

    BEFORE_ACCEPT = "before_accept"  # not processed; a response, or held and closed; or only delayed
    AFTER_ACCEPT = "after_accept"  # processed; then another response, or held and closed, or delayed
    LATE = "late"  # closed (or answered) at once, processed later
    RATE_LIMIT_STORM = "rate_limit_storm"
    PAGING = "paging"
    READ_LAG = "read_lag"  # private reads show the state of `lag_s` ago
    FROZEN = "frozen"  # private reads show no new changes
    DEDUP = "dedup"  # response to a repeated client_order_id


PAGING_MODES = ("repeat", "cycle", "empty", "endless", "break_off")
DEDUP_MODES = ("refuse", "refuse_without_code", "forget_ended")

_REQUESTS = {"method", "path", "times", "chance", "after", "for_s"}
_ALLOWED: dict[FaultKind, set[str]] = {
    FaultKind.BEFORE_ACCEPT: {*_REQUESTS, "answer", "hold_s", "delay_s"},
    FaultKind.AFTER_ACCEPT: {*_REQUESTS, "answer", "hold_s", "delay_s"},
    FaultKind.LATE: {*_REQUESTS, "after_s", "answer", "hold_s"},
    FaultKind.RATE_LIMIT_STORM: {*_REQUESTS, "retry_after"},
    FaultKind.PAGING: {*_REQUESTS, "mode", "page"},
    FaultKind.READ_LAG: {"lag_s"},
    FaultKind.FROZEN: set(),
    FaultKind.DEDUP: {"mode"},
}
_REQUIRED = {
    FaultKind.LATE: ("after_s",),
    FaultKind.PAGING: ("mode",),
    FaultKind.READ_LAG: ("lag_s",),
    FaultKind.DEDUP: ("mode",),
}
_MODES = {FaultKind.PAGING: PAGING_MODES, FaultKind.DEDUP: DEDUP_MODES}
_MAX_S = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One fault. Durations are in seconds.

    `answer` is a name from `faults.answers` or a custom response. `page` is the first broken page of a list,
    counted from 1. Raises ValueError if the fields do not fit the kind.
    """

    kind: FaultKind
    method: str = "*"
    path: str = "*"
    times: int | None = None
    chance: float = 1
    after: int = 0
    for_s: float | None = None
    answer: str | RawAnswer | None = None
    hold_s: float | None = None
    delay_s: float | None = None
    after_s: float | None = None
    lag_s: float | None = None
    retry_after: str | None = None
    mode: str | None = None
    page: int = 1

    def __post_init__(self) -> None:
        self._check_fields()
        self._check_numbers()
        self._check_texts()

    @property
    def applies_to_requests(self) -> bool:
        """True if the rule applies to single requests, not the whole exchange."""
        return "path" in _ALLOWED[self.kind]

    def matches(self, method: str, path: str) -> bool:
        """Return True if the rule covers a request.

        `path` is without /trade-api/v2.
        """
        return self.method in ("*", method) and re.fullmatch(_pattern(self.path), path) is not None

    def _check_fields(self) -> None:
        given = {each.name for each in fields(self) if getattr(self, each.name) != each.default} - {"kind"}
        unknown = given - _ALLOWED[self.kind]
        if unknown:
            raise ValueError(f"{self.kind} has no {sorted(unknown)[0]}")
        for name in _REQUIRED.get(self.kind, ()):
            if name not in given:
                raise ValueError(f"{self.kind} needs {name}")
        ways = given & {"answer", "hold_s", "delay_s"}
        needed = self.kind in (FaultKind.BEFORE_ACCEPT, FaultKind.AFTER_ACCEPT)
        if len(ways) > 1 or (needed and not ways):
            raise ValueError(f"{self.kind} takes one of answer, hold_s and delay_s")

    def _check_numbers(self) -> None:
        for name in ("for_s", "hold_s", "delay_s", "after_s", "lag_s"):
            value = getattr(self, name)
            if value is not None and not _is_number(value, _MAX_S):
                raise ValueError(f"{name} must be a number of seconds")
        if not _is_number(self.chance, 1):
            raise ValueError("chance must be a number from 0 to 1")
        for name, least in (("times", 0), ("after", 0), ("page", 1)):
            value = getattr(self, name)
            if not (value is None and name == "times") and not _is_int(value, least):
                raise ValueError(f"{name} must be a whole number of at least {least}")

    def _check_texts(self) -> None:
        for name in ("method", "path"):
            if not isinstance(getattr(self, name), str):
                raise ValueError(f"{name} must be text")
        if self.path != "*" and not self.path.startswith("/"):
            raise ValueError("path must begin with /")
        if self.retry_after is not None and not isinstance(self.retry_after, str):
            raise ValueError("retry_after must be text")
        modes = _MODES.get(self.kind, ())
        if modes and self.mode not in modes:
            raise ValueError(f"mode must be one of {', '.join(modes)}")
        names = CANNED + GARBLED if self.kind is FaultKind.AFTER_ACCEPT else CANNED
        if isinstance(self.answer, str) and self.answer not in names:
            raise ValueError(f"{self.kind} has no answer {self.answer!r}")


@dataclass(frozen=True, slots=True)
class RuleSet:
    """Contents of a fault file."""

    rules: tuple[Rule, ...] = ()
    seed: int = 0


def parse(text: str) -> RuleSet:
    """Parse the text of a fault file. Raises ValueError with the reason."""
    try:
        raw = json.loads(text, parse_constant=_refuse_constant)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if not isinstance(raw, dict) or not raw.keys() <= {"seed", "rules"}:
        raise ValueError("it must be an object with seed and rules")
    rows, seed = raw.get("rules", []), raw.get("seed", 0)
    if not isinstance(rows, list) or not _is_int(seed, 0):
        raise ValueError("rules must be a list and seed a whole number")
    return RuleSet(tuple(_rule(number, row) for number, row in enumerate(rows, 1)), seed)


def _rule(number: int, row: Any) -> Rule:
    known = {each.name for each in fields(Rule)}
    try:
        if not isinstance(row, dict) or row.get("kind") not in tuple(FaultKind):
            raise ValueError(f"kind must be one of {', '.join(FaultKind)}")
        if unknown := sorted(row.keys() - known):
            raise ValueError(f"unknown field {unknown[0]}")
        given = {**row, "kind": FaultKind(row["kind"])}
        if "answer" in given:
            given["answer"] = _answer(given["answer"])
        return Rule(**given)
    except ValueError as error:
        raise ValueError(f"rule {number}: {error}") from None


def _answer(raw: Any) -> str | RawAnswer:
    """Parse a response: a name, or an object of status, headers and body.

    A text body is sent unchanged. Any other body is sent as JSON.
    """
    if isinstance(raw, str):
        return raw
    if not isinstance(raw, Mapping) or not raw.keys() <= {"status", "headers", "body"}:
        raise ValueError("answer must be a name or an object with status, headers and body")
    status, headers, body = raw.get("status"), raw.get("headers", {}), raw.get("body", "")
    if not isinstance(status, int) or not 200 <= status <= 599:
        raise ValueError("status must be a whole number from 200 to 599")
    if not isinstance(headers, Mapping) or not all(isinstance(value, str) for value in headers.values()):
        raise ValueError("headers must be an object with text values")
    if isinstance(body, str):
        return RawAnswer(status, body.encode(), {"content-type": "text/html", **headers})
    return RawAnswer(status, json_answer(status, body).body, {"content-type": "application/json", **headers})


def _pattern(path: str) -> str:
    prefix = path.endswith("*")
    parts = re.split(r"\{[a-z_]+\}", path.removesuffix("*"))
    return "[^/]+".join(map(re.escape, parts)) + (".*" if prefix else "")


def _is_number(value: Any, most: int) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and math.isfinite(value) and 0 <= value <= most


def _is_int(value: Any, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not a number")
