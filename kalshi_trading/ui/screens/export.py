"""The export screen: choose a table, a period and a file.

Asks, calls and shows. Replaces an existing file only if the user agrees.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from kalshi_trading.core.dates import Period, local_date
from kalshi_trading.core.errors import InvalidInputError
from kalshi_trading.core.text import pluralize
from kalshi_trading.history import Exporter
from kalshi_trading.history.export_tables import ORDERS, POSITIONS, SETTLEMENTS, TRADES, Exported
from kalshi_trading.history.tax_export import TAX
from kalshi_trading.journal.csv_rows import JOURNAL
from kalshi_trading.journal.files.table_files import Table, absolute_path, format_of
from kalshi_trading.ui.app import AppContext, not_empty
from kalshi_trading.ui.prompts.prompter import GoBack, Step, ask_in_turn, choose_by_name, numbered
from kalshi_trading.ui.screens.choose import ALL_DAYS, PERIODS, parse_days

_LABELS = {
    TRADES: "Trades: every fill, including external ones",
    ORDERS: "Orders",
    POSITIONS: "Positions now",
    SETTLEMENTS: "Settlements",
    JOURNAL: "Journal: everything this program recorded",
    TAX: "Tax: closed lots in the layout of Kalshi's yearly file",
}


@dataclass(frozen=True, slots=True)
class _ExportRequest:
    """The answers so far on the way to a file."""

    table: Table | None = None
    days: str = ALL_DAYS
    """The period as typed."""
    period: Period | None = None
    """None: all time."""
    named: str = ""
    """The file as typed. Empty: the proposed one."""
    path: Path = Path()
    is_replaced: bool = False


def export(app: AppContext) -> None:
    """Ask for a table, a period and a file, and write it.

    Raises GoBack from the first question.
    """
    steps = [
        Step(partial(_ask_table, app)),
        Step(partial(_ask_period, app), lambda request: request.table is not POSITIONS),
        Step(partial(_ask_file, app)),
        Step(partial(_ask_folder, app), lambda request: not request.path.parent.is_dir()),
        Step(partial(_ask_to_replace, app), lambda request: os.path.lexists(request.path)),
    ]
    request = ask_in_turn(_ExportRequest(), steps)
    table, path = request.table, request.path
    assert table is not None  # the first question
    exporter = Exporter(app.client, app.tracker, app.journal, app.clock)
    write = partial(exporter.export, table, path, period=request.period, written_as=format_of(path))
    done = app.run_with_count(
        f"Writing {table.name}…", lambda progress: write(replace=request.is_replaced, progress=progress)
    )
    app.show_text(result_line(done))
    for note in done.notes:
        app.show_error(note)


def _ask_table(app: AppContext, request: _ExportRequest) -> _ExportRequest:
    named = {label: table for table, label in _LABELS.items()}
    table = choose_by_name(app.prompter, "Export which table?", named, before=request.table)
    return replace(request, table=table, period=None)


def _ask_period(app: AppContext, request: _ExportRequest) -> _ExportRequest:
    def parse(text: str) -> _ExportRequest:
        return replace(request, days=text, period=parse_days(text, app.clock()))

    return app.prompter.ask(f"Period ({ALL_DAYS}, {PERIODS})", parse, default=request.days)


def _ask_file(app: AppContext, request: _ExportRequest) -> _ExportRequest:
    assert request.table is not None  # the first question
    days = str(request.period or local_date(app.clock()))
    proposed = f"kalshi-{app.settings.environment}-{request.table.name}-{days}.csv"

    def parse(text: str) -> _ExportRequest:
        path = absolute_path(Path(not_empty(text)))
        format_of(path)  # rejects an unknown file extension
        if path.is_dir():
            raise InvalidInputError(f"{path} is a folder. Enter a file name.")
        named = "" if text == proposed else text  # another table or period proposes another name
        return replace(request, named=named, path=path, is_replaced=False)

    return app.prompter.ask("File (.csv or .jsonl)", parse, default=request.named or proposed)


def _ask_folder(app: AppContext, request: _ExportRequest) -> _ExportRequest:
    """Ask before a folder is created: it may be a typing error.

    Raises GoBack if it is one.
    """
    question = f"The folder {request.path.parent} does not exist."
    return choose_by_name(app.prompter, question, {"Create it": request}, back="Choose another file")


def _ask_to_replace(app: AppContext, request: _ExportRequest) -> _ExportRequest:
    """Ask before a file is replaced. Raises GoBack if the user keeps it."""
    is_replaced = app.prompter.choose(
        f"{request.path} already exists.",
        numbered(["Keep it, choose another file", "Replace it"], [False, True], start=0),
        is_consequential=True,
    )
    if not is_replaced:
        raise GoBack
    return replace(request, is_replaced=True)


def result_line(done: Exported) -> str:
    """Format how many rows of which period were written to which file."""
    everything = "as of now" if done.table is POSITIONS else "all time"
    when = everything if done.period is None else str(done.period)
    return f"{pluralize(done.rows, 'row')} ({done.table.name}, {when}) written to {done.path}."
