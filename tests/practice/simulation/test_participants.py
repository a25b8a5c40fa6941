"""Markets are quoted at the first look, and look quoted before it."""

from __future__ import annotations

from typing import Any

import pytest
from practice_client import START, MakeClient, PracticeClient

from kalshi_trading.practice.records import ONE_SECOND, BookSide, Market, MarketStatus

SIZE = 3_000
DAY = 86_400


@pytest.fixture
def large(make_client: MakeClient) -> PracticeClient:
    """Client of a world with more markets than are quoted without a look."""
    return make_client(markets=SIZE)


def book_size(client: PracticeClient, market: Market) -> int:
    return sum(len(client.world.exchange.levels(market.ticker, side)) for side in BookSide)


def unquoted(client: PracticeClient) -> list[Market]:
    """Return the active, lasting markets without a book."""
    return [
        market
        for market in client.world.exchange.markets.values()
        if market.status is MarketStatus.ACTIVE
        and market.close_at > START + 20 * DAY * ONE_SECOND
        and not book_size(client, market)
    ]


def middling(client: PracticeClient) -> Market:
    """Return an unquoted market of medium value."""
    value, now = client.world.participants.value, client.clock.now()
    return next(market for market in unquoted(client) if 3_000 < value(market, now) < 7_000)


def listed(client: PracticeClient, market: Market) -> dict[str, Any]:
    (row,) = client.get(f"/markets?tickers={market.ticker}")["markets"]
    return dict(row)


def without_times(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if not name.startswith("previous_")}


def test_the_lists_show_every_open_market_two_sided_without_quoting_it(large: PracticeClient) -> None:
    before = len(unquoted(large))
    cursor, rows = "", []
    while True:
        answer = large.get(f"/markets?status=open&limit=1000&cursor={cursor}")
        rows += answer["markets"]
        cursor = answer["cursor"]
        if not cursor:
            break
    assert len(rows) > 0.9 * SIZE
    assert all(float(row["volume_fp"]) >= float(row["open_interest_fp"]) > 0 for row in rows)
    medium = [row for row in rows if 0.05 < float(row["last_price_dollars"]) < 0.95]
    assert all(0 < float(row["yes_bid_dollars"]) < float(row["yes_ask_dollars"]) < 1 for row in medium)
    assert len(medium) > 100
    assert len(unquoted(large)) == before > SIZE / 3


def test_the_first_look_brings_what_the_lists_showed(large: PracticeClient) -> None:
    market = middling(large)
    shown = listed(large, market)
    assert without_times(large.get(f"/markets/{market.ticker}")["market"]) == without_times(shown)
    assert market.volume > 0
    book = large.get(f"/markets/{market.ticker}/orderbook")["orderbook_fp"]
    assert book["yes_dollars"][-1] == [shown["yes_bid_dollars"], shown["yes_bid_size_fp"]]
    trades = large.get(f"/markets/trades?ticker={market.ticker}")["trades"]
    assert [row["count_fp"] for row in trades] == [shown["volume_fp"]]
    large.world.exchange.check()


def test_an_order_in_an_unquoted_market_meets_its_quotes(large: PracticeClient) -> None:
    market = middling(large)
    shown = listed(large, market)
    price = round(float(shown["yes_ask_dollars"]) * 10_000)
    answer = large.order(market, "bid", price)
    assert (answer.body["fill_count"], answer.body["average_fill_price"]) == (
        "10.00",
        shown["yes_ask_dollars"],
    )


def test_what_was_looked_at_does_not_depend_on_other_looks(make_client: MakeClient) -> None:
    one, two = make_client(markets=SIZE), make_client(markets=SIZE)
    market = middling(one)
    for other in unquoted(two)[:60]:
        if other.event_ticker != market.event_ticker:
            two.get(f"/markets/{other.ticker}")
    path = f"/markets/{market.ticker}"
    assert one.get(path) == two.get(path)
    assert one.get(f"{path}/orderbook") == two.get(f"{path}/orderbook")


def test_a_look_starts_activity_and_no_look_starts_none(large: PracticeClient) -> None:
    market = middling(large)
    large.get(f"/markets/{market.ticker}")
    first, others = market.volume, unquoted(large)
    for _ in range(600):
        large.clock.move(1)
        large.world.tick()
    assert market.volume > first
    still_quiet = [other for other in others if other.volume == 0]
    assert len(still_quiet) > 0.9 * len(others)


def test_still_and_paused_exchanges_bring_no_quotes(large: PracticeClient) -> None:
    market = middling(large)
    large.world.exchange.pause_trading()
    paused = listed(large, market)
    assert (paused["yes_bid_dollars"], paused["yes_bid_size_fp"]) == ("0.0000", "0.00")
    assert float(paused["volume_fp"]) > 0
    large.world.exchange.resume()
    large.world.participants.is_paused = True
    assert listed(large, market)["volume_fp"] == "0.00"
    assert large.get(f"/markets/{market.ticker}/orderbook")["orderbook_fp"] == {
        "yes_dollars": [],
        "no_dollars": [],
    }


def test_a_market_closed_without_a_look_keeps_its_volume(large: PracticeClient) -> None:
    market = middling(large)
    volume = listed(large, market)["volume_fp"]
    large.world.advance((market.close_at - large.clock.now()) / ONE_SECOND + 60)
    row = listed(large, market)
    assert (row["status"], row["volume_fp"]) == ("closed", volume)
    assert market.volume == 0


def test_the_markets_of_the_account_are_quoted_after_a_restart(
    make_client: MakeClient, tmp_path: Any
) -> None:
    client = make_client(path=tmp_path / "world.sqlite", markets=SIZE)
    resting, held, left = _three(client)
    assert client.order(resting, "bid", 100).status == 201
    client.order(held, "bid", 9_900, time_in_force="immediate_or_cancel")
    client.get(f"/markets/{left.ticker}")
    client.world.close()
    again = make_client(path=tmp_path / "world.sqlite", now=client.clock.now() + 5 * ONE_SECOND)
    markets = again.world.exchange.markets
    sizes = [book_size(again, markets[market.ticker]) for market in (resting, held, left)]
    assert sizes[0] > 2
    assert sizes[1] > 1
    assert sizes[2] == 0
    assert again.get("/portfolio/balance")["portfolio_value"] > 0
    assert listed(again, markets[left.ticker])["volume_fp"] == f"{left.volume / 100:.2f}"
    again.world.exchange.check()


def _three(client: PracticeClient) -> list[Market]:
    """Return unquoted markets of three events."""
    value, now = client.world.participants.value, client.clock.now()
    by_event = {it.event_ticker: it for it in unquoted(client) if 3_000 < value(it, now) < 7_000}
    return list(by_event.values())[:3]
