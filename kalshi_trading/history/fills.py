"""Read the account's fills, with the action and side of our orders.

The exchange is the truth for prices, counts and fees. The journal adds the action and side as
placed. Only reads.
"""

from __future__ import annotations

from datetime import date, timedelta

from kalshi_trading.core.dates import local_date, local_midnight
from kalshi_trading.core.models import Fill
from kalshi_trading.core.pnl import oldest_first
from kalshi_trading.kalshi_client import KalshiClient
from kalshi_trading.trade_logger import TradeLogger


def read_fills(
    client: KalshiClient, journal: TradeLogger, first: date | None = None, last: date | None = None
) -> tuple[Fill, ...]:
    """Read the fills of the local days `first` to `last`, oldest first.

    Both days are included. None: no bound. A fill without a time is in no period. Raises
    KalshiAPIError, JournalError.
    """
    since = None if first is None else local_midnight(first)
    until = None if last is None else local_midnight(last + timedelta(days=1))
    if journal.own_orders.has_unmapped_orders():
        journal.own_orders.remember(client.each_order())
    rows = []
    for fill in client.each_fill(since=since, until=until):
        day = None if fill.created_at is None else local_date(fill.created_at)
        if (first or last) and (day is None or not (first or day) <= day <= (last or day)):
            continue
        rows.append(fill)
    return journal.own_orders.with_placed_action(oldest_first(rows))
