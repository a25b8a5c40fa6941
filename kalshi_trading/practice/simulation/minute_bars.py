"""Recorded quotes and trades of a market, minute by minute.

Knows how minutes combine into longer periods, and never computes missing ones. Prices are in
ten-thousandths of a dollar, counts in hundredths of a contract, times in Unix seconds.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field, replace

MINUTE_S = 60


@dataclass(slots=True)
class Range:
    """First, lowest, highest and last of a sequence of numbers."""

    open: int
    low: int
    high: int
    close: int

    @classmethod
    def of(cls, first: int) -> Range:
        return cls(first, first, first, first)

    def add(self, number: int) -> None:
        self.low, self.high = min(self.low, number), max(self.high, number)
        self.close = number

    def merge(self, later: Range) -> None:
        """Extend the range with a later one."""
        self.low, self.high = min(self.low, later.low), max(self.high, later.high)
        self.close = later.close


@dataclass(slots=True)
class Candle:
    """One period. `trades` is None: nothing traded in it."""

    end_s: int
    bid: Range
    ask: Range
    trades: Range | None = None
    volume: int = 0
    turnover: int = 0  # money: total of price times count
    open_interest: int = 0
    previous: int | None = None

    def add_minute(self, minute: Candle, *, with_quotes: bool) -> None:
        """Add one minute to a longer period."""
        if with_quotes:
            self.bid.merge(minute.bid)
            self.ask.merge(minute.ask)
        if minute.trades is not None:
            self.trades = self.trades or replace(minute.trades)
            self.trades.merge(minute.trades)
        self.volume += minute.volume
        self.turnover += minute.turnover
        self.open_interest = minute.open_interest

    def clear_trades(self) -> None:
        self.trades, self.volume, self.turnover = None, 0, 0


@dataclass(slots=True)
class MinuteBars:
    """Recorded minutes of one market; both lists are in time order."""

    quoted_since_s: int | None = None
    minutes: list[int] = field(default_factory=list)  # start of each, Unix seconds
    candles: list[Candle] = field(default_factory=list)

    def minute(self, now_s: int, bid: int, ask: int) -> Candle:
        """Return the candle of this minute; a new one opens with these quotes."""
        start = now_s - now_s % MINUTE_S
        if not self.minutes or self.minutes[-1] < start:
            self.minutes.append(start)
            self.candles.append(Candle(start + MINUTE_S, Range.of(bid), Range.of(ask)))
        return self.candles[-1]

    def between(self, start_s: int, end_s: int) -> list[Candle]:
        return self.candles[bisect_left(self.minutes, start_s) : bisect_left(self.minutes, end_s)]

    def before(self, start_s: int) -> Candle | None:
        index = bisect_left(self.minutes, start_s)
        return self.candles[index - 1] if index else None

    def drop_before(self, start_s: int) -> None:
        """Drop old minutes, except the newest: it has the current quotes."""
        count = min(bisect_left(self.minutes, start_s), len(self.minutes) - 1)
        if count > 0:
            del self.minutes[:count], self.candles[:count]
            self.quoted_since_s = self.minutes[0]
