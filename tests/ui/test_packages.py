"""A missing or broken package is distinct from a wrong import of ours."""

from __future__ import annotations

import ast
import shlex
import sys
from pathlib import Path

import pytest
from cases import naming

from kalshi_trading.ui import packages

PROJECT = Path(__file__).resolve().parent.parent.parent
PIP = f"{shlex.quote(sys.executable)} -m pip install -r {shlex.quote(str(PROJECT / 'requirements.txt'))}"


def imported(path):
    """Return the top-level names that a file imports anywhere."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield (node.module or "").partition(".")[0]


def test_the_list_of_packages_is_what_the_program_imports():
    found = {name for path in (PROJECT / "kalshi_trading").rglob("*.py") for name in imported(path)}
    assert found - sys.stdlib_module_names - {"kalshi_trading"} == set(packages.PACKAGES)


def test_here_no_package_is_missing():
    assert packages.missing() is None


@pytest.fixture
def error_of(tmp_path, monkeypatch):
    """Run a text as a module of ours or of a package; return its ImportError."""
    monkeypatch.setattr(packages, "_OURS", tmp_path / "kalshi_trading")

    def run(text, *, of_ours=True):
        path = tmp_path / ("kalshi_trading" if of_ours else "elsewhere") / "module.py"
        with pytest.raises(ImportError) as caught:
            exec(compile(text, str(path), "exec"), {"__name__": "module"})
        # pytest's own frames come before the module's, as a caller's would
        return caught.value

    return run


BUGS = [
    "from kalshi_trading.ui.app import nonsense",
    "import kalshi_trading.nonsense",
    "from kalshi_trading import nonsense",
    "import reqests",
    "from rich.table import Tabel",
    "import rich.nonsense",
    "from json import lods",
    "import json.nonsense",
    "raise ImportError('for a reason of ours')",
]
MISSING = [
    ("raise ModuleNotFoundError('No module named rich', name='rich')", True, "package rich is missing"),
    ("raise ModuleNotFoundError('No module named urllib3', name='urllib3')", False, "urllib3 is missing"),
    ("raise ModuleNotFoundError('No module named rich')", False, "is missing (No module named rich)"),
]


def test_a_wrong_import_of_our_own_is_no_missing_package(error_of):
    said = []
    for text in BUGS:
        with naming(text):
            said.append((text, packages.advice(error_of(text))))
    assert [each for each in said if each[1] is not None] == []
    assert packages.advice(ValueError("no import at all")) is None


def test_our_module_that_a_package_cannot_find_is_a_bug(error_of):
    error = error_of("import importlib; importlib.import_module('kalshi_trading.nonsense')")
    assert packages.advice(error) is None


@pytest.mark.parametrize(("text", "of_ours", "sentence"), MISSING)
def test_a_missing_package_is_named_with_the_command_that_installs_it(text, of_ours, sentence, error_of):
    said = packages.advice(error_of(text, of_ours=of_ours))
    assert sentence in said
    assert said.endswith(f"-r {packages._OURS.resolve().parent / 'requirements.txt'}")
    assert f"{shlex.quote(sys.executable)} -m pip install -r" in said
    assert "\n" not in said


def test_a_broken_package_is_reinstalled(error_of):
    said = packages.advice(
        error_of("raise ImportError('libssl.so.3: cannot open\\nshared object')", of_ours=False)
    )
    assert said.startswith("A Python package cannot be loaded (libssl.so.3: cannot open shared object).")
    assert "-m pip install --force-reinstall -r" in said


def test_an_incomplete_python_is_not_mended_by_pip(error_of):
    said = packages.advice(error_of("raise ModuleNotFoundError(name='_sqlite3')", of_ours=False))
    assert "lacks its standard module _sqlite3" in said
    assert "pip" not in said


def test_several_missing_packages_are_named_together(monkeypatch):
    monkeypatch.setattr(packages, "PACKAGES", ("rich", "no_such_package", "nor_this_one"))
    assert packages.missing() == (
        f"Python packages are missing: no_such_package, nor_this_one. Install them: {PIP}"
    )


def test_the_command_survives_a_space_in_the_path(monkeypatch):
    monkeypatch.setattr(packages, "PACKAGES", ("no_such_package",))
    monkeypatch.setattr(sys, "executable", "/opt/my python/bin/python3")
    assert "Install it: '/opt/my python/bin/python3' -m pip install -r" in packages.missing()
