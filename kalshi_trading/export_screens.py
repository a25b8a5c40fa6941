"""The screen that writes tables to files: which one, of which period, under which name.

Asks, calls and shows. What is already there is replaced only at the user's word.
"""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path

from kalshi_trading.app import App, not_empty
from kalshi_trading.errors import InvalidInputError
from kalshi_trading.export import Table, absolute_path, format_of
from kalshi_trading.export_tables import (
    ORDERS,
    POSITIONS,
    SETTLEMENTS,
    TRADES,
    Exported,
    Exporter,
)
from kalshi_trading.formats import how_many
from kalshi_trading.journal_table import JOURNAL
from kalshi_trading.periods import FORMS, Period, parse_period
from kalshi_trading.prompts import numbered
from kalshi_trading.tax_lots import TAX

EVERYTHING = "all"
_LABELS = {
    TRADES: "Trades: every fill, ours and external ones",
    ORDERS: "Orders",
    POSITIONS: "Positions as of now",
    SETTLEMENTS: "Settlements",
    JOURNAL: "Journal: all that this program recorded",
    TAX: "Tax: closed lots, laid out like Kalshi's yearly file",
}


def export(app: App) -> None:
    """Ask for a table, a period and a file, and write it."""
    labels = ["Back to the menu", *_LABELS.values()]
    table = app.prompter.choose("Export which table?", numbered(labels, [None, *_LABELS], start=0))
    if table is None:
        return
    period = None if table is POSITIONS else _ask_period(app)
    path, replace = _ask_file(app, table, period)
    if path is None:
        app.say("Nothing was written.")
        return
    exporter = Exporter(app.client, app.tracker, app.journal, app.clock)
    write = partial(exporter.export, table, path, period=period, written_as=format_of(path), replace=replace)
    done = app.counted(f"Writing {table.name} …", lambda progress: write(progress=progress))
    app.say(closing_line(done))
    for note in done.notes:
        app.complain(note)


def _ask_period(app: App) -> Period | None:
    today = app.clock().astimezone().date()

    def parse(text: str) -> Period | None:
        return None if text.lower() == EVERYTHING else parse_period(text, today)

    question = f"Which period ({EVERYTHING}, {FORMS})?"
    return app.prompter.ask(question, parse, default=EVERYTHING)


def _ask_file(app: App, table: Table, period: Period | None) -> tuple[Path | None, bool]:
    """Ask for a file until its name is free or may be taken; None: none at all. Second: replace it."""
    days = str(period or app.clock().astimezone().date())
    proposed = f"kalshi-{app.settings.environment}-{table.name}-{days}.csv"
    while True:
        path = app.prompter.ask(
            "File to write (.csv, or .jsonl for JSON Lines)?", _parse_file, default=proposed
        )
        if not path.parent.is_dir() and not _makes_folder(app, path.parent):
            continue
        if not os.path.lexists(path):
            return path, False
        answer = app.prompter.choose(
            f"{path} is already there.",
            numbered(
                ["Keep it, write nothing", "Replace it", "Write another file"],
                ["keep", "replace", "another"],
                start=0,
            ),
            is_consequential=True,
        )
        if answer != "another":
            return (path if answer == "replace" else None), True


def _makes_folder(app: App, folder: Path) -> bool:
    """Ask before a folder is made: it may be a slip of the finger."""
    return app.prompter.choose(
        f"There is no folder {folder}.", numbered(["Write another file", "Make it"], [False, True], start=0)
    )


def _parse_file(text: str) -> Path:
    path = absolute_path(Path(not_empty(text)))
    format_of(path)
    if path.is_dir():
        raise InvalidInputError(f"{path} is a folder. Name a file in it.")
    return path


def closing_line(done: Exported) -> str:
    """Say how many rows were written, of which time, and where they are."""
    everything = "as of now" if done.table is POSITIONS else "all time"
    when = everything if done.period is None else str(done.period)
    return f"{how_many(done.rows, 'row')} ({done.table.name}, {when}) written to {done.path}."
