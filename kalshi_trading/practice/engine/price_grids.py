"""Named price grids: the valid order prices of a market.

Knows every price level structure as bands with a step. Never rounds a price to a grid.
Source: Kalshi API, numbers (price level structures).
"""

from __future__ import annotations

from dataclasses import dataclass

from kalshi_trading.practice.records import ONE_DOLLAR_PRICE

_TENTH = 1_000  # edges at 0.10 and 0.90
_HUNDREDTH = 100  # edges at 0.01 and 0.99


@dataclass(frozen=True, slots=True)
class Band:
    """Prices from `start` to `end`, both included, in steps of `step`."""

    start: int
    end: int
    step: int


def bands(grid: str) -> tuple[Band, ...]:
    """Return the bands of a named grid, lowest first. Raises KeyError."""
    return _GRIDS[grid]


def is_on_grid(grid: str, price: int) -> bool:
    """Return True if the price is strictly between 0 and 1 and on a step."""
    if not 0 < price < ONE_DOLLAR_PRICE:
        return False
    return any(
        band.start <= price <= band.end and (price - band.start) % band.step == 0 for band in _GRIDS[grid]
    )


def _even(step: int) -> tuple[Band, ...]:
    return (Band(0, ONE_DOLLAR_PRICE, step),)


def _edged(edge_step: int, centre_step: int, edge: int = _TENTH) -> tuple[Band, ...]:
    return (
        Band(0, edge, edge_step),
        Band(edge, ONE_DOLLAR_PRICE - edge, centre_step),
        Band(ONE_DOLLAR_PRICE - edge, ONE_DOLLAR_PRICE, edge_step),
    )


_GRIDS = {
    "linear_cent": _even(100),
    "deci_cent": _even(10),
    "tapered_deci_cent": _edged(10, 100),
    "center_whole_edge_half_cent": _edged(50, 100),
    "center_whole_edge_quint_cent": _edged(20, 100),
    "center_half_edge_half_cent": _even(50),
    "center_half_edge_quint_cent": _edged(20, 50),
    "center_half_edge_deci_cent": _edged(10, 50),
    "center_quint_edge_quint_cent": _even(20),
    "center_quint_edge_deci_cent": _edged(10, 20),
    "center_centi_edge_centi_cent": _even(1),
    "center_deci_edge_centi_cent": _edged(1, 10, _HUNDREDTH),
}
