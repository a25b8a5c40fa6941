"""The day's counters from a journal, and the day's profit from fills, settlements and marks."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal as D

import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples import MARKET, NOW, position, settlement

from kalshi_trading.errors import KalshiAPIError
from kalshi_trading.journal import JournalRecord
from kalshi_trading.journal_orders import journaled_orders
from kalshi_trading.models import BookSide, Fill, Listing, Positions
from kalshi_trading.pnl import holding_from, settlement_net_pnl
from kalshi_trading.proposal import DayPnl, DayTotals
from kalshi_trading.trade_logger import TradeLogger
from kalshi_trading.trading_day import TradingDay, orders_of_day, realized_since, start_of_day

MIDNIGHT = start_of_day(NOW)
ENDS_WITHOUT_ORDER = ("rejected", "not_sent", "absent")


# --- Orders ---------------------------------------------------------------------------------------


def record(event, identity, at=NOW, **fields):
    return JournalRecord(at, f"order.{event}", {"client_order_id": identity, **fields})


def intent(identity, cost="5.70", at=NOW):
    order = {"ticker": MARKET.ticker, "action": "buy", "side": "yes", "count": "10", "price": "0.57"}
    return record("intent", identity, at, cost=cost, **order)


def counted(records, now):
    return orders_of_day(journaled_orders(records, "practice", None).orders.values(), now)


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
            journal.log_order_submission("intent", {**intent(identity).fields, "cost": D(3)})
            journal.log_order_submission(end, {"client_order_id": identity})
    assert TradingDay(Exchange(), journal, clock=lambda: NOW).orders().today == DayTotals(D(3), 1)


def written(folder, at, *events, **stamps):
    """A journal in which a session wrote these events of order `a`."""
    journal = TradeLogger(folder, "practice", clock=lambda: at, **stamps)
    for event in events:
        fields = intent("a").fields if event == "intent" else {"client_order_id": "a"}
        journal.log_order_submission(event, {**fields, "sentence": "BUY 10"} | {"cost": D(3)})
    return journal


@pytest.mark.parametrize("end", ["", "acknowledged", "unknown", "rejected"])
def test_an_order_of_a_moment_before_midnight_is_recent_and_not_of_today(tmp_path, end):
    written(tmp_path, MIDNIGHT - timedelta(seconds=5), "intent")
    after = MIDNIGHT + timedelta(seconds=5)
    journal = written(tmp_path, after, *([end] if end else []))
    seen = TradingDay(Exchange(), journal, clock=lambda: after).orders()
    placed = end != "rejected"
    assert (len(seen.recent), len(seen.sent)) == (placed, placed)
    assert seen.today == DayTotals()
    assert [life.sentence for life in seen.open_lives] == (
        [] if end in ("acknowledged", "rejected") else ["BUY 10"]
    )


def test_an_order_of_the_day_before_yesterday_counts_when_it_is_asked_for(tmp_path):
    at = MIDNIGHT - timedelta(hours=24, seconds=1)
    day = TradingDay(Exchange(), written(tmp_path, at, "intent"), clock=lambda: MIDNIGHT)
    assert day.orders().sent == ()
    (seen,) = day.orders(back_to=at).sent
    assert (seen.at, seen.is_open, day.orders(back_to=at).today) == (at, True, DayTotals())
    assert day.orders(back_to=MIDNIGHT + timedelta(days=9)).sent == ()  # a clock that was set never hides


@pytest.mark.parametrize(("account", "seen"), [("mine", 1), ("other", 0), (None, 1)])
def test_the_orders_of_every_session_of_this_account_are_seen(tmp_path, account, seen):
    written(tmp_path, NOW, "intent", "sending", session_id="another", account="mine")
    journal = TradeLogger(tmp_path, "practice", session_id="this")
    orders = TradingDay(Exchange(), journal, account=account, clock=lambda: NOW).orders()
    assert (len(orders.sent), len(orders.open_lives)) == (seen, seen)


# --- Profit ---------------------------------------------------------------------------------------


class Exchange:
    """An account's rows; `asked` tells which lists were read."""

    def __init__(self, fills=(), settlements=(), positions=(), old=(), markets=(MARKET,)):
        self.fills, self.settlements, self.positions = tuple(fills), tuple(settlements), tuple(positions)
        self.old, self.markets = tuple(old), tuple(markets)
        self.asked = []
        self.incomplete = None

    def get_fills(self, *, ticker=None, since=None, until=None):
        self.asked.append(("fills", ticker))
        rows = [
            fill
            for fill in reversed(self.fills)
            if (ticker is None or fill.ticker == ticker)
            and (since is None or fill.created_at > since)
            and (until is None or fill.created_at < until)
        ]
        return Listing(tuple(rows), self.incomplete)

    def get_historical_fills(self, *, ticker):
        self.asked.append(("old fills", ticker))
        return Listing(tuple(fill for fill in reversed(self.old) if fill.ticker == ticker))

    def get_settlements(self, *, since):
        return Listing(tuple(row for row in self.settlements if row.settled_at > since))

    def get_positions(self):
        return Positions(Listing(self.positions), ())

    def get_markets(self, *, tickers):
        return Listing(tuple(market for market in self.markets if market.ticker in tickers))


