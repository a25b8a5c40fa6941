"""Render P&L over time and by market, event and series, and settlements.

Pure, over `formats` and `tables`. Every table has the total of all its rows, including rows not shown.
Columns that do not fit are dropped in a fixed order and named. The curve gets dollars as whole hundredths of
a cent. Its labels are formatted here, so no rounded number appears beside it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from kalshi_trading.core.models import MarketResult, Settlement, Side
from kalshi_trading.core.money import BALANCE_GRAIN, CENT, ZERO, Dollars, dollars_text, round_down, round_up
from kalshi_trading.core.text import pluralize
from kalshi_trading.portfolio.breakdown import RealizedPnl
from kalshi_trading.portfolio.ledger import MarketLedger, settlement_net
from kalshi_trading.ui.formats import (
    amounts_with_total,
    dollars,
    note_line,
    pnl_text,
    pnl_with_total,
    price,
    sentence_case,
    side_text,
    time_zone,
    timestamp,
)
from kalshi_trading.ui.tables import Column, mark_total, table_that_fits, to_cells, widen_for
from kalshi_trading.ui.views.positions import MARKET_WIDTH

HEIGHT = 15
_MAX_STEPS = 5
_DAYS_NAMED = 4

DAYS_SHOWN = 14
ROWS_SHOWN = 20
MIN_CHART_WIDTH = 30
_Row = tuple[str, RealizedPnl]


def pnl_by_day(days: Mapping[date | None, RealizedPnl], today: date, width: int) -> RenderableType:
    """Render cumulative net realized P&L as a curve, and recent days as rows."""
    if not days:
        return note_line("No trades yet.")
    if sum(day is not None for day in days) < 2 or width < MIN_CHART_WIDTH:
        chart: RenderableType = note_line(
            "Widen to see the chart."
            if width < MIN_CHART_WIDTH
            else "Chart appears after two days with trades or settlements."
        )
    else:
        title = Text("Cumulative realized P&L, after fees", style="bold")
        points = list(running_net(days, today))
        chart = Group(title, Text(curve(points, width), no_wrap=True))
    rows = [
        (f"{day:%a %b %d %Y}" if day is not None else "Time unknown", realized)
        for day, realized in days.items()
    ]
    earlier, shown = rows[:-DAYS_SHOWN], rows[-DAYS_SHOWN:]
    if earlier:
        shown.insert(0, _sum_row(pluralize(len(earlier), "earlier day"), earlier))
    return Group(chart, _table_with_total("Day", shown, width))


def running_net(days: Mapping[date | None, RealizedPnl], today: date) -> Iterator[tuple[date, Dollars]]:
    """Return cumulative net realized P&L at the end of each day up to today.

    The first entry is the day before the first day.
    """
    dated = [day for day in days if day is not None]
    so_far = days[None].net if None in days else ZERO
    day = min(dated) - timedelta(days=1)
    while day <= max(*dated, today):
        so_far += days[day].net if day in days else ZERO
        yield day, so_far
        day += timedelta(days=1)


def breakdown(name: str, parts: Mapping[str, RealizedPnl], width: int) -> RenderableType:
    """Render P&L by market, event or series, largest net amounts first.

    All further rows are one row.
    """
    if not parts:
        return note_line("No trades yet.")
    rows = sorted(parts.items(), key=lambda part: (-abs(part[1].net), part[0]))
    shown, rest = rows[:ROWS_SHOWN], rows[ROWS_SHOWN:]
    if rest:
        shown.append(_sum_row(pluralize(len(rest), "other"), rest))
    return _table_with_total(sentence_case(name), shown, width)


def exchange_only_markets(ledgers: Iterable[MarketLedger]) -> RenderableType:
    """Render how many markets have only the exchange's own figures.

    Empty if there are none.
    """
    gaps = [ledger.ticker for ledger in ledgers if ledger.mismatch is not None]
    if not gaps:
        return Group()
    named = ", ".join(gaps[:3]) + (" …" if len(gaps) > 3 else "")
    figures = f"Exchange figures for {pluralize(len(gaps), 'market')} ({named})"
    return note_line(f"{figures}: trading and settlement are not split, and trades have no day.")


def _sum_row(name: str, rows: Iterable[_Row]) -> _Row:
    return name, sum((realized for _, realized in rows), RealizedPnl())


def _table_with_total(name: str, rows: Sequence[_Row], width: int) -> RenderableType:
    """Render one row each, with the total below."""
    every = [*rows, _sum_row("total", rows)]
    columns = (
        Column("Trading", 3, pnl_with_total([realized.by_trading for _, realized in every])),
        Column("Settlement", 2, pnl_with_total([realized.by_settlement for _, realized in every])),
        Column("Fees", 1, amounts_with_total([realized.fees for _, realized in every])),
        Column("Net realized", 0, pnl_with_total([realized.net for _, realized in every])),
    )
    table, left_out = _fit_table(name, [key for key, _ in every], columns, width)
    mark_total(table)
    return Group(table, left_out)


def settlements_table(
    rows: Sequence[Settlement], ledgers: Mapping[str, MarketLedger], now: datetime, width: int
) -> RenderableType:
    """Render payouts, newest first, with each market's total net P&L."""
    if not rows:
        return note_line("No settlements yet.")
    shown = rows[:ROWS_SHOWN]
    results = [
        Text(f"scalar {price(row.value)}") if row.result is MarketResult.SCALAR else _result(row.result)
        for row in shown
    ]
    columns = (
        Column("Result", 1, results),
        Column("Payout", 3, [dollars(row.revenue) for row in shown]),
        Column("Net realized", 0, [pnl_text(settlement_net(row, ledgers.get(row.ticker))) for row in shown]),
        Column(f"Time ({time_zone(now)})", 2, [timestamp(row.settled_at, now) for row in shown]),
    )
    table, left_out = _fit_table("Market", [row.ticker for row in shown], columns, width)
    if len(rows) > ROWS_SHOWN:
        return Group(
            table, left_out, note_line(f"Showing the latest {ROWS_SHOWN} of {len(rows):,} settlements.")
        )
    return Group(table, left_out)


