"""Measure the peak memory of a process that exports one large table.

    python bench/export.py [ROWS]

Each table has its own process, which has loaded the program. It reads pages of 1,000 rows as the exchange
sends them. It joins a journal in which every order is ours. Goal: 100,000 rows below 100 MB.
"""

from __future__ import annotations

import json
import multiprocessing
import resource
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from kalshi_trading.history import Exporter
from kalshi_trading.history.export_tables import ORDERS, TRADES
from kalshi_trading.history.tax_export import TAX
from kalshi_trading.journal.csv_rows import JOURNAL
from kalshi_trading.journal.files.table_files import Format, Table
from kalshi_trading.kalshi_client import KalshiClient
from kalshi_trading.portfolio_tracker import PortfolioTracker
from kalshi_trading.trade_logger import TradeLogger
from kalshi_trading.ui import program

ROWS = 100_000
PAGE = 1000
MARKETS = 300
FIRST = datetime(2026, 1, 1, tzinfo=UTC)
GOAL_MB = 100


def identifier(kind: int, number: int) -> str:
    return str(UUID(int=(kind << 120) + number * 0x9E3779B97F4A7C15))


def ticker(number: int) -> str:
    return f"KXMARKET{number % MARKETS}-26NOV21-B{number % MARKETS}"


def moment(number: int) -> str:
    return (FIRST + timedelta(seconds=number * 13, microseconds=number)).isoformat().replace("+00:00", "Z")


def price(number: int) -> str:
    return f"0.{1 + number % 98:02}00"


class Account:
    """A fake exchange account with `rows` fills, each with its own order."""

    def __init__(self, rows: int) -> None:
        self._rows = rows

    def read(self, path: str, query: Iterable[tuple[str, str]] = (), *, signed: bool = True) -> Any:
        name = path.rpartition("/")[2]
        if path.startswith("/historical") or name not in ("fills", "orders", "settlements"):
            return {name: [], "cursor": "", "market_positions": [], "event_positions": []}
        count = self._rows if name in ("fills", "orders") else MARKETS
        begin = int(dict(query).get("cursor") or 0)
        numbers = range(begin, min(begin + PAGE, count))
        rows = [getattr(self, f"_{name}")(number) for number in numbers]
        cursor = str(numbers.stop) if numbers.stop < count else ""
        return json.loads(json.dumps({name: rows, "cursor": cursor}))

    def _fills(self, number: int) -> Mapping[str, Any]:
        age = self._rows - number
        return {
            "fill_id": identifier(1, number),
            "order_id": identifier(2, number),
            "ticker": ticker(number),
            "book_side": "bid",
            "count_fp": f"{1 + number % 400}.00",
            "yes_price_dollars": price(number),
            "is_taker": number % 2 == 0,
            "fee_cost": f"0.{number % 9000 + 1000:04}",
            "created_time": moment(age),
        }

    def _orders(self, number: int) -> Mapping[str, Any]:
        costs = {
            f"{who}_{what}_dollars": "1.230000"
            for who in ("taker", "maker")
            for what in ("fill_cost", "fees")
        }
        return {
            "order_id": identifier(2, number),
            "client_order_id": identifier(3, number),
            "ticker": ticker(number),
            "book_side": "bid",
            "status": "executed",
            "yes_price_dollars": price(number),
            "fill_count_fp": f"{1 + number % 400}.00",
            "remaining_count_fp": "0.00",
            "initial_count_fp": f"{1 + number % 400}.00",
            "created_time": moment(self._rows - number),
            "last_update_time": moment(self._rows - number),
            **costs,
        }

    def _settlements(self, number: int) -> Mapping[str, Any]:
        count = sum(1 + each % 400 for each in range(number, self._rows, MARKETS))
        return {
            "ticker": ticker(number),
            "event_ticker": ticker(number).rpartition("-")[0],
            "market_result": "yes",
            "yes_count_fp": f"{count}.00",
            "yes_total_cost_dollars": "1.000000",
            "no_count_fp": "0.00",
            "no_total_cost_dollars": "0.000000",
            "revenue": count * 100,
            "settled_time": "2026-12-31T00:00:00Z",
            "fee_cost": "1.000000",
            "value": 100,
        }


def write_journal(path: Path, rows: int) -> None:
    """Write two lines per order: our request and the exchange's response."""
    path.parent.mkdir(parents=True)
    with path.open("w") as file:
        for number in range(rows):
            names = {
                "environment": "practice",
                "client_order_id": identifier(3, number),
                "ticker": ticker(number),
            }
            request = names | {"action": "buy", "side": "yes", "count": "5.00", "price": price(number)}
            response = names | {
                "order_id": identifier(2, number),
                "fill_count": "5.00",
                "remaining_count": "0.00",
            }
            at = moment(number)
            file.write(
                f"{at} order.intent {json.dumps(request)}\n{at} order.acknowledged {json.dumps(response)}\n"
            )


def export(table: Table, rows: int, folder: Path, way: Format, results: Any) -> None:
    """Write one table in this process; send rows, seconds, peak MB and bytes."""
    client = KalshiClient(Account(rows))  # type: ignore[arg-type]
    tracker = PortfolioTracker(client)
    journal = TradeLogger(folder, "practice")
    path = folder / f"{table.name}.{way}"
    begun = time.perf_counter()
    exporter = Exporter(client, tracker, journal, lambda: datetime.now(UTC))
    done = exporter.export(table, path, written_as=way)
    took = time.perf_counter() - begun
    results.put(
        (done.rows, took, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, path.stat().st_size)
    )


def load_heavy_libraries() -> None:
    """Import the other libraries that a running session has loaded."""
    import cryptography.hazmat.primitives.asymmetric.rsa
    import questionary
    import requests

    assert all((program, requests, questionary, cryptography))


def measure(*how: Any) -> tuple[int, float, float, int]:
    context = multiprocessing.get_context("spawn")
    results = context.Queue()
    process = context.Process(target=child, args=(*how, results))
    process.start()
    result: tuple[int, float, float, int] = results.get()
    process.join()
    return result


def child(*how: Any) -> None:
    load_heavy_libraries()
    export(*how)


def main() -> None:
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else ROWS
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_journal(folder / "practice" / "trades.log", rows)
        for table in (TRADES, ORDERS, JOURNAL, TAX):  # positions and settlements have only one row per market
            for way in Format:
                count, took, peak, size = measure(table, rows, folder, way)
                verdict = "" if peak < GOAL_MB else f"  ABOVE {GOAL_MB} MB"
                print(
                    f"{table.name:8} {way:5} {count:9,} rows  {took:6.2f} s  "
                    f"peak {peak:6.1f} MB  file {size / 1e6:6.1f} MB{verdict}",
                    flush=True,
                )


if __name__ == "__main__":
    main()
