"""Create private files and folders, and open only our own.

Files are private whatever the umask. A file is ours if it is a regular file owned by the user who runs the
program. A link to one is followed, so old logs may be on another disk. A link to anything else, or a broken
link, is refused like its target. The open file is checked again, so nothing can replace it unnoticed.
Opening never waits for the other end of a pipe. Knows nothing of file contents.
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
# Windows lacks the first three and needs the fourth; what is open is checked in any case.
_NONBLOCK, _NOFOLLOW = getattr(os, "O_NONBLOCK", 0), getattr(os, "O_NOFOLLOW", 0)
_DIRECTORY: int | None = getattr(os, "O_DIRECTORY", None)
_BINARY = getattr(os, "O_BINARY", 0)
_SHARING_BITS = stat.S_ISVTX | stat.S_ISGID
_KINDS = {
    stat.S_IFIFO: "a named pipe (FIFO)",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFSOCK: "a socket",
    stat.S_IFDIR: "a folder",
}


class ForeignFileError(OSError):
    """Something else is in the place of our file or folder.

    `str()` names it and the remedy.
    """

    def __init__(self, path: Path, what: str, remedy: str) -> None:
        super().__init__(errno.EPERM, f"{path.name} is {what}. {remedy}", str(path))
        self._sentences = f"{path} is {what}. {remedy}"

    def __str__(self) -> str:
        return self._sentences


# --- Opening --------------------------------------------------------------------------------------


def open_private(path: str | os.PathLike[str], flags: int) -> int:
    """Open a regular file of ours and return its descriptor.

    It can be the `opener` of `open`. With O_CREAT a missing file is created and made private to its owner.
    Never pass O_TRUNC: it would empty a file before we know that it is ours. Raises ForeignFileError,
    OSError.
    """
    place = Path(path)
    is_missing = _own_status(place) is None  # the look before names each kind, and opens no device
    follow = _NOFOLLOW if is_missing else 0
    descriptor = os.open(place, flags | _BINARY | _NONBLOCK | follow, FILE_MODE)
    try:
        status = os.fstat(descriptor)
        _check_status(place, status)
        is_exposed = flags & os.O_CREAT and stat.S_IMODE(status.st_mode) != FILE_MODE
        if is_exposed and not place.is_symlink():  # the target of a link is the user's to close
            with suppress(OSError):  # a file system without modes
                _set_mode(descriptor, FILE_MODE)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def open_to_read(path: Path) -> BufferedReader:
    """Open a regular file of ours for reading.

    Raises ForeignFileError, OSError.
    """
    return os.fdopen(open_private(path, os.O_RDONLY), "rb")


def require_ours(path: Path) -> None:
    """Raise ForeignFileError if something other than our file has this path."""
    _own_status(path)


def _own_status(path: Path) -> os.stat_result | None:
    """Return the status of a file of ours. None: no such file.

    Raises ForeignFileError, OSError.
    """
    try:
        status = path.stat()
    except FileNotFoundError:
        if path.is_symlink():
            raise ForeignFileError(path, "a broken link", "Mount its target, or remove it") from None
        return None
    _check_status(path, status)
    return status


def _check_status(path: Path, status: os.stat_result) -> None:
    link = "a link to " if path.is_symlink() else ""
    if not stat.S_ISREG(status.st_mode):
        kind = _KINDS.get(stat.S_IFMT(status.st_mode), "an unknown kind of file")
        raise ForeignFileError(path, f"{link}{kind}, not a regular file", "Move it away")
    if _is_foreign(status):
        whose = f"{link}a file of another user (uid {status.st_uid})"
        raise ForeignFileError(path, whose, "Become its owner, or move it away")


def _is_foreign(status: os.stat_result) -> bool:
    return hasattr(os, "geteuid") and status.st_uid != os.geteuid()


def _set_mode(descriptor: int, mode: int) -> None:
    """Set the mode of an open file, where files have one. Raises OSError."""
    if hasattr(os, "fchmod"):
        os.fchmod(descriptor, mode)


# --- Making ---------------------------------------------------------------------------------------


def make_folder(folder: Path) -> None:
    """Create the folder and its missing parents, private and synced to disk.

    An existing folder stays as it is. Raises ForeignFileError if a file is in the way, OSError.
    """
    if folder.exists():
        return
    above = next(each for each in folder.parents if each.exists())
    if not above.is_dir():
        raise ForeignFileError(above, "a file, not a folder", "Choose another folder")
    for missing in [each for each in (*reversed(folder.parents), folder) if not each.exists()]:
        with suppress(FileExistsError):  # another session has just created it
            missing.mkdir(mode=FOLDER_MODE)
            missing.chmod(FOLDER_MODE)  # a umask may remove the owner's own bits
        sync_folder(missing.parent)


def sync_folder(folder: Path) -> None:
    """Sync a folder's file names to disk. Raises OSError."""
    if _DIRECTORY is None:  # Windows opens no folder
        return
    descriptor = os.open(folder, os.O_RDONLY | _DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


# --- Permissions --------------------------------------------------------------------------------------


def restrict_permissions(folders: Iterable[Path], files: Iterable[Path]) -> tuple[str, ...]:
    """Remove other users' access and report what we cannot fix.

    The caller passes only folders that are the program's own, never a parent that the user may share. A link
    or a shared folder (sticky, setgid) is the user's choice. It is reported and not changed. A missing path
    is skipped. Never raises.
    """
    return (*_problems(folders, _restrict_folder), *_problems(files, _restrict_file))


def _problems(paths: Iterable[Path], restrict: Callable[[Path], None]) -> Iterator[str]:
    for path in paths:
        try:
            restrict(path)
        except (FileNotFoundError, NotADirectoryError):
            continue
        except ForeignFileError as error:
            yield f"{error}."
        except OSError as error:
            why = error.strerror or error
            yield f"{path} may be open to other users: {why}. To fix it: chmod go= {shlex.quote(str(path))}"


def _restrict_folder(folder: Path) -> None:
    if _DIRECTORY is None:
        return
    descriptor = os.open(folder, os.O_RDONLY | _DIRECTORY)
    try:
        status = os.fstat(descriptor)
        if _is_foreign(status):
            whose = f"a folder of another user (uid {status.st_uid}), who can replace the files in it"
            raise ForeignFileError(folder, whose, "Become its owner, or choose another one")
        if not status.st_mode & _OTHERS:
            return
        if folder.is_symlink() or status.st_mode & _SHARING_BITS:
            remedy = f"To fix it: chmod 700 {shlex.quote(str(folder.resolve()))}"
            raise ForeignFileError(folder, "open to other users, which may be intended", remedy)
        _set_mode(descriptor, FOLDER_MODE)
    finally:
        os.close(descriptor)


def _restrict_file(path: Path) -> None:
    status = _own_status(path)
    if status is None or not status.st_mode & _OTHERS:
        return
    if path.is_symlink():
        remedy = f"To fix it: chmod 600 {shlex.quote(str(path.resolve()))}"
        raise ForeignFileError(path, "a link to a file that is open to other users", remedy)
    descriptor = open_private(path, os.O_RDONLY)
    try:
        _set_mode(descriptor, status.st_mode & FILE_MODE)
    finally:
        os.close(descriptor)
