"""Sessions of the program after `pip install .`.

Run with `-m installation`: it needs the package registry.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import uuid
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from terminal import PROJECT, environment

from kalshi_trading.trade_logger import TradeLogger

pytestmark = pytest.mark.installation

TEST_PACKAGES = ("pytest", "hypothesis", "responses", "pexpect", "pyte", "ruff", "mypy")
LARGEST_INSTALL_MB = 60
OF_THE_ENVIRONMENT = ("pip", "setuptools", "pkg_resources", "_distutils_hack", "distutils-precedence.pth")


@dataclass(frozen=True)
class Installed:
    """A fresh environment with a copy of this checkout installed."""

    folder: Path
    source: Path

    def pip(self, *arguments: str) -> None:
        python = str(self.folder / "bin/python")
        command = [python, "-m", "pip", "--disable-pip-version-check", "--quiet", *arguments]
        subprocess.run(command, check=True, capture_output=True, timeout=300)

    def run(self, home: Path, *arguments: str, typed: str = "") -> subprocess.CompletedProcess[str]:
        """Run `kalshi` with piped lines and default folders."""
        home.mkdir(exist_ok=True)
        env = environment(home)
        del env["KALSHI_DATA_DIR"], env["KALSHI_LOG_DIR"]
        return subprocess.run(
            [str(self.folder / "bin/kalshi"), *arguments],
            input=typed,
            env=env,
            cwd=home,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    folder = tmp_path_factory.mktemp("installed")
    source = folder / "source"
    ignored = shutil.ignore_patterns(".git", ".*cache", ".hypothesis", ".venv", "logs", "tests")
    shutil.copytree(PROJECT, source, ignore=ignored)
    venv.create(folder / "environment", with_pip=True, symlinks=True)
    found = Installed(folder / "environment", source)
    found.pip("install", str(source))
    return found


@contextmanager
def exchange_ended(home: Path) -> Iterator[Path]:
    """End the practice exchange of a home; yield the data folder."""
    data = home / ".local/share/kalshi-trading"
    try:
        yield data
    finally:
        ready = data / "practice/ready.json"
        if ready.exists():
            os.kill(json.loads(ready.read_text())["pid"], signal.SIGKILL)


def test_a_users_install_is_small_and_holds_no_test_package(installed: Installed, tmp_path: Path) -> None:
    helped = installed.run(tmp_path, "--help")
    assert (helped.returncode, helped.stderr) == (0, "")
    assert "kalshi" in helped.stdout
    packages = next((installed.folder / "lib").glob("python3*")) / "site-packages"
    names = {each.name.lower() for each in packages.iterdir()}
    assert [name for name in TEST_PACKAGES if name in names] == []
    ours = [each for each in packages.iterdir() if not each.name.startswith(OF_THE_ENVIRONMENT)]
    files = [file for each in ours for file in ([each] if each.is_file() else each.rglob("*"))]
    size_mb = sum(file.stat().st_size for file in files if file.is_file()) / 1e6
    assert size_mb <= LARGEST_INSTALL_MB


def test_settings_and_records_lie_in_the_users_folders(installed: Installed, tmp_path: Path) -> None:
    settings = tmp_path / ".config/kalshi-trading/.env"
    settings.parent.mkdir(parents=True)
    settings.write_text("KALSHI_READ_ONLY=1\n")
    settings.chmod(0o600)
    with exchange_ended(tmp_path) as data:
        ended = installed.run(tmp_path, typed="9\n0\n0\ne\n")
        assert (ended.returncode, ended.stderr) == (0, "")
        assert (data / "practice/world.sqlite").exists()
        assert (data / "logs/practice/sessions").exists()
    shown = " ".join(ended.stdout.split())
    assert "read-only" in shown
    for place in (settings, data / "logs/practice", data):
        assert str(place) in shown.replace(" ", "")


def test_an_order_without_an_end_survives_a_new_installation(installed: Installed, tmp_path: Path) -> None:
    with exchange_ended(tmp_path) as data:
        assert installed.run(tmp_path, typed="0\ne\n").returncode == 0
        order = {"client_order_id": str(uuid.uuid4()), "ticker": "KXNONE-26DEC01", "sentence": "BUY 7 YES"}
        journal = TradeLogger(data / "logs", "practice")
        journal.log_order_step("intent", order)
        journal.log_order_step("sending", order)
        installed.pip("install", "--force-reinstall", "--no-deps", str(installed.source))
        again = installed.run(tmp_path, typed="0\ne\n")
        assert "BUY 7 YES" in again.stdout
        assert order["client_order_id"] in (data / "logs/practice/trades.log").read_text()


def test_a_second_journal_of_the_account_is_named(installed: Installed, tmp_path: Path) -> None:
    with exchange_ended(tmp_path) as data:
        assert installed.run(tmp_path, typed="0\ne\n").returncode == 0
        TradeLogger(data / "logs", "practice").log_event("note.order", {"text": "bought elsewhere"})
        env = {
            **environment(tmp_path),
            "KALSHI_DATA_DIR": str(data),
            "KALSHI_LOG_DIR": str(tmp_path / "logs"),
        }
        command = [sys.executable, str(PROJECT / "main.py")]
        ended = subprocess.run(
            command, input="0\ne\n", env=env, capture_output=True, text=True, timeout=120, check=False
        )
        assert ended.returncode == 0
        said = " ".join(ended.stdout.split())
        assert "second journal" in said
        assert str(data / "logs/practice") in said.replace(" ", "")


def test_a_missing_package_is_named_with_a_command_that_installs_it(
    installed: Installed, tmp_path: Path
) -> None:
    installed.pip("uninstall", "--yes", "plotext")
    try:
        ended = installed.run(tmp_path)
        assert (ended.returncode, ended.stdout) == (2, "")
        assert ended.stderr.startswith("The Python package plotext is missing. Install it: ")
        assert "pip install" in ended.stderr
        assert "plotext~=" in ended.stderr
    finally:
        installed.pip("install", str(installed.source))


def test_the_practice_exchange_is_a_command_of_its_own(installed: Installed, tmp_path: Path) -> None:
    helped = installed.run(tmp_path, "practice", "--help")
    assert (helped.returncode, helped.stderr) == (0, "")
    assert "--data-dir" in helped.stdout


def test_uv_runs_it_from_a_checkout(installed: Installed, tmp_path: Path) -> None:
    if shutil.which("uv") is None:
        pytest.skip("uv is not installed")
    ended = subprocess.run(
        ["uv", "run", "--project", str(installed.source), "kalshi", "--help"],
        env={**os.environ, "UV_PROJECT_ENVIRONMENT": str(tmp_path / "environment"), "VIRTUAL_ENV": ""},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert "kalshi" in ended.stdout
