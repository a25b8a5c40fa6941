"""Packaging, locked packages and license."""

from __future__ import annotations

import re
import tomllib

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from terminal import PROJECT

from kalshi_trading import __version__

RUN, DEV = PROJECT / "requirements.txt", PROJECT / "requirements-dev.txt"


def names_in(path):
    return {canonicalize_name(each.name) for each in requirements_in(path)}


def test_the_package_needs_what_the_requirements_name():
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())
    assert project["project"]["name"] == "kalshi-trading-terminal"
    assert project["project"]["scripts"] == {"kalshi": "kalshi_trading.__main__:main"}
    assert project["tool"]["setuptools"]["dynamic"]["dependencies"] == {"file": ["requirements.txt"]}


def test_the_newest_entry_of_the_changelog_is_this_version():
    versions = re.findall(r"^## (\S+) \(", (PROJECT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert versions[0] == __version__


def test_running_needs_no_test_package():
    assert DEV.read_text().startswith("-r requirements.txt\n")
    assert names_in(RUN) & names_in(DEV) == set()
    assert "pytest" not in names_in(RUN)


def requirements_in(path):
    lines = (line.partition("#")[0].strip() for line in path.read_text().splitlines())
    return [Requirement(line) for line in lines if line[:1].isalpha()]


def test_each_requirement_is_locked_in_a_version_that_satisfies_it():
    locks = {
        "requirements.lock": requirements_in(RUN),
        "requirements-dev.lock": requirements_in(RUN) + requirements_in(DEV),
    }
    wrong = []
    for lock, needed in locks.items():
        text = (PROJECT / lock).read_text()
        locked = dict(
            re.findall(r"^([a-z0-9-]+)==(\S+).*\n    --hash=sha256:[0-9a-f]{64}", text, re.MULTILINE)
        )
        for each in needed:
            version = locked.get(canonicalize_name(each.name))
            if version is None or version not in each.specifier:
                wrong.append(f"{lock}: {each} is {version}")
    assert wrong == []


def test_the_license_is_mit():
    text = (PROJECT / "LICENSE").read_text()
    assert text.startswith("MIT License\n\nCopyright (c) 2026 Kalshi trading terminal contributors\n")
