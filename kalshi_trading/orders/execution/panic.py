"""Cancel all resting orders and prove that none is left.

Reads lag writes, so a list without orders proves nothing until it is newer than the panic. A panic
looks again until a list is new enough or its time is over.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain, pairwise, repeat

from kalshi_trading.core.dates import utc_now
from kalshi_trading.core.errors import KalshiAPIError
from kalshi_trading.core.models import Order, OrderStatus
from kalshi_trading.core.results import fetch
from kalshi_trading.journal.order_state import BEING_SENT, OrderState
from kalshi_trading.kalshi_client import KalshiClient, longest_send_s
from kalshi_trading.orders.execution.cancel import CancelResult, OrderCanceler
from kalshi_trading.settings.behavior import ExchangeBehavior

PANIC_PAUSES_S = (0.0, 0.5, 1.0, 2.0, 3.0, 3.0, 3.0, 3.0)
"""Pause before each look of a panic; the last one repeats while an order is being sent."""
LAST_PAUSE_S = 1.0

OrdersUnderWay = tuple[Mapping[str, OrderState], str | None]
"""Our pending orders of every session, by client_order_id; and why some may be missing."""


@dataclass(frozen=True, slots=True)
class PanicReport:
    """The result of a panic.

    `problem` says why the last look proves nothing. `unresolved` names orders of unknown outcome: they
    could not be canceled and may still appear. Until `is_recorded`, other sessions can still send
    orders.
    """

    canceled: tuple[CancelResult, ...]
    gone: tuple[CancelResult, ...]  # no longer resting, but not canceled by us: filled, or canceled elsewhere
    unknown: tuple[CancelResult, ...]
    problem: str | None
    unresolved: tuple[str, ...] = ()
    is_recorded: bool = True

    @property
    def is_verified(self) -> bool:
        """True if a complete look, newer than the panic, found no open order.

        No order of unknown outcome may be left either.
        """
        return self.problem is None and not self.unknown and not self.unresolved


@dataclass(frozen=True, slots=True)
class ExchangeInstant:
    """A time of the exchange and our pending orders at that time, by id.

    `at` None: the time is not known. `problem` says why some orders may be missing.
    """

    at: datetime | None
    under_way: Mapping[str, OrderState]
    problem: str | None = None

    def is_sending(self, since: datetime) -> bool:
        """Check whether a session may be sending an order newer than `since`.

        The intent's time counts. True also when the orders could not be read.
        """
        begun = (order for order in self.under_way.values() if order.stage in BEING_SENT)
        return self.problem is not None or any(order.intent_at > since for order in begun)


@dataclass(frozen=True, slots=True)
class RestingSnapshot:
    """One look at the resting orders, ended at `then`.

    `as_of` was read first, so the list is at least that fresh.
    """

    orders: tuple[Order, ...]
    as_of: datetime | None
    problem: str | None
    then: ExchangeInstant


def why_unproven(pressed: ExchangeInstant, looks: Sequence[RestingSnapshot]) -> str | None:
    """Return why the last look may miss orders; None: it is complete.

    It must show all orders placed before `pressed`, or by us since. A pending order that has ended
    meanwhile may have come to rest in between. So the look must be newer than that end, or than the
    first time at which pending orders could be read.
    """
    last = looks[-1]
    if last.problem is not None or last.as_of is None:
        return last.problem
    moments = [each for each in (pressed, *(look.then for look in looks)) if each.problem is None]
    ended = [later for before, later in pairwise(moments) if before.under_way.keys() - later.under_way.keys()]
    since = next((moment.at for moment in (*ended[-1:], *moments) if moment.at is not None), last.as_of)
    if last.as_of > since:
        return None
    event = "panic was pressed" if moments[0] is pressed else "pending orders could be read"
    event = "a pending order ended" if ended else event
    return f"Exchange data is only as of {last.as_of.astimezone():%H:%M:%S}, before {event}."


class PanicRun:
    """One panic. Its duration is bounded.

    Orders that only the very last look shows are reported, not canceled.
    """

    def __init__(
        self,
        client: KalshiClient,
        canceler: OrderCanceler,
        read_orders_under_way: Callable[[], OrdersUnderWay],
        *,
        behavior: ExchangeBehavior,
        clock: Callable[[], datetime] = utc_now,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._client = client
        self._canceler = canceler
        self._read_orders_under_way = read_orders_under_way
        self._behavior = behavior
        self._longest_send_s = longest_send_s(behavior.signature_window_s)
        self._clock = clock
        self._sleep = sleep
        self._ends: dict[str, CancelResult] = {}
        self._snapshots: list[RestingSnapshot] = []
        self.under_way_count = 0
        """The number of our pending orders at the last look; other threads may read it."""

    def cancel_everything(self) -> PanicReport:
        """Cancel all resting orders; repeat until a look proves none is left."""
        started_at = self._clock()
        pressed = self._now()
        for pause_s in self._pauses(sent_since=started_at - timedelta(seconds=self._longest_send_s)):
            self._look(pause_s)
            left = self._left()
            if not left and not self.under_way_count and why_unproven(pressed, self._snapshots) is None:
                return self._report(None)
            self._cancel(left)
        self._look(LAST_PAUSE_S)
        return self._report(why_unproven(pressed, self._snapshots))

    def _pauses(self, *, sent_since: datetime) -> Iterator[float]:
        """Yield the pause before each look.

        Continues while an order is being sent and can still arrive, and until a list shows the start. An
        intent older than `sent_since` arrives within PANIC_PAUSES_S, because it was signed at most
        OLDEST_PREVIEW_S later.
        """
        waited_s = 0.0
        for number, pause_s in enumerate(chain(PANIC_PAUSES_S, repeat(PANIC_PAUSES_S[-1])), start=1):
            yield pause_s
            waited_s += pause_s
            is_sending = waited_s < self._longest_send_s and self._snapshots[-1].then.is_sending(sent_since)
            is_hidden = 0 < self._behavior.hidden_lag_s >= waited_s
            if number >= len(PANIC_PAUSES_S) and not is_sending and not is_hidden:
                return

    def _left(self) -> list[Order]:
        """Return the orders of the last look that no acknowledged cancel explains."""
        canceled = {order_id for order_id, end in self._ends.items() if end.is_acknowledged}
        return [order for order in self._snapshots[-1].orders if order.order_id not in canceled]

    def _cancel(self, orders: Sequence[Order]) -> None:
        with ThreadPoolExecutor(max_workers=4) as pool:
            for order, end in zip(orders, pool.map(self._canceler.cancel, orders), strict=True):
                self._ends[order.order_id] = end

    def _look(self, pause_s: float) -> None:
        """Read the lists' age, then the resting orders, then our pending orders."""
        self._sleep(pause_s)
        as_of, unknown_age = self._as_of()
        orders, problem = self._resting()
        then = self._now(unless_seen=as_of)
        if as_of is not None:
            as_of = self._behavior.complete_until(as_of)
        self.under_way_count = len(then.under_way)
        self._snapshots.append(RestingSnapshot(orders, as_of, problem or unknown_age or then.problem, then))

    def _now(self, unless_seen: datetime | None = None) -> ExchangeInstant:
        """Return the latest possible exchange time and our pending orders.

        The orders are read after the time.
        """
        at = self._client.latest_exchange_time(self._clock()) or unless_seen
        return ExchangeInstant(at, *self._read_orders_under_way())

    def _as_of(self) -> tuple[datetime | None, str | None]:
        as_of = fetch(self._client.get_user_data_timestamp)
        if as_of.unavailable is None:
            return as_of.value, None
        return None, f"Could not check how fresh the exchange data is. {as_of.unavailable}"

    def _resting(self) -> tuple[tuple[Order, ...], str | None]:
        """List the readable resting orders, and why some may be missing."""
        try:
            listing = self._client.get_orders(status=OrderStatus.RESTING)
        except KalshiAPIError as error:
            return (), f"Open orders unavailable. {error}"
        if listing.incomplete is None:
            return listing.items, None
        return listing.items, f"The list of open orders is incomplete: {listing.incomplete.rstrip('.')}."

    def _report(self, problem: str | None) -> PanicReport:
        """Sort the results of all cancels.

        An order without an acknowledged cancel counts as gone only when the last look proves it.
        """
        last = self._snapshots[-1]
        new = [order for order in last.orders if order.order_id not in self._ends]
        turned_up = [CancelResult(order, "Found open in the last check. Cancel it.", None) for order in new]
        listed = {order.order_id for order in last.orders}
        open_ends = {order_id: end for order_id, end in self._ends.items() if not end.is_acknowledged}
        unknown = {order_id for order_id in open_ends if problem is not None or order_id in listed}
        return PanicReport(
            canceled=tuple(end for end in self._ends.values() if end.is_acknowledged),
            gone=tuple(end for order_id, end in open_ends.items() if order_id not in unknown),
            unknown=(*(end for order_id, end in open_ends.items() if order_id in unknown), *turned_up),
            problem=problem,
            unresolved=tuple(order.sentence for order in last.then.under_way.values()),
        )
