"""Every read of the client: its example, query, and signature."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from kalshi_trading.core.market_models import BarPeriod
from kalshi_trading.core.models import OrderStatus
from kalshi_trading.kalshi_client import KalshiClient

PUBLIC, SIGNED = "public", "signed"
TICKER = "KXHIGHNY-26NOV21-B46.5"
ORDER_ID = "a1c5e7d2-3333-4a6b-9c20-7f3e5d8b0003"
PERIOD = BarPeriod(datetime(2026, 11, 21, 12, tzinfo=UTC), datetime(2026, 11, 21, 14, tzinfo=UTC), 60)
BARS = {"start_ts": "1795262400", "end_ts": "1795269600", "period_interval": "60"}
PAGE = {"limit": "1000"}

Read = tuple[str, dict[str, str], Callable[[KalshiClient], Any], dict[str, Any], str]

READS: list[Read] = [
    ("get_exchange_status", {}, lambda c: c.get_exchange_status(), {}, PUBLIC),
    ("get_exchange_schedule", {}, lambda c: c.get_exchange_schedule(), {}, PUBLIC),
    ("get_user_data_timestamp", {}, lambda c: c.get_user_data_timestamp(), {}, PUBLIC),
    ("get_account_api_limits", {}, lambda c: c.get_account_limits(), {}, SIGNED),
    ("get_account_endpoint_costs", {}, lambda c: c.get_endpoint_costs(), {}, PUBLIC),
    ("get_series_list", {}, lambda c: c.get_series(category="Crypto"), {"category": "Crypto"}, PUBLIC),
    ("get_series", {"series_ticker": "KXHIGHNY"}, lambda c: c.get_series_by_ticker("KXHIGHNY"), {}, PUBLIC),
    ("get_series_fee_changes", {}, lambda c: c.get_series_fee_changes(), {}, PUBLIC),
    ("get_event_fee_changes", {}, lambda c: c.get_event_fee_changes(), PAGE, PUBLIC),
    (
        "get_events",
        {},
        lambda c: c.get_events(status="open", with_nested_markets=True),
        {"status": "open", "with_nested_markets": "true", "limit": "200"},
        PUBLIC,
    ),
    ("get_multivariate_events", {}, lambda c: c.get_multivariate_events(), {"limit": "200"}, PUBLIC),
    (
        "get_event",
        {"event_ticker": "EV"},
        lambda c: c.get_event("EV"),
        {"with_nested_markets": "true"},
        PUBLIC,
    ),
    ("get_event_metadata", {"event_ticker": "EV"}, lambda c: c.get_event_metadata("EV"), {}, PUBLIC),
    (
        "get_markets",
        {},
        lambda c: c.get_markets(tickers=["A-1", "B-2"]),
        {"tickers": "A-1,B-2", **PAGE},
        PUBLIC,
    ),
    ("get_market", {"ticker": TICKER}, lambda c: c.get_market(TICKER), {}, PUBLIC),
    ("get_market_orderbook", {"ticker": TICKER}, lambda c: c.get_orderbook(TICKER), {}, PUBLIC),
    ("get_market_orderbooks", {}, lambda c: c.get_orderbooks([TICKER]), {"tickers": TICKER}, PUBLIC),
    (
        "get_market_candlesticks",
        {"series_ticker": "KXHIGHNY", "ticker": TICKER},
        lambda c: c.get_candlesticks("KXHIGHNY", TICKER, PERIOD),
        BARS,
        PUBLIC,
    ),
    (
        "batch_get_market_candlesticks",
        {},
        lambda c: c.get_candlesticks_of_markets([TICKER], PERIOD),
        {"market_tickers": TICKER, **BARS},
        PUBLIC,
    ),
    (
        "get_market_candlesticks_by_event",
        {"series_ticker": "S", "ticker": "E"},
        lambda c: c.get_event_candlesticks("S", "E", PERIOD),
        BARS,
        PUBLIC,
    ),
    (
        "get_event_forecast_percentiles_history",
        {"series_ticker": "S", "ticker": "E"},
        lambda c: c.get_forecast_percentile_history("S", "E", PERIOD, percentiles=[5000]),
        {"percentiles": "5000", **BARS},
        SIGNED,
    ),
    ("get_trades", {}, lambda c: c.get_trades(ticker=TICKER), {"ticker": TICKER, **PAGE}, PUBLIC),
    ("get_balance", {}, lambda c: c.get_balance(), {}, SIGNED),
    (
        "get_positions",
        {},
        lambda c: c.get_positions(),
        {"settlement_status": "unsettled", **PAGE},
        SIGNED,
    ),
    (
        "get_fills",
        {},
        lambda c: c.get_fills(order_id="x", since=PERIOD.start_at),
        {"order_id": "x", "min_ts": "1795262399", **PAGE},
        SIGNED,
    ),
    ("get_settlements", {}, lambda c: c.get_settlements(), PAGE, SIGNED),
    (
        "get_orders",
        {},
        lambda c: c.get_orders(ticker=TICKER, status=OrderStatus.RESTING),
        {"ticker": TICKER, "status": "resting", **PAGE},
        SIGNED,
    ),
    ("get_order", {"order_id": ORDER_ID}, lambda c: c.get_order(ORDER_ID), {}, SIGNED),
    (
        "get_order_queue_position",
        {"order_id": ORDER_ID},
        lambda c: c.get_queue_position(ORDER_ID),
        {},
        SIGNED,
    ),
    (
        "get_order_queue_positions",
        {},
        lambda c: c.get_queue_positions(tickers=[TICKER]),
        {"market_tickers": TICKER},
        SIGNED,
    ),
    ("get_deposits", {}, lambda c: c.get_deposits(), {"limit": "500"}, SIGNED),
    ("get_withdrawals", {}, lambda c: c.get_withdrawals(), {"limit": "500"}, SIGNED),
    ("get_historical_cutoff", {}, lambda c: c.get_historical_cutoff(), {}, PUBLIC),
    ("get_historical_markets", {}, lambda c: c.get_historical_markets(), PAGE, PUBLIC),
    ("get_historical_market", {"ticker": TICKER}, lambda c: c.get_historical_market(TICKER), {}, PUBLIC),
    (
        "get_market_candlesticks_historical",
        {"ticker": TICKER},
        lambda c: c.get_historical_candlesticks(TICKER, PERIOD),
        BARS,
        PUBLIC,
    ),
    ("get_trades_historical", {}, lambda c: c.get_historical_trades(), PAGE, PUBLIC),
    ("get_fills_historical", {}, lambda c: c.get_historical_fills(), PAGE, SIGNED),
    ("get_historical_orders", {}, lambda c: c.get_historical_orders(), PAGE, SIGNED),
    ("get_historical_positions", {}, lambda c: c.get_historical_positions(), PAGE, SIGNED),
]
