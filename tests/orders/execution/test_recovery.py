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
from kalshi_trading.orders.execution.absence_proof import Lookup, proves_absence
from kalshi_trading.orders.execution.pending_orders import PendingOrders
from kalshi_trading.orders.execution.recovery import OrderRecovery
from kalshi_trading.orders.execution.recovery_loop import ROUNDS_BETWEEN_RECOVERIES, RecoveryLoop
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


class Desk:
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
def desk(tmp_path):
    return Desk(tmp_path)


def life(state=OrderStage.UNKNOWN, **changes):
    made = OrderState("c1", MARKET.ticker, SENTENCE, state, intent_at=NOW)
    return replace(made, **changes)


def test_an_order_that_is_shown_is_found_at_once_and_recorded(desk):
    desk.exchange.orders = (ours("somebody-elses"), ours())
    desk.pending.track([life()])
    found = desk.recovery.search("c1")
    assert (found.stage, found.order) == (OrderStage.ACKNOWLEDGED, ours())
    assert desk.pending.orders() == ()
    assert desk.pending.drain_messages() == (f"Found: {SENTENCE} (order {ours().order_id}, resting).",)
    assert desk.pending.drain_messages() == ()
    last = desk.journal.read_journal().records[-1]
    assert (last.event, last.text("order_id")) == ("order.acknowledged", ours().order_id)


def test_an_order_is_found_also_when_nothing_says_how_fresh_the_lists_are(desk):
    desk.exchange.orders, desk.exchange.fails, desk.exchange.incomplete = (ours(),), {"timestamp"}, "a page"
    desk.pending.track([life()])
    assert desk.recovery.search("c1").stage is OrderStage.ACKNOWLEDGED


def test_an_order_that_is_nowhere_is_absent_only_after_the_margin_and_says_as_of_when(desk):
    desk.pending.track([life()])
    desk.look_for(70)
    assert [each.sentence for each in desk.pending.orders()] == [SENTENCE]
    desk.look_for(5)
    assert desk.pending.orders() == ()
    as_of = (NOW + seconds(75)).astimezone()
    assert desk.pending.drain_messages() == (f"Not placed (verified as of {as_of:%H:%M:%S}): {SENTENCE}.",)
    last = desk.journal.read_journal().records[-1]
    assert (last.event, last.text("as_of")) == ("order.absent", (NOW + seconds(75)).isoformat())


def test_an_order_that_was_seen_is_never_absent_although_its_end_could_not_be_recorded(desk):
    desk.exchange.orders = (ours(),)
    desk.pending.track([life()])
    desk.look_for(5)
    desk.pending.track([life(client_order_id="c2")])
    lock = desk.journal.trades_path.with_name("trades.log.lock")
    lock.unlink()
    lock.mkdir()
    desk.exchange.orders = (ours("c2"),)
    for _ in range(3):
        desk.wait(65)
        with pytest.raises(JournalError):
            desk.recovery.examine_all()
    lock.rmdir()
    desk.exchange.orders, desk.exchange.incomplete = (), "a page"
    desk.look_for(5)
    assert desk.events() == ["order.acknowledged"]
    desk.exchange.orders = (ours("c2"),)
    desk.look_for(5)
    assert desk.events() == ["order.acknowledged", "order.acknowledged"]


def test_how_fresh_the_lists_are_is_asked_before_they_are_read(desk):
    """An age read afterwards would cover rows that an earlier list lacks."""
    asked = []
    timestamp, orders = desk.exchange.get_user_data_timestamp, desk.exchange.get_orders
    historical = desk.exchange.get_historical_orders

    def noted(what, answer):
        return lambda **how: (asked.append(what), answer(**how))[1]

    desk.exchange.get_user_data_timestamp = noted("timestamp", timestamp)
    desk.exchange.get_orders = noted("orders", orders)
    desk.exchange.get_historical_orders = noted("historical", historical)
    desk.pending.track([life(intent_at=NOW - timedelta(days=2))])
    desk.recovery.examine_all()
    assert asked == ["timestamp", "orders", "historical"]


