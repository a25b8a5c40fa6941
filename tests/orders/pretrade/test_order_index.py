"""The order index: a changed order is counted again, none twice."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal as D

from hypothesis import given
from hypothesis import strategies as st
from journaled import INTENT_FIELDS, order_index
from model_factory import NOW

from kalshi_trading.journal.order_log import logged_order
from kalshi_trading.journal.records import JournalRecord
from kalshi_trading.orders.pretrade.order_index import OrderIndex

STEPS = ["sending", "acknowledged", "rejected", "unknown", "absent", "not_sent"]


def record(name, event, seconds=0):
    at = NOW - timedelta(hours=3) + timedelta(seconds=seconds)
    return JournalRecord(at, f"order.{event}", {"client_order_id": name, **INTENT_FIELDS})


def order(*records):
    return logged_order(records)


def names(orders):
    return [each.client_order_id for each in orders]


def test_an_order_put_in_after_a_question_is_in_the_next_answer():
    index = OrderIndex("practice", None)
    index.put("a", order(record("a", "intent")))
    assert names(index.in_flight().by_step) == ["a"]
    index.put("b", order(record("b", "intent", 1)))
    assert names(index.in_flight().by_step) == ["a", "b"]
    assert names(index.in_flight().unconfirmed) == ["a", "b"]


def test_only_orders_beyond_those_known_are_later_ones():
    index = OrderIndex("practice", None)
    index.put("a", order(record("a", "intent")))
    known = index.known_count
    index.put("a", order(record("a", "intent"), record("a", "acknowledged", 1)))
    assert index.in_flight_beyond(known) == []
    index.put("b", order(record("b", "intent", 2)))
    assert names(index.in_flight_beyond(known)) == ["b"]


@given(steps=st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(STEPS)), max_size=20))
def test_put_in_step_by_step_the_answers_are_those_of_the_whole(steps):
    records = {name: [record(name, "intent", number)] for number, name in enumerate("abc")}
    index = OrderIndex("practice", None)
    for seconds, (name, step) in enumerate(steps, start=10):
        records[name].append(record(name, step, seconds))
        index.put(name, order(*records[name]))
    added = [each for own in records.values() if len(own) > 1 for each in own]
    whole = order_index(added)
    assert index.today(NOW) == whole.today(NOW)
    assert index.today(NOW).bought == D("5.70") * index.today(NOW).orders
    assert sorted(names(index.in_flight().by_step)) == sorted(names(whole.in_flight().by_step))
    assert {life.client_order_id for life in index.pending_orders} == {
        life.client_order_id for life in whole.pending_orders
    }
    long_ago = NOW - timedelta(hours=4)
    assert sorted(names(index.in_flight().after(long_ago))) == sorted(
        names(whole.in_flight().after(long_ago))
    )
