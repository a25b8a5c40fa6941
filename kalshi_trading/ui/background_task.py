"""Work that is not torn apart by an interruption, and whose result is told to somebody, whatever happens.

It runs in a thread of its own, for which the program waits before it ends. Whoever waits for it may
leave; then the result goes to whoever looks after what was left. Shows nothing itself.
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
    """One piece of work; `left` is given its result in place of a screen that is no longer there.

    The program does not end before it, except where `holds_up_the_end` is False.
    """

    def __init__(
        self, work: Callable[[], T], left: Callable[[T], None], *, holds_up_the_end: bool = True
    ) -> None:
        self._work = work
        self._left = left
        self._ending: Future[T] = Future()
        self._thread = Thread(target=self._run, name=THREAD_NAME, daemon=not holds_up_the_end)
        self.is_reported = False
        """Whether somebody has seen the result; nobody else has to be told then."""

    def start(self) -> None:
        """Begin. An interruption comes before or after, so that it is known whether the work began."""
        with signals.held_back():
            self._thread.start()

    def _run(self) -> None:
        try:
            self._ending.set_result(self._work())
        except BaseException as error:  # noqa: BLE001  (raised again where somebody waits)
            self._ending.set_exception(error)

    @property
    def is_begun(self) -> bool:
        return self._thread.ident is not None

    @property
    def is_over(self) -> bool:
        """Tell whether there is nothing to wait for; what never began is over too."""
        return self._ending.done() or not self.is_begun

    def wait(self, say: Callable[[int], None]) -> T:
        """Wait for the result and tell every second how long it takes. Raises what the work raised."""
        seconds = 0
        while wait((self._ending,), timeout=1).not_done:
            seconds += 1
            say(seconds)
        if self._ending.exception() is not None:
            self.is_reported = True
        return self._ending.result()

    def join(self) -> None:
        """Wait for the end."""
        if not self.is_over:
            self._thread.join()

    def report(self) -> BaseException | None:
        """Hand the result on unless somebody has seen it; return what went wrong in place of one."""
        if self.is_reported or not self._ending.done():
            return None
        self.is_reported = True
        error = self._ending.exception()
        if error is None:
            self._left(self._ending.result())
        return error


def run_with_timeout(seconds: int, work: Callable[[], T]) -> T:
    """Do something that only reads and is left to itself when it takes longer. Raises TimeoutError."""

    def waited(so_far: int) -> None:
        if so_far >= seconds:
            raise TimeoutError

    task = BackgroundTask(work, left=lambda result: None, holds_up_the_end=False)
    task.start()
    return task.wait(waited)
