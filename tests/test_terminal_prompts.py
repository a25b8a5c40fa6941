"""Questions on a real pseudo-terminal: which keys answer them, and which never do."""

from __future__ import annotations

import fcntl
import os
import select
import sys
import termios
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from kalshi_trading.keyboard import FIRST_ANSWER_S, QUIET_S
from kalshi_trading.prompts import Choice
from kalshi_trading.terminal_prompts import TerminalPrompter

SAFE, RISKY = "safe", "risky"
CHOICES = [Choice("0", "Back", SAFE), Choice("1", "Send", RISKY)]
PANIC = Choice("p", "Panic", "panic", is_immediate=True)
QUIET = QUIET_S * 2


class Screen:
    """The other end of the terminal: presses keys and reads what is shown."""

    def __init__(self, master: int, slave: int, *, answers: bool, delay_s: float) -> None:
        self._master = master
        self._slave = slave
        self._answers = answers
        self._delay_s = delay_s
        self._is_closing = False
        self.text = ""
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        while not self._is_closing:
            if not select.select([self._master], [], [], 0.05)[0]:
                continue
            try:
                data = os.read(self._master, 65_536)
            except OSError:
                return
            time.sleep(self._delay_s)
            self.text += data.decode()
            if self._answers and b"\x1b[5n" in data:
                self.press("\x1b[0n")

    def press(self, keys: str) -> None:
        time.sleep(self._delay_s)
        os.write(self._master, keys.encode("utf-8", "surrogateescape"))

    def wait_until_read(self) -> None:
        """Wait until the program has read what was pressed."""
        deadline = time.monotonic() + 60
        while int.from_bytes(fcntl.ioctl(self._slave, termios.FIONREAD, bytes(4)), sys.byteorder):
            assert time.monotonic() < deadline
            time.sleep(0.0002)

    def wait_until_settled(self) -> None:
        """Wait until the screen has not changed for a while."""
        seen = None
        while seen != self.text:
            seen = self.text
            time.sleep(QUIET)

    def hang_up(self) -> None:
        """Close the terminal, which ends a question that still stands."""
        self._is_closing = True
        self._reader.join()
        os.close(self._master)

    def wait_for(self, text: str) -> None:
        deadline = time.monotonic() + 60
        while text not in self.text:
            assert time.monotonic() < deadline, f"{text!r} is not in {self.text!r}"
            time.sleep(0.005)


class Asked:
    """A question asked in a thread of its own; `result` waits for its answer or error."""

    def __init__(self, ask: Callable[[], Any]) -> None:
        self._outcome: Any = None
        self._thread = threading.Thread(target=self._run, args=(ask,), name="asked", daemon=True)
        self._thread.start()

    def _run(self, ask: Callable[[], Any]) -> None:
        try:
            self._outcome = ask()
        except BaseException as error:  # noqa: BLE001
            self._outcome = error

    @property
    def is_answered(self) -> bool:
        return not self._thread.is_alive()

    @property
    def result(self) -> Any:
        self._thread.join(60)
        assert self.is_answered
        return type(self._outcome) if isinstance(self._outcome, BaseException) else self._outcome


@contextmanager
def terminal(*, answers: bool = True, delay_s: float = 0.0) -> Iterator[tuple[TerminalPrompter, Screen]]:
    """A prompter at a terminal which answers status requests, or not, at the end of a slow line."""
    master, slave = os.openpty()
    with os.fdopen(os.dup(slave)) as stdin, os.fdopen(slave, "w") as stdout:
        said: list[str] = []
        screen = Screen(master, slave, answers=answers, delay_s=delay_s)
        try:
            yield TerminalPrompter(said.append, stdin, stdout), screen
        finally:
            screen.hang_up()
            for thread in threading.enumerate():
                if thread.name == "asked":
                    thread.join(10)


def confirmation(prompter: TerminalPrompter, screen: Screen, *, extra: Choice[str] | None = None) -> Asked:
    """Ask a consequential question and wait until it is on the screen."""
    choices = [*CHOICES, *([extra] if extra is not None else [])]
    asked = Asked(lambda: prompter.choose("Send?", choices, is_consequential=True))
    screen.wait_for("Send?")
    return asked


def is_unanswered(asked: Asked, screen: Screen) -> bool:
    """Tell whether what was pressed so far did nothing; then answer, so that the question ends."""
    time.sleep(QUIET)
    unanswered = not asked.is_answered
    screen.press("1")
    return unanswered and asked.result == RISKY


# --- Consequential questions ----------------------------------------------------------------------


@pytest.mark.parametrize("answers", [True, False])
def test_a_key_pressed_once_the_question_has_stood_answers_it(answers: bool) -> None:
    with terminal(answers=answers) as (prompter, screen):
        asked = confirmation(prompter, screen)
        time.sleep(QUIET if answers else FIRST_ANSWER_S + QUIET)
        screen.press("1")
        assert asked.result == RISKY