@pytest.mark.parametrize("trouble", ["orders", "timestamp"])
def test_looks_that_fail_never_prove_anything(desk, trouble):
    desk.exchange.fails = {trouble}
    desk.pending.track([life()])
    desk.look_for(600)
    assert len(desk.pending.orders()) == 1
    assert desk.events() == []


def test_lists_with_rows_missing_never_prove_anything(desk):
    desk.exchange.incomplete = "the cursor came back"
    desk.pending.track([life()])
    desk.look_for(600)
    assert len(desk.pending.orders()) == 1


def test_reads_that_lag_behind_prove_nothing_until_they_are_past_the_send(desk):
    desk.exchange.lag_s = 100
    desk.pending.track([life()])
    desk.look_for(160)
    assert len(desk.pending.orders()) == 1
    desk.exchange.orders = (ours(),)
    desk.look_for(5)
    assert desk.events() == ["order.acknowledged"]


def test_an_order_of_another_day_is_looked_for_in_the_history_too(desk):
    desk.pending.track([life(intent_at=NOW - timedelta(days=2))])
    desk.exchange.historical = (ours(status=OrderStatus.EXECUTED),)
    desk.recovery.examine_all()
    assert desk.events() == ["order.acknowledged"]


def test_a_history_that_cannot_be_read_proves_nothing_about_an_old_order(desk):
    desk.exchange.fails = {"historical"}
    desk.pending.track([life(intent_at=NOW - timedelta(days=2))])
    desk.look_for(600)
    assert len(desk.pending.orders()) == 1


def test_whenever_an_order_was_sent_it_was_before_the_first_look(desk):
    desk.wait(1000)
    desk.pending.track([life()])
    desk.look_for(65)
    assert len(desk.pending.orders()) == 1, "the margin counts from the first look"
    desk.look_for(10)
    assert desk.events() == ["order.absent"]


def test_without_the_exchanges_clock_nothing_is_proved(desk):
    desk.exchange.clock_skew_s = None
    desk.pending.track([life()])
    desk.look_for(600)
    assert len(desk.pending.orders()) == 1


def test_the_margin_counts_in_the_exchanges_time_when_this_clock_is_wrong(desk):
    """This clock is 300 s ahead: data it takes for fresh is old."""
    desk.exchange.clock_skew_s, desk.exchange.lag_s = 300.0, 300
    desk.wait(1000)
    desk.pending.track([life()])
    desk.look_for(65)
    assert len(desk.pending.orders()) == 1
    desk.look_for(10)
    assert desk.events() == ["order.absent"]


def test_the_margin_counts_from_what_was_seen_even_if_the_exchange_seems_to_be_behind(desk):
    """The exchange's clock is at least at the time of data it has shown.

    This holds whatever time an answer carries.
    """
    desk.exchange.clock_skew_s = 62.5
    desk.pending.track([life()])
    desk.look_for(65)
    assert len(desk.pending.orders()) == 1
    desk.look_for(10)
    assert desk.events() == ["order.absent"]


def test_a_search_gives_up_after_a_few_looks_and_leaves_the_order_open(desk):
    desk.pending.track([life()])
    assert desk.recovery.search("c1").stage is OrderStage.UNKNOWN
    assert desk.exchange.now == NOW + seconds(7.5)
    assert len(desk.pending.orders()) == 1


def test_a_search_ends_with_the_program(desk):
    desk.pending.track([life()])
    desk.recovery.stop()
    desk.exchange.orders = (ours(),)
    assert desk.recovery.search("c1").stage is OrderStage.UNKNOWN
    assert len(desk.pending.orders()) == 1


def test_an_end_that_cannot_be_recorded_leaves_the_order_open(desk):
    desk.exchange.orders = (ours(),)
    desk.pending.track([life()])
    desk.journal.trades_path.mkdir(parents=True)
    with pytest.raises(JournalError):
        desk.recovery.examine_all()
    assert len(desk.pending.orders()) == 1
    desk.journal.trades_path.rmdir()
    desk.recovery.examine_all()
    assert desk.pending.orders() == ()
    assert desk.events() == ["order.acknowledged"]


# --- Orders that turn up late ---------------------------------------------------------------------


