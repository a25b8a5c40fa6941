"""The account snapshot: positions, marks, and parts that cannot be read."""

from __future__ import annotations

import io
import threading
from dataclasses import replace
from decimal import Decimal as D

import proof
import pytest
from exchange_account import (
    EVENT_POSITION,
    POSITION,
    QUOTED,
    SETTLEMENT,
    Account,
    fill_row,
    held,
    tracker_at,
)
from hypothesis import given
from hypothesis import strategies as st
from loopback import hang, say, serving
from model_factory import MARKET, NOW, position
from rich.console import Console

from kalshi_trading.core.errors import InvalidInputError, KalshiAPIError
from kalshi_trading.core.models import Side
from kalshi_trading.core.money import ZERO
from kalshi_trading.core.valuation import mark_price
from kalshi_trading.portfolio.cross_check import check_account
from kalshi_trading.portfolio.snapshot import PositionPnl
from kalshi_trading.ui.views import portfolio as portfolio_view
from kalshi_trading.ui.views import positions as positions_view
from kalshi_trading.ui.views.positions import Sorting


@pytest.fixture
def tracker_of():
    return tracker_at


def test_minus_twenty_five_is_twenty_five_no_at_the_bid_for_no(tracker_of):
    with serving(Account([held("KX-A", "-25.00", "8.000000")])) as server:
        snapshot = tracker_of(server).refresh()
    (row,) = snapshot.held
    assert (row.position.side, row.position.count) == (Side.NO, 25)
    assert row.mark == D("0.35")  # $1 less the YES ask of 65¢
    assert row.value == D("8.75")
    assert row.unrealized_pnl == D("0.75")


def test_yes_is_marked_at_the_bid_for_yes(tracker_of):
    with serving(Account([held("KX-A", "6.00", "3.600000")])) as server:
        (row,) = tracker_of(server).get_current_positions()
    assert (row.mark, row.value, row.unrealized_pnl) == (D("0.63"), D("3.78"), D("0.18"))


@pytest.mark.parametrize(
    ("net", "quotes"),
    [
        ("6.00", {"yes_bid_dollars": "0.0000"}),
        ("-6.00", {"yes_ask_dollars": "1.0000"}),
        ("-6.00", {"yes_ask_dollars": "0.0000"}),
    ],
)
def test_without_a_bid_there_is_no_mark_and_no_unrealized_profit(tracker_of, net, quotes):
    account = Account([held("KX-A", net, "3.600000")], markets=[{**QUOTED, "ticker": "KX-A", **quotes}])
    with serving(account) as server:
        tracker = tracker_of(server)
        (row,) = tracker.get_current_positions()
        total = tracker.calculate_total_pnl()
    assert (row.mark, row.value, row.unrealized_pnl) == (None, None, None)
    assert (total.unrealized, total.net) == (None, None)


def test_a_market_that_cannot_be_read_leaves_its_position_without_a_mark(tracker_of):
    account = Account([held("KX-A", "6.00", "3.600000"), held("KX-B", "-2.00", "1.000000")])
    account.broken = ("/markets",)
    with serving(account) as server:
        snapshot = tracker_of(server).refresh()
    assert [(row.position.ticker, row.mark) for row in snapshot.held] == [("KX-A", None), ("KX-B", None)]


def test_flat_positions_keep_their_realized_profit_and_are_not_held(tracker_of):
    rows = [held("KX-A", "0.00", "0.000000", realized_pnl_dollars="1.250000"), held("KX-B", "1.00", "0.5")]
    with serving(Account(rows)) as server:
        tracker = tracker_of(server)
        snapshot = tracker.refresh()
        total = tracker.calculate_total_pnl()
    assert [row.position.ticker for row in snapshot.held] == ["KX-B"]
    assert total.realized == D("1.25") + D("0.20")
    assert total.unrealized == D("0.13")  # a flat position needs no mark


@pytest.mark.parametrize(
    ("own", "mark", "proceeds"),
    [
        (("bid", "0.6300", "120.00"), "0.62", "62.00"),  # the whole bid at 63¢ is our own
        (("bid", "0.6300", "20.00"), "0.63", "63.00"),
        (("bid", "0.6200", "310.00"), "0.63", "63.00"),
        (("ask", "0.6500", "80.50"), "0.63", "63.00"),
    ],
)
def test_our_own_orders_are_neither_a_mark_nor_a_buyer(tracker_of, own, mark, proceeds):
    side, price, count = own
    account = Account([held("KX-A", "100.00", "50.00"), held("KX-B", "100.00", "50.00")])
    account.orders = [
        {**account.orders[0], "ticker": "KX-A", "yes_price_dollars": price}
        | {"book_side": side, "outcome_side": "yes", "remaining_count_fp": count}
    ]
    with serving(account) as server:
        rows = {row.position.ticker: row for row in tracker_of(server).refresh().held}
    assert (rows["KX-A"].mark, rows["KX-A"].liquidation.proceeds) == (D(mark), D(proceeds))
    assert (rows["KX-B"].mark, rows["KX-B"].liquidation.proceeds) == (D("0.63"), D("63"))


