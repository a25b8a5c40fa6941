"""Settlement floors that move by the clock, as a value becomes certain.

Derives every floor from seed, time and the market's outcome, and never lets it pass the outcome. Now and then
the source corrects itself: for one hour the floor is lower. Off unless `is_moving` is set.
Source: Kalshi API, settlement floors.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from kalshi_trading.practice.engine.exchange import Exchange
from kalshi_trading.practice.records import ONE_CENT_PRICE, ONE_SECOND, Market, MarketStatus

_STEP = 60 * ONE_SECOND
_CORRECTION_PERIOD = 3_600 * ONE_SECOND
_CORRECTION_CHANCE = 0.04
_CORRECTION = 2 * ONE_CENT_PRICE
_CERTAIN_TENTHS = 9  # of the outcome, by the close


class SettlementFloors:
    """Moves the floors of the scalar markets of one exchange."""

    def __init__(
        self, exchange: Exchange, outcome: Callable[[str], list[tuple[Market, int]]], seed: int
    ) -> None:
        self.is_moving = False
        self._exchange = exchange
        self._outcome = outcome
        self._seed = seed
        self._next_step = 0

    def step(self, now: int) -> None:
        """Set each active scalar market's floor, at most once a minute."""
        if not self.is_moving or now < self._next_step:
            return
        self._next_step = now + _STEP
        for market in self._exchange.markets.values():
            if market.scalar and market.status is MarketStatus.ACTIVE:
                floor = self._floor(market, now)
                if floor != market.settlement_floor:
                    self._exchange.set_floor(market.ticker, floor)

    def _floor(self, market: Market, now: int) -> int:
        payout = next(value for other, value in self._outcome(market.event_ticker) if other is market)
        lifetime = max(1, market.close_at - market.open_at)
        certain = payout * _CERTAIN_TENTHS * (now - market.open_at) // (10 * lifetime)
        period = now // _CORRECTION_PERIOD
        if Random(f"{self._seed} {market.ticker} {period}").random() < _CORRECTION_CHANCE:
            certain -= _CORRECTION
        return max(0, certain // ONE_CENT_PRICE * ONE_CENT_PRICE)
