"""Fees: a market's schedule, a fill's fee, and an order's maximum cash.

Knows the published formula. Knows how series, event, announced changes and waiver combine. Knows no account.
Never guesses: a schedule with unpublished rates (`flat`, or an unknown type) has the fee None.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from kalshi_trading.core.market_models import FeeChange, FeeSchedule, FeeType, Market
from kalshi_trading.core.money import (
    BALANCE_GRAIN,
    COUNT_GRAIN,
    ONE_DOLLAR,
    ZERO,
    Contracts,
    Dollars,
    Price,
    round_down,
    round_up,
)

FEE_GRAIN: Dollars = Decimal("0.000001")
_TAKER_RATE = Decimal("0.07")
_MAKER_RATES = {
    FeeType.QUADRATIC: ZERO,
    FeeType.QUADRATIC_WITH_MAKER_FEES: Decimal("0.0175"),
    FeeType.QUADRATIC_WITH_COMBO_MAKER_FEES: Decimal("0.035"),
}


@dataclass(frozen=True, slots=True)
class FillFee:
    """Fee of one fill in dollars.

    Pass `accumulator` to the next fill of the same order.
    """

    trade_fee: Dollars
    rounding_fee: Dollars
    rebate: Dollars
    cash_change: Dollars
    accumulator: Dollars

    @property
    def net_fee(self) -> Dollars:
        return self.trade_fee + self.rounding_fee - self.rebate


def fee_rate(schedule: FeeSchedule, *, is_taker: bool) -> Decimal | None:
    """Return r·m of the formula r·m·C·P·(1−P).

    None: the schedule's rates are unknown.
    Source: Kalshi fee schedule; series `fee_type` and `fee_multiplier`.
    """
    if schedule.fee_type not in _MAKER_RATES:
        return None
    rate = _TAKER_RATE if is_taker else _MAKER_RATES[schedule.fee_type]
    return rate * schedule.multiplier


def model_fee(rate: Decimal, count: Contracts, price: Price) -> Dollars:
    """Return the unrounded fee of `count` contracts at `price`.

    The YES price and the NO price give the same fee.
    """
    return rate * count * price * (ONE_DOLLAR - price)


def fee_of_fill(
    rate: Decimal,
    count: Contracts,
    price: Price,
    *,
    revenue: Dollars,
    accumulator: Dollars = ZERO,
    unit: Dollars = BALANCE_GRAIN,
) -> FillFee:
    """Charge one fill. `revenue` is signed cash before fees (buy −, sell +).

    The balance moves in multiples of `unit`. The accumulator runs over all fills of one order and pays back
    excess rounding. Source: Kalshi fee rounding, October 2026.
    """
    trade_fee = round_up(model_fee(rate, count, price), FEE_GRAIN)
    aligned = round_down(revenue - trade_fee, unit)
    rounding_fee = revenue - trade_fee - aligned
    collected = accumulator + rounding_fee
    rebate = min(round_down(collected, unit), round_down(trade_fee + rounding_fee, unit))
    return FillFee(trade_fee, rounding_fee, rebate, aligned + rebate, collected - rebate)


def highest_rate(schedules: Iterable[FeeSchedule], *, is_taker: bool) -> Decimal | None:
    """Return the highest r·m of these schedules.

    None: there are no schedules, or the rates of one are unknown.
    """
    rates = [fee_rate(schedule, is_taker=is_taker) for schedule in schedules]
    known = [rate for rate in rates if rate is not None]
    return max(known) if known and len(known) == len(rates) else None


def max_cash(rate: Decimal, count: Contracts, price: Price, prepaid: Dollars = ZERO) -> Dollars:
    """Return the maximum cash, with fees, to buy `count` at `price` or better.

    `prepaid` is the part of the price that a settlement floor already paid: it costs no cash, but counts in
    the fee. Holds for every way to split the order into fills, as taker or maker, at no more than `rate`.
    Fills of one count grain cost the most. Each costs its price and trade fee, or its price rounded up to
    the balance unit if that is more. Such a fill keeps all its rounding, because a rebate is a whole unit
    and never exceeds the fill's fee. Closing a contract costs $1 less and rounds alike. Source: Kalshi fee
    rounding, October 2026.
    """
    # P + r·P(1−P) rises up to P = (1 + 1/r)/2; take its maximum at or below `price`.
    costliest = min(price, (1 + 1 / rate) / 2) if rate > 1 else price
    fee = model_fee(rate, COUNT_GRAIN, costliest)
    with_fee = round_up(COUNT_GRAIN * (costliest - prepaid) + fee, FEE_GRAIN)
    rounded = round_up(COUNT_GRAIN * (price - prepaid), BALANCE_GRAIN)
    return round_up(count / COUNT_GRAIN * max(with_fee, rounded), BALANCE_GRAIN)


@dataclass(frozen=True, slots=True)
class FeeTerms:
    """The fees of one event, with changes announced for it and its series."""

    series: FeeSchedule
    override_type: FeeType | None = None
    override_multiplier: Decimal | None = None
    series_changes: tuple[FeeChange, ...] = ()
    event_changes: tuple[FeeChange, ...] = ()


def schedule_at(terms: FeeTerms, market: Market, at: datetime) -> FeeSchedule:
    """Return a market's fee schedule at an instant.

    The event's override wins over the series' schedule. Source: Kalshi API, fees.
    """
    fee_type, multiplier = terms.series.fee_type, terms.series.multiplier
    if (change := _last_before(terms.series_changes, at)) is not None:
        fee_type, multiplier = change.fee_type or fee_type, _coalesce(change.multiplier, multiplier)
    override_type, override_multiplier = terms.override_type, terms.override_multiplier
    if (change := _last_before(terms.event_changes, at)) is not None:
        override_type, override_multiplier = change.fee_type, change.multiplier
    if market.fee_waiver_until is not None and market.fee_waiver_until > at:
        override_multiplier = ZERO
    return FeeSchedule(override_type or fee_type, _coalesce(override_multiplier, multiplier))


def schedules_to_come(terms: FeeTerms, market: Market, now: datetime) -> tuple[FeeSchedule, ...]:
    """List the schedules that replace today's before the market closes.

    Each appears once, in order of time.
    """
    turns = [change.scheduled_at for change in (*terms.series_changes, *terms.event_changes)]
    if market.fee_waiver_until is not None:
        turns.append(market.fee_waiver_until)
    ahead = sorted(turn for turn in turns if now < turn <= market.close_at)
    return tuple(dict.fromkeys(schedule_at(terms, market, turn) for turn in ahead))


def _last_before(changes: Iterable[FeeChange], at: datetime) -> FeeChange | None:
    due = (change for change in changes if change.scheduled_at <= at)
    return max(due, key=lambda change: change.scheduled_at, default=None)


def _coalesce(value: Decimal | None, other: Decimal) -> Decimal:
    """Return `value` unless it is None, because zero is a valid value."""
    return other if value is None else value
