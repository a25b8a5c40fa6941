"""One exchange per data directory: a lock held for life, and a ready file that tells where it answers.

Knows these two files. A lock dies with its process, so a ready file counts only while the lock is held.
"""

from __future__ import annotations

import json
import os
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from kalshi_trading.practice.storage.private_files import (
    LOCK_FILE,
    READY_FILE,
    NotOursError,
    exists_as_ours,
    open_private,
    write_whole,
)

_PATIENCE_S = 15.0
_PAUSE_S = 0.02


@dataclass(frozen=True, slots=True)
class ReadyFile:
    """Where and how a running exchange is reached."""

    url: str
    ws_url: str
    key_id: str
    private_key_path: str
    pid: int

    def line(self) -> str:
        """Return it as one line of JSON."""
        return json.dumps(asdict(self))


class InstanceLock:
    """A process's claim to be the exchange of a directory."""

    def __init__(self, directory: Path, descriptor: int) -> None:
        self._lock = directory / LOCK_FILE
        self._ready = directory / READY_FILE
        self._descriptor = descriptor
        self._announced = ""
        exists_as_ours(self._ready)
        self._ready.unlink(missing_ok=True)

    def announce(self, ready: ReadyFile) -> None:
        """Write the ready file, whole or not at all, for the owner's eyes only."""
        self._announced = ready.line() + "\n"
        self._write()

    def renew(self) -> None:
        """Write the ready file again if somebody spoiled it or took it away."""
        with suppress(OSError):  # where it cannot be written, whoever comes next is told so
            if self._is_ours() and not self._is_intact():
                self._write()

    def end(self) -> None:
        """Take the ready file away and release the lock."""
        with suppress(OSError):
            if self._is_ours():
                self._ready.unlink(missing_ok=True)
        os.close(self._descriptor)

    def _write(self) -> None:
        write_whole(self._ready, self._announced.encode())

    def _is_ours(self) -> bool:
        """Tell whether this directory is still there; another of its name has a lock of its own."""
        try:
            return self._lock.stat().st_ino == os.fstat(self._descriptor).st_ino
        except FileNotFoundError:
            return False

    def _is_intact(self) -> bool:
        try:
            return _content(self._ready) == self._announced.encode()
        except (FileNotFoundError, NotOursError):
            return False


def claim(directory: Path) -> InstanceLock | ReadyFile:
    """Become the exchange of this directory, or return where the one that is running answers.

    Waits for another one that is just starting; raises TimeoutError when it never gets ready, and OSError
    when the directory cannot be used.
    """
    descriptor = open_private(directory / LOCK_FILE, os.O_RDWR | os.O_CREAT)
    deadline = time.monotonic() + _PATIENCE_S
    while not _lock(descriptor):
        ready = _read(directory)
        if ready is not None and ready.pid == _holder(descriptor) and _is_alive(ready.pid):
            os.close(descriptor)
            return ready
        if time.monotonic() > deadline:
            os.close(descriptor)
            raise TimeoutError
        time.sleep(_PAUSE_S)
    os.ftruncate(descriptor, 0)
    os.lseek(descriptor, 0, os.SEEK_SET)
    os.write(descriptor, str(os.getpid()).encode())
    return InstanceLock(directory, descriptor)


def _lock(descriptor: int) -> bool:
    import portalocker

    try:
        portalocker.lock(descriptor, portalocker.LockFlags.EXCLUSIVE | portalocker.LockFlags.NON_BLOCKING)
    except portalocker.AlreadyLocked:
        return False
    return True


def _holder(descriptor: int) -> int | None:
    os.lseek(descriptor, 0, os.SEEK_SET)
    text = os.read(descriptor, 20)
    return int(text) if text.isdigit() else None


def _read(directory: Path) -> ReadyFile | None:
    try:
        return ReadyFile(**json.loads(_content(directory / READY_FILE)))
    except (OSError, ValueError, TypeError, RecursionError):
        return None


def _content(path: Path) -> bytes:
    with open(path, "rb", opener=open_private) as file:
        return file.read()


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
