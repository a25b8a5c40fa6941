"""The protocol by which an order leaves this machine: recorded first, sent once, its outcome told truly.

    DRAFT ─confirmed→ INTENT on disk → SENDING on disk → one POST ─┬─ success, our id echoed → ACKNOWLEDGED
      └─ a rule against it → DENIED           ↑                    ├─ definite refusal ────→ REJECTED
                                              └─ provably not sent ┼─ twice more at most ──→ NOT SENT
                                                                   └─ anything else ───────→ UNKNOWN

    UNKNOWN ─ found at the exchange → ACKNOWLEDGED     UNKNOWN ─ proved absent → ABSENT   (`resolution`)

An intent that cannot be written sends nothing. Once bytes may have left, nothing is sent again. A
result that cannot be written is shown, and nothing more is sent until the journal works.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import partial

from kalshi_trading.errors import (
    ConflictError,
    JournalError,
    KalshiAPIError,
    NotSentError,
    OutcomeUnknownError,
)
from kalshi_trading.kalshi_client import KalshiClient
from kalshi_trading.models import Order, OrderAcknowledgement, OrderRequest
from kalshi_trading.money import ZERO, Contracts, Dollars, Price
from kalshi_trading.order_fields import denial_fields, intent_fields, order_fields, sending_fields
from kalshi_trading.order_life import OrderLife, State
from kalshi_trading.order_preview import OrderPreview
from kalshi_trading.pnl import average_price
from kalshi_trading.resolution import Resolver, unrecorded
from kalshi_trading.risk import denials
from kalshi_trading.trade_logger import TradeLogger

OLDEST_PREVIEW_S = 10
SENDS_AT_MOST = 3
RESEND_WITHIN_S = 5.0
_RESEND_PAUSE_S = 0.5
_STILL_UNKNOWN = (
    "Do not send it again: the program goes on looking for it, and the menu says what became of it. "
    "You can do other things meanwhile; if you leave, the next start goes on looking."
)


class Outcome(StrEnum):
    """What became of an order, as far as it is known."""

    DENIED = "denied"  # by us; nothing was sent
    NOT_SENT = State.NOT_SENT.value
    ACKNOWLEDGED = State.ACKNOWLEDGED.value
    REJECTED = State.REJECTED.value  # by the exchange; nothing was placed
    UNKNOWN = State.UNKNOWN.value
    ABSENT = State.ABSENT.value  # the answer was lost, and the order is proved not to be there


class Step(StrEnum):
    """Moments between which the program may be killed; what holds at each is proved by tests."""

    CONFIRMED = "confirmed"
    INTENT_RECORDED = "intent recorded"
    SENDING_RECORDED = "sending recorded"
    ANSWERED = "answered"
    RESULT_RECORDED = "result recorded"


@dataclass(frozen=True, slots=True)
class Submission:
    """The end of one submission. `recorded` False: the result is true but not in the journal.

    `average_price` is in the terms of the order's side; `fee` is None where it could not be read.
    """

    outcome: Outcome
    request: OrderRequest
    message: str
    order_id: str | None = None
    fill_count: Contracts = ZERO
    remaining_count: Contracts = ZERO
    average_price: Price | None = None
    fee: Dollars | None = None
    recorded: bool = True


class Submitter:
    """Sends each confirmed order at most once and keeps the journal ahead of the wire.

    `reached` is called at every step; it is how tests kill the program there.
    """

    def __init__(
        self,
        client: KalshiClient,
        journal: TradeLogger,
        resolver: Resolver,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        reached: Callable[[Step], None] = lambda step: None,
    ) -> None:
        self._client = client
        self._journal = journal
        self._resolver = resolver
        self._clock = clock
        self._monotonic = monotonic
        self._sleep = sleep
        self._reached = reached
        self._used: set[str] = set()
        self._one_at_a_time = threading.RLock()
        self._owed: list[Callable[[], object]] = []
        self.locked_because: str | None = None
        """Why no order can be sent at the moment; None: orders can be sent."""
        self.stopped = False
        """Whether nothing may be sent again, as in a panic or once the user has left."""

    def lock(self, reason: str, until: Callable[[], object] | None = None) -> None:
        """Send no order before the journal works and `until`, which raises JournalError, has succeeded."""
        with self._one_at_a_time:  # a lock set while another one ends must not end with it
            self.locked_because = reason
            if until is not None:
                self._owed.append(until)

    def submit(self, preview: OrderPreview) -> Submission:
        """Send the order of a preview, once; the same preview again is denied.

        Never raises for what the exchange does. The exchange may have acted when the outcome is
        ACKNOWLEDGED or UNKNOWN, and only then.
        """
        with self._one_at_a_time:
            self._try_to_unlock()
            denial = self._denial(preview)
            if denial is None:
                self._used.add(preview.request.client_order_id)
        if denial is not None:
            return self._deny(preview, denial)
        self._reached(Step.CONFIRMED)
        result = self._carried_out(preview)
        if result.outcome is Outcome.UNKNOWN:
            return self._searched(preview, result)
        return self._with_fills(result) if result.outcome is Outcome.ACKNOWLEDGED else result

    def _carried_out(self, preview: OrderPreview) -> Submission:
        """Record, send and record again; whatever goes wrong on the way leaves an order to look for."""
        state = State.UNKNOWN
        self._resolver.begin(self._life_of(preview, State.INTENT))  # first, so that no recovery takes it over
        try:
            result = self._intended(preview) or self._sent(preview)
            state = State(result.outcome)
        finally:
            self._resolver.adopt([self._life_of(preview, state)])
        return result

    def _intended(self, preview: OrderPreview) -> Submission | None:
        """Put the intent on the disk; where that fails, its line may be there even so and gets its end."""
        try:
            self._journal.log_order_submission(State.INTENT.value, intent_fields(preview))
        except JournalError as error:
            return self._recorded(self._unwritten(preview.request, error), preview.sentence)
        self._reached(Step.INTENT_RECORDED)
        return None

    def _unwritten(self, request: OrderRequest, error: JournalError) -> Submission:
        self.lock(str(error))
        return Submission(Outcome.NOT_SENT, request, f"{error} Nothing was sent or placed.")

    def _sent(self, preview: OrderPreview) -> Submission:
        result = self._send(preview)
        self._reached(Step.ANSWERED)
        result = self._recorded(result, preview.sentence)
        self._reached(Step.RESULT_RECORDED)
        return result

    # --- Before the wire --------------------------------------------------------------------------

    def _denial(self, preview: OrderPreview) -> str | None:
        if self.locked_because is not None:
            return f"Trading is locked. {self.locked_because} Nothing was sent."
        if preview.request.client_order_id in self._used:
            return "This order was submitted before. Nothing was sent; make a new ticket."
        if not self._is_of_this_moment(preview):
            return f"The preview is {int(self._age_s(preview))} s old. Nothing was sent; look at a fresh one."
        if preview.is_denied:
            return " ".join(finding.message for finding in denials(preview.findings))
        return None

    def _deny(self, preview: OrderPreview, reason: str) -> Submission:
        denied = Submission(Outcome.DENIED, preview.request, reason)
        try:
            self._journal.log_order_submission(Outcome.DENIED.value, denial_fields(preview, reason))
        except JournalError:
            return replace(denied, recorded=False)
        return denied

    def _try_to_unlock(self) -> None:
        """Do what is owed, such as writing a missing result; trading goes on once all of it is done."""
        if self.locked_because is None:
            return
        try:
            while self._owed:
                self._owed[0]()
                self._owed.pop(0)
            self._journal.log_order_submission("unlocked", {"reason": self.locked_because})
        except JournalError as error:
            self.locked_because = str(error)
        else:
            self.locked_because = None

    # --- The wire ---------------------------------------------------------------------------------

    def _send(self, preview: OrderPreview) -> Submission:
        """Send; what provably never left is sent again under the same id, at most twice, within 5 s."""
        started_at = self._monotonic()
        for attempt in range(1, SENDS_AT_MOST + 1):
            result = self._send_once(preview)
            late = self._monotonic() - started_at + _RESEND_PAUSE_S > RESEND_WITHIN_S
            if result.outcome is not Outcome.NOT_SENT or attempt == SENDS_AT_MOST or late:
                break
            self._sleep(_RESEND_PAUSE_S)
            if self.stopped or self.locked_because is not None or not self._is_of_this_moment(preview):
                break  # a panic, an exit, a journal that fails or a night's sleep came in between
        return result

    def _is_of_this_moment(self, preview: OrderPreview) -> bool:
        return 0 <= self._age_s(preview) <= OLDEST_PREVIEW_S

    def _age_s(self, preview: OrderPreview) -> float:
        """Tell by the calendar's clock, which also counts the time a machine sleeps."""
        return (self._clock() - preview.circumstances.at).total_seconds()

    def _send_once(self, preview: OrderPreview) -> Submission:
        """Send once and say what is known. A duplicate id means that an earlier send arrived."""
        request, fields = preview.request, sending_fields(preview, self._exchange_time())
        try:
            self._journal.log_order_submission(State.SENDING.value, fields)
            self._reached(Step.SENDING_RECORDED)
            said = self._client.place_order(request)
        except JournalError as error:
            return self._unwritten(request, error)
        except NotSentError as error:
            return Submission(Outcome.NOT_SENT, request, str(error))
        except OutcomeUnknownError as error:
            return Submission(Outcome.UNKNOWN, request, str(error))
        except ConflictError as error:
            taken = error.code != "fill_or_kill_insufficient_resting_volume"
            return Submission(Outcome.UNKNOWN if taken else Outcome.REJECTED, request, str(error))
        except KalshiAPIError as error:
            return Submission(Outcome.REJECTED, request, str(error))
        return self._acknowledged(request, said)

    def _exchange_time(self) -> datetime | None:
        skew_s = self._client.clock_skew_s
        return None if skew_s is None else self._clock() - timedelta(seconds=skew_s)

    def _acknowledged(self, request: OrderRequest, said: OrderAcknowledgement) -> Submission:
        average = said.average_fill_price
        return Submission(
            outcome=Outcome.ACKNOWLEDGED,
            request=request,
            message=what_happened(request, said.fill_count, said.remaining_count),
            order_id=said.order_id,
            fill_count=said.fill_count,
            remaining_count=said.remaining_count,
            average_price=None if average is None else request.side.converted(average),
        )

    # --- After the wire ---------------------------------------------------------------------------

    def _recorded(self, result: Submission, sentence: str) -> Submission:
        """Put the result on the disk; if that fails the result still stands, and trading is locked."""
        fields = {**_result_fields(result), "sentence": sentence}
        write = partial(self._journal.log_order_submission, result.outcome.value, fields)
        try:
            write()
        except JournalError as error:
            self.lock(str(error), until=write)
            return replace(result, recorded=False)
        return result

    def _searched(self, preview: OrderPreview, unknown: Submission) -> Submission:
        """Look for an order whose answer was lost; what is not settled now is looked for on and on."""
        found = self._resolver.search(preview.request.client_order_id)
        if found.unrecorded is not None:
            self.lock(found.unrecorded)
        if found.order is not None:
            return self._with_fills(_found(preview.request, found.order, found.unrecorded))
        if found.state is State.ABSENT:
            message = f"{unknown.message} {found.sentence}"
            return Submission(Outcome.ABSENT, preview.request, message)
        recorded = unknown.recorded and found.unrecorded is None
        return replace(unknown, message=f"{unknown.message} {_STILL_UNKNOWN}", recorded=recorded)

    def _life_of(self, preview: OrderPreview, state: State) -> OrderLife:
        return OrderLife(
            client_order_id=preview.request.client_order_id,
            ticker=preview.request.ticker,
            sentence=preview.sentence,
            state=state,
            intent_at=preview.circumstances.at,
        )

    def _with_fills(self, result: Submission) -> Submission:
        """Add average price and fee from the fills themselves, and put the fill on record.

        Until all fills can be read the fee stays unknown and the fill is not recorded: the exchange
        keeps it.
        """
        if result.fill_count == ZERO or result.order_id is None:
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
            self._journal.log_order_fill(_result_fields(result))
        except JournalError as error:
            self.lock(str(error))
        return result


