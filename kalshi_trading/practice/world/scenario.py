"""Accounts with a long past, made by trading it: for demonstrations and for measuring.

Knows how many positions and fills there shall be. Every fill is a real match between real orders and every
cent goes through the ledger; only the other side of the trades and the pace are made up.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from random import Random

from kalshi_trading.practice.engine.exchange import Exchange, NewOrder
from kalshi_trading.practice.records import (
    ONE_CONTRACT,
    ONE_DOLLAR,
    ONE_SECOND,
    BookSide,
    Market,
    MarketStatus,
    Order,
    SelfTradePrevention,
    TimeInForce,
)
from kalshi_trading.practice.simulation.participants import MARKET_MAKER
from kalshi_trading.practice.simulation.quoting import grid_prices, nearest
from kalshi_trading.practice.storage.saved_world import TransferStatus
from kalshi_trading.practice.world.account_audit import AccountAudit
from kalshi_trading.practice.world.world import World

COUNTERPARTY = "simulated-counterparty"

_DAY = 24 * 3_600 * ONE_SECOND
_STEPS_A_DAY = 24
_MOST_LEVELS = 5  # fills that one order gets
_LARGEST_COUNT = 30 * ONE_CONTRACT
_SPREAD = 8  # grid steps around the value within which the account trades
_MAKER_SHARE = 0.4
_CASH_PER_FILL = 40 * ONE_DOLLAR
_TIME_TO_SPARE = 3_600 * ONE_SECOND


@dataclass(frozen=True, slots=True)
class Scenario:
    """What the account shall hold: open positions and fills exactly, the others as far as possible."""

    positions: int = 20
    fills: int = 200
    seed: int = 1
    settled: int | None = None  # markets traded and paid out meanwhile; None is a tenth of the positions
    resting: int = 10
    days: int = 3

    def __post_init__(self) -> None:
        if self.positions < 1 or self.days < 1 or self.resting < 0 or (self.settled or 0) < 0:
            raise ValueError("a scenario needs at least one position and one day, and no negative number")
        if self.fills < self.positions + self.settled_wanted:
            raise ValueError("a scenario needs at least one fill per market")

    @property
    def settled_wanted(self) -> int:
        """Return how many markets shall be paid out meanwhile."""
        return self.positions // 10 if self.settled is None else self.settled

    @property
    def market_count(self) -> int:
        """Return the size of a world with room for it."""
        return 2 * (self.positions + self.settled_wanted) + 200

    @property
    def span(self) -> int:
        """Return how long it takes, in microseconds of the world's clock."""
        return self.days * _DAY


def parse(text: str) -> Scenario:
    """Read `positions=200,fills=20000`; a name or number not understood is a ValueError."""
    known = {field.name for field in fields(Scenario)}
    wanted: dict[str, int] = {}
    for part in text.split(","):
        name, _, number = part.partition("=")
        if name not in known or not (number.isascii() and number.isdigit() and len(number) < 10):
            raise ValueError(f"{part!r} is not one of {', '.join(sorted(known))} with a whole number")
        wanted[name] = int(number)
    return Scenario(**wanted)


def build(world: World, scenario: Scenario) -> AccountAudit:
    """Trade a scenario in a new world, whose clock moves on by its days; return the books."""
    return _Player(world, scenario).play()


@dataclass(slots=True)
class _Plan:
    """The fills still to come in one market."""

    market: Market
    fills: int
    first_step: int
    last_step: int


