"""A local index of the markets of one status, searched by words.

The exchange has no text search, so the index keeps the titles of all events of that status. It
loads once and refreshes when old. Never renders, never trades.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from kalshi_trading.core.errors import InvalidInputError
from kalshi_trading.core.market_models import Event, Market, MarketStatus
from kalshi_trading.core.money import ZERO
from kalshi_trading.core.results import DictReading, Progress, Read
from kalshi_trading.kalshi_client import KalshiClient

_YOUNGEST_REFRESH_S = 30.0
_LOADS_WORTH_OF_AGE = 20  # an index that took long to load is kept longer


STATUSES = {
    "unopened": {MarketStatus.INITIALIZED},
    "open": {MarketStatus.ACTIVE},
    "closed": {MarketStatus.CLOSED, MarketStatus.DETERMINED, MarketStatus.DISPUTED, MarketStatus.AMENDED},
    "settled": {MarketStatus.FINALIZED},
}
"""Query statuses and the market statuses each returns. Source: Kalshi API, market lifecycle."""


def _of_market(key: str) -> Read:
    return lambda found: found.market[key]


@dataclass(frozen=True, slots=True)
class FoundMarket(DictReading):
    """A market with its event; read like a dict it is the market."""

    dict_keys: ClassVar[Mapping[str, Read]] = {key: _of_market(key) for key in Market.dict_keys}

    event: Event = field(repr=False)
    market: Market


class MarketIndex:
    """Searches the markets of one status. Times are monotonic seconds."""

    def __init__(
        self,
        client: KalshiClient,
        status: str = "open",
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        if status not in STATUSES:
            raise InvalidInputError(f"status must be one of {', '.join(STATUSES)}.")
        self._client = client
        self._status = status
        self._monotonic = monotonic
        self._guard = threading.Lock()  # so that concurrent searches load it once
        self._rows: tuple[tuple[str, FoundMarket], ...] = ()
        self._stale_at: float | None = None
        self.incomplete: str | None = None
        """The reason why markets may be missing from the index; None: none is missing."""

    def search(
        self, words: str, *, most: int | None = None, progress: Progress | None = None
    ) -> tuple[FoundMarket, ...]:
        """List the markets whose text contains every word, best match first.

        Equal matches are sorted by 24-hour volume. Loads or refreshes the index when needed. Raises
        KalshiAPIError.
        """
        with self._guard:
            self._refresh_when_old(progress)
        wanted = words.lower().split()
        found = [(text, row) for text, row in self._rows if all(word in text for word in wanted)]
        found.sort(key=lambda pair: (-_whole_words(pair[0], wanted), -(pair[1].market.volume_24h or ZERO)))
        return tuple(row for _, row in found[:most])

    def _refresh_when_old(self, progress: Progress | None) -> None:
        if self._stale_at is not None and self._monotonic() < self._stale_at:
            return
        started_at = self._monotonic()
        events = self._client.get_events(status=self._status, with_nested_markets=True, progress=progress)
        rows = {
            market.ticker: (_searchable(event, market), FoundMarket(event, market))
            for event in events
            for market in event.markets
            if market.status in STATUSES[self._status]
        }
        self._rows = tuple(rows.values())
        reasons = (events.incomplete, *(event.incomplete for event in events))
        self.incomplete = next(filter(None, reasons), None)
        took_s = self._monotonic() - started_at
        self._stale_at = self._monotonic() + max(_YOUNGEST_REFRESH_S, _LOADS_WORTH_OF_AGE * took_s)


def _searchable(event: Event, market: Market) -> str:
    parts = (
        event.title,
        event.sub_title,
        event.category or "",
        market.title,
        market.yes_label,
        market.ticker,
        event.event_ticker,
    )
    return " ".join(parts).lower()


def _whole_words(text: str, wanted: list[str]) -> int:
    present = set(text.split())
    return sum(1 for word in wanted if word in present)
