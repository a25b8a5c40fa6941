"""Plain numbered lines: questions, accepted answers and end of input."""

from __future__ import annotations

import io
import os
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from kalshi_trading.core.money import parse_count
from kalshi_trading.ui.prompts.prompter import (
    Choice,
    InputClosed,
    LeaveTask,
    PlainPrompter,
    numbered,
    typed_word,
)
from kalshi_trading.ui.terminal.gate import QUIET_S

CHOICES = [Choice("1", "One", "first"), Choice("a", "All", "every")]


def _prompter(text: str) -> tuple[PlainPrompter, list[str]]:
    said: list[str] = []
    return PlainPrompter(said.append, io.StringIO(text)), said


def test_a_choice_is_taken_by_its_key() -> None:
    prompter, said = _prompter("a\n")
    assert prompter.choose("Which?", CHOICES) == "every"
    assert said == ["Which?", "  1  One", "  a  All"]


@pytest.mark.parametrize("wrong", ["2", "", "one", "1 1", "١", "\x1b[A", "A"])
def test_a_wrong_key_is_asked_again_and_takes_nothing(wrong: str) -> None:
    prompter, said = _prompter(f"{wrong}\n1\n")
    assert prompter.choose("Which?", CHOICES) == "first"
    assert said[-1] == "Enter one of 1, a."


def test_text_is_asked_again_with_the_sentence_that_says_why() -> None:
    prompter, said = _prompter("ten\n-1\n10\n")
    assert prompter.ask("How many?", parse_count) == 10
    assert said[0] == "How many?"
    assert [line for line in said if line != "How many?"] == [
        "Enter a quantity, such as 10 or 2.5 (two decimals at most)."
    ] * 2


def test_enter_takes_what_the_question_offers() -> None:
    prompter, said = _prompter("\n")
    assert prompter.ask("How many?", parse_count, default="10") == 10
    assert said == ["How many? [10]"]


def test_the_end_of_input_is_heard_at_a_choice_and_at_a_text() -> None:
    for ask in (
        lambda prompter: prompter.choose("Which?", CHOICES),
        lambda prompter: prompter.ask("How many?", parse_count, default="10"),
    ):
        prompter, _ = _prompter("")
        with pytest.raises(InputClosed):
            ask(prompter)


def test_ctrl_c_leads_back() -> None:
    class Interrupted(io.StringIO):
        def readline(self, size: int | None = -1, /) -> str:  # type: ignore[override]
            raise KeyboardInterrupt

    with pytest.raises(LeaveTask):
        PlainPrompter(lambda line: None, Interrupted()).choose("Which?", CHOICES)


def test_bytes_that_are_no_text_are_a_wrong_answer_and_nothing_else() -> None:
    lines = io.TextIOWrapper(io.BytesIO(b"\xff\xfe\n1\n"), encoding="utf-8", errors="surrogateescape")
    assert PlainPrompter(lambda line: None, lines).choose("Which?", CHOICES) == "first"


def test_choices_are_numbered_from_where_they_should() -> None:
    assert [choice.key for choice in numbered(["No", "Yes"], [False, True], start=0)] == ["0", "1"]


def test_a_typed_word_must_be_that_word() -> None:
    is_it = typed_word("PRODUCTION")
    assert is_it(" PRODUCTION ")
    assert not any(is_it(text) for text in ("production", "y", "yes", "", "PRODUCTIO", "my PRODUCTION stuff"))


def answer_at_a_terminal(typed_before: bytes, *typed: bytes) -> str:
    """Ask whether to send, in plain lines, and return the answer.

    Each line is typed only once it is expected.
    """
    master, slave = os.openpty()
    said: list[str] = []
    with os.fdopen(slave) as lines, ThreadPoolExecutor(1) as pool:
        os.write(master, typed_before)
        prompter = PlainPrompter(said.append, lines)
        choices = [Choice("0", "Back", "safe"), Choice("1", "Send", "risky")]
        answer = pool.submit(lambda: prompter.choose("Send?", choices, is_consequential=True))
        for wanted, line in enumerate(typed, start=3):  # after the question and its two choices
            while len(said) < wanted and not answer.done():
                time.sleep(0.01)
            time.sleep(2 * QUIET_S)
            os.write(master, line)
        result = answer.result(60)
    os.close(master)
    return result


def test_lines_typed_at_a_terminal_before_a_consequential_question_are_forgotten() -> None:
    """With output redirected to a file, the menu asks in plain lines."""
    assert answer_at_a_terminal(b"1\n1\n", b"0\n") == "safe"


def test_the_beginning_of_a_line_typed_before_a_consequential_question_is_forgotten() -> None:
    """It cannot be read before the end of the line.

    Enter alone would complete it.
    """
    assert answer_at_a_terminal(b"1", b"\n", b"0\n") == "safe"
