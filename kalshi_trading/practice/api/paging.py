"""Cut lists into pages with opaque cursors, independent of the rows.

A cursor identifies the last row returned, so rows that arrive between two requests never shift a page. A
cursor that cannot be decoded starts over with the first page, as the exchange does.
Source: Kalshi API, pagination.
"""

from __future__ import annotations

import base64
import binascii
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby, islice
from typing import Protocol, TypeVar


class Sequenced(Protocol):
    """A row whose number is higher than those of all earlier rows."""

    @property
    def sequence(self) -> int: ...


Row = TypeVar("Row")
SequencedRow = TypeVar("SequencedRow", bound=Sequenced)


def page(
    rows: Iterable[Row],
    key_of: Callable[[Row], str],
    limit: int,
    cursor: str | None,
    keep: Callable[[Row], bool] = lambda _row: True,
) -> tuple[list[Row], str]:
    """Return up to `limit` kept rows after the cursor, and the next cursor.

    The next cursor is empty at the end. A cursor that matches no row starts over with the first page.
    """
    if limit == 0:
        return [], ""
    return _cut(filter(keep, _after(list(rows), key_of, _decode(cursor))), key_of, limit)


def page_newest_first(
    stored: Sequence[SequencedRow],
    limit: int,
    cursor: str | None,
    keep: Callable[[SequencedRow], bool] = lambda _row: True,
) -> tuple[list[SequencedRow], str]:
    """Return a page, newest row first, from rows stored oldest first.

    Like `page`, but a binary search finds the cursor. A non-numeric cursor starts over.
    """
    last = _decode(cursor) or ""
    known = last.isascii() and last.isdigit() and len(last) < 20
    end = bisect_left(stored, int(last), key=lambda row: row.sequence) if known else len(stored)
    rows = (stored[index] for index in range(end - 1, -1, -1))
    return _cut(filter(keep, rows), lambda row: str(row.sequence), limit)


def page_of_names(
    names: Sequence[str], limit: int, cursor: str | None, keep: Callable[[str], bool]
) -> tuple[list[str], str]:
    """Return a page from sorted names.

    Like `page`, but a binary search finds the cursor.
    """
    start = bisect_right(names, _decode(cursor) or "")
    rows = (names[index] for index in range(start, len(names)))
    return _cut(filter(keep, rows), str, limit)


def page_of_groups(
    rows: Iterable[Row], group_of: Callable[[Row], str], limit: int, cursor: str | None
) -> tuple[list[Row], str]:
    """Return a page of whole groups, sorted by name.

    A group larger than the limit is a page of its own. Rows within a group keep their order.
    """
    last, found = _decode(cursor) or "", list[Row]()
    later = sorted((row for row in rows if group_of(row) > last), key=group_of)
    for _, group in groupby(later, group_of):
        members = list(group)
        if found and len(found) + len(members) > limit:
            return found, _encode(group_of(found[-1]))
        found += members
    return found, ""


def _cut(rows: Iterator[Row], key_of: Callable[[Row], str], limit: int) -> tuple[list[Row], str]:
    found = list(islice(rows, limit + 1))
    more = len(found) > limit
    return found[:limit], _encode(key_of(found[limit - 1])) if more else ""


def _after(rows: list[Row], key_of: Callable[[Row], str], last: str | None) -> Iterator[Row]:
    if last is not None:
        for index, row in enumerate(rows):
            if key_of(row) == last:
                return islice(rows, index + 1, None)
    return iter(rows)


def _encode(key: str) -> str:
    return base64.urlsafe_b64encode(key.encode()).decode().rstrip("=")


def _decode(cursor: str | None) -> str | None:
    if not cursor:
        return None
    try:
        return base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
    except (binascii.Error, UnicodeError, ValueError):
        return None
