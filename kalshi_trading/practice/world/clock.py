"""The time an exchange lives by, in Unix microseconds; a test hands in one that it moves itself."""

from __future__ import annotations

import time
from typing import Protocol, runtime_checkable


class Clock(Protocol):
    def now(self) -> int:
        """Return the present in Unix microseconds."""


@runtime_checkable
class MovableClock(Clock, Protocol):
    def move_to(self, instant: int) -> None:
        """Move forward to an instant; one that has passed changes nothing."""


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

    def move_to(self, instant: int) -> None:
        self._now = max(self._now, instant)


class ShiftedClock:
    """A clock that runs like another one, some time before or after it."""

    def __init__(self, clock: Clock, *, shift: int = 0) -> None:
        self._clock = clock
        self._shift = shift

    def now(self) -> int:
        return self._clock.now() + self._shift

    def move_to(self, instant: int) -> None:
        self._shift += max(0, instant - self.now())
