"""Everything a preview needs to know, read side by side: the market, its book and fees, and the account.

What can be done without is None when it cannot be read, never a guess. Sends no order.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from typing import TypeVar

from kalshi_trading.errors import InvalidInputError, KalshiAPIError, NotFoundError
from kalshi_trading.kalshi_client import KalshiClient
from kalshi_trading.market_models import FeeSchedule, Market, OrderBook
from kalshi_trading.models import OrderStatus, Position, Positions
from kalshi_trading.money import ZERO
from kalshi_trading.order_preview import Circumstances
from kalshi_trading.trading_day import TradingDay

T = TypeVar("T")


class PreviewReader:
    """Reads the circumstances of a ticket, anew each time; only fee schedules are remembered."""

    def __init__(
        self,
        client: KalshiClient,
        day: TradingDay,
        *,
        unresolved: Callable[[str], Sequence[str]],
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._client = client
        self._day = day
        self._unresolved = unresolved
        self._clock = clock
        self._fee_schedules: dict[str, FeeSchedule] = {}

    def read(self, ticker: str) -> Circumstances:
        """Read all parts at once.

        Raises InvalidInputError when there is no such market, KalshiAPIError when market, position or
        resting orders cannot be read, JournalError when the journal cannot.
        """
        with ThreadPoolExecutor(max_workers=6) as pool:
            book = pool.submit(or_none, lambda: self._book(ticker))
            balance = pool.submit(or_none, self._client.get_balance)
            positions = pool.submit(self._client.get_positions, ticker=ticker)
            resting = pool.submit(self._client.get_orders, ticker=ticker, status=OrderStatus.RESTING)
            pnl = pool.submit(or_none, self._day.pnl)
            market = self.market(ticker)
            fees = pool.submit(self.fees, market)
            recent, today = self._day.orders()
        cash = balance.result()
        return Circumstances(
            market=market,
            book=book.result(),
            fees=fees.result(),
            cash=None if cash is None else cash.cash,
            position=_position_in(ticker, positions.result()),
            resting=resting.result().whole(),
            recent=recent,
            today=replace(today, pnl=pnl.result()),
            at=self._clock(),
            unresolved=tuple(self._unresolved(ticker)),
        )

    def market(self, ticker: str) -> Market:
        """Read one market. Raises InvalidInputError when there is none of that ticker."""
        try:
            return self._client.get_market(ticker)
        except NotFoundError:
            raise InvalidInputError(
                f"There is no market {ticker}. Search for it by a word instead."
            ) from None

    def _book(self, ticker: str) -> OrderBook:
        """Read the book; its age counts from the question, as a slow answer may be an old one."""
        asked_at = self._clock()
        return replace(self._client.get_order_book(ticker), as_of=asked_at)

    def fees(self, market: Market) -> FeeSchedule | None:
        """Give the fees of a market: its event's override, else its series'; None: could not be read.

        Source: Kalshi API, fees.
        """
        known = self._fee_schedules.get(market.event_ticker) or or_none(lambda: self._read_fees(market))
        if known is None:
            return None
        self._fee_schedules[market.event_ticker] = known
        if market.fee_waiver_until is not None and market.fee_waiver_until > self._clock():
            return replace(known, multiplier=ZERO)
        return known

    def _read_fees(self, market: Market) -> FeeSchedule:
        event = self._client.get_event(market.event_ticker)
        series = self._client.get_series(event.series_ticker).fees
        multiplier = event.fee_multiplier_override
        return FeeSchedule(
            event.fee_type_override or series.fee_type,
            series.multiplier if multiplier is None else multiplier,
        )


def or_none(read: Callable[[], T]) -> T | None:
    """Read what can be done without."""
    try:
        return read()
    except KalshiAPIError:
        return None


def _position_in(ticker: str, positions: Positions) -> Position | None:
    return next((position for position in positions.markets.whole() if position.ticker == ticker), None)
