"""A generated past is traded for real, and accounted for to the cent.

It is exact in number and the same for one seed.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from practice_client import KEY_ID, START, MakeClient, PracticeClient, listed

from kalshi_trading.practice.assumptions import Assumptions
from kalshi_trading.practice.server.app import build_app
from kalshi_trading.practice.world.account_audit import AccountAudit
from kalshi_trading.practice.world.clock import ManualClock
from kalshi_trading.practice.world.scenario import Scenario, build, parse
from kalshi_trading.practice.world.world import World

SMALL = Scenario(positions=30, fills=400, settled=8, resting=5)


def played(make_client: MakeClient, scenario: Scenario) -> tuple[PracticeClient, AccountAudit]:
    client = make_client(markets=scenario.market_count)
    return client, build(client.world, scenario)


@pytest.fixture(scope="module")
def account() -> Any:
    """A small scenario, built once for tests that only read it."""
    clock = ManualClock(START)
    world = World(":memory:", seed=7, market_count=SMALL.market_count, clock=clock)
    key = Ed25519PrivateKey.generate()
    world.keys.add_key(KEY_ID, world.account_id, key.public_key())
    made = build(world, SMALL)
    world.assume(Assumptions(balance_bucket=False))
    yield PracticeClient(world, clock, build_app(world), key), made
    world.close()


def everything(client: PracticeClient, path: str, name: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    cursor = ""
    while True:
        client.clock.move(1)
        answer = client.get(f"{path}{'&' if '?' in path else '?'}limit=100&cursor={cursor}")
        rows, cursor = rows + answer[name], answer["cursor"]
        if not cursor:
            return rows


def test_positions_fills_settled_markets_and_resting_orders_are_as_many_as_asked(account: Any) -> None:
    client, made = account
    assert made.fill_count == len(everything(client, "/portfolio/fills", "fills")) == 400
    held = everything(client, "/portfolio/positions", "market_positions")
    assert len(held) == 30
    assert all(Decimal(row["position_fp"]) for row in held)
    assert len(everything(client, "/portfolio/settlements", "settlements")) == 8
    assert len(everything(client, "/portfolio/orders?status=resting", "orders")) == 5
    client.world.exchange.check()


def test_the_returned_totals_match_the_api(account: Any) -> None:
    client, made = account
    positions = everything(client, "/portfolio/positions?settlement_status=all", "market_positions")
    assert {row["ticker"] for row in positions} == made.markets.keys()
    for row in positions:
        own = made.markets[row["ticker"]]
        assert row["position_fp"] == own.position
        assert row["market_exposure_dollars"] == own.exposure
        assert row["realized_pnl_dollars"] == own.realized
        assert row["fees_paid_dollars"] == own.fees
    free = Decimal(made.cash) - Decimal(made.collateral)
    assert Decimal(client.get("/portfolio/balance")["balance_dollars"]) == free


def test_a_past_has_every_kind_of_trade(account: Any) -> None:
    client, made = account
    fills = everything(client, "/portfolio/fills", "fills")
    kinds = Counter((row["is_taker"], row["book_side"]) for row in fills)
    assert len(kinds) == 4
    assert min(kinds.values()) > 20
    assert any(not row["count_fp"].endswith(".00") for row in fills)
    per_order = Counter(row["order_id"] for row in fills)
    assert max(per_order.values()) > 1
    assert len({row["created_time"][:10] for row in fills}) == 4  # the scenario spans three full days
    rows = made.markets.values()
    assert any(row.realized_by_trading != "0.000000" for row in rows)
    assert any(row.position.startswith("-") for row in rows)
    assert any(row.revenue != "0.000000" for row in rows)
    statuses = {row["status"] for row in everything(client, "/portfolio/deposits", "deposits")}
    assert statuses == {"applied", "pending", "failed", "returned"}


def test_one_seed_gives_one_past(make_client: MakeClient) -> None:
    tiny = Scenario(positions=5, fills=40, settled=0, seed=4, days=1)
    (_, first), (_, second) = played(make_client, tiny), played(make_client, tiny)
    assert first == second
    assert played(make_client, replace(tiny, seed=5))[1] != first


def test_no_position_of_many_ends_flat(make_client: MakeClient) -> None:
    _, made = played(make_client, Scenario(positions=250, fills=600, settled=0, days=1))
    assert len(made.markets) == 250
    assert all(Decimal(row.position) for row in made.markets.values())


def test_the_same_trades_are_found_page_by_page(account: Any) -> None:
    client, _ = account
    rows = listed(client, "/portfolio/settlements", "settlements")
    assert rows == client.get("/portfolio/settlements")["settlements"]


def test_scenarios_are_read_from_text() -> None:
    assert parse("positions=200,fills=20000") == Scenario(positions=200, fills=20_000)
    assert parse("fills=9,positions=2,seed=3,settled=1,resting=0,days=5") == Scenario(2, 9, 3, 1, 0, 5)


@pytest.mark.parametrize(
    "text",
    [
        "", "positions", "positions=", "positions=-1", "places=3", "positions=2,fills=1", "positions=0",
        "days=0", "fills=1e3", "positions=9,settled=9,fills=10",
    ],
)  # fmt: skip
def test_invalid_scenarios_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"scenario|whole number"):
        parse(text)


def test_a_world_too_small_says_so(make_client: MakeClient) -> None:
    client = make_client(markets=50)
    with pytest.raises(ValueError, match="stay open"):
        build(client.world, Scenario(positions=500, fills=1_000))
