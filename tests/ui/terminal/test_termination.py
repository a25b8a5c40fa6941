"""Signals end the program in order or at once; a hang-up counts once."""

from __future__ import annotations

import subprocess
import sys

import pytest

ORDER_UNDER_WAY = """
import os, signal, sys, time
from kalshi_trading.ui.terminal.termination import CtrlC, TerminationRequested, Termination

class Modes:
    is_terminal = False
    is_in_background = {is_in_background}
    def restore(self): pass

termination = Termination(lambda error: {is_asking}, Modes(), CtrlC())
termination.listen()
try:
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(0.2)
except TerminationRequested as end:
    time.sleep(0.1)
    print("in order", termination.request is end)
    sys.exit(end.exit_status)
print("lives on")
"""


@pytest.mark.parametrize(
    ("is_in_background", "is_asking", "status", "said"),
    [
        (False, False, 143, "in order True\n"),
        (True, False, 143, "in order True\n"),
        (True, True, 143, ""),
        (False, True, 0, "lives on\n"),  # the question ends it
    ],
)
def test_only_a_question_in_the_background_ends_at_once(
    is_in_background: bool, is_asking: bool, status: int, said: str
) -> None:
    """An order being sent in the background gets its time."""
    code = ORDER_UNDER_WAY.format(is_in_background=is_in_background, is_asking=is_asking)
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (status, said, "")


SIGNAL_IN_A_DESTRUCTOR = """
import os, signal, time
from kalshi_trading.ui.terminal.termination import CtrlC, Termination

class Modes:
    is_terminal = False
    is_in_background = False
    def restore(self): pass

class Weak:
    def __init__(self, number):
        self.number = number
    def __del__(self):
        os.kill(os.getpid(), self.number)
        time.sleep(0.01)

Termination(lambda error: False, Modes(), CtrlC()).listen()
Weak(signal.SIGINT)
print("lives on", flush=True)
Weak(signal.SIGTERM)
time.sleep(10)
"""


def test_a_signal_inside_a_destructor_prints_nothing_and_a_request_still_ends_the_program() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", SIGNAL_IN_A_DESTRUCTOR], capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (143, "lives on\n", "")
