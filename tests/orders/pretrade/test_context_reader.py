"""The reads of a preview: in parallel, book age, missing parts."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal as D
from types import SimpleNamespace

import pytest
from model_factory import BOOK, MARKET, NOW, QUADRATIC, order, position

from kalshi_trading.core.errors import InvalidInputError, JournalError, KalshiAPIError, NotFoundError
from kalshi_trading.core.market_models import FeeChange, FeeSchedule, FeeType
from kalshi_trading.core.models import Balance, BookSide, Positions
from kalshi_trading.core.results import Listing
from kalshi_trading.journal.order_state import OrderStage, OrderState
from kalshi_trading.kalshi_client import KalshiClient
from kalshi_trading.orders.pretrade.activity import OrderActivity
from kalshi_trading.orders.pretrade.context import DataAge, DayPnl, DayTotals, InFlightOrder
from kalshi_trading.orders.pretrade.context_reader import ContextReader, _free_of
from kalshi_trading.orders.pretrade.in_flight import InFlightOrders
from kalshi_trading.settings.behavior import ASSUMED

AWAY = KalshiAPIError("the exchange is away")
DAY_PNL = DayPnl(D(-3))


class Clock:
    """A clock that the test sets."""

    def __init__(self):
        self.now = NOW

    def __call__(self):
        return self.now


class Exchange:
    """Answers every read of a preview; `broken` names those that fail."""

    get_data_as_of = KalshiClient.get_data_as_of

    def __init__(self, clock, broken=(), book_takes_s=0):
        self.clock, self.broken, self.book_takes_s = clock, set(broken), book_takes_s
        self.market = MARKET
        self.by_shard = ()
        self.event_reads = 0
        self.as_of = NOW
        self.clock_skew_s = None
        self.fills = ()
        self.asked = []
        self.series = QUADRATIC
        self.series_changes = self.event_changes = ()

    def _answer(self, name, value):
        self.asked.append(name)
        if name in self.broken:
            raise AWAY
        return value

    def get_market(self, ticker):
        return self._answer("market", self.market)

    def get_orderbook(self, ticker):
        self.clock.now += timedelta(seconds=self.book_takes_s)
        return self._answer("book", replace(BOOK, as_of=self.clock.now))

    def get_balance(self, *, fresh):
        self.fresh_balance = fresh
        return self._answer("balance", Balance(D(1000), D(0), NOW, self.by_shard))

    def get_positions(self, *, ticker):
        return self._answer("positions", Positions(Listing((position("10", "6.00"),)), ()))

    def get_orders(self, *, ticker, status):
        return self._answer("orders", Listing((order(BookSide.BID, "0.50"),)))

    def get_event(self, event_ticker):
        self.event_reads += 1
        event = SimpleNamespace(series_ticker="KX", fee_type_override=None, fee_multiplier_override=None)
        return self._answer("fees", event)

    def get_series_by_ticker(self, series_ticker):
        return SimpleNamespace(fees=self.series)

    def get_series_fee_changes(self, *, series_ticker):
        return self._answer("changes", self.series_changes)

    def get_event_fee_changes(self, *, event_ticker):
        return Listing(self._answer("changes", self.event_changes))

    def get_user_data_timestamp(self):
        return self._answer("age", self.as_of)

    def get_fills(self, *, ticker, since):
        return Listing(self._answer("fills", self.fills))


class Day:
    """Our orders as the journal has them, and the day's P&L."""

    def __init__(self, pnl=DAY_PNL, *, sent=(), pending_orders=()):
        self._pnl = pnl
        by_step = tuple(sorted(sent, key=lambda order: order.at))
        unconfirmed = tuple(order for order in by_step if not order.order_id)
        orders = InFlightOrders(by_step, unconfirmed)
        self._orders = OrderActivity((), DayTotals(D(5), 2), orders, tuple(pending_orders))

    def read(self):
        return self._orders

    def pnl(self):
        if self._pnl is None:
            raise AWAY
        return self._pnl


