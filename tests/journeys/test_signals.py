"""Interrupt the program while the answer to an order is withheld.

No work is interrupted halfway, and no order is forgotten.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from lost_answers import FaultyHome, faulty_home, lose_request, open_ticket, send, withhold_answer
from terminal import CTRL_C, Terminal, program, shell

from kalshi_trading.ui.terminal.termination import REPEATS_WITHIN_S

pytestmark = pytest.mark.journey
WIDE = 180  # every sentence fits on one line
SENTENCE = r"BUY {} YES KX\S+ at 2¢"


@pytest.fixture
def faulty(tmp_path: Path) -> Iterator[FaultyHome]:
    with faulty_home(tmp_path) as home:
        yield home


def leave(terminal: Terminal, *, keeping_an_order: bool = True) -> None:
    """Exit; answer the question about the open order if one is kept."""
    terminal.menu()
    terminal.press("0")
    question = "You have 1 open order. Keep or cancel" if keeping_an_order else "Exit the program"
    terminal.decide(question, "e")
    assert terminal.exit_status() == 0
    assert "Traceback" not in terminal.text


def recovered(home: Path, count: str) -> None:
    """Check that the next start names the order before the menu and finds it."""
    with program(home, columns=WIDE) as terminal:
        terminal.wait_for(f"Order from an earlier session, status unknown: {SENTENCE.format(count)}")
        terminal.wait_for(rf"Found: {SENTENCE.format(count)}.*resting\)\..*Menu")
        leave(terminal)
        assert "unknown, still" not in terminal.text


def test_ctrl_c_waits_for_the_order_and_shows_what_became_of_it(faulty: FaultyHome) -> None:
    faulty.fail(withhold_answer(3))
    with program(faulty.folder, columns=WIDE) as terminal:
        open_ticket(terminal, "11")
        send(terminal, "Sending the order")
        terminal.press(CTRL_C)
        terminal.wait_for("Finishing the order")
        terminal.wait_for("Open: BUY 11 YES at 2¢.*found at the exchange: open")
        leave(terminal)
    assert faulty.events()[:4] == ["order.intent", "order.sending", "order.unknown", "order.acknowledged"]


def test_a_second_ctrl_c_leaves_the_order_to_recovery(faulty: FaultyHome) -> None:
    faulty.fail(withhold_answer(4))
    with program(faulty.folder, columns=WIDE) as terminal:
        open_ticket(terminal, "12")
        send(terminal, "Sending the order")
        terminal.press(CTRL_C)
        terminal.wait_for("Finishing the order")
        terminal.pause(2 * REPEATS_WITHIN_S)
        terminal.press(CTRL_C)
        unknown = f"Order status unknown, still checking: {SENTENCE.format(12)}"
        terminal.wait_for(f"{unknown}.*It may be live; don't resend")
        terminal.wait_for(f"{unknown}.*{unknown}")  # also above the menu
        deadline = time.monotonic() + 90
        while "ound at the exchange: open" not in " ".join(terminal.text.split()):
            assert time.monotonic() < deadline, terminal.text
            terminal.choose("3", r"Refresh\s*\Z")
            terminal.press("0")
            terminal.menu()
        terminal.wait_for(rf"{SENTENCE.format(12)}.*: Open\..*ound at the exchange")
        leave(terminal)
    assert faulty.events()[:4] == ["order.intent", "order.sending", "order.unknown", "order.acknowledged"]


def test_ctrl_c_held_down_leaves_the_task_and_not_the_program(tmp_path: Path) -> None:
    with program(tmp_path) as terminal:
        terminal.choose("1", "Refresh")
        for _ in range(90):
            terminal.send(CTRL_C.encode())
            terminal.pause(1 / 60)
        terminal.wait_until_read()
        terminal.wait_for(r"(0  Exit|› Exit the program[^›]*)\s*\Z")
        if terminal.text.rstrip().endswith("0  Exit"):
            terminal.press("0")
        terminal.decide("Exit the program", "e")
        assert terminal.exit_status() == 0
        assert "Traceback" not in terminal.text, terminal.text


ENDS = {
    "SIGTERM": (lambda terminal: terminal.end_by_signal(signal.SIGTERM), 143),
    "SIGHUP": (lambda terminal: terminal.end_by_signal(signal.SIGHUP), 129),
    "hang-up": (Terminal.hang_up, 129),
}
RECORDED = ["order.intent", "order.sending", "order.unknown"]


@pytest.mark.parametrize(("hold_s", "events"), [(0.5, RECORDED), (6, RECORDED[:2])], ids=["soon", "late"])
@pytest.mark.parametrize("end", ENDS)
def test_an_end_waits_two_seconds_for_the_answer_to_an_order(
    faulty: FaultyHome, end: str, hold_s: float, events: list[str]
) -> None:
    """The next start finds an order whose answer was not recorded by then."""
    end_by_signal, status = ENDS[end]
    count = str(20 + list(ENDS).index(end))
    faulty.fail(withhold_answer(hold_s))
    with program(faulty.folder, columns=WIDE) as terminal:
        open_ticket(terminal, count)
        send(terminal, "Sending the order")
        assert end_by_signal(terminal) == status
        assert "Traceback" not in terminal.text
    assert faulty.events() == events
    recovered(faulty.folder, count)


def test_a_window_that_is_closed_gives_an_order_its_two_seconds(faulty: FaultyHome) -> None:
    """The window's shell and the kernel both signal it, one after the other."""
    faulty.fail(withhold_answer(0.5))
    with shell(faulty.folder, columns=WIDE) as terminal:
        open_ticket(terminal, "23")
        send(terminal, "Sending the order")
        terminal.close()
        deadline = time.monotonic() + 10
        while faulty.events() != RECORDED:
            assert time.monotonic() < deadline, faulty.events()
            time.sleep(0.05)
    recovered(faulty.folder, "23")


