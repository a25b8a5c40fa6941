from __future__ import annotations

import itertools

import pytest

from kalshi_trading.practice.engine import price_grids

# name, step below the low edge, in the center, above the high edge (ten-thousandths), edges
STRUCTURES = [
    ("linear_cent", 100, 100, 100, None),
    ("deci_cent", 10, 10, 10, None),
    ("tapered_deci_cent", 10, 100, 10, (1_000, 9_000)),
    ("center_whole_edge_half_cent", 50, 100, 50, (1_000, 9_000)),
    ("center_whole_edge_quint_cent", 20, 100, 20, (1_000, 9_000)),
    ("center_half_edge_half_cent", 50, 50, 50, None),
    ("center_half_edge_quint_cent", 20, 50, 20, (1_000, 9_000)),
    ("center_half_edge_deci_cent", 10, 50, 10, (1_000, 9_000)),
    ("center_quint_edge_quint_cent", 20, 20, 20, None),
    ("center_quint_edge_deci_cent", 10, 20, 10, (1_000, 9_000)),
    ("center_centi_edge_centi_cent", 1, 1, 1, None),
    ("center_deci_edge_centi_cent", 1, 10, 1, (100, 9_900)),
]


@pytest.mark.parametrize(("name", "low", "centre", "high", "edges"), STRUCTURES)
def test_every_price_of_a_structure_is_valid_exactly_where_its_table_row_says(
    name: str, low: int, centre: int, high: int, edges: tuple[int, int] | None
) -> None:
    low_edge, high_edge = edges or (0, 10_000)
    wrong = []
    for price in range(-1, 10_002):
        step = low if price < low_edge else high if price > high_edge else centre
        if price_grids.is_on_grid(name, price) != (0 < price < 10_000 and price % step == 0):
            wrong.append(price)
    assert wrong == []


def test_bands_cover_zero_to_one_without_a_gap() -> None:
    wrong = {}
    for name, *_ in STRUCTURES:
        edges = [edge for band in price_grids.bands(name) for edge in (band.start, band.end)]
        if edges[0] != 0 or edges[-1] != 10_000 or edges[1:-1:2] != edges[2:-1:2]:
            wrong[name] = edges
    assert wrong == {}


def test_whole_cents_are_valid_in_every_structure() -> None:
    cents = itertools.product([row[0] for row in STRUCTURES], range(100, 10_000, 100))
    assert [(name, price) for name, price in cents if not price_grids.is_on_grid(name, price)] == []


def test_an_unknown_structure_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        price_grids.bands("cent_of_a_kind")
