"""Questions that several screens share."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from functools import partial
from typing import TypeVar

from kalshi_trading.core.dates import Period, local_date, parse_period
from kalshi_trading.core.errors import InvalidInputError
from kalshi_trading.ui.app import AppContext, not_empty
from kalshi_trading.ui.prompts.prompter import Choice, GoBack, ask_then, choose_task, numbered

R = TypeVar("R")
T = TypeVar("T")
PageTask = Callable[[AppContext, T], T]
"""A task of a page: it asks and shows, and returns the updated page."""


def run_tasks(
    app: AppContext, title: str, page: T, tasks_of: Callable[[T], Sequence[Choice[PageTask[T] | None]]]
) -> None:
    """Offer the tasks of a page and run the chosen one, repeatedly.

    None leads back to the menu.
    """
    while (task := app.prompter.choose_in_line(title, tasks_of(page))) is not None:
        with suppress(GoBack):
            page = task(app, page)


ALL_DAYS = "all"
PERIODS = "7d, 2026-11, 2026-11-01..2026-11-07"
"""Examples for a question on one line; the answer to a wrong period lists every form."""


def parse_days(text: str, now: datetime) -> Period | None:
    """Parse a period as typed. None: all days. Raises InvalidInputError."""
    return None if text.strip().lower() == ALL_DAYS else parse_period(text, local_date(now))


def choose_or_type(
    app: AppContext,
    question: str,
    shown: Sequence[tuple[str, T]],
    known: Mapping[str, T],
    act: Callable[[T], R],
) -> R:
    """Offer some values by label and any other known one by its ticker.

    Runs `act` on the chosen one; going back from it asks again. Raises GoBack from the list.
    """
    tasks: list[Choice[Callable[[], R]]] = numbered(
        [label for label, _ in shown], [partial(act, value) for _, value in shown]
    )
    if len(known) > len(shown):
        ask = partial(_ask_ticker, app, known)
        label = "Enter a ticker"
        tasks.append(Choice("t", label, lambda: ask_then(ask, lambda ticker: act(known[ticker]))))
    return choose_task(app.prompter, question, tasks, back="Back")


def _ask_ticker(app: AppContext, known: Mapping[str, T], before: str | None) -> str:
    def parse(text: str) -> str:
        ticker = not_empty(text).upper()
        if ticker not in known:
            alike = [name for name in known if ticker in name][:3]
            hint = f" Did you mean {', '.join(alike)}?" if alike else ""
            raise InvalidInputError(f"{ticker} is not in this list.{hint}")
        return ticker

    return app.prompter.ask("Which ticker?", parse, default=before or "")
