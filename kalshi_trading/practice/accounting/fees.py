"""Fee of a fill, in whole millionths of a dollar.

Knows the rates, the balance rounding and an order's rounding accumulator. Never knows why a fill
happened or which account it belongs to.
Source: Kalshi API, fees (formula and rounding).
"""

from __future__ import annotations

from dataclasses import dataclass

from kalshi_trading.practice.records import ONE_CONTRACT, ONE_DOLLAR, ONE_DOLLAR_PRICE, FeeType

BALANCE_UNIT = 100  # a direct member's balance moves in steps of $0.0001

_RATE_SCALE = 10_000
_TAKER_RATE = 700  # 0.07
_MAKER_RATES = {
    FeeType.QUADRATIC: 0,
    FeeType.QUADRATIC_WITH_MAKER_FEES: 175,
    FeeType.QUADRATIC_WITH_COMBO_MAKER_FEES: 350,
}
_MODEL_SCALE = _RATE_SCALE * 100 * ONE_CONTRACT * ONE_DOLLAR_PRICE**2 // ONE_DOLLAR


@dataclass(frozen=True, slots=True)
class FeeCharge:
    """The fee of one fill. Money in millionths of a dollar.

    `accumulator` is the order's rounding accumulator after the fill.
    """

    trade_fee: int
    rounding_fee: int
    rebate: int
    net_fee: int
    cash_change: int
    accumulator: int


def model_fee(fee_type: FeeType, multiplier_percent: int, price: int, count: int, is_taker: bool) -> int:
    """Return rate x multiplier x count x price x (1 - price).

    The result is rounded up to a millionth of a dollar.
    """
    rate = _TAKER_RATE if is_taker else _MAKER_RATES[fee_type]
    exact = rate * multiplier_percent * count * price * (ONE_DOLLAR_PRICE - price)
    return -(-exact // _MODEL_SCALE)


def charge(
    fee_type: FeeType,
    multiplier_percent: int,
    price: int,
    count: int,
    revenue: int,
    is_taker: bool,
    accumulator: int,
    unit: int = BALANCE_UNIT,
) -> FeeCharge:
    """Return the fee of one fill.

    `revenue` is signed, before fees: below 0 if the fill costs money. `accumulator` holds the roundings of
    the order's earlier fills. `unit` is the balance precision.
    """
    trade_fee = model_fee(fee_type, multiplier_percent, price, count, is_taker)
    rounding_fee = (revenue - trade_fee) % unit
    gathered = accumulator + rounding_fee
    rebate = min(gathered, trade_fee + rounding_fee) // unit * unit
    net_fee = trade_fee + rounding_fee - rebate
    return FeeCharge(trade_fee, rounding_fee, rebate, net_fee, revenue - net_fee, gathered - rebate)


def highest_fees(
    fee_type: FeeType, multiplier_percent: int, price: int, count: int, is_taker: bool, fills: int
) -> int:
    """Return an upper bound of the fees for `count` contracts at `price`.

    The order may be spread over up to `fills` fills. Each fill rounds the model fee up once and the
    balance once.
    """
    return model_fee(fee_type, multiplier_percent, price, count, is_taker) + fills * BALANCE_UNIT


def highest_resting_fees(fee_type: FeeType, multiplier_percent: int, price: int, count: int) -> int:
    """Return an upper bound of a resting order's fees, however it is split.

    At a whole cent every fill's revenue is a multiple of the balance unit. Then only the trade fees are
    rounded, and the accumulator returns all of those roundings but the last unit.
    """
    if price % 100:
        return highest_fees(fee_type, multiplier_percent, price, count, False, fills=count)
    return model_fee(fee_type, multiplier_percent, price, count, False) + count + BALANCE_UNIT
