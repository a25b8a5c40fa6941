"""The real program on an optionally slow line, with timed keys.

Records when keys were pressed and when questions were open. Times are monotonic seconds at the emulator's
end of the line.
"""

from __future__ import annotations

import math
import os
import re
import select
import signal
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pexpect
import pyte
from terminal import CTRL_C, PROJECT, environment

from kalshi_trading.ui.prompts.choice_list import NOT_READY, READY
from kalshi_trading.ui.terminal.gate import Note
from kalshi_trading.ui.terminal.keyboard import LONGEST_ESCAPE_S

COLUMNS, ROWS = 160, 50
ESCAPE = "\x1b"
LONGEST_WAIT_S = 30.0
FOLLOWING = "Ctrl-C to stop."
RETURNED = re.compile(rb"Back to the menu\.|Stopped following\.")
EXITING = re.compile(r"Exit the program|You have \d+ open orders?\. Keep")
STAYING_IS_MARKED = "▸ 0  Back"
CTRL_C_WITHIN_S = 5.0
NOTE = re.compile(rf" *({'|'.join(map(re.escape, Note))})")
REST_S, POLL_S = 0.2, 0.05


class Ended(Exception):
    """The program has ended."""


@dataclass(frozen=True)
class Press:
    """One or several keys sent in one piece, between two times."""

    keys: str
    earliest: float
    latest: float
    is_surplus: bool = False


@dataclass
class Question:
    """A consequential question: earliest time its answers count, and its end."""

    text: str
    seen_at: float = math.inf
    gone_at: float = math.inf


@dataclass(frozen=True)
class _Sent:
    """Data on its way to the program.

    Keys, or the terminal's report that a question is on the screen.
    """

    due: float
    text: str
    question: Question | None = None
    is_press: bool = False
    is_surplus: bool = False


class _AnsweringScreen(pyte.Screen):
    """A screen that answers status requests."""

    def __init__(self, answer: Callable[[str], None]) -> None:
        super().__init__(COLUMNS, ROWS)
        self._answer = answer

    def write_process_input(self, data: str) -> None:
        self._answer(data)


