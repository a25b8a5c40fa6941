"""Start the trading terminal, or explain that Python is too old."""

import os
import sys

if sys.version_info < (3, 11):
    sys.stderr.write(
        "This program needs Python 3.11 or newer (this is %d.%d). "
        "Try: python3.11 main.py\n" % sys.version_info[:2]
    )
    sys.exit(2)


def start(words):
    """Run the program and return the exit status.

    With `practice` as first argument, only the practice exchange runs.
    """
    folder = os.path.dirname(os.path.realpath(__file__))
    if folder not in sys.path:  # python -P, python -I and PYTHONSAFEPATH leave it out
        sys.path.insert(0, folder)
    from kalshi_trading.__main__ import run_with_advice

    return run_with_advice(lambda: _run(words))


def _run(words):
    if words[:1] != ["practice"]:
        from kalshi_trading.ui.program import main

        return main(words)
    from kalshi_trading.settings.child_environment import child_environment

    environment = child_environment()
    if environment != dict(os.environ):  # drop variables the exchange does not need, such as a key
        os.execve(sys.executable, [sys.executable] + sys.orig_argv[1:], environment)  # noqa: RUF005 (Python 2)
    from kalshi_trading.practice.server.program import main

    return main(words[1:])


if __name__ == "__main__":
    sys.exit(start(sys.argv[1:]))
