"""Taking orders back: one, or everything at once, and what is known of each afterwards.

A cancel only lowers risk, so it may be repeated, and no rail and no failing journal holds it up. An
acknowledgement is believed even while the lists still show the order, because reads lag writes. For the
same reason a list without orders proves nothing before it is newer than the moment in question.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import chain, pairwise, repeat

from kalshi_trading.core.errors import (
    JournalError,
    KalshiAPIError,
    NotFoundError,
    NotSentError,
    OutcomeUnknownError,
    RateLimitError,
)
from kalshi_trading.core.models import Order, OrderStatus
from kalshi_trading.core.money import ZERO, Contracts, count_text
from kalshi_trading.exchange.http.transport import Timing
from kalshi_trading.journal.order_state import BEING_SENT, OrderLife
from kalshi_trading.kalshi_client import KalshiClient
from kalshi_trading.trade_logger import TradeLogger

CANCEL_ATTEMPTS = 3
PANIC_PAUSES_S = (0.0, 0.5, 1.0, 2.0, 3.0, 3.0, 3.0, 3.0)
"""Before each look of a panic; the last one is repeated while an order is being sent."""
LAST_PAUSE_S = 1.0
LONGEST_WINDOW_S = 30.0
"""How long the exchange may take a signature for valid. Source: Kalshi API, 5 to 30 s by observation."""
SENDING_S = LONGEST_WINDOW_S + Timing().total_s
"""How long an order that is being sent can still arrive."""
UNRECORDED_PANIC = (
    "The panic is not on record yet: until it is, other sessions can send orders. "
    "This program keeps trying; stop the others."
)

UnderWay = tuple[Mapping[str, OrderLife], str | None]
"""Our orders without an end, of every session, by client_order_id; and why some may be missing."""


@dataclass(frozen=True, slots=True)
class Cancellation:
    """The end of one cancel. `reduced_by` contracts no longer rest; None: nothing was seen to be canceled."""

    order: Order
    message: str
    reduced_by: Contracts | None

    @property
    def is_acknowledged(self) -> bool:
        return self.reduced_by is not None


@dataclass(frozen=True, slots=True)
class PanicReport:
    """What became of everything that rested. `problem` says why the last look proves nothing.

    `unresolved` names orders of unknown outcome: they could not be canceled and may still turn up.
    Until it `is_recorded`, other sessions can still send orders.
    """

    canceled: tuple[Cancellation, ...]
    gone: tuple[
        Cancellation, ...
    ]  # not canceled by us and no longer resting: filled, or taken back elsewhere
    unknown: tuple[Cancellation, ...]
    problem: str | None
    unresolved: tuple[str, ...] = ()
    is_recorded: bool = True

    @property
    def is_verified(self) -> bool:
        """Tell whether a whole look, newer than the panic, showed nothing that still rests or may."""
        return self.problem is None and not self.unknown and not self.unresolved


@dataclass(frozen=True, slots=True)
class Moment:
    """A time of the exchange (None: not known), and our orders without an end just then, by id.

    `problem` says why some of them may be missing.
    """

    at: datetime | None
    under_way: Mapping[str, OrderLife]
    problem: str | None = None

    def is_sending(self, since: datetime) -> bool:
        """Return whether an order whose intent is newer than `since` may be on its way, in any session."""
        begun = (life for life in self.under_way.values() if life.state in BEING_SENT)
        return self.problem is not None or any(life.intent_at > since for life in begun)


@dataclass(frozen=True, slots=True)
class RestingLook:
    """One look at what rests, ended at `then`. `as_of` was read first: the list is at least as fresh."""

    orders: tuple[Order, ...]
    as_of: datetime | None
    problem: str | None
    then: Moment


def doubt(pressed: Moment, looks: Sequence[RestingLook]) -> str | None:
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
    event = "panic was pressed" if moments[0] is pressed else "the orders on their way could be read"
    event = "an order on its way had its end" if ended else event
    return f"The exchange's lists were only as fresh as {last.as_of.astimezone():%H:%M:%S}, before {event}."


class Canceler:
    """Cancels and records it; `journal_failed` is told when a step could not be recorded."""

    def __init__(
        self,
        client: KalshiClient,
        journal: TradeLogger,
        *,
        journal_failed: Callable[[str], None],
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._client = client
        self._journal = journal
        self._journal_failed = journal_failed
        self._clock = clock
        self._sleep = sleep
        self.orders_under_way = 0
        """How many orders of ours had no end yet at the last look of a panic; other threads may read it."""

    def cancel(self, order: Order) -> Cancellation:
        """Cancel what still rests of an order; repeating is harmless, so it is tried three times.

        "Not found" means only that it does not rest any more: the order is then read to tell why.
        """
        fields: dict[str, object] = {
            "order_id": order.order_id,
            "client_order_id": order.client_order_id,
            "ticker": order.ticker,
        }
        self.record("requested", fields)
        end = self._cancel(order)
        event = "acknowledged" if end.is_acknowledged else "unconfirmed"
        self.record(event, {**fields, "reduced_by": end.reduced_by, "reason": end.message})
        return end

    def _cancel(self, order: Order) -> Cancellation:
        problem: KalshiAPIError | None = None
        for attempt in range(CANCEL_ATTEMPTS):
            try:
                said = self._client.cancel_order(order.order_id, ticker=order.ticker)
            except NotFoundError:
                return self._not_resting(order)
            except (OutcomeUnknownError, NotSentError, RateLimitError) as error:
                problem = error
                if attempt + 1 < CANCEL_ATTEMPTS:
                    self._sleep(0.5 * (attempt + 1))
            except KalshiAPIError as error:
                return Cancellation(order, f"Not canceled. {error}", None)
            else:
                return self._acknowledged(order, said.reduced_by)
        text = f"It is not known whether the order was canceled. {problem} Look at the open orders."
        return Cancellation(order, text, None)

    def _acknowledged(self, order: Order, reduced_by: Contracts) -> Cancellation:
        """Believe a count that can be; where nothing was canceled, read why."""
        if reduced_by == ZERO:
            return self._not_resting(order)
        if reduced_by > order.remaining_count:
            text = (
                f"The exchange says that {count_text(reduced_by)} contracts were canceled, more than rested."
            )
            return Cancellation(order, f"{text} Look at the open orders.", None)
        return Cancellation(order, "Canceled.", reduced_by)

    def _not_resting(self, order: Order) -> Cancellation:
        try:
            now = self._client.get_order(order.order_id)
        except KalshiAPIError:
            text = "It does not rest any more; what became of it could not be read. Look at the history."
            return Cancellation(order, text, None)
        filled = count_text(now.fill_count)
        if now.status is OrderStatus.EXECUTED:
            text = f"Too late: it was already filled, all {filled}."
        elif now.status is OrderStatus.RESTING:  # reads lag writes
            text = "The exchange found nothing to cancel, yet still lists it. Look at the open orders again."
        else:
            text = f"It does not rest any more; the exchange has it as {now.status.value}, {filled} filled."
        return Cancellation(now, text, None)

    def cancel_everything(self, under_way: Callable[[], UnderWay]) -> PanicReport:
        """Cancel all that rests, look again, and repeat until a look proves that nothing does or can.

        The time of looking is bounded. What turns up in the very last look is reported and not canceled.
        """
        ends: dict[str, Cancellation] = {}
        looks: list[RestingLook] = []
        # what has an older intent arrives within PANIC_PAUSES_S: it was signed OLDEST_PREVIEW_S later at most
        since = self._clock() - timedelta(seconds=SENDING_S)
        pressed = Moment(self._exchange_time(), *under_way())
        waited_s = 0.0
        for number, pause_s in enumerate(chain(PANIC_PAUSES_S, repeat(PANIC_PAUSES_S[-1])), start=1):
            self._sleep(pause_s)
            waited_s += pause_s
            looks.append(self._look(under_way))
            left = [order for order in looks[-1].orders if not _is_canceled(ends.get(order.order_id))]
            if not left and not looks[-1].then.under_way and doubt(pressed, looks) is None:
                return _report(ends, looks[-1], None)
            ends.update(self._each_canceled(left))
            is_sending = waited_s < SENDING_S and looks[-1].then.is_sending(since)
            if number >= len(PANIC_PAUSES_S) and not is_sending:
                break
        self._sleep(LAST_PAUSE_S)
        looks.append(self._look(under_way))
        return _report(ends, looks[-1], doubt(pressed, looks))

    def _each_canceled(self, orders: Sequence[Order]) -> dict[str, Cancellation]:
        with ThreadPoolExecutor(max_workers=4) as pool:
            ends = pool.map(self.cancel, orders)
            return {order.order_id: end for order, end in zip(orders, ends, strict=True)}

    def _exchange_time(self) -> datetime | None:
        """Return the latest that the exchange's time can be; None: not seen yet."""
        skew_s = self._client.least_clock_skew_s
        return None if skew_s is None else self._clock() - timedelta(seconds=skew_s)

    def _look(self, under_way: Callable[[], UnderWay]) -> RestingLook:
        """Read how fresh the lists are, then what rests, then which orders of ours are under way."""
        as_of, unknown_age = self._as_of()
        orders, problem = self._resting()
        then = Moment(self._exchange_time() or as_of, *under_way())
        self.orders_under_way = len(then.under_way)
        return RestingLook(orders, as_of, problem or unknown_age or then.problem, then)

    def _as_of(self) -> tuple[datetime | None, str | None]:
        try:
            return self._client.get_user_data_timestamp(), None
        except KalshiAPIError as error:
            return None, f"How fresh the exchange's lists are could not be read. {error}"

    def _resting(self) -> tuple[tuple[Order, ...], str | None]:
        """List what rests, as much as can be read, and say why some of it may be missing."""
        try:
            listing = self._client.get_orders(status=OrderStatus.RESTING)
        except KalshiAPIError as error:
            return (), f"The open orders could not be read. {error}"
        if listing.incomplete is None:
            return listing.items, None
        return listing.items, f"The open orders could not be read whole: {listing.incomplete}."

    def record(self, event: str, fields: Mapping[str, object]) -> bool:
        """Record a step and tell whether that worked. A journal that fails holds nothing up."""
        try:
            self._journal.log_order_cancellation(event, fields)
        except JournalError as error:
            self._journal_failed(str(error))
            return False
        return True


def _is_canceled(end: Cancellation | None) -> bool:
    return end is not None and end.is_acknowledged


def _report(ends: Mapping[str, Cancellation], last: RestingLook, problem: str | None) -> PanicReport:
    """Sort the ends; what was not acknowledged is known to be gone only when the last look proves it."""
    new = [order for order in last.orders if order.order_id not in ends]
    turned_up = [Cancellation(order, "It turned up in the last look. Cancel it.", None) for order in new]
    listed = {order.order_id for order in last.orders}
    open_ends = {order_id: end for order_id, end in ends.items() if not end.is_acknowledged}
    unknown = {order_id for order_id in open_ends if problem is not None or order_id in listed}
    return PanicReport(
        canceled=tuple(end for end in ends.values() if end.is_acknowledged),
        gone=tuple(end for order_id, end in open_ends.items() if order_id not in unknown),
        unknown=(*(end for order_id, end in open_ends.items() if order_id in unknown), *turned_up),
        problem=problem,
        unresolved=tuple(life.sentence for life in last.then.under_way.values()),
    )