@pytest.mark.parametrize("state", [OrderStage.ABSENT, OrderStage.REJECTED, OrderStage.NOT_SENT])
def test_an_order_that_had_been_written_off_is_adopted_and_announced_once(desk, state):
    desk.pending.track([life(state)])
    desk.recovery.reconcile_late([ours("somebody-elses"), ours()])
    (news,) = desk.pending.drain_messages()
    assert news.startswith(f"Late order found, now counted as yours: {SENTENCE} (order ")
    assert desk.events() == ["order.acknowledged"]
    desk.recovery.reconcile_late([ours()])
    assert desk.pending.drain_messages() == ()
    assert desk.events() == ["order.acknowledged"]


def test_a_fill_or_kill_order_that_was_refused_does_not_appear_late(desk):
    """The exchange lists a refused order as canceled, with nothing filled.

    One with a fill is an order that appeared late.
    """
    desk.pending.track([life(OrderStage.REJECTED)])
    killed = ours(status=OrderStatus.CANCELED)
    desk.recovery.reconcile_late([killed])
    assert desk.pending.drain_messages() == ()
    desk.recovery.reconcile_late([replace(killed, fill_count=killed.initial_count)])
    assert "Late order found" in desk.pending.drain_messages()[0]


def test_an_order_proved_absent_here_is_noticed_when_it_appears_after_all(desk):
    desk.pending.track([life()])
    desk.look_for(75)
    desk.pending.drain_messages()
    desk.recovery.reconcile_late([ours()])
    assert "Late order found" in desk.pending.drain_messages()[0]


def test_a_late_order_that_does_not_rest_is_noticed_for_ten_minutes_after_the_proof(desk):
    desk.pending.track([life()])
    desk.look_for(75)
    desk.pending.drain_messages()
    desk.wait(595)
    desk.recovery.look_for_late()
    assert desk.pending.drain_messages() == ()
    desk.exchange.orders = (ours("somebody-elses"), ours(status=OrderStatus.EXECUTED))
    desk.exchange.fails = {"orders"}
    desk.recovery.look_for_late()
    desk.exchange.fails = set()
    desk.recovery.look_for_late()
    (news,) = desk.pending.drain_messages()
    assert "Late order found" in news
    assert "executed" in news
    assert desk.events() == ["order.absent", "order.acknowledged"]
    desk.exchange.fails = {"orders"}
    desk.recovery.look_for_late()


def test_markets_are_not_listed_for_ever_for_orders_that_are_absent(desk):
    desk.pending.track([life()])
    desk.look_for(75)
    desk.wait(601)
    desk.exchange.orders = (ours(),)
    desk.recovery.look_for_late()
    assert desk.events() == ["order.absent"]


def test_only_orders_proved_absent_here_are_watched_for(desk):
    desk.exchange.orders = (ours(), ours("c2"))
    desk.pending.track([life(OrderStage.REJECTED), life(OrderStage.ABSENT, client_order_id="c2")])
    desk.recovery.look_for_late()
    assert desk.events() == []


def test_a_late_order_that_could_not_be_recorded_is_noticed_again(desk):
    desk.pending.track([life(OrderStage.ABSENT)])
    desk.journal.trades_path.mkdir(parents=True)
    with pytest.raises(JournalError):
        desk.recovery.reconcile_late([ours()])
    assert desk.pending.drain_messages() == ()
    desk.journal.trades_path.rmdir()
    desk.recovery.reconcile_late([ours()])
    assert len(desk.pending.drain_messages()) == 1


def test_a_late_order_that_two_readers_see_at_once_is_adopted_once(desk):
    desk.pending.track([life(OrderStage.ABSENT)])
    record_it = desk.journal.log_order_step

    def seen_by_another_reader_first(event, fields):
        desk.journal.log_order_step = record_it
        desk.recovery.reconcile_late([ours()])
        record_it(event, fields)

    desk.journal.log_order_step = seen_by_another_reader_first
    desk.recovery.reconcile_late([ours()])
    assert desk.events() == ["order.acknowledged"]
    assert len(desk.pending.drain_messages()) == 1


# --- Recovery -------------------------------------------------------------------------------------


