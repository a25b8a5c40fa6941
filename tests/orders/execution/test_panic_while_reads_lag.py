"""Panic right after an order that lagging reads do not show yet.

Runs on a real exchange.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from faulty_exchange import running_faulty_exchange
from screen_session import place, quoted_market

from kalshi_trading.core.models import OrderStatus
from kalshi_trading.kalshi_client import KalshiClient
from kalshi_trading.orders.execution.submission_result import Outcome
from kalshi_trading.orders.service import OrderService
from kalshi_trading.settings.options import Limits
from kalshi_trading.trade_logger import TradeLogger

Open = Callable[..., tuple[OrderService, KalshiClient]]


@pytest.fixture
def open_desk(tmp_path: Path) -> Iterator[Open]:
    """Start an exchange with lagging reads and a newly resting order of ours."""
    with ExitStack() as stack:

        def start(
            lag_s: float, sleep: Callable[[float], None] | None = None
        ) -> tuple[OrderService, KalshiClient]:
            faulty = stack.enter_context(running_faulty_exchange(tmp_path / "data", "--seed", "5"))
            faulty.fail({"kind": "read_lag", "lag_s": lag_s})
            client = faulty.exchange.client()
            journal = TradeLogger(tmp_path, "practice")
            executor = OrderService(client, journal, limits=Limits(), sleep=sleep)
            market = quoted_market(executor)
            placed = place(executor, market.ticker, "yes", 1, "0.01")
            assert placed.outcome is Outcome.ACKNOWLEDGED
            return executor, client

        yield start


def test_panic_waits_for_the_lists_to_show_what_was_just_sent(open_desk: Open) -> None:
    executor, client = open_desk(1.2)
    assert client.get_orders(status=OrderStatus.RESTING).items == ()
    report = executor.panic()
    assert len(report.canceled) == 1
    assert report.is_verified


def test_panic_claims_nothing_when_the_lists_never_catch_up(open_desk: Open) -> None:
    executor, _ = open_desk(600, sleep=lambda seconds: None)
    report = executor.panic()
    assert report.canceled == ()
    assert report.problem is not None
    assert "before panic was pressed" in report.problem
    assert not report.is_verified
