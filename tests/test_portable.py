"""The program without POSIX, on a Windows simulated by `support/windows`."""

from __future__ import annotations

import ast
import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from terminal import PROJECT, environment

from kalshi_trading.ui.terminal import modes

WINDOWS = PROJECT / "tests/support/windows"
POSIX_ONLY = {"fcntl", "grp", "pty", "pwd", "readline", "resource", "syslog", "termios", "tty"}
SOURCES = sorted((PROJECT / "kalshi_trading").rglob("*.py"))
SIGNALS_BELONG_TO = {
    "kalshi_trading/practice/server/program.py",
    "kalshi_trading/practice/server/server.py",
    "kalshi_trading/ui/terminal/signals.py",
}
IMPORT_ALL = """
import importlib, pkgutil, kalshi_trading
for module in pkgutil.walk_packages(kalshi_trading.__path__, "kalshi_trading."):
    try:
        importlib.import_module(module.name)
    except Exception as error:
        print(module.name, repr(error))
"""


def on_windows(command: Sequence[str], home: Path, typed: str = "") -> subprocess.CompletedProcess[str]:
    """Run Python where POSIX is hidden, in all child processes."""
    path = os.pathsep.join(map(str, (WINDOWS, PROJECT)))
    return subprocess.run(
        [sys.executable, *command],
        input=typed,
        env=environment(home, PYTHONPATH=path),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def names_of(node: ast.AST) -> set[str]:
    if isinstance(node, ast.Import):
        return {each.name for each in node.names}
    return {node.module or ""} if isinstance(node, ast.ImportFrom) else set()


def imports_at_the_top(source: Path) -> set[str]:
    return {name for node in ast.parse(source.read_text()).body for name in names_of(node)}


def imports_anywhere(source: Path) -> set[str]:
    return {name for node in ast.walk(ast.parse(source.read_text())) for name in names_of(node)}


def test_no_module_imports_posix_at_its_top():
    assert [path for path in SOURCES if imports_at_the_top(path) & POSIX_ONLY] == []


def test_signals_have_one_place_on_each_side():
    users = {str(path.relative_to(PROJECT)) for path in SOURCES if "signal" in imports_anywhere(path)}
    assert users == SIGNALS_BELONG_TO


def test_every_module_imports_without_posix(tmp_path):
    ended = on_windows(
        ["-c", "import signal; assert not hasattr(signal, 'SIGHUP'); import termios"], tmp_path
    )
    assert "ModuleNotFoundError: import of termios halted" in ended.stderr
    ended = on_windows(["-c", IMPORT_ALL], tmp_path)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")


def test_the_menu_trades_and_lists_its_orders_without_posix(tmp_path):
    ready = tmp_path / "data/practice/ready.json"
    search, market, buy_yes, market_order, quantity, place = "2", "1", "1", "2", "1", "1"
    typed = [search, "temperature", market, buy_yes, market_order, quantity, place, "0", "e"]
    try:
        ended = on_windows([str(PROJECT / "main.py")], tmp_path, "\n".join([*typed, ""]))
    finally:
        if ready.exists():
            os.kill(json.loads(ready.read_text())["pid"], signal.SIGKILL)
    assert (ended.returncode, ended.stderr) == (0, ""), ended.stdout
    journal = (tmp_path / "logs/practice/trades.log").read_text().splitlines()
    events = [line.split(" ", 2)[1] for line in journal]
    assert events[:3] == ["order.intent", "order.sending", "order.acknowledged"]


class Keys:
    """A console as `msvcrt` sees it: pending keys, and some that arrive later."""

    def __init__(self, waiting: str, later: str) -> None:
        self.waiting, self.later = list(waiting), list(later)
        self.arrives_at = time.monotonic() + 0.05

    def kbhit(self) -> bool:
        if self.later and time.monotonic() >= self.arrives_at:
            self.waiting, self.later = self.waiting + self.later, []
        return bool(self.waiting)

    def getwch(self) -> str:
        return self.waiting.pop(0)


class Console(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_keys_typed_before_a_question_are_discarded_without_termios(monkeypatch: pytest.MonkeyPatch):
    keys = Keys("1\r", "2\r")
    monkeypatch.setitem(sys.modules, "termios", None)
    monkeypatch.setitem(sys.modules, "msvcrt", keys)
    assert not modes.can_read_keys()
    modes.discard_typed_ahead(Console(), 0.2)
    assert (keys.waiting, keys.later) == ([], [])
