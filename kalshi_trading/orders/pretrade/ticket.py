"""The order a user asks for, and its size in contracts or in dollars.

A dollar amount is never exceeded, because each contract counts at its highest cost. Pure arithmetic.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

from kalshi_trading.core.errors import InvalidInputError
from kalshi_trading.core.fees import max_cash
from kalshi_trading.core.models import Action, Side
from kalshi_trading.core.money import (
    CENT,
    ONE_CONTRACT,
    ZERO,
    Contracts,
    Dollars,
    Price,
    PriceGrid,
    dollars_text,
    parse_count,
    price_text,
    round_up,
)

_AMOUNT = re.compile(r"\$\s?([0-9]{1,9}(?:\.[0-9]{1,2})?)", re.ASCII)


@dataclass(frozen=True, slots=True)
class OrderSize:
    """A number of contracts, and the dollar amount if one was typed."""

    count: Contracts
    amount: Dollars | None = None


def parse_size(
    text: str, action: Action, price: Price, rate: Decimal | None, prepaid: Dollars = ZERO
) -> OrderSize:
    """Read `10` or `2.5` as contracts and `$50` as the amount to spend.

    `price` is the limit. `rate` is the highest r·m the order can meet. None: the rate is not known, so
    dollars cannot be converted to contracts. `prepaid` is what a settlement floor already paid on each.
    Raises InvalidInputError.
    """
    typed = text.strip()
    if not typed.startswith("$"):
        return OrderSize(parse_count(typed))
    found = _AMOUNT.fullmatch(typed)
    if found is None:
        raise InvalidInputError("Enter an amount, such as $50 or $12.50.")
    if action is Action.SELL:
        raise InvalidInputError("Dollar amounts are for buying only. Enter the contracts to sell.")
    amount = Decimal(found[1])
    return OrderSize(_affordable(amount, price, rate, prepaid), amount)


def _affordable(amount: Dollars, price: Price, rate: Decimal | None, prepaid: Dollars) -> Contracts:
    if rate is None:
        raise InvalidInputError("Fees for this market are unavailable. Enter a number of contracts.")
    if price <= prepaid:
        raise InvalidInputError(f"The settlement floor is {price_text(prepaid)}. Enter a price above it.")
    each = max_cash(rate, ONE_CONTRACT, price, prepaid)  # n whole contracts cost at most n times this
    count = amount // each
    if count == ZERO:
        most = dollars_text(round_up(each, CENT))
        raise InvalidInputError(
            f"{dollars_text(amount)} is too little. One contract costs up to {most} with fees."
        )
    return count


def two_meanings(typed: str, price: Price, grid: PriceGrid, side: Side) -> str | None:
    """Return a warning if a number below one may be dollars or cents.

    Prices below 1¢ must be valid in the market. None: the number has one meaning.
    """
    text, smaller = typed.strip(), price.scaleb(-2)
    if (
        not text.startswith("0.")
        or not text[-1].isdecimal()
        or not grid.contains(side.price_in_side(smaller))
    ):
        return None
    return f"{text} could be {price_text(smaller)} or {price_text(price)}. Add c for cents or $ for dollars."


def off_grid(grid: PriceGrid, side: Side, price: Price) -> str | None:
    """Return why a price is not valid, with the nearest valid prices.

    None: the price is valid.
    """
    in_yes, floor = side.price_in_side(price), grid.floor
    if grid.contains(in_yes):
        return None
    neighbors = (grid.at_or_below(in_yes), grid.at_or_above(in_yes))
    valid = sorted(side.price_in_side(near) for near in neighbors if near is not None)
    advice = f" Try {' or '.join(price_text(near) for near in valid)}." if valid else ""
    if floor is None or in_yes > floor:
        return f"{price_text(price)} is not a valid price here.{advice}"
    bound = f"{'above' if side is Side.YES else 'below'} {price_text(side.price_in_side(floor))}"
    return f"The settlement floor is {price_text(floor)}: {side.upper()} prices must be {bound}.{advice}"


@dataclass(frozen=True, slots=True)
class OrderTicket:
    """The order a user asks for.

    `price` None: a market order, filled at once at a capped price. `worst_price` is that cap once the
    user has seen it, so that a later read cannot move it. `amount` is the amount to spend when the
    count was given in dollars.
    """

    ticker: str
    action: Action
    side: Side
    count: Contracts
    price: Price | None
    post_only: bool = False
    worst_price: Price | None = None
    amount: Dollars | None = None

    @property
    def is_market_order(self) -> bool:
        return self.price is None
