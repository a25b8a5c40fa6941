"""Cancel an order and report the result.

A cancel only lowers risk, so it may be repeated, and no limit or failing journal delays it. An
acknowledgment counts even while lists still show the order, because reads lag writes.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar

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
from kalshi_trading.core.results import DictReading, Read, read_contracts
from kalshi_trading.core.text import contracts_text
from kalshi_trading.kalshi_client import KalshiClient
from kalshi_trading.orders.execution.journal_fields import cancel_fields
from kalshi_trading.trade_logger import TradeLogger

CANCEL_ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class CancelResult(DictReading):
    """The result of one cancel; true if the exchange confirmed it.

    `reduced_by` is the number of contracts canceled. None: no cancel was confirmed.
    """

    dict_keys: ClassVar[dict[str, Read]] = {
        "order": lambda result: result.order,
        "order_id": lambda result: result.order.order_id,
        "reduced_by": read_contracts("reduced_by"),
        "message": lambda result: result.message,
    }

    order: Order
    message: str
    reduced_by: Contracts | None

    @property
    def is_acknowledged(self) -> bool:
        return self.reduced_by is not None

    def __bool__(self) -> bool:
        return self.is_acknowledged


class OrderCanceler:
    """Cancels orders and records each step.

    `journal_failed` is called when a step could not be recorded.
    """

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

    def cancel(self, order: Order) -> CancelResult:
        """Cancel the resting contracts of an order; up to CANCEL_ATTEMPTS times.

        Repeating is harmless. "Not found" means only that the order no longer rests; it is then read to say
        why.
        """
        fields = cancel_fields(order)
        self._record("requested", fields)
        end = self._cancel(order)
        event = "acknowledged" if end.is_acknowledged else "unconfirmed"
        self._record(event, {**fields, "reduced_by": end.reduced_by, "reason": end.message})
        return end

    def _cancel(self, order: Order) -> CancelResult:
        problem: KalshiAPIError | None = None
        for attempt in range(CANCEL_ATTEMPTS):
            try:
                answer = self._client.send_cancel(order.order_id, ticker=order.ticker)
            except NotFoundError:
                return self._not_resting(order)
            except (OutcomeUnknownError, NotSentError, RateLimitError) as error:
                if not isinstance(problem, OutcomeUnknownError):  # a later refusal undoes no cancel
                    problem = error
                if attempt + 1 < CANCEL_ATTEMPTS:
                    self._sleep(0.5 * (attempt + 1))
            except KalshiAPIError as error:
                if isinstance(problem, OutcomeUnknownError):
                    break
                return CancelResult(order, f"Not canceled. {error}", None)
            else:
                return self._check_reduced(order, answer.reduced_by)
        text = f"Cancel not confirmed; the order may still be open. {problem} Check open orders."
        return CancelResult(order, text, None)

    def _check_reduced(self, order: Order, reduced_by: Contracts) -> CancelResult:
        """Accept a plausible count; if nothing was canceled, read why."""
        if reduced_by == ZERO:
            return self._not_resting(order)
        if reduced_by > order.remaining_count:
            text = f"The exchange reports {contracts_text(reduced_by)} canceled, more than were open."
            return CancelResult(order, f"{text} Check open orders.", None)
        return CancelResult(order, "Canceled.", reduced_by)

    def _not_resting(self, order: Order) -> CancelResult:
        try:
            now = self._client.get_order(order.order_id)
        except KalshiAPIError:
            text = "No longer open, but its final status is unavailable. Check History."
            return CancelResult(order, text, None)
        if now.status is OrderStatus.EXECUTED:
            text = f"Too late: already filled ({contracts_text(now.fill_count)})."
        elif now.status is OrderStatus.RESTING:  # reads lag writes
            text = "The exchange found nothing to cancel but still lists the order. Check open orders again."
        else:
            text = (
                f"No longer open. Exchange status: {now.status.value}, {count_text(now.fill_count)} filled."
            )
        return CancelResult(now, text, None)

    def _record(self, event: str, fields: Mapping[str, object]) -> None:
        """Record a step; a failing journal delays nothing."""
        try:
            self._journal.log_cancel_step(event, fields)
        except JournalError as error:
            self._journal_failed(str(error))
