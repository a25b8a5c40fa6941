"""The public API methods: status, series, events, markets, books, trades.

Returns models. Knows paths, parameters and response shapes. Only reads. Signs only the forecast history.
Every method raises KalshiAPIError or one of its children. Source: Kalshi Trade API v2, October 2026.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from kalshi_trading.core.dates import utc_now
from kalshi_trading.core.errors import InvalidInputError, NotFoundError
from kalshi_trading.core.market_models import (
    BarPeriod,
    Candlestick,
    Event,
    EventCandlesticks,
    EventMetadata,
    FeeChange,
    ForecastPoint,
    Market,
    OrderBook,
    Series,
    Trade,
)
from kalshi_trading.core.records.exchange import ExchangeSchedule, ExchangeStatus, HistoricalCutoff
from kalshi_trading.core.results import Listing, Progress
from kalshi_trading.core.tickers import validate_ticker
from kalshi_trading.exchange import endpoints
from kalshi_trading.exchange.http.transport import Query, Transport
from kalshi_trading.exchange.paging import collect, params, quote_path, time_range
from kalshi_trading.exchange.wire import markets as market_wire
from kalshi_trading.exchange.wire.fields import DecodeCache, Fields, decode_rows

MAX_BOOKS_PER_REQUEST = 100
MARKET_STATUSES = ("unopened", "open", "paused", "closed", "settled")
"""Status filters of the market list. They differ from the values of `Market.status`.
Source: Kalshi API, GET /markets.
"""
_BOOK_SIDES = DecodeCache(market_wire.book_sides, "ticker")


@contextmanager
def explain_not_found(sentence: str) -> Iterator[None]:
    """Replace a generic NotFoundError by one that names the missing item."""
    try:
        yield
    except NotFoundError as error:
        raise NotFoundError(sentence, status=error.status, code=error.code) from error


class MarketDataClient:
    """Public market data. Safe to share between threads.

    `since` and `until` bound rows by time. Rows up to two seconds beyond may be included. `limit` reads only
    the first rows. `progress` receives the number of rows read so far.
    """

    def __init__(self, transport: Transport, *, clock: Callable[[], datetime] = utc_now) -> None:
        self._transport = transport
        self._clock = clock

    def disconnect(self) -> None:
        """Close idle connections. A later read opens new ones."""
        self._transport.close()

    # --- Clock ------------------------------------------------------------------------------------

    @property
    def clock_skew_s(self) -> float | None:
        """Seconds this computer's clock is ahead of the exchange's.

        None: no time from the exchange yet.
        """
        return self._transport.clock_skew_s

    @property
    def least_clock_skew_s(self) -> float | None:
        """The minimum seconds this computer's clock can be ahead.

        None: no time from the exchange yet.
        """
        return self._transport.least_clock_skew_s

    def exchange_time(self, at: datetime) -> datetime | None:
        """Convert `at`, on this computer's clock, to the exchange's clock.

        None: no time from the exchange yet.
        """
        skew_s = self.clock_skew_s
        return None if skew_s is None else at - timedelta(seconds=skew_s)

    def latest_exchange_time(self, at: datetime) -> datetime | None:
        """Return the latest time the exchange's clock can show at `at`.

        `at` is on this computer's clock. None: no time from the exchange yet.
        """
        skew_s = self.least_clock_skew_s
        return None if skew_s is None else at - timedelta(seconds=skew_s)

    def use_exchange_clock(self) -> float | None:
        """Sign by the exchange's clock; see `ExchangeClock.apply_offset`."""
        return self._transport.use_exchange_clock()

    # --- Exchange ---------------------------------------------------------------------------------

    def get_exchange_status(self) -> ExchangeStatus:
        """Read whether the exchange is up and trading, in total and by shard.

        Raises KalshiAPIError.
        """
        return market_wire.exchange_status(self._public("/exchange/status"))

    def get_exchange_schedule(self) -> ExchangeSchedule:
        return market_wire.exchange_schedule(self._public("/exchange/schedule"))

    def get_user_data_timestamp(self) -> datetime:
        """Return the time up to which account reads are current.

        Covers balance, orders, fills and positions.
        """
        return self._public("/exchange/user_data_timestamp").moment("as_of_time")

    # --- Series and events ------------------------------------------------------------------------

    def get_series(self, *, category: str | None = None, tags: str | None = None) -> Listing[Series]:
        """List all series, or those of a category or with a tag.

        Raises KalshiAPIError.
        """
        body = self._public("/series", params(category=category, tags=tags))
        rows = decode_rows(body.rows("series"), market_wire.series)
        return Listing(rows.items, rows.incomplete, name="series")

    def get_series_by_ticker(self, series_ticker: str) -> Series:
        """Read one series."""
        return market_wire.series(self._public(f"/series/{quote_path(series_ticker)}").inner("series"))

    def get_series_fee_changes(self, *, series_ticker: str | None = None) -> tuple[FeeChange, ...]:
        body = self._public("/series/fee_changes", params(series_ticker=series_ticker))
        return decode_rows(body.rows("series_fee_change_arr"), market_wire.series_fee_change).items

    def get_events(
        self,
        series_ticker: str | None = None,
        status: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
        *,
        tickers: Iterable[str] = (),
        with_nested_markets: bool = False,
        progress: Progress | None = None,
    ) -> Listing[Event]:
        """List events, optionally with a market in this status.

        `status` is unopened, open, closed or settled. Raises KalshiAPIError.
        """
        query = params(
            status=status,
            series_ticker=series_ticker,
            tickers=",".join(tickers),
            with_nested_markets=with_nested_markets,
        )
        transport = self._transport
        return collect(transport, endpoints.EVENTS, query, limit=limit, cursor=cursor, progress=progress)

    def get_event(self, event_ticker: str) -> Event:
        """Read one event with its markets inside."""
        body = self._public(f"/events/{quote_path(event_ticker)}", params(with_nested_markets=True))
        return market_wire.event(body.inner("event"))

    def get_event_metadata(self, event_ticker: str) -> EventMetadata:
        return market_wire.event_metadata(self._public(f"/events/{quote_path(event_ticker)}/metadata"))

    def get_event_fee_changes(self, *, event_ticker: str | None = None) -> Listing[FeeChange]:
        return collect(self._transport, endpoints.EVENT_FEE_CHANGES, params(event_ticker=event_ticker))

    def get_multivariate_events(self, *, series_ticker: str | None = None) -> Listing[Event]:
        return collect(self._transport, endpoints.COMBO_EVENTS, params(series_ticker=series_ticker))

    def get_forecast_percentile_history(
        self, series_ticker: str, event_ticker: str, period: BarPeriod, *, percentiles: Iterable[int]
    ) -> tuple[ForecastPoint, ...]:
        event_path = f"/series/{quote_path(series_ticker)}/events/{quote_path(event_ticker)}"
        query = [("percentiles", str(percentile)) for percentile in percentiles]
        return market_wire.forecast_points(
            self._signed(f"{event_path}/forecast_percentile_history", [*query, *_bars(period)])
        )

    # --- Markets ----------------------------------------------------------------------------------

    def get_markets(
        self,
        limit: int | None = None,
        cursor: str | None = None,
        event_ticker: str | None = None,
        series_ticker: str | None = None,
        status: str | None = None,
        *,
        tickers: Iterable[str] = (),
        progress: Progress | None = None,
    ) -> Listing[Market]:
        """List markets with their best quotes, in YES dollars.

        None: there is no quote on that side. `status` is unopened, open, paused, closed or settled. Only
        reads. Raises KalshiAPIError, and InvalidInputError for another status.
        """
        query = params(
            status=_market_status(status),
            event_ticker=event_ticker,
            series_ticker=series_ticker,
            tickers=",".join(tickers),
        )
        transport = self._transport
        return collect(transport, endpoints.MARKETS, query, limit=limit, cursor=cursor, progress=progress)

    def get_market(self, ticker: str) -> Market:
        """Read one market with its best quotes, in YES dollars.

        None: there is no quote on that side. Only reads. Raises KalshiAPIError, InvalidInputError for text
        that is not a ticker, and NotFoundError if the exchange has no such market.
        """
        name = validate_ticker(ticker)
        with explain_not_found(f"This environment has no market {name}. Search by name."):
            return market_wire.market(self._public(f"/markets/{quote_path(name)}").inner("market"))

    def get_orderbook(self, ticker: str, *, depth: int = 0) -> OrderBook:
        """Read the bids of both sides, best first, each in its own dollars.

        `depth` limits the levels; 0 reads all. Only reads. Raises NotFoundError, KalshiAPIError.
        """
        name = validate_ticker(ticker)
        body = self._public(f"/markets/{quote_path(name)}/orderbook", params(depth=depth))
        return market_wire.order_book(body, name, self._clock())

    def get_orderbooks(self, tickers: Iterable[str]) -> dict[str, OrderBook]:
        """Read many books, a hundred per request."""
        names, books = list(tickers), dict[str, OrderBook]()
        for start in range(0, len(names), MAX_BOOKS_PER_REQUEST):
            batch = names[start : start + MAX_BOOKS_PER_REQUEST]
            body = self._public("/markets/orderbooks", [("tickers", ticker) for ticker in batch])
            rows = decode_rows(body.rows("orderbooks"), lambda row: (row.ticker("ticker"), _BOOK_SIDES(row)))
            at = self._clock()
            books |= {ticker: OrderBook(ticker, *sides, at) for ticker, sides in rows.items}
        return books

    def get_candlesticks(self, series_ticker: str, ticker: str, period: BarPeriod) -> tuple[Candlestick, ...]:
        path = f"/series/{quote_path(series_ticker)}/markets/{quote_path(ticker)}/candlesticks"
        body = self._public(path, _bars(period))
        return decode_rows(body.rows("candlesticks"), market_wire.candlestick).items

    def get_candlesticks_of_markets(
        self, tickers: Iterable[str], period: BarPeriod
    ) -> dict[str, tuple[Candlestick, ...]]:
        """Read bars of up to 100 markets, 10,000 bars in all."""
        body = self._public("/markets/candlesticks", [("market_tickers", ",".join(tickers)), *_bars(period)])
        return dict(decode_rows(body.rows("markets"), market_wire.candlesticks_of_market).items)

    def get_event_candlesticks(
        self, series_ticker: str, event_ticker: str, period: BarPeriod
    ) -> EventCandlesticks:
        path = f"/series/{quote_path(series_ticker)}/events/{quote_path(event_ticker)}/candlesticks"
        return market_wire.event_candlesticks(self._public(path, _bars(period)))

    def get_trades(
        self,
        *,
        ticker: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int | None = None,
    ) -> Listing[Trade]:
        query = [*params(ticker=ticker), *time_range(since, until)]
        return collect(self._transport, endpoints.TRADES, query, limit=limit)

    def get_market_history(self, ticker: str, limit: int | None = 100) -> Listing[Trade]:
        """List public trades of one market, newest first, in YES dollars.

        `limit` None: all. Only reads. Raises KalshiAPIError.
        """
        return self.get_trades(ticker=validate_ticker(ticker), limit=limit)

    # --- Historical -------------------------------------------------------------------------------

    def get_historical_cutoff(self) -> HistoricalCutoff:
        return market_wire.historical_cutoff(self._public("/historical/cutoff"))

    def get_historical_markets(
        self,
        *,
        event_ticker: str | None = None,
        series_ticker: str | None = None,
        tickers: Iterable[str] = (),
        limit: int | None = None,
    ) -> Listing[Market]:
        """List archived markets. Only one filter can be used at a time."""
        query = params(event_ticker=event_ticker, series_ticker=series_ticker, tickers=",".join(tickers))
        return collect(self._transport, endpoints.OLD_MARKETS, query, limit=limit)

    def get_historical_market(self, ticker: str) -> Market:
        return market_wire.market(self._public(f"/historical/markets/{quote_path(ticker)}").inner("market"))

    def get_historical_candlesticks(self, ticker: str, period: BarPeriod) -> tuple[Candlestick, ...]:
        body = self._public(f"/historical/markets/{quote_path(ticker)}/candlesticks", _bars(period))
        return decode_rows(body.rows("candlesticks"), market_wire.historical_candlestick).items

    def get_historical_trades(self, *, ticker: str | None = None, limit: int | None = None) -> Listing[Trade]:
        return collect(self._transport, endpoints.OLD_TRADES, params(ticker=ticker), limit=limit)

    # --- Internal ---------------------------------------------------------------------------------

    def _public(self, path: str, query: Query = ()) -> Fields:
        return Fields(self._transport.read(path, query, signed=False), "answer")

    def _signed(self, path: str, query: Query = ()) -> Fields:
        return Fields(self._transport.read(path, query), "answer")


def _market_status(word: str | None) -> str | None:
    if word is not None and word not in MARKET_STATUSES:
        raise InvalidInputError(f"status must be one of {', '.join(MARKET_STATUSES)}.")
    return word


def _bars(period: BarPeriod) -> Query:
    return params(start_ts=period.start_at, end_ts=period.end_at, period_interval=period.minutes)
