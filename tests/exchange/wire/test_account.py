"""Test JSON of orders and answers: valid, incomplete, malformed, extended."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from itertools import product
from typing import Any
from unittest.mock import sentinel

import pytest
from api_examples import EXACT
from cases import naming
from hypothesis import given
from hypothesis import strategies as st

from kalshi_trading.core.errors import MalformedAnswerError
from kalshi_trading.core.market_models import BookLevel, FeeType, MarketStatus
from kalshi_trading.core.models import (
    Action,
    BookSide,
    MarketResult,
    OrderRequest,
    OrderStatus,
    SelfTradePrevention,
    Side,
    TimeInForce,
)
from kalshi_trading.exchange.wire import account as account_wire
from kalshi_trading.exchange.wire import markets as market_wire
from kalshi_trading.exchange.wire.fields import Fields

TICKER = "KXHIGHNY-26NOV21-B46.5"
AT = datetime(2026, 11, 21, 14, 50, tzinfo=UTC)


# --- Orders to JSON and back ----------------------------------------------------------------------


def request(action, side, price, count="10", **more):
    return OrderRequest(
        client_order_id="0d9f6c3e-0001-4b7a-8e55-c0ffee000001",
        ticker=TICKER,
        action=action,
        side=side,
        count=Decimal(count),
        price=Decimal(price),
        time_in_force=more.pop("time_in_force", TimeInForce.GOOD_TILL_CANCELED),
        **more,
    )


def effect(body):
    """Read a body as the exchange does.

    Returns (outcome we go long, dollars per contract).
    """
    price = Decimal(body["price"])
    return ("yes", price) if body["side"] == "bid" else ("no", 1 - price)


def wanted_effect(action, side, price):
    """Return the expected effect; selling an outcome goes long the other."""
    if action is Action.BUY:
        return side.value, price
    return side.opposite.value, 1 - price


@pytest.mark.parametrize(("action", "side"), list(product(Action, Side)))
def test_every_price_in_every_direction_means_at_the_exchange_what_the_user_said(action, side):
    cents = [Decimal(n) / 100 for n in range(1, 100)]
    below_cents = [Decimal(n) / 10_000 for n in range(1, 10_000)]
    for price in [*cents, *below_cents]:
        body = account_wire.order_body(request(action, side, price))
        assert effect(body) == wanted_effect(action, side, price)
        assert len(body["price"].partition(".")[2]) == 4


@pytest.mark.parametrize(
    ("action", "side", "price", "book_side", "yes_price"),
    [
        (Action.BUY, Side.YES, "0.60", "bid", "0.6000"),
        (Action.SELL, Side.YES, "0.65", "ask", "0.6500"),
        (Action.BUY, Side.NO, "0.35", "ask", "0.6500"),
        (Action.SELL, Side.NO, "0.345", "bid", "0.6550"),
    ],
)
def test_a_direction_is_written_as_a_side_of_the_yes_book(action, side, price, book_side, yes_price):
    body = account_wire.order_body(request(action, side, price))
    assert (body["side"], body["price"], body["count"]) == (book_side, yes_price, "10.00")


@given(st.integers(min_value=1, max_value=10**11))
def test_counts_are_written_exactly_in_hundredths(hundredths):
    written = account_wire.order_body(request(Action.BUY, Side.YES, "0.5", Decimal(hundredths) / 100))[
        "count"
    ]
    whole, _, fraction = written.partition(".")
    assert len(fraction) == 2
    assert int(whole + fraction) == hundredths


@pytest.mark.parametrize("count", ["0", "-1", "0.001", "2.505"])
def test_a_count_the_exchange_cannot_take_is_never_written(count):
    with pytest.raises(ValueError, match="not a quantity"):
        account_wire.order_body(request(Action.BUY, Side.YES, "0.5", count))


@pytest.mark.parametrize("price", ["0", "1", "-0.1", "0.00005", "0.57001"])
def test_a_price_the_exchange_cannot_take_is_never_written(price):
    with pytest.raises(ValueError, match="not a price"):
        account_wire.order_body(request(Action.BUY, Side.YES, price))


def test_the_examples_of_requests_come_out_word_for_word():
    wishes = {
        "buy_yes_limit": request(Action.BUY, Side.YES, "0.60"),
        "buy_no_limit_at_0.35": request(Action.BUY, Side.NO, "0.35", "4"),
        "sell_yes_now": request(
            *(Action.SELL, Side.YES, "0.63", "6"),
            time_in_force=TimeInForce.IMMEDIATE_OR_CANCEL,
            reduce_only=True,
        ),
        "fok": request(
            *(Action.BUY, Side.YES, "0.65", "0.5"),
            time_in_force=TimeInForce.FILL_OR_KILL,
            self_trade_prevention=SelfTradePrevention.MAKER,
        ),
    }
    own = {name: {"client_order_id": wish.client_order_id} for name, wish in wishes.items()}
    expected = {name: EXACT["requests"][name]["body"] | own[name] for name in wishes}
    assert {name: account_wire.order_body(wish) for name, wish in wishes.items()} == expected


def test_an_order_says_how_long_it_lives_and_how_it_meets_itself_because_there_is_no_default():
    body = account_wire.order_body(request(Action.BUY, Side.YES, "0.5"))
    assert (body["time_in_force"], body["self_trade_prevention_type"]) == (
        *("good_till_canceled", "taker_at_cross"),
    )
    assert not {"post_only", "reduce_only", "expiration_time", "type", "action", "yes_price"} & set(body)


def test_an_expiry_is_sent_in_whole_seconds():
    body = account_wire.order_body(request(Action.BUY, Side.YES, "0.5", expires_at=AT, post_only=True))
    assert (body["expiration_time"], body["post_only"]) == (1795272600, True)


# --- Every kind of answer -------------------------------------------------------------------------


@dataclass(frozen=True)
class Kind:
    """One kind of answer: its decoder, examples and required fields."""

    read: Callable[[Fields], Any]
    rows: list[dict[str, Any]]
    money: str = ""  # required, decimal text
    cents: str = ""  # required, whole JSON numbers
    required: str = ""  # other required fields
    optional: str = ""  # may be missing or null (presence tables)
    display: str = ""  # missing or garbled, it costs only itself


def body(name):
    return EXACT["rest"][name]["body"]


# A flat row may lack figures; see the tests of positions.
POSITIONS = [
    *body("get_positions")["market_positions"],
    *body("get_historical_positions")["market_positions"],
]
HELD = [row for row in POSITIONS if Decimal(row["position_fp"]) != 0]

KINDS = {
    "order_acknowledgement": Kind(
        account_wire.order_acknowledgement,
        [body("create_order_v2")],
        money="fill_count remaining_count",
        required="order_id ts_ms",
        optional="client_order_id average_fill_price average_fee_paid",
    ),
    "cancel_acknowledgement": Kind(
        account_wire.cancel_acknowledgement,
        [body("cancel_order_v2")],
        money="reduced_by",
        required="order_id ts_ms",
        optional="client_order_id",
    ),
    "amend_acknowledgement": Kind(
        account_wire.amend_acknowledgement,
        [body("amend_order_v2"), body("amend_order_v2_expiry_only"), body("amend_order_v2_crossing")],
        required="order_id ts_ms",
        optional="client_order_id fill_count remaining_count average_fill_price average_fee_paid",
    ),
    "order": Kind(
        account_wire.order,
        [*body("get_orders")["orders"], body("get_order")["order"], *body("get_historical_orders")["orders"]],
        money="yes_price_dollars fill_count_fp remaining_count_fp initial_count_fp taker_fill_cost_dollars "
        "maker_fill_cost_dollars taker_fees_dollars maker_fees_dollars",
        required="order_id client_order_id ticker book_side status",
        optional="side action expiration_time self_trade_prevention_type "
        "order_group_id cancel_order_on_pause subaccount_number exchange_index",
        display="created_time last_update_time",
    ),
    "fill": Kind(
        account_wire.fill,
        [*body("get_fills")["fills"], *body("get_fills_historical")["fills"]],
        money="count_fp yes_price_dollars fee_cost",
        required="fill_id order_id ticker book_side is_taker",
        optional="side action created_time subaccount_number ts",
    ),
    "balance": Kind(
        account_wire.balance,
        [body("get_balance")],
        money="balance_dollars",
        optional="balance_breakdown",
        display="portfolio_value updated_ts",
    ),
    "position": Kind(
        account_wire.position,
        HELD,
        money="position_fp market_exposure_dollars realized_pnl_dollars fees_paid_dollars "
        "total_traded_dollars",
        required="ticker",
        display="last_updated_ts",
    ),
    "event_position": Kind(
        account_wire.event_position,
        body("get_positions")["event_positions"],
        required="event_ticker",
        display="total_cost_dollars total_cost_shares_fp event_exposure_dollars realized_pnl_dollars "
        "fees_paid_dollars",
    ),
    "settlement": Kind(
        account_wire.settlement,
        body("get_settlements")["settlements"],
        money="yes_count_fp yes_total_cost_dollars no_count_fp no_total_cost_dollars fee_cost",
        cents="revenue",
        required="ticker event_ticker market_result settled_time",
        optional="value",
    ),
    "transfer": Kind(
        account_wire.transfer,
        [*body("get_deposits")["deposits"], *body("get_withdrawals")["withdrawals"]],
        cents="amount_cents fee_cents",
        required="id status created_ts",
        optional="finalized_ts",
        display="type",
    ),
    "account_limits": Kind(
        account_wire.account_limits,
        [body("get_account_api_limits")],
        required="read write",
        display="usage_tier",
    ),
    "endpoint_costs": Kind(
        account_wire.endpoint_costs,
        [body("get_account_endpoint_costs")],
        cents="default_cost",
    ),
    "exchange_status": Kind(
        market_wire.exchange_status,
        [body("get_exchange_status")],
        required="exchange_active trading_active",
        optional="intra_exchange_transfers_active exchange_estimated_resume_time exchange_index_statuses",
    ),
    "exchange_schedule": Kind(
        market_wire.exchange_schedule, [body("get_exchange_schedule")], required="schedule"
    ),
    "historical_cutoff": Kind(
        market_wire.historical_cutoff,
        [body("get_historical_cutoff")],
        required="market_settled_ts trades_created_ts orders_updated_ts",
        optional="market_positions_last_updated_ts",
    ),
    "series": Kind(
        market_wire.series,
        [*body("get_series_list")["series"], body("get_series")["series"]],
        required="ticker fee_type fee_multiplier",
        optional="additional_prohibitions product_metadata last_updated_ts exchange_index",
        display="title category categories tags frequency settlement_sources volume_fp",
    ),
    "series_fee_change": Kind(
        market_wire.series_fee_change,
        body("get_series_fee_changes")["series_fee_change_arr"],
        required="series_ticker fee_type fee_multiplier scheduled_ts",
    ),
    "event_fee_change": Kind(
        market_wire.event_fee_change,
        body("get_event_fee_changes")["event_fee_changes"],
        required="event_ticker scheduled_ts",
        optional="fee_type_override fee_multiplier_override",
    ),
    "event": Kind(
        market_wire.event,
        [*body("get_events")["events"], body("get_event")["event"]]
        + [{**body("get_event")["event"], "markets": body("get_event")["markets"]}]
        + body("get_multivariate_events")["events"],
        required="event_ticker series_ticker",
        optional="strike_date strike_period markets product_metadata settlement_sources "
        "last_updated_ts fee_type_override fee_multiplier_override exchange_index",
        display="title sub_title mutually_exclusive category",
    ),
    "event_metadata": Kind(
        market_wire.event_metadata,
        [body("get_event_metadata")],
        optional="featured_image_url competition_scope",
        display="image_url competition settlement_sources",
    ),
    "market": Kind(
        market_wire.market,
        [
            *[*body("get_markets")["markets"], body("get_market")["market"]],
            *[*body("get_historical_markets")["markets"], body("get_historical_market")["market"]],
        ],
        money="yes_bid_dollars yes_ask_dollars last_price_dollars",
        required="ticker event_ticker market_type close_time status result price_ranges",
        optional="subtitle expiration_time settlement_value_dollars settlement_floor_dollars "
        "fee_waiver_expiration_time strike_type floor_strike cap_strike functional_strike custom_strike "
        "mve_collection_ticker mve_selected_legs primary_participant_key is_provisional exchange_index",
        display="title yes_sub_title no_sub_title yes_bid_size_fp yes_ask_size_fp volume_fp volume_24h_fp "
        "open_interest_fp open_time expected_expiration_time occurrence_datetime latest_expiration_time "
        "settlement_timer_seconds settlement_ts can_close_early early_close_condition rules_primary "
        "rules_secondary",
    ),
    "candlestick": Kind(
        market_wire.candlestick,
        body("get_market_candlesticks")["candlesticks"],
        display="volume_fp open_interest_fp",
        required="end_period_ts yes_bid yes_ask price",
    ),
    "historical_candlestick": Kind(
        market_wire.historical_candlestick,
        body("get_market_candlesticks_historical")["candlesticks"],
        display="volume open_interest",
        required="end_period_ts yes_bid yes_ask price",
    ),
    "event_candlesticks": Kind(
        market_wire.event_candlesticks,
        [body("get_market_candlesticks_by_event")],
        required="market_candlesticks adjusted_end_ts market_tickers",
    ),
    "forecast_points": Kind(
        market_wire.forecast_points,
        [body("get_event_forecast_percentiles_history")],
        required="forecast_history",
    ),
    "order_book": Kind(
        lambda fields: market_wire.order_book(fields, TICKER, AT),
        [body("get_market_orderbook"), *body("get_market_orderbooks")["orderbooks"]],
        required="orderbook_fp",
    ),
    "trade": Kind(
        market_wire.trade,
        [*body("get_trades")["trades"], *body("get_trades_historical")["trades"]],
        money="count_fp yes_price_dollars",
        required="trade_id ticker created_time",
        optional="taker_side",
        display="taker_outcome_side is_block_trade",
    ),
}

# Nested money fields: (kind, path to the field).
INNER_MONEY = [("market", ("price_ranges", 0, name)) for name in ("start", "end", "step")]

EVERY_ROW = [(name, index) for name, kind in KINDS.items() for index in range(len(kind.rows))]
MISSING = sentinel.MISSING
NOT_MONEY = [
    MISSING,
    None,
    "",
    0,
    0.0,
    12,
    Decimal("12.5"),
    True,
    "garbage",
    "1e3",
    "NaN",
    "1,000",
    "٥",
    [],
    {},
]
NOT_WHOLE = [MISSING, None, "", "600", 6.0, Decimal("6.0"), True, "garbage", [], {}]


def fields_of(attribute):
    return [(name, field) for name, kind in KINDS.items() for field in getattr(kind, attribute).split()]


def read(name, row):
    with naming(f"{name}: {row}"):
        return KINDS[name].read(Fields(row, name))


def changed(row, path, value):
    """Return the row with one field replaced or, for MISSING, removed."""
    row = copy.deepcopy(row)
    *outer, last = path
    place = row
    for step in outer:
        place = place[step]
    if value is MISSING:
        place.pop(last, None)
    else:
        place[last] = value
    return row


def complaint_about(name, row):
    """Return the decoder's error message, empty if the row is valid."""
    try:
        return "" if read(name, row) is not None else "read as None"
    except MalformedAnswerError as error:
        return str(error)


