"""Invariants that hold after every operation of the exchange.

Never changes or repairs anything.
"""

from __future__ import annotations

from kalshi_trading.practice.accounting import ledger, positions
from kalshi_trading.practice.engine.state import ExchangeState
from kalshi_trading.practice.records import (
    ONE_DOLLAR_PRICE,
    BookSide,
    MarketStatus,
    Order,
    OrderStatus,
    Position,
)


def check(state: ExchangeState) -> None:
    """Raise AssertionError naming the first violated invariant."""
    _check_money(state)
    for held in state.positions.values():
        for position in held.values():
            _check_position(position)
    resting = _resting_by_market(state)
    for ticker in state.markets:
        _check_market(state, ticker)
        _check_book(state, ticker, resting.get(ticker, set()))
    for order in state.orders.values():
        _check_order(order)
    for ticker in state.floor_changes:
        _check_floor(state, ticker)
    for account_id in state.holds:
        _check_account(state, account_id)


def _require(holds: bool, complaint: str) -> None:
    if not holds:
        raise AssertionError(complaint)


def _check_money(state: ExchangeState) -> None:
    _require(state.ledger.total() == 0, f"the ledger sums to {state.ledger.total()}")
    paid = sum(position.fees_paid for held in state.positions.values() for position in held.values())
    _require(state.ledger.balance(ledger.FEES) == paid, "the fees are not what the positions paid")


def _check_position(position: Position) -> None:
    name = f"position {position.account_id}/{position.ticker}"
    _require(sum(lot.count for lot in position.lots) == abs(position.count), f"{name}: lots differ")
    _require(all(lot.count > 0 for lot in position.lots), f"{name}: empty lot")
    _require(not position.settled or position.count == 0, f"{name}: settled but held")


def _check_market(state: ExchangeState, ticker: str) -> None:
    market = state.markets[ticker]
    counts = [held[ticker].count for held in state.positions.values() if ticker in held]
    _require(sum(counts) == 0, f"{ticker}: positions sum to {sum(counts)}")
    held_yes = sum(count for count in counts if count > 0)
    _require(market.open_interest == held_yes, f"{ticker}: open interest differs from the positions")
    pot = state.ledger.balance(ledger.pot(ticker))
    owed = market.open_interest * (ONE_DOLLAR_PRICE - market.floor)
    _require(pot == owed, f"{ticker}: the pot holds {pot}, not {owed}")


def _check_floor(state: ExchangeState, ticker: str) -> None:
    market = state.markets[ticker]
    _require(state.floor_changes[ticker][-1].floor == market.settlement_floor, f"{ticker}: floor differs")
    orders = [order for side in BookSide for order in state.books[ticker].orders(side)]
    is_clear = all(order.price > market.floor for order in orders)
    _require(is_clear, f"{ticker}: an order rests at or below the floor")


def _resting_by_market(state: ExchangeState) -> dict[str, set[str]]:
    resting: dict[str, set[str]] = {}
    for order in state.orders.values():
        if order.status is OrderStatus.RESTING:
            resting.setdefault(order.ticker, set()).add(order.order_id)
    return resting


def _check_book(state: ExchangeState, ticker: str, resting: set[str]) -> None:
    book = state.books[ticker]
    on_book = [order for side in BookSide for order in book.orders(side)]
    ids = {order.order_id for order in on_book}
    _require(len(ids) == len(on_book), f"{ticker}: an order stands twice on the book")
    _require(ids == resting, f"{ticker}: the book differs from the resting orders")
    tradable = state.markets[ticker].status in (MarketStatus.ACTIVE, MarketStatus.INACTIVE)
    _require(tradable or not on_book, f"{ticker}: orders rest in a market that does not trade")
    bid, ask = book.best(BookSide.BID), book.best(BookSide.ASK)
    _require(bid is None or ask is None or bid[0] < ask[0], f"{ticker}: the book is crossed")
    for side in BookSide:
        _check_side(state, ticker, side)


def _check_side(state: ExchangeState, ticker: str, side: BookSide) -> None:
    orders = state.books[ticker].orders(side)
    direction = -1 if side is BookSide.BID else 1
    line = [(direction * order.price, order.sequence) for order in orders]
    _require(line == sorted(line), f"{ticker}: {side}s out of price-time priority")
    levels: dict[int, int] = {}
    for order in orders:
        levels[order.price] = levels.get(order.price, 0) + order.remaining_count
    _require(list(levels.items()) == state.books[ticker].levels(side), f"{ticker}: {side} levels differ")


def _check_order(order: Order) -> None:
    name = f"order {order.order_id}"
    unfilled = order.initial_count - order.fill_count
    _require(unfilled >= 0, f"{name}: filled beyond its count")
    if order.status is OrderStatus.RESTING:
        _require(order.remaining_count == unfilled > 0, f"{name}: rests with a wrong remaining count")
    else:
        _require(order.remaining_count == 0, f"{name}: ended with something remaining")
        executed = order.status is OrderStatus.EXECUTED
        _require(executed == (unfilled == 0), f"{name}: {order.status} with {unfilled} unfilled")


def _check_account(state: ExchangeState, account_id: str) -> None:
    cash, reserved = state.cash(account_id), state.reserved(account_id)
    _require(reserved <= max(0, cash), f"{account_id}: resting orders need {reserved} of {cash}")
    had_floor = any(ticker in state.floor_changes for ticker in state.positions[account_id])
    _require(cash >= 0 or had_floor, f"{account_id}: cash below zero")
    resting = {
        order.order_id: state.hold_for(order)
        for order in state.account_orders(account_id)
        if order.status is OrderStatus.RESTING
    }
    _require(
        state.holds[account_id].as_dict() == resting, f"{account_id}: holds differ from the resting orders"
    )
    filled: dict[str, int] = {}
    for fill in state.fills[account_id]:
        filled[fill.order_id] = filled.get(fill.order_id, 0) + fill.count
    for order in state.account_orders(account_id):
        _require(filled.get(order.order_id, 0) == order.fill_count, f"{order.order_id}: fills differ")
    for ticker, position in state.positions[account_id].items():
        _check_history(state, account_id, ticker, position)


def _check_history(state: ExchangeState, account_id: str, ticker: str, position: Position) -> None:
    fills = [fill for fill in state.fills[account_id] if fill.ticker == ticker]
    bought = sum(fill.count for fill in fills if fill.side is BookSide.BID)
    sold = sum(fill.count for fill in fills if fill.side is BookSide.ASK)
    _require((position.yes_bought, position.no_bought) == (bought, sold), f"{ticker}: fills differ")
    _require(position.settled or position.count == bought - sold, f"{ticker}: position is not its fills")
    _require(sum(fill.fee for fill in fills) == position.fees_paid, f"{ticker}: fees are not its fills'")
    cost = position.yes_cost + position.no_cost
    paired = sum(positions.side_price(fill.side, fill.price) * fill.count for fill in fills)
    _require(cost == paired, f"{ticker}: cost is not its fills'")
