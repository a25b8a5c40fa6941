"""The files of a world: opened only if they are regular files of ours, made for their owner alone.

Knows the names of all of them. What is open is checked as well as what stands there before, so nothing can
take a file's place unnoticed, and no pipe or device is ever waited for. Shares no code with the program,
which has the same rule for its own files.
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
BESIDE_A_WORLD = ("-wal", "-shm", "-journal")
"""What SQLite adds to a file's name for those it keeps beside it, with the same mode."""
EVERY_FILE = (KEY_FILE, READY_FILE, LOCK_FILE, WORLD_FILE, *(WORLD_FILE + end for end in BESIDE_A_WORLD))
_FOLDER_MODE, _FILE_MODE = 0o700, 0o600
_OTHERS = 0o077
_KINDS = {
    stat.S_IFIFO: "a named pipe (FIFO)",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFSOCK: "a socket",
    stat.S_IFDIR: "a folder",
}


class NotOursError(OSError):
    """The place of a file of ours is taken; `strerror` says by what."""

    def __init__(self, path: Path, what: str) -> None:
        super().__init__(errno.EPERM, f"it is {what}", str(path))


def open_private(path: str | os.PathLike[str], flags: int) -> int:
    """Open a regular file of ours and return its descriptor; fits `open` as its `opener`.

    With O_CREAT a missing file is made, and the file belongs to its owner alone afterwards. O_TRUNC is not
    for here: it would empty a file before it is known to be ours. Raises OSError.
    """
    place = Path(path)
    follow = 0 if exists_as_ours(place) else os.O_NOFOLLOW
    descriptor = os.open(place, flags | os.O_NONBLOCK | follow, _FILE_MODE)
    try:
        status = os.fstat(descriptor)
        _judge(place, status)
        if flags & os.O_CREAT and stat.S_IMODE(status.st_mode) != _FILE_MODE:
            with suppress(OSError):  # a file system without modes
                os.fchmod(descriptor, _FILE_MODE)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def exists_as_ours(path: Path) -> bool:
    """Tell whether there is such a file; raises NotOursError unless it is a regular one of ours."""
    try:
        _judge(path, path.stat())
    except FileNotFoundError:
        if path.is_symlink():
            raise NotOursError(path, "a broken link") from None
        return False
    return True


def _judge(path: Path, status: os.stat_result) -> None:
    link = "a link to " if path.is_symlink() else ""
    if not stat.S_ISREG(status.st_mode):
        kind = _KINDS.get(stat.S_IFMT(status.st_mode), "an unknown kind of file")
        raise NotOursError(path, f"{link}{kind}, not a regular file")
    if status.st_uid != os.geteuid():
        raise NotOursError(path, f"{link}a file of another user (uid {status.st_uid})")


def write_whole(path: Path, content: bytes) -> None:
    """Put content under a name, whole or not at all. Raises OSError."""
    draft = path.with_suffix(f".{os.getpid()}")
    draft.unlink(missing_ok=True)
    with open(draft, "xb", opener=open_private) as file:
        file.write(content)
    draft.replace(path)


def make_folder(folder: Path) -> None:
    """Make the folder and its missing parents for the owner alone. Raises OSError."""
    for missing in [each for each in (*reversed(folder.parents), folder) if not each.exists()]:
        with suppress(FileExistsError):  # another exchange has just made it
            missing.mkdir(mode=_FOLDER_MODE)
            missing.chmod(_FOLDER_MODE)  # a umask may take the owner's own bits away


def mend(directory: Path) -> Iterator[str]:
    """Close the files of a world to other users; yield what cannot be closed, in words.

    The folder itself stays as it is: it may have been named on the command line, and be shared. Opening a
    foreign file reports it.
    """
    for path in (directory / name for name in EVERY_FILE):
        try:
            descriptor = open_private(path, os.O_RDONLY)
        except OSError:
            continue
        try:
            mode = os.fstat(descriptor).st_mode
            if mode & _OTHERS:
                os.fchmod(descriptor, mode & _FILE_MODE)
        except OSError as error:
            close = f"chmod go= {shlex.quote(str(path))}"
            yield f"{path} may be open to other users: {error.strerror}. To fix it: {close}"
        finally:
            os.close(descriptor)
