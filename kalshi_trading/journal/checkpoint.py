"""Keep the digest in a file beside the journal, so a start reads less.

A checkpoint is only a shortcut. If it is missing, damaged or of another journal, the journal is read from
its first line. A hash over the whole file detects every change.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from kalshi_trading.journal.digest import JournalDigest
from kalshi_trading.journal.files.log_cursor import Bookmark
from kalshi_trading.journal.files.log_reader import DamagedLine, LineBatch
from kalshi_trading.journal.files.private_files import open_private, open_to_read, require_ours
from kalshi_trading.journal.records import Damage, entries_of, line_of

VERSION = 1
_LINES_PER_PARSE = 200
"""Lines parsed in one call."""
MAX_BYTES = 1 << 28
"""The largest checkpoint in bytes. A larger one would save no time."""
_HASH_SIZE = hashlib.sha256().digest_size * 2 + 1


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A digest and the place in the journal up to which it was folded."""

    digest: JournalDigest
    bookmark: Bookmark


def checkpoint_of(journal: Path) -> Path:
    return journal.with_suffix(".checkpoint")


def write_checkpoint(journal: Path, checkpoint: Checkpoint) -> None:
    """Replace the last checkpoint atomically. Raises OSError."""
    path = checkpoint_of(journal)
    partial = path.with_name(f".{path.name}.partial")
    sha256 = hashlib.sha256()
    try:
        with open(partial, "xb", opener=open_private) as file:
            for line in _lines(checkpoint):
                sha256.update(line)
                file.write(line)
            file.write(f"{sha256.hexdigest()}\n".encode())
        require_ours(path)
        partial.rename(path)
    finally:
        partial.unlink(missing_ok=True)  # includes the leftover of a killed program


def read_checkpoint(journal: Path) -> Checkpoint | None:
    """Read the checkpoint of a journal. None: no valid one."""
    try:
        with open_to_read(checkpoint_of(journal)) as file:
            data = file.read(MAX_BYTES + 1)
    except OSError:
        return None
    content, found = data[:-_HASH_SIZE], data[-_HASH_SIZE:]
    if found != f"{hashlib.sha256(content).hexdigest()}\n".encode():
        return None
    head, _, lines = content.partition(b"\n")
    with suppress(ValueError, KeyError, TypeError):  # written by another version of this program
        return _parsed(json.loads(head), lines)
    return None


def _lines(checkpoint: Checkpoint) -> Iterator[bytes]:
    digest = checkpoint.digest
    dropped_before = digest.dropped_before
    head = {
        "version": VERSION,
        "bookmark": asdict(checkpoint.bookmark),
        "dropped_before": None if dropped_before is None else dropped_before.isoformat(),
        "damage": asdict(digest.damage),
    }
    yield json.dumps(head).encode("ascii") + b"\n"
    for record in digest.records():
        yield line_of(record) + b"\n"


def _parsed(head: dict[str, Any], lines: bytes) -> Checkpoint | None:
    """Build a checkpoint from its parts. None: another version, or damage.

    Raises ValueError, KeyError, TypeError.
    """
    if head["version"] != VERSION:
        return None
    mark, damage, dropped_before = head["bookmark"], head["damage"], head["dropped_before"]
    first = tuple(DamagedLine(**line) for line in damage["first"])
    last = None if damage["last"] is None else DamagedLine(**damage["last"])
    digest = JournalDigest(
        Damage(damage["count"], first, last),
        None if dropped_before is None else datetime.fromisoformat(dropped_before),
    )
    records = lines.split(b"\n")[:-1]
    for begin in range(0, len(records), _LINES_PER_PARSE):
        batch = records[begin : begin + _LINES_PER_PARSE]
        digest.add(entries_of("checkpoint", begin, LineBatch(batch, 0)))
    if len(digest.damage) > damage["count"]:
        return None
    before = tuple((name, size) for name, size in mark["before"])
    return Checkpoint(digest, Bookmark(before, mark["offset"], mark["lines"], mark["ending"]))
