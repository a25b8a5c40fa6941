"""Handlers for exchange status, account rate limits and retired endpoints."""

from __future__ import annotations

from kalshi_trading.practice.api import rate_limits
from kalshi_trading.practice.api.http import ApiCall, Endpoint
from kalshi_trading.practice.responses import markets as market_responses
from kalshi_trading.practice.responses.errors import deprecated_endpoint
from kalshi_trading.practice.responses.markets import SHARD, Json

_ALL_DAY = [{"open_time": "00:00", "close_time": "00:00"}]
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def _status(call: ApiCall) -> Json:
    exchange = call.world.exchange
    state = {
        "exchange_active": exchange.exchange_active,
        "trading_active": exchange.exchange_active and exchange.trading_active,
        "intra_exchange_transfers_active": exchange.exchange_active,
    }
    shard = {"exchange_index": SHARD, "description": "Practice", **state}
    return {**state, "exchange_index_statuses": [shard]}


def _schedule(_call: ApiCall) -> Json:
    """Return a schedule that is always open, with no maintenance."""
    hours = {"start_time": "2026-01-01T05:00:00Z", "end_time": "2036-01-01T05:00:00Z"}
    return {
        "schedule": {
            "standard_hours": [{**hours, **dict.fromkeys(_DAYS, _ALL_DAY)}],
            "maintenance_windows": [],
        }
    }


def _user_data_timestamp(call: ApiCall) -> Json:
    return {"as_of_time": market_responses.time(call.world.reads_as_of)}


def _account_limits(call: ApiCall) -> Json:
    shown = {"balance": {"refill_rate": 1, "bucket_capacity": 1}}
    return rate_limits.limits() | (shown if call.world.assumptions.balance_bucket_shown else {})


def _endpoint_costs(_call: ApiCall) -> Json:
    return rate_limits.endpoint_costs()


def _deprecated_endpoint(_call: ApiCall) -> Json:
    raise deprecated_endpoint()


ENDPOINTS = (
    Endpoint("GET", "/exchange/status", "GetExchangeStatus", _status),
    Endpoint("GET", "/exchange/schedule", "GetExchangeSchedule", _schedule),
    Endpoint("GET", "/exchange/user_data_timestamp", "GetUserDataTimestamp", _user_data_timestamp),
    Endpoint("GET", "/account/limits", "GetAccountApiLimits", _account_limits, private=True),
    Endpoint("GET", "/account/endpoint_costs", "GetAccountEndpointCosts", _endpoint_costs),
    Endpoint("POST", "/portfolio/orders", "CreateOrder", _deprecated_endpoint),
    Endpoint("POST", "/portfolio/orders/batched", "BatchCreateOrders", _deprecated_endpoint),
    Endpoint("DELETE", "/portfolio/orders/batched", "BatchCancelOrders", _deprecated_endpoint),
    Endpoint("DELETE", "/portfolio/orders/{order_id}", "CancelOrder", _deprecated_endpoint),
    Endpoint("POST", "/portfolio/orders/{order_id}/amend", "AmendOrder", _deprecated_endpoint),
    Endpoint("POST", "/portfolio/orders/{order_id}/decrease", "DecreaseOrder", _deprecated_endpoint),
)
