"""Render one position in depth, and the explanation of a number.

Pure, over `formats`. The total below an explanation includes the lines not shown.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from rich import box
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from kalshi_trading.core import order_book
from kalshi_trading.core.market_models import OrderBook
from kalshi_trading.core.models import Action, Fill, Order
from kalshi_trading.core.money import ZERO, Contracts, count_text, dollars_text
from kalshi_trading.core.pnl import FifoPosition, Lot
from kalshi_trading.core.text import describe_order
from kalshi_trading.core.valuation import Exposure, Liquidation, Mark
from kalshi_trading.journal.own_orders import OwnOrders
from kalshi_trading.portfolio.explain_market import Explanation
from kalshi_trading.portfolio.snapshot import PositionPnl
from kalshi_trading.ui.formats import (
    UNKNOWN,
    dollars,
    error_line,
    key_values,
    net_position,
    note_line,
    pnl_text,
    price,
    table_of,
    time_left,
    time_zone,
    timestamp,
    to_cells,
)
from kalshi_trading.ui.views.positions import average, closes_in, outcome

LOTS_SHOWN = 5
FILLS_SHOWN = 5
LEVELS_SHOWN = 5
LINES_SHOWN = 40


@dataclass(frozen=True, slots=True)
class PositionLook:
    """One position and the data around it.

    `alone` is its worst case without open orders.
    """

    row: PositionPnl
    mark: Mark
    resting: tuple[Order, ...] | None
    alone: Exposure
    exposure: Exposure | None
    book: OrderBook | None
    sale: Liquidation | None
    """Result of selling the whole position into `book`."""
    now: datetime
    words: OwnOrders
    """The action and side of orders and fills that are ours."""


def position_page(look: PositionLook) -> RenderableType:
    """Render fills, lots, open orders and book, then the position itself.

    The most important part is nearest the question below, where a low screen still shows it.
    """
    row, ledger = look.row, look.row.ledger
    parts: list[RenderableType] = [Text(f"times in {time_zone(look.now)}", style="dim")]
    if ledger is not None and ledger.fills:
        parts.append(_fills(look, ledger.fills))
    title = row.market.title if row.market is not None else "The market could not be read."
    panel = Panel(
        Group(Text(title, style="bold"), Text(outcome(row)), key_values(list(_facts(look)))),
        title=Text(row.position.ticker),
        title_align="left",
        box=box.ROUNDED,
        expand=False,
    )
    return Group(*parts, _lots(look), _resting(look), _sale(look), panel)


def _facts(look: PositionLook) -> Iterator[tuple[str, str]]:
    row, exposure = look.row, look.exposure
    cost = f"{dollars(row.cost_basis)}, {average(row.cost_basis, row.position.count)} on average"
    yield "held", f"{net_position(row.position.net)} · closes in {closes_in(row, look.now)}"
    yield "cost", f"{cost}, without fees"
    yield "mark", f"{price(row.mark)} ({look.mark}) · value {dollars(row.value)}"
    yield "unrealized", pnl_text(row.unrealized_pnl).plain
    yield "realized", f"{pnl_text(row.realized_pnl).plain} so far · fees {dollars(row.fees_paid)}"
    alone = look.alone
    yield "if YES", f"{pnl_text(-alone.if_yes).plain} on what is held"
    yield "if NO", f"{pnl_text(-alone.if_no).plain} on what is held"
    worst = "not known: the resting orders could not be read"
    if exposure is not None:
        worst = f"{dollars(exposure.worst)} can be lost, resting orders included"
    yield "worst case", worst


def _sale(look: PositionLook) -> RenderableType:
    """Render the best bids that selling everything would meet, and the total."""
    side, sale = look.row.position.side, look.sale
    if look.book is None or sale is None or side is None:
        return error_line("The order book could not be read, so it is not known what a sale would bring.")
    met = order_book.walk(look.book, Action.SELL, side, look.row.position.count, ZERO).fills
    table = table_of(("sold now", "right"), ("bid", "right"), ("brings", "right"))
    for level in met[:LEVELS_SHOWN]:
        table.add_row(
            *to_cells(count_text(level.count), price(level.price), dollars(level.count * level.price))
        )
    deeper = order_book.BookWalk(met[LEVELS_SHOWN:], ZERO)
    if deeper.fills:
        table.add_row(*to_cells(count_text(deeper.filled), "deeper", dollars(deeper.amount)))
    table.add_row(*to_cells("", "fees", dollars(None if sale.fees is None else -sale.fees)))
    table.add_row(*to_cells("", "total", dollars(sale.value)), style="bold")
    if sale.unsold > ZERO:
        return Group(table, note_line(f"{count_text(sale.unsold)} find no buyer."))
    return table


def _lots(look: PositionLook) -> RenderableType:
    ledger = look.row.ledger
    if ledger is None or ledger.mismatch is not None:
        reason = ledger.mismatch if ledger is not None else "no fills are known"
        return note_line(f"Lots cannot be told: {reason}.")
    numbers = ("age", "count", "price", "cost", "fees")
    table = table_of(("lots held, opened", "fixed"), *((number, "right") for number in numbers))
    lots = ledger.holding.lots
    for lot in lots[:LOTS_SHOWN]:
        at = lot.opened_by.created_at
        _add_lots(table, timestamp(at, look.now), (age(at, look.now), price(lot.price)), (lot,))
    if len(lots) > LOTS_SHOWN:
        _add_lots(table, f"{len(lots) - LOTS_SHOWN:,} newer ones", ("", ""), lots[LOTS_SHOWN:])
    _add_lots(table, "total", ("", ""), lots, "bold")
    return table


def _add_lots(
    table: Table, name: str, age_and_price: tuple[str, str], lots: tuple[Lot, ...], style: str | None = None
) -> None:
    """Add one row for several lots together."""
    together = FifoPosition(lots=lots)
    opened, paid = age_and_price
    fees = sum((lot.fees for lot in lots), ZERO)
    numbers = (count_text(together.count), paid, dollars(together.cost_basis), dollars(fees))
    table.add_row(*to_cells(name, opened, *numbers), style=style)


def age(at: datetime | None, now: datetime) -> str:
    if at is None:
        return UNKNOWN
    return time_left(now, at) if (now - at).total_seconds() >= 1 else "now"


def _resting(look: PositionLook) -> RenderableType:
    if look.resting is None:
        return error_line("The resting orders could not be read.")
    if not look.resting:
        return note_line("No resting orders in this market.")
    table = table_of(("resting orders", "wide"), ("left", "right"), ("placed", "right"))
    for order in look.resting:
        table.add_row(
            *to_cells(
                f"{_trade(look, order, order.initial_count)} at {_price(look, order)}",
                count_text(order.remaining_count),
                timestamp(order.created_at, look.now),
            )
        )
    return table


def _fills(look: PositionLook, fills: Sequence[Fill]) -> RenderableType:
    last = fills[-FILLS_SHOWN:]
    name = f"last {len(last)} of {len(fills):,} fills" if len(last) < len(fills) else "fills"
    table = table_of(
        (name, "fixed"), ("filled", "wide"), ("price", "right"), ("fee", "right"), ("as", "fixed")
    )
    for fill in reversed(last):
        table.add_row(
            *to_cells(
                timestamp(fill.created_at, look.now),
                _trade(look, fill, fill.count),
                _price(look, fill),
                dollars(fill.fee),
                "taker" if fill.is_taker else "maker",
            )
        )
    return table


def _trade(look: PositionLook, row: Order | Fill, count: Contracts) -> str:
    """Describe a trade: ours as placed, an external one by its effect."""
    _, action, side = look.words.of(row.order_id, row.book_side)
    return describe_order(action, count, side)


def _price(look: PositionLook, row: Order | Fill) -> str:
    """Format the price in the terms of the side that `_trade` names."""
    _, _, side = look.words.of(row.order_id, row.book_side)
    return price(side.price_in_side(row.yes_price))


# --- Explanations ---------------------------------------------------------------------------------


def explanation(told: Explanation, now: datetime) -> RenderableType:
    """Render the items of a number, oldest first, and their total.

    Older items beyond LINES_SHOWN are one row.
    """
    if told.caution and not told.lines:
        return Group(Text(told.title), error_line(told.caution))
    when = f"when ({time_zone(now)})" if any(line.at for line in told.lines) else "when"
    table = table_of((when, "fixed"), ("what", "wide"), ("amount", "right"), title=told.title)
    older, shown = told.lines[:-LINES_SHOWN], told.lines[-LINES_SHOWN:]
    if older:
        together = Explanation("", older).total
        table.add_row(*to_cells("", f"{len(older):,} lines before these", dollars_text(together)))
    for line in shown:
        at = timestamp(line.at, now) if line.at is not None else ""
        table.add_row(*to_cells(at, line.text, dollars_text(line.amount)))
    table.add_section()
    table.add_row(*to_cells("", "total", dollars_text(told.total)), style="bold")
    return Group(table, error_line(told.caution)) if told.caution else table
