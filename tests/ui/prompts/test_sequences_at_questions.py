"""The whole corpus of sequences at every kind of question.

No sequence answers, moves a mark or leaves a text.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from functools import partial
from typing import Any

import proof
import pytest
from key_sequences import NO_KEYS, ODD_ENTERS, ODD_ESCAPES, ODD_MOVES, TRUNCATED
from question_terminal import CHOICES, RISKY, SAFE, Asked, Screen, confirmation, terminal

from kalshi_trading.ui.prompts.prompter import GoBack, numbered, typed_word
from kalshi_trading.ui.prompts.terminal_prompter import TerminalPrompter
from kalshi_trading.ui.terminal import keyboard

LONGEST = 100
"""Longest sequence, in bytes, sent byte by byte here; the decoder's tests cover longer ones."""
ROWS = numbered([f"Entry {number}" for number in range(1, 6)], list(range(1, 6)))
LONG_ROWS = numbered([f"Entry {number}" for number in range(1, 31)], list(range(1, 31)))
ENTER = "\r"

Ask = Callable[[TerminalPrompter], Any]
QUESTIONS: dict[str, tuple[Ask, str, Any]] = {
    "list": (lambda asker: asker.choose("Which?", ROWS, marked=2), ENTER, 3),
    "paged list": (lambda asker: asker.choose("Which?", LONG_ROWS, marked=14), ENTER, 15),
    "in-line list": (lambda asker: asker.choose_in_line("Which?", ROWS), ENTER, 1),
    "text": (lambda asker: asker.ask("Which?", str), "10" + ENTER, "10"),
    "text to edit": (lambda asker: asker.ask("Which?", str, prefill="fed"), "10" + ENTER, "fed10"),
    "consequential list": (
        lambda asker: asker.choose("Which?", ROWS, marked=2, is_consequential=True),
        ENTER,
        3,
    ),
    "consequential text": (
        lambda asker: asker.ask("Which?", typed_word("ALLOW"), is_consequential=True),
        "ALLOW" + ENTER,
        True,
    ),
}
"""Each kind of question, the keys that answer it, and the expected answer."""


def whole(data: bytes) -> Iterator[bytes]:
    yield data


def in_two(data: bytes) -> Iterator[bytes]:
    at = random.Random(data).randrange(len(data)) if len(data) > 1 else 0
    yield from filter(None, (data[:at], data[at:]))


def byte_by_byte(data: bytes) -> Iterator[bytes]:
    if len(data) > LONGEST:
        yield data
    else:
        yield from (data[at : at + 1] for at in range(len(data)))


