"""Files of a world: regular files of this user, private to their owner.

Knows all their names. Each file is checked before and after opening, so that nothing can replace it
unnoticed. Opening never blocks on a pipe or device. Shares no code with the trading program, which has
the same rule for its own files.
"""

from __future__ import annotations

import errno
import os
import shlex
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

KEY_FILE = "practice-key.pem"
READY_FILE = "ready.json"
LOCK_FILE = "lock"
WORLD_FILE = "world.sqlite"
SQLITE_SUFFIXES = ("-wal", "-shm", "-journal")
"""Suffixes of the files SQLite keeps beside a database, with the same mode."""
EVERY_FILE = (KEY_FILE, READY_FILE, LOCK_FILE, WORLD_FILE, *(WORLD_FILE + end for end in SQLITE_SUFFIXES))
_FOLDER_MODE, _FILE_MODE = 0o700, 0o600
_OTHERS = 0o077
# Windows lacks the first two and needs the third; what is open is checked in any case.
_NONBLOCK, _NOFOLLOW = getattr(os, "O_NONBLOCK", 0), getattr(os, "O_NOFOLLOW", 0)
_BINARY = getattr(os, "O_BINARY", 0)
_KINDS = {
    stat.S_IFIFO: "a named pipe (FIFO)",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFSOCK: "a socket",
    stat.S_IFDIR: "a folder",
}


class ForeignFileError(OSError):
    """A path is not a regular file of ours; `strerror` says what it is."""

    def __init__(self, path: Path, what: str) -> None:
        super().__init__(errno.EPERM, f"it is {what}", str(path))


def open_private(path: str | os.PathLike[str], flags: int) -> int:
    """Open a regular file of ours and return its descriptor.

    Works as the `opener` of `open`. O_CREAT creates a missing file and restricts the file to its owner.
    Never pass O_TRUNC: it would empty a file before the ownership check. Raises OSError.
    """
    place = Path(path)
    follow = 0 if exists_as_ours(place) else _NOFOLLOW
    descriptor = os.open(place, flags | _BINARY | _NONBLOCK | follow, _FILE_MODE)
    try:
        status = os.fstat(descriptor)
        _require_ours(place, status)
        if flags & os.O_CREAT and stat.S_IMODE(status.st_mode) != _FILE_MODE:
            with suppress(OSError):  # some file systems have no modes
                _set_mode(descriptor, _FILE_MODE)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def exists_as_ours(path: Path) -> bool:
    """Return True if the file exists and False if it does not.

    Raises ForeignFileError if it is not a regular file of ours.
    """
    try:
        _require_ours(path, path.stat())
    except FileNotFoundError:
        if path.is_symlink():
            raise ForeignFileError(path, "a broken link") from None
        return False
    return True


def _require_ours(path: Path, status: os.stat_result) -> None:
    link = "a link to " if path.is_symlink() else ""
    if not stat.S_ISREG(status.st_mode):
        kind = _KINDS.get(stat.S_IFMT(status.st_mode), "an unknown kind of file")
        raise ForeignFileError(path, f"{link}{kind}, not a regular file")
    if hasattr(os, "geteuid") and status.st_uid != os.geteuid():
        raise ForeignFileError(path, f"{link}a file of another user (uid {status.st_uid})")


def _set_mode(descriptor: int, mode: int) -> None:
    """Set the mode of an open file, where files have one. Raises OSError."""
    if hasattr(os, "fchmod"):
        os.fchmod(descriptor, mode)


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file atomically. Raises OSError."""
    draft = path.with_suffix(f".{os.getpid()}")
    draft.unlink(missing_ok=True)
    with open(draft, "xb", opener=open_private) as file:
        file.write(content)
    draft.replace(path)


def make_folder(folder: Path) -> None:
    """Create the folder and its missing parents, private to their owner.

    Raises OSError.
    """
    for missing in [each for each in (*reversed(folder.parents), folder) if not each.exists()]:
        with suppress(FileExistsError):  # another exchange process has just created it
            missing.mkdir(mode=_FOLDER_MODE)
            missing.chmod(_FOLDER_MODE)  # a umask may remove the owner's own permissions


def restrict_permissions(directory: Path) -> Iterator[str]:
    """Restrict a world's files to their owner; yield a message per failure.

    The folder's own mode stays unchanged, because it may be a shared folder named on the command line. Files
    that cannot be opened are skipped: opening them for use reports the reason.
    """
    for path in (directory / name for name in EVERY_FILE):
        try:
            descriptor = open_private(path, os.O_RDONLY)
        except OSError:
            continue
        try:
            mode = os.fstat(descriptor).st_mode
            if mode & _OTHERS:
                _set_mode(descriptor, mode & _FILE_MODE)
        except OSError as error:
            close = f"chmod go= {shlex.quote(str(path))}"
            yield f"{path} may be open to other users: {error.strerror}. To fix it: {close}"
        finally:
            os.close(descriptor)
