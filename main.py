"""Start the trading terminal; on a Python that is too old, say so in one line."""

import os
import sys

if sys.version_info < (3, 11):
    sys.stderr.write(
        "This program needs Python 3.11 or newer; this is Python %d.%d. "
        "Start it with a newer one, for example: python3.11 main.py\n" % sys.version_info[:2]
    )
    sys.exit(2)


def start(words):
    """Run the program, or after `practice` the practice exchange alone; return the exit status."""
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
    if environment != dict(os.environ):  # what it need not know, such as a key, it does not keep
        os.execve(sys.executable, [sys.executable] + sys.orig_argv[1:], environment)  # noqa: RUF005 (Python 2)
    from kalshi_trading.practice.server.program import main

    return main(words[1:])


if __name__ == "__main__":
    sys.exit(start(sys.argv[1:]))
