"""Questions that several screens ask."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TypeVar

from kalshi_trading.core.errors import InvalidInputError
from kalshi_trading.ui.app import AppContext, not_empty
from kalshi_trading.ui.prompts.prompter import Choice, ask_then, choose_task, numbered

R = TypeVar("R")
T = TypeVar("T")


def choose_or_type(
    app: AppContext,
    question: str,
    shown: Sequence[tuple[str, T]],
    known: Mapping[str, T],
    act: Callable[[T], R],
) -> R:
    """Offer some by their labels, any other known one by its ticker, and act on the one chosen.

    Going back from there asks again. Raises GoBack from the list.
    """
    tasks: list[Choice[Callable[[], R]]] = numbered(
        [label for label, _ in shown], [partial(act, value) for _, value in shown]
    )
    if len(known) > len(shown):
        ask = partial(_ask_ticker, app, known)
        label = "Another one: type its ticker"
        tasks.append(Choice("t", label, lambda: ask_then(ask, lambda ticker: act(known[ticker]))))
    return choose_task(app.prompter, question, tasks, back="None of these")


def _ask_ticker(app: AppContext, known: Mapping[str, T], before: str | None) -> str:
    def parse(text: str) -> str:
        ticker = not_empty(text).upper()
        if ticker not in known:
            alike = [name for name in known if ticker in name][:3]
            hint = f" Did you mean {', '.join(alike)}?" if alike else ""
            raise InvalidInputError(f"Nothing of {ticker} is known here.{hint}")
        return ticker

    return app.prompter.ask("Which ticker?", parse, default=before or "")