def test_a_kill_leaves_an_order_that_the_next_start_names_first_and_finds(faulty: FaultyHome) -> None:
    faulty.fail(withhold_answer(2))
    with program(faulty.folder, columns=WIDE) as terminal:
        open_ticket(terminal, "16")
        send(terminal, "Sending the order")
        terminal.wait_for(r"Sending the order… 1 s")
        terminal.signal(signal.SIGKILL)
    assert faulty.events() == ["order.intent", "order.sending"]
    recovered(faulty.folder, "16")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_at_a_question_ends_the_program_in_order(faulty: FaultyHome, number: int) -> None:
    with program(faulty.folder, columns=WIDE) as terminal:
        terminal.menu()
        terminal.signal(number)
        assert terminal.exit_status() == 128 + number
        assert "Traceback" not in terminal.text
    assert faulty.events() == []


def test_during_an_unknown_outcome_the_screen_says_what_to_do_and_the_menu_works(faulty: FaultyHome) -> None:
    """The request is lost, and its absence cannot be proven for a minute."""
    faulty.fail(lose_request())
    with program(faulty.folder, columns=WIDE) as terminal:
        open_ticket(terminal, "17")
        send(terminal, "Sending the order")
        terminal.wait_for(r"Order status unknown, still checking\. It may be live; don't resend")
        terminal.wait_for("Order status unknown. It may be live; don't resend")
        terminal.wait_for(f"Order status unknown, still checking: {SENTENCE.format(17)}.*It may be live")
        terminal.choose("1", r"Refresh\s*\Z")
        terminal.press("0")
        open_ticket(terminal, "18")
        assert "‼" in terminal.text
        assert "status unknown" in terminal.text.split("Place this order")[-2].lower()
        terminal.press(CTRL_C)
        terminal.wait_for("Back to the menu")
        leave(terminal, keeping_an_order=False)
    assert faulty.events()[:3] == ["order.intent", "order.sending", "order.unknown"]
