"""Measure the cost of a long journal: program start, preview and order.

    python bench/long_journal.py starts [ROUNDS]     a year of 200 orders a day, and one file of 1 GB
    python bench/long_journal.py orders [ROUNDS]     after 10 and after 10,000 orders of the day

Goals:

- start to menu: at most 1.3 times that with an empty journal, 150 MB
- start with 1 GB and no checkpoint: 10 s and 250 MB
- preview and order: at most 1.2 times as long after 10,000 orders as after 10

The runs alternate and we compare medians. The practice exchange runs throughout.
"""

from __future__ import annotations

import gzip
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from uuid import UUID

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from kalshi_trading.core.models import Action, Side
from kalshi_trading.exchange.http.transport import Transport
from kalshi_trading.exchange.practice_launcher import PracticeExchange, ensure_running
from kalshi_trading.journal.checkpoint import checkpoint_of
from kalshi_trading.kalshi_client import KalshiClient
from kalshi_trading.orders.execution.submission_result import Outcome
from kalshi_trading.orders.pretrade.ticket import OrderTicket
from kalshi_trading.orders.service import OrderService
from kalshi_trading.settings.options import Limits
from kalshi_trading.trade_logger import TradeLogger

PROJECT = Path(__file__).resolve().parent.parent
ORDERS_A_DAY = 200
GIGABYTE = 1_000_000_000
REFILL_S = 0.7
"""Pause in which the exchange's rate limit refills."""
STAMPS = {"environment": "practice", "session": "5e55" * 8, "account": "0123456789ab"}


def line(at: datetime, event: str, fields: Mapping[str, object]) -> bytes:
    text = json.dumps({**STAMPS, **fields}, ensure_ascii=False)
    return f"{at.astimezone().isoformat(timespec='milliseconds')} {event} {text}\n".encode()


def order_lines(number: int, at: datetime) -> Iterator[bytes]:
    """Yield the journal lines of one order.

    Of ten orders five fill at once, four rest and are canceled, one is rejected.
    """
    name, ticker = str(UUID(int=number, version=4)), f"KXHIGHNY-{at:%y%b%d}-B{number % 60}.5".upper()
    sentence = f"BUY 10 YES {ticker} at 57¢, good till canceled"
    named = {"client_order_id": name, "ticker": ticker}
    terms = {"action": "buy", "side": "yes", "count": "10", "price": "0.57"}
    kind = {"time_in_force": "good_till_canceled", "post_only": False, "reduce_only": False}
    description = {"sentence": sentence}
    fills = number % 10 < 5
    answer: dict[str, str | None] = {"order_id": str(UUID(int=number)), "fill_count": "10" if fills else "0"}
    answer |= {"remaining_count": "0" if fills else "10", "average_price": None, "fee": None}
    yield line(at, "order.intent", {**named, **terms, **kind, "cost": "5.70", **description})
    yield line(at, "order.sending", {**named, **description, "sent_at": f"{at.isoformat()}"})
    if number % 10 == 9:
        reason = "The exchange refused: insufficient_balance (HTTP 400). There is not enough cash for it."
        yield line(at, "order.rejected", {**named, **terms, "reason": reason, **description})
        return
    reason = "filled" if fills else "resting"
    yield line(at, "order.acknowledged", {**named, **terms, **answer, "reason": reason, **description})
    if fills:
        filled = {**answer, "average_price": "0.57", "fee": "0.1716", "reason": reason}
        yield line(at, "order.fill", {**named, **terms, **filled})
    else:
        canceled = {"order_id": answer["order_id"], **named}
        yield line(at, "cancel.requested", canceled)
        yield line(at, "cancel.acknowledged", {**canceled, "reduced_by": "10", "reason": "Canceled."})


def day_lines(day: datetime, first: int, orders: int, seconds: float = 60_000) -> Iterator[bytes]:
    """Yield orders spread over `seconds` from the start of a day."""
    for number in range(orders):
        yield from order_lines(first + number, day + timedelta(seconds=number * seconds / orders))


def write_year(folder: Path, today: datetime) -> None:
    """Write a year of compressed daily files, and one order of today."""
    for back in range(365, 0, -1):
        day = (today - timedelta(days=back)).replace(hour=0, minute=0)
        with gzip.open(folder / f"trades-{day:%Y-%m-%d}.log.gz", "wb", 6) as file:
            file.writelines(day_lines(day, back * ORDERS_A_DAY, ORDERS_A_DAY))
    (folder / "trades.log").write_bytes(b"".join(order_lines(999_999, today)))


