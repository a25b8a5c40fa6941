"""The local time zone of the tests, and times in it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from datetime import date, datetime
from datetime import time as clock_time
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

# Spelled out, because the machine may have no time zone database.
NEW_YORK = "EST5EDT,M3.2.0,M11.1.0"

SetZone = Callable[[str], None]


def set_local_zone(zone: str) -> None:
    """Set the local time zone of this process and its future children.

    Raises ValueError for a name this machine does not know, because the C library would use UTC for it.
    """
    if zone != NEW_YORK:
        try:
            ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError(f"this machine knows no time zone {zone!r}, such as Asia/Kolkata") from None
    os.environ["TZ"] = zone
    time.tzset()


def local_noon(year: int, month: int, day: int) -> datetime:
    """Return noon of a local day.

    Files, counters and periods use local days.
    """
    return datetime.combine(date(year, month, day), clock_time(12)).astimezone()
