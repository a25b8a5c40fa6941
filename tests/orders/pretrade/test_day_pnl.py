"""The day's P&L from fills, settlements and marks."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal as D

import pytest
from hypothesis import given
from hypothesis import strategies as st
from model_factory import BOOK, MARKET, NOW, fill, order, position, settlement

from kalshi_trading.core.dates import start_of_day
from kalshi_trading.core.errors import KalshiAPIError
from kalshi_trading.core.market_models import BookLevel
from kalshi_trading.core.models import BookSide, OrderStatus, Positions
from kalshi_trading.core.pnl import fifo_position, settlement_net_pnl
from kalshi_trading.core.results import Listing
from kalshi_trading.orders.pretrade.context import DayPnl
from kalshi_trading.orders.pretrade.day_pnl import LATE_FILLS, DayPnlReader
from kalshi_trading.portfolio.breakdown import RealizedPnl, by_day, since
from kalshi_trading.portfolio.ledger import ledger_from, market_ledger

MIDNIGHT = start_of_day(NOW)


class Exchange:
    """The rows of an account; `asked` lists the reads."""

    def __init__(
        self, fills=(), settlements=(), positions=(), old=(), markets=(MARKET,), resting=(), book=None
    ):
        self.fills, self.settlements, self.positions = tuple(fills), tuple(settlements), tuple(positions)
        self.old, self.markets = tuple(old), tuple(markets)
        self.resting, self.book = tuple(resting), book
        self.asked = []
        self.incomplete = None

    def get_fills(self, *, ticker=None, since=None, until=None):
        self.asked.append(("fills", ticker))
        self.asked_since = since
        rows = [
            fill
            for fill in reversed(self.fills)
            if (ticker is None or fill.ticker == ticker)
            and (since is None or fill.created_at >= since)
            and (until is None or fill.created_at <= until)
        ]
        return Listing(tuple(rows), self.incomplete)

    def get_historical_fills(self, *, ticker):
        self.asked.append(("old fills", ticker))
        return Listing(tuple(fill for fill in reversed(self.old) if fill.ticker == ticker))

    def get_settlements(self, *, since):
        return Listing(tuple(row for row in self.settlements if row.settled_at >= since))

    def get_positions(self):
        return Positions(Listing(self.positions), ())

    def get_orders(self, *, status):
        assert status is OrderStatus.RESTING
        return Listing(self.resting)

    def get_orderbooks(self, tickers):
        return {MARKET.ticker: self.book} if self.book is not None and MARKET.ticker in tickers else {}

    def get_historical_markets(self, *, tickers):
        return Listing(())

    def get_markets(self, *, tickers):
        return Listing(tuple(market for market in self.markets if market.ticker in tickers))


def bids(*levels):
    return replace(BOOK, yes_bids=tuple(BookLevel(D(price), D(count)) for price, count in levels))


def pnl(exchange):
    return DayPnlReader(exchange, clock=lambda: NOW).pnl()


YESTERDAY = MIDNIGHT - timedelta(hours=1)
HOUR = timedelta(hours=1)


def test_a_day_without_anything_has_earned_nothing():
    assert pnl(Exchange()) == DayPnl()


def test_what_was_bought_and_sold_today_is_realized_less_its_fees():
    day = Exchange(
        [fill("bid", "10", "0.60", fee="0.17", at=NOW - HOUR), fill("ask", "10", "0.50", fee="0.18")]
    )
    assert pnl(day) == DayPnl(realized=D("-1.35"))
    assert day.asked == [("fills", None)]  # flat at midnight, so nothing more is read


def test_what_is_held_counts_at_the_best_bid_against_its_cost():
    day = Exchange([fill("bid", "10", "0.65", fee="0.16")], positions=[position("10", "6.50")])
    assert pnl(day) == DayPnl(realized=D("-0.16"), unrealized=D("-0.20"))


def test_a_position_without_a_bid_is_counted_apart_at_its_cost():
    nobody = replace(MARKET, yes_bid=None)
    day = Exchange(positions=[position("10", "6.50")], markets=[nobody])
    assert pnl(day) == DayPnl(unmarked=D("6.50"))
    assert pnl(Exchange(positions=[position("10", "6.50")], markets=[])) == DayPnl(unmarked=D("6.50"))


def test_an_own_order_marks_nothing():
    """MARKET is bid 63¢, others bid 61¢ or less where the 63¢ are ours."""
    here = {"positions": [position("10", "6.50")], "resting": [order(BookSide.BID, "0.63", count="5")]}
    others = bids(("0.63", "5"), ("0.61", "7"))
    assert pnl(Exchange(**here, book=others)) == DayPnl(unrealized=D("-0.40"))
    assert pnl(Exchange(**here, book=bids(("0.63", "5")))) == DayPnl(unmarked=D("6.50"))
    assert pnl(Exchange(**here, book=bids(("0.63", "6")))) == DayPnl(unrealized=D("-0.20"))
    assert pnl(Exchange(**here)) == DayPnl(unmarked=D("6.50"))  # without a book the bid is not known
    for elsewhere in (order(BookSide.BID, "0.62"), order(BookSide.ASK, "0.63")):
        day = Exchange(positions=here["positions"], resting=[elsewhere], book=others)
        assert pnl(day) == DayPnl(unrealized=D("-0.20"))


def test_a_settled_market_that_is_still_among_the_positions_counts_once():
    fills = [fill("bid", "10", "0.60")]
    end = settlement(yes=("10", "6.00"), no=("0", "0"), revenue="0")
    lingering = Exchange(fills, [end], [position("10", "6.00")])
    assert pnl(lingering) == pnl(Exchange(fills, [end])) == DayPnl(realized=D("-6.00"))


def test_a_sale_of_what_was_held_over_midnight_is_measured_against_its_oldest_lots():
    before = [
        fill("bid", "10", "0.20", at=YESTERDAY, fee="1"),
        fill("bid", "10", "0.60", at=YESTERDAY + timedelta(minutes=1), fee="1"),
        fill("ask", "5", "0.90", at=YESTERDAY + timedelta(minutes=2), fee="1"),
    ]
    today = fill("ask", "10", "0.50", fee="0.10")
    day = Exchange([*before, today], positions=[position("5", "3.00")])
    # 5 of the lot at 20¢ and 5 of the lot at 60¢ sell at 50¢; yesterday's P&L and fees do not count.
    assert pnl(day).realized == 5 * D("0.30") - 5 * D("0.10") - D("0.10")
    assert ("old fills", MARKET.ticker) in day.asked


def test_fills_that_have_become_historical_are_found_and_counted_once():
    long_ago = fill("bid", "10", "0.20", at=YESTERDAY - timedelta(days=90))
    today = fill("ask", "10", "0.50")
    day = Exchange([long_ago, today], old=[long_ago])
    assert pnl(Exchange([today], old=[long_ago], positions=[position("0", "0")])).realized == D("3")
    assert pnl(day).realized == D("3")


def test_what_was_before_midnight_is_read_once_a_day():
    rows = [fill("bid", "10", "0.20", at=YESTERDAY), fill("ask", "4", "0.50")]
    exchange = Exchange(rows, positions=[position("6", "1.20")])
    day = DayPnlReader(exchange, clock=lambda: NOW)
    first, second = day.pnl(), day.pnl()
    assert first == second
    assert first.realized == D("1.20")
    assert exchange.asked.count(("old fills", MARKET.ticker)) == 1


@given(
    fills=st.lists(
        st.tuples(
            st.sampled_from(["bid", "ask"]),
            st.integers(1, 9),
            st.sampled_from([MARKET.ticker, "KX-OTHER"]),
            st.integers(0, 9 * 3600),  # seconds after midnight
            st.integers(0, LATE_FILLS.seconds),  # until the list shows it
        ),
        max_size=25,
    )
)
def test_read_on_the_day_is_the_same_as_read_anew(fills):
    """Incremental reads equal a full read, however late a fill is listed.

    The delay is at most LATE_FILLS.
    """
    rows = []
    for number, (side, count, ticker, after, late) in enumerate(fills):
        at = MIDNIGHT + timedelta(seconds=after, microseconds=number)
        done = replace(fill(side, str(count), "0.40", fee="0.01", at=at), ticker=ticker, fill_id=str(at))
        rows.append((at, at + timedelta(seconds=late), done))
    rows.sort(key=lambda row: row[0])
    exchange, clock = Exchange(), [MIDNIGHT]
    day = DayPnlReader(exchange, clock=lambda: clock[0])
    for clock[0] in sorted({shown_at for _, shown_at, _ in rows}):
        exchange.fills = tuple(done for _, shown_at, done in rows if shown_at <= clock[0])
        exchange.positions = tuple(
            replace(position(str(net), "1.00"), ticker=ticker)
            for ticker in (MARKET.ticker, "KX-OTHER")
            if (net := fifo_position(each for each in exchange.fills if each.ticker == ticker).net)
        )
        assert day.pnl() == DayPnlReader(exchange, clock=lambda: clock[0]).pnl()


def test_after_midnight_a_session_counts_from_zero():
    def round_trip(at, sold):
        return [fill("bid", "1", "0.20", at=at), fill("ask", "1", sold, at=at + timedelta(seconds=1))]

    noon = MIDNIGHT + timedelta(hours=12)
    rows = [*round_trip(noon, "0.50"), *round_trip(noon + timedelta(days=1), "0.90")]
    rows = [replace(each, fill_id=str(number)) for number, each in enumerate(rows)]
    exchange, clock = Exchange(rows[:2]), [noon + timedelta(minutes=9)]
    day = DayPnlReader(exchange, clock=lambda: clock[0])
    assert day.pnl() == pnl(exchange)
    exchange.fills, clock[0] = tuple(rows), clock[0] + timedelta(days=1)
    assert day.pnl() == DayPnlReader(exchange, clock=lambda: clock[0]).pnl()


def test_of_a_long_day_only_the_newest_fills_are_read_again():
    rows = [fill("bid", "1", "0.20", at=MIDNIGHT + timedelta(minutes=each)) for each in range(100)]
    exchange = Exchange(rows, positions=[position("100", "20.00")])
    day = DayPnlReader(exchange, clock=lambda: NOW)
    assert day.pnl() == day.pnl() == pnl(exchange)
    day.pnl()
    assert exchange.asked_since == MIDNIGHT + timedelta(minutes=99) - LATE_FILLS


def test_right_after_midnight_the_past_is_read_again_because_lists_lag():
    last = fill("bid", "6", "0.20", at=MIDNIGHT - timedelta(seconds=1))
    exchange = Exchange([fill("ask", "4", "0.50", at=MIDNIGHT)], positions=[position("2", "0.40")])
    now = MIDNIGHT + timedelta(seconds=2)
    day = DayPnlReader(exchange, clock=lambda: now)
    assert day.pnl().realized == 0  # the sold contracts are not known to be a position
    exchange.fills = (last, *exchange.fills)
    assert day.pnl().realized == D("1.20")


@pytest.mark.parametrize(
    ("at", "counts"),
    [
        (MIDNIGHT - timedelta(microseconds=1), False),
        (MIDNIGHT, True),
        (MIDNIGHT + timedelta(seconds=1), True),
    ],
)
def test_the_day_begins_at_local_midnight(at, counts):
    rows = [fill("bid", "10", "0.20", at=at - HOUR * 30), fill("ask", "10", "0.10", at=at)]
    assert pnl(Exchange(rows)).realized == (D("-1.00") if counts else 0)


def test_a_settlement_of_today_pays_what_was_bought_before_and_today():
    rows = [fill("bid", "10", "0.40", at=YESTERDAY, fee="0.5"), fill("bid", "10", "0.60", fee="0.2")]
    end = replace(settlement(yes=("20", "10.00"), no=("0", "0"), revenue="20.00"), fees=D("0.7"))
    day = Exchange(rows, [end])
    # All 20 pay out today: +$10.00, less today's fee; yesterday's fee counted yesterday.
    assert pnl(day).realized == D("10.00") - D("0.2")


def test_a_market_opened_and_settled_today_needs_no_look_at_the_past():
    end = replace(settlement(yes=("10", "4.00"), no=("0", "0"), revenue="0"), fees=D("0.3"))
    day = Exchange([fill("bid", "10", "0.40", fee="0.3", at=NOW - HOUR)], [end])
    assert pnl(day).realized == D("-4.30")
    assert day.asked == [("fills", None)]


def test_a_settlement_of_yesterday_is_not_todays():
    end = settlement(yes=("10", "4.00"), no=("0", "0"), revenue="0")
    for at in (YESTERDAY, MIDNIGHT - timedelta(microseconds=1)):
        assert pnl(Exchange(settlements=[replace(end, settled_at=at)])) == DayPnl()
    assert pnl(Exchange(settlements=[replace(end, settled_at=MIDNIGHT)])) == DayPnl(D("-4.00"))


def test_fills_of_one_moment_keep_the_order_in_which_they_happened():
    rows = [fill("bid", "10", "0.20"), fill("bid", "10", "0.60"), fill("ask", "10", "0.50")]
    day = Exchange(rows, positions=[position("10", "6.00")])
    assert pnl(day).realized == D("3.00")


def test_a_list_with_rows_missing_gives_no_result_rather_than_a_wrong_one():
    day = Exchange([fill("bid", "10", "0.60")])
    day.incomplete = "the list broke off"
    with pytest.raises(KalshiAPIError, match="The list is incomplete"):
        pnl(day)


trades = st.lists(
    st.tuples(st.sampled_from(BookSide), st.integers(1, 30), st.integers(1, 99), st.integers(0, 50)),
    max_size=12,
)


@given(trades, trades, st.sampled_from([None, 0, 1]))
def test_the_days_add_up_to_the_life_of_the_market(yesterday, today, paid):
    """Yesterday's and today's realized P&L add up to that of a full replay."""
    rows = [
        fill(
            side,
            count,
            D(price) / 100,
            fee=D(fee) / 100,
            fill_id=str(number),
            at=NOW if number >= len(yesterday) else NOW - timedelta(days=1),
        )
        for number, (side, count, price, fee) in enumerate([*yesterday, *today])
    ]
    before, whole = fifo_position(rows[: len(yesterday)]), fifo_position(rows)
    earned_before = before.realized_pnl - before.fees_paid

    def earned_today(end):
        ledger = ledger_from(before, MARKET.ticker, rows[len(yesterday) :], end)
        return since((ledger,), NOW - timedelta(hours=1)).net

    if paid is None:
        assert earned_before + earned_today(None) == whole.realized_pnl - whole.fees_paid
        assert_as_in_the_portfolio(rows, None, earned_today(None))
    else:
        end = settled_row(rows, paid)
        assert earned_before + earned_today(end) == settlement_net_pnl(end)
        assert_as_in_the_portfolio(rows, end, earned_today(end))
        of_the_end = replace(end, yes_count=max(D(0), whole.net), no_count=max(D(0), -whole.net))
        assert earned_today(of_the_end) == earned_today(end)
        elsewhere = replace(end, yes_count=end.yes_count + 1)
        assert earned_before + earned_today(elsewhere) == settlement_net_pnl(elsewhere)
        payout = sum((lot.count * (paid if whole.net > 0 else 1 - paid) for lot in whole.lots), D(0))
        profit = whole.realized_pnl + payout - whole.cost_basis - whole.fees_paid
        assert earned_before + earned_today(end) == profit


def assert_as_in_the_portfolio(rows, end, earned):
    """Check against the portfolio and the day summary, which replay all fills."""
    here = None if end is not None else position(fifo_position(rows).net, "0")
    ledger = market_ledger(MARKET.ticker, rows, position=here, settlement=end)
    assert since((ledger,), NOW - timedelta(hours=1)).net == earned
    days = by_day([ledger], lambda at: at.date())
    assert days.get(NOW.date(), RealizedPnl()).net == earned


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


def test_a_day_without_a_midnight_begins_with_its_first_moment(in_zone):
    in_zone("America/Santiago")
    for hour in (4, 12):  # 04:00 UTC is 01:00 there, the first moment of that Sunday
        assert start_of_day(datetime(2026, 9, 6, hour, tzinfo=UTC)) == datetime(2026, 9, 6, 4, tzinfo=UTC)


def test_midnight_is_the_local_one_also_when_the_clocks_change(in_zone):
    in_zone("America/New_York")
    at = datetime(2026, 11, 1, 20, tzinfo=UTC)  # summer time ended at 02:00 this morning
    assert start_of_day(at) == datetime(2026, 11, 1, 4, tzinfo=UTC)
    assert start_of_day(datetime(2026, 11, 2, 3, tzinfo=UTC)) == datetime(2026, 11, 1, 4, tzinfo=UTC)
