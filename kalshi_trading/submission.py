"""The protocol by which an order leaves this machine, and by which a lost answer is looked for.

    DRAFT ─confirmed→ INTENT on disk → SENDING on disk → one POST ─┬─ success, our id echoed → ACKNOWLEDGED
      └─ rule or state against it → DENIED                         ├─ definite refusal ────→ REJECTED
                                                                   ├─ provably not sent ───→ NOT SENT
    UNKNOWN ─ found among the exchange's orders → ACKNOWLEDGED     └─ anything else ───────→ UNKNOWN

An intent that cannot be written sends nothing. Once bytes may have left, nothing is sent again. Only a
find ends an unknown outcome: a failed or empty search proves nothing, because reads lag writes.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum

from kalshi_trading.errors import (
    ConflictError,
    JournalError,
    KalshiAPIError,
    NotSentError,
    OutcomeUnknownError,
)
from kalshi_trading.kalshi_client import KalshiClient
from kalshi_trading.models import Order, OrderAcknowledgement, OrderRequest, Side
from kalshi_trading.money import BALANCE_GRAIN, ONE_DOLLAR, ZERO, Contracts, Dollars, Price, round_half_even
from kalshi_trading.order_preview import OrderPreview
from kalshi_trading.risk import denials
from kalshi_trading.trade_logger import TradeLogger

OLDEST_PREVIEW_S = 10
LOOK_UP_PAUSES_S = (0.5, 1.0, 2.0, 4.0)


class Outcome(StrEnum):
    """What became of an order, as far as it is known."""

    DENIED = "denied"  # by us; nothing was sent
    NOT_SENT = "not_sent"
    ACKNOWLEDGED = "acknowledged"
    REJECTED = "rejected"  # by the exchange; nothing was placed
    UNKNOWN = "unknown"


# A denial is no end: it came before any intent, or denied sending one and the same order again.
_FINAL_EVENTS = frozenset(
    f"order.{outcome}" for outcome in (Outcome.NOT_SENT, Outcome.ACKNOWLEDGED, Outcome.REJECTED)
)


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


@dataclass(frozen=True, slots=True)
class UnresolvedOrder:
    """An intent of the journal without an end: the order may be live at the exchange."""

    client_order_id: str
    ticker: str
    sentence: str
    at: datetime


class Submitter:
    """Sends each confirmed order at most once and keeps the journal ahead of the wire."""

    def __init__(
        self,
        client: KalshiClient,
        journal: TradeLogger,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._client = client
        self._journal = journal
        self._clock = clock
        self._sleep = sleep
        self._used: set[str] = set()
        self._one_at_a_time = threading.Lock()
        self.locked_because: str | None = None
        """Why no order can be sent any more; None: orders can be sent."""

    def submit(self, preview: OrderPreview) -> Submission:
        """Send the order of a preview, once; the same preview again is denied.

        Never raises for what the exchange does. The exchange may have acted when the outcome is
        ACKNOWLEDGED or UNKNOWN, and only then.
        """
        with self._one_at_a_time:
            denial = self._denial(preview)
            if denial is None:
                self._used.add(preview.request.client_order_id)
        if denial is not None:
            return self._record(Submission(Outcome.DENIED, preview.request, denial))
        try:
            self._journal.log_order_submission("intent", _intent_fields(preview))
            self._journal.log_order_submission("sending", _identity(preview.request))
        except JournalError as error:
            self.locked_because = str(error)
            return Submission(Outcome.NOT_SENT, preview.request, f"{error} Nothing was sent or placed.")
        return self._record(self._send(preview.request))

    def _denial(self, preview: OrderPreview) -> str | None:
        if self.locked_because is not None:
            return f"Trading is locked. {self.locked_because} Nothing was sent."
        if preview.request.client_order_id in self._used:
            return "This order was submitted before. Nothing was sent; make a new ticket."
        age_s = (self._clock() - preview.circumstances.at).total_seconds()
        if not 0 <= age_s <= OLDEST_PREVIEW_S:
            return f"The preview is {int(age_s)} s old. Nothing was sent; look at a fresh one."
        if preview.is_denied:
            return " ".join(finding.message for finding in denials(preview.findings))
        return None

    def _send(self, request: OrderRequest) -> Submission:
        """Send once and say what is known. A duplicate id means that an earlier send arrived."""
        try:
            said = self._client.place_order(request)
        except NotSentError as error:
            return Submission(Outcome.NOT_SENT, request, str(error))
        except OutcomeUnknownError as error:
            return self._look_up(request, str(error))
        except ConflictError as error:
            if error.code == "order_already_exists":
                return self._look_up(request, str(error))
            return Submission(Outcome.REJECTED, request, str(error))
        except KalshiAPIError as error:
            return Submission(Outcome.REJECTED, request, str(error))
        return self._acknowledged(request, said)

    def _acknowledged(self, request: OrderRequest, said: OrderAcknowledgement) -> Submission:
        submission = Submission(
            outcome=Outcome.ACKNOWLEDGED,
            request=request,
            message=_what_happened(request, said.fill_count, said.remaining_count),
            order_id=said.order_id,
            fill_count=said.fill_count,
            remaining_count=said.remaining_count,
            average_price=_in_terms_of(request.side, said.average_fill_price),
        )
        return self._with_fills(submission)

    def _look_up(self, request: OrderRequest, why: str) -> Submission:
        for pause in LOOK_UP_PAUSES_S:
            self._sleep(pause)
            order = self._find(request.ticker, request.client_order_id)
            if order is not None:
                return self._found(request, order)
        message = (
            f"{why} The outcome is unknown: the order may be live. Do not send it again; "
            "the program keeps looking for it, and the open orders and the history show it once it is found."
        )
        return Submission(Outcome.UNKNOWN, request, message)

    def _find(self, ticker: str, client_order_id: str) -> Order | None:
        """Search all orders of the market, whatever their status; None proves nothing."""
        try:
            orders = self._client.get_orders(ticker=ticker)
        except KalshiAPIError:
            return None
        return next((order for order in orders if order.client_order_id == client_order_id), None)

    def _found(self, request: OrderRequest, order: Order) -> Submission:
        submission = Submission(
            outcome=Outcome.ACKNOWLEDGED,
            request=request,
            message="found at the exchange: "
            + _what_happened(request, order.fill_count, order.remaining_count),
            order_id=order.order_id,
            fill_count=order.fill_count,
            remaining_count=order.remaining_count,
            fee=order.fees,
        )
        return self._with_fills(submission)

    def _with_fills(self, submission: Submission) -> Submission:
        """Take average price and fee from the fills themselves, once all of them can be read."""
        if submission.fill_count == ZERO or submission.order_id is None:
            return replace(submission, fee=ZERO)
        try:
            fills = self._client.get_fills(order_id=submission.order_id)
        except KalshiAPIError:
            return submission
        if sum((fill.count for fill in fills), ZERO) != submission.fill_count:
            return submission
        paid = sum((fill.count * fill.yes_price for fill in fills), ZERO)
        average = round_half_even(paid / submission.fill_count, BALANCE_GRAIN)
        return replace(
            submission,
            average_price=_in_terms_of(submission.request.side, average),
            fee=sum((fill.fee for fill in fills), ZERO),
        )

    def _record(self, submission: Submission) -> Submission:
        """Put the result on the disk; if that fails the result still stands, and trading is locked."""
        try:
            self._journal.log_order_submission(submission.outcome.value, _result_fields(submission))
            if submission.fill_count > ZERO:
                self._journal.log_order_fill(_result_fields(submission))
        except JournalError as error:
            self.locked_because = str(error)
            return replace(submission, recorded=False)
        return submission

    # --- After a lost answer ----------------------------------------------------------------------

    def unresolved(self) -> tuple[UnresolvedOrder, ...]:
        """List the intents of the journal that have no known end. Raises JournalError."""
        waiting: dict[str, UnresolvedOrder] = {}
        for record in self._journal.read_journal().records:
            identity = record.text("client_order_id")
            if record.event == "order.intent":
                waiting[identity] = UnresolvedOrder(
                    identity, record.text("ticker"), record.text("sentence"), record.at
                )
            elif record.event in _FINAL_EVENTS:
                waiting.pop(identity, None)
        return tuple(waiting.values())

    def resolve(self, unresolved: UnresolvedOrder) -> Order | None:
        """Look an unresolved order up once; found, it is recorded and returned. Raises JournalError."""
        order = self._find(unresolved.ticker, unresolved.client_order_id)
        if order is not None:
            self._journal.log_order_submission(
                Outcome.ACKNOWLEDGED.value,
                {
                    "client_order_id": unresolved.client_order_id,
                    "ticker": unresolved.ticker,
                    "order_id": order.order_id,
                    "fill_count": order.fill_count,
                    "remaining_count": order.remaining_count,
                    "fee": order.fees,
                    "reason": "found at the exchange",
                },
            )
        return order

    def resolve_all(self) -> Iterator[tuple[UnresolvedOrder, Order | None]]:
        """Look up every unresolved order once."""
        for unresolved in self.unresolved():
            yield unresolved, self.resolve(unresolved)


def _in_terms_of(side: Side, in_yes: Price | None) -> Price | None:
    return ONE_DOLLAR - in_yes if in_yes is not None and side is Side.NO else in_yes


def _what_happened(request: OrderRequest, filled: Contracts, remaining: Contracts) -> str:
    """Say it from the counts alone: an accepted order need neither rest nor have filled."""
    if remaining > ZERO:
        return "resting" if filled == ZERO else "partly filled, the rest is resting"
    if filled == ZERO:
        return "accepted and canceled at once; nothing was filled"
    return "filled" if filled == request.count else "partly filled, the rest was canceled"


def _identity(request: OrderRequest) -> dict[str, object]:
    return {"client_order_id": request.client_order_id, "ticker": request.ticker}


def _order_fields(request: OrderRequest) -> dict[str, object]:
    return {
        **_identity(request),
        "action": request.action.value,
        "side": request.side.value,
        "count": request.count,
        "price": request.price,
    }


def _intent_fields(preview: OrderPreview) -> dict[str, object]:
    request = preview.request
    return {
        **_order_fields(request),
        "time_in_force": request.time_in_force.value,
        "post_only": request.post_only,
        "reduce_only": request.reduce_only,
        "cost": preview.cost,
        "sentence": preview.sentence,
    }


def _result_fields(submission: Submission) -> dict[str, object]:
    return {
        **_order_fields(submission.request),
        "order_id": submission.order_id,
        "fill_count": submission.fill_count,
        "remaining_count": submission.remaining_count,
        "average_price": submission.average_price,
        "fee": submission.fee,
        "reason": submission.message,
    }