@pytest.mark.parametrize("events", [["intent"], ["intent", "sending"], ["intent", "sending", "unknown"]])
def test_recovery_takes_over_what_has_no_end_and_does_it_only_once(desk, events):
    desk.record(*events)
    assert desk.recover().foreign == ()
    assert [each.sentence for each in desk.pending.orders()] == [SENTENCE]
    desk.exchange.orders = (ours(),)
    desk.recovery.examine_all()
    assert desk.pending.orders() == ()
    before = desk.events()
    desk.restart()
    desk.recover()
    desk.recovery.examine_all()
    assert desk.pending.orders() == ()
    assert desk.events() == before


def test_an_order_whose_program_was_killed_before_it_was_sent_is_proved_absent(desk):
    desk.record("intent")
    desk.recover()
    desk.look_for(75)
    assert desk.events() == ["order.intent", "order.absent"]


def test_recovery_leaves_the_orders_of_a_session_that_is_alive_to_it(desk):
    desk.record("intent", "sending", session="s1")
    desk.record("intent", client_order_id="c2", session="s2")
    assert desk.recover(alive={"s1"}).foreign == ()
    assert [each.client_order_id for each in desk.pending.orders()] == ["c2"]


@pytest.mark.parametrize("fields", [{"account": "another"}, {"environment": "sandbox"}])
def test_recovery_names_the_orders_of_other_keys_and_leaves_them_alone(desk, fields):
    desk.record("intent", "sending", **fields)
    assert [each.sentence for each in desk.recover(account="mine").foreign] == [SENTENCE]
    assert desk.pending.orders() == ()
    desk.look_for(100)
    assert desk.events() == ["order.intent", "order.sending"]


def test_recovery_watches_for_orders_an_earlier_session_wrote_off(desk):
    desk.record("intent", "sending", "rejected")
    desk.recover()
    assert desk.pending.orders() == ()
    desk.recovery.reconcile_late([ours()])
    assert len(desk.pending.drain_messages()) == 1


def test_the_orders_of_another_session_are_taken_over_once_it_has_ended(desk):
    desk.record("intent", "sending", session="s1")
    desk.recover(alive={"s1"})
    desk.wait(3 * 24 * 3600)
    desk.recover(alive={"s1"})
    assert desk.pending.orders() == ()
    desk.recover()
    assert [each.sentence for each in desk.pending.orders()] == [SENTENCE]
    desk.exchange.orders = (ours(),)
    desk.recovery.examine_all()
    assert desk.events()[-1] == "order.acknowledged"


def test_an_order_of_a_session_that_began_and_ended_meanwhile_is_taken_over(desk):
    desk.recover()
    desk.wait(3 * 24 * 3600)
    desk.record("intent", session="s1")
    desk.recover(alive={"s1"})
    desk.recover()
    assert len(desk.pending.orders()) == 1


def test_a_recovery_takes_over_nothing_that_is_being_sent_or_looked_for_here(desk):
    desk.pending.start_tracking(life(OrderStage.INTENT))
    desk.record("intent", "sending")
    desk.recover()
    desk.look_for(75)
    assert desk.events() == ["order.intent", "order.sending"]
    desk.pending.track([life()])
    desk.look_for(70)
    desk.recover()
    desk.look_for(5)
    assert desk.events() == ["order.intent", "order.sending", "order.absent"]


def test_a_recovery_that_read_the_journal_before_an_order_ended_does_not_open_it_again(desk):
    desk.exchange.orders = (ours(),)
    desk.pending.track([life()])
    desk.record("intent", "sending")

    def ends_meanwhile(session):
        desk.recovery.examine_all()
        return False

    desk.recovery.recover(account="", is_alive=ends_meanwhile)
    assert desk.pending.orders() == ()
    assert desk.events() == ["order.intent", "order.sending", "order.acknowledged"]


def test_a_recovery_names_the_lines_that_cannot_be_read(desk):
    desk.record("intent", "sending")
    path = desk.journal.trades_path
    intent, sending = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(intent[:-20] + b"\n" + sending)
    assert [line.number for line in desk.recover().damage.first] == [1]
    assert [each.sentence for each in desk.pending.orders()] == [SENTENCE]


# --- Meanwhile ------------------------------------------------------------------------------------


