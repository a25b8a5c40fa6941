"""Screens of the records: review, search, follow, export, disk space.

Asks, calls and shows. Deletes only old logs, and only after the user types the word.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import islice

from kalshi_trading.core.dates import local_date
from kalshi_trading.core.text import pluralize
from kalshi_trading.history import log_review
from kalshi_trading.history.log_review import LogFollower, LogItem
from kalshi_trading.journal.files.log_files import delete_before
from kalshi_trading.journal.files.log_reader import DamagedLine
from kalshi_trading.journal.records import as_journal_errors
from kalshi_trading.ui.app import AppContext, not_empty
from kalshi_trading.ui.prompts.prompter import GoBack, ask_then, numbered, typed_word
from kalshi_trading.ui.screens.export import export
from kalshi_trading.ui.views import records as records_view

PAGE = 20
MIN_PAGE = 5
LINES_AROUND = 6
"""Lines for the days, the time zone and the choices."""
POLL_S = 0.5
DAYS_OFFERED_TO_KEEP = 30


def records(app: AppContext) -> None:
    """Offer to review, search, follow or export records, or show their size."""
    tasks: list[Callable[[AppContext], None]] = [
        lambda app: None,
        events,
        errors,
        export,
        search,
        follow,
        sizes,
    ]
    labels = [
        "Back",
        "Recent events, newest first",
        "Errors and their references",
        "Export to CSV or JSON Lines",
        "Search all records",
        "Follow new events live",
        "Disk usage",
    ]
    rows = numbered(labels, tasks, start=0)
    ask_then(
        lambda before: app.prompter.choose(
            "Which records?", rows, marked=0 if before is None else tasks.index(before)
        ),
        lambda task: task(app),
    )


# --- Review ---------------------------------------------------------------------------------------


def events(app: AppContext) -> None:
    """Review the journal. Raises GoBack when the user is done."""
    _page_through(app, log_review.newest_events(app.journal), none="The journal is empty.")
    raise GoBack


def errors(app: AppContext) -> None:
    """Review the errors. Raises GoBack when the user is done."""
    lines = log_review.newest_errors(app.journal)
    if _page_through(app, lines, none="No errors recorded."):
        app.show_text(f"Details by reference: {app.journal.errors_path}")
    raise GoBack


def search(app: AppContext) -> None:
    """Search all records until the user goes back. Raises GoBack."""
    question = "Search records (all words must match)"

    def review(typed: str) -> None:
        words = typed.split()
        found = log_review.search(app.journal, words)
        none = f"No records match “{' '.join(words)}”. Try fewer words, a ticker or a reference."
        _page_through(app, found, none=none, only_damaged=none)
        raise GoBack

    ask_then(lambda before: app.prompter.ask(question, not_empty, prefill=before or ""), review)


def _page_through(
    app: AppContext,
    lines: Iterator[LogItem],
    *,
    none: str,
    only_damaged: str = "Only unreadable lines found.",
) -> bool:
    """Show pages until the user wants no older ones.

    Return True if an undamaged event was shown.
    """
    size = PAGE
    if app.console.is_terminal:  # as many as fit when most take two lines
        size = min(PAGE, max(MIN_PAGE, (app.console.height - LINES_AROUND) // 2))
    page = _next_page(app, lines, size + 1)
    any_shown = False
    if not page:
        app.show_text(none)
    while page:
        shown, further = page[:size], page[size:]
        any_shown |= any(not isinstance(line, DamagedLine) for line in shown)
        app.show(records_view.review(shown, app.clock()))
        if not further and not any_shown:
            app.show_text(only_damaged)
        if not _wants_older(app, has_older=bool(further)):
            break
        page = [*further, *_next_page(app, lines, size)]
    return any_shown


def _next_page(app: AppContext, lines: Iterator[LogItem], most: int) -> list[LogItem]:
    return app.run_with_spinner("Reading the records…", lambda: list(islice(lines, most)))


def _wants_older(app: AppContext, *, has_older: bool) -> bool:
    """Keep the page on the screen until the user leaves it.

    Return True if the user wants an older page.
    """
    rows = numbered(["Back", "Older"], [False, True], start=0)
    if has_older:
        return app.prompter.choose_in_line("More entries available", rows)
    return app.prompter.choose_in_line("No older entries", rows[:1])


# --- Follow ---------------------------------------------------------------------------------------


def follow(app: AppContext, wait: Callable[[float], None] = time.sleep) -> None:
    """Show new records of any session until Ctrl-C."""
    app.show_text("Following new events and errors. Ctrl-C to stop.")
    try:
        follower = LogFollower(app.journal)
        while True:
            lines = follower.new_lines()
            if lines:
                app.show(records_view.new_lines(lines))
            wait(POLL_S)
    except KeyboardInterrupt:
        app.show_text("Stopped following.")


# --- Size -----------------------------------------------------------------------------------------


def sizes(app: AppContext) -> None:
    """Show the disk space of the logs, and offer to delete old ones.

    Only errors and requests can be deleted; the journal always stays.
    """
    logs = app.journal.log_sizes()
    app.show(records_view.sizes(logs))
    day = local_date(app.clock()) - timedelta(days=DAYS_OFFERED_TO_KEEP)
    deletable = (app.journal.errors_path, app.journal.requests_path)
    oldest = [logs[path.name].oldest for path in deletable]
    if not any(each is not None and each < day for each in oldest):
        return
    word = "DELETE"
    question = f"Type {word} to delete errors and requests before {day}, or Enter to keep:"
    if not app.prompter.ask(question, typed_word(word), is_consequential=True):
        app.show_text("Nothing was deleted.")
        return
    deleted = 0
    for path in deletable:
        with as_journal_errors(path):
            deleted += delete_before(path, day)
    app.show_text(f"Deleted {pluralize(deleted, 'file')}. The journal is unchanged.")
