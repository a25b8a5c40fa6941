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
    """A task in a thread.

    `on_abandoned` gets the result if no screen waits for it. The program waits for the task before it ends,
    unless `blocks_exit` is False.
    """

    def __init__(
        self, work: Callable[[], T], on_abandoned: Callable[[T], None], *, blocks_exit: bool = True
    ) -> None:
        self._work = work
        self._on_abandoned = on_abandoned
        self._future: Future[T] = Future()
        self._thread = Thread(target=self._run, name=THREAD_NAME, daemon=not blocks_exit)
        self.is_reported = False
        """True once the result has been shown or handed on; it is not reported again."""

    def start(self) -> None:
        """Start the thread with signals blocked, so `is_started` is unambiguous."""
        with signals.signals_blocked():
            self._thread.start()

    def _run(self) -> None:
        try:
            self._future.set_result(self._work())
        except BaseException as error:  # noqa: BLE001  (raised again in `wait`)
            self._future.set_exception(error)

    @property
    def is_started(self) -> bool:
        return self._thread.ident is not None

    @property
    def is_done(self) -> bool:
        """True if there is nothing to wait for, including a task never started."""
        return self._future.done() or not self.is_started

    def wait(self, on_second: Callable[[int], None]) -> T:
        """Wait for the result; pass the seconds so far to `on_second`.

        Raises what the work raised.
        """
        seconds = 0
        while wait((self._future,), timeout=1).not_done:
            seconds += 1
            on_second(seconds)
        if self._future.exception() is not None:
            self.is_reported = True
        return self._future.result()

    def join(self) -> None:
        """Wait until the thread ends."""
        if not self.is_done:
            self._thread.join()

    def report(self) -> BaseException | None:
        """Pass an unreported result to `on_abandoned`.

        Return the error of a failed task. None: no error, already reported, or not finished.
        """
        if self.is_reported or not self._future.done():
            return None
        self.is_reported = True
        error = self._future.exception()
        if error is None:
            self._on_abandoned(self._future.result())
        return error


def run_with_timeout(seconds: int, work: Callable[[], T]) -> T:
    """Run work that only reads; abandon it after `seconds`.

    Raises TimeoutError.
    """

    def check_time(so_far: int) -> None:
        if so_far >= seconds:
            raise TimeoutError

    task = BackgroundTask(work, on_abandoned=lambda result: None, blocks_exit=False)
    task.start()
    return task.wait(check_time)
