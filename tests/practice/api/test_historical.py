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


def ending_market(desk: PracticeClient) -> Market:
    """Return an active market whose whole event is paid out within a day.

    Its event has more than one market.
    """
    for market in desk.world.exchange.markets.values():
        family = desk.world.participants.event_markets(market.event_ticker)
        is_soon = START + HOUR * ONE_SECOND < market.close_at < START + DAY * ONE_SECOND
        if is_soon and is_offered(desk, market) and len(family) > 1:
            return market
    raise AssertionError("no such market")


def lasting_markets(desk: PracticeClient) -> list[Market]:
    """Return active markets that stay open for more than four days."""
    markets = desk.world.exchange.markets.values()
    return [it for it in markets if it.close_at > START + 4 * DAY * ONE_SECOND and is_offered(desk, it)]


def is_offered(desk: PracticeClient, market: Market) -> bool:
    ask = desk.world.top_of_book(market.ticker).ask
    return market.status is MarketStatus.ACTIVE and ask is not None and ask < 9_000


def buy(desk: PracticeClient, market: Market, contracts: str = "1.00") -> str:
    answer = desk.order(market, "bid", 9_900, contracts, time_in_force="immediate_or_cancel")
    assert answer.status == 201, answer.body
    return str(answer.body["order_id"])


def trade_hourly(desk: PracticeClient, times: int) -> None:
    market = lasting_markets(desk)[0]
    for _ in range(times):
        buy(desk, market)
        desk.world.advance(HOUR)


def test_a_young_world_has_no_history(desk: PracticeClient) -> None:
    trade_hourly(desk, 2)
    founded = desk.world.info.founded_at / ONE_SECOND
    assert {founded - seconds(text) for text in desk.get("/historical/cutoff").values()} == {12 * 60}
    for name in ("fills", "orders", "trades", "markets"):
        assert desk.get(f"/historical/{name}")[name] == []


def test_the_cut_offs_move_with_the_clock(desk: PracticeClient) -> None:
    buy(desk, desk.liquid_market())
    desk.world.advance(100 * DAY)
    now = desk.clock.now() / ONE_SECOND
    ages = {name: (now - seconds(text)) / DAY for name, text in desk.get("/historical/cutoff").items()}
    assert ages == {
        "market_settled_ts": 60,
        "trades_created_ts": 60,
        "orders_updated_ts": 14,
        "market_positions_last_updated_ts": 60,
    }
    assert desk.get("/portfolio/fills")["fills"] == desk.get("/portfolio/orders")["orders"] == []
    assert len(desk.get("/historical/fills")["fills"]) == len(desk.get("/historical/orders")["orders"]) == 1


@pytest.mark.parametrize("overlap_s", [0, HOUR, 3 * HOUR])
def test_live_and_historical_fills_and_orders_are_the_whole_with_an_overlap(
    desk: PracticeClient, overlap_s: int
) -> None:
    trade_hourly(desk, 8)
    whole = {name: listed(desk, f"/portfolio/{name}", name) for name in ("fills", "orders")}
    cut_off = START + 4 * HOUR * ONE_SECOND + 1
    desk.world.archive.set_cut_offs(trades=cut_off, orders=cut_off, overlap_s=overlap_s)
    for name, key in (("fills", "fill_id"), ("orders", "order_id")):
        live, old = (listed(desk, f"/{where}/{name}", name) for where in ("portfolio", "historical"))
        both = [row for row in live if row in old]
        assert len(both) == overlap_s // HOUR
        assert min(len(live), len(old)) > len(both)
        merged = dict.fromkeys(ids([*live, *old], key))
        assert list(merged) == ids(whole[name], key)
        assert [*live, *old[len(both) :]] == whole[name]


def test_a_resting_order_stays_live_and_an_ended_one_goes_by_its_last_change(desk: PracticeClient) -> None:
    market = desk.liquid_market()
    resting, canceled = (desk.order(market, "bid", 100).body["order_id"] for _ in range(2))
    executed = buy(desk, market)
    desk.world.advance(2 * HOUR)
    assert desk.send("DELETE", f"/portfolio/events/orders/{canceled}").status == 200
    desk.world.archive.set_cut_offs(orders=desk.clock.now() - HOUR * ONE_SECOND, overlap_s=0)
    assert set(ids(desk.get("/portfolio/orders")["orders"], "order_id")) == {resting, canceled}
    assert ids(desk.get("/historical/orders")["orders"], "order_id") == [executed]


