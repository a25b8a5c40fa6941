"""Taking orders back: one, or everything at once, and what is known of each afterwards.

A cancel only lowers risk, so it may be repeated, and no rail and no failing journal holds it up. An
acknowledgement is believed even while the lists still show the order, because reads lag writes.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from kalshi_trading.errors import (
    JournalError,
    KalshiAPIError,
    NotFoundError,
    NotSentError,
    OutcomeUnknownError,
    RateLimitError,
)
from kalshi_trading.kalshi_client import KalshiClient
from kalshi_trading.models import Order, OrderStatus
from kalshi_trading.money import Contracts, count_text
from kalshi_trading.trade_logger import TradeLogger

CANCEL_ATTEMPTS = 3
PANIC_PAUSES_S = (0.0, 0.5, 1.0, 2.0)


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
    """What became of everything that rested. `problem` says why the last look was not a whole one.

    `unresolved` names orders of unknown outcome: they could not be canceled and may still turn up.
    """

    canceled: tuple[Cancellation, ...]
    gone: tuple[
        Cancellation, ...
    ]  # not canceled by us and no longer resting: filled, or taken back elsewhere
    unknown: tuple[Cancellation, ...]
    problem: str | None
    unresolved: tuple[str, ...] = ()

    @property
    def is_verified(self) -> bool:
        """Tell whether a whole look afterwards showed nothing that still rests."""
        return self.problem is None and not self.unknown


class Canceler:
    """Cancels and records it; `journal_failed` is told when a step could not be recorded."""

    def __init__(
        self,
        client: KalshiClient,
        journal: TradeLogger,
        *,
        journal_failed: Callable[[str], None],
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._client = client
        self._journal = journal
        self._journal_failed = journal_failed
        self._sleep = sleep

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
                return Cancellation(order, "Canceled.", said.reduced_by)
        text = f"It is not known whether the order was canceled. {problem} Look at the open orders."
        return Cancellation(order, text, None)

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

    def cancel_everything(self) -> PanicReport:
        """Cancel all that rests, look again, and repeat for what is neither gone nor acknowledged."""
        ends: dict[str, Cancellation] = {}
        left: list[Order] = []
        problem: str | None = None
        for pause_s in PANIC_PAUSES_S:
            self._sleep(pause_s)
            orders, problem = self._resting()
            left = [order for order in orders if not _is_canceled(ends.get(order.order_id))]
            if problem is None and not left:
                break
            with ThreadPoolExecutor(max_workers=4) as pool:
                ends.update(
                    (order.order_id, end)
                    for order, end in zip(left, pool.map(self.cancel, left), strict=True)
                )
        return _report(ends, {order.order_id for order in left}, problem)

    def _resting(self) -> tuple[tuple[Order, ...], str | None]:
        """List what rests, as much as can be read, and say why some of it may be missing."""
        try:
            listing = self._client.get_orders(status=OrderStatus.RESTING)
        except KalshiAPIError as error:
            return (), f"The open orders could not be read. {error}"
        if listing.incomplete is None:
            return listing.items, None
        return listing.items, f"The open orders could not be read whole: {listing.incomplete}."

    def record(self, event: str, fields: Mapping[str, object]) -> None:
        """Record a step. A journal that fails is reported and holds nothing up."""
        try:
            self._journal.log_order_cancellation(event, fields)
        except JournalError as error:
            self._journal_failed(str(error))


def _is_canceled(end: Cancellation | None) -> bool:
    return end is not None and end.is_acknowledged


def _report(ends: Mapping[str, Cancellation], left: set[str], problem: str | None) -> PanicReport:
    """Sort the ends; what was not acknowledged is known to be gone only when a whole look missed it."""
    open_ends = {order_id: end for order_id, end in ends.items() if not end.is_acknowledged}
    unknown = {order_id for order_id in open_ends if problem is not None or order_id in left}
    return PanicReport(
        canceled=tuple(end for end in ends.values() if end.is_acknowledged),
        gone=tuple(end for order_id, end in open_ends.items() if order_id not in unknown),
        unknown=tuple(end for order_id, end in open_ends.items() if order_id in unknown),
        problem=problem,
    )
