"""Render the table of positions, sorted and by pages.

Pure, over `formats`. Columns that do not fit are dropped in a fixed order and named. A ticker is never cut.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from enum import StrEnum

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from kalshi_trading.core.dates import FAR_FUTURE
from kalshi_trading.core.money import BALANCE_GRAIN, ZERO, Contracts, Dollars, price_text, round_half_even
from kalshi_trading.portfolio.snapshot import PortfolioSnapshot, PositionPnl
from kalshi_trading.ui.formats import (
    UNKNOWN,
    Column,
    dollars,
    net_position,
    note_line,
    pnl_text,
    price,
    table_that_fits,
    time_left,
)

PAGE = 40
"""Positions on a page where no screen limits it."""
FEWEST = 3
MARKET_WIDTH = 24  # maximum width reserved for the market column


class Sorting(StrEnum):
    """Sort keys of the positions; unknown values come last."""

    VALUE = "value"
    UNREALIZED = "unrealized P&L"
    CLOSES = "closes in"
    COST = "cost"
    TICKER = "ticker"


def in_order(rows: Iterable[PositionPnl], sorting: Sorting) -> list[PositionPnl]:
    """Sort positions: largest amounts, earliest closes, or tickers A to Z."""
    return sorted(rows, key=lambda row: (*_rank(row, sorting), row.position.ticker))


def _rank(row: PositionPnl, sorting: Sorting) -> tuple[bool, Dollars | datetime]:
    if sorting is Sorting.CLOSES:
        return row.market is None, row.market.close_at if row.market else FAR_FUTURE
    amounts = {Sorting.VALUE: row.value, Sorting.UNREALIZED: row.unrealized_pnl, Sorting.COST: row.cost_basis}
    amount = amounts.get(sorting, ZERO)
    return amount is None, -(amount or ZERO)


def page_start(start: int, count: int, page: int = PAGE) -> int:
    """Return the index of the page's first row.

    If there are too few rows by now, it is the last page's.
    """
    return max(0, min(start, (count - 1) // page * page))


def page_size(lines: int, *, is_brief: bool) -> int:
    """Return how many positions fit into a table of `lines` lines."""
    around = 4 + (1 if is_brief else 2)  # the heading, the lines around it, and the line below
    return min(PAGE, max(FEWEST, (lines - around) // (1 if is_brief else 2)))


_COLUMNS: tuple[tuple[str, int, Callable[[PositionPnl, datetime], str | Text]], ...] = (
    ("held", 0, lambda row, _: net_position(row.position.net)),
    ("avg cost", 2, lambda row, _: average(row.cost_basis, row.position.count)),
    ("mark", 1, lambda row, _: price(row.mark)),
    ("value", 0, lambda row, _: dollars(row.value)),
    ("unrealized", 0, lambda row, _: pnl_text(row.unrealized_pnl)),
    ("realized", 4, lambda row, _: pnl_text(row.realized_pnl)),
    ("fees", 5, lambda row, _: dollars(row.fees_paid)),
    ("closes in", 3, lambda row, now: closes_in(row, now)),
)
"""Each column: name, how early it is dropped (`Column.falls`), and its cell."""


def positions(
    snapshot: PortfolioSnapshot,
    sorting: Sorting,
    start: int,
    width: int,
    *,
    page: int = PAGE,
    is_brief: bool = False,
) -> RenderableType:
    """Render one page of positions with its notes.

    Empty if the positions are unknown. `is_brief` leaves out the names of the outcomes, for low screens.
    """
    if snapshot.positions.value is None:
        return Group()
    if not snapshot.held:
        return note_line("No open positions.")
    start = page_start(start, len(snapshot.held), page)
    rows = in_order(snapshot.held, sorting)[start : start + page]
    table, left_out = positions_table(rows, snapshot.as_of, width, is_brief=is_brief)
    facts = [f"by {sorting}"]
    if not is_brief:
        facts += [f"mark: {snapshot.mark} of the side held", f"{UNKNOWN} not known"]
    if len(snapshot.held) > len(rows):
        noun = "" if is_brief else " positions"
        facts.insert(0, f"{start + 1:,} to {start + len(rows):,} of {len(snapshot.held):,}{noun}")
    if left_out:
        facts.append(f"too narrow for {', '.join(left_out)}")
    return Group(table, Text(" · ".join(facts), style="dim"))


def positions_table(
    rows: Sequence[PositionPnl], now: datetime, width: int, *, is_brief: bool = False
) -> tuple[Table, list[str]]:
    """Make a table of markets with as many columns as fit.

    Also return the names of the columns left out.
    """
    columns = [Column(name, falls, [cell(row, now) for row in rows]) for name, falls, cell in _COLUMNS]
    markets: list[RenderableType] = []
    for row in rows:
        market = Text(row.position.ticker, overflow="fold")
        if row.market is None or is_brief:
            markets.append(market)
        else:
            markets.append(Group(market, Text(outcome(row), style="dim", no_wrap=True, overflow="ellipsis")))
    ticker_width = max((len(row.position.ticker) for row in rows), default=0)
    return table_that_fits("market", markets, columns, width - min(ticker_width, MARKET_WIDTH) - 2)


def outcome(row: PositionPnl) -> str:
    """Return the exchange's label of the outcome held.

    The exchange often labels NO with the text of YES; then it is "not:" and that text.
    """
    if row.market is None:
        return UNKNOWN
    yes, no = row.market.yes_label, row.market.no_label
    if row.position.net >= ZERO:
        return yes
    return no if no and no != yes else f"not: {yes}"


def closes_in(row: PositionPnl, now: datetime) -> str:
    return UNKNOWN if row.market is None else time_left(row.market.close_at, now)


def average(cost: Dollars, count: Contracts) -> str:
    """Format an average price; `~` marks rounding to a hundredth of a cent."""
    if count == ZERO:
        return UNKNOWN
    exact = cost / count
    shown = round_half_even(exact, BALANCE_GRAIN)
    return price_text(shown) if shown == exact else f"~{price_text(shown)}"