class WatchedTerminal:
    """An emulator and its keyboard. Only `run_until` moves data on the line."""

    def __init__(self, child: pexpect.spawn[bytes]) -> None:
        self._child = child
        self._screen = _AnsweringScreen(self._answer)
        self._stream = pyte.ByteStream(self._screen)
        self._to_screen: deque[tuple[float, bytes]] = deque()
        self._to_program: deque[_Sent] = deque()
        self._delay_s = 0.0
        self.presses: list[Press] = []
        self.questions: list[Question] = []
        self.has_ended = False
        self._raw = b""
        self._text: str | None = None
        self._shown_at = 0.0
        self._exit_questions = 0  # number of times Ctrl-C in the menu opened the exit question

    # --- Screen -----------------------------------------------------------------------------------

    @property
    def screen(self) -> str:
        """The current screen."""
        if self._text is None:
            self._text = "\n".join(line.rstrip() for line in self._screen.display).rstrip()
        return self._text

    @property
    def question_line(self) -> str:
        """The last question on the screen, with its mark and without its note.

        Empty: there is none.
        """
        for line in reversed(self.screen.splitlines()):
            if line.startswith((READY, NOT_READY)) or line.endswith(FOLLOWING):
                return NOTE.sub("", line)
            if line and not line.startswith(" "):
                break
        return ""

    def _feed(self, data: bytes) -> None:
        self._raw += data
        self._shown_at = time.monotonic()
        self._stream.feed(data)
        self._text = None
        question = self.questions[-1] if self.questions else None
        if question is not None and question.text not in self.question_line:
            self._end_question()

    def _end_question(self) -> None:
        if self.questions and self.questions[-1].gone_at == math.inf:
            self.questions[-1].gone_at = time.monotonic()

    def _answer(self, text: str) -> None:
        """Report that everything is on the screen.

        A question that does not accept keys yet requests this.
        """
        self._text = None
        question, question_line = None, self.question_line
        if question_line.startswith(NOT_READY) or question_line.endswith(NOT_READY):
            self._end_question()
            question = Question(question_line.strip(f"{READY}{NOT_READY} "))
            self.questions.append(question)
            self._exit_questions += bool(EXITING.search(question_line)) and STAYING_IS_MARKED in self.screen
        self._send(_Sent(self._due, text, question))

    # --- Keys -------------------------------------------------------------------------------------

    def press(self, keys: str, *, is_surplus: bool = False) -> None:
        """Press some keys in one piece."""
        self._send(_Sent(self._due, keys, is_press=True, is_surplus=is_surplus))

    @property
    def _due(self) -> float:
        return time.monotonic() + self._delay_s

    def _send(self, sent: _Sent) -> None:
        self._to_program.append(sent)
        self._deliver()

    # --- The line ---------------------------------------------------------------------------------

    def use_line(self, delay_s: float) -> None:
        """Delay everything on the line by `delay_s` in both directions."""
        self.arrive()
        self._delay_s = delay_s

    def arrive(self) -> None:
        """Wait until everything on its way to the program has arrived."""
        self.run_until(lambda: not self._to_program, "the program takes no keys")

    def pause(self, seconds: float) -> None:
        """Press nothing for a while."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self._run(until)

    def run_until(
        self, is_so: Callable[[], bool], otherwise: str, *, limit_s: float = LONGEST_WAIT_S
    ) -> None:
        """Run the line until a condition holds."""
        deadline = time.monotonic() + limit_s
        while not is_so():
            if self.has_ended:
                raise Ended
            assert time.monotonic() < deadline, f"{otherwise}. The screen shows:\n{self.screen}"
            self._run(min(deadline, time.monotonic() + POLL_S))

    def _run(self, until: float) -> None:
        """Wait for the next event on the line, and process it."""
        dues = [until]
        if self._to_screen:
            dues.append(self._to_screen[0][0])
        if self._to_program:
            dues.append(self._to_program[0].due)
        timeout = max(0.0, min(dues) - time.monotonic())
        if self.has_ended:
            time.sleep(timeout)
        elif select.select([self._child.child_fd], [], [], timeout)[0]:
            self._read()
        self._deliver()
        while self._to_screen and self._to_screen[0][0] <= time.monotonic():
            self._feed(self._to_screen.popleft()[1])

    def _read(self) -> None:
        data = b""
        with suppress(OSError):  # the program has closed its end
            data = os.read(self._child.child_fd, 65_536)
        if data:
            self._to_screen.append((time.monotonic() + self._delay_s, data))
        else:
            self.has_ended = True
            self._end_question()

    def _deliver(self) -> None:
        while self._to_program and self._to_program[0].due <= time.monotonic():
            sent = self._to_program.popleft()
            earliest = time.monotonic() - self._delay_s
            with suppress(OSError):
                os.write(self._child.child_fd, sent.text.encode())
            if sent.question is not None:
                sent.question.seen_at = earliest
            elif sent.is_press:
                latest = time.monotonic() - self._delay_s
                self.presses.append(Press(sent.text, earliest, latest, sent.is_surplus))

    # --- Back to the menu -------------------------------------------------------------------------

    def return_to_menu(self) -> None:
        """Press Ctrl-C until the menu is open and no older key is left.

        The question on the way drops older keys. Raises Ended.
        """
        if self.presses and self.presses[-1].keys == ESCAPE:  # Escape takes effect later than it is sent
            self.pause(LONGEST_ESCAPE_S + REST_S + 2 * self._delay_s)
        self._raw, self._exit_questions = b"", 0
        is_last = False
        while not is_last:
            self.run_until(self._is_at_rest, "no question is open")
            is_exit_question = bool(EXITING.search(self.question_line))
            is_last = self._is_left_by_ctrl_c() and is_exit_question
        self.run_until(lambda: self.question_line.endswith("Menu"), "the menu does not come back")

    def _is_left_by_ctrl_c(self) -> bool:
        """Press Ctrl-C and return True if it had an effect.

        Keys older than a question have none.
        """
        before = self._times_left()
        self.press(CTRL_C)
        until = time.monotonic() + CTRL_C_WITHIN_S
        self.run_until(lambda: self._times_left() > before or time.monotonic() > until, "Ctrl-C does nothing")
        return self._times_left() > before

    def _is_at_rest(self) -> bool:
        """Return True if a question is open and no spinner turns."""
        return bool(self.question_line) and time.monotonic() - self._shown_at > REST_S

    def _times_left(self) -> int:
        return len(RETURNED.findall(self._raw)) + self._exit_questions


@contextmanager
def watched_program(home: Path, **settings: str) -> Iterator[WatchedTerminal]:
    """Run `main.py` on such a line, and kill it at the end if it still runs."""
    child: pexpect.spawn[bytes] = pexpect.spawn(
        sys.executable,
        [str(PROJECT / "main.py")],
        env=environment(home, **settings),
        cwd=str(home),
        dimensions=(ROWS, COLUMNS),
    )
    try:
        yield WatchedTerminal(child)
    finally:
        if child.isalive():  # pexpect waits only 0.1 s for a killed program
            child.kill(signal.SIGKILL)
            child.wait()
        child.close()
