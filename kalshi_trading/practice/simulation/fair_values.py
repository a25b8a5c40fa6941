"""What every market is worth at a moment: the imagined world behind the simulated participants.

Each event is moved by one hidden random walk from its opening to its close. A market owns a stretch of
that walk's final values, as wide as its initial chance, and its value is the probability to end there.
So the values of a mutually exclusive event sum to one at any moment, they converge to the outcome, and
past, present and outcome follow from the seed alone. Probabilities are floats; money never is: a value
leaves this module as whole ten-thousandths of a dollar.
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
_EVEN = math.sqrt(2)


class FairValues:
    """Values and outcomes of markets in the world of one seed."""

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def at(self, event: Event, markets: Sequence[Market], now: int) -> list[int]:
        """Return what a YES contract of each market of the event is worth, in the order given."""
        elapsed = _elapsed(markets[0], now)
        position = self._walk(event, markets[0], elapsed)
        if markets[0].scalar:
            return [_scalar_value(market, position, elapsed) for market in markets]
        spread = math.sqrt(1 - elapsed)
        chances = [_chance(low, high, position, spread) for low, high in stretches(event, markets)]
        return [round(ONE_DOLLAR_PRICE * chance) for chance in chances]

    def outcome(self, event: Event, markets: Sequence[Market]) -> list[int]:
        """Return what a YES contract of each market pays in the end; whole cents for a scalar market."""
        final = self.at(event, markets, markets[0].close_at)
        return [100 * round(value / 100) for value in final] if markets[0].scalar else final

    def _walk(self, event: Event, market: Market, elapsed: float) -> float:
        """Return where the hidden walk stands after that part of its way; 0 at the start."""
        key = f"{self._seed} {event.event_ticker}"
        length_s = max(1, (market.close_at - market.open_at) // ONE_SECOND)
        depth = max(3, math.ceil(math.log2(length_s / _FINEST_STEP_S + 1)))
        return walk(key, depth, elapsed)


def walk(key: str, depth: int, elapsed: float) -> float:
    """Return a Brownian path between 0 and 1 at `elapsed`, refined `depth` times by halving.

    Halving makes any point of the path reachable without walking there from the start.
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
    """Return the standard normal number that belongs to one node of one path."""
    digest = hashlib.blake2b(f"{key} {level} {index}".encode(), digest_size=7).digest()
    return _NORMAL.inv_cdf((int.from_bytes(digest, "big") + 0.5) / 2**56)


def stretches(event: Event, markets: Sequence[Market]) -> list[tuple[float, float]]:
    """Return the stretch of final values that each market owns; side by side when they exclude each other."""
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
    way = max(1, market.close_at - market.open_at)
    return min(1.0, max(0.0, (now - market.open_at) / way))


def _chance(low: float, high: float, position: float, spread: float) -> float:
    """Return the probability that a walk at `position` ends between `low` and `high`."""
    if spread == 0:
        return float(low <= position < high)
    return _below((high - position) / spread) - _below((low - position) / spread)


def _below(number: float) -> float:
    return 0.5 * (1 + math.erf(number / _EVEN))


def _scalar_value(market: Market, position: float, elapsed: float) -> int:
    """Return the expected payout of a market that pays the share of a normal the walk ends at."""
    start = _EVEN * _quantile(market.initial_value)
    return round(ONE_DOLLAR_PRICE * _below((start + position) / math.sqrt(2 - elapsed)))
