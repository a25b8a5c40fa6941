"""The market side of what is held: quotes, books, events and fees, in batches that go out side by side.

Quotes and books are read anew each time; events and fee schedules are remembered for a while. A batch that
fails leaves the others, and it is said why. Never renders, never trades.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future
from datetime import datetime, timedelta
from typing import TypeVar

from kalshi_trading.fee_schedules import FeeTerms, schedule_at
from kalshi_trading.kalshi_client import KalshiClient
from kalshi_trading.market_account import series_of
from kalshi_trading.market_models import Event, FeeSchedule, Market, OrderBook
from kalshi_trading.portfolio import Part, part

T = TypeVar("T")
Batch = Future[Part[dict[str, T]]]
BATCH = 100
_REMEMBERED_FOR = timedelta(minutes=10)


class EventDirectory:
    """Events and the fees of series, as last read."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self.clock = clock
        self.events: dict[str, Event] = {}
        self.fees: dict[str, FeeSchedule] = {}
        self._read_at = clock()

    def expire(self) -> None:
        """Forget what was read long ago."""
        if self.clock() - self._read_at > _REMEMBERED_FOR:
            self.events, self.fees, self._read_at = {}, {}, self.clock()

    def fees_of(self, market: Market) -> FeeSchedule | None:
        """Give the fees of a market now; None: its event or its series could not be read."""
        event = self.events.get(market.event_ticker)
        series = self.fees.get(event.series_ticker) if event is not None else None
        if event is None or series is None:
            return None
        terms = FeeTerms(series, event.fee_type_override, event.fee_multiplier_override)
        return schedule_at(terms, market, self.clock())


class HeldMarkets:
    """One reading of the market side: ask for tickers as they become known, none is asked twice."""

    def __init__(
        self, client: KalshiClient, pool: Executor, directory: EventDirectory, *, with_books: bool = True
    ) -> None:
        self._client = client
        self._with_books = with_books
        self._pool = pool
        self._directory = directory
        self._asked: set[str] = set()
        self._markets: list[Batch[Market]] = []
        self._books: list[Batch[OrderBook]] = []
        self._events: list[Batch[Event]] = []
        self._fees: list[Batch[FeeSchedule]] = []

    def ask(self, tickers: Iterable[str], events: Iterable[str]) -> None:
        """Send for quotes and books of markets, and for their events and fees where those are not known."""
        for batch in _batches(self._new(tickers)):
            self._markets.append(self._send(self._read_markets, batch))
            if self._with_books:
                self._books.append(self._send(self._client.get_order_books, batch))
        unknown = [event for event in self._new(events) if event not in self._directory.events]
        for batch in _batches(unknown):
            self._events.append(self._send(self._read_events, batch))
        self._ask_fees(series_of(event) for event in unknown)

    def _ask_fees(self, series: Iterable[str]) -> None:
        for ticker in self._new(series):
            if ticker not in self._directory.fees:
                self._fees.append(self._send(self._read_fees, [ticker]))

    def _new(self, names: Iterable[str]) -> list[str]:
        new = [name for name in dict.fromkeys(names) if name not in self._asked]
        self._asked.update(new)
        return new

    def _send(self, read: Callable[[list[str]], dict[str, T]], batch: list[str]) -> Batch[T]:
        return self._pool.submit(part, lambda: read(batch))

    def _read_markets(self, tickers: list[str]) -> dict[str, Market]:
        return {market.ticker: market for market in self._client.get_markets(tickers=tickers).whole()}

    def _read_events(self, tickers: list[str]) -> dict[str, Event]:
        return {event.event_ticker: event for event in self._client.get_events(tickers=tickers).whole()}

    def _read_fees(self, series: list[str]) -> dict[str, FeeSchedule]:
        return {ticker: self._client.get_series(ticker).fees for ticker in series}

    def first_markets(self) -> dict[str, Market]:
        """Wait for the quotes of the first batch alone."""
        return dict(self._markets[0].result().value or {}) if self._markets else {}

    def markets(self) -> Part[dict[str, Market]]:
        """Wait for all quotes. A part has a value and a reason too where only some batches failed."""
        return _together(self._markets)

    def books(self) -> Part[dict[str, OrderBook]]:
        return _together(self._books)

    def learn_events(self) -> str | None:
        """Wait for events and fees and remember them; tell why some are missing."""
        events = _together(self._events)
        self._directory.events |= events.value or {}
        # A series may be called otherwise than the event's ticker says.
        self._ask_fees(event.series_ticker for event in (events.value or {}).values())
        fees = _together(self._fees)
        self._directory.fees |= fees.value or {}
        return events.unavailable or fees.unavailable


def _batches(names: list[str]) -> Iterator[list[str]]:
    for start in range(0, len(names), BATCH):
        yield names[start : start + BATCH]


def _together(batches: Iterable[Batch[T]]) -> Part[dict[str, T]]:
    found: dict[str, T] = {}
    reason: str | None = None
    for batch in batches:
        answer = batch.result()
        found |= answer.value or {}
        reason = reason or answer.unavailable
    return Part(found, reason)
