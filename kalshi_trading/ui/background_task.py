"""Run a task that Ctrl-C cannot interrupt halfway. Never prints.

It runs in its own thread, and the program waits for it before it ends. If the caller stops waiting, the
result is reported later.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, wait
from threading import Thread
from typing import Generic, TypeVar

from kalshi_trading.ui.terminal import signals

T = TypeVar("T")
THREAD_NAME = "background task"


class BackgroundTask(Generic[T]):
    """A task in a thread; `left` gets its result if no screen waits for it.

    The program waits for it before it ends, unless `holds_up_the_end` is False.
    """

    def __init__(
        self, work: Callable[[], T], left: Callable[[T], None], *, holds_up_the_end: bool = True
    ) -> None:
        self._work = work
        self._left = left
        self._ending: Future[T] = Future()
        self._thread = Thread(target=self._run, name=THREAD_NAME, daemon=not holds_up_the_end)
        self.is_reported = False
        """True once the result has been shown or handed on; it is not reported again."""

    def start(self) -> None:
        """Start the thread with signals blocked, so `is_begun` is unambiguous."""
        with signals.held_back():
            self._thread.start()

    def _run(self) -> None:
        try:
            self._ending.set_result(self._work())
        except BaseException as error:  # noqa: BLE001  (raised again in `wait`)
            self._ending.set_exception(error)

    @property
    def is_begun(self) -> bool:
        return self._thread.ident is not None

    @property
    def is_over(self) -> bool:
        """True if there is nothing to wait for, including a task never started."""
        return self._ending.done() or not self.is_begun

    def wait(self, say: Callable[[int], None]) -> T:
        """Wait for the result; call `say` every second with the seconds so far.

        Raises what the work raised.
        """
        seconds = 0
        while wait((self._ending,), timeout=1).not_done:
            seconds += 1
            say(seconds)
        if self._ending.exception() is not None:
            self.is_reported = True
        return self._ending.result()

    def join(self) -> None:
        """Wait until the thread ends."""
        if not self.is_over:
            self._thread.join()

    def report(self) -> BaseException | None:
        """Pass an unreported result to `left`; return the error of a failed task.

        None: no error, already reported, or not finished.
        """
        if self.is_reported or not self._ending.done():
            return None
        self.is_reported = True
        error = self._ending.exception()
        if error is None:
            self._left(self._ending.result())
        return error


def run_with_timeout(seconds: int, work: Callable[[], T]) -> T:
    """Run work that only reads; abandon it after `seconds`.

    Raises TimeoutError.
    """

    def waited(so_far: int) -> None:
        if so_far >= seconds:
            raise TimeoutError

    task = BackgroundTask(work, left=lambda result: None, holds_up_the_end=False)
    task.start()
    return task.wait(waited)