def test_most_at_stake_comes_first(tracker_of):
    rows = [held("KX-A", "1.00", "0.50"), held("KX-B", "-9.00", "4.00"), held("KX-C", "2.00", "1.10")]
    with serving(Account(rows)) as server:
        found = tracker_of(server).get_current_positions()
    assert [row.position.ticker for row in found] == ["KX-B", "KX-C", "KX-A"]


def test_many_positions_are_marked_a_hundred_at_a_time(tracker_of):
    account = Account([held(f"KX-{number}", "1.00", "0.50") for number in range(250)])
    with serving(account) as server:
        rows = tracker_of(server).get_current_positions()
    asked = [query["tickers"][0].split(",") for path, query in account.asked if path == "/markets"]
    assert sorted(map(len, asked)) == [50, 100, 100]
    assert all(row.mark == D("0.63") for row in rows)
    assert len({ticker for batch in asked for ticker in batch}) == len(rows) == 250


def test_nothing_held_asks_for_no_market(tracker_of):
    account = Account()
    with serving(account) as server:
        assert tracker_of(server).get_current_positions() == ()
    assert {path for path, _ in account.asked} == {"/portfolio/positions", "/portfolio/orders"}


def test_one_position_can_be_read_by_its_ticker(tracker_of):
    account = Account([held("KX-A", "6.00", "3.600000")])
    with serving(account) as server:
        tracker = tracker_of(server)
        assert tracker.calculate_position_pnl("KX-A").unrealized_pnl == D("0.18")
        assert tracker.calculate_position_pnl("kx-a").unrealized_pnl == D("0.18")
        for position in (*tracker.get_current_positions(), tracker.get_current_positions()[0].position):
            assert tracker.calculate_position_pnl(position).unrealized_pnl == D("0.18")
        with pytest.raises(InvalidInputError, match=r"No open position in KX-B\."):
            tracker.calculate_position_pnl("KX-B")


# --- Parts that are missing ----------------------------------------------------------------------

PARTS = {
    "balance": "/portfolio/balance",
    "positions": "/portfolio/positions",
    "resting": "/portfolio/orders",
    "settlements": "/portfolio/settlements",
}


@pytest.mark.parametrize("part", PARTS)
def test_a_part_that_cannot_be_read_says_why_and_the_others_stand(tracker_of, part):
    account = Account([held("KX-A", "6.00", "3.600000")], [{}])
    account.broken = (PARTS[part],)
    with serving(account) as server:
        snapshot = tracker_of(server).refresh()
    for name in PARTS:
        shown = getattr(snapshot, name)
        if name == part:
            assert shown.value is None
            assert "not for this key" in shown.unavailable
        else:
            assert shown.value
            assert shown.unavailable is None
    assert snapshot.as_of == NOW


ENDPOINTS = {
    "/portfolio/balance": "Balance unavailable",
    "/portfolio/positions": "Positions unavailable",
    "/portfolio/orders": "Open orders unavailable",
    "/portfolio/settlements": "Settlements unavailable",
    "/portfolio/fills": "Fills unavailable",
    "/historical/fills": "Fills unavailable",
    "/portfolio/deposits": "Deposits unavailable",
    "/portfolio/withdrawals": "Withdrawals unavailable",
    "/markets": "Quotes unavailable",
    "/markets/orderbooks": "Order books or fees unavailable",
    "/events": "Order books or fees unavailable",
    "/series/KXHIGHNY": "Order books or fees unavailable",
}
SLOW_BREAK = "time-out"
BREAKS = {
    "500": (say(500, {"error": {"code": "internal_error", "message": "broken"}}), "reports an error"),
    SLOW_BREAK: (hang, "Try again"),
    "malformed": (say(200, {"cursor": 5, "surprise": [{}]}), "answer"),
    "no JSON": (say(200, b"<html>"), "not from the exchange"),
}
LINES = ["Account value", "Cash", "Positions", "Unrealized P&L", "Realized P&L", "Exposure", "KX-A"]
UNKNOWN = {  # lines that cannot stand without a part
    "/portfolio/balance": {"Account value", "Cash"},
    "/portfolio/positions": {*LINES} - {"Cash"},
    "/portfolio/orders": {"Account value", "Exposure"},
    "/portfolio/settlements": {"Realized P&L"},
    "/markets": {"Positions", "Unrealized P&L"},
}


