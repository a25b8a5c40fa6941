"""Audit locked packages for known vulnerabilities: `audit.py LOCK...`.

Exit status 1: a package has a known vulnerability, or a lock could not be audited. Without access to the data
it reports NOT RUN.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

NO_ACCESS = re.compile(r"Connection|Max retries|timed out|ServiceError|HTTPError", re.IGNORECASE)


class NotAuditedError(Exception):
    """A lock that pip-audit could not judge; `str()` is its last line."""


def audited(lock: str) -> list[dict]:
    """Return the audit of each package in a lock file. Raises NotAuditedError."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        audit = [sys.executable, "-m", "pip_audit", "--disable-pip", "--require-hashes"]
        ended = subprocess.run(
            [*audit, "-r", lock, "-f", "json", "-o", report], capture_output=True, text=True, check=False
        )
        try:
            return json.loads(report.read_text())["dependencies"]
        except (OSError, ValueError, KeyError):
            lines = ended.stderr.strip().splitlines() or ["no output"]
            raise NotAuditedError(lines[-1]) from None


def is_clean(lock: str) -> bool:
    """Report on one lock file, and return False if something is wrong."""
    try:
        packages = audited(lock)
    except NotAuditedError as error:
        is_offline = NO_ACCESS.search(str(error)) is not None
        print(f"{lock}: {'NOT RUN' if is_offline else 'FAILED'}: {error}")
        return is_offline
    known = [each for each in packages if "skip_reason" not in each]
    faulty = [each for each in known if each["vulns"]]
    if packages and not known:
        print(f"{lock}: NOT RUN: the data of known vulnerabilities cannot be reached.")
        return True
    print(
        f"{lock}: {len(known)} of {len(packages)} packages audited, {len(faulty)} with known vulnerabilities."
    )
    for each in faulty:
        print(f"  {each['name']} {each['version']}: {', '.join(fault['id'] for fault in each['vulns'])}")
    for each in packages:
        if "skip_reason" in each:
            print(f"  not audited: {each['name']}: {each['skip_reason']}")
    return not faulty and bool(packages)


def main(locks: list[str]) -> int:
    if not locks:
        print("usage: audit.py LOCK...")
        return 2
    judged = [is_clean(lock) for lock in locks]  # all of them, also after a failure
    return 0 if all(judged) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
