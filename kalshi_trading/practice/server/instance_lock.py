"""Ensure one exchange per data directory with a lock and a ready file.

The ready file says how to connect. It counts only while the lock is held, because the system releases a lock
when its process dies.
"""

from __future__ import annotations

import errno
import json
import os
import sys
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import portalocker

from kalshi_trading.practice.storage.private_files import (
    LOCK_FILE,
    READY_FILE,
    ForeignFileError,
    exists_as_ours,
    open_private,
    write_atomically,
)

_TIMEOUT_S = 15.0
_PAUSE_S = 0.02


@dataclass(frozen=True, slots=True)
class ReadyFile:
    """Connection details of a running exchange."""

    url: str
    ws_url: str
    key_id: str
    private_key_path: str
    pid: int

    def to_json(self) -> str:
        """Return the details as one line of JSON."""
        return json.dumps(asdict(self))


class InstanceLock:
    """A process's claim to be the only exchange of a directory.

    Creating it removes an old ready file.
    """

    def __init__(self, directory: Path, descriptor: int) -> None:
        self._lock = directory / LOCK_FILE
        self._ready = directory / READY_FILE
        self._descriptor = descriptor
        self._announced = ""
        exists_as_ours(self._ready)
        self._ready.unlink(missing_ok=True)

    def announce(self, ready: ReadyFile) -> None:
        """Write the ready file atomically, readable only by its owner."""
        self._announced = ready.to_json() + "\n"
        self._write()

    def renew(self) -> None:
        """Rewrite the ready file if another process changed or removed it."""
        with suppress(OSError):  # a process that starts here later reports the failure
            if self._is_ours() and not self._is_intact():
                self._write()

    def release(self) -> None:
        """Remove the ready file and release the lock."""
        with suppress(OSError):
            if self._is_ours():
                self._ready.unlink(missing_ok=True)
        os.close(self._descriptor)

    def _write(self) -> None:
        write_atomically(self._ready, self._announced.encode())

    def _is_ours(self) -> bool:
        """Return True if the lock file on disk is still the one we hold.

        A directory that was removed and made again has another lock file.
        """
        try:
            return self._lock.stat().st_ino == os.fstat(self._descriptor).st_ino
        except FileNotFoundError:
            return False

    def _is_intact(self) -> bool:
        try:
            return _read_bytes(self._ready) == self._announced.encode()
        except (FileNotFoundError, ForeignFileError):
            return False


def claim(directory: Path) -> InstanceLock | ReadyFile:
    """Claim the directory, or return the details of its running exchange.

    Waits for another process that is still starting. Raises TimeoutError if it does not become ready in 15 s.
    Raises OSError if the directory cannot be used.
    """
    descriptor = open_private(directory / LOCK_FILE, os.O_RDWR | os.O_CREAT)
    deadline = time.monotonic() + _TIMEOUT_S
    while not _lock(descriptor):
        ready = _read(directory)
        if ready is not None and _is_current(ready, descriptor):
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
    try:
        portalocker.lock(descriptor, portalocker.LockFlags.EXCLUSIVE | portalocker.LockFlags.NON_BLOCKING)
    except portalocker.AlreadyLocked:
        return False
    except portalocker.LockException as error:
        raise OSError(errno.ENOLCK, f"the lock file cannot be locked ({error})") from error
    return True


def _is_current(ready: ReadyFile, descriptor: int) -> bool:
    """Check that the ready file belongs to the live holder of the lock.

    On Windows the lock alone must do: a locked file cannot be read, and signal 0 is Ctrl-C.
    """
    return sys.platform == "win32" or (ready.pid == _holder_pid(descriptor) and _is_alive(ready.pid))


def _holder_pid(descriptor: int) -> int | None:
    os.lseek(descriptor, 0, os.SEEK_SET)
    text = os.read(descriptor, 20)
    return int(text) if text.isdigit() else None


def _read(directory: Path) -> ReadyFile | None:
    try:
        return ReadyFile(**json.loads(_read_bytes(directory / READY_FILE)))
    except (OSError, ValueError, TypeError, RecursionError):
        return None


def _read_bytes(path: Path) -> bytes:
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
