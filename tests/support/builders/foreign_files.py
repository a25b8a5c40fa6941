"""Pipes, devices, sockets, folders and links in place of our files."""

from __future__ import annotations

import os
import signal
import socket
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

OTHER_UID = 65534
LONGEST_S = 20
"""Much longer than any step here, but short for a hang."""


def _socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        before = Path.cwd()
        os.chdir(path.parent)  # a socket path must be short
        try:
            listener.bind(path.name)
        finally:
            os.chdir(before)


def _foreign(path: Path) -> None:
    path.write_text("of another user\n")
    os.chown(path, OTHER_UID, -1)


def _link_to(make: Callable[[Path], object]) -> Callable[[Path], None]:
    def link(path: Path) -> None:
        target = path.with_name(f"target-of-{path.name}")
        make(target)
        path.symlink_to(target)

    return link


def _link_to_device(minor: int, usual: str) -> Callable[[Path], None]:
    """Link to the test's own device: a fault must not change the machine's."""

    def link(path: Path) -> None:
        device = path.with_name(f"device-of-{path.name}")
        device.unlink(missing_ok=True)
        try:
            os.mknod(device, stat.S_IFCHR | 0o600, os.makedev(1, minor))
        except PermissionError:  # then the machine's device cannot be changed either
            device = Path(usual)
        path.symlink_to(device)

    return link


KINDS: dict[str, tuple[Callable[[Path], object], str]] = {
    "FIFO": (os.mkfifo, "is a named pipe (FIFO), not a regular file"),
    "socket": (_socket, "is a socket, not a regular file"),
    "folder": (Path.mkdir, "is a folder, not a regular file"),
    "link to null": (_link_to_device(3, "/dev/null"), "is a link to a device"),
    "link to zero": (_link_to_device(5, "/dev/zero"), "is a link to a device"),
    "link to a FIFO": (_link_to(os.mkfifo), "is a link to a named pipe (FIFO)"),
    "link to nothing": (_link_to(lambda path: None), "is a broken link"),
}
"""By name: the function that makes the file, and its description."""
if os.geteuid() == 0:  # only root can give a file away
    whose = f"a file of another user (uid {OTHER_UID})"
    KINDS["foreign file"] = _foreign, f"is {whose}"
    KINDS["link to a foreign file"] = _link_to(_foreign), f"is a link to {whose}"


@contextmanager
def no_hang() -> Iterator[None]:
    """Fail the block if it hangs."""

    def fail(*_: object) -> None:
        raise AssertionError(f"hung for {LONGEST_S} s")

    before = signal.signal(signal.SIGALRM, fail)
    left = signal.alarm(LONGEST_S)  # of an outer no_hang()
    try:
        yield
    finally:
        signal.alarm(left)
        signal.signal(signal.SIGALRM, before)


def modes_below(folder: Path) -> dict[str, str]:
    """Return the modes of a folder and its contents, except links."""
    found = [folder, *(path for path in folder.rglob("*") if not path.is_symlink())]
    modes = {}
    for path in found:
        with suppress(FileNotFoundError):  # a temporary file
            modes[str(path)] = f"{path.stat().st_mode & 0o7777:o}"
    return modes


def open_to_others(folder: Path) -> dict[str, str]:
    """Return paths below a folder, itself included, that are not private.

    Private is exactly 700 for a folder and 600 for a file.
    """
    return {
        path: mode
        for path, mode in modes_below(folder).items()
        if mode != ("700" if Path(path).is_dir() else "600")
    }
