"""Accounts at an in-process practice exchange, each with its portfolio.

Only the histories trade there. The portfolio reads an account through the client, like the program.
"""

from __future__ import annotations

import asyncio
import itertools
import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar
from urllib.parse import urlencode

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from engine_world import HOUR, market
from practice_client import ROOT, START, PracticeClient, ask

from kalshi_trading.core.valuation import Mark
from kalshi_trading.exchange.http.answers import parse_json
from kalshi_trading.exchange.http.transport import Query
from kalshi_trading.kalshi_client import KalshiClient
from kalshi_trading.portfolio.snapshot import PortfolioSnapshot
from kalshi_trading.portfolio_tracker import PortfolioTracker
from kalshi_trading.practice.assumptions import Assumptions
from kalshi_trading.practice.engine.exchange import NewOrder, Refusal
from kalshi_trading.practice.records import (
    ONE_DOLLAR,
    BookSide,
    Event,
    FeeType,
    SelfTradePrevention,
    Series,
    TimeInForce,
)
from kalshi_trading.practice.server.app import build_app
from kalshi_trading.practice.world.clock import ManualClock
from kalshi_trading.practice.world.world import World

CENTS, TENTHS, SCALAR = range(3)
GRIDS = {CENTS: "linear_cent", TENTHS: "deci_cent", SCALAR: "deci_cent"}
STEPS = {CENTS: 100, TENTHS: 10, SCALAR: 10}
OTHER = "other"
LOOP = asyncio.new_event_loop()
NEVER = START + 10_000 * 24 * HOUR  # the world itself never settles these markets


Step = tuple[bool, int, BookSide, int, int, TimeInForce, bool]
"""Own order or not, market, side, price level, count, time in force, post only."""


class InProcessTransport:
    """Passes reads to an exchange inside this process.

    One read at a time, because the exchange is not a server here.
    """

    clock_skew_s = 0.0

    def __init__(self, client: PracticeClient) -> None:
        self._client = client
        self._lock = threading.Lock()
        self._loop = LOOP

    def read(self, path: str, query: Query = (), *, signed: bool = True) -> Mapping[str, Any]:
        target = f"{path}?{urlencode(list(query))}" if query else path
        with self._lock:
            headers = self._client.headers("GET", path) if signed else {}
            answer = self._loop.run_until_complete(
                ask(self._client.app, "GET", ROOT + target, headers, b"", read=parse_json)
            )
        assert answer.status == 200, answer.body
        assert isinstance(answer.body, dict)
        return answer.body


class Histories:
    """One exchange for all histories.

    Each history has its own account and three markets of its own.
    """

    numbers: ClassVar = itertools.count(1)

    def __init__(self) -> None:
        self.clock = ManualClock(START)
        self.world = World(":memory:", seed=11, market_count=1, clock=self.clock)
        self.world.exchange.open_account(OTHER, simulated=True)
        # Only the histories trade: neither reads nor time bring quotes of simulated traders.
        self.world.participants.is_paused = True
        # Nothing needs to be saved, and only the thread that opened the file may write to it.
        self.world.commit = lambda: None  # type: ignore[method-assign]
        self.world.assume(Assumptions(balance_bucket=False))
        self.app = build_app(self.world)

    def begin(self, fee_type: FeeType, multiplier: int, dollars: int = 1_000) -> History:
        return History(self, f"H{next(self.numbers)}", fee_type, multiplier, dollars)


class History:
    """Trades of one account, and its portfolio."""

    def __init__(
        self, histories: Histories, name: str, fee_type: FeeType, multiplier: int, dollars: int
    ) -> None:
        self.world, self.clock = histories.world, histories.clock
        self.exchange = self.world.exchange
        self.name = name
        self.ids = itertools.count(1)
        now = self.clock.now()
        event = f"{name}-26NOV21"
        self.tickers = [f"{event}-{kind}" for kind in ("CENTS", "TENTHS", "SCALAR")]
        self.exchange.add_series(Series(name, name, "Climate", [], "daily", fee_type, multiplier, "NWS", now))
        self.exchange.add_event(Event(event, name, name, "", False, None, now))
        for kind, ticker in enumerate(self.tickers):
            self.exchange.add_market(
                market(
                    ticker,
                    grid=GRIDS[kind],
                    scalar=kind == SCALAR,
                    event_ticker=event,
                    series_ticker=name,
                    open_at=now - HOUR,
                    close_at=now + (1 + kind) * HOUR,
                    expected_expiration_at=NEVER,
                    latest_expiration_at=NEVER,
                )
            )
        self.world.participants.add_markets(self.exchange.markets[ticker] for ticker in self.tickers)
        self.exchange.open_account(name, simulated=False)
        self.world.deposit(name, dollars * ONE_DOLLAR)
        key = Ed25519PrivateKey.generate()
        self.world.keys.add_key(name, name, key.public_key())
        self.exchange.advance()
        client = PracticeClient(self.world, self.clock, histories.app, key, name)
        self.client = KalshiClient(InProcessTransport(client))  # type: ignore[arg-type]
        self.tracker = PortfolioTracker(self.client, clock=self.now)

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.clock.now() / 1e6, UTC)

    def trade(self, step: Step) -> None:
        """Place an order for our account or another one.

        A refused order changes nothing.
        """
        own, kind, side, level, contracts, time_in_force, post_only = step
        order = NewOrder(
            ticker=self.tickers[kind],
            client_order_id=f"{self.name}-{next(self.ids)}",
            side=side,
            price=5_000 + level * STEPS[kind],
            count=contracts,
            time_in_force=time_in_force,
            self_trade_prevention=SelfTradePrevention.TAKER_AT_CROSS,
            post_only=post_only and time_in_force is TimeInForce.GOOD_TILL_CANCELED,
        )
        try:
            self.exchange.place(self.name if own else OTHER, order)
        except Refusal:
            return
        finally:
            self.clock.move(1)

    def settle(self, kind: int, value: int) -> None:
        """Close one market, determine it and pay it out."""
        terms = self.exchange.markets[self.tickers[kind]]
        self.world.advance_to(max(self.clock.now(), terms.close_at))
        self.exchange.determine(terms.ticker, value, "seen")
        self.world.advance(terms.settlement_timer_s + 1)

    def portfolio(self, mark: Mark = Mark.BEST_BID) -> PortfolioSnapshot:
        return self.tracker.refresh(mark=mark)
