"""Fold journal records into the stage that each of our orders has reached.

    INTENT → SENDING ─┬→ ACKNOWLEDGED   the exchange has it; final
                      ├→ REJECTED       the exchange refused it; final
                      ├→ NOT SENT       nothing left this machine; final
                      └→ UNKNOWN ─┬→ ACKNOWLEDGED   found at the exchange
                                  └→ ABSENT         proved not to be there; final

An order that stops at INTENT or SENDING (the program was killed) is as unknown as UNKNOWN. If an order that
was written off turns up, ACKNOWLEDGED wins, because the exchange is right. If the line of an INTENT is
damaged, the order starts at its next record. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from kalshi_trading.core.models import Order, OrderStatus
from kalshi_trading.journal.records import JournalRecord


class OrderStage(StrEnum):
    """The stage of an order, named as in journal events (`order.<stage>`)."""

    INTENT = "intent"
    SENDING = "sending"
    ACKNOWLEDGED = "acknowledged"
    REJECTED = "rejected"
    NOT_SENT = "not_sent"
    UNKNOWN = "unknown"
    ABSENT = "absent"


NO_ORDER_STAGES = frozenset({OrderStage.REJECTED, OrderStage.NOT_SENT, OrderStage.ABSENT})
BEING_SENT = frozenset({OrderStage.INTENT, OrderStage.SENDING})
FINAL = NO_ORDER_STAGES | {OrderStage.ACKNOWLEDGED}
_MAY_BE_LIVE = frozenset(OrderStage) - NO_ORDER_STAGES
_STAGES = {f"order.{stage}": stage for stage in OrderStage}


@dataclass(frozen=True, slots=True)
class OrderState:
    """One intent and the state of its order."""

    client_order_id: str
    ticker: str
    sentence: str
    stage: OrderStage
    intent_at: datetime
    session: str = ""
    account: str = ""
    environment: str = ""

    @property
    def is_pending(self) -> bool:
        """True if the order may exist but is neither confirmed nor ruled out."""
        return self.stage not in FINAL

    def is_refused(self, order: Order) -> bool:
        """Return True if a listed order was rejected.

        The exchange lists a killed fill-or-kill order as canceled.
        """
        canceled = order.status is OrderStatus.CANCELED and not order.fill_count
        return self.stage is OrderStage.REJECTED and canceled


def is_step(record: JournalRecord) -> bool:
    """Return True if a record changes an order's stage. A later fill does not."""
    return record.event in _STAGES


def order_named_by(record: JournalRecord) -> str:
    """Return the client_order_id that a record names, or an empty string."""
    return record.text("client_order_id")


def by_client_order_id(records: Iterable[JournalRecord]) -> dict[str, list[JournalRecord]]:
    """Group records by the order they name, leaving out those that name none."""
    named: dict[str, list[JournalRecord]] = {}
    for record in records:
        if name := order_named_by(record):
            named.setdefault(name, []).append(record)
    return named


def state_of(records: Iterable[JournalRecord]) -> OrderState | None:
    """Fold the records of one order, oldest first.

    None: no record says that the order may exist.
    """
    begin: JournalRecord | None = None
    stage = OrderStage.INTENT
    for record in records:
        step = _STAGES.get(record.event)
        if step is None:
            continue
        if begin is not None:
            stage = _later(stage, step)
        elif step in _MAY_BE_LIVE:
            begin, stage = record, step
    if begin is None:
        return None
    ticker = begin.text("ticker")
    return OrderState(
        client_order_id=begin.text("client_order_id"),
        ticker=ticker,
        sentence=begin.text("sentence") or f"an order in {ticker} (no details recorded)",
        stage=stage,
        intent_at=begin.at,
        session=begin.text("session"),
        account=begin.text("account"),
        environment=begin.text("environment"),
    )


def belongs_to(state: OrderState, environment: str, account: str) -> bool:
    """Check whether an order is of this environment and account.

    A field missing from its record matches any value.
    """
    return state.environment in ("", environment) and state.account in ("", account)


def advance(state: OrderState, stage: OrderStage) -> OrderState:
    """Advance by one stage.

    A final stage stays, except that ACKNOWLEDGED beats every other one.
    """
    later = _later(state.stage, stage)
    return state if state.stage is later else replace(state, stage=later)


def _later(before: OrderStage, stage: OrderStage) -> OrderStage:
    is_final = before is OrderStage.ACKNOWLEDGED or (before in FINAL and stage is not OrderStage.ACKNOWLEDGED)
    return before if is_final or stage is OrderStage.INTENT else stage