def unless_named(name: str, path: tuple, values: Iterable, wording: str) -> Iterator[str]:
    """Put each value into each example; yield cases with another message.

    `wording` is the expected pattern.
    """
    for (index, row), value in product(enumerate(KINDS[name].rows), values):
        complaint = complaint_about(name, changed(row, path, value))
        if not re.search(wording, complaint):
            place = ".".join(map(str, path))
            yield f"{name}[{index}].{place} = {value!r}: {complaint or 'read without complaint'}"


def test_every_example_is_read():
    complaints = {case: complaint_about(case[0], KINDS[case[0]].rows[case[1]]) for case in EVERY_ROW}
    assert {case: complaint for case, complaint in complaints.items() if complaint} == {}


@pytest.mark.parametrize("name", [name for name, kind in KINDS.items() if kind.optional])
def test_an_optional_field_may_be_missing_or_null(name):
    cases = product(enumerate(KINDS[name].rows), KINDS[name].optional.split(), (MISSING, None))
    wrong = [
        f"{name}[{index}].{field} = {value!r}: {complaint}"
        for (index, row), field, value in cases
        if (complaint := complaint_about(name, changed(row, (field,), value)))
    ]
    assert wrong == []


def test_all_optional_fields_may_be_missing_at_once():
    wrong = []
    for name, index in EVERY_ROW:
        row, optional = KINDS[name].rows[index], KINDS[name].optional.split()
        complaint = complaint_about(name, {key: row[key] for key in row if key not in optional})
        wrong += [f"{name}[{index}]: {complaint}"] if complaint else []
    assert wrong == []


