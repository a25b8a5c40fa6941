"""Apply fills and settlements to positions, first in, first out.

Opposite contracts net at once. Lots and realized P&L are in the held side's terms. Never moves cash.
Source: Kalshi API, positions, fills, settlements, P&L.
"""

from __future__ import annotations

from kalshi_trading.practice.records import ONE_DOLLAR_PRICE, BookSide, Lot, Position


def side_price(side: BookSide, yes_price: int) -> int:
    """Return the price of the contract this side goes long: NO is 1 - YES."""
    return yes_price if side is BookSide.BID else ONE_DOLLAR_PRICE - yes_price


def cash_price(side: BookSide, yes_price: int, floor: int) -> int:
    """Return the cash that opens a contract on this side.

    A YES contract costs its price less the settlement floor, which is paid already.
    Source: Kalshi API, settlement floors.
    """
    return side_price(side, yes_price) - (floor if side is BookSide.BID else 0)


def closable(position: Position | None, side: BookSide) -> int:
    """Return how many contracts an order on this side closes before opening."""
    if position is None:
        return 0
    return max(0, -position.count if side is BookSide.BID else position.count)


def exposure(position: Position) -> int:
    """Return the cost of the open contracts, without fees."""
    return sum(lot.price * lot.count for lot in position.lots)


def apply_fill(position: Position, side: BookSide, yes_price: int, count: int) -> int:
    """Apply a fill and return how many pairs it netted."""
    _count_purchase(position, side, yes_price, count)
    pairs = min(count, closable(position, side))
    if pairs:
        _close(position, pairs, ONE_DOLLAR_PRICE - side_price(side, yes_price))
    if count > pairs:
        _open(position, side_price(side, yes_price), count - pairs)
    position.count += count if side is BookSide.BID else -count
    return pairs


def settle(position: Position, settlement_value: int, floor: int) -> int:
    """Close the position and return the payout.

    `settlement_value` is the price one YES contract pays in all. `floor` is the part of it paid before.
    """
    side = BookSide.BID if position.count > 0 else BookSide.ASK
    held = abs(position.count)
    _close(position, held, side_price(side, settlement_value))
    position.count = 0
    position.settled = True
    return held * cash_price(side, settlement_value, floor)


def _count_purchase(position: Position, side: BookSide, yes_price: int, count: int) -> None:
    cost = side_price(side, yes_price) * count
    if side is BookSide.BID:
        position.yes_bought += count
        position.yes_cost += cost
    else:
        position.no_bought += count
        position.no_cost += cost


def _open(position: Position, price: int, count: int) -> None:
    last = position.lots[-1] if position.lots else None
    if last is not None and last.price == price:
        last.count += count
    else:
        position.lots.append(Lot(price, count))


def _close(position: Position, count: int, exit_price: int) -> None:
    """Consume the oldest lots; both prices are in the held side's terms."""
    while count > 0:
        oldest = position.lots[0]
        taken = min(count, oldest.count)
        position.realized_pnl += taken * (exit_price - oldest.price)
        oldest.count -= taken
        count -= taken
        if oldest.count == 0:
            del position.lots[0]
