"""Public interface of the exchange: its state and every change to it.

Catches up with the clock before each change. Never does I/O and never draws a random number: time and new
ids come from the constructor's arguments.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from kalshi_trading.practice.accounting import ledger
from kalshi_trading.practice.engine import floors, invariants, lifecycle, matching, price_grids
from kalshi_trading.practice.engine.admission import NewOrder
from kalshi_trading.practice.engine.changes import ChangeSink, Kind, NoChanges
from kalshi_trading.practice.engine.matching import PlaceResult
from kalshi_trading.practice.engine.refusals import Refusal
from kalshi_trading.practice.engine.schedule import DueEvent
from kalshi_trading.practice.engine.state import ExchangeState
from kalshi_trading.practice.records import (
    Account,
    BookSide,
    Event,
    Fill,
    FloorChange,
    Market,
    Order,
    OrderStatus,
    Position,
    Series,
    Settlement,
    Trade,
)

__all__ = ["Exchange", "NewOrder", "Refusal"]


class Exchange:
    """The exchange in memory.

    Read records directly; change them through methods only. Records are live: they change as the exchange
    runs. Simulated accounts keep only resting orders, positions and balances. Methods that trade raise
    Refusal. Misuse by the surrounding program raises ValueError.
    """

    def __init__(
        self, *, clock: Callable[[], int], new_id: Callable[[], str], changes: ChangeSink | None = None
    ) -> None:
        state = ExchangeState(new_id=new_id, changes=NoChanges() if changes is None else changes)
        self._clock = clock
        self._state = state
        self.series: Mapping[str, Series] = state.series
        self.events: Mapping[str, Event] = state.events
        self.markets: Mapping[str, Market] = state.markets
        self.accounts: Mapping[str, Account] = state.accounts
        self.orders: Mapping[str, Order] = state.orders
        self.positions: Mapping[str, Mapping[str, Position]] = state.positions
        self.fills: Mapping[str, Sequence[Fill]] = state.fills
        self.trades: Mapping[str, Sequence[Trade]] = state.trades
        self.settlements: Mapping[str, Sequence[Settlement]] = state.settlements
        self.floor_changes: Mapping[str, Sequence[FloorChange]] = state.floor_changes

    @property
    def trading_active(self) -> bool:
        """False while trading is paused: cancels work, new orders do not."""
        return self._state.trading_active

    @property
    def exchange_active(self) -> bool:
        """False while the exchange is paused: no orders and no cancels."""
        return self._state.exchange_active

    # Setup.

    def add_series(self, series: Series) -> None:
        """Add a new series. Raises ValueError if it exists."""
        _require_new(series.ticker, self.series)
        self._state.series[series.ticker] = series
        self._state.report_change(Kind.SERIES, series.ticker, series)

    def add_event(self, event: Event) -> None:
        """Add a new event to an existing series.

        Raises ValueError if the event exists or the series does not.
        """
        _require_new(event.event_ticker, self.events)
        _require_exists(event.series_ticker, self.series)
        self._state.events[event.event_ticker] = event
        self._state.report_change(Kind.EVENT, event.event_ticker, event)

    def add_market(self, market: Market) -> None:
        """Add a new market to an existing event.

        Its times determine when it opens and closes. Raises ValueError if the market exists, or if its
        event or series does not.
        """
        _require_new(market.ticker, self.markets)
        _require_exists(market.event_ticker, self.events)
        _require_exists(market.series_ticker, self.series)
        price_grids.bands(market.grid)
        self._state.add_market(market)
        lifecycle.schedule(self._state, market)
        self._state.report_change(Kind.MARKET, market.ticker, market)

    def open_account(self, account_id: str, *, simulated: bool) -> Account:
        """Open an account without money.

        A simulated account has unlimited credit and keeps no history.
        """
        _require_new(account_id, self.accounts)
        account = Account(account_id, simulated)
        self._state.add_account(account)
        self._state.report_change(Kind.ACCOUNT, account_id, account)
        return account

    def deposit(self, account_id: str, amount: int) -> None:
        """Move money, in millionths of a dollar, from the house to an account."""
        self._state.account(account_id)
        if amount <= 0:
            raise ValueError("a deposit must be above zero")
        self._state.post((ledger.HOUSE, -amount), (ledger.cash(account_id), amount))

    def withdraw(self, account_id: str, amount: int) -> None:
        """Move free cash, in millionths of a dollar, back to the house.

        Cash that a resting order may need is not free. Raises ValueError if there is too little.
        """
        if amount <= 0:
            raise ValueError("a withdrawal must be above zero")
        if amount > self._state.cash(account_id) - self._state.reserved(account_id):
            raise ValueError("there is not that much free cash")
        self._state.post((ledger.cash(account_id), -amount), (ledger.HOUSE, amount))

    def cash(self, account_id: str) -> int:
        """Return an account's cash, collateral of resting orders included."""
        return self._state.cash(self._state.account(account_id).account_id)

    # Trading.

    def place(self, account_id: str, new: NewOrder) -> PlaceResult:
        """Place an order. Raises Refusal."""
        self._state.account(account_id)
        return matching.place(self._state, account_id, new, self._now())

    def cancel(self, account_id: str, order_id: str) -> tuple[Order, int]:
        """Cancel an account's own resting order.

        Return the order and the count taken off the book. Raises Refusal.
        """
        return matching.cancel(self._state, account_id, order_id, self._now())

    def set_forgets_ended_ids(self, forgets: bool) -> None:
        """Set whether the client_order_id of an ended order may be reused."""
        self._state.forgets_ended_ids = forgets

    def queue_position(self, account_id: str, order_id: str) -> int:
        """Return the contracts ahead of an account's own resting order.

        Only orders at the same price count.
        """
        order = self._state.resting_order(account_id, order_id)
        return self._state.books[order.ticker].count_ahead(order)

    def levels(self, ticker: str, side: BookSide) -> list[tuple[int, int]]:
        """Return YES price and count of each level of a side, best first."""
        return self._state.books[self._state.market(ticker).ticker].levels(side)

    def best(self, ticker: str, side: BookSide) -> tuple[int, int] | None:
        """Return YES price and count of a side's best level, or None."""
        return self._state.books[self._state.market(ticker).ticker].best(side)

    def resting(self, ticker: str, side: BookSide) -> list[Order]:
        """Return all accounts' orders on one side, in priority order."""
        return self._state.books[self._state.market(ticker).ticker].orders(side)

    # Records of one account, newest first unless stated otherwise.

    def balance(self, account_id: str) -> int:
        """Return the cash minus the collateral of resting orders.

        Reserved fees are not subtracted.
        """
        self._state.account(account_id)
        return self._state.cash(account_id) - self._state.collateral(account_id)

    def position(self, account_id: str, ticker: str) -> Position | None:
        """Return the position in a market. None: the account never traded there."""
        return self.positions.get(account_id, {}).get(ticker)

    def positions_of(self, account_id: str) -> list[Position]:
        """Return an account's positions, most recently changed first.

        Settled positions are included.
        """
        held = self.positions[self._state.account(account_id).account_id].values()
        return sorted(held, key=lambda position: position.updated_at, reverse=True)

    def order(self, order_id: str) -> Order | None:
        """Return any account's order, or None."""
        return self.orders.get(order_id)

    def orders_of(self, account_id: str) -> list[Order]:
        """Return an account's orders of every status."""
        return self._state.account_orders(self._state.account(account_id).account_id)

    def fills_of(self, account_id: str) -> list[Fill]:
        """Return an account's fills."""
        return list(reversed(self.fills[self._state.account(account_id).account_id]))

    def settlements_of(self, account_id: str) -> list[Settlement]:
        """Return an account's settlement rows."""
        return list(reversed(self.settlements[self._state.account(account_id).account_id]))

    def orders_oldest_first(self, account_id: str) -> Sequence[Order]:
        """Return a live list of an account's orders, oldest first.

        Empty for a simulated account.
        """
        return self._state.order_lists[account_id]

    def fills_oldest_first(self, account_id: str) -> Sequence[Fill]:
        """Return a live list of an account's fills, oldest first."""
        return self.fills[account_id]

    def position_tickers(self, account_id: str) -> Sequence[str]:
        """Return the tickers of all markets an account ever traded, sorted."""
        return self._state.position_tickers[account_id]

    # Pauses and market lifecycle.

    def pause_trading(self) -> None:
        """Refuse new orders until `resume`; cancels still work."""
        self._state.trading_active = False
        lifecycle.cancel_for_pause(self._state, self._now())

    def pause_exchange(self) -> None:
        """Refuse new orders and cancels until `resume`."""
        self._state.exchange_active = False
        lifecycle.cancel_for_pause(self._state, self._now())

    def resume(self) -> None:
        """End all pauses of trading and of the exchange."""
        self._state.trading_active = self._state.exchange_active = True

    def deactivate(self, ticker: str) -> None:
        """Pause an active market; its resting orders stay."""
        lifecycle.deactivate(self._state, ticker, self._now())

    def activate(self, ticker: str) -> None:
        """End a market's pause and cancel its resting orders."""
        lifecycle.activate(self._state, ticker, self._now())

    def determine(
        self, ticker: str, settlement_value: int, expiration_value: str, *, at: int | None = None
    ) -> None:
        """Set a closed market's result; the settlement timer then runs.

        The payout follows at the end of the timer. `settlement_value` is the price one YES contract pays:
        0 or 10,000, or any whole cent from the floor up for a scalar market. `at` backdates the result, but
        not to before the close. Raises ValueError.
        """
        now = self._now()
        if at is not None and at > now:
            raise ValueError("a result cannot come from the future")
        lifecycle.determine(
            self._state, ticker, settlement_value, expiration_value, now if at is None else at
        )

    def set_floor(self, ticker: str, floor: int) -> int:
        """Raise or lower the settlement floor of a scalar market.

        The first call makes the market one with a floor. `floor` is a price in whole cents. Returns how many
        resting orders were canceled. Raises KeyError or ValueError.
        """
        return floors.set_floor(self._state, ticker, floor, self._now())

    def next_due(self) -> int | None:
        """Return the earliest time `advance` may have work to do, or None."""
        return self._state.schedule.next_at()

    def advance(self) -> list[DueEvent]:
        """Process all due events and return those since the last call."""
        self._now()
        events, self._state.queued_events = self._state.queued_events, []
        return events

    def _now(self) -> int:
        now = self._clock()
        lifecycle.catch_up(self._state, now)
        return now

    # Restore from a store.

    def restore(
        self,
        *,
        series: Iterable[Series] = (),
        events: Iterable[Event] = (),
        markets: Iterable[Market] = (),
        accounts: Iterable[Account] = (),
        orders: Iterable[Order] = (),
        positions: Iterable[Position] = (),
        fills: Iterable[Fill] = (),
        trades: Iterable[Trade] = (),
        settlements: Iterable[Settlement] = (),
        floor_changes: Iterable[FloorChange] = (),
        balances: Mapping[str, int] | None = None,
    ) -> None:
        """Fill an empty exchange with stored records.

        Nothing is reported as changed. Resting orders keep their queue positions. Events that fell due in the
        meantime wait for `advance` or the next change.
        """
        self._state.series.update({row.ticker: row for row in series})
        self._state.events.update({row.event_ticker: row for row in events})
        self._state.ledger = ledger.Ledger(balances)
        for market in markets:
            self._state.add_market(market)
            lifecycle.schedule(self._state, market)
        for account in accounts:
            self._state.add_account(account)
        for position in positions:
            self._state.add_position(position)
        self._restore_orders(orders)
        for fill in sorted(fills, key=lambda row: row.sequence):
            self._state.add_fill(fill)
        for trade in sorted(trades, key=lambda row: row.sequence):
            self._state.add_trade(trade)
        for settlement in sorted(settlements, key=lambda row: row.sequence):
            self._state.add_settlement(settlement)
        for change in sorted(floor_changes, key=lambda row: row.sequence):
            self._state.add_floor_change(change)

    def _restore_orders(self, orders: Iterable[Order]) -> None:
        for order in sorted(orders, key=lambda row: row.sequence):
            self._state.add_order(order)
            if order.status is OrderStatus.RESTING:
                self._state.rest(order)

    def check(self) -> None:
        """Raise AssertionError if any invariant fails; for tests.

        It checks all records.
        """
        invariants.check(self._state)


def _require_new(name: str, known: Mapping[str, object]) -> None:
    if name in known:
        raise ValueError(f"{name} is known already")


def _require_exists(name: str, known: Mapping[str, object]) -> None:
    if name not in known:
        raise ValueError(f"{name} is not known")
