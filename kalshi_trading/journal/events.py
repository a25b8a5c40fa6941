"""Name the journal's events and describe a record in a sentence."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from kalshi_trading.core.money import count_text, decimal_from_text, dollars_text, price_text
from kalshi_trading.journal.records import JournalRecord

INTENT_EVENT, ACKNOWLEDGED_EVENT = "order.intent", "order.acknowledged"
FILL_EVENT, ENDED_EVENT = "order.fill", "order.ended"
CANCELED_EVENT = "cancel.acknowledged"
PANIC_EVENT, ORDERS_ALLOWED_EVENT = "cancel.panic", "cancel.rearmed"
SENDING_EVENT, DENIED_EVENT = "order.sending", "order.denied"
CLOCK_EVENT, API_EVENT = "clock.offset", "api.changed"
NOTED_ORDER, NOTED_FILL, NOTED_CANCEL = "note.order", "note.fill", "note.cancel"
"""Events that scripts log about orders that are not ours. They change no order's stage."""


@dataclass(frozen=True, slots=True)
class EventText:
    """The names of an event.

    `label` is shown in lists, `sentence` in an order's timeline. None: there is no own sentence.
    """

    label: str
    sentence: Callable[[JournalRecord], str] | None = None


def label_of(record: JournalRecord) -> str:
    text = EVENTS.get(record.event)
    return text.label if text is not None else record.event.replace(".", " ").replace("_", " ")


def sentence_of(record: JournalRecord) -> str:
    """Describe one record of an order in a sentence."""
    text, reason = EVENTS.get(record.event), record.text("reason")
    if text is not None and text.sentence is not None:
        return text.sentence(record)
    return f"{record.event}: {reason}" if reason else record.event


def _with_reason(text: str) -> Callable[[JournalRecord], str]:
    return lambda record: f"{text}: {record.text('reason')}"


def _filled(record: JournalRecord) -> str:
    average, fee = decimal_from_text(record.text("average_price")), decimal_from_text(record.text("fee"))
    parts = [f"recorded as filled: {_count(record, 'fill_count')}"]
    parts += [] if average is None else [f"at {price_text(average)} on average"]
    parts += [] if fee is None else [f"fee {dollars_text(fee)}"]
    return " · ".join(parts)


def _count(record: JournalRecord, name: str) -> str:
    count = decimal_from_text(record.text(name))
    return record.text(name) if count is None else count_text(count)


EVENTS: dict[str, EventText] = {
    INTENT_EVENT: EventText("confirmed", lambda record: f"confirmed and recorded: {record.text('sentence')}"),
    SENDING_EVENT: EventText("sending", lambda record: "sent to the exchange"),
    ACKNOWLEDGED_EVENT: EventText(
        "accepted",
        lambda record: f"accepted as {record.text('order_id')}: {record.text('reason')}",
    ),
    "order.rejected": EventText("rejected", _with_reason("rejected")),
    "order.not_sent": EventText("not sent", _with_reason("not sent")),
    "order.unknown": EventText("unknown", _with_reason("status unknown")),
    "order.absent": EventText("not placed", _with_reason("not placed")),
    FILL_EVENT: EventText("filled", _filled),
    ENDED_EVENT: EventText("order ended", _with_reason("recorded as ended")),
    DENIED_EVENT: EventText("blocked"),
    "order.unlocked": EventText("unlocked"),
    "cancel.requested": EventText("cancel", lambda record: "cancel sent to the exchange"),
    CANCELED_EVENT: EventText(
        "canceled", lambda record: f"cancel confirmed: {_count(record, 'reduced_by')} canceled"
    ),
    "cancel.unconfirmed": EventText("unconfirmed", _with_reason("cancel not confirmed")),
    PANIC_EVENT: EventText("panic"),
    ORDERS_ALLOWED_EVENT: EventText("allowed"),
    CLOCK_EVENT: EventText("clock"),
    API_EVENT: EventText("API change"),
    NOTED_ORDER: EventText("noted order"),
    NOTED_FILL: EventText("noted fill"),
    NOTED_CANCEL: EventText("noted cancel"),
}
