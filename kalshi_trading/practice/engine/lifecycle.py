"""The life of markets and the passing of time: opening, expiry, closing, determination, payout.

Knows what each happening changes and catches up over any gap, every change dated when it was due.
Never decides an outcome: whoever knows the result calls `determine`.
Source: Kalshi API, market lifecycle; pauses, close, limits.
"""

from __future__ import annotations

from collections.abc import Callable

from kalshi_trading.practice.accounting import ledger, positions
from kalshi_trading.practice.engine.changes import Kind
from kalshi_trading.practice.engine.schedule import DueKind, Occurred
from kalshi_trading.practice.engine.state import ExchangeState
from kalshi_trading.practice.records import (
    ONE_DOLLAR_PRICE,
    ONE_SECOND,
    BookSide,
    Market,
    MarketStatus,
    Order,
    OrderStatus,
    Position,
    Settlement,
)

_ONE_CENT = 100
_TRADED = (MarketStatus.ACTIVE, MarketStatus.INACTIVE)


def schedule(tables: ExchangeState, market: Market) -> None:
    """Note what the clock will bring a market, from the status it has now."""
    if market.status is MarketStatus.INITIALIZED:
        tables.timetable.schedule(market.open_at, DueKind.MARKET_OPENED, market.ticker)
    elif market.status in _TRADED:
        tables.timetable.schedule(market.close_at, DueKind.MARKET_CLOSED, market.ticker)
    elif market.status is MarketStatus.DETERMINED:
        tables.timetable.schedule(_payout_at(market), DueKind.MARKET_SETTLED, market.ticker)


def catch_up(tables: ExchangeState, now: int) -> None:
    """Bring about everything that is due, in the sequence in which it was due."""
    while (due := tables.timetable.take_due(now)) is not None:
        if _BROUGHT_ABOUT_BY[due.what](tables, due):
            tables.happenings.append(due)


def determine(
    tables: ExchangeState, ticker: str, settlement_value: int, expiration_value: str, at: int
) -> None:
    """Give a closed market its result and start the settlement timer.

    `settlement_value` is the price one YES contract pays. A market that is not closed, an instant
    before its close, or a value it cannot pay is a ValueError; nothing is changed then.
    """
    market = tables.market(ticker)
    if market.status is not MarketStatus.CLOSED or at < market.close_at:
        raise ValueError(f"{ticker} is {market.status}, not closed at that instant")
    if not _can_pay(market, settlement_value):
        raise ValueError(f"{ticker} cannot pay {settlement_value}")
    market.settlement_value = settlement_value
    market.expiration_value = expiration_value
    market.determined_at = at
    _move(tables, market, MarketStatus.DETERMINED, at)


def deactivate(tables: ExchangeState, ticker: str, now: int) -> None:
    """Pause an active market; what rests stays."""
    market = tables.market(ticker)
    if market.status is not MarketStatus.ACTIVE:
        raise ValueError(f"{ticker} is {market.status}, not active")
    _move(tables, market, MarketStatus.INACTIVE, now)


def activate(tables: ExchangeState, ticker: str, now: int) -> None:
    """End a market's pause; everything that rested is canceled."""
    market = tables.market(ticker)
    if market.status is not MarketStatus.INACTIVE:
        raise ValueError(f"{ticker} is {market.status}, not inactive")
    _cancel_resting(tables, ticker, now)
    _move(tables, market, MarketStatus.ACTIVE, now)


def cancel_for_pause(tables: ExchangeState, now: int) -> None:
    """Cancel the resting orders that asked not to rest through a pause."""
    for order in list(tables.orders.values()):
        if order.cancel_order_on_pause and order.status is OrderStatus.RESTING:
            _cancel(tables, order, now)


def _open(tables: ExchangeState, due: Occurred) -> bool:
    market = tables.markets[due.key]
    if market.status is not MarketStatus.INITIALIZED:
        return False
    _move(tables, market, MarketStatus.ACTIVE, due.at)
    return True


def _expire(tables: ExchangeState, due: Occurred) -> bool:
    order = tables.orders.get(due.key)
    if order is None or order.status is not OrderStatus.RESTING:
        return False
    tables.cancel_resting(order, due.at)
    return True


def _close(tables: ExchangeState, due: Occurred) -> bool:
    market = tables.markets[due.key]
    if market.status not in _TRADED:
        return False
    _cancel_resting(tables, market.ticker, due.at)
    _move(tables, market, MarketStatus.CLOSED, due.at)
    return True


def _settle(tables: ExchangeState, due: Occurred) -> bool:
    market = tables.markets[due.key]
    if market.status is not MarketStatus.DETERMINED:
        return False
    for held in tables.positions.values():
        position = held.get(market.ticker)
        if position is not None:
            _pay_out(tables, market, position, due.at)
    market.settled_at = due.at
    market.open_interest = 0
    _move(tables, market, MarketStatus.FINALIZED, due.at)
    return True


_BROUGHT_ABOUT_BY: dict[DueKind, Callable[[ExchangeState, Occurred], bool]] = {
    DueKind.MARKET_OPENED: _open,
    DueKind.ORDER_EXPIRED: _expire,
    DueKind.MARKET_CLOSED: _close,
    DueKind.MARKET_SETTLED: _settle,
}


def _move(tables: ExchangeState, market: Market, status: MarketStatus, at: int) -> None:
    market.status = status
    market.updated_at = at
    schedule(tables, market)
    tables.changed(Kind.MARKET, market.ticker, market)


def _payout_at(market: Market) -> int:
    assert market.determined_at is not None
    return market.determined_at + market.settlement_timer_s * ONE_SECOND


def _can_pay(market: Market, value: int) -> bool:
    if market.scalar:
        return 0 <= value <= ONE_DOLLAR_PRICE and value % _ONE_CENT == 0
    return value in (0, ONE_DOLLAR_PRICE)


def _cancel_resting(tables: ExchangeState, ticker: str, at: int) -> None:
    for side in BookSide:
        for order in tables.books[ticker].orders(side):
            _cancel(tables, order, at)


def _cancel(tables: ExchangeState, order: Order, at: int) -> None:
    tables.cancel_resting(order, at)
    tables.happened(at, DueKind.ORDER_CANCELED, order.order_id)


def _pay_out(tables: ExchangeState, market: Market, position: Position, at: int) -> None:
    """Pay what a position brings out of the market's pot, and write the payout row."""
    assert market.settlement_value is not None
    revenue = positions.settle(position, market.settlement_value)
    position.updated_at = at
    tables.post((ledger.cash(position.account_id), revenue), (ledger.pot(market.ticker), -revenue))
    tables.changed(Kind.POSITION, f"{position.account_id}/{position.ticker}", position)
    if not tables.accounts[position.account_id].simulated:
        _record_settlement(tables, market, position, revenue, at)


def _record_settlement(
    tables: ExchangeState, market: Market, position: Position, revenue: int, at: int
) -> None:
    assert market.settlement_value is not None
    row = Settlement(
        account_id=position.account_id,
        ticker=market.ticker,
        event_ticker=market.event_ticker,
        value=market.settlement_value,
        yes_count=position.yes_bought,
        yes_cost=position.yes_cost,
        no_count=position.no_bought,
        no_cost=position.no_cost,
        revenue=revenue,
        fees=position.fees_paid,
        settled_at=at,
        sequence=tables.next_sequence(),
    )
    tables.enter_settlement(row)
    tables.changed(Kind.SETTLEMENT, f"{row.account_id}/{row.ticker}", row)
