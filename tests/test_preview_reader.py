"""What is read for a preview: side by side, its book as old as the question, its missing parts unknown."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal as D
from types import SimpleNamespace

import pytest
from samples import BOOK, MARKET, NOW, QUADRATIC, order, position

from kalshi_trading.errors import InvalidInputError, JournalError, KalshiAPIError, NotFoundError
from kalshi_trading.models import BookSide, Listing, Positions
from kalshi_trading.preview_reader import PreviewReader
from kalshi_trading.proposal import DayPnl, DayTotals

AWAY = KalshiAPIError("the exchange is away")
DAY_PNL = DayPnl(D(-3))


class Clock:
    """A clock that moves when it is told to."""

    def __init__(self):
        self.now = NOW

    def __call__(self):
        return self.now


class Exchange:
    """Answers every read of a preview; `broken` names those that fail."""

    def __init__(self, clock, broken=(), book_takes_s=0):
        self.clock, self.broken, self.book_takes_s = clock, set(broken), book_takes_s
        self.market = MARKET
        self.event_reads = 0

    def _answer(self, name, value):
        if name in self.broken:
            raise AWAY
        return value

    def get_market(self, ticker):
        return self._answer("market", self.market)

    def get_order_book(self, ticker):
        self.clock.now += timedelta(seconds=self.book_takes_s)
        return self._answer("book", replace(BOOK, as_of=self.clock.now))

    def get_balance(self):
        return self._answer("balance", SimpleNamespace(cash=D(1000)))

    def get_positions(self, *, ticker):
        return self._answer("positions", Positions(Listing((position("10", "6.00"),)), ()))

    def get_orders(self, *, ticker, status):
        return self._answer("orders", Listing((order(BookSide.BID, "0.50"),)))

    def get_event(self, event_ticker):
        self.event_reads += 1
        event = SimpleNamespace(series_ticker="KX", fee_type_override=None, fee_multiplier_override=None)
        return self._answer("fees", event)

    def get_series(self, series_ticker):
        return SimpleNamespace(fees=QUADRATIC)


class Day:
    """The day's counters and profit."""

    def __init__(self, pnl=DAY_PNL):
        self._pnl = pnl

    def orders(self):
        return (), DayTotals(D(5), 2)

    def pnl(self):
        if self._pnl is None:
            raise AWAY
        return self._pnl


def read(clock=None, day=None, **how):
    clock = clock or Clock()
    reader = PreviewReader(
        Exchange(clock, **how), day or Day(), unresolved=lambda ticker: [f"lost in {ticker}"], clock=clock
    )
    return reader.read(MARKET.ticker)


def test_everything_is_there():
    seen = read()
    assert (seen.market, seen.book, seen.fees, seen.cash) == (MARKET, BOOK, QUADRATIC, D(1000))
    assert (seen.position.net, len(seen.resting), seen.at) == (10, 1, NOW)
    assert seen.today == DayTotals(D(5), 2, DAY_PNL)
    assert seen.unresolved == (f"lost in {MARKET.ticker}",)


def test_a_book_is_as_old_as_the_question_for_it():
    seen = read(book_takes_s=6)
    assert seen.at - seen.book.as_of == timedelta(seconds=6)


@pytest.mark.parametrize(("part", "field"), [("book", "book"), ("balance", "cash"), ("fees", "fees")])
def test_what_can_be_done_without_is_unknown_when_it_cannot_be_read(part, field):
    assert getattr(read(broken=[part]), field) is None


def test_a_days_profit_that_cannot_be_read_is_unknown_and_its_counters_stay():
    assert read(day=Day(pnl=None)).today == DayTotals(D(5), 2, None)


@pytest.mark.parametrize("part", ["market", "positions", "orders"])
def test_without_market_position_or_resting_orders_there_is_no_preview(part):
    with pytest.raises(KalshiAPIError, match="the exchange is away"):
        read(broken=[part])


def test_a_market_nobody_knows_is_named():
    exchange = Exchange(Clock())
    exchange.get_market = lambda ticker: (_ for _ in ()).throw(NotFoundError("not found", status=404))
    reader = PreviewReader(exchange, Day(), unresolved=lambda ticker: (), clock=Clock())
    with pytest.raises(InvalidInputError, match="There is no market KX-1"):
        reader.market("KX-1")


def test_a_journal_that_cannot_be_read_stops_the_preview():
    class Torn(Day):
        def orders(self):
            raise JournalError("trades.log", "is a folder")

    with pytest.raises(JournalError):
        read(day=Torn())


def test_fees_are_read_once_and_a_waiver_ends_by_the_clock():
    clock = Clock()
    exchange = Exchange(clock)
    reader = PreviewReader(exchange, Day(), unresolved=lambda ticker: (), clock=clock)
    waived = replace(MARKET, fee_waiver_until=NOW + timedelta(seconds=1))
    assert reader.fees(waived) == replace(QUADRATIC, multiplier=D(0))
    clock.now += timedelta(seconds=1)
    assert reader.fees(waived) == QUADRATIC
    assert exchange.event_reads == 1


def test_fees_that_could_not_be_read_are_asked_for_again():
    exchange = Exchange(Clock(), broken=["fees"])
    reader = PreviewReader(exchange, Day(), unresolved=lambda ticker: (), clock=exchange.clock)
    assert reader.fees(MARKET) is None
    exchange.broken.clear()
    assert reader.fees(MARKET) == QUADRATIC


def test_the_reads_do_not_wait_for_each_other():
    """Each part waits until all of them have been asked for; one after the other they would never meet."""
    everybody = threading.Barrier(6)

    class Meeting(Exchange):
        def _answer(self, name, value):
            if name in ("market", "book", "balance", "positions", "orders"):
                everybody.wait(timeout=20)
            return super()._answer(name, value)

    class MeetingDay(Day):
        def pnl(self):
            everybody.wait(timeout=20)
            return super().pnl()

    clock = Clock()
    reader = PreviewReader(Meeting(clock), MeetingDay(), unresolved=lambda ticker: (), clock=clock)
    assert reader.read(MARKET.ticker).market == MARKET
