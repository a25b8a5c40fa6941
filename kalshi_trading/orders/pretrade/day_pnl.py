"""The account's P&L since local midnight, from the exchange's data.

Knows what a market had earned before midnight. Decides nothing and never renders.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime

from kalshi_trading.core.dates import start_of_day, utc_now
from kalshi_trading.core.models import BookSide, Fill, Settlement
from kalshi_trading.core.money import ZERO, Contracts, Dollars
from kalshi_trading.core.pnl import FifoPosition, fifo_position, oldest_first
from kalshi_trading.kalshi_client import READ_LAG, KalshiClient
from kalshi_trading.orders.pretrade.context import DayPnl
from kalshi_trading.portfolio.breakdown import since
from kalshi_trading.portfolio.ledger import ledger_from
from kalshi_trading.portfolio.settled_floors import SettledFloors
from kalshi_trading.portfolio.snapshot import PositionPnl
from kalshi_trading.portfolio_tracker import PortfolioTracker

LATE_FILLS = 5 * READ_LAG
"""Longest delay with which the list may show a fill older than its newest one."""
_PnlInputs = tuple[datetime, int, Contracts, Settlement | None]
"""The inputs that determine a market's P&L of the day."""


class DayPnlReader:
    """Reads the day's P&L; of the fills only new ones, as fills never change."""

    def __init__(
        self,
        client: KalshiClient,
        *,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._client = client
        self._tracker = PortfolioTracker(client, clock=clock)
        self._floors = SettledFloors(client)
        self._clock = clock
        self._before: dict[tuple[str, datetime], FifoPosition] = {}
        self._fills = _Fills(start_of_day(clock()))
        self._known: dict[str, tuple[_PnlInputs, Dollars]] = {}

    def pnl(self) -> DayPnl:
        """Read the day's P&L in one round of requests.

        Markets held over midnight need a second round. Raises KalshiAPIError when any part cannot be read
        whole.
        """
        midnight = start_of_day(self._clock())
        known = self._fills if self._fills.midnight == midnight else _Fills(midnight)
        with ThreadPoolExecutor(max_workers=2) as pool:
            fills = pool.submit(self._client.get_fills, since=known.read_from)
            settlements = pool.submit(self._client.get_settlements, since=midnight)
            positions = self._tracker.read_positions()
        settled = {
            row.ticker: row
            for row in self._floors.apply(settlements.result().require_complete())
            if row.settled_at >= midnight
        }
        self._fills = known.with_newest(fills.result().require_complete())
        realized = self._realized(self._fills.by_ticker, settled, positions, midnight)
        held = [row for row in positions if row.position.side is not None]
        # The position list may show a settled market for a moment longer.
        return DayPnl(realized, *_at_mark(row for row in held if row.position.ticker not in settled))

    def _realized(
        self,
        fills: Mapping[str, Sequence[Fill]],
        settled: Mapping[str, Settlement],
        positions: Sequence[PositionPnl],
        midnight: datetime,
    ) -> Dollars:
        nets = {row.position.ticker: row.position.net for row in positions}

        def earned_in(ticker: str) -> Dollars:
            today, end, net = fills.get(ticker, ()), settled.get(ticker), nets.get(ticker, ZERO)
            inputs = (midnight, len(today), net, end)
            known_inputs, earned = self._known.get(ticker, (None, ZERO))
            if known_inputs != inputs:
                began_flat = _explains(today, net, end)
                before = FifoPosition() if began_flat else self._position_before(ticker, midnight)
                ledger = ledger_from(before, ticker, today, end)
                realized = since((ledger,), midnight)
                assert realized is not None  # every fill has a time
                earned = realized.net
                if began_flat or (ticker, midnight) in self._before:
                    self._known[ticker] = inputs, earned
            return earned

        with ThreadPoolExecutor(max_workers=4) as pool:
            return sum(pool.map(earned_in, sorted(fills.keys() | settled.keys())), ZERO)

    def _position_before(self, ticker: str, midnight: datetime) -> FifoPosition:
        """Replay a market's fills up to midnight.

        The result is cached for the day once READ_LAG has passed since midnight.
        """
        if (ticker, midnight) in self._before:
            return self._before[ticker, midnight]
        asked_at = self._clock()
        rows = [
            *self._client.get_fills(ticker=ticker, until=midnight).require_complete(),
            *self._client.get_historical_fills(ticker=ticker).require_complete(),
        ]
        once = {fill.fill_id: fill for fill in rows if not _is_since(fill, midnight)}
        before = fifo_position(oldest_first(once.values()))
        if asked_at - midnight > READ_LAG:  # now even lagging lists show the last fill before it
            self._before[ticker, midnight] = before
        return before


class _Fills:
    """The fills of a day read so far, newest first as the exchange lists them."""

    def __init__(self, midnight: datetime, rows: Iterable[Fill] = ()) -> None:
        self.midnight = midnight
        self._rows = {fill.fill_id: fill for fill in rows}
        self.by_ticker: dict[str, list[Fill]] = {}
        for fill in oldest_first(self._rows.values()):
            if _is_since(fill, midnight):
                self.by_ticker.setdefault(fill.ticker, []).append(_with_time(fill, midnight))

    @property
    def read_from(self) -> datetime:
        """The time from which the next read may list a fill that is not here."""
        times = (fill.created_at for fill in self._rows.values() if fill.created_at is not None)
        newest = next(times, self.midnight)
        return max(self.midnight, newest - LATE_FILLS)

    def with_newest(self, rows: Sequence[Fill]) -> _Fills:
        """Return these fills with newly read ones added."""
        if all(fill.fill_id in self._rows for fill in rows):
            return self
        return _Fills(self.midnight, (*rows, *self._rows.values()))


def _is_since(fill: Fill, midnight: datetime) -> bool:
    """Check whether a fill is of today; one without a time counts as today's."""
    return fill.created_at is None or fill.created_at >= midnight


def _with_time(fill: Fill, midnight: datetime) -> Fill:
    return fill if fill.created_at is not None else replace(fill, created_at=midnight)


def _explains(fills: Sequence[Fill], net: Contracts, settlement: Settlement | None) -> bool:
    """Check whether today's fills alone explain the position.

    With a settlement they must explain its counts. If they do, the market was flat at midnight.
    """
    if settlement is None:
        return fifo_position(fills).net == net
    bids = sum((fill.count for fill in fills if fill.book_side is BookSide.BID), ZERO)
    asks = sum((fill.count for fill in fills if fill.book_side is BookSide.ASK), ZERO)
    return (bids, asks) == (settlement.yes_count, settlement.no_count)


def _at_mark(positions: Iterable[PositionPnl]) -> tuple[Dollars, Dollars]:
    """Return the unrealized P&L of marked positions and the cost of the rest."""
    held = list(positions)
    unrealized = sum((row.unrealized_pnl or ZERO for row in held), ZERO)
    unmarked = sum((row.position.cost_basis for row in held if row.unrealized_pnl is None), ZERO)
    return unrealized, unmarked