def life(identity, sentence, ticker=MARKET.ticker, at=NOW):
    return OrderState(identity, ticker, sentence, OrderStage.UNKNOWN, at, session="another")


def reader_at(exchange, day, clock, behavior=ASSUMED):
    return ContextReader(exchange, day, day, behavior=behavior, clock=clock)


def read(clock=None, day=None, **how):
    clock = clock or Clock()
    return reader_at(Exchange(clock, **how), day or Day(), clock).read(MARKET.ticker)


def test_everything_is_there():
    seen = read()
    assert (seen.market, seen.book, seen.fees, seen.cash) == (MARKET, BOOK, QUADRATIC, D(1000))
    assert (seen.position.net, len(seen.resting), seen.at) == (10, 1, NOW)
    assert seen.today == DayTotals(D(5), 2, DAY_PNL)
    assert seen.unresolved == ()


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


def test_an_unknown_market_is_named():
    exchange = Exchange(Clock())
    exchange.get_market = lambda ticker: (_ for _ in ()).throw(NotFoundError("not found", status=404))
    reader = reader_at(exchange, Day(), Clock())
    with pytest.raises(InvalidInputError, match="Market KX-1 not found"):
        reader.market("KX-1")


def test_a_journal_that_cannot_be_read_stops_the_preview():
    class Torn(Day):
        def read(self):
            raise JournalError("trades.log", "is a folder")

    with pytest.raises(JournalError):
        read(day=Torn())


# --- Orders that the exchange's data does not show yet ---------------------------------------------

SECOND = timedelta(seconds=1)


def sent(identity="ours", *, at=NOW, is_pending=False, ticker=MARKET.ticker):
    order_id = "" if is_pending else f"order of {identity}"
    return InFlightOrder(identity, order_id, ticker, BookSide.BID, D("0.57"), D(10), at, cost=D("5.70"))


def looking(exchange, *orders, **how):
    day = Day(sent=orders, **how)
    return reader_at(exchange, day, exchange.clock).read(MARKET.ticker)


@pytest.mark.parametrize(
    ("age_s", "is_pending", "is_fresh"), [(59, False, True), (61, False, False), (3600, True, True)]
)
def test_after_an_order_of_any_session_no_balance_from_before_is_used(age_s, is_pending, is_fresh):
    exchange = Exchange(Clock())
    looking(exchange, sent(at=NOW - age_s * SECOND, is_pending=is_pending))
    assert exchange.fresh_balance is is_fresh


def exchange_at(as_of=NOW, **how):
    exchange = Exchange(Clock(), **how)
    exchange.as_of = as_of
    return exchange


def test_an_order_newer_than_the_data_is_counted_although_it_is_not_listed():
    seen = looking(exchange_at(NOW - SECOND), sent())
    assert [order.client_order_id for order in seen.unseen] == ["ours"]
    assert seen.data_age == DataAge(NOW, NOW - SECOND)


def test_data_that_is_older_than_it_says_may_lack_the_orders_of_that_time():
    orders = [sent("new", at=NOW - 59 * SECOND), sent("old", at=NOW - 60 * SECOND)]
    exchange, day = exchange_at(NOW), Day(sent=orders)
    reader = reader_at(exchange, day, exchange.clock, replace(ASSUMED, hidden_lag_s=60))
    seen = reader.read(MARKET.ticker)
    assert [order.client_order_id for order in seen.unseen] == ["new"]
    assert seen.data_age == DataAge(NOW - 59 * SECOND, NOW - 60 * SECOND)


def test_an_acknowledged_order_that_the_data_must_hold_is_not_counted_again():
    exchange = exchange_at(NOW)
    assert looking(exchange, sent(), sent("older", at=NOW - SECOND)).unseen == ()
    assert "fills" not in exchange.asked  # no order is in doubt, so nothing more is read


def test_an_order_of_unknown_outcome_is_counted_however_fresh_the_data_is():
    assert looking(exchange_at(NOW + SECOND), sent(is_pending=True)).unseen == (sent(is_pending=True),)