@pytest.mark.parametrize("keys", ["1", "\x1b[B\r", "1\r1\r", "\x1b", "0", "\x03", "\x1b[200~1\x1b[201~", "p"])
def test_keys_typed_ahead_do_nothing(keys: str) -> None:
    with terminal() as (prompter, screen):
        screen.press(keys)
        assert is_unanswered(confirmation(prompter, screen, extra=PANIC), screen)


def test_keys_typed_ahead_are_said_to_be_ignored() -> None:
    with terminal() as (prompter, screen):
        screen.press("1")
        asked = confirmation(prompter, screen)
        screen.wait_for("ignored")
        assert is_unanswered(asked, screen)


def test_keys_that_another_question_left_over_do_nothing() -> None:
    with terminal() as (prompter, screen):
        screen.press("10\r1")
        asked = Asked(lambda: prompter.ask("How many?", str))
        assert asked.result == "10"
        assert is_unanswered(confirmation(prompter, screen), screen)


def test_a_key_pressed_at_once_is_ignored_and_said_to_be() -> None:
    with terminal() as (prompter, screen):
        asked = confirmation(prompter, screen)
        screen.press("1")
        screen.wait_for("ignored")
        assert is_unanswered(asked, screen)


def test_a_key_held_down_does_nothing_however_long() -> None:
    with terminal() as (prompter, screen):
        asked = confirmation(prompter, screen)
        for _ in range(30):
            screen.press("1")
            time.sleep(0.03)
        assert is_unanswered(asked, screen)


@pytest.mark.parametrize("delay_s", [0.25, 0.5, 0.8])
def test_a_key_held_down_since_the_question_before_does_nothing(delay_s: float) -> None:
    """Keyboards wait longer before the first repetition than a question has to stand."""
    with terminal() as (prompter, screen):
        asked = Asked(
            lambda: prompter.choose("Which?", [Choice("1", "One", "one"), Choice("2", "Two", "two")])
        )
        screen.wait_for("Which?")
        screen.press("1")
        assert asked.result == "one"
        asked = confirmation(prompter, screen)
        time.sleep(delay_s)
        for _ in range(10):
            screen.press("1")
            time.sleep(0.03)
        assert is_unanswered(asked, screen)


def test_the_same_key_pressed_twice_on_purpose_answers() -> None:
    with terminal() as (prompter, screen):
        asked = confirmation(prompter, screen)
        screen.press("1")
        screen.wait_for("ignored")
        time.sleep(QUIET)
        screen.press("1")
        assert asked.result == RISKY


def test_several_keys_at_once_do_nothing() -> None:
    with terminal() as (prompter, screen):
        asked = confirmation(prompter, screen)
        time.sleep(QUIET)
        screen.press("1\r")
        assert is_unanswered(asked, screen)


def test_a_paste_does_nothing() -> None:
    with terminal() as (prompter, screen):
        asked = confirmation(prompter, screen)
        time.sleep(QUIET)
        screen.press("\x1b[200~1\x1b[201~")
        assert is_unanswered(asked, screen)


@pytest.mark.parametrize("enter", ["\r", "\x1b[13;2u", "\x1b[27;5;13~"])
def test_enter_takes_the_marked_answer_which_is_the_safe_one(enter: str) -> None:
    with terminal() as (prompter, screen):
        asked = confirmation(prompter, screen)
        time.sleep(QUIET)
        screen.press(enter)
        assert asked.result == SAFE


def test_the_arrows_move_and_enter_after_a_pause_takes() -> None:
    with terminal() as (prompter, screen):
        asked = confirmation(prompter, screen)
        time.sleep(QUIET)
        screen.press("\x1b[B")
        time.sleep(QUIET)
        screen.press("\r")
        assert asked.result == RISKY


def test_on_a_slow_line_keys_pressed_before_the_question_was_seen_do_nothing() -> None:
    with terminal(delay_s=0.3) as (prompter, screen):
        asked = Asked(lambda: prompter.ask("How many?", str))
        screen.wait_for("How many?")
        screen.press("10\r")
        assert asked.result == "10"
        asked = Asked(lambda: prompter.choose("Send?", CHOICES, is_consequential=True))
        time.sleep(0.25)
        screen.press("1")  # arrives long after the question was sent, and before it is seen
        screen.wait_for("Send?")
        assert is_unanswered(asked, screen) or asked.result == RISKY


def test_panic_is_immediate() -> None:
    with terminal() as (prompter, screen):
        asked = confirmation(prompter, screen, extra=PANIC)
        screen.press("p")
        assert asked.result == "panic"
