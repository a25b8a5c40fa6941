"""Test fill fees and the maximum cash of an order.

Compares with the published examples and a second implementation.
"""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kalshi_trading.core.fees import fee_of_fill, fee_rate, highest_rate, max_cash, model_fee
from kalshi_trading.core.market_models import FeeSchedule, FeeType
from kalshi_trading.practice import records
from kalshi_trading.practice.accounting import fees as practice_fees

CENT_ACCOUNT = Decimal("0.01")
KNOWN_TYPES = [
    FeeType.QUADRATIC,
    FeeType.QUADRATIC_WITH_MAKER_FEES,
    FeeType.QUADRATIC_WITH_COMBO_MAKER_FEES,
]
kinds = st.sampled_from(KNOWN_TYPES)
multipliers = st.integers(min_value=0, max_value=300)
prices = st.integers(min_value=1, max_value=9_999)  # ten-thousandths
whole_cents = st.integers(min_value=1, max_value=99).map(lambda cents: cents * 100)
counts = st.one_of(
    st.integers(min_value=1, max_value=200_000),  # hundredths of a contract
    st.integers(min_value=1, max_value=2_000).map(lambda contracts: contracts * 100),
)


def rate_of(kind=FeeType.QUADRATIC, multiplier="1", *, is_taker=True):
    rate = fee_rate(FeeSchedule(kind, Decimal(multiplier)), is_taker=is_taker)
    assert rate is not None
    return rate


def bid(count, price, rate, **more):
    """Return the fee of a fill that buys contracts."""
    count, price = Decimal(count), Decimal(price)
    return fee_of_fill(rate, count, price, revenue=-count * price, **more)


def figures(fee):
    return [fee.trade_fee, fee.rounding_fee, fee.net_fee, fee.cash_change]


def test_a_taker_on_a_whole_fee_pays_no_rounding():
    assert figures(bid("100", "0.50", rate_of())) == [Decimal("1.75"), 0, Decimal("1.75"), Decimal("-51.75")]


@pytest.mark.parametrize(
    ("count", "price", "multiplier", "expected"),
    [
        ("1", "0.52", "1", ["0.017472", "0.000028", "0.0175", "-0.5375"]),
        ("1", "0.99", "1", ["0.000693", "0.000007", "0.0007", "-0.9907"]),
        ("37", "0.62", "0.5", ["0.305102", "0.000098", "0.3052", "-23.2452"]),
        ("1", "0.055", "1", ["0.003639", "0.000061", "0.0037", "-0.0587"]),
    ],
)
def test_a_taker_pays_what_the_published_example_says(count, price, multiplier, expected):
    fee = bid(count, price, rate_of(multiplier=multiplier))
    assert figures(fee) == [Decimal(figure) for figure in expected]


@pytest.mark.parametrize(("revenue", "cash"), [("-3.50", "-3.6593"), ("6.50", "6.3407")])
def test_an_ask_costs_the_same_fee_whether_it_opens_no_or_closes_yes(revenue, cash):
    fee = fee_of_fill(rate_of(), Decimal(10), Decimal("0.65"), revenue=Decimal(revenue))
    assert figures(fee) == [Decimal(figure) for figure in ("0.159250", "0.000050", "0.1593", cash)]


@pytest.mark.parametrize(
    ("kind", "net", "cash"),
    [
        (FeeType.QUADRATIC, "0", "-50"),
        (FeeType.QUADRATIC_WITH_MAKER_FEES, "0.4375", "-50.4375"),
        (FeeType.QUADRATIC_WITH_COMBO_MAKER_FEES, "0.875", "-50.875"),
    ],
)
def test_a_maker_pays_by_the_kind_of_schedule(kind, net, cash):
    fee = bid("100", "0.50", rate_of(kind, is_taker=False))
    assert (fee.net_fee, fee.cash_change) == (Decimal(net), Decimal(cash))


