"""Files and folders of ours alone: made private whatever the umask, opened only if they are ours.

A file is ours if it is a regular file that belongs to the user who runs the program. A link to one is
followed, so that old logs may lie on another disk; a link to anything else, or to nothing, is refused like
the thing itself. What is open is checked as well, so nothing can take a file's place unnoticed, and the
opening never waits for the other end of a pipe. Knows nothing of what a file holds.
"""

from __future__ import annotations

import errno
import os
import shlex
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from io import BufferedReader
from pathlib import Path

FOLDER_MODE, FILE_MODE = 0o700, 0o600
_OTHERS = 0o077
_MEANT_TO_BE_SHARED = stat.S_ISVTX | stat.S_ISGID
_KINDS = {
    stat.S_IFIFO: "a named pipe (FIFO)",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFSOCK: "a socket",
    stat.S_IFDIR: "a folder",
}


class NotOursError(OSError):
    """The place of a file or folder of ours is taken; `str()` says by what, and what to do about it."""

    def __init__(self, path: Path, what: str, remedy: str) -> None:
        super().__init__(errno.EPERM, f"{path.name} is {what}. {remedy}", str(path))
        self._sentences = f"{path} is {what}. {remedy}"

    def __str__(self) -> str:
        return self._sentences


# --- Opening --------------------------------------------------------------------------------------


def open_private(path: str | os.PathLike[str], flags: int) -> int:
    """Open a regular file of ours and return its descriptor; fits `open` as its `opener`.

    With O_CREAT a missing file is made, and the file belongs to its owner alone afterwards. O_TRUNC is not
    for here: it would empty a file before it is known to be ours. Raises NotOursError, OSError.
    """
    place = Path(path)
    is_missing = _own_status(place) is None  # the look before names each kind, and opens no device
    follow = os.O_NOFOLLOW if is_missing else 0
    descriptor = os.open(place, flags | os.O_NONBLOCK | follow, FILE_MODE)
    try:
        status = os.fstat(descriptor)
        _require_ours(place, status)
        is_open = flags & os.O_CREAT and stat.S_IMODE(status.st_mode) != FILE_MODE
        if is_open and not place.is_symlink():  # the target of a link is the user's to close
            with suppress(OSError):  # a file system without modes
                os.fchmod(descriptor, FILE_MODE)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def open_to_read(path: Path) -> BufferedReader:
    """Open a regular file of ours. Raises NotOursError, OSError."""
    return os.fdopen(open_private(path, os.O_RDONLY), "rb")


def refuse_foreign(path: Path) -> None:
    """Raise NotOursError where something else than a file of ours has its place."""
    _own_status(path)


def _own_status(path: Path) -> os.stat_result | None:
    """Look at a file of ours; None: there is none. Raises NotOursError, OSError."""
    try:
        status = path.stat()
    except FileNotFoundError:
        if path.is_symlink():
            raise NotOursError(path, "a broken link", "Mount its target, or remove it") from None
        return None
    _require_ours(path, status)
    return status


def _require_ours(path: Path, status: os.stat_result) -> None:
    link = "a link to " if path.is_symlink() else ""
    if not stat.S_ISREG(status.st_mode):
        kind = _KINDS.get(stat.S_IFMT(status.st_mode), "an unknown kind of file")
        raise NotOursError(path, f"{link}{kind}, not a regular file", "Move it away")
    if status.st_uid != os.geteuid():
        whose = f"{link}a file of another user (uid {status.st_uid})"
        raise NotOursError(path, whose, "Become its owner, or move it away")


# --- Making ---------------------------------------------------------------------------------------


def make_folder(folder: Path) -> None:
    """Make the folder and its missing parents for the owner alone, safely on the disk.

    What is already there stays as it is. Raises NotOursError where a file is in the way, OSError.
    """
    if folder.exists():
        return
    above = next(each for each in folder.parents if each.exists())
    if not above.is_dir():
        raise NotOursError(above, "a file, not a folder", "Choose another folder")
    for missing in [each for each in (*reversed(folder.parents), folder) if not each.exists()]:
        with suppress(FileExistsError):  # another session has just made it
            missing.mkdir(mode=FOLDER_MODE)
            missing.chmod(FOLDER_MODE)  # a umask may take the owner's own bits away
        sync_folder(missing.parent)


def sync_folder(folder: Path) -> None:
    """Get the names in a folder safely to the disk. Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


# --- Mending --------------------------------------------------------------------------------------


def mend(folders: Iterable[Path], files: Iterable[Path]) -> tuple[str, ...]:
    """Close to other users what is open to them, and say what is not ours or cannot be closed.

    The caller names folders that are the program's own by their name, never a parent that the user may
    share. A link, and a folder set up for sharing (sticky, setgid), is the user's doing: it is named and
    stays as it is. What is missing needs nothing. Never raises.
    """
    return (*_problems(folders, _mend_folder), *_problems(files, _mend_file))


def _problems(paths: Iterable[Path], mend_one: Callable[[Path], None]) -> Iterator[str]:
    for path in paths:
        try:
            mend_one(path)
        except (FileNotFoundError, NotADirectoryError):
            continue
        except NotOursError as error:
            yield f"{error}."
        except OSError as error:
            why = error.strerror or error
            yield f"{path} may be open to other users: {why}. To fix it: chmod go= {shlex.quote(str(path))}"


def _mend_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        status = os.fstat(descriptor)
        if status.st_uid != os.geteuid():
            whose = f"a folder of another user (uid {status.st_uid}), who can replace the files in it"
            raise NotOursError(folder, whose, "Become its owner, or choose another one")
        if not status.st_mode & _OTHERS:
            return
        if folder.is_symlink() or status.st_mode & _MEANT_TO_BE_SHARED:
            remedy = f"To fix it: chmod 700 {shlex.quote(str(folder.resolve()))}"
            raise NotOursError(folder, "open to other users, which may be intended", remedy)
        os.fchmod(descriptor, FOLDER_MODE)
    finally:
        os.close(descriptor)


def _mend_file(path: Path) -> None:
    status = _own_status(path)
    if status is None or not status.st_mode & _OTHERS:
        return
    if path.is_symlink():
        remedy = f"To fix it: chmod 600 {shlex.quote(str(path.resolve()))}"
        raise NotOursError(path, "a link to a file that is open to other users", remedy)
    descriptor = open_private(path, os.O_RDONLY)
    try:
        os.fchmod(descriptor, status.st_mode & FILE_MODE)
    finally:
        os.close(descriptor)
