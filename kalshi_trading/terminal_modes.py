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
from typing import Any

_LOCAL_FLAGS = 3  # where termios keeps them
_LEAVE = b"\x1b[?2004l\x1b[?25h"  # bracketed paste off, cursor on


class TerminalModes:
    """The modes as they were at the start; `restore` brings them back, also from another thread."""

    def __init__(self) -> None:
        self._before = _modes()
        # of its own: standard output may be led elsewhere before the terminal is left
        self._screen = os.dup(1) if self.is_terminal and os.isatty(1) else None

    @property
    def is_terminal(self) -> bool:
        return self._before is not None

    def hush(self) -> None:
        """Show no key that is pressed from now on, also after the program was suspended."""
        if self._before is not None:
            _set(_without_echo(self._before))
            signal.signal(signal.SIGCONT, lambda number, frame: self.hush())

    def restore(self) -> None:
        """Bring the modes back. Never waits for a terminal that takes nothing."""
        if self._before is not None:
            _set(self._before)
        if self._screen is not None:
            with contextlib.suppress(OSError, ValueError):
                if select.select([], [self._screen], [], 0)[1]:
                    os.write(self._screen, _LEAVE)


def _modes() -> list[Any] | None:
    try:
        return termios.tcgetattr(0)
    except termios.error:
        return None


def _set(modes: list[Any]) -> None:
    with contextlib.suppress(termios.error):  # the terminal is gone
        termios.tcsetattr(0, termios.TCSANOW, modes)


def _without_echo(modes: list[Any]) -> list[Any]:
    hushed = list(modes)
    hushed[_LOCAL_FLAGS] &= ~termios.ECHO
    return hushed