@pytest.mark.parametrize("name", [name for name, kind in KINDS.items() if kind.money])
def test_money_that_is_missing_or_garbled_is_named_and_never_zero(name):
    wrong = [
        case
        for field in KINDS[name].money.split()
        for case in unless_named(name, (field,), NOT_MONEY, rf"{name}.*\.{field} is missing or malformed")
    ]
    assert wrong == []


def test_whole_numbers_that_are_missing_or_garbled_are_named():
    wrong = [
        case
        for name, field in fields_of("cents")
        for case in unless_named(name, (field,), NOT_WHOLE, rf"{name}.*\.{field} is missing or malformed")
    ]
    assert wrong == []


def test_money_further_in_that_is_missing_or_garbled_is_named():
    wrong = [
        case
        for name, path in INNER_MONEY
        for case in unless_named(name, path, NOT_MONEY, rf"\.{path[-1]} is missing or malformed")
    ]
    assert wrong == []


@pytest.mark.parametrize("name", [name for name, kind in KINDS.items() if kind.required])
def test_a_required_field_that_is_missing_or_garbled_is_named(name):
    wrong = []
    for field in KINDS[name].required.split():
        # a multiplier must be a JSON number, not text
        number = "12.5" if field == "fee_multiplier" else 12.5
        wrong += unless_named(name, (field,), [MISSING, None, number, [7]], field.partition("_")[0])
    assert wrong == []


