"""A prompter that answers from a script.

An unexpected question or an unused answer fails the test.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from kalshi_trading.core.errors import InvalidInputError
from kalshi_trading.ui.prompts.prompter import Choice, GoBack, InputClosed, LeaveTask

T = TypeVar("T")

BACK, ESCAPE = "<Ctrl-C>", "<Esc>"


class ScriptedPrompter:
    """Answer each question in turn.

    Records `questions`, the offered `labels` and `details`, and in `defaults` and `marked` the answer
    of Enter.
    """

    def __init__(self, *answers: str) -> None:
        self._answers = list(answers)
        self.questions: list[str] = []
        self.labels: list[list[str]] = []
        self.details: list[list[str]] = []
        self.defaults: list[str] = []
        self.marked: list[str] = []

    def _next(self, question: str) -> str:
        self.questions.append(question)
        if not self._answers:
            raise InputClosed
        answer = self._answers.pop(0)
        if answer == BACK:
            raise LeaveTask
        if answer == ESCAPE:
            raise GoBack
        return answer

    def choose(
        self,
        question: str,
        choices: Sequence[Choice[T]],
        *,
        marked: int = 0,
        is_consequential: bool = False,
    ) -> T:
        self.labels.append([choice.label for choice in choices])
        self.details.append([choice.detail for choice in choices])
        self.marked.append(choices[marked].label)
        key = self._next(question)
        for choice in choices:
            if choice.key == key:
                return choice.value
        if key == "0":
            raise GoBack
        raise AssertionError(f"{question!r} offers {[choice.key for choice in choices]}, not {key!r}")

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
        self.defaults.append(default or prefill)
        while True:
            try:
                return parse(self._next(question) or default)
            except InvalidInputError:
                continue

    def interrupt(self, error: BaseException) -> bool:
        return False

    def assert_all_used(self) -> None:
        assert not self._answers, f"never asked for: {self._answers}"


class MeanwhilePrompter(ScriptedPrompter):
    """Call `happens` once while the user reads the question `before`."""

    def __init__(
        self, *answers: str, happens: Callable[[], object], before: str = "Place this order?"
    ) -> None:
        super().__init__(*answers)
        self._happens: Callable[[], object] | None = happens
        self._before = before

    def choose(self, question: str, choices: Sequence[Choice[T]], **how: Any) -> T:
        if question == self._before and self._happens is not None:
            happens, self._happens = self._happens, None
            happens()
        return super().choose(question, choices, **how)
