"""The official client's models parse historical lists and transfers.

Settlements are included.
"""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from exchange_process import running_exchange
from official_client import make_client

pytestmark = [pytest.mark.contract, pytest.mark.filterwarnings("ignore")]

DAY = 24 * 3_600


def test_every_list_of_a_long_past_is_parsed(tmp_path: Path) -> None:
    past = "positions=10,fills=80,settled=6,resting=2"
    with running_exchange(tmp_path, "--control", "--still", "--scenario", past) as exchange:
        ages = {f"{kind}_s_ago": DAY for kind in ("trades", "orders")}
        ages |= {f"{kind}_s_ago": 0 for kind in ("markets", "positions")}
        exchange.control("cutoff", ages)
        client = make_client(exchange)
        live, old = client.get_fills(limit=1000).fills, client.get_fills_historical(limit=1000).fills
        assert len({row.fill_id for row in [*live, *old]}) == 80
        assert client.get_historical_orders(limit=1000).orders
        assert client.get_historical_positions(limit=1000).market_positions
        ended = client.get_historical_markets(limit=1000).markets[0]
        assert client.get_historical_market(ended.ticker).market.settlement_ts is not None
        now = int(time.time())
        candles = client.get_market_candlesticks_historical(
            ended.ticker, start_ts=now - 10 * DAY, end_ts=now, period_interval=60
        )
        assert candles.candlesticks
        assert {row.status for row in client.get_deposits().deposits} == {
            "applied", "pending", "failed", "returned"
        }  # fmt: skip
        assert len(client.get_withdrawals().withdrawals) == 4
        assert len(client.get_settlements(limit=1000).settlements) >= 6
