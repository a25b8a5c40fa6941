"""JSON fields that follow from the kind of a series, not from its records.

Strikes, periods, early closes and sports details come from the series plan, so every saved
world has them. A series without a plan has none of them.
Source: Kalshi API, series, events, markets and milestones.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from kalshi_trading.practice.records import ONE_SECOND, Event, Market, Series
from kalshi_trading.practice.responses.markets import Json, time
from kalshi_trading.practice.simulation.calendars import HOUR, MINUTE
from kalshi_trading.practice.simulation.event_shapes import Choices, Games
from kalshi_trading.practice.simulation.series_plans import PLANS, SeriesPlan

_PLANS = {plan.ticker: plan for plan in PLANS}
_PERIODS = {"weekly": "week", "monthly": "month", "quarterly": "quarter"}
_GAME_STARTS_BEFORE_CLOSE = 4 * HOUR * ONE_SECOND
_GAME_ENDS_BEFORE_CLOSE = 45 * MINUTE * ONE_SECOND
_GAME_SCOPE = "Game"


def plan_of(series_ticker: str) -> SeriesPlan | None:
    """Return the plan of a series, or None."""
    return _PLANS.get(series_ticker)


def game_of(series_ticker: str) -> Games | None:
    """Return the shape of a series of games. None: it has no games."""
    plan = plan_of(series_ticker)
    return plan.shape if plan is not None and isinstance(plan.shape, Games) else None


def series_details(record: Series) -> Json:
    """Return the series fields that a request must ask for."""
    game = game_of(record.ticker)
    return {"product_metadata": {} if game is None else _sports_metadata(game)}


def event_details(record: Event) -> Json:
    """Return date or period of an event, and what it is about.

    An event of a week, a month or a quarter has a period instead of a date.
    """
    plan, game = plan_of(record.series_ticker), game_of(record.series_ticker)
    period = None if plan is None else _PERIODS.get(plan.frequency)
    strike_at = record.strike_at if period is None else None
    return {
        "strike_date": None if strike_at is None else time(strike_at),
        "strike_period": period,
        "product_metadata": None if game is None else _sports_metadata(game),
    }


def market_details(record: Market) -> Json:
    """Return named strikes, early close and sports fields of a market.

    A game is expected to end before its market closes.
    """
    plan, game = plan_of(record.series_ticker), game_of(record.series_ticker)
    condition = None if plan is None else plan.early_close_condition
    expected_at = record.expected_expiration_at if game is None else record.close_at - _GAME_ENDS_BEFORE_CLOSE
    answer: Json = {
        "can_close_early": condition is not None,
        "expected_expiration_time": time(expected_at),
    }
    if condition is not None:
        answer["early_close_condition"] = condition
    if game is not None:
        target = {_participant(game): _id("target", game.sport, record.yes_sub_title)}
        answer |= {"strike_type": "structured", "custom_strike": target}
        answer["primary_participant_key"] = _participant(game)
        answer["occurrence_datetime"] = time(game_start(record))
    elif plan is not None and isinstance(plan.shape, Choices):
        answer |= {"strike_type": "custom", "custom_strike": {"outcome": record.yes_sub_title}}
    return answer


def game_start(record: Market) -> int:
    """Return the start of a game in Unix microseconds."""
    return record.close_at - _GAME_STARTS_BEFORE_CLOSE


def milestone_id(event_ticker: str) -> str:
    """Return the id of the milestone of an event's game."""
    return _id("milestone", event_ticker)


def milestone(record: Event, category: str, markets: Sequence[Market]) -> Json:
    """Return the JSON of the start of a game. Raises ValueError without one."""
    game = game_of(record.series_ticker)
    if game is None:
        raise ValueError("only a game has a milestone")
    return {
        "id": milestone_id(record.event_ticker),
        "category": category,
        "type": f"{game.sport}_game",
        "start_date": time(game_start(markets[0])),
        "end_date": None,
        "related_event_tickers": [record.event_ticker],
        "title": " at ".join(market.yes_sub_title for market in markets),
        "notification_message": "The game starts",
        "source_id": None,
        "details": {"league": _competition(game)},
        "primary_event_tickers": [record.event_ticker],
        "last_updated_ts": time(record.last_updated_at),
    }


def sport_filters() -> Json:
    """Return the JSON of the sports, competitions and scopes that exist."""
    games = [plan.shape for plan in PLANS if isinstance(plan.shape, Games)]
    filters = {
        game.sport.capitalize(): {
            "scopes": [_GAME_SCOPE],
            "competitions": {_competition(game): {"scopes": [_GAME_SCOPE]}},
        }
        for game in games
    }
    return {"filters_by_sports": filters, "sport_ordering": sorted(filters)}


def _sports_metadata(game: Games) -> Json:
    return {"competition": _competition(game), "competition_scope": _GAME_SCOPE}


def _competition(game: Games) -> str:
    return f"Pro {game.sport.capitalize()}"


def _participant(game: Games) -> str:
    return f"{game.sport}_team"


def _id(*parts: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, "https://practice.invalid/" + "/".join(parts)))
