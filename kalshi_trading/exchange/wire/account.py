"""Convert account and order JSON to models, and orders to JSON.

Writes a user's order (buy 4 NO at 35¢) in the book's terms (ask 4 at 0.6500). Performs no I/O. Field names:
Kalshi Trade API v2, October 2026.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import TypeVar

from kalshi_trading.core.models import (
    Balance,
    BookSide,
    EventPosition,
    Fill,
    MarketResult,
    Order,
    OrderRequest,
    OrderStatus,
    Position,
    Settlement,
    Transfer,
)
from kalshi_trading.core.money import COUNT_GRAIN, ZERO, Contracts, Price
from kalshi_trading.core.records.acknowledgements import (
    AmendAcknowledgement,
    CancelAcknowledgement,
    OrderAcknowledgement,
)
from kalshi_trading.core.records.exchange import AccountLimits, EndpointCosts, TokenBucketLimit
from kalshi_trading.exchange.wire.fields import Fields, decode_rows

T = TypeVar("T")


def order_body(order: OrderRequest) -> dict[str, object]:
    """Return the body of a V2 create.

    Prices and counts are text, because the exchange rejects JSON numbers.
    """
    body: dict[str, object] = {
        "ticker": order.ticker,
        "client_order_id": order.client_order_id,
        "side": order.book_side.value,
        "count": _count(order.count),
        "price": _price(order.yes_price),
        "time_in_force": order.time_in_force.value,
        "self_trade_prevention_type": order.self_trade_prevention.value,
    }
    if order.post_only:
        body["post_only"] = True
    if order.reduce_only:
        body["reduce_only"] = True
    if order.expires_at is not None:
        body["expiration_time"] = int(order.expires_at.timestamp())
    return body


def _count(count: Contracts) -> str:
    written = count.quantize(COUNT_GRAIN)
    if written != count or count <= 0:
        raise ValueError(f"{count} is not a quantity the exchange accepts")
    return f"{written:f}"


def _price(price: Price) -> str:
    written = price.quantize(Decimal("0.0001"))
    if written != price or not 0 < price < 1:
        raise ValueError(f"{price} is not a price the exchange accepts")
    return f"{written:f}"


def order_acknowledgement(body: Fields) -> OrderAcknowledgement:
    return _acknowledgement(OrderAcknowledgement, body, body.exact_count)


def amend_acknowledgement(body: Fields) -> AmendAcknowledgement:
    return _acknowledgement(AmendAcknowledgement, body, body.optional_exact_count)


def _acknowledgement(
    kind: Callable[..., T], body: Fields, read_count: Callable[[str], Contracts | None]
) -> T:
    return kind(
        order_id=body.identifier("order_id"),
        client_order_id=body.optional_identifier("client_order_id"),
        fill_count=read_count("fill_count"),
        remaining_count=read_count("remaining_count"),
        average_fill_price=body.optional_decimal("average_fill_price"),
        average_fee_paid=body.optional_decimal("average_fee_paid"),
        at=body.moment_ms("ts_ms"),
    )


def cancel_acknowledgement(body: Fields) -> CancelAcknowledgement:
    return CancelAcknowledgement(
        order_id=body.identifier("order_id"),
        reduced_by=body.exact_count("reduced_by"),
        at=body.moment_ms("ts_ms"),
    )


def order(body: Fields) -> Order:
    return Order(
        order_id=body.identifier("order_id"),
        client_order_id=body.text("client_order_id"),
        ticker=body.ticker("ticker"),
        book_side=body.enum("book_side", BookSide),
        status=body.open_enum("status", OrderStatus, OrderStatus.UNKNOWN),
        yes_price=body.price("yes_price_dollars"),
        fill_count=body.count("fill_count_fp"),
        remaining_count=body.count("remaining_count_fp"),
        initial_count=body.count("initial_count_fp"),
        fill_cost=body.decimal("taker_fill_cost_dollars") + body.decimal("maker_fill_cost_dollars"),
        fees=body.decimal("taker_fees_dollars") + body.decimal("maker_fees_dollars"),
        created_at=body.display(body.optional_moment, "created_time"),
        updated_at=body.display(body.optional_moment, "last_update_time"),
        expires_at=body.optional_moment("expiration_time"),
        exchange_index=body.optional_whole("exchange_index"),
    )


def queue_position(body: Fields) -> tuple[str, Contracts]:
    """Read an order's id and the contracts ahead of it."""
    return body.identifier("order_id"), body.decimal("queue_position_fp")


