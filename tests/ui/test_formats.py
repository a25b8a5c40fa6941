"""Formats of numbers and times."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal as D

import pytest
from market_factory import market
from model_factory import NOW

from kalshi_trading.core.money import round_down
from kalshi_trading.ui import formats


def test_gains_and_losses_carry_their_sign_in_text() -> None:
    assert formats.pnl_text(D("1.5")).plain == "+$1.50"
    assert formats.pnl_text(D("-1.5")).plain == "−$1.50"
    assert formats.pnl_text(D("0")).plain == "$0.00"
    assert formats.pnl_text(None).plain == formats.UNKNOWN


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-1, "closed"),
        (0, "closed"),
        (59, "59 s"),
        (3600, "1 h"),
        (3660, "1 h 1 min"),
        (1_568_400, "18 d 3 h"),
    ],
)
def test_time_left_is_written_in_its_two_largest_units(seconds: int, text: str) -> None:
    assert formats.time_left(NOW + timedelta(seconds=seconds), NOW) == text


def test_times_are_shown_in_the_users_zone_with_its_offset() -> None:
    at = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
    assert formats.time_zone(at).startswith("UTC")
    assert formats.timestamp(at, at) == f"{at.astimezone():%b %d %H:%M:%S}"


def test_dollars_go_to_the_safe_side() -> None:
    amount = D("9842.8322")
    assert formats.at_least(amount) == formats.dollars(amount) == "$9,842.83"
    assert formats.at_most(amount) == "$9,842.84"
    assert formats.at_most(D("0.0017")) == formats.at_least(D("0.0017")) == "$0.0017"
    assert formats.at_most(None) == formats.at_least(None) == formats.dollars(None) == formats.UNKNOWN
    assert (formats.limit(D(1000)), formats.limit(D("2.5"))) == ("$1,000", "$2.50")


def test_a_difference_below_a_cent_does_not_vanish() -> None:
    assert formats.two_dollars(D("1.5"), D("2.123")) == ("$1.50", "$2.12")
    assert formats.two_dollars(D("1.501"), D("1.502")) == ("$1.5010", "$1.5020")
    assert formats.two_dollars(D("1.501"), D("1.501")) == ("$1.50", "$1.50")


def test_the_side_of_an_order_is_coloured_and_no_other_word() -> None:
    text = formats.with_sides("BUY 10 YES KX-NO at 57¢ → 2.5 NO")
    assert [(text.plain[span.start : span.end], span.style) for span in text.spans] == [
        ("YES", "cyan"),
        ("NO", "magenta"),
    ]


def test_a_close_within_a_day_shows_the_hour() -> None:
    soon, later = NOW + timedelta(hours=2), NOW + timedelta(days=18, hours=4)
    assert formats.closing(market(close_at=soon), NOW) == f"Closes {soon.astimezone():%H:%M} (2 h)"
    assert formats.closing(market(close_at=later), NOW) == f"Closes {later.astimezone():%b %d} (18 d 4 h)"
    assert formats.closing(market(close_at=NOW), NOW).startswith("Closed ")


@pytest.mark.parametrize(
    ("changes", "shown", "left"),
    [
        ({"expected_expiration_at": NOW + timedelta(days=5)}, "Expected end {:%b %d} (5 d)", "~5 d"),
        ({"occurs_at": NOW + timedelta(days=5)}, "Expected end {:%b %d} (5 d)", "~5 d"),
        (
            {"expected_expiration_at": NOW + timedelta(days=5), "occurs_at": NOW + timedelta(days=1)},
            "Expected end {:%b %d} (5 d)",
            "~5 d",
        ),
        ({"expected_expiration_at": NOW + timedelta(days=5), "can_close_early": False}, None, "18 d"),
        ({"expected_expiration_at": NOW - timedelta(days=5)}, None, "18 d"),
        ({"expected_expiration_at": NOW + timedelta(days=19)}, None, "18 d"),
    ],
)
def test_an_expected_end_is_shown_where_it_comes_before_the_close(changes, shown, left) -> None:
    close, end = NOW + timedelta(days=18), NOW + timedelta(days=5)
    row = market(close_at=close, **changes)
    expected = (
        f"Closes {close.astimezone():%b %d} (18 d)" if shown is None else shown.format(end.astimezone())
    )
    assert (formats.closing(row, NOW), formats.time_to_end(row, NOW)) == (expected, left)


def test_a_column_misses_its_total_by_no_more_than_a_cent():
    rows = [D("0.0150")] * 21
    shown = formats.amounts_with_total([*rows, sum(rows)])
    assert (shown[0], shown[-1]) == ("$0.0150", "$0.3150")
    assert formats.amounts_with_total([D("0.155"), D("0.135"), D("0.29")]) == ["$0.16", "$0.14", "$0.29"]
    colored = formats.pnl_with_total([D("-0.0150")] * 3 + [D("-0.0450")])
    assert [(each.plain, each.style) for each in colored[-2:]] == [("−$0.0150", "red"), ("−$0.0450", "red")]


def test_profit_either_way_is_never_shown_better_than_it_is():
    assert formats.pnl_text(D("-0.0321"), round_down).plain == "−$0.04"
    assert formats.pnl_text(D("0.0379"), round_down).plain == "+$0.03"
