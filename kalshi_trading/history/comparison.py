"""Compare journal and exchange order by order. Changes nothing.

Fills after the exchange's last report to us are no difference. A lower fill count is one, and so
are more fills than possible. The exchange's own rows must agree with each other.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from kalshi_trading.core.models import BookSide, Fill, Order, OrderStatus
from kalshi_trading.core.money import (
    BALANCE_GRAIN,
    ZERO,
    Contracts,
    Dollars,
    count_text,
    dollars_text,
    price_text,
)
from kalshi_trading.core.pnl import average_price
from kalshi_trading.history.rows import HistoryRow
from kalshi_trading.journal.order_log import LoggedOrder
from kalshi_trading.journal.order_state import NO_ORDER_STAGES


class MismatchKind(StrEnum):
    """Kinds of differences."""

    NOT_AT_EXCHANGE = "not at the exchange"
    NOT_IN_JOURNAL = "not in the journal"
    OPEN = "status unknown"
    TWICE = "duplicate at the exchange"
    STATUS = "status"
    TERMS = "terms"
    COUNT = "count"
    PRICE = "price"
    FEES = "fees"
    FILLS = "fills"


_SURE = frozenset({MismatchKind.NOT_IN_JOURNAL, MismatchKind.TWICE, MismatchKind.TERMS})
"""Kinds that neither delay nor movement of the exchange's data can explain."""
_TOO_NEW, _UNJUDGED = "too new", "unjudged"


@dataclass(frozen=True, slots=True)
class Mismatch:
    """One difference between journal and exchange.

    `sentence` states both sides.
    """

    kind: MismatchKind
    sentence: str


@dataclass(frozen=True, slots=True)
class Difference:
    """One order with all its mismatches."""

    row: HistoryRow
    mismatches: tuple[Mismatch, ...]

    @property
    def kinds(self) -> frozenset[MismatchKind]:
        return frozenset(mismatch.kind for mismatch in self.mismatches)


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """The result of a comparison.

    `compared` counts orders. `fills` and `records` count their fills and journal records. `too_new`
    orders differ, but may have changed after the time up to which the exchange's data is complete.
    `unjudged` orders differ, but data is `incomplete`, or they may have changed during the read and
    could not be read again. `damaged` lines could hold orders. `foreign_count` orders of other keys are in
    the journal but not in this account, so they cannot be compared.
    """

    differences: tuple[Difference, ...]
    compared: int
    fills: int = 0
    records: int = 0
    too_new: int = 0
    unjudged: int = 0
    incomplete: str | None = None
    damaged: int = 0
    foreign_count: int = 0

    @property
    def is_clean(self) -> bool:
        """True if everything was compared and nothing differs."""
        return not (self.differences or self.too_new or self.unjudged or self.incomplete or self.damaged)


def compare(
    rows: Iterable[HistoryRow],
    *,
    shown_until: datetime | None = None,
    clock_ahead: timedelta = timedelta(0),
    unsettled: Callable[[HistoryRow], bool] = lambda row: False,
    incomplete: str | None = None,
    damaged: int = 0,
) -> Reconciliation:
    """Compare the orders of a history.

    `shown_until`, by our clock, is the time up to which the exchange's lists are complete. None: they
    are current. `clock_ahead` is how far our clock is ahead of the exchange's. `unsettled` returns True
    for rows that may have changed during the read.
    """
    rows = tuple(rows)
    times = Counter(_intent_of(row) for row in rows if row.order is not None)
    mismatches = ((row, (*differences_of(row), *_doubles(row, times))) for row in rows)
    found = [Difference(row, own) for row, own in mismatches if own]

    def doubt(each: Difference) -> str | None:
        if unsettled(each.row) or (incomplete and _may_be_a_gap(each)):
            return _UNJUDGED
        return _TOO_NEW if _is_later(each.row, shown_until, clock_ahead) else None

    doubts = [(each, doubt(each)) for each in found]
    standing = [(_keep_sure(each) if why else each, why) for each, why in doubts]
    left = Counter(why for each, why in standing if not each.mismatches)
    return Reconciliation(
        differences=tuple(each for each, _ in standing if each.mismatches),
        compared=len(rows) - left.total(),
        fills=sum(len(row.fills) for row in rows),
        records=sum(len(row.records) for row in rows),
        too_new=left[_TOO_NEW],
        unjudged=left[_UNJUDGED],
        incomplete=incomplete,
        damaged=damaged,
    )


def _keep_sure(each: Difference) -> Difference:
    """Keep the mismatches that missing exchange data cannot explain.

    There may be none.
    """
    return replace(each, mismatches=tuple(mismatch for mismatch in each.mismatches if mismatch.kind in _SURE))


