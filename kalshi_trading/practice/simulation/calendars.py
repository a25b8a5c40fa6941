"""Closing times of the events of a series.

Every event of a series has a number, and its closing time follows from that number alone. So the world can
be computed for any instant without stored state. Never knows what an event is about.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from kalshi_trading.practice.records import ONE_SECOND

MINUTE = 60
HOUR = 60 * MINUTE
DAY = 24 * HOUR
WEEK = 7 * DAY


class Calendar(Protocol):
    def close_of(self, number: int) -> int:
        """Return an event's closing time in Unix microseconds."""

    def next_number(self, now: int) -> int:
        """Return the number of the first event that closes after `now`."""


@dataclass(frozen=True, slots=True)
class Every:
    """Closes every `seconds`, shifted by `phase_s`."""

    seconds: int
    phase_s: int = 0

    def close_of(self, number: int) -> int:
        return (number * self.seconds + self.phase_s) * ONE_SECOND

    def next_number(self, now: int) -> int:
        return (now // ONE_SECOND - self.phase_s) // self.seconds + 1


@dataclass(frozen=True, slots=True)
class Monthly:
    """Closes every `months` months, on a day of the month at an hour, UTC."""

    day: int
    hour: int
    months: int = 1

    def close_of(self, number: int) -> int:
        year, month = divmod(number * self.months, 12)
        close = datetime(year, month + 1, self.day, self.hour, tzinfo=UTC)
        return int(close.timestamp()) * ONE_SECOND

    def next_number(self, now: int) -> int:
        today = datetime.fromtimestamp(now // ONE_SECOND, UTC)
        number = (today.year * 12 + today.month - 1) // self.months
        while self.close_of(number) <= now:
            number += 1
        return number
