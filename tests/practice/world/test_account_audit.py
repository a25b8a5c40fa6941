"""Recomputed books match the exchange's running ones to the last digit."""

from __future__ import annotations

import itertools
from decimal import Decimal

import proof
from engine_world import ASK, BID, TICKER, World, market, money
from hypothesis import given, settings
from hypothesis import strategies as st
from practice_client import PracticeClient
from wanderer import DEPOSITS, Wanderer

from kalshi_trading.practice.accounting.positions import exposure
from kalshi_trading.practice.records import MarketStatus
from kalshi_trading.practice.simulation.bank import Transfers, id_of
from kalshi_trading.practice.storage.saved_world import TransferStatus
from kalshi_trading.practice.world.account_audit import MarketAudit, audit

PERSONS = tuple(name for name in DEPOSITS if name != "sim")


def transfers_of(world: World) -> Transfers:
    ids = map(str, itertools.count())
    return Transfers(
        world.exchange, clock=lambda: world.now, new_id=lambda: next(ids), on_change=lambda *_: None
    )


def dollars(millionths: int) -> Decimal:
    return Decimal(millionths) / 1_000_000


class Banker(Wanderer):
    """A random trader that also moves money.

    It compares the books after every step.
    """

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.transfers = transfers_of(self.world)

    def step(self) -> None:
        if self.random.random() < 0.15:
            self.transfer()
            self.exchange.check()
        super().step()

    def transfer(self) -> None:
        account_id = self.random.choice(PERSONS)
        amount, fee = self.random.randrange(1, 90_000) * 10_000, self.random.choice([0, 20_000])
        status = self.random.choice(list(TransferStatus))
        make = self.random.choice([self.transfers.deposit, self.transfers.withdraw])
        rows = [*self.transfers.deposits, *self.transfers.withdrawals]
        before = self.exchange.cash(account_id)
        try:
            if rows and self.random.random() < 0.4:
                self.transfers.finish(id_of(self.random.choice(rows)), status)
            else:
                make(account_id, amount, fee=fee, status=status)
        except ValueError:
            self.seen["transfer refused"] += 1
            assert self.exchange.cash(account_id) == before
        else:
            self.seen["transfer"] += 1

    def check_worth(self, account_id: str) -> None:
        if account_id in PERSONS:
            self.compare(account_id)

    def compare(self, account_id: str) -> None:
        account = audit(self.exchange, self.transfers, account_id)
        opening = DEPOSITS[account_id]
        assert Decimal(account.cash) + dollars(opening) == dollars(self.exchange.cash(account_id))
        moved = Decimal(account.deposited) - Decimal(account.withdrawn)
        assert Decimal(account.cash) == moved + sum(Decimal(row.cash) for row in account.markets.values())
        for ticker, row in account.markets.items():
            position = self.exchange.position(account_id, ticker)
            assert position is not None
            assert Decimal(row.position) * 100 == position.count
            assert Decimal(row.exposure) == dollars(exposure(position))
            assert Decimal(row.realized) == dollars(position.realized_pnl)
            assert Decimal(row.fees) == dollars(position.fees_paid)
            assert row.settled == position.settled


@settings(max_examples=proof.CURRENT.costly_examples)
@given(seed=st.integers(0, 2**32), steps=st.integers(1, 200))
def test_after_any_history_cash_is_transfers_fills_and_payouts(seed: int, steps: int) -> None:
    banker = Banker(seed)
    for _ in range(steps):
        banker.step()


def test_a_long_history_moves_money_trades_and_settles() -> None:
    banker = Banker(3)
    markets = banker.exchange.markets.values()
    while not all(listed.status is MarketStatus.FINALIZED for listed in markets):
        banker.step()
    assert min(banker.seen[word] for word in ("fills", "transfer", "transfer refused")) > 3
    assert any(
        Decimal(row.realized_by_settlement) and Decimal(row.realized_by_trading)
        for account_id in PERSONS
        for row in audit(banker.exchange, banker.transfers, account_id).markets.values()
    )


def worked_example(value: int) -> MarketAudit:
    """Ten YES at 60 cents, then four NO at 35 as taker; the market settles."""
    world = World()
    world.trade("ann", "sim", "10", "0.60")
    world.place("sim", BID, "4", "0.65")
    world.place("ann", ASK, "4", "0.65")
    world.settle(value)
    return audit(world.exchange, transfers_of(world), "ann").markets[TICKER]


def test_the_worked_example_that_settles_yes() -> None:
    row = worked_example(10_000)
    assert (row.realized_by_trading, row.realized_by_settlement) == ("0.200000", "2.400000")
    assert (row.fees, row.revenue, row.cash) == ("0.231700", "6.000000", "2.368300")


def test_the_worked_example_that_settles_no() -> None:
    row = worked_example(0)
    assert (row.realized, row.revenue, row.cash) == ("-3.400000", "0.000000", "-3.631700")


def test_opposite_contracts_in_two_markets_of_one_event_never_net() -> None:
    other = f"{TICKER}-OTHER"
    world = World(tickers=())
    for ticker in (TICKER, other):
        world.exchange.add_market(market(ticker))
    world.exchange.advance()
    event = world.exchange.events["KXRAIN-26NOV21"]
    event.mutually_exclusive = True
    for ticker in (TICKER, other):
        world.place("sim", BID, "10", "0.50", ticker=ticker)
        world.place("ann", ASK, "10", "0.50", ticker=ticker)
    rows = audit(world.exchange, transfers_of(world), "ann").markets
    assert [(row.position, row.exposure, row.cash) for row in rows.values()] == 2 * [
        ("-10.00", "5.000000", "-5.175000")
    ]
    assert world.exchange.cash("ann") == money("1000") - 2 * money("5.175")


def test_no_event_returns_collateral_over_its_markets(client: PracticeClient) -> None:
    events = client.get("/events?limit=200")["events"]
    assert any(event["mutually_exclusive"] for event in events)
    assert {event["collateral_return_type"] for event in events} == {""}
