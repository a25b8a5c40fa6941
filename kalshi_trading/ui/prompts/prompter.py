"""The prompter protocol, and its version for input that is no terminal.

Plain questions are numbered lines. An answer that cannot be parsed changes nothing: one sentence explains,
and the question is repeated. Knows nothing of orders or the exchange.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Generic, Protocol, TextIO, TypeVar

from kalshi_trading.core.errors import InvalidInputError
from kalshi_trading.ui.terminal.gate import QUIET_S
from kalshi_trading.ui.terminal.modes import discard_typed_ahead

BACK = "0"

R = TypeVar("R")
S = TypeVar("S")
T = TypeVar("T")


class LeaveTask(Exception):
    """The user leaves this task (Ctrl-C)."""


class GoBack(LeaveTask):
    """The user goes back one question (Esc), or leaves the task at its first."""


class InputClosed(Exception):
    """Input has ended; the program ends."""


@dataclass(frozen=True, slots=True)
class Choice(Generic[T]):
    """One answer to choose: `key` is typed for it."""

    key: str
    label: str
    value: T
    detail: str = ""
    """More about it, cut to the space there is."""
    is_immediate: bool = False
    """True: the key acts without the quiet time of a consequential question (panic)."""


class Prompter(Protocol):
    """The interface between screens and the user.

    The questions raise GoBack, LeaveTask or InputClosed. The answer to a consequential question sends,
    cancels, unlocks, overwrites or ends something. Only a deliberate key answers it, and the safe choice is
    marked.
    """

    def choose(
        self,
        question: str,
        choices: Sequence[Choice[T]],
        *,
        marked: int = 0,
        is_consequential: bool = False,
    ) -> T:
        """Ask for one of the choices; Enter takes the one at index `marked`."""
        ...

    def choose_in_line(self, question: str, choices: Sequence[Choice[T]]) -> T:
        """Ask for one of the choices, side by side.

        This leaves room on the screen for the output above.
        """
        ...

    def interrupt(self, error: BaseException) -> bool:
        """End the current question with this error; return False if there is none.

        Safe in a signal handler.
        """
        ...

    def resume(self) -> bool:
        """Redraw the current question after a stop; return False if there is none.

        Safe in a signal handler.
        """
        ...

    def ask(
        self,
        question: str,
        parse: Callable[[str], T],
        *,
        default: str = "",
        prefill: str = "",
        is_consequential: bool = False,
    ) -> T:
        """Ask for text until `parse` accepts it.

        If `parse` raises InvalidInputError, its message is shown and the question repeated. Enter alone
        answers `default`. `prefill` is editable text. A 0 that `parse` rejects goes back.
        """
        ...


def numbered(labels: Sequence[str], values: Sequence[T], *, start: int = 1) -> list[Choice[T]]:
    """Number choices for `Prompter.choose`."""
    return [
        Choice(str(number), label, value)
        for number, (label, value) in enumerate(zip(labels, values, strict=True), start=start)
    ]


@dataclass(frozen=True, slots=True)
class Step(Generic[S]):
    """One question of several.

    `ask` adds its answer to a state. The question is skipped if `is_needed` returns False.
    """

    ask: Callable[[S], S]
    is_needed: Callable[[S], bool] = lambda state: True


def ask_in_turn(state: S, steps: Sequence[Step[S]]) -> S:
    """Ask one question after another and return the final state.

    Going back repeats the question before, with all answers kept. Raises GoBack from the first one.
    """
    asked: list[int] = []
    at = 0
    while at < len(steps):
        try:
            if steps[at].is_needed(state):
                state = steps[at].ask(state)
                asked.append(at)
            at += 1
        except GoBack:
            if not asked:
                raise
            at = asked.pop()
    return state


def ask_then(ask: Callable[[T | None], T], act: Callable[[T], R]) -> R:
    """Act on an answer and return the result; GoBack in `act` asks again.

    `ask` gets the previous answer, if any. Raises GoBack from `ask`.
    """
    answer: T | None = None
    while True:
        answer = ask(answer)
        try:
            return act(answer)
        except GoBack:
            continue


def choose_task(
    prompter: Prompter,
    question: str,
    tasks: Sequence[Choice[Callable[[], R]]],
    *,
    back: str = "Back",
    marked: int = 0,
) -> R:
    """Run the chosen task; going back from it asks again with it marked.

    Raises GoBack for entry 0.
    """
    rows = [
        Choice("0", back, 0),
        *(Choice(each.key, each.label, at) for at, each in enumerate(tasks, start=1)),
    ]

    def ask(before: int | None) -> int:
        at = prompter.choose(question, rows, marked=marked if before is None else before)
        if at == 0:
            raise GoBack
        return at

    return ask_then(ask, lambda at: tasks[at - 1].value())


def choose_by_name(
    prompter: Prompter, question: str, named: Mapping[str, T], *, back: str = "Back", before: T | None = None
) -> T:
    """Ask for one value by its name, with the previous answer marked.

    Raises GoBack for entry 0.
    """
    values = list(named.values())
    marked = values.index(before) + 1 if before in values else 0
    tasks: list[Choice[Callable[[], T]]] = numbered(list(named), [partial(_same, each) for each in values])
    return choose_task(prompter, question, tasks, back=back, marked=marked)


def _same(value: T) -> T:
    return value


BACK_OR_REFRESH = numbered(["Back", "Refresh"], [False, True], start=0)
"""Choices below a page that was read. True: read it again."""


def typed_word(word: str) -> Callable[[str], bool]:
    """Make a parser that returns True if exactly this word was typed."""
    return lambda text: text.strip() == word


def default_hint(default: str) -> str:
    """Format the default that Enter takes.

    It is never put into the field, because digits typed after it would join it.
    """
    return f" [{default}]" if default else ""


def parse_or_go_back(text: str, parse: Callable[[str], T]) -> T:
    """Parse an answer; raise GoBack for a 0 that `parse` rejects.

    Raises InvalidInputError for any other rejected text.
    """
    try:
        return parse(text)
    except InvalidInputError:
        if text.strip() == BACK:
            raise GoBack from None
        raise


class PlainPrompter:
    """Asks with numbered lines, for input that is not a terminal."""

    def __init__(self, say: Callable[[str], None], lines: TextIO | None = None) -> None:
        self._say = say
        self._lines = lines if lines is not None else sys.stdin
        if isinstance(self._lines, io.TextIOWrapper):
            self._lines.reconfigure(errors="replace")  # an error would lose the lines read with it

    def choose(
        self,
        question: str,
        choices: Sequence[Choice[T]],
        *,
        marked: int = 0,
        is_consequential: bool = False,
    ) -> T:
        self._say(question)
        for choice in choices:
            self._say(f"{choice.key:>3}  {choice.label}{choice.detail and f'  {choice.detail}'}")
        while True:
            typed = self._line(is_consequential=is_consequential)
            for choice in choices:
                if typed == choice.key:
                    return choice.value
            if typed == BACK:
                raise GoBack
            self._say(f"Enter one of {', '.join(choice.key for choice in choices)}.")

    def choose_in_line(self, question: str, choices: Sequence[Choice[T]]) -> T:
        return self.choose(question, choices)

    def ask(
        self,
        question: str,
        parse: Callable[[str], T],
        *,
        default: str = "",
        prefill: str = "",
        is_consequential: bool = False,
    ) -> T:
        default = default or prefill
        while True:
            self._say(f"{question}{default_hint(default)}")
            try:
                return parse_or_go_back(self._line(is_consequential=is_consequential) or default, parse)
            except InvalidInputError as error:
                self._say(str(error))

    def interrupt(self, error: BaseException) -> bool:
        return False  # a signal handler that raises ends the read of a line

    def resume(self) -> bool:
        return False

    def _line(self, *, is_consequential: bool = False) -> str:
        if is_consequential:
            discard_typed_ahead(self._lines, QUIET_S)
        try:
            line = self._lines.readline()
        except KeyboardInterrupt:
            raise LeaveTask from None
        if not line:
            raise InputClosed
        return line.strip()
