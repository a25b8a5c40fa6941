"""Start the terminal program: `python -m kalshi_trading`."""

from __future__ import annotations

import sys
from collections.abc import Callable

from kalshi_trading.ui import packages


def run_with_advice(run: Callable[[], int]) -> int:
    """Run and return the exit status.

    If a package is missing, print one line on how to get it.
    """
    try:
        return run()
    except ImportError as error:
        sentence = packages.advice(error)
        if sentence is None:
            raise
        sys.stderr.write(f"{sentence}\n")
        return 2


def _run() -> int:
    from kalshi_trading.ui.program import main

    return main(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(run_with_advice(_run))
