"""Markets, books, orders and positions for tests of what is decided about an order before it is sent."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from kalshi_trading.market_models import BookLevel, FeeSchedule, FeeType, Market, MarketStatus, OrderBook
from kalshi_trading.models import BookSide, MarketResult, Order, OrderStatus, Position
from kalshi_trading.money import PriceBand, PriceGrid

NOW = datetime(2026, 11, 21, 14, 50, tzinfo=UTC)
TICKER = "KXHIGHNY-26NOV21-B46.5"
CENTS = PriceGrid((PriceBand(Decimal(0), Decimal(1), Decimal("0.01")),))
TAPERED = PriceGrid(
    (
        PriceBand(Decimal(0), Decimal("0.1"), Decimal("0.001")),
        PriceBand(Decimal("0.1"), Decimal("0.9"), Decimal("0.01")),
        PriceBand(Decimal("0.9"), Decimal(1), Decimal("0.001")),
    )
)
QUADRATIC = FeeSchedule(FeeType.QUADRATIC, Decimal(1))


def market(**changes):
    fields = {
        "ticker": TICKER,
        "event_ticker": "KXHIGHNY-26NOV21",
        "title": "Will the high temp in NYC be 46-47° on Nov 21, 2026?",
        "yes_label": "46° to 47°",
        "no_label": "46° to 47°",
        "scalar": False,
        "status": MarketStatus.ACTIVE,
        "status_word": "active",
        "open_at": NOW - timedelta(days=1),
        "close_at": NOW + timedelta(hours=14),
        "expected_expiration_at": None,
        "latest_expiration_at": NOW + timedelta(days=7),
        "settlement_timer_s": 3600,
        "yes_bid": Decimal("0.63"),
        "yes_bid_count": Decimal(120),
        "yes_ask": Decimal("0.65"),
        "yes_ask_count": Decimal("80.5"),
        "last_price": Decimal("0.65"),
        "volume": Decimal("18250.5"),
        "volume_24h": Decimal("17990.5"),
        "open_interest": Decimal(9120),
        "result": MarketResult.NONE,
        "settlement_value": None,
        "settled_at": None,
        "can_close_early": True,
        "fee_waiver_until": None,
        "rules_primary": "",
        "rules_secondary": "",
        "price_grid": CENTS,
        "exchange_index": 0,
    }
    return Market(**(fields | changes))


def levels(*rows):
    return tuple(BookLevel(Decimal(price), Decimal(count)) for price, count in rows)


def book(yes=(("0.63", "120"), ("0.62", "310")), no=(("0.35", "80.5"), ("0.34", "200"))):
    return OrderBook(TICKER, levels(*yes), levels(*no), NOW)


def order(book_side, yes_price, remaining, **changes):
    remaining = Decimal(remaining)
    fields = {
        "order_id": "a1c5e7d2-3333-4a6b-9c20-7f3e5d8b0003",
        "client_order_id": "0d9f6c3e-0003-4b7a-8e55-c0ffee000003",
        "ticker": TICKER,
        "book_side": BookSide(book_side),
        "status": OrderStatus.RESTING,
        "yes_price": Decimal(yes_price),
        "fill_count": Decimal(0),
        "remaining_count": remaining,
        "initial_count": remaining,
        "fill_cost": Decimal(0),
        "fees": Decimal(0),
        "created_at": NOW,
        "updated_at": None,
        "expires_at": None,
        "exchange_index": 0,
    }
    return Order(**(fields | changes))


def position(net, cost_basis):
    return Position(
        ticker=TICKER,
        net=Decimal(net),
        cost_basis=Decimal(cost_basis),
        realized_pnl=Decimal(0),
        fees_paid=Decimal(0),
        total_traded=Decimal(cost_basis),
        updated_at=NOW,
        exchange_index=0,
    )
