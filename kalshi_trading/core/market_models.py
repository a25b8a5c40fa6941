"""Market data types: exchange, series, events, markets, books, trades.

Frozen records like those in `models`: dollars and contracts as `Decimal`, aware UTC times. None: the
exchange did not report it. Never reads JSON, performs no I/O.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import ClassVar

from kalshi_trading.core.models import MarketResult, Side
from kalshi_trading.core.money import ONE_DOLLAR, Contracts, Dollars, Price, PriceGrid, cents
from kalshi_trading.core.results import (
    DictReading,
    Read,
    no_longer_reported,
    read_attributes,
    read_cents,
    read_contracts,
    read_text,
    read_time,
    whole_if_possible,
)


class MarketStatus(StrEnum):
    INITIALIZED = "initialized"
    INACTIVE = "inactive"
    ACTIVE = "active"
    CLOSED = "closed"
    DETERMINED = "determined"
    DISPUTED = "disputed"
    AMENDED = "amended"
    FINALIZED = "finalized"
    UNKNOWN = "unknown"


class FeeType(StrEnum):
    QUADRATIC = "quadratic"
    QUADRATIC_WITH_MAKER_FEES = "quadratic_with_maker_fees"
    QUADRATIC_WITH_COMBO_MAKER_FEES = "quadratic_with_combo_maker_fees"
    FLAT = "flat"
    UNKNOWN = "unknown"


# --- Series, events, markets ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class FeeSchedule:
    """A fee formula and the factor that the exchange multiplies it by."""

    fee_type: FeeType
    multiplier: Decimal


@dataclass(frozen=True, slots=True)
class Series(DictReading):
    dict_keys: ClassVar[dict[str, Read]] = {
        **read_attributes("ticker", "title", "category", "frequency"),
        "tags": lambda series: list(series.tags),
        "settlement_sources": lambda series: list(series.settlement_sources),
    }

    ticker: str
    title: str
    category: str
    categories: tuple[str, ...]
    tags: tuple[str, ...]
    frequency: str
    fees: FeeSchedule
    settlement_sources: tuple[str, ...]
    volume: Contracts | None


@dataclass(frozen=True, slots=True)
class FeeChange:
    """A scheduled fee change; None values clear an event's override."""

    ticker: str
    fee_type: FeeType | None
    multiplier: Decimal | None
    scheduled_at: datetime


def _in_no(name: str) -> Read:
    """Read a YES quote as the equivalent NO quote, in cents."""

    def read(market: Market) -> object:
        yes: Price | None = getattr(market, name)
        return None if yes is None else cents(ONE_DOLLAR - yes)

    return read


@dataclass(frozen=True, slots=True)
class Market(DictReading):
    """One market with its best quotes, in YES dollars.

    None: there is no quote on that side.
    """

    dict_keys: ClassVar[dict[str, Read]] = {
        **read_attributes(
            "ticker", "event_ticker", "title", "can_close_early", "rules_primary", "rules_secondary"
        ),
        "subtitle": lambda market: market.yes_label,
        "yes_sub_title": lambda market: market.yes_label,
        "no_sub_title": lambda market: market.no_label,
        "market_type": lambda market: "scalar" if market.scalar else "binary",
        "status": lambda market: market.status_word,
        "yes_bid": read_cents("yes_bid"),
        "yes_ask": read_cents("yes_ask"),
        "no_bid": _in_no("yes_ask"),
        "no_ask": _in_no("yes_bid"),
        "last_price": read_cents("last_price"),
        "volume": read_contracts("volume"),
        "volume_24h": read_contracts("volume_24h"),
        "open_interest": read_contracts("open_interest"),
        "open_time": read_time("open_at"),
        "close_time": read_time("close_at"),
        "expiration_time": read_time("latest_expiration_at"),
        "latest_expiration_time": read_time("latest_expiration_at"),
        "expected_expiration_time": read_time("expected_expiration_at"),
        "result": read_text("result"),
        "settlement_value": read_cents("settlement_value"),
        "notional_value": lambda market: 100,
        **no_longer_reported("liquidity", "category", "risk_limit_cents", "previous_price"),
        **no_longer_reported("previous_yes_bid", "previous_yes_ask"),
    }

    ticker: str
    event_ticker: str
    title: str
    yes_label: str
    no_label: str
    scalar: bool
    status: MarketStatus
    status_word: str  # raw text from the exchange
    open_at: datetime | None
    close_at: datetime
    expected_expiration_at: datetime | None
    occurs_at: datetime | None
    latest_expiration_at: datetime | None
    settlement_timer_s: int | None
    yes_bid: Price | None
    yes_bid_count: Contracts | None
    yes_ask: Price | None
    yes_ask_count: Contracts | None
    last_price: Price | None
    volume: Contracts | None
    volume_24h: Contracts | None
    open_interest: Contracts | None
    result: MarketResult
    settlement_value: Dollars | None
    settled_at: datetime | None
    can_close_early: bool | None
    early_close_condition: str | None
    fee_waiver_until: datetime | None
    rules_primary: str
    rules_secondary: str
    price_grid: PriceGrid
    exchange_index: int | None
    settlement_bounds_type: str | None = None  # None: not reported, so no floor

    @property
    def settlement_floor(self) -> Dollars | None:
        """Dollars already paid on each YES contract. None: no floor, or unknown."""
        return self.price_grid.floor

    @property
    def is_floor_unknown(self) -> bool:
        return self.settlement_bounds_type not in (None, "default") and self.settlement_floor is None

    def expected_end(self, now: datetime) -> datetime | None:
        """Return when trading is expected to end early. None: at the close.

        Source: Kalshi API, market lifecycle.
        """
        end = self.expected_expiration_at or self.occurs_at
        is_early = end is not None and now < end < self.close_at and self.can_close_early is not False
        return end if is_early else None


