"""Documented keys of the example answers, changed one at a time."""

from __future__ import annotations

import copy
import dataclasses
import re
from collections.abc import Iterator, Mapping
from typing import Any

from api_examples import EXACT
from api_reads import READS, Read

from kalshi_trading.exchange.wire.documented import ANSWERS, RECORDS
from kalshi_trading.kalshi_client import KalshiClient

REMOVED = object()
MONEY_OR_IDENTITY = {
    "account limits": {"read", "write"},
    "answer": {
        *("adjusted_end_ts", "as_of_time", "candlesticks", "default_cost", "deposits", "endpoint_costs"),
        *("event", "event_fee_changes", "events", "fills", "forecast_history", "market"),
        *("market_candlesticks", "market_positions", "market_tickers", "markets", "order", "orderbook_fp"),
        *("orderbooks", "orders", "queue_position_fp", "queue_positions", "schedule", "series"),
        *("series_fee_change_arr", "settlements", "trades", "withdrawals"),
    },
    "balance": {"balance_dollars"},
    "book of a market": {"ticker", "orderbook_fp"},
    "candlestick": {"end_period_ts", "price", "yes_ask", "yes_bid"},
    "candlesticks of a market": {"market_ticker"},
    "endpoint cost": {"cost", "method", "path"},
    "event": {"event_ticker", "series_ticker"},
    "event fee change": {"event_ticker", "scheduled_ts"},
    "event position": {"event_ticker"},
    "exchange status": {"exchange_active", "trading_active"},
    "fill": {
        *("book_side", "count_fp", "fee_cost", "fill_id", "is_taker", "order_id", "ticker"),
        "yes_price_dollars",
    },
    "forecast": {"end_period_ts", "percentile_points"},
    "historical candlestick": {"end_period_ts", "price", "yes_ask", "yes_bid"},
    "historical cutoff": {"market_settled_ts", "orders_updated_ts", "trades_created_ts"},
    "maintenance window": {"end_datetime", "start_datetime"},
    "market": {
        *("close_time", "event_ticker", "last_price_dollars", "market_type", "price_ranges", "result"),
        *("status", "ticker", "yes_ask_dollars", "yes_bid_dollars"),
    },
    "order": {
        *("book_side", "client_order_id", "fill_count_fp", "initial_count_fp", "maker_fees_dollars"),
        *("maker_fill_cost_dollars", "order_id", "remaining_count_fp", "status", "taker_fees_dollars"),
        *("taker_fill_cost_dollars", "ticker", "yes_price_dollars"),
    },
    "order book": {"no_dollars", "yes_dollars"},
    "percentile": {"numerical_forecast", "percentile"},
    "position": {
        *("fees_paid_dollars", "market_exposure_dollars", "position_fp", "realized_pnl_dollars", "ticker"),
        "total_traded_dollars",
    },
    "price range": {"end", "start", "step"},
    "rate limit": {"bucket_capacity", "refill_rate"},
    "series": {"fee_multiplier", "fee_type", "ticker"},
    "series fee change": {"fee_multiplier", "fee_type", "scheduled_ts", "series_ticker"},
    "session": {"close_time", "open_time"},
    "settlement": {
        *("event_ticker", "fee_cost", "market_result", "no_count_fp", "no_total_cost_dollars", "revenue"),
        *("settled_time", "ticker", "yes_count_fp", "yes_total_cost_dollars"),
    },
    "shard balance": {"exchange_index"},
    "shard status": {"exchange_active", "exchange_index", "trading_active"},
    "trade": {"count_fp", "created_time", "ticker", "trade_id", "yes_price_dollars"},
    "transfer": {"amount_cents", "created_ts", "fee_cents", "id", "status"},
}
"""Keys without which a record is refused, or loses more than one value. All others cost only themselves."""


class Exchange:
    """A transport that gives every read the same answer."""

    def __init__(self, body: Mapping[str, Any]) -> None:
        self._body = body

    def read(self, path: str, query: object = (), *, signed: bool = True) -> Mapping[str, Any]:
        return self._body


def answer_to(read: Read, body: Mapping[str, Any]) -> dict[str, object]:
    """Return what the client makes of an answer, as one value per path."""
    client: Any = KalshiClient(Exchange(body))  # type: ignore[arg-type]
    client._clock = lambda: None
    return dict(leaves(read[2](client)))


def leaves(value: object, path: str = "") -> Iterator[tuple[str, object]]:
    if dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            yield from leaves(getattr(value, field.name), f"{path}.{field.name}")
    elif isinstance(value, Mapping):
        for key, each in value.items():
            yield from leaves(each, f"{path}[{key}]")
    elif isinstance(value, tuple) and not hasattr(value, "_fields"):
        for index, each in enumerate(value):
            yield from leaves(each, f"{path}[{index}]")
    else:
        yield path, value


def route(text: str) -> str:
    return re.sub(r"{[a-z_]+}", "{}", text)


def cases() -> Iterator[tuple[str, Read, str]]:
    """Yield each example of a read, with the read and its endpoint."""
    reads = {route(EXACT["rest"][read[0]]["request"]): read for read in READS}
    endpoints = {route(endpoint): endpoint for endpoint in ANSWERS}
    for name, example in EXACT["rest"].items():
        where = route(example["request"])
        if where in reads:
            yield name, reads[where], endpoints[where]


def keys_of(endpoint: str, body: Mapping[str, Any]) -> Iterator[tuple[str, tuple[str | int, ...]]]:
    """Yield each documented key of an answer: its record and its path."""
    answer = ANSWERS[endpoint]
    yield from _keys(answer if answer in RECORDS else "answer", RECORDS.get(answer, answer), body, ())


def _keys(
    record: str, text: str, body: Mapping[str, Any], path: tuple[str | int, ...]
) -> Iterator[tuple[str, tuple[str | int, ...]]]:
    for each in text.split():
        key, _, kind = each.partition(":")
        inner = kind.strip("[]?").removesuffix("]")
        if key not in body or key == "cursor":
            continue
        yield record.replace("-", " "), (*path, key)
        if inner in RECORDS:
            for place, row in _rows(body[key], (*path, key)):
                yield from _keys(inner, RECORDS[inner], row, place)


def _rows(value: Any, path: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    if isinstance(value, Mapping):
        yield path, value
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield from _rows(each, (*path, index))


def value_at(body: Any, path: tuple[str | int, ...]) -> Any:
    return value_at(body[path[0]], path[1:]) if path else body


def without(body: Mapping[str, Any], path: tuple[str | int, ...], value: object) -> Any:
    changed = copy.deepcopy(body)
    place = value_at(changed, path[:-1])
    if value is REMOVED:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return changed


def last_page(body: Mapping[str, Any]) -> dict[str, Any]:
    return {key: "" if key == "cursor" else value for key, value in body.items()}
