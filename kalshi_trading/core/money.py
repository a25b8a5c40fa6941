"""Prices, contracts and dollars over `Decimal`: strict parsing, price grids, named rounding, plain text.

Nothing here accepts or returns a float, and nothing rounds unless its name says so. Text is written
without losing a digit: a price in cents (`5.5¢`), dollars with at least two decimals.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Context, Decimal, getcontext
from functools import lru_cache
from typing import Any, TypeAlias

from kalshi_trading.core.errors import InvalidInputError

Price: TypeAlias = Decimal
"""Dollars per contract in the terms of the side named beside it; 0 < price < 1 when it can be traded."""
Contracts: TypeAlias = Decimal
"""A number of contracts; the exchange's grain is 0.01."""
Dollars: TypeAlias = Decimal
"""An amount of money; up to six decimals."""

ZERO = Decimal(0)
ONE_DOLLAR: Dollars = Decimal(1)
COUNT_GRAIN: Contracts = Decimal("0.01")
ONE_CONTRACT: Contracts = Decimal(1)
CENT: Dollars = Decimal("0.01")
BALANCE_GRAIN: Dollars = Decimal("0.0001")

EXACT = Context(prec=28)
"""Python's own precision: whatever a script sets, no amount of money is rounded by less."""

_PLAIN_DECIMAL = re.compile(r"-?[0-9]{1,18}(\.[0-9]{1,9})?", re.ASCII)
_PRICE_IN_DOLLARS = re.compile(r"(?:\$([0-9]{1,3}(?:\.[0-9]{1,4})?)|(0\.[0-9]{1,4}))", re.ASCII)
_PRICE_IN_CENTS = re.compile(r"([0-9]{1,4}(?:\.[0-9]{1,2})?)\s?([c¢]?)", re.ASCII)
_COUNT = re.compile(r"([0-9]{1,9}|[0-9]{1,3}(,[0-9]{3}){1,2})(\.[0-9]{1,2})?", re.ASCII)


class UnitlessNumber(Decimal):
    """What multiplying or dividing cents gives: neither cents nor dollars, so it is refused as a price."""

    def __repr__(self) -> str:
        return f"UnitlessNumber('{self}')"


class Cents(Decimal):
    """A number of cents that knows its unit, so that `Decimal("0.5")` dollars are never taken for it.

    Cents stay cents where they are added to whole numbers or cents, negated, rounded or quantized; adding a
    plain Decimal raises TypeError. A product or quotient is a UnitlessNumber, and `Cents(x)` gives it a unit.
    """

    def __repr__(self) -> str:
        return f"Cents('{self}')"

    @property
    def dollars(self) -> Dollars:
        return EXACT.scaleb(self, -2)


def _keep(kind: type[Decimal], name: str, takes: tuple[type, ...] | None = None) -> Callable[..., Any]:
    """Make an operation of Decimal whose result is of this kind; `takes` are its operands, if not all."""
    operation = getattr(Decimal, name)

    def operate(self: Decimal, *operands: Any, **named: Any) -> Any:
        if takes is not None and operands and not isinstance(operands[0], takes):
            raise TypeError(f"Cannot add Cents and {type(operands[0]).__name__}: use Cents(x) or an int")
        result = operation(self, *operands, **named)
        return kind(result) if isinstance(result, Decimal) else result

    return operate


for _name in ("__add__", "__radd__", "__sub__", "__rsub__"):
    setattr(Cents, _name, _keep(Cents, _name, (int, Cents)))
for _name in ("__neg__", "__pos__", "__abs__", "__round__", "quantize", "normalize"):
    setattr(Cents, _name, _keep(Cents, _name))
_SCALING = ("__mul__", "__rmul__", "__truediv__", "__rtruediv__", "__floordiv__", "__mod__", "__pow__")
for _name in _SCALING:
    setattr(Cents, _name, _keep(UnitlessNumber, _name))
for _name in (
    *_SCALING,
    "__add__",
    "__radd__",
    "__sub__",
    "__rsub__",
    "__neg__",
    "__pos__",
    "__abs__",
    "quantize",
):
    setattr(UnitlessNumber, _name, _keep(UnitlessNumber, _name))


def cents(amount: Dollars | None) -> int | Cents | None:
    """Turn dollars into cents: an int where they are whole, else Cents; None stays unknown."""
    if amount is None:
        return None
    exact = EXACT.scaleb(amount, 2)
    whole = int(exact)
    return whole if whole == exact else Cents(exact)


def require_exact_context() -> None:
    """Raise InvalidInputError where the caller's decimal context would round sums of money."""
    if getcontext().prec < EXACT.prec:
        raise InvalidInputError(
            f"decimal.getcontext().prec is {getcontext().prec}, which rounds money. Restore it to "
            f"{EXACT.prec}; use decimal.localcontext() where you need less."
        )


def decimal_from_text(text: object) -> Decimal | None:
    """Read plain decimal text exactly; None when it is anything else (a float, `1e3`, `NaN`, `1_000`)."""
    return _plain_decimal(text) if isinstance(text, str) else None


@lru_cache(maxsize=65_536)  # the same few thousand prices and counts come again and again
def _plain_decimal(text: str) -> Decimal | None:
    return Decimal(text) if _PLAIN_DECIMAL.fullmatch(text) else None


