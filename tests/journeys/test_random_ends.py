"""Signals and hang-ups at random moments.

Every program ends in time, prints nothing unexpected and leaves nothing behind. Most programs are forked
from one that has loaded the modules, and get the exchange's address, both to save their start. Programs that
end during their start are new interpreters that look for the practice exchange.
"""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import proof
import pytest
from cases import naming
from faulty_exchange import FaultyExchange, running_faulty_exchange
from forked_programs import Ended, ForkedProgram, ForkServer, fork_server
from lost_answers import DOWN
from terminal import LONGEST_WAIT_S

from kalshi_trading.journal.sessions import is_alive
from kalshi_trading.ui.terminal.termination import GRACE_S

pytestmark = pytest.mark.journey
UP = "\x1b[A"
SIGNALS = (signal.SIGTERM, signal.SIGHUP)
BATCH = 10
TOLERANCE_S = 0.7
"""Time the machine may need to wake a process and to remove an ended one."""
BLOCKED_S = GRACE_S + TOLERANCE_S  # the watchdog may have to end it
START_S = 3 * GRACE_S  # without its own SIGHUP, a program notices a hang-up only after part of its start
STRANGE = ("Traceback", "Press ENTER", "Exception ignored", "Unexpected", "unexpected", "Error")
CURSOR, BRACKETED_PASTE = 25, 2004


@dataclass(frozen=True)
class Place:
    """Home, exchange and fork server of a module's programs."""

    home: Path
    faulty: FaultyExchange
    server: ForkServer

    @property
    def settings(self) -> dict[str, str]:
        """Settings that connect a program to this exchange."""
        exchange = self.faulty.exchange
        return {
            "KALSHI_ENVIRONMENT": "sandbox",
            "KALSHI_API_BASE_URL": exchange.url,
            "KALSHI_API_KEY": exchange.key_id,
            "KALSHI_API_SECRET": exchange.private_key_path,
        }


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    home = tmp_path_factory.mktemp("home")
    practice = home / "data/practice"
    with running_faulty_exchange(practice, "--seed", "11") as faulty, fork_server(home) as server:
        yield Place(home, faulty, server)


# --- Moments --------------------------------------------------------------------------------------


def starting(place: Place, terminal: ForkedProgram, dice: random.Random) -> None:
    """The start, from the first instruction of the process to the menu."""
    terminal.run_for(dice.uniform(0, 0.5))


def redrawing(place: Place, terminal: ForkedProgram, dice: random.Random) -> None:
    """The menu follows a burst of keys."""
    terminal.menu()
    for _ in range(dice.randint(1, 30)):
        terminal.press(dice.choice([DOWN, UP, DOWN * 2, UP + DOWN]))
        terminal.run_for(dice.choice([0, 0, 0.001, 0.01]))
    terminal.run_for(dice.choice([0, dice.uniform(0, 0.05)]))


def reading(place: Place, terminal: ForkedProgram, dice: random.Random) -> None:
    """A screen is being read, slowly, or has just been read."""
    terminal.menu()
    place.faulty.fail({"kind": "before_accept", "method": "GET", "delay_s": dice.uniform(0, 0.3)})
    terminal.press(dice.choice("13459"))
    terminal.run_for(dice.uniform(0, 0.6))


def waiting(place: Place, terminal: ForkedProgram, dice: random.Random) -> None:
    """A screen is being read, and the exchange does not answer."""
    terminal.menu()
    place.faulty.fail({"kind": "before_accept", "method": "GET", "hold_s": 30})
    terminal.press(dice.choice("31"))
    terminal.wait_for(r"…\s*\Z")
    terminal.run_for(dice.uniform(0, 0.3))


def deciding(place: Place, terminal: ForkedProgram, dice: random.Random) -> None:
    """A consequential question is open, some with keys pressed too early."""
    terminal.choose("0", "Exit the program")
    terminal.press(dice.choice(["", DOWN, DOWN + UP, "111"]))
    terminal.run_for(dice.uniform(0, 0.1))


def typing(place: Place, terminal: ForkedProgram, dice: random.Random) -> None:
    """Text is being typed into a question."""
    terminal.choose("2", "Search markets or enter a ticker")
    for _ in range(dice.randint(0, 20)):
        terminal.press(dice.choice("abc é\x7f"))
        terminal.run_for(dice.choice([0, 0.002]))


def leaving(place: Place, terminal: ForkedProgram, dice: random.Random) -> None:
    """The user has exited, and the program is about to end."""
    terminal.choose("0", "Exit the program")
    terminal.decide("Exit the program", "e")
    terminal.run_for(dice.uniform(0, 0.3))


def stalled(place: Place, terminal: ForkedProgram, dice: random.Random) -> None:
    """The terminal accepts no more output."""
    terminal.menu()
    for _ in range(200):
        terminal.press(DOWN * dice.randint(1, 3))
        time.sleep(0.002)  # each is drawn separately


@dataclass(frozen=True)
class Moment:
    """A way to reach a moment, and the requirements for an end at it."""

    reach: Callable[[Place, ForkedProgram, random.Random], None]
    other_statuses: tuple[int, ...] = ()
    limit_s: float = GRACE_S
    """An orderly end comes before the watchdog's."""


