"""The order protocol on a model of exchange, clocks and failing disks.

Each run takes random steps. Journal, sessions, submitter and recovery are real. The exchange is a
few lists behind the client's methods, and time is a number, so nothing sleeps. The guarantees are
checked after every step.
"""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import model_factory
import proof
import pytest
import verifier
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from trading_session import OrderSpec, preview_of

from kalshi_trading.core.errors import (
    JournalError,
    KalshiAPIError,
    NotSentError,
    OutcomeUnknownError,
    RateLimitError,
    UnavailableError,
)
from kalshi_trading.core.models import Action, BookSide, Order, OrderRequest, OrderStatus, Side
from kalshi_trading.core.money import ZERO
from kalshi_trading.core.records.acknowledgements import OrderAcknowledgement
from kalshi_trading.core.results import Listing
from kalshi_trading.journal import sessions
from kalshi_trading.journal.records import UNDAMAGED
from kalshi_trading.kalshi_client import KalshiClient
from kalshi_trading.orders.execution.pending_orders import PendingOrders
from kalshi_trading.orders.execution.recovery import OrderRecovery, RecoverySummary
from kalshi_trading.orders.execution.submission import OrderSubmitter, SubmissionStep
from kalshi_trading.orders.execution.submission_result import Outcome, SubmissionResult
from kalshi_trading.orders.execution.trading_lock import TradingLock
from kalshi_trading.trade_logger import TradeLogger

pytestmark = pytest.mark.faults

BEGINNING = datetime(2026, 11, 21, 15, 0, tzinfo=UTC)
SIGNATURE_LIVES_S = 30.0  # longer than any observed validity
MARGIN_S = 60.0
ACCOUNT = "0123456789ab"
WITHOUT_ORDER = ("rejected", "not_sent", "absent")


class Killed(BaseException):
    """The session was killed at a step."""


