"""Floors follow the outcome by the clock, rarely fall, never pass it."""

from __future__ import annotations

from itertools import pairwise

import pytest
from practice_client import MakeClient, PracticeClient

from kalshi_trading.practice.records import BookSide, Market, MarketStatus

_HOUR_S = 3_600


def scalar_markets(client: PracticeClient) -> list[Market]:
    markets = client.world.exchange.markets.values()
    return [market for market in markets if market.scalar and market.status is MarketStatus.ACTIVE]


def walk(client: PracticeClient, market: Market, hours: int) -> list[int]:
    """Return the floor after each hour, while the market is open.

    Only the floors move: the simulated traders are paused.
    """
    client.world.participants.is_paused = True
    floors = []
    for _ in range(hours):
        client.clock.move(_HOUR_S)
        client.world.tick()
        if market.status is not MarketStatus.ACTIVE:
            break
        floors.append(market.floor)
    return floors


def test_no_market_has_a_floor_by_default(client: PracticeClient) -> None:
    market = scalar_markets(client)[0]
    assert set(walk(client, market, 24)) == {0}
    assert {each.settlement_floor for each in client.world.exchange.markets.values()} == {None}


def test_floors_rise_rarely_fall_and_end_below_the_value(make_client: MakeClient) -> None:
    client = make_client()
    client.world.floors.is_moving = True
    market = min(scalar_markets(client), key=lambda each: each.close_at)
    client.order(market, "bid", client.best(market, BookSide.ASK), "100.00")
    floors = walk(client, market, 24 * 40)
    changes = [after - before for before, after in pairwise(floors)]
    falls = [change for change in changes if change < 0]
    assert floors[-1] > floors[0]
    assert 0 < len(falls) < len(changes) // 10
    assert all(change in (0, 100, 200, 300) for change in changes if change >= 0)
    client.clock.move(2 * 86_400)
    client.world.tick()
    client.world.exchange.check()
    assert market.settlement_value is not None
    assert market.settlement_value >= market.floor == floors[-1]
    binary = [each for each in client.world.exchange.markets.values() if not each.scalar]
    assert {each.settlement_floor for each in binary} == {None}


def test_the_same_world_has_the_same_floors(make_client: MakeClient) -> None:
    seen = []
    for _ in range(2):
        client = make_client()
        client.world.floors.is_moving = True
        seen.append(walk(client, scalar_markets(client)[0], 30))
    assert seen[0] == seen[1]
    assert seen[0][-1] > 0


@pytest.mark.parametrize("floor", [7_000, 8_000, 9_700])
def test_quotes_and_outcome_stay_above_a_floor_raised_beyond_the_value(
    client: PracticeClient, floor: int
) -> None:
    market = scalar_markets(client)[0]
    client.world.exchange.set_floor(market.ticker, floor)
    client.world.participants.watch(market.ticker, client.clock.now())
    for _ in range(30):
        client.clock.move(60)
        client.world.tick()
    bids, asks = (client.world.exchange.levels(market.ticker, side) for side in BookSide)
    assert asks
    assert all(price > floor for price, _ in [*bids, *asks])
    client.clock.move((market.close_at - client.clock.now()) / 1_000_000 + 2 * 86_400)
    client.world.tick()
    assert market.settlement_value is not None
    assert market.settlement_value >= floor
    assert market.expiration_value == str(market.settlement_value // 100)
    client.world.exchange.check()


@pytest.mark.parametrize("floor", [7_000, 8_000, 9_700])
def test_an_unquoted_market_is_listed_above_its_floor(make_client: MakeClient, floor: int) -> None:
    client = make_client(markets=3_000)
    market = next(it for it in reversed(scalar_markets(client)) if not it.volume)
    client.world.exchange.set_floor(market.ticker, floor)
    (listed,) = client.get(f"/markets?tickers={market.ticker}")["markets"]
    looked_at = client.get(f"/markets/{market.ticker}")["market"]
    names = ("yes_bid_dollars", "yes_bid_size_fp", "yes_ask_dollars", "last_price_dollars")
    assert [listed[name] for name in names] == [looked_at[name] for name in names]
    assert float(listed["last_price_dollars"]) > floor / 10_000
