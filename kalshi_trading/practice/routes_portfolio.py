"""Handlers for what belongs to the account that signed: money, positions, orders."""

from __future__ import annotations

import uuid
from collections.abc import Callable

from kalshi_trading.practice import answers, answers_portfolio
from kalshi_trading.practice.answers import Json
from kalshi_trading.practice.engine import Exchange
from kalshi_trading.practice.error_bodies import nested, not_found
from kalshi_trading.practice.face import Call, Endpoint
from kalshi_trading.practice.order_bodies import new_order
from kalshi_trading.practice.pages import page
from kalshi_trading.practice.records import (
    ONE_DOLLAR_PRICE,
    BookSide,
    Fill,
    MarketStatus,
    Order,
    OrderStatus,
    Position,
    Settlement,
)

_MOST_ROWS = 1000


def _balance(call: Call) -> Json:
    reads = call.world.reads
    _require_primary(call)
    held = [position for position in reads.positions_of(call.account_id) if not position.settled]
    value = sum(_worth(call.world.exchange, position) for position in held)
    return answers_portfolio.balance(reads.balance(call.account_id), value, call.world.reads_as_of)


def _worth(exchange: Exchange, position: Position) -> int:
    """Return what a position would fetch now: at the bid, or at its payout once that is known."""
    market = exchange.markets[position.ticker]
    if market.settlement_value is not None:
        yes = no = market.settlement_value
    elif market.status is MarketStatus.ACTIVE:
        bid, ask = exchange.best(market.ticker, BookSide.BID), exchange.best(market.ticker, BookSide.ASK)
        yes, no = bid[0] if bid else 0, ask[0] if ask else ONE_DOLLAR_PRICE
    else:
        yes = no = market.last_price or 0
    return yes * position.count if position.count > 0 else (ONE_DOLLAR_PRICE - no) * -position.count


def _positions(call: Call) -> Json:
    query, exchange = call.query, call.world.exchange
    limit = query.limit(_MOST_ROWS)
    ticker, event_ticker = query.text("ticker"), query.text("event_ticker")
    status = query.choice("settlement_status", ("unsettled", "settled", "all")) or "unsettled"
    counted = query.names("count_filter")
    if not set(counted) <= {"position", "total_traded"}:
        raise query.refuse("count_filter", "oneof")
    known = query.primary_account_only()

    def keep(position: Position) -> bool:
        return (
            known
            and ticker in (None, position.ticker)
            and event_ticker in (None, exchange.markets[position.ticker].event_ticker)
            and status in ("all", "settled" if position.settled else "unsettled")
            and (not counted or _is_counted(position, counted))
        )

    held = sorted(call.world.reads.positions_of(call.account_id), key=lambda position: position.ticker)
    rows, cursor = page(held, lambda position: position.ticker, limit, query.text("cursor"), keep)
    events: dict[str, list[Position]] = {}
    for row in rows:
        events.setdefault(exchange.markets[row.ticker].event_ticker, []).append(row)
    return {
        "market_positions": [answers_portfolio.market_position(row) for row in rows],
        "event_positions": [answers_portfolio.event_position(name, held) for name, held in events.items()],
        "cursor": cursor,
    }


def _is_counted(position: Position, names: tuple[str, ...]) -> bool:
    traded = position.yes_bought + position.no_bought
    return ("position" in names and position.count != 0) or ("total_traded" in names and traded != 0)


def _fills(call: Call) -> Json:
    query = call.query
    limit, tickers, order_id = query.limit(_MOST_ROWS), query.names("ticker", 100), query.text("order_id")
    in_time, known = _time_filter(call), query.primary_account_only()

    def keep(fill: Fill) -> bool:
        return (
            known
            and (not tickers or fill.ticker in tickers)
            and order_id in (None, fill.order_id)
            and in_time(fill.created_at)
        )

    # The two sides of a trade share its id, so a row is named by its order as well.
    rows, cursor = page(
        call.world.reads.fills_of(call.account_id),
        lambda fill: f"{fill.trade_id} {fill.order_id}",
        limit,
        query.text("cursor"),
        keep,
    )
    return {"fills": [answers_portfolio.fill(row) for row in rows], "cursor": cursor}


def _settlements(call: Call) -> Json:
    query, exchange = call.query, call.world.exchange
    limit, ticker, event_ticker = query.limit(_MOST_ROWS), query.text("ticker"), query.text("event_ticker")
    in_time, known = _time_filter(call), query.primary_account_only()

    def keep(row: Settlement) -> bool:
        return (
            known
            and ticker in (None, row.ticker)
            and event_ticker in (None, row.event_ticker)
            and in_time(row.settled_at)
        )

    settled = exchange.settlements_of(call.account_id)
    rows, cursor = page(settled, lambda row: row.ticker, limit, query.text("cursor"), keep)
    written = [
        answers_portfolio.settlement(row, answers.result(exchange.markets[row.ticker])) for row in rows
    ]
    return {"settlements": written, "cursor": cursor}


