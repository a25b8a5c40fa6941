"""Test typed fields: nothing invented, every error named, text sanitized."""

from __future__ import annotations

import unicodedata
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial

import pytest
from cases import naming
from hypothesis import given
from hypothesis import strategies as st

from kalshi_trading.core.errors import InvalidInputError, MalformedAnswerError
from kalshi_trading.core.models import BookSide, OrderStatus
from kalshi_trading.core.text import sanitize
from kalshi_trading.core.tickers import validate_ticker
from kalshi_trading.exchange.endpoints import POSITIONS
from kalshi_trading.exchange.wire.fields import DecodeCache, Fields, decode_rows

GARBAGE = [12, 12.5, Decimal("12.5"), True, [], {}, "nan", "1e3", "1_000", "٥", "0x1", " 1", "1,0", "--1"]


def fields(**body):
    return Fields(body, "answer")


def not_refused(read, values):
    """Return values that `read` accepts, or rejects without the field name."""
    found = []
    for value in values:
        with naming(repr(value)):
            try:
                read(fields(part=value), "part")
            except MalformedAnswerError as error:
                if "answer.part is missing or malformed" in str(error):
                    continue
            found.append(value)
    return found


@pytest.mark.parametrize("body", [None, [], "text", 5, True])
def test_what_is_no_object_cannot_be_read(body):
    with pytest.raises(MalformedAnswerError, match="no readable order"):
        Fields(body, "order")


def test_money_that_is_not_plain_text_is_a_fault_with_its_name_and_never_zero():
    assert not_refused(Fields.decimal, [*GARBAGE, "", None]) == []


def test_optional_money_may_be_absent_but_not_garbled():
    assert fields().optional_decimal("fee") is None
    assert fields(fee=None).optional_decimal("fee") is None
    assert fields(fee="").optional_decimal("fee") is None
    assert not_refused(Fields.optional_decimal, GARBAGE) == []


@pytest.mark.parametrize(("text", "quote"), [("0.0000", None), ("1.0000", None), ("0.0100", "0.01")])
def test_zero_and_one_are_no_quotes(text, quote):
    assert fields(bid=text).quote("bid") == (None if quote is None else Decimal(quote))


def test_a_missing_quote_is_a_fault_and_not_an_empty_side():
    with pytest.raises(MalformedAnswerError, match=r"answer\.bid"):
        fields().quote("bid")


def test_cents_are_whole_json_numbers_only():
    assert fields(revenue=600).cents("revenue") == Decimal("6.00")
    assert fields(revenue=0).cents("revenue") == 0
    assert not_refused(Fields.cents, ["600", 6.0, Decimal(6), True, None]) == []


def test_a_multiplier_is_a_json_number_read_exactly():
    assert fields(m=Decimal("0.5")).number("m") == Decimal("0.5")
    assert fields(m=1).number("m") == 1
    assert not_refused(Fields.number, ["1", 0.5, True, Decimal("NaN"), Decimal("Infinity"), None]) == []


def test_a_flag_is_true_or_false_and_nothing_like_it():
    assert not_refused(Fields.flag, [0, 1, "true", None]) == []


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-21T14:41:12.502117Z", datetime(2026, 11, 21, 14, 41, 12, 502117, UTC)),
        ("2026-11-21T14:41:12Z", datetime(2026, 11, 21, 14, 41, 12, tzinfo=UTC)),
        ("2026-11-21t14:41:12.5z", datetime(2026, 11, 21, 14, 41, 12, 500000, UTC)),
        ("2026-11-21T09:41:12.123456789-05:00", datetime(2026, 11, 21, 14, 41, 12, 123456, UTC)),
    ],
)
def test_a_time_is_read_in_utc(text, moment):
    assert fields(at=text).moment("at") == moment
    assert fields(at=text).moment("at").tzinfo is UTC


def test_a_time_that_cannot_be_placed_is_a_fault():
    times = [
        "2026-11-21",
        "2026-11-21T14:41:12",
        "2026-13-01T00:00:00Z",
        "yesterday",
        "",
        1795271405,
        None,
        "0001-01-01T00:00:00+14:00",
        "٢٠٢٦-11-21T14:41:12Z",
        "2026-11-21T14:41:12+99:99",
        "2026-11-21T25:00:00Z",
    ]
    assert not_refused(Fields.moment, times) == []


