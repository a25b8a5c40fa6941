"""Orders of ours that the exchange's data may lack, by the journal alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal as D

import pytest
from hypothesis import given
from hypothesis import strategies as st
from journaled import order_index
from model_factory import order

from kalshi_trading.core.models import BookSide
from kalshi_trading.journal.order_log import logged_orders
from kalshi_trading.journal.records import JournalRecord
from kalshi_trading.orders.pretrade.in_flight import drop_filled, drop_listed, possibly_missing

NOW = datetime(2026, 11, 21, 15, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def record(event, name="a", at=NOW, **fields):
    return JournalRecord(at, event, {"client_order_id": name, "ticker": "KX-1", **fields})


def intent(name="a", at=NOW, **fields):
    wish = {"action": "buy", "side": "yes", "count": "10", "price": "0.57"} | fields
    return record("order.intent", name, at, **wish)


def in_flight(*records):
    return order_index(records).in_flight().by_step


def counted(*records):
    return {each.client_order_id: each.remaining_count for each in in_flight(*records)}


@pytest.mark.parametrize(
    ("action", "side", "book_side", "yes_price"),
    [
        ("buy", "yes", BookSide.BID, "0.57"),
        ("sell", "yes", BookSide.ASK, "0.57"),
        ("buy", "no", BookSide.ASK, "0.43"),
        ("sell", "no", BookSide.BID, "0.43"),
    ],
)
def test_an_intent_is_an_order_of_the_yes_book(action, side, book_side, yes_price):
    (seen,) = in_flight(intent(action=action, side=side))
    assert (seen.book_side, seen.yes_price, seen.remaining_count) == (book_side, D(yes_price), 10)
    assert (seen.ticker, seen.order_id) == ("KX-1", "")


@pytest.mark.parametrize("event", ["sending", "unknown"])
def test_an_order_of_unknown_outcome_counts_whole_whatever_its_record_says_was_filled(event):
    nothing = {"fill_count": "0", "remaining_count": "0", "count": "10"}
    (seen,) = in_flight(intent(), record(f"order.{event}", at=NOW + SECOND, **nothing))
    assert seen.remaining_count == 10


@pytest.mark.parametrize("end", ["rejected", "not_sent", "absent"])
def test_an_order_that_ended_without_one_is_not_there(end):
    assert in_flight(intent(), record(f"order.{end}")) == ()


def test_an_order_that_turned_up_after_all_is_there_again():
    late = record("order.acknowledged", order_id="o-1", fill_count="4", remaining_count="6")
    (seen,) = in_flight(intent(), record("order.absent"), late)
    assert (seen.order_id, seen.remaining_count) == ("o-1", 10)


def test_what_the_exchange_canceled_at_once_is_not_counted():
    answer = record("order.acknowledged", fill_count="4", remaining_count="0", order_id="o-1")
    assert counted(intent(), answer) == {"a": 4}
    none = record("order.acknowledged", fill_count="0", remaining_count="0", order_id="o-1")
    assert counted(intent(), none) == {}


def test_an_acknowledged_cancel_is_believed_and_taken_off_once():
    answer = record("order.acknowledged", fill_count="3", remaining_count="7")
    cancel = record("cancel.acknowledged", reduced_by="7")
    assert counted(intent(), answer, cancel) == {"a": 3}
    found = record("order.acknowledged", fill_count="3", remaining_count="0")
    assert counted(intent(), cancel, found) == {"a": 3}
    assert counted(intent(), answer, record("cancel.requested")) == {"a": 10}


def test_an_order_counts_from_its_last_step():
    answer = record("order.acknowledged", at=NOW + 9 * SECOND, fill_count="0", remaining_count="10")
    (seen,) = in_flight(intent(), answer, record("cancel.requested", at=NOW + 20 * SECOND))
    assert seen.at == NOW + 9 * SECOND
    heard = record("order.fill", at=NOW + 60 * SECOND, fill_count="4", remaining_count="6")
    (seen,) = in_flight(intent(), answer, heard)
    assert seen.at == NOW + 9 * SECOND  # the fill came from the exchange's data


@pytest.mark.parametrize("change", [{"price": "x"}, {"count": ""}, {"count": "-1"}, {"side": "maybe"}])
def test_an_intent_that_makes_no_sense_is_left_to_be_named(change):
    assert in_flight(intent(**change)) == ()


def test_numbers_that_only_a_later_record_has_are_taken_from_there():
    answer = intent().fields | {"fill_count": "0", "remaining_count": "10", "order_id": "o-1"}
    damaged = record("order.intent", action="buy")
    assert counted(damaged, JournalRecord(NOW, "order.acknowledged", answer)) == {"a": 10}


@pytest.mark.parametrize(
    ("stamps", "ours"),
    [
        ({}, True),
        ({"environment": "practice", "account": "me"}, True),
        ({"environment": "sandbox", "account": "me"}, False),
        ({"environment": "practice", "account": "you"}, False),
    ],
)
def test_orders_of_another_account_or_environment_are_not_ours(stamps, ours):
    assert bool(logged_orders([intent(**stamps)], "practice", "me").orders) is ours


lives = st.lists(
    st.tuples(
        st.sampled_from(["", "sending", "unknown", "acknowledged", "rejected", "not_sent", "absent"]),
        st.integers(min_value=-90, max_value=30),
        st.sampled_from(["nowhere", "resting", "filled", "both"]),
    ),
    max_size=8,
)


@given(lives, st.one_of(st.none(), st.integers(min_value=-90, max_value=30)))
def test_every_order_that_may_exist_is_counted_exactly_once_unless_the_data_must_hold_it(rows, lag_s):
    """Each order is resting, filled, unseen or older than the data.

    It is never in two of these.
    """
    records, resting, fills, expected = [], [], [], set()
    as_of = None if lag_s is None else NOW + lag_s * SECOND
    for number, (end, at_s, where) in enumerate(rows):
        name, at = f"id-{number}", NOW + at_s * SECOND
        records.append(intent(name, at))
        order_id = f"order-{number}" if end == "acknowledged" else ""
        if end:
            records.append(record(f"order.{end}", name, at, order_id=order_id))
        if where in ("resting", "both"):
            resting.append(listed(name))
        if where in ("filled", "both"):
            fills.append(Filled(f"order-{number}"))
        shown = where in ("resting", "both") or (where == "filled" and end == "acknowledged")
        is_new = at > (NOW - timedelta(minutes=1) if as_of is None else as_of)
        may_exist = end in ("", "sending", "unknown") or (end == "acknowledged" and is_new)
        if may_exist and not shown:
            expected.add(name)
    seen = drop_listed(
        drop_filled(possibly_missing(order_index(records).in_flight(), as_of, NOW), fills), resting
    )
    assert sorted(each.client_order_id for each in seen) == sorted(expected)


class Filled:
    def __init__(self, order_id):
        self.order_id = order_id


def listed(client_order_id):
    return replace(order(BookSide.BID, "0.50"), client_order_id=client_order_id)
