"""Run many programs in pseudo-terminals, forked from a preloaded process.

`fork_server(home)` starts that process, `ForkServer.start` a program. It runs `program.main` and ends like
`main.py`. `is_fresh` starts a new interpreter that runs `main.py`. The server waits for every program and
reports when and how it ended, by the clock that all processes share.
"""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

import pexpect
from pexpect.fdpexpect import fdspawn

if __name__ == "__main__":  # without the paths that pytest sets
    sys.path[:0] = [str(Path(__file__).resolve().parents[1])]

from terminal import LONGEST_WAIT_S, PROJECT, Terminal, environment

POLL_S = 0.02


@dataclass(frozen=True)
class Ended:
    """End of a program: exit status (negative: signal) and time."""

    status: int
    at: float


class ForkedProgram(Terminal):
    """A program in a pseudo-terminal, started by the server."""

    def __init__(self, server: ForkServer, pid: int, master: int, size: tuple[int, int]) -> None:
        columns, rows = size
        super().__init__(cast("pexpect.spawn[bytes]", fdspawn(master)), columns, rows)
        self.pid = pid
        self.modes_at_first: list[Any] = []
        """The terminal modes before the program started."""
        self._server = server
        self._master: int | None = master
        self._end: Ended | None = None
        self.delayed_s = 0.0
        """Seconds this process itself was delayed by the machine while it waited for the end."""

    def signal(self, number: int) -> None:
        with suppress(ProcessLookupError):  # it has just ended
            os.kill(self.pid, number)

    def close(self) -> None:
        """Close the terminal: a hang-up, if the program still runs."""
        if self._master is not None:
            os.close(self._master)
            self._master = None

    def run_for(self, seconds: float) -> None:
        """Feed the screen with the program's output for this time."""
        ends_at = time.monotonic() + seconds
        while (left := ends_at - time.monotonic()) > 0:
            if not self._read(left):
                time.sleep(max(0.0, min(0.01, ends_at - time.monotonic())))  # the output has ended

    def wait_for_end(self, within_s: float, *, reading: bool = True) -> Ended | None:
        """Wait for the end of the program. None: it still runs.

        `reading` reads its output meanwhile, as terminals do.
        """
        deadline = time.monotonic() + within_s
        while self._end is None:
            looked_at = time.monotonic()
            if looked_at > deadline:
                return None
            if reading and self._master is not None:
                self._read(POLL_S)
            end = self._server.receive("status", POLL_S)
            self.delayed_s += max(0.0, time.monotonic() - looked_at - 2 * POLL_S)
            if end is not None:
                self._server.wait_for("over")
                self._end = Ended(os.waitstatus_to_exitcode(end["status"]), end["at"])
        while self._master is not None and self._read(0):
            pass
        return self._end

    @property
    def modes(self) -> list[Any] | None:
        """The terminal modes. None: the terminal is closed."""
        return None if self._master is None else termios.tcgetattr(self._master)

    def is_mode_on(self, mode: int, *, at_first: bool) -> bool:
        """Return True if this screen mode was last switched on.

        `at_first`: the result if it was never switched.
        """
        on, off = (self.raw.rfind(b"\x1b[?%d%c" % (mode, end)) for end in b"hl")
        return at_first if on == off else on > off


