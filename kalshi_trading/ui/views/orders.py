"""Render open orders, as a table and as one line each.

Pure, over `formats` and `tables`: returns rich renderables, prints nothing. Exchange text only ever appears
as `Text`, never as markup.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from rich.console import Group, RenderableType
from rich.text import Text

from kalshi_trading.core import order_book
from kalshi_trading.core.market_models import OrderBook
from kalshi_trading.core.models import Action, Side
from kalshi_trading.core.money import (
    count_text,
    price_text,
)
from kalshi_trading.core.text import describe_order
from kalshi_trading.history.rows import OrderDescription
from kalshi_trading.ui.formats import note_line, time_zone, timestamp, with_sides
from kalshi_trading.ui.tables import Column, FittingTable

ORDER_WIDTH = 24
"""Table width for an order's text and most tickers."""


def order_text(row: OrderDescription) -> str:
    """Describe an order: ours as placed, an external one by its effect."""
    return describe_order(row.action, row.order.initial_count, row.side, row.price)


def open_orders(rows: Sequence[OrderDescription], now: datetime) -> RenderableType:
    if not rows:
        return note_line("No open orders.")
    orders = [row.order for row in rows]
    columns = (
        Column("Filled", 1, [count_text(order.fill_count) for order in orders]),
        Column("Open", 0, [count_text(order.remaining_count) for order in orders]),
        Column("Placed", 2, [timestamp(order.created_at, now) for order in orders]),
    )
    table = FittingTable("Order", [_order_cell(row) for row in rows], columns, ORDER_WIDTH)
    return Group(table, Text(f"Times in {time_zone(now)}", style="dim"))


def _order_cell(row: OrderDescription) -> Text:
    cell = with_sides(Text(order_text(row), overflow="fold"))
    if row.is_external:
        cell.append(" (external)", style="italic")
    cell.append(f"\n{row.order.ticker}", style="dim")
    return cell


def order_line(row: OrderDescription) -> str:
    """Render one open order on one line, as a choice."""
    left = row.order.remaining_count
    rest = f", {count_text(left)} left" if left != row.order.initial_count else ""
    return f"{order_text(row)}{rest}  {row.order.ticker}"


def action_label(action: Action, side: Side, book: OrderBook | None) -> str:
    """Format one of the four directions with the best price to trade at now."""
    best = order_book.best_opposite(book, action, side) if book is not None else None
    if best is None:
        return f"{action.title():<4} {side.upper()}"
    name = "best ask" if action is Action.BUY else "best bid"
    level = f"{price_text(best.price)} × {count_text(best.count)}"
    return f"{action.title():<4} {side.upper():<3}  {name} {level}"