FAILURES = [
    *((endpoint, kind) for endpoint in ENDPOINTS for kind in BREAKS if kind != SLOW_BREAK),
    *((endpoint, SLOW_BREAK) for endpoint in proof.sample_journeys(list(ENDPOINTS))),
]


@pytest.mark.parametrize(("endpoint", "kind"), FAILURES)
def test_an_endpoint_that_fails_leaves_the_rest_on_the_screen_and_says_why(tracker_of, endpoint, kind):
    fills = [fill_row("KX-A", "bid", "6.00", "0.6000", "0.010000")]
    row = held("KX-A", "6.00", "3.600000", realized_pnl_dollars="0.000000", fees_paid_dollars="0.010000")
    account = Account([row], fills=fills)
    account.broken, (account.breaks, words) = (endpoint,), BREAKS[kind]
    with serving(account) as server:
        tracker = tracker_of(server, total_s=2.5 if kind == SLOW_BREAK else 10)
        broken = on_the_screen(tracker.refresh())
        account.broken = ()
        mended = on_the_screen(tracker.refresh())
    (failure,) = [line for line in broken if "unavailable" in line]
    assert failure.startswith(f"✗ {ENDPOINTS[endpoint]}: ")
    assert words in failure
    for name in LINES:
        shown = next(
            (line.removeprefix(name).replace("≥", "").split() for line in broken if line.startswith(name)),
            ["–"],
        )
        assert (shown[0] == "–") == (name in UNKNOWN.get(endpoint, ())), name
    assert not [line for line in mended if "unavailable" in line]


def on_the_screen(snapshot):
    """Render summary and positions as lines, without color or wrapping."""
    console = Console(width=400, no_color=True, record=True, file=io.StringIO())
    today = snapshot.realized_since(NOW)
    console.print(portfolio_view.summary(snapshot, today, check_account(snapshot), 40))
    console.print(positions_view.positions(snapshot, Sorting.COST, 0, 400))
    return [line.strip("│ ") for line in console.export_text().splitlines()]


def test_positions_with_a_row_missing_are_unavailable_and_not_fewer(tracker_of):
    rows = [held("KX-A", "6.00", "3.600000"), held("KX-B", None, "1.00")]
    with serving(Account(rows)) as server:
        tracker = tracker_of(server)
        snapshot = tracker.refresh()
        with pytest.raises(KalshiAPIError):
            tracker.calculate_total_pnl()
    assert snapshot.positions.value is None
    assert "position_fp" in snapshot.positions.unavailable


def test_flat_rows_without_figures_leave_the_other_positions_there(tracker_of):
    nothing = dict.fromkeys(
        ("realized_pnl_dollars", "fees_paid_dollars", "total_traded_dollars", "market_exposure_dollars")
    )
    rows = [
        held("KX-A", "6.00", "3.600000"),
        held("KX-B", "0.00", None),
        {**nothing, **held("KX-C", "0", None)},
    ]
    with serving(Account(rows)) as server:
        snapshot = tracker_of(server).refresh()
    assert [row.position.ticker for row in snapshot.positions.value] == ["KX-A", "KX-B"]


# --- Repeated rows -------------------------------------------------------------------------------


def test_rows_that_come_twice_in_a_list_count_once(tracker_of):
    bought, row = fill_row("KX-A", "bid", "6.00", "0.6000"), held("KX-A", "6.00", "3.600000")
    account = Account([row, row], [{}, {}], fills=[bought, bought])
    account.orders *= 2
    with serving(account) as server:
        snapshot = tracker_of(server).refresh()
    lists = (snapshot.positions, snapshot.resting, snapshot.settlements)
    assert [len(part.value) for part in lists] == [1, 1, 1]
    assert snapshot.fills.value == 1
    assert snapshot.value_at_mark == D("3.78")


def test_of_an_order_that_changed_while_the_list_was_read_the_later_row_counts(tracker_of):
    account = Account()
    account.orders.append({**account.orders[0], "remaining_count_fp": "1.00"})
    with serving(account) as server:
        (order,) = tracker_of(server).refresh().resting.value
    assert order.remaining_count == 1


