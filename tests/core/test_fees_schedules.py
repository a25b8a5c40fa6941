"""Test a market's fee schedule over time, with an hourly comparison.

Covers series, override, announced changes and waiver.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal as D

import pytest
from hypothesis import given
from hypothesis import strategies as st
from model_factory import MARKET, NOW, QUADRATIC

from kalshi_trading.core.fees import FeeTerms, schedule_at, schedules_to_come
from kalshi_trading.core.market_models import FeeChange, FeeSchedule, FeeType

HOUR = timedelta(hours=1)
MAKERS = FeeType.QUADRATIC_WITH_MAKER_FEES
COMBO = FeeType.QUADRATIC_WITH_COMBO_MAKER_FEES


def change(hours, fee_type, multiplier):
    return FeeChange("KX", fee_type, None if multiplier is None else D(multiplier), NOW + hours * HOUR)


def applies(hours, market=MARKET, **terms):
    return schedule_at(FeeTerms(QUADRATIC, **terms), market, NOW + hours * HOUR)


def test_without_overrides_and_changes_the_series_applies():
    assert applies(0) == QUADRATIC


@pytest.mark.parametrize(
    ("override_type", "multiplier", "expected"),
    [
        (MAKERS, None, FeeSchedule(MAKERS, D(1))),
        (None, D(0), FeeSchedule(FeeType.QUADRATIC, D(0))),
        (MAKERS, D("0.5"), FeeSchedule(MAKERS, D("0.5"))),
    ],
)
def test_what_the_event_says_wins_and_zero_is_a_multiplier(override_type, multiplier, expected):
    assert applies(0, override_type=override_type, override_multiplier=multiplier) == expected


def test_a_change_of_the_series_applies_from_its_moment_on_whatever_the_order_of_the_list():
    changes = (change(5, COMBO, 3), change(2, MAKERS, 2))
    found = [applies(hours, series_changes=changes) for hours in (1.99, 2, 4, 5)]
    assert [each.multiplier for each in found] == [1, 2, 2, 3]
    assert found[-1].fee_type is COMBO


def test_a_change_of_the_event_can_end_its_override():
    terms = {"override_type": MAKERS, "override_multiplier": D(9), "event_changes": (change(1, None, None),)}
    assert applies(0, **terms) == FeeSchedule(MAKERS, D(9))
    assert applies(1, **terms) == QUADRATIC


def test_a_waiver_takes_all_until_it_ends():
    waived = replace(MARKET, fee_waiver_until=NOW + HOUR)
    terms = {"override_multiplier": D(9)}
    assert [applies(hours, waived, **terms).multiplier for hours in (0, 0.99, 1)] == [0, 0, 9]


@pytest.mark.parametrize(("after_close_s", "comes"), [(-1, True), (0, True), (1, False)])
def test_what_comes_after_the_close_meets_no_order(after_close_s, comes):
    end = MARKET.close_at + timedelta(seconds=after_close_s)
    terms = FeeTerms(QUADRATIC, series_changes=(FeeChange("KX", MAKERS, D(2), end),))
    assert bool(schedules_to_come(terms, MARKET, NOW)) is comes
    waived = replace(MARKET, fee_waiver_until=end)
    assert schedules_to_come(FeeTerms(QUADRATIC), waived, NOW) == ((QUADRATIC,) if comes else ())


def test_what_has_happened_is_not_to_come():
    terms = FeeTerms(QUADRATIC, series_changes=(change(-1, MAKERS, 2), change(0, COMBO, 3)))
    assert schedules_to_come(terms, MARKET, NOW) == ()
    assert schedule_at(terms, MARKET, NOW) == FeeSchedule(COMBO, D(3))


multipliers = st.integers(min_value=0, max_value=4)
kinds = st.sampled_from([FeeType.QUADRATIC, MAKERS, COMBO])
hours = st.integers(min_value=-3, max_value=15)
series_changes = st.lists(st.builds(change, hours, kinds, multipliers), max_size=4)
event_changes = st.lists(st.builds(change, hours, st.none() | kinds, st.none() | multipliers), max_size=4)


@given(series_changes, event_changes, st.none() | kinds, st.none() | hours)
def test_no_schedule_that_an_order_can_meet_is_left_out(series, event, override, waiver):
    """An hourly check until the close finds exactly the listed schedules."""
    terms = FeeTerms(QUADRATIC, override, None, tuple(series), tuple(event))
    market = replace(MARKET, fee_waiver_until=None if waiver is None else NOW + waiver * HOUR)
    until_close = int((MARKET.close_at - NOW) / HOUR)
    met = [schedule_at(terms, market, NOW + hour * HOUR) for hour in range(until_close + 1)]
    named = {met[0], *schedules_to_come(terms, market, NOW)}
    assert named == set(met)
