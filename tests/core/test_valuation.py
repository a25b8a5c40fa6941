"""Test the worst case of positions and resting orders by full search."""

from __future__ import annotations

from decimal import Decimal as D
from itertools import chain, combinations, product

from hypothesis import given
from hypothesis import strategies as st

from kalshi_trading.core.models import BookSide
from kalshi_trading.core.valuation import (
    Exposure,
    OpenSize,
    event_exposure,
    market_exposure,
    resting_collateral,
)

BID, ASK = BookSide.BID, BookSide.ASK

sizes = st.lists(
    st.builds(
        OpenSize,
        st.sampled_from(BookSide),
        st.integers(1, 9_999).map(lambda price: D(price) / 10_000),
        st.integers(1, 50_000).map(lambda count: D(count) / 100),
    ),
    max_size=5,
)
holdings = st.tuples(st.integers(-500, 500), st.integers(0, 99)).map(
    lambda held: (D(held[0]), abs(D(held[0])) * held[1] / 100)
)


def subsets(rows):
    return chain.from_iterable(combinations(rows, size) for size in range(len(rows) + 1))


def loss(held, filled, *, ends_yes):
    """Return the loss if these orders fill and the market settles."""
    net, cost = held
    value = D(ends_yes)
    gain = (net * value if net >= 0 else -net * (1 - value)) - cost
    for order in filled:
        gain += order.count * (value - order.yes_price) * (1 if order.book_side is BID else -1)
    return -gain


def worst_over_fills(held, orders, *, ends_yes):
    return max(loss(held, filled, ends_yes=ends_yes) for filled in subsets(orders))


@given(holdings, sizes)
def test_each_result_is_the_worst_over_everything_that_may_fill(held, orders):
    exposure = market_exposure(*held, orders)
    assert exposure.if_yes == worst_over_fills(held, orders, ends_yes=True)
    assert exposure.if_no == worst_over_fills(held, orders, ends_yes=False)
    assert exposure.worst == max(0, exposure.if_yes, exposure.if_no)


@given(st.lists(st.tuples(holdings, sizes.map(lambda orders: orders[:2])), min_size=1, max_size=3))
def test_of_exclusive_markets_at_most_one_ends_yes(markets):
    exposures = [market_exposure(*held, orders) for held, orders in markets]
    results = [ends for ends in product((True, False), repeat=len(markets)) if sum(ends) <= 1]
    worst = max(
        sum(
            worst_over_fills(held, orders, ends_yes=ends_yes)
            for (held, orders), ends_yes in zip(markets, ends, strict=True)
        )
        for ends in results
    )
    assert event_exposure(exposures, mutually_exclusive=True) == max(0, worst)
    assert event_exposure(exposures, mutually_exclusive=False) == sum(row.worst for row in exposures)


def test_yes_in_two_exclusive_markets_cannot_both_win_but_can_both_lose():
    both_yes = [Exposure(if_yes=D(-6), if_no=D(4)), Exposure(if_yes=D(-3), if_no=D(7))]
    assert event_exposure(both_yes, mutually_exclusive=True) == 11
    both_no = [Exposure(if_yes=D(6), if_no=D(-4)), Exposure(if_yes=D(3), if_no=D(-7))]
    assert event_exposure(both_no, mutually_exclusive=True) == 0  # either winner makes the other pay more
    assert event_exposure(both_no, mutually_exclusive=False) == 9


def test_nothing_held_and_nothing_resting_can_lose_nothing():
    assert market_exposure(D(0), D(0), ()) == Exposure(D(0), D(0))
    assert event_exposure((), mutually_exclusive=True) == 0


def test_an_order_that_closes_holds_no_cash_and_the_rest_of_it_does():
    sale = OpenSize(ASK, D("0.65"), D(15))
    assert resting_collateral(D(15), [sale]) == 0
    assert resting_collateral(D(10), [sale]) == 5 * D("0.35")
    assert resting_collateral(D(-10), [sale]) == 15 * D("0.35")


def test_of_several_closing_orders_the_most_expensive_count_as_opening():
    bids = [OpenSize(BID, D("0.20"), D(5)), OpenSize(BID, D("0.90"), D(5))]
    assert resting_collateral(D(-6), bids) == 4 * D("0.90")
