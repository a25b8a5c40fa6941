"""Every format on the screen: money, times, signs and tables.

Pure: computes nothing beyond formatting. An unknown number is shown as `–`. Color only repeats what a sign
or a word says.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from rich import box
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from kalshi_trading.core.money import ZERO, Contracts, Dollars, Price, count_text, dollars_text, price_text
from kalshi_trading.settings.environments import Environment

UNKNOWN = "–"
_BADGES = {
    Environment.PRACTICE: ("PRACTICE", "bold black on cyan"),
    Environment.SANDBOX: ("SANDBOX", "bold black on yellow"),
    Environment.PRODUCTION: ("PRODUCTION · REAL MONEY", "bold white on red"),
}


def price(value: Price | None) -> str:
    return UNKNOWN if value is None else price_text(value)


def dollars(value: Dollars | None) -> str:
    return UNKNOWN if value is None else dollars_text(value)


def pnl_text(value: Dollars | None) -> Text:
    """Format profit or loss with its sign; the color only repeats it."""
    if value is None:
        return Text(UNKNOWN)
    style = "green" if value > ZERO else "red" if value < ZERO else ""
    return Text(dollars_text(value, signed=True), style=style)


def net_position(net: Contracts) -> str:
    """Format a signed position as count and side: −25 is `25 NO`."""
    if net == ZERO:
        return "0"
    return f"{count_text(abs(net))} {'YES' if net > ZERO else 'NO'}"


def timestamp(at: datetime | None, now: datetime) -> str:
    """Format a time in the user's zone.

    The year and the offset appear only where they differ from those of `now`.
    """
    return " ".join(filter(None, day_and_time(at, now)))


def day_and_time(at: datetime | None, now: datetime) -> tuple[str, str]:
    """Format day and time as two texts, to show one below the other.

    The year and the offset appear only where they differ from those of `now`.
    """
    if at is None:
        return UNKNOWN, ""
    local, here = at.astimezone(), now.astimezone()
    year = "" if local.year == here.year else f" {local.year}"
    offset = "" if local.utcoffset() == here.utcoffset() else f" {time_zone(at)}"
    return f"{local:%b %d}{year}", f"{local:%H:%M:%S}{offset}"


def time_zone(at: datetime) -> str:
    offset = f"{at.astimezone():%z}"
    return f"UTC{offset[:3]}:{offset[3:]}"


def time_left(until: datetime, now: datetime) -> str:
    """Format the time until a close in its two largest units."""
    seconds = int((until - now).total_seconds())
    if seconds <= 0:
        return "closed"
    days, rest = divmod(seconds, 86_400)
    hours, rest = divmod(rest, 3_600)
    minutes, seconds = divmod(rest, 60)
    units = [(days, "d"), (hours, "h"), (minutes, "min"), (seconds, "s")]
    first = next(index for index, (amount, _) in enumerate(units) if amount)
    return " ".join(f"{amount} {unit}" for amount, unit in units[first : first + 2] if amount)


def environment_badge(environment: Environment) -> Text:
    name, style = _BADGES[environment]
    return Text(f" {name} ", style=style)


def error_line(message: str) -> Text:
    return Text.assemble(("✗ ", "bold red"), message)


def note_line(message: str) -> Text:
    return Text.assemble(("· ", "dim"), message)


def table_of(*columns: str | tuple[str, str], title: str | None = None) -> Table:
    """Make an empty table with these columns.

    A column is a name, or a name and a kind. "right" holds numbers and never wraps, "fixed" never wraps, and
    "wide" takes the remaining width.
    """
    table = Table(box=box.SIMPLE_HEAD, title=title, title_justify="left", pad_edge=False, expand=False)
    for column in columns:
        name, kind = column if isinstance(column, tuple) else (column, "")
        if kind == "right":
            table.add_column(name, justify="right", no_wrap=True)
        elif kind == "fixed":
            table.add_column(name, no_wrap=True)
        else:
            table.add_column(name, overflow="fold", ratio=1 if kind == "wide" else None)
    return table


@dataclass(frozen=True, slots=True)
class Column:
    """One column of numbers.

    If not all columns fit, the one with the highest `falls` is dropped first; 0 is never dropped.
    """

    name: str
    falls: int
    cells: Sequence[str | Text]

    @property
    def width(self) -> int:
        return max(len(self.name), *map(len, self.cells), 0) + len("   ")


def table_that_fits(
    name: str, keys: Sequence[RenderableType], columns: Sequence[Column], room: int
) -> tuple[Table, list[str]]:
    """Make a table of the columns that fit into `room` beside the keys.

    Also return the names of the columns that do not fit. `room` is in characters.
    """
    kept = list(columns)
    while sum(column.width for column in kept) > room:
        first_to_fall = max(kept, key=lambda column: column.falls)
        if first_to_fall.falls == 0:
            break
        kept.remove(first_to_fall)
    table = table_of((name, "wide"), *((column.name, "right") for column in kept))
    for key, *numbers in zip(keys, *(column.cells for column in kept), strict=True):
        table.add_row(key, *to_cells(*numbers))
    return table, [column.name for column in columns if column not in kept]


def to_cells(*values: str | Text) -> list[Text]:
    return [value if isinstance(value, Text) else Text(value) for value in values]


def key_values(rows: Sequence[tuple[str, str]]) -> RenderableType:
    """Render names and values, one pair a line."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in rows:
        table.add_row(*to_cells(name, value))
    return table
