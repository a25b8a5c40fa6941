"""Handlers for the exchange itself, for accounts' budgets and for history (there is none yet)."""

from __future__ import annotations

from kalshi_trading.practice import answers, buckets
from kalshi_trading.practice.answers import SHARD, Json
from kalshi_trading.practice.error_bodies import not_found, old_order_endpoint
from kalshi_trading.practice.face import Call, Endpoint

_ALL_DAY = [{"open_time": "00:00", "close_time": "00:00"}]
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def _status(call: Call) -> Json:
    exchange = call.world.exchange
    state = {
        "exchange_active": exchange.exchange_active,
        "trading_active": exchange.exchange_active and exchange.trading_active,
        "intra_exchange_transfers_active": exchange.exchange_active,
    }
    shard = {"exchange_index": SHARD, "description": "Practice", **state}
    return {**state, "exchange_index_statuses": [shard]}


def _schedule(_call: Call) -> Json:
    """Open at any time; nothing is planned."""
    hours = {"start_time": "2026-01-01T05:00:00Z", "end_time": "2036-01-01T05:00:00Z"}
    return {
        "schedule": {
            "standard_hours": [{**hours, **dict.fromkeys(_DAYS, _ALL_DAY)}],
            "maintenance_windows": [],
        }
    }


def _user_data_timestamp(call: Call) -> Json:
    return {"as_of_time": answers.time(call.world.reads_as_of)}


def _account_limits(_call: Call) -> Json:
    return buckets.limits()


def _endpoint_costs(_call: Call) -> Json:
    return buckets.endpoint_costs()


def _historical_cutoff(call: Call) -> Json:
    """Everything since the world was founded is on the live endpoints."""
    founded = answers.time(call.world.charter.founded_at)
    return {
        "market_settled_ts": founded,
        "trades_created_ts": founded,
        "orders_updated_ts": founded,
        "market_positions_last_updated_ts": founded,
    }


def _no_rows(name: str, most: int, least: int = 1) -> Endpoint:
    """Make the handler of a historical list without rows."""

    def rows(call: Call) -> Json:
        call.query.limit(most, least=least)
        return {name: [], "cursor": ""}

    private = name in ("fills", "orders")
    operation = f"GetHistorical{name.capitalize()}"
    return Endpoint("GET", f"/historical/{name}", operation, rows, private=private)


def _no_positions(call: Call) -> Json:
    call.query.limit(1000)
    return {"market_positions": [], "event_positions": [], "cursor": ""}


def _no_market(_call: Call) -> Json:
    raise not_found()


def _old_endpoint(_call: Call) -> Json:
    raise old_order_endpoint()


ENDPOINTS = (
    Endpoint("GET", "/exchange/status", "GetExchangeStatus", _status),
    Endpoint("GET", "/exchange/schedule", "GetExchangeSchedule", _schedule),
    Endpoint("GET", "/exchange/user_data_timestamp", "GetUserDataTimestamp", _user_data_timestamp),
    Endpoint("GET", "/account/limits", "GetAccountApiLimits", _account_limits, private=True),
    Endpoint("GET", "/account/endpoint_costs", "GetAccountEndpointCosts", _endpoint_costs),
    Endpoint("GET", "/historical/cutoff", "GetHistoricalCutoff", _historical_cutoff),
    _no_rows("markets", 1000, least=0),
    _no_rows("trades", 1000, least=0),
    _no_rows("fills", 1000),
    _no_rows("orders", 1000),
    Endpoint("GET", "/historical/positions", "GetHistoricalPositions", _no_positions, private=True),
    Endpoint("GET", "/historical/markets/{ticker}", "GetHistoricalMarket", _no_market),
    Endpoint(
        "GET", "/historical/markets/{ticker}/candlesticks", "GetMarketCandlesticksHistorical", _no_market
    ),
    Endpoint("POST", "/portfolio/orders", "CreateOrder", _old_endpoint),
    Endpoint("POST", "/portfolio/orders/batched", "BatchCreateOrders", _old_endpoint),
    Endpoint("DELETE", "/portfolio/orders/batched", "BatchCancelOrders", _old_endpoint),
    Endpoint("DELETE", "/portfolio/orders/{order_id}", "CancelOrder", _old_endpoint),
    Endpoint("POST", "/portfolio/orders/{order_id}/amend", "AmendOrder", _old_endpoint),
    Endpoint("POST", "/portfolio/orders/{order_id}/decrease", "DecreaseOrder", _old_endpoint),
)
