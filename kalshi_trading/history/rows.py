"""One order of the history with its fills, journal records and result.

The exchange is the truth for counts, prices and fees. For an order the exchange does not list, the
journal's last record counts. Also filters rows. Pure; reads nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from kalshi_trading.core.dates import Period
from kalshi_trading.core.models import Action, Fill, Order, OrderStatus, Side
from kalshi_trading.core.money import ZERO, Contracts, Dollars, Price
from kalshi_trading.core.pnl import average_price
from kalshi_trading.core.tickers import event_of
from kalshi_trading.journal.order_log import LoggedOrder, ReportedFills
from kalshi_trading.journal.order_state import NO_ORDER_STAGES, OrderStage
from kalshi_trading.journal.own_orders import action_side_for, parse_action_side
from kalshi_trading.journal.records import JournalRecord

# --- A described order ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class OrderDescription:
    """One order; prices in the terms of `side`.

    `action` None: placed elsewhere, so only its effect is known. `average_price` is rounded to a
    hundredth of a cent. None: nothing is filled, or fills are missing.
    """

    order: Order
    action: Action | None
    side: Side
    price: Price
    average_price: Price | None
    fees: Dollars

    @property
    def is_external(self) -> bool:
        return self.action is None


def describe(order: Order, intent: JournalRecord | None, fills: Iterable[Fill] = ()) -> OrderDescription:
    """Describe an order with the action and side of its intent.

    Without a matching intent, by its effect.
    """
    words = None if intent is None else parse_action_side(intent.text("action"), intent.text("side"))
    own_action, own_side = action_side_for(words, order.book_side)
    own = (fill for fill in fills if fill.order_id == order.order_id)
    average = average_price(own, order.fill_count, own_side)
    return OrderDescription(
        order, own_action, own_side, own_side.price_in_side(order.yes_price), average, order.fees
    )


# --- One row of the history -----------------------------------------------------------------------


class OrderResult(StrEnum):
    """The result of an order, in one word."""

    FILLED = "filled"
    PARTLY = "partial"  # and the rest was canceled
    CANCELED = "canceled"
    RESTING = "open"
    REJECTED = "rejected"
    NOT_PLACED = "not placed"  # it never left, or is proved absent
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class HistoryRow:
    """One order with everything known of it.

    `order` None: the exchange does not list it. Numbers are the exchange's, or else the journal's last
    report. None: not known.
    """

    order: Order | None
    logged: LoggedOrder | None
    records: tuple[JournalRecord, ...]
    fills: tuple[Fill, ...]  # oldest first

    @property
    def is_external(self) -> bool:
        """True if the journal has no such order of ours."""
        return self.logged is None

    @property
    def placed_at(self) -> datetime | None:
        if self.order is not None and self.order.created_at is not None:
            return self.order.created_at
        return None if self.logged is None else self.logged.state.intent_at

    @property
    def ticker(self) -> str:
        if self.order is not None:
            return self.order.ticker
        return "" if self.logged is None else self.logged.state.ticker

    @property
    def client_order_id(self) -> str:
        if self.order is not None:
            return self.order.client_order_id
        return "" if self.logged is None else self.logged.state.client_order_id

    @property
    def order_id(self) -> str:
        if self.order is not None:
            return self.order.order_id
        return "" if self.logged is None else self.logged.order_id

    @property
    def _action_and_side(self) -> tuple[Action | None, Side | None]:
        own = self.logged
        if self.order is None:
            return (None, None) if own is None else (own.action, own.side)
        words = None if own is None else parse_action_side(own.text("action"), own.text("side"))
        return action_side_for(words, self.order.book_side)

    @property
    def action(self) -> Action | None:
        """None: placed elsewhere, so only its effect is known."""
        return self._action_and_side[0]

    @property
    def side(self) -> Side | None:
        return self._action_and_side[1]

    @property
    def price(self) -> Price | None:
        """The limit in the terms of `side`."""
        side = self.side
        if self.order is not None and side is not None:
            return side.price_in_side(self.order.yes_price)
        return None if self.logged is None else self.logged.price

    @property
    def count(self) -> Contracts | None:
        if self.order is not None:
            return self.order.initial_count
        return None if self.logged is None else self.logged.count

    @property
    def fill_count(self) -> Contracts | None:
        if self.order is not None:
            return self.order.fill_count
        filled = None if self.logged is None else self.logged.filled
        return (
            ZERO
            if filled is None and self.result in (OrderResult.REJECTED, OrderResult.NOT_PLACED)
            else filled
        )

    @property
    def average_price(self) -> Price | None:
        """Average price of its fills, in the terms of `side`.

        None: there are no fills, or some are missing.
        """
        side = self.side
        if self.order is not None and side is not None:
            return average_price(self.fills, self.order.fill_count, side)
        reported = self._reported_all_fills
        return None if reported is None else reported.average_price

    @property
    def fees(self) -> Dollars | None:
        if self.order is not None:
            return self.order.fees
        reported = self._reported_all_fills
        return None if reported is None else reported.fee

    @property
    def _reported_all_fills(self) -> ReportedFills | None:
        """The last reported fills, if they are all fills.

        None: nothing was reported, or a cancel showed that there were more.
        """
        own = self.logged
        if own is None or own.reported is None or own.reported.fill_count != own.filled:
            return None
        return own.reported

    @property
    def fills_missing(self) -> Contracts:
        """Contracts filled by the order's count but not in listed fills."""
        if self.order is None:
            return ZERO
        return self.order.fill_count - sum((fill.count for fill in self.fills), ZERO)

    @property
    def result(self) -> OrderResult:
        if self.order is None:
            return OrderResult.UNKNOWN if self.logged is None else _result_from_journal(self.logged)
        if self.order.status is OrderStatus.CANCELED:
            if self.order.fill_count > ZERO:
                return OrderResult.PARTLY
            return OrderResult.REJECTED if self._was_refused else OrderResult.CANCELED
        words = {OrderStatus.RESTING: OrderResult.RESTING, OrderStatus.EXECUTED: OrderResult.FILLED}
        return words.get(self.order.status, OrderResult.UNKNOWN)

    @property
    def _was_refused(self) -> bool:
        """True if the exchange refused it; it may list such an order as canceled."""
        return self.logged is not None and self.logged.state.stage is OrderStage.REJECTED

    @property
    def is_partly_filled(self) -> bool:
        filled, count = self.fill_count, self.count
        return filled is not None and count is not None and ZERO < filled < count


