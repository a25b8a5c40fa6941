"""Packaging, locked packages and license."""

from __future__ import annotations

import re
import tomllib

from terminal import PROJECT

RUN, DEV = PROJECT / "requirements.txt", PROJECT / "requirements-dev.txt"


def names_in(path):
    """Return the packages in a requirements file, in registry spelling."""
    lines = (line.partition("#")[0].strip() for line in path.read_text().splitlines())
    return {
        re.split(r"[~=<>\[; ]", line)[0].lower().replace("_", "-") for line in lines if line[:1].isalpha()
    }


def test_the_package_needs_what_the_requirements_name():
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())
    assert project["project"]["name"] == "kalshi-trading-terminal"
    assert project["project"]["scripts"] == {"kalshi": "kalshi_trading.__main__:main"}
    assert project["tool"]["setuptools"]["dynamic"]["dependencies"] == {"file": ["requirements.txt"]}


def test_running_needs_no_test_package():
    assert DEV.read_text().startswith("-r requirements.txt\n")
    assert names_in(RUN) & names_in(DEV) == set()
    assert "pytest" not in names_in(RUN)


def test_each_requirement_is_locked_with_its_hash():
    for lock, needed in (
        ("requirements.lock", names_in(RUN)),
        ("requirements-dev.lock", names_in(RUN) | names_in(DEV)),
    ):
        text = (PROJECT / lock).read_text()
        blocks = re.findall(
            r"^([a-z0-9-]+)==\S+.*((?:\n    --hash=sha256:[0-9a-f]{64}.*)+)", text, re.MULTILINE
        )
        assert needed - {name for name, _ in blocks} == set(), lock


def test_the_license_is_mit():
    text = (PROJECT / "LICENSE").read_text()
    assert text.startswith("MIT License\n\nCopyright (c) 2026 Kalshi trading terminal contributors\n")