def test_an_order_that_is_listed_as_resting_is_counted_once():
    listed = order(BookSide.BID, "0.50").client_order_id
    seen = looking(exchange_at(NOW - SECOND), sent(listed), sent(listed, is_pending=True), sent())
    assert [each.client_order_id for each in seen.unseen] == ["ours"]
    assert len(seen.resting) == 1


def test_an_order_with_fills_in_the_list_is_in_the_position():
    exchange = exchange_at(NOW - SECOND)
    exchange.fills = (SimpleNamespace(order_id="order of ours"),)
    assert [each.client_order_id for each in looking(exchange, sent(), sent("b")).unseen] == ["b"]
    assert exchange.asked.index("fills") < exchange.asked.index("positions")


def test_fills_that_cannot_be_read_rule_nothing_out():
    assert looking(exchange_at(NOW - SECOND, broken=["fills"]), sent()).unseen == (sent(),)


def test_orders_of_other_markets_take_cash_that_may_not_show_it_and_count_for_nothing_else():
    seen = looking(
        exchange_at(NOW - SECOND), sent(ticker="KX-OTHER"), sent("b", ticker="KX-2", is_pending=True)
    )
    assert (seen.unseen, seen.data_age.newest_order_at) == ((), None)
    assert (seen.cash, seen.free_cash) == (D(1000), D(1000) - 2 * D("5.70"))
    shown = looking(exchange_at(NOW), sent(ticker="KX-OTHER"))
    assert shown.free_cash == D(1000)


def test_without_freshness_the_orders_of_the_last_minute_are_in_doubt():
    orders = [sent("new", at=NOW - 59 * SECOND), sent("old", at=NOW - 60 * SECOND)]
    seen = looking(exchange_at(broken=["age"]), *orders)
    assert [each.client_order_id for each in seen.unseen] == ["new"]
    assert seen.data_age == DataAge(NOW - 59 * SECOND, None)


@pytest.mark.parametrize("part", ["balance", "positions", "orders"])
def test_the_age_of_the_data_is_read_before_the_data(part):
    """Data read before the age could be older than that age."""
    read_meanwhile = threading.Event()

    class Slow(Exchange):
        def _answer(self, name, value):
            if name == part:
                read_meanwhile.set()
            return super()._answer(name, value)

        def get_user_data_timestamp(self):
            self.too_early = read_meanwhile.wait(0.2)
            return self.as_of

    exchange = Slow(Clock())
    looking(exchange)
    assert read_meanwhile.is_set()
    assert not exchange.too_early


@pytest.mark.parametrize(
    ("skew_s", "as_of"), [(None, NOW), (-1.0, NOW), (1.0, NOW), (61.0, NOW + 61 * SECOND)]
)
def test_the_age_of_the_data_is_by_our_clock(skew_s, as_of):
    exchange = exchange_at()
    exchange.clock_skew_s = skew_s
    assert looking(exchange).data_age.as_of == as_of


def test_orders_of_unknown_outcome_in_this_market_are_named():
    lives = [life("1", "BUY 1"), life("2", "SELL 2"), life("3", "BUY 3", "KX-OTHER")]
    assert read(day=Day(pending_orders=lives)).unresolved == ("BUY 1", "SELL 2")


def test_money_on_another_shard_is_no_cash_for_this_market():
    def cash(by_shard, shard):
        clock = Clock()
        exchange = Exchange(clock)
        exchange.market = replace(MARKET, exchange_index=shard)
        exchange.by_shard = by_shard
        return reader_at(exchange, Day(), clock).read(MARKET.ticker).cash

    split = ((0, D(940)), (1, D(60)))
    assert [cash(split, shard) for shard in (0, 1, 2, None)] == [940, 60, None, 1000]
    assert [cash((), shard) for shard in (0, 1, None)] == [1000, 1000, 1000]


# --- Fees -----------------------------------------------------------------------------------------


