"""Order placement and cancellation: effects on book, positions and cash.

Knows price-time matching, self-trade prevention and the postings of a fill. Never reads the clock and
never refuses an order that has begun to trade.
Source: Kalshi API, order semantics.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from kalshi_trading.practice.accounting import fees, ledger, positions
from kalshi_trading.practice.engine import admission
from kalshi_trading.practice.engine.admission import NewOrder
from kalshi_trading.practice.engine.book import Match
from kalshi_trading.practice.engine.changes import Kind
from kalshi_trading.practice.engine.refusals import Refusal
from kalshi_trading.practice.engine.state import ExchangeState
from kalshi_trading.practice.records import (
    ONE_DOLLAR_PRICE,
    BookSide,
    Fill,
    Order,
    OrderStatus,
    SelfTradePrevention,
    TimeInForce,
    Trade,
)


@dataclass(frozen=True, slots=True)
class PlaceResult:
    """The order after matching, with its own fills.

    Fills are at the resting orders' prices.
    """

    order: Order
    fills: tuple[Fill, ...]


def place(state: ExchangeState, account_id: str, new: NewOrder, now: int) -> PlaceResult:
    """Check an order, match it, then rest or end its remainder.

    A fill-or-kill order that cannot fill completely raises Refusal but is stored as canceled: its
    client_order_id is used up.
    """
    admission.check_rules(state, account_id, new, now)
    count = admission.tradable_count(state, account_id, new)
    matches = list(state.books[new.ticker].matches(new.side, new.price, count, account_id))
    admission.check_balance(state, account_id, new, count, matches)
    order = _create_order(state, account_id, new, now)
    if _is_killed(new, matches):
        state.end(order, OrderStatus.CANCELED, now)
        raise Refusal(409, "fill_or_kill_insufficient_resting_volume")
    fills, stopped = _match(state, order, matches, now)
    _finish(state, order, stopped, now)
    return PlaceResult(order, fills)


def cancel(state: ExchangeState, account_id: str, order_id: str, now: int) -> tuple[Order, int]:
    """Cancel an account's own resting order.

    Return the order and its remaining contracts. Raises Refusal.
    """
    if not state.exchange_active:
        raise Refusal(400, "exchange_paused")
    order = state.resting_order(account_id, order_id)
    return order, state.cancel_resting(order, now)


def _create_order(state: ExchangeState, account_id: str, new: NewOrder, now: int) -> Order:
    order = Order(
        order_id=state.new_id(),
        account_id=account_id,
        client_order_id=new.client_order_id,
        ticker=new.ticker,
        side=new.side,
        price=new.price,
        initial_count=new.count,
        remaining_count=new.count,
        time_in_force=new.time_in_force,
        post_only=new.post_only,
        self_trade_prevention=new.self_trade_prevention,
        created_at=now,
        updated_at=now,
        expires_at=new.expires_at,
        cancel_order_on_pause=new.cancel_order_on_pause,
        sequence=state.next_sequence(),
    )
    state.add_order(order)
    return order


def _is_killed(new: NewOrder, matches: Sequence[Match]) -> bool:
    """Return True if a fill-or-kill order must be canceled unfilled.

    An order that meets one of its own account's orders continues as immediate-or-cancel.
    """
    if new.time_in_force is not TimeInForce.FILL_OR_KILL:
        return False
    meets_itself = any(match.count == 0 for match in matches)
    return not meets_itself and sum(match.count for match in matches) < new.count


def _match(
    state: ExchangeState, order: Order, matches: Sequence[Match], now: int
) -> tuple[tuple[Fill, ...], bool]:
    """Trade with each matched order and return the fills.

    The flag is True if an order of the same account stopped the matching.
    """
    fills: list[Fill] = []
    for match in matches:
        if match.count > 0:
            fills.append(_trade(state, order, match, now))
        elif order.self_trade_prevention is SelfTradePrevention.MAKER:
            state.cancel_resting(match.resting, now)
        else:
            return tuple(fills), True
    return tuple(fills), False


def _finish(state: ExchangeState, order: Order, stopped: bool, now: int) -> None:
    if order.remaining_count == 0:
        state.end(order, OrderStatus.EXECUTED, now)
    elif stopped or order.time_in_force is not TimeInForce.GOOD_TILL_CANCELED:
        state.end(order, OrderStatus.CANCELED, now)
    else:
        state.rest(order)
        state.report_change(Kind.ORDER, order.order_id, order)


def _trade(state: ExchangeState, taker: Order, match: Match, now: int) -> Fill:
    """Execute one match at the resting order's price; return the taker's fill."""
    maker = match.resting
    trade = Trade(
        trade_id=state.new_id(),
        ticker=taker.ticker,
        price=maker.price,
        count=match.count,
        taker_side=taker.side,
        created_at=now,
        sequence=state.next_sequence(),
    )
    state.add_trade(trade)
    state.report_change(Kind.TRADE, trade.trade_id, trade)
    state.reduce(maker, trade.count)
    taker.remaining_count -= trade.count
    maker_pairs = _fill(state, maker, trade, is_taker=False)[1]
    fill, taker_pairs = _fill(state, taker, trade, is_taker=True)
    _count_trade(state, trade, trade.count - maker_pairs - taker_pairs)
    if maker.remaining_count == 0:
        state.end(maker, OrderStatus.EXECUTED, now)
    return fill


def _count_trade(state: ExchangeState, trade: Trade, opened: int) -> None:
    market = state.markets[trade.ticker]
    market.last_price = trade.price
    market.volume += trade.count
    market.open_interest += opened
    state.report_change(Kind.MARKET, market.ticker, market)


def _fill(state: ExchangeState, order: Order, trade: Trade, *, is_taker: bool) -> tuple[Fill, int]:
    """Book one party's side of a trade; return the fill and the netted pairs."""
    position = state.position_for(order.account_id, order.ticker)
    pairs = positions.apply_fill(position, order.side, trade.price, trade.count)
    cost = positions.side_price(order.side, trade.price) * trade.count
    charge = _charge(state, order, trade, _revenue(state, order.side, trade, pairs), is_taker)
    _count_fill(order, trade, cost, charge, is_taker)
    position.fees_paid += charge.net_fee
    position.updated_at = trade.created_at
    fill = _record_fill(state, order, trade, charge.net_fee, is_taker)
    state.report_change(Kind.POSITION, f"{position.account_id}/{position.ticker}", position)
    state.report_change(Kind.ORDER, order.order_id, order)
    return fill, pairs


