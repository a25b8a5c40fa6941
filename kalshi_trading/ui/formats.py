"""Format numbers, times and tables for the screen.

Pure: computes nothing beyond formatting. An unknown number is shown as `–`. Color only repeats what a sign
or a word says.

Dollars are shown in cents. Past amounts and P&L are rounded to the nearest cent. Costs are rounded up
(`at_most`), cash and proceeds down (`at_least`), so that neither promises too much. Explanations, exports and
amounts below a cent show every digit.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from rich import box
from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.table import Table
from rich.text import Text

from kalshi_trading.core.models import Side
from kalshi_trading.core.money import (
    ZERO,
    Contracts,
    Dollars,
    Price,
    Rounding,
    cents_text,
    count_text,
    dollars_text,
    price_places,
    price_text,
    round_down,
    round_half_even,
    round_up,
)
from kalshi_trading.settings.environments import Environment

UNKNOWN = "–"
_BADGES = {
    Environment.PRACTICE: ("PRACTICE", "bold black on cyan"),
    Environment.SANDBOX: ("SANDBOX", "bold black on yellow"),
    Environment.PRODUCTION: ("PRODUCTION · REAL MONEY", "bold white on red"),
}


_SIDE_STYLES = {Side.YES: "cyan", Side.NO: "magenta"}
_SIDE_AFTER_COUNT = re.compile(r"(?<=[0-9] )(YES|NO)\b")
_NUMBER = re.compile(r"([^0-9]*[0-9,]+)(\.[0-9]+)?(¢| YES| NO)?")
"""A number's parts for alignment: sign and whole part, decimals, unit."""


# --- Numbers --------------------------------------------------------------------------------------


def price(value: Price | None) -> str:
    return UNKNOWN if value is None else price_text(value)


def prices(values: Sequence[Price | None]) -> list[str]:
    """Write the prices of one column with equally many decimals."""
    places = max((price_places(value) for value in values if value is not None), default=0)
    return [UNKNOWN if value is None else price_text(value, places=places) for value in values]


def count(value: Contracts | None) -> str:
    return UNKNOWN if value is None else count_text(value)


def dollars(value: Dollars | None) -> str:
    """Write a past amount (cost, fee, payout) to the nearest cent."""
    return _in_cents(value, round_half_even)


def limit(value: Dollars) -> str:
    """Write a limit without idle cents, to the last digit: `$1,000`, `$2.50`."""
    return dollars_text(value).removesuffix(".00")


def at_most(value: Dollars | None) -> str:
    """Write dollars rounded up to a cent: what something may cost or lose."""
    return _in_cents(value, round_up)


def at_least(value: Dollars | None) -> str:
    """Write dollars rounded down to a cent: what there is or will come in."""
    return _in_cents(value, round_down)


def _in_cents(value: Dollars | None, rounding: Rounding) -> str:
    return UNKNOWN if value is None else cents_text(value, rounding)


def pnl_text(value: Dollars | None) -> Text:
    """Format P&L to the nearest cent with its sign. Color repeats the sign."""
    if value is None:
        return Text(UNKNOWN)
    style = "green" if value > ZERO else "red" if value < ZERO else ""
    return Text(cents_text(value, round_half_even, signed=True), style=style)


def two_dollars(one: Dollars, other: Dollars, rounding: Rounding = round_half_even) -> tuple[str, str]:
    """Write two amounts for comparison, in cents.

    Writes every digit if both would look alike in cents but differ.
    """
    shown = cents_text(one, rounding), cents_text(other, rounding)
    return shown if shown[0] != shown[1] or one == other else (dollars_text(one), dollars_text(other))


def net_position(net: Contracts) -> str:
    """Format a signed position as count and side: −25 is `25 NO`."""
    if net == ZERO:
        return "0"
    return f"{count_text(abs(net))} {'YES' if net > ZERO else 'NO'}"


def side_text(side: Side) -> Text:
    return Text(side.upper(), style=_SIDE_STYLES[side])


def with_sides(sentence: str | Text) -> Text:
    """Colour the side after each count, as in `BUY 10 YES at 57¢`."""
    text = sentence if isinstance(sentence, Text) else Text(sentence)
    for found in _SIDE_AFTER_COUNT.finditer(text.plain):
        text.stylize(_SIDE_STYLES[Side(found[0].lower())], *found.span())
    return text


# --- Times and signs ------------------------------------------------------------------------------


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


def closing(at: datetime, now: datetime) -> str:
    """Format a market's closing time: `Closes Dec 18 (18 d 4 h)`.

    Shows the hour instead of the date within a day.
    """
    local = at.astimezone()
    soon = abs(at - now) < timedelta(days=1)
    year = "" if local.year == now.astimezone().year else f", {local.year}"
    when = f"{local:%H:%M}" if soon else f"{local:%b %d}{year}"
    return f"Closes {when} ({time_left(at, now)})" if at > now else f"Closed {when}"


def environment_badge(environment: Environment) -> Text:
    name, style = _BADGES[environment]
    return Text(f" {name} ", style=style)


def error_line(message: str) -> Text:
    return Text.assemble(("✗ ", "bold red"), message)


