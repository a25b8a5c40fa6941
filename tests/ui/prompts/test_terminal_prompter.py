"""Questions on a real pseudo-terminal.

Some keys answer them, and others never do.
"""

from __future__ import annotations

import time

import pytest
from question_terminal import (
    CHOICES,
    OTHER,
    PANIC,
    RISKY,
    SAFE,
    Asked,
    confirmation,
    ignored_all_keys,
    terminal,
)

from kalshi_trading.core.errors import InvalidInputError
from kalshi_trading.ui.prompts.prompter import Choice, GoBack, numbered, typed_word

# --- Consequential questions ----------------------------------------------------------------------


@pytest.mark.parametrize("answers", [True, False])
def test_a_key_after_the_quiet_time_answers(answers: bool) -> None:
    with terminal(answers=answers) as (prompter, screen):
        asked = confirmation(prompter, screen)
        screen.wait_until_open()
        screen.press("1")
        assert asked.result == RISKY


@pytest.mark.parametrize("keys", ["1", "\x1b[B\r", "1\r1\r", "\x1b", "0", "\x03", "\x1b[200~1\x1b[201~", "p"])
def test_keys_typed_ahead_do_nothing(keys: str) -> None:
    with terminal() as (prompter, screen):
        screen.press(keys)
        assert ignored_all_keys(confirmation(prompter, screen, extra=PANIC), screen)


def test_keys_typed_ahead_are_noted_as_ignored() -> None:
    with terminal() as (prompter, screen):
        screen.press("1")
        asked = confirmation(prompter, screen)
        screen.wait_for("Ignored")
        assert ignored_all_keys(asked, screen)


def test_keys_that_another_question_left_over_do_nothing() -> None:
    with terminal() as (prompter, screen):
        screen.press("10\r1")
        asked = Asked(lambda: prompter.ask("How many?", str))
        assert asked.result == "10"
        assert ignored_all_keys(confirmation(prompter, screen), screen)


def test_a_key_pressed_at_once_is_noted_as_ignored() -> None:
    with terminal() as (prompter, screen):
        asked = confirmation(prompter, screen)
        screen.press("1")
        screen.wait_for("Ignored")
        assert ignored_all_keys(asked, screen)


def test_a_key_held_down_does_nothing_however_long() -> None:
    with terminal() as (prompter, screen):
        asked = confirmation(prompter, screen)
        for _ in range(30):
            screen.press("1")
            time.sleep(0.03)
        assert ignored_all_keys(asked, screen)


@pytest.mark.parametrize("delay_s", [0.25, 0.5, 0.8])
def test_a_key_held_down_since_the_question_before_does_nothing(delay_s: float) -> None:
    """A keyboard's first repeat takes longer than a question's quiet time."""
    with terminal() as (prompter, screen):
        asked = Asked(
            lambda: prompter.choose("Which?", [Choice("1", "One", "one"), Choice("2", "Two", "two")])
        )
        screen.wait_for("Which?")
        screen.press("1")
        assert asked.result == "one"
        asked = confirmation(prompter, screen)
        time.sleep(delay_s)
        for _ in range(10):
            screen.press("1")
            time.sleep(0.03)
        assert ignored_all_keys(asked, screen)


@pytest.mark.parametrize("key", ["1", "\r"])
def test_a_key_held_down_since_an_escape_before_the_question_does_nothing(key: str) -> None:
    """The first press followed an escape, so it was no key then."""
    with terminal() as (prompter, screen):
        screen.press("\x1b" + key)
        asked = confirmation(prompter, screen)
        time.sleep(0.66)
        for _ in range(10):
            screen.press(key)
            time.sleep(0.03)
        assert ignored_all_keys(asked, screen)


def test_the_same_key_pressed_twice_on_purpose_answers() -> None:
    with terminal() as (prompter, screen):
        asked = confirmation(prompter, screen)
        screen.press("1")
        screen.wait_for("Ignored")
        screen.wait_until_open()
        screen.press("1")
        assert asked.result == RISKY


def test_several_keys_at_once_do_nothing() -> None:
    with terminal() as (prompter, screen):
        asked = confirmation(prompter, screen)
        screen.wait_until_open()
        screen.press("1\r")
        assert ignored_all_keys(asked, screen)


def test_a_paste_does_nothing() -> None:
    with terminal() as (prompter, screen):
        asked = confirmation(prompter, screen)
        screen.wait_until_open()
        screen.press("\x1b[200~1\x1b[201~")
        assert ignored_all_keys(asked, screen)


@pytest.mark.parametrize("enter", ["\r", "\x1b[13;2u", "\x1b[27;5;13~"])
def test_enter_takes_the_marked_answer_which_is_the_safe_one(enter: str) -> None:
    with terminal() as (prompter, screen):
        asked = confirmation(prompter, screen)
        screen.wait_until_open()
        screen.press(enter)
        assert asked.result == SAFE


