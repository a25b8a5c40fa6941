"""Formats of numbers and times."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal as D

import pytest
from model_factory import NOW

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
