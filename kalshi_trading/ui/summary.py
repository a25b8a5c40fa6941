"""Print the portfolio outside the menu, as the menu shows it."""

from __future__ import annotations

import io
import sys

from rich.console import Console

from kalshi_trading.core.dates import start_of_day
from kalshi_trading.portfolio.cross_check import check_account
from kalshi_trading.portfolio.snapshot import PortfolioSnapshot
from kalshi_trading.ui.views import portfolio, positions


def print_portfolio(snapshot: PortfolioSnapshot) -> None:
    """Print summary, cross-check and every position, as wide as the terminal."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # an encoding without a minus sign gets a question mark
    console = Console(highlight=False, emoji=False, markup=False)
    today, check = snapshot.realized_since(start_of_day(snapshot.as_of)), check_account(snapshot)
    console.print(portfolio.summary(snapshot, today, check, console.width))
    every = max(1, len(snapshot.held))
    console.print(positions.positions(snapshot, positions.Sorting.COST, 0, console.width, page=every))
