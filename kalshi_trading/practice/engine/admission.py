"""Admission rules for new orders, in the order the exchange applies them.

Knows the incoming order and the current state. Never changes anything.
Source: Kalshi API, orders V2, order semantics and errors.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from kalshi_trading.practice.accounting import fees, positions
from kalshi_trading.practice.accounting.collateral import CollateralHold
from kalshi_trading.practice.engine import price_grids
from kalshi_trading.practice.engine.book import Match
from kalshi_trading.practice.engine.refusals import (
    Refusal,
    exchange_is_paused,
    invalid_order,
    trading_is_paused,
)
from kalshi_trading.practice.engine.state import ExchangeState
from kalshi_trading.practice.records import (
    ONE_DOLLAR_PRICE,
    BookSide,
    Market,
    MarketStatus,
    SelfTradePrevention,
    TimeInForce,
)


@dataclass(frozen=True, slots=True)
class NewOrder:
    """An incoming order, in integer units; `price` is the YES price."""

    ticker: str
    client_order_id: str
    side: BookSide
    price: int
    count: int
    time_in_force: TimeInForce
    self_trade_prevention: SelfTradePrevention
    post_only: bool = False
    reduce_only: bool = False
    expires_at: int | None = None
    cancel_order_on_pause: bool = False


def check_rules(state: ExchangeState, account_id: str, new: NewOrder, now: int) -> None:
    """Raise Refusal if the order breaks a rule other than the cash rule."""
    _check_exchange(state)
    market = state.market(new.ticker)
    _check_market(market)
    if not state.assumptions.price_checked_first:
        _check_client_order_id(state, account_id, new.client_order_id)
    if not price_grids.is_on_grid(market.grid, new.price):
        raise Refusal(400, "invalid_price")
    if new.price <= market.floor:
        raise Refusal(400, "invalid_price", "price must be above the settlement floor")
    if new.count <= 0:
        raise Refusal(400, "invalid_order_size")
    _check_expiration(new, now)
    _check_reduce_only(state, account_id, new)
    if is_crossing_post_only(state, new) and not state.assumptions.post_only_canceled:
        raise invalid_order("post only cross")
    _check_client_order_id(state, account_id, new.client_order_id)


def is_crossing_post_only(state: ExchangeState, new: NewOrder) -> bool:
    """Return True for a post-only order that would trade at once."""
    return new.post_only and state.books[new.ticker].crosses(new.side, new.price)


def tradable_count(state: ExchangeState, account_id: str, new: NewOrder) -> int:
    """Return how many contracts the order may trade.

    A reduce-only order stops at the position.
    """
    if not new.reduce_only:
        return new.count
    return min(new.count, state.closable(account_id, new.ticker, new.side))


def check_balance(
    state: ExchangeState, account_id: str, new: NewOrder, count: int, matches: Sequence[Match]
) -> None:
    """Raise Refusal if the order could bring the account's cash below zero.

    This covers immediate fills and later fills while the order rests. With cash below zero no order is
    possible, not even one that only closes. Simulated accounts have no limit.
    """
    holds = state.holds.get(account_id)
    if holds is None:
        return
    floor = state.markets[new.ticker].floor
    hold = CollateralHold(
        positions.cash_price(new.side, new.price, floor),
        count,
        _highest_fees(state, new, count, matches),
        ONE_DOLLAR_PRICE - floor,
    )
    need = holds.need(
        lambda ticker, side: state.closable(account_id, ticker, side), new.ticker, new.side, hold
    )
    if need > state.cash(account_id):
        raise Refusal(400, "insufficient_balance")


def _highest_fees(state: ExchangeState, new: NewOrder, count: int, matches: Sequence[Match]) -> int:
    """Return an upper bound of the fees, computed at the limit price.

    A fill at a better price may carry a higher fee, but saves more than that on the contract.
    """
    series = state.series[state.markets[new.ticker].series_ticker]
    schedule = (series.fee_type, series.fee_multiplier_percent)
    taken = sum(match.count for match in matches)
    highest = fees.highest_fees(*schedule, new.price, taken, is_taker=True, fills=len(matches))
    if new.time_in_force is TimeInForce.GOOD_TILL_CANCELED and taken < count:
        highest += fees.highest_resting_fees(*schedule, new.price, count - taken)
    return highest


def _check_exchange(state: ExchangeState) -> None:
    if not state.exchange_active:
        raise exchange_is_paused()
    if not state.trading_active:
        raise trading_is_paused()


def _check_market(market: Market) -> None:
    if market.status is MarketStatus.INITIALIZED:
        raise Refusal(400, "market_inactive")
    if market.status is MarketStatus.INACTIVE:
        raise trading_is_paused()
    if market.status is not MarketStatus.ACTIVE:
        raise Refusal(409, "market_closed")


def _check_expiration(new: NewOrder, now: int) -> None:
    if new.expires_at is None:
        return
    if new.time_in_force is not TimeInForce.GOOD_TILL_CANCELED:
        raise invalid_order(f"Cannot specify both {new.time_in_force} and expiration_ts")
    if new.expires_at <= now:
        raise invalid_order("Expiration timestamp must be in the future")


def _check_reduce_only(state: ExchangeState, account_id: str, new: NewOrder) -> None:
    if not new.reduce_only:
        return
    if new.time_in_force is not TimeInForce.IMMEDIATE_OR_CANCEL:
        raise invalid_order("reduce_only requires immediate_or_cancel")
    is_canceled = state.assumptions.reduce_only_canceled
    if not is_canceled and state.closable(account_id, new.ticker, new.side) == 0:
        raise invalid_order("no position to reduce")


def _check_client_order_id(state: ExchangeState, account_id: str, client_order_id: str) -> None:
    if state.knows_client_order_id(account_id, client_order_id):
        raise Refusal(409, "order_already_exists")
