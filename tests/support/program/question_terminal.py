"""Questions on a real pseudo-terminal, and a simulated user."""

from __future__ import annotations

import codecs
import fcntl
import os
import re
import select
import struct
import sys
import termios
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any

import pyte
from prompt_toolkit.input.typeahead import clear_typeahead
from prompt_toolkit.input.vt100 import Vt100Input

from kalshi_trading.ui.prompts.choice_list import NOT_READY, READY
from kalshi_trading.ui.prompts.prompter import Choice
from kalshi_trading.ui.prompts.terminal_prompter import TerminalPrompter
from kalshi_trading.ui.terminal.gate import QUIET_S

SAFE, RISKY = "safe", "risky"
CHOICES = [Choice("0", "Back", SAFE), Choice("1", "Send", RISKY)]
OTHER = Choice("7", "Something else", "else")
PANIC = Choice("p", "Panic", "panic", is_immediate=True)
QUIET = QUIET_S * 2


class Screen:
    """The user's end of the terminal: press keys and read the screen."""

    def __init__(self, master: int, slave: int, *, answers: bool, delay_s: float) -> None:
        self._master = master
        self._slave = slave
        self._answers = answers
        self._delay_s = delay_s
        self._is_closing = False
        self.text = ""
        self._emulator = pyte.Screen(80, 24)
        self._stream = pyte.Stream(self._emulator)
        self._drawing = threading.Lock()
        self._characters = codecs.getincrementaldecoder("utf-8")()
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
            text = self._characters.decode(data)
            with self._drawing:
                self._stream.feed(text)  # first: a test that saw the text may read the rows
            self.text += text
            if self._answers and b"\x1b[5n" in data:
                self.press("\x1b[0n")

    def press(self, keys: str) -> None:
        time.sleep(self._delay_s)
        os.write(self._master, keys.encode("utf-8", "surrogateescape"))

    def wait_until_read(self) -> None:
        """Wait until the program has read the pressed keys."""
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

    @property
    def rows(self) -> list[str]:
        """The current screen."""
        with self._drawing:
            return [line.rstrip() for line in self._emulator.display]

    def wait_until_open(self, question: str = "") -> None:
        """Wait until the last question on the screen accepts keys.

        With the text of a question, which must be asked only once: wait until that one does. Its mark may
        appear after its text, so the question must have been drawn as not accepting keys first.
        """
        words = re.escape(question)
        unready = re.compile(f"{NOT_READY}.*{words}|{words}.*{NOT_READY}")
        self._wait(lambda: unready.search(self.text) is not None)
        self._wait(lambda: self._is_open(question))

    def _is_open(self, question: str) -> bool:
        questions = [line for line in self.rows if line.startswith((f"{READY} ", f"{NOT_READY} "))]
        last = questions[-1] if questions else ""
        return last.startswith(f"{READY} {question}") and not last.endswith(NOT_READY)

    def wait_until_shown(self, text: str) -> None:
        """Wait until this text is on the screen."""
        self._wait(lambda: any(text in row for row in self.rows))

    def wait_for(self, text: str, since: int = 0) -> None:
        """Wait until this text was drawn after the first `since` characters."""
        self._wait(lambda: text in self.text[since:])

    def _wait(self, is_so: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 60
        while not is_so():
            assert time.monotonic() < deadline, f"{self.rows} after {self.text!r}"
            time.sleep(0.005)

    def resize(self, rows: int) -> None:
        """Change the height of the terminal."""
        with self._drawing:
            self._emulator.resize(lines=rows)
        fcntl.ioctl(self._slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, 80, 0, 0))

    def hang_up(self) -> None:
        """Close the terminal, which ends an open question."""
        self._is_closing = True
        self._reader.join()
        with suppress(OSError):
            os.close(self._master)


class Asked:
    """A question asked in its own thread.

    `result` waits for its answer or error.
    """

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
    """Open a prompter and its screen on a pseudo-terminal.

    `answers`: the screen answers status requests. `delay_s` delays the line.
    """
    master, slave = os.openpty()
    modes = termios.tcgetattr(slave)
    modes[3] &= ~termios.ECHO  # as the program does
    termios.tcsetattr(slave, termios.TCSANOW, modes)
    stdin, stdout = os.fdopen(os.dup(slave)), os.fdopen(slave, "w")
    clear_typeahead(Vt100Input(stdin))  # kept by file number, which an earlier terminal may have had
    said: list[str] = []
    screen = Screen(master, slave, answers=answers, delay_s=delay_s)
    try:
        again = partial(stdout.write, "shown again\r\n")
        yield TerminalPrompter(said.append, stdin, stdout, show_again=again), screen
    finally:
        screen.hang_up()
        for thread in threading.enumerate():
            if thread.name == "asked":
                thread.join(10)
        stdin.close()
        with suppress(OSError):  # its buffer cannot be written any more
            stdout.close()


def confirmation(prompter: TerminalPrompter, screen: Screen, *, extra: Choice[str] | None = None) -> Asked:
    """Ask a consequential question and wait until it is on the screen."""
    choices = [*CHOICES, OTHER, *([extra] if extra is not None else [])]
    asked = Asked(lambda: prompter.choose("Send?", choices, is_consequential=True))
    screen.wait_for("Send?")
    return asked


def ignored_all_keys(asked: Asked, screen: Screen) -> bool:
    """Return True if no key so far answered the question.

    Answers it with a key that was not pressed before.
    """
    time.sleep(QUIET)
    if not asked.is_answered:
        screen.wait_until_open()
        screen.press(OTHER.key)
    return bool(asked.result == OTHER.value)
