"""Model records for tests: one market, its book and an account."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal as D

from kalshi_trading.core.market_models import (
    BookLevel,
    FeeSchedule,
    FeeType,
    Market,
    MarketStatus,
    OrderBook,
)
from kalshi_trading.core.models import (
    Action,
    Balance,
    BookSide,
    Fill,
    MarketResult,
    Order,
    OrderStatus,
    Position,
    Settlement,
    Side,
)
from kalshi_trading.core.money import ZERO, PriceBand, PriceGrid
from kalshi_trading.core.results import Fetched
from kalshi_trading.core.valuation import Mark, mark_price
from kalshi_trading.orders.pretrade.context import DayTotals, OrderContext
from kalshi_trading.orders.pretrade.preview import OrderPreview
from kalshi_trading.orders.pretrade.pricing import build_preview
from kalshi_trading.orders.pretrade.ticket import OrderTicket
from kalshi_trading.portfolio.ledger import market_ledger
from kalshi_trading.portfolio.snapshot import PortfolioSnapshot, PositionPnl
from kalshi_trading.settings.options import Limits

ORDER_ID = "a1c5e7d2-1111-4a6b-9c20-7f3e5d8b0001"
NOW = datetime(2026, 11, 21, 15, 0, tzinfo=UTC)
CENTS = PriceGrid((PriceBand(D(0), D(1), D("0.01")),))

MARKET = Market(
    ticker="KXHIGHNY-26NOV21-B46.5",
    event_ticker="KXHIGHNY-26NOV21",
    title="Will the high temperature in New York be 46° to 47°?",
    yes_label="46° to 47°",
    no_label="46° to 47°",
    scalar=False,
    status=MarketStatus.ACTIVE,
    status_word="active",
    open_at=NOW - timedelta(days=1),
    close_at=NOW + timedelta(hours=12),
    expected_expiration_at=None,
    occurs_at=None,
    latest_expiration_at=NOW + timedelta(days=7),
    settlement_timer_s=3600,
    yes_bid=D("0.63"),
    yes_bid_count=D(120),
    yes_ask=D("0.65"),
    yes_ask_count=D("80.5"),
    last_price=D("0.65"),
    volume=D("18250.5"),
    volume_24h=D("17990.5"),
    open_interest=D(9120),
    result=MarketResult.NONE,
    settlement_value=None,
    settled_at=None,
    can_close_early=True,
    early_close_condition=None,
    fee_waiver_until=None,
    rules_primary="Resolves to Yes between 46° and 47°.",
    rules_secondary="",
    price_grid=CENTS,
    exchange_index=0,
)

BOOK = OrderBook(
    ticker=MARKET.ticker,
    yes_bids=(BookLevel(D("0.63"), D(120)), BookLevel(D("0.62"), D(310)), BookLevel(D("0.55"), D(20))),
    no_bids=(BookLevel(D("0.35"), D("80.5")), BookLevel(D("0.34"), D(200)), BookLevel(D("0.30"), D(55))),
    as_of=NOW,
)

QUADRATIC = FeeSchedule(FeeType.QUADRATIC, D(1))


def floored(floor: str | None, **changes: object) -> Market:
    """Return MARKET with a settlement floor.

    None: the exchange does not report it.
    """
    grid = replace(CENTS, floor=None if floor is None else D(floor))
    return replace(MARKET, scalar=True, settlement_bounds_type="floor", price_grid=grid, **changes)


def position(net: str, cost: str) -> Position:
    return Position(MARKET.ticker, D(net), D(cost), ZERO, ZERO, D(cost), NOW, 0)


def order(book_side: BookSide | str, yes_price: str, count: object = "10", **changes: object) -> Order:
    """Return an order. RESTING: all of count remains. Any other status: none."""
    status = changes.get("status", OrderStatus.RESTING)
    fields: dict[str, object] = {
        "order_id": ORDER_ID,
        "client_order_id": "0d9f6c3e-0001-4b7a-8e55-c0ffee000001",
        "ticker": MARKET.ticker,
        "book_side": BookSide(book_side),
        "status": status,
        "yes_price": D(yes_price),
        "fill_count": ZERO,
        "remaining_count": D(str(count)) if status is OrderStatus.RESTING else ZERO,
        "initial_count": D(str(count)),
        "fill_cost": ZERO,
        "fees": ZERO,
        "created_at": NOW,
        "updated_at": NOW,
        "expires_at": None,
        "exchange_index": 0,
    }
    return Order(**{**fields, **changes})  # type: ignore[arg-type]


def settlement(*, yes: tuple[str, str], no: tuple[str, str], revenue: str) -> Settlement:
    return Settlement(
        ticker=MARKET.ticker,
        event_ticker=MARKET.event_ticker,
        result=MarketResult.NO,
        yes_count=D(yes[0]),
        yes_cost=D(yes[1]),
        no_count=D(no[0]),
        no_cost=D(no[1]),
        revenue=D(revenue),
        fees=ZERO,
        settled_at=NOW,
        value=ZERO,
    )


def order_ticket(action: Action, side: Side, count: str, price: str | None, **more: object) -> OrderTicket:
    """Return a ticket for MARKET. Without a price it is a market order."""
    return OrderTicket(MARKET.ticker, action, side, D(count), None if price is None else D(price), **more)


def preview(
    ticket: OrderTicket,
    *,
    held: str = "0",
    cost: str = "0",
    resting: tuple[Order, ...] = (),
    book: OrderBook = BOOK,
    market: Market = MARKET,
) -> OrderPreview:
    """Price a ticket on MARKET with $1,000 and the given position."""
    context = OrderContext(
        market=market,
        book=book,
        fees=QUADRATIC,
        cash=D(1000),
        position=position(held, cost) if held != "0" else None,
        resting=resting,
        recent=(),
        today=DayTotals(),
        at=NOW,
    )
    return build_preview(ticket, context, limits=Limits(), read_only=False, client_order_id="0d9f6c3e-0001")


# --- An account -----------------------------------------------------------------------------------


def fill(
    book_side: BookSide | str,
    count: str,
    yes_price: str,
    *,
    fee: str = "0",
    at: datetime | None = NOW,
    ticker: str = MARKET.ticker,
    fill_id: str | None = None,
    order_id: str = ORDER_ID,
) -> Fill:
    """Return a fill, by default with an id made from its fields."""
    return Fill(
        fill_id=fill_id or f"{ticker} {at} {book_side} {count} {yes_price}",
        order_id=order_id,
        ticker=ticker,
        book_side=BookSide(book_side),
        count=D(count),
        yes_price=D(yes_price),
        is_taker=fee != "0",
        fee=D(fee),
        created_at=at,
    )


def held(
    net: str,
    cost: str,
    *fills: Fill,
    market: Market | None = MARKET,
    mark: Mark = Mark.BEST_BID,
    ticker: str = MARKET.ticker,
) -> PositionPnl:
    """Return a position at its mark, with a ledger of these fills.

    Without fills it has the exchange's figures.
    """
    row = replace(position(net, cost), ticker=ticker)
    ledger = market_ledger(ticker, fills, position=row, settlement=None) if fills else None
    return PositionPnl(row, market, mark_price(row, market, mark), ledger)


def snapshot(*rows: PositionPnl, **parts: object) -> PortfolioSnapshot:
    """Return an account with these positions and $96.3683 of cash.

    `parts` replaces its fields.
    """
    ledgers = {row.position.ticker: row.ledger for row in rows if row.ledger is not None}
    whole: dict[str, object] = {
        "mark": Mark.BEST_BID,
        "balance": Fetched(Balance(D("96.3683"), D("3.78"), NOW, ())),
        "positions": Fetched(rows),
        "resting": Fetched(()),
        "settlements": Fetched(()),
        "fills": Fetched(sum(len(each.fills) for each in ledgers.values())),
        "deposits": Fetched(()),
        "withdrawals": Fetched(()),
        "ledgers": ledgers,
        "markets": {row.position.ticker: row.market for row in rows if row.market is not None},
    }
    return PortfolioSnapshot(as_of=NOW, **{**whole, **parts})  # type: ignore[arg-type]
