"""The program is stopped and resumed, by a shell or another program."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import pytest
from terminal import ENTER, LONGEST_WAIT_S, Terminal, program, shell

pytestmark = pytest.mark.journey
CTRL_Z, CTRL_L = "\x1a", "\x0c"
LEAVING = "Exit the program"


def is_stopped(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"


def stop_and_go_on(terminal: Terminal) -> None:
    """Stop the program, read its terminal in lines as a shell does, resume it."""
    terminal.signal(signal.SIGSTOP)
    deadline = time.monotonic() + LONGEST_WAIT_S
    while not is_stopped(terminal.pid):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    terminal.set_line_mode()
    terminal.signal(signal.SIGCONT)


@pytest.mark.parametrize("at_menu", [True, False])
def test_keys_work_after_another_program_stopped_this_one(home: Path, at_menu: bool) -> None:
    with program(home) as terminal:
        terminal.menu()
        if at_menu:
            stop_and_go_on(terminal)
            terminal.press("0")
        else:
            terminal.press("0")
            terminal.wait_for(LEAVING)
            stop_and_go_on(terminal)
        terminal.decide(LEAVING, "0")
        terminal.leave()
        assert terminal.exit_status() == 0


def test_keys_work_after_an_ignored_suspension(home: Path) -> None:
    """Without a parent shell the system ignores Ctrl-Z."""
    with program(home) as terminal:
        terminal.menu()
        drawn = len(terminal.raw)
        terminal.press(CTRL_Z)
        terminal.wait_until(lambda _: len(terminal.raw) > drawn)
        terminal.menu()
        stop_and_go_on(terminal)
        terminal.leave()
        assert terminal.exit_status() == 0


def test_redrawing_keeps_the_screen(home: Path) -> None:
    with program(home) as terminal:
        terminal.menu()
        terminal.press("9")
        terminal.wait_for(r"MARKET_ORDER_CAP.*Refresh\s*\Z")
        before = terminal.screen
        terminal.press(CTRL_L)
        terminal.wait_until(lambda _: terminal.screen.strip() and "MARKET_ORDER_CAP" in terminal.screen)
        assert terminal.screen.splitlines()[-3:] == before.splitlines()[-3:]
        terminal.press("0")
        terminal.leave()


def test_a_suspended_program_can_be_terminated(home: Path) -> None:
    with shell(home) as terminal:
        terminal.press(CTRL_Z)
        terminal.wait_for(r"Stopped.*shell>\s*\Z")
        terminal.type("kill %1")
        terminal.wait_until(lambda text: "Exit 143" in text or terminal.press(ENTER))  # the shell is late
        terminal.type("stty -a")
        assert terminal.wait_for(r"isig icanon .*\becho ")


def test_a_suspension_resets_the_gate(home: Path) -> None:
    with shell(home) as terminal:
        terminal.press("0")
        terminal.wait_for(f"› {LEAVING}")
        terminal.press(CTRL_Z)
        terminal.wait_for(r"Stopped.*shell>\s*\Z")
        time.sleep(1.2)  # as long as a person needs to come back
        terminal.press("fg\r1")
        terminal.wait_for(f"› {LEAVING}.*Ignored.*")
        terminal.decide(LEAVING, "e")
        assert terminal.wait_for(r"shell>\s*\Z")


@pytest.mark.parametrize("after_s", [0.0, 0.06])
def test_a_short_suspension_makes_no_key_count_earlier(home: Path, after_s: float) -> None:
    with shell(home) as terminal:
        terminal.press("0")
        terminal.wait_for(f"› {LEAVING}")
        terminal.press(CTRL_Z)
        terminal.wait_for(r"Stopped.*shell>\s*\Z")
        drawn = terminal.raw.count(LEAVING.encode())
        terminal.type("fg")
        terminal.wait_until(lambda _: terminal.raw.count(LEAVING.encode()) > drawn)
        time.sleep(after_s)
        terminal.press("e")
        terminal.wait_for(f"{LEAVING}.*Ignored: too early")
        terminal.decide(LEAVING, "e")
        assert terminal.wait_for(r"shell>\s*\Z")
