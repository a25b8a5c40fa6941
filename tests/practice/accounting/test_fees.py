from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kalshi_trading.practice.accounting import fees
from kalshi_trading.practice.records import FeeType

QUADRATIC = FeeType.QUADRATIC
MAKER = FeeType.QUADRATIC_WITH_MAKER_FEES
COMBO = FeeType.QUADRATIC_WITH_COMBO_MAKER_FEES
CENT_ACCOUNT = 10_000


def dollars(amount: str) -> int:
    return int(Decimal(amount) * 1_000_000)


# fee type, m in percent, price, count, taker, revenue, unit -> trade fee, rounding, net fee, cash
EXAMPLES = {
    "1 taker bid 100 @ 0.50": (QUADRATIC, 100, 5000, 10000, True, "-50", 100, "1.75", "0", "1.75", "-51.75"),
    "2 taker bid 1 @ 0.52": (
        (QUADRATIC, 100, 5200, 100, True, "-0.52", 100, "0.017472", "0.000028", "0.0175", "-0.5375")
    ),
    "3 taker bid 1 @ 0.99": (
        (QUADRATIC, 100, 9900, 100, True, "-0.99", 100, "0.000693", "0.000007", "0.0007", "-0.9907")
    ),
    "4 taker bid 37 @ 0.62, m 0.5": (
        (QUADRATIC, 50, 6200, 3700, True, "-22.94", 100, "0.305102", "0.000098", "0.3052", "-23.2452")
    ),
    "5 taker ask 10 @ 0.65 opening NO": (
        (QUADRATIC, 100, 6500, 1000, True, "-3.50", 100, "0.15925", "0.00005", "0.1593", "-3.6593")
    ),
    "6 taker ask 10 @ 0.65 closing YES": (
        (QUADRATIC, 100, 6500, 1000, True, "6.50", 100, "0.15925", "0.00005", "0.1593", "6.3407")
    ),
    "7a maker bid 100 @ 0.50": (QUADRATIC, 100, 5000, 10000, False, "-50", 100, "0", "0", "0", "-50"),
    "7b maker bid, maker fees": (
        (MAKER, 100, 5000, 10000, False, "-50", 100, "0.4375", "0", "0.4375", "-50.4375")
    ),
    "7c maker bid, combo maker fees": (
        (COMBO, 100, 5000, 10000, False, "-50", 100, "0.875", "0", "0.875", "-50.875")
    ),
    "8 taker bid 1 @ 0.055, cent account": (
        (QUADRATIC, 100, 550, 100, True, "-0.055", CENT_ACCOUNT, "0.003639", "0.001361", "0.005", "-0.06")
    ),
    "9 taker bid 1 @ 0.055": (
        (QUADRATIC, 100, 550, 100, True, "-0.055", 100, "0.003639", "0.000061", "0.0037", "-0.0587")
    ),
    "10 taker bid 1 @ 0.50, cent account": (
        (QUADRATIC, 100, 5000, 100, True, "-0.50", CENT_ACCOUNT, "0.0175", "0.0025", "0.02", "-0.52")
    ),
}


@pytest.mark.parametrize("row", EXAMPLES.values(), ids=EXAMPLES.keys())
def test_worked_examples(row: tuple[FeeType, int, int, int, bool, str, int, str, str, str, str]) -> None:
    fee_type, multiplier, price, count, is_taker, revenue, unit, trade, rounding, net, cash = row
    charge = fees.charge(fee_type, multiplier, price, count, dollars(revenue), is_taker, 0, unit)
    assert (charge.trade_fee, charge.rounding_fee) == (dollars(trade), dollars(rounding))
    assert (charge.net_fee, charge.cash_change) == (dollars(net), dollars(cash))
    assert charge.rebate == 0


def walk(price: int, count: int, unit: int, fills: int) -> list[fees.FeeCharge]:
    charges: list[fees.FeeCharge] = []
    for _ in range(fills):
        accumulator = charges[-1].accumulator if charges else 0
        charges.append(fees.charge(QUADRATIC, 100, price, count, -price * count, True, accumulator, unit))
    return charges


def test_accumulator_of_an_order_of_three_filled_one_by_one() -> None:
    charges = walk(price=550, count=100, unit=100, fills=3)
    assert [charge.trade_fee for charge in charges] == [3639] * 3
    assert [charge.rounding_fee for charge in charges] == [61] * 3
    assert [charge.accumulator + charge.rebate for charge in charges] == [61, 122, 83]
    assert [charge.rebate for charge in charges] == [0, 100, 0]
    assert [charge.net_fee for charge in charges] == [3700, 3600, 3700]
    assert [charge.cash_change for charge in charges] == [-58700, -58600, -58700]
    one_fill = fees.charge(QUADRATIC, 100, 550, 300, -550 * 300, True, 0)
    assert sum(charge.net_fee for charge in charges) == one_fill.net_fee == 11_000


