"""Files of the real program.

The start reports files that are not ours. Files it creates are readable by their owner only.
"""

from __future__ import annotations

import gzip
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import proof
import pytest
from cases import naming
from foreign_files import modes_below, open_to_others
from terminal import PROJECT, environment

pytestmark = pytest.mark.journey
BUY = "2\nbitcoin\n1\n1\n1\n1\n3\n1\n"
LEAVE = "0\ne\n"
LONGEST_S = 60
UMASKS = [0o000, 0o022, 0o077][: proof.CURRENT.journeys - 1]
"""The quick proof takes only the first: both programs' own tests try every umask on every file."""


def run(home: Path, typed: str, *, umask: int = 0o022, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run `main.py` with plain lines for input; fail if it does not end."""
    return subprocess.run(
        [sys.executable, str(PROJECT / "main.py")],
        input=typed,
        env=environment(home, KALSHI_PRACTICE_MARKETS="400", **settings),
        umask=umask,
        capture_output=True,
        text=True,
        timeout=LONGEST_S,
        check=False,
    )


def unwrapped(text: str) -> str:
    """Return text without any white space, so without the screen's breaks."""
    return "".join(text.split())


@pytest.fixture
def own_home(tmp_path: Path) -> Iterator[Path]:
    """An empty home; the practice exchange started there is stopped."""
    yield tmp_path
    ready = tmp_path / "data" / "practice" / "ready.json"
    if ready.exists():
        os.kill(json.loads(ready.read_text())["pid"], signal.SIGTERM)


def test_pipes_in_place_of_files_are_reported_and_lock_orders(home: Path, tmp_path: Path) -> None:
    folder = tmp_path / "practice"
    names = ["trades.log", "errors.log", "requests.log", "intents.lock", f"sessions/{'0' * 32}.lock"]
    (folder / "sessions").mkdir(parents=True)
    for name in names:
        os.mkfifo(folder / name)
    ended = run(home, BUY + LEAVE, KALSHI_LOG_DIR=str(tmp_path))
    assert (ended.returncode, ended.stderr) == (0, "")
    said = unwrapped(ended.stdout)
    for name in names:
        note = f"Note: {folder / name} is a named pipe (FIFO), not a regular file. Move it away."
        assert said.count(unwrapped(note)) == 1, name
    locked = (
        f"Trading is locked. The journal {folder / 'trades.log'} cannot be used: "
        "trades.log is a named pipe (FIFO), not a regular file. Move it away."
    )
    assert unwrapped(locked) in said
    assert "─ Result ─" not in ended.stdout
    assert "Result" not in ended.stdout


@pytest.mark.parametrize("name", ["practice-key.pem", "exchange.log"])
def test_a_pipe_in_the_practice_exchanges_files_is_one_sentence_and_exit_2(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "data" / "practice"
    folder.mkdir(parents=True)
    os.mkfifo(folder / name)
    ended = run(tmp_path, "")
    assert (ended.returncode, ended.stdout) == (2, "")
    assert f"{folder / name}" in ended.stderr
    assert "a named pipe (FIFO), not a regular file. Move it away." in ended.stderr
    assert len(ended.stderr.splitlines()) == 1


@pytest.mark.parametrize("umask", UMASKS)
def test_all_that_a_session_leaves_is_its_owners_alone_and_what_was_open_is_closed(
    own_home: Path, umask: int
) -> None:
    """Send an order in an empty home, open all files to others, start again."""
    own_home.chmod(0o755)
    ended = run(own_home, BUY + LEAVE, umask=umask)
    assert "Note:" not in ended.stdout, ended.stdout
    assert "Result" in ended.stdout, ended.stdout + ended.stderr
    made = modes_below(own_home / "logs") | modes_below(own_home / "data")
    assert len(made) >= 15, made
    with naming("made"):
        assert open_to_others(own_home / "logs") | open_to_others(own_home / "data") == {}
    put_aside = own_home / "logs" / "practice" / "trades-2026-01-05.log.gz"
    put_aside.write_bytes(gzip.compress(b""))
    for path in map(Path, made):
        path.chmod(0o777 if path.is_dir() else 0o666)
    put_aside.chmod(0o644)
    assert run(own_home, LEAVE, umask=umask).returncode == 0
    parents = {str(own_home / name): "777" for name in ("logs", "data")}
    with naming("closed"):
        assert open_to_others(own_home / "logs") | open_to_others(own_home / "data") == parents
