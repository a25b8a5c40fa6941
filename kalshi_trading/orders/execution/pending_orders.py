"""Our orders without an end: those looked for, and those written off that may still appear.

Knows what was seen of each, and what the user is to be told. Asks nobody, writes nothing. Thread-safe.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from kalshi_trading.core.models import Order
from kalshi_trading.journal.order_state import WITHOUT_ORDER, OrderStage, OrderState, advanced
from kalshi_trading.orders.execution.absence_proof import Lookup


@dataclass(slots=True)
class PendingOrder:
    """An order being looked for, and the lookups so far.

    From `quiet_since` on, a time of the exchange, nobody sent it. `is_reported`: the user knows that it was
    found, although that could not be recorded.
    """

    state: OrderState
    quiet_since: datetime | None = None
    lookups: list[Lookup] = field(default_factory=list)
    is_reported: bool = False


@dataclass(frozen=True, slots=True)
class RecoveryResult:
    """What is known after looking: ACKNOWLEDGED with its order, ABSENT, or still UNKNOWN; in words too.

    `unrecorded` says why it could not be put into the journal; the order is then still looked for.
    """

    stage: OrderStage
    order: Order | None
    sentence: str = ""
    unrecorded: str | None = None


NOTHING_KNOWN = RecoveryResult(OrderStage.UNKNOWN, None)


class PendingOrders:
    """The book of orders without an end, of this session and of those it took over."""

    def __init__(self) -> None:
        self._lock = threading.Lock()  # guards the tables below; never held while asking the exchange
        self._under_way: dict[str, OrderState] = {}
        self._sought: dict[str, PendingOrder] = {}
        self._ended: dict[str, RecoveryResult] = {}
        self._written_off: dict[str, OrderState] = {}
        self._absent_since: dict[str, datetime] = {}
        self._known: set[str] = set()  # whatever the journal says of these later, it is judged here
        self._messages: list[str] = []

    # --- Which orders are open --------------------------------------------------------------------

    def start_tracking(self, order: OrderState) -> None:
        """Name an order that is about to be sent among the open ones; `track` says when to look for it."""
        with self._lock:
            self._known.add(order.client_order_id)
            self._under_way[order.client_order_id] = order

    def track(self, orders: Iterable[OrderState]) -> None:
        """Take over orders that nobody is sending: open ones to look for, ended ones to watch for."""
        with self._lock:
            for order in orders:
                self._under_way.pop(order.client_order_id, None)
                self._file(order)

    def track_unknown(self, orders: Iterable[OrderState]) -> None:
        """Take over those that are not known here; of the others the journal may be out of date."""
        with self._lock:
            for order in orders:
                if order.client_order_id not in self._known:
                    self._file(order)

    def _file(self, order: OrderState) -> None:
        self._known.add(order.client_order_id)
        if order.is_pending:
            self._sought.setdefault(order.client_order_id, PendingOrder(order))
        elif order.stage in WITHOUT_ORDER:
            self._written_off[order.client_order_id] = order

    def orders(self) -> tuple[OrderState, ...]:
        """List the orders that may exist and are neither found nor ruled out."""
        with self._lock:
            return (*self._under_way.values(), *(order.state for order in self._sought.values()))

    # --- Looking for them -------------------------------------------------------------------------

    def sought(self) -> tuple[str, ...]:
        """Return the client_order_ids to look for."""
        with self._lock:
            return tuple(self._sought)

    def find(self, client_order_id: str) -> PendingOrder | None:
        """Return an order that is looked for; None: it has its end, which `result_of` returns."""
        with self._lock:
            return self._sought.get(client_order_id)

    def result_of(self, client_order_id: str) -> RecoveryResult:
        with self._lock:
            return self._ended.get(client_order_id, NOTHING_KNOWN)

    def end(self, pending: PendingOrder, result: RecoveryResult, at: datetime) -> None:
        """End the search for an order, whose end is on record, and announce it."""
        name = pending.state.client_order_id
        with self._lock:
            del self._sought[name]
            self._ended[name] = result
            if result.stage is OrderStage.ABSENT:
                self._absent_since[name] = at
            self._messages.append(result.sentence)
            self._file(advanced(pending.state, result.stage))

    # --- Written off ------------------------------------------------------------------------------

    def take_written_off(self, order: Order) -> OrderState | None:
        """Take an order of the exchange out of those written off; None: it is not among them."""
        with self._lock:
            state = self._written_off.get(order.client_order_id)
            if state is None or state.is_refused(order):
                return None
            return self._written_off.pop(order.client_order_id)

    def write_off(self, order: OrderState) -> None:
        """Put back what `take_written_off` took."""
        with self._lock:
            self._written_off[order.client_order_id] = order

    def absent_since(self, at: datetime) -> list[OrderState]:
        """List the orders proved absent at that time or later; forget the proofs of earlier ones."""
        with self._lock:
            self._absent_since = {name: when for name, when in self._absent_since.items() if when >= at}
            return [order for name, order in self._written_off.items() if name in self._absent_since]

    # --- What the user is told --------------------------------------------------------------------

    def report(self, pending: PendingOrder) -> bool:
        """Mark an order as found in front of the user; False: it was before."""
        with self._lock:
            was_reported, pending.is_reported = pending.is_reported, True
            return not was_reported

    def announce(self, sentence: str) -> None:
        """Put a sentence among the messages."""
        with self._lock:
            self._messages.append(sentence)

    def drain_messages(self) -> tuple[str, ...]:
        """Return what was found out since the last call, as sentences for the user."""
        with self._lock:
            messages, self._messages = tuple(self._messages), []
            return messages
