"""Handlers for the signing account: balance, positions, fills and orders."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from functools import partial

from kalshi_trading.practice.api.http import ApiCall, Endpoint
from kalshi_trading.practice.api.order_request import new_order
from kalshi_trading.practice.api.paging import page, page_newest_first, page_of_names
from kalshi_trading.practice.engine.exchange import Exchange
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
from kalshi_trading.practice.responses import account as account_responses
from kalshi_trading.practice.responses import markets as market_responses
from kalshi_trading.practice.responses.errors import api_error, not_found
from kalshi_trading.practice.responses.markets import Json
from kalshi_trading.practice.simulation.bank import Transfer, id_of

_MAX_ROWS = 1000
_SETTLEMENT_STATUSES = ("unsettled", "settled", "all")


def _balance(call: ApiCall) -> Json:
    reads = call.world.reads
    _require_primary(call)
    held = [position for position in reads.positions_of(call.account_id) if not position.settled]
    value = sum(_current_value(call.world.exchange, position) for position in held)
    return account_responses.balance(reads.balance(call.account_id), value, call.world.reads_as_of)


def _current_value(exchange: Exchange, position: Position) -> int:
    """Return a position's current value in millionths of a dollar.

    Uses the payout once it is known, then the bid, or the last price while the market does not trade. A YES
    contract is worth that less the settlement floor, which is in the cash already.
    """
    market = exchange.markets[position.ticker]
    if market.settlement_value is not None:
        yes = no = market.settlement_value
    elif market.status is MarketStatus.ACTIVE:
        bid, ask = exchange.best(market.ticker, BookSide.BID), exchange.best(market.ticker, BookSide.ASK)
        yes, no = bid[0] if bid else 0, ask[0] if ask else ONE_DOLLAR_PRICE
    else:
        yes = no = market.last_price or 0
    yes = max(0, yes - market.floor)
    return yes * position.count if position.count > 0 else (ONE_DOLLAR_PRICE - no) * -position.count


def list_positions(call: ApiCall, *, live: bool) -> Json:
    """List positions of the live window, or those of events settled before it."""
    query, exchange, reads = call.query, call.world.exchange, call.world.reads
    limit = query.limit(_MAX_ROWS)
    asked_ticker, event_ticker = query.text("ticker"), query.text("event_ticker")
    status = (query.choice("settlement_status", _SETTLEMENT_STATUSES) or "unsettled") if live else "all"
    counted = query.names("count_filter") if live else ()
    if not set(counted) <= {"position", "total_traded"}:
        raise query.error("count_filter", "oneof")
    is_primary, is_in_list = query.primary_account_only(), call.world.archive.positions(call.now, live=live)

    def keep(ticker: str) -> bool:
        position = reads.position(call.account_id, ticker)
        return (
            is_primary
            and position is not None
            and asked_ticker in (None, ticker)
            and event_ticker in (None, exchange.markets[ticker].event_ticker)
            and status in ("all", "settled" if position.settled else "unsettled")
            and (not counted or _is_counted(position, counted))
            and is_in_list(position)
        )

    tickers = reads.position_tickers(call.account_id)
    names, cursor = page_of_names(tickers, limit, query.text("cursor"), keep)
    found = [reads.position(call.account_id, name) for name in names]
    rows = [row for row in found if row is not None]
    events: dict[str, list[Position]] = {}
    for row in rows:
        events.setdefault(exchange.markets[row.ticker].event_ticker, []).append(row)
    return {
        "market_positions": [account_responses.market_position(row) for row in rows],
        "event_positions": [account_responses.event_position(name, held) for name, held in events.items()],
        "cursor": cursor,
    }


def _is_counted(position: Position, names: tuple[str, ...]) -> bool:
    traded = position.yes_bought + position.no_bought
    return ("position" in names and position.count != 0) or ("total_traded" in names and traded != 0)


def list_fills(call: ApiCall, *, live: bool) -> Json:
    """List fills of the live window, or older ones."""
    query = call.query
    limit, tickers, order_id = query.limit(_MAX_ROWS), query.names("ticker", 100), query.text("order_id")
    in_time, is_primary = _time_filter(call), query.primary_account_only()
    is_in_list = call.world.archive.fills(call.now, live=live)

    def keep(fill: Fill) -> bool:
        return (
            is_primary
            and (not tickers or fill.ticker in tickers)
            and order_id in (None, fill.order_id)
            and in_time(fill.created_at)
            and is_in_list(fill)
        )

    stored = call.world.reads.fills_oldest_first(call.account_id)
    rows, cursor = page_newest_first(stored, limit, query.text("cursor"), keep)
    return {"fills": [account_responses.fill(row) for row in rows], "cursor": cursor}


def _settlements(call: ApiCall) -> Json:
    query, exchange = call.query, call.world.exchange
    limit, ticker, event_ticker = query.limit(_MAX_ROWS), query.text("ticker"), query.text("event_ticker")
    in_time, is_primary = _time_filter(call), query.primary_account_only()

    def keep(row: Settlement) -> bool:
        return (
            is_primary
            and ticker in (None, row.ticker)
            and event_ticker in (None, row.event_ticker)
            and in_time(row.settled_at)
        )

    settled = exchange.settlements[call.account_id]
    rows, cursor = page_newest_first(settled, limit, query.text("cursor"), keep)
    settlement_rows = [
        account_responses.settlement(row, market_responses.result(exchange.markets[row.ticker]))
        for row in rows
    ]
    return {"settlements": settlement_rows, "cursor": cursor}


def list_orders(call: ApiCall, *, live: bool) -> Json:
    """List open orders and those of the live window, or those ended before it."""
    query, exchange = call.query, call.world.exchange
    limit, ticker, events = query.limit(_MAX_ROWS), query.text("ticker"), query.names("event_ticker", 10)
    status, in_time = query.choice("status", tuple(OrderStatus)), _time_filter(call)
    is_primary, is_in_list = query.primary_account_only(), call.world.archive.orders(call.now, live=live)

    def keep(order: Order) -> bool:
        return (
            is_primary
            and ticker in (None, order.ticker)
            and status in (None, order.status)
            and (not events or exchange.markets[order.ticker].event_ticker in events)
            and in_time(order.created_at)
            and is_in_list(order)
        )

    stored = call.world.reads.orders_oldest_first(call.account_id)
    rows, cursor = page_newest_first(stored, limit, query.text("cursor"), keep)
    return {"orders": [account_responses.order(row) for row in rows], "cursor": cursor}


def _order(call: ApiCall) -> Json:
    order = call.world.reads.order(call.path["order_id"])
    return {"order": account_responses.order(_require_own(order, call))}


def _queue_position(call: ApiCall) -> Json:
    order = _require_own(call.world.exchange.order(call.path["order_id"]), call)
    if order.status is not OrderStatus.RESTING:
        raise not_found("order is not resting")
    ahead = call.world.exchange.queue_position(call.account_id, order.order_id)
    return {"queue_position_fp": market_responses.count(ahead)}


def _queue_positions(call: ApiCall) -> Json:
    query, exchange = call.query, call.world.exchange
    tickers, event_ticker = query.names("market_tickers"), query.text("event_ticker")
    if not tickers and event_ticker is None:
        raise query.error("market_tickers", "required_without")
    resting = [
        order
        for order in exchange.orders_of(call.account_id)
        if order.status is OrderStatus.RESTING
        and query.primary_account_only()
        and (not tickers or order.ticker in tickers)
        and event_ticker in (None, exchange.markets[order.ticker].event_ticker)
    ]
    ahead = [(order, exchange.queue_position(call.account_id, order.order_id)) for order in resting]
    return {"queue_positions": [account_responses.queue_position(order, count) for order, count in ahead]}


def _deposits(call: ApiCall) -> Json:
    rows, cursor = _transfers(call, call.world.transfers.deposits)
    return {"deposits": rows, "cursor": cursor}


def _withdrawals(call: ApiCall) -> Json:
    rows, cursor = _transfers(call, call.world.transfers.withdrawals)
    return {"withdrawals": rows, "cursor": cursor}


def _transfers(call: ApiCall, transfers: Sequence[Transfer]) -> tuple[list[Json], str]:
    own = [row for row in reversed(transfers) if row.account_id == call.account_id]
    rows, cursor = page(own, id_of, call.query.limit(500), call.query.text("cursor"))
    return [account_responses.transfer(row) for row in rows], cursor


def _create_order(call: ApiCall) -> Json:
    new = new_order(call.body, fresh_id=str(uuid.uuid4()))
    if new.ticker in call.world.exchange.markets:
        call.world.participants.watch(new.ticker, call.now)
    return account_responses.created_order(call.world.exchange.place(call.account_id, new))


def _cancel_order(call: ApiCall) -> Json:
    market_ticker = call.query.text("market_ticker")
    order = call.world.exchange.orders.get(call.path["order_id"])
    elsewhere = order is not None and market_ticker not in (None, order.ticker)
    if elsewhere or not call.query.primary_account_only():
        raise not_found()
    return account_responses.canceled_order(
        *call.world.exchange.cancel(call.account_id, call.path["order_id"])
    )


def _require_own(order: Order | None, call: ApiCall) -> Order:
    if order is None or order.account_id != call.account_id:
        raise not_found()
    return order


def _time_filter(call: ApiCall) -> Callable[[int], bool]:
    earliest, latest = call.query.instant("min_ts"), call.query.instant("max_ts")
    return lambda at: (earliest is None or at >= earliest) and (latest is None or at <= latest)


def _require_primary(call: ApiCall) -> None:
    if not call.query.primary_account_only():
        raise api_error(404, "not_found", "subaccount does not exist")


ENDPOINTS = (
    Endpoint("GET", "/portfolio/balance", "GetBalance", _balance, private=True),
    Endpoint("GET", "/portfolio/positions", "GetPositions", partial(list_positions, live=True), private=True),
    Endpoint("GET", "/portfolio/fills", "GetFills", partial(list_fills, live=True), private=True),
    Endpoint("GET", "/portfolio/settlements", "GetSettlements", _settlements, private=True),
    Endpoint("GET", "/portfolio/orders", "GetOrders", partial(list_orders, live=True), private=True),
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
