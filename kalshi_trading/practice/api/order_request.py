"""Strict parser for the JSON body of a new order.

Knows the wire format, never the state of a market. Numbers travel as strings: a JSON number in place of a
string cannot be decoded.
Source: Kalshi API, orders V2 and errors.
"""

from __future__ import annotations

import json
import re
from enum import StrEnum
from typing import Any, TypeVar

from kalshi_trading.practice.assumptions import Assumptions
from kalshi_trading.practice.engine.exchange import NewOrder
from kalshi_trading.practice.records import ONE_SECOND, BookSide, SelfTradePrevention, TimeInForce
from kalshi_trading.practice.responses.errors import ApiError, api_error, bad_request

_STRUCT = "CreateOrderV2Request"
_STRINGS = (
    "ticker",
    "client_order_id",
    "side",
    "count",
    "price",
    "time_in_force",
    "self_trade_prevention_type",
    "order_group_id",
)
_BOOLEANS = ("post_only", "reduce_only", "cancel_order_on_pause")
_INTEGERS = ("expiration_time", "subaccount", "exchange_index")
_REQUIRED = ("ticker", "side", "count", "price", "time_in_force", "self_trade_prevention_type")
_INT64 = range(-(2**63), 2**63)
_END_OF_TIME_S = 253_402_300_800  # times from the year 10000 on cannot be formatted
_CLIENT_ORDER_ID = re.compile(r"[A-Za-z0-9_-]+")
_DECIMAL = re.compile(r"([0-9]{1,12})(?:\.([0-9]{1,6}))?")

Value = TypeVar("Value", bound=StrEnum)


def new_order(raw: bytes, fresh_id: str, assumptions: Assumptions) -> NewOrder:
    """Parse the body of a create request.

    `fresh_id` becomes the client_order_id if the body has none. Raises ApiError.
    """
    body = _decode(raw)
    _check_types(body)
    _check_client_order_id(body.get("client_order_id") or fresh_id, assumptions)
    for name in _REQUIRED:
        if not body.get(name):
            raise _invalid(f"{name} is required")
    _check_subaccount_and_shard(body)
    return NewOrder(
        ticker=body["ticker"],
        client_order_id=body.get("client_order_id") or fresh_id,
        side=_enum_value(BookSide, body, "side"),
        price=_price(body["price"]),
        count=_count(body["count"]),
        time_in_force=_enum_value(TimeInForce, body, "time_in_force"),
        self_trade_prevention=_enum_value(SelfTradePrevention, body, "self_trade_prevention_type"),
        post_only=bool(body.get("post_only")),
        reduce_only=bool(body.get("reduce_only")),
        expires_at=_expiration(body),
        cancel_order_on_pause=bool(body.get("cancel_order_on_pause")),
    )


def _decode(raw: bytes) -> dict[str, Any]:
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError):
        raise bad_request("invalid JSON body") from None
    if not isinstance(body, dict):
        raise bad_request(f"json: cannot unmarshal {_json_type(body)} into Go value of type {_STRUCT}")
    if any(_has_lone_surrogate(value) for value in body.values()):
        raise bad_request("invalid JSON body")
    return body


def _has_lone_surrogate(value: object) -> bool:
    """Return True if the value is text with a lone surrogate.

    Such text cannot be encoded in a response.
    """
    return (
        isinstance(value, str) and not value.isascii() and any("\ud800" <= each <= "\udfff" for each in value)
    )


def _check_types(body: dict[str, Any]) -> None:
    for names, wanted, expected in (
        (_STRINGS, str, "string"),
        (_BOOLEANS, bool, "bool"),
        (_INTEGERS, int, "int64"),
    ):
        for name in names:
            value = body.get(name)
            if value is None or (type(value) is wanted and (wanted is not int or value in _INT64)):
                continue
            field = f"Go struct field {_STRUCT}.{name} of type {expected}"
            raise bad_request(f"json: cannot unmarshal {_json_type(value)} into {field}")


def _json_type(value: object) -> str:
    kinds = {str: "string", bool: "bool", int: "number", float: "number", list: "array", dict: "object"}
    return kinds.get(type(value), "null")


def _check_client_order_id(client_order_id: str, assumptions: Assumptions) -> None:
    """Raise ApiError for an id with a refused character, such as a dot.

    This comes before every other rule, so a refused id is not used up.
    Source: Kalshi API, client_order_id.
    """
    plain = client_order_id.replace(".", "") if assumptions.dot_in_client_id else client_order_id
    if len(client_order_id) > assumptions.longest_client_id or not _CLIENT_ORDER_ID.fullmatch(plain):
        raise api_error(400, "invalid_parameters")


def _check_subaccount_and_shard(body: dict[str, Any]) -> None:
    """Raise ApiError for a subaccount, shard or order group we do not have."""
    if body.get("subaccount"):
        raise api_error(400, "invalid_order", "subaccount does not exist")
    if body.get("exchange_index") not in (None, -1, 0):
        raise api_error(400, "invalid_order", "market is not on this exchange index")
    if body.get("order_group_id"):
        raise api_error(400, "order_group_not_found")


def _expiration(body: dict[str, Any]) -> int | None:
    """Return the expiration in microseconds, or None if there is none.

    Does not check that it is in the future. Raises ApiError from the year 10000 on.
    """
    seconds: int | None = body.get("expiration_time")
    if seconds is None:
        return None
    if seconds >= _END_OF_TIME_S:
        raise _invalid("Expiration timestamp is too far in the future")
    return seconds * ONE_SECOND


def _enum_value(enum: type[Value], body: dict[str, Any], name: str) -> Value:
    try:
        return enum(body[name])
    except ValueError:
        raise _invalid(f"{name} must be one of {', '.join(enum)}") from None


def _price(text: str) -> int:
    """Return the price in ten-thousandths of a dollar.

    Does not check the market's price grid. Raises ApiError.
    """
    ten_thousandths = _scaled(text, 4)
    if ten_thousandths is None:
        raise api_error(400, "invalid_price")
    return ten_thousandths


def _count(text: str) -> int:
    hundredths = _scaled(text, 2)
    if not hundredths:
        raise api_error(400, "invalid_order_size")
    return hundredths


def _scaled(text: str, places: int) -> int | None:
    """Return a decimal text in units of 10**-places.

    None: not a plain decimal number, or too many decimals.
    """
    match = _DECIMAL.fullmatch(text)
    if not match:
        return None
    whole, fraction = match.group(1), (match.group(2) or "").rstrip("0")
    if len(fraction) > places:
        return None
    return int(whole + fraction.ljust(places, "0"))


def _invalid(details: str) -> ApiError:
    return api_error(400, "invalid_order", details)
