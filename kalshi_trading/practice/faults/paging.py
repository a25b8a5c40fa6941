"""Lists that go wrong from page to page: cursors that carry their page's number, and the ways to break them.

Pure: changes a query string and an answer's body. Never keeps anything between two requests.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode

_MARKED = re.compile(r"([0-9]{1,6})\.(.*)")  # a cursor of the exchange itself has no dot


@dataclass(frozen=True, slots=True)
class Turn:
    """Which page is asked for: its number from 1, and the exchange's own cursor of it."""

    number: int
    cursor: str


def turn_of(query_string: bytes) -> tuple[Turn, bytes]:
    """Return the page a query asks for, and the query with the exchange's own cursor."""
    pairs = parse_qsl(query_string.decode("latin-1"), keep_blank_values=True)
    asked = dict(pairs).get("cursor", "")
    marked = _MARKED.fullmatch(asked)
    if marked is None:
        return Turn(2 if asked else 1, asked), query_string
    turn = Turn(int(marked[1]), marked[2])
    return turn, urlencode([(k, turn.cursor if k == "cursor" else v) for k, v in pairs]).encode()


def broken(mode: str, page: int, turn: Turn, body: dict[str, Any]) -> dict[str, Any] | None:
    """Return the page as it is answered; None breaks the list off.

    `empty` puts one empty page in front of page `page`; `endless` gives empty pages for ever.
    """
    cursor = body["cursor"]
    honest = {**body, "cursor": _mark(turn.number + 1, cursor) if cursor else ""}
    if turn.number < page or (mode == "empty" and turn.number > page):
        return honest
    no_rows = {name: [] if isinstance(value, list) else value for name, value in body.items()}
    if mode == "break_off":
        return None
    if mode == "repeat":
        return {**body, "cursor": _mark(turn.number, turn.cursor)}
    if mode == "cycle":
        following = _mark(turn.number + 1, cursor) if turn.number == page else _mark(1, "")
        return {**body, "cursor": following}
    return {**no_rows, "cursor": _mark(turn.number + 1, turn.cursor)}


def _mark(number: int, cursor: str) -> str:
    return f"{number}.{cursor}"