def test_fees_are_read_once_and_a_waiver_ends_by_the_clock():
    clock = Clock()
    exchange = Exchange(clock)
    reader = reader_at(exchange, Day(), clock)
    waived = replace(MARKET, fee_waiver_until=NOW + timedelta(seconds=1))
    assert reader.fees(waived) == (replace(QUADRATIC, multiplier=D(0)), QUADRATIC)
    clock.now += timedelta(seconds=1)
    assert reader.fees(waived) == (QUADRATIC,)
    assert exchange.event_reads == 1


def test_fees_that_could_not_be_read_are_asked_for_again():
    exchange = Exchange(Clock(), broken=["fees"])
    reader = reader_at(exchange, Day(), exchange.clock)
    assert reader.fees(MARKET) == ()
    exchange.broken.clear()
    assert reader.fees(MARKET) == (QUADRATIC,)


@pytest.mark.parametrize("part", ["fees", "changes"])
def test_fees_whose_changes_are_not_known_are_not_known(part):
    seen = read(broken=[part])
    assert (seen.fees, seen.later_fees) == (None, ())


def test_fees_are_asked_for_again_after_ten_minutes():
    exchange = Exchange(Clock())
    reader = reader_at(exchange, Day(), exchange.clock)
    assert reader.fees(MARKET) == (QUADRATIC,)
    exchange.series = FeeSchedule(FeeType.QUADRATIC, D(3))
    exchange.clock.now += timedelta(minutes=10) - timedelta(microseconds=1)
    assert reader.fees(MARKET) == (QUADRATIC,)
    exchange.clock.now += timedelta(microseconds=1)
    assert reader.fees(MARKET) == (exchange.series,)
    exchange.broken.add("fees")
    exchange.clock.now += timedelta(minutes=10)
    assert reader.fees(MARKET) == ()  # old fees do not pass for new ones


def test_a_clock_that_stepped_back_keeps_no_fees_alive():
    exchange = Exchange(Clock())
    reader = reader_at(exchange, Day(), exchange.clock)
    reader.fees(MARKET)
    exchange.clock.now -= timedelta(hours=1)
    reader.fees(MARKET)
    assert exchange.event_reads == 2


def test_what_the_fees_will_become_before_the_close_is_there():
    exchange = Exchange(Clock())
    exchange.market = replace(MARKET, fee_waiver_until=NOW + SECOND)
    exchange.series_changes = (
        FeeChange("KX", FeeType.QUADRATIC_WITH_MAKER_FEES, D(2), NOW + timedelta(hours=1)),
        FeeChange("KX", FeeType.QUADRATIC, D(9), MARKET.close_at + SECOND),
    )
    seen = reader_at(exchange, Day(), exchange.clock).read(MARKET.ticker)
    assert seen.fees == replace(QUADRATIC, multiplier=D(0))
    assert seen.later_fees == (QUADRATIC, FeeSchedule(FeeType.QUADRATIC_WITH_MAKER_FEES, D(2)))


def test_the_reads_do_not_wait_for_each_other():
    """Each part waits until all have been requested.

    Sequential reads would wait forever.
    """
    everybody = threading.Barrier(6)

    class Meeting(Exchange):
        def _answer(self, name, value):
            if name in ("market", "book", "balance", "positions", "orders"):
                everybody.wait(timeout=60)
            return super()._answer(name, value)

    class MeetingDay(Day):
        def pnl(self):
            everybody.wait(timeout=60)
            return super().pnl()

    clock = Clock()
    reader = reader_at(Meeting(clock), MeetingDay(), clock)
    assert reader.read(MARKET.ticker).market == MARKET


@pytest.mark.parametrize(
    ("cash", "reserved", "free"),
    [(10, 4, 6), (10, 450, 0), (0, 0, 0), (-3, 2, -5), (None, 4, None), (10, None, None)],
)
def test_an_estimated_reserve_never_makes_cash_negative(cash, reserved, free):
    amounts = [None if each is None else D(each) for each in (cash, reserved)]
    assert _free_of(*amounts) == free
