"""A trader that acts randomly on a practice exchange."""

from __future__ import annotations

import itertools
from collections import Counter
from random import Random

from engine_world import ASK, BID, FOK, GTC, HOUR, IOC, START, Sink, World, market, money

from kalshi_trading.practice.accounting.positions import exposure
from kalshi_trading.practice.engine.exchange import NewOrder, Refusal
from kalshi_trading.practice.records import (
    ONE_SECOND,
    BookSide,
    FeeType,
    MarketStatus,
    Order,
    OrderStatus,
    SelfTradePrevention,
)

CENTS, TENTHS, SCALAR = "CENTS", "TENTHS", "SCALAR"
TICKERS = (CENTS, TENTHS, SCALAR)
DEPOSITS = {"ann": money("1000"), "bob": money("1000"), "poor": money("7.31"), "sim": 0}
FINE_PRICES = [10, 4_990, 4_995, 5_010, 5_030, 9_990]  # off the cent grid; 4,995 is off every grid here
MINUTE = 60 * ONE_SECOND


class Wanderer:
    """Act randomly on an exchange and check all invariants after each action."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.sink = Sink()
        self.client_ids = map(str, itertools.count())
        self.seen: Counter[str] = Counter()
        self.world = World(
            fee_type=self.random.choice(list(FeeType)),
            multiplier=self.random.choice([0, 50, 100]),
            tickers=(),
            sink=self.sink,
        )
        self.exchange = self.world.exchange
        self.exchange.add_market(market(CENTS))
        self.exchange.add_market(market(TENTHS, grid="deci_cent", close_at=START + 12 * HOUR))
        self.exchange.add_market(market(SCALAR, grid="deci_cent", scalar=True, close_at=START + 8 * HOUR))
        self.world.open_account("poor", "7.31")
        self.exchange.advance()

    def step(self) -> None:
        actions = [
            self.place, self.take, self.cancel, self.pass_time, self.pause, self.determine, self.move_floor,
        ]  # fmt: skip
        weights = [70, 12, 8, 6, 1, 3, 6]
        self.random.choices(actions, weights)[0]()
        self.exchange.check()
        for account_id in DEPOSITS:
            self.check_worth(account_id)

    def place(self) -> None:
        near = self.random.randrange(47, 54) * 100
        edge = self.random.choice([100, 300, 9_900, *FINE_PRICES])
        whole = self.random.randrange(1, 20) * 100
        time_in_force = self.random.choice([*4 * [GTC], IOC, FOK])
        expires = time_in_force is GTC and self.random.random() < 0.1
        self.send(
            NewOrder(
                ticker=self.random.choice(TICKERS),
                client_order_id=next(self.client_ids),
                side=self.random.choice([BID, ASK]),
                price=self.random.choice([near, near, near, edge]),
                count=self.random.choice([whole, self.random.randrange(1, 300)]),
                time_in_force=time_in_force,
                self_trade_prevention=self.random.choice(list(SelfTradePrevention)),
                post_only=self.random.random() < 0.1,
                expires_at=self.world.now + self.random.randrange(1, 30) * MINUTE if expires else None,
                cancel_order_on_pause=self.random.random() < 0.2,
            )
        )

    def take(self) -> None:
        """Trade at any price, like a market order."""
        side = self.random.choice([BID, ASK])
        self.send(
            NewOrder(
                ticker=self.random.choice(TICKERS),
                client_order_id=next(self.client_ids),
                side=side,
                price=9_900 if side is BID else 100,
                count=self.random.randrange(1, 2_000),
                time_in_force=IOC,
                self_trade_prevention=self.random.choice(list(SelfTradePrevention)),
                reduce_only=self.random.random() < 0.5,
            )
        )

    def send(self, new: NewOrder) -> None:
        account_id = self.random.choice(list(DEPOSITS))
        before = self.exchange.balance(account_id)
        try:
            placed = self.exchange.place(account_id, new)
        except Refusal as refusal:
            self.seen[refusal.code] += 1
            unchanged = self.exchange.balance(account_id) == before
            assert unchanged
            return
        self.seen[f"{new.time_in_force} {placed.order.status}"] += 1
        self.seen["fills"] += len(placed.fills)
        assert sum(fill.count for fill in placed.fills) == placed.order.fill_count
        limit = 1 if new.side is BID else -1
        assert all(limit * fill.price <= limit * new.price for fill in placed.fills)

    def resting(self) -> list[Order]:
        return [row for row in self.exchange.orders.values() if row.status is OrderStatus.RESTING]

    def cancel(self) -> None:
        for order in self.random.sample(self.resting(), k=min(1, len(self.resting()))):
            _, reduced_by = self.exchange.cancel(order.account_id, order.order_id)
            assert order.initial_count == order.fill_count + reduced_by

    def pass_time(self) -> None:
        self.world.now += self.random.randrange(1, 30) * MINUTE
        self.seen.update(str(event.kind) for event in self.exchange.advance())

    def pause(self) -> None:
        ticker = self.random.choice(TICKERS)
        if self.exchange.markets[ticker].status is MarketStatus.ACTIVE and self.random.random() < 0.5:
            self.exchange.deactivate(ticker)
            self.exchange.check()
            self.exchange.activate(ticker)
        else:
            self.random.choice([self.exchange.pause_exchange, self.exchange.pause_trading])()
            assert not any(order.cancel_order_on_pause for order in self.resting())
            self.exchange.resume()

    def determine(self) -> None:
        for listed in self.exchange.markets.values():
            if listed.status is MarketStatus.CLOSED:
                lowest = listed.floor // 100
                scalar, binary = self.random.randrange(lowest, 101) * 100, self.random.choice([0, 10_000])
                value = scalar if listed.scalar else binary
                self.exchange.determine(listed.ticker, value, "seen")

    def move_floor(self) -> None:
        """Raise the floor of the scalar market, or now and then lower it."""
        listed = self.exchange.markets[SCALAR]
        if listed.status in (MarketStatus.DETERMINED, MarketStatus.FINALIZED):
            return
        rise = self.random.choice([0, *range(1, 8), *2 * [-self.random.randrange(1, 40)]])
        floor = min(max(0, listed.floor + 100 * rise), 9_900)
        self.seen["floor raised" if floor > listed.floor else "floor lowered or kept"] += 1
        self.seen["canceled by a floor"] += self.exchange.set_floor(SCALAR, floor)
        assert not any(order.ticker == SCALAR and order.price <= floor for order in self.resting())

    def check_worth(self, account_id: str) -> None:
        """Check that cash is deposits plus realized P&L less the rest.

        The rest is fees, cost of positions and collateral of resting orders. A held YES contract has paid its
        floor already, whatever the floor was before.
        """
        held = self.exchange.positions_of(account_id)
        cash = DEPOSITS[account_id] + sum(row.realized_pnl - row.fees_paid - exposure(row) for row in held)
        cash += sum(self.exchange.markets[row.ticker].floor * max(0, row.count) for row in held)
        self.seen["below zero"] += cash < 0 and account_id != "sim"
        collateral = sum(
            self.collateral(account_id, ticker, side) for ticker in TICKERS for side in (BID, ASK)
        )
        assert self.exchange.balance(account_id) == cash - (0 if account_id == "sim" else collateral)

    def collateral(self, account_id: str, ticker: str, side: BookSide) -> int:
        """Return the collateral of one side, counted per 0.01 contract.

        The most expensive come first; the last ones close the position and need none.
        """
        floor = self.exchange.markets[ticker].floor
        line = [
            order.price - floor if side is BID else 10_000 - order.price
            for order in self.exchange.orders_of(account_id)
            if order.ticker == ticker and order.side is side
            for _ in range(order.remaining_count)
        ]
        position = self.exchange.position(account_id, ticker)
        held = 0 if position is None else position.count
        closing = max(0, held if side is ASK else -held)
        return sum(sorted(line, reverse=True)[: max(0, len(line) - closing)])
