"""Queue of everything the exchange must do at a given time.

Knows times and names. Never knows whether an entry still applies: the caller checks that.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from enum import StrEnum


class DueKind(StrEnum):
    """Kinds of timed events; those due at one instant run in this order."""

    MARKET_OPENED = "market_opened"
    ORDER_EXPIRED = "order_expired"
    MARKET_CLOSED = "market_closed"
    MARKET_SETTLED = "market_settled"
    ORDER_CANCELED = "order_canceled"


@dataclass(frozen=True, slots=True)
class DueEvent:
    """An event that needs no request; `key` is a ticker or order id."""

    at: int
    kind: DueKind
    key: str


_RANKS = {kind: rank for rank, kind in enumerate(DueKind)}


class Schedule:
    """Future events, earliest first."""

    def __init__(self) -> None:
        self._entries: list[tuple[int, int, str, DueKind]] = []

    def schedule(self, at: int, kind: DueKind, key: str) -> None:
        """Schedule an event; the time may already have passed."""
        heapq.heappush(self._entries, (at, _RANKS[kind], key, kind))

    def next_at(self) -> int | None:
        """Return the earliest scheduled time, or None."""
        return self._entries[0][0] if self._entries else None

    def take_due(self, now: int) -> DueEvent | None:
        """Remove and return the earliest event due by `now`, or None."""
        if not self._entries or self._entries[0][0] > now:
            return None
        at, _, key, kind = heapq.heappop(self._entries)
        return DueEvent(at, kind, key)
