"""The series, events and markets that exist at any instant.

A pure function of seed, instant and size, so that the catalogue rolls on without stored state. An event's
terms follow from seed, series and date, its closing time from its number in the calendar.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from random import Random

from kalshi_trading.practice.records import ONE_SECOND, Event, Market, Series
from kalshi_trading.practice.simulation.calendars import DAY
from kalshi_trading.practice.simulation.event_shapes import Games, Terms
from kalshi_trading.practice.simulation.series_plans import PLANS, SeriesPlan

_FIRST_PUBLISHED = 1_767_225_600 * ONE_SECOND  # the start of 2026
_WORLD_RULE = "Trading stops at the closing time; the practice exchange settles by its own imagined world."


@dataclass(frozen=True, slots=True)
class CatalogueListing:
    """Series, events and markets that must exist, parents first."""

    series: list[Series]
    events: list[Event]
    markets: list[Market]


class Catalogue:
    """Returns what is new over time; `full_listing` returns everything."""

    def __init__(self, seed: int, market_count: int) -> None:
        self._seed = seed
        self._events_ahead = events_ahead(market_count)
        self._announced: dict[str, int] = {}

    def take_new(self, now: int) -> CatalogueListing:
        """Return what must exist at `now` and was not returned before.

        Events that have already closed are left out.
        """
        listing = CatalogueListing([], [], [])
        for plan, ahead in self._events_ahead:
            if plan.ticker not in self._announced:
                listing.series.append(_series(plan))
            first = plan.calendar.next_number(now)
            last = first + ahead - 1
            for number in range(max(first, self._announced.get(plan.ticker, first - 1) + 1), last + 1):
                event, markets = build(plan, number, self._seed, ahead)
                listing.events.append(event)
                listing.markets.extend(markets)
            self._announced[plan.ticker] = last
        return listing

    def next_change(self, now: int) -> int:
        """Return when `take_new` next has something new, in Unix microseconds."""
        return min(plan.calendar.close_of(plan.calendar.next_number(now)) for plan, _ in self._events_ahead)


def full_listing(seed: int, now: int, market_count: int) -> CatalogueListing:
    """Return everything that must exist at `now`.

    `market_count` is the approximate number of markets.
    """
    return Catalogue(seed, market_count).take_new(now)


@lru_cache(maxsize=4)
def events_ahead(market_count: int) -> tuple[tuple[SeriesPlan, int], ...]:
    """Return each series with its number of upcoming events.

    The series grow in turn until there are enough markets.
    """
    ahead = {plan.ticker: plan.min_ahead for plan in PLANS}
    total = sum(plan.min_ahead * plan.shape.size for plan in PLANS)
    growing = list(PLANS)
    while growing and total < market_count:
        growing = [plan for plan in growing if ahead[plan.ticker] < plan.max_ahead]
        for plan in growing:
            if total >= market_count:
                break
            ahead[plan.ticker] += 1
            total += plan.shape.size
    return tuple((plan, ahead[plan.ticker]) for plan in PLANS)


def build(plan: SeriesPlan, number: int, seed: int, ahead: int) -> tuple[Event, list[Market]]:
    """Return one event and its markets.

    The event farthest ahead is announced but not open yet, if `ahead` is above 1.
    """
    close_at = plan.calendar.close_of(number)
    created_at = plan.calendar.close_of(number - ahead)
    opens_ahead = plan.opens_ahead or max(1, ahead - 1)
    open_at = plan.calendar.close_of(number - opens_ahead)
    day = datetime.fromtimestamp(close_at // ONE_SECOND - plan.day_offset_s, UTC)
    when = day.strftime(plan.when_format)
    event_ticker = _event_ticker(plan, day, seed)
    event = Event(
        event_ticker=event_ticker,
        series_ticker=plan.ticker,
        title=plan.event_title.format(when=when),
        sub_title=when[:1].upper() + when[1:],
        mutually_exclusive=plan.shape.exclusive,
        strike_at=close_at,
        last_updated_at=created_at,
    )
    terms = plan.shape.terms(_draw(seed, plan, day), when)
    times = (created_at, open_at, close_at)
    return event, [_market(plan, event, entry, times) for entry in terms]


def _event_ticker(plan: SeriesPlan, day: datetime, seed: int) -> str:
    ticker = f"{plan.ticker}-{day.strftime(plan.date_format).upper()}"
    if isinstance(plan.shape, Games):
        visitor, home = plan.shape.pairing(_draw(seed, plan, day))
        ticker += f"{visitor[0]}{home[0]}"
    return ticker


def _draw(seed: int, plan: SeriesPlan, day: datetime) -> Random:
    return Random(f"{seed} {plan.ticker} {day.isoformat()}")


def _market(plan: SeriesPlan, event: Event, terms: Terms, times: tuple[int, int, int]) -> Market:
    created_at, open_at, close_at = times
    last_moment = close_at + 7 * DAY * ONE_SECOND
    return Market(
        ticker=f"{event.event_ticker}-{terms.suffix}",
        event_ticker=event.event_ticker,
        series_ticker=plan.ticker,
        title=terms.question,
        yes_sub_title=terms.label,
        no_sub_title=terms.label,
        rules_primary=_rule(plan, terms),
        rules_secondary=_WORLD_RULE,
        scalar=plan.scalar,
        created_at=created_at,
        updated_at=created_at,
        open_at=open_at,
        close_at=close_at,
        expected_expiration_at=close_at + plan.result_after_s * ONE_SECOND,
        latest_expiration_at=last_moment,
        settlement_timer_s=plan.settlement_timer_s,
        grid=plan.grid,
        strike_type=terms.strike_type,
        floor_strike=terms.floor,
        cap_strike=terms.cap,
        initial_value=terms.chance,
    )


def _rule(plan: SeriesPlan, terms: Terms) -> str:
    if plan.scalar:
        return f"When {terms.rule}."
    return f"If {terms.rule}, the market resolves to Yes."


def _series(plan: SeriesPlan) -> Series:
    return Series(
        ticker=plan.ticker,
        title=plan.title,
        category=plan.category,
        tags=list(plan.tags),
        frequency=plan.frequency,
        fee_type=plan.fee_type,
        fee_multiplier_percent=plan.fee_multiplier_percent,
        source_name=plan.source_name,
        last_updated_at=_FIRST_PUBLISHED,
    )
