"""The real program in a pseudo-terminal, read by a terminal emulator."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import signal
import sys
import termios
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pexpect
import pyte
import pytest
import shifted_clock

PROJECT = Path(__file__).resolve().parent.parent.parent.parent
ENTER, CTRL_C, CTRL_D = "\r", "\x03", "\x04"
LONGEST_WAIT_S = 60.0


class Terminal:
    """The user's end of a terminal.

    Waits for text on the screen, never for a fixed time.
    """

    def __init__(self, child: pexpect.spawn[bytes], columns: int, rows: int) -> None:
        self._child = child
        self.pid = int(child.pid or 0)
        self._screen = pyte.HistoryScreen(columns, rows, history=5000)
        self._screen.write_process_input = self.press  # terminals answer status requests
        self._stream = pyte.ByteStream(self._screen)
        self.raw = b""

    def _read(self, timeout: float) -> bool:
        try:
            data = self._child.read_nonblocking(65_536, timeout=timeout)
        except (pexpect.TIMEOUT, pexpect.EOF):
            return False
        self.raw += data
        self._stream.feed(data)
        return True

    @property
    def text(self) -> str:
        """The screen and its scrollback, one line per row."""
        columns = self._screen.columns
        scrolled = ["".join(row[x].data for x in range(columns)) for row in self._screen.history.top]
        return "\n".join(line.rstrip() for line in [*scrolled, *self._screen.display])

    @property
    def screen(self) -> str:
        """The current screen."""
        return "\n".join(line.rstrip() for line in self._screen.display)

    def wait_for(self, pattern: str) -> re.Match[str]:
        """Read until the pattern is on the screen, and return the match."""
        self.wait_until(lambda text: bool(re.search(pattern, text, re.DOTALL)), repr(pattern))
        found = re.search(pattern, self.text, re.DOTALL)
        assert found
        return found

    def wait_until(self, seen: Callable[[str], bool], what: str = "it") -> None:
        """Read until the screen meets this condition."""
        deadline = time.monotonic() + LONGEST_WAIT_S
        while not seen(self.text):
            assert time.monotonic() < deadline, f"{what} did not appear. The screen shows:\n{self.text}"
            self._read(0.1)

    def pause(self, seconds: float) -> None:
        """Read the program's output for this time."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            self._read(left)

    def press(self, keys: str) -> None:
        self._child.send(keys.encode())

    def send(self, data: bytes) -> None:
        """Send raw bytes at once."""
        while data:
            data = data[os.write(self._child.child_fd, data) :]

    def wait_until_read(self) -> None:
        """Wait until the program has read the sent bytes."""
        line = os.open(f"/proc/{self.pid}/fd/0", os.O_RDONLY | os.O_NOCTTY)
        deadline = time.monotonic() + LONGEST_WAIT_S
        try:
            while int.from_bytes(fcntl.ioctl(line, termios.FIONREAD, bytes(4)), sys.byteorder):
                assert time.monotonic() < deadline, self.text
                time.sleep(0.0002)
        finally:
            os.close(line)

    def type(self, text: str) -> None:
        """Answer a text question."""
        self.press(text + ENTER)

    def decide(self, question: str, key: str) -> None:
        """Answer a consequential question once its mark shows it accepts keys."""
        self.wait_for(rf"› {question}[^›]*\Z")
        self.press(key)

    def leave(self) -> None:
        """Exit from the menu, without open orders."""
        self.menu()
        self.press("0")
        self.decide("Exit the program", "e")

    def menu(self) -> None:
        """Wait until the menu is last on the screen."""
        self.wait_for(r"0  Exit\s*\Z")

    def choose(self, key: str, then: str) -> re.Match[str]:
        """Choose a menu entry and wait for this pattern."""
        self.menu()
        self.press(key)
        return self.wait_for(then)

    def signal(self, number: int) -> None:
        """Send the program a signal."""
        self._child.kill(number)

    def end_by_signal(self, number: int) -> int:
        """Send a signal, wait for the end and return the exit status."""
        self.signal(number)
        return self.exit_status()

    def set_line_mode(self) -> None:
        """Set line mode, as before a program wants single keys."""
        modes = termios.tcgetattr(self._child.child_fd)
        modes[3] |= termios.ICANON
        termios.tcsetattr(self._child.child_fd, termios.TCSANOW, modes)

    def close(self) -> None:
        """Close the terminal while the program runs."""
        self._child.ptyproc.fileobj.close()

    def hang_up(self) -> int:
        """Close the terminal and return the program's exit status."""
        self.close()
        deadline = time.monotonic() + LONGEST_WAIT_S
        while self._child.isalive():
            assert time.monotonic() < deadline, "the program lives on without its terminal"
            time.sleep(0.05)
        self._child.ptyproc.closed = True
        assert self._child.exitstatus is not None, f"ended by signal {self._child.signalstatus}"
        return int(self._child.exitstatus)

    def exit_status(self) -> int:
        """Wait for the program to end and return its exit status."""
        deadline = time.monotonic() + LONGEST_WAIT_S
        while self._child.isalive() and time.monotonic() < deadline:
            self._read(0.1)
        while self._read(0.1):
            pass
        self._child.close()
        assert self._child.exitstatus is not None, f"ended by signal {self._child.signalstatus}\n{self.text}"
        return int(self._child.exitstatus)


def environment(home: Path, **settings: str) -> dict[str, str]:
    """Return a new user's environment: empty home, only these settings."""
    names = ("PATH", "LANG", "LC_ALL", *shifted_clock.INHERITED)
    inherited = {name: os.environ[name] for name in names if name in os.environ}
    return {
        **inherited,
        "HOME": str(home),
        "TERM": "xterm-256color",
        "PYTHONUTF8": "1",
        "KALSHI_DATA_DIR": str(home / "data"),
        "KALSHI_LOG_DIR": str(home / "logs"),
        **settings,
    }


@contextmanager
def program(
    home: Path, *arguments: str, columns: int = 100, rows: int = 50, **settings: str
) -> Iterator[Terminal]:
    """Run `main.py` in a terminal, and kill it at the end if it still runs."""
    child: pexpect.spawn[bytes] = pexpect.spawn(
        sys.executable,
        [str(PROJECT / "main.py"), *arguments],
        env=environment(home, **settings),
        dimensions=(rows, columns),
        timeout=LONGEST_WAIT_S,
    )
    try:
        yield Terminal(child, columns, rows)
    finally:
        if child.isalive():  # pexpect waits only 0.1 s for a killed program
            child.kill(signal.SIGKILL)
            child.wait()
        child.close()


@contextmanager
def shell(home: Path, *, columns: int = 100) -> Iterator[Terminal]:
    """Run the program from an interactive shell."""
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("no bash here")
    child: pexpect.spawn[bytes] = pexpect.spawn(
        bash, ["--norc", "--noprofile", "-i"], env=environment(home, PS1="shell> "), dimensions=(50, columns)
    )
    try:
        terminal = Terminal(child, columns, 50)
        terminal.wait_for(r"shell>\s*\Z")
        terminal.type(f"{sys.executable} {PROJECT / 'main.py'}")
        terminal.menu()
        yield terminal
    finally:
        child.close(force=True)
