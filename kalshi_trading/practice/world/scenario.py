"""Create accounts with a long history, for demos and benchmarks.

The history is traded: every fill is a real match between real orders, and every cent goes through the
ledger. Only the counterparty and the timing are invented.
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
from kalshi_trading.practice.simulation.quoting import grid_prices, nearest_price
from kalshi_trading.practice.storage.saved_world import TransferStatus
from kalshi_trading.practice.world.account_audit import AccountAudit
from kalshi_trading.practice.world.world import World

COUNTERPARTY = "simulated-counterparty"

_DAY = 24 * 3_600 * ONE_SECOND
_STEPS_A_DAY = 24
_MAX_LEVELS = 5  # fills per order
_MAX_COUNT = 30 * ONE_CONTRACT
_SPREAD = 8  # grid steps around the value
_MAKER_SHARE = 0.4
_CASH_PER_FILL = 40 * ONE_DOLLAR
_TIME_TO_SPARE = 3_600 * ONE_SECOND


@dataclass(frozen=True, slots=True)
class Scenario:
    """Target contents of an account.

    Open positions and fills are exact; the other counts are reached as far as possible.
    """

    positions: int = 20
    fills: int = 200
    seed: int = 1
    settled: int | None = None  # markets traded and paid out by then; None: a tenth of the positions
    resting: int = 10
    days: int = 3

    def __post_init__(self) -> None:
        if self.positions < 1 or self.days < 1 or self.resting < 0 or (self.settled or 0) < 0:
            raise ValueError("a scenario needs at least one position and one day, and no negative number")
        if self.fills < self.positions + self.settled_wanted:
            raise ValueError("a scenario needs at least one fill per market")

    @property
    def settled_wanted(self) -> int:
        """The number of markets to trade and settle."""
        return self.positions // 10 if self.settled is None else self.settled

    @property
    def market_count(self) -> int:
        """The number of markets a world needs for this scenario."""
        return 2 * (self.positions + self.settled_wanted) + 200

    @property
    def span(self) -> int:
        """The duration in microseconds of the world's clock."""
        return self.days * _DAY


def parse(text: str) -> Scenario:
    """Return the scenario of a text such as `positions=200,fills=20000`.

    Raises ValueError for an unknown name or an invalid number.
    """
    known = {field.name for field in fields(Scenario)}
    wanted: dict[str, int] = {}
    for part in text.split(","):
        name, _, number = part.partition("=")
        if name not in known or not (number.isascii() and number.isdigit() and len(number) < 10):
            raise ValueError(f"{part!r} is not one of {', '.join(sorted(known))} with a whole number")
        wanted[name] = int(number)
    return Scenario(**wanted)


def build(world: World, scenario: Scenario) -> AccountAudit:
    """Trade a scenario in a new world and return the account's audit.

    The world's clock moves forward by the scenario's days.
    """
    return _ScenarioRun(world, scenario).run()


@dataclass(slots=True)
class _Plan:
    """The remaining fills of one market."""

    market: Market
    fills: int
    first_step: int
    last_step: int


