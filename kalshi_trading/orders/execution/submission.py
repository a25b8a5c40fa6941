"""Send an order: record its intent first, send it once, never guess.

    DRAFT ─confirmed→ INTENT ─signed→ SENDING ─checked→ one POST ─┬─ our id echoed ───→ ACKNOWLEDGED
      └─ a rule → DENIED        ↑        └─ panic, lock, age ─────┼───────────────────→ NOT SENT
                                └── at most twice more ───────────┼─ provably not sent → NOT SENT
                                                                  ├─ definite refusal ─→ REJECTED
                                                                  └─ anything else ────→ UNKNOWN

    UNKNOWN ─ found at the exchange → ACKNOWLEDGED     UNKNOWN ─ proved absent → ABSENT   (`recovery`)

If the intent cannot be written, nothing is sent. Once bytes may have left, nothing is sent again. A
result that cannot be written is shown, and nothing more is sent until the journal works. Every
attempt is signed first and checked last. The check stops a process that slept before it. After the
check, sleeping longer than the exchange's window leaves a signature that the exchange no longer
accepts.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from enum import StrEnum
from functools import partial

from kalshi_trading.core.dates import utc_now
from kalshi_trading.core.errors import (
    JournalError,
    KalshiAPIError,
    NotSentError,
    OutcomeUnknownError,
    TradeExecutionError,
)
from kalshi_trading.core.models import OrderRequest
from kalshi_trading.core.money import ZERO
from kalshi_trading.core.pnl import average_price
from kalshi_trading.journal.order_state import OrderStage, OrderState
from kalshi_trading.kalshi_client import KalshiClient
from kalshi_trading.orders.execution.journal_fields import (
    denial_fields,
    intent_fields,
    result_fields,
    sending_fields,
)
from kalshi_trading.orders.execution.pending_orders import NOTHING_KNOWN, PendingOrders, RecoveryResult
from kalshi_trading.orders.execution.recovery import OrderRecovery
from kalshi_trading.orders.execution.submission_result import (
    Outcome,
    SubmissionResult,
    acknowledged_result,
    found_result,
)
from kalshi_trading.orders.execution.trading_lock import TradingLock
from kalshi_trading.orders.pretrade.findings import denials
from kalshi_trading.orders.pretrade.preview import OrderPreview
from kalshi_trading.portfolio.read_pool import ReadPool
from kalshi_trading.settings.behavior import ASSUMED, ExchangeBehavior
from kalshi_trading.trade_logger import TradeLogger

OLDEST_PREVIEW_S = 10
MAX_SENDS = 3
RESEND_WITHIN_S = 5.0
LONGEST_SEARCH_S = 30.0
_RESEND_PAUSE_S = 0.5
_STILL_UNKNOWN = (
    "Don't resend: checking continues in the background, also after a restart, until its status is known."
)


class SubmissionStep(StrEnum):
    """Points between which the program may be killed.

    Tests prove what holds at each.
    """

    CONFIRMED = "confirmed"
    INTENT_RECORDED = "intent recorded"
    SIGNED = "signed"
    SENDING_RECORDED = "sending recorded"
    CHECKED = "checked"
    ANSWERED = "answered"
    RESULT_RECORDED = "result recorded"


class OrderSubmitter:
    """Sends each confirmed order at most once, and journals it first.

    `block_reason` returns why a panic of any session blocks orders. `recount` checks a preview again
    with the orders that other sessions have recorded since. `on_step` is called at every step, so that
    tests can kill the program there.
    """

    def __init__(
        self,
        client: KalshiClient,
        journal: TradeLogger,
        pending: PendingOrders,
        recovery: OrderRecovery,
        lock: TradingLock,
        *,
        block_reason: Callable[[], str | None] = lambda: None,
        recount: Callable[[OrderPreview], OrderPreview] = lambda preview: preview,
        behavior: ExchangeBehavior = ASSUMED,
        clock: Callable[[], datetime] = utc_now,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        on_step: Callable[[SubmissionStep], None] = lambda step: None,
    ) -> None:
        self._client = client
        self._journal = journal
        self._pending = pending
        self._recovery = recovery
        self._lock = lock
        self._block_reason = block_reason
        self._recount = recount
        self._behavior = behavior
        self._clock = clock
        self._monotonic = monotonic
        self._sleep = sleep
        self._on_step = on_step
        self._guard = threading.Lock()  # guards `_used`: two threads may submit the same preview
        self._used: set[str] = set()
        self._is_stopped = False

    def stop(self) -> None:
        """Stop sending, because the program ends."""
        self._is_stopped = True

    def submit(self, preview: OrderPreview) -> SubmissionResult:
        """Send the order of a preview once; deny the same preview a second time.

        Never raises for what the exchange does. The exchange may have acted only when the outcome is
        ACKNOWLEDGED or UNKNOWN.
        """
        with self._guard:
            self._lock.retry()
            denial = self._denial(preview)
            if denial is None:
                self._used.add(preview.request.client_order_id)
        if denial is not None:
            return self._deny(preview, denial)
        self._on_step(SubmissionStep.CONFIRMED)
        result = self._execute(preview)
        if result.outcome is Outcome.UNKNOWN:
            return self._recover_unknown(preview, result)
        return self._attach_fills(result) if result.outcome is Outcome.ACKNOWLEDGED else result

    def _execute(self, preview: OrderPreview) -> SubmissionResult:
        """Record, send and record again; on any error the order stays pending."""
        stage = OrderStage.UNKNOWN
        # First, so that no recovery takes it over.
        self._pending.start_tracking(_state_of(preview, OrderStage.INTENT))
        try:
            result = self._record_intent(preview) or self._send_and_record(preview)
            stage = OrderStage.NOT_SENT if result.outcome is Outcome.DENIED else OrderStage(result.outcome)
        finally:
            self._pending.track([_state_of(preview, stage)])
        return result

    def _record_intent(self, preview: OrderPreview) -> SubmissionResult | None:
        """Record the intent and return None, or the result if it must not be sent.

        A failed write may have left its line in the journal, so the order gets a recorded end. Sessions
        take turns here: the limits are checked once more with all intents recorded before this one.
        """
        try:
            with self._journal.intent_lock():
                recounted = self._recount(preview)
                if recounted.is_denied:
                    return self._deny(recounted, _reasons(recounted))
                self._journal.log_order_step(OrderStage.INTENT.value, intent_fields(recounted))
        except JournalError as error:
            return self._record_result(self._intent_not_written(preview.request, error), preview.sentence)
        self._on_step(SubmissionStep.INTENT_RECORDED)
        return None

    def _intent_not_written(self, request: OrderRequest, error: JournalError) -> SubmissionResult:
        self._lock.close(str(error))
        return SubmissionResult(Outcome.NOT_SENT, request, f"{error} Nothing was sent.")

    def _send_and_record(self, preview: OrderPreview) -> SubmissionResult:
        """Send and record the result.

        An order stopped by the journal or by the last check is not sent again.
        """
        try:
            result = self._send(preview)
        except JournalError as error:
            result = self._intent_not_written(preview.request, error)
        except TradeExecutionError as refusal:
            result = SubmissionResult(Outcome.NOT_SENT, preview.request, str(refusal))
        self._on_step(SubmissionStep.ANSWERED)
        result = self._record_result(result, preview.sentence)
        self._on_step(SubmissionStep.RESULT_RECORDED)
        return result

    # --- Before the wire --------------------------------------------------------------------------

    def _denial(self, preview: OrderPreview) -> str | None:
        objection = self._objection(preview)
        if objection is not None:
            return objection
        if preview.request.client_order_id in self._used:
            return "This ticket was already submitted. Nothing was sent again; start a new ticket."
        return _reasons(preview) if preview.is_denied else None

    def _objection(self, preview: OrderPreview) -> str | None:
        """Return why no order, or not this one, may be sent now.

        None: it may be sent. Reads the journal.
        """
        return self._stop_reason() or self._outdated_reason(preview) or self._block_reason()

    def _stop_reason(self) -> str | None:
        if self._is_stopped:
            return "The program is closing."
        reason = self._lock.reason  # read once: the search for orders may unlock meanwhile
        return None if reason is None else f"Trading is locked. {reason}"

    def _outdated_reason(self, preview: OrderPreview) -> str | None:
        """Return why the preview is too old to send; None: it is recent enough.

        Uses the wall clock, which also counts the time a machine sleeps.
        """
        age_s = (self._clock() - preview.context.at).total_seconds()
        if age_s < 0:
            return "This computer's clock was set back after the ticket was priced. Open the ticket again."
        if age_s > OLDEST_PREVIEW_S:
            return f"The ticket is {int(age_s):,} s old. Open it again."
        return None

    def _deny(self, preview: OrderPreview, reason: str) -> SubmissionResult:
        denied = SubmissionResult(Outcome.DENIED, preview.request, reason)
        try:
            self._journal.log_order_step(Outcome.DENIED.value, denial_fields(preview, reason))
        except JournalError:
            return replace(denied, recorded=False)
        return denied

    # --- The wire ---------------------------------------------------------------------------------

    def _send(self, preview: OrderPreview) -> SubmissionResult:
        """Send, and resend under the same id only what provably never left.

        At most twice more, within 5 s. Raises JournalError or TradeExecutionError if `_record_sending`
        stopped it: nothing was sent.
        """
        started_at = self._monotonic()
        for attempt in range(1, MAX_SENDS + 1):
            result = self._post_once(preview)
            late = self._monotonic() - started_at + _RESEND_PAUSE_S > RESEND_WITHIN_S
            if result.outcome is not Outcome.NOT_SENT or attempt == MAX_SENDS or late:
                break
            self._sleep(_RESEND_PAUSE_S)
        return result

    def _post_once(self, preview: OrderPreview) -> SubmissionResult:
        """Send once and return the outcome."""
        request = preview.request
        try:
            answer = self._client.send_order(request, before_sending=lambda: self._record_sending(preview))
        except NotSentError as error:
            return SubmissionResult(Outcome.NOT_SENT, request, str(error))
        except OutcomeUnknownError as error:
            return SubmissionResult(
                Outcome.UNKNOWN, request, str(error), fill_count=None, remaining_count=None
            )
        except KalshiAPIError as error:
            return SubmissionResult(Outcome.REJECTED, request, str(error))
        return acknowledged_result(request, answer, self._behavior)

    def _record_sending(self, preview: OrderPreview) -> None:
        """Record that a signed order is about to leave, then check it once more.

        This order matters. A panic is recorded before it looks for orders being sent, so one of the two
        always sees the other. Raises JournalError, or TradeExecutionError with the reason.
        """
        self._on_step(SubmissionStep.SIGNED)
        sending = _state_of(preview, OrderStage.SENDING)
        fields = sending_fields(sending, self._client.exchange_time(self._clock()))
        self._journal.log_order_step(OrderStage.SENDING.value, fields)
        self._on_step(SubmissionStep.SENDING_RECORDED)
        objection = self._objection(preview)
        if objection is not None:
            raise TradeExecutionError(objection)
        self._on_step(SubmissionStep.CHECKED)

    # --- After the wire ---------------------------------------------------------------------------

    def _record_result(self, result: SubmissionResult, sentence: str) -> SubmissionResult:
        """Record the result.

        If the write fails, the result stays valid and trading is locked until the write succeeds.
        """
        fields = {**result_fields(result), "sentence": sentence}
        write = partial(self._journal.log_order_step, result.outcome.value, fields)
        try:
            write()
        except JournalError as error:
            self._lock.close(str(error), until=write)
            return replace(result, recorded=False)
        return result

    def _recover_unknown(self, preview: OrderPreview, unknown: SubmissionResult) -> SubmissionResult:
        """Look for an order whose answer was lost.

        An order still unresolved stays pending, and the background search continues.
        """
        found = self._search_for_a_while(preview.request.client_order_id)
        if found.unrecorded is not None:
            self._lock.close(found.unrecorded)
        if found.order is not None:
            return self._attach_fills(found_result(preview.request, found.order, found.unrecorded))
        if found.stage is OrderStage.ABSENT:
            message = f"{unknown.message} {found.sentence}"
            return SubmissionResult(Outcome.ABSENT, preview.request, message)
        recorded = unknown.recorded and found.unrecorded is None
        return replace(unknown, message=f"{unknown.message} {_STILL_UNKNOWN}", recorded=recorded)

    def _search_for_a_while(self, client_order_id: str) -> RecoveryResult:
        """Search for an order for at most LONGEST_SEARCH_S.

        A longer search continues in its thread.
        """
        with ReadPool(1) as threads:
            searching = threads.submit(partial(self._recovery.search, client_order_id))
            try:
                return searching.result(timeout=LONGEST_SEARCH_S)
            except TimeoutError:
                return NOTHING_KNOWN

    def _attach_fills(self, result: SubmissionResult) -> SubmissionResult:
        """Add average price and fee from the fills, and record the fill.

        Until all fills can be read, the fee stays unknown and the fill is not recorded. Nothing is lost,
        because the exchange keeps the fills.
        """
        if not result.fill_count or result.order_id is None:
            return replace(result, fee=ZERO)
        try:
            fills = self._client.get_fills(order_id=result.order_id)
        except KalshiAPIError:
            return result
        average = average_price(fills, result.fill_count, result.request.side)
        if average is None:
            return result
        result = replace(result, average_price=average, fee=sum((fill.fee for fill in fills), ZERO))
        try:
            self._journal.log_order_fill(result_fields(result))
        except JournalError as error:
            self._lock.close(str(error))
        return result


def _reasons(preview: OrderPreview) -> str:
    return " ".join(finding.message for finding in denials(preview.findings))


def _state_of(preview: OrderPreview, stage: OrderStage) -> OrderState:
    return OrderState(
        client_order_id=preview.request.client_order_id,
        ticker=preview.request.ticker,
        sentence=preview.sentence,
        stage=stage,
        intent_at=preview.context.at,
    )
