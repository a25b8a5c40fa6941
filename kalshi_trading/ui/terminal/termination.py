"""How the program ends when the system asks it to (SIGTERM, SIGHUP) or its terminal goes away.

The first request ends it in order: a question is left, an order under way gets GRACE_S for its answer, and
recovery does the rest at the next start. A second request, Ctrl-C included, or the end of GRACE_S, ends it at
once. Of a terminal that went away both its shell and the kernel may tell: that is one request. Ctrl-C alone
leaves a task; holding it down leaves only one.
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
"""How long the kernel's own SIGHUP may take, which makes ours needless."""
REPEATS_WITHIN_S = 0.15
"""Keyboards repeat a held key 10 to 60 times a second; a second press on purpose comes later."""


class CtrlC:
    """Separates a press of Ctrl-C from the repeats of a held key, which interrupt any line of code."""

    def __init__(self) -> None:
        self._came_at = -math.inf

    def note(self) -> bool:
        """Record that Ctrl-C arrived, as a key or a signal; return whether it is a press, not a repeat."""
        before, self._came_at = self._came_at, time.monotonic()
        return self._came_at - before > REPEATS_WITHIN_S


class TerminationRequested(BaseException):
    """The system asks the program to end; `signal_number` says how."""

    def __init__(self, signal_number: int) -> None:
        self.signal_number = signal_number
        super().__init__(signal_number)

    @property
    def exit_status(self) -> int:
        return 128 + self.signal_number


def _hide_lost_signal(what: sys.UnraisableHookArgs) -> None:
    """Print no traceback for a signal that arrives inside a destructor, where Python cannot raise.

    Ctrl-C is lost there. A request to end is kept (see `raise_request`), and GRACE_S limits the wait.
    """
    if not isinstance(what.exc_value, KeyboardInterrupt | TerminationRequested):
        sys.__unraisablehook__(what)


class Termination:
    """Turn signals into the end of the program. `interrupt` ends a question that is being asked, if any."""

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
        """Install the signal handlers, and watch over the terminal."""
        signals.handle_end(self._requested)
        signals.handle_ctrl_c(self._interrupted)
        sys.unraisablehook = _hide_lost_signal
        if self._modes.is_terminal:
            Thread(target=self._watch_terminal, name="terminal watch", daemon=True).start()

    def raise_request(self) -> None:
        """Raise the request to end, if one arrived where Python could not raise it."""
        if self.request is not None:
            raise self.request from None

    def conclude(self) -> None:
        """The program is ending anyway: a request from now on ends it at once."""
        self._is_requested = True

    def _requested(self, number: int, frame: FrameType | None) -> None:
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
        if self._modes.is_in_background:  # where a question cannot end in order
            self._end_now(number)

    def _interrupted(self, number: int, frame: FrameType | None) -> None:
        if self._is_requested:
            self._end_now(number)
        if self._ctrl_c.note():
            raise KeyboardInterrupt

    def _end_later(self, number: int) -> None:
        time.sleep(GRACE_S)
        self._end_now(number)

    def _end_now(self, number: int) -> NoReturn:
        """End without waiting for anything; only the terminal is left as it was found."""
        self._modes.restore()
        os._exit(128 + number)

    def _watch_terminal(self) -> None:
        """Wait for a hang-up: the kernel sends SIGHUP only to the session of the terminal."""
        poll = select.poll()
        poll.register(0, 0)  # errors and hang-ups are always reported
        poll.poll()
        time.sleep(HANG_UP_S)
        if not self._is_requested:
            signals.report_hang_up()
