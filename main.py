"""Start the trading terminal; on a Python that is too old, say so in one line."""

import sys

if sys.version_info < (3, 11):
    sys.stderr.write(
        "This program needs Python 3.11 or newer; this is Python %d.%d. "
        "Start it with a newer one, for example: python3.11 main.py\n" % sys.version_info[:2]
    )
    sys.exit(2)

from kalshi_trading.program import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
