"""Start the program: `python -m kalshi_trading`, or `kalshi`."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Sequence

from kalshi_trading.ui import packages


def run_with_advice(run: Callable[[], int]) -> int:
    """Run the program and return the exit status.

    If a package is missing, print one line on how to install it and return 2.
    """
    try:
        return run()
    except ImportError as error:
        sentence = packages.advice(error)
        if sentence is None:
            raise
        sys.stderr.write(f"{sentence}\n")
        return 2


def main() -> int:
    """Run the command line and return the exit status.

    The word `practice` starts the practice exchange alone.
    """
    words = sys.argv[1:]
    return run_with_advice(lambda: _practice(words[1:]) if words[:1] == ["practice"] else _menu(words))


def _menu(words: Sequence[str]) -> int:
    from kalshi_trading.ui.program import main

    return main(words)


def _practice(words: Sequence[str]) -> int:
    """Become the practice exchange, which inherits no key."""
    from kalshi_trading.settings.child_environment import child_environment

    command = [sys.executable, "-m", "kalshi_trading.practice", *words]
    if sys.platform != "win32":  # there, exec returns to the shell at once
        os.execve(sys.executable, command, child_environment())
    return subprocess.call(command, env=child_environment())


if __name__ == "__main__":
    sys.exit(main())
