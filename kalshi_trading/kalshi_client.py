"""The exchange as methods that return models: every read, and the two writes of an order.

Knows paths, parameters and wrappers. Never prints, never asks, never repeats a create. Every method
raises KalshiAPIError or one of its children; only the writes can raise OutcomeUnknownError, after
which the exchange may have acted. Source: Kalshi Trade API v2, October 2026.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import TypeVar

from kalshi_trading import lists, wire, wire_markets
from kalshi_trading.errors import MalformedAnswerError, OutcomeUnknownError
from kalshi_trading.market_models import (
    AccountLimits,
    BarPeriod,
    Candlestick,
    EndpointCosts,
    Event,
    EventCandlesticks,
    EventMetadata,
    ExchangeSchedule,
    ExchangeStatus,
    FeeChange,
    ForecastPoint,
    HistoricalCutoff,
    Market,
    OrderBook,
    Series,
    Trade,
    VolumeProgress,
)
from kalshi_trading.models import (
    Balance,
    CancelAcknowledgement,
    Fill,
    Listing,
    Order,
    OrderAcknowledgement,
    OrderRequest,
    OrderStatus,
    Position,
    Positions,
    Settlement,
    Transfer,
)
from kalshi_trading.money import ZERO, Contracts, Dollars
from kalshi_trading.paging import Progress, collect, query, segment
from kalshi_trading.transport import Query, Transport
from kalshi_trading.wire_fields import Fields

T = TypeVar("T")

MOST_BOOKS_PER_REQUEST = 100


class KalshiClient:
    """All of the exchange that this program uses. Safe to share between threads.

    `since` and `until` bound rows by time, `limit` asks for the first rows only, `progress` is told
    how many rows are here.
    """

    def __init__(
        self, transport: Transport, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._transport = transport
        self._clock = clock

    @property
    def clock_skew_s(self) -> float | None:
        """How far this computer's clock is ahead of the exchange's, in seconds; None: not seen yet."""
        return self._transport.clock_skew_s

    def use_exchange_clock(self) -> float | None:
        """Sign by the exchange's clock if this computer's differs; see `Transport.use_exchange_clock`."""
        return self._transport.use_exchange_clock()

    def learn_limits(self) -> None:
        """Ask the exchange for this account's request limits and keep to them from now on."""
        self._transport.budget.learn(self.get_account_limits(), self.get_endpoint_costs())

    # --- Exchange and account ---------------------------------------------------------------------

    def get_exchange_status(self) -> ExchangeStatus:
        return wire_markets.exchange_status(self._public("/exchange/status"))

    def get_exchange_schedule(self) -> ExchangeSchedule:
        return wire_markets.exchange_schedule(self._public("/exchange/schedule"))

    def get_user_data_timestamp(self) -> datetime:
        """Tell how fresh reads of balance, orders, fills and positions are."""
        return self._public("/exchange/user_data_timestamp").moment("as_of_time")

    def get_account_limits(self) -> AccountLimits:
        return wire.account_limits(self._signed("/account/limits"))

    def get_endpoint_costs(self) -> EndpointCosts:
        return wire.endpoint_costs(self._public("/account/endpoint_costs"))

    def get_volume_progress(self) -> tuple[VolumeProgress, ...]:
        body = self._signed("/account/api_usage_level/volume_progress")
        return tuple(wire.volume_progress(row) for row in body.rows("volume_progress"))

    # --- Series and events ------------------------------------------------------------------------

    def get_series_list(self, *, category: str | None = None, tags: str | None = None) -> tuple[Series, ...]:
        body = self._public("/series", query(category=category, tags=tags))
        return tuple(wire_markets.series(row) for row in body.rows("series"))

    def get_series(self, series_ticker: str) -> Series:
        return wire_markets.series(self._public(f"/series/{segment(series_ticker)}").inner("series"))

    def get_series_fee_changes(self, *, series_ticker: str | None = None) -> tuple[FeeChange, ...]:
        body = self._public("/series/fee_changes", query(series_ticker=series_ticker))
        return tuple(wire_markets.series_fee_change(row) for row in body.rows("series_fee_change_arr"))

    def get_events(
        self,
        *,
        status: str | None = None,
        series_ticker: str | None = None,
        with_nested_markets: bool = False,
        limit: int | None = None,
        progress: Progress | None = None,
    ) -> Listing[Event]:
        """List events one of whose markets is unopened, open, closed or settled."""
        wanted = query(status=status, series_ticker=series_ticker, with_nested_markets=with_nested_markets)
        return collect(self._transport, lists.EVENTS, wanted, limit=limit, progress=progress)

    def get_event(self, event_ticker: str) -> Event:
        """Read one event with its markets inside."""
        body = self._public(f"/events/{segment(event_ticker)}", query(with_nested_markets=True))
        return wire_markets.event(body.inner("event"))

    def get_event_metadata(self, event_ticker: str) -> EventMetadata:
        return wire_markets.event_metadata(self._public(f"/events/{segment(event_ticker)}/metadata"))

    def get_event_fee_changes(self, *, event_ticker: str | None = None) -> Listing[FeeChange]:
        return collect(self._transport, lists.EVENT_FEE_CHANGES, query(event_ticker=event_ticker))

    def get_multivariate_events(self, *, series_ticker: str | None = None) -> Listing[Event]:
        return collect(self._transport, lists.COMBO_EVENTS, query(series_ticker=series_ticker))

    def get_forecast_percentile_history(
        self, series_ticker: str, event_ticker: str, period: BarPeriod, *, percentiles: Iterable[int]
    ) -> tuple[ForecastPoint, ...]:
        path = f"/series/{segment(series_ticker)}/events/{segment(event_ticker)}/forecast_percentile_history"
        wanted = [("percentiles", str(percentile)) for percentile in percentiles]
        return wire_markets.forecast_points(self._signed(path, [*wanted, *_bars(period)]))

    # --- Markets ----------------------------------------------------------------------------------

    def get_markets(
        self,
        *,
        status: str | None = None,
        event_ticker: str | None = None,
        series_ticker: str | None = None,
        tickers: Iterable[str] = (),
        limit: int | None = None,
        progress: Progress | None = None,
    ) -> Listing[Market]:
        """List markets; `status` is unopened, open, paused, closed or settled."""
        wanted = query(
            status=status,
            event_ticker=event_ticker,
            series_ticker=series_ticker,
            tickers=",".join(tickers),
        )
        return collect(self._transport, lists.MARKETS, wanted, limit=limit, progress=progress)

    def get_market(self, ticker: str) -> Market:
        return wire_markets.market(self._public(f"/markets/{segment(ticker)}").inner("market"))

    def get_order_book(self, ticker: str, *, depth: int = 0) -> OrderBook:
        """Read the book; `depth` levels per side, 0 for all."""
        body = self._public(f"/markets/{segment(ticker)}/orderbook", query(depth=depth))
        return wire_markets.order_book(body, ticker, self._clock())

    def get_order_books(self, tickers: Iterable[str]) -> dict[str, OrderBook]:
        """Read many books, a hundred per request."""
        wanted, books = list(tickers), {}
        for start in range(0, len(wanted), MOST_BOOKS_PER_REQUEST):
            batch = wanted[start : start + MOST_BOOKS_PER_REQUEST]
            body = self._public("/markets/orderbooks", [("tickers", ticker) for ticker in batch])
            for row in body.rows("orderbooks"):
                ticker = row.ticker("ticker")
                books[ticker] = wire_markets.order_book(row, ticker, self._clock())
        return books

    def get_candlesticks(self, series_ticker: str, ticker: str, period: BarPeriod) -> tuple[Candlestick, ...]:
        path = f"/series/{segment(series_ticker)}/markets/{segment(ticker)}/candlesticks"
        body = self._public(path, _bars(period))
        return tuple(wire_markets.candlestick(row) for row in body.rows("candlesticks"))

    def get_candlesticks_of_markets(
        self, tickers: Iterable[str], period: BarPeriod
    ) -> dict[str, tuple[Candlestick, ...]]:
        """Read bars of up to 100 markets, 10,000 bars in all."""
        body = self._public("/markets/candlesticks", [("market_tickers", ",".join(tickers)), *_bars(period)])
        return {
            row.ticker("market_ticker"): tuple(
                wire_markets.candlestick(bar) for bar in row.rows("candlesticks")
            )
            for row in body.rows("markets")
        }

    def get_event_candlesticks(
        self, series_ticker: str, event_ticker: str, period: BarPeriod
    ) -> EventCandlesticks:
        path = f"/series/{segment(series_ticker)}/events/{segment(event_ticker)}/candlesticks"
        return wire_markets.event_candlesticks(self._public(path, _bars(period)))

    def get_trades(
        self,
        *,
        ticker: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int | None = None,
    ) -> Listing[Trade]:
        wanted = query(ticker=ticker, min_ts=since, max_ts=until)
        return collect(self._transport, lists.TRADES, wanted, limit=limit)

    # --- Portfolio --------------------------------------------------------------------------------

    def get_balance(self) -> Balance:
        return wire.balance(self._signed("/portfolio/balance"))

    def get_positions(
        self,
        *,
        ticker: str | None = None,
        event_ticker: str | None = None,
        settlement_status: str = "unsettled",
    ) -> Positions:
        """Read positions; `settlement_status` is unsettled, settled or all."""
        wanted = query(ticker=ticker, event_ticker=event_ticker, settlement_status=settlement_status)
        return self._positions(lists.POSITIONS, wanted)

    def get_fills(
        self,
        *,
        ticker: str | None = None,
        order_id: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int | None = None,
        progress: Progress | None = None,
    ) -> Listing[Fill]:
        wanted = query(ticker=ticker, order_id=order_id, min_ts=since, max_ts=until)
        return collect(self._transport, lists.FILLS, wanted, limit=limit, progress=progress)

    def get_settlements(
        self,
        *,
        ticker: str | None = None,
        event_ticker: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int | None = None,
    ) -> Listing[Settlement]:
        wanted = query(ticker=ticker, event_ticker=event_ticker, min_ts=since, max_ts=until)
        return collect(self._transport, lists.SETTLEMENTS, wanted, limit=limit)

    def get_orders(
        self,
        *,
        ticker: str | None = None,
        event_ticker: str | None = None,
        status: OrderStatus | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int | None = None,
        progress: Progress | None = None,
    ) -> Listing[Order]:
        wanted = query(ticker=ticker, event_ticker=event_ticker, status=status, min_ts=since, max_ts=until)
        return collect(self._transport, lists.ORDERS, wanted, limit=limit, progress=progress)

    def get_order(self, order_id: str) -> Order:
        return wire.order(self._signed(f"/portfolio/orders/{segment(order_id)}").inner("order"))

    def get_queue_position(self, order_id: str) -> Contracts:
        """Tell how many contracts stand before this order at its price; 0 is the front."""
        body = self._signed(f"/portfolio/orders/{segment(order_id)}/queue_position")
        return body.decimal("queue_position_fp")

    def get_queue_positions(
        self, *, tickers: Iterable[str] = (), event_ticker: str | None = None
    ) -> dict[str, Contracts]:
        """The same for all resting orders of some markets or of one event, by order_id."""
        wanted = query(market_tickers=",".join(tickers), event_ticker=event_ticker)
        rows = self._signed("/portfolio/orders/queue_positions", wanted).rows("queue_positions")
        return {row.identifier("order_id"): row.decimal("queue_position_fp") for row in rows}

    def get_total_resting_order_value(self) -> Dollars:
        """Read the value of all resting orders; the exchange allows it to few accounts (403)."""
        body = self._signed("/portfolio/summary/total_resting_order_value")
        return body.cents("total_resting_order_value")

    def get_deposits(self) -> Listing[Transfer]:
        return collect(self._transport, lists.DEPOSITS)

    def get_withdrawals(self) -> Listing[Transfer]:
        return collect(self._transport, lists.WITHDRAWALS)

    # --- Historical -------------------------------------------------------------------------------

    def get_historical_cutoff(self) -> HistoricalCutoff:
        return wire_markets.historical_cutoff(self._public("/historical/cutoff"))

    def get_historical_markets(
        self, *, event_ticker: str | None = None, series_ticker: str | None = None, limit: int | None = None
    ) -> Listing[Market]:
        wanted = query(event_ticker=event_ticker, series_ticker=series_ticker)
        return collect(self._transport, lists.OLD_MARKETS, wanted, limit=limit)

    def get_historical_market(self, ticker: str) -> Market:
        return wire_markets.market(self._public(f"/historical/markets/{segment(ticker)}").inner("market"))

    def get_historical_candlesticks(self, ticker: str, period: BarPeriod) -> tuple[Candlestick, ...]:
        body = self._public(f"/historical/markets/{segment(ticker)}/candlesticks", _bars(period))
        return tuple(wire_markets.historical_candlestick(row) for row in body.rows("candlesticks"))

    def get_historical_trades(self, *, ticker: str | None = None, limit: int | None = None) -> Listing[Trade]:
        return collect(self._transport, lists.OLD_TRADES, query(ticker=ticker), limit=limit)

    def get_historical_fills(
        self, *, ticker: str | None = None, since: datetime | None = None, until: datetime | None = None
    ) -> Listing[Fill]:
        return collect(self._transport, lists.OLD_FILLS, query(ticker=ticker, min_ts=since, max_ts=until))

    def get_historical_orders(
        self, *, ticker: str | None = None, since: datetime | None = None, until: datetime | None = None
    ) -> Listing[Order]:
        return collect(self._transport, lists.OLD_ORDERS, query(ticker=ticker, min_ts=since, max_ts=until))

    def get_historical_positions(
        self, *, ticker: str | None = None, event_ticker: str | None = None
    ) -> Positions:
        return self._positions(lists.OLD_POSITIONS, query(ticker=ticker, event_ticker=event_ticker))

    # --- Orders -----------------------------------------------------------------------------------

    def place_order(self, order: OrderRequest) -> OrderAcknowledgement:
        """Send one order, once. NotSentError: nothing left; OutcomeUnknownError: it may be live."""
        body = self._transport.write("POST", "/portfolio/events/orders", (), wire.order_body(order))
        acknowledgement = _trusted(lambda: wire.order_acknowledgement(Fields(body, "order")))
        if acknowledgement.client_order_id not in (None, order.client_order_id):
            raise OutcomeUnknownError("The exchange echoed a different order; ours may or may not be live.")
        filled, remaining = acknowledgement.fill_count, acknowledgement.remaining_count
        if min(filled, remaining) < ZERO or filled + remaining > order.count:
            raise OutcomeUnknownError("The exchange's counts do not fit the order; what it did is not known.")
        return acknowledgement

    def cancel_order(self, order_id: str, *, ticker: str) -> CancelAcknowledgement:
        """Cancel what still rests. NotFoundError: nothing rests under that id, which proves no cancel.

        The ticker leads the request to the right shard. Source: Kalshi API, cancel.
        """
        path = f"/portfolio/events/orders/{segment(order_id)}"
        body = self._transport.write("DELETE", path, query(market_ticker=ticker))
        acknowledgement = _trusted(lambda: wire.cancel_acknowledgement(Fields(body, "cancel")))
        if acknowledgement.order_id != order_id:
            raise OutcomeUnknownError("The exchange told of another order; it may have canceled this one.")
        return acknowledgement

    # --- Below the doors --------------------------------------------------------------------------

    def _public(self, path: str, wanted: Query = ()) -> Fields:
        return Fields(self._transport.read(path, wanted, signed=False), "answer")

    def _signed(self, path: str, wanted: Query = ()) -> Fields:
        return Fields(self._transport.read(path, wanted), "answer")

    def _positions(self, pages: lists.Pages[Position], wanted: Query) -> Positions:
        events: list[Fields] = []
        listing = collect(
            self._transport,
            pages,
            wanted,
            on_page=lambda body: events.extend(body.optional_rows("event_positions")),
        )
        return Positions(listing, tuple(wire.event_position(row) for row in events))


def _trusted(decode: Callable[[], T]) -> T:
    """Read a write's answer; one that cannot be read leaves the outcome unknown, never failed."""
    try:
        return decode()
    except MalformedAnswerError as error:
        raise OutcomeUnknownError(f"{error} It may have acted.") from error


def _bars(period: BarPeriod) -> Query:
    return query(start_ts=period.start_at, end_ts=period.end_at, period_interval=period.minutes)
