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
from rich.text import Text

from kalshi_trading.core import order_book
from kalshi_trading.core.market_models import OrderBook
from kalshi_trading.core.models import Action, Fill, Order
from kalshi_trading.core.money import ONE_CONTRACT, ZERO, Contracts, Price, count_text, dollars_text
from kalshi_trading.core.pnl import FifoPosition, Lot
from kalshi_trading.core.text import contracts_text, describe_order
from kalshi_trading.core.valuation import Exposure, Liquidation, Mark
from kalshi_trading.journal.own_orders import OwnOrders
from kalshi_trading.portfolio.explain_market import Explanation
from kalshi_trading.portfolio.snapshot import PositionPnl
from kalshi_trading.ui.formats import (
    UNKNOWN,
    Column,
    FittingTable,
    add_rows,
    aligned,
    at_least,
    at_most,
    closing,
    dollars,
    error_line,
    key_values,
    lower_first,
    mark_total,
    net_position,
    note_line,
    pnl_text,
    price,
    prices,
    table_of,
    time_left,
    time_zone,
    timestamp,
    to_cells,
    with_sides,
)
from kalshi_trading.ui.views.positions import average, outcome

LOTS_SHOWN = 5
FILLS_SHOWN = 5
LEVELS_SHOWN = 5
LINES_SHOWN = 40
TIME_WIDTH = 15
TRADE_WIDTH = 16
"""Table width for a time and an order without its price."""


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
    parts: list[RenderableType] = [Text(f"Times in {time_zone(look.now)}", style="dim")]
    if ledger is not None and ledger.fills:
        parts.append(_fills(look, ledger.fills))
    title = row.market.title if row.market is not None else "Market unavailable."
    panel = Panel(
        Group(Text(title, style="bold"), Text(outcome(row)), key_values(list(_facts(look)))),
        title=Text(row.position.ticker),
        title_align="left",
        box=box.ROUNDED,
        expand=False,
    )
    return Group(*parts, _lots(look), _resting(look), _sale(look), panel)


def _facts(look: PositionLook) -> Iterator[tuple[str, str | Text]]:
    row, exposure = look.row, look.exposure
    cost = f"{dollars(row.cost_basis)}, average {average(row.cost_basis, row.position.count)}"
    yield "Held", Text.assemble(with_sides(net_position(row.position.net)), f" · {_closes(look)}")
    yield "Cost", f"{cost}, before fees"
    yield "Mark", f"{price(row.mark)} ({look.mark}) · value {at_least(row.value)}"
    yield "Unrealized P&L", pnl_text(row.unrealized_pnl)
    realized = pnl_text(row.realized_pnl)
    yield "Realized P&L", Text.assemble(realized, f" before fees · fees {dollars(row.fees_paid)}")
    yield "If YES", Text.assemble(pnl_text(-look.alone.if_yes), " on this position")
    yield "If NO", Text.assemble(pnl_text(-look.alone.if_no), " on this position")
    worst = "unknown: open orders unavailable"
    if exposure is not None:
        worst = f"{at_most(exposure.worst)} loss, open orders included"
    yield "Worst case", worst


def _closes(look: PositionLook) -> str:
    if look.row.market is None:
        return f"closes in {UNKNOWN}"
    return lower_first(closing(look.row.market.close_at, look.now))


def _sale(look: PositionLook) -> RenderableType:
    """Render the best bids that selling everything would meet, and the total."""
    side, sale = look.row.position.side, look.sale
    if look.book is None or sale is None or side is None:
        return error_line("Order book unavailable; liquidation value unknown.")
    met = order_book.walk(look.book, Action.SELL, side, look.row.position.count, ZERO).fills
    table = table_of(("Liquidation", "right"), ("Bid", "right"), ("Proceeds", "right"))
    near, deeper = met[:LEVELS_SHOWN], order_book.BookWalk(met[LEVELS_SHOWN:], ZERO)
    bids = aligned(prices([level.price for level in near]))
    rows: list[list[str | Text]] = [
        [count_text(level.count), bid, dollars(level.count * level.price)]
        for level, bid in zip(near, bids, strict=True)
    ]
    if deeper.fills:
        rows.append([count_text(deeper.filled), "deeper", dollars(deeper.amount)])
    rows.append(["", "fees", dollars(None if sale.fees is None else -sale.fees)])
    rows.append(["", "total", at_least(sale.value)])
    add_rows(table, rows)
    table.rows[-1].style = "bold"
    if sale.unsold > ZERO:
        have = "has" if sale.unsold == ONE_CONTRACT else "have"
        return Group(table, note_line(f"{contracts_text(sale.unsold)} {have} no bids."))
    return table


