"""Exact prices, counts and dollars: parse, format, round.

Never accepts or returns a float. Never rounds unless the name says so. Text keeps every digit: a price in
cents (`5.5¢`), dollars with at least two decimals. Only `cents_text` rounds dollars, to a cent for a screen.
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
"""Dollars per contract, in the terms of the side named beside it. Tradable prices are 0 < price < 1."""
Contracts: TypeAlias = Decimal
"""Number of contracts, in steps of 0.01 at the exchange."""
Dollars: TypeAlias = Decimal
"""Amount of money, with up to six decimals."""

ZERO = Decimal(0)
ONE_DOLLAR: Dollars = Decimal(1)
COUNT_GRAIN: Contracts = Decimal("0.01")
ONE_CONTRACT: Contracts = Decimal(1)
CENT: Dollars = Decimal("0.01")
BALANCE_GRAIN: Dollars = Decimal("0.0001")

EXACT = Context(prec=28)
"""Python's default precision: computes exactly even if a script lowers its own."""

_PLAIN_DECIMAL = re.compile(r"-?[0-9]{1,18}(\.[0-9]{1,9})?", re.ASCII)
_PRICE_IN_DOLLARS = re.compile(r"(?:\$([0-9]{1,3}(?:\.[0-9]{1,4})?)|(0\.[0-9]{1,4}))", re.ASCII)
_PRICE_IN_CENTS = re.compile(r"([0-9]{1,4}(?:\.[0-9]{1,2})?)\s?([c¢]?)", re.ASCII)
_COUNT = re.compile(r"([0-9]{1,9}|[0-9]{1,3}(,[0-9]{3}){1,2})(\.[0-9]{1,2})?", re.ASCII)


class UnitlessNumber(Decimal):
    """Product or quotient of cents: neither cents nor dollars.

    It is refused as a price.
    """

    def __repr__(self) -> str:
        return f"UnitlessNumber('{self}')"


class Cents(Decimal):
    """Cents as a type, so that `Decimal` dollars are never mistaken for them.

    Cents stay cents when added to integers or cents, negated, rounded or quantized. Adding a plain Decimal
    raises TypeError. A product or quotient is a UnitlessNumber; `Cents(x)` gives it a unit.
    """

    def __repr__(self) -> str:
        return f"Cents('{self}')"

    @property
    def dollars(self) -> Dollars:
        return EXACT.scaleb(self, -2)


def _keep(kind: type[Decimal], name: str, takes: tuple[type, ...] | None = None) -> Callable[..., Any]:
    """Wrap a Decimal operation so that its result is of this kind.

    `takes` lists the accepted operand types. None: all.
    """
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
    """Convert dollars to cents: an int if whole, otherwise Cents.

    None stays None.
    """
    if amount is None:
        return None
    exact = EXACT.scaleb(amount, 2)
    whole = int(exact)
    return whole if whole == exact else Cents(exact)


def require_exact_context() -> None:
    """Raise InvalidInputError if the decimal context would round money."""
    if getcontext().prec < EXACT.prec:
        raise InvalidInputError(
            f"decimal.getcontext().prec is {getcontext().prec}, which rounds money. Restore it to "
            f"{EXACT.prec}; use decimal.localcontext() where you need less."
        )


def decimal_from_text(text: object) -> Decimal | None:
    """Read plain decimal text exactly.

    None: anything else (a float, `1e3`, `NaN`, `1_000`).
    """
    return _plain_decimal(text) if isinstance(text, str) else None


@lru_cache(maxsize=65_536)  # the same few thousand prices and counts recur
def _plain_decimal(text: str) -> Decimal | None:
    return Decimal(text) if _PLAIN_DECIMAL.fullmatch(text) else None


