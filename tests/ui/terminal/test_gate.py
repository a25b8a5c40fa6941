"""Keys that may answer a consequential question, by time alone.

No terminal is used.
"""

from __future__ import annotations

import pytest

from kalshi_trading.ui.terminal.gate import (
    AFTER_WRONG_KEY_S,
    AWAY_S,
    LONGEST_REPEAT_S,
    PASTE,
    QUIET_S,
    Gate,
    KeyRun,
    Note,
)

SEEN_AT = 0.5
STEP_S = 0.02
ENTER = "c-m"


class Question:
    """A gate and the time; `run` holds the keys before it."""

    def __init__(self, *earlier: tuple[float, str], **how: object) -> None:
        self.run = KeyRun()
        self.gate = Gate(self.run, **how)  # type: ignore[arg-type]
        self.now = -10.0
        self._is_drawn = False
        self.passed: list[str] = []
        for at, name in earlier:
            self.press(at, name)

    def until(self, at: float) -> None:
        """Advance the time in the steps of a running program."""
        while self.now < at:
            self.now = min(self.now + STEP_S, at)
            if self.now >= 0 and not self._is_drawn:
                self._is_drawn = True
                self.gate.mark_drawn(self.now)
            if self.now >= SEEN_AT:
                self.gate.mark_seen(self.now)
            if self.now >= 0:
                self.passed += self.gate.tick(self.now)

    def press(self, at: float, *names: str) -> None:
        self.until(at)
        for name in names:
            self.run.record(name, self.now)
        self.passed += self.gate.press(names, self.now)


def passed(*presses: tuple[float, str], until: float = 30.0, **how: object) -> list[str]:
    """Return the keys that pass, if they arrive one by one.

    The question is drawn at 0 and seen at SEEN_AT.
    """
    question = Question(*presses, **how)
    question.until(until)
    return question.passed


OPEN_AT = SEEN_AT + QUIET_S + STEP_S


def test_a_key_passes_after_the_question_was_seen_and_quiet() -> None:
    assert passed((OPEN_AT + 0.01, "1")) == ["1"]


@pytest.mark.parametrize("at", [-5.0, -0.1, 0.01, SEEN_AT - 0.01, SEEN_AT + QUIET_S - 0.03])
def test_a_key_before_that_does_not(at: float) -> None:
    question = Question((at, "1"))
    question.until(30)
    assert (question.passed, question.gate.note) == ([], Note.EARLY)
    question.press(31, "1")
    assert question.passed == ["1"]


def test_every_early_key_restarts_the_wait() -> None:
    presses = [(SEEN_AT + number * 0.1, name) for number, name in enumerate("abcdefghij", start=1)]
    assert passed(*presses) == []
    after = presses[-1][0] + QUIET_S + 2 * STEP_S
    assert passed(*presses, (after, "1")) == ["1"]


def test_a_busy_program_makes_no_pause_longer_than_it_was() -> None:
    question = Question()
    question.until(OPEN_AT + 1)
    question.run.record("alt-x", question.now)  # no question sees it
    question.until(question.now + QUIET_S / 2)
    question.now += QUIET_S  # then the program does not run for a while
    question.run.record("1", question.now)
    assert (question.gate.press(["1"], question.now), question.gate.note) == ([], Note.EARLY)


def test_a_busy_program_takes_no_pasted_enter_for_a_typed_one() -> None:
    question = Question((2, "5"), is_text=True)
    question.now += 0.1
    question.run.record(ENTER, question.now)
    assert (question.gate.press([ENTER], question.now), question.gate.note) == ([], Note.PASTED_TEXT)


def test_the_time_until_an_escape_is_known_to_be_one_is_no_pause() -> None:
    question = Question()
    question.until(OPEN_AT + 1)
    question.run.record("alt-x", question.now)
    question.until(question.now + QUIET_S / 2)
    came_at = question.now
    question.until(came_at + 5 * STEP_S)
    question.run.record("escape", came_at)
    assert (question.gate.press(["escape"], came_at), question.gate.note) == ([], Note.EARLY)


# no keyboard waits less for the first repeat than for the others
HELD = [
    (delay_s, repeat_s)
    for delay_s in (0.2, 0.25, 0.5, 0.66, 1.0, 1.8)
    for repeat_s in (0.011, 0.033, 0.1, 0.2, 0.3, 0.5, 0.95)
    if repeat_s <= delay_s
]


