"""What became of an order whose answer was lost: look until it is found or proved not to be there.

Finding is easy: an order carries our client_order_id. `absence_proof` says what proves that it is not there.
The first look comes after the send, whatever the clocks of this computer did. Sends no order, asks no user;
a look that fails is no evidence at all.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from kalshi_trading.core.errors import JournalError, KalshiAPIError
from kalshi_trading.core.models import Order
from kalshi_trading.core.results import Listing, Progress
from kalshi_trading.journal.order_state import (
    WITHOUT_ORDER,
    OrderStage,
    OrderState,
    advanced,
    belongs_to,
)
from kalshi_trading.journal.records import Damage
from kalshi_trading.kalshi_client import KalshiClient
from kalshi_trading.orders.execution.absence_proof import (
    ABSENCE_MARGIN_S,
    NEGATIVES_APART_S,
    Lookup,
    proves_absence,
)
from kalshi_trading.trade_logger import TradeLogger

FIRST_PAUSES_S = (0.5, 1.0, 2.0, 4.0)
LATE_WITHIN = timedelta(minutes=10)


@dataclass(slots=True)
class PendingOrder:
    """An order being looked for, and the looks so far.

    From `quiet_since` on, a time of the exchange, nobody sent it. `is_told`: the user knows that it was
    found, although that could not be recorded.
    """

    life: OrderState
    quiet_since: datetime | None = None
    looks: list[Lookup] = field(default_factory=list)
    is_told: bool = False


@dataclass(frozen=True, slots=True)
class RecoveryResult:
    """What is known after looking: ACKNOWLEDGED with its order, ABSENT, or still UNKNOWN; in words too.

    `unrecorded` says why it could not be put into the journal; the order is then still looked for.
    """

    state: OrderStage
    order: Order | None
    sentence: str = ""
    unrecorded: str | None = None


@dataclass(frozen=True, slots=True)
class RecoverySummary:
    """What a recovery leaves alone: open orders of other keys, and lines that cannot be read."""

    foreign: tuple[OrderState, ...]
    damage: Damage


class OrderRecovery:
    """Keeps the list of open cases, looks for their orders and records what it finds. Thread-safe."""

    def __init__(
        self,
        client: KalshiClient,
        journal: TradeLogger,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] | None = None,
        margin_s: float = ABSENCE_MARGIN_S,
        apart_s: float = NEGATIVES_APART_S,
    ) -> None:
        self._client = client
        self._journal = journal
        self._clock = clock
        self._monotonic = monotonic
        self._leaving = threading.Event()
        self._sleep = sleep or self._leaving.wait
        self._margin_s = margin_s
        self._apart_s = apart_s
        self._lock = threading.Lock()  # guards the tables below; never held while asking the exchange
        self._looking = threading.Lock()
        self._recovering = threading.Lock()
        self._ended: dict[str, RecoveryResult] = {}
        self._under_way: dict[str, OrderState] = {}
        self._cases: dict[str, PendingOrder] = {}
        self._written_off: dict[str, OrderState] = {}
        self._absent_since: dict[str, datetime] = {}
        self._known: set[str] = set()  # whatever the journal says of these later, it is judged here
        self._read_until = 0
        self._left: dict[str, OrderState] = {}  # to running sessions and other keys
        self._news: list[str] = []

    # --- What is known ----------------------------------------------------------------------------

    def start_tracking(self, life: OrderState) -> None:
        """Name an order that is about to be sent among the open ones; `adopt` says when to look for it."""
        with self._lock:
            self._known.add(life.client_order_id)
            self._under_way[life.client_order_id] = life

    def track(self, lives: Iterable[OrderState]) -> None:
        """Take over orders that nobody is sending: open ones to look for, ended ones to watch for."""
        with self._lock:
            for life in lives:
                self._under_way.pop(life.client_order_id, None)
                self._file(life)

    def recover(
        self, *, account: str, is_alive: Callable[[str], bool], progress: Progress = lambda lines: None
    ) -> RecoverySummary:
        """Take over what ended sessions left in the journal; it may be repeated at any time.

        An order of a session that is still running is left to it, until the session has ended. `progress`
        is called with the lines read. Raises JournalError.
        """
        with self._recovering:
            changes = self._journal.changes(self._read_until, progress=progress)
            self._read_until = changes.until
            said = {name: None if order is None else order.state for name, order in changes.orders}
            lives = {name: life for name, life in (self._left | said).items() if life is not None}
            environment = self._journal.environment
            own = {name: life for name, life in lives.items() if belongs_to(life, environment, account)}
            running = {session for session in {life.session for life in own.values()} if is_alive(session)}
            self._take_over(life for life in own.values() if life.session not in running)
            foreign = {name: life for name, life in lives.items() if name not in own and life.is_open}
            left = {name: life for name, life in own.items() if life.session in running}
            self._left = left | foreign
            return RecoverySummary(tuple(foreign.values()), changes.damage)

    def _take_over(self, lives: Iterable[OrderState]) -> None:
        """Adopt what is not known here; of the rest the journal that was read may be out of date."""
        with self._lock:
            for life in lives:
                if life.client_order_id not in self._known:
                    self._file(life)

    def _file(self, life: OrderState) -> None:
        self._known.add(life.client_order_id)
        if life.is_open:
            self._cases.setdefault(life.client_order_id, PendingOrder(life))
        elif life.stage in WITHOUT_ORDER:
            self._written_off[life.client_order_id] = life

    def open_orders(self) -> tuple[OrderState, ...]:
        """List the orders that may exist and are neither found nor ruled out."""
        with self._lock:
            return (*self._under_way.values(), *(case.life for case in self._cases.values()))

    def announce(self, sentence: str) -> None:
        """Put something among the news."""
        with self._lock:
            self._news.append(sentence)

    def drain_messages(self) -> tuple[str, ...]:
        """Return what was found out since the last call, as sentences for the user."""
        with self._lock:
            news, self._news = tuple(self._news), []
            return news

    # --- Looking ----------------------------------------------------------------------------------

    def search(self, client_order_id: str, pauses_s: Sequence[float] = FIRST_PAUSES_S) -> RecoveryResult:
        """Look for an open order a few times; it stays open when that settles nothing.

        It stays open too when its end cannot be recorded, which the whereabouts then say.
        """
        whereabouts = RecoveryResult(OrderStage.UNKNOWN, None)
        for pause in pauses_s:
            self._sleep(pause)
            if self._leaving.is_set():
                break
            try:
                whereabouts = self._examine(client_order_id)
            except JournalError as error:
                return self._unrecorded(client_order_id, error)
            if whereabouts.state is not OrderStage.UNKNOWN:
                break
        return whereabouts

    def _unrecorded(self, client_order_id: str, error: JournalError) -> RecoveryResult:
        """Tell what the last look saw although it is not on record: an order, or else nothing for sure.

        The sentence is for who has not heard of it before.
        """
        with self._lock:
            case = self._cases.get(client_order_id)
            order = case.looks[-1].order if case is not None else None
            if case is None or order is None:
                return RecoveryResult(OrderStage.UNKNOWN, None, unrecorded=str(error))
            sentence = "" if case.is_told else f"Found: {case.life.sentence}. {unrecorded(order, str(error))}"
            case.is_told = True
        return RecoveryResult(OrderStage.ACKNOWLEDGED, order, sentence, str(error))

    def stop(self) -> None:
        """End every search because the program ends; what is open stays so for the next start."""
        self._leaving.set()

    def examine_all(self) -> None:
        """Look once for every open order. Raises JournalError when an end cannot be recorded.

        What goes wrong with one order is raised after the others were looked for. One that is found all
        the same is announced, once.
        """
        with self._lock:
            waiting = list(self._cases)
        failures: list[Exception] = []
        for client_order_id in waiting:
            try:
                self._examine(client_order_id)
            except JournalError as error:
                failures.append(error)
                if sentence := self._unrecorded(client_order_id, error).sentence:
                    self.announce(sentence)
            except Exception as error:  # noqa: BLE001  (raised below)
                failures.append(error)
        if failures:
            raise failures[0]

    def _examine(self, client_order_id: str) -> RecoveryResult:
        """Take one look and close the case if that settles it; one look at a time."""
        with self._looking:
            with self._lock:
                case = self._cases.get(client_order_id)
            if case is None:
                return self._ended.get(client_order_id, RecoveryResult(OrderStage.UNKNOWN, None))
            look = self._look(case.life)
            case.looks.append(look)
            if case.quiet_since is None and look.as_of is not None:
                case.quiet_since = self._exchange_time(look.as_of)
            if look.order is not None:
                sentence = _found_sentence(case.life, look.order)
                return self._close(case, RecoveryResult(OrderStage.ACKNOWLEDGED, look.order, sentence))
            since = case.quiet_since
            if look.as_of is None:  # a look that failed ends nothing, whatever others proved
                return RecoveryResult(OrderStage.UNKNOWN, None)
            if proves_absence(case.looks, since, margin_s=self._margin_s, apart_s=self._apart_s):
                return self._close(case, RecoveryResult(OrderStage.ABSENT, None, _absent_sentence(case)))
            return RecoveryResult(OrderStage.UNKNOWN, None)

    def _exchange_time(self, as_of: datetime) -> datetime | None:
        """Tell the exchange's time; just after an answer no step of this computer's clock is in it.

        It is not before the moment of which data was just seen, whatever is known of the clocks.
        """
        skew_s = self._client.clock_skew_s
        return None if skew_s is None else max(as_of, self._clock() - timedelta(seconds=skew_s))

    def _look(self, life: OrderState) -> Lookup:
        """Read freshness first, then every order of the market, live and, when it is old, historical."""
        at, monotonic_s, as_of = self._clock(), self._monotonic(), self._as_of()
        try:
            found, complete = self._find(life)
        except KalshiAPIError:
            return Lookup(at, monotonic_s, None, None)
        return Lookup(at, monotonic_s, found, as_of if complete else None)

    def _as_of(self) -> datetime | None:
        try:
            return self._client.get_user_data_timestamp()
        except KalshiAPIError:
            return None

    def _find(self, life: OrderState) -> tuple[Order | None, bool]:
        listings: list[Listing[Order]] = [self._client.get_orders(ticker=life.ticker)]
        if life.intent_at < self._clock() - timedelta(days=1):
            listings.append(self._client.get_historical_orders(ticker=life.ticker))
        for listing in listings:
            for order in listing:
                if order.client_order_id == life.client_order_id:
                    return order, True
        return None, all(listing.incomplete is None for listing in listings)

    def _close(self, case: PendingOrder, whereabouts: RecoveryResult) -> RecoveryResult:
        """Record the end first; a case whose end cannot be recorded stays open."""
        life, order = case.life, whereabouts.order
        fields = _absent_fields(case) if order is None else _found_fields(order)
        self._record(life, whereabouts.state, fields)
        with self._lock:
            del self._cases[life.client_order_id]
            self._ended[life.client_order_id] = whereabouts
            if whereabouts.state is OrderStage.ABSENT:
                self._absent_since[life.client_order_id] = self._clock()
            self._news.append(whereabouts.sentence)
            self._file(advanced(life, whereabouts.state))
        return whereabouts

    def _record(self, life: OrderState, state: OrderStage, fields: dict[str, object]) -> None:
        named = {"client_order_id": life.client_order_id, "ticker": life.ticker, "sentence": life.sentence}
        self._journal.log_order_submission(state.value, {**named, **fields})

    # --- Orders that turn up late -----------------------------------------------------------------

    def reconcile_late(self, orders: Iterable[Order]) -> None:
        """Watch orders that were read for another purpose for one that had been written off.

        Such an order is adopted and announced; it is never ignored. Raises JournalError.
        """
        for order in orders:
            with self._lock:
                life = self._written_off.get(order.client_order_id)
                if life is None or life.is_refused(order):
                    continue
                del self._written_off[order.client_order_id]
            self._adopt_late(life, order)

    def _adopt_late(self, life: OrderState, order: Order) -> None:
        try:
            self._record(life, OrderStage.ACKNOWLEDGED, {**_found_fields(order), "reason": "appeared late"})
        except JournalError:
            with self._lock:
                self._written_off[life.client_order_id] = life
            raise
        self.announce(
            f"An order appeared late and is now counted as yours: {life.sentence}: "
            f"order {order.order_id}, {order.status}. Look at the open orders."
        )

    def look_for_late(self) -> None:
        """List anew the markets whose orders were proved absent a short while ago. Raises JournalError.

        An order that fills at once, or that a panic cancels, shows up in no list of resting ones.
        """
        too_old = self._clock() - LATE_WITHIN
        with self._lock:
            self._absent_since = {name: at for name, at in self._absent_since.items() if at >= too_old}
            watched = [life for name, life in self._written_off.items() if name in self._absent_since]
        for ticker in {life.ticker for life in watched}:
            with suppress(KalshiAPIError):  # the next look asks again
                self.reconcile_late(self._client.get_orders(ticker=ticker))

    def report(self, error: Exception) -> None:
        """Put a fault of the search itself on record, and tell the user of it."""
        reference = self._journal.log_error("Unexpected error in the search for orders", error)
        self.announce(
            f"Something unexpected went wrong in the search for orders, which goes on; it is on record as "
            f"{reference} in {self._journal.errors_path}. Look at the open orders."
        )


def _found_fields(order: Order) -> dict[str, object]:
    return {
        "order_id": order.order_id,
        "fill_count": order.fill_count,
        "remaining_count": order.remaining_count,
        "fee": order.fees,
        "reason": "found at the exchange",
    }


def _found_sentence(life: OrderState, order: Order) -> str:
    return f"Found: {life.sentence} is order {order.order_id}, {order.status}."


def unrecorded(order: Order, why: str) -> str:
    """Say of an order that was found what it is although the journal does not tell."""
    what = "IS LIVE" if order.fill_count or order.remaining_count else "was accepted"
    return f"Order {order.order_id} {what} but could not be recorded. {why}"


def _absent_fields(case: PendingOrder) -> dict[str, object]:
    return {"as_of": _proved_at(case), "reason": "not at the exchange in two complete, fresh looks"}


def _absent_sentence(case: PendingOrder) -> str:
    return f"Not placed (verified as of {_proved_at(case).astimezone():%H:%M:%S}): {case.life.sentence}."


def _proved_at(case: PendingOrder) -> datetime:
    return max(look.as_of for look in case.looks if look.as_of is not None)
