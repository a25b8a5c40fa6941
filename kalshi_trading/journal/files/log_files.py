"""A log's files: whole lines appended, an earlier day put aside and compressed, all of them listed.

Several programs may write at once: who appends or puts a file aside holds the log's lock, so that no line
meets another or a file that was moved away. Nothing is ever rewritten, and nothing is deleted unless the
user asks. Knows nothing of what a line says; every failure is an OSError.
"""

from __future__ import annotations

import fcntl
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
from kalshi_trading.journal.files.file_locks import locked
from kalshi_trading.journal.files.private_files import make_folder, open_private, open_to_read, sync_folder

COMPRESSED_IN_PASSING = 4_000_000
"""Bytes that are compressed before the line that began the new day is through; more takes a thread."""
CLOCK_SLACK = timedelta(days=1)
"""How far a file may be ahead of the clock: by more than two zones differ, the clock was wrong."""
_ROTATED = re.compile(r"(\d{4}-\d{2}-\d{2})(?:\.(\d+))?\.log(\.gz)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class RotatedFile:
    """A file of an earlier day; `number` tells several of one day apart, in the order they were put aside."""

    path: Path
    day: date
    number: int


@dataclass(frozen=True, slots=True)
class LogSize:
    """What a log takes on the disk, compressed as it is.

    `oldest` is of what was put aside, `begun` of the file that is written; None: there is none.
    """

    files: int
    stored_bytes: int
    oldest: date | None
    begun: date | None = None


def lock_of(path: Path) -> Path:
    return path.with_name(f"{path.name}.lock")


# --- Appending ------------------------------------------------------------------------------------


def append(path: Path, day: date, text: str, *, durable: bool) -> None:
    """Add a line to the file of its day; durable: it is on the disk when this returns. Raises OSError."""
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
    """Open anew for each line: after a failure nothing that was known of the file is believed."""
    descriptor = open_private(path, os.O_APPEND | os.O_CREAT | os.O_RDWR)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _write_line(descriptor: int, data: bytes) -> None:
    """Write a line whole, on a line of its own even where the one before lacks its end."""
    size = os.fstat(descriptor).st_size
    if size > 0 and os.pread(descriptor, 1, size - 1) != b"\n":
        data = b"\n" + data
    if os.write(descriptor, data) != len(data):
        raise OSError("only part of the line was written")


# --- Putting aside --------------------------------------------------------------------------------


def _rotate_when_due(path: Path, today: date) -> bool:
    """Move the file of an earlier day aside, or of a later one than can be; the caller holds the lock."""
    begun = _begun_on(path)
    if begun is None or today <= begun <= today + CLOCK_SLACK:
        return False
    # A day that was rotated before gets a further number.
    number = max((found.number + 1 for found in rotated_files(path) if found.day == begun), default=0)
    suffix = f".{number}" if number else ""
    path.rename(path.with_name(f"{path.stem}-{begun}{suffix}.log"))
    sync_folder(path.parent)
    return True


def _begun_on(path: Path) -> date | None:
    """Return the day of the first line, that of the last change when it cannot be read, None without lines.

    The lines say better than the file's times to which day they belong: those follow every copy, and
    another clock.
    """
    if not path.is_file():
        return None
    try:
        with open_to_read(path) as file:
            start, changed_at = file.read(10), os.fstat(file.fileno()).st_mtime
    except FileNotFoundError:  # somebody has just deleted it
        return None
    try:
        return date.fromisoformat(start.decode("ascii")) if start else None
    except ValueError:
        return local_date(datetime.fromtimestamp(changed_at, UTC))


def rotated_files(path: Path) -> list[RotatedFile]:
    """List the files of earlier days, oldest first; a compressed one stands for its plain leftover."""
    found: dict[tuple[date, int], RotatedFile] = {}
    for candidate in sorted(path.parent.glob(f"{path.stem}-*.log*")):
        rotated = _as_rotated(path, candidate)
        if rotated is not None:
            found[rotated.day, rotated.number] = rotated
    return [found[key] for key in sorted(found)]


def every_file_of(path: Path) -> list[Path]:
    """List what stands in the place of this log's files: today's, its lock, those put aside, drafts."""
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
    """Compress what was put aside, also what a killed program left plain; readers take either.

    A long file must not hold up the order whose line began the new day, so it gets a thread, which may
    end with the program: what is left then is for the next rotation.
    """
    for partial in path.parent.glob(f".{path.stem}-*.log.gz.partial"):
        plain_file = path.with_name(partial.name.removeprefix(".").removesuffix(".gz.partial"))
        if _as_rotated(path, plain_file) is not None and not plain_file.exists():
            with suppress(OSError):  # left by a killed program, of a file that is no longer there
                partial.unlink()
    candidates = sorted(path.parent.glob(f"{path.stem}-*.log"))
    plain = [each for each in candidates if _as_rotated(path, each) is not None]
    if _total_size(plain) <= COMPRESSED_IN_PASSING:
        _compress_all(plain, lock_of(path))
    else:
        threading.Thread(target=_compress_all, args=(plain, lock_of(path)), daemon=True).start()


def _total_size(paths: Iterable[Path]) -> int:
    total = 0
    for each in paths:
        with suppress(OSError):  # somebody has just compressed it
            total += each.stat().st_size
    return total


def _compress_all(plain: Iterable[Path], lock: Path) -> None:
    for each in plain:
        with suppress(OSError):  # it stays as it is, for the next rotation to try again
            _compress(each, lock)


def _compress(plain: Path, lock: Path) -> None:
    """Compress beside and rename; until then the plain file is the one that counts."""
    packed = plain.with_name(f"{plain.name}.gz")
    partial = plain.with_name(f".{packed.name}.partial")
    with open_to_read(plain) as source:
        fcntl.flock(source, fcntl.LOCK_EX | fcntl.LOCK_NB)  # refused: somebody else is about it
        try:
            _pack(source, partial)
            with locked(lock):  # whoever lists the files sees one of the two
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


# --- How much there is, and deleting it when asked ------------------------------------------------


def size_of(path: Path) -> LogSize:
    """Measure a log with all its kept files."""
    rotated = rotated_files(path)
    files = [*(each.path for each in rotated), *([path] if path.exists() else [])]
    return LogSize(len(files), _total_size(files), rotated[0].day if rotated else None, _begun_on(path))


def delete_before(path: Path, day: date) -> int:
    """Delete the files of days before `day` and return how many; for the user to ask. Raises OSError."""
    with locked(lock_of(path)):
        old = [each for each in rotated_files(path) if each.day < day]
        for each in old:
            if each.path.suffix == ".gz":
                each.path.with_suffix("").unlink(missing_ok=True)  # first, or it would come to life again
            each.path.unlink()
        sync_folder(path.parent)
    return len(old)
