"""Reads the account into one consistent snapshot: everything side by side, two round trips in all.

What does not depend on another answer goes out at once; when the markets held are still those of the
last reading, one round trip is enough. A part that fails says why. Never renders, never trades.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Executor, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

from kalshi_trading.account_book import AccountBook
from kalshi_trading.account_history import AccountHistory
from kalshi_trading.errors import KalshiAPIError
from kalshi_trading.held_markets import BATCH, EventDirectory, HeldMarkets
from kalshi_trading.kalshi_client import KalshiClient
from kalshi_trading.liquidation import liquidate
from kalshi_trading.market_account import MarketAccount
from kalshi_trading.market_models import Market, OrderBook
from kalshi_trading.models import (
    Balance,
    Fill,
    Order,
    OrderStatus,
    Position,
    Positions,
    Settlement,
    Transfer,
)
from kalshi_trading.money import ZERO, Dollars
from kalshi_trading.paging import Progress
from kalshi_trading.portfolio import (
    Mark,
    Part,
    PortfolioSnapshot,
    PositionPnl,
    TotalPnl,
    mark_price,
    part,
)

T = TypeVar("T")
FirstLook = Callable[[PortfolioSnapshot], None]
_SIDE_BY_SIDE = 32
_FIRST_LOOK_AFTER_S = 1.0
_STILL_READING = "still being read"


@dataclass(frozen=True, slots=True)
class _Asked:
    """The questions about the account, on their way."""

    balance: Future[Part[Balance]]
    positions: Future[Part[Positions]]
    resting: Future[Part[tuple[Order, ...]]]
    fills: Future[Part[Mapping[str, tuple[Fill, ...]]]]
    settlements: Future[Part[tuple[Settlement, ...]]]
    deposits: Future[Part[tuple[Transfer, ...]]]
    withdrawals: Future[Part[tuple[Transfer, ...]]]


class PortfolioTracker:
    """Reads the account and remembers what cannot change: fills, settlements, the markets held."""

    def __init__(
        self, client: KalshiClient, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._client = client
        self._clock = clock
        self._history = AccountHistory(client)
        self._directory = EventDirectory(clock)
        self._accounts = AccountBook()
        self._held: tuple[str, ...] = ()
        self._events: tuple[str, ...] = ()
        self._rows: dict[str, tuple[tuple[object, ...], PositionPnl]] = {}
        self._refreshing = threading.Lock()

    def refresh(
        self,
        *,
        mark: Mark = Mark.BEST_BID,
        progress: Progress | None = None,
        first_look: FirstLook | None = None,
    ) -> PortfolioSnapshot:
        """Read every part. A part that fails is unavailable; this never raises for it.

        Where the fills take longer than a second, `first_look` is shown the exchange's own figures and the
        largest positions at their marks; `progress` is told how many fills are read.
        """
        with self._refreshing, _side_by_side(progress) as (pool, count):
            started_at = time.monotonic()
            markets = HeldMarkets(self._client, pool, self._directory)
            markets.ask(self._held, self._events)  # these answers take the longest to read
            asked = self._ask(pool, count)
            positions = _whole(asked.positions.result())
            if positions.value is not None:
                self._held = _largest_first(positions.value.markets)
                self._events = _events_held(positions.value)
                markets.ask(self._held, self._events)
            if first_look is not None and _is_slow(asked.fills, started_at):
                early: Part[Mapping[str, tuple[Fill, ...]]] = Part(None, _STILL_READING)
                quotes = Part(markets.first_markets(), _STILL_READING)
                first_look(self._snapshot(asked, positions, early, mark, quotes, Part({}, _STILL_READING)))
            fills = asked.fills.result()
            self._count(positions, fills, asked.settlements.result())  # while the markets are on their way
            quotes, books = markets.markets(), markets.books()
            markets.ask((), (market.event_ticker for market in (quotes.value or {}).values()))
            without_fees = markets.learn_events()
            books = Part(books.value, books.unavailable or without_fees)
            return self._snapshot(asked, positions, fills, mark, quotes, books)

    def _ask(self, pool: Executor, progress: Progress) -> _Asked:
        self._directory.expire()
        client, history = self._client, self._history
        return _Asked(
            positions=pool.submit(part, client.get_positions),
            fills=pool.submit(part, lambda: history.read_fills(progress)),
            balance=pool.submit(part, client.get_balance),
            resting=pool.submit(part, lambda: client.get_orders(status=OrderStatus.RESTING).whole()),
            settlements=pool.submit(part, history.read_settlements),
            deposits=pool.submit(part, lambda: client.get_deposits().whole()),
            withdrawals=pool.submit(part, lambda: client.get_withdrawals().whole()),
        )

    def _snapshot(
        self,
        asked: _Asked,
        positions: Part[Positions],
        fills: Part[Mapping[str, tuple[Fill, ...]]],
        mark: Mark,
        quotes: Part[dict[str, Market]],
        books: Part[dict[str, OrderBook]],
    ) -> PortfolioSnapshot:
        rows = () if positions.value is None else positions.value.markets.items
        settlements = asked.settlements.result()
        accounts = self._count(positions, fills, settlements)
        known, depth = quotes.value or {}, books.value or {}
        held = [
            self._row(row, known.get(row.ticker), depth.get(row.ticker), accounts.get(row.ticker), mark)
            for row in sorted(rows, key=lambda row: -row.cost_basis)
        ]
        count = None if fills.value is None else sum(map(len, fills.value.values()))
        return PortfolioSnapshot(
            as_of=self._clock(),
            mark=mark,
            balance=asked.balance.result(),
            positions=Part(None if positions.value is None else tuple(held), positions.unavailable),
            resting=asked.resting.result(),
            settlements=settlements,
            fills=Part(count, fills.unavailable),
            deposits=asked.deposits.result(),
            withdrawals=asked.withdrawals.result(),
            accounts=accounts,
            events=dict(self._directory.events),
            quotes_missing=quotes.unavailable,
            books_missing=books.unavailable,
        )

    def _count(
        self,
        positions: Part[Positions],
        fills: Part[Mapping[str, tuple[Fill, ...]]],
        settlements: Part[tuple[Settlement, ...]],
    ) -> dict[str, MarketAccount]:
        """Count the accounts of all markets; what was counted before is not counted again."""
        rows = () if positions.value is None else positions.value.markets.items
        return self._accounts.update(
            fills,
            {row.ticker: row for row in rows},
            {row.ticker: row for row in settlements.value or ()},
            rows_missing=positions.unavailable or settlements.unavailable,
            result_of=self.markets_by_ticker,
        )

    def _row(
        self,
        position: Position,
        market: Market | None,
        book: OrderBook | None,
        account: MarketAccount | None,
        mark: Mark,
    ) -> PositionPnl:
        """Value one position; where nothing moved since the last reading, it is still worth the same."""
        fees = self._directory.fees_of(market) if market is not None else None
        sides = (None, None) if book is None else (book.yes_bids, book.no_bids)
        seen = (position, market, *sides, account, mark, fees)
        before = self._rows.get(position.ticker)
        if before is not None and before[0] == seen:
            return before[1]
        sale = None
        if book is not None and market is not None and position.side is not None:
            sale = liquidate(position.net, book, fees)
        row = PositionPnl(position, market, mark_price(position, market, mark), account, sale)
        self._rows[position.ticker] = (seen, row)
        return row

    def markets_by_ticker(self, tickers: Iterable[str]) -> dict[str, Market]:
        """Read markets wherever they are by now. Raises KalshiAPIError."""
        wanted = list(tickers)
        found: dict[str, Market] = {}
        for start in range(0, len(wanted), BATCH):
            batch = wanted[start : start + BATCH]
            for read in (self._client.get_historical_markets, self._client.get_markets):
                found |= {market.ticker: market for market in read(tickers=batch)}
        return found

    # --- Doors for scripts and the rails ------------------------------------------------------------

    def get_current_positions(self) -> tuple[PositionPnl, ...]:
        """List the positions of all unsettled markets with their marks, most at stake first.

        Raises KalshiAPIError when they cannot be read whole. A market that cannot be read leaves its
        position without a mark.
        """
        rows = self._client.get_positions().markets.whole()
        with _side_by_side(None) as (pool, _):
            markets = HeldMarkets(self._client, pool, self._directory, with_books=False)
            markets.ask([row.ticker for row in rows], ())
            known = markets.markets().value or {}
        positions = (self._row(row, known.get(row.ticker), None, None, Mark.BEST_BID) for row in rows)
        return tuple(sorted(positions, key=lambda row: -row.position.cost_basis))

    def calculate_position_pnl(self, ticker: str) -> PositionPnl | None:
        """Give one position at its mark; None when no unsettled one is there. Raises KalshiAPIError."""
        rows = _known(self.refresh().positions)
        return next((row for row in rows if row.position.ticker == ticker), None)

    def calculate_total_pnl(self) -> TotalPnl:
        """Sum realized (trading and settlement), unrealized and fees. Raises KalshiAPIError."""
        snapshot = self.refresh()
        _known(snapshot.positions)
        _known(snapshot.settlements)
        assert snapshot.total_pnl is not None
        return snapshot.total_pnl

    def get_realized_pnl(self) -> Dollars:
        """Give the realized P&L of all markets, settled ones included, before fees. Raises KalshiAPIError."""
        return self.calculate_total_pnl().realized

    def display_portfolio_summary(self) -> PortfolioSnapshot:
        """Return what the portfolio screen shows; `portfolio_view` renders it."""
        return self.refresh()


@contextmanager
def _side_by_side(progress: Progress | None) -> Iterator[tuple[Executor, Progress]]:
    """Give threads for questions, and a progress that ends a long list once nobody waits for it."""
    left = threading.Event()
    pool = ThreadPoolExecutor(max_workers=_SIDE_BY_SIDE)

    def count(rows: int) -> None:
        if left.is_set():
            raise KalshiAPIError("The reading was left.")
        if progress is not None:
            progress(rows)

    try:
        yield pool, count
    finally:
        left.set()
        pool.shutdown(wait=False, cancel_futures=True)


def _is_slow(fills: Future[Part[Mapping[str, tuple[Fill, ...]]]], started_at: float) -> bool:
    left_s = max(0.0, _FIRST_LOOK_AFTER_S - (time.monotonic() - started_at))
    return bool(wait((fills,), timeout=left_s).not_done)


def _whole(positions: Part[Positions]) -> Part[Positions]:
    """A list with rows missing is no picture of what is held."""
    if positions.value is not None and positions.value.markets.incomplete is not None:
        return Part(None, f"The list could not be read whole: {positions.value.markets.incomplete}.")
    return positions


def _largest_first(rows: Iterable[Position]) -> tuple[str, ...]:
    held = [row for row in rows if row.side is not None]
    return tuple(row.ticker for row in sorted(held, key=lambda row: -row.cost_basis))


def _events_held(positions: Positions) -> tuple[str, ...]:
    """Name the events of what is held, as far as the exchange does here."""
    return tuple(row.event_ticker for row in positions.events if row.cost_basis != ZERO)


def _known(known: Part[T]) -> T:
    if known.value is None:
        raise KalshiAPIError(f"The portfolio could not be read. {known.unavailable}")
    return known.value
