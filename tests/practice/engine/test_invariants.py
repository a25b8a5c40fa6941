"""Random operations keep the practice exchange consistent.

Every dollar is accounted for after each operation.
"""

from __future__ import annotations

import proof
import pytest
from engine_world import restored
from hypothesis import given, settings
from hypothesis import strategies as st
from wanderer import TICKERS, Wanderer

from kalshi_trading.practice.records import (
    MarketStatus,
)


@settings(max_examples=proof.CURRENT.costly_examples)
@given(seed=st.integers(0, 2**32), steps=st.integers(1, 300))
def test_after_any_operation_everything_is_in_order(seed: int, steps: int) -> None:
    wanderer = Wanderer(seed)
    for _ in range(steps):
        wanderer.step()
    restored(wanderer.world, wanderer.sink).check()


@pytest.mark.parametrize("seed", [1, 2])
def test_a_long_walk_meets_every_rule_and_ends_with_everything_paid_out(seed: int) -> None:
    wanderer = Wanderer(seed)
    markets = wanderer.exchange.markets.values()
    while not all(listed.status is MarketStatus.FINALIZED for listed in markets):
        wanderer.step()
    restored(wanderer.world, wanderer.sink).check()
    balances = wanderer.sink.records["balance"]
    assert [balances[f"pot:{ticker}"] for ticker in TICKERS] == [0, 0, 0]
    assert wanderer.seen.keys() >= {
        "fills",
        "good_till_canceled resting",
        "good_till_canceled executed",
        "good_till_canceled canceled",
        "immediate_or_cancel canceled",
        "immediate_or_cancel executed",
        "fill_or_kill executed",
        "fill_or_kill_insufficient_resting_volume",
        "invalid_order",
        "invalid_price",
        "insufficient_balance",
        "order_expired",
        "order_canceled",
        "market_closed",
        "market_settled",
    }
    assert wanderer.seen["fills"] > 100
