"""Keys typed ahead of an order's confirmation.

Keys may be held down or come over a slow line. Only a deliberate key sends.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import proof
import pytest
from exchange_process import running_exchange
from terminal import CTRL_C, ENTER
from type_ahead import COUNT, DOWN, ESCAPE, SEND, Seen, carry_out, describe, drawn, judge
from watched_terminal import Ended, Press, Question, watched_program

pytestmark = pytest.mark.journey
MAX_PROGRAMS, TRIALS_WORTH_A_PROGRAM = 10, 5
"""Limit of parallel programs, and trials that justify one: trials mostly wait, but starts are slow."""
TRIALS_A_WORLD = 40
TICKERS = 20
WORLD = ("--seed", "11", "--markets", "60", "--still", "--idle-exit", "3600")
RAILS = {
    "KALSHI_DAILY_ORDER_LIMIT": "100000",
    "KALSHI_DAILY_COST_LIMIT": "10000000",
    "KALSHI_DAILY_LOSS_LIMIT": "10000000",
    "KALSHI_MARKET_LOSS_LIMIT": "1000000",
}


def test_no_older_key_sends_an_order_and_a_deliberate_one_always_does(tmp_path: Path) -> None:
    trials = range(proof.CURRENT.type_ahead_trials)
    programs = min(MAX_PROGRAMS, len(trials) // TRIALS_WORTH_A_PROGRAM)
    with ThreadPoolExecutor(programs) as pool:
        seen = sum(
            pool.map(lambda place: _work(tmp_path, place, trials[place::programs]), range(programs)), Seen()
        )
    assert seen.typed_ahead >= len(trials) / 3, seen
    assert seen.held >= len(trials) / 10, seen
    assert seen.slow >= len(trials) / 15, seen
    assert seen.gone_on >= len(trials) / 10, seen


def _work(folder: Path, place: int, numbers: Sequence[int]) -> Seen:
    """Run trials one after another, up to TRIALS_A_WORLD at each exchange."""
    seen = Seen()
    for first in range(0, len(numbers), TRIALS_A_WORLD):
        home = folder / f"{place}-{first}"
        home.mkdir()
        seen += _carry_out(home, numbers[first : first + TRIALS_A_WORLD])
    return seen


def _carry_out(home: Path, numbers: Sequence[int]) -> Seen:
    """Run trials at one exchange, in one program while it stays open."""
    seen = Seen()
    with running_exchange(home / "data/practice", *WORLD) as exchange:
        tickers = exchange.open_tickers(TICKERS)
        trials = [drawn(number, tickers) for number in reversed(numbers)]
        while trials:
            with watched_program(home, **RAILS) as terminal:
                while trials and not terminal.has_ended:
                    trial = trials.pop()
                    try:
                        seen += carry_out(terminal, trial, home / "logs")
                    except Ended:
                        seen += Seen(ended=1)
                    except AssertionError as error:
                        error.add_note(f"{trial}\n{describe(terminal.questions, terminal.presses)}")
                        raise
    return seen


# --- The judgement itself -------------------------------------------------------------------------

SEEN_AT, GONE_AT = 10.0, 12.0


def _pressed(*keys: tuple[str, float]) -> list[Press]:
    return [Press(key, SEEN_AT + after_s, SEEN_AT + after_s) for key, after_s in keys]


def _is_fair(*keys: tuple[str, float], question: str = SEND, orders: int = 1) -> bool:
    """Return True if these keys may have answered a question and sent orders.

    Times are seconds after the question was seen.
    """
    try:
        judge([Question(question, SEEN_AT, GONE_AT)], _pressed(*keys), orders)
    except AssertionError:
        return False
    return True


@pytest.mark.parametrize(
    "keys",
    [
        [("1", 0.2)],
        [(ENTER, 1.0)],
        [("1", -0.5), ("1", 0.2)],
        [("1", 0.05), ("5", 0.1), ("1", 0.3)],
        [("1", 0.2), ("5", 0.21)],
        [(DOWN, 0.2), (ENTER, 0.4)],
    ],
)
def test_a_deliberate_key_may_send(keys: list[tuple[str, float]]) -> None:
    assert _is_fair(*keys)


@pytest.mark.parametrize(
    "keys",
    [
        [],
        [("1", -0.2)],
        [("1", 0.1)],
        [("1", 2.1)],
        [("1", 0.1), ("1", 0.2)],
        [("1", -0.5), ("1", 0.2), ("1", 0.23), ("1", 0.26)],
        [("1\r", 0.3)],
        [(DOWN, 0.3)],
        [(DOWN, 0.3), (ENTER, 0.35)],
        [("5", 0.3)],
        [(CTRL_C, 0.3)],
    ],
)
def test_no_other_key_may(keys: list[tuple[str, float]]) -> None:
    assert not _is_fair(*keys)


def test_a_question_may_be_left_without_waiting_and_a_key_sends_one_order_at_most() -> None:
    assert _is_fair((CTRL_C, 0.05), orders=0)
    assert _is_fair((ESCAPE, 0.3), orders=0)
    assert not _is_fair(("k", 0.3), (ESCAPE, 0.31), orders=0)
    assert not _is_fair((ESCAPE, 0.3))
    assert not _is_fair(("1", 0.3), orders=2)
    assert not _is_fair(("1", 0.05), question=COUNT, orders=0)