def _intent_of(row: HistoryRow) -> str:
    return "" if row.logged is None else row.logged.state.client_order_id


def _doubles(row: HistoryRow, times: Counter[str]) -> Iterator[Mismatch]:
    """Yield a mismatch if the exchange has several orders for one intent."""
    intent = _intent_of(row)
    if intent and times[intent] > 1:
        yield Mismatch(
            MismatchKind.TWICE, f"the exchange lists {times[intent]} orders with this client order ID"
        )


def _may_be_a_gap(difference: Difference) -> bool:
    """Check whether rows missing from a list could cause this difference."""
    return difference.kinds <= {MismatchKind.NOT_AT_EXCHANGE, MismatchKind.OPEN, MismatchKind.FILLS}


def _is_later(row: HistoryRow, shown_until: datetime | None, clock_ahead: timedelta) -> bool:
    """Check whether journal or exchange has an event after `shown_until`."""
    if shown_until is None:
        return False
    on_exchange = [fill.created_at for fill in row.fills]
    if row.order is not None:
        on_exchange += [row.order.created_at, row.order.updated_at]
    by_our_clock = (at + clock_ahead for at in on_exchange if at is not None)
    return any(at > shown_until for at in (*(record.at for record in row.records), *by_our_clock))


# --- One order ------------------------------------------------------------------------------------


def differences_of(row: HistoryRow) -> tuple[Mismatch, ...]:
    """Return every mismatch between journal and exchange for one order."""
    order, own = row.order, row.logged
    if order is None:
        return () if own is None else tuple(_unlisted(own))
    if own is None:
        sentence = "placed elsewhere, or its journal line is lost"
        return (Mismatch(MismatchKind.NOT_IN_JOURNAL, sentence), *_order_against_fills(order, row.fills))
    return (
        *_status(own, order),
        *_terms(own, order),
        *_counts(own, order),
        *_reported_fills(row, own),
        *_order_against_fills(order, row.fills),
    )


def _unlisted(own: LoggedOrder) -> Iterator[Mismatch]:
    if own.state.is_pending:
        yield Mismatch(MismatchKind.OPEN, "no answer was received, and the exchange does not list it so far")
    elif own.state.stage not in NO_ORDER_STAGES:
        yield Mismatch(
            MismatchKind.NOT_AT_EXCHANGE,
            f"accepted as {own.order_id or '?'}, but the exchange does not list it",
        )


def _status(own: LoggedOrder, order: Order) -> Iterator[Mismatch]:
    if own.state.is_refused(order):
        return
    if own.state.stage in NO_ORDER_STAGES or own.state.is_pending:
        yield Mismatch(
            MismatchKind.STATUS, f"journal: {own.state.stage.replace('_', ' ')}; exchange: {order.status}"
        )
        return
    possible = _possible_statuses(own)
    if order.status not in possible:
        words = " or ".join(sorted(possible))
        yield Mismatch(MismatchKind.STATUS, f"journal: expected {words}; exchange: {order.status}")


def _possible_statuses(own: LoggedOrder) -> frozenset[OrderStatus]:
    """Return the statuses that the exchange's last report still allows."""
    reported = own.reported
    if own.canceled_count > ZERO:
        return frozenset({OrderStatus.CANCELED})
    if reported is None or reported.remaining_count > ZERO or own.count is None:
        return frozenset(OrderStatus) - ({OrderStatus.RESTING} if own.is_canceled else set())
    return frozenset({OrderStatus.EXECUTED if reported.fill_count == own.count else OrderStatus.CANCELED})


def _terms(own: LoggedOrder, order: Order) -> Iterator[Mismatch]:
    """Compare market, direction, count and limit."""
    if own.tickers.isdisjoint({"", order.ticker}):
        yield Mismatch(MismatchKind.TERMS, f"journal: {own.state.ticker}; exchange: {order.ticker}")
    if own.count is not None and own.count != order.initial_count:
        yield _count_mismatch("contracts ordered", own.count, order.initial_count)
    action, side = own.action, own.side
    if action is None or side is None:
        return
    if BookSide.of(action, side) is not order.book_side:
        bought = order.book_side.long_outcome.upper()
        yield Mismatch(
            MismatchKind.TERMS, f"journal: {action.upper()} {side.upper()}; exchange: long {bought}"
        )
    elif own.price is not None and side.price_in_side(own.price) != order.yes_price:
        on_exchange = price_text(side.price_in_side(order.yes_price))
        yield Mismatch(MismatchKind.PRICE, f"limit: journal {price_text(own.price)}, exchange {on_exchange}")