def _lots(look: PositionLook) -> RenderableType:
    ledger = look.row.ledger
    if ledger is None or ledger.mismatch is not None:
        reason = ledger.mismatch if ledger is not None else "no fills"
        return note_line(f"Lots unavailable: {reason}.")
    lots = ledger.fifo.lots
    shown, newer = lots[:LOTS_SHOWN], lots[LOTS_SHOWN:]
    keys = [timestamp(lot.opened_by.created_at, look.now) for lot in shown]
    ages = [age(lot.opened_by.created_at, look.now) for lot in shown]
    paid = prices([lot.price for lot in shown])
    sums: list[tuple[Lot, ...]] = [(lot,) for lot in shown]
    if newer:
        keys.append(f"{len(newer):,} newer")
        sums.append(newer)
    keys.append("total")
    sums.append(lots)
    together = [FifoPosition(lots=some) for some in sums]
    blank = [""] * (len(keys) - len(shown))
    columns = (
        Column("Age", 2, ages + blank),
        Column("Quantity", 0, [count_text(each.count) for each in together]),
        Column("Price", 0, paid + blank),
        Column("Cost", 0, [dollars(each.cost_basis) for each in together]),
        Column("Fees", 1, [dollars(sum((lot.fees for lot in some), ZERO)) for some in sums]),
    )
    return FittingTable("Lots, opened", to_cells(*keys), columns, TIME_WIDTH, is_totaled=True)


def age(at: datetime | None, now: datetime) -> str:
    if at is None:
        return UNKNOWN
    return time_left(now, at) if (now - at).total_seconds() >= 1 else "now"


def _resting(look: PositionLook) -> RenderableType:
    if look.resting is None:
        return error_line("Open orders unavailable.")
    if not look.resting:
        return note_line("No open orders in this market.")
    keys = [
        with_sides(f"{_trade(look, order, order.initial_count)} at {price(_price(look, order))}")
        for order in look.resting
    ]
    columns = (
        Column("Open", 0, [count_text(order.remaining_count) for order in look.resting]),
        Column("Placed", 1, [timestamp(order.created_at, look.now) for order in look.resting]),
    )
    return FittingTable("Open orders", keys, columns, TRADE_WIDTH)


def _fills(look: PositionLook, fills: Sequence[Fill]) -> RenderableType:
    last = fills[-FILLS_SHOWN:]
    name = f"Last {len(last)} of {len(fills):,} fills" if len(last) < len(fills) else "Fills"
    newest = list(reversed(last))
    columns = (
        Column("Price", 0, prices([_price(look, fill) for fill in newest])),
        Column("Fee", 0, [dollars(fill.fee) for fill in newest]),
        Column("Role", 2, ["taker" if fill.is_taker else "maker" for fill in newest]),
        Column("Time", 1, [timestamp(fill.created_at, look.now) for fill in newest]),
    )
    keys = [with_sides(_trade(look, fill, fill.count)) for fill in newest]
    return FittingTable(name, keys, columns, TRADE_WIDTH)


def _trade(look: PositionLook, row: Order | Fill, count: Contracts) -> str:
    """Describe a trade: ours as placed, an external one by its effect."""
    _, action, side = look.words.lookup(row.order_id, row.book_side)
    return describe_order(action, count, side)


def _price(look: PositionLook, row: Order | Fill) -> Price:
    """Format the price in the terms of the side that `_trade` names."""
    _, _, side = look.words.lookup(row.order_id, row.book_side)
    return side.price_in_side(row.yes_price)


# --- Explanations ---------------------------------------------------------------------------------


def explanation(told: Explanation, now: datetime) -> RenderableType:
    """Render the items of a number, oldest first, and their total.

    Older items beyond LINES_SHOWN are one row.
    """
    if told.caution and not told.lines:
        return Group(Text(told.title), error_line(told.caution))
    when = f"Time ({time_zone(now)})" if any(line.at for line in told.lines) else "Time"
    table = table_of((when, "fixed"), ("Item", "wide"), ("Amount", "right"), title=told.title)
    older, shown = told.lines[:-LINES_SHOWN], told.lines[-LINES_SHOWN:]
    rows: list[list[str | Text]] = []
    if older:
        together = Explanation("", older).total
        rows.append(["", f"{len(older):,} earlier lines", dollars_text(together)])
    for line in shown:
        at = timestamp(line.at, now) if line.at is not None else ""
        rows.append([at, line.text, dollars_text(line.amount)])
    rows.append(["", "total", dollars_text(told.total)])
    add_rows(table, rows)
    mark_total(table)
    return Group(table, error_line(told.caution)) if told.caution else table
