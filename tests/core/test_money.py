"""Test number parsing, price grids, rounding, and exact text."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest
from cases import naming
from hypothesis import given
from hypothesis import strategies as st

from kalshi_trading.core.errors import InvalidInputError
from kalshi_trading.core.money import (
    CENT,
    PriceBand,
    PriceGrid,
    Rounding,
    cents_text,
    count_text,
    decimal_from_text,
    dollars_text,
    parse_count,
    parse_price,
    price_places,
    price_text,
    round_down,
    round_half_even,
    round_up,
)

NOT_NUMBERS = [
    *(
        "",
        " ",
        "nan",
        "NaN",
        "inf",
        "-inf",
        "Infinity",
        "1e3",
        "1E-2",
        "1_000",
        "0x10",
        "1,00",
        "2,5",
        "1,0000",
        ",100",
        "1.",
        ".5",
    ),
    *("5.", "١٢٣", "２", "²", "½", "--5", "+5", "5-", "1.2.3", "5 5", "5\x00", "$", "¢", "c", "1e999999999"),
    *("9" * 30, "0." + "1" * 30, "٠.٥٧", "0,57", "five"),
]
EVERY_PRICE = [Decimal(units) / 10_000 for units in range(1, 10_000)]

# Source: Kalshi API, price level structures: step below the low edge, between the edges, above; the edges.
STRUCTURES = {
    "linear_cent": (".01", ".01", ".01", None),
    "deci_cent": (".001", ".001", ".001", None),
    "tapered_deci_cent": (".001", ".01", ".001", (".10", ".90")),
    "center_whole_edge_half_cent": (".005", ".01", ".005", (".10", ".90")),
    "center_whole_edge_quint_cent": (".002", ".01", ".002", (".10", ".90")),
    "center_half_edge_half_cent": (".005", ".005", ".005", None),
    "center_half_edge_quint_cent": (".002", ".005", ".002", (".10", ".90")),
    "center_half_edge_deci_cent": (".001", ".005", ".001", (".10", ".90")),
    "center_quint_edge_quint_cent": (".002", ".002", ".002", None),
    "center_quint_edge_deci_cent": (".001", ".002", ".001", (".10", ".90")),
    "center_centi_edge_centi_cent": (".0001", ".0001", ".0001", None),
    "center_deci_edge_centi_cent": (".0001", ".001", ".0001", (".01", ".99")),
}


def grid_of(structure):
    low, centre, high, edges = STRUCTURES[structure]
    if edges is None:
        bands = [("0", "1", centre)]
    else:
        bands = [("0", edges[0], low), (edges[0], edges[1], centre), (edges[1], "1", high)]
    return PriceGrid(tuple(PriceBand(*map(Decimal, band)) for band in bands))


def valid_prices(structure):
    """Return all valid prices in ten-thousandths, counted band by band."""
    low, centre, high, edges = STRUCTURES[structure]
    bottom, top = (0, 10_000) if edges is None else (int(Decimal(edge) * 10_000) for edge in edges)
    steps = [int(Decimal(step) * 10_000) for step in (low, centre, high)]
    found = [
        *range(0, bottom + 1, steps[0]),
        *range(bottom, top + 1, steps[1]),
        *range(top, 10_001, steps[2]),
    ]
    return sorted(set(found) - {0, 10_000})


def outcome(parse, text):
    """Return the result of `parse`, or InvalidInputError if it raises that."""
    with naming(repr(text)):
        try:
            return parse(text)
        except InvalidInputError:
            return InvalidInputError


def test_what_is_not_a_price_is_refused():
    texts = [*NOT_NUMBERS, "-5", "0", "100", "0.00", "$1", "1.001", "57%", "57 cents"]
    assert [text for text in texts if outcome(parse_price, text) is not InvalidInputError] == []


def test_what_is_not_a_number_of_contracts_is_refused():
    texts = [*NOT_NUMBERS, "-5", "0", "0.00", "0.001", "1.234"]
    assert [text for text in texts if outcome(parse_count, text) is not InvalidInputError] == []


def test_what_is_not_plain_decimal_text_is_no_number():
    values = [*NOT_NUMBERS, 5, 5.0, True, None, Decimal(5), b"5", ["5"], " 5", "5\n"]
    assert [value for value in values if outcome(decimal_from_text, value) is not None] == []


@given(st.text())
def test_any_text_is_a_price_in_the_grammar_or_refused(text):
    try:
        price = parse_price(text)
    except InvalidInputError:
        return
    assert re.fullmatch(r"\$?[0-9]+(\.[0-9]+)?[ \t\n\r\f\v]?[c¢]?", text.strip())
    assert 0 < price < 1
    assert price == round_down(price, Decimal("0.0001"))


@given(st.one_of(st.text(), st.text(alphabet="0123456789.-e_ ²٣")))
def test_any_text_is_a_count_in_the_grammar_or_refused(text):
    try:
        count = parse_count(text)
    except InvalidInputError:
        return
    assert re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,2})?", text.strip())
    assert count == Decimal(text.strip()) > 0


@given(st.one_of(st.text(), st.text(alphabet="0123456789.-+e_ ²٣")))
def test_any_text_is_plain_decimal_text_or_no_number(text):
    number = decimal_from_text(text)
    in_grammar = re.fullmatch(r"-?[0-9]{1,18}(\.[0-9]{1,9})?", text) is not None
    assert (number is not None) is in_grammar
    if number is not None:
        assert number == Decimal(text)


def test_a_price_is_read_as_a_trader_types_it():
    prices = [
        *[("57", "0.57"), ("57c", "0.57"), ("57¢", "0.57"), ("57 ¢", "0.57"), ("0.57", "0.57")],
        *[("$0.57", "0.57"), (" 5 ", "0.05"), ("5.5", "0.055"), ("5.25c", "0.0525"), ("0.055", "0.055")],
        *[("0.0001", "0.0001"), ("0.01c", "0.0001"), ("99.99", "0.9999"), ("0.5", "0.5"), ("1", "0.01")],
    ]
    assert [(typed, price) for typed, price in prices if outcome(parse_price, typed) != Decimal(price)] == []


def test_every_price_is_written_in_cents_and_read_back_the_same():
    assert [parse_price(price_text(price)) for price in EVERY_PRICE] == EVERY_PRICE


def test_every_price_in_dollars_is_read_back_the_same():
    assert [parse_price(f"{price:.4f}") for price in EVERY_PRICE] == EVERY_PRICE
    assert [parse_price(dollars_text(price)) for price in EVERY_PRICE] == EVERY_PRICE


@given(st.integers(min_value=1, max_value=99_999_999_999))
def test_every_count_is_written_and_read_back_the_same(hundredths):
    count = Decimal(hundredths) / 100
    assert parse_count(count_text(count)) == count


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        *[("5.7", "$5.70"), ("-58.03", "−$58.03"), ("0.1593", "$0.1593"), ("1234567.5", "$1,234,567.50")],
        *[("0", "$0.00"), ("0E-6", "$0.00"), ("1E+3", "$1,000.00"), ("-0.000001", "−$0.000001")],
    ],
)
def test_dollars_are_written_without_losing_a_digit(amount, text):
    assert dollars_text(Decimal(amount)) == text


def test_a_gain_shows_its_sign_and_zero_has_none():
    assert dollars_text(Decimal("2.6"), signed=True) == "+$2.60"
    assert dollars_text(Decimal("-3.4"), signed=True) == "−$3.40"
    assert dollars_text(Decimal(0), signed=True) == "$0.00"


@pytest.mark.parametrize("structure", STRUCTURES)
def test_a_grid_holds_its_prices_and_no_others(structure):
    grid, valid = grid_of(structure), set(valid_prices(structure))
    assert {units for units in range(-5, 10_006) if grid.contains(Decimal(units) / 10_000)} == valid


@pytest.mark.parametrize("structure", STRUCTURES)
def test_the_neighbours_of_a_price_are_the_nearest_valid_ones(structure):
    grid, valid = grid_of(structure), [Decimal(units) / 10_000 for units in valid_prices(structure)]
    near_the_edges = [*range(300), *range(880, 1120), *range(8880, 9120), *range(9700, 10_001)]
    for price in (Decimal(units) / 10_000 for units in [*near_the_edges, *range(300, 9700, 13)]):
        assert grid.at_or_below(price) == max((found for found in valid if found <= price), default=None)
        assert grid.at_or_above(price) == min((found for found in valid if found >= price), default=None)


def test_a_band_that_starts_between_its_steps_loses_no_price_at_its_ends():
    grid = PriceGrid((PriceBand(Decimal("0.005"), Decimal(1), Decimal("0.01")),))
    assert grid.at_or_above(Decimal("0.001")) == Decimal("0.005")
    assert grid.at_or_below(Decimal("0.999")) == Decimal("0.995")


def test_a_market_without_price_bands_holds_nothing():
    grid = PriceGrid(())
    price = Decimal("0.5")
    assert (grid.contains(price), grid.at_or_below(price), grid.at_or_above(price)) == (False, None, None)


@given(
    st.decimals(min_value=-10_000, max_value=10_000, places=8),
    st.sampled_from(["0.000001", "0.0001", "0.01", "1"]),
)
def test_rounding_goes_the_way_its_name_says(amount, grain):
    grain = Decimal(grain)
    up, down, nearest = (
        round_up(amount, grain),
        round_down(amount, grain),
        round_half_even(amount, grain),
    )
    assert all(rounded % grain == 0 for rounded in (up, down, nearest))
    assert amount <= up < amount + grain
    assert amount - grain < down <= amount
    assert abs(amount - nearest) <= grain / 2
    assert nearest in (up, down)


@pytest.mark.parametrize(
    ("amount", "up", "down", "nearest"),
    [
        ("129879.4099", "$129,879.41", "$129,879.40", "$129,879.41"),
        ("0.1593", "$0.16", "$0.15", "$0.16"),
        ("-28.255", "−$28.25", "−$28.26", "−$28.26"),
        ("2.345", "$2.35", "$2.34", "$2.34"),
        ("0", "$0.00", "$0.00", "$0.00"),
        ("0.0017", "$0.0017", "$0.0017", "$0.0017"),
        ("-0.009999", "−$0.009999", "−$0.009999", "−$0.009999"),
    ],
)
def test_dollars_on_a_screen_are_cents_rounded_as_named(
    amount: str, up: str, down: str, nearest: str
) -> None:
    value = Decimal(amount)
    assert cents_text(value, round_up) == up
    assert cents_text(value, round_down) == down
    assert cents_text(value, round_half_even) == nearest


@given(st.decimals(-(10**7), 10**7, places=6), st.sampled_from([round_up, round_down, round_half_even]))
def test_no_amount_is_shown_as_zero_or_a_cent_off(amount: Decimal, rounding: Rounding) -> None:
    text = cents_text(amount, rounding)
    shown = Decimal(re.sub(r"[$,]", "", text).replace("−", "-"))
    assert (shown == 0) == (amount == 0)
    assert abs(shown - amount) < CENT
    if rounding is not round_half_even:
        assert (shown >= amount) if rounding is round_up else (shown <= amount)
    else:
        assert abs(shown - amount) <= CENT / 2


def test_prices_of_one_column_can_share_their_decimals() -> None:
    assert price_text(Decimal("0.57"), places=1) == "57.0¢"
    assert price_text(Decimal("0.055"), places=1) == "5.5¢"
    assert [price_places(Decimal(price)) for price in ("0.57", "0.055", "0.0001")] == [0, 1, 2]