@pytest.mark.parametrize(
    ("price", "expected"),
    [
        ("0.055", ["0.003639", "0.001361", "0.005", "-0.06"]),
        ("0.50", ["0.0175", "0.0025", "0.02", "-0.52"]),
    ],
)
def test_a_cent_account_is_rounded_to_cents(price, expected):
    fee = bid("1", price, rate_of(), unit=CENT_ACCOUNT)
    assert figures(fee) == [Decimal(figure) for figure in expected]


def test_the_accumulator_gives_back_over_three_fills_what_one_fill_would_not_have_paid():
    accumulator, rows = Decimal(0), []
    for _ in range(3):
        fee = bid("1", "0.055", rate_of(), accumulator=accumulator)
        gathered = accumulator + fee.rounding_fee
        accumulator = fee.accumulator
        rows.append((fee.trade_fee, fee.rounding_fee, gathered, fee.rebate, fee.net_fee, fee.cash_change))
    assert rows == [
        tuple(map(Decimal, row.split()))
        for row in (
            "0.003639 0.000061 0.000061 0 0.0037 -0.0587",
            "0.003639 0.000061 0.000122 0.0001 0.0036 -0.0586",
            "0.003639 0.000061 0.000083 0 0.0037 -0.0587",
        )
    ]
    assert sum(row[4] for row in rows) == bid("3", "0.055", rate_of()).net_fee == Decimal("0.0110")


def test_the_accumulator_of_a_cent_account_gives_back_a_whole_cent():
    accumulator, net_fees = Decimal(0), []
    for _ in range(3):
        fee = bid("0.30", "0.50", rate_of(), accumulator=accumulator, unit=CENT_ACCOUNT)
        assert (fee.trade_fee, fee.rounding_fee) == (Decimal("0.00525"), Decimal("0.00475"))
        accumulator = fee.accumulator
        net_fees.append(fee.net_fee)
    assert net_fees == [Decimal("0.01"), Decimal("0.01"), 0]
    assert accumulator == Decimal("0.00425")


@pytest.mark.parametrize("kind", [FeeType.FLAT, FeeType.UNKNOWN])
@pytest.mark.parametrize("is_taker", [True, False])
def test_a_schedule_without_published_rates_has_no_rate_rather_than_a_guess(kind, is_taker):
    assert fee_rate(FeeSchedule(kind, Decimal(1)), is_taker=is_taker) is None


def test_a_waived_fee_is_zero_and_not_unknown():
    assert rate_of(multiplier="0") == 0


@given(prices, counts)
def test_yes_and_no_prices_give_the_same_fee(price, count):
    price, count = Decimal(price) / 10_000, Decimal(count) / 100
    assert model_fee(rate_of(), count, price) == model_fee(rate_of(), count, 1 - price)


@given(
    kinds,
    multipliers,
    st.booleans(),
    st.sampled_from([100, 10_000]),
    st.lists(st.tuples(prices, counts, st.booleans()), min_size=1, max_size=8),
)
def test_two_implementations_agree_on_every_fill_of_an_order(kind, percent, is_taker, unit, fills):
    rate = rate_of(kind, str(Decimal(percent) / 100), is_taker=is_taker)
    theirs_accumulator, accumulator = 0, Decimal(0)
    for price, count, sells in fills:
        revenue = price * count * (1 if sells else -1)
        theirs = practice_fees.charge(
            records.FeeType(kind.value), percent, price, count, revenue, is_taker, theirs_accumulator, unit
        )
        ours = fee_of_fill(
            rate,
            Decimal(count) / 100,
            Decimal(price) / 10_000,
            revenue=Decimal(revenue) / 1_000_000,
            accumulator=accumulator,
            unit=Decimal(unit) / 1_000_000,
        )
        theirs_accumulator, accumulator = theirs.accumulator, ours.accumulator
        in_millionths = [theirs.trade_fee, theirs.rounding_fee, theirs.rebate, theirs.net_fee]
        assert [Decimal(figure) / 1_000_000 for figure in in_millionths] == [
            *(ours.trade_fee, ours.rounding_fee, ours.rebate, ours.net_fee)
        ]
        assert Decimal(theirs.cash_change) / 1_000_000 == ours.cash_change
        assert Decimal(theirs.accumulator) / 1_000_000 == accumulator


