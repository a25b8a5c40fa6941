"""All fills and settlements of the account, live and archived.

Reads everything once. A later read requests only newer rows, with an overlap for rows that appear late or
are corrected. Keeps rows for the session. Source: Kalshi API, historical data.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Generic, TypeVar

from kalshi_trading.core.models import Fill, Settlement
from kalshi_trading.core.pnl import oldest_first
from kalshi_trading.core.results import Listing, Progress
from kalshi_trading.kalshi_client import KalshiClient
from kalshi_trading.portfolio.read_pool import ReadPool
from kalshi_trading.portfolio.settled_floors import SettledFloors

T = TypeVar("T")
OnLastPage = Callable[[], None] | None
_OVERLAP = timedelta(hours=1)


class _Remembered(Generic[T]):
    """Rows by name. `read` requests those since a time. None: all of them."""

    def __init__(
        self,
        read: Callable[[datetime | None, Progress | None, OnLastPage], Listing[T]],
        identity: Callable[[T], str],
        time: Callable[[T], datetime | None],
    ) -> None:
        self._read = read
        self._identity = identity
        self._time = time
        self._newest: datetime | None = None
        self.rows: dict[str, T] = {}

    def read_since_last(
        self, progress: Progress | None = None, on_last_page: OnLastPage = None
    ) -> tuple[T, ...]:
        """Read rows that may be new or corrected, without storing them.

        Raises KalshiAPIError.
        """
        since = None if self._newest is None else self._newest - _OVERLAP
        return self._read(since, progress, on_last_page).require_complete()

    def remember(self, rows: Iterable[T]) -> list[T]:
        """Store rows, and return the new or changed ones in the same order."""
        named = {self._identity(row): row for row in rows}
        news = {
            name: row for name, row in named.items() if not (name in self.rows and self.rows[name] == row)
        }
        self.rows |= news
        times = [self._newest, *map(self._time, news.values())]
        self._newest = max((at for at in times if at is not None), default=None)
        return list(news.values())


class FillHistory:
    """Fills by market and settlements, as of the last read.

    Reads may run concurrently. The lock is held while rows are stored, never while they are read, so an
    abandoned read never blocks the next one.
    """

    def __init__(self, client: KalshiClient) -> None:
        self._client = client
        self._lock = threading.Lock()
        self._fills = _Remembered[Fill](
            lambda since, progress, on_last_page: client.get_fills(
                since=since, progress=progress, on_last_page=on_last_page
            ),
            attrgetter("fill_id"),
            attrgetter("created_at"),
        )
        self._settlements = _Remembered[Settlement](
            lambda since, progress, _: client.get_settlements(since=since, progress=progress),
            lambda row: row.ticker,
            lambda row: row.settled_at,
        )
        self._floors = SettledFloors(client)
        self._archive_is_read = False
        self._fills_of: dict[str, tuple[Fill, ...]] = {}

    def read_fills(self, progress: Progress | None = None) -> Mapping[str, tuple[Fill, ...]]:
        """Return all fills by market, oldest first.

        Raises KalshiAPIError if some may be missing. The archive is read after the live list: rows only move
        from the live list to the archive, so none is missed.
        """
        if self._archive_is_read:
            self._remember_fills(self._fills.read_since_last(progress))
        else:
            self._read_all_fills(progress)
        with self._lock:
            return dict(self._fills_of)

    def _read_all_fills(self, progress: Progress | None) -> None:
        archive: list[Future[Listing[Fill]]] = []

        def beyond(rows: int) -> None:
            if progress is not None:
                progress(len(self._fills.rows) + rows)

        with ReadPool(1) as archivist:

            def on_last_page() -> None:
                archive.append(archivist.submit(lambda: self._client.get_historical_fills(progress=beyond)))

            self._remember_fills(self._fills.read_since_last(progress, on_last_page))
            archived = archive[0].result().require_complete()
            self._remember_fills([fill for fill in archived if fill.fill_id not in self._fills.rows])
        self._archive_is_read = True

    def _remember_fills(self, rows: Iterable[Fill]) -> None:
        """Add new rows, received newest first, to the fills of their market.

        A corrected fill keeps its place.
        """
        by_ticker: dict[str, dict[str, Fill]] = {}
        with self._lock:
            for fill in self._fills.remember(rows):
                by_ticker.setdefault(fill.ticker, {})[fill.fill_id] = fill
            for ticker, fills in by_ticker.items():
                known = [fills.pop(fill.fill_id, fill) for fill in self._fills_of.get(ticker, ())]
                self._fills_of[ticker] = tuple(oldest_first([*fills.values(), *reversed(known)]))

    def read_settlements(self, progress: Progress | None = None) -> tuple[Settlement, ...]:
        """Return all settlements, newest first.

        Raises KalshiAPIError if some may be missing.
        """
        rows = self._settlements.read_since_last(progress)
        with self._lock:
            self._settlements.remember(rows)
            known = list(self._settlements.rows.values())
        return self._floors.apply(sorted(known, key=lambda row: row.settled_at, reverse=True))