class _ScenarioRun:
    """Executes one scenario."""

    def __init__(self, world: World, scenario: Scenario) -> None:
        self._world = world
        self._exchange: Exchange = world.exchange
        self._scenario = scenario
        self._random = Random(scenario.seed)
        self._numbers = iter(range(10**9))
        self._begins_at = world.clock.now()
        self._ends_at = self._begins_at + scenario.span
        self._steps = scenario.days * _STEPS_A_DAY

    def run(self) -> AccountAudit:
        """Transfer money, trade step by step, and leave some orders resting."""
        plans = self._plans()
        self._exchange.open_account(COUNTERPARTY, simulated=True)
        self._move_money()
        for step in range(self._steps):
            for plan in plans:
                if plan.fills and plan.first_step <= step:
                    self._trade_share(plan, step)
            self._world.commit()
            self._world.advance_to(self._begins_at + (step + 1) * self._scenario.span // self._steps)
        self._place_resting_orders(plans)
        self._world.commit()
        return self._world.audit(self._world.account_id)

    # Planning.

    def _plans(self) -> list[_Plan]:
        scenario, active = self._scenario, self._active()
        lasting = [market for market in active if market.close_at > self._ends_at + _TIME_TO_SPARE]
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
        return market.close_at > self._begins_at + 2 * _TIME_TO_SPARE and _payout_at(market) < self._ends_at

    def _shares(self, parts: int) -> list[int]:
        """Distribute the fills unevenly over the markets, at least one each."""
        weights = [self._random.paretovariate(1.5) for _ in range(parts)]
        rest, total = self._scenario.fills - parts, sum(weights)
        shares = [1 + int(rest * weight / total) for weight in weights]
        for index in range(self._scenario.fills - sum(shares)):
            shares[index % parts] += 1
        return shares

    def _plan(self, market: Market, fills: int) -> _Plan:
        tradable = market.close_at - _TIME_TO_SPARE - self._begins_at
        last = min(self._steps - 1, tradable * self._steps // self._scenario.span)
        return _Plan(market, fills, self._random.randint(0, last), last)

    def _move_money(self) -> None:
        """Deposit enough for every fill, and create transfers of every status."""
        world, account_id = self._world, self._world.account_id
        world.deposit(account_id, self._scenario.fills * _CASH_PER_FILL)
        world.deposit(account_id, 250 * ONE_DOLLAR, fee=5 * ONE_DOLLAR)
        for status in (TransferStatus.PENDING, TransferStatus.FAILED, TransferStatus.RETURNED):
            world.deposit(account_id, 100 * ONE_DOLLAR, status=status)
            world.withdraw(account_id, 50 * ONE_DOLLAR, status=status)
        world.withdraw(account_id, 75 * ONE_DOLLAR, fee=2 * ONE_DOLLAR)

    # Trading.

    def _trade_share(self, plan: _Plan, step: int) -> None:
        """Trade this step's share of a market's fills.

        The last step trades all that remain.
        """
        part = -(-plan.fills // (plan.last_step - step + 1))
        self._cancel_quotes(plan.market)
        for wanted in _portions(part, self._random):
            plan.fills -= wanted
            self._trade(plan.market, wanted, is_last=plan.fills == 0)

    def _cancel_quotes(self, market: Market) -> None:
        """Cancel the market maker's quotes, because they would match the fills.

        The market maker quotes again at its next step.
        """
        for side in BookSide:
            for order in self._exchange.resting(market.ticker, side):
                if order.account_id == MARKET_MAKER:
                    self._exchange.cancel(MARKET_MAKER, order.order_id)

    def _trade(self, market: Market, fills: int, *, is_last: bool) -> None:
        """Trade one account order against `fills` counterparty orders.

        The market's last order never closes the position completely.
        """
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
        """Return a side that usually adds to the position.

        The other side reduces or reverses it. Without a position the side is random.
        """
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
            return self._random.randint(1, _MAX_COUNT)
        return self._random.randint(1, _MAX_COUNT // ONE_CONTRACT) * ONE_CONTRACT

    def _prices(self, market: Market, side: BookSide, levels: int) -> list[int]:
        """Return distinct prices near the value, best for the account first."""
        grid = grid_prices(market.grid)
        value = self._world.participants.value(market, self._world.clock.now())
        middle = grid.index(nearest_price(market, value)) + self._random.randint(-_SPREAD, _SPREAD)
        first = min(max(0, middle), len(grid) - levels)
        prices = list(grid[first : first + levels])
        return prices if side is BookSide.BID else prices[::-1]

    def _place_resting_orders(self, plans: list[_Plan]) -> None:
        """Leave resting orders at the end of the grid farthest from the value."""
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
    """Yield the number of fills of each order."""
    while total > 0:
        portion = min(total, random.randint(1, _MAX_LEVELS))
        total -= portion
        yield portion


def _other(side: BookSide) -> BookSide:
    return BookSide.ASK if side is BookSide.BID else BookSide.BID


def _payout_at(market: Market) -> int:
    return market.expected_expiration_at + market.settlement_timer_s * ONE_SECOND
