"""Handlers for the signing account: balance, positions, fills and orders."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from functools import partial

from kalshi_trading.practice.accounting.positions import exposure
from kalshi_trading.practice.api import assumed
from kalshi_trading.practice.api.http import ApiCall, Endpoint
from kalshi_trading.practice.api.order_request import new_order
from kalshi_trading.practice.api.paging import page, page_newest_first, page_of_groups, page_of_names
from kalshi_trading.practice.api.query import Query
from kalshi_trading.practice.records import (
    ONE_DOLLAR_PRICE,
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
    value = sum(_current_value(call, position) for position in held)
    return account_responses.balance(reads.balance(call.account_id), value, call.world.reads_as_of)


def _current_value(call: ApiCall, position: Position) -> int:
    """Return a position's current value in millionths of a dollar.

    Uses the payout once it is known, then the assumed mark, or the last price while the market does not
    trade. A YES contract is worth that less the settlement floor, which is in the cash already.
    """
    market, mark = call.world.exchange.markets[position.ticker], call.world.assumptions.portfolio_value_at
    is_active = market.status is MarketStatus.ACTIVE
    if market.settlement_value is not None:
        yes = no = market.settlement_value
    elif is_active and mark == "cost":
        return exposure(position)
    elif is_active and mark == "bid":
        _, (bid, ask) = call.world.participants.shown(market, call.now)
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
            and event_ticker in (None, event_of(ticker))
            and status in ("all", "settled" if position.settled else "unsettled")
            and (not counted or _is_counted(position, counted))
            and is_in_list(position)
        )

    def event_of(ticker: str) -> str:
        return exchange.markets[ticker].event_ticker

    tickers, start = reads.position_tickers(call.account_id), _tied_cursor(query, status)
    if status == "unsettled":
        names, cursor = page_of_names(tickers, limit, start, keep)
    else:
        names, cursor = page_of_groups(filter(keep, tickers), event_of, limit, start)
    found = [reads.position(call.account_id, name) for name in names]
    rows = [row for row in found if row is not None]
    events: dict[str, list[Position]] = {}
    for row in rows:
        events.setdefault(event_of(row.ticker), []).append(row)
    return {
        "market_positions": [assumed.market_position(call, row) for row in rows],
        "event_positions": [account_responses.event_position(name, held) for name, held in events.items()],
        "cursor": f"{status}.{cursor}" if cursor else "",
    }


def _tied_cursor(query: Query, status: str) -> str | None:
    """Return the cursor of a list of positions, or None to start over.

    Raises ApiError for a cursor made with another settlement status.
    """
    made_with, _, cursor = (query.text("cursor") or "").partition(".")
    if made_with not in _SETTLEMENT_STATUSES:
        return None
    if made_with != status:
        raise query.error("cursor", "settlement_status")
    return cursor


def _is_counted(position: Position, names: tuple[str, ...]) -> bool:
    traded = position.yes_bought + position.no_bought
    return ("position" in names and position.count != 0) or ("total_traded" in names and traded != 0)


def list_fills(call: ApiCall, *, live: bool) -> Json:
    """List fills of the live window, or older ones."""
    query = call.query
    limit, tickers, order_id = query.limit(_MAX_ROWS), query.names("ticker", 100), query.text("order_id")
    in_time, is_primary = assumed.time_filter(call), query.primary_account_only()
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
    in_time, is_primary = assumed.time_filter(call), query.primary_account_only()

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
    limit, ticker, events = query.limit(_MAX_ROWS), query.text("ticker"), query.names("event_ticker", 100)
    status, in_time = query.choice("status", tuple(OrderStatus)), assumed.time_filter(call)
    is_primary, is_in_list = query.primary_account_only(), call.world.archive.orders(call.now, live=live)

    by_update = call.world.assumptions.orders_filtered_by == "updated"

    def keep(order: Order) -> bool:
        return (
            is_primary
            and ticker in (None, order.ticker)
            and status in (None, order.status)
            and (not events or exchange.markets[order.ticker].event_ticker in events)
            and in_time(order.updated_at if by_update else order.created_at)
            and is_in_list(order)
            and assumed.is_listed(call, order)
        )

    stored = call.world.reads.orders_oldest_first(call.account_id)
    rows, cursor = page_newest_first(stored, limit, query.text("cursor"), keep)
    return {"orders": [assumed.order(call, row) for row in rows], "cursor": cursor}


def _order(call: ApiCall) -> Json:
    order = _require_own(call.world.reads.order(call.path["order_id"]), call)
    if not assumed.is_listed(call, order):
        raise not_found()
    return {"order": assumed.order(call, order)}


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
        and call.world.assumptions.queue_positions_listed
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
    new = new_order(call.body, str(uuid.uuid4()), call.world.assumptions)
    if new.ticker in call.world.exchange.markets:
        call.world.participants.watch(new.ticker, call.now)
    return assumed.created_order(call, call.world.exchange.place(call.account_id, new))


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


def _require_primary(call: ApiCall) -> None:
    if not call.query.primary_account_only():
        raise api_error(404, "not_found", "subaccount does not exist")


ENDPOINTS = (
    Endpoint("/portfolio/balance", "GetBalance", _balance, private=True),
    Endpoint("/portfolio/positions", "GetPositions", partial(list_positions, live=True), private=True),
    Endpoint("/portfolio/fills", "GetFills", partial(list_fills, live=True), private=True),
    Endpoint("/portfolio/settlements", "GetSettlements", _settlements, private=True),
    Endpoint("/portfolio/orders", "GetOrders", partial(list_orders, live=True), private=True),
    Endpoint("/portfolio/orders/queue_positions", "GetOrderQueuePositions", _queue_positions, private=True),
    Endpoint("/portfolio/orders/{order_id}", "GetOrder", _order, private=True),
    Endpoint(
        "/portfolio/orders/{order_id}/queue_position", "GetOrderQueuePosition", _queue_position, private=True
    ),
    Endpoint("/portfolio/deposits", "GetDeposits", _deposits, private=True),
    Endpoint("/portfolio/withdrawals", "GetWithdrawals", _withdrawals, private=True),
    Endpoint(
        "/portfolio/events/orders", "CreateOrderV2", _create_order, private=True, method="POST", status=201
    ),
    Endpoint(
        "/portfolio/events/orders/{order_id}", "CancelOrderV2", _cancel_order, private=True, method="DELETE"
    ),
)
