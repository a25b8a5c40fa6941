"""Fair value of every market at any instant, for the simulated traders.

One hidden random walk moves each event from its opening to its close. A market owns an interval of the
walk's final values, as wide as its initial chance. Its value is the probability that the walk ends there.
So the values of a mutually exclusive event sum to one before rounding, and converge to the outcome.
Past, present and outcome follow from the seed alone.

Probabilities are floats. Values leave this module as whole ten-thousandths of a dollar: money is never
a float.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from statistics import NormalDist

from kalshi_trading.practice.records import ONE_DOLLAR_PRICE, ONE_SECOND, Event, Market

_NORMAL = NormalDist()
_FINEST_STEP_S = 20
_SQRT_2 = math.sqrt(2)


class FairValues:
    """Fair values and outcomes of markets for one seed."""

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def at(self, event: Event, markets: Sequence[Market], now: int) -> list[int]:
        """Return the YES value of each market of the event, in the given order."""
        elapsed = _elapsed(markets[0], now)
        position = self._walk(event, markets[0], elapsed)
        if markets[0].scalar:
            return [_scalar_value(market, position, elapsed) for market in markets]
        spread = math.sqrt(1 - elapsed)
        chances = [_chance(low, high, position, spread) for low, high in intervals(event, markets)]
        return [round(ONE_DOLLAR_PRICE * chance) for chance in chances]

    def outcome(self, event: Event, markets: Sequence[Market]) -> list[int]:
        """Return the YES payout of each market of the event.

        A scalar market pays whole cents.
        """
        final = self.at(event, markets, markets[0].close_at)
        return [100 * round(value / 100) for value in final] if markets[0].scalar else final

    def _walk(self, event: Event, market: Market, elapsed: float) -> float:
        """Return the hidden walk's position at `elapsed`, from 0 to 1.

        The walk starts at 0.
        """
        key = f"{self._seed} {event.event_ticker}"
        length_s = max(1, (market.close_at - market.open_at) // ONE_SECOND)
        depth = max(3, math.ceil(math.log2(length_s / _FINEST_STEP_S + 1)))
        return walk(key, depth, elapsed)


def walk(key: str, depth: int, elapsed: float) -> float:
    """Return the value at `elapsed`, from 0 to 1, of a Brownian path.

    The path is refined `depth` times by halving, so any point can be computed without the points before it.
    """
    low, high = 0.0, 1.0
    at_low, at_high = 0.0, _noise(key, 0, 1)
    index = 1
    for level in range(1, depth + 1):
        middle = (low + high) / 2
        at_middle = (at_low + at_high) / 2 + _noise(key, level, index) * math.sqrt(high - low) / 2
        if elapsed < middle:
            high, at_high, index = middle, at_middle, 2 * index
        else:
            low, at_low, index = middle, at_middle, 2 * index + 1
    return at_low + (at_high - at_low) * (elapsed - low) / (high - low)


@lru_cache(maxsize=200_000)
def _noise(key: str, level: int, index: int) -> float:
    """Return the standard normal number of one node of one path."""
    digest = hashlib.blake2b(f"{key} {level} {index}".encode(), digest_size=7).digest()
    return _NORMAL.inv_cdf((int.from_bytes(digest, "big") + 0.5) / 2**56)


def intervals(event: Event, markets: Sequence[Market]) -> list[tuple[float, float]]:
    """Return the interval of final values that each market owns.

    Intervals of a mutually exclusive event are adjacent.
    """
    if not event.mutually_exclusive:
        return [(_quantile(ONE_DOLLAR_PRICE - market.initial_value), math.inf) for market in markets]
    edges, below = [-math.inf], 0
    for market in markets:
        below += market.initial_value
        edges.append(_quantile(below))
    return list(pairwise(edges))


@lru_cache(maxsize=10_001)
def _quantile(ten_thousandths: int) -> float:
    if ten_thousandths <= 0:
        return -math.inf
    if ten_thousandths >= ONE_DOLLAR_PRICE:
        return math.inf
    return _NORMAL.inv_cdf(ten_thousandths / ONE_DOLLAR_PRICE)


def _elapsed(market: Market, now: int) -> float:
    lifetime = max(1, market.close_at - market.open_at)
    return min(1.0, max(0.0, (now - market.open_at) / lifetime))


def _chance(low: float, high: float, position: float, spread: float) -> float:
    """Return the probability that a walk at `position` ends in an interval."""
    if spread == 0:
        return float(low <= position < high)
    return _below((high - position) / spread) - _below((low - position) / spread)


def _below(number: float) -> float:
    return 0.5 * (1 + math.erf(number / _SQRT_2))


def _scalar_value(market: Market, position: float, elapsed: float) -> int:
    """Return the expected payout of a scalar market.

    It pays the standard normal distribution function of the walk's end, shifted to start at `initial_value`.
    """
    start = _SQRT_2 * _quantile(market.initial_value)
    return round(ONE_DOLLAR_PRICE * _below((start + position) / math.sqrt(2 - elapsed)))
