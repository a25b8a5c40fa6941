"""Test typed date ranges, in every zone and across clock changes."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from itertools import product

import pytest
from cases import naming
from hypothesis import given
from hypothesis import strategies as st

from kalshi_trading.core.dates import Period, parse_period
from kalshi_trading.core.errors import InvalidInputError

TODAY = date(2026, 11, 21)
ZONES = ("UTC", "America/New_York", "Asia/Kathmandu", "Pacific/Apia", "America/Santiago", "Africa/Cairo")


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("today", TODAY, TODAY),
        (" Yesterday ", date(2026, 11, 20), date(2026, 11, 20)),
        ("1d", TODAY, TODAY),
        ("7d", date(2026, 11, 15), TODAY),
        ("2026-11-01", date(2026, 11, 1), date(2026, 11, 1)),
        ("2026-11", date(2026, 11, 1), date(2026, 11, 30)),
        ("2028-02", date(2028, 2, 1), date(2028, 2, 29)),
        ("2026-12", date(2026, 12, 1), date(2026, 12, 31)),
        ("2026", date(2026, 1, 1), date(2026, 12, 31)),
        ("2026-11-01..2026-11-07", date(2026, 11, 1), date(2026, 11, 7)),
        ("2026-10 .. yesterday", date(2026, 10, 1), date(2026, 11, 20)),
        ("7d..yesterday", date(2026, 11, 15), date(2026, 11, 20)),
    ],
)
def test_a_period_is_what_a_person_means_by_it(text, first, last):
    assert parse_period(text, TODAY) == Period(first, last)


def refusal(text):
    """Return the error message for this text, empty for a valid period."""
    with naming(repr(text)):
        try:
            parse_period(text, TODAY)
        except InvalidInputError as error:
            return str(error)
    return ""


def test_anything_else_is_asked_again_with_examples():
    texts = [
        *("", "..", "tomorrow", "0d", "-1d", "d", "7 d", "１d", "2026-13", "2026-00", "2026-11-31"),
        *("2026-02-29", "26-11-01", "2026-1-1", "2026/11/01", "2026-11-01T00:00", "20261101", "0001-01-01"),
        *("9999-12-31", "٢٠٢٦", "2026-11..", "..today", "a..b", "today..yesterday", "1..2..3"),
        "2026-11-02..2026-11-01",
    ]
    wrong = [
        (text, said)
        for text in texts
        if not re.search("^Enter today, yesterday|earlier date", said := refusal(text))
    ]
    assert wrong == []


@given(text=st.text(max_size=24))
def test_no_text_at_all_does_more_than_be_refused(text):
    try:
        period = parse_period(text, TODAY)
    except InvalidInputError:
        return
    assert period.first <= period.last


@given(first=st.dates(date(2000, 1, 1), date(2100, 1, 1)), days=st.integers(0, 4000))
def test_what_a_period_says_of_itself_reads_back_as_itself(first, days):
    period = Period(first, first + timedelta(days=days))
    assert parse_period(str(period), TODAY) == period


DAYS = [date(2026, 3, 8), date(2026, 4, 24), date(2026, 9, 6), date(2026, 11, 1)]


@pytest.mark.parametrize("zone", ZONES)
def test_a_day_lasts_from_midnight_to_midnight_also_when_the_clocks_change(in_zone, zone):
    in_zone(zone)
    wrong = []
    for day in DAYS:
        period, before = Period(day, day), Period(day - timedelta(days=1), day - timedelta(days=1))
        if before.end != period.start:
            wrong.append(f"{before} ends at {before.end}, {day} starts at {period.start}")
        for (edge, opens), shift_us in product(((period.start, True), (period.end, False)), (-1, 0, 1)):
            at = (edge + timedelta(microseconds=shift_us)).astimezone(UTC)
            inside = opens if shift_us >= 0 else not opens
            if not period.contains(at) is inside is (period.start <= at < period.end):
                wrong.append(f"{day} holds {at}: {period.contains(at)}")
    assert wrong == []


def test_the_days_of_a_change_are_as_long_as_they_are(in_zone):
    in_zone("America/New_York")
    spring, autumn = Period(date(2026, 3, 8), date(2026, 3, 8)), Period(date(2026, 11, 1), date(2026, 11, 1))
    hours = [(each.end.astimezone(UTC) - each.start.astimezone(UTC)) for each in (spring, autumn)]
    assert hours == [timedelta(hours=23), timedelta(hours=25)]
    assert spring.contains(datetime(2026, 3, 9, 3, 59, tzinfo=UTC))
    assert not spring.contains(datetime(2026, 3, 9, 4, 0, tzinfo=UTC))
