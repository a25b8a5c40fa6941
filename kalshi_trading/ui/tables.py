"""Build tables for the screen: aligned numbers, and columns that fit.

Pure: computes nothing beyond layout. A table that is too wide drops columns in a fixed order and names them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich import box
from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.table import Table
from rich.text import Text

from kalshi_trading.ui.formats import UNKNOWN, lower_first, note_line, sentence_case

_NUMBER = re.compile(r"([^0-9]*[0-9,]+)(\.[0-9]+)?(¢| YES| NO)?")
"""A number's parts for alignment: sign and whole part, decimals, unit."""


def table_of(*columns: str | tuple[str, str]) -> Table:
    """Make an empty table with these columns.

    A column is a name, or a name and a kind. "right" holds numbers and never wraps, "fixed" never wraps, and
    "wide" takes the remaining width.
    """
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, expand=False)
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

    If not all columns fit, the one with the highest `drop_order` is dropped first; 0 is never dropped.
    """

    name: str
    drop_order: int
    cells: Sequence[str | Text]

    @property
    def width(self) -> int:
        lines = [line for cell in aligned(self.cells, self.name) for line in cell.plain.splitlines()]
        return max(len(self.name), *map(len, lines), 0) + len("   ")


def table_that_fits(
    name: str,
    keys: Sequence[RenderableType],
    columns: Sequence[Column],
    width: int,
    *,
    key_kind: str = "wide",
) -> tuple[Table, list[str]]:
    """Make a table of the columns that fit into `width` beside the keys.

    Also return the names of the columns that do not fit. `width` is in characters.
    """
    kept = list(columns)
    while sum(column.width for column in kept) > width:
        next_dropped = max(kept, key=lambda column: column.drop_order, default=None)
        if next_dropped is None or next_dropped.drop_order == 0:
            break
        kept.remove(next_dropped)
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
        width = options.max_width - self.key_width - len("  ")
        table, left_out = table_that_fits(self.name, self.keys, self.columns, width, key_kind=self.key_kind)
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
