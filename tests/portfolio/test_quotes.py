"""Test quotes, books and fees of positions, and slow or abandoned reads.

Checks which missing data is reported.
"""

from __future__ import annotations

import threading
import time
from datetime import timedelta
from decimal import Decimal as D

import pytest
from exchange_account import (
    EVENT,
    QUOTED,
    REST,
    SERIES,
    Account,
    event_row,
    fill_row,
    held,
    tracker_at,
)
from loopback import say, serving
from model_factory import MARKET, NOW

ORDER = REST["get_order"]["body"]["order"]


class Exchange(Account):
    """An account whose answers a test can replace by path."""

    def __init__(self, *rows, **more):
        super().__init__(*rows, **more)
        self.answers = {}

    def __call__(self, connection, request):
        path = request.path.partition("v2")[2]
        answer = self.answers.get(path)
        if answer is None:
            super().__call__(connection, request)
            return
        with self.lock:
            self.asked.append((path, {}))
        answer(connection, request)

    def count(self, path):
        return sum(1 for asked, _ in self.asked if asked == path)


# --- Quotes, events and fees ---------------------------------------------------------------------


def test_one_market_that_cannot_be_read_leaves_the_others_their_marks_and_is_named():
    names = [f"KX-{number}" for number in range(9)]
    markets = [{**QUOTED, "ticker": name} for name in names]
    markets[7]["close_time"] = None
    with serving(Account([held(name, "1.00", "0.50") for name in names], markets=markets)) as server:
        snapshot = tracker_at(server).refresh()
    assert [row.position.ticker for row in snapshot.unmarked] == ["KX-7"]
    assert "KX-7" in snapshot.quotes_missing
    assert "close_time" in snapshot.quotes_missing


def test_a_market_the_exchange_says_nothing_of_is_named():
    rows = [held("KX-A", "1.00", "0.50"), held("KX-B", "1.00", "0.50")]
    with serving(Account(rows, markets=[{**QUOTED, "ticker": "KX-A"}])) as server:
        snapshot = tracker_at(server).refresh()
    assert snapshot.quotes_missing == "no quotes for KX-B"


@pytest.mark.parametrize("event", ["KXSOLO", "KXEVENT"])
def test_one_ticker_may_name_a_market_its_event_and_its_series(event):
    markets = [{**QUOTED, "ticker": "KXSOLO", "event_ticker": event}]
    with serving(Account([held("KXSOLO", "6.00", "3.60")], markets=markets)) as server:
        snapshot = tracker_at(server).refresh()
    assert snapshot.books_missing is None
    assert snapshot.held[0].liquidation.value is not None


def test_a_series_called_otherwise_than_the_event_is_asked_for_by_its_own_name():
    account = Exchange([held(MARKET.ticker, "6.00", "3.60")])
    row = {**event_row(QUOTED["event_ticker"]), "series_ticker": "KXOTHER"}
    account.answers["/events"] = say(200, {"cursor": "", "events": [row]})
    account.answers["/series/KXHIGHNY"] = say(404, {"error": {"code": "not_found", "message": "no"}})
    with serving(account) as server:
        tracker = tracker_at(server)
        snapshot = tracker.refresh()
        tracker.refresh()
    assert snapshot.books_missing is None
    assert snapshot.held[0].liquidation.value is not None
    assert account.count("/series/KXOTHER") == account.count("/series/KXHIGHNY") == 1


def test_fees_that_are_not_known_are_a_reason_of_their_own():
    account = Exchange([held(MARKET.ticker, "6.00", "3.60")])
    account.answers["/events"] = say(200, {"cursor": "", "events": []})
    with serving(account) as server:
        snapshot = tracker_at(server).refresh()
    assert snapshot.books_missing == f"fees unknown for {MARKET.ticker}"
    assert snapshot.liquidation_value is None


def test_markets_that_exclude_one_another_are_known_where_only_orders_rest():
    account = Account()
    account.orders = [{**ORDER, "order_id": f"o{name}", "ticker": f"KXE-26-{name}"} for name in "ABC"]
    with serving(account) as server:
        snapshot = tracker_at(server).refresh()
    assert snapshot.events["KXE-26"].mutually_exclusive is EVENT["mutually_exclusive"]
    assert [risk.mutually_exclusive for risk in snapshot.risks] == [EVENT["mutually_exclusive"]]


def test_a_sale_is_valued_anew_when_only_the_book_moved():
    account = Exchange([held(MARKET.ticker, "6.00", "3.60")])
    book = {"yes_dollars": [["0.5000", "100.00"]], "no_dollars": []}
    with serving(account) as server:
        tracker = tracker_at(server)
        before = tracker.refresh().held[0]
        answer = {"orderbooks": [{"ticker": MARKET.ticker, "orderbook_fp": book}]}
        account.answers["/markets/orderbooks"] = say(200, answer)
        after = tracker.refresh().held[0]
    assert after.liquidation.proceeds == D("3.00")
    assert after.liquidation != before.liquidation


