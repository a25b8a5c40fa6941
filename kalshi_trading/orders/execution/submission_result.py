"""The result of one submitted order. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from kalshi_trading.core.models import BookSide, Order, OrderRequest, OrderStatus
from kalshi_trading.core.money import ONE_DOLLAR, ZERO, Contracts, Dollars, Price, cents
from kalshi_trading.core.records.acknowledgements import OrderAcknowledgement
from kalshi_trading.core.results import DictReading, Read, read_cents, read_contracts
from kalshi_trading.journal.order_state import OrderStage
from kalshi_trading.settings.behavior import ASSUMED, ExchangeBehavior


class Outcome(StrEnum):
    """The outcome of an order, as far as it is known."""

    DENIED = "denied"  # by us; nothing was sent
    NOT_SENT = OrderStage.NOT_SENT.value
    ACKNOWLEDGED = OrderStage.ACKNOWLEDGED.value
    REJECTED = OrderStage.REJECTED.value  # by the exchange; nothing was placed
    UNKNOWN = OrderStage.UNKNOWN.value
    ABSENT = OrderStage.ABSENT.value  # the answer was lost, and the order is proved absent


@dataclass(frozen=True, slots=True)
class SubmissionResult(DictReading):
    """The result of one submission.

    `recorded` False: the result is true but not in the journal. `average_price` is in the terms of the
    order's side. None: not known. Both counts are None while the outcome is UNKNOWN; `fee` is None if
    it could not be read. Read like a dict, its keys also appear under `order`. `error` is present
    unless the exchange took the order.
    """

    dict_keys: ClassVar[dict[str, Read]] = {
        "order": lambda result: {key: result[key] for key in result if key not in ("order", "error")},
        "order_id": lambda result: result.order_id,
        "client_order_id": lambda result: result.request.client_order_id,
        "ticker": lambda result: result.request.ticker,
        "side": lambda result: result.request.side.value,
        "action": lambda result: result.request.action.value,
        "status": lambda result: result.status,
        "price": lambda result: cents(result.request.price),
        "yes_price": lambda result: cents(result.request.yes_price),
        "no_price": lambda result: cents(ONE_DOLLAR - result.request.yes_price),
        "count": lambda result: read_contracts("count")(result.request),
        "fill_count": read_contracts("fill_count"),
        "remaining_count": read_contracts("remaining_count"),
        "average_price": read_cents("average_price"),
        "fees": read_cents("fee"),
        "error": lambda result: result.message,
    }

    outcome: Outcome
    request: OrderRequest
    message: str
    order_id: str | None = None
    fill_count: Contracts | None = ZERO
    remaining_count: Contracts | None = ZERO
    average_price: Price | None = None
    fee: Dollars | None = None
    recorded: bool = True

    @property
    def status(self) -> str:
        """The order's status in the exchange's words.

        pending: not known. rejected: there is no order.
        """
        if self.outcome is Outcome.UNKNOWN:
            return "pending"
        if self.outcome is not Outcome.ACKNOWLEDGED:
            return "rejected"
        if self.remaining_count:
            return OrderStatus.RESTING.value
        is_whole = self.fill_count == self.request.count
        return (OrderStatus.EXECUTED if is_whole else OrderStatus.CANCELED).value

    def keys(self) -> tuple[str, ...]:
        is_taken = self.outcome is Outcome.ACKNOWLEDGED
        return tuple(key for key in self.dict_keys if key != "error" or not is_taken)


def acknowledged_result(
    request: OrderRequest, acknowledgement: OrderAcknowledgement, behavior: ExchangeBehavior = ASSUMED
) -> SubmissionResult:
    average = acknowledgement.average_fill_price
    if average is not None and request.book_side is BookSide.ASK and behavior.ask_average_in_no:
        average = ONE_DOLLAR - average
    return SubmissionResult(
        outcome=Outcome.ACKNOWLEDGED,
        request=request,
        message=what_happened(request, acknowledgement.fill_count, acknowledgement.remaining_count),
        order_id=acknowledgement.order_id,
        fill_count=acknowledgement.fill_count,
        remaining_count=acknowledgement.remaining_count,
        average_price=None if average is None else request.side.price_in_side(average),
    )


def found_result(request: OrderRequest, order: Order, problem: str | None) -> SubmissionResult:
    message = f"found at the exchange: {what_happened(request, order.fill_count, order.remaining_count)}"
    if problem is not None:
        message = f"{message}. {unrecorded_sentence(order, problem)}"
    return SubmissionResult(
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
    """Describe the result from the counts alone.

    An accepted order may neither rest nor have filled.
    """
    if remaining > ZERO:
        return "open" if filled == ZERO else "partly filled, the rest is open"
    if filled == ZERO:
        return "canceled at once, nothing filled"
    return "filled" if filled == request.count else "partly filled, the rest was canceled"


def unrecorded_sentence(order: Order, why: str) -> str:
    """Describe an order that was found but could not be recorded."""
    what = "IS LIVE" if order.fill_count or order.remaining_count else "was accepted"
    return f"Order {order.order_id} {what} but could not be recorded. {why}"


def unresolved_text(sentence: str) -> str:
    """Warn of an order whose status is unknown."""
    return f"Order status unknown, still checking: {sentence}. It may be live; don't resend."