def write_gigabyte(folder: Path, today: datetime) -> None:
    """Write one file of 1 GB that was never rotated.

    Its first order is of today; all others are older.
    """
    with (folder / "trades.log").open("wb") as file:
        file.writelines(order_lines(999_999_999, today))
        number = 0
        while file.tell() < GIGABYTE:
            day = today - timedelta(days=5 + number // ORDERS_A_DAY % 3000)
            file.writelines(day_lines(day, number, ORDERS_A_DAY))
            number += ORDERS_A_DAY


# --- Starts ---------------------------------------------------------------------------------------


def start_once(data: Path, logs: Path) -> tuple[float, float]:
    """Start the program; return seconds to its menu and peak memory in MB."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(data), "KALSHI_LOG_DIR": str(logs)}
    environment |= {"KALSHI_DATA_DIR": str(data), "TZ": "UTC"}
    command = [sys.executable, str(PROJECT / "main.py"), "--read-only"]
    begun = time.perf_counter()
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)
    assert process.stdin is not None
    assert process.stdout is not None
    shown = b""
    while b"Menu" not in shown:
        block = os.read(process.stdout.fileno(), 65536)
        if not block:
            raise SystemExit(f"The program ended before its menu: {shown.decode()[-500:]}")
        shown += block
    took = time.perf_counter() - begun
    process.stdin.close()
    process.stdout.read()
    _, _, usage = os.wait4(process.pid, 0)
    process.returncode = 0
    return took, usage.ru_maxrss / 1000


def measure_starts(folder: Path, rounds: int) -> None:
    today = datetime.now(UTC)
    logs = {name: folder / name for name in ("empty", "year", "gigabyte")}
    for each in logs.values():
        (each / "practice").mkdir(parents=True, mode=0o700)
    write_year(logs["year"] / "practice", today)
    write_gigabyte(logs["gigabyte"] / "practice", today)
    data = folder / "data"
    start_once(data, folder / "first")  # creates the practice exchange
    anew: dict[str, list[tuple[float, float]]] = {}
    for name in ("year", "gigabyte"):
        for _ in range(3):
            checkpoint_of(logs[name] / "practice" / "trades.log").unlink(missing_ok=True)
            anew.setdefault(name, []).append(start_once(data, logs[name]))
    runs: dict[str, list[tuple[float, float]]] = {name: [] for name in logs}
    for _ in range(rounds):
        for name, each in logs.items():
            runs[name].append(start_once(data, each))
    print(f"{'start to menu':<30}{'s':>8}{'ratio':>8}{'MB':>8}")
    empty = statistics.median(took for took, _ in runs["empty"])
    for name, kept in [*runs.items(), *((f"{name}, no checkpoint", found) for name, found in anew.items())]:
        took = statistics.median(took for took, _ in kept)
        print(f"{name:<30}{took:>8.2f}{took / empty:>8.2f}{max(size for _, size in kept):>8.0f}")


# --- Orders ---------------------------------------------------------------------------------------


def executor_at(exchange: PracticeExchange, logs: Path, orders: int) -> OrderService:
    """Open a session whose journal has `orders` orders of today."""
    journal = TradeLogger(logs, "practice", session_id="0" * 32)
    now = datetime.now(UTC).astimezone()
    midnight = now.replace(hour=0, minute=0, second=0)
    lasted_s = (now - midnight).total_seconds() - 120  # newer orders would count as uncertain
    journal.folder.mkdir(parents=True, mode=0o700)
    journal.trades_path.write_bytes(b"".join(day_lines(midnight, 0, orders, lasted_s)))
    client = KalshiClient(Transport(exchange.api_base_url, exchange.credentials()))
    client._transport.rate_limiter.acquire = lambda *_, **__: None  # type: ignore[method-assign]
    limits = replace(Limits(), daily_order_limit=100_000, daily_cost_limit=Decimal(10_000_000))
    return OrderService(client, journal, limits=limits)


def order_once(executor: OrderService, ticker: str) -> tuple[float, float]:
    """Preview, send and cancel a resting order.

    Returns the milliseconds of preview and of sending.
    """
    begun = time.perf_counter()
    seen = executor.preview(OrderTicket(ticker, Action.BUY, Side.YES, Decimal(1), Decimal("0.01")))
    shown = time.perf_counter()
    result = executor.submit(seen)
    sent = time.perf_counter()
    assert result.outcome is Outcome.ACKNOWLEDGED, result.message
    assert result.order_id is not None
    executor.cancel_order(executor.get_order_status(result.order_id))
    return (shown - begun) * 1000, (sent - shown) * 1000


def measure_orders(folder: Path, rounds: int) -> None:
    exchange = ensure_running(folder / "data" / "practice", seed=7, markets=50)
    executors = {count: executor_at(exchange, folder / str(count), count) for count in (10, 10_000)}
    ticker = max(executors[10].search_markets("a"), key=lambda found: found.market.close_at).market.ticker
    runs: dict[int, list[tuple[float, float]]] = {count: [] for count in executors}
    for number in range(-5, rounds):  # the first five are warm-up
        for count, executor in executors.items():
            time.sleep(REFILL_S)
            took = order_once(executor, ticker)
            if number >= 0:
                runs[count].append(took)
    print(f"{'orders of the day':<20}{'preview ms':>12}{'submit ms':>12}")
    medians = {count: [statistics.median(each) for each in zip(*runs[count], strict=True)] for count in runs}
    for count, (preview, submit) in medians.items():
        print(f"{count:<20,}{preview:>12.2f}{submit:>12.2f}")
    ratios = [late / early for late, early in zip(medians[10_000], medians[10], strict=True)]
    print(f"{'ratio':<20}{ratios[0]:>12.2f}{ratios[1]:>12.2f}")
    os.kill(exchange.pid, signal.SIGTERM)


def main() -> None:
    what, rounds = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 9
    with tempfile.TemporaryDirectory(dir=".") as folder:
        {"starts": measure_starts, "orders": measure_orders}[what](Path(folder).resolve(), rounds)


if __name__ == "__main__":
    main()
