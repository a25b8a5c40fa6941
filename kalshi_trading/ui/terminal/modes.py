"""The modes of the terminal while the program runs, and how it is left.

Keys pressed while no question is asked are not shown: late answers of the terminal would be, too. Does
nothing where standard input is no terminal.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import termios
from collections.abc import Callable
from typing import Any

_LOCAL_FLAGS, _CONTROL_CHARACTERS = 3, 6  # where termios keeps them
_LEAVE = b"\x1b[?2004l\x1b[?25h"  # bracketed paste off, cursor on


class TerminalModes:
    """The modes as they were at the start; `restore` brings them back, also from another thread.

    Changes nothing while another program of the same terminal is in the foreground.
    """

    def __init__(self) -> None:
        self._before: list[Any] | None = None
        with contextlib.suppress(termios.error):  # standard input is no terminal
            self._before = termios.tcgetattr(0)
        # of its own: standard output may be led elsewhere before the terminal is left
        self._screen = os.dup(1) if self.is_terminal and os.isatty(1) else None

    @property
    def is_terminal(self) -> bool:
        return self._before is not None

    @property
    def is_in_background(self) -> bool:
        """Tell whether the terminal is another program's at the moment, as after Ctrl-Z."""
        return self.is_terminal and is_in_background(0)

    def disable_echo(self, resumed: Callable[[], bool] = lambda: False) -> None:
        """Show no key that is pressed from now on, also after the program was stopped.

        `resumed` is called when it goes on; it tells whether a question sees to the terminal itself.
        """
        if self._before is None:
            return

        def go_on(number: int, frame: object) -> None:
            if not self.is_in_background and not resumed():
                self._disable_echo()

        self._disable_echo()
        signal.signal(signal.SIGCONT, go_on)

    def _disable_echo(self) -> None:
        """Turn off echo, and the key that kills (Ctrl-\\)."""
        if self._before is None or self.is_in_background:
            return
        quiet = list(self._before)
        quiet[_LOCAL_FLAGS] &= ~termios.ECHO
        quiet[_CONTROL_CHARACTERS] = list(self._before[_CONTROL_CHARACTERS])
        quiet[_CONTROL_CHARACTERS][termios.VQUIT] = os.fpathconf(0, "PC_VDISABLE").to_bytes(1, "little")
        _set(quiet)

    def restore(self) -> None:
        """Bring the modes back. Never waits for a terminal that takes nothing."""
        if self.is_in_background:
            return
        if self._before is not None:
            _set(self._before)
        if self._screen is not None:
            with contextlib.suppress(OSError, ValueError):
                if select.select([], [self._screen], [], 0)[1]:
                    os.write(self._screen, _LEAVE)


def is_in_background(descriptor: int) -> bool:
    """Tell whether this terminal is another program's at the moment."""
    with contextlib.suppress(OSError):  # it is gone, or is not the one we were started from
        return os.tcgetpgrp(descriptor) != os.getpgrp()
    return False


def _set(modes: list[Any]) -> None:
    with contextlib.suppress(termios.error):  # the terminal is gone
        termios.tcsetattr(0, termios.TCSANOW, modes)
