"""Settlement floors move cash, cancel orders and shorten payouts.

The steps and figures of the worked tables leave fees out, so these worlds charge none.
"""

from __future__ import annotations

from collections import Counter
from random import Random

import proof
import pytest
from engine_world import (
    ASK,
    BID,
    GTC,
    HOUR,
    IOC,
    START,
    TICKER,
    Sink,
    World,
    count,
    market,
    money,
    price,
    restored,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from kalshi_trading.practice.accounting.positions import exposure
from kalshi_trading.practice.engine.exchange import Refusal
from kalshi_trading.practice.engine.schedule import DueKind
from kalshi_trading.practice.records import FeeType, OrderStatus


class FloorWorld(World):
    """A scalar market without fees, and the cash each account has moved since."""

    def __init__(self, floor: str | None = "0", **others: object) -> None:
        super().__init__(multiplier=0, scalar=True, **others)  # type: ignore[arg-type]
        self.opening = {name: money("1000") for name in ("ann", "bob")} | {"sim": 0}
        if floor is not None:
            self.set_floor(floor)

    def set_floor(self, dollars: str, ticker: str = TICKER) -> int:
        canceled = self.exchange.set_floor(ticker, price(dollars))
        self.exchange.check()
        return canceled

    def join(self, account_id: str, dollars: str) -> None:
        self.open_account(account_id, dollars)
        self.opening[account_id] = money(dollars)

    def moved(self, account_id: str) -> int:
        """Return the cash that came in since the last call."""
        cash = self.exchange.cash(account_id)
        change = cash - self.opening[account_id]
        self.opening[account_id] = cash
        return change

    def refused(self, account_id: str, *order: object, **others: object) -> tuple[int, str]:
        with pytest.raises(Refusal) as refusal:
            self.place(account_id, *order, **others)  # type: ignore[arg-type]
        return refusal.value.status, refusal.value.code


def test_the_worked_walk_pays_every_step_and_sums_to_price_arithmetic() -> None:
    world = FloorWorld()
    world.join("cat", "100")
    world.trade("ann", "bob", "100", "0.40")
    assert (world.moved("ann"), world.moved("bob")) == (-money("40"), -money("60"))
    world.set_floor("0.30")
    assert (world.moved("ann"), world.moved("bob"), world.moved("cat")) == (money("30"), 0, 0)
    world.trade("cat", "ann", "50", "0.45")
    assert (world.moved("ann"), world.moved("cat")) == (money("7.50"), -money("7.50"))
    world.settle(price("0.50"))
    assert [world.moved(name) for name in ("ann", "bob", "cat")] == [money("10"), money("50"), money("10")]
    sums = [world.exchange.cash(name) - money(cash) for name, cash in
            (("ann", "1000"), ("bob", "1000"), ("cat", "100"))]  # fmt: skip
    assert sums == [money("7.50"), -money("10"), money("2.50")]
    rows = {name: world.exchange.settlements_of(name)[0] for name in ("ann", "bob", "cat")}
    assert [row.revenue for row in rows.values()] == [money("10"), money("50"), money("10")]
    assert (rows["ann"].value, rows["ann"].yes_count, rows["ann"].no_count) == (5_000, 10_000, 5_000)
    assert (rows["ann"].yes_cost, rows["ann"].no_cost) == (money("40"), money("27.50"))
    assert world.held("ann").realized_pnl == money("7.50")


def test_opening_no_costs_its_full_price() -> None:
    world = FloorWorld("0.30")
    world.trade("bob", "ann", "20", "0.45")
    assert world.moved("ann") == -money("11")


def test_a_netted_pair_frees_a_dollar_less_the_floor() -> None:
    world = FloorWorld("0.30")
    world.trade("ann", "bob", "100", "0.50")
    world.moved("ann")
    world.trade("bob", "ann", "40", "0.45")
    assert world.moved("ann") == money("6")
    assert world.held("ann").count == count("60")
    assert exposure(world.held("ann")) == money("30")
    assert world.held("ann").realized_pnl == -money("2")


def test_a_flip_frees_the_closed_at_price_less_floor_and_pays_no_in_full() -> None:
    world = FloorWorld("0.30")
    world.trade("ann", "bob", "10", "0.60")
    world.moved("ann")
    world.trade("bob", "ann", "15", "0.65")
    assert world.moved("ann") == money("1.75")
    assert world.held("ann").count == -count("5")


@pytest.mark.parametrize(
    ("bids", "asks", "left"),
    [(["0.44", "0.45", "0.46"], ["0.50"], ["0.46", "0.50"]), (["0.38"], ["0.42", "0.50"], ["0.50"])],
)
def test_a_raise_cancels_bids_and_asks_at_or_below_the_new_floor(
    bids: list[str], asks: list[str], left: list[str]
) -> None:
    world = FloorWorld("0.30")
    orders = [world.place("ann", BID, "10", at).order for at in bids]
    orders += [world.place("bob", ASK, "10", at).order for at in asks]
    world.now += HOUR
    canceled = world.set_floor("0.45")
    resting = [order for order in orders if order.status is OrderStatus.RESTING]
    assert [order.price for order in resting] == [price(at) for at in left]
    assert canceled == len(orders) - len(resting)
    ended = [order for order in orders if order not in resting]
    assert {(order.status, order.updated_at) for order in ended} == {(OrderStatus.CANCELED, world.now)}
    events = [event.key for event in world.exchange.advance() if event.kind is DueKind.ORDER_CANCELED]
    assert sorted(events) == sorted(order.order_id for order in ended)


def test_the_collateral_of_a_remaining_bid_shrinks_and_grows_with_the_floor() -> None:
    world = FloorWorld("0.30")
    world.place("ann", BID, "10", "0.46")
    world.place("bob", ASK, "10", "0.60")
    held = []
    for floor in ("0.30", "0.45", "0.25", "0.00"):
        world.set_floor(floor)
        held.append(money("1000") - world.exchange.balance("ann"))
        assert money("1000") - world.exchange.balance("bob") == money("4")
    assert held == [money("1.60"), money("0.10"), money("2.10"), money("4.60")]


def test_a_correction_takes_back_even_below_zero_and_locks_the_account_until_it_is_paid() -> None:
    world = FloorWorld("0.30")
    world.join("gus", "11")
    world.trade("gus", "bob", "50", "0.50")
    assert world.exchange.cash("gus") == money("1")
    closing = world.place("gus", ASK, "10", "0.70").order
    world.set_floor("0.25")
    assert world.exchange.cash("gus") == world.exchange.balance("gus") == -money("1.50")
    assert closing.status is OrderStatus.RESTING  # it needs no cash
    for order in ((BID, "0.01", "0.26"), (ASK, "1", "0.70"), (ASK, "1", "0.40", IOC)):
        assert world.refused("gus", *order) == (400, "insufficient_balance")
    assert world.refused("gus", ASK, "1", "0.40", IOC, reduce_only=True) == (400, "insufficient_balance")
    world.exchange.deposit("gus", money("1.50"))
    assert world.place("gus", ASK, "1", "0.70").order.status is OrderStatus.RESTING
    world.moved("gus")
    world.settle(price("0.50"))
    assert world.moved("gus") == money("12.50")


def test_a_filled_closing_order_brings_a_balance_back_above_zero() -> None:
    world = FloorWorld("0.30")
    world.join("gus", "11")
    world.trade("gus", "bob", "50", "0.50")
    world.place("gus", ASK, "10", "0.70")
    world.set_floor("0.25")
    world.place("bob", BID, "10", "0.70", IOC)
    assert world.exchange.cash("gus") == money("3")


def test_a_correction_cancels_the_newest_orders_that_cannot_be_paid_in_other_markets_too() -> None:
    world = FloorWorld("0.30", tickers=(TICKER, "OTHER"))
    world.join("gus", "20")
    world.trade("gus", "bob", "50", "0.50")  # 10.00 left
    first = world.place("gus", BID, "10", "0.40").order  # 1.00, at floor .25 1.50
    second = world.place("gus", BID, "10", "0.20", ticker="OTHER").order
    third = world.place("gus", BID, "10", "0.50", ticker="OTHER").order
    closing = world.place("gus", ASK, "50", "0.90").order  # the newest, but needs no cash
    free = world.place("ann", BID, "10", "0.20", ticker="OTHER").order
    assert world.set_floor("0.25") == 1
    assert [order.status for order in (first, second, third, closing, free)] == [
        OrderStatus.RESTING, OrderStatus.RESTING, OrderStatus.CANCELED, OrderStatus.RESTING,
        OrderStatus.RESTING,
    ]  # fmt: skip
    assert world.exchange.cash("gus") == money("7.50")


@pytest.mark.parametrize("dollars", ["0.01", "0.29", "0.30"])
def test_a_price_at_or_below_the_floor_is_refused_on_both_sides(dollars: str) -> None:
    world = FloorWorld("0.30")
    for side in (BID, ASK):
        assert world.refused("ann", side, "1", dollars) == (400, "invalid_price")
        assert world.place("ann", side, "0.01", "0.31").order.price == price("0.31")


def test_an_order_that_the_prepaid_part_makes_affordable_is_accepted() -> None:
    world = FloorWorld("0.30")
    world.join("gus", "1.01")
    assert world.place("gus", BID, "10", "0.40").order.status is OrderStatus.RESTING
    assert world.exchange.balance("gus") == money("0.01")
    assert world.refused("gus", BID, "1", "0.40") == (400, "insufficient_balance")


def test_the_fee_is_computed_at_the_full_price() -> None:
    world = World(scalar=True)
    world.exchange.set_floor(TICKER, price("0.30"))
    world.trade("ann", "bob", "10", "0.60")
    fill = world.exchange.fills_of("ann")[0]
    assert fill.fee == money("0.1680")
    assert world.exchange.cash("ann") == money("1000") - money("3") - money("0.1680")


def test_closing_near_the_floor_must_pay_a_fee_above_its_proceeds() -> None:
    world = World(scalar=True)
    world.exchange.set_floor(TICKER, price("0.30"))
    world.open_account("gus", "1.17")
    world.trade("gus", "bob", "10", "0.40")
    world.place("bob", BID, "10", "0.31")
    with pytest.raises(Refusal, match="insufficient balance"):  # 0.10 proceeds, 0.1498 fee
        world.place("gus", ASK, "10", "0.31", IOC)
    assert world.exchange.cash("gus") == money("0.002")


def test_yes_is_paid_the_value_less_the_floor_and_no_the_rest_at_a_value_on_the_floor() -> None:
    world = FloorWorld()
    world.trade("ann", "bob", "10", "0.60")
    world.set_floor("0.40")
    assert world.moved("ann") == -money("2")
    world.moved("bob")
    world.settle(price("0.40"))
    assert (world.moved("ann"), world.moved("bob")) == (0, money("6"))
    assert world.exchange.settlements_of("ann")[0].revenue == 0


def test_a_market_never_settles_below_its_floor() -> None:
    world = FloorWorld("0.30")
    with pytest.raises(ValueError, match="cannot pay"):
        world.close_and_determine(price("0.29"))


def test_a_closed_market_still_gets_a_floor_and_a_determined_one_does_not() -> None:
    world = FloorWorld()
    world.trade("ann", "bob", "10", "0.60")
    world.now = START + 10 * HOUR
    world.exchange.advance()
    world.moved("ann")
    world.set_floor("0.30")
    assert world.moved("ann") == money("3")
    world.close_and_determine(price("0.50"))
    with pytest.raises(ValueError, match="determined"):
        world.set_floor("0.40")


@pytest.mark.parametrize("floor", [-100, 1, 50, 10_000])
def test_a_floor_is_a_whole_cent_below_a_dollar(floor: int) -> None:
    world = FloorWorld(None)
    with pytest.raises(ValueError, match="whole cent"):
        world.exchange.set_floor(TICKER, floor)
    assert world.exchange.markets[TICKER].settlement_floor is None


def test_binary_markets_and_mutually_exclusive_events_have_no_floor() -> None:
    with pytest.raises(ValueError, match="not a scalar"):
        World().exchange.set_floor(TICKER, 0)
    world = FloorWorld(None)
    world.exchange.events["KXRAIN-26NOV21"].mutually_exclusive = True
    with pytest.raises(ValueError, match="mutually exclusive"):
        world.exchange.set_floor(TICKER, 0)


def test_a_floor_change_moves_the_markets_time_and_survives_a_restart() -> None:
    sink = Sink()
    world = FloorWorld(None, sink=sink)
    world.trade("ann", "bob", "10", "0.60")
    for floor in ("0", "0.30", "0.20"):
        world.now += HOUR
        world.set_floor(floor)
        assert world.exchange.markets[TICKER].updated_at == world.now
    world.place("ann", BID, "10", "0.40")
    back = restored(world, sink)
    back.check()
    assert back.markets[TICKER].floor == price("0.20")
    assert back.floor_changes == world.exchange.floor_changes
    assert back.balance("ann") == world.exchange.balance("ann") == money("1000") - money("4") - money("2")
    world.exchange = back
    world.trade("ann", "bob", "1", "0.50")
    assert back.fills_of("ann")[0].sequence > back.floor_changes[TICKER][-1].sequence


def test_a_world_stored_before_floors_has_default_markets() -> None:
    assert market("OLD").settlement_floor is None
    assert market("OLD").floor == 0


class FloorWalk:
    """Random orders, floors and payouts of accounts with little money."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.seen: Counter[str] = Counter()
        fee_type = self.random.choice(list(FeeType))
        self.world = World(fee_type=fee_type, grid="deci_cent", tickers=(TICKER, "OTHER"), scalar=True)
        self.deposits = {name: self.random.randrange(1, 20) * money("1") for name in ("eve", "fay", "gus")}
        for name, deposit in self.deposits.items():
            self.world.exchange.open_account(name, simulated=False)
            self.world.exchange.deposit(name, deposit)

    def step(self) -> None:
        ticker = self.random.choice((TICKER, "OTHER"))
        if self.random.random() < 0.2:
            self.move_floor(ticker)
        else:
            self.place(ticker)
        self.world.exchange.check()
        self.seen["below zero"] += any(self.world.exchange.cash(name) < 0 for name in self.deposits)

    def move_floor(self, ticker: str) -> None:
        change = self.random.choice([0, 1, 8, 20, 40, -8, -45]) * 100
        floor = min(max(0, self.world.exchange.markets[ticker].floor + change), 5_500)
        canceled = self.world.exchange.set_floor(ticker, floor)
        self.seen["canceled"] += canceled

    def place(self, ticker: str) -> None:
        name = self.random.choice(list(self.deposits))
        dollars = self.random.choice(["0.455", *3 * ["0.521"], "0.55", "0.6", "0.3"])
        contracts = self.random.choice(["1", "0.37", "8", "40", "90"])
        try:
            placed = self.world.place(
                name, self.random.choice([BID, ASK]), contracts, dollars,
                self.random.choice([GTC, GTC, IOC]), ticker=ticker,
            )  # fmt: skip
        except Refusal as refusal:
            self.seen[refusal.code] += 1
        else:
            self.seen["fills"] += len(placed.fills)

    def settle(self) -> None:
        for ticker in (TICKER, "OTHER"):
            lowest = self.world.exchange.markets[ticker].floor // 100
            self.world.settle(self.random.randrange(lowest, 101) * 100, ticker)

    def price_arithmetic(self, name: str) -> int:
        """Return what an account's fills bring by price alone, less fees."""
        total = 0
        for fill in self.world.exchange.fills_of(name):
            value = self.world.exchange.markets[fill.ticker].settlement_value
            assert value is not None
            total += (value - fill.price) * fill.count * (1 if fill.side is BID else -1) - fill.fee
        return total


@settings(max_examples=proof.CURRENT.costly_examples)
@given(seed=st.integers(0, 2**32), steps=st.integers(1, 120))
def test_over_a_markets_life_cash_is_price_arithmetic_less_fees_whatever_the_floor_did(
    seed: int, steps: int
) -> None:
    walk = FloorWalk(seed)
    for _ in range(steps):
        walk.step()
    walk.settle()
    for name, deposit in walk.deposits.items():
        assert walk.world.exchange.cash(name) - deposit == walk.price_arithmetic(name)


def test_such_walks_meet_every_rule_of_floors() -> None:
    seen: Counter[str] = Counter()
    for seed in range(3):
        walk = FloorWalk(seed)
        for _ in range(300):
            walk.step()
        seen += walk.seen
    rules = ("fills", "canceled", "below zero", "invalid_price", "insufficient_balance")
    assert min(seen[rule] for rule in rules) > 5
