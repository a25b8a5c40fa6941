"""Audit locked packages for known vulnerabilities: `audit.py LOCK...`.

Exit status 1: a package has a known vulnerability. Without access to the data it reports NOT RUN.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path


def audited(lock: str) -> list[dict]:
    """Return the audit of each package in a lock file.

    Empty: pip-audit could not run.
    """
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        command = [
            sys.executable,
            "-m",
            "pip_audit",
            "--disable-pip",
            "--require-hashes",
            "--progress-spinner=off",
        ]
        subprocess.run([*command, "-r", lock, "-f", "json", "-o", report], capture_output=True, check=False)
        return json.loads(report.read_text())["dependencies"] if report.exists() else []


def main(locks: list[str]) -> int:
    packages = {(each["name"], each.get("version")): each for lock in locks for each in audited(lock)}
    known = [each for each in packages.values() if "skip_reason" not in each]
    if not known:
        print("NOT RUN: the data of known vulnerabilities cannot be reached.")
        return 0
    print(f"{len(known)} of {len(packages)} packages audited.")
    faulty = [each for each in known if each["vulns"]]
    for each in faulty:
        print(f"{each['name']} {each['version']}: {', '.join(fault['id'] for fault in each['vulns'])}")
    return 1 if faulty else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