class _Player:
    """Plays one scenario."""

    def __init__(self, world: World, scenario: Scenario) -> None:
        self._world = world
        self._exchange: Exchange = world.exchange
        self._scenario = scenario
        self._random = Random(scenario.seed)
        self._numbers = iter(range(10**9))
        self._begins = world.clock.now()
        self._ends = self._begins + scenario.span
        self._steps = scenario.days * _STEPS_A_DAY

    def play(self) -> AccountAudit:
        """Move money, trade step by step, and leave some orders resting."""
        plans = self._plans()
        self._exchange.open_account(COUNTERPARTY, simulated=True)
        self._move_money()
        for step in range(self._steps):
            for plan in plans:
                if plan.fills and plan.first_step <= step:
                    self._work(plan, step)
            self._world.commit()
            self._world.advance_to(self._begins + (step + 1) * self._scenario.span // self._steps)
        self._rest(plans)
        self._world.commit()
        return self._world.books(self._world.account_id)

    # What to trade, and when.

    def _plans(self) -> list[_Plan]:
        scenario, active = self._scenario, self._active()
        lasting = [market for market in active if market.close_at > self._ends + _TIME_TO_SPARE]
        ending = [market for market in active if self._is_ending(market)]
        if len(lasting) < scenario.positions:
            raise ValueError(f"only {len(lasting)} markets stay open for {scenario.days} days")
        settled = self._random.sample(ending, min(scenario.settled_wanted, len(ending)))
        markets = self._random.sample(lasting, scenario.positions) + settled
        shares = self._shares(len(markets))
        return [self._plan(market, share) for market, share in zip(markets, shares, strict=True)]

    def _active(self) -> list[Market]:
        markets = self._exchange.markets.values()
        return [market for market in markets if market.status is MarketStatus.ACTIVE]

    def _is_ending(self, market: Market) -> bool:
        return market.close_at > self._begins + 2 * _TIME_TO_SPARE and _paid_out_at(market) < self._ends

    def _shares(self, parts: int) -> list[int]:
        """Deal the fills out, at least one to each; some markets are traded far more than others."""
        weights = [self._random.paretovariate(1.5) for _ in range(parts)]
        rest, total = self._scenario.fills - parts, sum(weights)
        shares = [1 + int(rest * weight / total) for weight in weights]
        for index in range(self._scenario.fills - sum(shares)):
            shares[index % parts] += 1
        return shares

    def _plan(self, market: Market, fills: int) -> _Plan:
        tradable = market.close_at - _TIME_TO_SPARE - self._begins
        last = min(self._steps - 1, tradable * self._steps // self._scenario.span)
        return _Plan(market, fills, self._random.randint(0, last), last)

    def _move_money(self) -> None:
        """Pay in enough for every fill, and let some transfers take each of the other ways."""
        world, account_id = self._world, self._world.account_id
        world.deposit(account_id, self._scenario.fills * _CASH_PER_FILL)
        world.deposit(account_id, 250 * ONE_DOLLAR, fee=5 * ONE_DOLLAR)
        for status in (TransferStatus.PENDING, TransferStatus.FAILED, TransferStatus.RETURNED):
            world.deposit(account_id, 100 * ONE_DOLLAR, status=status)
            world.withdraw(account_id, 50 * ONE_DOLLAR, status=status)
        world.withdraw(account_id, 75 * ONE_DOLLAR, fee=2 * ONE_DOLLAR)

    # Trading.

    def _work(self, plan: _Plan, step: int) -> None:
        """Make a part of a market's fills, and all that are left at its last step."""
        part = -(-plan.fills // (plan.last_step - step + 1))
        self._clear(plan.market)
        for wanted in _portions(part, self._random):
            plan.fills -= wanted
            self._trade(plan.market, wanted, is_last=plan.fills == 0)

    def _clear(self, market: Market) -> None:
        """Take the quotes off, so that the account's trades go where they shall; they come back later."""
        for side in BookSide:
            for order in self._exchange.resting(market.ticker, side):
                if order.account_id == MARKET_MAKER:
                    self._exchange.cancel(MARKET_MAKER, order.order_id)

    def _trade(self, market: Market, fills: int, *, is_last: bool) -> None:
        """Let the account's order meet that many others; the last one leaves a position behind."""
        side = self._side(market)
        counts = [self._count() for _ in range(fills)]
        if is_last and self._held_after(market, side, sum(counts)) == 0:
            counts[0] += ONE_CONTRACT
        prices = self._prices(market, side, fills)
        if self._random.random() < _MAKER_SHARE:
            self._make(market, side, prices[0], counts)
        else:
            self._take(market, side, list(zip(prices, counts, strict=True)))

    def _make(self, market: Market, side: BookSide, price: int, counts: list[int]) -> None:
        self._place(self._world.account_id, market, side, price, sum(counts))
        for count in counts:
            self._place(COUNTERPARTY, market, _other(side), price, count, TimeInForce.IMMEDIATE_OR_CANCEL)

    def _take(self, market: Market, side: BookSide, offers: list[tuple[int, int]]) -> None:
        for price, count in offers:
            self._place(COUNTERPARTY, market, _other(side), price, count)
        limit, total = offers[-1][0], sum(count for _, count in offers)
        in_force = self._random.choice((TimeInForce.IMMEDIATE_OR_CANCEL, TimeInForce.FILL_OR_KILL))
        self._place(self._world.account_id, market, side, limit, total, in_force)

    def _side(self, market: Market) -> BookSide:
        """Mostly add to what is held; now and then close, or turn it round."""
        position = self._exchange.position(self._world.account_id, market.ticker)
        held = position.count if position is not None else self._random.choice((1, -1))
        towards = BookSide.BID if held > 0 else BookSide.ASK
        return towards if self._random.random() < 0.6 else _other(towards)

    def _held_after(self, market: Market, side: BookSide, count: int) -> int:
        position = self._exchange.position(self._world.account_id, market.ticker)
        held = position.count if position is not None else 0
        return held + (count if side is BookSide.BID else -count)

    def _count(self) -> int:
        if self._random.random() < 0.2:
            return self._random.randint(1, _LARGEST_COUNT)
        return self._random.randint(1, _LARGEST_COUNT // ONE_CONTRACT) * ONE_CONTRACT

    def _prices(self, market: Market, side: BookSide, levels: int) -> list[int]:
        """Return different prices near the value, the best one for the account first."""
        grid = grid_prices(market.grid)
        value = self._world.participants.value(market, self._world.clock.now())
        middle = grid.index(nearest(market, value)) + self._random.randint(-_SPREAD, _SPREAD)
        first = min(max(0, middle), len(grid) - levels)
        prices = list(grid[first : first + levels])
        return prices if side is BookSide.BID else prices[::-1]

    def _rest(self, plans: list[_Plan]) -> None:
        """Leave orders on the book at the end of the grid that is further from the market."""
        lasting = [plan.market for plan in plans if plan.market.status is MarketStatus.ACTIVE]
        for market in self._random.sample(lasting, min(self._scenario.resting, len(lasting))):
            grid = grid_prices(market.grid)
            value = self._world.participants.value(market, self._world.clock.now())
            is_dear = 2 * value > grid[0] + grid[-1]
            side, price = (BookSide.BID, grid[0]) if is_dear else (BookSide.ASK, grid[-1])
            self._place(self._world.account_id, market, side, price, self._count())

    def _place(
        self,
        account_id: str,
        market: Market,
        side: BookSide,
        price: int,
        count: int,
        time_in_force: TimeInForce = TimeInForce.GOOD_TILL_CANCELED,
    ) -> Order:
        new = NewOrder(
            ticker=market.ticker,
            client_order_id=f"scenario-{self._scenario.seed}-{next(self._numbers)}",
            side=side,
            price=price,
            count=count,
            time_in_force=time_in_force,
            self_trade_prevention=SelfTradePrevention.TAKER_AT_CROSS,
        )
        return self._exchange.place(account_id, new).order


def _portions(total: int, random: Random) -> Iterator[int]:
    """Cut a number of fills into orders."""
    while total > 0:
        portion = min(total, random.randint(1, _MOST_LEVELS))
        total -= portion
        yield portion


def _other(side: BookSide) -> BookSide:
    return BookSide.ASK if side is BookSide.BID else BookSide.BID


def _paid_out_at(market: Market) -> int:
    return market.expected_expiration_at + market.settlement_timer_s * ONE_SECOND
