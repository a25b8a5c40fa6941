"""How many contracts: typed as contracts, or as dollars that buy as many whole ones as they can.

An amount of dollars is never exceeded: each contract is counted at the worst price of the order with
the most its fee can be. Pure arithmetic.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

from kalshi_trading.errors import InvalidInputError
from kalshi_trading.fees import taker_fee_bound
from kalshi_trading.market_models import FeeSchedule
from kalshi_trading.models import Action
from kalshi_trading.money import (
    ONE_CONTRACT,
    ZERO,
    Contracts,
    Dollars,
    Price,
    PriceGrid,
    dollars_text,
    parse_count,
)

_AMOUNT = re.compile(r"\$\s?([0-9]{1,9}(?:\.[0-9]{1,2})?)", re.ASCII)


@dataclass(frozen=True, slots=True)
class OrderSize:
    """A number of contracts, and the dollars it was typed as, if it was."""

    count: Contracts
    amount: Dollars | None = None


def parse_size(
    text: str, action: Action, price: Price, fees: FeeSchedule | None, grid: PriceGrid
) -> OrderSize:
    """Read `10`, `2.5` as contracts and `$50` as what to spend. Raises InvalidInputError.

    `price` is the most a contract can cost; `fees` None: not known, so dollars cannot be turned into
    contracts.
    """
    typed = text.strip()
    if not typed.startswith("$"):
        return OrderSize(parse_count(typed))
    found = _AMOUNT.fullmatch(typed)
    if found is None:
        raise InvalidInputError("An amount looks like $50 or $12.50.")
    if action is Action.SELL:
        raise InvalidInputError("Dollars are for purchases. Type how many contracts to sell.")
    amount = Decimal(found[1])
    return OrderSize(_affordable(amount, price, contract_fee(price, fees, grid)), amount)


def _affordable(amount: Dollars, price: Price, fee: Dollars | None) -> Contracts:
    if fee is None:
        raise InvalidInputError("The fee of this market is not known. Type a number of contracts instead.")
    count = amount // (price + fee)
    if count == ZERO:
        text = f"{dollars_text(amount)} buys no whole contract; one costs up to {dollars_text(price + fee)}."
        raise InvalidInputError(f"{text} Its fee is inside.")
    return count


def contract_fee(price: Price, fees: FeeSchedule | None, grid: PriceGrid) -> Dollars | None:
    """Give the most the fee of one contract can be, bought at `price` or better; n cost n times it."""
    if fees is None:
        return None
    return taker_fee_bound(fees, ONE_CONTRACT, ZERO, price, between_cents=not grid.is_whole_cents)
