"""Estimate the exchange's clock and the time to sign requests with.

Learns from the Date headers of answers. Ignores answers that a cache may have kept, because an old time
would look like a wrong clock. Sends nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime


class ExchangeClock:
    """The exchange's clock relative to this computer's.

    Safe to share between threads.
    """

    def __init__(self, clock: Callable[[], datetime], tolerated_skew_s: float) -> None:
        self._clock = clock
        self._tolerated_skew_s = tolerated_skew_s
        self.skew_s: float | None = None
        """Seconds this computer's clock is ahead of the exchange's: an estimate. None: no time from the
        exchange yet.
        """
        self.least_skew_s: float | None = None
        """The minimum seconds this computer's clock can be ahead. None: no time from the exchange yet."""
        self.offset_s = 0.0
        """Seconds added to this computer's time to sign a request."""

    def signing_time_ms(self) -> int:
        return int((self._clock().timestamp() + self.offset_s) * 1000)

    def observe(self, headers: Mapping[str, str], elapsed_s: float) -> None:
        """Learn from the answer to a signed request.

        `elapsed_s` is the time from sending the request to receiving the answer.
        """
        header_s = _seconds_of(headers.get("Date"))
        if header_s is None or headers.get("Age", "0").strip() != "0":
            return
        # The exchange wrote the header, cut to whole seconds, some time between request and answer.
        # The estimate assumes half-way; the minimum assumes the moment the request left.
        asked_at_s = self._clock().timestamp() - elapsed_s
        self.skew_s = asked_at_s + elapsed_s / 2 - header_s - 0.5
        self.least_skew_s = asked_at_s - header_s - 1

    def apply_offset(self) -> float | None:
        """Sign by the exchange's clock if this computer's is too far off.

        Returns the seconds this computer's clock is ahead. None: it is right, or there is no time from the
        exchange.
        """
        skew_s = self.skew_s
        if skew_s is None or abs(skew_s) <= self._tolerated_skew_s:
            return None
        self.offset_s = -skew_s
        return skew_s

    def resync(self, signed_with_s: float) -> bool:
        """Sign by the exchange's clock; False if the refused request already did.

        `signed_with_s` is the offset of that request. Another thread may have corrected the offset since.
        """
        offset_s = -(self.skew_s or 0.0)
        if abs(offset_s - signed_with_s) < 1:
            return False
        self.offset_s = offset_s
        return True


def _seconds_of(date: str | None) -> float | None:
    """Parse a Date header into Unix seconds. None: it is not a valid time."""
    try:
        parsed = parsedate_to_datetime(date) if date else None
        return parsed.timestamp() if parsed is not None and parsed.tzinfo is not None else None
    except (ValueError, ArithmeticError, TypeError, LookupError):
        return None