def test_an_order_under_way_is_named_but_neither_looked_for_nor_judged(desk):
    desk.pending.start_tracking(life(OrderStage.SENDING))
    desk.look_for(600)
    assert [each.sentence for each in desk.pending.orders()] == [SENTENCE]
    assert desk.events() == []
    desk.pending.track([life(OrderStage.ACKNOWLEDGED)])
    assert desk.pending.orders() == ()


def test_the_background_search_goes_on_until_it_is_stopped(desk):
    looked = threading.Event()

    def orders(*, ticker):
        looked.set()
        return Listing((ours(),), None)

    desk.exchange.get_orders = orders
    desk.pending.track([life()])
    searching(desk, looked)
    assert desk.pending.orders() == ()
    assert desk.pending.drain_messages() != ()


def test_the_background_search_survives_a_journal_that_fails(desk):
    looks = []
    again = threading.Event()

    def orders(*, ticker):
        looks.append(ticker)
        if len(looks) == 3:
            again.set()
        return Listing((ours(),), None)

    desk.exchange.get_orders = orders
    desk.pending.track([life()])
    desk.journal.trades_path.mkdir(parents=True)
    searching(desk, again)
    assert len(desk.pending.orders()) == 1
    assert "cannot be used" in desk.problems[0]
    (news,) = desk.pending.drain_messages()
    assert news == (
        f"Found: {SENTENCE}. Order {ours().order_id} IS LIVE but could not be recorded. {desk.problems[0]}"
    )
    desk.journal.trades_path.rmdir()
    desk.recovery.examine_all()
    assert desk.pending.drain_messages() == (f"Found: {SENTENCE} (order {ours().order_id}, resting).",)


def searching(desk, done, **how):
    """Search in the background until `done` is set."""
    search = RecoveryLoop(desk.recovery, journal_failed=desk.problems.append, pause_s=0.001, **how)
    search.start()
    assert done.wait(60)
    search.stop()
    search._thread.join(60)
    assert not search._thread.is_alive()


def test_a_fault_nobody_expected_is_told_once_and_does_not_end_the_search(desk):
    done, faults = threading.Event(), []

    def orders(*, ticker):
        faults.append(ticker)
        if len(faults) < 5:
            raise ZeroDivisionError("of our own")
        return Listing((ours(),), None)

    desk.exchange.get_orders = orders
    desk.pending.track([life(), life(client_order_id="c2")])
    record_it = desk.journal.log_order_step

    def record(event, fields):
        record_it(event, fields)
        done.set()

    desk.journal.log_order_step = record
    searching(desk, done)
    fault, found = desk.pending.drain_messages()
    assert fault.startswith("Unexpected error while checking pending orders (reference ")
    assert found.startswith("Found: ")
    (entry,) = desk.journal.read_errors()
    assert "Unexpected error while checking pending orders" in entry
    assert "ZeroDivisionError: of our own" in desk.journal.errors_path.read_text()


def test_an_order_that_cannot_be_looked_for_keeps_no_other_from_being_found(desk):
    listed = desk.exchange.get_orders

    def orders(*, ticker):
        if ticker == "KXBAD":
            raise ZeroDivisionError
        return listed(ticker=ticker)

    desk.exchange.get_orders, desk.exchange.orders = orders, (ours(),)
    desk.pending.track([life(client_order_id="c2", ticker="KXBAD"), life()])
    with pytest.raises(ZeroDivisionError):
        desk.recovery.examine_all()
    assert [each.client_order_id for each in desk.pending.orders()] == ["c2"]


def test_the_background_search_recovers_again_and_watches_for_late_orders(desk):
    late, recoveries = threading.Event(), []
    desk.pending.track([life()])
    desk.look_for(75)

    def recover():
        recoveries.append(desk.recover())
        if len(recoveries) == 2:
            desk.exchange.orders = (ours(status=OrderStatus.EXECUTED),)
            raise JournalError("trades.log", "cannot be read")

    record_it = desk.journal.log_order_step

    def record(event, fields):
        record_it(event, fields)
        late.set()

    desk.journal.log_order_step = record
    searching(desk, late, recover=recover)
    assert "Late order found" in desk.pending.drain_messages()[-1]
    assert any("cannot be read" in problem for problem in desk.problems)
    assert ROUNDS_BETWEEN_RECOVERIES > 1