def parse_price(text: str) -> Price:
    """Read a price as a trader types it: `57`, `57c`, `57¢`, `5.5` are cents; `0.57`, `$0.57` dollars.

    Raises InvalidInputError unless the price lies strictly between $0 and $1.
    """
    typed = text.strip()
    in_dollars = _PRICE_IN_DOLLARS.fullmatch(typed)
    in_cents = _PRICE_IN_CENTS.fullmatch(typed)
    if in_dollars:
        price = Decimal(in_dollars[1] or in_dollars[2])
    elif in_cents:
        price = Decimal(in_cents[1]).scaleb(-2)
    else:
        raise InvalidInputError("Enter cents (57, 5.5) or dollars (0.57).")
    if not ZERO < price < ONE_DOLLAR:
        raise InvalidInputError("Enter a price above 0¢ and below 100¢.")
    return price


def parse_count(text: str) -> Contracts:
    """Read a number of contracts above zero: `10`, `1,000`, `2.5`. Raises InvalidInputError."""
    typed = text.strip()
    if not _COUNT.fullmatch(typed):
        raise InvalidInputError("Enter a quantity, such as 10 or 2.5 (two decimals at most).")
    count = Decimal(typed.replace(",", ""))
    if count == ZERO:
        raise InvalidInputError("Enter a quantity above zero.")
    return count


@dataclass(frozen=True, slots=True)
class PriceBand:
    """Prices from `start` to `end` dollars in steps of `step`."""

    start: Price
    end: Price
    step: Price

    def contains(self, price: Price) -> bool:
        return self.start <= price <= self.end and (price - self.start) % self.step == ZERO


@dataclass(frozen=True, slots=True)
class PriceGrid:
    """The prices at which a market trades, in YES dollars. Source: Kalshi API, `price_ranges`."""

    bands: tuple[PriceBand, ...]

    @property
    def finest_step(self) -> Price:
        """The smallest distance between two prices of the market, a tick."""
        return min(band.step for band in self.bands)

    def contains(self, price: Price) -> bool:
        """Tell whether an order may carry this YES price."""
        return ZERO < price < ONE_DOLLAR and any(band.contains(price) for band in self.bands)

    def at_or_below(self, price: Price) -> Price | None:
        """Find the highest valid price not above this one; None when there is none."""
        candidates = [_floor_in(band, price) for band in self.bands if band.start <= price]
        valid = [candidate for candidate in candidates if self.contains(candidate)]
        return max(valid, default=None)

    def at_or_above(self, price: Price) -> Price | None:
        """Find the lowest valid price not below this one; None when there is none."""
        candidates = [_ceiling_in(band, price) for band in self.bands if band.end >= price]
        valid = [candidate for candidate in candidates if self.contains(candidate)]
        return min(valid, default=None)


def _floor_in(band: PriceBand, price: Price) -> Price:
    """Highest step of the band not above the price and below a dollar."""
    steps = ((min(price, band.end) - band.start) / band.step).to_integral_value(ROUND_FLOOR)
    found = band.start + steps * band.step
    return found if found < ONE_DOLLAR else found - band.step


def _ceiling_in(band: PriceBand, price: Price) -> Price:
    """Lowest step of the band not below the price and above zero."""
    steps = ((max(price, band.start) - band.start) / band.step).to_integral_value(ROUND_CEILING)
    found = band.start + steps * band.step
    return found if found > ZERO else found + band.step


def round_up(amount: Decimal, grain: Decimal) -> Decimal:
    """Round towards plus infinity to a multiple of `grain`."""
    return (amount / grain).to_integral_value(ROUND_CEILING) * grain


def round_down(amount: Decimal, grain: Decimal) -> Decimal:
    """Round towards minus infinity to a multiple of `grain`."""
    return (amount / grain).to_integral_value(ROUND_FLOOR) * grain


def round_half_even(amount: Decimal, grain: Decimal) -> Decimal:
    """Round to the nearest multiple of `grain`; for averages and other quotients shown to a person."""
    return (amount / grain).to_integral_value(ROUND_HALF_EVEN) * grain


def price_text(price: Price) -> str:
    """Write a price in cents without losing a digit: `57¢`, `5.5¢`, `0.01¢`."""
    whole, fraction = _digits(price.scaleb(2))
    return f"{whole}.{fraction}¢" if fraction else f"{whole}¢"


def dollars_text(amount: Dollars, *, signed: bool = False) -> str:
    """Write dollars without losing a digit, in cents or in hundredths of a cent: `$5.70`, `−$0.1593`.

    `signed` adds a plus sign to a gain.
    """
    sign = "−" if amount < ZERO else "+" if signed and amount > ZERO else ""
    whole, fraction = _digits(abs(amount))
    places = max(2, len(fraction) + len(fraction) % 2)
    return f"{sign}${whole}.{fraction.ljust(places, '0')}"


def count_text(count: Contracts) -> str:
    """Write a number of contracts without losing a digit: `10`, `2.5`, `1,000`."""
    whole, fraction = _digits(count)
    return f"{whole}.{fraction}" if fraction else whole


def _digits(number: Decimal) -> tuple[str, str]:
    """Split into the whole part, grouped by thousands, and the decimals without trailing zeros."""
    whole, _, fraction = f"{number:,f}".partition(".")
    return whole, fraction.rstrip("0")
