"""Our orders in the journal: totals, orders in flight, a panic."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal as D

import pytest
from journaled import order_index
from model_factory import MARKET, NOW

from kalshi_trading.core.dates import start_of_day
from kalshi_trading.journal.records import JournalRecord
from kalshi_trading.orders.pretrade.activity import ActivityReader
from kalshi_trading.orders.pretrade.context import DayTotals
from kalshi_trading.trade_logger import TradeLogger

MIDNIGHT = start_of_day(NOW)
ENDS_WITHOUT_ORDER = ("rejected", "not_sent", "absent")


def record(event, identity, at=NOW, **fields):
    return JournalRecord(at, f"order.{event}", {"client_order_id": identity, **fields})


def intent(identity, cost="5.70", at=NOW):
    order = {"ticker": MARKET.ticker, "action": "buy", "side": "yes", "count": "10", "price": "0.57"}
    return record("intent", identity, at, cost=cost, **order)


def counted(records, now):
    index = order_index(records)
    return index.recent(now), index.today(now)


@pytest.mark.parametrize("end", ["", "sending", "unknown", "acknowledged"])
def test_an_order_that_may_be_live_uses_up_the_day(end):
    records = [intent("a"), *([record(end, "a")] if end else [])]
    recent, totals = counted(records, NOW)
    assert totals == DayTotals(D("5.70"), 1)
    assert [order.price for order in recent] == [D("0.57")]


@pytest.mark.parametrize(
    ("time_in_force", "at_once"),
    [("immediate_or_cancel", True), ("good_till_canceled", False), ("", False)],
)
def test_a_market_order_is_remembered_as_one(time_in_force, at_once):
    placed = intent("a")
    fields = {**placed.fields, "time_in_force": time_in_force}
    (order,), _ = counted([placed._replace(fields=fields)], NOW)
    assert order.is_market_order is at_once


@pytest.mark.parametrize("end", ENDS_WITHOUT_ORDER)
def test_an_order_that_ended_without_one_uses_up_nothing(end):
    records = [intent("a"), record("sending", "a"), record(end, "a"), intent("b", "1")]
    recent, totals = counted(records, NOW)
    assert totals == DayTotals(D("1"), 1)
    assert len(recent) == 1


def test_an_order_that_turned_up_after_all_counts_again():
    records = [intent("a"), record("absent", "a"), record("acknowledged", "a")]
    assert counted(records, NOW)[1] == DayTotals(D("5.70"), 1)


def test_a_denial_was_never_an_order():
    denied = JournalRecord(NOW, "order.denied", {"cost": "99", "reason": "too much"})
    assert counted([denied, record("denied", "z")], NOW) == ((), DayTotals())


@pytest.mark.parametrize(("age_s", "recent"), [(60, 1), (60.001, 0)])
def test_only_the_orders_of_the_last_minute_are_recent(age_s, recent):
    found, totals = counted([intent("a", at=NOW - timedelta(seconds=age_s))], NOW)
    assert (len(found), totals.orders) == (recent, 1)


def test_a_record_that_makes_no_sense_is_counted_and_not_compared_with():
    odd = record("intent", "a", action="juggle", side="yes", count="1", price="x", cost="?")
    assert counted([odd], NOW) == ((), DayTotals(D(0), 1))


def test_the_counters_are_rebuilt_from_the_file_and_begin_at_midnight(tmp_path):
    days = [NOW - timedelta(days=1), NOW]
    for at in days:
        journal = TradeLogger(tmp_path, "practice", clock=lambda at=at: at)
        for identity, end in ((f"{at:%d}a", "acknowledged"), (f"{at:%d}b", "rejected")):
            journal.log_order_step("intent", {**intent(identity).fields, "cost": D(3)})
            journal.log_order_step(end, {"client_order_id": identity})
    assert ActivityReader(journal, clock=lambda: NOW).read().today == DayTotals(D(3), 1)


def written(folder, at, *events, **stamps):
    """Return a journal with these events of order `a`."""
    journal = TradeLogger(folder, "practice", clock=lambda: at, **stamps)
    for event in events:
        fields = intent("a").fields if event == "intent" else {"client_order_id": "a"}
        journal.log_order_step(event, {**fields, "sentence": "BUY 10"} | {"cost": D(3)})
    return journal


@pytest.mark.parametrize("end", ["", "acknowledged", "unknown", "rejected"])
def test_an_order_of_a_moment_before_midnight_is_recent_and_not_of_today(tmp_path, end):
    written(tmp_path, MIDNIGHT - timedelta(seconds=5), "intent")
    after = MIDNIGHT + timedelta(seconds=5)
    journal = written(tmp_path, after, *([end] if end else []))
    seen = ActivityReader(journal, clock=lambda: after).read()
    placed = end != "rejected"
    assert (len(seen.recent), len(seen.in_flight.by_step)) == (placed, placed)
    assert seen.today == DayTotals()
    assert [life.sentence for life in seen.pending_orders] == (
        [] if end in ("acknowledged", "rejected") else ["BUY 10"]
    )


@pytest.mark.parametrize("end", ["", "unknown", "acknowledged"])
def test_an_order_of_unknown_outcome_stays_in_sight_however_old_it_grows(tmp_path, end):
    written(tmp_path, NOW, "intent", *([end] if end else []), session_id="another")
    now = NOW
    reader = ActivityReader(TradeLogger(tmp_path, "practice", clock=lambda: now), clock=lambda: now)
    for days in (0, 1, 2, 9, 40):
        now = NOW + timedelta(days=days)
        is_open = end != "acknowledged"
        assert len(reader.read().pending_orders) == is_open
        assert len(reader.read().in_flight.by_step) == (is_open or days <= 2)
        assert reader.read().today.orders == (days == 0)


def test_a_panic_of_another_session_stays_until_some_session_allows_orders_again(tmp_path):
    now = NOW
    reader = ActivityReader(TradeLogger(tmp_path, "practice"), clock=lambda: now)
    assert not reader.is_panic_active()
    another = TradeLogger(tmp_path, "practice", clock=lambda: NOW, account="mine")
    another.log_cancel_step("panic", {"reason": "everything is canceled"})
    for days in (0, 1, 2, 9):
        now = NOW + timedelta(days=days)
        assert reader.is_panic_active()
    assert ActivityReader(another, account="mine").is_panic_active()
    assert not ActivityReader(another, account="other").is_panic_active()
    later = TradeLogger(tmp_path, "practice", clock=lambda: now)
    later.log_cancel_step("rearmed", {"reason": "new orders allowed again"})
    assert not reader.is_panic_active()


@pytest.mark.parametrize("end", ["", "acknowledged"])
def test_a_clock_that_was_days_ahead_hides_nothing_once_it_is_set(tmp_path, end):
    written(tmp_path, NOW, "intent", *([end] if end else []))
    now = NOW + timedelta(days=9)
    reader = ActivityReader(TradeLogger(tmp_path, "practice", clock=lambda: now), clock=lambda: now)
    reader.read()
    now = NOW
    assert (reader.read().today.orders, len(reader.read().recent)) == (1, 1)


@pytest.mark.parametrize("event", ["acknowledged", "unknown"])
def test_an_order_whose_intent_is_damaged_counts_by_what_else_is_on_record(event):
    fields = intent("a").fields
    del fields["cost"]
    recent, totals = counted([JournalRecord(NOW, f"order.{event}", fields)], NOW)
    assert (len(recent), totals) == (1, DayTotals(D("5.70"), 1))
    sold = {**fields, "action": "sell"}
    assert counted([JournalRecord(NOW, f"order.{event}", sold)], NOW)[1] == DayTotals(D(0), 1)


@pytest.mark.parametrize(("account", "seen"), [("mine", 1), ("other", 0), (None, 1)])
def test_the_orders_of_every_session_of_this_account_are_seen(tmp_path, account, seen):
    written(tmp_path, NOW, "intent", "sending", session_id="another", account="mine")
    journal = TradeLogger(tmp_path, "practice", session_id="this")
    orders = ActivityReader(journal, account=account, clock=lambda: NOW).read()
    assert (len(orders.in_flight.by_step), len(orders.pending_orders)) == (seen, seen)