def test_a_field_for_display_that_is_missing_or_garbled_costs_only_itself():
    """The row is read, and its other attributes are unchanged."""
    wrong = []
    for name, field in fields_of("display"):
        for row, value in product(KINDS[name].rows, [MISSING, None, [7], {"a": 1}, Decimal("12.5"), "a\n"]):
            after, before = read(name, changed(row, (field,), value)), read(name, row)
            differing = [each for each in before.__slots__ if getattr(after, each) != getattr(before, each)]
            if len(set(differing) - {"title"}) > 1:
                wrong.append(f"{name}.{field} = {value!r} changes {differing}")
    assert wrong == []


def test_unknown_fields_change_nothing():
    more = {"brand_new": {"deep": [1, None, "x"]}, "price_cents": 57, "": 0}
    wrong = [
        (name, index)
        for name, index in EVERY_ROW
        if read(name, {**KINDS[name].rows[index], **more}) != read(name, KINDS[name].rows[index])
    ]
    assert wrong == []


ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.text(max_size=20),
    st.decimals(),
    st.lists(st.one_of(st.none(), st.integers(), st.text(max_size=3)), max_size=3),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
)


@pytest.mark.parametrize("name", KINDS)
@given(data=st.data())
def test_an_answer_with_any_field_replaced_is_read_or_refused_but_never_breaks_the_program(name, data):
    for row in KINDS[name].rows:
        field = data.draw(st.sampled_from(sorted(row)))
        complaint = complaint_about(name, {**row, field: data.draw(ODD)})
        assert complaint == "" or complaint.startswith("The exchange's answer")


