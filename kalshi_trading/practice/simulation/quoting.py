"""Quotes of the market maker around a fair value.

Pure functions, so that past quotes can be recomputed. Prices are on the market's grid, counts in
hundredths of a contract. Never reads a book.
"""

from __future__ import annotations

import zlib
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from functools import lru_cache

from kalshi_trading.practice.engine.price_grids import bands
from kalshi_trading.practice.records import ONE_CENT_PRICE, ONE_CONTRACT, ONE_DOLLAR_PRICE, BookSide, Market

LEVELS = 4
_HALF_SPREADS = (40, 70, 100)  # at most three cents between bid and ask
_MIN_COUNT = 100  # contracts; at least half always remains, so an order of ten fills at the best price
_COUNT_VARIETY = 300
_FIRST_TRADE = 200, 3_800  # contracts: least, and how many more at most
_FINE_GAP = 30


@dataclass(frozen=True, slots=True)
class Quote:
    side: BookSide
    price: int
    count: int


@dataclass(frozen=True, slots=True)
class TopOfBook:
    """Best bid and best ask. None: no price is left on that side."""

    bid: int | None
    ask: int | None


def top_of_book(market: Market, value: int) -> TopOfBook:
    """Return the best prices quoted at a fair value of `value`."""
    prices = grid_prices(market.grid)
    half = _HALF_SPREADS[_stable_hash(market.ticker) % len(_HALF_SPREADS)]
    below = bisect_right(prices, value - half) - 1
    above = bisect_left(prices, value + half)
    if below < 0 and prices[0] < value:
        below = 0
    if above == len(prices) and value < prices[-1]:
        above -= 1
    return TopOfBook(
        bid=prices[below] if below >= 0 else None,
        ask=prices[above] if above < len(prices) else None,
    )


def quotes(market: Market, value: int) -> list[Quote]:
    """Return all quotes of the market maker, best first on each side.

    None is at or below the settlement floor.
    """
    best = top_of_book(market, value)
    gap = ONE_CENT_PRICE if market.grid == "linear_cent" else _FINE_GAP
    bids = _level_prices(market.grid, best.bid, -gap)
    asks = _level_prices(market.grid, best.ask, gap)
    wanted = [(BookSide.BID, price) for price in bids] + [(BookSide.ASK, price) for price in asks]
    return [
        Quote(side, price, _count(market.ticker, price)) for side, price in wanted if price > market.floor
    ]


def best_quotes(market: Market, value: int) -> tuple[tuple[int, int] | None, tuple[int, int] | None]:
    """Return price and count of the best bid and ask of `quotes`."""
    best = top_of_book(market, value)
    bid, ask = (
        None if price is None or price <= market.floor else (price, _count(market.ticker, price))
        for price in (best.bid, best.ask)
    )
    return bid, ask


def first_count(ticker: str) -> int:
    """Return the count of a market's first trade, its first open interest."""
    least, variety = _FIRST_TRADE
    return (least + _stable_hash(f"{ticker} first") % variety) * ONE_CONTRACT


def nearest_price(market: Market, value: int) -> int:
    """Return the grid price nearest to the value."""
    prices = grid_prices(market.grid)
    above = min(bisect_left(prices, value), len(prices) - 1)
    return min(prices[max(0, above - 1)], prices[above], key=lambda price: abs(price - value))


@lru_cache(maxsize=16)
def grid_prices(grid: str) -> tuple[int, ...]:
    """Return every valid price of a grid, lowest first."""
    prices = {price for band in bands(grid) for price in range(band.start, band.end + 1, band.step)}
    return tuple(sorted(prices - {0, ONE_DOLLAR_PRICE}))


def _level_prices(grid: str, best: int | None, gap: int) -> list[int]:
    """Return up to LEVELS prices, one gap apart, away from the best one."""
    if best is None:
        return []
    prices = grid_prices(grid)
    found = []
    for level in range(LEVELS):
        goal = best + level * gap
        index = bisect_left(prices, goal) if gap > 0 else bisect_right(prices, goal) - 1
        if 0 <= index < len(prices) and prices[index] not in found:
            found.append(prices[index])
    return found


def _count(ticker: str, price: int) -> int:
    """Return the count quoted at a price; it never changes for that price."""
    return (_MIN_COUNT + _stable_hash(f"{ticker} {price}") % _COUNT_VARIETY) * ONE_CONTRACT


def _stable_hash(text: str) -> int:
    """Return a hash of the text that never changes, unlike `hash`."""
    return zlib.crc32(text.encode())
