"""Which fees apply to a market, the fee of a fill, and the most cash an order can take.

Knows the published formula and how series, event, announced changes and waiver combine; nothing of any
account. It never guesses: a schedule whose rates are not published (`flat`, or a word we do not know) has
the fee None.
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
    """Fee of one fill in dollars, and the accumulator to hand to the next fill of the same order."""

    trade_fee: Dollars
    rounding_fee: Dollars
    rebate: Dollars
    cash_change: Dollars
    accumulator: Dollars

    @property
    def net_fee(self) -> Dollars:
        return self.trade_fee + self.rounding_fee - self.rebate


def fee_rate(schedule: FeeSchedule, *, is_taker: bool) -> Decimal | None:
    """Give r·m of the formula r·m·C·P·(1−P); None when the schedule's rates are not known.

    Source: Kalshi fee schedule; series `fee_type` and `fee_multiplier`.
    """
    if schedule.fee_type not in _MAKER_RATES:
        return None
    rate = _TAKER_RATE if is_taker else _MAKER_RATES[schedule.fee_type]
    return rate * schedule.multiplier


def model_fee(rate: Decimal, count: Contracts, price: Price) -> Dollars:
    """Give the unrounded fee of `count` contracts at `price` (YES or NO gives the same)."""
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
    """Charge one fill. `revenue` is signed cash before fees (buying −, selling +).

    The balance moves in multiples of `unit`; what rounding takes too much is given back through the
    accumulator, which runs over all fills of one order. Source: Kalshi fee rounding, October 2026.
    """
    trade_fee = round_up(model_fee(rate, count, price), FEE_GRAIN)
    aligned = round_down(revenue - trade_fee, unit)
    rounding_fee = revenue - trade_fee - aligned
    collected = accumulator + rounding_fee
    rebate = min(round_down(collected, unit), round_down(trade_fee + rounding_fee, unit))
    return FillFee(trade_fee, rounding_fee, rebate, aligned + rebate, collected - rebate)


def dearest_rate(schedules: Iterable[FeeSchedule], *, is_taker: bool) -> Decimal | None:
    """Give the highest r·m of these schedules; None when there are none or the rates of one are not known."""
    rates = [fee_rate(schedule, is_taker=is_taker) for schedule in schedules]
    known = [rate for rate in rates if rate is not None]
    return max(known) if known and len(known) == len(rates) else None


def cash_bound(rate: Decimal, count: Contracts, price: Price) -> Dollars:
    """Give the most cash that `count` contracts can take, bought at `price` or better, fees inside.

    Holds for every way to split the order into fills at no more than `rate`, as taker or maker. Fills of
    one count grain take the most: each takes its price and trade fee, or the balance unit they lie in
    where that is more. Such a fill keeps all its rounding, because a rebate is a whole unit and never
    exceeds the fee of the fill. Closing a contract takes $1 less and rounds alike.
    Source: Kalshi fee rounding, October 2026.
    """
    # The price up to this one at which P + r·P(1−P) is highest; it rises up to (1 + 1/r)/2.
    dearest = min(price, (1 + 1 / rate) / 2) if rate > 1 else price
    with_fee = round_up(COUNT_GRAIN * dearest + model_fee(rate, COUNT_GRAIN, dearest), FEE_GRAIN)
    rounded = round_up(COUNT_GRAIN * price, BALANCE_GRAIN)
    return round_up(count / COUNT_GRAIN * max(with_fee, rounded), BALANCE_GRAIN)


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
