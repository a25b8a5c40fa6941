"""Render trade history, order timeline, reconciliation and day summary.

Pure, over `formats` and `tables`; the services compute every number. Text from journal and exchange only ever
appears as `Text`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from rich import box
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.text import Text

from kalshi_trading.core.dates import Period
from kalshi_trading.core.money import price_text
from kalshi_trading.core.text import contracts_text, describe_order, pluralize
from kalshi_trading.history.comparison import Difference, Reconciliation
from kalshi_trading.history.day_summary import DaySummary
from kalshi_trading.history.rows import HistoryFilter, HistoryRow
from kalshi_trading.history.timeline import OrderTimeline
from kalshi_trading.history.trade_history import TradeHistory
from kalshi_trading.settings.environments import Environment
from kalshi_trading.ui.formats import (
    UNKNOWN,
    count,
    dollars,
    environment_badge,
    error_line,
    note_line,
    pnl_text,
    prices,
    time_zone,
    timestamp,
    with_sides,
)
from kalshi_trading.ui.tables import Column, FittingTable, key_values, table_of, to_cells
from kalshi_trading.ui.views.orders import ORDER_WIDTH

PAGE = 9
"""Orders on one page: one for each single digit that can choose one."""
MIN_PAGE = 3
"""Orders on a page of the lowest screen."""
DIFFERENCES_SHOWN = 40


@dataclass(frozen=True, slots=True)
class HistoryPage:
    """One page of the history.

    `rows` are all orders that the filter accepts. `start` is the index of the page's first.
    """

    history: TradeHistory
    wanted: HistoryFilter
    environment: Environment
    rows: tuple[HistoryRow, ...]
    start: int = 0
    size: int = PAGE

    @property
    def shown(self) -> tuple[HistoryRow, ...]:
        return self.rows[self.start : self.start + self.size]

    @property
    def has_older(self) -> bool:
        return self.start + self.size < len(self.rows)


# --- The list -------------------------------------------------------------------------------------


def history(page: HistoryPage, now: datetime) -> RenderableType:
    """Render one page of orders, its filter, and what may be missing."""
    words = " · ".join(_filter_parts(page.wanted)) or "All orders"
    parts: list[RenderableType] = [Text.assemble(environment_badge(page.environment), f"  {words}")]
    if page.shown:
        parts.append(_orders(page.shown, now, is_joined=page.history.is_joined))
        last = min(page.start + page.size, len(page.rows))
        place = f"{page.start + 1:,} to {last:,} of {pluralize(len(page.rows), 'order')}, newest first"
        parts.append(Text(f"{place} · times in {time_zone(now)}", style="dim"))
    else:
        is_chosen = bool(page.history.rows) or page.wanted != HistoryFilter()
        parts.append(note_line("No orders match." if is_chosen else "No orders yet."))
    return Group(*parts, *_missing_data(page.history))


def _filter_parts(wanted: HistoryFilter) -> Iterator[str]:
    if wanted.period is not None:
        yield f"Placed {wanted.period}"
    if wanted.market:
        yield f"Market contains {wanted.market}"
    if wanted.event:
        yield f"Event {wanted.event}…"
    if wanted.side is not None:
        yield f"Side {wanted.side.upper()}"
    if wanted.result is not None:
        yield f"Result {wanted.result}"


def _orders(rows: Sequence[HistoryRow], now: datetime, *, is_joined: bool) -> RenderableType:
    columns = (
        Column("Result", 0, [_result(row) for row in rows]),
        Column("Filled", 0, [count(row.fill_count) for row in rows]),
        Column("Avg", 2, prices([row.average_price for row in rows])),
        Column("Fees", 3, [dollars(row.fees) for row in rows]),
        Column("Placed", 1, [timestamp(row.placed_at, now) for row in rows]),
    )
    keys = [_order_cell(row, is_joined=is_joined) for row in rows]
    return FittingTable("Order", keys, columns, ORDER_WIDTH)


def _result(row: HistoryRow) -> str:
    return f"{row.result}\n(external)" if row.is_external else row.result.value


def order_text(row: HistoryRow) -> str:
    """Describe an order: ours as placed, an external one by its effect."""
    if row.count is None or row.side is None or row.price is None:
        return row.logged.state.sentence if row.logged is not None else UNKNOWN
    return describe_order(row.action, row.count, row.side, row.price)


def order_label(row: HistoryRow) -> str:
    """Render one order on one line, as a choice."""
    return f"{order_text(row)}  {row.ticker}  {row.result}"


def _order_cell(row: HistoryRow, *, is_joined: bool) -> Text:
    """Render the order, its market below, and anything unusual about it."""
    cell = with_sides(Text(order_text(row), overflow="fold"))
    cell.append(f"\n{row.ticker}", style="dim")
    took_it = row.logged is not None and row.order_id
    if is_joined and row.order is None and took_it:
        cell.append("\nnot listed by the exchange yet", style="yellow")
    if row.fills_missing:
        cell.append(f"\nfills missing for {contracts_text(row.fills_missing)}", style="yellow")
    return cell


def _missing_data(history: TradeHistory) -> Iterator[RenderableType]:
    """Name everything that the list may lack."""
    if not history.is_joined:
        yield note_line("Journal only: not connected to this environment's exchange.")
    if history.incomplete:
        yield error_line(f"History is incomplete: {history.incomplete}. Filter by date for older orders.")
    if history.damage:
        lines = ", ".join(str(line) for line in history.damage.first[:3])
        more = ", …" if len(history.damage) > 3 else ""
        damaged = pluralize(len(history.damage), "damaged line")
        yield error_line(f"Skipped {damaged} in the journal: {lines}{more}.")
    if history.foreign_count:
        yield note_line(f"Not shown: {pluralize(history.foreign_count, 'order')} from other API keys.")


# --- One order ------------------------------------------------------------------------------------


def timeline(order: OrderTimeline, now: datetime) -> RenderableType:
    """Render one order in depth.

    This is the order itself, all its events, and each mismatch of journal and exchange.
    """
    row = order.row
    panel = Panel(
        Group(with_sides(Text(order_text(row), style="bold")), key_values(list(_order_facts(row)))),
        title=Text(row.ticker),
        title_align="left",
        box=box.ROUNDED,
        expand=False,
    )
    table = table_of(("Time", "fixed"), ("Source", "fixed"), ("Event", "wide"))
    for event in order.events:
        table.add_row(*to_cells(timestamp(event.at, now), event.source, event.sentence))
    parts: list[RenderableType] = [panel, table]
    parts += [error_line(f"{mismatch.kind}: {mismatch.sentence}") for mismatch in order.mismatches]
    if order.settlement.unavailable:
        parts.append(error_line(f"Settlement unknown. {order.settlement.unavailable}"))
    return Group(*parts, Text(f"Times in {time_zone(now)}", style="dim"))


def _order_facts(row: HistoryRow) -> Iterator[tuple[str, str]]:
    whose = "placed elsewhere" if row.is_external else "placed here"
    yield "Result", f"{row.result} · {whose}"
    average = "" if row.average_price is None else f" at {price_text(row.average_price)} average"
    yield "Filled", f"{count(row.fill_count)} of {count(row.count)}{average} · fees {dollars(row.fees)}"
    if row.logged is not None and row.logged.time_in_force is not None:
        yield "Time in force", row.logged.time_in_force.replace("_", " ")
    yield "Order ID", row.order_id or UNKNOWN
    yield "Client order ID", row.client_order_id or UNKNOWN


# --- Reconciliation -------------------------------------------------------------------------------


def reconciliation(found: Reconciliation, period: Period | None, now: datetime) -> RenderableType:
    """Render what was compared, and each order where both sides differ."""
    when = "all times" if period is None else str(period)
    orders, fills = pluralize(found.compared, "order"), pluralize(found.fills, "fill")
    compared = f"{orders}, {fills} and {pluralize(found.records, 'journal record')} compared ({when})"
    if found.is_clean:
        agreed = f"✓ Journal and exchange agree: {compared}."
        return Group(
            Text(agreed if found.compared else f"Nothing to compare ({when})."),
            *_not_compared(found),
        )
    different = pluralize(len(found.differences), "order")
    differ = "differs" if len(found.differences) == 1 else "differ"
    parts: list[RenderableType] = [Text(f"{different} {differ}; {compared}.")]
    if found.differences:
        parts.append(_differences(found.differences[:DIFFERENCES_SHOWN], now))
    hidden = len(found.differences) - DIFFERENCES_SHOWN
    if hidden > 0:
        parts.append(note_line(f"{hidden:,} more not shown. Choose fewer days."))
    return Group(*parts, *_not_compared(found), Text(f"Times in {time_zone(now)}", style="dim"))


def _differences(differences: Sequence[Difference], now: datetime) -> RenderableType:
    table = table_of(("Placed", "fixed"), ("Order", "wide"), ("Difference", "wide"))
    for each in differences:
        what = "\n".join(f"{mismatch.kind}: {mismatch.sentence}" for mismatch in each.mismatches)
        order = f"{order_text(each.row)}\n{each.row.ticker}"
        table.add_row(*to_cells(timestamp(each.row.placed_at, now), order, what))
    return table


def _not_compared(found: Reconciliation) -> Iterator[RenderableType]:
    if found.too_new:
        yield note_line(f"Too new to compare: {pluralize(found.too_new, 'order')}. Try again in a minute.")
    if found.incomplete:
        yield error_line(f"Exchange data is incomplete: {found.incomplete}.")
    if found.unjudged:
        why = "for that reason" if found.incomplete else "changed while reading; try again"
        yield error_line(f"Not compared: {pluralize(found.unjudged, 'order')} ({why}).")
    if found.foreign_count:
        yield note_line(f"Not compared: {pluralize(found.foreign_count, 'order')} from other API keys.")
    if found.damaged:
        damaged = pluralize(found.damaged, "damaged line")
        yield error_line(f"The journal has {damaged}; orders in them are missing.")


# --- Day summary ----------------------------------------------------------------------------------


def day_summary(summary: DaySummary) -> RenderableType:
    """Render the summary of one or more days in a few lines."""
    if summary.is_empty:
        return note_line(f"No trades ({summary.period}).")
    orders = [f"{summary.orders:,} placed"]
    orders += [f"{summary.rejected:,} rejected"] if summary.rejected else []
    orders += [f"{summary.unknown:,} unknown"] if summary.unknown else []
    net = pnl_text(summary.pnl)
    rows: list[tuple[str, str | Text]] = [
        ("Orders", " · ".join(orders)),
        ("Fills", f"{summary.fills:,} · {contracts_text(summary.contracts)}"),
        ("Fees", dollars(summary.fees)),
        ("Net realized", net if summary.pnl is None else Text.assemble(net, " after fees")),
    ]
    rows += [
        (name, Text.assemble(pnl_text(day.pnl), f"  {day.ticker}"))
        for name, day in (("Best market", summary.best), ("Worst market", summary.worst))
        if day is not None
    ]
    panel = Panel(
        key_values(rows), title=Text(f"{summary.period}"), title_align="left", box=box.ROUNDED, expand=False
    )
    if summary.incomplete is None:
        return panel
    return Group(panel, error_line(f"Summary may be incomplete: {summary.incomplete}."))
