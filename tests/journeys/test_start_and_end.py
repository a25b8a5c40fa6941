"""Start, refusal and end: settings, keys, pipes, old Pythons."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import proof
import pytest
from cases import naming
from exchange_process import ExchangeProcess
from terminal import PROJECT, environment, program

pytestmark = pytest.mark.journey


def _run(home: Path, *arguments: str, typed: str = "", **settings: str) -> subprocess.CompletedProcess[str]:
    """Run `main.py` with plain lines for input, as a script or a pipe would."""
    return subprocess.run(
        [sys.executable, str(PROJECT / "main.py"), *arguments],
        input=typed,
        env=environment(home, **settings),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_missing_sandbox_credentials_are_named_and_exit_2(tmp_path: Path) -> None:
    ended = _run(tmp_path, KALSHI_ENVIRONMENT="sandbox")
    assert ended.returncode == 2
    assert "KALSHI_API_KEY" in ended.stderr
    assert "KALSHI_API_SECRET" in ended.stderr
    assert "Traceback" not in ended.stderr + ended.stdout


def test_every_problem_of_the_settings_is_reported_at_once(tmp_path: Path) -> None:
    ended = _run(
        tmp_path,
        KALSHI_ENVIRONMENT="sandbox",
        KALSHI_API_KEY="01234567-89ab-cdef-0123-456789abcdef",
        KALSHI_API_SECRET=str(tmp_path / "absent.pem"),
        KALSHI_READ_RETRIES="many",
        KALSHI_SOFT_ORDER_COST="1e9",
    )
    assert ended.returncode == 2
    for variable in ("KALSHI_API_SECRET", "KALSHI_READ_RETRIES", "KALSHI_SOFT_ORDER_COST"):
        assert len(re.findall(rf"^  - .*{variable}", ended.stderr, re.MULTILINE)) == 1
    assert "Traceback" not in ended.stderr


def test_a_key_the_exchange_does_not_know_is_refused_at_the_start(
    tmp_path: Path, practice_exchange: ExchangeProcess
) -> None:
    """The practice exchange plays the sandbox.

    It verifies signatures just as strictly.
    """
    ended = _run(
        tmp_path,
        KALSHI_ENVIRONMENT="sandbox",
        KALSHI_API_BASE_URL=practice_exchange.url,
        KALSHI_API_KEY="01234567-89ab-cdef-0123-456789abcdef",
        KALSHI_API_SECRET=practice_exchange.private_key_path,
    )
    assert ended.returncode == 2
    assert "rejected your API key (KALSHI_API_KEY, KALSHI_API_SECRET)" in ended.stderr
    assert "NOT_FOUND" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_another_exchange_by_one_setting(tmp_path: Path, practice_exchange: ExchangeProcess) -> None:
    """An address and a key are all that practice needs.

    Sandbox settings can point there instead.
    """
    ended = _run(
        tmp_path,
        typed="1\n0\n",
        KALSHI_ENVIRONMENT="demo",
        KALSHI_API_BASE_URL=practice_exchange.url,
        KALSHI_API_KEY=practice_exchange.key_id,
        KALSHI_API_SECRET=practice_exchange.private_key_path,
    )
    assert ended.returncode == 0, ended.stderr
    assert "SANDBOX" in ended.stdout
    assert "PRACTICE" not in ended.stdout


def test_end_of_input_exits_cleanly_at_every_depth(home: Path) -> None:
    answers = ["2", "temperature", "1", "1", "1", "50", "10"]
    for depth in proof.sample_journeys(range(len(answers) + 1)):
        with naming(f"{depth} answers"):
            ended = _run(home, typed="".join(f"{answer}\n" for answer in answers[:depth]))
            assert ended.returncode == 0, ended.stderr
            assert "─ Result ─" not in ended.stdout
            assert ended.stderr == ""


def test_plain_lines_trade_without_a_terminal(home: Path) -> None:
    ended = _run(home, typed="2\nbitcoin\n1\n1\n1\n1\n3\n1\n5\n0\ne\n")
    assert ended.returncode == 0, ended.stderr
    assert "BUY 3 YES KX" in ended.stdout
    assert "\x1b" not in ended.stdout


def test_read_only_denies_orders_and_says_so(home: Path) -> None:
    ended = _run(home, "--read-only", typed="2\nbitcoin\n1\n1\n1\n1\n3\n0\n")
    assert ended.returncode == 0, ended.stderr
    assert "READ-ONLY" in ended.stdout
    assert "This session is read-only" in ended.stdout
    assert "─ Result ─" not in ended.stdout


def _run_in_shell(home: Path, redirections: str, *, typed: str = "", **settings: str) -> tuple[int, str, str]:
    """Run `main.py` with its streams redirected by a shell.

    Return status, stdout and stderr.
    """
    ended = subprocess.run(
        ["bash", "-c", f'"$0" "$1" {redirections}; exit ${{PIPESTATUS[0]}}', sys.executable, "main.py"],
        cwd=PROJECT,
        input=typed,
        env=environment(home, **settings),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "Traceback" not in ended.stderr
    assert "Unexpected error" not in ended.stdout + ended.stderr
    assert "Exception ignored" not in ended.stderr
    return ended.returncode, ended.stdout, ended.stderr


@pytest.mark.parametrize(
    ("redirections", "status", "reason"),
    [
        ("| true", 141, "Broken pipe"),
        (">/dev/full", 1, "No space left on device"),
        ("--help >/dev/full", 1, "No space left on device"),
        (">&-", 1, "it is closed"),
    ],
)
def test_unreadable_output_ends_the_program_in_one_sentence(
    home: Path, redirections: str, status: int, reason: str
) -> None:
    errors = home / "logs/practice/errors.log"
    before = errors.read_bytes() if errors.exists() else b""
    ended, _, complaints = _run_in_shell(home, redirections, typed="1\n" * 20)
    assert ended == status
    assert complaints.count("\n") == 1
    assert (
        f"Stopped: the output cannot be written ({reason}). Open orders stay on the exchange." in complaints
    )
    assert (errors.read_bytes() if errors.exists() else b"") == before


def test_unreadable_output_and_errors_leave_the_exit_status(home: Path) -> None:
    assert _run_in_shell(home, ">/dev/full 2>/dev/full") == (1, "", "")
    assert _run_in_shell(home, ">&- 2>&-") == (1, "", "")


def test_a_closed_input_is_the_end_of_input(home: Path) -> None:
    status, output, complaints = _run_in_shell(home, "<&-")
    assert (status, complaints) == (0, "")
    assert "0  Exit" in output


def test_output_that_takes_only_ascii_is_still_readable(home: Path) -> None:
    status, output, complaints = _run_in_shell(
        home, "", typed="1\n0\n2\nbitcoin\n1\n1\n1\n1\n3\n0\n0\n", PYTHONIOENCODING="ascii", PYTHONUTF8="0"
    )
    assert (status, complaints) == (0, "")
    assert output.isascii()
    assert "BUY 3 YES KX" in output


def test_a_fault_at_the_start_goes_on_record_in_the_configured_folder(tmp_path: Path) -> None:
    broken = (
        "import sys; from kalshi_trading import compose; from kalshi_trading.ui import program;"
        "compose.connect = lambda settings: 1 // 0;"
        "sys.exit(program.main([]))"
    )
    ended = subprocess.run(
        [sys.executable, "-c", broken],
        cwd=PROJECT,
        env=environment(tmp_path),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 1
    record = tmp_path / "logs/start/errors.log"
    assert str(record) in ended.stderr
    assert "ZeroDivisionError" in record.read_text()


@pytest.mark.parametrize(("number", "status"), [("SIGTERM", 143), ("SIGHUP", 129), ("SIGINT", 130)])
def test_an_end_while_a_class_is_made_is_no_fault(tmp_path: Path, number: str, status: int) -> None:
    """A signal during imports: Python wraps its exception in `__set_name__`."""
    loading = (
        "import os, signal, sys, time\n"
        "from kalshi_trading import compose; from kalshi_trading.ui import program\n"
        "class Named:\n"
        "    def __set_name__(self, owner, name):\n"
        f"        os.kill(os.getpid(), signal.{number}); time.sleep(1)\n"
        "compose.connect = lambda settings: type('Made', (), {'field': Named()})\n"
        "sys.exit(program.main([]))"
    )
    ended = subprocess.run(
        [sys.executable, "-c", loading],
        cwd=PROJECT,
        env=environment(tmp_path),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == status, ended.stderr
    assert not (tmp_path / "logs/start").exists()


def test_unknown_arguments_exit_2(tmp_path: Path) -> None:
    ended = _run(tmp_path, "tarde")
    assert ended.returncode == 2
    assert "Unknown command or option: tarde" in ended.stderr


@pytest.mark.parametrize("words", [("--help",), ("verify", "--help"), ("verify", "-h")])
def test_help_names_the_commands(tmp_path: Path, words: tuple[str, ...]) -> None:
    ended = _run(tmp_path, *words)
    assert ended.returncode == 0
    assert "python main.py practice" in ended.stdout
    commands = ended.stdout.partition("Settings file")[0]
    assert max(map(len, commands.splitlines())) <= 80


def test_a_newcomer_gets_a_practice_exchange_without_asking(tmp_path: Path) -> None:
    """Without settings, the program starts an exchange and leaves it running."""
    with program(tmp_path) as terminal:
        terminal.menu()
        assert "PRACTICE" in terminal.text
        assert "$10,000.00" in terminal.text
        terminal.leave()
        assert terminal.exit_status() == 0
    ready = json.loads((tmp_path / "data/practice/ready.json").read_text())
    os.kill(ready["pid"], signal.SIGTERM)


def test_a_practice_exchange_waits_as_long_as_its_session(tmp_path: Path) -> None:
    """The real program and exchange, with minutes shortened to seconds.

    The menu itself sends no request meanwhile.
    """
    hurried = (
        "import sys; from kalshi_trading.exchange import practice_launcher as practice_process; "
        "from kalshi_trading import compose; from kalshi_trading.ui import program;"
        "practice_process.IDLE_EXIT_S, practice_process.REQUEST_INTERVAL_S = 3, 0.5;"
        "sys.exit(program.main([]))"
    )
    session = subprocess.Popen(
        [sys.executable, "-c", hurried],
        cwd=PROJECT,
        env=environment(tmp_path),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert session.stdout
    while "0  Exit" not in session.stdout.readline():
        assert session.poll() is None
    ready = json.loads((tmp_path / "data/practice/ready.json").read_text())
    time.sleep(5.5)  # without a keep-alive it would have ended after 3 to 4 s
    os.kill(ready["pid"], 0)
    output, errors = session.communicate("1\n0\n", timeout=30)
    os.kill(ready["pid"], signal.SIGTERM)
    assert (session.returncode, errors) == (0, "")
    assert "unavailable" not in output


def test_a_practice_exchange_that_is_gone_is_called_so(tmp_path: Path) -> None:
    with program(tmp_path) as terminal:
        terminal.menu()
        os.kill(json.loads((tmp_path / "data/practice/ready.json").read_text())["pid"], signal.SIGKILL)
        terminal.press("1")
        terminal.wait_for(r"practice\s+exchange\s+has\s+stopped\.\s+Restart\s+this\s+program")
        terminal.wait_for(r"Refresh\s*\Z")
        terminal.press("0")
        terminal.menu()
        terminal.press("0")
        terminal.decide("Exit the program", "e")
        assert terminal.exit_status() == 0


def test_an_unusable_data_folder_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file, not a folder")
    ended = _run(tmp_path, KALSHI_DATA_DIR=str(tmp_path / "taken"))
    assert ended.returncode == 2
    assert "practice exchange could not start" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_an_exchange_that_cannot_be_reached_leaves_a_usable_menu(tmp_path: Path) -> None:
    key = tmp_path / "key.pem"
    key.write_text(_new_key())
    key.chmod(0o600)
    ended = _run(
        tmp_path,
        typed="1\n0\n",
        KALSHI_ENVIRONMENT="sandbox",
        KALSHI_API_BASE_URL="http://127.0.0.1:9/trade-api/v2",
        KALSHI_API_KEY="01234567-89ab-cdef-0123-456789abcdef",
        KALSHI_API_SECRET=str(key),
        KALSHI_READ_RETRIES="0",
    )
    assert ended.returncode == 0, ended.stderr
    assert "Exchange unreachable" in ended.stdout
    assert "unavailable: The exchange cannot be reached" in " ".join(ended.stdout.split())


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        (
            {"HTTPS_PROXY": "http://127.0.0.1:9"},
            "The proxy in HTTPS_PROXY cannot be reached (connection refused). "
            "Correct HTTPS_PROXY, or unset it.",
        ),
        (
            {"HTTPS_PROXY": "http://127.0.0.1:9", "REQUESTS_CA_BUNDLE": "/absent.pem"},
            "The file in REQUESTS_CA_BUNDLE does not exist: /absent.pem. "
            "Correct REQUESTS_CA_BUNDLE, or unset it.",
        ),
    ],
)
def test_a_setting_that_bars_the_way_to_the_exchange_is_named_at_the_start(
    tmp_path: Path, settings: dict[str, str], sentence: str
) -> None:
    key = tmp_path / "key.pem"
    key.write_text(_new_key())
    key.chmod(0o600)
    ended = _run(
        tmp_path,
        typed="0\n",
        KALSHI_ENVIRONMENT="sandbox",
        KALSHI_API_KEY="01234567-89ab-cdef-0123-456789abcdef",
        KALSHI_API_SECRET=str(key),
        KALSHI_READ_RETRIES="0",
        **settings,
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    before_the_menu = " ".join(ended.stdout.partition("Menu")[0].split())
    assert sentence in before_the_menu, ended.stdout
    record = (tmp_path / "logs/sandbox/errors.log").read_text()
    assert sentence in record
    assert "Caused by" in record or "invalid path: /absent.pem" in record


def _new_key() -> str:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    key = Ed25519PrivateKey.generate()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def _working_python(name: str) -> str | None:
    """Find a Python of this name that really runs.

    A shim that only prints an explanation does not count.
    """
    installed = Path.home().glob(f".pyenv/versions/{name.removeprefix('python')}.*/bin/{name}")
    for candidate in [*map(str, installed), shutil.which(name)]:
        if candidate and subprocess.run([candidate, "-V"], capture_output=True, check=False).returncode == 0:
            return candidate
    return None


@pytest.mark.parametrize("name", ["python2.7", "python3.6", "python3.8", "python3.10"])
def test_an_old_python_says_so_in_one_line(name: str) -> None:
    old = _working_python(name)
    if old is None:
        pytest.skip(f"{name} is not installed")
    ended = subprocess.run(
        [old, str(PROJECT / "main.py")], capture_output=True, text=True, timeout=30, check=False
    )
    assert ended.returncode == 2
    assert len(ended.stderr.splitlines()) == 1
    assert "needs Python 3.11 or newer" in ended.stderr


LOST_REQUEST = """
import os, signal, sys, time
from kalshi_trading.ui import menu, program

class Weak:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(0.01)

def run(app):
    Weak()
    return 0

menu.run = run
sys.exit(program.main([]))
"""


def test_a_request_to_end_that_python_could_not_raise_sets_the_exit_status(
    tmp_path: Path, practice_exchange: ExchangeProcess
) -> None:
    settings = {
        "KALSHI_ENVIRONMENT": "sandbox",
        "KALSHI_API_BASE_URL": practice_exchange.url,
        "KALSHI_API_KEY": practice_exchange.key_id,
        "KALSHI_API_SECRET": practice_exchange.private_key_path,
    }
    ended = subprocess.run(
        [sys.executable, "-c", LOST_REQUEST],
        cwd=PROJECT,
        env=environment(tmp_path, **settings),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (143, "", "")