NEVER = ["0001-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "1969-12-31T23:59:59Z", "9999-12-31T23:59:59Z"]


def test_a_time_that_was_never_set_is_none_where_it_may_be_missing_and_else_a_fault():
    assert [value for value in NEVER if fields(at=value).optional_moment("at") is not None] == []
    assert not_refused(Fields.moment, NEVER) == []
    assert not_refused(Fields.optional_moment, ["yesterday"]) == []


def test_unix_seconds_before_1970_or_after_8999_are_a_fault():
    assert not_refused(Fields.moment_s, [-1, -62_135_596_800, 221_845_392_000]) == []


def test_seconds_and_milliseconds_are_not_mixed_up():
    assert fields(at=1795271405).moment_s("at") == datetime(2026, 11, 21, 14, 30, 5, tzinfo=UTC)
    assert fields(at=1795271405165).moment_ms("at") == datetime(2026, 11, 21, 14, 30, 5, 165000, UTC)


@pytest.mark.parametrize("read", [Fields.moment_s, Fields.moment_ms])
def test_a_unix_time_out_of_this_world_is_a_fault(read):
    assert not_refused(read, [10**40, -(10**40), "1795271405", 1.5, True, None]) == []


def test_a_new_value_of_an_open_enum_is_unknown():
    status = fields(status="half_baked").open_enum("status", OrderStatus, OrderStatus.UNKNOWN)
    assert status is OrderStatus.UNKNOWN


def test_a_missing_value_is_a_fault_even_in_an_open_enum():
    read = partial(Fields.open_enum, members=OrderStatus, unknown=OrderStatus.UNKNOWN)
    assert not_refused(read, [None, 5, ["resting"]]) == []


def test_a_direction_that_is_not_one_of_two_is_a_fault():
    read = partial(Fields.enum, members=BookSide)
    assert not_refused(read, ["BID", "buy", "", "bid ", None, 5]) == []


def test_a_garbled_book_level_spoils_the_book():
    levels = [[["0.5"]], [["0.5", "1", "2"]], [[0.5, "1"]], [["0.5", 1]], [["0.5", None]], ["0.5"]]
    assert not_refused(Fields.pairs, [None, {}, "x", *levels]) == []


def test_a_fault_inside_a_list_says_in_which_row():
    rows = fields(fills=[{"count": "1.00"}, {"count": 2}]).rows("fills")
    with pytest.raises(MalformedAnswerError, match=r"answer\.fills\[1\]\.count"):
        rows[1].decimal("count")


@pytest.mark.parametrize("rows", [None, {}, "x", 5])
def test_a_list_of_rows_that_is_none_is_a_fault(rows):
    with pytest.raises(MalformedAnswerError):
        fields(fills=rows).rows("fills")


def test_a_row_that_is_no_object_lacks_every_field():
    rows = fields(fills=[5, None, {"count": "1.00"}]).rows("fills")
    decoded = decode_rows(rows, lambda row: row.decimal("count"))
    assert decoded.items == (Decimal("1.00"),)
    assert "2 rows could not be read" in decoded.incomplete
    assert "answer.fills[0].count" in decoded.incomplete


def test_an_identifier_cannot_carry_anything_but_an_identifier():
    values = ["", "a b", "x" * 129, "a\n", "../x", "a/b", "é", "\x1b[2J", None, 5]
    assert not_refused(Fields.identifier, values) == []


HOSTILE = {
    "clears the screen": "\x1b[2J",
    "sets the title": "\x1b]0;owned\x07",
    "links away": "\x1b]8;;http://evil\x1b\\click\x1b]8;;\x1b\\",
    "C1 control sequence": "\x9b2J",
    "C1 string": "\x90payload\x9c",
    "right to left": "abc\u202edcba",
    "isolates": "\u2066x\u2069",
    "mark": "a\u200fb\u061c",
    "zero width": "pay\u200bpal\u200d\ufeff",
    "soft hyphen": "a\u00adb",
    "line separators": "a\u2028b\u2029c",
    "null and delete": "a\x00b\x7f",
    "backspace and bell": "a\x08\x07",
    "private use": "\ue000",
    "lone surrogate": "\ud800",
}


def is_harmless(text):
    return not any(unicodedata.category(c) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp") for c in text)


def test_text_that_would_act_on_a_terminal_is_made_harmless():
    wrong = []
    for name, text in HOSTILE.items():
        row = fields(title=text, tags=[text])
        read = (sanitize(text), row.text("title"), *row.texts("tags"))
        if not all(map(is_harmless, read)):
            wrong.append((name, read))
    assert wrong == []


def test_an_escape_stays_visible():
    assert sanitize("a\x1b[2Jb") == "a␛[2Jb"
    assert sanitize("two\nlines\tand\r") == "two lines and "


@given(st.text(alphabet=st.characters()))
def test_any_text_is_harmless_after_arrival_and_harmless_text_is_left_alone(text):
    safe = sanitize(text)
    assert is_harmless(safe)
    assert sanitize(safe) == safe


@pytest.mark.parametrize("text", ["46° to 47°", "Zürich ≥ 5 %", "日本", "50¢ – $1", "[bold]x[/bold] :100:"])
def test_ordinary_text_arrives_as_it_is(text):
    assert sanitize(text) == text


@pytest.mark.parametrize("typed", ["KXHIGHNY-26NOV21-B46.5", " kxhighny-26nov21-b46.5 "])
def test_a_ticker_is_taken_in_any_case(typed):
    assert validate_ticker(typed) == "KXHIGHNY-26NOV21-B46.5"


def is_ticker(typed):
    try:
        validate_ticker(typed)
    except InvalidInputError:
        return False
    return True


def test_what_is_not_a_ticker_is_refused():
    texts = [
        "",
        " ",
        "../x",
        "A/B",
        "A%2e%2e",
        "A\x00",
        "A B",
        "ＫＸ",
        "Ä",
        "-A",
        ".A",
        "_A",
        "A" * 129,
        "A" * 10000,
        "KX\n1",
        "ſ",
        "ı",
        "A\u200b",
        "a'b",
        'a"b',
        "A?x=1",
        "A#",
        "A\\B",
        "A\x1b[2J",
    ]
    assert [typed for typed in texts if is_ticker(typed)] == []


@given(st.text())
def test_no_text_becomes_anything_but_a_ticker(text):
    try:
        ticker = validate_ticker(text)
    except InvalidInputError:
        return
    assert ticker.isascii()
    assert set(ticker) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")
    assert ticker[0].isalnum()


# --- Repeated rows -------------------------------------------------------------------------------


def test_a_row_that_comes_again_word_for_word_is_not_decoded_again():
    decoded = []

    def decode(row):
        decoded.append(row.text("name"))
        return object()

    reading = DecodeCache(decode, "name", most=2)
    first = reading(fields(name="a", price="0.50"))
    assert reading(fields(name="a", price="0.50")) is first
    changed = reading(fields(name="a", price="0.51"))
    assert changed is not first
    assert reading(fields(name="a", price="0.51")) is changed
    assert decoded == ["a", "a"]


def test_only_so_many_rows_are_remembered():
    reading = DecodeCache(lambda row: object(), "name", most=2)
    first = reading(fields(name="a"))
    for name in "bcde":
        reading(fields(name=name))
    assert reading(fields(name="a")) is not first


@given(rows=st.integers(1, 30), readings=st.integers(2, 4))
def test_a_list_as_long_as_what_is_remembered_is_decoded_once(rows, readings):
    decoded = []

    def decode(row):
        decoded.append(row)
        return row

    reading = DecodeCache(decode, "name", most=30)
    for _ in range(7):
        reading(fields(name="another list"))
    for _ in range(readings):
        for number in range(rows):
            reading(fields(name=str(number)))
    assert len(decoded) == 1 + rows


def test_the_rows_of_three_thousand_positions_are_decoded_once():
    wire_row = {"position_fp": "1.00", "market_exposure_dollars": "0.50", "realized_pnl_dollars": "0"}
    wire_row |= {"fees_paid_dollars": "0", "total_traded_dollars": "0.50"}
    wire_row |= {"last_updated_ts": "2026-11-21T14:00:00Z"}
    rows = [fields(ticker=f"KX-{number}", **wire_row) for number in range(3000)]
    first = [POSITIONS.decode(row) for row in rows]
    assert all(POSITIONS.decode(row) is model for row, model in zip(rows, first, strict=True))


def test_a_row_without_a_name_is_decoded_each_time():
    reading = DecodeCache(lambda row: object(), "name")
    assert reading(fields(price="0.50")) is not reading(fields(price="0.50"))
    assert reading(fields(name=["a"])) is not reading(fields(name=["a"]))


def test_a_row_that_cannot_be_read_is_no_row_the_next_time_either():
    reading = DecodeCache(lambda row: row.decimal("price"), "name")
    for _ in range(2):
        with pytest.raises(MalformedAnswerError):
            reading(fields(name="a", price=None))
