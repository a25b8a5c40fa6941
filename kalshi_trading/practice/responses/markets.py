"""JSON of public market data in the exchange's format.

Covers series, events, markets, books, trades and candles. Each field is written by hand. Never reads JSON and
never decides what a client may see.
Source: Kalshi API, REST endpoints.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

from kalshi_trading.practice.engine.price_grids import bands
from kalshi_trading.practice.records import (
    ONE_CONTRACT,
    ONE_DOLLAR_PRICE,
    ONE_SECOND,
    BookSide,
    Event,
    Market,
    MarketStatus,
    Series,
    Trade,
)
from kalshi_trading.practice.simulation.minute_bars import Candle, Range
from kalshi_trading.practice.simulation.quoting import TopOfBook

Json = dict[str, Any]
Level = tuple[int, int]
SHARD = 0


def price(ten_thousandths: int) -> str:
    """Format a price in dollars with four decimals."""
    return f"{ten_thousandths // 10_000}.{ten_thousandths % 10_000:04d}"


def money(millionths: int) -> str:
    """Format money in dollars with six decimals."""
    sign = "-" if millionths < 0 else ""
    return f"{sign}{abs(millionths) // 1_000_000}.{abs(millionths) % 1_000_000:06d}"


def count(hundredths: int) -> str:
    """Format a number of contracts with two decimals."""
    sign = "-" if hundredths < 0 else ""
    return f"{sign}{abs(hundredths) // ONE_CONTRACT}.{abs(hundredths) % ONE_CONTRACT:02d}"


def time(microseconds: int) -> str:
    """Format a UTC time with no more fraction digits than it needs."""
    seconds, fraction = divmod(microseconds, ONE_SECOND)
    text = _second(seconds)
    return f"{text}.{fraction:06d}".rstrip("0") + "Z" if fraction else text + "Z"


@lru_cache(maxsize=4096)
def _second(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def number(decimal_text: str) -> int | float:
    """Return decimal text as a JSON number.

    Used for strikes and multipliers, never for money.
    """
    value = Decimal(decimal_text)
    return int(value) if value == value.to_integral_value() else float(value)


def series(record: Series, volume: int | None = None) -> Json:
    """Return the JSON of a series, with its lifetime volume if given."""
    answer: Json = {
        "ticker": record.ticker,
        "frequency": record.frequency,
        "title": record.title,
        "category": record.category,
        "categories": [record.category],
        "tags": record.tags,
        "settlement_sources": sources(record),
        "contract_url": f"https://practice.invalid/contracts/{record.ticker}.pdf",
        "contract_terms_url": f"https://practice.invalid/terms/{record.ticker}.pdf",
        "fee_type": record.fee_type,
        "fee_multiplier": number(str(Decimal(record.fee_multiplier_percent) / 100)),
        "additional_prohibitions": [],
        "last_updated_ts": time(record.last_updated_at),
        "exchange_index": SHARD,
    }
    return answer if volume is None else {**answer, "volume_fp": count(volume)}


def sources(record: Series) -> list[Json]:
    """Return the JSON of the sources that observe the outcome."""
    return [{"name": record.source_name, "url": "https://practice.invalid/sources"}]


def event(record: Event, parent: Series) -> Json:
    """Return the JSON of an event without its markets."""
    return {
        "event_ticker": record.event_ticker,
        "series_ticker": record.series_ticker,
        "sub_title": record.sub_title,
        "title": record.title,
        "collateral_return_type": "",  # every market is collateralized separately
        "mutually_exclusive": record.mutually_exclusive,
        "category": parent.category,
        "strike_date": None if record.strike_at is None else time(record.strike_at),
        "settlement_sources": sources(parent),
        "last_updated_ts": time(record.last_updated_at),
        "fee_type_override": None,
        "fee_multiplier_override": None,
        "exchange_index": SHARD,
    }


def event_metadata(record: Event, parent: Series, markets: Iterable[Market]) -> Json:
    """Return the JSON of an event's images and colors.

    They are placeholders, because the practice exchange has no images.
    """
    return {
        "image_url": f"/practice/{record.series_ticker}.png",
        "market_details": [
            {"market_ticker": market.ticker, "image_url": "", "color_code": "#00AA88"} for market in markets
        ],
        "settlement_sources": sources(parent),
    }


def market_terms(record: Market) -> Json:
    """Return the JSON of market fields that change only with `updated_at`."""
    answer: Json = {
        "ticker": record.ticker,
        "event_ticker": record.event_ticker,
        "market_type": "scalar" if record.scalar else "binary",
        "title": record.title,
        "subtitle": record.yes_sub_title,
        "yes_sub_title": record.yes_sub_title,
        "no_sub_title": record.no_sub_title,
        "created_time": time(record.created_at),
        "updated_time": time(record.updated_at),
        "open_time": time(record.open_at),
        "close_time": time(record.close_at),
        "expected_expiration_time": time(record.expected_expiration_at),
        "expiration_time": time(record.latest_expiration_at),
        "latest_expiration_time": time(record.latest_expiration_at),
        "settlement_timer_seconds": record.settlement_timer_s,
        "can_close_early": False,
        "notional_value_dollars": price(ONE_DOLLAR_PRICE),
        "settlement_bounds_type": "default" if record.settlement_floor is None else "floor",
        "rules_primary": record.rules_primary,
        "rules_secondary": record.rules_secondary,
        "price_level_structure": record.grid,
        "price_ranges": [
            {"start": price(band.start), "end": price(band.end), "step": price(band.step)}
            for band in bands(record.grid)
        ],
        "exchange_index": SHARD,
    }
    if record.settlement_floor is not None:
        answer["settlement_floor_dollars"] = price(record.settlement_floor)
    if record.strike_type is not None:
        answer["strike_type"] = record.strike_type
    if record.floor_strike is not None:
        answer["floor_strike"] = number(record.floor_strike)
    if record.cap_strike is not None:
        answer["cap_strike"] = number(record.cap_strike)
    return answer


def market_quotes(record: Market, bid: Level | None, ask: Level | None) -> Json:
    """Return the JSON of the best prices of a market.

    A missing bid is 0. A missing ask is 1, or 0 before the market opens.
    """
    missing_ask = 0 if record.status is MarketStatus.INITIALIZED else ONE_DOLLAR_PRICE
    yes_bid, bid_size = bid or (0, 0)
    yes_ask, ask_size = ask or (missing_ask, 0)
    return {
        "yes_bid_dollars": price(yes_bid),
        "yes_bid_size_fp": count(bid_size),
        "yes_ask_dollars": price(yes_ask),
        "yes_ask_size_fp": count(ask_size),
        "no_bid_dollars": price(ONE_DOLLAR_PRICE - yes_ask),
        "no_ask_dollars": price(ONE_DOLLAR_PRICE - yes_bid),
    }


def market_activity(record: Market, volume_of_day: int, day_ago: tuple[TopOfBook, int | None]) -> Json:
    """Return the JSON of market fields that trading and time change."""
    earlier, earlier_price = day_ago
    answer: Json = {
        "status": record.status,
        "last_price_dollars": price(record.last_price or 0),
        "volume_fp": count(record.volume),
        "volume_24h_fp": count(volume_of_day),
        "result": result(record),
        "open_interest_fp": count(record.open_interest),
        "previous_yes_bid_dollars": price(earlier.bid or 0),
        "previous_yes_ask_dollars": price(earlier.ask or 0),
        "previous_price_dollars": price(earlier_price or 0),
        "expiration_value": record.expiration_value,
    }
    if record.settlement_value is not None:
        answer["settlement_value_dollars"] = price(record.settlement_value)
    if record.settled_at is not None:
        answer["settlement_ts"] = time(record.settled_at)
    return answer


def result(record: Market) -> str:
    """Return the result of a market; empty until it is determined."""
    if record.settlement_value is None:
        return ""
    if record.scalar:
        return "scalar"
    return "yes" if record.settlement_value else "no"


def order_book(bids: Sequence[Level], asks: Sequence[Level], depth: int) -> Json:
    """Return the JSON of a book as YES bids and NO bids, best last.

    `depth` 0 means every level.
    """
    wanted = slice(depth or None)
    return {
        "yes_dollars": [[price(p), count(n)] for p, n in reversed(bids[wanted])],
        "no_dollars": [[price(ONE_DOLLAR_PRICE - p), count(n)] for p, n in reversed(asks[wanted])],
    }


def trade(record: Trade) -> Json:
    """Return the JSON of a public trade."""
    outcome = outcome_side(record.taker_side)
    return {
        "trade_id": record.trade_id,
        "ticker": record.ticker,
        "count_fp": count(record.count),
        "yes_price_dollars": price(record.price),
        "no_price_dollars": price(ONE_DOLLAR_PRICE - record.price),
        "taker_outcome_side": outcome,
        "taker_book_side": record.taker_side,
        "created_time": time(record.created_at),
        "is_block_trade": False,
    }


def outcome_side(side: BookSide) -> str:
    """Return the outcome that this side of the book buys."""
    return "yes" if side is BookSide.BID else "no"


def candle(record: Candle) -> Json:
    """Return the JSON of a candlestick.

    A period without trades has no trade prices except the previous one.
    """
    prices: Json = {}
    if record.trades is not None:
        prices = _range(record.trades)
        prices["mean_dollars"] = price(record.turnover // record.volume)
    if record.previous is not None:
        prices["previous_dollars"] = price(record.previous)
    return {
        "end_period_ts": record.end_s,
        "yes_bid": _range(record.bid),
        "yes_ask": _range(record.ask),
        "price": prices,
        "volume_fp": count(record.volume),
        "open_interest_fp": count(record.open_interest),
    }


def _range(record: Range) -> Json:
    return {
        "open_dollars": price(record.open),
        "low_dollars": price(record.low),
        "high_dollars": price(record.high),
        "close_dollars": price(record.close),
    }
