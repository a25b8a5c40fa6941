"""Read quotes, books, events and fees of positions, in concurrent batches.

Reads quotes and books afresh each time. Remembers events and fee schedules for ten minutes. A failed batch
does not affect the others; its reason is reported. Never renders, never trades.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from concurrent.futures import Future, wait
from datetime import datetime, timedelta
from typing import TypeVar

from kalshi_trading.core.fees import FeeTerms, schedule_at
from kalshi_trading.core.market_models import Event, FeeSchedule, Market, OrderBook
from kalshi_trading.core.results import Fetched, fetch
from kalshi_trading.core.tickers import series_of
from kalshi_trading.kalshi_client import KalshiClient
from kalshi_trading.portfolio.read_pool import ReadPool

T = TypeVar("T")
Batch = Future[Fetched[dict[str, T]]]
BATCH = 100
_NAMED = 3
_REMEMBERED_FOR = timedelta(minutes=10)


class EventCache:
    """Events and series fees, as of the last read."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self.clock = clock
        self.events: dict[str, Event] = {}
        self.fees: dict[str, FeeSchedule] = {}
        self._read_at = clock()

    def expire(self) -> None:
        """Drop data that was read long ago."""
        if self.clock() - self._read_at > _REMEMBERED_FOR:
            self.events, self.fees, self._read_at = {}, {}, self.clock()

    def series_of(self, event_ticker: str) -> str:
        """Return the series of an event, guessed from its ticker if not read yet."""
        event = self.events.get(event_ticker)
        return series_of(event_ticker) if event is None else event.series_ticker

    def fees_of(self, market: Market) -> FeeSchedule | None:
        """Return a market's current fee schedule.

        None: its event or series could not be read.
        """
        event = self.events.get(market.event_ticker)
        series = self.fees.get(event.series_ticker) if event is not None else None
        if event is None or series is None:
            return None
        terms = FeeTerms(series, event.fee_type_override, event.fee_multiplier_override)
        return schedule_at(terms, market, self.clock())


class QuoteReader:
    """One read of market data. Request names as they become known.

    No name is requested twice.
    """

    def __init__(self, client: KalshiClient, threads: ReadPool, event_cache: EventCache) -> None:
        self._client = client
        self._threads = threads
        self._event_cache = event_cache
        # A ticker may be a market's, an event's and a series' at once.
        self._asked: dict[str, set[str]] = {"markets": set(), "events": set(), "series": set()}
        self._markets: list[Batch[Market]] = []
        self._books: list[Batch[OrderBook]] = []
        self._events: list[Batch[Event]] = []
        self._fees: list[Batch[FeeSchedule]] = []

    def ask(self, tickers: Iterable[str], *, with_books: Collection[str] | None = None) -> None:
        """Request quotes of markets, and books of those in `with_books`.

        None: books of all of them.
        """
        for batch in _batches(self._new("markets", tickers)):
            self._markets.append(self._send(self._read_markets, batch))
            deep = [ticker for ticker in batch if with_books is None or ticker in with_books]
            if deep:
                self._books.append(
                    self._send(lambda tickers: Fetched(self._client.get_orderbooks(tickers)), deep)
                )

    def ask_events(self, events: Iterable[str]) -> None:
        """Request events that are not cached."""
        unknown = [event for event in events if event not in self._event_cache.events]
        for batch in _batches(self._new("events", unknown)):
            self._events.append(self._send(self._read_events, batch))

    def ask_fees(self, events: Iterable[str]) -> None:
        """Request fees of events that are not cached."""
        series = map(self._event_cache.series_of, events)
        unknown = [ticker for ticker in series if ticker not in self._event_cache.fees]
        for ticker in self._new("series", unknown):
            self._fees.append(self._send(self._read_fees, [ticker]))

    def _new(self, kind: str, names: Iterable[str]) -> list[str]:
        new = [name for name in dict.fromkeys(names) if name not in self._asked[kind]]
        self._asked[kind].update(new)
        return new

    def _send(self, read: Callable[[list[str]], Fetched[dict[str, T]]], batch: list[str]) -> Batch[T]:
        def ask() -> Fetched[dict[str, T]]:
            answer = fetch(lambda: read(batch))
            return Fetched(None, answer.unavailable) if answer.value is None else answer.value

        return self._threads.submit(ask)

    def _read_markets(self, tickers: list[str]) -> Fetched[dict[str, Market]]:
        rows = self._client.get_markets(tickers=tickers)
        found = {market.ticker: market for market in rows}
        return Fetched(found, _incomplete("quotes", tickers, found, rows.incomplete))

    def _read_events(self, tickers: list[str]) -> Fetched[dict[str, Event]]:
        rows = self._client.get_events(tickers=tickers)
        found = {event.event_ticker: event for event in rows}
        missing = _incomplete("events", tickers, found, rows.incomplete) if rows.incomplete else None
        return Fetched(found, missing)  # the event's ticker may have been a guess

    def _read_fees(self, series: list[str]) -> Fetched[dict[str, FeeSchedule]]:
        return Fetched({ticker: self._client.get_series_by_ticker(ticker).fees for ticker in series})

    def first_batch(self, within_s: float) -> dict[str, Market]:
        """Return the quotes of the first batch, or {} on timeout."""
        if not self._markets or wait(self._markets[:1], timeout=within_s).not_done:
            return {}
        return dict(self._markets[0].result().value or {})

    def markets(self) -> Fetched[dict[str, Market]]:
        """Wait for all quotes.

        If only some are missing, the result has both a value and a reason.
        """
        return _merge(self._markets)

    def books(self) -> Fetched[dict[str, OrderBook]]:
        return _merge(self._books)

    def read_events(self, held: Iterable[Market]) -> str | None:
        """Wait for events and fees, and cache them.

        Returns why some of the given markets lack data. None: all are known.
        """
        markets = list(held)
        names = [market.event_ticker for market in markets]
        self.ask_events(names)
        self.ask_fees(names)
        events = _merge(self._events)
        self._event_cache.events |= events.value or {}
        self.ask_fees(names)  # a series' ticker may differ from the start of the event's
        fees = _merge(self._fees)
        self._event_cache.fees |= fees.value or {}
        without = [market.ticker for market in markets if self._event_cache.fees_of(market) is None]
        if not without:
            return events.unavailable
        return events.unavailable or fees.unavailable or f"fees unknown for {_abbreviate(without)}"


def _incomplete(
    what: str, asked: list[str], found: Mapping[str, object], incomplete: str | None
) -> str | None:
    missing = [name for name in asked if name not in found]
    if not missing:
        return incomplete
    reason = f": {incomplete}" if incomplete else ""
    return f"no {what} for {_abbreviate(missing)}{reason}"


def _abbreviate(names: list[str]) -> str:
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")


def _batches(names: list[str]) -> Iterator[list[str]]:
    for start in range(0, len(names), BATCH):
        yield names[start : start + BATCH]


def _merge(batches: Iterable[Batch[T]]) -> Fetched[dict[str, T]]:
    found: dict[str, T] = {}
    reason: str | None = None
    for batch in batches:
        answer = batch.result()
        found |= answer.value or {}
        reason = reason or answer.unavailable
    return Fetched(found, reason)
