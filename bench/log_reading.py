"""Measure how long the logs take to read.

    python bench/log_reading.py [MEGABYTES] [EVENTS]

Reads the newest lines of a large file, then filters many events. The files are in a temporary folder below
the working directory. They were just written, so they are in memory. Goals: the last 50 lines of 200 MB
within 0.2 s, 100,000 events with a filter within 1 s.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from kalshi_trading.journal.records import JournalEntry, JournalRecord
from kalshi_trading.trade_logger import TradeLogger

NEWEST = 50
NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
ORDER = (
    '"environment": "bench", "session": "{order:032x}", "account": "0123456789ab", '
    '"client_order_id": "0d9f6c3e-0001-4b7a-8e55-{order:012x}", "ticker": "KXHIGHNY-26NOV21-B{market}.5"'
)
DETAILS = '"action": "buy", "side": "yes", "count": "10", "price": "0.5600"'
STEPS = (
    ("intent", f'{DETAILS}, "time_in_force": "good_till_canceled", "cost": "5.60", "sentence": "BUY 10 YES"'),
    ("sending", '"attempt": 1'),
    ("acknowledged", f'{DETAILS}, "order_id": "{0:032x}", "fill_count": "10", "reason": "filled – at once"'),
    ("fill", f'{DETAILS}, "order_id": "{0:032x}", "average_price": "0.5600", "fee": "0.173000"'),
)


def lines(first_at: datetime) -> Iterator[bytes]:
    """Yield the lines of orders in 60 markets, four per order, without end."""
    order = 0
    while True:
        at = (first_at + timedelta(milliseconds=40 * order)).isoformat(timespec="milliseconds")
        names = ORDER.format(order=order, market=order % 60)
        for event, details in STEPS:
            yield f"{at} order.{event} {{{names}, {details}}}\n".encode()
        order += 1


def write_bytes(path: Path, size: int) -> None:
    with path.open("wb") as file:
        for line in lines(NOON):
            if file.tell() + len(line) > size:
                return
            file.write(line)


def write_day(log: TradeLogger, begin: datetime, events: int) -> None:
    """Write a day's events; its first line rotates the previous day's file."""
    log.log_event("clock.offset", {"reason": "a new day"})
    with log.trades_path.open("ab") as file:
        file.writelines(islice(lines(begin), events - 1))


def fastest_s(act: Callable[[], object]) -> float:
    return min(_time_once_s(act) for _ in range(3))


def _time_once_s(act: Callable[[], object]) -> float:
    begun = time.perf_counter()
    act()
    return time.perf_counter() - begun


def report(what: str, seconds: float) -> None:
    print(f"{what:<48}{seconds:>8.4f} s")


def count_matches(entries: Iterator[JournalEntry]) -> int:
    return sum(
        1 for each in entries if isinstance(each, JournalRecord) and each.text("ticker").endswith("B46.5")
    )


def measure_newest(folder: Path, size: int) -> None:
    log = TradeLogger(folder / "large", "bench")
    log.folder.mkdir(parents=True)
    write_bytes(log.trades_path, size)
    seconds = fastest_s(lambda: list(islice(log.newest_records(), NEWEST)))
    report(f"last {NEWEST} lines of {size // 1_000_000} MB", seconds)


def measure_damage(folder: Path) -> None:
    log = TradeLogger(folder / "large", "bench")
    with log.trades_path.open("ab") as file:
        file.write(b"2026-11-01T12:00:00.000+00:00 order.int")
    seconds = fastest_s(lambda: list(islice(log.newest_records(), NEWEST)))
    report("the same, numbering a damaged last line", seconds)


def measure_filter(folder: Path, events: int) -> None:
    now = [NOON]
    log = TradeLogger(folder / "days", "bench", clock=lambda: now[0])
    days = 20
    for day in range(days):
        now[0] = NOON + timedelta(days=day)
        write_day(log, now[0], events // days)
    begin = date(2026, 11, 10)
    for name, act in [
        ("one by one, a market", lambda: count_matches(log.scan_journal())),
        ("newest first, a market", lambda: count_matches(log.newest_records())),
        (
            "ten days of them, a market",
            lambda: count_matches(log.scan_journal(begin, begin + timedelta(days=9))),
        ),
        ("all at once, a market", lambda: count_matches(iter(log.get_records()))),
    ]:
        report(f"{events:,} events, {name}", fastest_s(act))


def main() -> None:
    megabytes = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    events = int(sys.argv[2]) if len(sys.argv) > 2 else 100_000
    with tempfile.TemporaryDirectory(dir=".") as folder:
        measure_newest(Path(folder), megabytes * 1_000_000)
        measure_damage(Path(folder))
        measure_filter(Path(folder), events)


if __name__ == "__main__":
    main()
