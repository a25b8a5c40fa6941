"""Check a ticker, and read its event and series."""

from __future__ import annotations

import re

from kalshi_trading.core.errors import InvalidInputError

_TICKER = re.compile(r"[A-Z0-9][A-Z0-9._-]{0,127}", re.ASCII)


def is_ticker(text: str) -> bool:
    return _TICKER.fullmatch(text) is not None


def validate_ticker(text: str) -> str:
    """Return the ticker in upper case. Raises InvalidInputError."""
    ticker = text.strip().upper() if isinstance(text, str) else ""
    if not ticker or not text.isascii() or not is_ticker(ticker):
        raise InvalidInputError("Not a ticker. Enter one such as KXHIGHNY-26NOV21-B46.5.")
    return ticker


def normalize_ticker(ticker: str | None) -> str | None:
    """Return a ticker in the exchange's spelling, unchecked.

    The journal may spell an order's market differently. Raises InvalidInputError if it is not text.
    """
    if ticker is not None and not isinstance(ticker, str):
        raise InvalidInputError(f"ticker must be text, not {type(ticker).__name__}.")
    return None if ticker is None else ticker.strip().upper()


def event_of(ticker: str) -> str:
    """Return the event of a market ticker: SERIES-EVENT-MARKET less its end."""
    return ticker.rpartition("-")[0] or ticker


def series_of(event_ticker: str) -> str:
    """Return the series of an event ticker: its first part."""
    return event_ticker.partition("-")[0]
