"""Break lists from page to page, with page numbers inside the cursors.

Pure: changes a query string and a response body. Never keeps state between two requests.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode

_MARKED = re.compile(r"([0-9]{1,6})\.(.*)")  # the exchange's own cursors have no dot


@dataclass(frozen=True, slots=True)
class PageRequest:
    """A requested page: its number from 1, and the exchange's own cursor."""

    number: int
    cursor: str


def requested_page(query_string: bytes) -> tuple[PageRequest, bytes]:
    """Return the requested page, and the query with the exchange's own cursor.

    A cursor without a page number counts as page 2.
    """
    pairs = parse_qsl(query_string.decode("latin-1"), keep_blank_values=True)
    asked = dict(pairs).get("cursor", "")
    marked = _MARKED.fullmatch(asked)
    if marked is None:
        return PageRequest(2 if asked else 1, asked), query_string
    wanted = PageRequest(int(marked[1]), marked[2])
    return wanted, urlencode([(k, wanted.cursor if k == "cursor" else v) for k, v in pairs]).encode()


def break_page(mode: str, page: int, wanted: PageRequest, body: dict[str, Any]) -> dict[str, Any] | None:
    """Return the page as sent to the client.

    None: the list ends with an error (`break_off`). `empty` inserts one empty page before page `page`.
    `endless` returns empty pages forever. `repeat` returns page `page` again and again. `cycle` leads back to
    page 1 after page `page` + 1.
    """
    cursor = body["cursor"]
    unbroken = {**body, "cursor": _mark(wanted.number + 1, cursor) if cursor else ""}
    if wanted.number < page or (mode == "empty" and wanted.number > page):
        return unbroken
    no_rows = {name: [] if isinstance(value, list) else value for name, value in body.items()}
    if mode == "break_off":
        return None
    if mode == "repeat":
        return {**body, "cursor": _mark(wanted.number, wanted.cursor)}
    if mode == "cycle":
        following = _mark(wanted.number + 1, cursor) if wanted.number == page else _mark(1, "")
        return {**body, "cursor": following}
    return {**no_rows, "cursor": _mark(wanted.number + 1, wanted.cursor)}


def _mark(number: int, cursor: str) -> str:
    return f"{number}.{cursor}"
