"""What is known of the exchange's clock, and the time by which requests are signed.

Learns from the times that answers carry, and believes none that a cache may have kept: an old time would
pass for a clock that is wrong. Asks nobody, sends nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime

_TOLERATED_SKEW_S = 2.0


class ExchangeClock:
    """The exchange's clock beside this computer's. Safe to share between threads."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self.skew_s: float | None = None
        """How far this computer's clock is ahead of the exchange's, in seconds; None: not seen. A guess."""
        self.least_skew_s: float | None = None
        """The least that it can be ahead, in seconds; None: not seen."""
        self.offset_s = 0.0
        """What is added to this computer's time to sign a request."""

    def signing_time_ms(self) -> int:
        return int((self._clock().timestamp() + self.offset_s) * 1000)

    def observe(self, headers: Mapping[str, str], elapsed_s: float) -> None:
        """Learn from the answer to a signed request, which was here `elapsed_s` after it was asked for."""
        told_s = _seconds_of(headers.get("Date"))
        if told_s is None or headers.get("Age", "0").strip() != "0":
            return
        # The header, whose seconds are cut down, was written at some time of the way: half-way by the best
        # guess, and at the earliest as the request left.
        asked_at_s = self._clock().timestamp() - elapsed_s
        self.skew_s = asked_at_s + elapsed_s / 2 - told_s - 0.5
        self.least_skew_s = asked_at_s - told_s - 1

    def apply_offset(self) -> float | None:
        """Sign by the exchange's clock from now on if this computer's is more than 2 s off.

        Returns by how many seconds this computer's clock is ahead then, None when it is right or when
        nothing was heard of the exchange's.
        """
        skew_s = self.skew_s
        if skew_s is None or abs(skew_s) <= _TOLERATED_SKEW_S:
            return None
        self.offset_s = -skew_s
        return skew_s

    def resync(self, signed_with_s: float) -> bool:
        """Sign by the exchange's clock from now on; False when the refused request already was.

        What counts is the offset of that request: another thread may have corrected it since.
        """
        offset_s = -(self.skew_s or 0.0)
        if abs(offset_s - signed_with_s) < 1:
            return False
        self.offset_s = offset_s
        return True


def _seconds_of(date: str | None) -> float | None:
    """Read a header's date, which may be any text; None for one that names no moment."""
    try:
        told = parsedate_to_datetime(date) if date else None
        return told.timestamp() if told is not None and told.tzinfo is not None else None
    except (ValueError, ArithmeticError, TypeError, LookupError):
        return None
