"""Threads in which requests are sent, so that no answer can be waited for longer than its deadline."""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import TypeVar

T = TypeVar("T")


class Workers:
    """Threads to send requests in, used again and again; one that hangs is not there for the next."""

    def __init__(self) -> None:
        self._begin()

    def _begin(self) -> None:
        self._idle: queue.LifoQueue[queue.SimpleQueue[Callable[[], None] | None]] = queue.LifoQueue()
        self._pid = os.getpid()

    def run(self, work: Callable[[], None]) -> None:
        """Do it in a thread that is idle, else in a new one."""
        if self._pid != os.getpid():
            self._begin()  # a forked process has none of the threads
        try:
            inbox = self._idle.get_nowait()
        except queue.Empty:
            inbox = queue.SimpleQueue()
            threading.Thread(target=self._serve, args=(inbox,), daemon=True, name="request").start()
        inbox.put(work)

    def end_idle(self) -> None:
        """End the threads that wait for work."""
        for inbox in drained(self._idle):
            inbox.put(None)

    def _serve(self, inbox: queue.SimpleQueue[Callable[[], None] | None]) -> None:
        while (work := inbox.get()) is not None:
            work()
            del work  # it holds the transport, whose connections close once it is unused
            self._idle.put(inbox)


def drained(items: queue.LifoQueue[T]) -> Iterator[T]:
    """Take everything from a queue that others may be filling."""
    with suppress(queue.Empty):
        while True:
            yield items.get_nowait()
