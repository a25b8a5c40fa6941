"""Which fee schedule applies to a market at a moment, and which ones may come while an order rests.

Folds what was read: series, event override, announced changes, waiver. Asks nobody and computes no fee.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from kalshi_trading.core.market_models import FeeChange, FeeSchedule, FeeType, Market
from kalshi_trading.core.money import ZERO


@dataclass(frozen=True, slots=True)
class FeeTerms:
    """The fees of one event as they were read, with the changes announced for it and for its series."""

    series: FeeSchedule
    override_type: FeeType | None = None
    override_multiplier: Decimal | None = None
    series_changes: tuple[FeeChange, ...] = ()
    event_changes: tuple[FeeChange, ...] = ()


def schedule_at(terms: FeeTerms, market: Market, at: datetime) -> FeeSchedule:
    """Give the schedule of a market at a moment: its event's override, else its series'.

    Source: Kalshi API, fees.
    """
    fee_type, multiplier = terms.series.fee_type, terms.series.multiplier
    if (change := _last_before(terms.series_changes, at)) is not None:
        fee_type, multiplier = change.fee_type or fee_type, _or(change.multiplier, multiplier)
    override_type, override_multiplier = terms.override_type, terms.override_multiplier
    if (change := _last_before(terms.event_changes, at)) is not None:
        override_type, override_multiplier = change.fee_type, change.multiplier
    if market.fee_waiver_until is not None and market.fee_waiver_until > at:
        override_multiplier = ZERO
    return FeeSchedule(override_type or fee_type, _or(override_multiplier, multiplier))


def schedules_to_come(terms: FeeTerms, market: Market, now: datetime) -> tuple[FeeSchedule, ...]:
    """Give the schedules that will replace today's before the market closes, each once, in their order."""
    turns = [change.scheduled_at for change in (*terms.series_changes, *terms.event_changes)]
    if market.fee_waiver_until is not None:
        turns.append(market.fee_waiver_until)
    ahead = sorted(turn for turn in turns if now < turn <= market.close_at)
    return tuple(dict.fromkeys(schedule_at(terms, market, turn) for turn in ahead))


def _last_before(changes: Iterable[FeeChange], at: datetime) -> FeeChange | None:
    due = (change for change in changes if change.scheduled_at <= at)
    return max(due, key=lambda change: change.scheduled_at, default=None)


def _or(value: Decimal | None, other: Decimal) -> Decimal:
    """Give the other where there is none; zero is a value."""
    return other if value is None else value
