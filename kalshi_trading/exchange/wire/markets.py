"""Convert public market JSON to models.

Has one function per kind of answer, each reading from `Fields`. Performs no I/O. Field names: Kalshi Trade
API v2, October 2026.
"""

from __future__ import annotations

from datetime import datetime

from kalshi_trading.core.errors import MalformedAnswerError
from kalshi_trading.core.market_models import (
    BookLevel,
    Candlestick,
    Event,
    EventCandlesticks,
    EventMetadata,
    FeeChange,
    FeeSchedule,
    FeeType,
    ForecastPoint,
    Market,
    MarketStatus,
    OrderBook,
    QuoteRange,
    Series,
    Trade,
    TradeRange,
)
from kalshi_trading.core.models import (
    MarketResult,
    Side,
)
from kalshi_trading.core.money import PriceBand, PriceGrid
from kalshi_trading.core.records.exchange import (
    ExchangeSchedule,
    ExchangeStatus,
    HistoricalCutoff,
    ShardStatus,
    TradingSession,
)
from kalshi_trading.exchange.wire.fields import Fields, decode_rows

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def exchange_status(body: Fields) -> ExchangeStatus:
    return ExchangeStatus(
        exchange_active=body.flag("exchange_active"),
        trading_active=body.flag("trading_active"),
        estimated_resume_at=body.optional_moment("exchange_estimated_resume_time"),
        shards=decode_rows(body.optional_rows("exchange_index_statuses"), _shard_status).items,
    )


def _shard_status(row: Fields) -> ShardStatus:
    return ShardStatus(
        exchange_index=row.whole("exchange_index"),
        description=row.display(row.text, "description") or "",
        exchange_active=row.flag("exchange_active"),
        trading_active=row.flag("trading_active"),
    )


def exchange_schedule(body: Fields) -> ExchangeSchedule:
    schedule = body.inner("schedule")
    return ExchangeSchedule(
        sessions=tuple(
            TradingSession(weekday, session.text("open_time"), session.text("close_time"))
            for week in schedule.optional_rows("standard_hours")
            for weekday in WEEKDAYS
            for session in week.optional_rows(weekday)
        ),
        maintenance=decode_rows(
            schedule.optional_rows("maintenance_windows"),
            lambda window: (window.moment("start_datetime"), window.moment("end_datetime")),
        ).items,
    )


def historical_cutoff(body: Fields) -> HistoricalCutoff:
    return HistoricalCutoff(
        markets_settled_at=body.moment("market_settled_ts"),
        trades_created_at=body.moment("trades_created_ts"),
        orders_updated_at=body.moment("orders_updated_ts"),
        positions_updated_at=body.optional_moment("market_positions_last_updated_ts"),
    )


def series(body: Fields) -> Series:
    return Series(
        ticker=body.ticker("ticker"),
        title=body.display(body.text, "title") or body.ticker("ticker"),
        category=body.display(body.text, "category") or "",
        categories=body.display(body.texts, "categories") or (),
        tags=body.display(body.texts, "tags") or (),
        frequency=body.display(body.text, "frequency") or "",
        fees=FeeSchedule(
            body.open_enum("fee_type", FeeType, FeeType.UNKNOWN),
            body.number("fee_multiplier"),
        ),
        settlement_sources=_source_names(body),
        volume=body.display(body.optional_decimal, "volume_fp"),
    )


def _source_names(body: Fields) -> tuple[str, ...]:
    sources = body.display(body.optional_rows, "settlement_sources") or []
    names = (source.display(source.optional_text, "name") for source in sources)
    return tuple(name for name in names if name)


def series_fee_change(body: Fields) -> FeeChange:
    return FeeChange(
        ticker=body.ticker("series_ticker"),
        fee_type=body.open_enum("fee_type", FeeType, FeeType.UNKNOWN),
        multiplier=body.number("fee_multiplier"),
        scheduled_at=body.moment("scheduled_ts"),
    )


def event_fee_change(body: Fields) -> FeeChange:
    return FeeChange(
        ticker=body.ticker("event_ticker"),
        fee_type=_optional_fee_type(body),
        multiplier=body.optional_number("fee_multiplier_override"),
        scheduled_at=body.moment("scheduled_ts"),
    )


