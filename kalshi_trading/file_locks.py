"""Locks on files, kept by the operating system: they end with their holder, however it ends.

Knows nothing of what a file holds. Whoever finds that a file was deleted while it waited locks a new one.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def take_lock(path: Path) -> int:
    """Make the file if need be, lock it alone and return its descriptor; closing that ends the lock."""
    while True:
        descriptor = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
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
    descriptor = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        yield
    finally:
        os.close(descriptor)


def is_locked(path: Path) -> bool:
    """Tell whether somebody holds the lock alone. Raises OSError when the file cannot be opened."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def remove_unless_locked(path: Path) -> None:
    """Remove a file that nobody holds; whoever is about to lock it then makes a new one. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        path.unlink()
    finally:
        os.close(descriptor)


def _is_still_there(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False