def _revenue(state: ExchangeState, side: BookSide, trade: Trade, pairs: int) -> int:
    """Return one party's cash before fees: below 0 if the fill costs money."""
    floor = state.markets[trade.ticker].floor
    return pairs * (ONE_DOLLAR_PRICE - floor) - positions.cash_price(side, trade.price, floor) * trade.count


def _charge(state: ExchangeState, order: Order, trade: Trade, revenue: int, is_taker: bool) -> fees.FeeCharge:
    """Compute the fee and post the fill between cash, pot and fees."""
    series = state.series[state.markets[order.ticker].series_ticker]
    charge = fees.charge(
        series.fee_type,
        series.fee_multiplier_percent,
        trade.price,
        trade.count,
        revenue,
        is_taker,
        order.rounding_accumulator,
    )
    state.post(
        (ledger.cash(order.account_id), charge.cash_change),
        (ledger.pot(order.ticker), -revenue),
        (ledger.FEES, charge.net_fee),
    )
    return charge


def _count_fill(order: Order, trade: Trade, cost: int, charge: fees.FeeCharge, is_taker: bool) -> None:
    order.fill_count += trade.count
    order.rounding_accumulator = charge.accumulator
    order.updated_at = trade.created_at
    if is_taker:
        order.taker_fill_cost += cost
        order.taker_fees += charge.net_fee
    else:
        order.maker_fill_cost += cost
        order.maker_fees += charge.net_fee


def _record_fill(state: ExchangeState, order: Order, trade: Trade, fee: int, is_taker: bool) -> Fill:
    fill = Fill(
        trade_id=trade.trade_id,
        account_id=order.account_id,
        order_id=order.order_id,
        ticker=order.ticker,
        side=order.side,
        price=trade.price,
        count=trade.count,
        is_taker=is_taker,
        fee=fee,
        created_at=trade.created_at,
        sequence=trade.sequence,
    )
    if not state.accounts[order.account_id].simulated:
        state.add_fill(fill)
        state.report_change(Kind.FILL, fill.key, fill)
    return fill
