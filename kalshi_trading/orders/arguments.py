"""Read the arguments of an order from a script. Never guesses or rounds.

A price is an int from 1 to 99 for whole cents, `Cents` as read from a market, a Decimal in dollars, or text
as a trader types it. A float is refused, because it seldom is the number that was written. Pure.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TypeVar

from kalshi_trading.core.errors import InvalidInputError, InvalidOrderError
from kalshi_trading.core.models import Action, Side
from kalshi_trading.core.money import (
    BALANCE_GRAIN,
    COUNT_GRAIN,
    ONE_DOLLAR,
    ZERO,
    Cents,
    Contracts,
    Price,
    UnitlessNumber,
    parse_count,
    parse_price,
)
from kalshi_trading.core.tickers import validate_ticker

ORDER_OF_ARGUMENTS = "Argument order: ticker, side, quantity, action, order_type, price."

_MAX_CONTRACTS = Decimal(10**9)

W = TypeVar("W", Action, Side)


def read_ticker(value: object) -> str:
    """Return a ticker in the exchange's spelling. Raises InvalidOrderError."""
    if not isinstance(value, str):
        raise InvalidOrderError(f"ticker must be text, not {_type_name(value)}.")
    try:
        return validate_ticker(value)
    except InvalidInputError as error:
        raise InvalidOrderError(str(error)) from None


def read_side(value: object) -> Side:
    """Read `yes` or `no`. Raises InvalidOrderError."""
    return _read_enum(value, Side, "side must be yes or no")


def read_action(value: object) -> Action:
    """Read `buy` or `sell`. Raises InvalidOrderError."""
    return _read_enum(value, Action, "action must be buy or sell")


def _read_enum(value: object, members: type[W], what: str) -> W:
    for each in members:
        if isinstance(value, str) and value.strip().lower() == each:
            return each
    raise InvalidOrderError(f"{what}, not {_format(value)}. {ORDER_OF_ARGUMENTS}")


def read_count(value: object) -> Contracts:
    """Read a number of contracts above zero, with at most two decimals.

    Raises InvalidOrderError.
    """
    if isinstance(value, float):
        raise InvalidOrderError('A float is not exact. Pass the quantity as 10, Decimal("2.5") or "2.5".')
    if isinstance(value, str):
        try:
            return parse_count(value)
        except InvalidInputError as error:
            raise InvalidOrderError(
                f"{_format(value)} is not a valid quantity. {error} {ORDER_OF_ARGUMENTS}"
            ) from None
    if not isinstance(value, (int, Decimal)) or isinstance(value, (bool, Cents, UnitlessNumber)):
        raise InvalidOrderError(f"quantity must be a number, not {_type_name(value)}. {ORDER_OF_ARGUMENTS}")
    count = Decimal(value)
    if not count.is_finite() or not ZERO < count <= _MAX_CONTRACTS or count != count.quantize(COUNT_GRAIN):
        raise InvalidOrderError(f"quantity must be above 0, with at most two decimals, not {_format(value)}.")
    return count


def read_price(value: object) -> Price:
    """Read a price in dollars, in the terms of the traded side.

    Raises InvalidOrderError.
    """
    if isinstance(value, float):
        raise InvalidOrderError(
            f"A float is not exact: {value!r} is {Decimal(value):.20f}. "
            'Pass whole cents (57), text ("5.5c", "$0.057") or Decimal dollars (Decimal("0.57")).'
        )
    if isinstance(value, str):
        try:
            return parse_price(value)
        except InvalidInputError as error:
            raise InvalidOrderError(f"{_format(value)} is not a valid price. {error}") from None
    if isinstance(value, UnitlessNumber):
        raise InvalidOrderError(f"{value} has no unit. Pass Cents({value}) if it is cents.")
    if isinstance(value, Cents):
        return _check_price(value, value.dollars)
    if isinstance(value, Decimal):
        return _check_price(
            value, value, ' A Decimal is dollars. For cents, pass an int or text such as "38.5".'
        )
    if isinstance(value, int) and not isinstance(value, bool):
        return _check_price(value, Decimal(min(max(value, 0), 100)).scaleb(-2), " An int is cents, 1 to 99.")
    raise InvalidOrderError(f"price must be a number or text, not {_type_name(value)}. {ORDER_OF_ARGUMENTS}")


def _check_price(value: object, dollars: Decimal, hint: str = "") -> Price:
    if not dollars.is_finite() or not ZERO < dollars < ONE_DOLLAR:
        raise InvalidOrderError(f"price must be above 0¢ and below 100¢, not {_format(value)}.{hint}")
    if dollars != dollars.quantize(BALANCE_GRAIN):
        raise InvalidOrderError("price must have at most four decimals of a dollar.")
    return dollars


def read_order_type(order_type: object, price: object) -> Price | None:
    """Return the limit of an order.

    None: a market order. Raises InvalidOrderError when `order_type` and `price` do not fit each other.
    """
    order_type = order_type.strip().lower() if isinstance(order_type, str) else order_type
    if order_type == "market" and price is None:
        return None
    if order_type == "limit" and price is not None:
        return read_price(price)
    if order_type == "market":
        raise InvalidOrderError('A market order takes no price. For a limit order, pass order_type="limit".')
    if order_type == "limit":
        raise InvalidOrderError("A limit order needs a price.")
    raise InvalidOrderError(
        f"order_type must be market or limit, not {_format(order_type)}. {ORDER_OF_ARGUMENTS}"
    )


def _format(value: object) -> str:
    """Format a short value; `str` of a huge int would raise ValueError."""
    if isinstance(value, int) and abs(value) > 10**20:
        return "a huge number"
    return (
        repr(value) if isinstance(value, (str, int, Decimal)) and len(str(value)) < 40 else _type_name(value)
    )


def _type_name(value: object) -> str:
    return type(value).__name__
