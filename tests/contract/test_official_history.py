"""The official client's models parse historical lists and transfers.

Settlements are included.
"""

from __future__ import annotations

import pytest
from official_client import make_client
from traded_account import TradedAccount

pytestmark = [pytest.mark.contract, pytest.mark.filterwarnings("ignore")]


def test_every_list_of_a_long_past_is_parsed(account: TradedAccount) -> None:
    client, ours = make_client(account.exchange), account.exchange.client()
    live, old = client.get_fills(limit=1000).fills, client.get_fills_historical(limit=1000).fills
    assert {row.fill_id for row in [*live, *old]} == {row.fill_id for row in ours.each_fill()}
    live, old = client.get_orders(limit=1000).orders, client.get_historical_orders(limit=1000).orders
    assert {row.order_id for row in [*live, *old]} == {row.order_id for row in ours.each_order()}
    assert client.get_historical_market(account.archived_ticker).market.settlement_ts is not None
    assert {row.status for row in client.get_deposits().deposits} == {
        "applied", "pending", "failed", "returned"
    }  # fmt: skip
    assert len(client.get_withdrawals().withdrawals) == 4
    assert len(client.get_settlements(limit=1000).settlements) >= 6
