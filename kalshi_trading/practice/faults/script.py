"""A running fault script: choose the rule for a request, count its uses.

Follows changes of its file. Never touches a request.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

from kalshi_trading.practice.faults.rules import FaultKind, Rule, RuleSet, parse
from kalshi_trading.practice.records import ONE_SECOND

__all__ = ["FaultKind", "FaultScript", "Rule"]

_NEVER = 2**63
_log = logging.getLogger(__name__)

Stamp = tuple[int, int, int]


@dataclass(slots=True)
class _Running:
    """A rule with its counters.

    `matched` counts matching requests, `used` those the rule applied to.
    """

    rule: Rule
    matched: int = 0
    used: int = 0
    ends_at: int = _NEVER

    def applies(self, now: int, chance: Callable[[], float]) -> bool:
        """Count a matching request; return True if the rule applies."""
        rule = self.rule
        self.matched += 1
        if self.matched <= rule.after:
            return False
        if self.matched == rule.after + 1 and rule.for_s is not None:
            self.ends_at = now + _microseconds(rule.for_s)
        if now >= self.ends_at or (rule.times is not None and self.used >= rule.times):
            return False
        if rule.chance < 1 and chance() >= rule.chance:
            return False
        self.used += 1
        return True


class FaultScript:
    """Rules in force; the first rule that applies to a request counts.

    Rules may be replaced at any time. `pause` waits a number of seconds; a test with its own clock passes
    another function.
    """

    def __init__(
        self,
        rules: Sequence[Rule] = (),
        *,
        seed: int = 0,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.pause = pause
        self._file: Path | None = None
        self._stamp: Stamp | None = None
        self.replace(rules, seed=seed)

    @classmethod
    def from_file(cls, path: Path) -> FaultScript:
        """Read a fault file and follow its later changes.

        Raises OSError and ValueError.
        """
        stamp = _stamp(path)
        found = _read(path)
        script = cls(found.rules, seed=found.seed)
        script._file, script._stamp = path, stamp
        return script

    def replace(self, rules: Sequence[Rule], *, seed: int = 0) -> None:
        """Replace the rules and reset all counters."""
        self._random = Random(seed)
        self._running = [_Running(rule) for rule in rules]

    def refresh(self) -> None:
        """Reload the file if it has changed.

        An unreadable file leaves the rules unchanged.
        """
        if self._file is None:
            return
        try:
            stamp = _stamp(self._file)
            if stamp == self._stamp:
                return
            self._stamp = stamp
            found = _read(self._file)
        except (OSError, ValueError) as error:
            _log.error("Faults in %s not reloaded: %s.", self._file, error)
            return
        self.replace(found.rules, seed=found.seed)

    def choose_rule(self, method: str, path: str, now: int) -> Rule | None:
        """Return the rule that applies to this request, and count its use.

        None: no rule applies.
        """
        for running in self._running:
            rule = running.rule
            is_meant = rule.applies_to_requests and rule.matches(method, path)
            if is_meant and running.applies(now, self._random.random):
                return rule
        return None

    def used(self) -> list[int]:
        """Return how often each rule has applied, in rule order."""
        return [running.used for running in self._running]

    @property
    def dedup(self) -> str:
        """Treatment of a repeated client_order_id."""
        rule = self._rule_of(FaultKind.DEDUP)
        return (rule and rule.mode) or "refuse"

    def shown_until(self, now: int) -> int:
        """Return the time (microseconds) up to which private reads show changes.

        0: private reads are frozen.
        """
        if self._rule_of(FaultKind.FROZEN):
            return 0
        lag = self._rule_of(FaultKind.READ_LAG)
        return now if lag is None else now - _microseconds(lag.lag_s or 0)

    def _rule_of(self, kind: FaultKind) -> Rule | None:
        return next((running.rule for running in self._running if running.rule.kind is kind), None)


def _microseconds(seconds: float) -> int:
    return round(seconds * ONE_SECOND)


def _read(path: Path) -> RuleSet:
    return parse(path.read_text(encoding="utf-8"))


def _stamp(path: Path) -> Stamp:
    status = os.stat(path)
    return status.st_mtime_ns, status.st_size, status.st_ino