@dataclass(frozen=True, slots=True)
class Event(DictReading):
    dict_keys: ClassVar[dict[str, Read]] = {
        **read_attributes(
            "event_ticker", "series_ticker", "title", "sub_title", "mutually_exclusive", "category"
        ),
        "markets": lambda event: list(event.markets),
    }

    event_ticker: str
    series_ticker: str
    title: str
    sub_title: str
    mutually_exclusive: bool
    category: str | None
    fee_type_override: FeeType | None
    fee_multiplier_override: Decimal | None
    markets: tuple[Market, ...]
    incomplete: str | None = None  # why some of its markets are missing


@dataclass(frozen=True, slots=True)
class EventMetadata:
    image_url: str | None
    settlement_sources: tuple[str, ...]
    competition: str | None


@dataclass(frozen=True, slots=True)
class BookLevel:
    price: Price
    count: Contracts


def _levels(name: str) -> Read:
    """Read one side of a book as `[[cents, contracts], …]`, best first."""
    return lambda book: [
        [cents(level.price), whole_if_possible(level.count)] for level in getattr(book, name)
    ]


@dataclass(frozen=True, slots=True)
class OrderBook(DictReading):
    """Bids of both outcomes, best first, each in its own outcome's dollars."""

    dict_keys: ClassVar[dict[str, Read]] = {"yes": _levels("yes_bids"), "no": _levels("no_bids")}

    ticker: str
    yes_bids: tuple[BookLevel, ...]
    no_bids: tuple[BookLevel, ...]
    as_of: datetime


@dataclass(frozen=True, slots=True)
class QuoteRange:
    """Open, high, low and close of a quote over one bar, in YES dollars."""

    open: Price | None
    low: Price | None
    high: Price | None
    close: Price | None


@dataclass(frozen=True, slots=True)
class TradeRange:
    """Trade prices over one bar, in YES dollars. None: nothing traded."""

    open: Price | None
    low: Price | None
    high: Price | None
    close: Price | None
    mean: Price | None
    previous: Price | None


@dataclass(frozen=True, slots=True)
class Candlestick:
    end_at: datetime
    yes_bid: QuoteRange
    yes_ask: QuoteRange
    price: TradeRange
    volume: Contracts | None
    open_interest: Contracts | None


@dataclass(frozen=True, slots=True)
class EventCandlesticks:
    """Bars of an event's markets, at times only up to `served_until`."""

    bars: tuple[tuple[str, tuple[Candlestick, ...]], ...]
    served_until: datetime


@dataclass(frozen=True, slots=True)
class ForecastPoint:
    """One `percentile` of a forecast, in hundredths of a percent."""

    end_at: datetime
    percentile: int
    value: Decimal
    shown_as: str | None


@dataclass(frozen=True, slots=True)
class Trade(DictReading):
    """A public trade. `taker_side` is the outcome the taker went long."""

    dict_keys: ClassVar[dict[str, Read]] = {
        **read_attributes("trade_id", "ticker", "is_block_trade"),
        "count": read_contracts("count"),
        "yes_price": read_cents("yes_price"),
        "no_price": _in_no("yes_price"),
        "taker_side": read_text("taker_side"),
        "created_time": read_time("created_at"),
    }

    trade_id: str
    ticker: str
    count: Contracts
    yes_price: Price
    taker_side: Side | None
    created_at: datetime
    is_block_trade: bool | None


@dataclass(frozen=True, slots=True)
class BarPeriod:
    """Time range and bar length (1, 60 or 1440 minutes) of candlesticks."""

    start_at: datetime
    end_at: datetime
    minutes: int
