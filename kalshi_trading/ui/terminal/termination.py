"""End the program on SIGTERM, SIGHUP or a lost terminal.

The first request ends it in order. A question is left, and an order in flight gets GRACE_S for its answer.
Recovery does the rest at the next start. A second request (Ctrl-C included), or the end of GRACE_S, ends it
at once. The shell and the kernel may both report a lost terminal; that counts as one request. Ctrl-C alone
leaves a task, and holding it down leaves only one task.
"""

from __future__ import annotations

import math
import os
import select
import sys
import time
from collections.abc import Callable
from threading import Thread
from types import FrameType
from typing import NoReturn

from kalshi_trading.ui.terminal import output, signals
from kalshi_trading.ui.terminal.modes import TerminalModes

GRACE_S = 2.0
HANG_UP_S = 0.3
"""Time for the kernel's own SIGHUP to arrive, which makes ours unnecessary."""
REPEATS_WITHIN_S = 0.15
"""Keyboards repeat a held key 10 to 60 times a second; a second deliberate press comes later."""


class CtrlC:
    """Separates a press of Ctrl-C from the repeats of a held key.

    Repeats can interrupt any line of code.
    """

    def __init__(self) -> None:
        self._came_at = -math.inf

    def record(self) -> bool:
        """Record a Ctrl-C, as a key or a signal; return True if it is no repeat."""
        before, self._came_at = self._came_at, time.monotonic()
        return self._came_at - before > REPEATS_WITHIN_S


class TerminationRequested(BaseException):
    """The system asks the program to end by the signal `signal_number`."""

    def __init__(self, signal_number: int) -> None:
        self.signal_number = signal_number
        super().__init__(signal_number)

    @property
    def exit_status(self) -> int:
        return 128 + self.signal_number


def _hide_lost_signal(what: sys.UnraisableHookArgs) -> None:
    """Print no traceback for a signal that arrives inside a destructor.

    Python cannot raise there. Ctrl-C is lost. A request to end is kept (see `raise_request`), and GRACE_S
    limits the wait.
    """
    if not isinstance(what.exc_value, KeyboardInterrupt | TerminationRequested):
        sys.__unraisablehook__(what)


class Termination:
    """Turn signals into the end of the program.

    `interrupt` ends a pending question with an error. It returns False if there is none.
    """

    def __init__(
        self, interrupt: Callable[[BaseException], bool], modes: TerminalModes, ctrl_c: CtrlC
    ) -> None:
        self._interrupt = interrupt
        self._modes = modes
        self._ctrl_c = ctrl_c
        self._is_requested = False
        self.request: TerminationRequested | None = None
        """The first request; None: there was none."""

    def listen(self) -> None:
        """Install the signal handlers and watch the terminal for a hang-up."""
        signals.handle_end(self._on_end_signal)
        signals.handle_ctrl_c(self._on_ctrl_c)
        sys.unraisablehook = _hide_lost_signal
        if self._modes.is_terminal:
            Thread(target=self._watch_terminal, name="terminal watch", daemon=True).start()

    def raise_request(self) -> None:
        """Raise a request to end that arrived where Python could not raise it."""
        if self.request is not None:
            raise self.request from None

    def conclude(self) -> None:
        """Record that the program is ending: the next request ends it at once."""
        self._is_requested = True

    def _on_end_signal(self, number: int, frame: FrameType | None) -> None:
        if self._is_requested:
            if number == signals.HANG_UP and self._modes.is_terminal and output.is_hung_up(0):
                return
            self._end_now(number)
        self._is_requested = True
        Thread(target=self._end_later, args=(number,), name="termination", daemon=True).start()
        if number == signals.HANG_UP:
            output.silence_all()
        self.request = TerminationRequested(number)
        if not self._interrupt(self.request):
            raise self.request
        if self._modes.is_in_background:  # there a question cannot end in order
            self._end_now(number)

    def _on_ctrl_c(self, number: int, frame: FrameType | None) -> None:
        if self._is_requested:
            self._end_now(number)
        if self._ctrl_c.record():
            raise KeyboardInterrupt

    def _end_later(self, number: int) -> None:
        time.sleep(GRACE_S)
        self._end_now(number)

    def _end_now(self, number: int) -> NoReturn:
        """Restore the terminal and end at once."""
        self._modes.restore()
        os._exit(128 + number)

    def _watch_terminal(self) -> None:
        """Wait for a hang-up and report it if no SIGHUP arrives.

        The kernel sends SIGHUP only to the terminal's own session.
        """
        poll = select.poll()
        poll.register(0, 0)  # errors and hang-ups are always reported
        poll.poll()
        time.sleep(HANG_UP_S)
        if not self._is_requested:
            signals.report_hang_up()
