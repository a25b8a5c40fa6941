"""The time zone that tests live in, and local times in it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from datetime import date, datetime
from datetime import time as clock_time
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

# Spelled out, because a machine may have no time zone database.
NEW_YORK = "EST5EDT,M3.2.0,M11.1.0"

NOON = clock_time(12)
InZone = Callable[[str], None]


def move_to(zone: str) -> None:
    """Set the local time zone of this process and of those it starts from now on.

    Raises ValueError for a name this machine does not know: the C library would take it for UTC.
    """
    if "," not in zone:
        try:
            ZoneInfo(zone)
        except ZoneInfoNotFoundError:
            raise ValueError(f"this machine knows no time zone {zone!r}") from None
    os.environ["TZ"] = zone
    time.tzset()


def local_noon(year: int, month: int, day: int) -> datetime:
    """Return noon of a local day: files, counters and periods go by local days."""
    return datetime.combine(date(year, month, day), NOON).astimezone()
