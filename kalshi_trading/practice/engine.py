"""The practice exchange itself: one object that holds the world and every rule that changes it.

Knows which module keeps which rule. Never does I/O, never reads a clock of its own, never draws a
random number: time and new ids come in through the constructor.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from kalshi_trading.practice.changes import ChangeSink
from kalshi_trading.practice.records import (
    Account,
    BookSide,
    Event,
    Fill,
    Market,
    Order,
    Position,
    SelfTradePrevention,
    Series,
    Settlement,
    TimeInForce,
    Trade,
)
from kalshi_trading.practice.rejections import Refusal

__all__ = ["Exchange", "Happening", "NewOrder", "Occurrence", "Placed", "Refusal"]


@dataclass(frozen=True, slots=True)
class NewOrder:
    """An order as it arrives, in engine units."""

    ticker: str
    client_order_id: str
    side: BookSide
    price: int
    count: int
    time_in_force: TimeInForce
    self_trade_prevention: SelfTradePrevention
    post_only: bool = False
    reduce_only: bool = False
    expires_at: int | None = None
    cancel_order_on_pause: bool = False


@dataclass(frozen=True, slots=True)
class Placed:
    """The order as it stands after matching, and its own fills at the resting orders' prices."""

    order: Order
    fills: tuple[Fill, ...]


class Occurrence(StrEnum):
    MARKET_OPENED = "market_opened"
    MARKET_CLOSED = "market_closed"
    MARKET_SETTLED = "market_settled"
    ORDER_EXPIRED = "order_expired"
    ORDER_CANCELED = "order_canceled"


@dataclass(frozen=True, slots=True)
class Happening:
    """Something the clock brought about; `key` is a ticker or an order id."""

    at: int
    what: Occurrence
    key: str


class Exchange:
    """The exchange in memory. Signatures first; bodies follow."""

    def __init__(
        self, *, clock: Callable[[], int], new_id: Callable[[], str], changes: ChangeSink | None = None
    ) -> None:
        self.trading_active = True
        self.exchange_active = True
        self.series: dict[str, Series] = {}
        self.events: dict[str, Event] = {}
        self.markets: dict[str, Market] = {}
        self.accounts: dict[str, Account] = {}
        self.orders: dict[str, Order] = {}  # simulated accounts: only while resting
        self.positions: dict[str, dict[str, Position]] = {}  # account id, then ticker
        self.fills: dict[str, list[Fill]] = {}  # account id; oldest first; none for simulated accounts
        self.trades: dict[str, deque[Trade]] = {}  # ticker; oldest first; the newest 1,000
        self.settlements: dict[str, list[Settlement]] = {}  # account id; none for simulated accounts

    def add_series(self, series: Series) -> None:
        raise NotImplementedError

    def add_event(self, event: Event) -> None:
        raise NotImplementedError

    def add_market(self, market: Market) -> None:
        raise NotImplementedError

    def open_account(self, account_id: str, *, simulated: bool) -> Account:
        raise NotImplementedError

    def deposit(self, account_id: str, amount: int) -> None:
        raise NotImplementedError

    def place(self, account_id: str, new: NewOrder) -> Placed:
        raise NotImplementedError

    def cancel(self, account_id: str, order_id: str) -> tuple[Order, int]:
        raise NotImplementedError

    def queue_position(self, account_id: str, order_id: str) -> int:
        raise NotImplementedError

    def levels(self, ticker: str, side: BookSide) -> list[tuple[int, int]]:
        raise NotImplementedError

    def best(self, ticker: str, side: BookSide) -> tuple[int, int] | None:
        raise NotImplementedError

    def balance(self, account_id: str) -> int:
        raise NotImplementedError

    def position(self, account_id: str, ticker: str) -> Position | None:
        raise NotImplementedError

    def positions_of(self, account_id: str) -> list[Position]:
        raise NotImplementedError

    def orders_of(self, account_id: str) -> list[Order]:
        raise NotImplementedError

    def fills_of(self, account_id: str) -> list[Fill]:
        raise NotImplementedError

    def settlements_of(self, account_id: str) -> list[Settlement]:
        raise NotImplementedError

    def pause_trading(self) -> None:
        raise NotImplementedError

    def pause_exchange(self) -> None:
        raise NotImplementedError

    def resume(self) -> None:
        raise NotImplementedError

    def deactivate(self, ticker: str) -> None:
        raise NotImplementedError

    def activate(self, ticker: str) -> None:
        raise NotImplementedError

    def determine(
        self, ticker: str, settlement_value: int, expiration_value: str, *, at: int | None = None
    ) -> None:
        raise NotImplementedError

    def next_due(self) -> int | None:
        raise NotImplementedError

    def advance(self) -> list[Happening]:
        raise NotImplementedError

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
        raise NotImplementedError

    def check(self) -> None:
        raise NotImplementedError
