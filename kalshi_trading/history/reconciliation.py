"""Compare the exchange's orders with the journal, rereading what may lag."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

from kalshi_trading.core.dates import Period, utc_now
from kalshi_trading.core.errors import KalshiAPIError
from kalshi_trading.core.money import ZERO
from kalshi_trading.core.results import Progress
from kalshi_trading.history.comparison import Reconciliation, compare
from kalshi_trading.history.rows import HistoryRow
from kalshi_trading.history.trade_history import load_history, with_order
from kalshi_trading.kalshi_client import READ_LAG, KalshiClient
from kalshi_trading.settings.behavior import ASSUMED, ExchangeBehavior
from kalshi_trading.trade_logger import TradeLogger

MAX_READ_AGAIN = 200


def reconcile(
    client: KalshiClient,
    journal: TradeLogger,
    *,
    account: str | None = None,
    period: Period | None = None,
    behavior: ExchangeBehavior = ASSUMED,
    clock: Callable[[], datetime] = utc_now,
    progress: Progress | None = None,
) -> Reconciliation:
    """Read exchange and journal of a period and compare them.

    Orders that differ are read a second time. An order may fill between the reads of orders and fills;
    that is no difference. Raises KalshiAPIError, JournalError.
    """
    clock_ahead = timedelta(seconds=client.clock_skew_s or 0)
    shown_until = _shown_until(client, behavior, clock(), clock_ahead)
    history = load_history(client, journal, account=account, period=period, most=None, progress=progress)

    compare_rows = partial(
        compare,
        shown_until=shown_until,
        clock_ahead=clock_ahead,
        incomplete=history.incomplete,
        damaged=len(history.damage),
    )
    wanted = [each.row for each in compare_rows(history.rows).differences if _may_have_moved(each.row)]
    again = _read_again(client, wanted)
    rows = [again.get(row.order_id, row) for row in history.rows]
    left = {row.order_id for row in wanted} - again.keys()
    return replace(
        compare_rows(rows, unsettled=lambda row: row.order_id in left), foreign_count=history.foreign_count
    )


def _shown_until(
    client: KalshiClient, behavior: ExchangeBehavior, now: datetime, clock_ahead: timedelta
) -> datetime:
    """Return the time up to which the exchange's data is complete.

    By our clock. If it cannot be read: READ_LAG ago.
    """
    try:
        return behavior.complete_until(client.get_user_data_timestamp()) + clock_ahead
    except KalshiAPIError:
        return now - READ_LAG


def _may_have_moved(row: HistoryRow) -> bool:
    """Check whether fills may be newer than their order.

    The order was read first, and it rested.
    """
    return row.order is not None and row.order.remaining_count > ZERO


def _read_again(client: KalshiClient, rows: Sequence[HistoryRow]) -> dict[str, HistoryRow]:
    """Read orders again with their fills, by order_id.

    Leaves out orders that cannot be read. Reads MAX_READ_AGAIN at most.
    """
    again = {}
    for row in rows[:MAX_READ_AGAIN]:
        try:
            order = client.get_order(row.order_id)
            listed = client.get_fills(order_id=row.order_id).require_complete()
        except KalshiAPIError:
            continue
        fills = {fill.fill_id: fill for fill in (*reversed(row.fills), *listed)}
        again[row.order_id] = with_order(row, order, fills.values())
    return again
