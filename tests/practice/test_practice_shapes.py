"""Every answer has the fields, the nesting and the number formats of the recorded examples."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from practice_desk import Desk

EXAMPLES = json.loads((Path(__file__).parent.parent / "data" / "api_examples.json").read_text())["rest"]

FORMATS = {
    "uuid": re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"),
    "time": re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z"),
    "two decimals": re.compile(r"-?\d+\.\d{2}"),
    "four decimals": re.compile(r"-?\d+\.\d{4}"),
    "six decimals": re.compile(r"-?\d+\.\d{6}"),
}
# Labels that only look like numbers or ids in the examples.
FREE_TEXT = {"fill_id", "trade_id", "expiration_value", "id", "client_order_id"}
# May be absent: nothing of the kind exists in this world.
OPTIONAL = {
    "early_close_condition", "order_group_id", "strike_type", "floor_strike", "cap_strike",
    "average_fill_price", "average_fee_paid", "expiration_time", "cancel_order_on_pause",
    "open_dollars", "low_dollars", "high_dollars", "close_dollars", "mean_dollars", "previous_dollars",
    "settlement_value_dollars", "settlement_ts", "expires_ts",
}  # fmt: skip


def form(text: str) -> str:
    return next((name for name, pattern in FORMATS.items() if pattern.fullmatch(text)), "text")


def differences(example: Any, real: Any, where: str) -> list[str]:
    """Tell where a real answer departs from the example; lists are compared by their first rows."""
    name = where.rpartition(".")[2]
    if isinstance(example, dict) and isinstance(real, dict):
        missing = {f"{where}.{key} is missing" for key in example.keys() - real.keys() - OPTIONAL}
        extra = {f"{where}.{key} is new" for key in real.keys() - example.keys() - OPTIONAL}
        inner = [
            differences(example[key], real[key], f"{where}.{key}") for key in example.keys() & real.keys()
        ]
        return sorted(missing | extra) + [line for lines in inner for line in lines]
    if isinstance(example, list) and isinstance(real, list):
        if name in ("yes_dollars", "no_dollars") and isinstance(example[0], str):
            pairs = enumerate(zip(example, real, strict=True))
            return [line for index, pair in pairs for line in differences(*pair, f"{where}[{index}]")]
        if example and real:
            return [line for row in real for line in differences(example[0], row, where)]
        return []
    if example is None or real is None:
        return []
    if isinstance(example, str) and isinstance(real, str):
        if name in FREE_TEXT or form(example) == form(real):
            return []
        return [f"{where}: {real!r} is not written like {example!r}"]
    numbers = isinstance(example, (int, float)) and isinstance(real, (int, float))
    same = isinstance(example, bool) == isinstance(real, bool) and (numbers or type(example) is type(real))
    return [] if same else [f"{where}: {real!r} is not of the kind of {example!r}"]


def span(desk: Desk) -> str:
    now = desk.clock.now() // 1_000_000
    return f"start_ts={now - 7200}&end_ts={now}&period_interval=60&include_latest_before_start=true"


def resting(desk: Desk) -> str:
    return str(desk.order(desk.liquid_market(), "bid", 100).body["order_id"])


Target = Callable[[Desk], str]
TARGETS: dict[str, Target] = {
    "get_exchange_status": lambda d: "/exchange/status",
    "get_exchange_schedule": lambda d: "/exchange/schedule",
    "get_user_data_timestamp": lambda d: "/exchange/user_data_timestamp",
    "get_series_fee_changes": lambda d: "/series/fee_changes?show_historical=true",
    "get_series_list": lambda d: "/series?include_volume=true",
    "get_series": lambda d: "/series/KXHIGHNY?include_volume=true",
    "get_events": lambda d: "/events?limit=200",
    "get_event": lambda d: f"/events/{d.liquid_market().event_ticker}",
    "get_event_metadata": lambda d: f"/events/{d.liquid_market().event_ticker}/metadata",
    "get_event_fee_changes": lambda d: "/events/fee_changes",
    "get_multivariate_events": lambda d: "/events/multivariate",
    "get_markets": lambda d: "/markets?limit=1000",
    "get_market": lambda d: f"/markets/{d.liquid_market().ticker}",
    "get_market_orderbook": lambda d: f"/markets/{d.liquid_market().ticker}/orderbook",
    "get_market_orderbooks": lambda d: f"/markets/orderbooks?tickers={d.liquid_market().ticker}",
    "get_market_candlesticks": lambda d: (
        f"/series/{d.liquid_market().series_ticker}/markets/{d.liquid_market().ticker}/candlesticks?{span(d)}"
    ),
    "batch_get_market_candlesticks": lambda d: (
        f"/markets/candlesticks?market_tickers={d.liquid_market().ticker}&{span(d)}"
    ),
    "get_market_candlesticks_by_event": lambda d: (
        f"/series/{d.liquid_market().series_ticker}/events/{d.liquid_market().event_ticker}/candlesticks?{span(d)}"
    ),
    "get_trades": lambda d: "/markets/trades?limit=50",
    "get_balance": lambda d: "/portfolio/balance",
    "get_positions": lambda d: "/portfolio/positions",
    "get_fills": lambda d: "/portfolio/fills",
    "get_orders": lambda d: "/portfolio/orders",
    "get_order": lambda d: f"/portfolio/orders/{resting(d)}",
    "get_order_queue_position": lambda d: f"/portfolio/orders/{resting(d)}/queue_position",
    "get_order_queue_positions": lambda d: (
        f"/portfolio/orders/queue_positions?event_ticker={d.liquid_market().event_ticker}"
    ),
    "get_deposits": lambda d: "/portfolio/deposits",
    "get_withdrawals": lambda d: "/portfolio/withdrawals",
    "get_historical_cutoff": lambda d: "/historical/cutoff",
    "get_historical_markets": lambda d: "/historical/markets",
    "get_trades_historical": lambda d: "/historical/trades",
    "get_fills_historical": lambda d: "/historical/fills",
    "get_historical_orders": lambda d: "/historical/orders",
    "get_historical_positions": lambda d: "/historical/positions",
    "get_account_api_limits": lambda d: "/account/limits",
    "get_account_endpoint_costs": lambda d: "/account/endpoint_costs",
}


@pytest.mark.parametrize("name", TARGETS)
def test_answer_is_written_like_the_example(desk: Desk, name: str) -> None:
    market = desk.liquid_market()
    desk.order(market, "bid", desk.world.touch_of(market.ticker).ask or 0)
    desk.order(market, "bid", 100, expiration_time=desk.clock.now() // 1_000_000 + 600)
    real = desk.get(TARGETS[name](desk))
    assert differences(EXAMPLES[name]["body"], real, name) == []


def test_settled_market_and_settlement_are_written_like_the_examples(desk: Desk) -> None:
    market = desk.liquid_market()
    desk.order(market, "bid", desk.world.touch_of(market.ticker).ask or 0)
    desk.clock.move((market.close_at - desk.clock.now()) / 1_000_000 + 3 * 3600)
    desk.world.tick()
    settlements = desk.get("/portfolio/settlements")
    assert len(settlements["settlements"]) == 1
    assert differences(EXAMPLES["get_settlements"]["body"], settlements, "settlements") == []
    settled = desk.get(f"/markets/{market.ticker}")["market"]
    assert {"settlement_value_dollars", "settlement_ts"} <= settled.keys()
    example = {
        **EXAMPLES["get_market"]["body"]["market"],
        **EXAMPLES["get_historical_market"]["body"]["market"],
    }
    assert differences(example, settled, "market") == []


def test_created_and_canceled_orders_are_written_like_the_examples(desk: Desk) -> None:
    market = desk.liquid_market()
    created = desk.order(market, "bid", desk.world.touch_of(market.ticker).ask or 0)
    assert created.status == EXAMPLES["create_order_v2"]["status"] == 201
    assert differences(EXAMPLES["create_order_v2"]["body"], created.body, "created") == []
    canceled = desk.send("DELETE", f"/portfolio/events/orders/{resting(desk)}?market_ticker={market.ticker}")
    assert canceled.status == EXAMPLES["cancel_order_v2"]["status"] == 200
    assert differences(EXAMPLES["cancel_order_v2"]["body"], canceled.body, "canceled") == []


def test_every_served_example_is_compared() -> None:
    written_elsewhere = {
        "create_order_v2", "cancel_order_v2", "get_settlements", "get_historical_market",
    }  # fmt: skip
    not_served = {"get_market_candlesticks_historical", "get_event_forecast_percentiles_history"}
    assert EXAMPLES.keys() - TARGETS.keys() == written_elsewhere | not_served


def test_order_book_has_the_best_price_last(desk: Desk) -> None:
    market = desk.liquid_market()
    book = desk.get(f"/markets/{market.ticker}/orderbook")["orderbook_fp"]
    best = desk.world.touch_of(market.ticker)
    assert best.bid is not None
    assert best.ask is not None
    assert book["yes_dollars"][-1][0] == f"{best.bid / 10_000:.4f}"
    assert book["no_dollars"][-1][0] == f"{1 - best.ask / 10_000:.4f}"
    assert book["yes_dollars"] == sorted(book["yes_dollars"])
    assert desk.get(f"/markets/{market.ticker}/orderbook?depth=1")["orderbook_fp"] == {
        side: levels[-1:] for side, levels in book.items()
    }


def test_unopened_market_shows_no_quotes_the_other_way_round(desk: Desk) -> None:
    market = desk.get("/markets?status=unopened&limit=1")["markets"][0]
    assert (market["yes_bid_dollars"], market["yes_ask_dollars"]) == ("0.0000", "0.0000")
    assert (market["no_bid_dollars"], market["no_ask_dollars"]) == ("1.0000", "1.0000")
