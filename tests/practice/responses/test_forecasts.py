"""The distribution behind forecast percentiles."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from itertools import pairwise

from engine_world import market
from hypothesis import given
from hypothesis import strategies as st

from kalshi_trading.practice.records import Event, Market
from kalshi_trading.practice.responses.forecasts import distribution, quantile


def struck(*, floor: int | None = None, cap: int | None = None) -> Market:
    strikes = [None if level is None else str(level) for level in (floor, cap)]
    return replace(market(f"{floor}-{cap}"), floor_strike=strikes[0], cap_strike=strikes[1])


def event(*, exclusive: bool) -> Event:
    return Event("KXRAIN-26NOV21", "KXRAIN", "Rain", "", exclusive, None, 0)


def test_quantiles_lie_on_straight_lines_between_the_strikes() -> None:
    levels = [struck(floor=level) for level in (10, 20)]
    points = distribution(event(exclusive=False), list(zip(levels, (7500, 2500), strict=True)))
    assert points == [(Decimal(0), 0), (Decimal(10), 2500), (Decimal(20), 7500), (Decimal(30), 10_000)]
    assert [quantile(points, chance) for chance in (0, 1250, 2500, 5000, 8750, 10_000)] == [
        0,
        5,
        10,
        15,
        25,
        30,
    ]


def test_bands_that_exclude_each_other_add_up() -> None:
    bands = [
        struck(cap=10),
        struck(floor=10, cap=20),
        struck(floor=20),
    ]
    points = distribution(event(exclusive=True), list(zip(bands, (2000, 5000, 3000), strict=True)))
    assert points == [(Decimal(0), 0), (Decimal(10), 2000), (Decimal(20), 7000), (Decimal(30), 10_000)]


@given(st.lists(st.integers(0, 10_000), min_size=1, max_size=12), st.booleans(), st.data())
def test_any_values_make_ascending_quantiles_within_one_step_of_the_strikes(
    values: list[int], exclusive: bool, data: st.DataObject
) -> None:
    levels = range(5, 5 * len(values) + 5, 5)
    markets = [struck(floor=level, cap=level) for level in levels]
    if exclusive and len(values) < 2:
        return
    points = distribution(event(exclusive=exclusive), list(zip(markets, values, strict=True)))
    assert all(low[0] < high[0] and low[1] <= high[1] for low, high in pairwise(points))
    chances = sorted(data.draw(st.lists(st.integers(0, 9_999), min_size=2, max_size=5)))
    found = [quantile(points, chance) for chance in chances]
    assert all(low <= high for low, high in pairwise(found))
    assert points[0][0] <= found[0] <= found[-1] <= points[-1][0]
