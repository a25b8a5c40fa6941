"""The account's keys, volume and subaccounts at the practice exchange."""

from __future__ import annotations

import pytest
from practice_client import KEY_ID, PracticeClient

from kalshi_trading.practice.records import BookSide

DAY = 86_400


def test_keys_of_the_account_are_listed_and_no_others(client: PracticeClient) -> None:
    client.world.keys.add_key("of-another", "another", client.key.public_key())
    answer = client.get("/api_keys")
    assert [(row["api_key_id"], row["scopes"]) for row in answer["api_keys"]] == [(KEY_ID, ["read", "write"])]
    assert answer["api_key_region_expiration_ts"] > client.clock.now() // 1_000_000


def test_volume_counts_both_sides_of_the_last_thirty_days(client: PracticeClient) -> None:
    market = client.liquid_market()
    client.order(market, "bid", client.best(market, BookSide.ASK), "10.00")
    client.order(market, "ask", client.best(market, BookSide.BID), "2.50")
    client.order(market, "bid", 100)

    def volume() -> str:
        (row,) = client.get("/account/api_usage_level/volume_progress")["volume_progress"]
        assert row["computed_ts"] == client.clock.now() // 1_000_000
        return str(row["trailing_30d_volume_fp"])

    assert volume() == "12.50"
    client.clock.move(31 * DAY)
    assert volume() == "0.00"


def test_only_subaccount_holds_the_cash_of_the_balance(client: PracticeClient) -> None:
    client.order(client.liquid_market(), "bid", 100)
    balance = client.get("/portfolio/balance")
    (row,) = client.get("/portfolio/subaccounts/balances")["subaccount_balances"]
    assert row == {
        "subaccount_number": 0,
        "exchange_index": 0,
        "balance": balance["balance_dollars"],
        "updated_ts": balance["updated_ts"],
    }
    (netting,) = client.get("/portfolio/subaccounts/netting")["netting_configs"]
    assert netting == {"subaccount_number": 0, "enabled": False, "exchange_index": 0}
    assert client.get("/portfolio/subaccounts/transfers") == {"transfers": [], "cursor": ""}
    assert client.get("/portfolio/intra_exchange_instance_transfers") == {"transfers": []}


@pytest.mark.parametrize(
    "path", ["/portfolio/summary/total_resting_order_value", "/portfolio/target_balance_allocation"]
)
def test_what_is_not_for_everybody_is_forbidden(client: PracticeClient, path: str) -> None:
    answer = client.send("GET", path)
    assert (answer.status, answer.body["error"]["code"]) == (403, "forbidden")


@pytest.mark.parametrize(
    "path",
    [
        "/account/api_usage_level/volume_progress",
        "/api_keys",
        "/portfolio/subaccounts/balances",
        "/portfolio/subaccounts/netting",
        "/portfolio/subaccounts/transfers",
        "/portfolio/intra_exchange_instance_transfers",
        "/portfolio/summary/total_resting_order_value",
        "/series/KXHIGHNY/events/KXNOPE/forecast_percentile_history",
    ],
)
def test_private_reads_need_a_signature(client: PracticeClient, path: str) -> None:
    assert client.send("GET", path, signed=False).status == 401