class ModelExchange:
    """Orders, requests in flight, and the freshness and completeness of reads."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.orders: dict[str, Order] = {}
        self.listed_at: dict[str, float] = {}
        self.on_their_way: dict[str, tuple[float, OrderRequest]] = {}
        self.left: Counter[str] = Counter()
        self.as_of = 0.0
        self.lag_s = 0.0
        self.reads = "work"

    @property
    def now(self) -> datetime:
        return BEGINNING + timedelta(seconds=self.seconds)

    def may_come_to_be(self, client_order_id: str) -> bool:
        return client_order_id in self.orders or client_order_id in self.on_their_way

    def move(self, seconds: float) -> None:
        """Advance time and deliver the requests that are due."""
        ends_at = self.seconds + seconds
        for name, (due, request) in sorted(self.on_their_way.items(), key=lambda item: item[1][0]):
            if due <= ends_at:
                self.seconds = max(self.seconds, due)
                del self.on_their_way[name]
                self.place(request)
        self.seconds = ends_at

    def place(self, request: OrderRequest) -> Order:
        order = replace(
            model_factory.order(BookSide.BID, "0.50", count=str(request.count)),
            order_id=f"order-{len(self.orders)}",
            client_order_id=request.client_order_id,
            ticker=request.ticker,
        )
        assert request.client_order_id not in self.orders
        self.orders[request.client_order_id] = order
        self.listed_at[request.client_order_id] = self.seconds
        return order

    def read_as_of(self) -> float:
        self.as_of = max(self.as_of, self.seconds - self.lag_s)
        return self.as_of


class ModelClient:
    """The client methods that the protocol uses, for one session.

    `fates` are those of its next sends.
    """

    exchange_time = KalshiClient.exchange_time

    def __init__(self, exchange: ModelExchange, machine: ProtocolMachine) -> None:
        self.exchange = exchange
        self.machine = machine
        self.fates: list[Any] = []
        self.clock_skew_s: float | None = None

    def heard(self) -> None:
        """Record that an answer brought the exchange's time."""
        self.clock_skew_s = (self.machine.clock() - self.exchange.now).total_seconds()

    def send_order(
        self, request: OrderRequest, *, before_sending: Callable[[], None]
    ) -> OrderAcknowledgement:
        before_sending()
        fate, how = self.fates.pop(0) if self.fates else ("accepted", 0.0)
        self.machine.about_to_leave(request, fate)
        self.exchange.move(0.1)
        if fate == "not sent":
            raise NotSentError("Not sent.")
        self.exchange.left[request.client_order_id] += 1
        if fate == "late":
            self.exchange.on_their_way[request.client_order_id] = (self.exchange.seconds + how, request)
        elif fate in ("accepted", "answer lost", "id taken"):
            self.exchange.place(request)
        if fate in ("late", "answer lost", "request lost"):
            self.exchange.move(12)
            raise OutcomeUnknownError("The exchange did not answer in time.")
        self.heard()
        if fate in ("id taken", "id taken, no order"):
            raise OutcomeUnknownError("Exists.", status=409, code="order_already_exists")
        if fate == "refused":
            raise KalshiAPIError("Refused.", status=400, code="invalid_price")
        if fate == "rate limited":
            raise RateLimitError("Too many.", status=429)
        order = self.exchange.orders[request.client_order_id]
        return OrderAcknowledgement(
            order.order_id, request.client_order_id, ZERO, request.count, None, None, self.exchange.now
        )

    def get_user_data_timestamp(self) -> datetime:
        self._reads()
        return BEGINNING + timedelta(seconds=self.exchange.read_as_of())

    def get_orders(self, *, ticker: str) -> Listing[Order]:
        self._reads()
        if self.exchange.reads == "lists fail":
            raise UnavailableError("The exchange cannot be reached.")
        if self.exchange.reads == "broken off":
            return Listing((), "the list broke off")
        return Listing(tuple(self.visible(ticker)))

    def get_historical_orders(self, *, ticker: str) -> Listing[Order]:
        self._reads()
        return Listing(())

    def get_fills(self, *, order_id: str) -> Listing[Any]:
        raise UnavailableError("Not now.")

    def visible(self, ticker: str) -> list[Order]:
        shown_until = self.exchange.read_as_of()
        return [
            order
            for name, order in self.exchange.orders.items()
            if order.ticker == ticker and self.exchange.listed_at[name] <= shown_until
        ]

    def _reads(self) -> None:
        if self.exchange.reads == "fail":
            raise UnavailableError("The exchange cannot be reached.")
        self.heard()


class FailingJournal(TradeLogger):
    """A journal on a failing disk.

    The disk is full for these events, or breaks right after they were written.
    """

    full_for: frozenset[str] = frozenset()
    breaks_after: frozenset[str] = frozenset()

    def log_event(self, event: str, fields: Mapping[str, object]) -> None:
        if event in self.full_for or "*" in self.full_for:
            raise JournalError(str(self.trades_path), "No space left on device")
        super().log_event(event, fields)
        if event in self.breaks_after:
            raise JournalError(str(self.trades_path), "Input/output error")


@dataclass
class ModelSession:
    """One running session."""

    session: sessions.Session
    client: ModelClient
    journal: FailingJournal
    pending: PendingOrders
    recovery: OrderRecovery
    lock: TradingLock
    submitter: OrderSubmitter
    killed_at: SubmissionStep | None = None

    def on_step(self, step: SubmissionStep) -> None:
        if step is self.killed_at:
            raise Killed


ORDER_EVENTS = [
    f"order.{word}" for word in ("intent", "sending", "acknowledged", "rejected", "unknown", "absent")
]
LATE = st.tuples(st.just("late"), st.floats(0.1, SIGNATURE_LIVES_S))
LOST = st.one_of(st.sampled_from([("answer lost", 0.0), ("request lost", 0.0), ("id taken", 0.0)]), LATE)
FATES = st.one_of(
    st.sampled_from(
        [
            ("accepted", 0.0),
            ("answer lost", 0.0),
            ("request lost", 0.0),
            ("refused", 0.0),
            ("rate limited", 0.0),
            ("not sent", 0.0),
            ("id taken", 0.0),
            ("id taken, no order", 0.0),
        ]
    ),
    LATE,
)
WISHES = st.builds(
    OrderSpec,
    ticker=st.sampled_from(["KXONE-1", "KXTWO-2"]),
    price=st.sampled_from(["0.01", "0.57", "0.9999"]),
    action=st.sampled_from(Action),
    side=st.sampled_from(Side),
    count=st.sampled_from(["1", "2.5"]),
)
READS = ("work", "fail", "lists fail", "broken off")
WHICH = st.integers(0, 1)


