"""Measure how long a filtered history takes over a large journal.

    python bench/history.py [EVENTS]

The journal has that many events (default 100,000) over 30 days, rotated and compressed as the program does.
The exchange's orders and fills come from memory, so only our own reading, joining and filtering counts.
Goal: 1 s for each filter.
"""

from __future__ import annotations

import gzip
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import cast

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from kalshi_trading.core.dates import Period
from kalshi_trading.core.models import BookSide, Fill, Order, OrderStatus
from kalshi_trading.core.results import Listing
from kalshi_trading.history import load_history
from kalshi_trading.history.comparison import compare
from kalshi_trading.history.rows import HistoryFilter, OrderResult
from kalshi_trading.history.trade_history import TradeHistory
from kalshi_trading.kalshi_client import KalshiClient
from kalshi_trading.trade_logger import TradeLogger

DAYS = 30
EVENTS_OF_ORDER = ("order.intent", "order.sending", "order.acknowledged", "order.fill")
ROUNDS = 5
ZERO, TEN, PRICE, FEE = Decimal(0), Decimal(10), Decimal("0.56"), Decimal("0.1725")


class MemoryClient:
    """The exchange's lists, served from memory."""

    def __init__(self, orders: list[Order], fills: list[Fill]) -> None:
        self._orders, self._fills = orders, fills

    def get_orders(
        self, *, since: datetime | None = None, limit: int | None = None, progress: object = None
    ) -> Listing[Order]:
        rows = tuple(row for row in self._orders if since is None or (row.created_at or since) >= since)
        cut = f"only the first {limit} rows were requested" if limit and len(rows) > limit else None
        return Listing(rows[:limit], cut)

    def get_fills(self, *, since: datetime | None = None, progress: object = None) -> Listing[Fill]:
        return Listing(
            tuple(row for row in self._fills if since is None or (row.created_at or since) >= since)
        )

    def get_historical_orders(
        self, *, since: datetime | None = None, limit: int | None = None, progress: object = None
    ) -> Listing[Order]:
        return Listing(())

    def get_historical_fills(
        self, *, since: datetime | None = None, progress: object = None
    ) -> Listing[Fill]:
        return Listing(())


def build(folder: Path, events: int) -> tuple[TradeLogger, KalshiClient]:
    """Write 30 days of journal files and build the matching lists."""
    log = TradeLogger(folder, "bench")
    log.folder.mkdir(parents=True)
    count = events // len(EVENTS_OF_ORDER)
    begin = datetime.now(UTC).replace(hour=1, minute=0) - timedelta(days=DAYS - 1)
    orders, fills, days = [], [], dict[str, list[str]]()
    for number in range(count):
        at = begin + timedelta(days=DAYS - 1) * number / count
        local = at.astimezone()
        fields = _fields(number)
        for event in EVENTS_OF_ORDER:
            line = f"{local.isoformat(timespec='milliseconds')} {event} {json.dumps(fields)}\n"
            days.setdefault(f"{local:%Y-%m-%d}", []).append(line)
        orders.append(_order(number, at))
        fills.append(_fill(number, at))
    *earlier, (_, today) = days.items()
    for day, lines in earlier:
        with gzip.open(log.folder / f"trades-{day}.log.gz", "wt", encoding="utf-8") as file:
            file.writelines(lines)
    log.trades_path.write_text("".join(today), encoding="utf-8")
    return log, cast(KalshiClient, MemoryClient(orders[::-1], fills[::-1]))


def _fields(number: int) -> dict[str, str]:
    return {
        "environment": "bench",
        "session": "0" * 32,
        "account": "0" * 12,
        "client_order_id": f"0d9f6c3e-0001-4b7a-8e55-{number:012}",
        "ticker": _ticker(number),
        "action": "buy",
        "side": "yes",
        "count": "10",
        "price": "0.56",
        "order_id": f"a1c5e7d2-{number:08}",
        "fill_count": "10",
        "remaining_count": "0",
        "average_price": "0.5600",
        "fee": "0.1725",
        "sentence": f"BUY 10 YES {_ticker(number)} at 56¢, good till canceled",
    }


def _ticker(number: int) -> str:
    return f"KXHIGHNY-26NOV{number % 30:02}-B{number % 7}"


def _order(number: int, at: datetime) -> Order:
    return Order(
        order_id=f"a1c5e7d2-{number:08}",
        client_order_id=f"0d9f6c3e-0001-4b7a-8e55-{number:012}",
        ticker=_ticker(number),
        book_side=BookSide.BID,
        status=OrderStatus.EXECUTED,
        yes_price=PRICE,
        fill_count=TEN,
        remaining_count=ZERO,
        initial_count=TEN,
        fill_cost=TEN * PRICE,
        fees=FEE,
        created_at=at,
        updated_at=at,
        expires_at=None,
        exchange_index=0,
    )


def _fill(number: int, at: datetime) -> Fill:
    order_id = f"a1c5e7d2-{number:08}"
    return Fill(f"f-{number}", order_id, _ticker(number), BookSide.BID, TEN, PRICE, True, FEE, at)


def time_filter(work: Callable[[], TradeHistory], wanted: HistoryFilter) -> tuple[float, int]:
    """Return the median seconds of some rounds and the number of rows kept."""
    times, rows = [], 0
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        rows = sum(wanted.takes(row) for row in work().rows)
        times.append(time.perf_counter() - begun)
    return statistics.median(times), rows


def main() -> None:
    events = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    with tempfile.TemporaryDirectory() as folder:
        log, client = build(Path(folder), events)
        today = datetime.now(UTC).astimezone().date()
        week = Period(today - timedelta(days=6), today)
        cases: list[tuple[str, HistoryFilter, Period | None, int | None]] = [
            ("newest 1,000, one market", HistoryFilter(market="KXHIGHNY-26NOV07-B0"), None, 1000),
            ("7 days, one event", HistoryFilter(event="KXHIGHNY-26NOV07"), week, None),
            ("everything, one result", HistoryFilter(result=OrderResult.FILLED), None, None),
        ]
        print(f"{events} events, {events // len(EVENTS_OF_ORDER)} orders       seconds     rows")
        for name, wanted, period, most in cases:
            taken, rows = time_filter(
                lambda period=period, most=most: load_history(  # type: ignore[misc]
                    client, log, period=period, most=most
                ),
                wanted,
            )
            print(f"{name:<34} {taken:>8.3f} {rows:>8}")
        history = load_history(client, log, most=None)
        begun = time.perf_counter()
        found = compare(history.rows)
        print(f"{'comparing all of it':<34} {time.perf_counter() - begun:>8.3f} {found.compared:>8}")
        assert found.is_clean, found.differences[:1]
        begun = time.perf_counter()
        read = len(log.read_journal().records)
        print(f"{'reading the journal alone':<34} {time.perf_counter() - begun:>8.3f} {read:>8}")


if __name__ == "__main__":
    main()