def fill(side, count, price, *, at=NOW, fee="0", identity=None, ticker=MARKET.ticker):
    identity = identity or f"{ticker}-{at.isoformat()}-{side}-{count}-{price}"
    return Fill(identity, "o", ticker, BookSide(side), D(count), D(price), True, D(fee), at)


def pnl(exchange, tmp_path):
    return TradingDay(exchange, TradeLogger(tmp_path, "practice"), clock=lambda: NOW).pnl()


YESTERDAY = MIDNIGHT - timedelta(hours=1)
HOUR = timedelta(hours=1)


def test_a_day_without_anything_has_earned_nothing(tmp_path):
    assert pnl(Exchange(), tmp_path) == DayPnl()


def test_what_was_bought_and_sold_today_is_realized_less_its_fees(tmp_path):
    day = Exchange(
        [fill("bid", "10", "0.60", fee="0.17", at=NOW - HOUR), fill("ask", "10", "0.50", fee="0.18")]
    )
    assert pnl(day, tmp_path) == DayPnl(realized=D("-1.35"))
    assert day.asked == [("fills", None)]  # nothing was held before, so nothing more is read


def test_what_is_held_counts_at_the_best_bid_against_its_cost(tmp_path):
    day = Exchange([fill("bid", "10", "0.65", fee="0.16")], positions=[position("10", "6.50")])
    assert pnl(day, tmp_path) == DayPnl(realized=D("-0.16"), unrealized=D("-0.20"))


def test_a_position_nobody_bids_for_is_told_apart_by_its_cost(tmp_path):
    nobody = replace(MARKET, yes_bid=None)
    day = Exchange(positions=[position("10", "6.50")], markets=[nobody])
    assert pnl(day, tmp_path) == DayPnl(unmarked=D("6.50"))
    assert pnl(Exchange(positions=[position("10", "6.50")], markets=[]), tmp_path) == DayPnl(
        unmarked=D("6.50")
    )


def test_a_sale_of_what_was_held_over_midnight_is_measured_against_its_oldest_lots(tmp_path):
    before = [
        fill("bid", "10", "0.20", at=YESTERDAY, fee="1"),
        fill("bid", "10", "0.60", at=YESTERDAY + timedelta(minutes=1), fee="1"),
        fill("ask", "5", "0.90", at=YESTERDAY + timedelta(minutes=2), fee="1"),
    ]
    today = fill("ask", "10", "0.50", fee="0.10")
    day = Exchange([*before, today], positions=[position("5", "3.00")])
    # 5 of the lot at 20¢ and 5 of the lot at 60¢ go at 50¢; yesterday's profit and fees are not today's.
    assert pnl(day, tmp_path).realized == 5 * D("0.30") - 5 * D("0.10") - D("0.10")
    assert ("old fills", MARKET.ticker) in day.asked


def test_fills_that_have_become_historical_are_found_and_counted_once(tmp_path):
    long_ago = fill("bid", "10", "0.20", at=YESTERDAY - timedelta(days=90))
    today = fill("ask", "10", "0.50")
    day = Exchange([long_ago, today], old=[long_ago])
    assert pnl(Exchange([today], old=[long_ago], positions=[position("0", "0")]), tmp_path).realized == D("3")
    assert pnl(day, tmp_path).realized == D("3")


def test_what_was_before_midnight_is_read_once_a_day(tmp_path):
    rows = [fill("bid", "10", "0.20", at=YESTERDAY), fill("ask", "4", "0.50")]
    exchange = Exchange(rows, positions=[position("6", "1.20")])
    day = TradingDay(exchange, TradeLogger(tmp_path, "practice"), clock=lambda: NOW)
    first, second = day.pnl(), day.pnl()
    assert first == second
    assert first.realized == D("1.20")
    assert exchange.asked.count(("old fills", MARKET.ticker)) == 1


@pytest.mark.parametrize(
    ("at", "counts"),
    [
        (MIDNIGHT - timedelta(microseconds=1), False),
        (MIDNIGHT, True),
        (MIDNIGHT + timedelta(seconds=1), True),
    ],
)
def test_the_day_begins_at_local_midnight(tmp_path, at, counts):
    rows = [fill("bid", "10", "0.20", at=at - HOUR * 30), fill("ask", "10", "0.10", at=at)]
    assert pnl(Exchange(rows), tmp_path).realized == (D("-1.00") if counts else 0)