def test_different_settlements_of_one_market_are_of_several_indistinguishable_accounts(tracker_of):
    account = Account([], [{}, {"yes_count_fp": "4.00"}])
    with serving(account) as server:
        settlements = tracker_of(server).refresh().settlements
    assert settlements.value is None
    assert f"the exchange sent different rows for {SETTLEMENT['ticker']}" in settlements.unavailable


def test_realized_profit_is_unknown_without_the_settlements(tracker_of):
    account = Account([held("KX-A", "6.00", "3.600000")])
    account.broken = ("/portfolio/settlements",)
    with serving(account) as server, pytest.raises(KalshiAPIError):
        tracker_of(server).get_realized_pnl()


# --- Round trips ---------------------------------------------------------------------------------


class Waves(Account):
    """Answers the requests of a wave only once all of them have arrived.

    `sizes` holds the sizes of the waves to come.
    """

    def __init__(self, *sizes, **holds):
        super().__init__(**holds)
        self.sizes = list(sizes)
        self.waiting = 0
        self.moved = threading.Condition()

    def __call__(self, connection, request):
        with self.moved:
            self.waiting += 1
            if self.sizes and self.waiting == self.sizes[0]:
                self.sizes.pop(0)
                self.waiting = 0
                self.moved.notify_all()
            elif not self.moved.wait(timeout=5):
                return  # the wave is incomplete
        super().__call__(connection, request)


def test_a_cold_reading_takes_two_waves_of_questions_and_a_warm_one_a_single_one(tracker_of):
    # Cold, first wave: balance, positions, orders, fills, settlements, deposits, withdrawals.
    # Cold, second wave: quotes, books, event, fees, archive.
    # Warm: the seven of the first wave, with quotes and books.
    account = Waves(7, 5, 9, positions=[held(MARKET.ticker, "6.00", "3.600000")])
    account.events = [EVENT_POSITION]
    with serving(account) as server:
        tracker = tracker_of(server, total_s=4)
        for _ in range(2):
            snapshot = tracker.refresh()
            assert snapshot.held[0].liquidation.value is not None
            assert (snapshot.quotes_missing, snapshot.books_missing) == (None, None)
    assert account.sizes == []
    assert len(account.asked) == 7 + 5 + 9


def test_a_position_that_is_new_is_asked_for_in_a_second_wave(tracker_of):
    account = Account([held(MARKET.ticker, "6.00", "3.600000")])
    with serving(account) as server:
        tracker = tracker_of(server)
        tracker.refresh()
        account.positions.append(POSITION | held("KXRAIN-26NOV21-NYC", "1.00", "0.400000"))
        account.asked.clear()
        rows = tracker.refresh().held
    assert [row.mark for row in rows] == [D("0.63")] * 2
    asked = [query["tickers"][0] for path, query in account.asked if path == "/markets"]
    assert sorted(asked) == [MARKET.ticker, "KXRAIN-26NOV21-NYC"]


# --- Totals --------------------------------------------------------------------------------------


def test_the_walk_of_the_specification_adds_up(tracker_of):
    # Ten bought at 60¢, four NO at 35¢: 6 held, 20¢ realized, marked at 63¢. Source: Kalshi API, positions.
    with serving(Account([{}])) as server:
        total = tracker_of(server).calculate_total_pnl()
    assert (total.realized, total.unrealized, total.fees) == (D("0.2"), D("0.18"), D("0.2317"))
    assert total.net == D("0.1483")


amounts = st.decimals(0, 1000, places=2)


@given(net=st.decimals(-500, 500, places=2), cost=amounts, bid=st.integers(1, 98), width=st.integers(1, 50))
def test_what_a_position_is_worth_is_what_its_bidders_would_pay(net, cost, bid, width):
    quotes = {"yes_bid": D(bid) / 100, "yes_ask": D(min(99, bid + width)) / 100}
    market, owned = replace(MARKET, **quotes), position(str(net), str(cost))
    row = PositionPnl(owned, market, mark_price(owned, market))
    if net == ZERO:
        assert row.mark is None
    elif net > ZERO:
        assert row.unrealized_pnl == net * quotes["yes_bid"] - cost
    else:
        assert row.unrealized_pnl == -net * (1 - quotes["yes_ask"]) - cost
    assert mark_price(owned, None) is None


def test_the_summary_is_the_picture_itself(tracker_of):
    with serving(Account([held(MARKET.ticker, "6.00", "3.600000")])) as server:
        snapshot = tracker_of(server).display_portfolio_summary()
    assert [row.position.ticker for row in snapshot.held] == [MARKET.ticker]
    assert snapshot.balance.value.cash == D("121.3683")
