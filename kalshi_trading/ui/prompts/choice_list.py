"""A list of choices on a terminal: pages, the marked entry and keys.

Draws into text fragments and reads no terminal.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Any, Protocol

from rich.cells import cell_len, set_cell_size

from kalshi_trading.ui.prompts.prompter import BACK, Choice, GoBack
from kalshi_trading.ui.terminal.gate import Note
from kalshi_trading.ui.terminal.keys import ENTER, ESCAPE_KEY

READY, NOT_READY = "›", "·"
MAX_PER_PAGE = 9
LINES_BELOW = 1  # the line of the cursor
_INDENT = 6
_MIN_DETAIL = 12
_STEPS = {"up": -1, "k": -1, "left": -1, "down": 1, "j": 1, "right": 1}
_TURNS = {"pageup": -1, "[": -1, "pagedown": 1, "]": 1}
MOVES = frozenset({*_STEPS, *_TURNS, "home", "end"})
_LONGEST_NOTE = max(Note, key=cell_len)

Fragments = list[tuple[str, str]]


class Readiness(Protocol):
    """Reports if keys count now, and a note about keys that did not."""

    @property
    def is_open(self) -> bool: ...

    @property
    def note(self) -> str: ...


class ChoiceList:
    """Choices below one another, or side by side.

    A digit chooses the entry that shows this digit. If the list needs several pages, entries with numeric
    keys are renumbered on each page. The other entries, such as 0 to go back, appear on every page.
    """

    def __init__(
        self,
        question: str,
        choices: Sequence[Choice[Any]],
        *,
        marked: int = 0,
        is_in_line: bool = False,
        readiness: Readiness | None = None,
    ) -> None:
        self._question = question
        self._choices = choices
        self._is_in_line = is_in_line
        self._readiness = readiness
        self._fixed = [
            index for index, each in enumerate(choices) if not (each.key.isdecimal() and each.key != BACK)
        ]
        self._label_width = max((cell_len(each.label) for each in choices), default=0)
        self._pages = [list(range(len(choices)))]
        self._page = 0
        self._marked = marked
        self._columns, self._rows = 80, 24
        self._fitted: tuple[list[list[int]], int] | None = None

    # --- Pages ------------------------------------------------------------------------------------

    def fit(self, columns: int, rows: int) -> bool:
        """Divide the list into pages for a screen of `columns` × `rows`.

        The marked entry stays marked. Return True if keys mean something else than before: the page differs,
        or its entries do.
        """
        self._columns, self._rows = columns, rows
        numbered = [index for index in range(len(self._choices)) if index not in self._fixed]
        fixed_lines = sum(self._height(index) for index in self._fixed)
        everything = fixed_lines + sum(map(self._height, numbered))
        room = rows - len(self._heading(_LONGEST_NOTE if self._readiness else "")) - LINES_BELOW
        if self._is_in_line or (everything <= room and len(numbered) <= MAX_PER_PAGE):
            self._pages = [list(range(len(self._choices)))]
        else:
            # fixed entries are on every page, before or after the others as in the list
            pages = self._split_pages(numbered, room - fixed_lines - 1)
            self._pages = [sorted([*page, *self._fixed]) for page in pages]
        self._page = min(self._page, len(self._pages) - 1)
        if self._marked not in self._pages[self._page]:
            self._page = next(number for number, page in enumerate(self._pages) if self._marked in page)
        before, self._fitted = self._fitted, (self._pages, self._page)
        return before not in (None, self._fitted)

    def _split_pages(self, indexes: Sequence[int], room: int) -> list[list[int]]:
        pages: list[list[int]] = [[]]
        for index in indexes:
            lines = sum(map(self._height, pages[-1])) + self._height(index)
            if pages[-1] and (lines > room or len(pages[-1]) == MAX_PER_PAGE):
                pages.append([])
            pages[-1].append(index)
        return pages

    def _height(self, index: int) -> int:
        return len(self._lines(index))

    def _visible(self) -> list[int]:
        """Return the entries of this page that fit on the screen.

        Only these can be chosen, plus the immediate ones, whose keys mean the same everywhere.
        """
        page = self._pages[self._page]
        if self._is_in_line:
            return page
        ends = accumulate(map(self._height, page), initial=len(self._heading_now()))
        return [index for index, end in zip(page, list(ends)[1:], strict=True) if end <= self._rows]

    def _keys(self) -> dict[int, str]:
        """Map the entries of this page to their keys."""
        page = self._pages[self._page]
        keys = {index: self._choices[index].key for index in page}
        if len(self._pages) > 1:
            numbered = [index for index in page if index not in self._fixed]
            keys |= {index: str(number) for number, index in enumerate(numbered, start=1)}
        return keys

    # --- Keys -------------------------------------------------------------------------------------

    def press(self, key: str) -> int | None:
        """Return the index of the entry that this key chooses.

        None: it moved the mark, or has no meaning. Raises GoBack for Esc, and for 0 in a list without an
        entry 0.
        """
        shown = self._visible()
        entries = {name: index for index, name in self._keys().items()}
        if key == ENTER or key in entries:
            index = self._marked if key == ENTER else entries[key]
            return index if index in shown or self._choices[index].is_immediate else None
        if key in (ESCAPE_KEY, BACK):
            if BACK not in entries:
                raise GoBack
            return entries[BACK]
        self._move(key)
        return None

    def means(self, key: str) -> bool:
        """Return True if this key has a meaning here."""
        return key in MOVES or key in (ENTER, ESCAPE_KEY, BACK) or key in self._keys().values()

    def _move(self, key: str) -> None:
        page = self._pages[self._page]
        if key in _STEPS:
            at = page.index(self._marked) + _STEPS[key]
            if 0 <= at < len(page):
                self._marked = page[at]
            elif len(self._pages) > 1:
                self._turn(_STEPS[key], to_end=_STEPS[key] < 0)
            else:
                self._marked = page[at % len(page)]
        elif key in _TURNS and len(self._pages) > 1:
            self._turn(_TURNS[key])
        elif key in ("home", "end"):
            self._page = 0 if key == "home" else len(self._pages) - 1
            self._marked = self._pages[self._page][0 if key == "home" else -1]

    def _turn(self, step: int, *, to_end: bool = False) -> None:
        """Turn the page and mark an entry that only this page has."""
        self._page = (self._page + step) % len(self._pages)
        own = [index for index in self._pages[self._page] if index not in self._fixed]
        self._marked = own[-1 if to_end else 0]

    # --- Drawing ----------------------------------------------------------------------------------

    def render(self) -> Fragments:
        """Return the question and this page of the list."""
        fragments: Fragments = [("bold", "\n".join(self._heading_now()))]
        keys = self._keys()
        page = self._pages[self._page]
        if self._is_in_line:
            return fragments + self._side_by_side(
                [f"{keys[index]} {self._choices[index].label}" for index in page]
            )
        for index in page:
            pointer = "▸" if index == self._marked else " "
            style = "class:highlighted" if index == self._marked else ""
            first, *others = self._lines(index)
            fragments.append((style, f"\n {pointer} {keys[index]}  {first}"))
            fragments += [(style, f"\n{' ' * _INDENT}{line}") for line in others]
        if len(self._pages) > 1:
            fragments.append(("", f"\n   [ ]  page {self._page + 1} of {len(self._pages)}"))
        return fragments

    def _heading_now(self) -> list[str]:
        return self._heading(self._readiness.note if self._readiness else "")

    def _heading(self, note: str) -> list[str]:
        """Return the lines of the question, with a note about keys."""
        mark = NOT_READY if self._readiness is not None and not self._readiness.is_open else READY
        return wrap(f"{mark} {self._question}{f'   {note}' if note else ''}", self._columns)

    def _lines(self, index: int) -> list[str]:
        """Return the lines of an entry.

        A long detail is cut to fit; the label never is.
        """
        choice, width = self._choices[index], self._columns - _INDENT
        room = width - self._label_width - 3
        if not choice.detail or room < _MIN_DETAIL:
            return wrap(choice.label, width)
        is_cut = cell_len(choice.detail) > room
        detail = set_cell_size(choice.detail, room - 1).rstrip() + "…" if is_cut else choice.detail
        return [f"{set_cell_size(choice.label, self._label_width)}   {detail}"]

    def _side_by_side(self, labels: Sequence[str]) -> Fragments:
        fragments: Fragments = []
        for row in pack_rows([cell_len(label) for label in labels], self._columns - 2):
            fragments.append(("", "\n"))
            for index in row:
                fragments += [("", "  "), ("reverse" if index == self._marked else "", labels[index])]
        return fragments


def pack_rows(widths: Sequence[int], room: int) -> list[list[int]]:
    """Distribute items of these widths, by index, into rows.

    Two characters precede each item.
    """
    rows: list[list[int]] = []
    left = 0
    for index, width in enumerate(widths):
        if not rows or width + 2 > left:
            rows.append([])
            left = room
        rows[-1].append(index)
        left -= width + 2
    return rows


def wrap(text: str, width: int) -> list[str]:
    """Wrap a text between words into lines of at most `width` cells.

    A word longer than a line is split.
    """
    if cell_len(text) <= width:
        return [text]
    lines = [""]
    for word in text.split(" "):
        longer = f"{lines[-1]} {word}" if lines[-1] else word
        if cell_len(longer) <= width:
            lines[-1] = longer
            continue
        lines.append(word)
        while cell_len(lines[-1]) > max(width, 2):
            head = set_cell_size(lines[-1], max(width, 2)).rstrip()
            lines[-1:] = [head, lines[-1][len(head) :]]
    return lines if lines[0] else lines[1:]
