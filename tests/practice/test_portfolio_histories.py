"""The portfolio matches the exchange's ledger to the last digit.

The practice exchange computes its books with its own code from its own ledger. The portfolio reads the same
account through the public lists. Both must agree to the cent and far below.
"""

from __future__ import annotations

import asyncio
import itertools
import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal as D
from typing import Any, ClassVar
from urllib.parse import urlencode

import proof
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from engine_world import HOUR, market
from hypothesis import given, settings
from hypothesis import strategies as st
from practice_client import ROOT, START, PracticeClient, ask

from kalshi_trading.core.money import BALANCE_GRAIN, round_down
from kalshi_trading.core.valuation import Mark
from kalshi_trading.exchange.http.transport import Query, _parse
from kalshi_trading.kalshi_client import KalshiClient
from kalshi_trading.portfolio.cross_check import check_account
from kalshi_trading.portfolio.explain_market import explain_cash, explain_fees, explain_realized
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


class InProcessTransport:
    """Passes reads to an exchange inside this process.

    One read at a time, because the exchange is not a server here.
    """

    def __init__(self, client: PracticeClient) -> None:
        self._client = client
        self._lock = threading.Lock()
        self._loop = LOOP

    def read(self, path: str, query: Query = (), *, signed: bool = True) -> Mapping[str, Any]:
        target = f"{path}?{urlencode(list(query))}" if query else path
        with self._lock:
            headers = self._client.headers("GET", path) if signed else {}
            answer = self._loop.run_until_complete(
                ask(self._client.app, "GET", ROOT + target, headers, b"", read=_parse)
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

    def begin(self, fee_type: FeeType, multiplier: int) -> History:
        return History(self, f"H{next(self.numbers)}", fee_type, multiplier)


class History:
    """Trades of one account, and its portfolio."""

    def __init__(self, histories: Histories, name: str, fee_type: FeeType, multiplier: int) -> None:
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
        self.world.deposit(name, 1_000 * ONE_DOLLAR)
        key = Ed25519PrivateKey.generate()
        self.world.keys.add_key(name, name, key.public_key())
        self.exchange.advance()
        client = PracticeClient(self.world, self.clock, histories.app, key, name)
        self.tracker = PortfolioTracker(
            KalshiClient(InProcessTransport(client)),  # type: ignore[arg-type]
            clock=lambda: datetime.fromtimestamp(self.clock.now() / 1e6, UTC),
        )

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


Step = tuple[bool, int, BookSide, int, int, TimeInForce, bool]
steps = st.tuples(
    st.booleans(),
    st.sampled_from([CENTS, CENTS, TENTHS, SCALAR]),
    st.sampled_from(list(BookSide)),
    st.integers(-4, 4),
    st.one_of(st.integers(1, 12).map(lambda whole: whole * 100), st.integers(1, 999)),
    st.sampled_from([TimeInForce.GOOD_TILL_CANCELED] * 3 + list(TimeInForce)),
    st.booleans(),
)
values = st.tuples(
    st.sampled_from([None, 0, 10_000]),
    st.sampled_from([None, 0, 10_000]),
    st.one_of(st.none(), st.integers(0, 100).map(lambda cents: cents * 100)),
)


@pytest.fixture(scope="module")
def histories():
    """One shared exchange, because creating it takes longer than a history."""
    exchange = Histories()
    yield exchange
    exchange.world.close()


@settings(max_examples=proof.CURRENT.portfolio_histories)
@given(
    fee_type=st.sampled_from(list(FeeType)),
    multiplier=st.sampled_from([0, 50, 100]),
    before=st.lists(steps, min_size=5, max_size=20),
    between=st.lists(steps, max_size=8),
    results=values,
    mark=st.sampled_from(list(Mark)),
)
def test_the_portfolio_is_the_exchange_s_ledger_to_the_last_digit(
    histories, fee_type, multiplier, before, between, results, mark
):
    history = histories.begin(fee_type, multiplier)
    for step in before:
        history.trade(step)
    assert_exact(history)  # the next reading continues from what this one cached
    for step in between:
        history.trade(step)
    for kind, value in enumerate(results):
        if value is not None:
            history.settle(kind, value)
    assert_exact(history)
    assert_marked(history, mark)


def assert_exact(history: History) -> None:
    """Compare all markets, totals and cash with the exchange's books."""
    snapshot, audit = history.portfolio(), history.world.audit(history.name)
    assert snapshot.ledgers.keys() == audit.markets.keys()
    for ticker, book in audit.markets.items():
        account = snapshot.ledgers[ticker]
        assert account.mismatch is None
        figures = {
            "position": account.fifo.net,
            "exposure": account.fifo.cost_basis,
            "realized_by_trading": account.realized_by_trading,
            "realized_by_settlement": account.realized_by_settlement,
            "fees": account.fees_paid,
            "cash": account.fifo.cash,
        }
        assert figures == {name: D(getattr(book, name)) for name in figures}
        assert explain_realized(account).total == account.realized_pnl
        assert explain_fees(account).total == account.fees_paid
        assert explain_cash(account).total == account.fifo.cash
    assert snapshot.realized.gross == D(audit.realized)
    assert snapshot.realized.fees == D(audit.fees)
    assert snapshot.collateral == D(audit.collateral)
    free = D(audit.cash) - D(audit.collateral)
    assert snapshot.balance.value.cash == round_down(free, BALANCE_GRAIN)  # the exchange reports it to 0.01¢
    check = check_account(snapshot)
    assert (check.differences, check.not_compared) == ((), ())
    assert check.compared >= len(audit.markets)


def assert_marked(history: History, mark: Mark) -> None:
    """Compare each position's value with the exchange's book.

    We value it contract by contract by the resting orders of other accounts.
    """
    snapshot = history.portfolio(mark)
    for row in snapshot.held:
        assert row.liquidation is not None
        assert row.liquidation.proceeds == proceeds_of(history, row.position.ticker, row.position.net)
        price = mark_of(history, row.position.ticker, row.position.net > 0, mark)
        assert row.mark == price
        if price is None:
            assert row.unrealized_pnl is None
        else:
            cost = D(history.world.audit(history.name).markets[row.position.ticker].exposure)
            assert row.unrealized_pnl == abs(row.position.net) * price - cost


def other_orders(history: History, ticker: str, side: BookSide) -> list[tuple[int, int]]:
    """Return YES price and count of other accounts' resting orders.

    The best comes first.
    """
    orders = history.exchange.resting(ticker, side)
    return [(order.price, order.remaining_count) for order in orders if order.account_id != history.name]


def proceeds_of(history: History, ticker: str, net: D) -> D:
    left, proceeds = int(abs(net) * 100), D(0)
    for price, count in other_orders(history, ticker, BookSide.BID if net > 0 else BookSide.ASK):
        taken = min(left, count)
        left -= taken
        proceeds += D(taken) / 100 * (D(price) if net > 0 else 10_000 - D(price)) / 10_000
    return proceeds


def mark_of(history: History, ticker: str, holds_yes: bool, mark: Mark) -> D | None:
    bids, asks = (other_orders(history, ticker, side) for side in (BookSide.BID, BookSide.ASK))
    yes: D | None
    if mark is Mark.LAST:
        last = history.exchange.markets[ticker].last_price
        yes = None if last is None else D(last)
    elif mark is Mark.MIDPOINT:
        yes = (D(bids[0][0]) + asks[0][0]) / 2 if bids and asks else None
    else:
        quotes = bids if holds_yes else asks
        yes = D(quotes[0][0]) if quotes else None
    if yes is None:
        return None
    return yes / 10_000 if holds_yes else 1 - yes / 10_000