def test_fewer_contracts_than_none_are_no_number_of_contracts():
    wrong = [
        case
        for name, field in fields_of("money")
        if "count" in field or "size" in field or field == "reduced_by"
        for case in unless_named(name, (field,), ["-1.00"], field)
    ]
    assert wrong == []


def test_a_price_outside_a_dollar_is_no_price():
    wrong = [
        case
        for name in ("order", "fill", "trade")
        for case in unless_named(
            name, ("yes_price_dollars",), ["-0.0100", "1.0100", "57.0000"], "yes_price_dollars"
        )
    ]
    assert wrong == []


# --- Meaning of single answers --------------------------------------------------------------------


def test_unknown_enum_values_are_survived():
    order = {**KINDS["order"].rows[0], "status": "pondering"}
    market = {**KINDS["market"].rows[0], "status": "napping", "result": "maybe", "market_type": "trinary"}
    series = {**KINDS["series"].rows[0], "fee_type": "cubic"}
    event = {**KINDS["event"].rows[0], "fee_type_override": "cubic"}
    assert read("order", order).status is OrderStatus.UNKNOWN
    assert read("market", market).status is MarketStatus.UNKNOWN
    assert read("market", market).status_word == "napping"
    assert read("market", market).result is MarketResult.UNKNOWN
    assert read("market", market).scalar is False
    assert read("series", series).fees.fee_type is FeeType.UNKNOWN
    assert read("event", event).fee_type_override is FeeType.UNKNOWN
    settlement = {**KINDS["settlement"].rows[0], "market_result": "void"}
    assert read("settlement", settlement).result is MarketResult.UNKNOWN


