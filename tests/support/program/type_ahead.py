"""Typing-ahead trials: random key presses from the menu to a sent order.

Also judges whether any of those keys acted too early.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass, fields
from itertools import accumulate
from pathlib import Path

from terminal import CTRL_C, ENTER
from watched_terminal import Press, Question, WatchedTerminal

from kalshi_trading.ui.prompts.choice_list import READY

SLOW_LINE_S = 0.3
REPEAT_S = 0.03
BETWEEN_KEYS_S = 0.1
QUIET_S, REPEATED_S = 0.15, 1.0
"""Minimum time at an open question without a key, and the maximum interval of a repeated key."""
LATE_S = 0.02
"""Maximum delay of a key on its way to the program. Such a key counts as a later one."""
DOWN, UP, ESCAPE = "\x1b[B", "\x1b[A", "\x1b"
MOVES = (DOWN, UP, "j", "k")
SETTLED_S = 0.5 + 2 * SLOW_LINE_S
"""After this time without a key, all keys were read and their immediate effects are on the screen."""
LONGEST_LOOK_S = 5.0  # maximum time to price an order on a loaded machine
SEND, COUNT = "Place this order?", "To confirm, type the quantity"
STRAY = "1" * 6 + ENTER * 3 + "2505yjk " + ESCAPE
SEND_IS_MARKED = "▸ 1  Place order"
MAX_CONFIRMATIONS = 5


@dataclass(frozen=True)
class Hold:
    """A key held down: it repeats after a first delay."""

    key: str
    first_delay_s: float
    repeats: int


@dataclass(frozen=True)
class Typed:
    """Keys pressed blindly, and the pause after them."""

    keys: str
    pause_s: float = 0.0
    is_surplus: bool = False
    """True if the keys before these already suffice to reach the confirmation."""


@dataclass(frozen=True)
class Trial:
    """Random choices of one trial: answers, deliberate part, blind keys."""

    number: int
    answers: tuple[tuple[str, str], ...]  # question and its answer
    deliberate: int  # answers given before typing ahead
    ahead: tuple[Typed, ...]
    hold: Hold | None
    delay_s: float
    goes_on: bool  # answer the confirmation if it is open then; otherwise restart
    by_arrow: bool


def drawn(number: int, tickers: Sequence[str]) -> Trial:
    """Return a trial, always the same for the same number.

    Every third holds a key, every fourth has a slow line.
    """
    draw = random.Random(number)
    ticker, count = draw.choice(tickers), str(draw.randint(1, 9))
    by_words = draw.random() < 0.5
    answers = [
        ("Menu", "2"),
        ("Search markets", ticker + (" kx" if by_words else "") + ENTER),
        *([("Which market", "1")] if by_words else []),
        ("Choose a side", "1"),
        ("Order type", "1"),
        ("YES limit price", str(draw.randint(1, 5)) + ENTER),
        ("Quantity", count + ENTER),
    ]
    deliberate = draw.randint(0, len(answers))
    return Trial(
        number,
        tuple(answers),
        deliberate,
        _typed_ahead(draw, [keys for _, keys in answers[deliberate:]]),
        _hold(draw) if number % 3 == 0 else None,
        SLOW_LINE_S if number % 4 == 0 else 0.0,
        goes_on=draw.random() < 0.5,
        by_arrow=draw.random() < 0.3,
    )


def _typed_ahead(draw: random.Random, right: Sequence[str]) -> tuple[Typed, ...]:
    """Return the remaining right answers and more, or random keys.

    At once, fast or with pauses.
    """
    longest_pause_s = draw.choice([0.0, 0.06, 0.4])
    surplus = draw.choices(["1", ENTER, DOWN, "1" + ENTER], k=draw.randint(1, 5))
    keys = [*((each, False) for each in right), *((each, True) for each in surplus)]
    if draw.random() < 0.3:
        keys = [(each, False) for each in draw.choices([*STRAY, DOWN, UP], k=draw.randint(1, 12))]
    return tuple(Typed(each, draw.uniform(0, longest_pause_s), is_surplus) for each, is_surplus in keys)


def _hold(draw: random.Random) -> Hold:
    return Hold(draw.choice(["1", "1", ENTER, DOWN]), draw.uniform(0.25, 0.8), draw.randint(4, 20))


# --- One trial ------------------------------------------------------------------------------------


@dataclass
class Seen:
    """Counts of trials by kind."""

    typed_ahead: int = 0  # surplus keys were pressed before the confirmation
    held: int = 0  # same, with one key held down
    slow: int = 0  # same, over a slow line
    gone_on: int = 0  # the resulting confirmation was answered deliberately
    sent_before: int = 0  # orders sent by keys that could, but were not meant to
    ended: int = 0  # the keys ended the program

    def __add__(self, other: Seen) -> Seen:
        return Seen(*(getattr(self, each.name) + getattr(other, each.name) for each in fields(self)))


def carry_out(terminal: WatchedTerminal, trial: Trial, logs: Path) -> Seen:
    """Type ahead, judge the effect, then send an order deliberately.

    Raises Ended.
    """
    terminal.questions.clear()
    terminal.presses.clear()
    sent = sent_orders(logs)
    try:
        _type_ahead(terminal, trial)
        is_open = trial.goes_on and _is_confirmation_open(terminal)
        if not is_open:
            terminal.return_to_menu()
    finally:
        meanwhile = sent_orders(logs) - sent
        judge(terminal.questions, terminal.presses, meanwhile)
    if not is_open:
        _answer_all(terminal, trial, len(trial.answers))
    _confirm(terminal, trial)
    deliberately = sent_orders(logs) - sent - meanwhile
    assert deliberately == 1, f"{deliberately} orders were sent deliberately"
    terminal.use_line(0)
    early = any(is_typed_ahead(each, terminal.presses) for each in terminal.questions)
    return Seen(
        typed_ahead=early,
        held=early and trial.hold is not None,
        slow=early and trial.delay_s > 0,
        gone_on=is_open,
        sent_before=meanwhile,
    )


def sent_orders(logs: Path) -> int:
    """Count the orders sent, according to the journal."""
    return sum(each.read_text().count(" order.sending ") for each in (logs / "practice").glob("trades*.log"))


def _type_ahead(terminal: WatchedTerminal, trial: Trial) -> None:
    """Answer some questions deliberately, then press keys blindly."""
    _answer_all(terminal, trial, trial.deliberate)
    for typed in trial.ahead:
        terminal.press(typed.keys, is_surplus=typed.is_surplus)
        terminal.pause(typed.pause_s)
    if trial.hold is not None:
        terminal.press(trial.hold.key)
        terminal.pause(trial.hold.first_delay_s)
        for _ in range(trial.hold.repeats):
            terminal.press(trial.hold.key)
            terminal.pause(REPEAT_S)
    terminal.arrive()


def _answer_all(terminal: WatchedTerminal, trial: Trial, count: int) -> None:
    """Answer the first `count` questions, each once it is open.

    Only the last answer uses the slow line.
    """
    terminal.use_line(0)
    for at, (question, keys) in enumerate(trial.answers[:count], start=1):
        terminal.run_until(
            lambda question=question: terminal.question_line.startswith(f"{READY} {question}"),  # type: ignore[misc]
            f"{question}: not asked",
        )
        if at == count:
            terminal.use_line(trial.delay_s)
        terminal.press(keys)
    terminal.use_line(trial.delay_s)


def _is_confirmation_open(terminal: WatchedTerminal) -> bool:
    """Return True if the confirmation is open once all keys took effect.

    A key that may be held down takes longer than others.
    """
    terminal.pause(SETTLED_S)
    terminal.run_until(
        lambda: not terminal.question_line.endswith(SEND) or terminal.question_line.startswith(READY),
        "a key waits without end",
    )
    return terminal.question_line.endswith(SEND)


def _confirm(terminal: WatchedTerminal, trial: Trial) -> None:
    """Send the order deliberately, and wait for the menu.

    If the market moved, the confirmation is asked again.
    """
    for _ in range(MAX_CONFIRMATIONS):
        _wait_for_confirmation(terminal)
        if terminal.question_line.endswith("Menu"):  # the order's result was shown meanwhile
            return
        if trial.by_arrow and SEND_IS_MARKED not in terminal.screen:
            terminal.press(DOWN)
            terminal.run_until(lambda: SEND_IS_MARKED in terminal.screen, "the mark does not move")
            _wait_for_confirmation(terminal)
        asked = len(terminal.questions)
        terminal.press(ENTER if trial.by_arrow else "1")
        terminal.run_until(lambda asked=asked: _is_past(terminal, asked), "a deliberate key does nothing")  # type: ignore[misc]
        if COUNT in terminal.question_line:
            _type_count(terminal)
        if terminal.question_line.endswith("Menu"):
            return
    raise AssertionError(f"the order is never sent. The screen shows:\n{terminal.screen}")


def _wait_for_confirmation(terminal: WatchedTerminal) -> None:
    terminal.run_until(
        lambda: terminal.question_line == f"{READY} {SEND}" or terminal.question_line.endswith("Menu"),
        "the confirmation takes no keys",
    )


def _is_past(terminal: WatchedTerminal, asked: int) -> bool:
    return terminal.question_line.endswith("Menu") or len(terminal.questions) > asked


def _type_count(terminal: WatchedTerminal) -> None:
    """Type the count that the question shows; stray keys may have changed it."""
    asked = len(terminal.questions)
    terminal.run_until(lambda: terminal.question_line.endswith(":"), "the count cannot be typed")
    count = terminal.question_line.rpartition("(")[2].removesuffix("):")
    for typed in accumulate(count):
        terminal.press(typed[-1])
        terminal.run_until(
            lambda typed=typed: terminal.question_line.endswith(f": {typed}"),  # type: ignore[misc]
            "the count is not shown",
        )
    terminal.pause(BETWEEN_KEYS_S)
    terminal.press(ENTER)
    terminal.run_until(lambda: _is_past(terminal, asked), "the count confirms nothing")


# --- The judgement --------------------------------------------------------------------------------


def judge(questions: Sequence[Question], presses: Sequence[Press], orders: int) -> None:
    """Fail if a question was answered, or an order sent, without a valid key.

    Covers consequential questions.
    """
    gone = [each for each in questions if each.gone_at < math.inf]
    unexplained = [
        each for each in gone if not (_has_valid_key(each, presses) or _is_left_by_ctrl_c(each, presses))
    ]
    assert unexplained == [], f"Gone without a key that could do that:\n{describe(unexplained, presses)}"
    confirmed = [each for each in gone if each.text == SEND and _has_valid_key(each, presses, ("1", ENTER))]
    assert orders <= len(confirmed), f"{orders} orders were sent:\n{describe(gone, presses)}"


def is_typed_ahead(question: Question, presses: Sequence[Press]) -> bool:
    """Return True if surplus keys came before this confirmation was seen."""
    return question.text == SEND and any(
        press.is_surplus and press.latest < question.seen_at for press in presses
    )


def _has_valid_key(question: Question, presses: Sequence[Press], keys: Sequence[str] = ()) -> bool:
    return any(
        press.earliest <= question.gone_at
        and (not keys or press.keys in keys)
        and _is_deliberate(presses, index, question)
        for index, press in enumerate(presses)
    )


def _is_left_by_ctrl_c(question: Question, presses: Sequence[Press]) -> bool:
    """Return True if Ctrl-C came from the pricing on.

    Ctrl-C needs no wait and sends nothing.
    """
    return any(
        press.keys == CTRL_C
        and question.seen_at - LONGEST_LOOK_S < press.latest
        and press.earliest < question.gone_at
        for press in presses
    )


def describe(questions: Sequence[Question], presses: Sequence[Press]) -> str:
    """List questions and keys in order of time, in seconds."""
    rows = [(each.seen_at, f"seen: {each.text}") for each in questions]
    rows += [(each.gone_at, f"gone: {each.text}") for each in questions]
    rows += [(each.latest, f"  {each.keys!r}") for each in presses]
    return "\n".join(f"{at:.3f} {what}" for at, what in sorted(rows))


def _is_deliberate(presses: Sequence[Press], index: int, question: Question) -> bool:
    """Return True if the key came after enough quiet at an open question.

    A key pressed shortly before may be held down. Then no key may follow within the same time.
    """
    press, quiet_s = presses[index], QUIET_S - LATE_S
    if press.latest < question.seen_at + quiet_s or press.keys in MOVES or len(press.keys) > 1:
        return False
    before = presses[index - 1] if index else None
    if before is None:
        return True
    if press.latest - before.earliest < quiet_s:
        return False
    is_repeated = before.keys[-1:] == press.keys and press.latest - before.earliest < REPEATED_S
    after = presses[index + 1] if index + 1 < len(presses) else None
    return not is_repeated or after is None or after.latest - press.earliest >= quiet_s
