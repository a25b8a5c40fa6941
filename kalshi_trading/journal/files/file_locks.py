"""Lock files through the operating system; a lock ends with its process.

Every wait has a timeout, because a holder may be stopped for good. If the file was deleted during the wait,
a new one is locked. Knows nothing of file contents.
"""

from __future__ import annotations

import errno
import os
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path

from kalshi_trading.journal.files.private_files import open_private

LOCK_TIMEOUT_S = 5.0
"""Timeout for a lock. Other processes hold it only while a line is synced to disk."""
SHORT_LOCK_TIMEOUT_S = 0.05
"""Timeout after a first one, until the lock is free again, because cancels come one after the other."""
_POLL_EVERY_S = 0.002
_timed_out: set[Path] = set()


class LockHeldError(OSError):
    """Another program holds the lock and does not release it."""

    def __init__(self) -> None:
        super().__init__("another program has locked it")


def take_lock(path: Path) -> int:
    """Lock the file exclusively, creating it if needed; return its descriptor.

    Closing the descriptor ends the lock. Raises OSError, and LockHeldError at the timeout.
    """
    while True:
        descriptor = open_private(path, os.O_CREAT | os.O_RDWR)
        try:
            _wait_for(descriptor, path)
            if _is_still_there(descriptor, path):
                return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the exclusive lock, creating the file if needed. Raises OSError."""
    descriptor = take_lock(path)
    try:
        yield
    finally:
        os.close(descriptor)


@contextmanager
def locked_for_reading(path: Path) -> Iterator[None]:
    """Hold a shared lock, which keeps exclusive holders out.

    Creates no file. Raises OSError if there is none.
    """
    descriptor = open_private(path, os.O_RDONLY)
    try:
        _wait_for(descriptor, path, is_shared=True)
        yield
    finally:
        os.close(descriptor)


def is_locked(path: Path) -> bool:
    """Check whether the exclusive lock is held, by any process.

    Raises OSError when the file cannot be opened.
    """
    descriptor = open_private(path, os.O_RDONLY)
    try:
        return not try_lock(descriptor, is_shared=True)
    finally:
        os.close(descriptor)


def remove_unless_locked(path: Path) -> None:
    """Remove a file unless it is locked. Raises OSError.

    A process that is about to lock it then creates a new one.
    """
    descriptor = open_private(path, os.O_RDONLY)
    try:
        if not try_lock(descriptor):
            raise LockHeldError
        path.unlink()
    finally:
        os.close(descriptor)


def _wait_for(descriptor: int, path: Path, *, is_shared: bool = False) -> None:
    """Take the lock as soon as it is free.

    The system wakes the first wait. After a timeout on this path we poll for a short time instead.
    """
    if not try_lock(descriptor, is_shared=is_shared):
        if path in _timed_out:
            _poll(descriptor, is_shared)
        else:
            _wait_with_timeout(descriptor, path, is_shared)
    _timed_out.discard(path)


def _poll(descriptor: int, is_shared: bool) -> None:
    ends_at = time.monotonic() + SHORT_LOCK_TIMEOUT_S
    while not try_lock(descriptor, is_shared=is_shared):
        if time.monotonic() >= ends_at:
            raise LockHeldError
        time.sleep(_POLL_EVERY_S)


def _wait_with_timeout(descriptor: int, path: Path, is_shared: bool) -> None:
    acquired: Future[None] = Future()
    waiting = os.dup(descriptor)  # the lock is both descriptors', and ends with the last of them
    threading.Thread(target=_acquire, args=(waiting, is_shared, acquired), daemon=True, name="lock").start()
    try:
        acquired.result(LOCK_TIMEOUT_S)
    except TimeoutError:
        _timed_out.add(path)
        raise LockHeldError from None


def _acquire(descriptor: int, is_shared: bool, acquired: Future[None]) -> None:
    try:
        _lock(descriptor, is_shared=is_shared, waits=True)
    except OSError as error:
        acquired.set_exception(error)
    else:
        acquired.set_result(None)
    finally:
        os.close(descriptor)


def try_lock(descriptor: int, *, is_shared: bool = False) -> bool:
    """Take the lock of an open file now and return True.

    False: another process holds it. Raises OSError.
    """
    try:
        _lock(descriptor, is_shared=is_shared, waits=False)
    except BlockingIOError:
        return False
    return True


def _lock(descriptor: int, *, is_shared: bool, waits: bool) -> None:
    """Lock an open file.

    Raises BlockingIOError if it is held and `waits` is False, OSError.
    """
    try:
        import portalocker
    except ImportError as error:
        raise _no_locks(error) from error
    try:
        flags = portalocker.LockFlags.SHARED if is_shared else portalocker.LockFlags.EXCLUSIVE
        portalocker.lock(descriptor, flags if waits else flags | portalocker.LockFlags.NON_BLOCKING)
    except ImportError as error:  # shared locks need pywin32 on Windows
        raise _no_locks(error) from error
    except portalocker.AlreadyLocked as error:
        raise BlockingIOError(errno.EWOULDBLOCK, "the lock is held") from error
    except portalocker.LockException as error:
        raise OSError(errno.ENOLCK, f"the file cannot be locked ({error})") from error


def _no_locks(error: ImportError) -> OSError:
    return OSError(errno.ENOLCK, f"this system has no file locks ({error})")


def _is_still_there(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False
