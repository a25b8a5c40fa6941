"""Render log lines and the size of the logs.

Pure, over `formats` and `tables`. Log text only ever appears as `Text`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from itertools import groupby

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from kalshi_trading.core.text import pluralize
from kalshi_trading.history.log_review import LogEvent, LogItem
from kalshi_trading.journal.files.log_files import LogSize
from kalshi_trading.journal.files.log_reader import DamagedLine
from kalshi_trading.ui.formats import UNKNOWN, time_zone
from kalshi_trading.ui.tables import table_of, to_cells

_LOGS = {"trades.log": "journal", "errors.log": "errors", "requests.log": "requests"}


def review(lines: Iterable[LogItem], now: datetime) -> RenderableType:
    """Render log lines under their days; long sentences wrap."""
    parts: list[RenderableType] = []
    for day, group in groupby(_with_days(lines), key=lambda pair: pair[0]):
        parts += [Text(day, style="bold")] if day else []
        parts.append(new_lines([line for _, line in group]))
    return Group(*parts, Text(f"Times in {time_zone(now)}", style="dim"))


def _with_days(lines: Iterable[LogItem]) -> Iterable[tuple[str, LogItem]]:
    """Pair each line with its day.

    A damaged line gets the day of the line shown before it.
    """
    day = ""
    for line in lines:
        if isinstance(line, LogEvent):
            day = f"{line.at.astimezone():%a %b %d, %Y}"
        yield day, line


def new_lines(lines: Iterable[LogItem]) -> RenderableType:
    """Render lines without days: time, kind, market, sentence."""
    table = Table.grid(padding=(0, 1), expand=True)
    table.add_column(no_wrap=True, min_width=8)
    table.add_column(no_wrap=True, min_width=9, max_width=16)
    table.add_column(ratio=1, overflow="fold")
    for line in lines:
        if isinstance(line, DamagedLine):
            table.add_row(Text(""), Text("✗ damaged", style="bold red"), Text(f"{line}: unreadable"))
            continue
        market = f"{line.market}  " if line.market else ""
        table.add_row(
            *to_cells(
                f"{line.at.astimezone():%H:%M:%S}",
                Text(line.what, style="bold red" if line.what in ("error", "unknown") else ""),
                Text.assemble((market, "dim"), line.sentence),
            )
        )
    return table


def sizes(logs: Mapping[str, LogSize]) -> RenderableType:
    """Render the disk space each log takes."""
    table = table_of(("Log", "fixed"), ("Files", "right"), ("Oldest day", "right"), ("Size", "right"))
    for name, log in logs.items():
        oldest = log.oldest or log.current_day
        day = str(oldest) if oldest else UNKNOWN
        table.add_row(*to_cells(_LOGS.get(name, name), f"{log.files:,}", day, size_text(log.stored_bytes)))
    return Group(table, Text(f"Total {total_size(logs)}", style="dim"))


def total_size(logs: Mapping[str, LogSize]) -> str:
    files = sum(log.files for log in logs.values())
    size = size_text(sum(log.stored_bytes for log in logs.values()))
    return f"{size} in {pluralize(files, 'file')}"


def size_text(size: int) -> str:
    """Format a number of bytes in kB, MB or GB (powers of 1000)."""
    if size < 1000:
        return f"{size} B"
    for unit in ("kB", "MB", "GB"):
        size, rest = divmod(size, 1000)
        if size < 1000:
            return f"{size}.{rest // 100} {unit}"
    return f"{size:,} GB"