def test_an_unknown_direction_is_a_fault_because_guessing_it_costs_money():
    wrong = [
        case
        for name, field in (("order", "book_side"), ("fill", "book_side"))
        for case in unless_named(name, (field,), ["buy", "BID", "unknown", ""], field)
    ]
    assert wrong == []


def test_the_old_direction_words_are_never_read():
    row = {**KINDS["fill"].rows[0], "side": "yes", "action": "buy"}
    assert read("fill", row).book_side is BookSide.ASK


def test_an_order_is_read_unchanged():
    order = read("order", body("get_order")["order"])
    assert (order.book_side, order.status, order.yes_price) == (
        *(BookSide.BID, OrderStatus.RESTING, Decimal("0.55")),
    )
    assert (order.fill_count, order.remaining_count, order.initial_count) == (0, 20, 20)


def test_fees_and_costs_of_an_order_are_those_as_taker_and_as_maker_together():
    row = body("get_order")["order"] | {
        "taker_fees_dollars": "0.010000",
        "maker_fees_dollars": "0.002000",
        "taker_fill_cost_dollars": "1.000000",
        "maker_fill_cost_dollars": "0.250000",
    }
    order = read("order", row)
    assert (order.fees, order.fill_cost) == (Decimal("0.012"), Decimal("1.25"))


def test_the_balance_is_the_exact_one_and_not_the_cut_cents():
    balance = read("balance", body("get_balance"))
    assert (balance.cash, balance.portfolio_value) == (Decimal("121.3683"), Decimal("3.78"))
    assert balance.by_shard == ((0, Decimal("96.3683")), (2, Decimal("25.0000")))


def test_a_settlement_pays_cents_and_values_a_yes_contract_in_dollars():
    row = read("settlement", body("get_settlements")["settlements"][0])
    assert (row.revenue, row.value, row.result) == (Decimal("6.00"), Decimal("1.00"), MarketResult.YES)
    assert read("settlement", {**body("get_settlements")["settlements"][0], "value": None}).value is None


def test_a_position_below_zero_is_held_as_no():
    row = {**body("get_positions")["market_positions"][0], "position_fp": "-25.00"}
    position = read("position", row)
    assert (position.net, position.side, position.count) == (-25, Side.NO, 25)


FLAT = {**HELD[0], "position_fp": "0.00"}
FIGURES = ["market_exposure_dollars", "realized_pnl_dollars", "fees_paid_dollars", "total_traded_dollars"]


