"""Render the table of positions, sorted and by pages.

Pure, over `formats` and `tables`. Columns that do not fit are dropped in a fixed order and named. A ticker is
never cut.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from enum import StrEnum

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from kalshi_trading.core.dates import FAR_FUTURE
from kalshi_trading.core.money import (
    BALANCE_GRAIN,
    ZERO,
    Contracts,
    Dollars,
    Price,
    price_places,
    price_text,
    round_half_even,
)
from kalshi_trading.portfolio.snapshot import PortfolioSnapshot, PositionPnl
from kalshi_trading.ui.formats import (
    UNKNOWN,
    at_least,
    dollars,
    net_position,
    note_line,
    pnl_text,
    prices,
    sentence_case,
    time_to_end,
    with_sides,
)
from kalshi_trading.ui.tables import Column, table_that_fits, widen_for

PAGE = 40
"""Positions on a page where no screen limits it."""
MIN_PAGE = 3
MARKET_WIDTH = 24  # maximum width reserved for the market column


class Sorting(StrEnum):
    """Sort keys of the positions; unknown values come last."""

    VALUE = "value"
    UNREALIZED = "unrealized P&L"
    CLOSES = "closes in"
    COST = "cost"
    TICKER = "ticker"


def sort_positions(rows: Iterable[PositionPnl], sorting: Sorting, now: datetime) -> list[PositionPnl]:
    """Sort positions: largest amounts, earliest closes, or tickers A to Z."""
    return sorted(rows, key=lambda row: (*_rank(row, sorting, now), row.position.ticker))


def _rank(row: PositionPnl, sorting: Sorting, now: datetime) -> tuple[bool, Dollars | datetime]:
    if sorting is Sorting.CLOSES:
        market = row.market
        return market is None, FAR_FUTURE if market is None else market.expected_end(now) or market.close_at
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
    return min(PAGE, max(MIN_PAGE, (lines - around) // (1 if is_brief else 2)))


def _each(cell: Callable[[PositionPnl], str | Text]) -> Callable[[_Rows, datetime], list[str | Text]]:
    return lambda rows, _: [cell(row) for row in rows]


_Rows = Sequence[PositionPnl]
_COLUMNS: tuple[tuple[str, int, Callable[[_Rows, datetime], Sequence[str | Text]]], ...] = (
    ("Held", 0, _each(lambda row: with_sides(net_position(row.position.net)))),
    ("Avg cost", 3, lambda rows, _: _averages(rows)),
    ("Mark", 2, lambda rows, _: prices([row.mark for row in rows])),
    ("Value", 1, _each(lambda row: at_least(row.value))),
    ("Unrealized", 0, _each(lambda row: pnl_text(row.unrealized_pnl))),
    ("Realized", 5, _each(lambda row: pnl_text(row.realized_pnl))),
    ("Fees", 6, _each(lambda row: dollars(row.fees_paid))),
    ("Closes in", 4, lambda rows, now: [closes_in(row, now) for row in rows]),
)
"""Each column: name, how early it is dropped (`Column.drop_order`), and its cells."""


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
    rows = sort_positions(snapshot.held, sorting, snapshot.as_of)[start : start + page]
    table, left_out = positions_table(rows, snapshot.as_of, width, is_brief=is_brief)
    facts = [f"sorted by {sorting}"]
    if not is_brief:
        facts.append(f"mark: {snapshot.mark} of the side held")
        facts += [f"{UNKNOWN} unknown"] if any(row.mark is None for row in rows) else []
    if len(snapshot.held) > len(rows):
        noun = "" if is_brief else " positions"
        facts.insert(0, f"{start + 1:,} to {start + len(rows):,} of {len(snapshot.held):,}{noun}")
    if left_out:
        facts.append(widen_for(left_out))
    return Group(table, Text(sentence_case(" · ".join(facts)), style="dim"))


def positions_table(
    rows: Sequence[PositionPnl], now: datetime, width: int, *, is_brief: bool = False
) -> tuple[Table, list[str]]:
    """Make a table of markets with as many columns as fit.

    Also return the names of the columns left out.
    """
    columns = [Column(name, drop_order, cells(rows, now)) for name, drop_order, cells in _COLUMNS]
    markets: list[RenderableType] = []
    for row in rows:
        market = Text(row.position.ticker, overflow="fold")
        if row.market is None or is_brief:
            markets.append(market)
        else:
            markets.append(Group(market, Text(outcome(row), style="dim", no_wrap=True, overflow="ellipsis")))
    ticker_width = max((len(row.position.ticker) for row in rows), default=0)
    return table_that_fits("Market", markets, columns, width - min(ticker_width, MARKET_WIDTH) - 2)


def outcome(row: PositionPnl) -> str:
    """Return the exchange's label of the outcome held.

    The exchange often labels NO with the text of YES. Then "NO:" precedes that text.
    """
    if row.market is None:
        return UNKNOWN
    yes, no = row.market.yes_label, row.market.no_label
    if row.position.net >= ZERO:
        return yes
    return no if no and no != yes else f"NO: {yes}"


def closes_in(row: PositionPnl, now: datetime) -> str:
    return UNKNOWN if row.market is None else time_to_end(row.market, now)


def average(cost: Dollars, count: Contracts) -> str:
    """Format an average price; `~` marks rounding to a hundredth of a cent."""
    mean = _average(cost, count)
    return UNKNOWN if mean is None else _average_text(*mean)


def _averages(rows: Sequence[PositionPnl]) -> list[str]:
    """Write the average prices of one column with equally many decimals."""
    means = [_average(row.cost_basis, row.position.count) for row in rows]
    places = max((price_places(mean[0]) for mean in means if mean is not None), default=0)
    return [UNKNOWN if mean is None else _average_text(*mean, places) for mean in means]


def _average(cost: Dollars, count: Contracts) -> tuple[Price, bool] | None:
    """Return the average price and True if it is exact.

    Rounds to a hundredth of a cent. None: no contracts.
    """
    if count == ZERO:
        return None
    exact = cost / count
    shown = round_half_even(exact, BALANCE_GRAIN)
    return shown, shown == exact


def _average_text(mean: Price, is_exact: bool, places: int = 0) -> str:
    return f"{'' if is_exact else '~'}{price_text(mean, places=places)}"
