"""Rows older than a cut-off move to the historical lists without loss."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from answer_shapes import differences
from api_examples import REST
from practice_client import START, MakeClient, PracticeClient, listed

from kalshi_trading.practice.records import ONE_SECOND, Market, MarketStatus

HOUR = 3_600
DAY = 24 * HOUR


def seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def ids(rows: Iterable[dict[str, Any]], name: str) -> list[str]:
    return [row[name] for row in rows]


def ending_market(client: PracticeClient) -> Market:
    """Return an active market whose whole event is paid out within a day.

    Its event has more than one market.
    """
    for market in client.world.exchange.markets.values():
        markets = client.world.participants.event_markets(market.event_ticker)
        is_soon = START + HOUR * ONE_SECOND < market.close_at < START + DAY * ONE_SECOND
        if is_soon and is_offered(client, market) and len(markets) > 1:
            return market
    raise AssertionError("no such market")


def lasting_markets(client: PracticeClient) -> list[Market]:
    """Return active markets that stay open for more than four days."""
    markets = client.world.exchange.markets.values()
    return [it for it in markets if it.close_at > START + 4 * DAY * ONE_SECOND and is_offered(client, it)]


def is_offered(client: PracticeClient, market: Market) -> bool:
    ask = client.world.top_of_book(market.ticker).ask
    return market.status is MarketStatus.ACTIVE and ask is not None and ask < 9_000


def buy(client: PracticeClient, market: Market, contracts: str = "1.00") -> str:
    answer = client.order(market, "bid", 9_900, contracts, time_in_force="immediate_or_cancel")
    assert answer.status == 201, answer.body
    return str(answer.body["order_id"])


def trade_hourly(client: PracticeClient, times: int) -> None:
    market = lasting_markets(client)[0]
    for _ in range(times):
        buy(client, market)
        client.world.advance(HOUR)


def test_a_young_world_has_no_history(client: PracticeClient) -> None:
    trade_hourly(client, 2)
    founded = client.world.info.founded_at / ONE_SECOND
    assert {founded - seconds(text) for text in client.get("/historical/cutoff").values()} == {12 * 60}
    for name in ("fills", "orders", "trades", "markets"):
        assert client.get(f"/historical/{name}")[name] == []


def test_the_cut_offs_move_with_the_clock(client: PracticeClient) -> None:
    buy(client, client.liquid_market())
    client.world.advance(100 * DAY)
    now = client.clock.now() / ONE_SECOND
    ages = {name: (now - seconds(text)) / DAY for name, text in client.get("/historical/cutoff").items()}
    assert ages == {
        "market_settled_ts": 90,
        "trades_created_ts": 90,
        "orders_updated_ts": 14,
        "market_positions_last_updated_ts": 90,
    }
    assert client.get("/portfolio/fills")["fills"] == client.get("/portfolio/orders")["orders"] == []
    assert (
        len(client.get("/historical/fills")["fills"]) == len(client.get("/historical/orders")["orders"]) == 1
    )


@pytest.mark.parametrize("overlap_s", [0, HOUR, 3 * HOUR])
def test_live_and_historical_fills_and_orders_are_the_whole_with_an_overlap(
    client: PracticeClient, overlap_s: int
) -> None:
    trade_hourly(client, 8)
    whole = {name: listed(client, f"/portfolio/{name}", name) for name in ("fills", "orders")}
    cut_off = START + 4 * HOUR * ONE_SECOND + 1
    client.world.archive.set_cut_offs(trades=cut_off, orders=cut_off, overlap_s=overlap_s)
    for name, key in (("fills", "fill_id"), ("orders", "order_id")):
        live, old = (listed(client, f"/{where}/{name}", name) for where in ("portfolio", "historical"))
        both = [row for row in live if row in old]
        assert len(both) == overlap_s // HOUR
        assert min(len(live), len(old)) > len(both)
        merged = dict.fromkeys(ids([*live, *old], key))
        assert list(merged) == ids(whole[name], key)
        assert [*live, *old[len(both) :]] == whole[name]


def test_a_resting_order_stays_live_and_an_ended_one_goes_by_its_last_change(client: PracticeClient) -> None:
    market = client.liquid_market()
    resting, canceled = (client.order(market, "bid", 100).body["order_id"] for _ in range(2))
    executed = buy(client, market)
    client.world.advance(2 * HOUR)
    assert client.send("DELETE", f"/portfolio/events/orders/{canceled}").status == 200
    client.world.archive.set_cut_offs(orders=client.clock.now() - HOUR * ONE_SECOND, overlap_s=0)
    assert set(ids(client.get("/portfolio/orders")["orders"], "order_id")) == {resting, canceled}
    assert ids(client.get("/historical/orders")["orders"], "order_id") == [executed]


def test_positions_and_markets_move_with_their_whole_event_and_settlements_stay(
    client: PracticeClient,
) -> None:
    market = ending_market(client)
    buy(client, market)
    open_market = lasting_markets(client)[0]
    buy(client, open_market)
    client.world.advance(2 * DAY)
    assert market.status is MarketStatus.FINALIZED
    markets = client.world.participants.event_markets(market.event_ticker)
    settled_at = max(other.settled_at or 0 for other in markets)
    everything = "/portfolio/positions?settlement_status=all"
    both = {market.ticker, open_market.ticker}

    client.world.archive.set_cut_offs(
        markets=settled_at, positions=settled_at, overlap_s=0
    )  # not before the cut-off
    assert set(ids(client.get(everything)["market_positions"], "ticker")) == both
    assert client.get("/historical/positions")["market_positions"] == []

    client.world.archive.set_cut_offs(markets=settled_at + 1, positions=settled_at + 1)
    assert ids(client.get(everything)["market_positions"], "ticker") == [open_market.ticker]
    old = client.get("/historical/positions")
    assert ids(old["market_positions"], "ticker") == [market.ticker]
    assert ids(old["event_positions"], "event_ticker") == [market.event_ticker]
    tickers = {other.ticker for other in markets}
    assert tickers <= set(ids(client.get("/historical/markets?limit=1000")["markets"], "ticker"))
    by_event = client.get(f"/historical/markets?event_ticker={market.event_ticker}")["markets"]
    assert set(ids(by_event, "ticker")) == tickers
    assert client.get(f"/markets?tickers={','.join(tickers)}")["markets"] == []
    assert client.send("GET", f"/markets/{market.ticker}").status == 404
    span = f"start_ts={settled_at // ONE_SECOND - DAY}&end_ts={settled_at // ONE_SECOND}&period_interval=60"
    live_candles = f"/series/{market.series_ticker}/markets/{market.ticker}/candlesticks?{span}"
    assert client.send("GET", live_candles).status == 404
    assert client.get(f"/markets/candlesticks?market_tickers={market.ticker}&{span}")["markets"] == []
    assert client.get(f"/historical/markets/{market.ticker}/candlesticks?{span}")["candlesticks"]
    assert ids(client.get("/portfolio/settlements")["settlements"], "ticker") == [market.ticker]


def test_an_event_with_one_market_unsettled_stays_live_as_a_whole(client: PracticeClient) -> None:
    market = ending_market(client)
    client.world.advance(2 * DAY)
    client.world.archive.set_cut_offs(markets=client.clock.now(), overlap_s=0)
    assert client.send("GET", f"/markets/{market.ticker}").status == 404
    sibling = next(
        it for it in client.world.participants.event_markets(market.event_ticker) if it is not market
    )
    sibling.settled_at = None
    assert client.send("GET", f"/markets/{market.ticker}").status == 200


def test_historical_rows_look_like_the_documented_ones(client: PracticeClient) -> None:
    market = ending_market(client)
    buy(client, market)
    client.world.advance(2 * DAY)
    now = client.clock.now()
    client.world.archive.set_cut_offs(markets=now, trades=now, orders=now, positions=now)
    period = f"start_ts={market.close_at // ONE_SECOND - HOUR}&end_ts={market.close_at // ONE_SECOND}"
    for name, target in {
        "get_fills_historical": "/historical/fills",
        "get_historical_orders": "/historical/orders",
        "get_historical_positions": "/historical/positions",
        "get_historical_market": f"/historical/markets/{market.ticker}",
        "get_market_candlesticks_historical": (
            f"/historical/markets/{market.ticker}/candlesticks?{period}&period_interval=60"
        ),
        "get_trades_historical": f"/historical/trades?ticker={market.ticker}",
    }.items():
        example, answer = REST[name]["body"], client.get(target)
        rows = next(iter(value for value in answer.values() if isinstance(value, (list, dict))))
        assert rows, name
        unlike = [line for line in differences(example, answer, name) if "strike" not in line]
        assert unlike == []


def test_times_narrow_the_lists(client: PracticeClient) -> None:
    trade_hourly(client, 5)
    span = f"min_ts={START // ONE_SECOND + HOUR}&max_ts={START // ONE_SECOND + 3 * HOUR}"
    for where in ("portfolio", "historical"):
        if where == "historical":
            client.world.archive.set_cut_offs(
                trades=client.clock.now(), orders=client.clock.now(), overlap_s=0
            )
        for name in ("fills", "orders"):
            rows = client.get(f"/{where}/{name}?{span}")[name]
            at = [round(seconds(row["created_time"])) - START // ONE_SECOND for row in rows]
            assert at == [3 * HOUR, 2 * HOUR, HOUR]


@pytest.mark.parametrize(
    "query", ["tickers=A&event_ticker=B", "event_ticker=A&series_ticker=B", "mve_filter=only", "limit=1001"]
)
def test_filters_of_historical_markets_exclude_one_another(client: PracticeClient, query: str) -> None:
    assert client.send("GET", f"/historical/markets?{query}").status == 400


def test_rows_that_arrive_between_two_pages_shift_nothing(client: PracticeClient) -> None:
    trade_hourly(client, 4)
    before = client.get("/portfolio/fills")["fills"]
    first = client.get("/portfolio/fills?limit=2")
    trade_hourly(client, 2)
    second = client.get(f"/portfolio/fills?limit=2&cursor={first['cursor']}")
    assert [*first["fills"], *second["fills"]] == before
    assert second["cursor"] == ""


def test_positions_come_page_by_page_whatever_is_traded_between(client: PracticeClient) -> None:
    markets = lasting_markets(client)[:6]
    for market in markets[:5]:
        buy(client, market)
    first = client.get("/portfolio/positions?limit=3")
    buy(client, markets[5])
    second = client.get(f"/portfolio/positions?limit=10&cursor={first['cursor']}")
    shown = ids([*first["market_positions"], *second["market_positions"]], "ticker")
    assert shown == sorted(set(shown))
    assert {it.ticker for it in markets[:5]} <= set(shown)


def positions(client: PracticeClient, where: str, limit: int) -> list[list[str]]:
    """Read a list of positions and return the tickers of each page."""
    pages, cursor = [], ""
    while True:
        answer = client.get(f"{where}limit={limit}&cursor={cursor}")
        pages.append(ids(answer["market_positions"], "ticker"))
        cursor = answer["cursor"]
        if not cursor:
            return pages


def buy_whole_events(client: PracticeClient, count: int) -> dict[str, set[str]]:
    """Buy every offered market of some events of several markets."""
    bought: dict[str, set[str]] = {}
    for market in client.world.exchange.markets.values():
        is_soon = START + HOUR * ONE_SECOND < market.close_at < START + 6 * DAY * ONE_SECOND
        if is_soon and is_offered(client, market):
            known = market.event_ticker in bought
            if known or len(bought) < count:
                buy(client, market)
                bought.setdefault(market.event_ticker, set()).add(market.ticker)
    return bought


@pytest.mark.parametrize("limit", [1, 7, 10, 100])
@pytest.mark.parametrize("where", ["settled", "all", "historical"])
def test_settled_positions_come_by_whole_events(client: PracticeClient, where: str, limit: int) -> None:
    bought = buy_whole_events(client, 5)
    assert max(map(len, bought.values())) > 1
    client.world.advance(8 * DAY)
    if where == "historical":
        client.world.archive.set_cut_offs(positions=client.clock.now(), overlap_s=0)
        pages = positions(client, "/historical/positions?", limit)
        assert positions(client, "/portfolio/positions?settlement_status=all&", limit) == [[]]
    else:
        pages = positions(client, f"/portfolio/positions?settlement_status={where}&", limit)
    shown = [{client.world.exchange.markets[ticker].event_ticker for ticker in page} for page in pages]
    for page, events in zip(pages, shown, strict=True):
        assert set(page) == set().union(*(bought[name] for name in events))
        assert len(page) <= limit or len(events) == 1
    assert sorted(ticker for page in pages for ticker in page) == sorted(set().union(*bought.values()))
    assert sum(map(len, shown)) == len(bought)


def test_a_cursor_of_positions_belongs_to_its_settlement_status(client: PracticeClient) -> None:
    for market in {it.event_ticker: it for it in lasting_markets(client)}.values():
        buy(client, market)
    path = "/portfolio/positions?limit=1&settlement_status="
    cursors = {status: client.get(path + status)["cursor"] for status in ("unsettled", "all")}
    assert all(cursors.values())
    for status, cursor in cursors.items():
        for other in ("unsettled", "settled", "all"):
            answer = client.send("GET", f"{path}{other}&cursor={cursor}")
            assert answer.status == (200 if other == status else 400)
    assert client.get(f"{path}all&cursor=garbage") == client.get(f"{path}all")


@pytest.mark.parametrize("cursor", ["garbage", "LTE", "w7w", "OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5"])
def test_an_unknown_cursor_starts_over(client: PracticeClient, cursor: str) -> None:
    trade_hourly(client, 2)
    for name in ("fills", "orders"):
        path = f"/portfolio/{name}"
        assert client.get(f"{path}?cursor={cursor}")[name] == client.get(path)[name]


def test_the_cut_offs_survive_a_restart(make_client: MakeClient, tmp_path: Path) -> None:
    client = make_client(path=tmp_path / "world.sqlite")
    trade_hourly(client, 3)
    client.world.archive.set_cut_offs(trades=START + 1, overlap_s=0)
    before = client.get("/historical/cutoff"), client.get("/historical/fills")
    client.world.close()
    again = make_client(path=tmp_path / "world.sqlite", now=client.clock.now())
    assert (again.get("/historical/cutoff"), again.get("/historical/fills")) == before
    assert len(again.get("/historical/fills")["fills"]) == 1
