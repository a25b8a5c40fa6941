"""Check a ticker, and read the event and the series that it names."""

from __future__ import annotations

import re

from kalshi_trading.core.errors import InvalidInputError

_TICKER = re.compile(r"[A-Z0-9][A-Z0-9._-]{0,127}", re.ASCII)


def is_ticker(text: str) -> bool:
    return _TICKER.fullmatch(text) is not None


def validate_ticker(text: str) -> str:
    """Return the ticker in upper case, or raise InvalidInputError when it cannot be one."""
    ticker = text.strip().upper() if isinstance(text, str) else ""
    if not ticker or not text.isascii() or not is_ticker(ticker):
        raise InvalidInputError("Not a ticker. Enter one such as KXHIGHNY-26NOV21-B46.5.")
    return ticker


def event_of(ticker: str) -> str:
    """Give the event a market's ticker names: SERIES-EVENT-MARKET without its last part."""
    return ticker.rpartition("-")[0] or ticker


def series_of(event_ticker: str) -> str:
    """Give the series an event's ticker names: its first part."""
    return event_ticker.partition("-")[0]