def note_line(message: str) -> Text:
    return Text.assemble(("· ", "dim"), message)


def lower_first(text: str) -> str:
    """Write the first letter small, except of `NO bid` or `P&L`."""
    return text if text[1:2].isupper() or text[1:2] == "&" else text[:1].lower() + text[1:]


def sentence_case(text: str) -> str:
    """Write the first letter large and leave the others."""
    return text[:1].upper() + text[1:]


# --- Tables ---------------------------------------------------------------------------------------


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


def add_rows(table: Table, rows: Sequence[Sequence[str | Text]]) -> Table:
    """Add rows to a table, aligning right-justified numbers by decimal point."""
    columns = [
        aligned(cells, str(column.header)) if column.justify == "right" else to_cells(*cells)
        for column, cells in zip(table.columns, zip(*rows, strict=True), strict=True)
    ]
    for row in zip(*columns, strict=True):
        table.add_row(*row)
    return table


def mark_total(table: Table) -> None:
    """Set the last row apart as the sum of the others."""
    if len(table.rows) > 1:
        table.rows[-2].end_section = True
    table.rows[-1].style = "bold"


def aligned(cells: Sequence[str | Text], header: str = "") -> list[Text]:
    """Pad the numbers of a right-justified column to align decimal points.

    Pads with spaces, because zeros would claim a precision that was not measured. A column with other content
    stays unchanged.
    """
    texts = to_cells(*cells)
    numbers = {at: _NUMBER.fullmatch(text.plain) for at, text in enumerate(texts) if _is_filled(text)}
    found = {at: match for at, match in numbers.items() if match is not None}
    decimals = {len(match[2] or "") for match in found.values()}
    units = {len(match[3] or "") for match in found.values()}
    if len(found) < len(numbers) or (len(decimals) < 2 and len(units) < 2):
        return texts
    for at, match in found.items():
        after_decimals = match.end(2) if match[2] else match.end(1)
        between = " " * (max(decimals) - len(match[2] or ""))
        behind = " " * (max(units) - len(match[3] or ""))
        text = texts[at]
        texts[at] = Text.assemble(text[:after_decimals], between, text[after_decimals:], behind)
    width = max(len(header), *map(len, texts))
    return [_padded(text, width) for text in texts]


def _is_filled(text: Text) -> bool:
    return text.plain not in ("", UNKNOWN)


def _padded(text: Text, width: int) -> Text:
    """Pad on the left, as left-justified text.

    Rich strips trailing spaces from right-justified text.
    """
    padded = Text.assemble(" " * (width - len(text)), text)
    padded.justify = "left"
    return padded


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
        lines = [line for cell in aligned(self.cells, self.name) for line in cell.plain.splitlines()]
        return max(len(self.name), *map(len, lines), 0) + len("   ")


def table_that_fits(
    name: str,
    keys: Sequence[RenderableType],
    columns: Sequence[Column],
    room: int,
    *,
    key_kind: str = "wide",
) -> tuple[Table, list[str]]:
    """Make a table of the columns that fit into `room` beside the keys.

    Also return the names of the columns that do not fit. `room` is in characters.
    """
    kept = list(columns)
    while sum(column.width for column in kept) > room:
        first_to_fall = max(kept, key=lambda column: column.falls, default=None)
        if first_to_fall is None or first_to_fall.falls == 0:
            break
        kept.remove(first_to_fall)
    table = table_of((name, key_kind), *((column.name, "right") for column in kept))
    cells = [aligned(column.cells, column.name) for column in kept]
    for key, *numbers in zip(keys, *cells, strict=True):
        table.add_row(key, *numbers)
    return table, [column.name for column in columns if column not in kept]


def widen_for(left_out: Iterable[str]) -> str:
    """Name the columns that a wider screen would show."""
    return "widen to see " + ", ".join(lower_first(name) for name in left_out)


@dataclass(frozen=True, slots=True)
class FittingTable:
    """A table that drops columns to fit the screen, and names them."""

    name: str
    keys: Sequence[RenderableType]
    columns: Sequence[Column]
    key_width: int
    """Minimum width of the keys. Longer keys are folded."""
    is_totaled: bool = False
    """True if the last row is the sum of the others."""
    key_kind: str = "wide"

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        room = options.max_width - self.key_width - len("  ")
        table, left_out = table_that_fits(self.name, self.keys, self.columns, room, key_kind=self.key_kind)
        if self.is_totaled:
            mark_total(table)
        yield table
        if left_out:
            yield note_line(sentence_case(widen_for(left_out)))


@dataclass(frozen=True, slots=True)
class BothEnds:
    """Two texts at both ends of a line, or on two lines if too wide."""

    left: Text
    right: Text

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        gap = options.max_width - self.left.cell_len - self.right.cell_len
        if gap >= len("  "):
            yield Text.assemble(self.left, " " * gap, self.right)
        else:
            yield self.left
            yield self.right


def to_cells(*values: str | Text) -> list[Text]:
    return [value if isinstance(value, Text) else Text(value) for value in values]


def key_values(rows: Sequence[tuple[str, str | Text]]) -> RenderableType:
    """Render names and values, one pair a line."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in rows:
        table.add_row(*to_cells(name, value))
    return table