@pytest.mark.parametrize(("delay_s", "repeat_s"), HELD)
@pytest.mark.parametrize("began_at", [-1.7, -0.5, -0.01, 0.2, SEEN_AT])
def test_a_key_held_since_before_the_question_opened_never_passes(
    delay_s: float, repeat_s: float, began_at: float
) -> None:
    repeats = [began_at + delay_s + number * repeat_s for number in range(12)]
    assert passed(*((at, "1") for at in (began_at, *repeats))) == []


def test_a_key_held_over_a_jittering_line_never_passes() -> None:
    presses, at = [(-0.3, "1")], 0.2
    for gap_s in (0.033, 0.2, 0.05, 0.3, 0.033, 0.25, 0.3, 0.15, 0.3, 0.033):
        presses.append((at, "1"))
        at += gap_s
    assert passed(*presses) == []


@pytest.mark.parametrize("gap_s", [0.2, 0.5, 1.0, 1.9])
def test_the_same_key_pressed_again_on_purpose_passes_when_it_goes_on_no_more(gap_s: float) -> None:
    assert passed((SEEN_AT + 0.05, "1"), (SEEN_AT + 0.05 + gap_s, "1")) == ["1"]


def test_after_a_held_key_the_mark_waits_until_the_same_key_would_pass() -> None:
    question = Question(*((SEEN_AT + number * 0.03, "1") for number in range(20)))
    last = question.now
    question.until(last + LONGEST_REPEAT_S - 0.1)
    assert not question.gate.is_open
    question.until(last + LONGEST_REPEAT_S + 2 * STEP_S)
    assert question.gate.is_open
    question.press(question.now, "1")
    question.until(question.now + LONGEST_REPEAT_S + STEP_S)
    assert question.passed == ["1"]


def test_the_mark_promises_nothing_while_the_same_key_would_be_taken_for_a_held_one() -> None:
    question = Question((-0.2, "1"), (-0.2, "1"))
    question.until(0.75)
    assert not question.gate.is_open
    question.until(1)
    while not question.gate.is_open:
        question.until(question.now + STEP_S)
    question.press(question.now, "1")
    question.until(question.now + LONGEST_REPEAT_S + STEP_S)
    assert question.passed == ["1"]


def test_a_key_pressed_every_second_passes_and_says_why_it_waits() -> None:
    question = Question((-1, "0"), (SEEN_AT + 0.2, "0"))
    assert (question.passed, question.gate.note) == ([], Note.SUSPECT)
    question.until(SEEN_AT + 1.25)
    assert (question.passed, question.gate.note) == (["0"], "")
    assert passed(*((SEEN_AT + number * 1.1, "0") for number in range(4)))[:1] == ["0"]


def test_the_first_digit_of_a_text_may_be_the_key_before_it() -> None:
    """A count of 10, after Send with 1."""
    question = Question((-0.3, "1"), (OPEN_AT + 0.05, "1"), (OPEN_AT + 0.3, "0"), is_text=True)
    question.press(OPEN_AT + 0.5, ENTER)
    assert question.passed == ["1", "0", ENTER]


def test_a_digit_that_came_too_early_may_be_pressed_again_until_it_counts() -> None:
    early = [(-0.3, "1"), (0.1, "1"), (0.3, "1"), (SEEN_AT + 0.02, "1")]
    question = Question(*early, (OPEN_AT + 0.2, "1"), (OPEN_AT + 0.4, "0"), is_text=True)
    assert question.gate.is_open
    question.press(OPEN_AT + 0.6, ENTER)
    assert question.passed == ["1", "0", ENTER]


@pytest.mark.parametrize("delay_s", [0.25, 0.5, 1.0])
@pytest.mark.parametrize("repeat_s", [0.011, 0.033, 0.2])
@pytest.mark.parametrize("is_shown_anew", [True, False])
def test_enter_that_is_held_down_confirms_no_text(
    delay_s: float, repeat_s: float, is_shown_anew: bool
) -> None:
    """Enter was pressed right after the last digit, or before a redraw.

    The redraw showed the typed text again.
    """
    held = [(1.51 + delay_s + number * repeat_s, ENTER) for number in range(12)]
    question = Question((OPEN_AT, "1"), (1.5, "0"), is_text=True)
    if is_shown_anew:
        question.gate.mark_changed()
    question.press(1.51, ENTER)
    for at, name in held:
        question.press(at, name)
    question.until(10)
    assert question.passed == ["1", "0"]


def test_enter_right_after_the_last_digit_is_part_of_a_paste() -> None:
    question = Question((2, "1"), (2.01, "0"), (2.02, ENTER), is_text=True)
    assert (question.passed, question.gate.note) == (["1", "0"], Note.PASTED_TEXT)
    question.press(4.1, ENTER)
    assert question.passed[-1] == ENTER


