"""Rows and filters as the world's assumptions ask for.

Changes what a row says about a fact, never the fact.
Source: Kalshi API, open questions.
"""

from __future__ import annotations

from collections.abc import Callable

from kalshi_trading.practice.accounting.average_cost import AverageCost
from kalshi_trading.practice.api.http import ApiCall
from kalshi_trading.practice.engine.matching import PlaceResult
from kalshi_trading.practice.records import (
    ONE_DOLLAR_PRICE,
    ONE_SECOND,
    BookSide,
    Fill,
    Order,
    OrderStatus,
    Position,
    TimeInForce,
)
from kalshi_trading.practice.responses import account as account_responses
from kalshi_trading.practice.responses.markets import Json, money, price


def is_listed(call: ApiCall, order: Order) -> bool:
    """Return False for an order that filled nothing and leaves no row."""
    if order.status is not OrderStatus.CANCELED or order.fill_count:
        return True
    rows = {
        TimeInForce.IMMEDIATE_OR_CANCEL: call.world.assumptions.ioc_row,
        TimeInForce.FILL_OR_KILL: call.world.assumptions.fok_row,
    }
    return rows.get(order.time_in_force, True)


def order(call: ApiCall, record: Order) -> Json:
    """Return the JSON of an order."""
    row = account_responses.order(record)
    if record.side is BookSide.ASK and call.world.assumptions.ask_cost_at == "yes_price":
        fills = [fill for fill in _fills_in(call, record.ticker) if fill.order_id == record.order_id]
        cost = sum(fill.price * fill.count for fill in fills if fill.is_taker)
        row["taker_fill_cost_dollars"] = money(cost)
    return row


def created_order(call: ApiCall, placed: PlaceResult) -> Json:
    """Return the JSON of a new order's immediate outcome."""
    answer = account_responses.created_order(placed)
    at_no_price = call.world.assumptions.ask_average_at == "no_price"
    if at_no_price and placed.order.side is BookSide.ASK and placed.fills:
        count = sum(fill.count for fill in placed.fills)
        notional = sum((ONE_DOLLAR_PRICE - fill.price) * fill.count for fill in placed.fills)
        answer["average_fill_price"] = price(notional // count)
    return answer


def market_position(call: ApiCall, record: Position) -> Json:
    """Return the JSON of a position in one market."""
    row = account_responses.market_position(record)
    assumptions = call.world.assumptions
    if assumptions.realized_by == "average" and not record.settled:
        average = AverageCost()
        for fill in _fills_in(call, record.ticker):
            average.apply(fill.side, fill.price, fill.count)
        row["realized_pnl_dollars"] = money(average.realized)
        row["market_exposure_dollars"] = money(average.cost)
    if assumptions.sale_traded_at == "yes_price":
        traded = sum(fill.price * fill.count for fill in _fills_in(call, record.ticker))
        row["total_traded_dollars"] = money(traded)
    return row


def _fills_in(call: ApiCall, ticker: str) -> list[Fill]:
    return [fill for fill in call.world.reads.fills_oldest_first(call.account_id) if fill.ticker == ticker]


def time_filter(call: ApiCall) -> Callable[[int], bool]:
    """Return a test for instants from `min_ts` to `max_ts`."""
    assumptions = call.world.assumptions
    unit = 1_000 if assumptions.times_in == "milliseconds" else ONE_SECOND
    earliest, latest = (
        None if (value := call.query.integer(name, least=0, most=10**14)) is None else value * unit
        for name in ("min_ts", "max_ts")
    )
    if latest is not None and assumptions.max_ts_whole_second:
        latest += ONE_SECOND - 1
    return lambda at: (earliest is None or at >= earliest) and (latest is None or at <= latest)
