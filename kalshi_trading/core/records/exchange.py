"""Records about the exchange itself: status, hours, cut-offs, rate limits.

Aware UTC times. None: the exchange did not report it. Never reads JSON, performs no I/O.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from kalshi_trading.core.results import DictReading, Read, read_attributes, read_time


@dataclass(frozen=True, slots=True)
class ShardStatus:
    """One shard of the exchange. An order uses only its market's shard's cash."""

    exchange_index: int
    description: str
    exchange_active: bool
    trading_active: bool


@dataclass(frozen=True, slots=True)
class ExchangeStatus(DictReading):
    dict_keys: ClassVar[dict[str, Read]] = {
        **read_attributes("exchange_active", "trading_active"),
        "exchange_estimated_resume_time": read_time("estimated_resume_at"),
    }

    exchange_active: bool
    trading_active: bool
    estimated_resume_at: datetime | None
    shards: tuple[ShardStatus, ...]


@dataclass(frozen=True, slots=True)
class TradingSession:
    """Opening hours on one weekday, in US Eastern clock times.

    00:00 to 00:00 is the whole day.
    """

    weekday: str
    opens: str
    closes: str


@dataclass(frozen=True, slots=True)
class ExchangeSchedule:
    sessions: tuple[TradingSession, ...]
    maintenance: tuple[tuple[datetime, datetime], ...]


@dataclass(frozen=True, slots=True)
class HistoricalCutoff:
    """Older rows are served only by the historical endpoints."""

    markets_settled_at: datetime
    trades_created_at: datetime
    orders_updated_at: datetime
    positions_updated_at: datetime | None


@dataclass(frozen=True, slots=True)
class TokenBucketLimit:
    refill_rate: int  # tokens per second
    bucket_capacity: int


@dataclass(frozen=True, slots=True)
class AccountLimits:
    usage_tier: str
    read: TokenBucketLimit
    write: TokenBucketLimit


@dataclass(frozen=True, slots=True)
class EndpointCosts:
    """Tokens per request.

    `exceptions` has (method, route template, cost) rows.
    """

    default_cost: int
    exceptions: tuple[tuple[str, str, int], ...]
