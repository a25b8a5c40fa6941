"""Profit over time and by market, event and series, and settlements, on the screen.

Pure, over `formats`; every table stands above the sum of all its rows, also those not shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from kalshi_trading import pnl_chart
from kalshi_trading.formats import cells, dollars, gain, moment, notice, price, table_of
from kalshi_trading.market_account import MarketAccount
from kalshi_trading.models import MarketResult, Settlement
from kalshi_trading.money import ZERO, Dollars
from kalshi_trading.pnl import settlement_net_pnl
from kalshi_trading.pnl_breakdown import Realized

DAYS_SHOWN = 14
ROWS_SHOWN = 20
NARROWEST_CHART = 30


def over_time(days: Mapping[date | None, Realized], today: date, width: int) -> RenderableType:
    """The net profit realized so far as a curve, and the last days with profit in a table."""
    if not days:
        return notice("Nothing was traded yet, so there is no P&L over time.")
    return Group(_chart(days, today, width), _days_table(days))


def _chart(days: Mapping[date | None, Realized], today: date, width: int) -> RenderableType:
    dated = [day for day in days if day is not None]
    if len(dated) < 2 or width < NARROWEST_CHART:
        return notice("A curve needs two days with trades or settlements, and some width.")
    points = list(running_net(days, today))
    title = Text("net P&L realized so far, by day (fees inside, open positions not)", style="bold")
    return Group(title, Text(pnl_chart.curve(points, width), no_wrap=True))


def running_net(days: Mapping[date | None, Realized], today: date) -> Iterator[tuple[date, Dollars]]:
    """Give the net profit so far at the end of every day up to today, beginning with the day before."""
    dated = [day for day in days if day is not None]
    so_far = days[None].net if None in days else ZERO
    day = min(dated) - timedelta(days=1)
    while day <= max(*dated, today):
        so_far += days[day].net if day in days else ZERO
        yield day, so_far
        day += timedelta(days=1)


def _days_table(days: Mapping[date | None, Realized]) -> RenderableType:
    names = {f"{day:%a %b %d %Y}" if day is not None else "time not known": day for day in days}
    shown = list(names)[-DAYS_SHOWN:]
    table = _table("day")
    earlier = [days[names[name]] for name in names if name not in shown]
    if earlier:
        _add(table, f"{len(earlier):,} earlier days", sum(earlier, Realized()))
    for name in shown:
        _add(table, name, days[names[name]])
    return _with_total(table, days.values())


def breakdown(name: str, parts: Mapping[str, Realized]) -> RenderableType:
    """What each market, event or series earned, the largest net amounts first, and all others together."""
    if not parts:
        return notice("Nothing was traded yet.")
    rows = sorted(parts.items(), key=lambda part: (-abs(part[1].net), part[0]))
    table = _table(name)
    for key, realized in rows[:ROWS_SHOWN]:
        _add(table, key, realized)
    rest = [realized for _, realized in rows[ROWS_SHOWN:]]
    if rest:
        _add(table, f"{len(rest):,} others", sum(rest, Realized()))
    return _with_total(table, parts.values())


def not_rebuilt(accounts: Iterable[MarketAccount]) -> RenderableType:
    """Say how many markets stand there by the exchange's own figures; nothing where none does."""
    gaps = [account.ticker for account in accounts if account.gap is not None]
    if not gaps:
        return Group()
    markets = "1 market stands" if len(gaps) == 1 else f"{len(gaps):,} markets stand"
    told = "which tell neither trading from settlement nor the day of a trade"
    named = ", ".join(gaps[:3]) + (" …" if len(gaps) > 3 else "")
    return notice(f"{markets} there by the exchange's own figures, {told}: {named}")


def _table(name: str) -> Table:
    numbers = ("by trading", "by settlement", "fees", "net")
    return table_of((name, "wide"), *((number, "right") for number in numbers))


def _add(table: Table, name: str, realized: Realized, style: str | None = None) -> None:
    by_trading, by_settlement = gain(realized.by_trading), gain(realized.by_settlement)
    table.add_row(
        *cells(name, by_trading, by_settlement, dollars(realized.fees), gain(realized.net)), style=style
    )


def _with_total(table: Table, parts: Iterable[Realized]) -> RenderableType:
    table.add_section()
    _add(table, "total", sum(parts, Realized()), "bold")
    return table


def settlements_table(rows: Sequence[Settlement]) -> RenderableType:
    """Payouts with what each market earned over its whole life, newest first."""
    if not rows:
        return notice("No settlements yet.")
    table = table_of(
        ("settled market", "wide"),
        ("result", "right"),
        ("paid out", "right"),
        ("net P&L", "right"),
        ("when", "right"),
    )
    for row in rows[:ROWS_SHOWN]:
        profit = gain(settlement_net_pnl(row))
        table.add_row(*cells(row.ticker, _result(row), dollars(row.revenue), profit, moment(row.settled_at)))
    if len(rows) > ROWS_SHOWN:
        return Group(table, notice(f"The newest {ROWS_SHOWN} of {len(rows):,} settlements."))
    return table


def _result(row: Settlement) -> str:
    return f"scalar {price(row.value)}" if row.result is MarketResult.SCALAR else row.result.value