def _result_from_journal(logged: LoggedOrder) -> OrderResult:
    """Return the result as of the exchange's last report in the journal."""
    state, reported, filled = logged.state.stage, logged.reported, logged.filled
    if state in NO_ORDER_STAGES:
        return OrderResult.REJECTED if state is OrderStage.REJECTED else OrderResult.NOT_PLACED
    if logged.state.is_pending or reported is None or filled is None:
        return OrderResult.UNKNOWN
    if reported.remaining_count > ZERO and not logged.is_canceled:
        return OrderResult.RESTING
    if filled == ZERO:
        return OrderResult.CANCELED
    return OrderResult.FILLED if filled == logged.count and not logged.canceled_count else OrderResult.PARTLY


# --- Filters --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class HistoryFilter:
    """Criteria for rows of the history.

    None or empty accepts every row. Dates refer to the time of placing.
    """

    period: Period | None = None
    market: str = ""
    event: str = ""
    side: Side | None = None
    result: OrderResult | None = None

    def takes(self, row: HistoryRow) -> bool:
        return (
            self.market in row.ticker
            and (not self.event or row.ticker == self.event or event_of(row.ticker).startswith(self.event))
            and (self.side is None or self.side is row.side)
            and (
                self.result is None
                or self.result is row.result
                or (self.result is OrderResult.PARTLY and row.is_partly_filled)
            )
            and (self.period is None or is_placed_in(self.period, row))
        )


def is_placed_in(period: Period, row: HistoryRow) -> bool:
    """Check whether an order was placed in a period.

    True for one without a time, because it cannot be ruled out.
    """
    return row.placed_at is None or period.contains(row.placed_at)
