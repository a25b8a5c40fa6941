"""Handlers for public market data.

Covers series, events, markets, books, trades and candlesticks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import TypeVar

from kalshi_trading.practice.api.discovery import has_milestone, milestone_json
from kalshi_trading.practice.api.http import ApiCall, Endpoint
from kalshi_trading.practice.api.market_filters import STATUSES, market_filter
from kalshi_trading.practice.api.paging import page
from kalshi_trading.practice.records import ONE_SECOND, BookSide, Event, Market, Series, Trade
from kalshi_trading.practice.responses import markets as market_responses
from kalshi_trading.practice.responses.errors import not_found
from kalshi_trading.practice.responses.markets import Json
from kalshi_trading.practice.responses.series_details import event_details, series_details
from kalshi_trading.practice.simulation.candles import INTERVALS, MAX_CANDLES
from kalshi_trading.practice.simulation.minute_bars import Candle

_Record = TypeVar("_Record")
_MAX_EVENT_CANDLES = 5_000  # over all markets of an event
_RETIRED = {"liquidity_dollars": "0.0000"}  # gone since 2026-10-01


def _series_list(call: ApiCall) -> Json:
    query = call.query
    category, tags, since = query.text("category"), query.names("tags"), query.instant("min_updated_ts")
    with_details = query.boolean("include_product_metadata")
    rows = [
        row
        for row in call.world.exchange.series.values()
        if category in (None, row.category)
        and (not tags or set(tags) & set(row.tags))
        and (since is None or row.last_updated_at >= since)
    ]
    return {
        "series": [_series_json(call, row) | (series_details(row) if with_details else {}) for row in rows]
    }


def _series(call: ApiCall) -> Json:
    return {"series": _series_json(call, _find(call.world.exchange.series, call.path["series_ticker"]))}


def _series_json(call: ApiCall, row: Series) -> Json:
    if not call.query.boolean("include_volume"):
        return market_responses.series(row)
    markets = [it for it in call.world.exchange.markets.values() if it.series_ticker == row.ticker]
    shown = [call.world.participants.shown(market, call.now)[0] for market in markets]
    return market_responses.series(row, sum(market.volume for market in shown))


def _no_series_fee_changes(call: ApiCall) -> Json:
    call.query.boolean("show_historical")
    return {"series_fee_change_arr": []}


def _no_event_fee_changes(call: ApiCall) -> Json:
    call.query.limit(1000)
    return {"event_fee_changes": [], "cursor": ""}


def _events(call: ApiCall) -> Json:
    query, world = call.query, call.world
    limit, nested = query.limit(200, default=200), query.boolean("with_nested_markets")
    status = query.choice("status", [word for word in STATUSES if word != "paused"])
    series_ticker, tickers = query.text("series_ticker"), query.names("tickers")
    closes_after, since = query.instant("min_close_ts"), query.instant("min_updated_ts")

    def keep(event: Event) -> bool:
        markets = world.participants.event_markets(event.event_ticker)
        return (
            series_ticker in (None, event.series_ticker)
            and (not tickers or event.event_ticker in tickers)
            and (since is None or event.last_updated_at >= since)
            and (closes_after is None or any(market.close_at >= closes_after for market in markets))
            and (status is None or any(market.status in STATUSES[status] for market in markets))
        )

    events = world.exchange.events.values()
    rows, cursor = page(events, lambda event: event.event_ticker, limit, query.text("cursor"), keep)
    answer: Json = {"events": [_event_json(call, row, nested) for row in rows], "cursor": cursor}
    if not query.boolean("with_milestones"):
        return answer
    return {**answer, "milestones": [milestone_json(world, row) for row in rows if has_milestone(row)]}


def _event(call: ApiCall) -> Json:
    query = call.query
    nested, without = query.boolean("with_nested_markets"), query.boolean("exclude_markets")
    if nested and without:
        raise query.error("exclude_markets", "excluded_with")
    event = _find(call.world.exchange.events, call.path["event_ticker"])
    apart = [] if nested or without else markets_json(call, _live_markets(call, event))
    return {"event": _event_json(call, event, nested), "markets": apart}


def _event_json(call: ApiCall, event: Event, nested: bool | None) -> Json:
    parent = call.world.exchange.series[event.series_ticker]
    answer = {**market_responses.event(event, parent), **event_details(event)}
    if nested:
        answer["markets"] = markets_json(call, _live_markets(call, event))
    return answer


def _live_markets(call: ApiCall, event: Event) -> list[Market]:
    """Return the markets of an event that are not archived."""
    markets = call.world.participants.event_markets(event.event_ticker)
    return list(filter(_is_live(call), markets))


def _event_metadata(call: ApiCall) -> Json:
    event = _find(call.world.exchange.events, call.path["event_ticker"])
    markets = call.world.participants.event_markets(event.event_ticker)
    images = market_responses.event_metadata(event, call.world.exchange.series[event.series_ticker], markets)
    return {**images, **(event_details(event)["product_metadata"] or {})}


def _no_multivariate_events(call: ApiCall) -> Json:
    call.query.limit(200)
    call.query.names("tickers")
    if call.query.text("series_ticker") and call.query.text("collection_ticker"):
        raise call.query.error("collection_ticker", "excluded_with")
    return {"events": [], "cursor": ""}


def _markets(call: ApiCall) -> Json:
    query = call.query
    limit, wanted = query.limit(1000, least=0), market_filter(query)
    is_live = _is_live(call)

    def keep(market: Market) -> bool:
        return wanted(market) and is_live(market)

    rows, cursor = page(_named(call), lambda market: market.ticker, limit, query.text("cursor"), keep)
    return {"markets": markets_json(call, rows), "cursor": cursor}


def _named(call: ApiCall) -> Iterable[Market]:
    """Return the markets that a request can mean.

    Clients poll a few by name; filtering every market each time would cost too much.
    """
    known, event_ticker = call.world.exchange.markets, call.query.text("event_ticker")
    tickers = dict.fromkeys(call.query.names("tickers"))
    if tickers:
        return [known[ticker] for ticker in tickers if ticker in known]
    return known.values() if event_ticker is None else call.world.participants.event_markets(event_ticker)


def _market(call: ApiCall) -> Json:
    market = _find(call.world.exchange.markets, call.path["ticker"])
    if not _is_live(call)(market):
        raise not_found()
    call.world.participants.watch(market.ticker, call.now)
    return {"market": markets_json(call, [market])[0]}


def _is_live(call: ApiCall) -> Callable[[Market], bool]:
    """Return a test for markets that are not historical only."""
    return call.world.archive.markets(call.now, live=True)


def markets_json(call: ApiCall, markets: Iterable[Market]) -> list[Json]:
    """Return the JSON of markets in their current state."""
    rows = [call.world.market_answers.market(market, call.now) for market in markets]
    return [_RETIRED | row for row in rows] if call.world.assumptions.retired_fields else rows


def _order_book(call: ApiCall) -> Json:
    depth = max(0, call.query.integer("depth", most=100) or 0)  # 0 and below: every level
    market = _find(call.world.exchange.markets, call.path["ticker"])
    call.world.participants.watch(market.ticker, call.now)
    return {"orderbook_fp": _book(call, market, depth)}


def _order_books(call: ApiCall) -> Json:
    known = call.world.exchange.markets
    markets = [known[ticker] for ticker in call.query.repeated("tickers", most=100) if ticker in known]
    for market in markets:
        call.world.participants.quote_if_new(market.ticker, call.now)
    books = [{"ticker": market.ticker, "orderbook_fp": _book(call, market, 0)} for market in markets]
    return {"orderbooks": books}


def _book(call: ApiCall, market: Market, depth: int) -> Json:
    exchange = call.world.exchange
    bids, asks = (exchange.levels(market.ticker, side) for side in (BookSide.BID, BookSide.ASK))
    return market_responses.order_book(bids, asks, depth)


def list_trades(call: ApiCall, *, live: bool) -> Json:
    """List public trades of the live window, or older ones."""
    query = call.query
    limit, ticker = query.limit(1000, least=0), query.text("ticker")
    earliest, latest = query.instant("min_ts"), query.instant("max_ts")
    block_trades, is_in_list = query.boolean("is_block_trade"), call.world.archive.fills(call.now, live=live)

    def keep(trade: Trade) -> bool:
        return (
            not block_trades
            and (earliest is None or trade.created_at >= earliest)
            and (latest is None or trade.created_at <= latest)
            and is_in_list(trade)
        )

    trades = _newest_trades(call, ticker)
    rows, cursor = page(trades, lambda trade: trade.trade_id, limit, query.text("cursor"), keep)
    return {"trades": [market_responses.trade(row) for row in rows], "cursor": cursor}


def _newest_trades(call: ApiCall, ticker: str | None) -> list[Trade]:
    if ticker is None:
        return list(reversed(call.world.latest_trades))
    if ticker in call.world.exchange.markets:
        call.world.participants.quote_if_new(ticker, call.now)
    return list(reversed(call.world.exchange.trades.get(ticker, ())))


def _candlesticks(call: ApiCall) -> Json:
    span = read_span(call)
    market = _find(call.world.exchange.markets, call.path["ticker"])
    if market.series_ticker != call.path["series_ticker"] or not _is_live(call)(market):
        raise not_found()
    return {"ticker": market.ticker, "candlesticks": candles_of(call, market, span)}


def _batch_candlesticks(call: ApiCall) -> Json:
    tickers = call.query.names("market_tickers", most=100)
    if not tickers:
        raise call.query.error("market_tickers", "required")
    call.query.integer("period_interval", least=1)
    span = read_span(call, markets=len(tickers))
    known, is_live = call.world.exchange.markets, _is_live(call)
    markets = [known[ticker] for ticker in tickers if ticker in known and is_live(known[ticker])]
    rows = [{"market_ticker": it.ticker, "candlesticks": candles_of(call, it, span)} for it in markets]
    return {"markets": rows}


def _event_candlesticks(call: ApiCall) -> Json:
    """Return as much of the requested span as fits into one response."""
    event = _find(call.world.exchange.events, call.path["ticker"])
    if event.series_ticker != call.path["series_ticker"]:
        raise not_found()
    start, asked_end, interval = call.query.periods()
    markets = call.world.participants.event_markets(event.event_ticker)
    periods = max(1, _MAX_EVENT_CANDLES // max(1, len(markets)))
    end = min(asked_end, start + periods * interval * 60 - 1)
    is_complete = interval not in INTERVALS or end >= min(asked_end, call.now // ONE_SECOND + interval * 60)
    return {
        "market_tickers": [market.ticker for market in markets],
        "market_candlesticks": [candles_of(call, it, (start, end, interval)) for it in markets],
        "adjusted_end_ts": asked_end if is_complete else end,
    }


def read_span(call: ApiCall, markets: int = 1) -> tuple[int, int, int]:
    """Read the span of a request for candlesticks.

    The end is at most one interval after now. Raises ApiError for more than MAX_CANDLES candlesticks.
    """
    start, end, interval = call.query.periods()
    end = min(end, call.now // ONE_SECOND + interval * 60)
    if interval in INTERVALS and (end - start) // (interval * 60) * markets > MAX_CANDLES:
        raise call.query.error("end_ts", "max_candlesticks")
    return start, end, interval


def candles_of(call: ApiCall, market: Market, span: tuple[int, int, int]) -> list[Json]:
    """Return the JSON of one market's candlesticks over a span.

    An unknown interval has none.
    """
    start, end, interval = span
    if interval not in INTERVALS:
        return []
    market, _ = call.world.participants.shown(market, call.now)
    found: list[Candle] = call.world.candles.series(market, start, end, interval, call.now)
    if call.query.boolean("include_latest_before_start"):
        latest = call.world.candles.latest_before(market, start, interval, call.now)
        found = [latest, *found] if latest is not None else found
    return [market_responses.candle(row) for row in found]


def _find(records: Mapping[str, _Record], name: str) -> _Record:
    if name not in records:
        raise not_found()
    return records[name]


ENDPOINTS = (
    Endpoint("/series", "GetSeriesList", _series_list),
    Endpoint("/series/fee_changes", "GetSeriesFeeChanges", _no_series_fee_changes),
    Endpoint("/series/{series_ticker}", "GetSeries", _series),
    Endpoint("/series/{series_ticker}/markets/{ticker}/candlesticks", "GetMarketCandlesticks", _candlesticks),
    Endpoint(
        "/series/{series_ticker}/events/{ticker}/candlesticks",
        "GetMarketCandlesticksByEvent",
        _event_candlesticks,
    ),
    Endpoint("/events", "GetEvents", _events),
    Endpoint("/events/multivariate", "GetMultivariateEvents", _no_multivariate_events),
    Endpoint("/events/fee_changes", "GetEventFeeChanges", _no_event_fee_changes),
    Endpoint("/events/{event_ticker}", "GetEvent", _event),
    Endpoint("/events/{event_ticker}/metadata", "GetEventMetadata", _event_metadata),
    Endpoint("/markets", "GetMarkets", _markets),
    Endpoint("/markets/trades", "GetTrades", partial(list_trades, live=True)),
    Endpoint("/markets/orderbooks", "GetMarketOrderbooks", _order_books),
    Endpoint("/markets/candlesticks", "BatchGetMarketCandlesticks", _batch_candlesticks),
    Endpoint("/markets/{ticker}", "GetMarket", _market),
    Endpoint("/markets/{ticker}/orderbook", "GetMarketOrderbook", _order_book),
)
