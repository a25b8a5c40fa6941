"""Our pending orders, and those written off that may still appear.

Knows what was seen of each and which messages are due to the user. Never calls the exchange, writes
nothing. Thread-safe.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from kalshi_trading.core.models import Order
from kalshi_trading.journal.order_state import NO_ORDER_STAGES, OrderStage, OrderState, advance
from kalshi_trading.orders.execution.absence_proof import Lookup


@dataclass(slots=True)
class PendingOrder:
    """A pending order and the lookups so far.

    `quiet_since` is an exchange time after which no session sent it. `is_reported`: the user knows that
    it was found, although that could not be recorded.
    """

    state: OrderState
    quiet_since: datetime | None = None
    lookups: list[Lookup] = field(default_factory=list)
    is_reported: bool = False


@dataclass(frozen=True, slots=True)
class RecoveryResult:
    """The result of a search: ACKNOWLEDGED with its order, ABSENT, or UNKNOWN.

    `sentence` describes it. `unrecorded` says why it could not be recorded; the order then stays
    pending.
    """

    stage: OrderStage
    order: Order | None
    sentence: str = ""
    unrecorded: str | None = None


NOTHING_KNOWN = RecoveryResult(OrderStage.UNKNOWN, None)


class PendingOrders:
    """The pending orders of this session and of sessions it took over."""

    def __init__(self) -> None:
        self._lock = threading.Lock()  # guards the tables below; never held during a request
        self._under_way: dict[str, OrderState] = {}
        self._searched: dict[str, PendingOrder] = {}
        self._ended: dict[str, RecoveryResult] = {}
        self._written_off: dict[str, OrderState] = {}
        self._absent_since: dict[str, datetime] = {}
        self._known: set[str] = set()  # ids judged here, whatever the journal says of them later
        self._messages: list[str] = []

    # --- Which orders are open --------------------------------------------------------------------

    def start_tracking(self, order: OrderState) -> None:
        """Add an order that is about to be sent; `track` starts the search later."""
        with self._lock:
            self._known.add(order.client_order_id)
            self._under_way[order.client_order_id] = order

    def track(self, orders: Iterable[OrderState]) -> None:
        """Take over orders that are no longer being sent.

        Pending ones are looked for; written-off ones are watched for.
        """
        with self._lock:
            for order in orders:
                self._under_way.pop(order.client_order_id, None)
                self._file(order)

    def track_unknown(self, orders: Iterable[OrderState]) -> None:
        """Take over orders that are not known here.

        For known orders the journal may be out of date.
        """
        with self._lock:
            for order in orders:
                if order.client_order_id not in self._known:
                    self._file(order)

    def _file(self, order: OrderState) -> None:
        self._known.add(order.client_order_id)
        if order.is_pending:
            self._searched.setdefault(order.client_order_id, PendingOrder(order))
        elif order.stage in NO_ORDER_STAGES:
            self._written_off[order.client_order_id] = order

    def orders(self) -> tuple[OrderState, ...]:
        """List the orders that may exist and are not resolved."""
        with self._lock:
            return (*self._under_way.values(), *(order.state for order in self._searched.values()))

    # --- Looking for them -------------------------------------------------------------------------

    def searched_ids(self) -> tuple[str, ...]:
        """Return the client_order_ids to look for."""
        with self._lock:
            return tuple(self._searched)

    def find(self, client_order_id: str) -> PendingOrder | None:
        """Return a pending order.

        None: it has ended; `result_of` returns its result.
        """
        with self._lock:
            return self._searched.get(client_order_id)

    def result_of(self, client_order_id: str) -> RecoveryResult:
        with self._lock:
            return self._ended.get(client_order_id, NOTHING_KNOWN)

    def end(self, pending: PendingOrder, result: RecoveryResult, at: datetime) -> None:
        """End the search for an order whose end is recorded, and announce it."""
        name = pending.state.client_order_id
        with self._lock:
            del self._searched[name]
            self._ended[name] = result
            if result.stage is OrderStage.ABSENT:
                self._absent_since[name] = at
            self._messages.append(result.sentence)
            self._file(advance(pending.state, result.stage))

    # --- Written off ------------------------------------------------------------------------------

    def take_written_off(self, order: Order) -> OrderState | None:
        """Remove an order of the exchange from those written off.

        None: it is not among them, or it is listed as canceled because the exchange refused it.
        """
        with self._lock:
            state = self._written_off.get(order.client_order_id)
            if state is None or state.is_refused(order):
                return None
            return self._written_off.pop(order.client_order_id)

    def restore_written_off(self, order: OrderState) -> None:
        """Put back an order that `take_written_off` removed."""
        with self._lock:
            self._written_off[order.client_order_id] = order

    def absent_since(self, at: datetime) -> list[OrderState]:
        """List the orders proved absent at `at` or later; forget earlier proofs."""
        with self._lock:
            self._absent_since = {name: when for name, when in self._absent_since.items() if when >= at}
            return [order for name, order in self._written_off.items() if name in self._absent_since]

    # --- Messages to the user ---------------------------------------------------------------------

    def mark_reported(self, pending: PendingOrder) -> bool:
        """Mark an order as reported to the user; False: it already was."""
        with self._lock:
            was_reported, pending.is_reported = pending.is_reported, True
            return not was_reported

    def announce(self, sentence: str) -> None:
        """Add a sentence to the messages."""
        with self._lock:
            self._messages.append(sentence)

    def drain_messages(self) -> tuple[str, ...]:
        """Return what was found since the last call, as sentences for the user."""
        with self._lock:
            messages, self._messages = tuple(self._messages), []
            return messages