@given(kinds, multipliers, st.booleans(), st.lists(st.tuples(prices, counts), min_size=1, max_size=8))
def test_no_fill_earns_a_fee_and_cash_moves_in_whole_units(kind, percent, is_taker, fills):
    rate = rate_of(kind, str(Decimal(percent) / 100), is_taker=is_taker)
    accumulator = Decimal(0)
    for price, count in fills:
        price, count = Decimal(price) / 10_000, Decimal(count) / 100
        fee = bid(count, price, rate, accumulator=accumulator)
        accumulator = fee.accumulator
        assert fee.net_fee >= 0
        assert fee.cash_change == -count * price - fee.net_fee
        assert fee.cash_change % Decimal("0.0001") == 0


@pytest.mark.parametrize(
    ("count", "price", "rate", "most"),
    [
        ("100", "0.57", "0.07", "58.72"),  # one fill costs $58.7157; every smallest fill rounds its fee up
        ("0.01", "0.57", "0.07", "0.0059"),
        ("1", "0.055", "0", "0.06"),  # a smallest fill of $0.00055 costs $0.0006
        ("1", "0.055", "0.07", "0.06"),  # the same with its fee
        ("1", "0.005", "0", "0.01"),
        ("1", "0.555", "0.07", "0.5723"),  # the fee of a smallest fill is above a unit: rounding is paid back
        ("100", "0.40", "0.07", "41.68"),
        ("12.34", "0.57", "0", "7.0338"),
        ("100", "0.75", "2", "112.50"),  # P + 2 · P(1 − P) has its maximum at 75¢
        ("100", "0.90", "2", "112.50"),  # an order with a higher limit can fill at 75¢
        ("0", "0.055", "0.07", "0"),
    ],
)
def test_the_most_cash_an_order_can_take(count, price, rate, most):
    assert max_cash(Decimal(rate), Decimal(count), Decimal(price)) == Decimal(most)


@pytest.mark.parametrize("rate", ["0", "0.0175", "0.07", "0.14", "0.98"])
@pytest.mark.parametrize("price", ["0.50", "0.57", "0.01", "0.99", "0.055", "0.0001", "0.9999"])
def test_ten_thousand_crumbs_take_the_most_there_is(price, rate):
    cash, accumulator = Decimal(0), Decimal(0)
    for _ in range(10_000):
        fee = bid("0.01", price, Decimal(rate), accumulator=accumulator)
        cash, accumulator = cash - fee.cash_change, fee.accumulator
    assert cash == max_cash(Decimal(rate), Decimal(100), Decimal(price))


@given(multipliers, whole_cents, counts)
def test_at_whole_cents_the_most_is_near_what_one_fill_takes(percent, price, count):
    rate, price, count = (
        rate_of(multiplier=str(Decimal(percent) / 100)),
        Decimal(price) / 10_000,
        Decimal(count) / 100,
    )
    one_fill = -bid(count, price, rate).cash_change
    assert 0 <= max_cash(rate, count, price) - one_fill <= count * Decimal("0.0001") + Decimal("0.0001")


def test_the_highest_rate_is_known_only_if_every_schedule_is():
    plain, double = FeeSchedule(FeeType.QUADRATIC, Decimal(1)), FeeSchedule(FeeType.QUADRATIC, Decimal(2))
    makers = FeeSchedule(FeeType.QUADRATIC_WITH_MAKER_FEES, Decimal(1))
    assert highest_rate([plain, double, makers], is_taker=True) == Decimal("0.14")
    assert highest_rate([plain, double, makers], is_taker=False) == Decimal("0.0175")
    assert highest_rate([plain, FeeSchedule(FeeType.FLAT, Decimal(1))], is_taker=True) is None
    assert highest_rate([], is_taker=True) is None
