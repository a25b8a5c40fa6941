"""A small pool of daemon threads for concurrent reads.

An abandoned read never blocks the next one or program exit.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from types import TracebackType
from typing import TypeVar

T = TypeVar("T")


class ReadPool:
    """At most `most` reads at a time. Leaving the `with` abandons the rest."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._questions: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._threads = 0
        self._left = threading.Event()

    def __enter__(self) -> ReadPool:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        self._left.set()
        for _ in range(self._threads):
            self._questions.put(None)

    @property
    def is_left(self) -> bool:
        return self._left.is_set()

    def submit(self, read: Callable[[], T]) -> Future[T]:
        """Run `read` in a thread of the pool, as soon as one is free."""
        future: Future[T] = Future()

        def answer() -> None:
            try:
                future.set_result(read())
            except BaseException as error:  # noqa: BLE001  (passed on to the caller of `result()`)
                future.set_exception(error)

        self._questions.put(answer)
        if self._threads < self._most:
            self._threads += 1
            threading.Thread(target=self._work, name="question", daemon=True).start()
        return future

    def _work(self) -> None:
        while (ask := self._questions.get()) is not None:
            if not self.is_left:
                ask()