def _found(request: OrderRequest, order: Order, problem: str | None) -> Submission:
    message = f"found at the exchange: {what_happened(request, order.fill_count, order.remaining_count)}"
    if problem is not None:
        message = f"{message}. {unrecorded(order, problem)}"
    return Submission(
        outcome=Outcome.ACKNOWLEDGED,
        request=request,
        message=message,
        order_id=order.order_id,
        fill_count=order.fill_count,
        remaining_count=order.remaining_count,
        fee=order.fees,
        recorded=problem is None,
    )


def what_happened(request: OrderRequest, filled: Contracts, remaining: Contracts) -> str:
    """Say it from the counts alone: an accepted order need neither rest nor have filled."""
    if remaining > ZERO:
        return "resting" if filled == ZERO else "partly filled, the rest is resting"
    if filled == ZERO:
        return "accepted and canceled at once; nothing was filled"
    return "filled" if filled == request.count else "partly filled, the rest was canceled"


def _result_fields(result: Submission) -> dict[str, object]:
    is_known = result.outcome is not Outcome.UNKNOWN
    return {
        **order_fields(result.request),
        "order_id": result.order_id,
        "fill_count": result.fill_count if is_known else None,
        "remaining_count": result.remaining_count if is_known else None,
        "average_price": result.average_price,
        "fee": result.fee,
        "reason": result.message,
    }
