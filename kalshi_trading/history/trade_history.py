"""The exchange's orders and fills joined with the journal, newest first.

The exchange is the truth for counts, prices and fees. The journal adds the user's action and side,
and the orders the exchange never took. An order unknown to the journal was placed elsewhere and is
marked external. Reports what may be missing. Never renders, never trades. Source: Kalshi API,
historical data.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import TypeVar

from kalshi_trading.core.dates import Period, local_date
from kalshi_trading.core.models import Fill, Order
from kalshi_trading.core.pnl import oldest_first
from kalshi_trading.core.results import Listing, Progress
from kalshi_trading.history.rows import HistoryRow, is_placed_in
from kalshi_trading.journal.order_log import LoggedOrder, LoggedOrders, logged_orders
from kalshi_trading.journal.records import UNDAMAGED, Damage
from kalshi_trading.kalshi_client import KalshiClient
from kalshi_trading.trade_logger import TradeLogger

T = TypeVar("T")
MAX_ORDERS = 1000
"""Orders read if no period is given: as many as one page holds."""
ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class TradeHistory:
    """Orders, newest first.

    `incomplete` says why some may be missing. `is_joined` False: no exchange was read, so the rows are
    the journal's alone.
    """

    rows: tuple[HistoryRow, ...]
    incomplete: str | None = None
    damage: Damage = UNDAMAGED
    foreign_count: int = 0
    """Number of journal orders of other keys that the exchange does not list; they are left out."""
    is_joined: bool = True


@dataclass(frozen=True, slots=True)
class ExchangeHistory:
    """Orders and fills from the live and the historical lists, each once.

    `oldest` is the time at which a limited list ends. `orders_missing` and `fills_missing` say why some
    may be missing.
    """

    orders: tuple[Order, ...]
    fills: Mapping[str, tuple[Fill, ...]]  # by order_id, oldest first
    orders_missing: str | None = None
    fills_missing: str | None = None
    oldest: datetime | None = None

    @property
    def incomplete(self) -> str | None:
        return _join_reasons(self.orders_missing, self.fills_missing)


def _join_reasons(*reasons: str | None) -> str | None:
    return "; ".join(dict.fromkeys(reason for reason in reasons if reason)) or None


def load_history(
    client: KalshiClient,
    journal: TradeLogger,
    *,
    account: str | None = None,
    period: Period | None = None,
    most: int | None = MAX_ORDERS,
    progress: Progress | None = None,
) -> TradeHistory:
    """Read and join the orders placed in a period, or the newest `most`.

    Raises KalshiAPIError when orders or fills cannot be read at all. Raises JournalError.
    """
    since = None if period is None else period.start - ONE_DAY
    on_exchange = read_exchange(client, since=since, most=None if period else most, progress=progress)
    with _gc_disabled():
        logged, damage = read_order_log(journal, _journal_since(period, on_exchange.oldest), account)
        rows = [
            row for row in join_orders(on_exchange, logged) if _is_wanted(row, period, on_exchange.oldest)
        ]
        foreign = [
            row for row in foreign_rows(on_exchange, logged) if _is_wanted(row, period, on_exchange.oldest)
        ]
    return TradeHistory(newest_first(rows), on_exchange.incomplete, damage, len(foreign))


def history_from_journal(journal: TradeLogger, *, period: Period | None = None) -> TradeHistory:
    """Return the history from the journal alone, without an exchange.

    Raises JournalError.
    """
    logged, damage = read_order_log(journal, _journal_since(period, None), None)
    rows = [row for row in join_orders(ExchangeHistory((), {}), logged) if _is_wanted(row, period, None)]
    return TradeHistory(newest_first(rows), None, damage, is_joined=False)


@contextmanager
def _gc_disabled() -> Iterator[None]:
    """Disable the garbage collector while loading.

    The journal creates no garbage cycles, so collecting again and again only costs time.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def read_order_log(
    journal: TradeLogger, since: date | None, account: str | None
) -> tuple[LoggedOrders, Damage]:
    """Read the journal's orders since a local day, and older ones it names.

    The end of an order may be recorded weeks after its intent; then the whole journal is read. Raises
    JournalError.
    """
    reading = journal.read_journal(since)
    logged = logged_orders(reading.records, journal.environment, account)
    if since is not None and any(order.intent is None for order in logged.all_orders.values()):
        return read_order_log(journal, None, account)
    return logged, reading.damage


def _journal_since(period: Period | None, oldest: datetime | None) -> date | None:
    """Return the first day of the journal to read, one day early.

    An intent is written before its order exists, and clocks may differ. None: read the whole journal.
    """
    if period is not None:
        return period.first - ONE_DAY
    return None if oldest is None else local_date(oldest - ONE_DAY)


def _is_wanted(row: HistoryRow, period: Period | None, oldest: datetime | None) -> bool:
    if period is not None:
        return is_placed_in(period, row)
    return oldest is None or row.placed_at is None or row.placed_at >= oldest


