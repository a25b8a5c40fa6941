"""Install signal handlers and block signals for short moments.

The only module of the user interface that touches signals. Windows lacks SIGHUP, SIGTSTP, SIGCONT and signal
masks, so functions that need them do nothing there.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

Handler = Callable[[int, FrameType | None], object]

HANG_UP: int | None = getattr(signal, "SIGHUP", None)
"""None: this system has no hang-up."""
END_SIGNALS: tuple[int, ...] = (signal.SIGTERM,) if HANG_UP is None else (signal.SIGTERM, HANG_UP)


def handle_end(handler: Handler) -> None:
    """Call `handler` when the system asks the program to end."""
    for number in END_SIGNALS:
        signal.signal(number, handler)


def handle_ctrl_c(handler: Handler) -> None:
    """Call `handler` at Ctrl-C, unless a script started us with it ignored."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, handler)


def ignore_ctrl_c() -> None:
    """Ignore Ctrl-C from now on."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def handle_resume(handler: Handler) -> None:
    """Call `handler` when the program resumes after a stop."""
    if hasattr(signal, "SIGCONT"):
        signal.signal(signal.SIGCONT, handler)


def suspend() -> None:
    """Stop the program and its process group, as Ctrl-Z does."""
    if hasattr(signal, "SIGTSTP"):
        os.kill(0, signal.SIGTSTP)


def report_hang_up() -> None:
    """Send SIGHUP to this process.

    Some lost terminals send none.
    """
    if HANG_UP is not None:
        os.kill(os.getpid(), HANG_UP)


@contextmanager
def signals_blocked() -> Iterator[None]:
    """Block Ctrl-C and the end signals inside the block.

    Threads started in it keep them blocked, so the main thread gets them.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT, *END_SIGNALS))
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def ctrl_c_deferred() -> Iterator[None]:
    """Handle a Ctrl-C that arrives inside the block at its end."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came = threading.Event()

    def note(*_: object) -> None:
        came.set()

    handler = signal.signal(signal.SIGINT, note)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)
    if came.is_set() and callable(handler):
        handler(signal.SIGINT, None)