def parse_price(text: str) -> Price:
    """Read a price as a trader types it.

    `57`, `57c`, `57¢` and `5.5` are cents; `0.57` and `$0.57` are dollars. Raises InvalidInputError unless
    the price lies strictly between $0 and $1.
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
    """Read a number of contracts above zero: `10`, `1,000`, `2.5`.

    Raises InvalidInputError.
    """
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
    """The valid prices of a market, in YES dollars.

    Valid prices lie above `floor`, the settlement floor. None: there is none, or it is unknown.
    Source: Kalshi API, `price_ranges`, settlement floors.
    """

    bands: tuple[PriceBand, ...]
    floor: Dollars | None = None

    @property
    def finest_step(self) -> Price:
        """The smallest tick of the market."""
        return min(band.step for band in self.bands)

    def contains(self, price: Price) -> bool:
        """Return True if an order may have this YES price."""
        return (self.floor or ZERO) < price < ONE_DOLLAR and any(band.contains(price) for band in self.bands)

    def at_or_below(self, price: Price) -> Price | None:
        """Return the highest valid price at or below this one. None: none exists."""
        candidates = [_floor_in(band, price) for band in self.bands if band.start <= price]
        valid = [candidate for candidate in candidates if self.contains(candidate)]
        return max(valid, default=None)

    def at_or_above(self, price: Price) -> Price | None:
        """Return the lowest valid price at or above this one. None: none exists."""
        above = self.floor or ZERO
        wanted = max(price, above)
        candidates = [_ceiling_in(band, wanted, above) for band in self.bands if band.end >= wanted]
        valid = [candidate for candidate in candidates if self.contains(candidate)]
        return min(valid, default=None)


def _floor_in(band: PriceBand, price: Price) -> Price:
    """Return the band's highest step at or below the price and below $1."""
    steps = ((min(price, band.end) - band.start) / band.step).to_integral_value(ROUND_FLOOR)
    found = band.start + steps * band.step
    return found if found < ONE_DOLLAR else found - band.step


def _ceiling_in(band: PriceBand, price: Price, above: Price) -> Price:
    """Return the band's lowest step at or above `price` and over `above`."""
    steps = ((max(price, band.start) - band.start) / band.step).to_integral_value(ROUND_CEILING)
    found = band.start + steps * band.step
    return found if found > above else found + band.step


def round_up(amount: Decimal, grain: Decimal) -> Decimal:
    """Round towards plus infinity to a multiple of `grain`."""
    return (amount / grain).to_integral_value(ROUND_CEILING) * grain


def round_down(amount: Decimal, grain: Decimal) -> Decimal:
    """Round towards minus infinity to a multiple of `grain`."""
    return (amount / grain).to_integral_value(ROUND_FLOOR) * grain


def round_half_even(amount: Decimal, grain: Decimal) -> Decimal:
    """Round to the nearest multiple of `grain`, ties to even.

    For averages and other quotients on the screen.
    """
    return (amount / grain).to_integral_value(ROUND_HALF_EVEN) * grain


def price_text(price: Price, *, places: int = 0) -> str:
    """Write a price in cents with every digit: `57¢`, `5.5¢`, `0.01¢`.

    Pads with zeros to at least `places` decimals.
    """
    whole, fraction = _digits(price.scaleb(2))
    fraction = fraction.ljust(places, "0")
    return f"{whole}.{fraction}¢" if fraction else f"{whole}¢"


def price_places(price: Price) -> int:
    """Count the decimals that `price_text` writes."""
    return len(_digits(price.scaleb(2))[1])


def dollars_text(amount: Dollars, *, signed: bool = False) -> str:
    """Write dollars with every digit: `$5.70`, `−$0.1593`.

    Has two decimals, or four or six if needed. `signed` adds a plus sign to a gain.
    """
    sign = "−" if amount < ZERO else "+" if signed and amount > ZERO else ""
    whole, fraction = _digits(abs(amount))
    places = max(2, len(fraction) + len(fraction) % 2)
    return f"{sign}${whole}.{fraction.ljust(places, '0')}"


Rounding: TypeAlias = Callable[[Decimal, Decimal], Decimal]
"""`round_up`, `round_down` or `round_half_even`."""


def cents_text(amount: Dollars, rounding: Rounding, *, signed: bool = False) -> str:
    """Write dollars rounded to a cent, for a screen: `$129,879.41`, `−$0.16`.

    An amount below a cent keeps every digit (`$0.0017`), so nothing is shown as zero that is not.
    """
    shown = amount if abs(amount) < CENT else rounding(amount, CENT)
    return dollars_text(shown, signed=signed)


def count_text(count: Contracts) -> str:
    """Write a number of contracts with every digit: `10`, `2.5`, `1,000`."""
    whole, fraction = _digits(count)
    return f"{whole}.{fraction}" if fraction else whole


def _digits(number: Decimal) -> tuple[str, str]:
    """Split into the grouped whole part and decimals without trailing zeros."""
    whole, _, fraction = f"{number:,f}".partition(".")
    return whole, fraction.rstrip("0")
