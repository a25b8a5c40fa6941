"""Append whole lines to a log; rotate, compress and list its files.

An earlier day's file is rotated. Several programs may write at once. Each holds the log's lock while it
appends or rotates, so lines never mix and never go to a moved file. Never rewrites a line, and deletes
nothing unless the user asks. Knows nothing of what a line means. Every failure is an OSError.
"""

from __future__ import annotations

import gzip
import os
import re
import shutil
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import BinaryIO

from kalshi_trading.core.dates import local_date
from kalshi_trading.journal.files.file_locks import locked, try_lock
from kalshi_trading.journal.files.private_files import make_folder, open_private, open_to_read, sync_folder

INLINE_COMPRESS_BYTES = 4_000_000
"""Bytes compressed before the append that rotated the log returns. More is compressed in a thread."""
CLOCK_SLACK = timedelta(days=1)
"""A file's day may be this far ahead of the clock. Beyond it the clock was wrong: zones differ by less."""
_ROTATED = re.compile(r"(\d{4}-\d{2}-\d{2})(?:\.(\d+))?\.log(\.gz)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class RotatedFile:
    """A file of an earlier day.

    `number` separates several files of one day, in the order of their rotation.
    """

    path: Path
    day: date
    number: int


@dataclass(frozen=True, slots=True)
class LogSize:
    """The size of a log on disk, compressed as it is.

    `oldest` is the day of the oldest rotated file, `current_day` of the current one. None: no such file.
    """

    files: int
    stored_bytes: int
    oldest: date | None
    current_day: date | None = None


def lock_of(path: Path) -> Path:
    return path.with_name(f"{path.name}.lock")


# --- Appending ------------------------------------------------------------------------------------


def append(path: Path, day: date, text: str, *, durable: bool) -> None:
    """Add a line to the file of its day. Raises OSError.

    `durable`: the line is synced to disk when this returns.
    """
    data = f"{text}\n".encode(errors="backslashreplace")  # a lone surrogate must not lose the line
    make_folder(path.parent)
    with locked(lock_of(path)):
        rotated = _rotate_when_due(path, day)
        new = not path.exists()
        with _open_to_append(path) as descriptor:
            _write_line(descriptor, data)
            if durable:
                os.fsync(descriptor)
        if new:
            sync_folder(path.parent)
    if rotated:
        _compress_rotated(path)


@contextmanager
def _open_to_append(path: Path) -> Iterator[int]:
    """Reopen the file for every line, so a failed write leaves no stale state."""
    descriptor = open_private(path, os.O_APPEND | os.O_CREAT | os.O_RDWR)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _last_byte(descriptor: int) -> bytes:
    os.lseek(descriptor, -1, os.SEEK_END)  # a write appends all the same
    return os.read(descriptor, 1)


def _write_line(descriptor: int, data: bytes) -> None:
    """Write a whole line, starting a new line if the last one has no line end."""
    size = os.fstat(descriptor).st_size
    if size > 0 and _last_byte(descriptor) != b"\n":
        data = b"\n" + data
    if os.write(descriptor, data) != len(data):
        raise OSError("only part of the line was written")


# --- Rotating -------------------------------------------------------------------------------------


def _rotate_when_due(path: Path, today: date) -> bool:
    """Rotate a file of an earlier day, or of one impossibly late.

    The caller holds the lock.
    """
    first_day = _first_day(path)
    if first_day is None or today <= first_day <= today + CLOCK_SLACK:
        return False
    # a day that was rotated before gets the next number
    number = max((found.number + 1 for found in rotated_files(path) if found.day == first_day), default=0)
    suffix = f".{number}" if number else ""
    path.rename(path.with_name(f"{path.stem}-{first_day}{suffix}.log"))
    sync_folder(path.parent)
    return True


def _first_day(path: Path) -> date | None:
    """Return the day of the first line. None: no lines.

    If that line cannot be read, return the day of the last change. The line is better evidence: every copy
    changes file times, and another clock may have set them.
    """
    if not path.is_file():
        return None
    try:
        with open_to_read(path) as file:
            start, changed_at = file.read(10), os.fstat(file.fileno()).st_mtime
    except FileNotFoundError:  # another process has just deleted it
        return None
    try:
        return date.fromisoformat(start.decode("ascii")) if start else None
    except ValueError:
        return local_date(datetime.fromtimestamp(changed_at, UTC))


def rotated_files(path: Path) -> list[RotatedFile]:
    """List the files of earlier days, oldest first.

    A compressed file hides its plain leftover.
    """
    found: dict[tuple[date, int], RotatedFile] = {}
    for candidate in sorted(path.parent.glob(f"{path.stem}-*.log*")):
        rotated = _as_rotated(path, candidate)
        if rotated is not None:
            found[rotated.day, rotated.number] = rotated
    return [found[key] for key in sorted(found)]


def every_file_of(path: Path) -> list[Path]:
    """List every path of this log: today's file, lock, rotated files, drafts."""
    aside = sorted(path.parent.glob(f"{path.stem}-*.log*"))
    drafts = sorted(path.parent.glob(f".{path.stem}-*.log.gz.partial"))
    return [path, lock_of(path), *(each for each in aside if _as_rotated(path, each) is not None), *drafts]


def _as_rotated(path: Path, candidate: Path) -> RotatedFile | None:
    parts = _ROTATED.fullmatch(candidate.name.removeprefix(f"{path.stem}-"))
    if parts is None:
        return None
    try:
        return RotatedFile(candidate, date.fromisoformat(parts[1]), int(parts[2] or 0))
    except ValueError:
        return None


# --- Compressing ----------------------------------------------------------------------------------


def _compress_rotated(path: Path) -> None:
    """Compress rotated files, even those that a killed program left plain.

    Readers accept both. Large files are compressed in a thread, because they must not delay the order whose
    line rotated the log. The thread may end with the program. The next rotation finishes its work.
    """
    for partial in path.parent.glob(f".{path.stem}-*.log.gz.partial"):
        plain_file = path.with_name(partial.name.removeprefix(".").removesuffix(".gz.partial"))
        if _as_rotated(path, plain_file) is not None and not plain_file.exists():
            with suppress(OSError):  # leftover of a killed program, whose plain file is gone
                partial.unlink()
    candidates = sorted(path.parent.glob(f"{path.stem}-*.log"))
    plain = [each for each in candidates if _as_rotated(path, each) is not None]
    if _total_size(plain) <= INLINE_COMPRESS_BYTES:
        _compress_all(plain, lock_of(path))
    else:
        threading.Thread(target=_compress_all, args=(plain, lock_of(path)), daemon=True).start()


def _total_size(paths: Iterable[Path]) -> int:
    total = 0
    for each in paths:
        with suppress(OSError):  # another process has just compressed it
            total += each.stat().st_size
    return total


def _compress_all(plain: Iterable[Path], lock: Path) -> None:
    for each in plain:
        with suppress(OSError):  # the next rotation tries again
            _compress(each, lock)


def _compress(plain: Path, lock: Path) -> None:
    """Compress to a draft and rename it. Until then the plain file counts."""
    packed = plain.with_name(f"{plain.name}.gz")
    partial = plain.with_name(f".{packed.name}.partial")
    with open_to_read(plain) as source:
        if not try_lock(source.fileno()):
            return  # another session is compressing it
        try:
            _pack(source, partial)
            with locked(lock):  # a reader that lists the files sees one of the two
                if plain.exists():
                    partial.rename(packed)
                    sync_folder(plain.parent)
                    plain.unlink()
        finally:
            partial.unlink(missing_ok=True)


def _pack(source: BinaryIO, target: Path) -> None:
    target.unlink(missing_ok=True)
    with open(target, "xb", opener=open_private) as file:
        with gzip.GzipFile(fileobj=file, mode="wb", compresslevel=6, filename="", mtime=0) as packed:
            shutil.copyfileobj(source, packed)
        file.flush()
        os.fsync(file.fileno())


# --- Measuring and deleting ---------------------------------------------------------------------


def size_of(path: Path) -> LogSize:
    """Measure a log with all its files."""
    rotated = rotated_files(path)
    files = [*(each.path for each in rotated), *([path] if path.exists() else [])]
    return LogSize(len(files), _total_size(files), rotated[0].day if rotated else None, _first_day(path))


def delete_before(path: Path, day: date) -> int:
    """Delete the files of days before `day` and return their number.

    Only for a user's request. Raises OSError.
    """
    with locked(lock_of(path)):
        old = [each for each in rotated_files(path) if each.day < day]
        for each in old:
            if each.path.suffix == ".gz":
                each.path.with_suffix("").unlink(missing_ok=True)  # first, or it would be listed again
            each.path.unlink()
        sync_folder(path.parent)
    return len(old)
