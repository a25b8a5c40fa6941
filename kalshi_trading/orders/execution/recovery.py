"""Look for an order whose answer was lost: find it or prove it absent.

An order is found by our client_order_id. `absence_proof` defines the proof of absence. The first
look comes after the send, whatever this computer's clocks did. A failed look proves nothing. Sends
no order, asks no user.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from kalshi_trading.core.dates import utc_now
from kalshi_trading.core.errors import JournalError, KalshiAPIError
from kalshi_trading.core.models import Order
from kalshi_trading.core.results import Listing, Progress, fetch_or_none
from kalshi_trading.journal.order_state import OrderStage, OrderState, belongs_to
from kalshi_trading.journal.records import Damage
from kalshi_trading.kalshi_client import KalshiClient
from kalshi_trading.orders.execution.absence_proof import (
    ABSENCE_MARGIN_S,
    NEGATIVES_APART_S,
    Lookup,
    proves_absence,
)
from kalshi_trading.orders.execution.journal_fields import absent_fields, listed_fields, name_fields
from kalshi_trading.orders.execution.pending_orders import (
    NOTHING_KNOWN,
    PendingOrder,
    PendingOrders,
    RecoveryResult,
)
from kalshi_trading.orders.execution.submission_result import unrecorded_sentence
from kalshi_trading.trade_logger import TradeLogger

FIRST_PAUSES_S = (0.5, 1.0, 2.0, 4.0)
LATE_WITHIN = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class RecoverySummary:
    """Orders that a recovery leaves alone, and unreadable journal lines.

    `foreign` are pending orders of other keys.
    """

    foreign: tuple[OrderState, ...]
    damage: Damage

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences for the user about orders the program does not look for."""
        notes = [
            f"Unresolved order from another API key, not checked here: {order.sentence}"
            for order in self.foreign
        ]
        if self.damage.sentence is not None:
            notes.append(
                f"{self.damage.sentence} (last: {self.damage.last}). "
                "Orders on damaged lines cannot be checked; check open orders."
            )
        return tuple(notes)


