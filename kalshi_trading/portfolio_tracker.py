"""Read the account into one consistent snapshot, in two round trips.

Independent reads are sent at once. If the markets held are those of the last reading, one round trip is
enough. A part that fails gives its reason. Never renders, never trades.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future, wait
from contextlib import AbstractContextManager
from datetime import datetime
from functools import partial
from typing import TypeVar

from kalshi_trading.core.dates import utc_now
from kalshi_trading.core.errors import InvalidInputError, KalshiAPIError
from kalshi_trading.core.market_models import Market, OrderBook
from kalshi_trading.core.models import OrderStatus, Position
from kalshi_trading.core.money import Dollars, require_exact_context
from kalshi_trading.core.order_book import exclude_own_orders
from kalshi_trading.core.results import Fetched, Progress, fetch
from kalshi_trading.core.tickers import event_of, validate_ticker
from kalshi_trading.core.valuation import Mark, floor_paid, liquidate, mark_price
from kalshi_trading.kalshi_client import KalshiClient
from kalshi_trading.portfolio.account_parts import (
    STILL_READING,
    AccountParts,
    PendingParts,
    complete_positions,
    if_done,
    wait_for,
)
from kalshi_trading.portfolio.fill_history import FillHistory
from kalshi_trading.portfolio.ledger import MarketLedger
from kalshi_trading.portfolio.ledger_cache import LedgerCache, ResultOf
from kalshi_trading.portfolio.quotes import BATCH, EventCache, QuoteReader
from kalshi_trading.portfolio.read_pool import ReadPool
from kalshi_trading.portfolio.snapshot import PortfolioSnapshot, PositionPnl, TotalPnl

__all__ = ["PortfolioTracker"]

T = TypeVar("T")
FirstLook = Callable[[PortfolioSnapshot], None]
_READ_THREADS = 32
_FIRST_LOOK_AFTER_S = 1.0


class PortfolioTracker(AbstractContextManager["PortfolioTracker"]):
    """Reads the account. Caches fills, settlements and the markets held.

    `PortfolioTracker()` reads as the settings say, over the shared connection of this process.
    """

    def __init__(
        self, client: KalshiClient | None = None, *, clock: Callable[[], datetime] = utc_now
    ) -> None:
        """Read through a client. None: one as the settings say.

        Raises the errors of `KalshiClient`.
        """
        self._owns_client = client is None
        self._client = client = KalshiClient() if client is None else client
        self._clock = clock
        self._history = FillHistory(client)
        self._event_cache = EventCache(clock)
        self._ledgers = LedgerCache()
        self._held: tuple[str, ...] = ()
        self._events: tuple[str, ...] = ()
        self._rows: dict[str, tuple[tuple[object, ...], PositionPnl]] = {}
        self._refreshing = threading.Lock()

    def close(self) -> None:
        """Release the shared services. A client that was passed in stays open."""
        if self._owns_client:
            self._client.close()

    def __exit__(self, *exception: object) -> None:
        self.close()

    def refresh(
        self,
        *,
        mark: Mark = Mark.BEST_BID,
        progress: Progress | None = None,
        first_look: FirstLook | None = None,
    ) -> PortfolioSnapshot:
        """Read every part. A part that fails is unavailable and raises nothing.

        If a list takes longer than a second, `first_look` gets the other lists and the largest positions at
        their marks. `progress` is called with the number of fills read.
        """
        require_exact_context()
        with self._refreshing, ReadPool(_READ_THREADS) as threads:
            started_at = time.monotonic()
            self._event_cache.expire()
            markets = QuoteReader(self._client, threads, self._event_cache)
            self._ask_markets(markets)  # these answers take the longest to read
            asked = self._ask(threads, progress)
            if first_look is not None and self._is_slow(asked, markets, started_at):
                first_look(self._partial_snapshot(asked, markets, mark))
            self._request_held_markets(asked, markets)
            resting = {order.ticker for order in asked.resting.result().value or ()}
            markets.ask(sorted(resting), with_books=())  # a settlement floor lowers the cost of a bid
            # The events show whether the markets of open orders exclude one another.
            markets.ask_events(map(event_of, resting))
            parts = asked.parts(wait_for)
            # This runs while the markets are being read.
            ledgers = self._update_ledgers(parts, lambda tickers: self._read_markets(threads, tickers))
            quotes, books = markets.markets(), markets.books()
            known = quotes.value or {}
            without_fees = markets.read_events(known[name] for name in self._held if name in known)
            books = Fetched(books.value, books.unavailable or without_fees)
            return self._snapshot(parts, ledgers, mark, quotes, books)

    def _ask(self, threads: ReadPool, progress: Progress | None) -> PendingParts:
        client, history = self._client, self._history

        def ask(read: Callable[[], T]) -> Future[Fetched[T]]:
            return threads.submit(lambda: fetch(read))

        def check_not_canceled(_: int) -> None:
            if threads.is_left:
                raise KalshiAPIError("Reading was canceled.")

        def count(rows: int) -> None:
            check_not_canceled(rows)
            if progress is not None:
                progress(rows)

        return PendingParts(
            positions=ask(lambda: client.get_positions(progress=check_not_canceled)),
            fills=ask(lambda: history.read_fills(count)),
            balance=ask(lambda: client.get_balance(fresh=True)),  # as new as the fills, to compare cash
            resting=ask(
                lambda: client.get_orders(
                    status=OrderStatus.RESTING, progress=check_not_canceled
                ).require_complete()
            ),
            settlements=ask(lambda: history.read_settlements(check_not_canceled)),
            deposits=ask(lambda: client.get_deposits(progress=check_not_canceled).require_complete()),
            withdrawals=ask(lambda: client.get_withdrawals(progress=check_not_canceled).require_complete()),
        )

    def _ask_markets(self, markets: QuoteReader) -> None:
        markets.ask(self._held)
        markets.ask_events(self._events)
        markets.ask_fees(self._events)

    def _request_held_markets(self, asked: PendingParts, markets: QuoteReader) -> None:
        """Request the markets of the positions, once those are read."""
        positions = complete_positions(asked.positions.result())
        if positions.value is None:
            return
        held = [row for row in positions.value.markets if row.side is not None]
        self._held = tuple(row.ticker for row in sorted(held, key=lambda row: -row.cost_basis))
        # Only as far as the exchange lists the events of positions here.
        self._events = tuple(row.event_ticker for row in positions.value.events if row.cost_basis)
        self._ask_markets(markets)

    def _is_slow(self, asked: PendingParts, markets: QuoteReader, started_at: float) -> bool:
        def left_s() -> float:
            return max(0.0, started_at + _FIRST_LOOK_AFTER_S - time.monotonic())

        if wait((asked.positions,), timeout=left_s()).done:
            self._request_held_markets(asked, markets)
        return not asked.all_done(within_s=left_s())

    def _partial_snapshot(self, asked: PendingParts, markets: QuoteReader, mark: Mark) -> PortfolioSnapshot:
        """Return what is read so far. The rest is marked as still being read."""
        parts = asked.parts(if_done)
        quotes = Fetched(markets.first_batch(_FIRST_LOOK_AFTER_S), STILL_READING)
        ledgers = self._update_ledgers(parts, lambda _: {})
        return self._snapshot(parts, ledgers, mark, quotes, Fetched({}, STILL_READING))

    def _snapshot(
        self,
        parts: AccountParts,
        ledgers: dict[str, MarketLedger],
        mark: Mark,
        quotes: Fetched[dict[str, Market]],
        books: Fetched[dict[str, OrderBook]],
    ) -> PortfolioSnapshot:
        known, depth = exclude_own_orders(quotes.value or {}, books.value or {}, parts.resting.value or ())
        held = [
            self._row(row, known.get(row.ticker), depth.get(row.ticker), ledgers.get(row.ticker), mark)
            for row in sorted(parts.rows, key=lambda row: -row.cost_basis)
        ]
        listed = {row.ticker for row in parts.rows}
        self._rows = {ticker: row for ticker, row in list(self._rows.items()) if ticker in listed}
        count = None if parts.fills.value is None else sum(map(len, parts.fills.value.values()))
        return PortfolioSnapshot(
            as_of=self._clock(),
            mark=mark,
            balance=parts.balance,
            positions=Fetched(
                None if parts.positions.value is None else tuple(held), parts.positions.unavailable
            ),
            resting=parts.resting,
            settlements=parts.settlements,
            fills=Fetched(count, parts.fills.unavailable),
            deposits=parts.deposits,
            withdrawals=parts.withdrawals,
            ledgers=ledgers,
            events=dict(self._event_cache.events),
            markets=known,
            quotes_missing=quotes.unavailable,
            books_missing=books.unavailable,
        )

    def _update_ledgers(self, parts: AccountParts, result_of: ResultOf) -> dict[str, MarketLedger]:
        """Compute the ledgers of all markets, reusing those already computed."""
        return self._ledgers.update(
            parts.fills,
            {row.ticker: row for row in parts.rows},
            {row.ticker: row for row in parts.settlements.value or ()},
            rows_missing=parts.positions.unavailable or parts.settlements.unavailable,
            result_of=result_of,
        )

    def _row(
        self,
        position: Position,
        market: Market | None,
        book: OrderBook | None,
        ledger: MarketLedger | None,
        mark: Mark,
    ) -> PositionPnl:
        """Value one position, reusing its last value if no input changed."""
        fees = self._event_cache.fees_of(market) if market is not None else None
        sides = (None, None) if book is None else (book.yes_bids, book.no_bids)
        seen = (position, market, *sides, ledger, mark, fees)
        before = self._rows.get(position.ticker)
        if before is not None and before[0] == seen:
            return before[1]
        prepaid, sale = floor_paid(market, position.side), None
        if book is not None and market is not None and position.side is not None and prepaid is not None:
            sale = liquidate(position.net, book, fees, prepaid)
        row = PositionPnl(position, market, mark_price(position, market, mark), ledger, sale)
        self._rows[position.ticker] = (seen, row)
        return row

    def markets_by_ticker(self, tickers: Iterable[str]) -> dict[str, Market]:
        """Read markets, live or historical. Raises KalshiAPIError."""
        with ReadPool(_READ_THREADS) as threads:
            return self._read_markets(threads, tickers)

    def _read_markets(self, threads: ReadPool, tickers: Iterable[str]) -> dict[str, Market]:
        wanted = list(tickers)
        asked = [
            threads.submit(partial(read, tickers=wanted[start : start + BATCH]))
            for start in range(0, len(wanted), BATCH)
            for read in (self._client.get_historical_markets, self._client.get_markets)
        ]
        return {market.ticker: market for answer in asked for market in answer.result()}

    # --- Doors for scripts and the risk checks ------------------------------------------------------

    def get_current_positions(self) -> tuple[PositionPnl, ...]:
        """List the open positions with their marks, highest cost first.

        Contracts are net: above zero YES, below zero NO. Dollars are before fees. A market that cannot be
        read leaves its position without a mark. Only reads. Raises KalshiAPIError when the positions cannot
        be read whole.
        """
        return tuple(row for row in self.read_positions() if row.position.side is not None)

    def read_positions(self) -> tuple[PositionPnl, ...]:
        """List positions of all unsettled markets, flat ones included.

        Otherwise like `get_current_positions`.
        """
        require_exact_context()
        with ReadPool(_READ_THREADS) as threads:
            asked = threads.submit(lambda: self._client.get_orders(status=OrderStatus.RESTING))
            rows = self._client.get_positions().markets.require_complete()
            resting = asked.result().require_complete()
            markets = QuoteReader(self._client, threads, self._event_cache)
            markets.ask([row.ticker for row in rows], with_books={order.ticker for order in resting})
            known, _ = exclude_own_orders(markets.markets().value or {}, markets.books().value or {}, resting)
        positions = (self._row(row, known.get(row.ticker), None, None, Mark.BEST_BID) for row in rows)
        return tuple(sorted(positions, key=lambda row: -row.position.cost_basis))

    def calculate_position_pnl(self, position: PositionPnl | Position | str) -> PositionPnl:
        """Read one position again, at its mark.

        Dollars are before fees, gains positive. None: not known. `position` is a position from above, or a
        ticker. Only reads. Raises InvalidInputError when there is no unsettled position in that market,
        KalshiAPIError.
        """
        row = position.position if isinstance(position, PositionPnl) else position
        ticker = validate_ticker(row) if isinstance(row, str) else row.ticker
        for each in _require(self.refresh().positions):
            if each.position.ticker == ticker:
                return each
        raise InvalidInputError(f"No open position in {ticker}.")

    def calculate_total_pnl(self) -> TotalPnl:
        """Return realized and unrealized P&L and fees of the account, in dollars.

        Realized P&L comes from trading and settlement. `unrealized` is None while a position has no mark.
        Only reads. Raises KalshiAPIError.
        """
        snapshot = self.refresh()
        _require(snapshot.positions)
        _require(snapshot.settlements)
        assert snapshot.total_pnl is not None
        return snapshot.total_pnl

    def get_realized_pnl(self) -> Dollars:
        """Return realized P&L of all markets in dollars, before fees.

        It comes from trading and settlement. Only reads. Raises KalshiAPIError.
        """
        return self.calculate_total_pnl().realized

    def display_portfolio_summary(self) -> PortfolioSnapshot:
        """Print the portfolio as the menu shows it, and return the snapshot.

        Never raises for parts that cannot be read; the screen marks them. Only reads.
        """
        from kalshi_trading import compose

        snapshot = self.refresh()
        compose.print_portfolio(snapshot)
        return snapshot


def _require(known: Fetched[T]) -> T:
    if known.value is None:
        raise KalshiAPIError(f"Portfolio unavailable. {known.unavailable}")
    return known.value
