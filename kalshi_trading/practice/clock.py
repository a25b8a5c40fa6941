"""The time an exchange lives by, in Unix microseconds; a test hands in one that it moves itself."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    def now(self) -> int:
        """Return the present in Unix microseconds."""


class SystemClock:
    """The machine's clock."""

    def now(self) -> int:
        return time.time_ns() // 1000


class ManualClock:
    """A clock that stands still until it is moved."""

    def __init__(self, now: int) -> None:
        self._now = now

    def now(self) -> int:
        return self._now

    def move(self, seconds: float) -> None:
        """Move forward by `seconds`."""
        self._now += round(seconds * 1_000_000)
