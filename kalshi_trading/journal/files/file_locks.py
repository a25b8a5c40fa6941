"""Locks on files, kept by the operating system: they end with their holder, however it ends.

Nobody waits without end: a holder may have been stopped and never go on. Knows nothing of what a file
holds. Whoever finds that a file was deleted while it waited locks a new one.
"""

from __future__ import annotations

import fcntl
import os
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path

from kalshi_trading.journal.files.private_files import open_private

PATIENCE_S = 5.0
"""How long somebody waits for a lock; others hold it for as long as a line takes to get to the disk."""
SHORT_PATIENCE_S = 0.05
"""How long once that was in vain, until the lock is free again: cancels come one after the other."""
_LOOK_AGAIN_S = 0.002
_waited_in_vain: set[Path] = set()


class LockHeldError(OSError):
    """Another program holds the lock and does not let go of it."""

    def __init__(self) -> None:
        super().__init__("another program has locked it")


def take_lock(path: Path) -> int:
    """Make the file if need be, lock it alone and return its descriptor; closing that ends the lock.

    Raises OSError, a LockHeldError when the wait becomes too long.
    """
    while True:
        descriptor = open_private(path, os.O_CREAT | os.O_RDWR)
        try:
            _wait_for(descriptor, path, fcntl.LOCK_EX)
            if _is_still_there(descriptor, path):
                return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock alone, making the file if need be. Raises OSError."""
    descriptor = take_lock(path)
    try:
        yield
    finally:
        os.close(descriptor)


@contextmanager
def locked_for_reading(path: Path) -> Iterator[None]:
    """Keep those away who want the lock alone. Makes no file. Raises OSError when there is none."""
    descriptor = open_private(path, os.O_RDONLY)
    try:
        _wait_for(descriptor, path, fcntl.LOCK_SH)
        yield
    finally:
        os.close(descriptor)


def is_locked(path: Path) -> bool:
    """Tell whether somebody holds the lock alone. Raises OSError when the file cannot be opened."""
    descriptor = open_private(path, os.O_RDONLY)
    try:
        return not _is_taken(descriptor, fcntl.LOCK_SH)
    finally:
        os.close(descriptor)


def remove_unless_locked(path: Path) -> None:
    """Remove a file that nobody holds; whoever is about to lock it then makes a new one. Raises OSError."""
    descriptor = open_private(path, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        path.unlink()
    finally:
        os.close(descriptor)


def _wait_for(descriptor: int, path: Path, kind: int) -> None:
    """Take the lock as soon as it is free: the system wakes who waits, so that nobody is passed over."""
    if not _is_taken(descriptor, kind):
        if path in _waited_in_vain:
            _look_again(descriptor, kind)
        else:
            _wait_patiently(descriptor, path, kind)
    _waited_in_vain.discard(path)


def _look_again(descriptor: int, kind: int) -> None:
    ends_at = time.monotonic() + SHORT_PATIENCE_S
    while not _is_taken(descriptor, kind):
        if time.monotonic() >= ends_at:
            raise LockHeldError
        time.sleep(_LOOK_AGAIN_S)


def _wait_patiently(descriptor: int, path: Path, kind: int) -> None:
    taken: Future[None] = Future()
    waiting = os.dup(descriptor)  # the lock is both descriptors', and ends with the last of them
    threading.Thread(target=_wait, args=(waiting, kind, taken), daemon=True, name="lock").start()
    try:
        taken.result(PATIENCE_S)
    except TimeoutError:
        _waited_in_vain.add(path)
        raise LockHeldError from None


def _wait(descriptor: int, kind: int, taken: Future[None]) -> None:
    try:
        fcntl.flock(descriptor, kind)
    except OSError as error:
        taken.set_exception(error)
    else:
        taken.set_result(None)
    finally:
        os.close(descriptor)


def _is_taken(descriptor: int, kind: int) -> bool:
    """Take the lock now or not at all, and tell which."""
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_still_there(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False