class OrderRecovery:
    """Looks for pending orders and records what it finds. Thread-safe."""

    def __init__(
        self,
        client: KalshiClient,
        journal: TradeLogger,
        pending: PendingOrders,
        *,
        clock: Callable[[], datetime] = utc_now,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] | None = None,
        margin_s: float = ABSENCE_MARGIN_S,
        apart_s: float = NEGATIVES_APART_S,
    ) -> None:
        self._client = client
        self._journal = journal
        self._pending = pending
        self._clock = clock
        self._monotonic = monotonic
        self._leaving = threading.Event()
        self._sleep = sleep or self._leaving.wait
        self._margin_s = margin_s
        self._apart_s = apart_s
        self._looking = threading.Lock()
        self._recovering = threading.Lock()
        self._read_until = 0
        self._left_alone: dict[str, OrderState] = {}  # orders of running sessions and of other keys

    def recover(
        self, *, account: str, is_alive: Callable[[str], bool], progress: Progress = lambda lines: None
    ) -> RecoverySummary:
        """Take over the pending orders that ended sessions left in the journal.

        May be repeated at any time. An order of a running session is left alone until that session ends.
        `progress` gets the number of lines read. Raises JournalError.
        """
        with self._recovering:
            changes = self._journal.changes(self._read_until, progress=progress)
            self._read_until = changes.until
            changed = {name: None if order is None else order.state for name, order in changes.orders}
            orders = {name: each for name, each in (self._left_alone | changed).items() if each is not None}
            environment = self._journal.environment
            own = {name: each for name, each in orders.items() if belongs_to(each, environment, account)}
            running = {session for session in {each.session for each in own.values()} if is_alive(session)}
            self._pending.track_unknown(each for each in own.values() if each.session not in running)
            foreign = {name: each for name, each in orders.items() if name not in own and each.is_pending}
            left = {name: each for name, each in own.items() if each.session in running}
            self._left_alone = left | foreign
            return RecoverySummary(tuple(foreign.values()), changes.damage)

    def stop(self) -> None:
        """End every search because the program ends.

        Pending orders stay pending for the next start.
        """
        self._leaving.set()

    # --- Looking ----------------------------------------------------------------------------------

    def search(self, client_order_id: str, pauses_s: Sequence[float] = FIRST_PAUSES_S) -> RecoveryResult:
        """Look for a pending order a few times.

        It stays pending if that settles nothing. It also stays pending if its end cannot be recorded; the
        result then says so.
        """
        result = NOTHING_KNOWN
        for pause in pauses_s:
            self._sleep(pause)
            if self._leaving.is_set():
                break
            try:
                result = self._examine(client_order_id)
            except JournalError as error:
                return self._unrecorded(client_order_id, error)
            if result.stage is not OrderStage.UNKNOWN:
                break
        return result

    def examine_all(self) -> None:
        """Look once for every pending order.

        An error with one order is raised after all orders were looked for. An order found but not recorded
        is announced once. Raises JournalError when an end cannot be recorded.
        """
        failures: list[Exception] = []
        for client_order_id in self._pending.searched_ids():
            try:
                self._examine(client_order_id)
            except JournalError as error:
                failures.append(error)
                if sentence := self._unrecorded(client_order_id, error).sentence:
                    self._pending.announce(sentence)
            except Exception as error:  # noqa: BLE001  (raised below)
                failures.append(error)
        if failures:
            raise failures[0]

    def _unrecorded(self, client_order_id: str, error: JournalError) -> RecoveryResult:
        """Return what the last look found although it could not be recorded.

        ACKNOWLEDGED with its order, or UNKNOWN. `sentence` is empty if the order was announced before.
        """
        pending = self._pending.find(client_order_id)
        order = pending.lookups[-1].order if pending is not None else None
        if pending is None or order is None:
            return RecoveryResult(OrderStage.UNKNOWN, None, unrecorded=str(error))
        found = f"Found: {pending.state.sentence}. {unrecorded_sentence(order, str(error))}"
        sentence = found if self._pending.mark_reported(pending) else ""
        return RecoveryResult(OrderStage.ACKNOWLEDGED, order, sentence, str(error))

    def _examine(self, client_order_id: str) -> RecoveryResult:
        """Take one look, and end the search if that settles it.

        Only one look runs at a time.
        """
        with self._looking:
            pending = self._pending.find(client_order_id)
            if pending is None:
                return self._pending.result_of(client_order_id)
            look = self._look(pending.state)
            pending.lookups.append(look)
            if pending.quiet_since is None and look.as_of is not None:
                pending.quiet_since = self._exchange_time(look.as_of)
            if look.order is not None:
                sentence = _found_sentence(pending.state, look.order)
                found = RecoveryResult(OrderStage.ACKNOWLEDGED, look.order, sentence)
                return self._end(pending, found, listed_fields(look.order, "found at the exchange"))
            if look.as_of is None:  # a failed look ends nothing, whatever others proved
                return NOTHING_KNOWN
            since = pending.quiet_since
            if proves_absence(pending.lookups, since, margin_s=self._margin_s, apart_s=self._apart_s):
                absent = RecoveryResult(OrderStage.ABSENT, None, _absent_sentence(pending))
                return self._end(pending, absent, absent_fields(_proved_at(pending)))
            return NOTHING_KNOWN

    def _exchange_time(self, as_of: datetime) -> datetime | None:
        """Return the exchange's time, never earlier than `as_of`.

        Call it just after an answer, so that no jump of this computer's clock is in between. `as_of` is the
        time of data just read. None: the exchange's time is not known.
        """
        now = self._client.exchange_time(self._clock())
        return None if now is None else max(as_of, now)

    def _look(self, order: OrderState) -> Lookup:
        """Read the data's age, then every order of the market.

        Includes historical orders if the order is old.
        """
        at, monotonic_s = self._clock(), self._monotonic()
        as_of = fetch_or_none(self._client.get_user_data_timestamp)
        try:
            found, complete = self._find(order)
        except KalshiAPIError:
            return Lookup(at, monotonic_s, None, None)
        return Lookup(at, monotonic_s, found, as_of if complete else None)

    def _find(self, wanted: OrderState) -> tuple[Order | None, bool]:
        """Return the order, if it is listed, and whether the lists were complete."""
        listings: list[Listing[Order]] = [self._client.get_orders(ticker=wanted.ticker)]
        if wanted.intent_at < self._clock() - timedelta(days=1):
            listings.append(self._client.get_historical_orders(ticker=wanted.ticker))
        for listing in listings:
            for order in listing:
                if order.client_order_id == wanted.client_order_id:
                    return order, True
        return None, all(listing.incomplete is None for listing in listings)

    def _end(
        self, pending: PendingOrder, result: RecoveryResult, fields: dict[str, object]
    ) -> RecoveryResult:
        """Record the end, then end the search.

        The record comes first, because an order without a recorded end must stay pending.
        """
        self._record(pending.state, result.stage, fields)
        self._pending.end(pending, result, self._clock())
        return result

    def _record(self, order: OrderState, stage: OrderStage, fields: dict[str, object]) -> None:
        self._journal.log_order_step(stage.value, {**name_fields(order), **fields})

    # --- Orders that turn up late -----------------------------------------------------------------

    def reconcile_late(self, orders: Iterable[Order]) -> None:
        """Record and announce written-off orders that appear in `orders`.

        `orders` were read for another purpose. Such an order is never ignored. Raises JournalError.
        """
        for order in orders:
            state = self._pending.take_written_off(order)
            if state is not None:
                self._record_late(state, order)

    def _record_late(self, state: OrderState, order: Order) -> None:
        fields = listed_fields(order, "appeared late")
        try:
            self._record(state, OrderStage.ACKNOWLEDGED, fields)
        except JournalError:
            self._pending.restore_written_off(state)
            raise
        self._pending.announce(
            f"Late order found, now counted as yours: {state.sentence} "
            f"(order {order.order_id}, {order.status}). Check open orders."
        )

    def look_for_late(self) -> None:
        """List again the markets of orders recently proved absent.

        An order that fills at once, or that a panic cancels, is in no list of resting orders. Raises
        JournalError.
        """
        for ticker in {each.ticker for each in self._pending.absent_since(self._clock() - LATE_WITHIN)}:
            with suppress(KalshiAPIError):  # the next look tries again
                self.reconcile_late(self._client.get_orders(ticker=ticker))

    def log_search_error(self, error: Exception) -> None:
        """Log an error of the search itself, and announce it."""
        reference = self._journal.log_error("Unexpected error while checking pending orders", error)
        self._pending.announce(
            f"Unexpected error while checking pending orders (reference {reference} in "
            f"{self._journal.errors_path}). Checking continues; check open orders."
        )


def _found_sentence(state: OrderState, order: Order) -> str:
    return f"Found: {state.sentence} (order {order.order_id}, {order.status})."


def _absent_sentence(pending: PendingOrder) -> str:
    at = _proved_at(pending).astimezone()
    return f"Not placed (verified as of {at:%H:%M:%S}): {pending.state.sentence}."


def _proved_at(pending: PendingOrder) -> datetime:
    return max(look.as_of for look in pending.lookups if look.as_of is not None)