def test_a_settlement_of_today_pays_what_was_bought_before_and_today(tmp_path):
    rows = [fill("bid", "10", "0.40", at=YESTERDAY, fee="0.5"), fill("bid", "10", "0.60", fee="0.2")]
    end = replace(settlement(yes=("20", "10.00"), no=("0", "0"), revenue="20.00"), fees=D("0.7"))
    day = Exchange(rows, [end])
    # All of the 20 pay out today: +$10.00, less today's fee; yesterday's fee was yesterday's loss.
    assert pnl(day, tmp_path).realized == D("10.00") - D("0.2")


def test_a_market_opened_and_settled_today_needs_no_look_at_the_past(tmp_path):
    end = replace(settlement(yes=("10", "4.00"), no=("0", "0"), revenue="0"), fees=D("0.3"))
    day = Exchange([fill("bid", "10", "0.40", fee="0.3", at=NOW - HOUR)], [end])
    assert pnl(day, tmp_path).realized == D("-4.30")
    assert day.asked == [("fills", None)]


def test_a_settlement_of_yesterday_is_not_todays(tmp_path):
    end = settlement(yes=("10", "4.00"), no=("0", "0"), revenue="0")
    for at in (YESTERDAY, MIDNIGHT - timedelta(microseconds=1)):
        assert pnl(Exchange(settlements=[replace(end, settled_at=at)]), tmp_path) == DayPnl()
    assert pnl(Exchange(settlements=[replace(end, settled_at=MIDNIGHT)]), tmp_path) == DayPnl(D("-4.00"))


def test_fills_of_one_moment_keep_the_order_in_which_they_happened(tmp_path):
    rows = [fill("bid", "10", "0.20"), fill("bid", "10", "0.60"), fill("ask", "10", "0.50")]
    day = Exchange(rows, positions=[position("10", "6.00")])
    assert pnl(day, tmp_path).realized == D("3.00")


def test_a_list_with_rows_missing_gives_no_result_rather_than_a_wrong_one(tmp_path):
    day = Exchange([fill("bid", "10", "0.60")])
    day.incomplete = "the list broke off"
    with pytest.raises(KalshiAPIError, match="could not be read whole"):
        pnl(day, tmp_path)


trades = st.lists(
    st.tuples(st.sampled_from(BookSide), st.integers(1, 30), st.integers(1, 99), st.integers(0, 50)),
    max_size=12,
)


@given(trades, trades, st.sampled_from([None, 0, 1]))
def test_the_days_add_up_to_the_life_of_the_market(yesterday, today, paid):
    """Yesterday's and today's realized profit together are what replaying everything gives."""
    rows = [
        fill(side, count, D(price) / 100, fee=D(fee) / 100, identity=str(number), at=NOW)
        for number, (side, count, price, fee) in enumerate([*yesterday, *today])
    ]
    before, whole = holding_from(rows[: len(yesterday)]), holding_from(rows)
    earned_before = before.realized_pnl - before.fees_paid
    if paid is None:
        since = realized_since(before, rows[len(yesterday) :], None)
        assert earned_before + since == whole.realized_pnl - whole.fees_paid
    else:
        end = settled_row(rows, paid)
        since = realized_since(before, rows[len(yesterday) :], end)
        assert earned_before + since == settlement_net_pnl(end)
        payout = sum((lot.count * (paid if whole.net > 0 else 1 - paid) for lot in whole.lots), D(0))
        assert earned_before + since == (whole.realized_pnl + payout - whole.cost_basis - whole.fees_paid)


def settled_row(rows, paid):
    bids = [row for row in rows if row.book_side is BookSide.BID]
    asks = [row for row in rows if row.book_side is BookSide.ASK]
    yes, no = sum((row.count for row in bids), D(0)), sum((row.count for row in asks), D(0))
    net = yes - no
    revenue = net * paid if net > 0 else -net * (1 - paid)
    return replace(
        settlement(
            yes=(yes, sum((row.count * row.yes_price for row in bids), D(0))),
            no=(no, sum((row.count * (1 - row.yes_price) for row in asks), D(0))),
            revenue=revenue,
        ),
        fees=sum((row.fee for row in rows), D(0)),
    )


def test_a_day_without_a_midnight_begins_with_its_first_moment(monkeypatch):
    monkeypatch.setenv("TZ", "America/Santiago")
    time.tzset()
    try:
        for hour in (4, 12):  # 4 o'clock is the first moment of that Sunday, 1 o'clock there
            assert start_of_day(datetime(2026, 9, 6, hour, tzinfo=UTC)) == datetime(2026, 9, 6, 4, tzinfo=UTC)
    finally:
        monkeypatch.undo()
        time.tzset()


def test_midnight_is_the_local_one_also_when_the_clocks_change(monkeypatch):
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    try:
        at = datetime(2026, 11, 1, 20, tzinfo=UTC)  # summer time ended at 2 o'clock this morning
        assert start_of_day(at) == datetime(2026, 11, 1, 4, tzinfo=UTC)
        assert start_of_day(datetime(2026, 11, 2, 3, tzinfo=UTC)) == datetime(2026, 11, 1, 4, tzinfo=UTC)
    finally:
        monkeypatch.undo()
        time.tzset()
