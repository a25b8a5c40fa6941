"""Render one position in depth, and the explanation of a number.

Pure, over `formats` and `tables`. The total below an explanation includes the lines not shown.
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
from kalshi_trading.core.models import Action, Fill, Order, Side
from kalshi_trading.core.money import (
    ONE_CONTRACT,
    ZERO,
    Contracts,
    Price,
    count_text,
    dollars_text,
    round_down,
)
from kalshi_trading.core.pnl import FifoPosition, Lot
from kalshi_trading.core.text import contracts_text, describe_order, pluralize
from kalshi_trading.core.valuation import Exposure, Liquidation, Mark, floor_paid
from kalshi_trading.journal.own_orders import OwnOrders
from kalshi_trading.portfolio.explain.market import Explanation
from kalshi_trading.portfolio.snapshot import PositionPnl
from kalshi_trading.ui.formats import (
    UNKNOWN,
    amounts_with_total,
    at_least,
    at_most,
    closing,
    dollars,
    error_line,
    if_no_label,
    lower_first,
    net_position,
    note_line,
    pnl_text,
    price,
    prices,
    time_left,
    time_zone,
    timestamp,
    with_sides,
)
from kalshi_trading.ui.tables import (
    Column,
    FittingTable,
    add_rows,
    aligned,
    key_values,
    mark_total,
    table_of,
    to_cells,
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
class PositionData:
    """One position and the data around it.

    `alone` is its worst case without open orders.
    """

    row: PositionPnl
    mark: Mark
    resting: tuple[Order, ...] | None
    alone: Exposure
    exposure: Exposure | None
    book: OrderBook | None
    liquidation: Liquidation | None
    """Result of selling the whole position into `book`."""
    now: datetime
    own_orders: OwnOrders
    """The action and side of orders and fills that are ours."""


def position_page(data: PositionData) -> RenderableType:
    """Render fills, lots, open orders and book, then the position itself.

    The most important part is nearest the question below, where a low screen still shows it.
    """
    row, ledger = data.row, data.row.ledger
    parts: list[RenderableType] = [Text(f"Times in {time_zone(data.now)}", style="dim")]
    if ledger is not None and ledger.fills:
        parts.append(_fills(data, ledger.fills))
    title = row.market.title if row.market is not None else "Market unavailable."
    panel = Panel(
        Group(Text(title, style="bold"), Text(outcome(row)), key_values(list(_facts(data)))),
        title=Text(row.position.ticker),
        title_align="left",
        box=box.ROUNDED,
        expand=False,
    )
    return Group(*parts, _lots(data), _resting(data), _liquidation(data), panel)


def _facts(data: PositionData) -> Iterator[tuple[str, str | Text]]:
    row, exposure = data.row, data.exposure
    cost = f"{dollars(row.cost_basis)}, average {average(row.cost_basis, row.position.count)}"
    yield "Held", Text.assemble(with_sides(net_position(row.position.net)), f" · {_closes(data)}")
    yield "Cost", f"{cost}, before fees"
    yield "Mark", f"{price(row.mark)} ({data.mark}) · value {at_least(row.value)}"
    yield from _floor(row)
    yield "Unrealized P&L", pnl_text(row.unrealized_pnl)
    realized = pnl_text(row.realized_pnl)
    yield "Realized P&L", Text.assemble(realized, f" before fees · fees {dollars(row.fees_paid)}")
    yield "If YES", Text.assemble(pnl_text(-data.alone.if_yes, round_down), " on this position")
    low = if_no_label(floor_paid(row.market, Side.YES))
    yield low, Text.assemble(pnl_text(-data.alone.if_no, round_down), " on this position")
    worst = "unknown: open orders unavailable"
    if exposure is not None:
        worst = f"{at_most(exposure.worst)} loss, open orders included"
    yield "Worst case", worst


def _floor(row: PositionPnl) -> Iterator[tuple[str, str]]:
    """Yield the settlement floor and what it has paid on the position."""
    market = row.market
    if market is not None and market.is_floor_unknown:
        yield "Floor", "unknown, so the value is unknown" if row.floor_paid is None else "unknown"
    elif market is not None and market.settlement_floor:
        paid = f" · {dollars(row.floor_paid)} in cash, not in value" if row.floor_paid else ""
        yield "Floor", f"{price(market.settlement_floor)}{paid}"


def _closes(data: PositionData) -> str:
    if data.row.market is None:
        return f"closes in {UNKNOWN}"
    return lower_first(closing(data.row.market, data.now))


def _liquidation(data: PositionData) -> RenderableType:
    """Render the best bids that selling everything would meet, and the total."""
    side, sale = data.row.position.side, data.liquidation
    if data.book is None or sale is None or side is None:
        reason = "Order book unavailable" if data.book is None else "Settlement floor unknown"
        return error_line(f"{reason}; liquidation value unknown.")
    met = order_book.walk(data.book, Action.SELL, side, data.row.position.count, ZERO).fills
    table = table_of(("Liquidation", "right"), ("Bid", "right"), ("Proceeds", "right"))
    near, deeper = met[:LEVELS_SHOWN], order_book.BookWalk(met[LEVELS_SHOWN:], ZERO)
    bids = aligned(prices([level.price for level in near]))
    labels: list[tuple[str, str | Text]] = [
        (count_text(level.count), bid) for level, bid in zip(near, bids, strict=True)
    ]
    amounts = [level.count * level.price for level in near]
    if deeper.fills:
        labels.append((count_text(deeper.filled), "deeper"))
        amounts.append(deeper.amount)
    if sale.floor_paid:
        labels.append(("", "floor, already paid"))
        amounts.append(-sale.floor_paid)
    if sale.fees is None or sale.value is None:
        shown = [*map(dollars, amounts), UNKNOWN, UNKNOWN]
    else:
        shown = amounts_with_total([*amounts, -sale.fees, sale.value], round_down)
    labels += [("", "fees"), ("", "total")]
    rows: list[list[str | Text]] = [[*each, amount] for each, amount in zip(labels, shown, strict=True)]
    add_rows(table, rows)
    table.rows[-1].style = "bold"
    if sale.unsold > ZERO:
        have = "has" if sale.unsold == ONE_CONTRACT else "have"
        return Group(table, note_line(f"{contracts_text(sale.unsold)} {have} no bids."))
    return table


def _lots(data: PositionData) -> RenderableType:
    ledger = data.row.ledger
    if ledger is None or ledger.mismatch is not None:
        reason = ledger.mismatch if ledger is not None else "no fills"
        return note_line(f"Lots unavailable: {reason}.")
    lots = ledger.fifo.lots
    shown, newer = lots[:LOTS_SHOWN], lots[LOTS_SHOWN:]
    keys = [timestamp(lot.opened_by.created_at, data.now) for lot in shown]
    ages = [age(lot.opened_by.created_at, data.now) for lot in shown]
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
        Column("Cost", 0, amounts_with_total([each.cost_basis for each in together])),
        Column("Fees", 1, amounts_with_total([sum((lot.fees for lot in some), ZERO) for some in sums])),
    )
    return FittingTable("Lots, opened", to_cells(*keys), columns, TIME_WIDTH, is_totaled=True)


def age(at: datetime | None, now: datetime) -> str:
    if at is None:
        return UNKNOWN
    return time_left(now, at) if (now - at).total_seconds() >= 1 else "now"


def _resting(data: PositionData) -> RenderableType:
    if data.resting is None:
        return error_line("Open orders unavailable.")
    if not data.resting:
        return note_line("No open orders in this market.")
    keys = [
        with_sides(f"{_trade(data, order, order.initial_count)} at {price(_price(data, order))}")
        for order in data.resting
    ]
    columns = (
        Column("Open", 0, [count_text(order.remaining_count) for order in data.resting]),
        Column("Placed", 1, [timestamp(order.created_at, data.now) for order in data.resting]),
    )
    return FittingTable("Open orders", keys, columns, TRADE_WIDTH)


def _fills(data: PositionData, fills: Sequence[Fill]) -> RenderableType:
    last = fills[-FILLS_SHOWN:]
    name = f"Last {len(last)} of {len(fills):,} fills" if len(last) < len(fills) else "Fills"
    newest = list(reversed(last))
    columns = (
        Column("Price", 0, prices([_price(data, fill) for fill in newest])),
        Column("Fee", 0, [dollars(fill.fee) for fill in newest]),
        Column("Role", 2, ["taker" if fill.is_taker else "maker" for fill in newest]),
        Column("Time", 1, [timestamp(fill.created_at, data.now) for fill in newest]),
    )
    keys = [with_sides(_trade(data, fill, fill.count)) for fill in newest]
    return FittingTable(name, keys, columns, TRADE_WIDTH)


def _trade(data: PositionData, row: Order | Fill, count: Contracts) -> str:
    """Describe a trade: ours as placed, an external one by its effect."""
    _, action, side = data.own_orders.lookup(row.order_id, row.book_side)
    return describe_order(action, count, side)


def _price(data: PositionData, row: Order | Fill) -> Price:
    """Format the price in the terms of the side that `_trade` names."""
    _, _, side = data.own_orders.lookup(row.order_id, row.book_side)
    return side.price_in_side(row.yes_price)


# --- Explanations ---------------------------------------------------------------------------------


def explanation(explained: Explanation, now: datetime) -> RenderableType:
    """Render the items of a number, oldest first, and their total.

    Older items beyond LINES_SHOWN are one row.
    """
    if explained.caution and not explained.lines:
        return Group(Text(explained.title), error_line(explained.caution))
    has_times = any(line.at for line in explained.lines)
    when = [(f"Time ({time_zone(now)})", "fixed")] if has_times else []
    table = table_of(*when, ("Item", "wide"), ("Amount", "right"))
    older, shown = explained.lines[:-LINES_SHOWN], explained.lines[-LINES_SHOWN:]
    rows: list[list[str | Text]] = []
    if older:
        together = Explanation("", older).total
        rows.append(["", pluralize(len(older), "earlier line"), dollars_text(together)])
    for line in shown:
        at = timestamp(line.at, now) if line.at is not None else ""
        rows.append([at, line.text, dollars_text(line.amount)])
    rows.append(["", "total", dollars_text(explained.total)])
    if not has_times:
        rows = [row[1:] for row in rows]
    add_rows(table, rows)
    mark_total(table)
    parts: list[RenderableType] = [Text(explained.title, style="bold"), table]
    return Group(*parts, error_line(explained.caution)) if explained.caution else Group(*parts)
