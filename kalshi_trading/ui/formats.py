"""Format numbers and times for the screen.

Pure: computes nothing beyond formatting. An unknown number is shown as `–`. Color only repeats what a sign
or a word says.

Dollars are shown in cents. Past amounts and P&L are rounded to the nearest cent. Costs are rounded up
(`at_most`), cash and proceeds down (`at_least`), so that neither promises too much. Explanations, exports and
amounts below a cent show every digit.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta

from rich.text import Text

from kalshi_trading.core.market_models import Market
from kalshi_trading.core.models import Side
from kalshi_trading.core.money import (
    CENT,
    ZERO,
    Contracts,
    Dollars,
    Price,
    Rounding,
    cents_text,
    count_text,
    dollars_text,
    price_places,
    price_text,
    round_down,
    round_half_even,
    round_up,
)
from kalshi_trading.settings.environments import Environment

UNKNOWN = "–"
_BADGES = {
    Environment.PRACTICE: ("PRACTICE", "bold black on cyan"),
    Environment.SANDBOX: ("SANDBOX", "bold black on yellow"),
    Environment.PRODUCTION: ("PRODUCTION · REAL MONEY", "bold white on red"),
}


_SIDE_STYLES = {Side.YES: "cyan", Side.NO: "magenta"}
_SIDE_AFTER_COUNT = re.compile(r"(?<=[0-9] )(YES|NO)\b")


# --- Numbers --------------------------------------------------------------------------------------


def price(value: Price | None) -> str:
    return UNKNOWN if value is None else price_text(value)


def prices(values: Sequence[Price | None]) -> list[str]:
    """Write the prices of one column with equally many decimals."""
    places = max((price_places(value) for value in values if value is not None), default=0)
    return [UNKNOWN if value is None else price_text(value, places=places) for value in values]


def count(value: Contracts | None) -> str:
    return UNKNOWN if value is None else count_text(value)


def dollars(value: Dollars | None) -> str:
    """Write a past amount (cost, fee, payout) to the nearest cent."""
    return _in_cents(value, round_half_even)


def limit(value: Dollars) -> str:
    """Write a limit without idle cents, to the last digit: `$1,000`, `$2.50`."""
    return dollars_text(value).removesuffix(".00")


def at_most(value: Dollars | None) -> str:
    """Write dollars rounded up to a cent: what something may cost or lose."""
    return _in_cents(value, round_up)


def at_least(value: Dollars | None) -> str:
    """Write dollars rounded down to a cent: what there is or will come in."""
    return _in_cents(value, round_down)


def _in_cents(value: Dollars | None, rounding: Rounding) -> str:
    return UNKNOWN if value is None else cents_text(value, rounding)


def pnl_text(value: Dollars | None, rounding: Rounding = round_half_even) -> Text:
    """Format P&L in cents with its sign. Color repeats the sign."""
    if value is None:
        return Text(UNKNOWN)
    return Text(cents_text(value, rounding, signed=True), style=_pnl_style(value))


def _pnl_style(value: Dollars) -> str:
    return "green" if value > ZERO else "red" if value < ZERO else ""


def amounts_with_total(values: Sequence[Dollars], rounding: Rounding = round_half_even) -> list[str]:
    """Write a column whose last amount is the sum of the others.

    Writes every digit if the amounts in cents miss the total by more than a cent.
    """
    has_digits = _needs_digits(values, rounding)
    return [dollars_text(each) if has_digits else cents_text(each, rounding) for each in values]


def pnl_with_total(values: Sequence[Dollars]) -> list[Text]:
    """Write a column of P&L whose last amount is the sum of the others."""
    has_digits = _needs_digits(values, round_half_even)
    return [
        Text(dollars_text(each, signed=True), style=_pnl_style(each)) if has_digits else pnl_text(each)
        for each in values
    ]


def _needs_digits(values: Sequence[Dollars], rounding: Rounding) -> bool:
    shown = [each if abs(each) < CENT else rounding(each, CENT) for each in values]
    return abs(sum(shown[:-1], ZERO) - shown[-1]) > CENT


def two_dollars(one: Dollars, other: Dollars, rounding: Rounding = round_half_even) -> tuple[str, str]:
    """Write two amounts for comparison, in cents.

    Writes every digit if both would look alike in cents but differ.
    """
    shown = cents_text(one, rounding), cents_text(other, rounding)
    return shown if shown[0] != shown[1] or one == other else (dollars_text(one), dollars_text(other))


def net_position(net: Contracts) -> str:
    """Format a signed position as count and side: −25 is `25 NO`."""
    if net == ZERO:
        return "0"
    return f"{count_text(abs(net))} {'YES' if net > ZERO else 'NO'}"


def yes_terms(market: Market) -> str:
    """Describe what YES pays for. A scalar market pays its value."""
    return f"YES pays{'' if market.scalar else ' if'}: {market.yes_label}"


def if_no_label(floor: Dollars | None) -> str:
    """Return the label of the worst YES result: NO, or the settlement floor."""
    return f"If {price_text(floor)}" if floor else "If NO"


def side_text(side: Side) -> Text:
    return Text(side.upper(), style=_SIDE_STYLES[side])


def with_sides(sentence: str | Text) -> Text:
    """Color the side after each count, as in `BUY 10 YES at 57¢`."""
    text = sentence if isinstance(sentence, Text) else Text(sentence)
    for found in _SIDE_AFTER_COUNT.finditer(text.plain):
        text.stylize(_SIDE_STYLES[Side(found[0].lower())], *found.span())
    return text


# --- Times and signs ------------------------------------------------------------------------------


def timestamp(at: datetime | None, now: datetime) -> str:
    """Format a time in the user's zone.

    The year and the offset appear only where they differ from those of `now`.
    """
    return " ".join(filter(None, day_and_time(at, now)))


def day_and_time(at: datetime | None, now: datetime) -> tuple[str, str]:
    """Format day and time as two texts, to show one below the other.

    The year and the offset appear only where they differ from those of `now`.
    """
    if at is None:
        return UNKNOWN, ""
    local, here = at.astimezone(), now.astimezone()
    year = "" if local.year == here.year else f" {local.year}"
    offset = "" if local.utcoffset() == here.utcoffset() else f" {time_zone(at)}"
    return f"{local:%b %d}{year}", f"{local:%H:%M:%S}{offset}"


def time_zone(at: datetime) -> str:
    offset = f"{at.astimezone():%z}"
    return f"UTC{offset[:3]}:{offset[3:]}"


def time_left(until: datetime, now: datetime) -> str:
    """Format the time until a close in its two largest units."""
    seconds = int((until - now).total_seconds())
    if seconds <= 0:
        return "closed"
    days, rest = divmod(seconds, 86_400)
    hours, rest = divmod(rest, 3_600)
    minutes, seconds = divmod(rest, 60)
    units = [(days, "d"), (hours, "h"), (minutes, "min"), (seconds, "s")]
    first = next(index for index, (amount, _) in enumerate(units) if amount)
    return " ".join(f"{amount} {unit}" for amount, unit in units[first : first + 2] if amount)


def closing(market: Market, now: datetime) -> str:
    """Format when trading ends: `Closes Dec 18 (18 d 4 h)`.

    Shows an earlier expected end as such, and the hour instead of the date within a day.
    """
    at = market.expected_end(now) or market.close_at
    local = at.astimezone()
    soon = abs(at - now) < timedelta(days=1)
    year = "" if local.year == now.astimezone().year else f", {local.year}"
    when = f"{local:%H:%M}" if soon else f"{local:%b %d}{year}"
    if at <= now:
        return f"Closed {when}"
    return f"{'Closes' if at == market.close_at else 'Expected end'} {when} ({time_left(at, now)})"


def time_to_end(market: Market, now: datetime) -> str:
    """Format the time until trading ends; `~` marks an expected end."""
    end = market.expected_end(now)
    return time_left(market.close_at, now) if end is None else f"~{time_left(end, now)}"


def environment_badge(environment: Environment) -> Text:
    name, style = _BADGES[environment]
    return Text(f" {name} ", style=style)


def error_line(message: str) -> Text:
    return Text.assemble(("✗ ", "bold red"), message)


def note_line(message: str) -> Text:
    return Text.assemble(("· ", "dim"), message)


def lower_first(text: str) -> str:
    """Write the first letter small, except of `NO bid` or `P&L`."""
    return text if text[1:2].isupper() or text[1:2] == "&" else text[:1].lower() + text[1:]


def sentence_case(text: str) -> str:
    """Write the first letter large and leave the others."""
    return text[:1].upper() + text[1:]