UNHEEDED = tuple(-number for number in SIGNALS)
"""Statuses of a process killed by a signal: before its handlers, or after Python has ended."""
MOMENTS = {
    "start": Moment(starting, UNHEEDED, START_S),
    "menu": Moment(redrawing),
    "reading": Moment(reading),
    "question": Moment(deciding),
    "warm start": Moment(starting, UNHEEDED, START_S),
    "no answer": Moment(waiting, limit_s=BLOCKED_S),
    "text": Moment(typing),
    "end": Moment(leaving, (0, *UNHEEDED)),
    "no output": Moment(stalled, limit_s=BLOCKED_S),
}


# --- Trials ---------------------------------------------------------------------------------------


def run_trial(place: Place, number: int, way: Callable[..., list[str]]) -> list[str]:
    """Run the trial of this number; return everything that went wrong."""
    dice = random.Random(number)
    name = list(MOMENTS)[number % len(MOMENTS)]
    settings: Mapping[str, str] = {} if name == "start" else place.settings
    is_leader = bool(number % 2)
    place.faulty.fail()
    with (
        naming(f"trial {number}: {name}, {'leader' if is_leader else 'not leader'}"),
        place.server.start(is_fresh=name == "start", is_leader=is_leader, **settings) as terminal,
    ):
        moment = MOMENTS[name]
        moment.reach(place, terminal, dice)
        wrong = way(terminal, moment, dice)
        if terminal.modes not in (None, terminal.modes_at_first):
            wrong.append(f"the terminal has other modes: {terminal.modes}, {terminal.modes_at_first}")
        wrong += [f"the screen shows {word}" for word in STRANGE if word in terminal.text]
        wrong += leftovers(place)
        return [f"{number} ({name}): {each}" for each in wrong]


def by_signals(terminal: ForkedProgram, moment: Moment, dice: random.Random) -> list[str]:
    """End the program by a signal, and sometimes by another one soon after."""
    first, second = dice.choice(SIGNALS), dice.choice(SIGNALS)
    is_read = moment.reach is not stalled
    signalled_at = time.monotonic()
    terminal.signal(first)
    expected = {128 + first, *moment.other_statuses}
    limit_s = moment.limit_s
    if dice.random() < 0.4 and terminal.wait_for_end(dice.uniform(0, 0.3), reading=is_read) is None:
        signalled_at, limit_s = time.monotonic(), TOLERANCE_S
        terminal.signal(second)
        expected |= {128 + second, -second}
    end = terminal.wait_for_end(LONGEST_WAIT_S, reading=is_read)
    wrong = wrong_end(terminal, end, signalled_at, limit_s, expected)
    if is_read and end is not None and end.status > 0:
        wrong += ["it leaves no cursor"] if not terminal.is_mode_on(CURSOR, at_first=True) else []
        wrong += ["it leaves brackets"] if terminal.is_mode_on(BRACKETED_PASTE, at_first=False) else []
    return wrong


def by_hang_up(terminal: ForkedProgram, moment: Moment, dice: random.Random) -> list[str]:
    """End the program by closing its terminal."""
    closed_at = time.monotonic()
    terminal.close()
    expected = {128 + signal.SIGHUP, *moment.other_statuses}
    end = terminal.wait_for_end(LONGEST_WAIT_S)
    return wrong_end(terminal, end, closed_at, moment.limit_s, expected)


def wrong_end(
    terminal: ForkedProgram, end: Ended | None, asked_at: float, limit_s: float, expected: set[int]
) -> list[str]:
    if end is None:
        return ["it lives on"]
    wrong = [] if end.status in expected else [f"it ended with {end.status}, not {expected}"]
    if end.at - asked_at > limit_s + terminal.delayed_s:
        wrong.append(f"it took {end.at - asked_at:.2f} s, not {limit_s} s")
    return wrong


def leftovers(place: Place) -> list[str]:
    """Return leftovers: sessions that seem alive, logged errors, processes.

    A process that looks for the practice exchange may end a little later.
    """
    logs = place.home / "logs"
    left = [
        f"session {lock.stem} seems alive"
        for lock in logs.glob("*/sessions/*.lock")
        if is_alive(lock.parent.parent, lock.stem)
    ]
    for log in logs.rglob("errors.log"):
        said = log.read_text()
        left += [f"on record: {said}"] if "Traceback" in said else []
        log.unlink()
    deadline = time.monotonic() + LONGEST_WAIT_S
    while processes := sorted(processes_of(place.home) - {place.server.pid}):
        if time.monotonic() > deadline:
            return [*left, f"processes are left: {processes}"]
        time.sleep(0.02)
    return left


def processes_of(home: Path) -> set[int]:
    """Return the processes whose environment names this home."""
    found = set()
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has ended, or belongs to another user
            if f"HOME={home}\0".encode() in (process / "environ").read_bytes():
                found.add(int(process.name))
    return found


def batches(first: int, count: int) -> list[range]:
    """Divide trials into batches; consecutive numbers have different moments."""
    after = first + count
    return [range(number, min(number + BATCH, after)) for number in range(first, after, BATCH)]


@pytest.mark.parametrize("numbers", batches(0, proof.CURRENT.signals), ids=str)
def test_a_signal_at_any_moment_ends_the_program_in_time(place: Place, numbers: range) -> None:
    assert [wrong for number in numbers for wrong in run_trial(place, number, by_signals)] == []


@pytest.mark.parametrize("numbers", batches(proof.CURRENT.signals, proof.CURRENT.hang_ups), ids=str)
def test_a_hang_up_at_any_moment_ends_the_program_in_time(place: Place, numbers: range) -> None:
    assert [wrong for number in numbers for wrong in run_trial(place, number, by_hang_up)] == []
