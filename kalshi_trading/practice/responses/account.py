"""JSON of an account's own records in the exchange's format.

Each field is written by hand. Never reads JSON and never decides what a client may see.
Source: Kalshi API, portfolio reads and orders V2.
"""

from __future__ import annotations

from collections.abc import Iterable

from kalshi_trading.practice.accounting.positions import exposure
from kalshi_trading.practice.engine.matching import PlaceResult
from kalshi_trading.practice.records import (
    ONE_CENT,
    ONE_CENT_PRICE,
    ONE_DOLLAR_PRICE,
    ONE_SECOND,
    BookSide,
    Fill,
    Order,
    Position,
    Settlement,
)
from kalshi_trading.practice.responses.markets import SHARD, Json, count, money, outcome_side, price, time
from kalshi_trading.practice.simulation.bank import Transfer, id_of

_PRIMARY = 0  # the only subaccount
_LOCATION_VALID_UNTIL_S = 2_082_758_400  # the start of 2036


def balance(available: int, positions_value: int, now: int) -> Json:
    """Return the JSON of available cash and the value of positions.

    Inputs are in millionths of a dollar. Cents are rounded down.
    """
    dollars = money(available)[:-2]
    return {
        "balance": available // ONE_CENT,
        "balance_dollars": dollars,
        "portfolio_value": positions_value // ONE_CENT,
        "updated_ts": now // ONE_SECOND,
        "balance_breakdown": [{"exchange_index": SHARD, "balance": dollars}],
    }


def subaccount_balance(available: int, now: int) -> Json:
    """Return the JSON of the cash of the only subaccount."""
    return {
        "subaccount_number": _PRIMARY,
        "exchange_index": SHARD,
        "balance": money(available)[:-2],
        "updated_ts": now // ONE_SECOND,
    }


def subaccount_netting() -> Json:
    """Return the JSON of netting, which the practice exchange does not have."""
    return {"subaccount_number": _PRIMARY, "enabled": False, "exchange_index": SHARD}


def api_keys(key_ids: Iterable[str]) -> Json:
    """Return the JSON of an account's keys, which may read and write."""
    rows = [
        {
            "api_key_id": key_id,
            "name": "Practice",
            "scopes": ["read", "write"],
            "subaccount": None,
            "fcm_subtrader_id": None,
        }
        for key_id in key_ids
    ]
    return {"api_keys": rows, "api_key_region_expiration_ts": _LOCATION_VALID_UNTIL_S}


def order(record: Order) -> Json:
    """Return the JSON of an order as portfolio reads show it."""
    answer = {
        "order_id": record.order_id,
        "user_id": record.account_id,
        "client_order_id": record.client_order_id,
        "ticker": record.ticker,
        **_legacy_direction(record.side),
        "outcome_side": outcome_side(record.side),
        "book_side": record.side,
        "type": "limit",
        "status": record.status,
        "yes_price_dollars": price(record.price),
        "no_price_dollars": price(ONE_DOLLAR_PRICE - record.price),
        "fill_count_fp": count(record.fill_count),
        "remaining_count_fp": count(record.remaining_count),
        "initial_count_fp": count(record.initial_count),
        "taker_fill_cost_dollars": money(record.taker_fill_cost),
        "maker_fill_cost_dollars": money(record.maker_fill_cost),
        "taker_fees_dollars": money(record.taker_fees),
        "maker_fees_dollars": money(record.maker_fees),
        "created_time": time(record.created_at),
        "last_update_time": time(record.updated_at),
        "self_trade_prevention_type": record.self_trade_prevention,
        "subaccount_number": _PRIMARY,
        "exchange_index": SHARD,
    }
    if record.expires_at is not None:
        answer["expiration_time"] = time(record.expires_at)
    if record.cancel_order_on_pause:
        answer["cancel_order_on_pause"] = True
    return answer


def created_order(placed: PlaceResult) -> Json:
    """Return the JSON of a new order's immediate outcome.

    Average price and fee are per contract and absent if nothing filled.
    """
    record = placed.order
    answer = {
        "order_id": record.order_id,
        "client_order_id": record.client_order_id,
        "fill_count": count(record.fill_count),
        "remaining_count": count(record.remaining_count),
        "ts_ms": record.created_at // 1000,
    }
    filled = sum(part.count for part in placed.fills)
    if filled:
        notional = sum(part.price * part.count for part in placed.fills)
        fees = sum(part.fee for part in placed.fills)
        answer["average_fill_price"] = price(_round_half_up(notional, filled))
        answer["average_fee_paid"] = price(_round_half_up(fees, filled))
    return answer


