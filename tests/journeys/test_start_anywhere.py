"""The start on an unusual machine.

Packages, folders, paths and names of settings are not as expected.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import venv
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import proof
import pytest
from cases import naming
from terminal import PROJECT, environment, program

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
    """Return the one line of a refused start."""
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


# --- Packages -------------------------------------------------------------------------------------


def stub(folder: Path, package: str, text: str = "") -> str:
    """Create a package that cannot be imported; return its PYTHONPATH folder."""
    text = text or f"raise ModuleNotFoundError(\"No module named '{package}'\", name='{package}')"
    (folder / package).mkdir(parents=True)
    (folder / package / "__init__.py").write_text(text)
    return str(folder)


def pip(python: str = sys.executable, project: Path = PROJECT) -> str:
    return shlex.join([python, "-m", "pip", "install", "-r", str(project / "requirements.txt")])


def test_a_python_without_packages_says_how_to_install_them(tmp_path: Path) -> None:
    venv.create(tmp_path / "my venv", symlinks=True)
    python = str(tmp_path / "my venv" / "bin" / "python")
    said = sentence_of(run([python, str(MAIN)], tmp_path))
    assert said.startswith("Python packages are missing: cryptography, dotenv, ")
    assert said.endswith(f"Install them: {pip(python)}")
    alone = sentence_of(run([python, str(MAIN), "practice", "--data-dir", str(tmp_path / "data")], tmp_path))
    assert alone == f"The Python package portalocker is missing. Install it: {pip(python)}"
    assert run([python, str(MAIN), "--help"], tmp_path).returncode == 0


def test_the_package_itself_starts_the_program(home: Path) -> None:
    ended = run([sys.executable, "-m", "kalshi_trading"], home, typed="0\n0\n", PYTHONPATH=str(PROJECT))
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "0  Exit" in ended.stdout
    blocked = stub(home / "stub", "rich")
    said = sentence_of(run([sys.executable, "-m", "kalshi_trading"], home, PYTHONPATH=f"{blocked}:{PROJECT}"))
    assert said.endswith(f"The Python package rich is missing. Install it: {pip()}")


def test_a_package_that_cannot_be_loaded_later_is_one_sentence(tmp_path: Path) -> None:
    """The practice exchange loads packages in its own process.

    Its error must reach the user.
    """
    for package in proof.sample_journeys(IN_THE_SESSION + IN_THE_EXCHANGE):
        home = tmp_path / package
        with naming(package), exchange_ended(home):
            blocked = stub(home / "stub", package)
            said = sentence_of(run([sys.executable, str(MAIN)], home, PYTHONPATH=blocked))
            assert said.endswith(f"The Python package {package} is missing. Install it: {pip()}")
            assert said.startswith("The practice exchange could not start: ") is (package in IN_THE_EXCHANGE)


def test_a_broken_package_is_one_sentence_with_another_command(tmp_path: Path) -> None:
    blocked = stub(tmp_path / "stub", "rich", "raise ImportError('librich.so: cannot open shared object')")
    said = sentence_of(run([sys.executable, str(MAIN)], tmp_path, PYTHONPATH=blocked))
    assert said.startswith("A Python package cannot be loaded (librich.so: cannot open shared object).")
    assert "-m pip install --force-reinstall -r" in said


def test_a_package_that_only_a_terminal_needs_is_one_sentence(tmp_path: Path) -> None:
    blocked = stub(tmp_path / "stub", "prompt_toolkit")
    with program(tmp_path, columns=200, PYTHONPATH=blocked) as terminal:
        terminal.wait_for(r"The Python package prompt_toolkit is missing\. Install it: ")
        assert terminal.exit_status() == 2
        assert "Traceback" not in terminal.text


LATE_IMPORT = """
import sys
from kalshi_trading.ui import menu, program
from kalshi_trading.ui.prompts.prompter import Choice

def screen(app):
    {statement}

menu.ENTRIES = (Choice("1", "Late", screen), *[each for each in menu.ENTRIES if each.key != "1"])
sys.exit(program.main([]))
"""


@pytest.mark.parametrize(
    ("statement", "sentence"),
    [
        (
            "raise ModuleNotFoundError(\"No module named 'plotext'\", name='plotext')",
            "The Python package plotext is missing. Install it: ",
        ),
        ("from kalshi_trading.ui.app import nonsense", "Unexpected error (reference "),
    ],
)
def test_an_import_that_fails_in_a_screen_leads_back_to_the_menu(
    home: Path, statement: str, sentence: str
) -> None:
    code = LATE_IMPORT.format(statement=statement)
    ended = run([sys.executable, "-c", code], home, typed="1\n0\n", COLUMNS="300")
    assert ended.returncode == 0, ended.stderr
    assert sentence in " ".join(ended.stdout.split())
    assert "Traceback" not in ended.stdout + ended.stderr
    assert ended.stdout.count("0  Exit") == 2


def test_a_wrong_import_of_our_own_at_the_start_goes_on_record(tmp_path: Path) -> None:
    broken = (
        "import sys; from kalshi_trading import compose; from kalshi_trading.ui import program;"
        "compose.connect = lambda settings: __import__('kalshi_trading.nonsense');"
        "sys.exit(program.main([]))"
    )
    ended = run([sys.executable, "-c", broken], tmp_path)
    assert ended.returncode == 1
    assert "Unexpected error (reference " in ended.stderr
    assert "pip" not in ended.stderr
    assert "kalshi_trading.nonsense" in (tmp_path / "logs/start/errors.log").read_text()


# --- Ways to start --------------------------------------------------------------------------------


def test_every_way_to_start_starts_the_practice_exchange(tmp_path: Path) -> None:
    """Python's safe path omits some folders.

    These are the folder of main.py and, for `-m`, the working folder.
    """
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
                assert "Cash $10,000.00" in ended.stdout


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
    """The user has no passwd entry either, as in a container."""
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


# --- Names of settings ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the program; an `.env` can be put beside its main.py."""
    folder = tmp_path_factory.mktemp("my project")
    shutil.copytree(PROJECT / "kalshi_trading", folder / "kalshi_trading")
    shutil.copy2(MAIN, folder)
    return folder


def test_a_misspelled_safety_setting_stops_the_real_start(copied: Path, tmp_path: Path) -> None:
    start = [sys.executable, str(copied / "main.py")]
    in_the_process = run(start, tmp_path, KALHSI_READ_ONLY="1")
    (copied / ".env").write_text("# mine\nKALHSI_READ_ONLY=1\n")
    in_the_file = run(start, tmp_path)
    (copied / ".env").unlink()
    assert in_the_process.returncode == in_the_file.returncode == 2
    assert "KALSHI_READ_ONLY: is misspelled in the process environment" in in_the_process.stderr
    assert "KALSHI_READ_ONLY: is misspelled in line 2 of .env" in in_the_file.stderr
    assert not (tmp_path / "data").exists()


def test_a_package_that_only_a_settings_file_needs_is_one_sentence(copied: Path, tmp_path: Path) -> None:
    (copied / ".env").write_text("LOG_LEVEL=INFO\n")
    blocked = stub(tmp_path / "stub", "dotenv")
    ended = run([sys.executable, str(copied / "main.py")], tmp_path, PYTHONPATH=blocked)
    (copied / ".env").unlink()
    install = pip(project=copied)
    assert sentence_of(ended) == f"The Python package dotenv is missing. Install it: {install}"
