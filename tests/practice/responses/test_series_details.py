"""Fields that follow from the kind of a series."""

from __future__ import annotations

from typing import Any

from engine_world import market
from practice_client import MakeClient, PracticeClient

from kalshi_trading.practice.responses.series_details import market_details


def active(client: PracticeClient, series_ticker: str) -> dict[str, Any]:
    row: dict[str, Any] = client.get(f"/markets?series_ticker={series_ticker}&status=open&limit=1")[
        "markets"
    ][0]
    return row


def test_game_is_expected_to_end_before_its_market_closes(client: PracticeClient) -> None:
    game = active(client, "KXFOOTBALLGAME")
    assert game["occurrence_datetime"] < game["expected_expiration_time"] < game["close_time"]
    assert game["can_close_early"] is True
    assert game["early_close_condition"] == "Closes once a winner is declared."
    assert game["strike_type"] == "structured"
    assert game["custom_strike"].keys() == {game["primary_participant_key"]} == {"football_team"}


def test_same_team_has_the_same_id_in_every_game(make_client: MakeClient) -> None:
    rows = make_client(markets=600).get("/markets?series_ticker=KXBASKETBALLGAME&limit=1000")["markets"]
    ids = {(row["yes_sub_title"], row["custom_strike"]["basketball_team"]) for row in rows}
    assert len(ids) == len({team for team, _ in ids}) == len({name for _, name in ids}) > 2


def test_other_markets_close_at_their_time_and_settle_later(client: PracticeClient) -> None:
    rate = active(client, "KXFEDDECISION")
    assert rate["close_time"] < rate["expected_expiration_time"]
    assert rate["can_close_early"] is False
    assert "early_close_condition" not in rate
    assert (rate["strike_type"], rate["custom_strike"]) == ("custom", {"outcome": rate["yes_sub_title"]})
    weather = active(client, "KXHIGHNY")
    assert (weather["can_close_early"], "custom_strike" in weather) == (True, False)
    assert weather["strike_type"] in ("less", "between", "greater")


def test_event_has_a_date_or_a_period(client: PracticeClient) -> None:
    events = client.get("/events?limit=200")["events"]
    periods = {row["series_ticker"]: row["strike_period"] for row in events}
    assert periods["KXCPI"] == "month"
    assert periods["KXRAINNYC"] == "week"
    assert periods["KXGOVERNOR"] == "quarter"
    assert periods["KXHIGHNY"] is None
    assert all((row["strike_date"] is None) != (row["strike_period"] is None) for row in events)


def test_metadata_of_a_series_comes_only_where_asked(client: PracticeClient) -> None:
    sports = {"competition": "Pro Football", "competition_scope": "Game"}
    plain = client.get("/series")["series"]
    asked = client.get("/series?include_product_metadata=true")["series"]
    assert not any("product_metadata" in row for row in plain)
    found = {row["ticker"]: row.pop("product_metadata") for row in asked}
    assert asked == plain
    assert (found["KXFOOTBALLGAME"], found["KXCPI"]) == (sports, {})
    events = client.get("/events?series_ticker=KXFOOTBALLGAME")["events"]
    assert all(row["product_metadata"] == sports for row in events)
    images = client.get(f"/events/{events[0]['event_ticker']}/metadata")
    assert (images["competition"], images["competition_scope"]) == tuple(sports.values())


def test_market_of_an_unknown_series_has_none_of_them() -> None:
    details = market_details(market("KXRAIN-26NOV21-X"))
    assert details.keys() == {"can_close_early", "expected_expiration_time"}
    assert details["can_close_early"] is False