def test_positions_and_markets_move_with_their_whole_event_and_settlements_stay(desk: PracticeClient) -> None:
    market = ending_market(desk)
    buy(desk, market)
    open_market = lasting_markets(desk)[0]
    buy(desk, open_market)
    desk.world.advance(2 * DAY)
    assert market.status is MarketStatus.FINALIZED
    family = desk.world.participants.event_markets(market.event_ticker)
    settled_at = max(other.settled_at or 0 for other in family)
    everything = "/portfolio/positions?settlement_status=all"
    both = {market.ticker, open_market.ticker}

    desk.world.archive.set_cut_offs(
        markets=settled_at, positions=settled_at, overlap_s=0
    )  # not before the cut-off
    assert set(ids(desk.get(everything)["market_positions"], "ticker")) == both
    assert desk.get("/historical/positions")["market_positions"] == []

    desk.world.archive.set_cut_offs(markets=settled_at + 1, positions=settled_at + 1)
    assert ids(desk.get(everything)["market_positions"], "ticker") == [open_market.ticker]
    old = desk.get("/historical/positions")
    assert ids(old["market_positions"], "ticker") == [market.ticker]
    assert ids(old["event_positions"], "event_ticker") == [market.event_ticker]
    tickers = {other.ticker for other in family}
    assert tickers <= set(ids(desk.get("/historical/markets?limit=1000")["markets"], "ticker"))
    by_event = desk.get(f"/historical/markets?event_ticker={market.event_ticker}")["markets"]
    assert set(ids(by_event, "ticker")) == tickers
    assert desk.get(f"/markets?tickers={','.join(tickers)}")["markets"] == []
    assert desk.send("GET", f"/markets/{market.ticker}").status == 404
    assert ids(desk.get("/portfolio/settlements")["settlements"], "ticker") == [market.ticker]


def test_an_event_with_one_market_unsettled_stays_live_as_a_whole(desk: PracticeClient) -> None:
    market = ending_market(desk)
    desk.world.advance(2 * DAY)
    desk.world.archive.set_cut_offs(markets=desk.clock.now(), overlap_s=0)
    assert desk.send("GET", f"/markets/{market.ticker}").status == 404
    sibling = next(
        it for it in desk.world.participants.event_markets(market.event_ticker) if it is not market
    )
    sibling.settled_at = None
    assert desk.send("GET", f"/markets/{market.ticker}").status == 200


def test_historical_rows_look_like_the_documented_ones(desk: PracticeClient) -> None:
    market = ending_market(desk)
    buy(desk, market)
    desk.world.advance(2 * DAY)
    now = desk.clock.now()
    desk.world.archive.set_cut_offs(markets=now, trades=now, orders=now, positions=now)
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
        example, answer = REST[name]["body"], desk.get(target)
        rows = next(iter(value for value in answer.values() if isinstance(value, (list, dict))))
        assert rows, name
        unlike = [line for line in differences(example, answer, name) if "strike" not in line]
        assert unlike == []


def test_times_narrow_the_lists(desk: PracticeClient) -> None:
    trade_hourly(desk, 5)
    span = f"min_ts={START // ONE_SECOND + HOUR}&max_ts={START // ONE_SECOND + 3 * HOUR}"
    for where in ("portfolio", "historical"):
        if where == "historical":
            desk.world.archive.set_cut_offs(trades=desk.clock.now(), orders=desk.clock.now(), overlap_s=0)
        for name in ("fills", "orders"):
            rows = desk.get(f"/{where}/{name}?{span}")[name]
            at = [round(seconds(row["created_time"])) - START // ONE_SECOND for row in rows]
            assert at == [3 * HOUR, 2 * HOUR, HOUR]


@pytest.mark.parametrize(
    "query", ["tickers=A&event_ticker=B", "event_ticker=A&series_ticker=B", "mve_filter=only", "limit=1001"]
)
def test_filters_of_historical_markets_exclude_one_another(desk: PracticeClient, query: str) -> None:
    assert desk.send("GET", f"/historical/markets?{query}").status == 400


def test_rows_that_arrive_between_two_pages_shift_nothing(desk: PracticeClient) -> None:
    trade_hourly(desk, 4)
    before = desk.get("/portfolio/fills")["fills"]
    first = desk.get("/portfolio/fills?limit=2")
    trade_hourly(desk, 2)
    second = desk.get(f"/portfolio/fills?limit=2&cursor={first['cursor']}")
    assert [*first["fills"], *second["fills"]] == before
    assert second["cursor"] == ""


def test_positions_come_page_by_page_whatever_is_traded_between(desk: PracticeClient) -> None:
    markets = lasting_markets(desk)[:6]
    for market in markets[:5]:
        buy(desk, market)
    first = desk.get("/portfolio/positions?limit=3")
    buy(desk, markets[5])
    second = desk.get(f"/portfolio/positions?limit=10&cursor={first['cursor']}")
    shown = ids([*first["market_positions"], *second["market_positions"]], "ticker")
    assert shown == sorted(set(shown))
    assert {it.ticker for it in markets[:5]} <= set(shown)


@pytest.mark.parametrize("cursor", ["garbage", "LTE", "w7w", "OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5"])
def test_a_cursor_nobody_made_starts_over(desk: PracticeClient, cursor: str) -> None:
    trade_hourly(desk, 2)
    for name in ("fills", "orders"):
        path = f"/portfolio/{name}"
        assert desk.get(f"{path}?cursor={cursor}")[name] == desk.get(path)[name]


def test_the_cut_offs_survive_a_restart(make_client: MakeClient, tmp_path: Path) -> None:
    desk = make_client(path=tmp_path / "world.sqlite")
    trade_hourly(desk, 3)
    desk.world.archive.set_cut_offs(trades=START + 1, overlap_s=0)
    before = desk.get("/historical/cutoff"), desk.get("/historical/fills")
    desk.world.close()
    again = make_client(path=tmp_path / "world.sqlite", now=desk.clock.now())
    assert (again.get("/historical/cutoff"), again.get("/historical/fills")) == before
    assert len(again.get("/historical/fills")["fills"]) == 1
