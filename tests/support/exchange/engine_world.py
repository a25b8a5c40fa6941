"""A small exchange for engine tests: one series, money in dollars.

The test sets its clock.
"""

from __future__ import annotations

import itertools
from copy import deepcopy
from decimal import Decimal
from typing import Any

from kalshi_trading.practice.engine.exchange import Exchange, NewOrder
from kalshi_trading.practice.engine.matching import PlaceResult
from kalshi_trading.practice.records import (
    ONE_SECOND,
    BookSide,
    Event,
    FeeType,
    Market,
    Position,
    SelfTradePrevention,
    Series,
    TimeInForce,
)

START = 1_795_248_000 * ONE_SECOND
HOUR = 3_600 * ONE_SECOND
BID, ASK = BookSide.BID, BookSide.ASK
GTC = TimeInForce.GOOD_TILL_CANCELED
IOC = TimeInForce.IMMEDIATE_OR_CANCEL
FOK = TimeInForce.FILL_OR_KILL
TICKER = "KXRAIN-26NOV21-NYC"


def price(dollars: str) -> int:
    return int(Decimal(dollars) * 10_000)


def count(contracts: str) -> int:
    return int(Decimal(contracts) * 100)


def money(dollars: str) -> int:
    return int(Decimal(dollars) * 1_000_000)


class Sink:
    """Keeps a copy of each record as of its last change, by kind and key."""

    def __init__(self) -> None:
        self.records: dict[str, dict[str, Any]] = {}

    def record_change(self, kind: str, key: str, record: object) -> None:
        self.records.setdefault(kind, {})[key] = deepcopy(record)


class World:
    """An exchange with open markets and two users with $1,000 each.

    The users are `ann` and `bob`.
    """

    def __init__(
        self,
        *,
        fee_type: FeeType = FeeType.QUADRATIC,
        multiplier: int = 100,
        grid: str = "linear_cent",
        tickers: tuple[str, ...] = (TICKER,),
        scalar: bool = False,
        sink: Sink | None = None,
    ) -> None:
        self.now = START
        self._ids = itertools.count(1)
        self._client_ids = itertools.count(1)
        self.exchange = Exchange(clock=lambda: self.now, new_id=lambda: f"id-{next(self._ids)}", changes=sink)
        self.exchange.add_series(
            Series("KXRAIN", "Rain", "Climate", [], "daily", fee_type, multiplier, "NWS", START)
        )
        self.exchange.add_event(Event("KXRAIN-26NOV21", "KXRAIN", "Rain?", "", False, None, START))
        for ticker in tickers:
            self.exchange.add_market(market(ticker, grid=grid, scalar=scalar))
        self.open_account("ann", "1000")
        self.open_account("bob", "1000")
        self.open_account("sim", None)
        self.exchange.advance()

    def open_account(self, account_id: str, dollars: str | None) -> None:
        self.exchange.open_account(account_id, simulated=dollars is None)
        if dollars is not None:
            self.exchange.deposit(account_id, money(dollars))

    def held(self, account_id: str) -> Position:
        """Return an account's position in TICKER; it must have traded it."""
        position = self.exchange.position(account_id, TICKER)
        assert position is not None
        return position

    def place(
        self,
        account_id: str,
        side: BookSide,
        contracts: str,
        dollars: str,
        time_in_force: TimeInForce = GTC,
        **others: Any,
    ) -> PlaceResult:
        """Place `contracts` at a YES price of `dollars`, check all invariants."""
        others.setdefault("ticker", TICKER)
        others.setdefault("client_order_id", f"client-{next(self._client_ids)}")
        others.setdefault("self_trade_prevention", SelfTradePrevention.TAKER_AT_CROSS)
        new = NewOrder(
            side=side, price=price(dollars), count=count(contracts), time_in_force=time_in_force, **others
        )
        try:
            return self.exchange.place(account_id, new)
        finally:
            self.exchange.check()

    def trade(self, buyer: str, seller: str, contracts: str, dollars: str) -> None:
        """Trade `contracts`: the seller offers, the buyer takes YES."""
        self.place(seller, ASK, contracts, dollars)
        self.place(buyer, BID, contracts, dollars, IOC)

    def close_and_determine(self, value: int, ticker: str = TICKER) -> None:
        self.now = max(self.now, self.exchange.markets[ticker].close_at)
        self.exchange.advance()
        self.exchange.determine(ticker, value, "seen")

    def settle(self, value: int, ticker: str = TICKER) -> None:
        self.close_and_determine(value, ticker)
        self.now += self.exchange.markets[ticker].settlement_timer_s * ONE_SECOND
        self.exchange.advance()
        self.exchange.check()


def market(ticker: str, *, grid: str = "linear_cent", scalar: bool = False, **others: Any) -> Market:
    terms: dict[str, Any] = {
        "created_at": START - HOUR,
        "updated_at": START - HOUR,
        "open_at": START - HOUR,
        "close_at": START + 10 * HOUR,
        "expected_expiration_at": START + 11 * HOUR,
        "latest_expiration_at": START + 20 * HOUR,
        "settlement_timer_s": 60,
        "event_ticker": "KXRAIN-26NOV21",
        "series_ticker": "KXRAIN",
    }
    return Market(
        ticker=ticker,
        title="Will it rain?",
        yes_sub_title="Rain",
        no_sub_title="Rain",
        rules_primary="",
        rules_secondary="",
        scalar=scalar,
        grid=grid,
        strike_type=None,
        floor_strike=None,
        cap_strike=None,
        initial_value=5_000,
        **(terms | others),
    )


def restored(world: World, sink: Sink) -> Exchange:
    stored = deepcopy(sink.records)
    exchange = Exchange(clock=lambda: world.now, new_id=lambda: "after")
    exchange.restore(
        series=stored["series"].values(),
        events=stored["event"].values(),
        markets=stored["market"].values(),
        accounts=stored["account"].values(),
        orders=reversed(stored.get("order", {}).values()),
        positions=stored.get("position", {}).values(),
        fills=stored.get("fill", {}).values(),
        trades=stored.get("trade", {}).values(),
        settlements=stored.get("settlement", {}).values(),
        floor_changes=stored.get("floor", {}).values(),
        balances=stored["balance"],
    )
    return exchange
