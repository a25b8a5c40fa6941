"""Handlers for exchange status, the account and retired endpoints.

There is one primary account, without subaccounts, on one shard, so no money ever moves between them.
Source: Kalshi API, exchange, account, API keys, cash between shards and subaccounts.
"""

from __future__ import annotations

from kalshi_trading.practice.api import rate_limits
from kalshi_trading.practice.api.http import ApiCall, Endpoint
from kalshi_trading.practice.records import ONE_CONTRACT, ONE_SECOND
from kalshi_trading.practice.responses import account as account_responses
from kalshi_trading.practice.responses import markets as market_responses
from kalshi_trading.practice.responses.errors import api_error, deprecated_endpoint
from kalshi_trading.practice.responses.markets import SHARD, Json, count

_ALL_DAY = [{"open_time": "00:00", "close_time": "00:00"}]
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_VOLUME_WINDOW = 30 * 86_400 * ONE_SECOND
_GOALS = (("expert", 9_000_000, 6_000_000), ("premier", 15_000_000, 12_000_000))  # contracts: earn, keep


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


def _volume_progress(call: ApiCall) -> Json:
    since = call.now - _VOLUME_WINDOW
    fills = call.world.exchange.fills_oldest_first(call.account_id)
    volume = sum(fill.count for fill in fills if fill.created_at >= since)
    goals = [
        {
            "level": level,
            "earn_volume_goal_fp": count(earn * ONE_CONTRACT),
            "keep_volume_goal_fp": count(keep * ONE_CONTRACT),
        }
        for level, earn, keep in _GOALS
    ]
    row = {"computed_ts": call.now // ONE_SECOND, "trailing_30d_volume_fp": count(volume), "goals": goals}
    return {"volume_progress": [row]}


def _api_keys(call: ApiCall) -> Json:
    return account_responses.api_keys(call.world.keys.key_ids(call.account_id))


def _subaccount_balances(call: ApiCall) -> Json:
    available = call.world.reads.balance(call.account_id)
    return {"subaccount_balances": [account_responses.subaccount_balance(available, call.world.reads_as_of)]}


def _subaccount_netting(_call: ApiCall) -> Json:
    return {"netting_configs": [account_responses.subaccount_netting()]}


def _no_subaccount_transfers(call: ApiCall) -> Json:
    call.query.limit(1000)
    return {"transfers": [], "cursor": ""}


def _no_shard_transfers(call: ApiCall) -> Json:
    call.query.limit(500)
    return {"transfers": []}  # the last page has no cursor here


def _members_only(_call: ApiCall) -> Json:
    raise api_error(403, "forbidden", "only for FCM members")


def _not_enabled(_call: ApiCall) -> Json:
    raise api_error(403, "forbidden", "target balance allocation is not enabled")


def _deprecated_endpoint(_call: ApiCall) -> Json:
    raise deprecated_endpoint()


ENDPOINTS = (
    Endpoint("/exchange/status", "GetExchangeStatus", _status),
    Endpoint("/exchange/schedule", "GetExchangeSchedule", _schedule),
    Endpoint("/exchange/user_data_timestamp", "GetUserDataTimestamp", _user_data_timestamp),
    Endpoint("/account/limits", "GetAccountApiLimits", _account_limits, private=True),
    Endpoint("/account/endpoint_costs", "GetAccountEndpointCosts", _endpoint_costs),
    Endpoint("/portfolio/orders", "CreateOrder", _deprecated_endpoint, method="POST"),
    Endpoint("/portfolio/orders/batched", "BatchCreateOrders", _deprecated_endpoint, method="POST"),
    Endpoint("/portfolio/orders/batched", "BatchCancelOrders", _deprecated_endpoint, method="DELETE"),
    Endpoint("/portfolio/orders/{order_id}", "CancelOrder", _deprecated_endpoint, method="DELETE"),
    Endpoint("/portfolio/orders/{order_id}/amend", "AmendOrder", _deprecated_endpoint, method="POST"),
    Endpoint("/portfolio/orders/{order_id}/decrease", "DecreaseOrder", _deprecated_endpoint, method="POST"),
    Endpoint(
        "/account/api_usage_level/volume_progress",
        "GetAccountApiUsageLevelVolumeProgress",
        _volume_progress,
        private=True,
    ),
    Endpoint("/api_keys", "GetApiKeys", _api_keys, private=True),
    Endpoint(
        "/portfolio/summary/total_resting_order_value",
        "GetPortfolioRestingOrderTotalValue",
        _members_only,
        private=True,
    ),
    Endpoint("/portfolio/subaccounts/balances", "GetSubaccountBalances", _subaccount_balances, private=True),
    Endpoint("/portfolio/subaccounts/netting", "GetSubaccountNetting", _subaccount_netting, private=True),
    Endpoint(
        "/portfolio/subaccounts/transfers", "GetSubaccountTransfers", _no_subaccount_transfers, private=True
    ),
    Endpoint(
        "/portfolio/intra_exchange_instance_transfers",
        "GetIntraExchangeInstanceTransfers",
        _no_shard_transfers,
        private=True,
    ),
    Endpoint(
        "/portfolio/target_balance_allocation", "GetTargetBalanceAllocation", _not_enabled, private=True
    ),
)
