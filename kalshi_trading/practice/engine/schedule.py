"""What is due when: the one queue of everything the clock will bring about.

Knows instants and names. Never knows whether a thing still applies; whoever takes it asks that.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from enum import StrEnum


class DueKind(StrEnum):
    """What can happen without anybody asking; at one instant, in this sequence."""

    MARKET_OPENED = "market_opened"
    ORDER_EXPIRED = "order_expired"
    MARKET_CLOSED = "market_closed"
    MARKET_SETTLED = "market_settled"
    ORDER_CANCELED = "order_canceled"


@dataclass(frozen=True, slots=True)
class Occurred:
    """Something that came about by itself; `key` is a ticker or an order id."""

    at: int
    what: DueKind
    key: str


_RANKS = {occurrence: rank for rank, occurrence in enumerate(DueKind)}


class Schedule:
    """Happenings that are to come, earliest first."""

    def __init__(self) -> None:
        self._entries: list[tuple[int, int, str, DueKind]] = []

    def schedule(self, at: int, what: DueKind, key: str) -> None:
        """Note something for an instant, which may be over already."""
        heapq.heappush(self._entries, (at, _RANKS[what], key, what))

    def next_at(self) -> int | None:
        """Return the earliest instant noted, or None."""
        return self._entries[0][0] if self._entries else None

    def take_due(self, now: int) -> Occurred | None:
        """Take out the earliest occurrence that is due by now, or None."""
        if not self._entries or self._entries[0][0] > now:
            return None
        at, _, key, what = heapq.heappop(self._entries)
        return Occurred(at, what, key)
