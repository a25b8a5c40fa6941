"""Settlement floors: the part of a YES payout that is paid early.

Knows what a change of the floor does to cash and resting orders. Never decides when a floor moves.
Source: Kalshi API, settlement floors.
"""

from __future__ import annotations

from kalshi_trading.practice.accounting import ledger
from kalshi_trading.practice.engine import lifecycle
from kalshi_trading.practice.engine.changes import Kind
from kalshi_trading.practice.engine.state import ExchangeState
from kalshi_trading.practice.records import (
    ONE_CENT_PRICE,
    ONE_DOLLAR_PRICE,
    BookSide,
    FloorChange,
    Market,
    MarketStatus,
    Order,
    OrderStatus,
)

_DECIDED = (MarketStatus.DETERMINED, MarketStatus.FINALIZED)


def set_floor(state: ExchangeState, ticker: str, floor: int, at: int) -> int:
    """Set a market's settlement floor and return how many orders it canceled.

    A raise pays the holders of YES, a fall takes it back, even below zero cash. Resting orders at or below
    the floor are canceled, and so are orders of any market that their account can no longer pay. Raises
    ValueError, and changes nothing, if the market cannot have this floor.
    """
    market = state.markets[ticker]
    _require_possible(state, market, floor)
    rise = floor - market.floor
    market.settlement_floor = floor
    market.updated_at = at
    change = FloorChange(ticker, floor, at, state.next_sequence())
    state.add_floor_change(change)
    state.report_change(Kind.FLOOR, change.key, change)
    state.report_change(Kind.MARKET, ticker, market)
    _pay_holders(state, ticker, rise)
    return _cancel_out_of_bounds(state, market, at) + _cancel_unpayable(state, at)


def _require_possible(state: ExchangeState, market: Market, floor: int) -> None:
    if not market.scalar:
        raise ValueError(f"{market.ticker} is not a scalar market")
    if state.events[market.event_ticker].mutually_exclusive:
        raise ValueError(f"{market.event_ticker} is mutually exclusive")
    if market.status in _DECIDED:
        raise ValueError(f"{market.ticker} is {market.status}")
    if not 0 <= floor < ONE_DOLLAR_PRICE or floor % ONE_CENT_PRICE:
        raise ValueError("a settlement floor is a whole cent from 0 to 99")


def _pay_holders(state: ExchangeState, ticker: str, rise: int) -> None:
    for account_id, held in state.positions.items():
        position = held.get(ticker)
        if position is not None and position.count > 0 and rise:
            amount = rise * position.count
            state.post((ledger.cash(account_id), amount), (ledger.pot(ticker), -amount))


def _cancel_out_of_bounds(state: ExchangeState, market: Market, at: int) -> int:
    """Cancel the orders at or below the floor and hold the others' new cost."""
    canceled = 0
    for side in BookSide:
        for order in state.books[market.ticker].orders(side):
            if order.price <= market.floor:
                lifecycle.cancel(state, order, at)
                canceled += 1
            else:
                state.hold(order)
    return canceled


def _cancel_unpayable(state: ExchangeState, at: int) -> int:
    """Cancel orders, newest first, until each account can pay the others.

    An order that closes and pays its own fee needs no cash. It stays, even if the cash is below zero.
    """
    canceled = 0
    for account_id in state.holds:
        for order in _resting(state, account_id):
            short = state.reserved(account_id) - max(0, state.cash(account_id))
            if short <= 0:
                break
            if _needs_cash(state, order):
                lifecycle.cancel(state, order, at)
                canceled += 1
    return canceled


def _resting(state: ExchangeState, account_id: str) -> list[Order]:
    """Return an account's resting orders, newest first."""
    orders = state.account_orders(account_id)
    return [order for order in orders if order.status is OrderStatus.RESTING]


def _needs_cash(state: ExchangeState, order: Order) -> bool:
    """Return True if the account would need less cash without this order."""
    before = state.reserved(order.account_id)
    state.release(order)
    after = state.reserved(order.account_id)
    state.hold(order)
    return after < before