def _optional_fee_type(body: Fields) -> FeeType | None:
    if body.optional_text("fee_type_override") is None:
        return None
    return body.open_enum("fee_type_override", FeeType, FeeType.UNKNOWN)


def event(body: Fields) -> Event:
    markets = decode_rows(body.optional_rows("markets"), market)
    return Event(
        event_ticker=body.ticker("event_ticker"),
        series_ticker=body.ticker("series_ticker"),
        title=body.display(body.text, "title") or body.ticker("event_ticker"),
        sub_title=body.display(body.text, "sub_title") or "",
        mutually_exclusive=_is_mutually_exclusive(body),
        category=body.display(body.optional_text, "category"),
        fee_type_override=_optional_fee_type(body),
        fee_multiplier_override=body.optional_number("fee_multiplier_override"),
        markets=markets.items,
        incomplete=markets.incomplete,
    )


def _is_mutually_exclusive(body: Fields) -> bool:
    """Return True if at most one market of the event can be YES.

    Not if that is unknown: the larger risk then counts. Source: Kalshi API, events.
    """
    stated = body.display(body.flag, "mutually_exclusive")
    return body.display(body.text, "collateral_return_type") == "MECNET" if stated is None else stated


def event_metadata(body: Fields) -> EventMetadata:
    return EventMetadata(
        image_url=body.display(body.optional_text, "image_url"),
        settlement_sources=_source_names(body),
        competition=body.display(body.optional_text, "competition"),
    )


def market(body: Fields) -> Market:
    ticker = body.ticker("ticker")
    title = body.display(body.optional_text, "title")
    yes_label = body.display(body.text, "yes_sub_title")
    no_label = body.display(body.text, "no_sub_title")
    return Market(
        ticker=ticker,
        event_ticker=body.ticker("event_ticker"),
        title=title or yes_label or ticker,
        yes_label=title or ticker if yes_label is None else yes_label,
        no_label=f"not {yes_label or ticker}" if no_label is None else no_label,
        scalar=body.text("market_type") == "scalar",
        status=body.open_enum("status", MarketStatus, MarketStatus.UNKNOWN),
        status_word=body.text("status"),
        open_at=body.display(body.optional_moment, "open_time"),
        close_at=body.moment("close_time"),
        expected_expiration_at=body.display(body.optional_moment, "expected_expiration_time"),
        occurs_at=body.display(body.optional_moment, "occurrence_datetime"),
        latest_expiration_at=body.display(body.optional_moment, "latest_expiration_time"),
        settlement_timer_s=body.display(body.whole, "settlement_timer_seconds"),
        yes_bid=body.quote("yes_bid_dollars"),
        yes_bid_count=body.display(body.count, "yes_bid_size_fp"),
        yes_ask=body.quote("yes_ask_dollars"),
        yes_ask_count=body.display(body.count, "yes_ask_size_fp"),
        last_price=body.quote("last_price_dollars"),
        volume=body.display(body.decimal, "volume_fp"),
        volume_24h=body.display(body.decimal, "volume_24h_fp"),
        open_interest=body.display(body.decimal, "open_interest_fp"),
        result=body.open_enum("result", MarketResult, MarketResult.UNKNOWN),
        settlement_value=body.optional_decimal("settlement_value_dollars"),
        settled_at=body.display(body.optional_moment, "settlement_ts"),
        can_close_early=body.display(body.flag, "can_close_early"),
        early_close_condition=body.display(body.optional_text, "early_close_condition"),
        fee_waiver_until=body.optional_moment("fee_waiver_expiration_time"),
        rules_primary=body.display(body.text, "rules_primary") or "",
        rules_secondary=body.display(body.text, "rules_secondary") or "",
        price_grid=_price_grid(body),
        exchange_index=body.optional_whole("exchange_index"),
        settlement_bounds_type=body.optional_text("settlement_bounds_type"),
    )


