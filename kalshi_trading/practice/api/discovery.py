"""Handlers for search tags, milestones, live data and forecasts.

Live data does not exist here: its paths are not found, and a batch of it is empty. Neither do incentives and
combos.
Source: Kalshi API, search tags, milestones, live data, forecast percentile history.
"""

from __future__ import annotations

from collections.abc import Iterable

from kalshi_trading.practice.api.http import ApiCall, Endpoint
from kalshi_trading.practice.api.paging import page
from kalshi_trading.practice.records import ONE_SECOND, Event, Market
from kalshi_trading.practice.responses import series_details
from kalshi_trading.practice.responses.errors import not_found
from kalshi_trading.practice.responses.forecasts import forecast_point, has_forecast
from kalshi_trading.practice.responses.markets import Json
from kalshi_trading.practice.responses.series_details import game_of
from kalshi_trading.practice.world.world import World

_FORECAST_INTERVALS_S = {0: 5, 1: 60, 60: 3_600, 1440: 86_400}
_MAX_FORECASTS = 5_000
_MAX_PERCENTILES = 10


def _tags_by_categories(call: ApiCall) -> Json:
    tags: dict[str, set[str]] = {}
    for series in call.world.exchange.series.values():
        tags.setdefault(series.category, set()).update(series.tags)
    return {"tags_by_categories": {category: sorted(names) for category, names in sorted(tags.items())}}


def _filters_by_sport(_call: ApiCall) -> Json:
    return series_details.sport_filters()


def has_milestone(event: Event) -> bool:
    """Return True if the event is a game."""
    return game_of(event.series_ticker) is not None


def milestone_json(world: World, event: Event) -> Json:
    """Return the JSON of the start of an event's game."""
    markets = world.participants.event_markets(event.event_ticker)
    return series_details.milestone(event, world.exchange.series[event.series_ticker].category, markets)


def _milestones(call: ApiCall) -> Json:
    query = call.query
    limit = query.required_integer("limit", least=1, most=500)
    words = {name: query.text(name) for name in ("category", "type", "source_id")}
    competition, related = query.text("competition"), query.text("related_event_ticker")
    since, earliest = query.instant("min_updated_ts"), query.date_time("minimum_start_date")

    def keep(event: Event) -> bool:
        if related not in (None, event.event_ticker) or (since is not None and event.last_updated_at < since):
            return False
        starts_at = series_details.game_start(call.world.participants.event_markets(event.event_ticker)[0])
        if earliest is not None and starts_at < earliest:
            return False
        row = milestone_json(call.world, event)
        return competition in (None, row["details"]["league"]) and all(
            word in (None, row[name]) for name, word in words.items()
        )

    rows, cursor = page(
        _games(call.world), lambda event: event.event_ticker, limit, query.text("cursor"), keep
    )
    return {"milestones": [milestone_json(call.world, row) for row in rows], "cursor": cursor}


def _milestone(call: ApiCall) -> Json:
    for event in _games(call.world):
        if series_details.milestone_id(event.event_ticker) == call.path["milestone_id"]:
            return {"milestone": milestone_json(call.world, event)}
    raise not_found()


def _games(world: World) -> Iterable[Event]:
    return filter(has_milestone, world.exchange.events.values())


def _no_incentive_programs(call: ApiCall) -> Json:
    query = call.query
    query.choice("status", ("all", "active", "upcoming", "closed", "paid_out"))
    query.choice("type", ("all", "liquidity", "volume", "margin_maker_volume", "margin_taker_volume"))
    query.limit(10_000)
    return {"incentive_programs": [], "next_cursor": ""}


def _no_collections(call: ApiCall) -> Json:
    call.query.choice("status", ("unopened", "open", "closed"))
    call.query.limit(200)
    return {"multivariate_contracts": [], "cursor": ""}


def _no_live_data(call: ApiCall) -> Json:
    call.query.repeated("milestone_ids", most=100)
    return {"live_datas": []}


def _forecast_history(call: ApiCall) -> Json:
    """Return forecasts of an event's number; other events have none."""
    quantiles = call.query.repeated_integers("percentiles", _MAX_PERCENTILES, 0, 9_999)
    start, end, interval = call.query.periods()
    event = call.world.exchange.events.get(call.path["ticker"])
    if event is None or event.series_ticker != call.path["series_ticker"]:
        raise not_found()
    if interval not in _FORECAST_INTERVALS_S or not has_forecast(event):
        return {"forecast_history": []}
    ends = _ends(call, event, start, end, _FORECAST_INTERVALS_S[interval])
    points = [forecast_point(event, at, interval, quantiles, _values(call, event, at)) for at in ends]
    return {"forecast_history": points}


def _ends(call: ApiCall, event: Event, start: int, end: int, length: int) -> range:
    """Return the ends of the periods in which the event traded.

    They are in Unix seconds. Raises ApiError if they are too many.
    """
    first_market = call.world.participants.event_markets(event.event_ticker)[0]
    first = max(start, first_market.open_at // ONE_SECOND + 1)
    last = min(end, call.now // ONE_SECOND, first_market.close_at // ONE_SECOND)
    ends = range(-(-first // length) * length, last + 1, length)
    if len(ends) > _MAX_FORECASTS:
        raise call.query.error("end_ts", "max_forecasts")
    return ends


def _values(call: ApiCall, event: Event, at_s: int) -> list[tuple[Market, int]]:
    traders = call.world.participants
    markets = traders.event_markets(event.event_ticker)
    return [(market, traders.value(market, at_s * ONE_SECOND)) for market in markets]


ENDPOINTS = (
    Endpoint("/search/tags_by_categories", "GetTagsForSeriesCategories", _tags_by_categories),
    Endpoint("/search/filters_by_sport", "GetFiltersForSports", _filters_by_sport),
    Endpoint("/milestones", "GetMilestones", _milestones),
    Endpoint("/milestones/{milestone_id}", "GetMilestone", _milestone),
    Endpoint("/incentive_programs", "GetIncentivePrograms", _no_incentive_programs),
    Endpoint("/multivariate_event_collections", "GetMultivariateEventCollections", _no_collections),
    Endpoint("/live_data/batch", "GetLiveDatas", _no_live_data),
    Endpoint(
        "/series/{series_ticker}/events/{ticker}/forecast_percentile_history",
        "GetEventForecastPercentilesHistory",
        _forecast_history,
        private=True,
    ),
)
