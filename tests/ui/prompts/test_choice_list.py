"""A list of choices: its pages, its mark, and the entry a key chooses."""

from __future__ import annotations

import pytest
from rich.cells import cell_len

from kalshi_trading.ui.prompts.choice_list import ChoiceList, wrap
from kalshi_trading.ui.prompts.prompter import Choice, GoBack, numbered
from kalshi_trading.ui.terminal.gate import Note

BACK = Choice("0", "Nothing", "nothing")


def entries(count: int) -> list[Choice[str]]:
    names = [f"Entry {number}" for number in range(1, count + 1)]
    return numbered(names, names)


def text(rows: ChoiceList) -> str:
    return "".join(fragment for _, fragment in rows.render())


class Pressed:
    """A list on a screen of this size, drawn after each key as on a terminal."""

    def __init__(self, choices: list[Choice[str]], *, columns: int = 80, lines: int = 24) -> None:
        self._choices = choices
        self._size = columns, lines
        self.rows = ChoiceList("Which?", choices)
        self.rows.fit(*self._size)

    def press(self, *keys: str) -> str | None:
        """Press keys and return the index that the last one chose."""
        chosen = None
        for key in keys:
            index = self.rows.press(key)
            chosen = None if index is None else self._choices[index].value
            self.rows.fit(*self._size)
        return chosen

    @property
    def marked(self) -> str:
        return next(line for line in text(self.rows).splitlines() if "▸" in line).split("  ")[-1]


@pytest.mark.parametrize("place", ["first", "last"])
@pytest.mark.parametrize("turn", ["]", "pagedown"])
def test_every_entry_of_a_long_list_can_be_chosen_by_the_digit_before_it(place: str, turn: str) -> None:
    choices = [BACK, *entries(25)] if place == "first" else [*entries(25), BACK]
    for number in range(25):
        pages, digit = divmod(number, 9)
        assert Pressed(choices).press(*[turn] * pages, str(digit + 1)) == f"Entry {number + 1}"


@pytest.mark.parametrize("place", ["first", "last"])
def test_every_entry_of_a_long_list_can_be_marked_with_the_arrows(place: str) -> None:
    choices = [BACK, *entries(25)] if place == "first" else [*entries(25), BACK]
    for step, last in (("down", "Entry 25"), ("up", "Entry 1")):
        listed = Pressed(choices)
        seen = set()
        for _ in range(40):
            listed.press(step)
            seen.add(listed.marked)
        assert {f"Entry {number}" for number in range(1, 26)} <= seen, (step, last)
        assert listed.press("c-m") == listed.marked


def test_the_ends_of_a_long_list() -> None:
    listed = Pressed([BACK, *entries(25)])
    listed.press("end")
    assert listed.marked == "Entry 25"
    listed.press("home")
    assert listed.marked == "Nothing"
    listed.press("[")
    assert "page 3 of 3" in text(listed.rows)


def test_esc_and_zero_choose_the_entry_0_or_go_back() -> None:
    assert Pressed([BACK, *entries(3)]).press("escape") == "nothing"
    assert Pressed([BACK, *entries(30)]).press("]", "0") == "nothing"
    for key in ("0", "escape"):
        with pytest.raises(GoBack):
            Pressed(entries(3)).press(key)


def test_an_entry_that_the_screen_has_no_room_for_cannot_be_chosen() -> None:
    send = Choice("1", "Send: " + "BUY 10 YES KXHIGHNY-26NOV29-B46.5 at 8¢, good till canceled", "sent")
    assert Pressed([BACK, send], columns=40, lines=2).press("1") is None
    assert Pressed([BACK, send], columns=40, lines=3).press("1") is None
    assert Pressed([BACK, send], columns=40, lines=3).press("down", "c-m") is None
    assert Pressed([BACK, send], columns=40, lines=5).press("1") == "sent"


@pytest.mark.parametrize("lines", [2, 3, 4])
def test_what_acts_at_once_can_be_chosen_on_any_screen(lines: int) -> None:
    panic = Choice("p", "Panic", "panic", is_immediate=True)
    assert Pressed([BACK, *entries(9), panic], lines=lines).press("p") == "panic"


def test_a_list_says_when_another_page_or_size_gives_keys_another_meaning() -> None:
    rows = ChoiceList("Which?", [BACK, *entries(20)])
    rows.fit(80, 24)
    assert not rows.fit(80, 24)
    assert not rows.fit(100, 24)
    assert rows.fit(80, 9)
    rows.press("]")
    assert rows.fit(80, 9)
    assert not rows.fit(80, 9)


class Noted:
    """Reports that keys were ignored, from some moment on."""

    is_open = True
    note = ""


def test_a_note_about_ignored_keys_moves_no_entry() -> None:
    noted = Noted()
    for lines in range(4, 20):
        noted.note = ""
        rows = ChoiceList("Which?", [BACK, *entries(20)], readiness=noted)
        rows.fit(30, lines)
        noted.note = max(Note, key=len)
        assert not rows.fit(30, lines)


def test_a_label_is_broken_between_words_and_a_detail_is_cut() -> None:
    order = Choice("1", "Send: BUY 10 YES KXHIGHNY-26NOV29-B46.5 at 8¢", "sent")
    menu = Choice("2", "Place a trade", "trade", "find → ticket → preview → confirm → result")
    lines = text(Pressed([BACK, order], columns=30).rows).splitlines()
    assert lines[2:] == ["   1  Send: BUY 10 YES", "      KXHIGHNY-26NOV29-B46.5", "      at 8¢"]
    assert text(Pressed([menu], columns=40).rows).splitlines()[1:] == [
        " ▸ 2  Place a trade   find → ticket → p…"
    ]
    assert text(Pressed([menu], columns=26).rows).splitlines()[1:] == [" ▸ 2  Place a trade"]


@pytest.mark.parametrize("width", [2, 3, 7, 20, 80])
@pytest.mark.parametrize(
    "words", ["", "short", "a longer text of words", "x" * 50, "日本語の市場 です", "a " * 40]
)
def test_wrapped_lines_fit_and_lose_no_letter(words: str, width: int) -> None:
    lines = wrap(words, width)
    assert lines
    assert all(cell_len(line) <= width for line in lines)
    assert "".join("".join(lines).split()) == "".join(words.split())