class ForkServer:
    """The process that forks all programs, one at a time."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdin
        assert process.stdout
        self.pid = process.pid
        self._orders: IO[bytes] = process.stdin
        self._answers: IO[bytes] = process.stdout

    @contextmanager
    def start(
        self, *arguments: str, is_fresh: bool = False, is_leader: bool = True, **settings: str
    ) -> Iterator[ForkedProgram]:
        """Run a program, and kill it at the end if it still runs.

        A program that is no leader was started by another program in its terminal, which ignores hang-ups.
        """
        master, slave = os.openpty()
        size = 100, 50
        termios.tcsetwinsize(slave, (size[1], size[0]))
        before = termios.tcgetattr(slave)
        order = {"terminal": os.ttyname(slave), "arguments": arguments, "settings": settings}
        self._orders.write(json.dumps(order | {"fresh": is_fresh, "leader": is_leader}).encode() + b"\n")
        self._orders.flush()
        child = ForkedProgram(self, self.wait_for("pid")["pid"], master, size)
        child.modes_at_first = before
        os.close(slave)
        try:
            yield child
        finally:
            if child.wait_for_end(0) is None:
                child.signal(signal.SIGKILL)
                child.wait_for_end(LONGEST_WAIT_S)
            child.close()

    def receive(self, what: str, timeout: float) -> dict[str, Any] | None:
        """Return the server's next message, which must have this key.

        None: timeout.
        """
        if not select.select([self._answers], [], [], timeout)[0]:
            return None
        answer: dict[str, Any] = json.loads(self._answers.readline())
        assert what in answer, f"{what} was expected, not {answer}"
        return answer

    def wait_for(self, what: str) -> dict[str, Any]:
        answer = self.receive(what, LONGEST_WAIT_S)
        assert answer is not None, f"the server does not report its {what}"
        return answer


@contextmanager
def fork_server(home: Path) -> Iterator[ForkServer]:
    """Load the modules once, for programs of this home."""
    process = subprocess.Popen(
        [sys.executable, __file__],
        bufsize=0,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment(home) | {"PYTHONPATH": str(PROJECT)},
        cwd=PROJECT,
    )
    try:
        yield ForkServer(process)
    finally:
        assert process.stdin
        assert process.stdout
        process.stdin.close()
        process.stdout.close()
        process.wait()


# --- In the process itself ------------------------------------------------------------------------


def serve() -> int:
    """Start programs on request, one per line.

    In a program, returns its exit status.
    """
    answers = os.dup(1)
    for line in sys.stdin:
        order = json.loads(line)
        leader = os.fork()
        if not leader and order["leader"]:
            return _run_as_leader(order, answers)
        if not leader:
            _enter(order["terminal"])
            signal.signal(signal.SIGHUP, signal.SIG_IGN)
            child = os.fork()
            if not child:
                return _run(order, answers)
            _report_end(child, answers)
            os._exit(0)
        if order["leader"]:
            _report_end(leader, answers)
        else:
            os.waitpid(leader, 0)
        _send(answers, {"over": True})
    return 0


def _send(answers: int, what: Mapping[str, Any]) -> None:
    os.write(answers, json.dumps(what).encode() + b"\n")


def _report_end(child: int, answers: int) -> None:
    _send(answers, {"pid": child})
    status = os.waitpid(child, 0)[1]
    _send(answers, {"status": status, "at": time.monotonic()})


def _enter(terminal: str) -> None:
    """Make this terminal the controlling terminal of a new session."""
    os.setsid()
    descriptor = os.open(terminal, os.O_RDWR)  # becomes the session's controlling terminal
    for standard in range(3):
        os.dup2(descriptor, standard)
    os.close(descriptor)


def _run_as_leader(order: Mapping[str, Any], answers: int) -> int:
    _enter(order["terminal"])
    return _run(order, answers)


def _run(order: Mapping[str, Any], answers: int) -> int:
    os.close(answers)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)  # the tests may run under nohup
    os.environ.update(order["settings"])
    if order["fresh"]:
        os.execv(sys.executable, [sys.executable, str(PROJECT / "main.py"), *order["arguments"]])
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115  (open as long as the program runs)
    sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    from kalshi_trading.ui import program

    return program.main(order["arguments"])


if __name__ == "__main__":
    import questionary
    import rich.console

    from kalshi_trading.ui import app, menu
    from kalshi_trading.ui.prompts import terminal_prompter
    from kalshi_trading.ui.terminal import modes as terminal_modes
    from kalshi_trading.ui.terminal import termination

    PRELOADED = (questionary, rich.console, app, menu, terminal_modes, terminal_prompter, termination)
    sys.exit(serve())
