"""A list of choices on a terminal: which are shown, which is marked, and what a key means.

Draws into text fragments and reads no terminal.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import ceil
from typing import Any

from rich.cells import cell_len

from kalshi_trading.keys import ENTER, ESCAPE_KEY
from kalshi_trading.prompts import Choice, GoBack

MOST_ON_A_PAGE = 9
LINES_AROUND = 2  # the question, and the cursor's line below the list
BACK = "0"
_STEPS = {"up": -1, "k": -1, "left": -1, "down": 1, "j": 1, "right": 1}
_TURNS = {"pageup": -1, "[": -1, "pagedown": 1, "]": 1}
MOVES = frozenset({*_STEPS, *_TURNS, "home", "end"})

Fragments = list[tuple[str, str]]


class ChoiceList:
    """Choices one under the other, or side by side; a digit is the entry with that digit on the screen.

    Entries whose keys are numbers are numbered anew on each page if there are too many for one; the
    others, such as 0 to go back, are on every page.
    """

    def __init__(
        self, question: str, choices: Sequence[Choice[Any]], *, marked: int = 0, is_in_line: bool = False
    ) -> None:
        self._question = question
        self._choices = choices
        self._is_in_line = is_in_line
        self._fixed = [index for index, each in enumerate(choices) if not _is_numbered(each)]
        self._pages = [list(range(len(choices)))]
        self._page = 0
        self._marked = marked
        self._columns = 80
        self.mark: Callable[[], str] = lambda: "›"
        self.note: Callable[[], str] = lambda: ""
        """Return what stands before the question, and a line below it."""

    def fit(self, columns: int, rows: int) -> None:
        """Divide the list into pages for a screen of this size; the marked entry stays marked."""
        self._columns = columns
        numbered = [index for index in range(len(self._choices)) if index not in self._fixed]
        fixed_lines = sum(self._lines(index) for index in self._fixed)
        everything = fixed_lines + sum(map(self._lines, numbered))
        room = rows - LINES_AROUND
        if self._is_in_line or (everything <= room and len(numbered) <= MOST_ON_A_PAGE):
            self._pages = [list(range(len(self._choices)))]
        else:
            self._pages = [self._in_order(page) for page in self._divided(numbered, room - fixed_lines - 1)]
        self._page = next(number for number, page in enumerate(self._pages) if self._marked in page)

    def _divided(self, indexes: Sequence[int], room: int) -> list[list[int]]:
        pages: list[list[int]] = [[]]
        for index in indexes:
            lines = sum(map(self._lines, pages[-1])) + self._lines(index)
            if pages[-1] and (lines > room or len(pages[-1]) == MOST_ON_A_PAGE):
                pages.append([])
            pages[-1].append(index)
        return pages

    def _in_order(self, page: Sequence[int]) -> list[int]:
        """Put the entries of every page where they stand in the list: before or after the numbered ones."""
        return sorted([*page, *self._fixed])

    def _lines(self, index: int) -> int:
        return ceil((cell_len(self._choices[index].label) + 6) / self._columns)

    def _keys(self) -> dict[str, int]:
        """Map the keys of this page to its entries."""
        page = self._pages[self._page]
        if len(self._pages) == 1:
            return {self._choices[index].key: index for index in page}
        numbered = [index for index in page if index not in self._fixed]
        own = {self._choices[index].key: index for index in self._fixed}
        return own | {str(number): index for number, index in enumerate(numbered, start=1)}

    def press(self, key: str) -> int | None:
        """Return the index of the entry that this key chooses; None: it moved the mark, or means nothing.

        Raises GoBack for Esc and 0 in a list without an entry 0.
        """
        keys = self._keys()
        if key in keys:
            return keys[key]
        if key in (ESCAPE_KEY, BACK):
            if BACK not in keys:
                raise GoBack
            return keys[BACK]
        if key == ENTER:
            return self._marked
        self._move(key)
        return None

    def _move(self, key: str) -> None:
        page = self._pages[self._page]
        if key in _STEPS:
            at = page.index(self._marked) + _STEPS[key]
            if 0 <= at < len(page):
                self._marked = page[at]
            else:
                self._turn(_STEPS[key], to_end=_STEPS[key] < 0)
        elif key in _TURNS and len(self._pages) > 1:
            self._turn(_TURNS[key])
        elif key in ("home", "end"):
            self._page = 0 if key == "home" else len(self._pages) - 1
            self._marked = self._pages[self._page][0 if key == "home" else -1]

    def _turn(self, step: int, *, to_end: bool = False) -> None:
        self._page = (self._page + step) % len(self._pages)
        self._marked = self._pages[self._page][-1 if to_end else 0]

    def shown(self) -> Fragments:
        """Return the question and this page of the list."""
        fragments: Fragments = [("bold", f"{self.mark()} {self._question}")]
        if self.note():
            fragments.append(("", f"\n  {self.note()}"))
        keys = {index: key for key, index in self._keys().items()}
        page = self._pages[self._page]
        if self._is_in_line:
            return fragments + self._side_by_side(
                [f"{keys[index]} {self._choices[index].label}" for index in page]
            )
        for index in page:
            pointer = "▸" if index == self._marked else " "
            label = f"\n {pointer} {keys[index]}  {self._choices[index].label}"
            fragments.append(("class:highlighted" if index == self._marked else "", label))
        if len(self._pages) > 1:
            fragments.append(("", f"\n   [ ]  page {self._page + 1} of {len(self._pages)}"))
        return fragments

    def _side_by_side(self, labels: Sequence[str]) -> Fragments:
        fragments: Fragments = []
        for row in in_rows([cell_len(label) for label in labels], self._columns - 2):
            fragments.append(("", "\n"))
            for index in row:
                fragments += [("", "  "), ("reverse" if index == self._marked else "", labels[index])]
        return fragments


def _is_numbered(choice: Choice[Any]) -> bool:
    return choice.key.isdecimal() and choice.key != BACK


def in_rows(widths: Sequence[int], room: int) -> list[list[int]]:
    """Put things of these widths, by number, into rows with two signs before each."""
    rows: list[list[int]] = []
    left = 0
    for index, width in enumerate(widths):
        if not rows or width + 2 > left:
            rows.append([])
            left = room
        rows[-1].append(index)
        left -= width + 2
    return rows
