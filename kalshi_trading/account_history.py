"""Everything the account ever did: fills and settlements over both sides of the cut-off, read once.

Rows never change once they are there, so a later reading asks only for what is newer, with an overlap for
rows that appear late. Keeps them for the session; computes nothing and never renders.
Source: Kalshi API, historical data.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from kalshi_trading.kalshi_client import KalshiClient
from kalshi_trading.market_account import oldest_first
from kalshi_trading.models import Fill, Listing, Settlement
from kalshi_trading.paging import Progress

T = TypeVar("T")
AllHere = Callable[[], None] | None
_OVERLAP = timedelta(hours=1)


class _Remembered(Generic[T]):
    """A list whose rows never change. `read` asks for those since a moment, or for all of them."""

    def __init__(
        self,
        read: Callable[[datetime | None, Progress | None, AllHere], Listing[T]],
        identity: Callable[[T], str],
        time: Callable[[T], datetime | None],
    ) -> None:
        self._read = read
        self._identity = identity
        self._time = time
        self._newest: datetime | None = None
        self.rows: dict[str, T] = {}

    def refresh(self, progress: Progress | None = None, all_here: AllHere = None) -> list[T]:
        """Read on and return the rows that are new, as they came. Raises KalshiAPIError."""
        since = None if self._newest is None else self._newest - _OVERLAP
        listing = self._read(since, progress, all_here).whole()
        new = {name: row for row in listing if (name := self._identity(row)) not in self.rows}
        self.rows |= new
        times = (self._time(row) for row in new.values())
        self._newest = max((at for at in times if at is not None), default=self._newest)
        return list(new.values())


class AccountHistory:
    """Fills by market and settlements, as of the last reading. Its readings may run side by side."""

    def __init__(self, client: KalshiClient) -> None:
        self._client = client
        self._reading_fills = threading.Lock()
        self._reading_settlements = threading.Lock()
        self.forget()

    def forget(self) -> None:
        """Read everything anew next time."""
        client = self._client
        self._fills = _Remembered[Fill](
            lambda since, progress, all_here: client.get_fills(
                since=since, progress=progress, all_here=all_here
            ),
            lambda fill: fill.fill_id,
            lambda fill: fill.created_at,
        )
        self._settlements = _Remembered[Settlement](
            lambda since, *_: client.get_settlements(since=since),
            lambda row: row.ticker,
            lambda row: row.settled_at,
        )
        self._archive_is_read = False
        self._fills_of: dict[str, tuple[Fill, ...]] = {}

    def read_fills(self, progress: Progress | None = None) -> Mapping[str, tuple[Fill, ...]]:
        """Return all fills by market, oldest first. Raises KalshiAPIError when some may be missing.

        The archive is asked once the live list is here: a row only ever moves from there to here, so none
        can slip through between both.
        """
        with self._reading_fills:
            if self._archive_is_read:
                self._arrange(self._fills.refresh(progress))
                return dict(self._fills_of)
            with ThreadPoolExecutor(max_workers=1) as archivist:
                archive: list[Future[Listing[Fill]]] = []

                def all_here() -> None:
                    archive.append(archivist.submit(self._client.get_historical_fills, progress=beyond))

                def beyond(rows: int) -> None:
                    if progress is not None:
                        progress(len(self._fills.rows) + rows)

                self._arrange(self._fills.refresh(progress, all_here))
                self._arrange(self._add_archived(archive[0].result().whole()))
            self._archive_is_read = True
            return dict(self._fills_of)

    def _add_archived(self, rows: Iterable[Fill]) -> list[Fill]:
        new = {fill.fill_id: fill for fill in rows if fill.fill_id not in self._fills.rows}
        self._fills.rows |= new
        return list(new.values())

    def _arrange(self, new: Iterable[Fill]) -> None:
        """Put new fills, newest first, to those of their market."""
        by_ticker: dict[str, list[Fill]] = {}
        for fill in new:
            by_ticker.setdefault(fill.ticker, []).append(fill)
        for ticker, fills in by_ticker.items():
            known = self._fills_of.get(ticker, ())
            self._fills_of[ticker] = tuple(oldest_first([*fills, *reversed(known)]))

    def read_settlements(self) -> tuple[Settlement, ...]:
        """Return all settlements, newest first. Raises KalshiAPIError when some may be missing."""
        with self._reading_settlements:
            self._settlements.refresh()
            rows = self._settlements.rows.values()
            return tuple(sorted(rows, key=lambda row: row.settled_at, reverse=True))
