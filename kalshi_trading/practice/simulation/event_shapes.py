"""Event shapes: ladders, thresholds, choices, games, single questions.

Turns a shape into the terms of its markets. Chances are in ten-thousandths: starting probabilities of the
simulation, never money. Those of a mutually exclusive event sum to exactly 10,000.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from random import Random
from statistics import NormalDist
from typing import Protocol

CERTAIN = 10_000
_MIN_CHANCE = 60


@dataclass(frozen=True, slots=True)
class Terms:
    """Terms of one market.

    `rule` completes "If ..., the market resolves to Yes".
    """

    suffix: str
    question: str
    label: str
    rule: str
    chance: int
    strike_type: str | None = None
    floor: str | None = None
    cap: str | None = None


class Shape(Protocol):
    @property
    def size(self) -> int:
        """The number of markets in one event."""

    @property
    def exclusive(self) -> bool:
        """True if exactly one market of the event resolves to Yes."""

    def terms(self, random: Random, when: str) -> list[Terms]:
        """Return the markets of one event; `when` names its date in a sentence."""


@dataclass(frozen=True, slots=True)
class Ladder:
    """Bands that cover every outcome, with an open band at each end."""

    subject: str
    measure: str  # "{}" stands for the number
    center: Decimal
    drift: Decimal  # how far the center moves between events
    deviation: Decimal
    width: Decimal
    grain: Decimal  # smallest step of the observed number
    size: int
    exclusive: bool = True

    def terms(self, random: Random, when: str) -> list[Terms]:
        middle = _round_to_step(self.center + self.drift * _random_offset(random), self.width)
        lowest = middle - self.width * (self.size // 2 - 1)
        edges = [lowest + self.width * step for step in range(self.size - 1)]
        expected = NormalDist(
            float(middle + self.deviation * _random_offset(random) / 2), float(self.deviation)
        )
        below = [0.0, *(expected.cdf(float(edge)) for edge in edges), 1.0]
        chances = shares([upper - lower for lower, upper in pairwise(below)])
        bands = [self._low(edges[0]), *map(self._band, edges[:-1]), self._high(edges[-1])]
        return [self._finish(band, chance, when) for band, chance in zip(bands, chances, strict=True)]

    def _low(self, edge: Decimal) -> Terms:
        label = f"{self._show(edge - self.grain)} or below"
        return Terms(
            f"T{_plain(edge)}", "", label, f"below {self._show(edge)}", 0, "less", None, _plain(edge)
        )

    def _band(self, edge: Decimal) -> Terms:
        top = edge + self.width - self.grain
        middle = edge + (self.width - self.grain if self.grain == 1 else self.width) / 2
        label = f"{self._show(edge)} to {self._show(top)}"
        rule = f"between {self._show(edge)} and {self._show(top)}"
        return Terms(f"B{_plain(middle)}", "", label, rule, 0, "between", _plain(edge), _plain(top))

    def _high(self, edge: Decimal) -> Terms:
        floor = edge - self.grain
        label = f"{self._show(edge)} or above"
        rule = f"above {self._show(floor)}"
        return Terms(f"T{_plain(floor)}", "", label, rule, 0, "greater", _plain(floor), None)

    def _show(self, number: Decimal) -> str:
        return self.measure.format(_grouped(number))

    def _finish(self, band: Terms, chance: int, when: str) -> Terms:
        question = f"Will the {self.subject} be {band.label} {when}?"
        rule = f"the {self.subject} {when} is {band.rule}"
        strikes = (band.strike_type, band.floor, band.cap)
        return Terms(band.suffix, question, band.label, rule, chance, *strikes)


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Questions on one number, each asking if it ends above a level.

    Not exclusive.
    """

    subject: str  # "{when}" stands for the date
    measure: str
    center: Decimal
    drift: Decimal
    deviation: Decimal
    step: Decimal
    size: int
    exclusive: bool = False

    def terms(self, random: Random, when: str) -> list[Terms]:
        middle = _round_to_step(self.center + self.drift * _random_offset(random), self.step)
        lowest = middle - self.step * (self.size // 2)
        levels = [lowest + self.step * index for index in range(self.size)]
        expected = NormalDist(
            float(middle + self.deviation * _random_offset(random) / 2), float(self.deviation)
        )
        return [self._above(level, clamp(1 - expected.cdf(float(level))), when) for level in levels]

    def _above(self, level: Decimal, chance: int, when: str) -> Terms:
        shown = self.measure.format(_grouped(level))
        subject = self.subject.format(when=when)
        question, rule = f"Will {subject} be above {shown}?", f"{subject} is above {shown}"
        strikes = ("greater", _plain(level), None)
        return Terms(f"T{_plain(level)}", question, f"Above {shown}", rule, chance, *strikes)


@dataclass(frozen=True, slots=True)
class Choices:
    """Named outcomes of which exactly one happens.

    `weights` are their approximate likelihoods.
    """

    question: str  # "{label}" and "{when}" stand for the outcome and the date
    options: tuple[tuple[str, str], ...]  # suffix, label
    weights: tuple[int, ...]
    places: tuple[str, ...] = ()
    exclusive: bool = True

    @property
    def size(self) -> int:
        return len(self.options)

    def terms(self, random: Random, when: str) -> list[Terms]:
        weights = [weight * (0.5 + random.random()) for weight in self.weights]
        questions = [self.question.format(label=label, when=when) for _, label in self.options]
        return [
            Terms(suffix, question, label, f'the answer to "{question}" is yes', chance)
            for (suffix, label), question, chance in zip(
                self.options, questions, shares(weights), strict=True
            )
        ]


@dataclass(frozen=True, slots=True)
class Games:
    """Two teams of a roster meet, with one market for each team."""

    sport: str
    teams: tuple[tuple[str, str], ...]  # code, name
    size: int = 2
    exclusive: bool = True

    def pairing(self, random: Random) -> tuple[tuple[str, str], tuple[str, str]]:
        """Draw the visiting and the home team.

        This must be the first draw of an event, because the event ticker repeats it.
        """
        visitor, home = random.sample(self.teams, 2)
        return visitor, home

    def terms(self, random: Random, when: str) -> list[Terms]:
        pair = self.pairing(random)
        chances = shares([0.25 + random.random(), 0.25 + random.random()])
        game = f"{pair[0][1]} at {pair[1][1]} {self.sport} game"
        return [
            Terms(
                code,
                f"Will {name} win the {game} {when}?",
                name,
                f"{name} wins the {game} {when}",
                chance,
            )
            for (code, name), chance in zip(pair, chances, strict=True)
        ]


@dataclass(frozen=True, slots=True)
class Single:
    """One question that starts near a fixed chance."""

    suffix: str
    question: str  # "{when}" stands for the date
    label: str
    rule: str
    chance: int
    size: int = 1
    exclusive: bool = False

    def terms(self, random: Random, when: str) -> list[Terms]:
        chance = clamp(self.chance / CERTAIN + (random.random() - 0.5) / 10)
        question, rule = self.question.format(when=when), self.rule.format(when=when)
        return [Terms(self.suffix, question, self.label, rule, chance)]


def shares(weights: Sequence[float]) -> list[int]:
    """Return weights as ten-thousandths that sum to exactly 10,000.

    None of them is tiny.
    """
    total = sum(weights)
    chances = [max(_MIN_CHANCE, round(CERTAIN * weight / total)) for weight in weights]
    chances[chances.index(max(chances))] += CERTAIN - sum(chances)
    return chances


def clamp(chance: float) -> int:
    """Return a chance in ten-thousandths, kept away from 0 and 10,000."""
    return min(CERTAIN - _MIN_CHANCE, max(_MIN_CHANCE, round(CERTAIN * chance)))


def _random_offset(random: Random) -> Decimal:
    """Return a random number between -1 and 1."""
    return Decimal(random.randrange(-1000, 1001)) / 1000


def _round_to_step(number: Decimal, step: Decimal) -> Decimal:
    return (number / step).to_integral_value() * step


def _plain(number: Decimal) -> str:
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _grouped(number: Decimal) -> str:
    return f"{Decimal(_plain(number)):,f}"