def _price_grid(body: Fields) -> PriceGrid:
    bands = (
        PriceBand(row.decimal("start"), row.decimal("end"), row.positive("step"))
        for row in body.rows("price_ranges")
    )
    has_none = body.optional_text("settlement_bounds_type") == "default"
    return PriceGrid(tuple(bands), None if has_none else body.optional_price("settlement_floor_dollars"))


def order_book(body: Fields, ticker: str, as_of: datetime) -> OrderBook:
    return OrderBook(ticker, *book_sides(body), as_of)


def book_sides(body: Fields) -> tuple[tuple[BookLevel, ...], tuple[BookLevel, ...]]:
    """Return the bids for YES and for NO, best first.

    Sorts them, because the exchange's order is not reliable.
    """
    levels = body.inner("orderbook_fp")
    return _levels(levels, "yes_dollars"), _levels(levels, "no_dollars")


def _levels(body: Fields, name: str) -> tuple[BookLevel, ...]:
    levels = (BookLevel(price, count) for price, count in body.pairs(name) if 0 < price < 1 and count > 0)
    return tuple(sorted(levels, key=lambda level: level.price, reverse=True))


def candlestick(body: Fields) -> Candlestick:
    """Read a bar of the live endpoints: names end in `_dollars` and `_fp`."""
    return _candlestick(body, money="_dollars", count="_fp")


def candlesticks_of_market(body: Fields) -> tuple[str, tuple[Candlestick, ...]]:
    """Read a market's ticker and its bars."""
    return body.ticker("market_ticker"), decode_rows(body.rows("candlesticks"), candlestick).items


def historical_candlestick(body: Fields) -> Candlestick:
    """Read a bar of the historical endpoint: names have no suffix."""
    return _candlestick(body, money="", count="")


def _candlestick(body: Fields, *, money: str, count: str) -> Candlestick:
    return Candlestick(
        end_at=body.moment_s("end_period_ts"),
        yes_bid=_quote_range(body.inner("yes_bid"), money),
        yes_ask=_quote_range(body.inner("yes_ask"), money),
        price=_trade_range(body.inner("price"), money),
        volume=body.display(body.decimal, f"volume{count}"),
        open_interest=body.display(body.decimal, f"open_interest{count}"),
    )


def _quote_range(body: Fields, suffix: str) -> QuoteRange:
    names = ("open", "low", "high", "close")
    open_, low, high, close = (body.display(body.optional_decimal, f"{name}{suffix}") for name in names)
    return QuoteRange(open_, low, high, close)


def _trade_range(body: Fields, suffix: str) -> TradeRange:
    names = ("open", "low", "high", "close", "mean", "previous")
    values = (body.display(body.optional_decimal, f"{name}{suffix}") for name in names)
    open_, low, high, close, mean, previous = values
    return TradeRange(open_, low, high, close, mean, previous)


def event_candlesticks(body: Fields) -> EventCandlesticks:
    tickers = body.texts("market_tickers")
    bars = [decode_rows(rows, candlestick).items for rows in body.lists("market_candlesticks")]
    if len(tickers) != len(bars):
        raise MalformedAnswerError("The exchange's answer cannot be used: bars and markets do not match.")
    return EventCandlesticks(
        bars=tuple(zip(tickers, bars, strict=True)),
        served_until=body.moment_s("adjusted_end_ts"),
    )


def forecast_points(body: Fields) -> tuple[ForecastPoint, ...]:
    return tuple(
        ForecastPoint(
            end_at=row.moment_s("end_period_ts"),
            percentile=point.whole("percentile"),
            value=point.number("numerical_forecast"),
            shown_as=point.display(point.optional_text, "formatted_forecast"),
        )
        for row in body.rows("forecast_history")
        for point in row.rows("percentile_points")
    )


def trade(body: Fields) -> Trade:
    return Trade(
        trade_id=body.identifier("trade_id"),
        ticker=body.ticker("ticker"),
        count=body.count("count_fp"),
        yes_price=body.price("yes_price_dollars"),
        taker_side=body.display(lambda name: body.enum(name, Side), "taker_outcome_side"),
        created_at=body.moment("created_time"),
        is_block_trade=body.display(body.flag, "is_block_trade"),
    )
