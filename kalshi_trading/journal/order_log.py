"""Fold journal records into one account of each of our orders.

It holds the intent, what the exchange reported and what was canceled. Changes at the exchange after the last
record are missing. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from kalshi_trading.core.models import Action, Side, TimeInForce
from kalshi_trading.core.money import ZERO, Contracts, Dollars, Price, decimal_from_text
from kalshi_trading.journal.events import (
    ACKNOWLEDGED_EVENT,
    CANCELED_EVENT,
    ENDED_EVENT,
    FILL_EVENT,
    INTENT_EVENT,
)
from kalshi_trading.journal.order_state import (
    OrderStage,
    OrderState,
    belongs_to,
    by_client_order_id,
    state_of,
)
from kalshi_trading.journal.records import JournalRecord


@dataclass(frozen=True)
class ReportedFills:
    """Filled and remaining counts as of the last report of the exchange.

    `average_price` is in the terms of the order's side, `fee` the total so far. None: not on record.
    """

    fill_count: Contracts
    remaining_count: Contracts
    average_price: Price | None
    fee: Dollars | None


@dataclass(frozen=True)
class LoggedOrder:
    """One of our orders and every record that names it, oldest first.

    None: not on record.
    """

    state: OrderState
    records: tuple[JournalRecord, ...]

    @property
    def intent(self) -> JournalRecord | None:
        """The record of what was confirmed.

        None: it is damaged, or the order is older than intent records.
        """
        return next((record for record in self.records if record.event == INTENT_EVENT), None)

    @property
    def tickers(self) -> frozenset[str]:
        """The markets it was sent to: several if a rejected id was used again."""
        intents = (record for record in self.records if record.event == INTENT_EVENT)
        return frozenset({self.state.ticker, *(record.text("ticker") for record in intents)})

    def text(self, name: str) -> str:
        """Return the latest non-empty value of this field, or an empty string."""
        texts = (record.text(name) for record in reversed(self.records))
        return next(filter(None, texts), "")

    @property
    def action(self) -> Action | None:
        return Action(text) if (text := self.text("action")) in tuple(Action) else None

    @property
    def side(self) -> Side | None:
        return Side(text) if (text := self.text("side")) in tuple(Side) else None

    @property
    def count(self) -> Contracts | None:
        return decimal_from_text(self.text("count"))

    @property
    def price(self) -> Price | None:
        """The limit price in the terms of `side`."""
        return decimal_from_text(self.text("price"))

    @property
    def time_in_force(self) -> TimeInForce | None:
        return TimeInForce(text) if (text := self.text("time_in_force")) in tuple(TimeInForce) else None

    @property
    def cost(self) -> Dollars:
        """The cash the order was to take.

        Without an intent on record: count × limit price for a buy, else zero.
        """
        cost = decimal_from_text(self.text("cost"))
        if cost is None and self.intent is None and self.action is Action.BUY:
            return (self.count or ZERO) * (self.price or ZERO)
        return cost or ZERO

    @cached_property
    def order_id(self) -> str:
        return self.text("order_id")

    @cached_property
    def reported(self) -> ReportedFills | None:
        """Fills in the last acknowledgement or fill report. None: not on record."""
        last: ReportedFills | None = None
        for record in self.records:
            if record.event not in (ACKNOWLEDGED_EVENT, FILL_EVENT):
                continue
            filled, left, fee, average = (
                decimal_from_text(record.text(name))
                for name in ("fill_count", "remaining_count", "fee", "average_price")
            )
            if filled is not None and left is not None:
                # an acknowledgement holds the exchange's average, whose rounding is unknown
                last = ReportedFills(filled, left, average if record.event == FILL_EVENT else None, fee)
        return last

    @cached_property
    def canceled_count(self) -> Contracts:
        """Contracts whose cancel the exchange acknowledged."""
        acknowledged = (record for record in self.records if record.event == CANCELED_EVENT)
        return sum((decimal_from_text(each.text("reduced_by")) or ZERO for each in acknowledged), ZERO)

    @cached_property
    def is_canceled(self) -> bool:
        """True if the exchange acknowledged a cancel.

        Nothing is resting since then, whatever the count it canceled.
        """
        return any(record.event == CANCELED_EVENT for record in self.records)

    @property
    def is_resting(self) -> bool:
        """True if part of the order was resting as of its last record."""
        if self.state.stage is not OrderStage.ACKNOWLEDGED or self.reported is None:
            return False
        is_left = self.reported.remaining_count > self.canceled_count
        return is_left and all(record.event != ENDED_EVENT for record in self.records)

    @property
    def max_filled(self) -> Contracts | None:
        """The most contracts that can be filled by now. None: not on record.

        This is the reported fills plus the remainder that no cancel took back.
        """
        reported = self.reported
        if reported is None:
            return None
        return reported.fill_count + max(ZERO, reported.remaining_count - self.canceled_count)

    @property
    def filled(self) -> Contracts | None:
        """Contracts filled as of the last report of the exchange. None: unknown.

        For a canceled order the fills are inferred from the canceled count.
        """
        reported = self.reported
        if reported is None or not self.is_canceled:
            return None if reported is None else reported.fill_count
        # a cancel that took back nothing does not show where the remainder went
        return self.max_filled if self.canceled_count > ZERO or reported.remaining_count == ZERO else None


@dataclass(frozen=True, slots=True)
class LoggedOrders:
    """Orders by client_order_id.

    `records` also holds records about orders placed elsewhere. `foreign` orders were sent with another key.
    Only the exchange knows whether that key is of this account.
    """

    orders: dict[str, LoggedOrder]
    records: dict[str, tuple[JournalRecord, ...]]
    foreign: dict[str, LoggedOrder] = field(default_factory=dict)

    @property
    def all_orders(self) -> dict[str, LoggedOrder]:
        """Every order of the journal, whichever key sent it."""
        return {**self.foreign, **self.orders}


def logged_orders(records: Iterable[JournalRecord], environment: str, account: str | None) -> LoggedOrders:
    """Fold the journal, oldest record first. Account None: every key is ours."""
    by_name = {name: tuple(rows) for name, rows in by_client_order_id(records).items()}
    own: dict[str, LoggedOrder] = {}
    foreign: dict[str, LoggedOrder] = {}
    for name, rows in by_name.items():
        order = logged_order(rows)
        if order is not None:
            kept = own if is_own(order.state, environment, account) else foreign
            kept[name] = order
    return LoggedOrders(own, {name: rows for name, rows in by_name.items() if name not in foreign}, foreign)


def logged_order(records: Sequence[JournalRecord]) -> LoggedOrder | None:
    """Fold the records of one order, oldest first.

    None: no record says that the order may exist.
    """
    state = state_of(records)
    return None if state is None else LoggedOrder(state, tuple(records))


def is_own(state: OrderState, environment: str, account: str | None) -> bool:
    """Check whether an order is of this environment and account.

    None: any account.
    """
    return belongs_to(state, environment, state.account if account is None else account)
