"""Threads that send requests, so that the caller can stop at its deadline."""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import TypeVar

T = TypeVar("T")


class Workers:
    """A pool of reusable request threads. A hung thread is never reused."""

    def __init__(self) -> None:
        self._begin()

    def _begin(self) -> None:
        self._idle: queue.LifoQueue[queue.SimpleQueue[Callable[[], None] | None]] = queue.LifoQueue()
        self._pid = os.getpid()

    def run(self, work: Callable[[], None]) -> None:
        """Run `work` in an idle thread, or in a new one."""
        if self._pid != os.getpid():
            self._begin()  # a forked process has none of the threads
        try:
            inbox = self._idle.get_nowait()
        except queue.Empty:
            inbox = queue.SimpleQueue()
            threading.Thread(target=self._serve, args=(inbox,), daemon=True, name="request").start()
        inbox.put(work)

    def end_idle(self) -> None:
        """End the idle threads."""
        for inbox in drained(self._idle):
            inbox.put(None)

    def _serve(self, inbox: queue.SimpleQueue[Callable[[], None] | None]) -> None:
        while (work := inbox.get()) is not None:
            work()
            del work  # `work` references the transport, whose connections close once it is unreferenced
            self._idle.put(inbox)


def drained(items: queue.LifoQueue[T]) -> Iterator[T]:
    """Yield all items of a queue that other threads may be filling."""
    with suppress(queue.Empty):
        while True:
            yield items.get_nowait()
