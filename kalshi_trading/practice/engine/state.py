"""All records of the exchange with their indexes, kept consistent.

Knows which index, hold and ledger account belongs to which record, and reports every change to the
sink. Never decides: the rules are in `admission`, `matching` and `lifecycle`.

Simulated accounts keep only positions, balances and resting orders. They trade without end, so their
history would grow without limit.
"""

from __future__ import annotations

from bisect import insort
from collections import deque
from collections.abc import Callable

from kalshi_trading.practice.accounting import fees, ledger, positions
from kalshi_trading.practice.accounting.collateral import CollateralHold, CollateralHolds
from kalshi_trading.practice.assumptions import Assumptions
from kalshi_trading.practice.engine.book import Book
from kalshi_trading.practice.engine.changes import ChangeSink, Kind
from kalshi_trading.practice.engine.refusals import not_found
from kalshi_trading.practice.engine.schedule import DueEvent, DueKind, Schedule
from kalshi_trading.practice.records import (
    ONE_DOLLAR_PRICE,
    Account,
    BookSide,
    Event,
    Fill,
    FloorChange,
    Market,
    MarketStatus,
    Order,
    OrderStatus,
    Position,
    Series,
    Settlement,
    Trade,
)

TRADES_KEPT = 1_000  # per market


class ExchangeState:
    """Records and indexes of the exchange."""

    def __init__(self, *, new_id: Callable[[], str], changes: ChangeSink) -> None:
        self.new_id = new_id
        self.trading_active = True
        self.exchange_active = True
        self.forgets_ended_ids = False
        self.assumptions = Assumptions()
        self.series: dict[str, Series] = {}
        self.events: dict[str, Event] = {}
        self.markets: dict[str, Market] = {}
        self.accounts: dict[str, Account] = {}
        self.orders: dict[str, Order] = {}  # of simulated accounts: only resting ones
        self.positions: dict[str, dict[str, Position]] = {}  # account id, then ticker
        self.fills: dict[str, list[Fill]] = {}  # account id; oldest first
        self.trades: dict[str, deque[Trade]] = {}  # ticker; oldest first
        self.settlements: dict[str, list[Settlement]] = {}  # account id; oldest first
        self.floor_changes: dict[str, list[FloorChange]] = {}  # ticker; oldest first
        self.order_lists: dict[str, list[Order]] = {}  # account id; oldest first; none for simulated accounts
        self.position_tickers: dict[str, list[str]] = {}  # account id; sorted
        self.books: dict[str, Book] = {}
        # account id; none for simulated accounts: their credit is unlimited
        self.holds: dict[str, CollateralHolds] = {}
        self.ledger = ledger.Ledger()
        self.schedule = Schedule()
        self.queued_events: list[DueEvent] = []  # not yet returned by `advance`
        self._account_orders: dict[str, dict[str, Order]] = {}  # oldest first
        self._client_order_ids: dict[str, set[str]] = {}
        self._changes = changes
        self._sequence = 0

    def next_sequence(self) -> int:
        """Return a number greater than every earlier one."""
        self._sequence += 1
        return self._sequence

    def report_change(self, kind: Kind, key: str, record: object) -> None:
        """Report a changed record to the sink."""
        self._changes.record_change(kind, key, record)

    def queue_event(self, at: int, kind: DueKind, key: str) -> None:
        """Queue an event for the next `advance`."""
        self.queued_events.append(DueEvent(at, kind, key))

    # Lookups.

    def account(self, account_id: str) -> Account:
        """Return an account. Raises Refusal if it is unknown."""
        account = self.accounts.get(account_id)
        if account is None:
            raise not_found("account not found")
        return account

    def market(self, ticker: str) -> Market:
        """Return a market. Raises Refusal if it is unknown."""
        market = self.markets.get(ticker)
        if market is None:
            raise not_found("market not found")
        return market

    def resting_order(self, account_id: str, order_id: str) -> Order:
        """Return an account's own resting order. Raises Refusal for any other."""
        order = self.orders.get(order_id)
        if order is None or order.account_id != account_id or order.status is not OrderStatus.RESTING:
            raise not_found("order not found")
        return order

    def account_orders(self, account_id: str) -> list[Order]:
        """Return an account's orders, newest first."""
        return list(reversed(self._account_orders[account_id].values()))

    def knows_client_order_id(self, account_id: str, client_order_id: str) -> bool:
        """Return True if this account has used the client_order_id.

        With `forgets_ended_ids` or `client_id_reusable`, only ids of resting orders count. Ended orders of
        simulated accounts never count.
        """
        if client_order_id not in self._client_order_ids[account_id]:
            return False
        if not (self.forgets_ended_ids or self.assumptions.client_id_reusable):
            return True
        return any(
            order.client_order_id == client_order_id and order.status is OrderStatus.RESTING
            for order in self._account_orders[account_id].values()
        )

    def spend_client_order_id(self, account_id: str, client_order_id: str) -> None:
        """Use up an id without an order. Forgotten at the next start."""
        self._client_order_ids[account_id].add(client_order_id)

    def is_trading(self, ticker: str) -> bool:
        """Return True if neither exchange nor market is paused or closed."""
        market = self.markets.get(ticker)
        is_open = self.exchange_active and self.trading_active
        return is_open and (market is None or market.status is MarketStatus.ACTIVE)

    def closable(self, account_id: str, ticker: str, side: BookSide) -> int:
        """Return how many contracts an order on this side can close."""
        return positions.closable(self.positions[account_id].get(ticker), side)

    def cash(self, account_id: str) -> int:
        """Return an account's cash, collateral of resting orders included."""
        return self.ledger.balance(ledger.cash(account_id))

    def collateral(self, account_id: str) -> int:
        """Return the cash that resting orders hold back, without fees."""
        holds = self.holds.get(account_id)
        if holds is None:
            return 0
        return holds.collateral(lambda ticker, side: self.closable(account_id, ticker, side))

    def reserved(self, account_id: str) -> int:
        """Return the cash that resting orders may need, fees included."""
        holds = self.holds.get(account_id)
        if holds is None:
            return 0
        return holds.reserved(lambda ticker, side: self.closable(account_id, ticker, side))

    # Updates: each one keeps records and indexes consistent.

    def add_account(self, account: Account) -> None:
        """Add an account with empty records."""
        self.accounts[account.account_id] = account
        self.positions[account.account_id] = {}
        self.position_tickers[account.account_id] = []
        self.order_lists[account.account_id] = []
        self.fills[account.account_id] = []
        self.settlements[account.account_id] = []
        self._account_orders[account.account_id] = {}
        self._client_order_ids[account.account_id] = set()
        if not account.simulated:
            self.holds[account.account_id] = CollateralHolds()

    def add_market(self, market: Market) -> None:
        """Add a market with an empty book."""
        self.markets[market.ticker] = market
        self.books[market.ticker] = Book()

    def add_order(self, order: Order) -> None:
        """Add an order to the indexes, without putting it on the book."""
        self._sequence = max(self._sequence, order.sequence)
        self.orders[order.order_id] = order
        self._account_orders[order.account_id][order.order_id] = order
        self._client_order_ids[order.account_id].add(order.client_order_id)
        if not self.accounts[order.account_id].simulated:
            self.order_lists[order.account_id].append(order)

    def add_position(self, position: Position) -> None:
        """Add a position to the indexes."""
        insort(self.position_tickers[position.account_id], position.ticker)
        self.positions[position.account_id][position.ticker] = position

    def add_fill(self, fill: Fill) -> None:
        """Add a fill to its account's history."""
        self._sequence = max(self._sequence, fill.sequence)
        self.fills[fill.account_id].append(fill)

    def add_trade(self, trade: Trade) -> None:
        """Add a trade to its market's public trades."""
        self._sequence = max(self._sequence, trade.sequence)
        self.trades.setdefault(trade.ticker, deque(maxlen=TRADES_KEPT)).append(trade)

    def add_settlement(self, settlement: Settlement) -> None:
        """Add a settlement row to its account's history."""
        self._sequence = max(self._sequence, settlement.sequence)
        self.settlements[settlement.account_id].append(settlement)

    def add_floor_change(self, change: FloorChange) -> None:
        """Add a change of a market's settlement floor to its history."""
        self._sequence = max(self._sequence, change.sequence)
        self.floor_changes.setdefault(change.ticker, []).append(change)

    def position_for(self, account_id: str, ticker: str) -> Position:
        """Return the position in a market, creating an empty one if needed."""
        position = self.positions[account_id].get(ticker)
        if position is None:
            position = Position(account_id, ticker)
            self.add_position(position)
        return position

    def post(self, *entries: ledger.Entry) -> None:
        """Post balanced entries and report the changed balances."""
        self.ledger.post(entries)
        for name, _ in entries:
            self.report_change(Kind.BALANCE, name, self.ledger.balance(name))

    def rest(self, order: Order) -> None:
        """Put an order last in its queue and hold its collateral."""
        self.books[order.ticker].add(order)
        self.hold(order)
        if order.expires_at is not None:
            self.schedule.schedule(order.expires_at, DueKind.ORDER_EXPIRED, order.order_id)

    def reduce(self, order: Order, count: int) -> None:
        """Subtract filled contracts from a resting order.

        The order keeps its priority; it leaves the book when nothing remains.
        """
        if count == order.remaining_count:
            self._remove_from_book(order)
            order.remaining_count = 0
        else:
            self.books[order.ticker].reduce(order, count)
            order.remaining_count -= count
            self.hold(order)

    def cancel_resting(self, order: Order, at: int) -> int:
        """Cancel a resting order and return its remaining count."""
        self._remove_from_book(order)
        reduced_by = order.remaining_count
        self.end(order, OrderStatus.CANCELED, at)
        return reduced_by

    def end(self, order: Order, status: OrderStatus, at: int) -> None:
        """Set the final status of an order that is no longer on the book."""
        order.status = status
        order.remaining_count = 0
        order.updated_at = at
        self.report_change(Kind.ORDER, order.order_id, order)
        if self.accounts[order.account_id].simulated:
            self._drop_simulated(order)

    def hold_for(self, order: Order) -> CollateralHold:
        """Return the collateral hold of a resting order."""
        market = self.markets[order.ticker]
        series = self.series[market.series_ticker]
        highest = fees.highest_resting_fees(
            series.fee_type, series.fee_multiplier_percent, order.price, order.remaining_count
        )
        price = positions.cash_price(order.side, order.price, market.floor)
        return CollateralHold(price, order.remaining_count, highest, ONE_DOLLAR_PRICE - market.floor)

    def hold(self, order: Order) -> None:
        """Hold the collateral of a resting order, replacing the previous hold."""
        holds = self.holds.get(order.account_id)
        if holds is not None:
            holds.put(order.ticker, order.side, order.order_id, self.hold_for(order))

    def release(self, order: Order) -> None:
        """Drop the collateral hold of an order."""
        holds = self.holds.get(order.account_id)
        if holds is not None:
            holds.drop(order.ticker, order.side, order.order_id)

    def _remove_from_book(self, order: Order) -> None:
        self.books[order.ticker].remove(order)
        self.release(order)

    def _drop_simulated(self, order: Order) -> None:
        del self.orders[order.order_id]
        del self._account_orders[order.account_id][order.order_id]
        self._client_order_ids[order.account_id].discard(order.client_order_id)