def _result(result: MarketResult) -> Text:
    sides = {MarketResult.YES: Side.YES, MarketResult.NO: Side.NO}
    return side_text(sides[result]) if result in sides else Text(result.value)


def _fit_table(
    name: str, keys: Sequence[str], columns: Sequence[Column], width: int
) -> tuple[Table, RenderableType]:
    """Make a table of the columns that fit beside the keys.

    Also return a line that names the columns left out.
    """
    key_width = min(max(map(len, (name, *keys))), MARKET_WIDTH)
    table, left_out = table_that_fits(name, to_cells(*keys), columns, width - key_width - 2)
    return table, note_line(sentence_case(widen_for(left_out))) if left_out else Group()


def curve(points: Sequence[tuple[date, Dollars]], width: int) -> str:
    """Draw dollars over days, `width` columns wide and without color.

    The days must be in order.
    """
    import plotext  # type: ignore[import-untyped]

    figure = plotext.figure
    figure.clear()
    figure.plot_size(width, HEIGHT)
    days = [day.toordinal() for day, _ in points]
    line = figure.signal(days, [_grains(amount) for _, amount in points], marker="braille")
    line.lines()
    figure.draw(line)
    amounts = axis_ticks([amount for _, amount in points])
    labels = [dollars_text(amount, signed=True) for amount in amounts]
    figure.ruler("y").lim(_grains(amounts[0]), _grains(amounts[-1]))
    figure.ruler("y").ticks([_grains(amount) for amount in amounts], labels)
    first, last = days[0], days[-1]
    parts = min(_DAYS_NAMED - 1, last - first) or 1
    named = sorted({first + (last - first) * part // parts for part in range(parts + 1)})
    figure.ruler("x").lim(first, last)
    figure.ruler("x").ticks(named, [f"{date.fromordinal(day):%b %d}" for day in named])
    return str(figure.build().string(colorless=True)).rstrip("\n")


def _grains(amount: Dollars) -> int:
    """Return whole hundredths of a cent, the curve's resolution.

    The tables have every digit.
    """
    return int(round_down(amount, BALANCE_GRAIN) / BALANCE_GRAIN)


def axis_ticks(amounts: Sequence[Dollars]) -> list[Dollars]:
    """Return a few round amounts that span all of these and zero."""
    lowest, highest = min(*amounts, 0 * CENT), max(*amounts, 0 * CENT)
    step = CENT
    while (highest - lowest) / step > _MAX_STEPS:
        # 1, 2, 5, 10 cents and so on
        step = step * 5 / 2 if step.scaleb(2).as_tuple().digits[0] == 2 else step * 2
    marks = [round_down(lowest, step)]
    while marks[-1] < round_up(highest, step) or len(marks) < 2:
        marks.append(marks[-1] + step)
    return marks
