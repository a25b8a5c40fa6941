"""Terminal modes while the program runs, and their restoration.

Keys pressed while no question is asked are not echoed, because late answers of the terminal would be echoed
with them. Does nothing if standard input is no terminal.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import select
import time
from collections.abc import Callable
from types import ModuleType
from typing import Any, TextIO

from kalshi_trading.ui.terminal import signals

_LOCAL_FLAGS, _CONTROL_CHARACTERS = 3, 6  # indexes in the list of termios
_POLL_S = 0.01
_LEAVE = b"\x1b[?2004l\x1b[?25h"  # bracketed paste off, cursor on


class TerminalModes:
    """The modes at the start; `restore` sets them again from any thread.

    Changes nothing while another program is in the terminal's foreground.
    """

    def __init__(self) -> None:
        self._before: list[Any] | None = None
        if (termios := _termios()) is not None:
            with contextlib.suppress(termios.error):  # standard input is no terminal
                self._before = termios.tcgetattr(0)
        # a descriptor of our own: standard output may be redirected before the restore
        self._screen = os.dup(1) if self.is_terminal and os.isatty(1) else None

    @property
    def is_terminal(self) -> bool:
        return self._before is not None

    @property
    def is_in_background(self) -> bool:
        """True if another program has the terminal's foreground, as after Ctrl-Z."""
        return self.is_terminal and is_in_background(0)

    def disable_echo(self, on_resume: Callable[[], bool] = lambda: False) -> None:
        """Turn echo off, and again each time the program resumes after a stop.

        `on_resume` is called on resumption. It returns True if a question restores the terminal itself.
        """
        if self._before is None:
            return

        def resume(number: int, frame: object) -> None:
            if not self.is_in_background and not on_resume():
                self._disable_echo()

        self._disable_echo()
        signals.handle_resume(resume)

    def _disable_echo(self) -> None:
        r"""Turn off echo and the quit key (Ctrl-\)."""
        termios = _termios()
        if self._before is None or termios is None or self.is_in_background:
            return
        quiet = list(self._before)
        quiet[_LOCAL_FLAGS] &= ~termios.ECHO
        quiet[_CONTROL_CHARACTERS] = list(self._before[_CONTROL_CHARACTERS])
        quiet[_CONTROL_CHARACTERS][termios.VQUIT] = os.fpathconf(0, "PC_VDISABLE").to_bytes(1, "little")
        _set(quiet)

    def restore(self) -> None:
        """Restore the modes. Never waits for a blocked terminal."""
        if self.is_in_background:
            return
        if self._before is not None:
            _set(self._before)
        if self._screen is not None:
            with contextlib.suppress(OSError, ValueError):
                if select.select([], [self._screen], [], 0)[1]:
                    os.write(self._screen, _LEAVE)


def is_in_background(descriptor: int) -> bool:
    """Return True if another program has this terminal's foreground."""
    with contextlib.suppress(OSError):  # the terminal is gone, or is not our controlling terminal
        return os.tcgetpgrp(descriptor) != os.getpgrp()
    return False


def can_read_keys() -> bool:
    """Return True if this system reads a terminal's keys one by one (POSIX)."""
    return _termios() is not None


def discard_typed_ahead(lines: TextIO, quiet_s: float) -> None:
    """Discard pending terminal input until none arrives for `quiet_s` seconds.

    This includes an unfinished line, which could not be read before its end.
    """
    if not lines.isatty():
        return
    termios = _termios()
    if termios is None:
        _discard_keys_of_windows(quiet_s)
        return
    termios.tcflush(lines, termios.TCIFLUSH)
    while select.select([lines], [], [], quiet_s)[0]:
        termios.tcflush(lines, termios.TCIFLUSH)
    termios.tcflush(lines, termios.TCIFLUSH)


def _discard_keys_of_windows(quiet_s: float) -> None:
    msvcrt: Any = importlib.import_module("msvcrt")
    quiet_from = time.monotonic()
    while time.monotonic() - quiet_from < quiet_s:
        if msvcrt.kbhit():
            msvcrt.getwch()
            quiet_from = time.monotonic()
        else:
            time.sleep(_POLL_S)


def _set(modes: list[Any]) -> None:
    if (termios := _termios()) is not None:
        with contextlib.suppress(termios.error):  # the terminal is gone
            termios.tcsetattr(0, termios.TCSANOW, modes)


def _termios() -> ModuleType | None:
    """Return the `termios` module. None: this system has none (Windows)."""
    try:
        return importlib.import_module("termios")
    except ImportError:
        return None
