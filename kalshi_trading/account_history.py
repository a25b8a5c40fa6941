"""Everything the account ever did: fills and settlements over both sides of the cut-off, read once.

Rows never change once they are there, so a later reading asks only for what is newer, with an overlap for
rows that appear late. Keeps them for the session; computes nothing and never renders.
Source: Kalshi API, historical data.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from kalshi_trading.kalshi_client import KalshiClient
from kalshi_trading.market_account import oldest_first
from kalshi_trading.models import Fill, Listing, Settlement
from kalshi_trading.paging import Progress

T = TypeVar("T")
_OVERLAP = timedelta(hours=1)


class _Remembered(Generic[T]):
    """A list whose rows never change. `read` asks for those since a moment, or for all of them."""

    def __init__(
        self,
        read: Callable[[datetime | None, Progress | None], Listing[T]],
        identity: Callable[[T], str],
        time: Callable[[T], datetime | None],
    ) -> None:
        self._read = read
        self._identity = identity
        self._time = time
        self._newest: datetime | None = None
        self.rows: dict[str, T] = {}

    def refresh(self, progress: Progress | None = None) -> list[T]:
        """Read on and return the rows that are new, as they came. Raises KalshiAPIError."""
        since = None if self._newest is None else self._newest - _OVERLAP
        listing = self._read(since, progress).whole()
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
            lambda since, progress: client.get_fills(since=since, progress=progress),
            lambda fill: fill.fill_id,
            lambda fill: fill.created_at,
        )
        self._settlements = _Remembered[Settlement](
            lambda since, _: client.get_settlements(since=since),
            lambda row: row.ticker,
            lambda row: row.settled_at,
        )
        self._archive_is_read = False
        self._fills_of: dict[str, tuple[Fill, ...]] = {}

    def read_fills(self, progress: Progress | None = None) -> Mapping[str, tuple[Fill, ...]]:
        """Return all fills by market, oldest first. Raises KalshiAPIError when some may be missing.

        The archive is read after the live list: a row only ever moves from there to here, so none can
        slip through between both.
        """
        with self._reading_fills:
            self._arrange(self._fills.refresh(progress))
            if not self._archive_is_read:
                known = len(self._fills.rows)
                archive = self._client.get_historical_fills(
                    progress=None if progress is None else lambda rows: progress(known + rows)
                )
                self._arrange(self._add_archived(archive.whole()))
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
