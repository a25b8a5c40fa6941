"""Report and record resting orders that filled or ended, once each.

Calls the exchange only while the journal has resting orders. Reads lag writes, so an order missing
from a list proves nothing; that order itself is then read. Sends nothing, cancels nothing, renders
nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime

from kalshi_trading.core.dates import utc_now
from kalshi_trading.core.errors import JournalError, KalshiAPIError, NotFoundError
from kalshi_trading.core.models import Order, OrderStatus, Side
from kalshi_trading.core.money import ZERO, Contracts, Price, count_text, dollars_text, price_text
from kalshi_trading.core.pnl import average_price
from kalshi_trading.core.results import fetch_or_none
from kalshi_trading.core.valuation import floor_cancel
from kalshi_trading.journal.events import ENDED_EVENT
from kalshi_trading.journal.order_log import LoggedOrder, ReportedFills, is_own
from kalshi_trading.kalshi_client import READ_LAG, KalshiClient
from kalshi_trading.orders.execution.journal_fields import listed_fields, name_fields
from kalshi_trading.trade_logger import TradeLogger

MAX_SINGLE_READS = 10
"""Orders read one by one in a look; a long backlog takes several looks."""
_ENDED = frozenset({OrderStatus.CANCELED, OrderStatus.EXECUTED})


class RestingOrderMonitor:
    """Watches our resting orders, including those of other sessions.

    The sessions must share this journal.
    """

    def __init__(
        self,
        client: KalshiClient,
        journal: TradeLogger,
        *,
        account: str | None = None,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._client = client
        self._journal = journal
        self._account = account
        self._clock = clock
        self._read_until = 0
        self._order_ids: dict[str, str] = {}
        self._resting: dict[str, tuple[LoggedOrder, ReportedFills]] = {}
        self._last_reported: dict[str, tuple[Contracts, Contracts]] = {}
        self._unknown: set[str] = set()

    def look(self) -> tuple[str, ...]:
        """Return and record what filled or ended since the journal's last report.

        A later look reports what cannot be read now. Never raises for the exchange or the journal.
        """
        try:
            self._read()
            if not self._resting:
                return ()
            listed = self._client.get_orders(status=OrderStatus.RESTING).require_complete()
        except (KalshiAPIError, JournalError):
            return ()
        return tuple(self._report(order) for order in self._changed(listed))

    def unlisted(self, listed: Iterable[Order]) -> tuple[str, ...]:
        """Return recent resting orders of the journal that `listed` lacks.

        They are as young as READ_LAG at most, so a list may not show them yet.
        """
        try:
            self._read()
        except JournalError:
            return ()
        names = {order.order_id for order in listed}
        states = [own.state for name, (own, _) in self._resting.items() if name not in names]
        return tuple(state.sentence for state in states if self._clock() - state.intent_at <= READ_LAG)

    def _read(self) -> None:
        """Read what was added to the journal since the last look.

        Raises JournalError.
        """
        changes = self._journal.changes(self._read_until)
        self._read_until = changes.until
        for name, order in changes.orders:
            self._resting.pop(self._order_ids.pop(name, ""), None)
            if (
                order is not None
                and order.is_resting
                and order.order_id
                and is_own(order.state, self._journal.environment, self._account)
            ):
                assert order.reported is not None
                self._order_ids[name] = order.order_id
                self._resting[order.order_id] = order, order.reported

    def _changed(self, listed: Iterable[Order]) -> list[Order]:
        """Return the orders that changed since the last report, newest first.

        Orders missing from the list are read one by one.
        """
        rows = {order.order_id: order for order in listed}
        missing = [name for name in reversed(self._resting) if name not in rows and name not in self._unknown]
        for name in missing[:MAX_SINGLE_READS]:
            try:
                rows[name] = self._client.get_order(name)
            except NotFoundError:
                self._give_up(name)
            except KalshiAPIError:
                break
        return [rows[name] for name in reversed(self._resting) if name in rows and self._is_new(rows[name])]

    def _give_up(self, name: str) -> None:
        """Stop asking for an order that was not found, unless it may be too new."""
        if self._clock() - self._resting[name][0].state.intent_at > READ_LAG:
            self._unknown.add(name)

    def _is_new(self, order: Order) -> bool:
        _, reported = self._resting[order.order_id]
        has_filled = order.fill_count > reported.fill_count
        has_ended = order.status in _ENDED and order.fill_count >= reported.fill_count
        now = order.fill_count, order.remaining_count
        return (has_filled or has_ended) and self._last_reported.get(order.order_id) != now

    def _report(self, order: Order) -> str:
        """Record what happened to an order and return it as a sentence.

        The sentence is returned even if the record fails.
        """
        own, reported = self._resting[order.order_id]
        self._client.expire_balance()
        self._last_reported[order.order_id] = order.fill_count, order.remaining_count
        average = self._average(order, own.side)
        happened = _describe_change(order, reported, average, self._reason(order))
        wish = {name: own.text(name) for name in ("action", "side", "count")}
        fields = {**wish, **name_fields(own.state), **listed_fields(order, happened)}
        try:
            if order.fill_count > reported.fill_count:
                self._journal.log_order_fill({**fields, "average_price": average})
            else:
                self._journal.log_event(ENDED_EVENT, fields)
        except JournalError as error:
            return f"{own.state.sentence}: {happened}. Not recorded. {error}"
        return f"{own.state.sentence}: {happened}."

    def _reason(self, order: Order) -> str | None:
        """Return why an order was canceled. None: not canceled, or not known."""
        if order.status is not OrderStatus.CANCELED:
            return None
        return fetch_or_none(lambda: floor_cancel(order, self._client.get_market(order.ticker)))

    def _average(self, order: Order, side: Side | None) -> Price | None:
        """Return the average price of all fills.

        None: nothing filled, the side is not known, or not all fills can be read.
        """
        if order.fill_count == ZERO or side is None:
            return None
        fills = fetch_or_none(lambda: self._client.get_fills(order_id=order.order_id))
        return None if fills is None else average_price(fills, order.fill_count, side)


def _describe_change(order: Order, reported: ReportedFills, average: Price | None, reason: str | None) -> str:
    """Describe the change in counts: all filled, more filled, or ended.

    `reason` says why it was canceled. None: not known.
    """
    ended = reason or "no longer open"
    filled = f"{count_text(order.fill_count)} of {count_text(order.initial_count)}"
    if average is not None:
        filled += f" at {price_text(average)} on average"
    filled += f", fee {dollars_text(order.fees)}"
    if order.status not in _ENDED:
        return f"partly filled, {filled}; {count_text(order.remaining_count)} still open"
    if order.fill_count == order.initial_count:
        return f"filled, {filled}"
    if order.fill_count > reported.fill_count:
        return f"partly filled, {filled}; the rest is {ended}"
    left = order.initial_count - order.fill_count
    return f"{ended}, {count_text(left)} of {count_text(order.initial_count)} not filled"
