"""Market lifecycle: opening, order expiry, close, result and payout.

Catches up over any gap; every change carries the time at which it was due. Never decides an outcome: the
caller passes the result to `determine`.
Source: Kalshi API, market lifecycle; pauses, close, limits.
"""

from __future__ import annotations

from collections.abc import Callable

from kalshi_trading.practice.accounting import ledger, positions
from kalshi_trading.practice.engine.changes import Kind
from kalshi_trading.practice.engine.schedule import DueEvent, DueKind
from kalshi_trading.practice.engine.state import ExchangeState
from kalshi_trading.practice.records import (
    ONE_CENT_PRICE,
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

_TRADED = (MarketStatus.ACTIVE, MarketStatus.INACTIVE)


def schedule(state: ExchangeState, market: Market) -> None:
    """Schedule the market's next timed status change."""
    if market.status is MarketStatus.INITIALIZED:
        state.schedule.schedule(market.open_at, DueKind.MARKET_OPENED, market.ticker)
    elif market.status in _TRADED:
        state.schedule.schedule(market.close_at, DueKind.MARKET_CLOSED, market.ticker)
    elif market.status is MarketStatus.DETERMINED:
        state.schedule.schedule(_payout_at(market), DueKind.MARKET_SETTLED, market.ticker)


def catch_up(state: ExchangeState, now: int) -> None:
    """Process everything due by `now`, in due order."""
    while (due := state.schedule.take_due(now)) is not None:
        if _HANDLERS[due.kind](state, due):
            state.queued_events.append(due)


def determine(
    state: ExchangeState, ticker: str, settlement_value: int, expiration_value: str, at: int
) -> None:
    """Set a closed market's result and start the settlement timer.

    `settlement_value` is the price one YES contract pays. Raises ValueError, and changes nothing, if the
    market is not closed, `at` is before its close, or the market cannot pay that value.
    """
    market = state.market(ticker)
    if market.status is not MarketStatus.CLOSED or at < market.close_at:
        raise ValueError(f"{ticker} is {market.status}, not closed at that instant")
    if not _can_pay(market, settlement_value):
        raise ValueError(f"{ticker} cannot pay {settlement_value}")
    market.settlement_value = settlement_value
    market.expiration_value = expiration_value
    market.determined_at = at
    _set_status(state, market, MarketStatus.DETERMINED, at)


def deactivate(state: ExchangeState, ticker: str, now: int) -> None:
    """Pause an active market; its resting orders stay."""
    market = state.market(ticker)
    if market.status is not MarketStatus.ACTIVE:
        raise ValueError(f"{ticker} is {market.status}, not active")
    _set_status(state, market, MarketStatus.INACTIVE, now)


def activate(state: ExchangeState, ticker: str, now: int) -> None:
    """End a market's pause and cancel its resting orders."""
    market = state.market(ticker)
    if market.status is not MarketStatus.INACTIVE:
        raise ValueError(f"{ticker} is {market.status}, not inactive")
    _cancel_resting(state, ticker, now)
    _set_status(state, market, MarketStatus.ACTIVE, now)


def cancel_for_pause(state: ExchangeState, now: int) -> None:
    """Cancel the resting orders marked `cancel_order_on_pause`."""
    for order in list(state.orders.values()):
        if order.cancel_order_on_pause and order.status is OrderStatus.RESTING:
            cancel(state, order, now)


def cancel(state: ExchangeState, order: Order, at: int) -> None:
    """Cancel a resting order without a request of its owner."""
    state.cancel_resting(order, at)
    state.queue_event(at, DueKind.ORDER_CANCELED, order.order_id)


def _open(state: ExchangeState, due: DueEvent) -> bool:
    market = state.markets[due.key]
    if market.status is not MarketStatus.INITIALIZED:
        return False
    _set_status(state, market, MarketStatus.ACTIVE, due.at)
    return True


def _expire(state: ExchangeState, due: DueEvent) -> bool:
    order = state.orders.get(due.key)
    if order is None or order.status is not OrderStatus.RESTING:
        return False
    state.cancel_resting(order, due.at)
    return True


def _close(state: ExchangeState, due: DueEvent) -> bool:
    market = state.markets[due.key]
    if market.status not in _TRADED:
        return False
    _cancel_resting(state, market.ticker, due.at)
    _set_status(state, market, MarketStatus.CLOSED, due.at)
    return True


def _settle(state: ExchangeState, due: DueEvent) -> bool:
    market = state.markets[due.key]
    if market.status is not MarketStatus.DETERMINED:
        return False
    for held in state.positions.values():
        position = held.get(market.ticker)
        if position is not None:
            _pay_out(state, market, position, due.at)
    market.settled_at = due.at
    market.open_interest = 0
    _set_status(state, market, MarketStatus.FINALIZED, due.at)
    return True


_HANDLERS: dict[DueKind, Callable[[ExchangeState, DueEvent], bool]] = {
    DueKind.MARKET_OPENED: _open,
    DueKind.ORDER_EXPIRED: _expire,
    DueKind.MARKET_CLOSED: _close,
    DueKind.MARKET_SETTLED: _settle,
}


def _set_status(state: ExchangeState, market: Market, status: MarketStatus, at: int) -> None:
    market.status = status
    market.updated_at = at
    schedule(state, market)
    state.report_change(Kind.MARKET, market.ticker, market)


def _payout_at(market: Market) -> int:
    assert market.determined_at is not None
    return market.determined_at + market.settlement_timer_s * ONE_SECOND


def _can_pay(market: Market, value: int) -> bool:
    if market.scalar:
        return market.floor <= value <= ONE_DOLLAR_PRICE and value % ONE_CENT_PRICE == 0
    return value in (0, ONE_DOLLAR_PRICE)


def _cancel_resting(state: ExchangeState, ticker: str, at: int) -> None:
    for side in BookSide:
        for order in state.books[ticker].orders(side):
            cancel(state, order, at)


def _pay_out(state: ExchangeState, market: Market, position: Position, at: int) -> None:
    """Pay a position out of the market's pot and record the settlement row.

    Simulated accounts get no row.
    """
    assert market.settlement_value is not None
    revenue = positions.settle(position, market.settlement_value, market.floor)
    position.updated_at = at
    state.post((ledger.cash(position.account_id), revenue), (ledger.pot(market.ticker), -revenue))
    state.report_change(Kind.POSITION, f"{position.account_id}/{position.ticker}", position)
    if not state.accounts[position.account_id].simulated:
        _record_settlement(state, market, position, revenue, at)


def _record_settlement(
    state: ExchangeState, market: Market, position: Position, revenue: int, at: int
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
        sequence=state.next_sequence(),
    )
    state.add_settlement(row)
    state.report_change(Kind.SETTLEMENT, f"{row.account_id}/{row.ticker}", row)