def _orders(call: Call) -> Json:
    query, exchange = call.query, call.world.exchange
    limit, ticker, events = query.limit(_MOST_ROWS), query.text("ticker"), query.names("event_ticker", 10)
    status, in_time = query.choice("status", tuple(OrderStatus)), _time_filter(call)
    known = query.primary_account_only()

    def keep(order: Order) -> bool:
        return (
            known
            and ticker in (None, order.ticker)
            and status in (None, order.status)
            and (not events or exchange.markets[order.ticker].event_ticker in events)
            and in_time(order.created_at)
        )

    orders = call.world.reads.orders_of(call.account_id)
    rows, cursor = page(orders, lambda order: order.order_id, limit, query.text("cursor"), keep)
    return {"orders": [answers_portfolio.order(row) for row in rows], "cursor": cursor}


def _order(call: Call) -> Json:
    order = call.world.reads.order(call.path["order_id"])
    return {"order": answers_portfolio.order(_require_own(order, call))}


def _queue_position(call: Call) -> Json:
    order = _require_own(call.world.exchange.order(call.path["order_id"]), call)
    if order.status is not OrderStatus.RESTING:
        raise not_found("order is not resting")
    ahead = call.world.exchange.queue_position(call.account_id, order.order_id)
    return {"queue_position_fp": answers.count(ahead)}


def _queue_positions(call: Call) -> Json:
    query, exchange = call.query, call.world.exchange
    tickers, event_ticker = query.names("market_tickers"), query.text("event_ticker")
    if not tickers and event_ticker is None:
        raise query.refuse("market_tickers", "required_without")
    resting = [
        order
        for order in exchange.orders_of(call.account_id)
        if order.status is OrderStatus.RESTING
        and query.primary_account_only()
        and (not tickers or order.ticker in tickers)
        and event_ticker in (None, exchange.markets[order.ticker].event_ticker)
    ]
    ahead = [(order, exchange.queue_position(call.account_id, order.order_id)) for order in resting]
    return {"queue_positions": [answers_portfolio.queue_position(order, count) for order, count in ahead]}


def _deposits(call: Call) -> Json:
    query = call.query
    own = [row for row in reversed(call.world.deposits) if row.account_id == call.account_id]
    rows, cursor = page(own, lambda row: row.deposit_id, query.limit(500), query.text("cursor"))
    return {"deposits": [answers_portfolio.deposit(row) for row in rows], "cursor": cursor}


def _withdrawals(call: Call) -> Json:
    call.query.limit(500)
    return {"withdrawals": [], "cursor": ""}


def _create_order(call: Call) -> Json:
    new = new_order(call.body, fresh_id=str(uuid.uuid4()))
    if new.ticker in call.world.exchange.markets:
        call.world.participants.watch(new.ticker, call.now)
    return answers_portfolio.created(call.world.exchange.place(call.account_id, new))


def _cancel_order(call: Call) -> Json:
    market_ticker = call.query.text("market_ticker")
    order = call.world.exchange.orders.get(call.path["order_id"])
    elsewhere = order is not None and market_ticker not in (None, order.ticker)
    if elsewhere or not call.query.primary_account_only():
        raise not_found()
    return answers_portfolio.canceled(*call.world.exchange.cancel(call.account_id, call.path["order_id"]))


def _require_own(order: Order | None, call: Call) -> Order:
    if order is None or order.account_id != call.account_id:
        raise not_found()
    return order


def _time_filter(call: Call) -> Callable[[int], bool]:
    earliest, latest = call.query.instant("min_ts"), call.query.instant("max_ts")
    return lambda at: (earliest is None or at >= earliest) and (latest is None or at <= latest)


def _require_primary(call: Call) -> None:
    if not call.query.primary_account_only():
        raise nested(404, "not_found", "subaccount does not exist")


ENDPOINTS = (
    Endpoint("GET", "/portfolio/balance", "GetBalance", _balance, private=True),
    Endpoint("GET", "/portfolio/positions", "GetPositions", _positions, private=True),
    Endpoint("GET", "/portfolio/fills", "GetFills", _fills, private=True),
    Endpoint("GET", "/portfolio/settlements", "GetSettlements", _settlements, private=True),
    Endpoint("GET", "/portfolio/orders", "GetOrders", _orders, private=True),
    Endpoint(
        "GET", "/portfolio/orders/queue_positions", "GetOrderQueuePositions", _queue_positions, private=True
    ),
    Endpoint("GET", "/portfolio/orders/{order_id}", "GetOrder", _order, private=True),
    Endpoint(
        "GET",
        "/portfolio/orders/{order_id}/queue_position",
        "GetOrderQueuePosition",
        _queue_position,
        private=True,
    ),
    Endpoint("GET", "/portfolio/deposits", "GetDeposits", _deposits, private=True),
    Endpoint("GET", "/portfolio/withdrawals", "GetWithdrawals", _withdrawals, private=True),
    Endpoint("POST", "/portfolio/events/orders", "CreateOrderV2", _create_order, private=True, status=201),
    Endpoint("DELETE", "/portfolio/events/orders/{order_id}", "CancelOrderV2", _cancel_order, private=True),
)
