"""Read what a preview needs in parallel: market, book, fees and account.

An optional part that cannot be read is None, never a guess. Sends no order.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

from kalshi_trading.core.dates import utc_now
from kalshi_trading.core.errors import InvalidInputError, NotFoundError
from kalshi_trading.core.fees import FeeTerms, schedule_at, schedules_to_come
from kalshi_trading.core.market_models import FeeSchedule, Market, OrderBook
from kalshi_trading.core.models import OrderStatus, Position, Positions
from kalshi_trading.core.money import ZERO, Dollars
from kalshi_trading.core.results import fetch_or_none
from kalshi_trading.core.valuation import OpenSize, resting_collateral
from kalshi_trading.kalshi_client import READ_LAG, KalshiClient
from kalshi_trading.orders.pretrade.activity import ActivityReader
from kalshi_trading.orders.pretrade.context import DataAge, InFlightOrder, OrderContext
from kalshi_trading.orders.pretrade.day_pnl import DayPnlReader
from kalshi_trading.orders.pretrade.in_flight import (
    InFlightOrders,
    drop_filled,
    drop_listed,
    possibly_missing,
)
from kalshi_trading.settings.behavior import ASSUMED, ExchangeBehavior

T = TypeVar("T")

FEES_KEPT_FOR = timedelta(minutes=10)


class ContextReader:
    """Reads the context of a ticket anew each time; caches only fees.

    Fees are kept for FEES_KEPT_FOR.
    """

    def __init__(
        self,
        client: KalshiClient,
        activity: ActivityReader,
        day: DayPnlReader,
        *,
        behavior: ExchangeBehavior = ASSUMED,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._client = client
        self._behavior = behavior
        self._activity = activity
        self._day = day
        self._clock = clock
        self._fee_terms: dict[str, tuple[datetime, FeeTerms]] = {}

    def read(self, ticker: str) -> OrderContext:
        """Read all parts in parallel, the account's after its data age.

        Raises InvalidInputError when no market has that ticker. Raises KalshiAPIError when market, position
        or resting orders cannot be read. Raises JournalError when the journal cannot be read.
        """
        orders = self._activity.read()
        # An order of another session may be newer than the balance this session read last.
        has_sent = bool(orders.in_flight.after(self._clock() - READ_LAG))
        with ThreadPoolExecutor(max_workers=8) as pool:
            age_read = pool.submit(self._look_at_age, ticker, orders.in_flight)

            def afterwards(read: Callable[[], T]) -> Future[T]:
                return pool.submit(_read_after, age_read, read)

            balance = afterwards(lambda: fetch_or_none(lambda: self._client.get_balance(fresh=has_sent)))
            reserved = afterwards(lambda: fetch_or_none(self._reserved))
            positions = afterwards(lambda: self._client.get_positions(ticker=ticker))
            listed = afterwards(lambda: self._client.get_orders(ticker=ticker, status=OrderStatus.RESTING))
            book = pool.submit(fetch_or_none, lambda: self._book(ticker))
            pnl = pool.submit(fetch_or_none, self._day.pnl)
            market = self.market(ticker)
            terms = pool.submit(self._terms, market)
        cash, fees, resting, at = (
            balance.result(),
            terms.result(),
            listed.result().require_complete(),
            self._clock(),
        )
        as_of, maybe_missing = age_read.result()
        return OrderContext(
            market=market,
            book=book.result(),
            fees=None if fees is None else schedule_at(fees, market, at),
            later_fees=() if fees is None else schedules_to_come(fees, market, at),
            cash=_free_of(None if cash is None else cash.cash_for(market.exchange_index), reserved.result()),
            position=_position_in(ticker, positions.result()),
            resting=resting,
            unseen=drop_listed([order for order in maybe_missing if order.ticker == ticker], resting),
            cost_elsewhere=sum((order.cost for order in maybe_missing if order.ticker != ticker), ZERO),
            data_age=DataAge(orders.in_flight.newest_in(ticker), as_of),
            recent=orders.recent,
            today=replace(orders.today, pnl=pnl.result()),
            at=at,
            known_order_count=orders.known_count,
            unresolved=tuple(order.sentence for order in orders.pending_orders if order.ticker == ticker),
        )

    def _reserved(self) -> Dollars:
        """Return what open orders take from the cash that the exchange reports.

        Zero where it reports cash without it. Settlement floors would lower the amount; it counts none.
        Raises KalshiAPIError. Source: Kalshi API, balance.
        """
        if not self._behavior.cash_includes_collateral:
            return ZERO
        held = {row.ticker: row.net for row in self._client.get_positions().markets.require_complete()}
        sizes: dict[str, list[OpenSize]] = {}
        for order in self._client.get_orders(status=OrderStatus.RESTING).require_complete():
            size = OpenSize(order.book_side, order.yes_price, order.remaining_count)
            sizes.setdefault(order.ticker, []).append(size)
        return sum((resting_collateral(held.get(name, ZERO), each) for name, each in sizes.items()), ZERO)

    def _look_at_age(
        self, ticker: str, in_flight: InFlightOrders
    ) -> tuple[datetime | None, tuple[InFlightOrder, ...]]:
        """Return the time of the account's data and the orders it may lack.

        The orders are of any market. Read first, because later reads are at least as new. Fills of this
        market are read before the position, so an order dropped because of its fills is in the position.
        """
        as_of = fetch_or_none(lambda: self._behavior.complete_until(self._client.get_data_as_of()))
        maybe_missing = possibly_missing(in_flight, as_of, self._clock())
        here = [order for order in maybe_missing if order.ticker == ticker]
        if not here:
            return as_of, maybe_missing
        since = min(order.at for order in here) - timedelta(days=1)
        fills = fetch_or_none(lambda: self._client.get_fills(ticker=ticker, since=since))
        return as_of, drop_filled(maybe_missing, fills or ())

    def market(self, ticker: str) -> Market:
        """Read one market.

        Raises InvalidInputError when no market has that ticker, KalshiAPIError.
        """
        try:
            return self._client.get_market(ticker)
        except NotFoundError:
            raise InvalidInputError(f"Market {ticker} not found. Search by name instead.") from None

    def _book(self, ticker: str) -> OrderBook:
        """Read the book; its age counts from the request.

        A slow response may carry an old book.
        """
        asked_at = self._clock()
        return replace(self._client.get_orderbook(ticker), as_of=asked_at)

    def fees(self, market: Market) -> tuple[FeeSchedule, ...]:
        """Return the current fees of a market, then the future ones.

        Empty: they could not be read. Source: Kalshi API, fees.
        """
        terms, now = self._terms(market), self._clock()
        if terms is None:
            return ()
        return (schedule_at(terms, market, now), *schedules_to_come(terms, market, now))

    def _terms(self, market: Market) -> FeeTerms | None:
        """Return the fees of the market's event and their future changes.

        Cached for FEES_KEPT_FOR. None: they could not be read.
        """
        now = self._clock()
        read_at, known = self._fee_terms.get(market.event_ticker, (now, None))
        if known is not None and timedelta(0) <= now - read_at < FEES_KEPT_FOR:
            return known
        terms = fetch_or_none(lambda: self._read_terms(market.event_ticker))
        if terms is not None:
            self._fee_terms[market.event_ticker] = now, terms
        return terms

    def _read_terms(self, event_ticker: str) -> FeeTerms:
        event = self._client.get_event(event_ticker)
        series = event.series_ticker
        with ThreadPoolExecutor(max_workers=3) as pool:
            base = pool.submit(self._client.get_series_by_ticker, series)
            series_changes = pool.submit(self._client.get_series_fee_changes, series_ticker=series)
            event_changes = pool.submit(self._client.get_event_fee_changes, event_ticker=event_ticker)
        return FeeTerms(
            series=base.result().fees,
            override_type=event.fee_type_override,
            override_multiplier=event.fee_multiplier_override,
            series_changes=series_changes.result(),
            event_changes=event_changes.result().require_complete(),
        )


def _free_of(cash: Dollars | None, reserved: Dollars | None) -> Dollars | None:
    """Subtract what open orders reserve from cash. None: unknown.

    Settlement floors can make the estimate too large. It never makes cash negative, because then the
    exchange would take no order.
    """
    if cash is None or reserved is None:
        return None
    return cash - reserved if cash < ZERO else max(ZERO, cash - reserved)


def _read_after(first: Future[Any], read: Callable[[], T]) -> T:
    """Wait for `first`, then read."""
    first.result()
    return read()


def _position_in(ticker: str, positions: Positions) -> Position | None:
    return next(
        (position for position in positions.markets.require_complete() if position.ticker == ticker), None
    )