def canceled_order(record: Order, reduced_by: int) -> Json:
    """Return the JSON of the contracts a cancel removed from the book."""
    return {
        "order_id": record.order_id,
        "client_order_id": record.client_order_id,
        "reduced_by": count(reduced_by),
        "ts_ms": record.updated_at // 1000,
    }


def queue_position(record: Order, ahead: int) -> Json:
    """Return the JSON of the number of contracts ahead of an order."""
    return {
        "order_id": record.order_id,
        "market_ticker": record.ticker,
        "queue_position_fp": count(ahead),
    }


def fill(record: Fill) -> Json:
    """Return the JSON of one fill of an account's order."""
    return {
        "fill_id": record.trade_id,
        "trade_id": record.trade_id,
        "order_id": record.order_id,
        "ticker": record.ticker,
        "market_ticker": record.ticker,
        "exchange_index": SHARD,
        **_legacy_direction(record.side),
        "outcome_side": outcome_side(record.side),
        "book_side": record.side,
        "count_fp": count(record.count),
        "yes_price_dollars": price(record.price),
        "no_price_dollars": price(ONE_DOLLAR_PRICE - record.price),
        "is_taker": record.is_taker,
        "created_time": time(record.created_at),
        "fee_cost": money(record.fee),
        "subaccount_number": _PRIMARY,
        "ts": record.created_at // ONE_SECOND,
    }


def market_position(record: Position) -> Json:
    """Return the JSON of a position in one market; NO counts are negative."""
    return {
        "ticker": record.ticker,
        "exchange_index": SHARD,
        "total_traded_dollars": money(record.yes_cost + record.no_cost),
        "position_fp": count(record.count),
        "market_exposure_dollars": money(exposure(record)),
        "realized_pnl_dollars": money(record.realized_pnl),
        "fees_paid_dollars": money(record.fees_paid),
        "last_updated_ts": time(record.updated_at),
    }


def event_position(event_ticker: str, records: Iterable[Position]) -> Json:
    """Return the JSON of an account's total over the markets of one event."""
    rows = list(records)
    return {
        "event_ticker": event_ticker,
        "total_cost_dollars": money(sum(row.yes_cost + row.no_cost for row in rows)),
        "total_cost_shares_fp": count(sum(row.yes_bought + row.no_bought for row in rows)),
        "event_exposure_dollars": money(sum(exposure(row) for row in rows)),
        "realized_pnl_dollars": money(sum(row.realized_pnl for row in rows)),
        "fees_paid_dollars": money(sum(row.fees_paid for row in rows)),
    }


def settlement(record: Settlement, market_result: str) -> Json:
    """Return the JSON of a market's payout.

    `revenue` is in cents, rounded down; the balance receives the exact payout.
    """
    return {
        "ticker": record.ticker,
        "exchange_index": SHARD,
        "event_ticker": record.event_ticker,
        "market_result": market_result,
        "yes_count_fp": count(record.yes_count),
        "yes_total_cost_dollars": money(record.yes_cost),
        "no_count_fp": count(record.no_count),
        "no_total_cost_dollars": money(record.no_cost),
        "revenue": record.revenue // ONE_CENT,
        "settled_time": time(record.settled_at),
        "fee_cost": money(record.fees),
        "value": record.value // ONE_CENT_PRICE,
    }


def transfer(record: Transfer) -> Json:
    """Return the JSON of a deposit or withdrawal of practice money."""
    answer: Json = {
        "id": id_of(record),
        "status": record.status,
        "type": "ach",
        "amount_cents": record.amount // ONE_CENT,
        "fee_cents": record.fee // ONE_CENT,
        "created_ts": record.created_at // ONE_SECOND,
    }
    if record.finalized_at is not None:
        answer["finalized_ts"] = record.finalized_at // ONE_SECOND
    return answer


def _legacy_direction(side: BookSide) -> Json:
    """Return the old words for a direction; an ask reads as buying NO.

    Whether the real exchange says so for asks is unproven.
    """
    return {"side": outcome_side(side), "action": "buy"}


def _round_half_up(total: int, parts: int) -> int:
    """Return the quotient rounded to the nearest integer, halves up."""
    return (2 * total + parts) // (2 * parts)