def test_the_arrows_move_and_enter_after_a_pause_takes() -> None:
    with terminal() as (prompter, screen):
        asked = confirmation(prompter, screen)
        screen.wait_until_open()
        screen.press("\x1b[B")
        screen.wait_until_read()
        screen.wait_until_settled()
        screen.press("\r")
        assert asked.result == RISKY


def test_on_a_slow_line_keys_pressed_before_the_question_was_seen_do_nothing() -> None:
    with terminal(delay_s=0.3) as (prompter, screen):
        asked = Asked(lambda: prompter.ask("How many?", str))
        screen.wait_for("How many?")
        screen.press("10\r")
        assert asked.result == "10"
        asked = Asked(lambda: prompter.choose("Send?", [*CHOICES, OTHER], is_consequential=True))
        time.sleep(0.25)
        screen.press("1")  # arrives long after the question was sent, and before it is seen
        screen.wait_for("Ignored")
        assert ignored_all_keys(asked, screen)


def test_a_resized_terminal_resets_the_gate() -> None:
    """The entries get other digits then."""
    rows = numbered([f"Entry {number}" for number in range(1, 21)], list(range(1, 21)))
    with terminal() as (prompter, screen):
        screen.resize(24)
        asked = Asked(lambda: prompter.choose("Which?", rows, is_consequential=True))
        screen.wait_until_open()
        screen.press("]")
        screen.wait_until_shown("page 2 of 3")
        screen.wait_until_open()
        time.sleep(1.2)  # the program checks the terminal's size twice a second
        screen.resize(11)
        screen.wait_until_shown("page 2 of 3")
        screen.press("3")
        screen.wait_until_shown("Ignored")
        screen.wait_until_open()
        shown = next(row for row in screen.rows if row.startswith("   3  Entry"))
        screen.press("3")
        assert shown.split() == ["3", "Entry", str(asked.result)]


def test_a_fault_in_a_question_ends_it_and_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    with terminal() as (prompter, screen):
        asked = confirmation(prompter, screen)
        screen.wait_until_open()
        monkeypatch.setattr("kalshi_trading.ui.terminal.gate.Gate.tick", broken)
        assert asked.result is ZeroDivisionError
        monkeypatch.undo()
        since = len(screen.text)
        again = confirmation(prompter, screen)
        screen.wait_for("›", since)  # of this question: the previous one left its mark on the screen
        monkeypatch.setattr("kalshi_trading.ui.prompts.choice_list.ChoiceList.press", broken)
        screen.press("1")
        assert again.result is ZeroDivisionError


def test_on_a_busy_machine_the_mark_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """The question reopened before a redraw could show it closed."""
    monkeypatch.setattr("kalshi_trading.ui.terminal.keyboard.STEP_S", 0.4)
    with terminal() as (prompter, screen):
        asked = confirmation(prompter, screen)
        screen.wait_until_open()
        screen.press("\x1b[B")
        screen.wait_until_shown("▸ 1  Send")
        screen.wait_until_settled()
        screen.wait_until_settled()
        screen.wait_until_open()
        screen.press("\r")
        assert asked.result == RISKY


def test_panic_is_immediate() -> None:
    with terminal() as (prompter, screen):
        asked = confirmation(prompter, screen, extra=PANIC)
        screen.wait_for("\x1b[5n")  # from now on no key is older than the question
        screen.press("p")
        assert asked.result == "panic"


def test_a_question_for_text_says_what_it_ignored() -> None:
    with terminal() as (prompter, screen):
        screen.press("AL")
        asked = Asked(lambda: prompter.ask("Type ALLOW:", typed_word("ALLOW"), is_consequential=True))
        screen.wait_for("Ignored")
        screen.wait_until_open()
        for key in "ALLOW":
            screen.press(key)
            screen.wait_until_settled()
        screen.press("\r")
        assert asked.result is True


# --- Every question -------------------------------------------------------------------------------


def test_zero_goes_back_where_it_is_no_answer() -> None:
    def count(text: str) -> int:
        if text == "0":
            raise InvalidInputError("Above zero.")
        return int(text)

    with terminal() as (prompter, screen):
        asked = Asked(lambda: prompter.ask("How many?", count))
        screen.wait_for("How many?")
        screen.press("0\r")
        assert asked.result is GoBack


@pytest.mark.parametrize("is_text", [True, False])
def test_the_cursor_position_is_never_requested(is_text: bool) -> None:
    """The answer would come late on a slow line and could pass for keys."""
    with terminal() as (prompter, screen):
        asked = Asked(lambda: prompter.ask("Which?", str) if is_text else prompter.choose("Which?", CHOICES))
        screen.wait_for("Which?")
        screen.wait_until_settled()
        screen.press("0\r")
        assert asked.result in ("0", SAFE)
        assert "\x1b[6n" not in screen.text


def test_ctrl_l_redraws_the_screen() -> None:
    with terminal() as (prompter, screen):
        asked = confirmation(prompter, screen)
        screen.wait_until_open()
        screen.press("\x0c")
        screen.wait_for("shown again")
        assert ignored_all_keys(asked, screen)
