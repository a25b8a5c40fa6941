"""Recovery of orders with a lost answer: found, proved absent, left alone."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from model_factory import MARKET, NOW, order

from kalshi_trading.core.errors import JournalError, UnavailableError
from kalshi_trading.core.models import BookSide, OrderStatus
from kalshi_trading.core.results import Listing
from kalshi_trading.journal.order_state import OrderStage, OrderState
from kalshi_trading.kalshi_client import KalshiClient
from kalshi_trading.orders.execution.absence_proof import Lookup, absence_margin_s, proves_absence
from kalshi_trading.orders.execution.pending_orders import PendingOrders
from kalshi_trading.orders.execution.recovery import OrderRecovery
from kalshi_trading.orders.execution.recovery_loop import ROUNDS_BETWEEN_RECOVERIES, RecoveryLoop
from kalshi_trading.settings.behavior import ExchangeBehavior
from kalshi_trading.trade_logger import TradeLogger

SENTENCE = "BUY 10 YES KXHIGHNY-26NOV21-B46.5 at 55¢, good till canceled"
MARGIN_S, APART_S = 60.0, 5.0


def seconds(number):
    return timedelta(seconds=number)


# --- The proof of absence, pure -------------------------------------------------------------------


def proved(looks, quiet_since=NOW):
    return proves_absence(looks, quiet_since, margin_s=MARGIN_S, apart_s=APART_S)


def look(at_s, as_of_s):
    return Lookup(NOW + seconds(at_s), at_s, None, None if as_of_s is None else NOW + seconds(as_of_s))


@pytest.mark.parametrize(
    ("looks", "proof"),
    [
        ([], False),
        ([look(70, 65)], False),
        ([look(70, 65), look(75, 70)], True),
        ([look(70, 65), look(74.9, 70)], False),
        ([look(70, 60), look(80, 61)], False),  # data exactly at the margin is not past it
        ([look(70, 60.001), look(80, 61)], True),
        ([look(70, None), look(80, 75)], False),  # a failed or incomplete look proves nothing
        ([look(70, 65), look(72, None), look(75, 70)], True),
        ([look(1, 0), look(3, 2), look(70, 65)], False),  # early negatives prove nothing
        ([look(70, 65), look(70, 65), look(70, 65)], False),
    ],
)
def test_absence_needs_two_whole_fresh_looks_apart(looks, proof):
    assert proved(looks) is proof


@pytest.mark.parametrize(("window_s", "hidden_lag_s", "margin_s"), [(30, 0, 60), (60, 0, 120), (30, 60, 120)])
def test_the_margin_covers_late_arrivals_and_data_older_than_it_says(window_s, hidden_lag_s, margin_s):
    behavior = ExchangeBehavior(signature_window_s=window_s, hidden_lag_s=hidden_lag_s)
    assert absence_margin_s(behavior) == margin_s


@pytest.mark.parametrize("step_s", [-3600, -5, 5, 3600])
@pytest.mark.parametrize(("really_apart_s", "proof"), [(0.5, False), (4.5, False), (8000, True)])
def test_looks_are_not_apart_because_a_clock_was_set_between_them(step_s, really_apart_s, proof):
    second = look(70 + really_apart_s, 70)
    assert proved([look(70, 65), replace(second, at=second.at + seconds(step_s))]) is proof


@given(st.lists(st.tuples(st.floats(0, 1000), st.none() | st.floats(0, 1000)), max_size=8))
def test_nothing_is_proved_about_an_order_that_may_be_sent_at_any_time(rows):
    assert not proved([look(at, as_of) for at, as_of in rows], quiet_since=None)


@given(st.lists(st.tuples(st.integers(0, 200), st.none() | st.integers(0, 200)), max_size=8))
def test_a_proof_always_holds_two_looks_that_are_whole_fresh_and_apart(rows):
    good = [at for at, as_of in rows if as_of is not None and as_of > MARGIN_S]
    expected = any(later - earlier >= APART_S for earlier in good for later in good)
    assert proved([look(at, as_of) for at, as_of in rows]) is expected


# --- The recovery ---------------------------------------------------------------------------------


@dataclass
class Exchange:
    """The lists of an exchange, at a time that the test sets."""

    exchange_time = KalshiClient.exchange_time

    now: datetime = NOW
    orders: tuple = ()
    historical: tuple = ()
    incomplete: str | None = None
    lag_s: float = 0
    fails: set = field(default_factory=set)
    clock_skew_s: float | None = 0.0

    def _check(self, what):
        if what in self.fails:
            raise UnavailableError("no answer")

    def get_user_data_timestamp(self):
        self._check("timestamp")
        return self.now - seconds(self.lag_s)

    def get_orders(self, *, ticker):
        self._check("orders")
        assert ticker == MARKET.ticker
        return Listing(self.orders, self.incomplete)

    def get_historical_orders(self, *, ticker):
        self._check("historical")
        return Listing(self.historical, None)


def ours(client_order_id="c1", status=OrderStatus.RESTING):
    return replace(order(BookSide.BID, "0.55", status=status), client_order_id=client_order_id)


class Trader:
    def __init__(self, folder):
        self.exchange = Exchange()
        self.journal = TradeLogger(folder, "practice", clock=lambda: self.exchange.now)
        self.restart()
        self.problems = []

    def restart(self):
        self.pending = PendingOrders()
        self.recovery = OrderRecovery(
            self.exchange,
            self.journal,
            self.pending,
            clock=lambda: self.exchange.now,
            monotonic=lambda: self.exchange.now.timestamp(),
            sleep=lambda pause: self.wait(pause),
        )

    def wait(self, pause):
        self.exchange.now += seconds(pause)

    def record(self, *events, client_order_id="c1", **fields):
        for event in events:
            self.journal.log_order_step(
                event,
                {"client_order_id": client_order_id, "ticker": MARKET.ticker, "sentence": SENTENCE, **fields},
            )

    def recover(self, account="", alive=()):
        return self.recovery.recover(account=account, is_alive=lambda session: session in alive)

    def events(self):
        return [record.event for record in self.journal.read_journal().records]

    def look_for(self, seconds_):
        """Look every five seconds for the given time."""
        for _ in range(0, seconds_, 5):
            self.wait(5)
            self.recovery.examine_all()


@pytest.fixture
def trader(tmp_path):
    return Trader(tmp_path)


def life(state=OrderStage.UNKNOWN, **changes):
    made = OrderState("c1", MARKET.ticker, SENTENCE, state, intent_at=NOW)
    return replace(made, **changes)


def test_an_order_that_is_shown_is_found_at_once_and_recorded(trader):
    trader.exchange.orders = (ours("somebody-elses"), ours())
    trader.pending.track([life()])
    found = trader.recovery.search("c1")
    assert (found.stage, found.order) == (OrderStage.ACKNOWLEDGED, ours())
    assert trader.pending.orders() == ()
    assert trader.pending.drain_messages() == (f"Found: {SENTENCE} (order {ours().order_id}, resting).",)
    assert trader.pending.drain_messages() == ()
    last = trader.journal.read_journal().records[-1]
    assert (last.event, last.text("order_id")) == ("order.acknowledged", ours().order_id)


def test_an_order_is_found_also_when_nothing_says_how_fresh_the_lists_are(trader):
    trader.exchange.orders, trader.exchange.fails, trader.exchange.incomplete = (
        (ours(),),
        {"timestamp"},
        "a page",
    )
    trader.pending.track([life()])
    assert trader.recovery.search("c1").stage is OrderStage.ACKNOWLEDGED


def test_an_order_that_is_nowhere_is_absent_only_after_the_margin_and_says_as_of_when(trader):
    trader.pending.track([life()])
    trader.look_for(70)
    assert [each.sentence for each in trader.pending.orders()] == [SENTENCE]
    trader.look_for(5)
    assert trader.pending.orders() == ()
    as_of = (NOW + seconds(75)).astimezone()
    assert trader.pending.drain_messages() == (f"Not placed (verified as of {as_of:%H:%M:%S}): {SENTENCE}.",)
    last = trader.journal.read_journal().records[-1]
    assert (last.event, last.text("as_of")) == ("order.absent", (NOW + seconds(75)).isoformat())


def test_an_order_that_was_seen_is_never_absent_although_its_end_could_not_be_recorded(trader):
    trader.exchange.orders = (ours(),)
    trader.pending.track([life()])
    trader.look_for(5)
    trader.pending.track([life(client_order_id="c2")])
    lock = trader.journal.trades_path.with_name("trades.log.lock")
    lock.unlink()
    lock.mkdir()
    trader.exchange.orders = (ours("c2"),)
    for _ in range(3):
        trader.wait(65)
        with pytest.raises(JournalError):
            trader.recovery.examine_all()
    lock.rmdir()
    trader.exchange.orders, trader.exchange.incomplete = (), "a page"
    trader.look_for(5)
    assert trader.events() == ["order.acknowledged"]
    trader.exchange.orders = (ours("c2"),)
    trader.look_for(5)
    assert trader.events() == ["order.acknowledged", "order.acknowledged"]


def test_how_fresh_the_lists_are_is_asked_before_they_are_read(trader):
    """An age read afterwards would cover rows that an earlier list lacks."""
    asked = []
    timestamp, orders = trader.exchange.get_user_data_timestamp, trader.exchange.get_orders
    historical = trader.exchange.get_historical_orders

    def noted(what, answer):
        return lambda **how: (asked.append(what), answer(**how))[1]

    trader.exchange.get_user_data_timestamp = noted("timestamp", timestamp)
    trader.exchange.get_orders = noted("orders", orders)
    trader.exchange.get_historical_orders = noted("historical", historical)
    trader.pending.track([life(intent_at=NOW - timedelta(days=2))])
    trader.recovery.examine_all()
    assert asked == ["timestamp", "orders", "historical"]


@pytest.mark.parametrize("trouble", ["orders", "timestamp"])
def test_looks_that_fail_never_prove_anything(trader, trouble):
    trader.exchange.fails = {trouble}
    trader.pending.track([life()])
    trader.look_for(600)
    assert len(trader.pending.orders()) == 1
    assert trader.events() == []


def test_lists_with_rows_missing_never_prove_anything(trader):
    trader.exchange.incomplete = "the cursor came back"
    trader.pending.track([life()])
    trader.look_for(600)
    assert len(trader.pending.orders()) == 1


def test_reads_that_lag_behind_prove_nothing_until_they_are_past_the_send(trader):
    trader.exchange.lag_s = 100
    trader.pending.track([life()])
    trader.look_for(160)
    assert len(trader.pending.orders()) == 1
    trader.exchange.orders = (ours(),)
    trader.look_for(5)
    assert trader.events() == ["order.acknowledged"]


def test_an_order_of_another_day_is_looked_for_in_the_history_too(trader):
    trader.pending.track([life(intent_at=NOW - timedelta(days=2))])
    trader.exchange.historical = (ours(status=OrderStatus.EXECUTED),)
    trader.recovery.examine_all()
    assert trader.events() == ["order.acknowledged"]


def test_a_history_that_cannot_be_read_proves_nothing_about_an_old_order(trader):
    trader.exchange.fails = {"historical"}
    trader.pending.track([life(intent_at=NOW - timedelta(days=2))])
    trader.look_for(600)
    assert len(trader.pending.orders()) == 1


def test_whenever_an_order_was_sent_it_was_before_the_first_look(trader):
    trader.wait(1000)
    trader.pending.track([life()])
    trader.look_for(65)
    assert len(trader.pending.orders()) == 1, "the margin counts from the first look"
    trader.look_for(10)
    assert trader.events() == ["order.absent"]


def test_without_the_exchanges_clock_nothing_is_proved(trader):
    trader.exchange.clock_skew_s = None
    trader.pending.track([life()])
    trader.look_for(600)
    assert len(trader.pending.orders()) == 1


def test_the_margin_counts_in_the_exchanges_time_when_this_clock_is_wrong(trader):
    """This clock is 300 s ahead: data it takes for fresh is old."""
    trader.exchange.clock_skew_s, trader.exchange.lag_s = 300.0, 300
    trader.wait(1000)
    trader.pending.track([life()])
    trader.look_for(65)
    assert len(trader.pending.orders()) == 1
    trader.look_for(10)
    assert trader.events() == ["order.absent"]


def test_the_margin_counts_from_what_was_seen_even_if_the_exchange_seems_to_be_behind(trader):
    """The exchange's clock is at least at the time of data it has shown.

    This holds whatever time an answer carries.
    """
    trader.exchange.clock_skew_s = 62.5
    trader.pending.track([life()])
    trader.look_for(65)
    assert len(trader.pending.orders()) == 1
    trader.look_for(10)
    assert trader.events() == ["order.absent"]


def test_a_search_gives_up_after_a_few_looks_and_leaves_the_order_open(trader):
    trader.pending.track([life()])
    assert trader.recovery.search("c1").stage is OrderStage.UNKNOWN
    assert trader.exchange.now == NOW + seconds(7.5)
    assert len(trader.pending.orders()) == 1


def test_a_search_ends_with_the_program(trader):
    trader.pending.track([life()])
    trader.recovery.stop()
    trader.exchange.orders = (ours(),)
    assert trader.recovery.search("c1").stage is OrderStage.UNKNOWN
    assert len(trader.pending.orders()) == 1


def test_an_end_that_cannot_be_recorded_leaves_the_order_open(trader):
    trader.exchange.orders = (ours(),)
    trader.pending.track([life()])
    trader.journal.trades_path.mkdir(parents=True)
    with pytest.raises(JournalError):
        trader.recovery.examine_all()
    assert len(trader.pending.orders()) == 1
    trader.journal.trades_path.rmdir()
    trader.recovery.examine_all()
    assert trader.pending.orders() == ()
    assert trader.events() == ["order.acknowledged"]


# --- Orders that turn up late ---------------------------------------------------------------------


@pytest.mark.parametrize("state", [OrderStage.ABSENT, OrderStage.REJECTED, OrderStage.NOT_SENT])
def test_an_order_that_had_been_written_off_is_adopted_and_announced_once(trader, state):
    trader.pending.track([life(state)])
    trader.recovery.reconcile_late([ours("somebody-elses"), ours()])
    (news,) = trader.pending.drain_messages()
    assert news.startswith(f"Late order found, now counted as yours: {SENTENCE} (order ")
    assert trader.events() == ["order.acknowledged"]
    trader.recovery.reconcile_late([ours()])
    assert trader.pending.drain_messages() == ()
    assert trader.events() == ["order.acknowledged"]


def test_a_fill_or_kill_order_that_was_refused_does_not_appear_late(trader):
    """The exchange lists a refused order as canceled, with nothing filled.

    One with a fill is an order that appeared late.
    """
    trader.pending.track([life(OrderStage.REJECTED)])
    killed = ours(status=OrderStatus.CANCELED)
    trader.recovery.reconcile_late([killed])
    assert trader.pending.drain_messages() == ()
    trader.recovery.reconcile_late([replace(killed, fill_count=killed.initial_count)])
    assert "Late order found" in trader.pending.drain_messages()[0]


def test_an_order_proved_absent_here_is_noticed_when_it_appears_after_all(trader):
    trader.pending.track([life()])
    trader.look_for(75)
    trader.pending.drain_messages()
    trader.recovery.reconcile_late([ours()])
    assert "Late order found" in trader.pending.drain_messages()[0]


def test_a_late_order_that_does_not_rest_is_noticed_for_ten_minutes_after_the_proof(trader):
    trader.pending.track([life()])
    trader.look_for(75)
    trader.pending.drain_messages()
    trader.wait(595)
    trader.recovery.look_for_late()
    assert trader.pending.drain_messages() == ()
    trader.exchange.orders = (ours("somebody-elses"), ours(status=OrderStatus.EXECUTED))
    trader.exchange.fails = {"orders"}
    trader.recovery.look_for_late()
    trader.exchange.fails = set()
    trader.recovery.look_for_late()
    (news,) = trader.pending.drain_messages()
    assert "Late order found" in news
    assert "executed" in news
    assert trader.events() == ["order.absent", "order.acknowledged"]
    trader.exchange.fails = {"orders"}
    trader.recovery.look_for_late()


def test_markets_are_not_listed_for_ever_for_orders_that_are_absent(trader):
    trader.pending.track([life()])
    trader.look_for(75)
    trader.wait(601)
    trader.exchange.orders = (ours(),)
    trader.recovery.look_for_late()
    assert trader.events() == ["order.absent"]


def test_only_orders_proved_absent_here_are_watched_for(trader):
    trader.exchange.orders = (ours(), ours("c2"))
    trader.pending.track([life(OrderStage.REJECTED), life(OrderStage.ABSENT, client_order_id="c2")])
    trader.recovery.look_for_late()
    assert trader.events() == []


def test_a_late_order_that_could_not_be_recorded_is_noticed_again(trader):
    trader.pending.track([life(OrderStage.ABSENT)])
    trader.journal.trades_path.mkdir(parents=True)
    with pytest.raises(JournalError):
        trader.recovery.reconcile_late([ours()])
    assert trader.pending.drain_messages() == ()
    trader.journal.trades_path.rmdir()
    trader.recovery.reconcile_late([ours()])
    assert len(trader.pending.drain_messages()) == 1


def test_a_late_order_that_two_readers_see_at_once_is_adopted_once(trader):
    trader.pending.track([life(OrderStage.ABSENT)])
    record_it = trader.journal.log_order_step

    def seen_by_another_reader_first(event, fields):
        trader.journal.log_order_step = record_it
        trader.recovery.reconcile_late([ours()])
        record_it(event, fields)

    trader.journal.log_order_step = seen_by_another_reader_first
    trader.recovery.reconcile_late([ours()])
    assert trader.events() == ["order.acknowledged"]
    assert len(trader.pending.drain_messages()) == 1


# --- Recovery -------------------------------------------------------------------------------------


@pytest.mark.parametrize("events", [["intent"], ["intent", "sending"], ["intent", "sending", "unknown"]])
def test_recovery_takes_over_what_has_no_end_and_does_it_only_once(trader, events):
    trader.record(*events)
    assert trader.recover().foreign == ()
    assert [each.sentence for each in trader.pending.orders()] == [SENTENCE]
    trader.exchange.orders = (ours(),)
    trader.recovery.examine_all()
    assert trader.pending.orders() == ()
    before = trader.events()
    trader.restart()
    trader.recover()
    trader.recovery.examine_all()
    assert trader.pending.orders() == ()
    assert trader.events() == before


def test_an_order_whose_program_was_killed_before_it_was_sent_is_proved_absent(trader):
    trader.record("intent")
    trader.recover()
    trader.look_for(75)
    assert trader.events() == ["order.intent", "order.absent"]


def test_recovery_leaves_the_orders_of_a_session_that_is_alive_to_it(trader):
    trader.record("intent", "sending", session="s1")
    trader.record("intent", client_order_id="c2", session="s2")
    assert trader.recover(alive={"s1"}).foreign == ()
    assert [each.client_order_id for each in trader.pending.orders()] == ["c2"]


@pytest.mark.parametrize("fields", [{"account": "another"}, {"environment": "sandbox"}])
def test_recovery_names_the_orders_of_other_keys_and_leaves_them_alone(trader, fields):
    trader.record("intent", "sending", **fields)
    assert [each.sentence for each in trader.recover(account="mine").foreign] == [SENTENCE]
    assert trader.pending.orders() == ()
    trader.look_for(100)
    assert trader.events() == ["order.intent", "order.sending"]


def test_recovery_watches_for_orders_an_earlier_session_wrote_off(trader):
    trader.record("intent", "sending", "rejected")
    trader.recover()
    assert trader.pending.orders() == ()
    trader.recovery.reconcile_late([ours()])
    assert len(trader.pending.drain_messages()) == 1


def test_the_orders_of_another_session_are_taken_over_once_it_has_ended(trader):
    trader.record("intent", "sending", session="s1")
    trader.recover(alive={"s1"})
    trader.wait(3 * 24 * 3600)
    trader.recover(alive={"s1"})
    assert trader.pending.orders() == ()
    trader.recover()
    assert [each.sentence for each in trader.pending.orders()] == [SENTENCE]
    trader.exchange.orders = (ours(),)
    trader.recovery.examine_all()
    assert trader.events()[-1] == "order.acknowledged"


def test_an_order_of_a_session_that_began_and_ended_meanwhile_is_taken_over(trader):
    trader.recover()
    trader.wait(3 * 24 * 3600)
    trader.record("intent", session="s1")
    trader.recover(alive={"s1"})
    trader.recover()
    assert len(trader.pending.orders()) == 1


def test_a_recovery_takes_over_nothing_that_is_being_sent_or_looked_for_here(trader):
    trader.pending.start_tracking(life(OrderStage.INTENT))
    trader.record("intent", "sending")
    trader.recover()
    trader.look_for(75)
    assert trader.events() == ["order.intent", "order.sending"]
    trader.pending.track([life()])
    trader.look_for(70)
    trader.recover()
    trader.look_for(5)
    assert trader.events() == ["order.intent", "order.sending", "order.absent"]


def test_a_recovery_that_read_the_journal_before_an_order_ended_does_not_open_it_again(trader):
    trader.exchange.orders = (ours(),)
    trader.pending.track([life()])
    trader.record("intent", "sending")

    def ends_meanwhile(session):
        trader.recovery.examine_all()
        return False

    trader.recovery.recover(account="", is_alive=ends_meanwhile)
    assert trader.pending.orders() == ()
    assert trader.events() == ["order.intent", "order.sending", "order.acknowledged"]


def test_a_recovery_names_the_lines_that_cannot_be_read(trader):
    trader.record("intent", "sending")
    path = trader.journal.trades_path
    intent, sending = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(intent[:-20] + b"\n" + sending)
    assert [line.number for line in trader.recover().damage.first] == [1]
    assert [each.sentence for each in trader.pending.orders()] == [SENTENCE]


# --- Meanwhile ------------------------------------------------------------------------------------


def test_an_order_under_way_is_named_but_neither_looked_for_nor_judged(trader):
    trader.pending.start_tracking(life(OrderStage.SENDING))
    trader.look_for(600)
    assert [each.sentence for each in trader.pending.orders()] == [SENTENCE]
    assert trader.events() == []
    trader.pending.track([life(OrderStage.ACKNOWLEDGED)])
    assert trader.pending.orders() == ()


def test_the_background_search_goes_on_until_it_is_stopped(trader):
    looked = threading.Event()

    def orders(*, ticker):
        looked.set()
        return Listing((ours(),), None)

    trader.exchange.get_orders = orders
    trader.pending.track([life()])
    searching(trader, looked)
    assert trader.pending.orders() == ()
    assert trader.pending.drain_messages() != ()


def test_the_background_search_survives_a_journal_that_fails(trader):
    looks = []
    again = threading.Event()

    def orders(*, ticker):
        looks.append(ticker)
        if len(looks) == 3:
            again.set()
        return Listing((ours(),), None)

    trader.exchange.get_orders = orders
    trader.pending.track([life()])
    trader.journal.trades_path.mkdir(parents=True)
    searching(trader, again)
    assert len(trader.pending.orders()) == 1
    assert "cannot be used" in trader.problems[0]
    (news,) = trader.pending.drain_messages()
    assert news == (
        f"Found: {SENTENCE}. Order {ours().order_id} IS LIVE but could not be recorded. {trader.problems[0]}"
    )
    trader.journal.trades_path.rmdir()
    trader.recovery.examine_all()
    assert trader.pending.drain_messages() == (f"Found: {SENTENCE} (order {ours().order_id}, resting).",)


def searching(trader, done, **how):
    """Search in the background until `done` is set."""
    search = RecoveryLoop(trader.recovery, journal_failed=trader.problems.append, pause_s=0.001, **how)
    search.start()
    assert done.wait(60)
    search.stop()
    search._thread.join(60)
    assert not search._thread.is_alive()


def test_an_unexpected_fault_is_reported_once_and_does_not_end_the_search(trader):
    done, faults = threading.Event(), []

    def orders(*, ticker):
        faults.append(ticker)
        if len(faults) < 5:
            raise ZeroDivisionError("of our own")
        return Listing((ours(),), None)

    trader.exchange.get_orders = orders
    trader.pending.track([life(), life(client_order_id="c2")])
    record_it = trader.journal.log_order_step

    def record(event, fields):
        record_it(event, fields)
        done.set()

    trader.journal.log_order_step = record
    searching(trader, done)
    fault, found = trader.pending.drain_messages()
    assert fault.startswith("Unexpected error while checking pending orders (reference ")
    assert found.startswith("Found: ")
    (entry,) = trader.journal.read_errors()
    assert "Unexpected error while checking pending orders" in entry
    assert "ZeroDivisionError: of our own" in trader.journal.errors_path.read_text()


def test_an_order_that_cannot_be_looked_for_keeps_no_other_from_being_found(trader):
    listed = trader.exchange.get_orders

    def orders(*, ticker):
        if ticker == "KXBAD":
            raise ZeroDivisionError
        return listed(ticker=ticker)

    trader.exchange.get_orders, trader.exchange.orders = orders, (ours(),)
    trader.pending.track([life(client_order_id="c2", ticker="KXBAD"), life()])
    with pytest.raises(ZeroDivisionError):
        trader.recovery.examine_all()
    assert [each.client_order_id for each in trader.pending.orders()] == ["c2"]


def test_the_background_search_recovers_again_and_watches_for_late_orders(trader):
    late, recoveries = threading.Event(), []
    trader.pending.track([life()])
    trader.look_for(75)

    def recover():
        recoveries.append(trader.recover())
        if len(recoveries) == 2:
            trader.exchange.orders = (ours(status=OrderStatus.EXECUTED),)
            raise JournalError("trades.log", "cannot be read")

    record_it = trader.journal.log_order_step

    def record(event, fields):
        record_it(event, fields)
        late.set()

    trader.journal.log_order_step = record
    searching(trader, late, recover=recover)
    assert "Late order found" in trader.pending.drain_messages()[-1]
    assert any("cannot be read" in problem for problem in trader.problems)
    assert ROUNDS_BETWEEN_RECOVERIES > 1
