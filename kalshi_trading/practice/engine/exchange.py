"""The practice exchange itself: the public door to the state and to every rule that changes it.

Knows which module keeps which rule, and lets the clock catch up before each change. Never does I/O
and never draws a random number: time and new ids come in through the constructor.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from kalshi_trading.practice.accounting import ledger
from kalshi_trading.practice.engine import invariants, lifecycle, matching, price_grids
from kalshi_trading.practice.engine.admission import NewOrder
from kalshi_trading.practice.engine.changes import ChangeSink, Kind, NoChanges
from kalshi_trading.practice.engine.matching import PlaceResult
from kalshi_trading.practice.engine.refusals import Refusal
from kalshi_trading.practice.engine.schedule import Occurred
from kalshi_trading.practice.engine.state import ExchangeState
from kalshi_trading.practice.records import (
    Account,
    BookSide,
    Event,
    Fill,
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
    """The exchange in memory. Its records may be read directly; every change goes through a method.

    Records are live: what is read changes as the exchange goes on. Of simulated accounts only resting
    orders, positions and balances are kept. Methods that trade raise `Refusal`; wrong use by the
    program around it is a ValueError.
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

    @property
    def trading_active(self) -> bool:
        """Tell whether orders may be placed."""
        return self._state.trading_active

    @property
    def exchange_active(self) -> bool:
        """Tell whether anything may be changed at all."""
        return self._state.exchange_active

    # The world.

    def add_series(self, series: Series) -> None:
        """Make a new series known."""
        _refuse_known(series.ticker, self.series)
        self._state.series[series.ticker] = series
        self._state.changed(Kind.SERIES, series.ticker, series)

    def add_event(self, event: Event) -> None:
        """Make a new event of a known series known."""
        _refuse_known(event.event_ticker, self.events)
        _require_known(event.series_ticker, self.series)
        self._state.events[event.event_ticker] = event
        self._state.changed(Kind.EVENT, event.event_ticker, event)

    def add_market(self, market: Market) -> None:
        """Make a new market of a known event known; its times decide when it opens and closes."""
        _refuse_known(market.ticker, self.markets)
        _require_known(market.event_ticker, self.events)
        _require_known(market.series_ticker, self.series)
        price_grids.bands(market.grid)
        self._state.enter_market(market)
        lifecycle.schedule(self._state, market)
        self._state.changed(Kind.MARKET, market.ticker, market)

    def open_account(self, account_id: str, *, simulated: bool) -> Account:
        """Open an account without money. A simulated one has endless credit and no history."""
        _refuse_known(account_id, self.accounts)
        account = Account(account_id, simulated)
        self._state.enter_account(account)
        self._state.changed(Kind.ACCOUNT, account_id, account)
        return account

    def deposit(self, account_id: str, amount: int) -> None:
        """Move money from the house to an account's cash, in millionths of a dollar."""
        self._state.account(account_id)
        if amount <= 0:
            raise ValueError("a deposit must be above zero")
        self._state.post((ledger.HOUSE, -amount), (ledger.cash(account_id), amount))

    def withdraw(self, account_id: str, amount: int) -> None:
        """Move cash that no resting order may need back to the house, in millionths of a dollar."""
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
        """Place an order, or raise the Refusal that says why not."""
        self._state.account(account_id)
        return matching.place(self._state, account_id, new, self._now())

    def cancel(self, account_id: str, order_id: str) -> tuple[Order, int]:
        """Cancel an account's own resting order; return it and the count taken off the book."""
        return matching.cancel(self._state, account_id, order_id, self._now())

    def forgets_ended_ids(self, forgets: bool) -> None:
        """Say whether the client_order_id of an order that has ended may be used again."""
        self._state.forgets_ended_ids = forgets

    def queue_position(self, account_id: str, order_id: str) -> int:
        """Return the contracts that stand before an account's own resting order at its price."""
        order = self._state.resting_order(account_id, order_id)
        return self._state.books[order.ticker].ahead(order)

    def levels(self, ticker: str, side: BookSide) -> list[tuple[int, int]]:
        """Return YES price and count of every level of one side, best first."""
        return self._state.books[self._state.market(ticker).ticker].levels(side)

    def best(self, ticker: str, side: BookSide) -> tuple[int, int] | None:
        """Return YES price and count of the best level of one side, or None."""
        return self._state.books[self._state.market(ticker).ticker].best(side)

    def resting(self, ticker: str, side: BookSide) -> list[Order]:
        """Return the orders of every account on one side, in the sequence in which they would trade."""
        return self._state.books[self._state.market(ticker).ticker].orders(side)

    # An account's own records, newest first.

    def balance(self, account_id: str) -> int:
        """Return the cash minus the collateral of resting orders (no fees are held back in it)."""
        self._state.account(account_id)
        return self._state.cash(account_id) - self._state.collateral(account_id)

    def position(self, account_id: str, ticker: str) -> Position | None:
        """Return what an account holds or held in a market, or None when it never traded there."""
        return self.positions.get(account_id, {}).get(ticker)

    def positions_of(self, account_id: str) -> list[Position]:
        """Return an account's positions, settled ones included, the last changed first."""
        held = self.positions[self._state.account(account_id).account_id].values()
        return sorted(held, key=lambda position: position.updated_at, reverse=True)

    def order(self, order_id: str) -> Order | None:
        """Return an order of any account, or None."""
        return self.orders.get(order_id)

    def orders_of(self, account_id: str) -> list[Order]:
        """Return an account's orders of every status."""
        return self._state.account_orders(self._state.account(account_id).account_id)

    def fills_of(self, account_id: str) -> list[Fill]:
        """Return an account's fills."""
        return list(reversed(self.fills[self._state.account(account_id).account_id]))

    def settlements_of(self, account_id: str) -> list[Settlement]:
        """Return an account's payout rows."""
        return list(reversed(self.settlements[self._state.account(account_id).account_id]))

    def order_line(self, account_id: str) -> Sequence[Order]:
        """Return the orders of an account that is not simulated, oldest first; it grows as they do."""
        return self._state.order_lines[account_id]

    def fill_line(self, account_id: str) -> Sequence[Fill]:
        """Return an account's fills, oldest first; it grows as they do."""
        return self.fills[account_id]

    def position_tickers(self, account_id: str) -> Sequence[str]:
        """Return the markets an account ever traded, sorted."""
        return self._state.position_tickers[account_id]

    # Pauses and the life of markets.

    def pause_trading(self) -> None:
        """Refuse new orders until `resume`; cancels go on."""
        self._state.trading_active = False
        lifecycle.cancel_for_pause(self._state, self._now())

    def pause_exchange(self) -> None:
        """Refuse new orders and cancels until `resume`."""
        self._state.exchange_active = False
        lifecycle.cancel_for_pause(self._state, self._now())

    def resume(self) -> None:
        """End every pause of trading and of the exchange."""
        self._state.trading_active = self._state.exchange_active = True

    def deactivate(self, ticker: str) -> None:
        """Pause an active market; what rests stays."""
        lifecycle.deactivate(self._state, ticker, self._now())

    def activate(self, ticker: str) -> None:
        """End a market's pause; everything that rested there is canceled."""
        lifecycle.activate(self._state, ticker, self._now())

    def determine(
        self, ticker: str, settlement_value: int, expiration_value: str, *, at: int | None = None
    ) -> None:
        """Give a closed market its result; the payout follows when the settlement timer has run.

        `settlement_value` is the price one YES contract pays: 0 or 10,000, any whole cent for a scalar
        market. `at` dates the result back to an instant since the close.
        """
        now = self._now()
        if at is not None and at > now:
            raise ValueError("a result cannot come from the future")
        lifecycle.determine(
            self._state, ticker, settlement_value, expiration_value, now if at is None else at
        )

    def next_due(self) -> int | None:
        """Return the earliest instant at which `advance` may have something to do, or None."""
        return self._state.schedule.next_at()

    def advance(self) -> list[Occurred]:
        """Bring about what is due by now; return everything that came about since the last call."""
        self._now()
        happened, self._state.occurrences = self._state.occurrences, []
        return happened

    def _now(self) -> int:
        now = self._clock()
        lifecycle.catch_up(self._state, now)
        return now

    # Coming back from a store.

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
        balances: Mapping[str, int] | None = None,
    ) -> None:
        """Fill an empty exchange with stored records; nothing of it is reported as changed.

        Resting orders take their old places in line. What fell due meanwhile waits for `advance`.
        """
        self._state.series.update({row.ticker: row for row in series})
        self._state.events.update({row.event_ticker: row for row in events})
        self._state.ledger = ledger.Ledger(balances)
        for market in markets:
            self._state.enter_market(market)
            lifecycle.schedule(self._state, market)
        for account in accounts:
            self._state.enter_account(account)
        for position in positions:
            self._state.enter_position(position)
        self._restore_orders(orders)
        for fill in sorted(fills, key=lambda row: row.sequence):
            self._state.enter_fill(fill)
        for trade in sorted(trades, key=lambda row: row.sequence):
            self._state.enter_trade(trade)
        for settlement in sorted(settlements, key=lambda row: row.sequence):
            self._state.enter_settlement(settlement)

    def _restore_orders(self, orders: Iterable[Order]) -> None:
        for order in sorted(orders, key=lambda row: row.sequence):
            self._state.enter_order(order)
            if order.status is OrderStatus.RESTING:
                self._state.rest(order)

    def check(self) -> None:
        """Raise an AssertionError when anything is out of order; for tests, it looks at everything."""
        invariants.check(self._state)


def _refuse_known(name: str, known: Mapping[str, object]) -> None:
    if name in known:
        raise ValueError(f"{name} is known already")


def _require_known(name: str, known: Mapping[str, object]) -> None:
    if name not in known:
        raise ValueError(f"{name} is not known")