def fill(body: Fields) -> Fill:
    return Fill(
        fill_id=body.identifier("fill_id"),
        order_id=body.identifier("order_id"),
        ticker=body.ticker("ticker"),
        book_side=body.enum("book_side", BookSide),
        count=body.count("count_fp"),
        yes_price=body.price("yes_price_dollars"),
        is_taker=body.flag("is_taker"),
        fee=body.decimal("fee_cost"),
        created_at=body.optional_moment("created_time"),
        subaccount=body.optional_whole("subaccount_number"),
    )


def balance(body: Fields) -> Balance:
    return Balance(
        cash=body.decimal("balance_dollars"),
        portfolio_value=body.display(body.cents, "portfolio_value"),
        updated_at=body.display(body.moment_s, "updated_ts"),
        by_shard=tuple(
            (row.whole("exchange_index"), row.display(row.decimal, "balance"))
            for row in body.optional_rows("balance_breakdown")
        ),
    )


def is_empty_position(body: Fields) -> bool:
    """Return True if the row has no contracts and no figures.

    Its profit can then only be computed from the fills.
    """
    figures = ("realized_pnl_dollars", "fees_paid_dollars", "total_traded_dollars")
    return not any(map(body.has, figures)) and body.optional_decimal("position_fp") == ZERO


def position(body: Fields) -> Position:
    net = body.decimal("position_fp")
    costs_nothing = net == ZERO and not body.has("market_exposure_dollars")
    return Position(
        ticker=body.ticker("ticker"),
        net=net,
        cost_basis=ZERO if costs_nothing else body.decimal("market_exposure_dollars"),
        realized_pnl=body.decimal("realized_pnl_dollars"),
        fees_paid=body.decimal("fees_paid_dollars"),
        total_traded=body.decimal("total_traded_dollars"),
        updated_at=body.display(body.moment, "last_updated_ts"),
        exchange_index=body.optional_whole("exchange_index"),
    )


def event_position(body: Fields) -> EventPosition:
    return EventPosition(
        event_ticker=body.ticker("event_ticker"),
        total_cost=body.display(body.optional_decimal, "total_cost_dollars"),
        contracts_traded=body.display(body.optional_decimal, "total_cost_shares_fp"),
        cost_basis=body.display(body.optional_decimal, "event_exposure_dollars"),
        realized_pnl=body.display(body.optional_decimal, "realized_pnl_dollars"),
        fees_paid=body.display(body.optional_decimal, "fees_paid_dollars"),
    )


def settlement(body: Fields) -> Settlement:
    return Settlement(
        ticker=body.ticker("ticker"),
        event_ticker=body.ticker("event_ticker"),
        result=body.open_enum("market_result", MarketResult, MarketResult.UNKNOWN),
        yes_count=body.count("yes_count_fp"),
        yes_cost=body.decimal("yes_total_cost_dollars"),
        no_count=body.count("no_count_fp"),
        no_cost=body.decimal("no_total_cost_dollars"),
        revenue=body.cents("revenue"),
        fees=body.decimal("fee_cost"),
        settled_at=body.moment("settled_time"),
        value=body.optional_cents("value"),
    )


def transfer(body: Fields) -> Transfer:
    return Transfer(
        transfer_id=body.identifier("id"),
        status=body.text("status"),
        method=body.display(body.text, "type") or "unknown",
        amount=body.cents("amount_cents"),
        fee=body.cents("fee_cents"),
        created_at=body.moment_s("created_ts"),
    )


def account_limits(body: Fields) -> AccountLimits:
    return AccountLimits(
        usage_tier=body.display(body.text, "usage_tier") or "unknown",
        read=_bucket(body.inner("read")),
        write=_bucket(body.inner("write")),
    )


def _bucket(body: Fields) -> TokenBucketLimit:
    return TokenBucketLimit(body.whole("refill_rate"), body.whole("bucket_capacity"))


def endpoint_costs(body: Fields) -> EndpointCosts:
    return EndpointCosts(
        default_cost=body.whole("default_cost"),
        exceptions=decode_rows(
            body.rows("endpoint_costs"),
            lambda row: (row.text("method").upper(), row.text("path"), row.whole("cost")),
        ).items,
    )
