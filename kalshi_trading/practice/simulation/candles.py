"""Candlesticks of bids, asks and trades.

Real quotes and trades are recorded while the exchange runs. Earlier periods are computed with the rule that
makes the simulated quotes. Prices are in ten-thousandths of a dollar, counts in hundredths of a contract.
Period ends are in Unix seconds, inclusive.
Source: Kalshi API, markets (candlesticks).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable

from kalshi_trading.practice.records import (
    ONE_CONTRACT,
    ONE_DOLLAR_PRICE,
    ONE_SECOND,
    Market,
    Trade,
)
from kalshi_trading.practice.simulation.minute_bars import MINUTE_S, Candle, MinuteBars, Range
from kalshi_trading.practice.simulation.quoting import TopOfBook, nearest_price, top_of_book

INTERVALS = (1, 60, 1440)  # minutes
MAX_CANDLES = 10_000

_HOUR_S = 3_600
_DAY_S = 86_400
_KEPT_S = 6 * _HOUR_S
_SAMPLES = {1: 2, 60: 7, 1440: 13}  # computed quotes per candle
_COMPUTED_VOLUME = 15 * ONE_CONTRACT  # per minute

ValueAt = Callable[[Market, int], int]


class Candles:
    """Records quotes and trades, and returns them as candlesticks."""

    def __init__(self, value_at: ValueAt) -> None:
        self._value_at = value_at
        self._bars: defaultdict[str, MinuteBars] = defaultdict(MinuteBars)
        self._hourly: defaultdict[str, dict[int, int]] = defaultdict(dict)

    def record_quotes(self, market: Market, now: int, best: TopOfBook) -> None:
        """Record the best prices after a change."""
        bars, now_s = self._bars[market.ticker], now // ONE_SECOND
        bid, ask = best.bid or 0, best.ask or ONE_DOLLAR_PRICE
        if bars.quoted_since_s is None:
            bars.quoted_since_s = now_s - now_s % MINUTE_S
        last = bars.candles[-1] if bars.candles else None
        if last is not None and last.end_s > now_s:
            last.open_interest = market.open_interest
        if last is not None and (last.bid.close, last.ask.close) == (bid, ask):
            return
        opening = (last.bid.close, last.ask.close) if last else (bid, ask)
        candle = bars.minute(now_s, *opening)
        candle.bid.add(bid)
        candle.ask.add(ask)
        candle.open_interest = market.open_interest

    def record_trade(self, market: Market, trade: Trade) -> None:
        """Record a trade; its minute opens with the last known quotes."""
        bars, now_s = self._bars[market.ticker], trade.created_at // ONE_SECOND
        last = bars.candles[-1] if bars.candles else None
        opening = (last.bid.close, last.ask.close) if last else (trade.price, trade.price)
        candle = bars.minute(now_s, *opening)
        if candle.trades is None:
            candle.trades = Range.of(trade.price)
        candle.trades.add(trade.price)
        candle.volume += trade.count
        candle.turnover += trade.price * trade.count
        candle.open_interest = market.open_interest
        hours = self._hourly[market.ticker]
        hours[now_s // _HOUR_S] = hours.get(now_s // _HOUR_S, 0) + trade.count

    def drop_old(self, now: int) -> None:
        """Drop minutes and hours that are too old."""
        now_s = now // ONE_SECOND
        for bars in self._bars.values():
            bars.drop_before(now_s - _KEPT_S)
        for hours in self._hourly.values():
            for hour in [hour for hour in hours if hour < (now_s - _DAY_S) // _HOUR_S]:
                del hours[hour]

    def volume_of_day(self, market: Market, now: int) -> int:
        """Return the contracts traded in the last 24 hours."""
        if now - market.open_at <= _DAY_S * ONE_SECOND:
            return market.volume
        first = (now // ONE_SECOND - _DAY_S) // _HOUR_S
        hours = self._hourly.get(market.ticker, {})
        return sum(count for hour, count in hours.items() if hour >= first)

    def day_ago(self, market: Market, now: int) -> tuple[TopOfBook, int | None]:
        """Return the best prices and the last price of 24 hours ago.

        They are computed, not recorded. All are None if the market was not open then.
        """
        then = now - _DAY_S * ONE_SECOND
        then -= then % (10 * MINUTE_S * ONE_SECOND)
        if then < market.open_at:
            return TopOfBook(None, None), None
        value = self._value_at(market, then)
        return top_of_book(market, value), nearest_price(market, value)

    def series(self, market: Market, start_s: int, end_s: int, interval: int, now: int) -> list[Candle]:
        """Return the candles whose ends lie between start and end, oldest first.

        The last one may be the current, unfinished period. At most MAX_CANDLES.
        """
        length = interval * MINUTE_S
        opened = market.open_at // ONE_SECOND
        last = min(end_s, _round_up(min(now, market.close_at) // ONE_SECOND + 1, length))
        first = max(_round_up(start_s, length), _round_up(opened + 1, length))
        ends = range(first, last + 1, length)
        candles: list[Candle] = []
        for end in ends[:MAX_CANDLES]:
            before = candles[-1] if candles else None
            candles.append(self._candle(market, end, interval, now, before))
        return candles

    def latest_before(self, market: Market, start_s: int, interval: int, now: int) -> Candle | None:
        """Return a flat candle with the last prices before the start.

        None: the market was not open before the start.
        """
        start = _round_up(start_s, interval * MINUTE_S)
        if start * ONE_SECOND <= market.open_at:
            return None
        found = self.series(market, start - interval * MINUTE_S, start - 1, interval, now)
        if not found:
            return None
        last = found[-1]
        close = last.trades.close if last.trades else last.previous
        return Candle(
            last.end_s,
            Range.of(last.bid.close),
            Range.of(last.ask.close),
            open_interest=last.open_interest,
            previous=close,
        )

    def _candle(self, market: Market, end_s: int, interval: int, now: int, before: Candle | None) -> Candle:
        start_s = end_s - interval * MINUTE_S
        bars = self._bars.get(market.ticker) or MinuteBars()
        seen_from = bars.quoted_since_s if bars.quoted_since_s is not None else now // ONE_SECOND + 1
        candle = self._opening_candle(market, start_s, bars, seen_from)
        candle.end_s = end_s
        candle.previous = self._previous(market, start_s, before)
        recorded = bars.between(start_s, end_s)
        if start_s < seen_from:
            end = min(end_s, seen_from, market.close_at // ONE_SECOND)
            self._add_computed(market, candle, start_s, end, interval)
        if any(minute.trades for minute in recorded):
            candle.clear_trades()  # recorded trades replace computed ones
        for minute in recorded:
            candle.add_minute(minute, with_quotes=minute.end_s > seen_from)
        return candle

    def _opening_candle(self, market: Market, start_s: int, bars: MinuteBars, seen_from: int) -> Candle:
        """Return an empty candle that opens where the previous period ended."""
        last = bars.before(start_s)
        if last is not None and start_s >= seen_from:
            bid, ask = last.bid.close, last.ask.close
            return Candle(0, Range.of(bid), Range.of(ask), open_interest=last.open_interest)
        best = self._computed_top_of_book(market, max(start_s, market.open_at // ONE_SECOND))
        return Candle(0, Range.of(best[0]), Range.of(best[1]))

    def _previous(self, market: Market, start_s: int, before: Candle | None) -> int | None:
        if before is not None:
            return before.trades.close if before.trades else before.previous
        if start_s * ONE_SECOND < market.open_at:
            return None
        return nearest_price(market, self._value_at(market, start_s * ONE_SECOND))

    def _add_computed(self, market: Market, candle: Candle, start_s: int, end_s: int, interval: int) -> None:
        """Add computed quotes and trades for a time without records."""
        opened_s, lifetime_s = market.open_at // ONE_SECOND, (market.close_at - market.open_at) // ONE_SECOND
        start_s = max(start_s, opened_s)
        if end_s <= start_s:
            return
        samples = _SAMPLES[interval]
        moments = [start_s + (end_s - start_s) * step // (samples - 1) for step in range(samples)]
        prices = [self._add_computed_quotes(market, candle, moment) for moment in moments]
        candle.trades = Range.of(prices[0])
        for price in prices:
            candle.trades.add(price)
        candle.volume = -(-(end_s - start_s) // MINUTE_S) * _COMPUTED_VOLUME
        candle.turnover = sum(prices) * candle.volume // samples
        candle.open_interest = market.open_interest * (end_s - opened_s) // max(1, lifetime_s)

    def _add_computed_quotes(self, market: Market, candle: Candle, moment_s: int) -> int:
        """Add the computed quotes of one instant and return its trade price."""
        value = self._value_at(market, moment_s * ONE_SECOND)
        best = top_of_book(market, value)
        candle.bid.add(best.bid or 0)
        candle.ask.add(best.ask or ONE_DOLLAR_PRICE)
        return nearest_price(market, value)

    def _computed_top_of_book(self, market: Market, moment_s: int) -> tuple[int, int]:
        best = top_of_book(market, self._value_at(market, moment_s * ONE_SECOND))
        return best.bid or 0, best.ask or ONE_DOLLAR_PRICE


def _round_up(number: int, step: int) -> int:
    return -(-number // step) * step
