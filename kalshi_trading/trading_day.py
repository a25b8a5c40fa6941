"""What this account did since local midnight: orders and buying by the journal, profit by the exchange.

The journal of the day before is read too: an order of a moment ago, or one of unknown outcome, is no less
ours after midnight. Knows where a day begins and what a market had earned before it. Decides nothing and
never renders.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from kalshi_trading.cancellation import panic_stands
from kalshi_trading.journal import JournalRecord
from kalshi_trading.journal_orders import JournaledOrder, journaled_orders
from kalshi_trading.kalshi_client import KalshiClient
from kalshi_trading.market_account import oldest_first
from kalshi_trading.models import Action, BookSide, Fill, Settlement, Side, TimeInForce
from kalshi_trading.money import ZERO, Contracts, Dollars, decimal_from_text
from kalshi_trading.order_life import WITHOUT_ORDER, OrderLife
from kalshi_trading.periods import local_midnight
from kalshi_trading.pnl import Holding, add_fill, holding_from, settlement_net_pnl
from kalshi_trading.portfolio import PositionPnl
from kalshi_trading.portfolio_tracker import PortfolioTracker
from kalshi_trading.proposal import DayPnl, DayTotals, RecentOrder, SentOrder
from kalshi_trading.sent_orders import sent_orders
from kalshi_trading.trade_logger import TradeLogger

_RECENT = timedelta(minutes=1)
_SECOND = timedelta(seconds=1)


def start_of_day(at: datetime) -> datetime:
    """Give the moment where the local day of `at` began."""
    return local_midnight(at.astimezone().date())


@dataclass(frozen=True, slots=True)
class OrdersSoFar:
    """What the journal tells of our orders: those of the last minute, the day's counters, and their state.

    `open_lives` are of unknown outcome, also where another session sent them. `today` is without profit.
    """

    recent: tuple[RecentOrder, ...]
    today: DayTotals
    sent: tuple[SentOrder, ...] = ()
    open_lives: tuple[OrderLife, ...] = ()
    panic_stands: bool = False  # in whichever session it was


class TradingDay:
    """Reads the day's counters anew each time; only what was before midnight is remembered."""

    def __init__(
        self,
        client: KalshiClient,
        journal: TradeLogger,
        *,
        account: str | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._client = client
        self._journal = journal
        self._account = account
        self._tracker = PortfolioTracker(client, clock=clock)
        self._clock = clock
        self._before: dict[tuple[str, datetime], Holding] = {}

    def orders(self, *, back_to: datetime | None = None) -> OrdersSoFar:
        """Read our orders of today and yesterday, or since an earlier moment, once. Raises JournalError."""
        now = self._clock()
        since = min(now, back_to or now).astimezone().date() - timedelta(days=1)
        records = self._journal.read_journal(since).records
        told = journaled_orders(records, self._journal.environment, self._account)
        recent, today = orders_of_day(told.known.values(), now)
        own = told.orders.values()
        open_lives = tuple(order.life for order in own if order.life.is_open)
        return OrdersSoFar(recent, today, sent_orders(own), open_lives, panic_stands(records, self._account))

    def pnl(self) -> DayPnl:
        """Read the day's profit in one round of requests, a second one for markets held over midnight.

        Raises KalshiAPIError when any part cannot be read whole.
        """
        midnight = start_of_day(self._clock())
        since = midnight - _SECOND  # whether the bound itself is inside is not documented
        with ThreadPoolExecutor(max_workers=2) as pool:
            fills = pool.submit(self._client.get_fills, since=since)
            settlements = pool.submit(self._client.get_settlements, since=since)
            positions = self._tracker.get_current_positions()
        settled = {row.ticker: row for row in settlements.result().whole() if row.settled_at >= midnight}
        realized = self._realized(_today(fills.result().whole(), midnight), settled, positions, midnight)
        return DayPnl(realized, *_at_mark(positions))

    def _realized(
        self,
        fills: dict[str, list[Fill]],
        settled: dict[str, Settlement],
        positions: Sequence[PositionPnl],
        midnight: datetime,
    ) -> Dollars:
        nets = {row.position.ticker: row.position.net for row in positions}

        def realized(ticker: str) -> Dollars:
            today, end = fills.get(ticker, []), settled.get(ticker)
            began_flat = _explains(today, nets.get(ticker, ZERO), end)
            before = Holding() if began_flat else self._holding_before(ticker, midnight)
            return realized_since(before, today, end)

        with ThreadPoolExecutor(max_workers=4) as pool:
            return sum(pool.map(realized, sorted(fills.keys() | settled.keys())), ZERO)

    def _holding_before(self, ticker: str, midnight: datetime) -> Holding:
        """Replay a market's fills up to midnight, once a day."""
        if (ticker, midnight) not in self._before:
            rows = [
                *self._client.get_fills(ticker=ticker, until=midnight + _SECOND).whole(),
                *self._client.get_historical_fills(ticker=ticker).whole(),
            ]
            once = {fill.fill_id: fill for fill in rows if not _is_since(fill, midnight)}
            self._before[ticker, midnight] = holding_from(oldest_first(once.values()))
        return self._before[ticker, midnight]


def orders_of_day(
    orders: Iterable[JournaledOrder], now: datetime
) -> tuple[tuple[RecentOrder, ...], DayTotals]:
    """Give the orders of the last minute, and the counters of the local day of `now`.

    What ended without an order at the exchange counts for nothing.
    """
    placed = (order.intent for order in orders if order.life.state not in WITHOUT_ORDER)
    intents = [record for record in placed if record is not None]
    day = now.astimezone().date()
    today = [record for record in intents if record.at.astimezone().date() == day]
    bought = sum((decimal_from_text(record.text("cost")) or ZERO for record in today), ZERO)
    recent = (_recent_order(record) for record in intents if record.at >= now - _RECENT)
    return tuple(order for order in recent if order is not None), DayTotals(bought, len(today))


def _recent_order(record: JournalRecord) -> RecentOrder | None:
    count, price = decimal_from_text(record.text("count")), decimal_from_text(record.text("price"))
    try:
        action, side = Action(record.text("action")), Side(record.text("side"))
    except ValueError:
        return None
    if count is None or price is None:
        return None
    at_once = record.text("time_in_force") == TimeInForce.IMMEDIATE_OR_CANCEL
    return RecentOrder(record.text("ticker"), action, side, count, price, record.at, at_once)


def realized_since(before: Holding, fills: Iterable[Fill], settlement: Settlement | None) -> Dollars:
    """Give what one market earned since `before`, first in first out, fees inside; fills oldest first."""
    earned_before = before.realized_pnl - before.fees_paid
    if settlement is not None:
        return settlement_net_pnl(settlement) - earned_before
    after = before
    for fill in fills:
        after = add_fill(after, fill)
    return after.realized_pnl - after.fees_paid - earned_before


def _today(fills: Iterable[Fill], midnight: datetime) -> dict[str, list[Fill]]:
    rows: dict[str, list[Fill]] = {}
    for fill in oldest_first({fill.fill_id: fill for fill in fills}.values()):
        if _is_since(fill, midnight):
            rows.setdefault(fill.ticker, []).append(fill)
    return rows


def _is_since(fill: Fill, midnight: datetime) -> bool:
    """Tell whether a fill is of today; one without a time is taken as such."""
    return fill.created_at is None or fill.created_at >= midnight


def _explains(fills: Sequence[Fill], net: Contracts, settlement: Settlement | None) -> bool:
    """Tell whether today's fills alone make the position, or the settled counts: nothing was held before."""
    if settlement is None:
        return holding_from(fills).net == net
    bids = sum((fill.count for fill in fills if fill.book_side is BookSide.BID), ZERO)
    asks = sum((fill.count for fill in fills if fill.book_side is BookSide.ASK), ZERO)
    return (bids, asks) == (settlement.yes_count, settlement.no_count)


def _at_mark(positions: Sequence[PositionPnl]) -> tuple[Dollars, Dollars]:
    """Give the unrealized profit of what has a mark, and the cost of what has none."""
    held = [row for row in positions if row.position.side is not None]
    unrealized = sum((row.unrealized_pnl or ZERO for row in held), ZERO)
    unmarked = sum((row.position.cost_basis for row in held if row.unrealized_pnl is None), ZERO)
    return unrealized, unmarked