def _counts(own: LoggedOrder, order: Order) -> Iterator[Mismatch]:
    """Compare filled and canceled contracts with the last report."""
    reported, most = own.reported, own.max_filled
    canceled = order.initial_count - order.fill_count - order.remaining_count
    if canceled < own.canceled_count:
        yield _count_mismatch("contracts canceled", own.canceled_count, canceled)
    if reported is None or most is None:
        return
    if not reported.fill_count <= order.fill_count <= most:
        bound = reported.fill_count if order.fill_count < reported.fill_count else most
        yield _count_mismatch("contracts filled", bound, order.fill_count)


def _reported_fills(row: HistoryRow, own: LoggedOrder) -> Iterator[Mismatch]:
    """Compare the journal's average price and fee with the fills it covers.

    The journal reports a quantity. The oldest fills up to that quantity are compared.
    """
    reported = own.reported
    first = () if reported is None else first_fills(row.fills, reported.fill_count)
    if reported is None or first is None:
        return
    fees = sum((fill.fee for fill in first), ZERO)
    if reported.fee is not None and not _agree(reported.fee, fees):
        yield _dollar_mismatch(MismatchKind.FEES, "fees: journal", reported.fee, "fills", fees)
    side = own.side
    average = None if side is None else average_price(first, reported.fill_count, side)
    if reported.average_price is not None and average is not None and reported.average_price != average:
        here, on_exchange = price_text(reported.average_price), price_text(average)
        yield Mismatch(MismatchKind.PRICE, f"average price: journal {here}, fills {on_exchange}")


def first_fills(fills: Iterable[Fill], count: Contracts) -> tuple[Fill, ...] | None:
    """Return the oldest fills whose counts add up to `count`.

    None: no leading fills add up to it.
    """
    first: list[Fill] = []
    left = count
    for fill in fills:
        if left <= ZERO:
            break
        first.append(fill)
        left -= fill.count
    return tuple(first) if left == ZERO else None


def _order_against_fills(order: Order, fills: tuple[Fill, ...]) -> Iterator[Mismatch]:
    """Compare the exchange's order with its own fills."""
    if any((fill.ticker, fill.book_side) != (order.ticker, order.book_side) for fill in fills):
        yield Mismatch(MismatchKind.FILLS, "a fill has another market or direction than its order")
    filled = sum((fill.count for fill in fills), ZERO)
    if filled != order.fill_count:
        counts = f"fills {count_text(filled)}, order {count_text(order.fill_count)}"
        yield Mismatch(MismatchKind.FILLS, f"contracts filled: {counts}")
        return
    is_bid, limit = order.book_side is BookSide.BID, order.yes_price
    worse = [fill for fill in fills if (fill.yes_price > limit if is_bid else fill.yes_price < limit)]
    if worse:
        yield Mismatch(
            MismatchKind.PRICE, f"a fill at YES {price_text(worse[0].yes_price)} is beyond the limit"
        )
    fees = sum((fill.fee for fill in fills), ZERO)
    if not _agree(order.fees, fees):
        yield _dollar_mismatch(MismatchKind.FEES, "fees: order", order.fees, "fills", fees)
    if not any(_agree(order.fill_cost, cost) for cost in _costs(order, fills)):
        yield _dollar_mismatch(
            MismatchKind.PRICE, "cost: order", order.fill_cost, "fills", _costs(order, fills)[0]
        )


def _costs(order: Order, fills: tuple[Fill, ...]) -> tuple[Dollars, ...]:
    """Return the possible costs of the fills.

    A bid's cost is at the price of the side it went long. For an ask this is not proved, so the cost in
    YES is also returned. Source: Kalshi API, orders.
    """
    in_yes = sum((fill.count * fill.yes_price for fill in fills), ZERO)
    if order.book_side is BookSide.BID:
        return (in_yes,)
    return (order.fill_count - in_yes, in_yes)


def _agree(one: Dollars, other: Dollars) -> bool:
    """Treat a difference below a hundredth of a cent as rounding."""
    return abs(one - other) < BALANCE_GRAIN


def _count_mismatch(what: str, here: Contracts, on_exchange: Contracts) -> Mismatch:
    return Mismatch(
        MismatchKind.COUNT, f"{what}: journal {count_text(here)}, exchange {count_text(on_exchange)}"
    )


def _dollar_mismatch(kind: MismatchKind, what: str, one: Dollars, whose: str, other: Dollars) -> Mismatch:
    return Mismatch(kind, f"{what} {dollars_text(one)}, {whose} {dollars_text(other)}")
