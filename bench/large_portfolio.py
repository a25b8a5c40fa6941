"""Measure the portfolio of a very large account.

    python bench/large_portfolio.py [POSITIONS] [FILLS] [FOLDER]

Measures time to the first screen, peak memory and exact totals. A practice exchange trades the account into
FOLDER, which is kept for the next run if given. A separate process reads the portfolio. Goals for 10,000
positions and 100,000 fills: first screen within 2 s, at most 300 MB, and every total equal to the exchange's
own books.
"""

from __future__ import annotations

import io
import json
import multiprocessing
import resource
import sys
import tempfile
import time
from decimal import Decimal
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "support" / "exchange"))
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import requests
from exchange_process import running_exchange

if TYPE_CHECKING:  # only the reader process may load the program
    from kalshi_trading.portfolio.snapshot import PortfolioSnapshot

EXCHANGE_FLAGS = ("--control", "--idle-exit", "0")


def read_portfolio(url: str, key_id: str, key_path: str, results: Connection) -> None:
    """Read and draw the portfolio as the program does; send the measurements."""
    from rich.console import Console

    from kalshi_trading.core.dates import start_of_day
    from kalshi_trading.exchange.http.transport import Timing, Transport
    from kalshi_trading.kalshi_client import KalshiClient
    from kalshi_trading.portfolio.cross_check import check_account
    from kalshi_trading.portfolio_tracker import PortfolioTracker
    from kalshi_trading.settings.credentials import Credentials, load_private_key
    from kalshi_trading.ui.views import portfolio as portfolio_view
    from kalshi_trading.ui.views import positions as positions_view
    from kalshi_trading.ui.views.positions import Sorting

    transport = Transport(url, Credentials(key_id, load_private_key(key_path)), timing=Timing(total_s=60))
    client = KalshiClient(transport)
    client.load_limits()
    console = Console(width=100, file=io.StringIO())
    begun = time.perf_counter()
    first_after: list[float] = []

    def first_look(early: PortfolioSnapshot) -> None:
        console.print(portfolio_view.first_look(early, 100))
        console.print(positions_view.positions(early, Sorting.COST, 0, 100))
        first_after.append(time.perf_counter() - begun)

    snapshot = PortfolioTracker(client).refresh(first_look=first_look)
    check = check_account(snapshot)
    today = snapshot.realized_since(start_of_day(snapshot.as_of))
    console.print(portfolio_view.summary(snapshot, today, check, 100))
    console.print(positions_view.positions(snapshot, Sorting.COST, 0, 100))
    whole_after = time.perf_counter() - begun
    took = {"first": min([*first_after, whole_after]), "whole": whole_after}
    results.send(
        took | totals(snapshot) | {"compared": check.compared, "differences": len(check.differences)}
    )


def totals(snapshot: PortfolioSnapshot) -> dict[str, object]:
    """Return the totals of the snapshot and the peak memory in MB."""
    assert snapshot.realized is not None
    return {
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "positions": len(snapshot.held),
        "fills": snapshot.fills.value,
        "realized": str(snapshot.realized.gross),
        "fees": str(snapshot.realized.fees),
        "cash": str(sum(account.fifo.cash for account in snapshot.ledgers.values())),
        "exposure": str(sum(row.cost_basis for row in snapshot.held)),
    }


def compare_totals(ours: dict[str, str], books: dict[str, object]) -> dict[str, bool]:
    """Compare our totals with the exchange's own books."""
    markets = books["markets"]
    assert isinstance(markets, dict)
    expected = {
        "realized": Decimal(str(books["realized"])),
        "fees": Decimal(str(books["fees"])),
        "cash": sum((Decimal(row["cash"]) for row in markets.values()), Decimal(0)),
        "exposure": sum((Decimal(row["exposure"]) for row in markets.values()), Decimal(0)),
    }
    return {name: Decimal(ours[name]) == amount for name, amount in expected.items()}


def measure(folder: Path, scenario: str) -> None:
    with running_exchange(folder, "--scenario", scenario, *EXCHANGE_FLAGS) as exchange:
        receiver, sender = multiprocessing.get_context("spawn").Pipe(duplex=False)
        arguments = (exchange.url, exchange.key_id, exchange.private_key_path, sender)
        reader = multiprocessing.get_context("spawn").Process(target=read_portfolio, args=arguments)
        reader.start()
        sender.close()  # otherwise we would wait forever for a failed reader
        measured = receiver.recv()
        reader.join()
        origin = exchange.url.removesuffix("/trade-api/v2")
        books = requests.get(f"{origin}/practice/books", timeout=120).json()
    print(f"{measured['positions']:,} positions, {measured['fills']:,} fills")
    print(f"first screen {measured['first']:.2f} s (goal 2), whole {measured['whole']:.2f} s")
    print(f"peak memory {measured['peak_mb']:.0f} MB (goal 300)")
    print(f"self-check: {measured['compared']:,} numbers compared, {measured['differences']} differ")
    print(f"totals exact: {json.dumps(compare_totals(measured, books))}")


def main(positions: str = "10000", fills: str = "100000", folder: str | None = None) -> None:
    scenario = f"positions={positions},fills={fills}"
    if folder is not None:
        measure(Path(folder), scenario)
        return
    with tempfile.TemporaryDirectory() as temporary:
        measure(Path(temporary), scenario)


if __name__ == "__main__":
    main(*sys.argv[1:])