@pytest.mark.parametrize(("minutes", "asked"), [(9, 1), (11, 2)])
def test_events_and_fees_are_read_anew_after_ten_minutes(minutes, asked):
    account = Exchange([held(MARKET.ticker, "6.00", "3.60")])
    now = [NOW]
    with serving(account) as server:
        tracker = tracker_at(server, clock=lambda: now[0])
        before = tracker.refresh().held[0]
        now[0] += timedelta(minutes=minutes)
        series = {**SERIES, "ticker": "KXHIGHNY", "fee_multiplier": 2}
        account.answers["/series/KXHIGHNY"] = say(200, {"series": series})
        after = tracker.refresh().held[0]
    assert (account.count("/events"), account.count("/series/KXHIGHNY")) == (asked, asked)
    assert (after.liquidation != before.liquidation) == (asked == 2)


def test_a_position_that_went_is_not_remembered():
    account = Account([held("KX-A", "6.00", "3.60")])
    with serving(account) as server:
        tracker = tracker_at(server)
        first = tracker.refresh().held[0]
        assert tracker.refresh().held[0] is first
        rows, account.positions = account.positions, []
        tracker.refresh()
        account.positions = rows
        assert tracker.refresh().held[0] is not first


def test_a_market_without_rows_is_looked_up_once_in_a_reading():
    account = Exchange(
        fills=[fill_row("KX-B", "bid", "6.00", "0.6000")], markets=[{**QUOTED, "ticker": "KX-B"}]
    )
    with serving(account) as server:
        tracker = tracker_at(server)
        for readings in (1, 2):
            tracker.refresh(first_look=lambda _: None)
            assert account.count("/historical/markets") == readings
            assert account.count("/markets") == 2 * readings  # and once for the market of an open order


# --- Slow and abandoned reads --------------------------------------------------------------------


def after(seconds, body):
    def answer(connection, request):
        time.sleep(seconds)
        say(200, {"cursor": "", **body})(connection, request)

    return answer


SLOW = {
    "deposits": ("/portfolio/deposits", {"deposits": []}),
    "settlements": ("/portfolio/settlements", {"settlements": []}),
    "positions": ("/portfolio/positions", {"market_positions": [], "event_positions": []}),
}


@pytest.mark.parametrize("part", SLOW)
def test_whatever_list_is_slow_a_first_look_shows_the_others(part):
    account = Exchange([held("KX-A", "6.00", "3.60")])
    path, body = SLOW[part]
    account.answers[path] = after(1.6, body)
    shown = []
    with serving(account) as server:
        begun = time.monotonic()
        whole = tracker_at(server).refresh(first_look=lambda early: shown.append((early, time.monotonic())))
    (early, at) = shown[0]
    assert at - begun < 1.5
    assert getattr(early, part).unavailable == "still loading"
    assert early.balance.value == whole.balance.value
    assert getattr(whole, part).unavailable is None


@pytest.mark.parametrize("part", ["deposits", "withdrawals", "settlements", "orders", "fills", "positions"])
def test_an_abandoned_read_stops_every_list_and_holds_up_nothing(part):
    account, further, goes_on = Exchange([held("KX-A", "6.00", "3.60")]), [], threading.Event()
    endless, empty = [True], {"market_positions": [], part: []}

    def page(connection, request):
        if "cursor" in request.target:
            further.append(request)
            goes_on.wait(60)
        cursor = f"c{len(further)}" if endless[0] else ""
        say(200, {"cursor": cursor, **empty})(connection, request)

    account.answers[f"/portfolio/{part}"] = page
    with serving(account) as server:
        tracker = tracker_at(server)
        threads = left_at_first_look(tracker)
        endless[0] = False
        assert tracker.refresh().balance.value  # while a page of the abandoned read is pending
        endless[0] = True
        goes_on.set()
        for thread in threads:
            thread.join(30)
        went_on = [thread for thread in threads if thread.is_alive()]
        endless[0] = False
    assert len(further) == 1
    assert not went_on


def left_at_first_look(tracker):
    """Abandon a read as Ctrl-C does, and return its threads."""

    def leave(_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tracker.refresh(first_look=leave)
    return [thread for thread in threading.enumerate() if thread.name == "question"]


def test_threads_of_a_reading_that_was_left_do_not_hold_up_the_end_of_the_program():
    account, goes_on = Exchange(), threading.Event()
    account.answers["/portfolio/deposits"] = lambda connection, request: goes_on.wait(60)
    with serving(account) as server:
        threads = left_at_first_look(tracker_at(server))
        goes_on.set()
    assert threads
    assert all(thread.daemon for thread in threads)
