"""Measure how long an intent takes to reach the disk.

    python bench/journal.py [FOLDER] [INTENTS]

A bare write and flush in the same run is the comparison; the two alternate, so that both meet the same disk.
FOLDER selects the disk (default: a temporary folder below the working directory, because /tmp may be memory).
Goal: an intent within 5 ms in 99 of 100 cases.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from kalshi_trading.trade_logger import TradeLogger

INTENT = {
    "client_order_id": "0d9f6c3e-0001-4b7a-8e55-c0ffee000001",
    "ticker": "KXHIGHNY-26NOV21-B46.5",
    "action": "buy",
    "side": "yes",
    "count": "10",
    "price": "0.5600",
    "time_in_force": "good_till_canceled",
    "sentence": "BUY 10 YES at 56¢ – cost $5.60",
}


def took_ms(act: Callable[[], object]) -> float:
    begun = time.perf_counter()
    act()
    return (time.perf_counter() - begun) * 1000


def bare_append(path: Path, data: bytes) -> None:
    descriptor = os.open(path, os.O_APPEND | os.O_CREAT | os.O_WRONLY, 0o600)
    os.write(descriptor, data)
    os.fsync(descriptor)
    os.close(descriptor)


def measure(folder: Path, intents: int) -> tuple[list[float], list[float]]:
    """Return milliseconds of the intents and of bare writes of equal size."""
    log = TradeLogger(folder, "bench", session_id="0" * 32, account="0" * 12)
    log.log_order_step("intent", INTENT)
    line = log.trades_path.read_bytes()
    journal, bare = [], []
    for _ in range(intents):
        journal.append(took_ms(lambda: log.log_order_step("intent", INTENT)))
        bare.append(took_ms(lambda: bare_append(folder / "bare", line)))
    return journal, bare


def main() -> None:
    parent = sys.argv[1] if len(sys.argv) > 1 else "."
    intents = int(sys.argv[2]) if len(sys.argv) > 2 else 3000
    with tempfile.TemporaryDirectory(dir=parent) as folder:
        measured = measure(Path(folder), intents)
    rows = [(statistics.median(each), statistics.quantiles(each, n=100)[98]) for each in measured]
    print(f"{intents} of each, milliseconds   median     p99")
    for name, (median, p99) in zip(["intent, flushed", "bare write, flushed"], rows, strict=True):
        print(f"{name:<26} {median:>8.3f} {p99:>8.3f}")
    ratios = [rows[0][each] / rows[1][each] for each in (0, 1)]
    print(f"{'ratio':<26} {ratios[0]:>8.2f} {ratios[1]:>8.2f}")


if __name__ == "__main__":
    main()
