"""What others bid and offer where orders of one's own rest: nobody can sell to oneself.

A value that counts one's own order as a buyer is one that nobody would pay. Pure; asks nothing.
Source: Kalshi API, self-trade prevention; quotes and books hold everybody's resting orders.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from kalshi_trading.core.market_models import BookLevel, Market, OrderBook
from kalshi_trading.core.models import BookSide, Order
from kalshi_trading.core.money import ONE_DOLLAR, ZERO, Contracts, Price


def book_of_others(book: OrderBook, own: Sequence[Order]) -> OrderBook:
    """Take one's own resting contracts off a book."""
    bids, asks = _resting(own, BookSide.BID), _resting(own, BookSide.ASK)
    no_bids = {ONE_DOLLAR - price: count for price, count in asks.items()}
    return replace(book, yes_bids=_less(book.yes_bids, bids), no_bids=_less(book.no_bids, no_bids))


def market_of_others(market: Market, book: OrderBook | None, own: Sequence[Order]) -> Market:
    """Put the best of others in place of quotes at which orders of one's own rest.

    `book` is that of others; without one such a quote is not known.
    """
    bid = book.yes_bids[0].price if book is not None and book.yes_bids else None
    ask = ONE_DOLLAR - book.no_bids[0].price if book is not None and book.no_bids else None
    return replace(
        market,
        yes_bid=bid if market.yes_bid in _resting(own, BookSide.BID) else market.yes_bid,
        yes_ask=ask if market.yes_ask in _resting(own, BookSide.ASK) else market.yes_ask,
    )


def _resting(own: Iterable[Order], side: BookSide) -> dict[Price, Contracts]:
    """Sum one's own contracts of a side by their YES price."""
    counts: dict[Price, Contracts] = {}
    for order in own:
        if order.book_side is side:
            counts[order.yes_price] = counts.get(order.yes_price, ZERO) + order.remaining_count
    return counts


def _less(levels: Iterable[BookLevel], own: Mapping[Price, Contracts]) -> tuple[BookLevel, ...]:
    left = (BookLevel(level.price, level.count - own.get(level.price, ZERO)) for level in levels)
    return tuple(level for level in left if level.count > ZERO)