@pytest.fixture(autouse=True)
def patient_keyboard(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stop a pause within a sequence from turning its escape into Escape.

    A busy machine makes such pauses.
    """
    monkeypatch.setattr(keyboard, "SHORTEST_ESCAPE_S", 60.0)
    monkeypatch.setattr(keyboard, "LONGEST_ESCAPE_S", 60.0)
    monkeypatch.setattr("kalshi_trading.ui.terminal.keys.SEQUENCE_GAP_S", 60.0)
    monkeypatch.setattr("kalshi_trading.ui.terminal.gate.HELD_S", 0.0)  # the same key arrives again and again


def press_all(screen: Screen, pieces: Callable[[bytes], Iterator[bytes]], asked: Asked) -> None:
    """Send the corpus in pieces, each of which is read separately."""
    for data in NO_KEYS:
        for piece in pieces(data):
            screen.press(piece.decode("utf-8", "surrogateescape"))
            screen.wait_until_read()
        assert not asked.is_answered, f"{asked.result!r} by {data!r}"


def open_question(prompter: TerminalPrompter, screen: Screen, name: str) -> Asked:
    """Ask this kind of question and wait until it accepts keys."""
    asked = Asked(lambda: QUESTIONS[name][0](prompter))
    screen.wait_for("Which?")
    if name.startswith("consequential"):
        screen.wait_until_open()
    screen.wait_until_settled()
    return asked


def press_each(screen: Screen, keys: str) -> None:
    """Press keys one by one.

    The first key and Enter count only if they arrive alone.
    """
    for number, key in enumerate(keys):
        if number == 1 or key == ENTER:
            screen.wait_until_settled()
        screen.press(key)


@pytest.mark.parametrize("pieces", proof.sample_journeys([whole, in_two, byte_by_byte]))
@pytest.mark.parametrize("name", QUESTIONS)
def test_no_sequence_does_anything(name: str, pieces: Callable[[bytes], Iterator[bytes]]) -> None:
    _, keys, answer = QUESTIONS[name]
    with terminal() as (prompter, screen):
        asked = open_question(prompter, screen, name)
        before = screen.text
        press_all(screen, pieces, asked)
        screen.wait_until_settled()
        assert screen.text == before  # no mark moved, no text appeared, no key was held back
        press_each(screen, keys)
        assert asked.result == answer


@pytest.mark.parametrize("name", ["paged list", "text", "consequential list", "consequential text"])
def test_no_sequence_that_stays_cut_short_does_anything(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is followed by the silence that abandons it, here 5 ms, not 1 s."""
    monkeypatch.setattr("kalshi_trading.ui.terminal.keys.SEQUENCE_GAP_S", 0.005)
    _, keys, answer = QUESTIONS[name]
    with terminal() as (prompter, screen):
        asked = open_question(prompter, screen, name)
        before = screen.text
        for data in proof.sample(TRUNCATED, proof.CURRENT.cut_sequences):
            screen.press(data.decode("utf-8", "surrogateescape"))
            screen.wait_until_read()
            time.sleep(0.01)
        time.sleep(0.3)  # sixty times the silence that abandons the last one
        screen.press("1")  # it may be the sequence's rest
        screen.wait_until_read()
        screen.wait_until_settled()
        assert screen.text == before
        press_each(screen, keys)
        assert asked.result == answer


@pytest.fixture
def quick_questions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorten the quiet time of questions: here keys arrive one by one."""
    monkeypatch.setattr("kalshi_trading.ui.terminal.gate.QUIET_S", 0.02)


@pytest.mark.usefixtures("quick_questions")
def test_enter_and_escape_in_every_form_take_the_safe_answer() -> None:
    wrong = answers_but(
        {SAFE},
        (*ODD_ENTERS, *ODD_ESCAPES),
        lambda prompter, question: prompter.choose(question, CHOICES, is_consequential=True),
    )
    assert wrong == []


@pytest.mark.usefixtures("quick_questions")
def test_enter_in_every_form_types_no_word() -> None:
    wrong = answers_but(
        {False, GoBack},
        ODD_ENTERS,
        lambda prompter, question: prompter.ask(question, typed_word("ALLOW"), is_consequential=True),
    )
    assert wrong == []


def answers_but(
    right: Collection[Any], keys: Iterable[bytes], ask: Callable[[TerminalPrompter, str], Any]
) -> list[tuple[bytes, Any]]:
    """Ask once per key, press it when keys count, return the wrong answers.

    Each question has its own text, because parts of the previous one may still be on their way to the
    screen.
    """
    wrong = []
    with terminal() as (prompter, screen):
        for number, data in enumerate(keys, start=1):
            question = f"Question {number}?"
            asked = Asked(partial(ask, prompter, question))
            screen.wait_until_open(question)
            screen.press(data.decode("utf-8", "surrogateescape"))
            if asked.result not in right:
                wrong.append((data, asked.result))
    return wrong


def test_moves_in_every_form_answer_nothing() -> None:
    with terminal() as (prompter, screen):
        asked = confirmation(prompter, screen)
        screen.wait_until_open()
        for data in ODD_MOVES:
            screen.press(data.decode("utf-8", "surrogateescape"))
            screen.wait_until_read()
            assert not asked.is_answered, data
        screen.wait_until_settled()
        screen.wait_until_open()
        screen.press("1")
        assert asked.result == RISKY
