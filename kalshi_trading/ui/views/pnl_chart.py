"""A curve of dollars over days, drawn with characters.

Knows plotext, which is loaded only when something is drawn. Dollars reach it as whole hundredths of a
cent and every label is written here, so that no rounded number stands beside the curve.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from kalshi_trading.core.money import BALANCE_GRAIN, CENT, Dollars, dollars_text, round_down, round_up

HEIGHT = 15
_MOST_STEPS = 5
_DAYS_NAMED = 4
_ROUND = (1, 2, 5)


def curve(points: Sequence[tuple[date, Dollars]], width: int) -> str:
    """Draw dollars over days, `width` columns wide and without colour; the days must be in order."""
    import plotext  # type: ignore[import-untyped]

    figure = plotext.figure
    figure.clear()
    figure.plot_size(width, HEIGHT)
    days = [day.toordinal() for day, _ in points]
    line = figure.signal(days, [_grains(amount) for _, amount in points], marker="braille")
    line.lines()
    figure.draw(line)
    amounts = labelled_amounts([amount for _, amount in points])
    labels = [dollars_text(amount, signed=True) for amount in amounts]
    figure.ruler("y").lim(_grains(amounts[0]), _grains(amounts[-1]))
    figure.ruler("y").ticks([_grains(amount) for amount in amounts], labels)
    named = _spread(days)
    figure.ruler("x").lim(days[0], days[-1])
    figure.ruler("x").ticks(named, [f"{date.fromordinal(day):%b %d}" for day in named])
    return str(figure.build().string(colorless=True)).rstrip("\n")


def _grains(amount: Dollars) -> int:
    """Give whole hundredths of a cent, the finest a curve can show; the tables have every digit."""
    return int(round_down(amount, BALANCE_GRAIN) / BALANCE_GRAIN)


def labelled_amounts(amounts: Sequence[Dollars]) -> list[Dollars]:
    """Choose a few round amounts that span all of these and zero."""
    lowest, highest = min(*amounts, 0 * CENT), max(*amounts, 0 * CENT)
    step = CENT
    while (highest - lowest) / step > _MOST_STEPS:
        step = _next_rounder(step)
    marks = [round_down(lowest, step)]
    while marks[-1] < round_up(highest, step) or len(marks) < 2:
        marks.append(marks[-1] + step)
    return marks


def _next_rounder(step: Dollars) -> Dollars:
    """Go from 1 to 2 to 5 to 10 cents, and on in this way."""
    return step * 5 / 2 if step.scaleb(2).as_tuple().digits[0] == _ROUND[1] else step * 2


def _spread(days: Sequence[int]) -> list[int]:
    """Choose the days to name: first, last and some between."""
    first, last = days[0], days[-1]
    parts = min(_DAYS_NAMED - 1, last - first) or 1
    return sorted({first + (last - first) * part // parts for part in range(parts + 1)})
