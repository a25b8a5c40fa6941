"""Current time, local days, and date ranges such as `7d` or `2026-11`.

A day runs from one local midnight to the next. It lasts 23, 24 or 25 hours.
"""

from __future__ import annotations

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from kalshi_trading.core.errors import InvalidInputError

FORMS = "today, yesterday, 7d, 2026, 2026-11, 2026-11-01 or a range such as 2026-11-01..2026-11-07"
FAR_FUTURE = datetime.max.replace(tzinfo=UTC)
"""Sort key for items without a known time: they come last."""
SANE_YEARS = range(1970, 9000)
"""Times outside these years were never set (some programs write year 1), and would overflow in arithmetic."""
_DAYS_BACK = re.compile(r"([0-9]{1,5})d", re.ASCII)
_CALENDAR = re.compile(r"(2[0-9]{3})(?:-([0-9]{2})(?:-([0-9]{2}))?)?", re.ASCII)


def utc_now() -> datetime:
    return datetime.now(UTC)


def local_date(at: datetime) -> date:
    """Return the local date of an instant."""
    return at.astimezone().date()


def start_of_day(at: datetime) -> datetime:
    """Return the local midnight that begins the day of `at`."""
    return local_midnight(local_date(at))


@dataclass(frozen=True, slots=True)
class Period:
    """The local days from `first` to `last`, both included."""

    first: date
    last: date

    @property
    def start(self) -> datetime:
        return local_midnight(self.first)

    @property
    def end(self) -> datetime:
        """The midnight after `last`, which is excluded from the period."""
        return local_midnight(self.last + timedelta(days=1))

    def contains(self, at: datetime) -> bool:
        return self.first <= local_date(at) <= self.last

    def __str__(self) -> str:
        return f"{self.first}" if self.first == self.last else f"{self.first}..{self.last}"


def local_midnight(day: date) -> datetime:
    """Return the instant a local day begins, even on a clock change."""
    # The timestamp resolves a local midnight that a clock change skips.
    return datetime.fromtimestamp(datetime.combine(day, time.min).timestamp(), UTC).astimezone()


def parse_period(text: str, today: date) -> Period:
    """Read days, months, years or a range of them. Raises InvalidInputError."""
    begin, is_range, end = text.strip().lower().partition("..")
    first = _span(begin.strip(), today)
    period = Period(first.first, _span(end.strip(), today).last) if is_range else first
    if period.first > period.last:
        raise InvalidInputError(
            f"Start the range with the earlier date: {period.last} is before {period.first}."
        )
    return period


def _span(text: str, today: date) -> Period:
    back = _DAYS_BACK.fullmatch(text)
    if text == "today":
        return Period(today, today)
    if text == "yesterday":
        return Period(today - timedelta(days=1), today - timedelta(days=1))
    if back is not None and int(back[1]) > 0:
        return Period(today - timedelta(days=int(back[1]) - 1), today)
    try:
        return _calendar_span(text)
    except ValueError:
        raise InvalidInputError(f"Enter {FORMS}.") from None


def _calendar_span(text: str) -> Period:
    """Read a year, a month or a day. Raises ValueError for other text."""
    parts = _CALENDAR.fullmatch(text)
    if parts is None:
        raise ValueError
    year, month, day = (None if part is None else int(part) for part in parts.groups())
    assert year is not None  # the pattern requires a year
    if month is None:
        return Period(date(year, 1, 1), date(year, 12, 31))
    if day is None:
        return Period(date(year, month, 1), date(year, month, monthrange(year, month)[1]))
    return Period(date(year, month, day), date(year, month, day))
