"""Translate findings of `verify` into the program's behavior.

An answer that is missing or assumed changes nothing. Source: Kalshi API, open questions.
"""

from __future__ import annotations

import re

from kalshi_trading.kalshi_client import READ_LAG
from kalshi_trading.settings.behavior import ASSUMED, ExchangeBehavior
from kalshi_trading.verify.stored import Verified

_BOUNDS = re.compile(r"([0-9]{1,3})/([0-9]{1,3})?")


def behavior(verified: Verified | None) -> ExchangeBehavior:
    """Return how the exchange behaves: as found, and otherwise as assumed."""
    words = {} if verified is None else verified.words
    accepted, refused = _window(words.get("clock_window_s", ""))
    tolerated = ASSUMED.tolerated_skew_s
    return ExchangeBehavior(
        cash_includes_collateral=words.get("balance_includes_collateral") == "yes",
        tolerated_skew_s=tolerated if accepted is None else min(tolerated, accepted / 2),
        signature_window_s=ASSUMED.signature_window_s if refused is None else refused,
        hidden_lag_s=READ_LAG.total_seconds() if words.get("data_timestamp_lags") == "no" else 0.0,
        ask_average_in_no=words.get("ask_average_at") == "no_price",
    )


def window_word(accepted: int, refused: int | None, is_expected: bool) -> str:
    """Write the clock window as stored: "2-30", or its two bounds."""
    return "2-30" if is_expected else f"{accepted}/{'' if refused is None else refused}"


def _window(word: str) -> tuple[int | None, int | None]:
    """Return the bounds of a stored window. None: as assumed, or damaged."""
    bounds = _BOUNDS.fullmatch(word)
    if bounds is None:
        return None, None
    return int(bounds[1]), int(bounds[2]) if bounds[2] else 4 * ASSUMED.signature_window_s
