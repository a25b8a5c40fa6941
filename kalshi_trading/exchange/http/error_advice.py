"""Next step after a refusal, by the exchange's text, code or HTTP status.

Tables only. Source: Kalshi API, errors, authentication and pauses.
"""

from __future__ import annotations

_CASH = "Not enough cash on this market's shard. Lower the quantity or the price, or move cash to that shard."
_CLOSED = "The market has closed. Its open orders are canceled shortly."
_TRADING_PAUSED = (
    "Trading is paused, as on Thursdays 3-5 am ET. Try again when it resumes; cancels still work."
)
_EXCHANGE_PAUSED = "The exchange is paused, including cancels. Try again when it resumes."
_STALE_ORDER = "Refresh open orders and try again."

_BY_TEXT = (
    (
        400,
        "post only cross",
        "The order would fill at once. Lower the bid or raise the ask, or allow a fill.",
    ),
    (400, "must be in the future", "Choose a later expiration."),
    (400, "cannot specify both", "Only an order that stays open can have an expiration."),
    (403, "single sub-account", "The key is locked to one subaccount. Use a key for the whole account."),
    (403, "fcm", "Only clearing members may use this."),
    (
        403,
        "scope",
        "The key needs the scope read to view and write::trade to trade. Create one on kalshi.com.",
    ),
    *(
        (
            403,
            word,
            "Confirm your location on kalshi.com to trade Sports, Elections and Entertainment again.",
        )
        for word in ("location", "region", "attest")
    ),
)
"""Status, a part of the text in lower case, and the next step."""

_BY_CODE = {
    "bad_request": "Nothing was changed. Update this program if it happens again.",
    "invalid_price": "Not a valid price in this market. Choose another price.",
    "invalid_order": "The order breaks a rule of the exchange. Change it and try again.",
    "invalid_parameters": "A value has characters the exchange does not accept. Change it and try again.",
    "invalid_order_size": "Not a valid quantity in this market. Change the quantity.",
    "market_inactive": "The market is not open for trading now. Try again when it is.",
    "insufficient_balance": _CASH,
    "available_balance_too_low": _CASH,
    "order_id_and_client_order_id_mismatch": f"The two IDs name different orders. {_STALE_ORDER}",
    "order_side_mismatch": f"The order is on the other side. {_STALE_ORDER}",
    "order_ticker_mismatch": f"The order is in another market. {_STALE_ORDER}",
    "conflicting_leg_outcomes": "Two legs contradict each other. Remove one.",
    "duplicated_legs": "A leg is there twice. Remove one.",
    "invalid_market_combination": "These markets cannot be combined. Choose others.",
    "header_timestamp_expired": "This computer's clock differs from the exchange's. Set it and try again.",
    "authentication_error": "Check that the key ID and private key match each other and this environment.",
    "signature_is_missing_from_headers": "This needs an API key. Check the key in the settings.",
    "market_not_found": "This environment has no such market. Search by name.",
    "order_already_exists": "An order with this ID exists. Check open orders before sending another.",
    "fill_or_kill_insufficient_resting_volume": "The order book cannot fill the whole order at this price.",
    "trading_is_paused": _TRADING_PAUSED,
    "trading_paused": _TRADING_PAUSED,
    "exchange_is_paused": _EXCHANGE_PAUSED,
    "exchange_paused": _EXCHANGE_PAUSED,
    "market_closed": _CLOSED,
    "market_already_closed": _CLOSED,
    "deprecated_v1_order_endpoint": "This version is too old for the exchange. Update it.",
}

_READ_AGAIN = "Reads are repeated automatically. Try again in a minute."
_BY_STATUS = {
    400: "Nothing was changed. Check the values and try again.",
    401: "Check the API key in the settings.",
    403: (
        "Check the key's scopes (read, write::trade). "
        "Sports, Elections and Entertainment also need a location check on kalshi.com."
    ),
    404: "Check the ID and the environment. Older orders and markets are archived; see History.",
    409: "It conflicts with an earlier request. Check open orders before trying again.",
    429: "Too many requests; nothing was changed. Wait a few seconds and try again.",
    503: f"It may be under maintenance, as on Thursdays 3-5 am ET. {_READ_AGAIN}",
    **dict.fromkeys((408, 425, 500, 502, 504), _READ_AGAIN),
}


def next_step(status: int, code: str | None, text: str) -> str:
    """Return what happens next, or what to do, after this refusal."""
    words = text.lower()
    by_text = next((step for known, part, step in _BY_TEXT if known == status and part in words), None)
    return by_text or _BY_CODE.get(code or "") or _BY_STATUS.get(status, "Nothing was changed.")
