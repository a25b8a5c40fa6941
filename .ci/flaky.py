"""Compare two JUnit reports: a run, and its failed tests alone.

    python .ci/flaky.py FIRST SECOND OPTIONS

Prints a test that failed and then passed as FLAKY, with the options of its run and its first failure. Exit
status 1: a test failed twice or was not repeated.
"""

from __future__ import annotations

import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path


def failures(report: Path) -> dict[str, str]:
    """Map failed tests to their messages."""
    found: dict[str, str] = {}
    for case in ElementTree.parse(report).iter("testcase"):
        messages = [each.text or "" for each in case if each.tag in ("failure", "error")]
        if messages:
            earlier = found.get(_name(case), "")  # a test and its teardown may both fail
            found[_name(case)] = "\n".join(filter(None, [earlier, *messages]))
    return found


def passes(report: Path) -> set[str]:
    """Return the tests that passed."""
    return {_name(case) for case in ElementTree.parse(report).iter("testcase") if len(case) == 0}


def _name(case: ElementTree.Element) -> str:
    """Name a test as pytest takes it on its command line."""
    file = (case.get("classname") or "").replace(".", "/")
    return f"{file}.py::{case.get('name')}" if file else f"{case.get('name')}"


def main(first: Path, second: Path, options: str) -> int:
    failed, again = failures(first), failures(second)
    flaky = failed.keys() & passes(second)
    for name in sorted(flaky):
        print(f"FLAKY {name} {options}\nMend it before anything else. Its first failure:\n\n{failed[name]}\n")
    lost = sorted(failed.keys() - flaky)
    for name in lost:
        print(f"FAILED {name} {options}, {'also alone' if name in again else 'not repeated'}")
    return 1 if lost or not failed else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]))