def test_after_a_key_that_is_no_answer_keys_wait_for_longer() -> None:
    """A trade typed at the exit question: no key of it is an answer."""
    typed = [(2 + number * 0.5, name) for number, name in enumerate(["b", "t", "c", ENTER, "2", "1"])]
    answers = {"0", "1", "2", ENTER}
    assert passed(*typed, means=answers.__contains__) == []
    question = Question((2, "b"), means=answers.__contains__)
    assert question.gate.note is Note.WRONG_KEY
    question.press(2 + AFTER_WRONG_KEY_S - 0.1, "1")
    assert question.passed == []
    question.press(2 + 2 * AFTER_WRONG_KEY_S, "2")
    assert question.passed == ["2"]


@pytest.mark.parametrize("names", [("1", "2"), ("1", ENTER), (PASTE,), ("1", PASTE)])
def test_keys_that_arrive_together_and_pastes_never_pass(names: tuple[str, ...]) -> None:
    question = Question()
    question.press(2, *names)
    question.until(30)
    assert question.passed == []


def test_a_key_that_waits_is_gone_when_another_one_comes() -> None:
    """Enter, pressed twice, must not take the entry that the arrow marks."""
    presses = [(SEEN_AT + 0.05, ENTER), (1.0, ENTER), (1.06, "down")]
    assert passed(*presses, moves=["down"]) == ["down"]
    assert passed(*presses[:2], (1.06, "2")) == []


@pytest.mark.parametrize("came_at", [0.2, SEEN_AT + 0.1, 2.05])
def test_escape_is_judged_by_when_it_came_and_not_by_when_it_is_known(came_at: float) -> None:
    question = Question((2, "k"), moves=["k"]) if came_at > 2 else Question()
    question.until(came_at + 0.5)
    assert question.gate.is_open
    question.run.record("escape", came_at)
    assert "escape" not in question.gate.press(["escape"], came_at)
    assert question.gate.note is Note.EARLY


def test_moves_pass_without_quiet_once_the_gate_has_opened() -> None:
    early = [(SEEN_AT + 0.05, "down")]
    moves = [(2 + number * 0.01, "down") for number in range(5)]
    assert passed(*early, *moves, moves=["down"]) == ["down"] * 5
    assert passed(*moves, (moves[-1][0] + 0.1, ENTER), moves=["down"]) == ["down"] * 5
    assert passed(*moves, (moves[-1][0] + 0.2, ENTER), moves=["down"]) == ["down"] * 5 + [ENTER]


def test_panic_and_leaving_pass_as_soon_as_the_question_is_drawn() -> None:
    assert passed((-0.1, "p"), (0.05, "p"), immediate=["p"]) == ["p"]
    assert passed((-0.1, "c-c"), (0.05, "c-c")) == ["c-c"]


def test_a_text_goes_on_once_it_has_begun_and_enter_comes_alone() -> None:
    question = Question((2, "1"), is_text=True)
    question.press(2.01, "0", "0", ENTER)
    question.press(2.02, PASTE)
    assert question.passed == ["1", "0", "0"]
    question.press(2.1, ENTER)
    assert question.passed[-1] == ENTER


@pytest.mark.parametrize("name", ["up", ENTER])
def test_a_key_that_is_no_letter_begins_no_text(name: str) -> None:
    question = Question((2, name), is_text=True)
    question.press(2.05, ENTER)
    assert question.passed == [name]


@pytest.mark.parametrize("typed", ["", "5"])
def test_a_suspended_program_resets_its_gate(typed: str) -> None:
    """Keys during a suspension were meant for another program."""
    question = Question(*((1.9, each) for each in typed), is_text=bool(typed))
    question.until(2)
    assert question.gate.is_open
    question.now += AWAY_S + 1
    question.run.record("1", question.now)
    assert question.gate.press(["1"], question.now) == []
    view = question.gate.view
    question.passed += question.gate.tick(question.now)
    assert question.gate.view > view
    question.press(question.now + STEP_S, ENTER)
    question.press(question.now + QUIET_S + 3 * STEP_S, "2")
    assert question.passed == [*typed, "2"]


def test_keys_with_a_new_meaning_reset_the_gate() -> None:
    question = Question(moves=["down"])
    question.until(2)
    view = question.gate.view
    question.gate.mark_changed()
    assert question.gate.view > view
    question.press(2.01, "down")
    question.press(2.02, "1")
    question.press(2.02 + QUIET_S + 3 * STEP_S, "2")
    assert question.passed == ["down", "2"]
