"""What a question is, and questions as plain numbered lines where input is not a terminal.

Knows nothing of orders or the exchange. What is not understood is asked again with one sentence; it never
changes anything.
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
    """The user wants to leave this task (Ctrl-C)."""


class GoBack(LeaveTask):
    """The user wants to go back one question (Esc); where there is none before, to leave the task."""


class InputClosed(Exception):
    """There is no more input; the program ends."""


@dataclass(frozen=True, slots=True)
class Choice(Generic[T]):
    """One answer to choose: `key` is what is typed for it."""

    key: str
    label: str
    value: T
    detail: str = ""
    """More about it, as much of which is shown as there is room for."""
    is_immediate: bool = False
    """Whether the key acts without the wait of a consequential question (panic)."""


class Prompter(Protocol):
    """The seam between screens and a person. Every method raises GoBack, LeaveTask or InputClosed.

    A consequential question is one whose answer sends, cancels, unlocks, overwrites or ends something. Only
    a key pressed on purpose answers it, and the safe choice is marked.
    """

    def choose(
        self,
        question: str,
        choices: Sequence[Choice[T]],
        *,
        marked: int = 0,
        is_consequential: bool = False,
    ) -> T:
        """Ask for one of the choices; `marked` is the index of the one that Enter takes."""
        ...

    def choose_in_line(self, question: str, choices: Sequence[Choice[T]]) -> T:
        """Ask the same with the choices side by side, which leaves the screen to what stands above."""
        ...

    def interrupt(self, error: BaseException) -> bool:
        """End the question that is being asked with this error; tell whether there is one.

        Safe in a signal handler.
        """
        ...

    def resume(self) -> bool:
        """Show the question that is being asked again after a stop; tell whether there is one.

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
        """Ask for text until `parse` takes it; its InvalidInputError is shown and the question repeated.

        Enter alone answers `default`; `prefill` is text that can be edited. A 0 that `parse` does not take
        goes back.
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
    """One question of several: `ask` adds its answer to a state; `is_needed` tells whether to ask at all."""

    ask: Callable[[S], S]
    is_needed: Callable[[S], bool] = lambda state: True


def ask_in_turn(state: S, steps: Sequence[Step[S]]) -> S:
    """Ask one question after the other and return the state after the last.

    Going back asks the question before again, with all answers kept. Raises GoBack from the first one.
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
    """Act on an answer and return the result; going back from there asks again.

    `ask` gets the answer given before, if any. Raises GoBack from `ask`.
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
    """Do the chosen task; going back from it asks again with it marked. Raises GoBack for entry 0."""
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
    """Ask for one of these by name, with the answer given before marked. Raises GoBack for entry 0."""
    values = list(named.values())
    marked = values.index(before) + 1 if before in values else 0
    tasks: list[Choice[Callable[[], T]]] = numbered(list(named), [partial(_same, each) for each in values])
    return choose_task(prompter, question, tasks, back=back, marked=marked)


def _same(value: T) -> T:
    return value


BACK_OR_AGAIN = numbered(["Back to the menu", "Read again"], [False, True], start=0)
"""Whether a page that was read is to be read anew."""


def typed_word(word: str) -> Callable[[str], bool]:
    """Make a parser that tells whether exactly this word was typed."""
    return lambda text: text.strip() == word


def offer(default: str) -> str:
    """Name what Enter stands for. It is never put into the field: digits typed after it would join it."""
    return f" [{default}]" if default else ""


def parsed(text: str, parse: Callable[[str], T]) -> T:
    """Return the answer; raise GoBack for a 0 that is none, else InvalidInputError."""
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
            self._say(f"Type one of {', '.join(choice.key for choice in choices)}.")

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
            self._say(f"{question}{offer(default)}")
            try:
                return parsed(self._line(is_consequential=is_consequential) or default, parse)
            except InvalidInputError as error:
                self._say(str(error))

    def interrupt(self, error: BaseException) -> bool:
        return False  # a signal handler that raises ends a line being read

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
