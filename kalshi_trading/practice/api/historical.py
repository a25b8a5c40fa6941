"""Handlers for rows older than the cut-offs.

A row looks as it did when it was live, except for the field names of candlesticks.
Source: Kalshi API, historical.
"""

from __future__ import annotations

from functools import partial

from kalshi_trading.practice.api.http import ApiCall, Endpoint
from kalshi_trading.practice.api.markets import candles_of, list_trades, markets_json, read_span
from kalshi_trading.practice.api.paging import page
from kalshi_trading.practice.api.portfolio import list_fills, list_orders, list_positions
from kalshi_trading.practice.records import Market
from kalshi_trading.practice.responses import markets as market_responses
from kalshi_trading.practice.responses.errors import not_found
from kalshi_trading.practice.responses.markets import Json
from kalshi_trading.practice.world.world import World

_FILTERS = ("tickers", "event_ticker", "series_ticker")


def cut_offs_json(world: World) -> Json:
    """Return the JSON of the cut-off times; older rows are historical."""
    archive, now = world.archive, world.clock.now()
    return {
        "market_settled_ts": market_responses.time(archive.markets_boundary(now).cut_off),
        "trades_created_ts": market_responses.time(archive.trades_boundary(now).cut_off),
        "orders_updated_ts": market_responses.time(archive.orders_boundary(now).cut_off),
        "market_positions_last_updated_ts": market_responses.time(archive.positions_boundary(now).cut_off),
    }


def _cut_offs(call: ApiCall) -> Json:
    return cut_offs_json(call.world)


def _markets(call: ApiCall) -> Json:
    query = call.query
    limit = query.limit(1000, least=0)
    given = [name for name in _FILTERS if query.text(name)]
    if len(given) > 1:
        raise query.error(given[1], "excluded_with")
    tickers, event_ticker = frozenset(query.names("tickers")), query.text("event_ticker")
    series_ticker, is_in_list = query.text("series_ticker"), call.world.archive.markets(call.now, live=False)
    query.choice("mve_filter", ("exclude",))

    def keep(market: Market) -> bool:
        return (
            (not tickers or market.ticker in tickers)
            and event_ticker in (None, market.event_ticker)
            and series_ticker in (None, market.series_ticker)
            and is_in_list(market)
        )

    markets = call.world.exchange.markets.values()
    rows, cursor = page(markets, lambda market: market.ticker, limit, query.text("cursor"), keep)
    return {"markets": markets_json(call, rows), "cursor": cursor}


def _market(call: ApiCall) -> Json:
    return {"market": markets_json(call, [_find(call)])[0]}


def _candlesticks(call: ApiCall) -> Json:
    span = read_span(call)
    market = _find(call)
    return {
        "ticker": market.ticker,
        "candlesticks": [_historical_candle(row) for row in candles_of(call, market, span)],
    }


def _find(call: ApiCall) -> Market:
    market = call.world.exchange.markets.get(call.path["ticker"])
    if market is None or not call.world.archive.markets(call.now, live=False)(market):
        raise not_found()
    return market


def _historical_candle(row: Json) -> Json:
    """Convert a candlestick to the form of the historical endpoint.

    Names lose their unit suffix, and every trade price is present, null if unknown.
    """
    prices = ("open", "low", "high", "close", "mean", "previous")
    renamed = {name.removesuffix("_fp"): value for name, value in row.items()}
    for side in ("yes_bid", "yes_ask", "price"):
        renamed[side] = {name.removesuffix("_dollars"): value for name, value in row[side].items()}
    return {**renamed, "price": dict.fromkeys(prices) | renamed["price"]}


ENDPOINTS = (
    Endpoint("/historical/cutoff", "GetHistoricalCutoff", _cut_offs),
    Endpoint("/historical/markets", "GetHistoricalMarkets", _markets),
    Endpoint("/historical/trades", "GetHistoricalTrades", partial(list_trades, live=False)),
    Endpoint("/historical/fills", "GetHistoricalFills", partial(list_fills, live=False), private=True),
    Endpoint("/historical/orders", "GetHistoricalOrders", partial(list_orders, live=False), private=True),
    Endpoint(
        "/historical/positions", "GetHistoricalPositions", partial(list_positions, live=False), private=True
    ),
    Endpoint("/historical/markets/{ticker}", "GetHistoricalMarket", _market),
    Endpoint("/historical/markets/{ticker}/candlesticks", "GetMarketCandlesticksHistorical", _candlesticks),
)
