"""Markets and books for tests of decisions before an order is sent."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal as D

from model_factory import MARKET, NOW

from kalshi_trading.core.market_models import BookLevel, Market, OrderBook
from kalshi_trading.core.money import PriceBand, PriceGrid

TICKER = MARKET.ticker
TAPERED = PriceGrid(
    (
        PriceBand(D(0), D("0.1"), D("0.001")),
        PriceBand(D("0.1"), D("0.9"), D("0.01")),
        PriceBand(D("0.9"), D(1), D("0.001")),
    )
)


def market(**changes: object) -> Market:
    """Return MARKET with these fields changed."""
    return replace(MARKET, **changes)  # type: ignore[arg-type]


def levels(*rows: tuple[str, str]) -> tuple[BookLevel, ...]:
    """Return book levels from (price, count)."""
    return tuple(BookLevel(D(price), D(count)) for price, count in rows)


def book(
    yes: tuple[tuple[str, str], ...] = (("0.63", "120"), ("0.62", "310")),
    no: tuple[tuple[str, str], ...] = (("0.35", "80.5"), ("0.34", "200")),
) -> OrderBook:
    """Return a book with these bids for YES and for NO, best first."""
    return OrderBook(TICKER, levels(*yes), levels(*no), NOW)
