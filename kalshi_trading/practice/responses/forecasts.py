"""Forecast percentiles of an event's number, from its markets' values.

The chances that the number ends below each strike make a distribution, with straight lines between the
strikes and one more step beyond the first and the last. Chances are in ten-thousandths.
Source: Kalshi API, forecast percentile history.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from itertools import pairwise

from kalshi_trading.practice.records import ONE_DOLLAR_PRICE, Event, Market
from kalshi_trading.practice.responses.markets import Json, number
from kalshi_trading.practice.responses.series_details import plan_of
from kalshi_trading.practice.simulation.event_shapes import Ladder, Thresholds

_MAX_DECIMALS = 2
_RAW = Decimal("0.0001")

Point = tuple[Decimal, int]


def has_forecast(event: Event) -> bool:
    """Return True if the markets of the event ask for one number."""
    return _measure(event) is not None


def forecast_point(
    event: Event, end_s: int, interval: int, quantiles: Sequence[int], values: Sequence[tuple[Market, int]]
) -> Json:
    """Return the JSON of the percentiles at the end of one period.

    `values` are the markets of the event and their YES values, in the order of their strikes.
    """
    points = distribution(event, values)
    return {
        "event_ticker": event.event_ticker,
        "end_period_ts": end_s,
        "period_interval": interval,
        "percentile_points": [_percentile(event, points, each) for each in quantiles],
    }


def distribution(event: Event, values: Sequence[tuple[Market, int]]) -> list[Point]:
    """Return numbers and the chance to end below each, both ascending."""
    if event.mutually_exclusive:
        points, below = [], 0
        for market, value in values[:-1]:
            below += value
            points.append((Decimal(market.cap_strike or 0), min(below, ONE_DOLLAR_PRICE)))
    else:
        points, below = [], 0
        for market, value in values:
            below = max(below, ONE_DOLLAR_PRICE - value)
            points.append((Decimal(market.floor_strike or 0), below))
    step = (points[-1][0] - points[0][0]) / max(1, len(points) - 1) or Decimal(1)
    return [(points[0][0] - step, 0), *points, (points[-1][0] + step, ONE_DOLLAR_PRICE)]


def quantile(points: Sequence[Point], chance: int) -> Decimal:
    """Return the number below which the outcome ends with this chance."""
    for (low, at_low), (high, at_high) in pairwise(points):
        if at_low < at_high and chance <= at_high:
            return low + (high - low) * max(0, chance - at_low) / (at_high - at_low)
    return points[-1][0]


def _percentile(event: Event, points: Sequence[Point], chance: int) -> Json:
    raw = quantile(points, chance).quantize(_RAW)
    clean = raw.quantize(_grain(points))
    return {
        "percentile": chance,
        "raw_numerical_forecast": number(str(raw)),
        "numerical_forecast": number(str(clean)),
        "formatted_forecast": (_measure(event) or "{}").format(f"{clean:,}"),
    }


def _grain(points: Sequence[Point]) -> Decimal:
    """Return the step of clean forecasts: one decimal more than the strikes."""
    exponents = [number.as_tuple().exponent for number, _ in points[1:-1]]
    decimals = max(-exponent for exponent in exponents if isinstance(exponent, int))
    return Decimal(1).scaleb(-min(_MAX_DECIMALS, max(0, decimals) + 1))


def _measure(event: Event) -> str | None:
    plan = plan_of(event.series_ticker)
    return plan.shape.measure if plan is not None and isinstance(plan.shape, Ladder | Thresholds) else None
