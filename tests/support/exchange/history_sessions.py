"""A generated history of sessions with all kinds of orders.

Orders fill, rest, expire, are refused, get lost, or are cut short by a kill. Everything uses the real code:
previews through submission into a real journal, over the exchange's own HTTP answers. One process, one
thread.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import random
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal as D
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from engine_world import HOUR, market
from model_factory import MARKET, preview
from practice_client import ROOT, START, PracticeClient, ask

from kalshi_trading.core.errors import KalshiAPIError, NotSentError, OutcomeUnknownError
from kalshi_trading.core.models import Action, OrderRequest, OrderStatus, Side, TimeInForce
from kalshi_trading.exchange.http.answers import parse_json
from kalshi_trading.exchange.http.error_mapping import Answer, error_for_read, error_for_write
from kalshi_trading.exchange.http.transport import Query
from kalshi_trading.kalshi_client import KalshiClient
from kalshi_trading.orders.execution.cancel import OrderCanceler
from kalshi_trading.orders.execution.pending_orders import PendingOrders
from kalshi_trading.orders.execution.recovery import OrderRecovery
from kalshi_trading.orders.execution.submission import OrderSubmitter, SubmissionStep
from kalshi_trading.orders.execution.trading_lock import TradingLock
from kalshi_trading.orders.pretrade.ticket import OrderTicket
from kalshi_trading.practice.assumptions import Assumptions
from kalshi_trading.practice.engine.exchange import NewOrder, Refusal
from kalshi_trading.practice.records import ONE_DOLLAR, BookSide, Event, FeeType, SelfTradePrevention, Series
from kalshi_trading.practice.records import TimeInForce as PracticeTimeInForce
from kalshi_trading.practice.server.app import build_app
from kalshi_trading.practice.world.clock import ManualClock
from kalshi_trading.practice.world.world import World
from kalshi_trading.trade_logger import TradeLogger

ACCOUNT, OTHER = "me", "other"
NEVER = START + 10_000 * 24 * HOUR
PREVIEW = preview(OrderTicket(MARKET.ticker, Action.BUY, Side.YES, D(10), D("0.50")))
GTC = TimeInForce.GOOD_TILL_CANCELED


class Killed(BaseException):
    """The program was killed at some step."""


class WireTransport:
    """Pass requests to the application in this process.

    A write may lose its answer, or not arrive.
    """

    clock_skew_s = 0.0
    least_clock_skew_s = -0.5

    def __init__(self, client: PracticeClient) -> None:
        self._client = client
        self._runner = asyncio.Runner()
        self.fate = "answered"

    def close(self) -> None:
        self._runner.close()

    def read(self, path: str, query: Query = (), *, signed: bool = True) -> Mapping[str, Any]:
        answer = self._ask("GET", f"{path}?{urlencode(list(query))}" if query else path)
        error = error_for_read(answer, path)
        if error is not None:
            raise error
        assert isinstance(answer.body, Mapping)
        return answer.body

    def write(
        self,
        method: str,
        path: str,
        query: Query = (),
        body: object = None,
        *,
        before_sending: Callable[[], None] = lambda: None,
    ) -> Mapping[str, Any]:
        before_sending()
        fate, self.fate = self.fate, "answered"
        if fate == "not sent":
            raise NotSentError("The exchange cannot be reached. Nothing was sent.")
        if fate == "lost before":
            raise OutcomeUnknownError("The exchange did not answer in time.")
        target = f"{path}?{urlencode(list(query))}" if query else path
        answer = self._ask(method, target, b"" if body is None else json.dumps(body).encode())
        if fate == "lost after":
            raise OutcomeUnknownError("The connection broke before the exchange's whole answer was here.")
        error = error_for_write(answer)
        if error is not None:
            raise error
        assert isinstance(answer.body, Mapping)
        return answer.body

    def _ask(self, method: str, target: str, body: bytes = b"") -> Answer:
        self._client.clock.move(0.05)  # a stopped exchange clock would soon cause rate limits
        headers = self._client.headers(method, target)
        said = self._runner.run(ask(self._client.app, method, ROOT + target, headers, body))
        text = said.body if isinstance(said.body, str) else json.dumps(said.body)
        return Answer(said.status, parse_json(text), text)


class Past:
    """One account at one exchange, and the journal of all its sessions."""

    def __init__(self, folder: Path, *, seed: int, sessions_a_day: float) -> None:
        self.random = random.Random(seed)
        self.folder = folder
        self.sessions_a_day = sessions_a_day
        self.clock = ManualClock(START)
        self.world = World(":memory:", seed=11, market_count=1, clock=self.clock)
        # Only this account trades here, so that the history is reproducible and fast.
        self.world.participants.is_paused = True
        self.world.commit = lambda: None  # type: ignore[method-assign]
        self.exchange = self.world.exchange
        self.exchange.open_account(OTHER, simulated=True)
        self.exchange.open_account(ACCOUNT, simulated=False)
        self.world.deposit(ACCOUNT, 200_000 * ONE_DOLLAR)
        key = Ed25519PrivateKey.generate()
        self.world.keys.add_key(ACCOUNT, ACCOUNT, key.public_key())
        self.tickers = self._make_markets()
        self.world.assume(Assumptions(balance_bucket=False))
        self.transport = WireTransport(
            PracticeClient(self.world, self.clock, build_app(self.world), key, ACCOUNT)
        )
        self.client = KalshiClient(self.transport)  # type: ignore[arg-type]
        self.journal = self._journal("0" * 32)
        self.ids = itertools.count(1)
        self.external: set[str] = set()  # client_order_ids of orders placed elsewhere

    def close(self) -> None:
        self.transport.close()
        self.world.close()

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.clock.now() / 1e6, UTC)

    def _journal(self, session_id: str) -> TradeLogger:
        return TradeLogger(self.folder, "practice", session_id=session_id, account=ACCOUNT, clock=self.now)

    def _make_markets(self) -> list[str]:
        """Create markets with two kinds of fees.

        Some close while orders rest in them.
        """
        now, tickers = self.clock.now(), []
        for number, kind in enumerate(list(FeeType)[:2]):
            series, event = f"KXPAST{number}", f"KXPAST{number}-26NOV"
            self.exchange.add_series(Series(series, series, "Climate", [], "daily", kind, 100, "NWS", now))
            self.exchange.add_event(Event(event, series, event, "", False, None, now))
            for closes_in_days in (20, 35, 2_000):
                ticker = f"{event}-T{closes_in_days}"
                tickers.append(ticker)
                self.exchange.add_market(
                    market(
                        *(ticker,),
                        grid="linear_cent",
                        event_ticker=event,
                        series_ticker=series,
                        open_at=now - HOUR,
                        close_at=now + closes_in_days * 24 * HOUR,
                        expected_expiration_at=NEVER,
                        latest_expiration_at=NEVER,
                    )
                )
        self.world.participants.add_markets(self.exchange.markets[ticker] for ticker in tickers)
        self.exchange.advance()
        return tickers

    # --- What happens -----------------------------------------------------------------------------

    def live(self, sessions: int) -> None:
        for number in range(sessions):
            self._session(number)
            self._wait(self.random.uniform(0, 2 * 86_400 / self.sessions_a_day))

    def _session(self, number: int) -> None:
        """Run one session: some orders and some cancels.

        Recovery then searches for most lost answers.
        """
        journal = self._journal(f"{number:032x}")
        how: dict[str, Any] = {"clock": self.now, "sleep": self.clock.move}
        canceler = OrderCanceler(
            self.client, journal, journal_failed=lambda reason: None, sleep=self.clock.move
        )
        how["monotonic"] = self._monotonic
        pending = PendingOrders()
        recovery = OrderRecovery(self.client, journal, pending, **how)
        submitter = OrderSubmitter(
            self.client, journal, pending, recovery, TradingLock(journal), on_step=self._maybe_kill, **how
        )
        try:
            for _ in range(self.random.choice((1, 2, 2, 3, 4))):
                self._trade_as_other()
                self._order(submitter)
                self._maybe_cancel(canceler)
                if self.random.random() < 0.03:
                    self._order_elsewhere()
        except Killed:
            return
        if self.random.random() < 0.8:
            for _ in range(2):
                self._wait(70)
                recovery.examine_all()

    def _maybe_kill(self, step: SubmissionStep) -> None:
        if self.random.random() < 0.005:
            raise Killed

    def _order(self, submitter: OrderSubmitter) -> None:
        fates = ("answered", "lost after", "lost before", "not sent")
        (self.transport.fate,) = self.random.choices(fates, (88, 5, 4, 3))
        context = replace(PREVIEW.context, at=self.now())
        submitter.submit(replace(PREVIEW, request=self._request(), context=context))
        self.transport.fate = "answered"

    def _request(self) -> OrderRequest:
        """Return any order, including a few that the exchange refuses."""
        choose = self.random.choice
        time_in_force = choose((GTC, GTC, GTC, TimeInForce.IMMEDIATE_OR_CANCEL, TimeInForce.FILL_OR_KILL))
        rests = time_in_force is GTC
        return OrderRequest(
            client_order_id=f"order-{next(self.ids):06}",
            ticker=choose(self.tickers),
            action=choose(list(Action)),
            side=choose(list(Side)),
            count=self._count(),
            price=D("0.505") if self.random.random() < 0.02 else D(self.random.randint(45, 55)) / 100,
            time_in_force=time_in_force,
            post_only=rests and self.random.random() < 0.1,
            expires_at=self.now() + timedelta(hours=3) if rests and self.random.random() < 0.1 else None,
        )

    def _count(self) -> D:
        """Return a count: mostly whole, sometimes fractional, rarely unaffordable."""
        kinds = (D(self.random.randint(1, 20)), D(self.random.randint(1, 999)) / 100, D(10**7))
        (count,) = self.random.choices(kinds, (90, 8, 2))
        return count

    def _maybe_cancel(self, canceler: OrderCanceler) -> None:
        resting = self.client.get_orders(status=OrderStatus.RESTING)
        if len(resting) and self.random.random() < 0.5:
            order = self.random.choice(list(resting))
            if self.random.random() < 0.1:
                self.transport.fate = "lost after"
            canceler.cancel(order)
            self.transport.fate = "answered"

    def _order_elsewhere(self) -> None:
        """Place an order of our account outside the program."""
        name = f"elsewhere-{next(self.ids)}"
        if self._place(ACCOUNT, name):
            self.external.add(name)

    def _trade_as_other(self) -> None:
        for _ in range(self.random.randint(0, 2)):
            self._place(OTHER, f"other-{next(self.ids)}")

    def _place(self, account: str, name: str) -> bool:
        order = NewOrder(
            ticker=self.random.choice(self.tickers),
            client_order_id=name,
            side=self.random.choice(list(BookSide)),
            price=self.random.randint(46, 54) * 100,
            count=self.random.randint(1, 1500),
            time_in_force=PracticeTimeInForce.GOOD_TILL_CANCELED,
            self_trade_prevention=SelfTradePrevention.TAKER_AT_CROSS,
            post_only=False,
        )
        try:
            self.exchange.place(account, order)
        except Refusal:
            return False
        finally:
            self.clock.move(self.random.uniform(0, 5))
        return True

    def _monotonic(self) -> float:
        return self.clock.now() / 1e6

    def _wait(self, seconds: float) -> None:
        self.world.advance(seconds)

    def recover(self) -> None:
        """Recover as the next start does, so that most open orders get an end."""
        how: dict[str, Any] = {"clock": self.now, "monotonic": self._monotonic, "sleep": self.clock.move}
        recovery = OrderRecovery(self.client, self._journal("f" * 32), PendingOrders(), **how)
        recovery.recover(account=ACCOUNT, is_alive=lambda session_id: False)
        for _ in range(2):
            self._wait(70)
            try:
                recovery.examine_all()
            except KalshiAPIError:
                return