def test_accumulator_of_a_cent_account_gives_a_whole_cent_back() -> None:
    charges = walk(price=5000, count=30, unit=CENT_ACCOUNT, fills=3)
    assert [charge.trade_fee for charge in charges] == [5250] * 3
    assert [charge.rounding_fee for charge in charges] == [4750] * 3
    assert [charge.rebate for charge in charges] == [0, 0, 10_000]
    assert [charge.net_fee for charge in charges] == [10_000, 10_000, 0]


def test_a_rebate_never_makes_a_fee_negative() -> None:
    charge = fees.charge(QUADRATIC, 100, 9900, 1, -9900, True, accumulator=950)
    assert charge.net_fee == 0
    assert charge.rebate == 100
    assert charge.accumulator == 950 + 93 - 100


fee_types = st.sampled_from(list(FeeType))
multipliers = st.sampled_from([0, 50, 100, 200])
prices = st.integers(1, 9_999)
counts = st.integers(1, 1_000_000)
units = st.sampled_from([100, CENT_ACCOUNT])
RATES = {QUADRATIC: Fraction(0), MAKER: Fraction("0.0175"), COMBO: Fraction("0.035")}


def reference(
    fee_type: FeeType, m: Fraction, p: Fraction, n: Fraction, revenue: Fraction, is_taker: bool
) -> tuple[Decimal, Decimal, Decimal]:
    """Return trade fee, rounding fee and cash change in dollars.

    Exact arithmetic with fractions, without rebate.
    """
    rate = Fraction("0.07") if is_taker else RATES[fee_type]
    model = rate * m * n * p * (1 - p)
    micro = model * 1_000_000
    exact = Decimal(micro.numerator) / Decimal(micro.denominator)
    trade = exact.to_integral_value(ROUND_CEILING) / 1_000_000
    before = Decimal(revenue.numerator) / Decimal(revenue.denominator) - trade
    aligned = before.quantize(Decimal("0.0001"), ROUND_FLOOR)
    return trade, before - aligned, aligned


@given(fee_types, multipliers, prices, counts, st.booleans(), st.booleans())
def test_fees_agree_with_slow_decimal_arithmetic(
    fee_type: FeeType, multiplier: int, price: int, count: int, is_taker: bool, closing: bool
) -> None:
    p, n = Fraction(price, 10_000), Fraction(count, 100)
    revenue = (1 - p) * n if closing else -p * n
    trade, rounding, cash = reference(fee_type, Fraction(multiplier, 100), p, n, revenue, is_taker)
    charge = fees.charge(fee_type, multiplier, price, count, int(revenue * 1_000_000), is_taker, 0)
    assert Decimal(charge.trade_fee) / 1_000_000 == trade
    assert Decimal(charge.rounding_fee) / 1_000_000 == rounding
    assert Decimal(charge.cash_change) / 1_000_000 == cash


fills_of_an_order = st.lists(st.tuples(prices, st.integers(1, 500), st.booleans()), min_size=1, max_size=20)


@given(fee_types, multipliers, fills_of_an_order, units)
def test_over_an_order_no_rounding_is_lost_and_balances_stay_aligned(
    fee_type: FeeType, multiplier: int, fills: list[tuple[int, int, bool]], unit: int
) -> None:
    accumulator = trade_fees = net_fees = 0
    for price, count, is_taker in fills:
        charge = fees.charge(fee_type, multiplier, price, count, -price * count, is_taker, accumulator, unit)
        assert charge.net_fee >= 0
        assert charge.cash_change % unit == 0
        assert charge.cash_change == -price * count - charge.net_fee
        accumulator, trade_fees, net_fees = (
            charge.accumulator,
            trade_fees + charge.trade_fee,
            net_fees + charge.net_fee,
        )
    assert net_fees - trade_fees == accumulator >= 0


@given(fee_types, multipliers, prices, st.lists(st.integers(1, 400), min_size=1, max_size=30), st.booleans())
def test_no_split_of_an_order_costs_more_than_the_highest_fees(
    fee_type: FeeType, multiplier: int, price: int, counts: list[int], is_taker: bool
) -> None:
    accumulator = paid = 0
    for count in counts:
        charge = fees.charge(fee_type, multiplier, price, count, -price * count, is_taker, accumulator)
        accumulator, paid = charge.accumulator, paid + charge.net_fee
    total = sum(counts)
    assert paid <= fees.highest_fees(fee_type, multiplier, price, total, is_taker, fills=len(counts))
    if not is_taker:
        assert paid <= fees.highest_resting_fees(fee_type, multiplier, price, total)


@pytest.mark.parametrize("price", [5_000, 4_951])
@pytest.mark.parametrize("fee_type", list(FeeType))
def test_a_resting_order_taken_in_a_thousand_crumbs_costs_no_more_than_was_put_by(
    fee_type: FeeType, price: int
) -> None:
    accumulator = paid = 0
    for _ in range(1_000):
        charge = fees.charge(fee_type, 100, price, 1, -price, False, accumulator)
        accumulator, paid = charge.accumulator, paid + charge.net_fee
    assert paid <= fees.highest_resting_fees(fee_type, 100, price, 1_000)
