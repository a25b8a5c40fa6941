"""Start the practice exchange: `python -m kalshi_trading.practice`."""

from __future__ import annotations

import sys

from kalshi_trading.practice.server.program import main

if __name__ == "__main__":
    sys.exit(main())
