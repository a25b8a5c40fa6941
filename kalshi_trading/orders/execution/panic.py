"""Cancels everything that rests, and proves that nothing rests any more.

A list without orders proves nothing before it is newer than the moment in question, because reads lag
writes: so a panic looks again until a list is new enough, or its time is over.
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
from kalshi_trading.kalshi_client import LONGEST_SEND_S, KalshiClient
from kalshi_trading.orders.execution.cancel import CancelResult, OrderCanceler

PANIC_PAUSES_S = (0.0, 0.5, 1.0, 2.0, 3.0, 3.0, 3.0, 3.0)
"""Before each look of a panic; the last one is repeated while an order is being sent."""
LAST_PAUSE_S = 1.0

OrdersUnderWay = tuple[Mapping[str, OrderState], str | None]
"""Our orders without an end, of every session, by client_order_id; and why some may be missing."""


@dataclass(frozen=True, slots=True)
class PanicReport:
    """What became of everything that rested. `problem` says why the last look proves nothing.

    `unresolved` names orders of unknown outcome: they could not be canceled and may still turn up.
    Until it `is_recorded`, other sessions can still send orders.
    """

    canceled: tuple[CancelResult, ...]
    gone: tuple[CancelResult, ...]  # no longer resting, not by us: filled, or canceled elsewhere
    unknown: tuple[CancelResult, ...]
    problem: str | None
    unresolved: tuple[str, ...] = ()
    is_recorded: bool = True

    @property
    def is_verified(self) -> bool:
        """Tell whether a whole look, newer than the panic, showed nothing that still rests or may."""
        return self.problem is None and not self.unknown and not self.unresolved


@dataclass(frozen=True, slots=True)
class ExchangeInstant:
    """A time of the exchange (None: not known), and our orders without an end just then, by id.

    `problem` says why some of them may be missing.
    """

    at: datetime | None
    under_way: Mapping[str, OrderState]
    problem: str | None = None

    def is_sending(self, since: datetime) -> bool:
        """Return whether an order whose intent is newer than `since` may be on its way, in any session."""
        begun = (order for order in self.under_way.values() if order.stage in BEING_SENT)
        return self.problem is not None or any(order.intent_at > since for order in begun)


@dataclass(frozen=True, slots=True)
class RestingSnapshot:
    """One look at what rests, ended at `then`. `as_of` was read first: the list is at least as fresh."""

    orders: tuple[Order, ...]
    as_of: datetime | None
    problem: str | None
    then: ExchangeInstant


def why_unproven(pressed: ExchangeInstant, looks: Sequence[RestingSnapshot]) -> str | None:
    """Say why the last look does not show all that was placed before `pressed`, or by us since.

    An order of ours that was under way then and has its end by now may have come to rest since, so the
    look must be newer than that end, or than the first moment at which those orders could be read. None:
    what the look does not show does not rest.
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
    """One panic. The time of looking is bounded; what the very last look shows is reported, not canceled."""

    def __init__(
        self,
        client: KalshiClient,
        canceler: OrderCanceler,
        read_orders_under_way: Callable[[], OrdersUnderWay],
        *,
        clock: Callable[[], datetime] = utc_now,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._client = client
        self._canceler = canceler
        self._read_orders_under_way = read_orders_under_way
        self._clock = clock
        self._sleep = sleep
        self._ends: dict[str, CancelResult] = {}
        self._snapshots: list[RestingSnapshot] = []
        self.orders_under_way = 0
        """How many orders of ours had no end yet at the last look; other threads may read it."""

    def cancel_everything(self) -> PanicReport:
        """Cancel all that rests, look again, and repeat until a look proves that nothing does or can."""
        started_at = self._clock()
        pressed = self._now()
        for pause_s in self._pauses(sent_since=started_at - timedelta(seconds=LONGEST_SEND_S)):
            self._look(pause_s)
            left = self._left()
            if not left and not self.orders_under_way and why_unproven(pressed, self._snapshots) is None:
                return self._report(None)
            self._cancel(left)
        self._look(LAST_PAUSE_S)
        return self._report(why_unproven(pressed, self._snapshots))

    def _pauses(self, *, sent_since: datetime) -> Iterator[float]:
        """Yield the pause before each look, and go on as long as an order is being sent and can arrive.

        An older intent than `sent_since` arrives within PANIC_PAUSES_S: it was signed OLDEST_PREVIEW_S
        later at most.
        """
        waited_s = 0.0
        for number, pause_s in enumerate(chain(PANIC_PAUSES_S, repeat(PANIC_PAUSES_S[-1])), start=1):
            yield pause_s
            waited_s += pause_s
            is_sending = waited_s < LONGEST_SEND_S and self._snapshots[-1].then.is_sending(sent_since)
            if number >= len(PANIC_PAUSES_S) and not is_sending:
                return

    def _left(self) -> list[Order]:
        """Return what the last look shows and no acknowledged cancel explains."""
        canceled = {order_id for order_id, end in self._ends.items() if end.is_acknowledged}
        return [order for order in self._snapshots[-1].orders if order.order_id not in canceled]

    def _cancel(self, orders: Sequence[Order]) -> None:
        with ThreadPoolExecutor(max_workers=4) as pool:
            for order, end in zip(orders, pool.map(self._canceler.cancel, orders), strict=True):
                self._ends[order.order_id] = end

    def _look(self, pause_s: float) -> None:
        """Read how fresh the lists are, then what rests, then which orders of ours are under way."""
        self._sleep(pause_s)
        as_of, unknown_age = self._as_of()
        orders, problem = self._resting()
        then = self._now(unless_seen=as_of)
        self.orders_under_way = len(then.under_way)
        self._snapshots.append(RestingSnapshot(orders, as_of, problem or unknown_age or then.problem, then))

    def _now(self, unless_seen: datetime | None = None) -> ExchangeInstant:
        """Return the latest that the exchange's time can be, and our orders under way after it was read."""
        at = self._client.latest_exchange_time(self._clock()) or unless_seen
        return ExchangeInstant(at, *self._read_orders_under_way())

    def _as_of(self) -> tuple[datetime | None, str | None]:
        as_of = fetch(self._client.get_user_data_timestamp)
        if as_of.unavailable is None:
            return as_of.value, None
        return None, f"Could not check how fresh the exchange data is. {as_of.unavailable}"

    def _resting(self) -> tuple[tuple[Order, ...], str | None]:
        """List what rests, as much as can be read, and say why some of it may be missing."""
        try:
            listing = self._client.get_orders(status=OrderStatus.RESTING)
        except KalshiAPIError as error:
            return (), f"Open orders unavailable. {error}"
        if listing.incomplete is None:
            return listing.items, None
        return listing.items, f"The list of open orders is incomplete: {listing.incomplete.rstrip('.')}."

    def _report(self, problem: str | None) -> PanicReport:
        """Sort the ends; what was not acknowledged is known to be gone only when the last look proves it."""
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
