"""A prompter that answers from a script: an unexpected question or an unused answer fails the test."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from kalshi_trading.errors import InvalidInputError
from kalshi_trading.prompts import Back, Choice, EndOfInput

T = TypeVar("T")

BACK = "<Ctrl-C>"


class ScriptedPrompter:
    """Answers each question in turn; `questions` remembers what was asked and `labels` what was offered
    to choose, `defaults` what Enter would have answered.
    """

    def __init__(self, *answers: str) -> None:
        self._answers = list(answers)
        self.questions: list[str] = []
        self.labels: list[list[str]] = []
        self.defaults: list[str] = []

    def _next(self, question: str) -> str:
        self.questions.append(question)
        if not self._answers:
            raise EndOfInput
        answer = self._answers.pop(0)
        if answer == BACK:
            raise Back
        return answer

    def choose(self, question: str, choices: Sequence[Choice[T]]) -> T:
        self.labels.append([choice.label for choice in choices])
        key = self._next(question)
        for choice in choices:
            if choice.key == key:
                return choice.value
        raise AssertionError(f"{question!r} offers {[choice.key for choice in choices]}, not {key!r}")

    def choose_in_line(self, question: str, choices: Sequence[Choice[T]]) -> T:
        return self.choose(question, choices)

    def ask(self, question: str, parse: Callable[[str], T], *, default: str = "") -> T:
        self.defaults.append(default)
        while True:
            try:
                return parse(self._next(question) or default)
            except InvalidInputError:
                continue

    def assert_all_used(self) -> None:
        assert not self._answers, f"never asked for: {self._answers}"
