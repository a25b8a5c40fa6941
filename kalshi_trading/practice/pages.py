"""Cutting lists into pages with opaque cursors; knows nothing about what is listed.

A cursor names the last row that was handed out, so rows that arrive between two requests never shift
a page. A cursor nobody made starts over with the first page, as the exchange does.
Source: Kalshi API, pagination.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import TypeVar

Row = TypeVar("Row")


def page(
    rows: Iterable[Row],
    identify: Callable[[Row], str],
    limit: int,
    cursor: str | None,
    keep: Callable[[Row], bool] = lambda _row: True,
) -> tuple[list[Row], str]:
    """Return up to `limit` kept rows after the cursor, and the cursor of what follows (empty at the end)."""
    if limit == 0:
        return [], ""
    matching = filter(keep, _after(list(rows), identify, _decode(cursor)))
    found = list(islice(matching, limit + 1))
    more = len(found) > limit
    return found[:limit], _encode(identify(found[limit - 1])) if more else ""


def _after(rows: list[Row], identify: Callable[[Row], str], last: str | None) -> Iterator[Row]:
    if last is not None:
        for index, row in enumerate(rows):
            if identify(row) == last:
                return islice(rows, index + 1, None)
    return iter(rows)


def _encode(identity: str) -> str:
    return base64.urlsafe_b64encode(identity.encode()).decode().rstrip("=")


def _decode(cursor: str | None) -> str | None:
    if not cursor:
        return None
    try:
        return base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
    except (binascii.Error, UnicodeError, ValueError):
        return None
