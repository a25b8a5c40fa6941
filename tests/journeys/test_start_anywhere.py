"""The start on a machine that is not as it should be: packages, folders, paths and names of settings."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import proof
import pytest
from cases import naming
from terminal import PROJECT, environment

pytestmark = pytest.mark.journey

MAIN = PROJECT / "main.py"
IN_THE_SESSION = ("requests", "rich")
IN_THE_EXCHANGE = ("cryptography", "uvicorn", "starlette")


def run(
    command: Sequence[str], home: Path, *, cwd: Path = PROJECT, typed: str = "", **settings: str
) -> subprocess.CompletedProcess[str]:
    """Run a command that starts the program with plain lines for input."""
    return subprocess.run(
        [*map(str, command)],
        input=typed,
        cwd=cwd,
        env=environment(home, **settings),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def sentence_of(ended: subprocess.CompletedProcess[str]) -> str:
    """Return the one line with which a start was refused."""
    assert (ended.returncode, "Traceback" in ended.stderr) == (2, False), ended.stderr
    assert len(ended.stderr.splitlines()) == 1, ended.stderr
    return ended.stderr.strip()


@contextmanager
def exchange_ended(home: Path) -> Iterator[None]:
    """End the practice exchange that a session started."""
    try:
        yield
    finally:
        ready = home / "data/practice/ready.json"
        if ready.exists():
            os.kill(json.loads(ready.read_text())["pid"], signal.SIGKILL)


# --- Ways to start --------------------------------------------------------------------------------


def test_every_way_to_start_starts_the_practice_exchange(tmp_path: Path) -> None:
    """Python's safe path leaves out the folder of main.py and, for `-m`, the working folder."""
    link = tmp_path / "link.py"
    link.symlink_to(MAIN)
    ways: list[tuple[list[str], Path, dict[str, str]]] = [
        (["-P", str(MAIN)], tmp_path, {}),
        (["main.py"], PROJECT, {}),
        ([str(MAIN)], tmp_path, {}),
        ([str(link)], tmp_path, {}),
        (["-P", str(link)], tmp_path, {}),
        (["-I", str(MAIN)], tmp_path, {}),
        (["-m", "main"], PROJECT, {}),
        ([str(MAIN)], tmp_path, {"PYTHONSAFEPATH": "1"}),
    ]
    for number, (words, cwd, settings) in enumerate(ways):
        with naming(f"{words} in {cwd} with {settings}"):
            command = [sys.executable, *words, "practice", "--help"]
            assert "practice exchange" in run(command, tmp_path, cwd=cwd, **settings).stdout
            if (words, cwd, settings) not in proof.sample_journeys(ways):
                continue
            home = tmp_path / str(number)
            with exchange_ended(home):
                ended = run([sys.executable, *words], home, cwd=cwd, typed="0\n", **settings)
                assert ended.returncode == 0, ended.stderr
                assert "cash $10,000.00" in ended.stdout


# --- Without a home folder ------------------------------------------------------------------------

HOMELESS = """
import os, pwd, runpy, sys

def no_entry(user):
    raise KeyError(user)

pwd.getpwuid = no_entry
os.environ.pop("HOME", None) if sys.argv[1] == "unset" else os.environ.update(HOME=sys.argv[1])
sys.argv[:] = [sys.argv[2], *sys.argv[3:]]
sys.exit(runpy.run_path(sys.argv[0], run_name="__main__"))
"""


def test_without_a_home_folder_the_setting_that_helps_is_named(home: Path) -> None:
    """The user has no entry in the list of users either, as in a container."""
    for value in ("unset", "", "relative"):
        with naming(f"HOME {value}"):
            command = [sys.executable, "-c", HOMELESS, value, str(MAIN)]
            refused = run(command, home, KALSHI_DATA_DIR="")
            assert refused.returncode == 2
            assert "KALSHI_DATA_DIR: needs a full path" in refused.stderr
            assert "Traceback" not in refused.stderr
    heeded = run(command, home, typed="0\n")
    assert (heeded.returncode, heeded.stderr) == (0, "")


def test_the_practice_exchange_alone_without_a_home_folder_names_its_option(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOMELESS, "unset", str(MAIN), "practice"]
    for words in ([], ["--data-dir", "~/world"]):
        said = sentence_of(run([*command, *words], tmp_path))
        assert said == "The home folder is unknown. Choose a folder with --data-dir."
