"""Search tags, milestones, live data and forecasts."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from practice_client import MakeClient, PracticeClient, listed

from kalshi_trading.practice.records import Market

HOUR = 3_600


def test_tags_of_every_category_are_those_of_its_series(client: PracticeClient) -> None:
    tags = client.get("/search/tags_by_categories", signed=False)["tags_by_categories"]
    series = client.get("/series")["series"]
    assert tags.keys() == {row["category"] for row in series}
    for row in series:
        assert set(row["tags"]) <= set(tags[row["category"]])
    assert {name for names in tags.values() for name in names} == {
        tag for row in series for tag in row["tags"]
    }


def test_sports_are_listed_with_their_competitions(client: PracticeClient) -> None:
    answer = client.get("/search/filters_by_sport", signed=False)
    assert answer["sport_ordering"] == ["Basketball", "Football"]
    assert answer["filters_by_sports"]["Football"] == {
        "scopes": ["Game"],
        "competitions": {"Pro Football": {"scopes": ["Game"]}},
    }


def test_every_game_has_one_milestone_found_by_its_id(make_client: MakeClient) -> None:
    client = make_client(markets=600)
    rows = listed(client, "/milestones", "milestones")
    games = [
        event.event_ticker
        for event in client.world.exchange.events.values()
        if event.series_ticker in ("KXFOOTBALLGAME", "KXBASKETBALLGAME")
    ]
    assert [row["primary_event_tickers"] for row in rows] == [[ticker] for ticker in games]
    assert len({row["id"] for row in rows}) == len(games) > 4
    assert client.get(f"/milestones/{rows[3]['id']}") == {"milestone": rows[3]}
    assert client.send("GET", "/milestones/none").body["error"]["code"] == "not_found"


def test_milestone_filters(make_client: MakeClient) -> None:
    client = make_client(markets=600)
    everything = listed(client, "/milestones", "milestones")
    football = [row for row in everything if row["type"] == "football_game"]
    one = everything[2]

    def found(query: str) -> list[dict[str, Any]]:
        return list(client.get(f"/milestones?limit=500&{query}")["milestones"])

    assert found("type=football_game") == found("competition=Pro%20Football") == football
    assert 0 < len(football) < len(everything)
    assert found("category=Sports") == everything
    assert found("category=sports") == found("source_id=any") == []
    assert found(f"related_event_ticker={one['related_event_tickers'][0]}") == [one]
    start = sorted(row["start_date"] for row in everything)[2]
    assert found(f"minimum_start_date={start}") == [row for row in everything if row["start_date"] >= start]
    assert found(f"min_updated_ts={client.clock.now() // 1_000_000 + 1}") == []


def test_events_carry_their_milestones_where_asked(client: PracticeClient) -> None:
    plain = client.get("/events?series_ticker=KXFOOTBALLGAME&limit=2")
    answer = client.get("/events?series_ticker=KXFOOTBALLGAME&limit=2&with_milestones=true")
    assert "milestones" not in plain
    assert [row["primary_event_tickers"][0] for row in answer["milestones"]] == [
        row["event_ticker"] for row in answer["events"]
    ]
    assert client.get("/events?series_ticker=KXCPI&with_milestones=true")["milestones"] == []


def test_live_data_is_not_found_and_a_batch_of_it_is_empty(client: PracticeClient) -> None:
    milestone = client.get("/milestones?limit=1")["milestones"][0]
    for path in (
        f"milestone/{milestone['id']}",
        f"milestone/{milestone['id']}/game_stats",
        f"{milestone['type']}/milestone/{milestone['id']}",
        f"events/{milestone['related_event_tickers'][0]}",
    ):
        answer = client.send("GET", f"/live_data/{path}", signed=False)
        assert (answer.status, answer.body["error"]["code"]) == (404, "not_found"), path
    batch = client.get(f"/live_data/batch?milestone_ids={milestone['id']}&milestone_ids=other")
    assert batch == {"live_datas": []}


def test_lists_of_what_does_not_exist_are_empty(client: PracticeClient) -> None:
    assert client.get("/incentive_programs?status=all") == {"incentive_programs": [], "next_cursor": ""}
    assert client.get("/multivariate_event_collections") == {"multivariate_contracts": [], "cursor": ""}
    assert client.get("/events/multivariate?tickers=A,B") == {"events": [], "cursor": ""}


def forecasts(client: PracticeClient, market: Market, query: str) -> list[dict[str, Any]]:
    path = f"/series/{market.series_ticker}/events/{market.event_ticker}/forecast_percentile_history"
    return list(client.get(f"{path}?{query}")["forecast_history"])


def lasting(client: PracticeClient, series_ticker: str) -> Market:
    return next(
        market
        for market in client.world.exchange.markets.values()
        if market.series_ticker == series_ticker and market.status == "active"
    )


@pytest.mark.parametrize("series_ticker", ["KXHIGHNY", "KXCPI", "KXBTC", "KXINX", "KXRAINNYC", "KXBOXOFFICE"])
def test_percentiles_of_every_period_ascend(client: PracticeClient, series_ticker: str) -> None:
    market, now = lasting(client, series_ticker), client.clock.now() // 1_000_000
    asked = [0, 1000, 5000, 9000, 9999]
    query = "".join(f"&percentiles={each}" for each in asked)
    rows = forecasts(client, market, f"start_ts={now - 6 * HOUR}&end_ts={now}&period_interval=60{query}")
    assert [row["end_period_ts"] for row in rows] == [
        now // HOUR * HOUR - HOUR * step for step in range(5, -1, -1)
    ]
    for row in rows:
        assert (row["event_ticker"], row["period_interval"]) == (market.event_ticker, 60)
        assert [point["percentile"] for point in row["percentile_points"]] == asked
        numbers = [point["raw_numerical_forecast"] for point in row["percentile_points"]]
        assert all(low <= high for low, high in pairwise(numbers))
        assert numbers[0] < numbers[-1]
    again = forecasts(client, market, f"start_ts={now - 6 * HOUR}&end_ts={now}&period_interval=60{query}")
    assert again == rows


@pytest.mark.parametrize(("interval", "length"), [(0, 5), (1, 60), (60, HOUR), (1440, 24 * HOUR)])
def test_forecasts_come_once_a_period(client: PracticeClient, interval: int, length: int) -> None:
    market, now = lasting(client, "KXCPI"), client.clock.now() // 1_000_000
    query = f"start_ts={now - 3 * length}&end_ts={now}&period_interval={interval}&percentiles=5000"
    ends = [row["end_period_ts"] for row in forecasts(client, market, query)]
    last = now // length * length
    assert ends == [last - 2 * length, last - length, last]


def test_forecast_is_written_in_the_unit_of_its_event(client: PracticeClient) -> None:
    market, now = lasting(client, "KXHIGHNY"), client.clock.now() // 1_000_000
    query = f"start_ts={now - HOUR}&end_ts={now}&period_interval=60&percentiles=5000"
    (row,) = forecasts(client, market, query)
    (point,) = row["percentile_points"]
    assert point["formatted_forecast"] == f"{point['numerical_forecast']:.1f}°"
    assert abs(point["numerical_forecast"] - point["raw_numerical_forecast"]) <= 0.05


def test_no_forecast_without_numbers_known_period_or_time(client: PracticeClient) -> None:
    now = client.clock.now() // 1_000_000
    span = f"start_ts={now - HOUR}&end_ts={now}&percentiles=5000&period_interval="
    assert forecasts(client, lasting(client, "KXFEDDECISION"), f"{span}60") == []
    assert forecasts(client, lasting(client, "KXCPI"), f"{span}7") == []
    future = f"start_ts={now + HOUR}&end_ts={now + 2 * HOUR}&percentiles=5000&period_interval=60"
    assert forecasts(client, lasting(client, "KXCPI"), future) == []
    cpi = lasting(client, "KXCPI").event_ticker
    for path in (f"KXHIGHNY/events/{cpi}", "KXCPI/events/KXNOPE"):
        assert client.send("GET", f"/series/{path}/forecast_percentile_history?{span}60").status == 404
    year = f"start_ts={now - 365 * 24 * HOUR}&end_ts={now}&percentiles=5000&period_interval=0"
    event = f"/series/KXCPI/events/{cpi}"
    assert client.send("GET", f"{event}/forecast_percentile_history?{year}").status == 400