class ProtocolMachine(RuleBasedStateMachine):
    """Sessions that submit, fail, are killed and recover; their guarantees."""

    def __init__(self) -> None:
        super().__init__()
        memory = Path("/dev/shm")
        self.logs = Path(tempfile.mkdtemp(dir=memory if memory.is_dir() else None))
        self.folder = self.logs / "practice"
        self.exchange = ModelExchange()
        self.wrong_by_s = 0.0
        self.running: list[ModelSession] = []
        self.written = b""
        self.open_session()

    def teardown(self) -> None:
        try:
            self.everything_ends_well()
        finally:
            for each in self.running:
                each.session.close()
            shutil.rmtree(self.logs, ignore_errors=True)

    # --- Clocks and sessions ----------------------------------------------------------------------

    def clock(self) -> datetime:
        return self.exchange.now + timedelta(seconds=self.wrong_by_s)

    def monotonic(self) -> float:
        return self.exchange.seconds

    def sleep(self, seconds: float) -> None:
        self.exchange.move(seconds)

    def open_session(self) -> ModelSession:
        session = sessions.Session.open(self.folder)
        journal = FailingJournal(
            self.logs, "practice", session_id=session.session_id, account=ACCOUNT, clock=self.clock
        )
        client = ModelClient(self.exchange, self)
        how: dict[str, Any] = {"clock": self.clock, "monotonic": self.monotonic, "sleep": self.sleep}
        pending = PendingOrders()
        recovery = OrderRecovery(client, journal, pending, **how)  # type: ignore[arg-type]
        lock = TradingLock(journal)
        opened = ModelSession(session, client, journal, pending, recovery, lock, None)  # type: ignore[arg-type]
        how["on_step"] = opened.on_step
        opened.submitter = OrderSubmitter(client, journal, pending, recovery, lock, **how)  # type: ignore[arg-type]
        client.heard()
        self.recover_in(opened)
        self.running.append(opened)
        return opened

    def recover_in(self, opened: ModelSession) -> None:
        recovery = opened.recovery.recover(
            account=ACCOUNT, is_alive=lambda name: sessions.is_alive(self.folder, name)
        )
        assert recovery == RecoverySummary(foreign=(), damage=UNDAMAGED)

    def end(self, ended: ModelSession) -> None:
        self.running.remove(ended)
        ended.session.close()

    def chosen(self, which: int) -> ModelSession:
        return self.running[which % len(self.running)]

    # --- What happens -----------------------------------------------------------------------------

    @precondition(lambda self: self.running)
    @rule(which=WHICH, wish=WISHES, fates=st.lists(FATES, min_size=1, max_size=3))
    def submit(self, which: int, wish: OrderSpec, fates: list[Any]) -> None:
        by, preview = self.chosen(which), preview_of(wish, self.clock())
        cannot_unlock = by.lock.reason is not None and "*" in by.journal.full_for
        by.client.fates = list(fates)
        result = by.submitter.submit(preview)
        self.the_answer_is_true(result)
        assert not cannot_unlock or result.outcome is Outcome.DENIED
        if by.lock.reason is None:
            assert by.submitter.submit(preview).outcome is Outcome.DENIED

    @precondition(lambda self: self.running)
    @rule(which=WHICH, wish=WISHES, fate=LOST, reads=st.sampled_from(READS))
    def submit_and_lose_the_answer(self, which: int, wish: OrderSpec, fate: Any, reads: str) -> None:
        self.exchange.reads = reads
        self.submit(which, wish, [fate])

    @precondition(lambda self: self.running)
    @rule(which=WHICH, wish=WISHES, fate=FATES, step=st.sampled_from(SubmissionStep))
    def submit_and_be_killed(self, which: int, wish: OrderSpec, fate: Any, step: SubmissionStep) -> None:
        by = self.chosen(which)
        by.client.fates, by.killed_at = [fate], step
        with contextlib.suppress(Killed):
            by.submitter.submit(preview_of(wish, self.clock()))
        self.end(by)

    def the_answer_is_true(self, result: SubmissionResult) -> None:
        """Check that the reported result is true."""
        name = result.request.client_order_id
        if result.outcome is Outcome.ACKNOWLEDGED:
            assert name in self.exchange.orders
        elif result.outcome is not Outcome.UNKNOWN:
            assert not self.exchange.may_come_to_be(name)

    @precondition(lambda self: self.running)
    @rule(which=WHICH)
    def look(self, which: int) -> None:
        """Look for every pending order; a failed look ends nothing."""
        by, before = self.chosen(which), self.content()
        try:
            by.recovery.examine_all()
        except JournalError:
            assert by.journal.full_for or by.journal.breaks_after
        if self.exchange.reads in ("fail", "lists fail"):
            assert self.content() == before

    @precondition(lambda self: self.running)
    @rule(which=WHICH, reads=st.sampled_from(READS))
    def look_for_minutes(self, which: int, reads: str) -> None:
        """Look for longer than any proof takes.

        The state of reads meanwhile decides what the looks may prove.
        """
        before, self.exchange.reads = self.exchange.reads, reads
        for seconds in (1.0, 65.0, 6.0, 65.0):
            self.look(which)
            self.exchange.move(seconds)
        self.exchange.reads = before

    @precondition(lambda self: self.running and self.exchange.reads == "work")
    @rule(which=WHICH)
    def notice(self, which: int) -> None:
        by = self.chosen(which)
        before = self.content()
        by.recovery.reconcile_late(by.client.visible("KXONE-1"))
        by.recovery.look_for_late()
        assert self.content() == before  # no existing order was written off

    @precondition(lambda self: self.running)
    @rule(which=WHICH)
    def recover_again(self, which: int) -> None:
        """Take over orders of ended sessions in a running one.

        It forgets none of its own orders.
        """
        by, before = self.chosen(which), self.content()
        waiting = {life.client_order_id for life in by.pending.orders()}
        self.recover_in(by)
        assert waiting <= {life.client_order_id for life in by.pending.orders()}
        assert self.content() == before

    @precondition(lambda self: len(self.running) == 2)
    @rule(which=WHICH)
    def kill(self, which: int) -> None:
        self.end(self.chosen(which))

    @precondition(lambda self: len(self.running) < 2)
    @rule()
    def start(self) -> None:
        """Start a session; recovering twice changes nothing."""
        before = self.content()
        opened = self.open_session()
        waiting = opened.pending.orders()
        self.recover_in(opened)
        assert opened.pending.orders() == waiting
        assert self.content() == before

    @rule(seconds=st.sampled_from([0.5, 5.0, 29.0, 61.0, 300.0]))
    def wait(self, seconds: float) -> None:
        self.exchange.move(seconds)

    @rule(seconds=st.sampled_from([-7200.0, -61.0, -2.0, 2.0, 61.0, 7200.0, 86_400.0]))
    def step_the_clock(self, seconds: float) -> None:
        self.wrong_by_s += seconds

    @rule(how=st.sampled_from(READS))
    def let_reads(self, how: str) -> None:
        self.exchange.reads = how

    @rule(lag_s=st.sampled_from([0.0, 0.0, 4.0, 90.0]))
    def let_reads_lag(self, lag_s: float) -> None:
        self.exchange.lag_s = lag_s

    @precondition(lambda self: self.running)
    @rule(which=WHICH, events=st.sets(st.sampled_from(["*", *ORDER_EVENTS]), max_size=2))
    def fill_the_disk(self, which: int, events: set[str]) -> None:
        self.chosen(which).journal.full_for = frozenset(events)

    @precondition(lambda self: self.running)
    @rule(which=WHICH, events=st.sets(st.sampled_from(ORDER_EVENTS), max_size=1))
    def break_the_disk(self, which: int, events: set[str]) -> None:
        self.chosen(which).journal.breaks_after = frozenset(events)

    @precondition(lambda self: self.exchange.orders)
    @rule(which=st.integers(0, 30))
    def cancel(self, which: int) -> None:
        """Cancel a resting order; it still exists."""
        names = list(self.exchange.orders)
        name = names[which % len(names)]
        canceled = replace(self.exchange.orders[name], status=OrderStatus.CANCELED, remaining_count=ZERO)
        self.exchange.orders[name] = canceled

    # --- What must hold ---------------------------------------------------------------------------

    def about_to_leave(self, request: OrderRequest, fate: str) -> None:
        """Check (1) and (4): intent and sending are on disk before bytes leave.

        They describe this very order.
        """
        life = self.lives().get(request.client_order_id, [])
        assert [line.event for line in life][:2] == ["order.intent", "order.sending"]
        intent = life[0].fields
        body = {
            "book_side": verifier.BOOK_SIDES[request.action.value, request.side.value],
            "initial_count_fp": str(request.count),
            "ticker": request.ticker,
            "yes_price_dollars": str(request.price if request.side is Side.YES else 1 - request.price),
        }
        assert list(verifier.mismatches(intent, body)) == []

    def content(self) -> bytes:
        """Return the current journal, older files first."""
        return verifier.journal_bytes(self.folder)

    def lives(self) -> dict[str, list[verifier.Line]]:
        lines, damaged = verifier.journal_lines(self.folder)
        assert damaged == []
        lives: dict[str, list[verifier.Line]] = {}
        for line in lines:
            if line.event.removeprefix("order.") in verifier.LIFE:
                lives.setdefault(line.fields["client_order_id"], []).append(line)
        return lives

    @invariant()
    def the_journal_only_grows(self) -> None:
        content = self.content()
        assert content.startswith(self.written)
        self.written = content

    @invariant()
    def nothing_leaves_twice(self) -> None:
        assert all(times == 1 for times in self.exchange.left.values())

    @invariant()
    def no_order_is_written_off_that_exists_or_may_still_come(self) -> None:
        lives = self.lives()
        for name, life in lives.items():
            written_off = [line.event for line in life if line.event.removeprefix("order.") in WITHOUT_ORDER]
            assert not (written_off and self.exchange.may_come_to_be(name)), written_off
        acknowledged = [name for name, life in lives.items() if "order.acknowledged" in events(life)]
        assert all(name in self.exchange.orders for name in acknowledged)
        assert all(name in lives for name in self.exchange.orders)

    def everything_ends_well(self) -> None:
        """Check that every order ends correctly once everything works again.

        A running session looks for the orders of the others. A new one looks for the orders whose end it
        could not record.
        """
        for each in list(self.running[1:]):
            self.end(each)
        self.exchange.reads, self.exchange.lag_s = "work", 0.0
        for last in list(self.running):
            last.journal.full_for = last.journal.breaks_after = frozenset()
            self.recover_in(last)
            self.settle(last)
            self.end(last)
        self.settle(self.open_session())
        for name, life in self.lives().items():
            ended_right = "order.acknowledged" if name in self.exchange.orders else "order."
            assert any(event.startswith(ended_right) for event in events(life)), (name, events(life))
            assert set(events(life)) & {f"order.{word}" for word in ("acknowledged", *WITHOUT_ORDER)}
        self.no_order_is_written_off_that_exists_or_may_still_come()

    def settle(self, last: ModelSession) -> None:
        for _ in range(3):
            self.exchange.move(SIGNATURE_LIVES_S + MARGIN_S)
            last.recovery.examine_all()
        assert last.pending.orders() == ()


def events(life: list[verifier.Line]) -> list[str]:
    return [line.event for line in life]


def test_the_protocol_keeps_its_promises_step_by_step() -> None:
    run_state_machine_as_test(
        ProtocolMachine,
        settings=settings(
            max_examples=proof.CURRENT.protocol_runs,
            stateful_step_count=proof.CURRENT.protocol_steps,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