def newest_first(rows: Iterable[HistoryRow]) -> tuple[HistoryRow, ...]:
    """Sort rows by time of placing; those without a time come last."""

    def placed_at(row: HistoryRow) -> float:
        return 0.0 if row.placed_at is None else row.placed_at.timestamp()

    return tuple(sorted(rows, key=placed_at, reverse=True))


def join_orders(on_exchange: ExchangeHistory, logged: LoggedOrders) -> list[HistoryRow]:
    """Join every exchange order and every journal order of ours, each once.

    An order that the exchange lists under one of our ids is this account's, whatever key sent it.
    """
    found = _matches(on_exchange, logged)
    rows = []
    for order in on_exchange.orders:
        own = found.get(order.order_id)
        records = own.records if own is not None else logged.records.get(order.client_order_id, ())
        rows.append(HistoryRow(order, own, records, on_exchange.fills.get(order.order_id, ())))
    return [*rows, *_unlisted(logged.orders, found)]


def foreign_rows(on_exchange: ExchangeHistory, logged: LoggedOrders) -> list[HistoryRow]:
    """Return journal orders of other keys that the exchange does not list."""
    return _unlisted(logged.foreign, _matches(on_exchange, logged)) if logged.foreign else []


def _matches(on_exchange: ExchangeHistory, logged: LoggedOrders) -> dict[str, LoggedOrder]:
    """Match journal orders to exchange orders, by order_id.

    Matches by client_order_id, or else by the order_id the exchange gave.
    """
    known = logged.all_orders
    found = {
        order.order_id: known[order.client_order_id]
        for order in on_exchange.orders
        if order.client_order_id in known
    }
    if len(found) < len(on_exchange.orders):
        by_order_id = {own.order_id: own for own in known.values() if own.order_id}
        unnamed = (order.order_id for order in on_exchange.orders if order.order_id not in found)
        found |= {order_id: by_order_id[order_id] for order_id in unnamed if order_id in by_order_id}
    return found


def _unlisted(logged: Mapping[str, LoggedOrder], found: Mapping[str, LoggedOrder]) -> list[HistoryRow]:
    listed = {own.state.client_order_id for own in found.values()}
    return [HistoryRow(None, own, own.records, ()) for name, own in logged.items() if name not in listed]


# --- Reading --------------------------------------------------------------------------------------


def read_exchange(
    client: KalshiClient,
    *,
    since: datetime | None = None,
    most: int | None = None,
    progress: Progress | None = None,
) -> ExchangeHistory:
    """Read orders placed since a time with their fills, or the newest `most`.

    The archive is read after the live list. Rows move only from live to archive, so none is missed in
    between. The exchange does not document whether its time bound means placing or last change. A lower
    bound is right either way; an upper bound would not be. Raises KalshiAPIError.
    """
    live = client.get_orders(since=since, limit=most, progress=progress)
    oldest = _end_of(live, most)
    old = client.get_historical_orders(
        since=oldest or since, limit=None if oldest else most, progress=_beyond(len(live), progress)
    )
    oldest = oldest or _end_of(old, most)
    orders = _dedupe(lambda order: order.order_id, live, old)
    if oldest is not None:
        orders = [order for order in orders if order.created_at is None or order.created_at >= oldest]
    live_fills = client.get_fills(since=oldest or since, progress=progress)
    old_fills = client.get_historical_fills(
        since=oldest or since, progress=_beyond(len(live_fills), progress)
    )
    return ExchangeHistory(
        orders=tuple(orders),
        fills=_by_order(_dedupe(lambda fill: fill.fill_id, live_fills, old_fills)),
        orders_missing=_join_reasons(live.incomplete, old.incomplete),
        fills_missing=_join_reasons(live_fills.incomplete, old_fills.incomplete),
        oldest=oldest,
    )


def _end_of(orders: Listing[Order], most: int | None) -> datetime | None:
    """Return the placing time of the last order in a list cut at `most`.

    None: the list was not cut.
    """
    if most is None or orders.incomplete is None or len(orders) < most:
        return None
    return min((order.created_at for order in orders if order.created_at is not None), default=None)


def _beyond(before: int, progress: Progress | None) -> Progress | None:
    """Return a callback that adds the rows of earlier lists to its count.

    None: `progress` is None.
    """
    return None if progress is None else lambda rows: progress(before + rows)


def _dedupe(identity: Callable[[T], str], *listings: Listing[T]) -> list[T]:
    """Merge overlapping lists; the last read of a row wins."""
    return list({identity(row): row for listing in listings for row in listing}.values())


def _by_order(fills: Sequence[Fill]) -> dict[str, tuple[Fill, ...]]:
    """Group fills by order, oldest first."""
    rows: dict[str, list[Fill]] = {}
    for fill in fills:
        rows.setdefault(fill.order_id, []).append(fill)
    return {order_id: tuple(oldest_first(own)) for order_id, own in rows.items()}


def with_order(row: HistoryRow, order: Order, fills: Iterable[Fill]) -> HistoryRow:
    """Replace an order of a row with a newer read; `fills` are newest first."""
    return replace(row, order=order, fills=tuple(oldest_first(fills)))
