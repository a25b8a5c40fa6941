"""Tables: aligned numbers, and columns that do not fit."""

from __future__ import annotations

import pytest
from rich.text import Text
from screen_session import rendered

from kalshi_trading.ui import tables
from kalshi_trading.ui.formats import UNKNOWN


@pytest.mark.parametrize("header", ["Q", "A longer header"])
def test_decimal_points_of_a_column_align(header: str) -> None:
    cells = ["80.5", "1,200", UNKNOWN, "", "0.25"]
    table = tables.add_rows(tables.table_of((header, "right")), [[cell] for cell in cells])
    lines = rendered(table).splitlines()[3:8]
    assert [line.strip() for line in lines] == ["80.5", "1,200", UNKNOWN, "", "0.25"]
    (point,) = {line.index(".") for line in lines if "." in line}
    assert lines[1][:point].endswith("1,200")


def test_contracts_align_and_text_stays_unchanged() -> None:
    held = [cell.plain for cell in tables.aligned(["25 YES", "1,234.5 NO"])]
    assert held == ["   25   YES", "1,234.5 NO "]
    words = ["3 h 2 min", "4 d"]
    assert [cell.plain for cell in tables.aligned(words)] == words


def test_a_table_names_the_columns_it_has_no_room_for() -> None:
    columns = (
        tables.Column("Kept", 0, ["1"]),
        tables.Column("NO bid", 2, ["99¢"]),
        tables.Column("Placed", 1, ["Nov 21 12:00:00"]),
    )
    table = tables.FittingTable("Order", [Text("BUY 1 YES")], columns, 10)
    assert "Widen" not in rendered(table, 80)
    assert "Widen to see NO bid" in rendered(table, 44)
    narrow = rendered(table, 30)
    assert "Widen to see NO bid, placed" in narrow
    assert "…" not in narrow
