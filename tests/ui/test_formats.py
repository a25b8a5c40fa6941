"""Formats of numbers and times."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal as D

import pytest
from model_factory import NOW
from rich.text import Text
from screen_session import rendered

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


@pytest.mark.parametrize("header", ["Q", "A longer header"])
def test_decimal_points_of_a_column_stand_below_one_another(header: str) -> None:
    cells = ["80.5", "1,200", formats.UNKNOWN, "", "0.25"]
    table = formats.add_rows(formats.table_of((header, "right")), [[cell] for cell in cells])
    lines = rendered(table).splitlines()[3:8]
    assert [line.strip() for line in lines] == ["80.5", "1,200", formats.UNKNOWN, "", "0.25"]
    (point,) = {line.index(".") for line in lines if "." in line}
    assert lines[1][:point].endswith("1,200")


def test_contracts_and_sides_align_and_words_stay_as_they_are() -> None:
    held = [cell.plain for cell in formats.aligned(["25 YES", "1,234.5 NO"])]
    assert held == ["   25   YES", "1,234.5 NO "]
    words = ["3 h 2 min", "4 d"]
    assert [cell.plain for cell in formats.aligned(words)] == words


def test_the_side_of_an_order_is_coloured_and_no_other_word() -> None:
    text = formats.with_sides("BUY 10 YES KX-NO at 57¢ → 2.5 NO")
    assert [(text.plain[span.start : span.end], span.style) for span in text.spans] == [
        ("YES", "cyan"),
        ("NO", "magenta"),
    ]


def test_a_table_names_the_columns_it_has_no_room_for() -> None:
    columns = (
        formats.Column("Kept", 0, ["1"]),
        formats.Column("NO bid", 2, ["99¢"]),
        formats.Column("Placed", 1, ["Nov 21 12:00:00"]),
    )
    table = formats.FittingTable("Order", [Text("BUY 1 YES")], columns, 10)
    assert "Widen" not in rendered(table, 80)
    assert "Widen to see NO bid" in rendered(table, 44)
    narrow = rendered(table, 30)
    assert "Widen to see NO bid, placed" in narrow
    assert "…" not in narrow


def test_a_close_within_a_day_is_told_by_the_hour() -> None:
    soon, later = NOW + timedelta(hours=2), NOW + timedelta(days=18, hours=4)
    assert formats.closing(soon, NOW) == f"Closes {soon.astimezone():%H:%M} (2 h)"
    assert formats.closing(later, NOW) == f"Closes {later.astimezone():%b %d} (18 d 4 h)"
    assert formats.closing(NOW, NOW).startswith("Closed ")
