"""Make text safe for a terminal, and format counts and orders."""

from __future__ import annotations

import unicodedata

from kalshi_trading.core.money import ONE_CONTRACT, Contracts, Price, count_text, price_text

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


def sanitize(text: str, *, invisible: str = "") -> str:
    """Make text safe for a terminal.

    Control characters become visible symbols. Invisible marks become `invisible`.
    """
    if text.isprintable():  # nearly always; a list has tens of thousands of texts
        return text
    return "".join(_visible(character, invisible) for character in text)


def _visible(character: str, invisible: str) -> str:
    if character in "\n\r\t":
        return " "
    if character < " ":
        return chr(0x2400 + ord(character))
    category = unicodedata.category(character)
    if category == "Zs":  # wide, thin and no-break spaces
        return " "
    if category == "Cf":  # direction marks, zero-width marks
        return invisible
    if category in ("Cc", "Cs", "Co", "Cn", "Zl", "Zp"):
        return REPLACEMENT
    return character


def pluralize(number: int, noun: str) -> str:
    """Format a count with its noun, plural unless it is one."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def describe_order(
    action: str | None, count: Contracts, side: str, price: Price | None = None, *, ticker: str = ""
) -> str:
    """Format an order as a trader says it: `BUY 10 YES at 57¢`.

    Without a known action: `long 10 YES`.
    """
    verb = "long" if action is None else action.upper()
    market = f" {ticker}" if ticker else ""
    limit = f" at {price_text(price)}" if price is not None else ""
    return f"{verb} {count_text(count)} {side.upper()}{market}{limit}"


def contracts_text(count: Contracts) -> str:
    return f"{count_text(count)} contract{'' if count == ONE_CONTRACT else 's'}"


def clock_skew(skew_s: float) -> str:
    """Describe how far this computer's clock is from the exchange's.

    Above 0 s it is ahead.
    """
    whole_s = round(abs(skew_s))  # known to about a second
    if whole_s == 0:
        return "matches the exchange's"
    return f"{whole_s:,} s {'ahead of' if skew_s > 0 else 'behind'} the exchange's"
