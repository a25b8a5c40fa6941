"""Test selling a whole position into the book, by level, after fees."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal as D

from hypothesis import given
from hypothesis import strategies as st
from model_factory import BOOK, QUADRATIC

from kalshi_trading.core.fees import fee_of_fill
from kalshi_trading.core.market_models import BookLevel, FeeSchedule, FeeType
from kalshi_trading.core.valuation import liquidate


def test_yes_is_sold_to_the_bids_for_yes_best_first():
    sale = liquidate(D(200), BOOK, QUADRATIC)  # bids: 120 at 63¢, 310 at 62¢
    assert sale.proceeds == 120 * D("0.63") + 80 * D("0.62")
    assert sale.unsold == 0
    # 0.07 · 120 · 0.63 · 0.37 = 1.95804 and 0.07 · 80 · 0.62 · 0.38 = 1.31936; their total is exact
    assert sale.fees == D("1.9581") + D("1.3193")
    assert sale.value == sale.proceeds - sale.fees


def test_no_is_sold_to_the_bids_for_no():
    sale = liquidate(D(-100), BOOK, QUADRATIC)
    assert sale.proceeds == D("80.5") * D("0.35") + D("19.5") * D("0.34")
    assert sale.average_price == D("0.3480")  # 0.34805, to a hundredth of a cent


def test_what_finds_no_buyer_brings_nothing_and_is_named():
    sale = liquidate(D(1000), BOOK, QUADRATIC)
    assert sale.unsold == 1000 - 450
    assert sale.proceeds == 120 * D("0.63") + 310 * D("0.62") + 20 * D("0.55")
    empty = liquidate(D(5), replace(BOOK, yes_bids=()), QUADRATIC)
    assert (empty.unsold, empty.proceeds, empty.value, empty.average_price) == (5, 0, 0, None)


def test_without_a_known_schedule_the_fees_are_unknown_and_not_zero():
    for schedule in (None, FeeSchedule(FeeType.FLAT, D(1)), FeeSchedule(FeeType.UNKNOWN, D(1))):
        sale = liquidate(D(10), BOOK, schedule)
        assert (sale.fees, sale.value) == (None, None)
        assert sale.proceeds == D("6.30")


levels = st.lists(
    st.tuples(st.integers(1, 99), st.integers(1, 90_000)),
    min_size=1,
    max_size=6,
    unique_by=lambda level: level[0],
).map(lambda rows: tuple(BookLevel(D(p) / 100, D(c) / 100) for p, c in sorted(rows, reverse=True)))


@given(levels, st.integers(1, 200_000))
def test_the_sale_is_what_one_order_would_bring_fill_by_fill(bids, hundredths):
    count = D(hundredths) / 100
    sale = liquidate(count, replace(BOOK, yes_bids=bids), QUADRATIC)
    cash = accumulator = D(0)
    left = count
    for level in bids:
        taken = min(left, level.count)
        if taken:
            fill = fee_of_fill(
                D("0.07"), taken, level.price, revenue=taken * level.price, accumulator=accumulator
            )
            cash, accumulator, left = cash + fill.cash_change, fill.accumulator, left - taken
    assert (sale.value, sale.unsold) == (cash, left)
