"""Sessions that confirm at once never exceed a shared limit together."""

from __future__ import annotations

import os
import random
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import count
from pathlib import Path
from threading import Barrier
from typing import Any

import proof
import pytest
from market_factory import book
from model_factory import MARKET, NOW, QUADRATIC

from kalshi_trading.core.models import Action, OrderRequest, Side
from kalshi_trading.core.money import ZERO, dollars_text
from kalshi_trading.core.records.acknowledgements import OrderAcknowledgement
from kalshi_trading.kalshi_client import KalshiClient
from kalshi_trading.orders.execution.submission_result import Outcome, SubmissionResult
from kalshi_trading.orders.pretrade.context import DayTotals, OrderContext
from kalshi_trading.orders.pretrade.preview import OrderPreview
from kalshi_trading.orders.pretrade.pricing import build_preview
from kalshi_trading.orders.pretrade.ticket import OrderTicket
from kalshi_trading.orders.service import OrderService
from kalshi_trading.settings.options import Limits
from kalshi_trading.trade_logger import TradeLogger

pytestmark = pytest.mark.faults
SESSIONS = 4
ORDER_NUMBERS = count(1)


class Exchange:
    """Accepts every order and lets it rest."""

    exchange_time = KalshiClient.exchange_time

    clock_skew_s = None

    def send_order(self, request: OrderRequest, *, before_sending: Any) -> OrderAcknowledgement:
        before_sending()
        order_id = f"order-{next(ORDER_NUMBERS)}"
        return OrderAcknowledgement(order_id, request.client_order_id, ZERO, request.count, None, None, NOW)


@dataclass(frozen=True)
class Round:
    """One order per session at one price, and how many of them fit the limit."""

    rail: str
    cost: Decimal
    fitting: int
    tickers: tuple[str, ...]

    @property
    def limits(self) -> Limits:
        roomy = Limits()
        if self.rail == "orders per day":
            return replace(roomy, daily_order_limit=self.fitting)
        if self.rail == "bought per day":
            return replace(roomy, daily_cost_limit=self.room)
        return replace(roomy, market_loss_limit=self.room) if self.rail == "loss per market" else roomy

    @property
    def room(self) -> Decimal:
        """Dollars for `fitting` orders and half of one more."""
        return self.cost * self.fitting + self.cost / 2

    def preview(self, number: int) -> OrderPreview:
        """Price the order of one session, which sees no order of the others."""
        ticker = self.tickers[number]
        context = OrderContext(
            market=replace(MARKET, ticker=ticker),
            book=replace(book(), as_of=NOW),
            fees=QUADRATIC,
            cash=self.room if self.rail == "cash" else Decimal(1000),
            position=None,
            resting=(),
            recent=(),
            today=DayTotals(),
            at=NOW,
        )
        price = Decimal("0.50")
        ticket = OrderTicket(ticker, Action.BUY, Side.YES, self.cost / price, price)
        return build_preview(
            ticket, context, limits=self.limits, read_only=False, client_order_id=f"client-{number}"
        )


def drawn(rail: str, seed: int) -> Round:
    chance = random.Random(f"{rail} {seed}")
    same_market = rail == "loss per market" or chance.random() < 0.5
    tickers = tuple(MARKET.ticker if same_market else f"{MARKET.ticker}{each}" for each in range(SESSIONS))
    return Round(rail, Decimal(chance.randint(1, 20)), chance.randint(1, SESSIONS - 1), tickers)


def confirmed_at_once(wanted: Round, folder: Path) -> list[SubmissionResult]:
    """Submit every session's preview at the same moment, over one journal."""
    ready = Barrier(SESSIONS)

    def session(number: int) -> SubmissionResult:
        journal = TradeLogger(folder, "practice", session_id=f"session-{number}", clock=lambda: NOW)
        exchange: Any = Exchange()
        executor = OrderService(exchange, journal, limits=wanted.limits, clock=lambda: NOW)
        preview = wanted.preview(number)
        assert not preview.is_denied, preview.findings
        ready.wait()
        return executor.submit(preview)

    with ThreadPoolExecutor(SESSIONS) as pool:
        return list(pool.map(session, range(SESSIONS)))


@pytest.mark.parametrize("rail", ["orders per day", "bought per day", "loss per market", "cash"])
def test_as_many_orders_as_fit_are_sent_and_not_one_more(
    rail: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)  # faster; no power failure happens here
    for seed in range(proof.CURRENT.rail_rounds):
        wanted = drawn(rail, seed)
        results = confirmed_at_once(wanted, tmp_path / str(seed))
        outcomes = [result.outcome for result in results]
        assert outcomes.count(Outcome.ACKNOWLEDGED) == wanted.fitting, (seed, results)
        denied = [result.message for result in results if result.outcome is Outcome.DENIED]
        assert len(denied) == SESSIONS - wanted.fitting, (seed, results)
        limit = str(wanted.fitting) if rail == "orders per day" else dollars_text(limit_left(wanted))
        assert all(limit in message for message in denied), (seed, limit, denied)


def limit_left(wanted: Round) -> Decimal:
    """Return the number a denial names: the limit or the cash left."""
    return wanted.cost / 2 if wanted.rail == "cash" else wanted.room
