"""Export fills, orders, positions, settlements, journal and closed lots.

Numbers are the exchange's, digit by digit. Action and side are the user's where the journal has
them and they mean what the exchange has. Orders with no id in the journal are marked external. Rows
are written as they are read and not kept: newest first, the journal oldest first. Never renders,
never trades.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from kalshi_trading.core.dates import Period
from kalshi_trading.core.models import Fill, Order, Settlement
from kalshi_trading.core.pnl import settlement_gross_pnl, settlement_net_pnl
from kalshi_trading.core.results import Progress
from kalshi_trading.core.text import pluralize
from kalshi_trading.history.tax_export import TAX, TaxInputs, closed_lots, fills_by_market, lot_row
from kalshi_trading.journal.csv_rows import JOURNAL, journal_row
from kalshi_trading.journal.files.table_files import Format, Row, Table, write_table
from kalshi_trading.journal.own_orders import OwnOrders
from kalshi_trading.journal.records import JournalRecord
from kalshi_trading.kalshi_client import KalshiClient
from kalshi_trading.portfolio.settled_floors import SettledFloors
from kalshi_trading.portfolio.snapshot import PositionPnl
from kalshi_trading.portfolio_tracker import PortfolioTracker
from kalshi_trading.trade_logger import TradeLogger

TRADES = Table(
    "trades",
    (
        "time",
        "ticker",
        "action",
        "side",
        "count",
        "price",
        "fee",
        "is_taker",
        "origin",
        "book_side",
        "yes_price",
        "fill_id",
        "order_id",
        "client_order_id",
    ),
)
ORDERS = Table(
    "orders",
    (
        "created_at",
        "updated_at",
        "ticker",
        "action",
        "side",
        "status",
        "price",
        "initial_count",
        "fill_count",
        "remaining_count",
        "exchange_fill_cost",
        "fees",
        "origin",
        "book_side",
        "yes_price",
        "expires_at",
        "order_id",
        "client_order_id",
    ),
)
POSITIONS = Table(
    "positions",
    (
        "as_of",
        "ticker",
        "event_ticker",
        "market_title",
        "side",
        "net",
        "cost_basis",
        "mark_price",
        "value",
        "unrealized_pnl",
        "realized_pnl",
        "fees_paid",
        "total_traded",
        "updated_at",
    ),
)
SETTLEMENTS = Table(
    "settlements",
    (
        "settled_at",
        "ticker",
        "event_ticker",
        "result",
        "value",
        "yes_count",
        "yes_cost",
        "no_count",
        "no_cost",
        "revenue",
        "fees",
        "gross_pnl",
        "net_pnl",
    ),
)


@dataclass(frozen=True, slots=True)
class Exported:
    """A finished export; `notes` tell the user what the file lacks."""

    table: Table
    path: Path
    rows: int
    period: Period | None
    notes: tuple[str, ...]


@dataclass(slots=True)
class _ExportRun:
    """The state of one export."""

    period: Period | None
    progress: Progress
    notes: list[str] = field(default_factory=list)
    damaged: int = 0
    timeless: int = 0

    @property
    def since(self) -> datetime | None:
        return None if self.period is None else self.period.start

    @property
    def until(self) -> datetime | None:
        return None if self.period is None else self.period.end

    def wants(self, at: datetime | None) -> bool:
        """Check whether a row belongs in the file.

        A row without a time belongs in no period; it is counted in `timeless`.
        """
        if self.period is None:
            return True
        self.timeless += at is None
        return at is not None and self.period.contains(at)


class Exporter:
    """Writes the tables of one account."""

    def __init__(
        self,
        client: KalshiClient,
        tracker: PortfolioTracker,
        journal: TradeLogger,
        clock: Callable[[], datetime],
    ) -> None:
        self._client = client
        self._tracker = tracker
        self._journal = journal
        self._clock = clock
        self._rows: dict[Table, Callable[[_ExportRun], Iterator[Row]]] = {
            TRADES: self._trades,
            ORDERS: self._orders,
            POSITIONS: self._positions,
            SETTLEMENTS: self._settlements,
            JOURNAL: self._events,
            TAX: self._lots,
        }

    def export(
        self,
        table: Table,
        path: Path,
        *,
        period: Period | None = None,
        written_as: Format = Format.CSV,
        replace: bool = False,
        progress: Progress = lambda rows: None,
    ) -> Exported:
        """Write one table to a file.

        `period` None: everything. Positions are as of now, whatever the period. Raises InvalidInputError
        when the file exists and `replace` is False, or when it cannot be written. Raises KalshiAPIError or
        JournalError when the rows cannot be read completely. On any error no file is written.
        """
        task = _ExportRun(None if table is POSITIONS else period, progress)
        rows = self._rows[table](task)
        count = write_table(path, table, rows, written_as=written_as, replace=replace, progress=progress)
        if task.timeless:
            task.notes.append(
                f"NOT in the file: {pluralize(task.timeless, 'row')} without a time. Export all dates."
            )
        if task.damaged:
            task.notes.append(f"NOT in the file: {pluralize(task.damaged, 'unreadable journal line')}.")
        return Exported(table, path, count, task.period, tuple(task.notes))

    def _trades(self, task: _ExportRun) -> Iterator[Row]:
        words = self._own_orders(task)
        for fill in self._client.each_fill(since=task.since, until=task.until):
            if task.wants(fill.created_at):
                yield trade_row(fill, words)

    def _orders(self, task: _ExportRun) -> Iterator[Row]:
        """Yield the orders placed in the period.

        Only a lower bound is sent, because the exchange does not document which time of an order it
        compares.
        """
        words = self._own_orders(task, named=True)
        for row in self._client.each_order(since=task.since):
            if task.wants(row.created_at):
                yield order_row(row, words)

    def _positions(self, task: _ExportRun) -> Iterator[Row]:
        as_of, unmarked = self._clock(), 0
        for row in self._tracker.read_positions():
            unmarked += row.position.side is not None and row.mark is None
            yield position_row(row, as_of)
        if unmarked:
            positions = pluralize(unmarked, "position")
            task.notes.append(f"No mark (no bid, or quote unavailable): {positions}.")

    def _settlements(self, task: _ExportRun) -> Iterator[Row]:
        rows = self._client.each_settlement(since=task.since, until=task.until)
        wanted = (row for row in rows if task.wants(row.settled_at))
        yield from map(settlement_row, SettledFloors(self._client).apply(wanted))

    def _events(self, task: _ExportRun) -> Iterator[Row]:
        return (journal_row(record) for record in self._records(task, task.period))

    def _lots(self, task: _ExportRun) -> Iterator[Row]:
        """Yield the lots closed in the period.

        Reads all fills, because a lot may have been opened long before the period.
        """
        parts = TaxInputs(
            fills_by_market(self._client.each_fill(), task.progress),
            {row.ticker: row for row in self._client.get_positions().markets.require_complete()},
            {row.ticker: row for row in SettledFloors(self._client).apply(self._client.each_settlement())},
        )
        left_out: list[str] = []
        for lot in closed_lots(parts, self._tracker.markets_by_ticker, left_out.append):
            if task.wants(lot.closed_at):
                yield lot_row(lot)
        if left_out:
            task.notes.append(f"NOT in the file, because their fills do not add up: {', '.join(left_out)}.")

    def _own_orders(self, task: _ExportRun, *, named: bool = False) -> OwnOrders:
        """Read all our orders from the whole journal.

        An order may fill long after it was sent. `named`: the caller reads the exchange's orders itself and
        adds their ids.
        """
        words = OwnOrders(self._records(task, None))
        if words.has_unmapped_orders and not named:
            for row in self._client.each_order():
                words.remember(row)
        return words

    def _records(self, task: _ExportRun, period: Period | None) -> Iterator[JournalRecord]:
        days = (None, None) if period is None else (period.first, period.last)
        for entry in self._journal.scan_journal(*days):
            if isinstance(entry, JournalRecord):
                yield entry
            else:
                task.damaged += 1


# --- Rows -----------------------------------------------------------------------------------------


def trade_row(fill: Fill, words: OwnOrders) -> Row:
    client_order_id, action, side = words.lookup(fill.order_id, fill.book_side)
    return (
        fill.created_at,
        fill.ticker,
        action,
        side,
        fill.count,
        side.price_in_side(fill.yes_price),
        fill.fee,
        fill.is_taker,
        _origin(client_order_id),
        fill.book_side,
        fill.yes_price,
        fill.fill_id,
        fill.order_id,
        client_order_id,
    )


def order_row(order: Order, words: OwnOrders) -> Row:
    words.remember(order)
    name, action, side = words.lookup(order.order_id, order.book_side)
    return (
        order.created_at,
        order.updated_at,
        order.ticker,
        action,
        side,
        order.status,
        side.price_in_side(order.yes_price),
        order.initial_count,
        order.fill_count,
        order.remaining_count,
        order.fill_cost,
        order.fees,
        _origin(name),
        order.book_side,
        order.yes_price,
        order.expires_at,
        order.order_id,
        order.client_order_id,
    )


def _origin(own_name: str | None) -> str:
    return "external" if own_name is None else "ours"


def position_row(row: PositionPnl, as_of: datetime) -> Row:
    position = row.position
    return (
        as_of,
        position.ticker,
        row.event_ticker,
        None if row.market is None else row.market.title,
        position.side,
        position.net,
        position.cost_basis,
        row.mark,
        row.value,
        row.unrealized_pnl,
        position.realized_pnl,
        position.fees_paid,
        position.total_traded,
        position.updated_at,
    )


def settlement_row(row: Settlement) -> Row:
    return (
        row.settled_at,
        row.ticker,
        row.event_ticker,
        row.result,
        row.value,
        row.yes_count,
        row.yes_cost,
        row.no_count,
        row.no_cost,
        row.revenue,
        row.fees,
        settlement_gross_pnl(row),
        settlement_net_pnl(row),
    )
