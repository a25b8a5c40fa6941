"""Read an order book: best prices, simulated fills, own orders removed.

The book lists bids only: one outcome's ask is a dollar less the other's bid. Quotes and books include the
account's own orders. We cannot sell to ourselves, so valuations must exclude them. Never changes a book and
never invents a missing side. Source: Kalshi API, order book and self-trade prevention.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from kalshi_trading.core.market_models import BookLevel, Market, OrderBook
from kalshi_trading.core.models import Action, BookSide, Order, Side
from kalshi_trading.core.money import (
    BALANCE_GRAIN,
    ONE_DOLLAR,
    ZERO,
    Contracts,
    Dollars,
    Price,
    round_half_even,
)


@dataclass(frozen=True, slots=True)
class BookWalk:
    """Fills of an order against a book, best price first, and the rest.

    `left` counts the contracts that do not fill. `meets_own_at` is the price at which our own order blocks
    it. None: none does.
    """

    fills: tuple[BookLevel, ...]
    left: Contracts
    meets_own_at: Price | None = None

    @property
    def filled(self) -> Contracts:
        return sum((fill.count for fill in self.fills), ZERO)

    @property
    def amount(self) -> Dollars:
        """Price times count over all fills, without fees."""
        return sum((fill.price * fill.count for fill in self.fills), ZERO)

    @property
    def average_price(self) -> Price | None:
        """Price per filled contract, rounded to $0.0001. None: nothing fills."""
        return round_half_even(self.amount / self.filled, BALANCE_GRAIN) if self.fills else None


def bids(book: OrderBook, side: Side) -> tuple[BookLevel, ...]:
    """List the bids for an outcome, best first."""
    return book.yes_bids if side is Side.YES else book.no_bids


def asks(book: OrderBook, side: Side) -> tuple[BookLevel, ...]:
    """List the asks for an outcome, best first, in that outcome's dollars."""
    return tuple(BookLevel(ONE_DOLLAR - level.price, level.count) for level in bids(book, side.opposite))


def best_bid(book: OrderBook, side: Side) -> BookLevel | None:
    return next(iter(bids(book, side)), None)


def best_ask(book: OrderBook, side: Side) -> BookLevel | None:
    return next(iter(asks(book, side)), None)


def best_opposite(book: OrderBook, action: Action, side: Side) -> BookLevel | None:
    """Return the level the order trades at first.

    That is the best ask for a buyer, the best bid for a seller.
    """
    return best_ask(book, side) if action is Action.BUY else best_bid(book, side)


def midpoint(book: OrderBook, side: Side) -> Price | None:
    """Return the midpoint of bid and ask. None: a side is missing."""
    bid, ask = best_bid(book, side), best_ask(book, side)
    return None if bid is None or ask is None else (bid.price + ask.price) / 2


def is_crossed(book: OrderBook) -> bool:
    """Return True if bid and ask touch or overlap.

    A consistent book never does.
    """
    bid, ask = best_bid(book, Side.YES), best_ask(book, Side.YES)
    return bid is not None and ask is not None and bid.price >= ask.price


def walk(
    book: OrderBook,
    action: Action,
    side: Side,
    count: Contracts,
    limit: Price,
    own: Iterable[Price] = (),
) -> BookWalk:
    """Fill `count` against the book at `limit` or better.

    Each fill is at the resting order's price. `own` has the prices of our orders on the other side, in the
    terms of `side`. The exchange stops at the best of them. Size of others at that price is excluded,
    because it may queue behind ours. Source: Kalshi API, orders V2, self-trade prevention `taker_at_cross`.
    """
    sign = 1 if action is Action.BUY else -1
    in_the_way = [price for price in own if sign * (limit - price) >= ZERO]
    wall = min(in_the_way, key=lambda price: sign * price, default=None)

    def is_reached(price: Price) -> bool:
        return sign * (limit - price) >= ZERO and (wall is None or sign * (wall - price) > ZERO)

    fills: list[BookLevel] = []
    left = count
    for level in asks(book, side) if action is Action.BUY else bids(book, side):
        if left == ZERO or not is_reached(level.price):
            break
        taken = min(left, level.count)
        fills.append(BookLevel(level.price, taken))
        left -= taken
    return BookWalk(tuple(fills), left, wall if left > ZERO else None)


def without_own_orders(book: OrderBook, own: Sequence[Order]) -> OrderBook:
    """Remove our own resting contracts from a book."""
    bids, asks = _own_size_by_price(own, BookSide.BID), _own_size_by_price(own, BookSide.ASK)
    no_bids = {ONE_DOLLAR - price: count for price, count in asks.items()}
    return replace(
        book, yes_bids=_subtract_own(book.yes_bids, bids), no_bids=_subtract_own(book.no_bids, no_bids)
    )


def quotes_without_own_orders(market: Market, book: OrderBook | None, own: Sequence[Order]) -> Market:
    """Replace quotes at which our own orders rest by the best of others.

    `book` must exclude our orders. Without it such a quote is None.
    """
    bid = book.yes_bids[0].price if book is not None and book.yes_bids else None
    ask = ONE_DOLLAR - book.no_bids[0].price if book is not None and book.no_bids else None
    return replace(
        market,
        yes_bid=bid if market.yes_bid in _own_size_by_price(own, BookSide.BID) else market.yes_bid,
        yes_ask=ask if market.yes_ask in _own_size_by_price(own, BookSide.ASK) else market.yes_ask,
    )


def exclude_own_orders(
    markets: dict[str, Market], books: dict[str, OrderBook], own: Iterable[Order]
) -> tuple[dict[str, Market], dict[str, OrderBook]]:
    """Remove our own resting orders from quotes and books."""
    mine: dict[str, list[Order]] = {}
    for order in own:
        mine.setdefault(order.ticker, []).append(order)
    books = books | {name: without_own_orders(books[name], mine[name]) for name in mine.keys() & books.keys()}
    theirs = {
        name: quotes_without_own_orders(markets[name], books.get(name), mine[name])
        for name in mine.keys() & markets.keys()
    }
    return markets | theirs, books


def _own_size_by_price(own: Iterable[Order], side: BookSide) -> dict[Price, Contracts]:
    """Total our own contracts on one side by YES price."""
    counts: dict[Price, Contracts] = {}
    for order in own:
        if order.book_side is side:
            counts[order.yes_price] = counts.get(order.yes_price, ZERO) + order.remaining_count
    return counts


def _subtract_own(levels: Iterable[BookLevel], own: Mapping[Price, Contracts]) -> tuple[BookLevel, ...]:
    left = (BookLevel(level.price, level.count - own.get(level.price, ZERO)) for level in levels)
    return tuple(level for level in left if level.count > ZERO)
