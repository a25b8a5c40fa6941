"""Stages of orders, folded from journal records."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from journaled import order_states

from kalshi_trading.journal.order_state import OrderStage, advance, belongs_to
from kalshi_trading.journal.records import JournalRecord

AT = datetime(2026, 11, 21, 15, 0, tzinfo=UTC)
AFTER = [state for state in OrderStage if state is not OrderStage.INTENT]


def record(state, client_order_id="c1", **fields):
    return JournalRecord(AT, f"order.{state}", {"client_order_id": client_order_id, **fields})


def life_after(*states):
    return order_states([record(state) for state in (OrderStage.INTENT, *states)])["c1"]


@pytest.mark.parametrize(
    ("states", "end", "is_pending"),
    [
        ([], "intent", True),
        (["sending"], "sending", True),
        (["sending", "acknowledged"], "acknowledged", False),
        (["sending", "rejected"], "rejected", False),
        (["sending", "sending", "not_sent"], "not_sent", False),
        (["sending", "unknown"], "unknown", True),
        (["sending", "unknown", "acknowledged"], "acknowledged", False),
        (["sending", "unknown", "absent"], "absent", False),
        (["sending", "unknown", "absent", "acknowledged"], "acknowledged", False),
        (["sending", "rejected", "unknown"], "rejected", False),
        (["sending", "acknowledged", "unknown", "absent"], "acknowledged", False),
        (["sending", "absent", "unknown"], "absent", False),
    ],
)
def test_the_stage_of_an_order_after_these_records(states, end, is_pending):
    life = life_after(*states)
    assert (life.stage, life.is_pending) == (end, is_pending)


@given(st.lists(st.sampled_from(AFTER), max_size=8))
def test_an_end_stays_unless_the_exchange_confirmed_the_order(states):
    lives = [life_after(*states[:count]) for count in range(len(states) + 1)]
    for before, after in itertools.pairwise(lives):
        if not before.is_pending:
            assert after.stage in (before.stage, OrderStage.ACKNOWLEDGED)
    assert (OrderStage.ACKNOWLEDGED in states) == (lives[-1].stage is OrderStage.ACKNOWLEDGED)
    if not lives[-1].is_pending:
        again = advance(lives[-1], lives[-1].stage)
        assert again.stage is lives[-1].stage


@given(st.lists(st.tuples(st.sampled_from(AFTER), st.sampled_from(["c1", "c2"])), max_size=10))
def test_the_records_of_one_order_say_nothing_of_another(steps):
    both = [record(OrderStage.INTENT, "c1"), record(OrderStage.INTENT, "c2")]
    mixed = order_states(both + [record(state, name) for state, name in steps])
    for name in ("c1", "c2"):
        alone = [record(OrderStage.INTENT, name)] + [
            record(state, own) for state, own in steps if own == name
        ]
        assert mixed[name] == order_states(alone)[name]


def test_what_is_no_step_of_an_orders_life_begins_none():
    strangers = [
        "order.denied",
        "order.fill",
        "order.unlocked",
        "cancel.requested",
        "session.begun",
        "intent",
    ]
    records = [JournalRecord(AT, event, {"client_order_id": "c1"}) for event in strangers]
    assert order_states(records) == {}
    assert order_states([record(OrderStage.INTENT, client_order_id="")]) == {}, "nothing without a name"


@pytest.mark.parametrize("first", [OrderStage.SENDING, OrderStage.UNKNOWN])
def test_an_order_whose_intent_is_damaged_is_open_from_its_next_record_on(first):
    known = {"ticker": "KX-1", "sentence": "BUY 10 YES KX-1 at 57¢", "session": "s1"}
    known |= {"account": "a1", "environment": "practice"}
    life = order_states([record(first, **known)])["c1"]
    assert life.is_pending
    assert {name: getattr(life, name) for name in known} == known
    assert life.intent_at == AT
    assert order_states([record(first), record(OrderStage.ABSENT)])["c1"].stage is OrderStage.ABSENT


def test_an_order_of_which_only_the_ticker_is_left_can_still_be_named():
    life = order_states([record(OrderStage.SENDING, ticker="KX-1")])["c1"]
    assert life.sentence == "an order in KX-1 (no details recorded)"


def test_an_order_of_which_only_the_end_is_left_is_acknowledged_or_forgotten():
    assert order_states([record(OrderStage.ACKNOWLEDGED)])["c1"].stage is OrderStage.ACKNOWLEDGED
    for end in (OrderStage.REJECTED, OrderStage.NOT_SENT, OrderStage.ABSENT):
        assert order_states([record(end)]) == {}


def test_an_intent_that_is_repeated_changes_nothing():
    first = record(OrderStage.INTENT, sentence="BUY 10 YES KX-1 at 57¢")
    lives = order_states([first, record(OrderStage.REJECTED), record(OrderStage.INTENT, sentence="another")])
    assert (lives["c1"].stage, lives["c1"].sentence) == (OrderStage.REJECTED, "BUY 10 YES KX-1 at 57¢")
    assert life_after(OrderStage.UNKNOWN, OrderStage.INTENT).stage is OrderStage.UNKNOWN


@pytest.mark.parametrize(
    ("environment", "account", "fits"),
    [
        ("practice", "a1", True),
        ("", "a1", True),
        ("practice", "", True),
        ("practice", "a2", False),
        ("sandbox", "a1", False),
    ],
)
def test_an_order_belongs_to_the_environment_and_the_account_of_its_record(environment, account, fits):
    intent = record(OrderStage.INTENT, environment=environment, account=account)
    assert belongs_to(order_states([intent])["c1"], "practice", "a1") is fits
