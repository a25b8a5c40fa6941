"""Panic: canceled, gone and unknown orders, and nothing that delays it."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal as D

import pytest
from model_factory import MARKET, NOW, order, preview

from kalshi_trading.core.errors import KalshiAPIError, NotFoundError, OutcomeUnknownError
from kalshi_trading.core.models import Action, BookSide, OrderStatus, Side
from kalshi_trading.core.records.acknowledgements import CancelAcknowledgement
from kalshi_trading.core.results import Listing
from kalshi_trading.journal.events import ORDERS_ALLOWED_EVENT
from kalshi_trading.journal.files import file_locks
from kalshi_trading.journal.files.log_files import lock_of
from kalshi_trading.journal.order_state import OrderStage, OrderState
from kalshi_trading.journal.panic_state import is_panic_active
from kalshi_trading.kalshi_client import KalshiClient, longest_send_s
from kalshi_trading.orders.execution.panic import (
    LAST_PAUSE_S,
    PANIC_PAUSES_S,
    ExchangeInstant,
    RestingSnapshot,
    why_unproven,
)
from kalshi_trading.orders.execution.panic_switch import BLOCKED, UNRECORDED_PANIC
from kalshi_trading.orders.execution.pending_orders import PendingOrders, RecoveryResult
from kalshi_trading.orders.execution.submission_result import Outcome
from kalshi_trading.orders.pretrade.ticket import OrderTicket
from kalshi_trading.orders.service import OrderService
from kalshi_trading.settings.behavior import ASSUMED
from kalshi_trading.settings.options import Limits
from kalshi_trading.trade_logger import TradeLogger

TICKET = OrderTicket(MARKET.ticker, Action.BUY, Side.YES, D(10), D("0.65"))
LONGEST_SEND_S = longest_send_s(ASSUMED.signature_window_s)


def resting(number):
    return replace(order(BookSide.BID, "0.50"), order_id=f"order-{number}", client_order_id=f"ours-{number}")


FRESH = NOW + timedelta(minutes=1)
STALE = NOW - timedelta(seconds=1)


class Exchange:
    """Resting orders at an exchange whose cancels may fail.

    `troubles` are raised by the cancels of an order_id, one after the other. `ages` are the data ages
    of successive lists; the last one repeats.
    """

    latest_exchange_time = KalshiClient.latest_exchange_time

    def __init__(self, *orders, troubles=None, lists=(), ages=(FRESH,), least_skew_s=-0.5):
        self.ages = list(ages)
        self.clock_skew_s, self.least_clock_skew_s = 0.0, least_skew_s
        self.resting = {each.order_id: each for each in orders}
        self.troubles = {order_id: list(errors) for order_id, errors in (troubles or {}).items()}
        self.lists = list(lists)
        self.listed = 0
        self.appears = None
        self.lags = False
        self.cancels = 0

    def get_user_data_timestamp(self):
        age = self.ages.pop(0) if len(self.ages) > 1 else self.ages[0]
        if isinstance(age, KalshiAPIError):
            raise age
        return age

    def get_orders(self, *, status):
        assert status is OrderStatus.RESTING
        self.listed += 1
        answer = self.lists.pop(0) if self.lists else None
        if isinstance(answer, KalshiAPIError):
            raise answer
        rows = tuple(self.resting.values())
        if self.listed == 1 and self.appears is not None:
            self.resting[self.appears.order_id] = self.appears
        return Listing(rows, answer)

    def send_cancel(self, order_id, *, ticker):
        self.cancels += 1
        if self.troubles.get(order_id):
            raise self.troubles[order_id].pop(0)
        found = self.resting[order_id] if self.lags else self.resting.pop(order_id)
        return CancelAcknowledgement(order_id, found.remaining_count, NOW)

    def get_order(self, order_id):
        self.resting.pop(order_id, None)
        return replace(order(BookSide.BID, "0.50", status=OrderStatus.EXECUTED), order_id=order_id)

    def send_order(self, request, *, before_sending):
        raise AssertionError("an order was sent")


def executor_at(exchange, folder, **how):
    naps = []
    made = OrderService(
        exchange,
        TradeLogger(folder, "practice"),
        limits=how.pop("limits", Limits()),
        clock=lambda: NOW,
        sleep=naps.append,
        **how,
    )
    return made, naps


def lost(times=3):
    return [OutcomeUnknownError("no answer")] * times


def test_everything_is_canceled_and_a_second_look_verifies_it(tmp_path):
    exchange = Exchange(resting(1), resting(2), resting(3))
    executor, _ = executor_at(exchange, tmp_path)
    report = executor.panic()
    assert sorted(end.order.order_id for end in report.canceled) == ["order-1", "order-2", "order-3"]
    assert (report.gone, report.unknown, report.problem, report.is_verified) == ((), (), None, True)
    assert exchange.listed == 2


def test_an_order_that_appears_meanwhile_is_canceled_too(tmp_path):
    exchange = Exchange(resting(1))
    exchange.appears = resting(2)
    report = executor_at(exchange, tmp_path)[0].panic()
    assert [end.order.order_id for end in report.canceled] == ["order-1", "order-2"]
    assert report.is_verified
    assert exchange.listed == 3


def test_an_acknowledged_cancel_is_believed_while_the_lists_lag(tmp_path):
    exchange = Exchange(resting(1))
    exchange.lags = True
    report = executor_at(exchange, tmp_path)[0].panic()
    assert len(report.canceled) == 1
    assert report.is_verified
    assert exchange.listed == 2
    assert exchange.cancels == 1


def test_a_cancel_without_an_answer_is_tried_again_in_the_next_round(tmp_path):
    exchange = Exchange(resting(1), resting(2), troubles={"order-1": lost()})
    report = executor_at(exchange, tmp_path)[0].panic()
    assert len(report.canceled) == 2
    assert report.is_verified


def test_what_is_never_acknowledged_and_still_listed_is_unknown(tmp_path):
    exchange = Exchange(resting(1), resting(2), troubles={"order-1": lost(99)})
    report = executor_at(exchange, tmp_path)[0].panic()
    assert [end.order.order_id for end in report.unknown] == ["order-1"]
    assert [end.order.order_id for end in report.canceled] == ["order-2"]
    assert not report.is_verified


def test_an_order_filled_before_its_cancel_is_gone_and_said_so(tmp_path):
    exchange = Exchange(resting(1), troubles={"order-1": [NotFoundError("not found", status=404)]})
    report = executor_at(exchange, tmp_path)[0].panic()
    assert [end.message for end in report.gone] == ["Too late: already filled (0 contracts)."]
    assert report.is_verified


def test_open_orders_that_cannot_be_read_are_a_problem_and_no_success(tmp_path):
    down = KalshiAPIError("the exchange is away")
    report = executor_at(Exchange(resting(1), lists=[down] * 9), tmp_path)[0].panic()
    assert (report.canceled, report.unknown) == ((), ())
    assert report.problem == "Open orders unavailable. the exchange is away"
    assert not report.is_verified


def test_a_list_that_comes_back_is_used(tmp_path):
    down = KalshiAPIError("the exchange is away")
    exchange = Exchange(resting(1), lists=[down, down])
    executor, naps = executor_at(exchange, tmp_path)
    report = executor.panic()
    assert len(report.canceled) == 1
    assert report.is_verified
    assert naps == list(PANIC_PAUSES_S[:4])


def test_a_list_with_rows_missing_is_canceled_as_far_as_it_goes(tmp_path):
    exchange = Exchange(resting(1), lists=["page 2 failed"] * 9)
    report = executor_at(exchange, tmp_path)[0].panic()
    assert len(report.canceled) == 1
    assert report.problem == "The list of open orders is incomplete: page 2 failed."


def test_a_cancel_whose_end_could_not_be_looked_at_stays_unknown(tmp_path):
    down = KalshiAPIError("away")
    gone = {"order-1": [NotFoundError("not found", status=404)]}
    exchange = Exchange(resting(1), troubles=gone, lists=[None, *[down] * 9])
    report = executor_at(exchange, tmp_path)[0].panic()
    assert len(report.unknown) == 1
    assert report.gone == ()


# --- How fresh the lists are ----------------------------------------------------------------------


class Lagging(Exchange):
    """Lists show the first order only once they are as fresh as it is."""

    def get_orders(self, *, status):
        listing = super().get_orders(status=status)
        return listing if self.listed > self.hidden_for else Listing((), None)


def test_an_empty_list_older_than_the_panic_proves_nothing_and_is_read_again(tmp_path):
    exchange = Lagging(resting(1), ages=[STALE, STALE, FRESH])
    exchange.hidden_for = 2
    report = executor_at(exchange, tmp_path)[0].panic()
    assert [end.order.order_id for end in report.canceled] == ["order-1"]
    assert report.is_verified
    assert exchange.listed == 4


def test_lists_that_never_catch_up_are_named_with_their_time(tmp_path):
    executor, naps = executor_at(Exchange(ages=[STALE]), tmp_path)
    report = executor.panic()
    assert report.problem == (
        f"Exchange data is only as of {STALE.astimezone():%H:%M:%S}, before panic was pressed."
    )
    assert not report.is_verified
    assert naps == [*PANIC_PAUSES_S, LAST_PAUSE_S]


@pytest.mark.parametrize("least_skew_s", [-0.5, 29.5, -30.5, -3.0])
def test_the_lists_are_compared_with_the_latest_time_the_exchange_may_have(tmp_path, least_skew_s):
    pressed = NOW - timedelta(seconds=least_skew_s)
    just_after = pressed + timedelta(microseconds=1)
    at_once = executor_at(Exchange(ages=[pressed], least_skew_s=least_skew_s), tmp_path)[0].panic()
    after = executor_at(Exchange(ages=[just_after], least_skew_s=least_skew_s), tmp_path)[0].panic()
    assert "before panic was pressed" in at_once.problem
    assert after.is_verified


def test_with_no_clock_to_compare_only_a_newer_list_than_the_first_counts(tmp_path):
    first = NOW + timedelta(hours=1)
    never = Exchange(ages=[first], least_skew_s=None)
    newer = Exchange(ages=[first, first, first + timedelta(seconds=1)], least_skew_s=None)
    assert not executor_at(never, tmp_path)[0].panic().is_verified
    assert executor_at(newer, tmp_path)[0].panic().is_verified
    assert newer.listed == 3


def test_a_list_of_unknown_age_proves_nothing(tmp_path):
    report = executor_at(Exchange(ages=[KalshiAPIError("the exchange is away")]), tmp_path)[0].panic()
    assert report.problem == "Could not check how fresh the exchange data is. the exchange is away"
    assert not report.is_verified


class Growing(Exchange):
    """From look `first` on, each look shows another order of the account."""

    first = 1

    def get_orders(self, *, status):
        if self.listed + 1 >= self.first:
            self.resting[f"order-{self.listed}"] = resting(self.listed)
        return super().get_orders(status=status)


def test_an_order_that_turns_up_in_the_last_round_is_canceled_and_looked_at_again(tmp_path):
    down = KalshiAPIError("away")
    exchange = Exchange(resting(1), lists=[down] * (len(PANIC_PAUSES_S) - 1))
    report = executor_at(exchange, tmp_path)[0].panic()
    assert len(report.canceled) == 1
    assert report.is_verified
    assert exchange.listed == len(PANIC_PAUSES_S) + 1


def test_an_order_that_turns_up_in_the_very_last_look_is_unknown(tmp_path):
    report = executor_at(Growing(), tmp_path)[0].panic()
    assert len(report.canceled) == len(PANIC_PAUSES_S)
    (last,) = report.unknown
    assert last.order.order_id == f"order-{len(PANIC_PAUSES_S)}"
    assert not report.is_verified


@pytest.mark.parametrize(
    ("state", "looked_s"),
    [(OrderStage.SENDING, LONGEST_SEND_S), (OrderStage.INTENT, LONGEST_SEND_S), (OrderStage.UNKNOWN, 15)],
)
def test_an_order_that_another_session_is_sending_is_looked_for_as_long_as_it_can_arrive(
    tmp_path, state, looked_s
):
    other = TradeLogger(tmp_path, "practice", session_id="another", clock=lambda: NOW)
    fields = {"client_order_id": "theirs", "ticker": MARKET.ticker, "sentence": "BUY 1"}
    for event in [OrderStage.INTENT, *([state] if state is not OrderStage.INTENT else [])]:
        other.log_order_step(event, fields)
    executor, naps = executor_at(Exchange(), tmp_path)
    report = executor.panic()
    assert report.unresolved == ("BUY 1",)
    assert executor.under_way_count == 1
    assert looked_s <= sum(naps) < looked_s + 5


def test_an_intent_too_old_to_be_still_on_its_way_is_looked_for_no_longer_than_the_rest(tmp_path):
    sent_at = NOW - timedelta(seconds=LONGEST_SEND_S + 1)
    other = TradeLogger(tmp_path, "practice", session_id="another", clock=lambda: sent_at)
    other.log_order_step("intent", {"client_order_id": "theirs", "ticker": MARKET.ticker})
    executor, naps = executor_at(Exchange(), tmp_path)
    assert len(executor.panic().unresolved) == 1
    assert naps == [*PANIC_PAUSES_S, LAST_PAUSE_S]


def test_an_order_of_ours_that_ends_meanwhile_wants_lists_newer_than_its_end(tmp_path):
    """An order in flight at the panic may come to rest after the list."""
    life = OrderState("x", MARKET.ticker, "BUY 10 YES KX-1 at 57¢", OrderStage.UNKNOWN, NOW)
    pending = PendingOrders()
    pending.track([life])
    exchange = Lagging(resting(1), ages=[NOW + timedelta(seconds=2), NOW + timedelta(seconds=2), FRESH])
    exchange.hidden_for = 2
    now = [NOW]
    executor = OrderService(
        exchange,
        TradeLogger(tmp_path, "practice"),
        limits=Limits(),
        pending=pending,
        clock=lambda: now[0],
        sleep=lambda seconds: None,
    )
    looks = exchange.get_user_data_timestamp

    def ends_during_the_first_look():
        if not exchange.listed:
            now[0] += timedelta(seconds=5)
            pending.end(pending.find("x"), RecoveryResult(OrderStage.ACKNOWLEDGED, None), now[0])
        return looks()

    exchange.get_user_data_timestamp = ends_during_the_first_look
    report = executor.panic()
    assert [end.order.order_id for end in report.canceled] == ["order-1"]
    assert report.is_verified


LIFE = OrderState("x", MARKET.ticker, "BUY 1", OrderStage.UNKNOWN, NOW)


def test_a_doubt_names_the_order_that_ended():
    pressed = ExchangeInstant(NOW, {"x": LIFE})
    look = RestingSnapshot(
        (), NOW + timedelta(seconds=1), None, ExchangeInstant(NOW + timedelta(seconds=2), {})
    )
    assert why_unproven(pressed, [look]).endswith("before a pending order ended.")
    assert (
        why_unproven(pressed, [replace(look, then=ExchangeInstant(look.then.at, pressed.under_way))]) is None
    )


# --- New orders -----------------------------------------------------------------------------------


def test_no_order_passes_until_new_orders_are_allowed_again(tmp_path):
    exchange = Exchange()
    executor, _ = executor_at(exchange, tmp_path)
    assert executor.block_reason() is None
    looked_at = preview(TICKET)
    executor.panic()
    assert executor.block_reason() == BLOCKED
    denied = executor.submit(looked_at)
    assert denied.outcome is Outcome.DENIED
    assert denied.message == "Trading is locked after panic. To unlock: 4, then r."
    executor.allow_orders()
    assert executor.block_reason() is None
    with pytest.raises(AssertionError, match="an order was sent"):
        executor.submit(looked_at)


def test_blocking_and_allowing_are_on_record(tmp_path):
    executor, _ = executor_at(Exchange(resting(1)), tmp_path)
    executor.panic()
    executor.allow_orders()
    events = [record.event for record in TradeLogger(tmp_path, "practice").read_journal().records]
    assert events == ["cancel.panic", "cancel.requested", "cancel.acknowledged", "cancel.rearmed"]


def test_neither_a_limit_nor_read_only_nor_a_failing_journal_holds_it_up(tmp_path):
    folder = tmp_path / "practice"
    folder.mkdir()
    (folder / "trades.log").mkdir()
    none_left = Limits(daily_order_limit=1, daily_loss_limit=D("0.01"), hard_order_count=D("0.01"))
    executor, _ = executor_at(Exchange(resting(1), resting(2)), tmp_path, limits=none_left, read_only=True)
    report = executor.panic()
    assert len(report.canceled) == 2
    assert executor.block_reason() is not None
    assert UNRECORDED_PANIC in executor.lock_reason


def test_orders_of_other_sessions_that_cannot_be_read_leave_open_whether_all_is_canceled(tmp_path):
    log = tmp_path / "practice" / "trades.log"
    log.mkdir(parents=True)
    exchange = Exchange(resting(1))
    executor, naps = executor_at(exchange, tmp_path)
    report = executor.panic()
    assert report.problem.startswith("Pending orders of other sessions are unavailable.")
    assert (len(report.canceled), report.is_verified) == (1, False)
    assert LONGEST_SEND_S <= sum(naps) < LONGEST_SEND_S + 5


def test_lists_older_than_they_say_do_not_prove_that_none_is_open(tmp_path):
    """An order from just before the panic is listed only when the lag is over."""
    now = [NOW]
    exchange = Exchange()
    exchange.get_user_data_timestamp = lambda: now[0] + timedelta(seconds=1)

    def pass_time(seconds):
        now[0] += timedelta(seconds=seconds)
        if now[0] >= NOW + timedelta(seconds=5) and not exchange.cancels:
            exchange.resting["order-1"] = resting(1)

    executor = OrderService(
        exchange,
        TradeLogger(tmp_path, "practice"),
        limits=Limits(),
        behavior=replace(ASSUMED, hidden_lag_s=60),
        clock=lambda: now[0],
        sleep=pass_time,
    )
    report = executor.panic()
    assert [end.order.order_id for end in report.canceled] == ["order-1"]
    assert report.is_verified
    assert timedelta(seconds=58) < now[0] - NOW < timedelta(seconds=65)


def test_an_order_that_ended_before_the_orders_could_be_read_wants_newer_lists(tmp_path):
    """An order may have been in flight at the panic and rest after the list."""
    at = [NOW + timedelta(seconds=number) for number in range(6)]
    pressed, unread = ExchangeInstant(at[0], {}, "away"), ExchangeInstant(at[2], {}, "away")
    early = RestingSnapshot((), at[3], None, ExchangeInstant(at[4], {}))
    assert why_unproven(pressed, [replace(early, then=unread), early]).endswith("could be read.")
    assert why_unproven(pressed, [early, replace(early, as_of=at[5])]) is None
    assert why_unproven(replace(pressed, problem=None), [early]) is None


@pytest.mark.alone
def test_a_program_that_was_stopped_while_it_held_the_journal_holds_up_no_cancel(tmp_path, monkeypatch):
    monkeypatch.setattr(file_locks, "LOCK_TIMEOUT_S", 0.5)
    lock = lock_of(TradeLogger(tmp_path, "practice").trades_path)
    lock.parent.mkdir()
    with file_locks.locked(lock):
        executor, _ = executor_at(Exchange(*(resting(number) for number in range(1, 10))), tmp_path)
        assert executor.cancel_order(resting(9)).is_acknowledged
        begun = time.monotonic()
        report = executor.panic()
        assert time.monotonic() - begun < 4, "each of the 17 records was waited for anew"
        assert len(report.canceled) == 8
        assert not report.is_recorded
        assert "another program has locked it" in executor.lock_reason
    assert executor.panic().is_recorded


def test_orders_of_unknown_outcome_are_named_as_not_canceled(tmp_path):
    pending = PendingOrders()
    executor, _ = executor_at(Exchange(), tmp_path, pending=pending)
    sentence = "BUY 10 YES KX-1 at 57¢"
    pending.track([OrderState("x", MARKET.ticker, sentence, OrderStage.UNKNOWN, NOW - timedelta(seconds=9))])
    report = executor.panic()
    assert report.unresolved == ("BUY 10 YES KX-1 at 57¢",)
    assert not report.is_verified


# --- The next session -----------------------------------------------------------------------------


def session_of(folder, account="ours"):
    journal = TradeLogger(folder, "practice", account=account)
    return OrderService(
        Exchange(), journal, limits=Limits(), account=account, clock=lambda: NOW, sleep=lambda seconds: None
    )


def test_a_panic_blocks_the_sessions_that_follow_until_one_allows_new_orders_again(tmp_path):
    session_of(tmp_path).panic()
    later = session_of(tmp_path)
    assert "locked after panic" in later.block_reason()
    assert later.submit(preview(TICKET)).outcome is Outcome.DENIED
    later.allow_orders()
    with pytest.raises(AssertionError, match="an order was sent"):
        later.submit(preview(TICKET))
    assert session_of(tmp_path).block_reason() is None


@pytest.mark.parametrize("pressed_by", ["this one", "another"])
def test_a_session_is_free_again_once_another_one_allows_new_orders(tmp_path, pressed_by):
    here, there = session_of(tmp_path), session_of(tmp_path)
    (here if pressed_by == "this one" else there).panic()
    assert here.block_reason() == there.block_reason() == BLOCKED
    there.allow_orders()
    assert here.block_reason() is None
    with pytest.raises(AssertionError, match="an order was sent"):
        here.submit(preview(TICKET))


def test_a_session_whose_panic_is_not_on_record_stays_blocked_whatever_another_one_allows(tmp_path):
    here, there = session_of(tmp_path), session_of(tmp_path)
    there.panic()
    log = tmp_path / "practice" / "trades.log"
    kept = log.rename(log.with_suffix(".kept"))
    log.mkdir()
    here.panic()
    log.rmdir()
    kept.rename(log)
    there.allow_orders()
    assert (here.block_reason(), there.block_reason()) == (BLOCKED, None)
    here.retry_pending_writes()
    assert (here.block_reason(), there.block_reason()) == (BLOCKED, BLOCKED)


def test_a_script_that_recalls_nothing_by_itself_is_blocked_too(tmp_path):
    session_of(tmp_path).panic()
    denied = session_of(tmp_path).submit(preview(TICKET))
    assert denied.outcome is Outcome.DENIED
    assert "locked after panic" in denied.message


def test_a_panic_of_another_account_blocks_nothing_here(tmp_path):
    session_of(tmp_path, account="theirs").panic()
    assert session_of(tmp_path).block_reason() is None
    assert session_of(tmp_path, account="theirs").submit(preview(TICKET)).outcome is Outcome.DENIED


def test_without_an_account_every_panic_counts(tmp_path):
    session_of(tmp_path, account="theirs").panic()
    records = TradeLogger(tmp_path, "practice").read_journal().records
    assert is_panic_active(records, None)
    assert not is_panic_active(records, "ours")
    assert not is_panic_active((), None)


def test_a_journal_that_cannot_be_read_blocks_orders_but_neither_cancels_nor_panic(tmp_path):
    session_of(tmp_path).panic()
    log = tmp_path / "practice" / "trades.log"
    kept = log.rename(log.with_suffix(".kept"))
    log.mkdir()
    executor, _ = executor_at(Exchange(resting(1), resting(2)), tmp_path)
    assert "Could not check for an earlier panic" in executor.block_reason()
    denied = executor.submit(preview(TICKET))
    assert denied.outcome is Outcome.DENIED
    assert "Could not check for an earlier panic" in denied.message
    assert executor.cancel_order(resting(2)).is_acknowledged
    log.rmdir()
    kept.rename(log)
    assert "locked after panic" in executor.submit(preview(TICKET)).message
    assert len(executor.panic().canceled) == 1


def test_a_panic_that_could_not_be_recorded_says_so(tmp_path):
    (tmp_path / "practice" / "trades.log").mkdir(parents=True)
    assert not executor_at(Exchange(), tmp_path)[0].panic().is_recorded
    assert executor_at(Exchange(), tmp_path / "other")[0].panic().is_recorded


def test_a_panic_is_recorded_as_soon_as_the_journal_works(tmp_path):
    blocked = tmp_path / "practice" / "trades.log"
    blocked.mkdir(parents=True)
    executor = executor_at(Exchange(resting(1)), tmp_path)[0]
    assert not executor.panic().is_recorded
    assert UNRECORDED_PANIC in executor.lock_reason
    executor.retry_pending_writes()
    assert UNRECORDED_PANIC in executor.lock_reason
    blocked.rmdir()
    executor.retry_pending_writes()
    assert executor.lock_reason is None
    events = [record.event for record in TradeLogger(tmp_path, "practice").read_journal().records]
    assert events.count("cancel.panic") == 1
    assert "locked after panic" in session_of(tmp_path).block_reason()


def test_a_panic_pressed_while_orders_are_being_allowed_blocks_them(tmp_path):
    class Pressed(TradeLogger):
        def log_event(self, event, fields):
            if event == ORDERS_ALLOWED_EVENT:
                pressing.start()
                while not executor.has_unrecorded_panic:
                    time.sleep(0.001)
            super().log_event(event, fields)

    executor = OrderService(Exchange(), Pressed(tmp_path, "practice"), limits=Limits(), sleep=lambda _: None)
    pressing = threading.Thread(target=executor.panic)
    assert executor.allow_orders()
    pressing.join()
    assert BLOCKED == executor.block_reason() == session_of(tmp_path).block_reason()


def test_a_panic_that_was_taken_back_is_not_recorded_later(tmp_path):
    blocked = tmp_path / "practice" / "trades.log"
    blocked.mkdir(parents=True)
    executor = executor_at(Exchange(), tmp_path)[0]
    executor.panic()
    blocked.rmdir()
    assert executor.allow_orders()
    executor.retry_pending_writes()
    assert session_of(tmp_path).block_reason() is None
