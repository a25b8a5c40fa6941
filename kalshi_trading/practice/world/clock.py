"""Clocks in Unix microseconds, including ones that a test can move."""

from __future__ import annotations

import time
from typing import Protocol, runtime_checkable


class Clock(Protocol):
    def now(self) -> int:
        """Return the current time in Unix microseconds."""


@runtime_checkable
class MovableClock(Clock, Protocol):
    def move_to(self, instant: int) -> None:
        """Move forward to `instant`; a past instant changes nothing."""


class SystemClock:
    """The machine's clock."""

    def now(self) -> int:
        return time.time_ns() // 1000


class ManualClock:
    """A clock that only moves when the caller moves it."""

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
    """Another clock, shifted by `shift` microseconds."""

    def __init__(self, clock: Clock, *, shift: int = 0) -> None:
        self._clock = clock
        self._shift = shift

    def now(self) -> int:
        return self._clock.now() + self._shift

    def move_to(self, instant: int) -> None:
        self._shift += max(0, instant - self.now())
