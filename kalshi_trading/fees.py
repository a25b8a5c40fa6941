"""The fee of a fill: curve, multiplier, taker or maker, rounding and the per-order accumulator.

Knows the published formula and nothing of any account. It never guesses: a schedule whose rates are
not published (`flat`, or a word we do not know) has the fee None.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from kalshi_trading.market_models import FeeSchedule, FeeType
from kalshi_trading.money import (
    BALANCE_GRAIN,
    CENT,
    COUNT_GRAIN,
    ONE_CONTRACT,
    ONE_DOLLAR,
    ZERO,
    Contracts,
    Dollars,
    Price,
    round_down,
    round_up,
)

FEE_GRAIN: Dollars = Decimal("0.000001")
_PEAK: Price = Decimal("0.5")
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


def fee_bound(rate: Decimal, count: Contracts, price: Price, *, between_cents: bool = False) -> Dollars:
    """Give the most that `count` contracts filled at `price` can cost in fees, in dollars.

    At whole cents it holds however the fills are split: every revenue is then a multiple of the balance
    unit, so the accumulator returns all rounding but the last. Between cents each fill may keep a unit;
    one fill per contract is allowed for, also where `between_cents` says that a fill may lie there.
    """
    grains = count / COUNT_GRAIN
    trade_fees = grains * round_up(model_fee(rate, COUNT_GRAIN, price), FEE_GRAIN)
    may_keep = between_cents or price % CENT != ZERO
    kept = round_up(count, ONE_CONTRACT) * BALANCE_GRAIN if may_keep else ZERO
    return round_up(trade_fees + kept, BALANCE_GRAIN)


def taker_fee_bound(
    schedule: FeeSchedule, count: Contracts, lowest: Price, highest: Price, *, between_cents: bool
) -> Dollars | None:
    """Give the most `count` contracts can cost in fees wherever they fill between two prices.

    The curve has its peak at half a dollar, so a better price can cost more; a maker never pays more
    than a taker. None when the schedule's rates are not known.
    """
    rate = fee_rate(schedule, is_taker=True)
    if rate is None:
        return None
    dearest = min(max(lowest, _PEAK), highest)
    return fee_bound(rate, count, dearest, between_cents=between_cents)