def test_nothing_held_costs_nothing_even_where_the_exchange_leaves_the_cost_out():
    position = read("position", {**FLAT, "market_exposure_dollars": None})
    assert (position.net, position.cost_basis) == (0, 0)
    assert str(position.realized_pnl) == FLAT["realized_pnl_dollars"]


@pytest.mark.parametrize("field", FIGURES[1:])
def test_what_a_flat_position_earned_is_never_made_up(field):
    with pytest.raises(MalformedAnswerError, match=field):
        read("position", {**FLAT, field: None})


@pytest.mark.parametrize("position", ["0.00", "0", "-0.00"])
def test_only_a_flat_position_without_any_figure_says_nothing(position):
    bare = Fields({**FLAT, **dict.fromkeys(FIGURES), "position_fp": position}, "position")
    assert account_wire.is_empty_position(bare)
    for field in FIGURES[1:]:
        zeroed = {**FLAT, **dict.fromkeys(FIGURES), field: "0.000000"}
        assert not account_wire.is_empty_position(Fields(zeroed, "position"))
    held = {**FLAT, **dict.fromkeys(FIGURES), "position_fp": "0.01"}
    assert not account_wire.is_empty_position(Fields(held, "position"))
    assert not account_wire.is_empty_position(Fields({**held, "position_fp": None}, "position"))


def test_a_market_without_titles_is_called_by_its_yes_label_and_at_last_by_its_ticker():
    row = body("get_market")["market"]
    assert read("market", changed(row, ("title",), MISSING)).title == row["yes_sub_title"]
    bare = {**row, "title": None, "yes_sub_title": ""}
    assert read("market", bare).title == row["ticker"]


def test_quotes_at_zero_and_one_are_none():
    row = body("get_market")["market"]
    empty = {
        **row,
        "yes_bid_dollars": "0.0000",
        "yes_ask_dollars": "1.0000",
        "last_price_dollars": "0.0000",
    }
    unopened = {**empty, "yes_ask_dollars": "0.0000"}
    for market in (read("market", empty), read("market", unopened)):
        assert (market.yes_bid, market.yes_ask, market.last_price) == (None, None, None)


@pytest.mark.parametrize("step", ["0", "0.0000", "-0.01"])
def test_a_grid_without_a_step_is_refused(step):
    with pytest.raises(MalformedAnswerError, match="step"):
        read("market", changed(body("get_market")["market"], ("price_ranges", 0, "step"), step))


def test_the_book_keeps_yes_dollars_and_no_dollars_apart():
    book = read("order_book", body("get_market_orderbook"))
    assert book.yes_bids[0] == BookLevel(Decimal("0.63"), Decimal(120))
    assert book.no_bids[0] == BookLevel(Decimal("0.35"), Decimal("80.5"))


def test_a_bar_without_trades_has_no_prices_but_its_quotes():
    bar = read("candlestick", body("get_market_candlesticks")["candlesticks"][0])
    assert (bar.price.open, bar.price.close, bar.price.previous) == (None, None, Decimal("0.59"))
    assert bar.yes_bid.close == Decimal("0.58")


def test_bars_are_never_given_to_the_wrong_market():
    whole = body("get_market_candlesticks_by_event")
    assert read("event_candlesticks", whole).bars[0][0] == TICKER
    for tickers in ([], [TICKER, "KX-2"], [None]):
        with pytest.raises(MalformedAnswerError, match="do not match"):
            read("event_candlesticks", {**whole, "market_tickers": tickers})


def test_an_override_of_null_is_no_override_and_one_of_zero_is():
    row = body("get_event")["event"]
    assert read("event", row).fee_multiplier_override is None
    assert read("event", {**row, "fee_multiplier_override": 0}).fee_multiplier_override == 0


def test_a_taker_of_no_is_read_from_the_outcome_it_went_long():
    assert read("trade", body("get_trades")["trades"][0]).taker_side is Side.NO


def test_titles_and_rules_arrive_harmless():
    row = {**body("get_market")["market"], "title": "\x1b]0;x\x07Rain", "rules_primary": "a\u202eb"}
    market = read("market", row)
    assert "\x1b" not in market.title
    assert "\u202e" not in market.rules_primary
