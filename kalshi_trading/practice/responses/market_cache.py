"""Cached JSON of markets: unchanging fields are formatted once."""

from __future__ import annotations

from kalshi_trading.practice.engine.exchange import Exchange
from kalshi_trading.practice.records import ONE_SECOND, BookSide, Market
from kalshi_trading.practice.responses import markets as market_responses
from kalshi_trading.practice.responses.markets import Json
from kalshi_trading.practice.simulation.candles import Candles
from kalshi_trading.practice.simulation.quoting import TopOfBook

_DAY_AGO_FOR_S = 600  # how long the figures of "a day ago" are reused

_DayAgo = tuple[TopOfBook, int | None]


class MarketAnswers:
    """Formats the markets of one exchange as JSON."""

    def __init__(self, exchange: Exchange, candles: Candles) -> None:
        self._exchange = exchange
        self._candles = candles
        self._terms: dict[str, tuple[tuple[int, int | None], Json]] = {}
        self._day_ago: dict[str, tuple[int, _DayAgo]] = {}

    def market(self, market: Market, now: int) -> Json:
        """Return the JSON of a market in its current state."""
        bid = self._exchange.best(market.ticker, BookSide.BID)
        ask = self._exchange.best(market.ticker, BookSide.ASK)
        volume = self._candles.volume_of_day(market, now)
        return {
            **self._cached_terms(market),
            **market_responses.market_quotes(market, bid, ask),
            **market_responses.market_activity(market, volume, self._day_ago_quotes(market, now)),
        }

    def _cached_terms(self, market: Market) -> Json:
        version = (market.updated_at, market.settlement_floor)
        known = self._terms.get(market.ticker)
        if known is None or known[0] != version:
            known = self._terms[market.ticker] = (version, market_responses.market_terms(market))
        return known[1]

    def _day_ago_quotes(self, market: Market, now: int) -> _DayAgo:
        period = now // (_DAY_AGO_FOR_S * ONE_SECOND)
        known = self._day_ago.get(market.ticker)
        if known is None or known[0] != period:
            known = self._day_ago[market.ticker] = (period, self._candles.day_ago(market, now))
        return known[1]
