"""Who besides its owner could come by a file that holds a secret.

Looks at permissions and at git. Never opens the file, never changes it.
"""

from __future__ import annotations

import os
import shlex
import subprocess
from pathlib import Path

from kalshi_trading.core.errors import Problem
from kalshi_trading.settings.child_environment import child_environment

_OTHERS = 0o077
_NOT_IGNORED = 1  # exit status of `git check-ignore` for a file that git would take or has taken


def exposures(variable: str, path: Path) -> list[Problem]:
    """Return what exposes the file that `path` leads to. A file that cannot be found exposes nothing."""
    try:
        target = path.resolve(strict=True)
        mode = target.stat().st_mode
    except (OSError, RuntimeError, ValueError):
        return []
    problems = []
    if os.name != "nt" and mode & _OTHERS:
        what = f"{target} can be used by other people on this machine (mode {mode & 0o777:o})."
        problems.append(Problem(variable, what, f"Run: chmod 600 {shlex.quote(str(target))}"))
    if _git_would_take(target):
        what = f"{target} lies in a git work tree and is not ignored there."
        problems.append(Problem(variable, what, "Move it out of the work tree, or add it to .gitignore."))
    return problems


def _git_would_take(target: Path) -> bool:
    """Ask git whether the file is tracked or could be added; without git nothing can be."""
    if not any((folder / ".git").exists() for folder in target.parents):
        return False
    command = ["git", "-C", str(target.parent), "check-ignore", "--quiet", "--", str(target)]
    try:
        answer = subprocess.run(
            command, capture_output=True, stdin=subprocess.DEVNULL, timeout=10, env=child_environment()
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return answer.returncode == _NOT_IGNORED
