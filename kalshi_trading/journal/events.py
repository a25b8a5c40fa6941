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
CLOCK_EVENT = "clock.offset"
NOTED_ORDER, NOTED_FILL, NOTED_CANCEL = "note.order", "note.fill", "note.cancel"
"""Events that scripts log about orders that are not ours. They change no order's stage."""


@dataclass(frozen=True, slots=True)
class EventWords:
    """The names of an event.

    `label` is shown in lists, `sentence` in an order's timeline. None: there is no own sentence.
    """

    label: str
    sentence: Callable[[JournalRecord], str] | None = None


def label_of(record: JournalRecord) -> str:
    words = EVENTS.get(record.event)
    return words.label if words is not None else record.event.replace(".", " ").replace("_", " ")


def sentence_of(record: JournalRecord) -> str:
    """Describe one record of an order in a sentence."""
    words, reason = EVENTS.get(record.event), record.text("reason")
    if words is not None and words.sentence is not None:
        return words.sentence(record)
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


EVENTS: dict[str, EventWords] = {
    INTENT_EVENT: EventWords(
        "confirmed", lambda record: f"confirmed and recorded: {record.text('sentence')}"
    ),
    SENDING_EVENT: EventWords("sending", lambda record: "sent to the exchange"),
    ACKNOWLEDGED_EVENT: EventWords(
        "accepted",
        lambda record: f"accepted as {record.text('order_id')}: {record.text('reason')}",
    ),
    "order.rejected": EventWords("rejected", _with_reason("rejected")),
    "order.not_sent": EventWords("not sent", _with_reason("not sent")),
    "order.unknown": EventWords("unknown", _with_reason("status unknown")),
    "order.absent": EventWords("not placed", _with_reason("not placed")),
    FILL_EVENT: EventWords("filled", _filled),
    ENDED_EVENT: EventWords("order ended"),
    DENIED_EVENT: EventWords("blocked"),
    "order.unlocked": EventWords("unlocked"),
    "cancel.requested": EventWords("cancel", lambda record: "cancel sent to the exchange"),
    CANCELED_EVENT: EventWords(
        "canceled", lambda record: f"cancel confirmed: {_count(record, 'reduced_by')} canceled"
    ),
    "cancel.unconfirmed": EventWords("unconfirmed", _with_reason("cancel not confirmed")),
    PANIC_EVENT: EventWords("panic"),
    ORDERS_ALLOWED_EVENT: EventWords("allowed"),
    CLOCK_EVENT: EventWords("clock"),
    NOTED_ORDER: EventWords("noted order"),
    NOTED_FILL: EventWords("noted fill"),
    NOTED_CANCEL: EventWords("noted cancel"),
}
