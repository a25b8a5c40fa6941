"""The portfolio on the screen: cash, positions at their marks, settlements and P&L.

Pure, over `formats`; a part that could not be read says why instead of showing zero.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal

from rich import box
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from kalshi_trading.formats import (
    UNKNOWN,
    WIDE_SCREEN,
    cells,
    dollars,
    gain,
    holding,
    moment,
    notice,
    price,
    problem,
    table_of,
    time_zone,
)
from kalshi_trading.models import Settlement
from kalshi_trading.money import ZERO, Contracts, Dollars, price_text
from kalshi_trading.pnl import settlement_net_pnl
from kalshi_trading.portfolio import PortfolioSnapshot, PositionPnl

SETTLEMENTS_SHOWN = 10


def portfolio(snapshot: PortfolioSnapshot, width: int) -> RenderableType:
    """Cash, positions at their marks and P&L; a part that failed says why."""
    parts: list[RenderableType] = [_summary(snapshot)]
    if snapshot.positions.value is None:
        parts.append(problem(f"Positions unavailable: {snapshot.positions.unavailable}"))
    elif snapshot.held:
        parts.append(positions_table(snapshot.held, width))
        parts.append(
            Text("mark: best bid for the side held · P&L without fees unless said · – : nobody bids", "dim")
        )
    else:
        parts.append(notice("No open positions."))
    if snapshot.settlements.value:
        settled = snapshot.settlements.value
        parts.append(settlements_table(settled[:SETTLEMENTS_SHOWN]))
        if len(settled) > SETTLEMENTS_SHOWN:
            parts.append(notice(f"The newest {SETTLEMENTS_SHOWN} of {len(settled)} settlements."))
    if snapshot.settlements.unavailable:
        parts.append(problem(f"Settlements unavailable: {snapshot.settlements.unavailable}"))
    return Group(*parts)


def _summary(snapshot: PortfolioSnapshot) -> RenderableType:
    table = Table.grid(padding=(0, 2))
    balance, resting = snapshot.balance, snapshot.resting
    cash = dollars(balance.value.cash) if balance.value else f"unavailable: {balance.unavailable}"
    table.add_row(*cells("cash", cash))
    values = [row.value for row in snapshot.held]
    known = [value for value in values if value is not None]
    if snapshot.positions.value is not None:
        worth = dollars(sum(known, ZERO)) + (
            "" if len(known) == len(values) else " + positions without a mark"
        )
        table.add_row(*cells("positions at mark", worth))
        table.add_row(
            *cells("at risk (cost)", dollars(_sum(row.position.cost_basis for row in snapshot.held)))
        )
    if resting.value is not None:
        table.add_row(*cells("resting orders", str(len(resting.value))))
    else:
        table.add_row(*cells("resting orders", f"unavailable: {resting.unavailable}"))
    total = snapshot.total_pnl
    if total is not None:
        table.add_row(*cells("P&L open", gain(total.unrealized)))
        table.add_row(*cells("P&L realized", gain(total.realized)))
        table.add_row(*cells("fees paid", dollars(total.fees)))
        table.add_row(*cells("P&L net of fees", gain(total.net)))
    table.add_row(*cells("as of", f"{moment(snapshot.as_of)} {time_zone(snapshot.as_of)}"))
    return Panel(table, title="portfolio", title_align="left", box=box.ROUNDED, expand=False)


def _sum(amounts: Iterable[Dollars]) -> Dollars:
    return sum(amounts, ZERO)


def positions_table(rows: Sequence[PositionPnl], width: int) -> Table:
    """One market a row; the columns that the summary repeats are left out where the screen is narrow."""
    wide = width >= WIDE_SCREEN
    columns: list[str | tuple[str, str]] = [("market", "wide"), ("held", "right"), ("avg cost", "right")]
    columns += [("mark", "right"), ("value", "right"), ("unrealized", "right")]
    columns += [("realized", "right"), ("fees", "right")] if wide else []
    table = table_of(*columns)
    for row in rows:
        position = row.position
        name = Text(position.ticker, overflow="fold")
        if row.market is not None:
            name.append(f"\n{row.market.yes_label}", style="dim")
        shown: list[str | Text] = [
            name,
            holding(position.net),
            _average(position.cost_basis, position.count),
            price(row.mark),
            dollars(row.value),
            gain(row.unrealized_pnl),
        ]
        if wide:
            shown += [gain(position.realized_pnl), dollars(position.fees_paid)]
        table.add_row(*cells(*shown))
    return table


def _average(cost: Dollars, count: Contracts) -> str:
    """Write an average price; `~` where it had to be rounded to a hundredth of a cent."""
    if count == ZERO:
        return UNKNOWN
    exact = cost / count
    shown = exact.quantize(Decimal("0.0001"))
    return price_text(shown) if shown == exact else f"~{price_text(shown)}"


def settlements_table(rows: Sequence[Settlement]) -> Table:
    table = table_of(
        ("settled market", "wide"),
        ("result", "right"),
        ("paid out", "right"),
        ("net P&L", "right"),
        ("when", "right"),
    )
    for row in rows:
        value = "" if row.value is None else f" {price_text(row.value)}"
        result = row.result.value + (value if row.result.value == "scalar" else "")
        table.add_row(
            *cells(
                row.ticker,
                result,
                dollars(row.revenue),
                gain(settlement_net_pnl(row)),
                moment(row.settled_at),
            )
        )
    return table
