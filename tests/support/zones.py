"""The time zone that tests live in."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

# Spelled out, because a machine may have no time zone database.
NEW_YORK = "EST5EDT,M3.2.0,M11.1.0"

InZone = Callable[[str], None]


def move_to(zone: str) -> None:
    """Set the local time zone of this process and of those it starts from now on."""
    os.environ["TZ"] = zone
    time.tzset()
