"""Moving the clock by any step brings markets to each state on time."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from practice_client import KEY_ID, START, MakeClient, PracticeClient

from kalshi_trading.practice.records import ONE_SECOND, Market, MarketStatus
from kalshi_trading.practice.server.app import build_app
from kalshi_trading.practice.world.clock import ManualClock, ShiftedClock, SystemClock
from kalshi_trading.practice.world.world import World

DAY = 24 * 3_600
STEPS = (MarketStatus.ACTIVE, MarketStatus.CLOSED, MarketStatus.DETERMINED, MarketStatus.FINALIZED)


def day_market(client: PracticeClient) -> Market:
    return next(
        market
        for market in client.world.exchange.markets.values()
        if market.status is MarketStatus.ACTIVE
        and START + 3_600 * ONE_SECOND < market.close_at < START + DAY * ONE_SECOND
    )


def test_a_market_passes_every_status_at_its_time(client: PracticeClient) -> None:
    market = day_market(client)
    verdict = market.expected_expiration_at
    payout = verdict + market.settlement_timer_s * ONE_SECOND
    for instant, before, after in zip((market.close_at, verdict, payout), STEPS, STEPS[1:], strict=False):
        client.world.advance_to(instant - 1)
        assert market.status is before
        client.world.advance_to(instant)
        assert market.status is after
        assert market.updated_at == instant
    assert (market.determined_at, market.settled_at) == (verdict, payout)


def test_one_leap_brings_about_the_same_as_many_steps(make_client: MakeClient) -> None:
    leaping, walking = make_client(), make_client()
    leaping.world.advance(2 * DAY)
    for _ in range(48):
        walking.world.advance(DAY / 24)
    there = walking.world.exchange.markets
    here = leaping.world.exchange.markets.values()
    compared = [market for market in here if market.close_at < walking.clock.now()]
    assert sum(market.status is MarketStatus.FINALIZED for market in compared) > 50
    for market in compared:
        twin = there[market.ticker]
        assert (twin.status, twin.determined_at, twin.settled_at, twin.settlement_value) == (
            market.status, market.determined_at, market.settled_at, market.settlement_value
        )  # fmt: skip


def test_payouts_of_a_leap_are_listed_in_due_order(client: PracticeClient) -> None:
    slow = day_market(client)
    trade(client, slow)
    client.world.advance_to(slow.expected_expiration_at)
    markets = client.world.exchange.markets.values()
    quick = next(it for it in markets if it.series_ticker == "KXBTC5M" and it.status is MarketStatus.ACTIVE)
    trade(client, quick)
    client.world.advance(DAY)
    rows = client.get("/portfolio/settlements")["settlements"]
    assert [row["ticker"] for row in rows] == [slow.ticker, quick.ticker]
    assert rows[0]["settled_time"] > rows[1]["settled_time"]
    client.world.exchange.check()


def trade(client: PracticeClient, market: Market) -> None:
    """Take one contract from whichever side has an offer."""
    client.get(f"/markets/{market.ticker}")
    for side, limit in (("bid", 9_900), ("ask", 100)):
        taken = client.order(market, side, limit, "1.00", time_in_force="immediate_or_cancel")
        if taken.body["fill_count"] == "1.00":
            return
    raise AssertionError("nothing is offered")


def test_new_markets_are_there_and_trade_after_a_leap(client: PracticeClient) -> None:
    known = set(client.world.exchange.markets)
    client.world.advance(30 * DAY)
    fresh = [client.world.exchange.markets[name] for name in client.world.exchange.markets.keys() - known]
    active = [market for market in fresh if market.status is MarketStatus.ACTIVE]
    assert len(active) > 20
    assert client.get(f"/markets/{active[0].ticker}")["market"]["status"] == "active"


def test_the_machines_own_clock_is_not_moved() -> None:
    world = World(":memory:", seed=7, market_count=50, clock=SystemClock())
    try:
        with pytest.raises(TypeError, match="cannot be moved"):
            world.advance(1)
    finally:
        world.close()


def test_a_shifted_clock_runs_on_with_the_other_one_and_never_back() -> None:
    inner = ManualClock(1_000)
    clock = ShiftedClock(inner, shift=-400)
    clock.move_to(900)
    inner.move(1)
    assert clock.now() == 900 + ONE_SECOND
    clock.move_to(5)
    assert clock.now() == 900 + ONE_SECOND


def test_signatures_are_dated_by_the_real_clock_in_a_shifted_world() -> None:
    real = ManualClock(START)
    clock = ShiftedClock(real)
    world = World(":memory:", seed=7, market_count=50, clock=clock, signing_clock=real)
    key = Ed25519PrivateKey.generate()
    world.keys.add_key(KEY_ID, world.account_id, key.public_key())
    client = PracticeClient(world, real, build_app(world), key)
    try:
        world.advance(DAY)
        assert client.get("/portfolio/balance")["updated_ts"] == START // ONE_SECOND + DAY
    finally:
        world.close()
