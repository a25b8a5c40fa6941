"""The account at one instant: positions, value, risk and P&L.

A part that could not be read has a reason and is never shown as zero. A sum with an unknown summand is
unknown. Performs no I/O.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import ClassVar

from kalshi_trading.core.market_models import Event, Market
from kalshi_trading.core.models import Balance, Order, Position, Settlement, Side, Transfer
from kalshi_trading.core.money import BALANCE_GRAIN, ZERO, Dollars, Price, round_down
from kalshi_trading.core.pnl import unrealized_pnl
from kalshi_trading.core.results import DictReading, Fetched, Read, read_cents, sum_known
from kalshi_trading.core.tickers import event_of
from kalshi_trading.core.valuation import (
    Exposure,
    Liquidation,
    Mark,
    OpenSize,
    event_exposure,
    floor_paid,
    market_exposure,
    resting_collateral,
)
from kalshi_trading.portfolio.breakdown import RealizedPnl, since, total
from kalshi_trading.portfolio.ledger import MarketLedger, cash_moved


@dataclass(frozen=True, slots=True)
class PositionPnl(DictReading):
    """A position at its mark.

    Dollars exclude fees, except `fees_paid`. None: unknown.
    """

    dict_keys: ClassVar[dict[str, Read]] = {
        "ticker": lambda row: row.position.ticker,
        "event_ticker": lambda row: row.event_ticker,
        "side": lambda row: None if row.position.side is None else row.position.side.value,
        "position": lambda row: row.position["position"],
        "average_price": lambda row: row.position["average_price"],
        "current_price": read_cents("mark"),
        "cost": read_cents("cost_basis"),
        "market_exposure": read_cents("cost_basis"),
        "market_value": read_cents("value"),
        "floor_paid": read_cents("floor_paid"),
        "unrealized_pnl": read_cents("unrealized_pnl"),
        "realized_pnl": read_cents("realized_pnl"),
        "fees_paid": read_cents("fees_paid"),
    }

    position: Position
    market: Market | None
    mark: Price | None
    ledger: MarketLedger | None = None
    liquidation: Liquidation | None = None

    @property
    def is_held(self) -> bool:
        """True if the position is open.

        The exchange may list a settled market for a moment longer.
        """
        settled = self.ledger is not None and self.ledger.settlement is not None
        return self.position.side is not None and not settled

    @property
    def cost_basis(self) -> Dollars:
        """Cost of the open contracts, from the fills.

        Uses the exchange's figure if fills are missing.
        """
        known = self.ledger is not None and self.ledger.mismatch is None
        return self.ledger.fifo.cost_basis if known and self.ledger else self.position.cost_basis

    @property
    def realized_pnl(self) -> Dollars:
        return self.ledger.realized_pnl if self.ledger is not None else self.position.realized_pnl

    @property
    def fees_paid(self) -> Dollars:
        return self.ledger.fees_paid if self.ledger is not None else self.position.fees_paid

    @property
    def floor_paid(self) -> Dollars | None:
        """Dollars that a settlement floor already paid, and the cash includes.

        None: the floor is unknown.
        """
        each = floor_paid(self.market, self.position.side)
        return None if each is None else self.position.count * each

    @property
    def value(self) -> Dollars | None:
        """Cash to come at the mark: without what a settlement floor already paid."""
        if self.mark is None or self.floor_paid is None:
            return None
        return self.position.count * self.mark - self.floor_paid

    @property
    def unrealized_pnl(self) -> Dollars | None:
        return unrealized_pnl(self.position.count, self.cost_basis, self.mark)

    @property
    def event_ticker(self) -> str:
        return self.market.event_ticker if self.market is not None else event_of(self.position.ticker)


@dataclass(frozen=True, slots=True)
class TotalPnl(DictReading):
    """Totals of the account: net is realized plus unrealized less fees.

    `unrealized` and `net` are None if a summand is unknown.
    """

    dict_keys: ClassVar[dict[str, Read]] = {
        "realized_pnl": read_cents("realized"),
        "unrealized_pnl": read_cents("unrealized"),
        "total_unrealized_pnl": read_cents("unrealized"),
        "fees": read_cents("fees"),
        "net_pnl": read_cents("net"),
    }

    realized: Dollars
    unrealized: Dollars | None
    fees: Dollars

    @property
    def net(self) -> Dollars | None:
        return None if self.unrealized is None else self.realized + self.unrealized - self.fees


@dataclass(frozen=True, slots=True)
class EventRisk:
    """The maximum joint loss of one event's markets, with resting orders."""

    event_ticker: str
    worst_loss: Dollars
    markets: tuple[str, ...]
    mutually_exclusive: bool


@dataclass(frozen=True)
class PortfolioSnapshot:
    """The account at one instant.

    `positions` has every market traded and not settled, including flat ones. `ledgers` has every market ever
    traded. `markets` has those of positions and open orders. `quotes_missing` says why marks may be missing,
    `books_missing` why liquidation values may be.
    """

    as_of: datetime
    mark: Mark
    balance: Fetched[Balance]
    positions: Fetched[tuple[PositionPnl, ...]]
    resting: Fetched[tuple[Order, ...]]
    settlements: Fetched[tuple[Settlement, ...]]
    fills: Fetched[int]
    deposits: Fetched[tuple[Transfer, ...]]
    withdrawals: Fetched[tuple[Transfer, ...]]
    ledgers: Mapping[str, MarketLedger]
    events: Mapping[str, Event] = field(default_factory=dict)
    markets: Mapping[str, Market] = field(default_factory=dict)
    quotes_missing: str | None = None
    books_missing: str | None = None

    @cached_property
    def held(self) -> tuple[PositionPnl, ...]:
        return tuple(row for row in self.positions.value or () if row.is_held)

    @cached_property
    def floors_paid(self) -> dict[str, Dollars]:
        """Dollars that settlement floors have paid on open positions, by ticker.

        Leaves out unknown floors.
        """
        return {row.position.ticker: row.floor_paid for row in self.held if row.floor_paid}

    @cached_property
    def cash_moved(self) -> Dollars | None:
        """All cash movements, with what settlement floors paid on open positions.

        Leaves out unknown floors. None: deposits or withdrawals could not be read. A floor has always paid
        its present value on each YES contract held, however it moved.
        """
        if self.deposits.value is None or self.withdrawals.value is None:
            return None
        moved = cash_moved(self.ledgers.values(), self.deposits.value, self.withdrawals.value)
        return moved + sum(self.floors_paid.values(), ZERO)

    @property
    def unknown_floors(self) -> tuple[PositionPnl, ...]:
        return tuple(row for row in self.held if row.floor_paid is None)

    @cached_property
    def value_at_mark(self) -> Dollars | None:
        """Value of all open positions at the mark. None: one is unknown."""
        return self._sum_held(row.value for row in self.held)

    @cached_property
    def liquidation_value(self) -> Dollars | None:
        """Cash from selling all positions into today's books, after fees.

        None: a book or fees are missing.
        """
        return self._sum_held(
            row.liquidation.value if row.liquidation is not None else None for row in self.held
        )

    @cached_property
    def unrealized_pnl(self) -> Dollars | None:
        return self._sum_held(row.unrealized_pnl for row in self.held)

    @property
    def unmarked(self) -> tuple[PositionPnl, ...]:
        return tuple(row for row in self.held if row.mark is None)

    def _sum_held(self, amounts: Iterable[Dollars | None]) -> Dollars | None:
        return None if self.positions.value is None else sum_known(amounts)

    @cached_property
    def realized(self) -> RealizedPnl | None:
        """P&L of all closed and settled contracts.

        None: a required list could not be read.
        """
        return total(self.ledgers.values()) if self._ledgers_complete else None

    @property
    def _ledgers_complete(self) -> bool:
        return self.positions.value is not None and self.settlements.value is not None

    def realized_since(self, at: datetime) -> RealizedPnl | None:
        """Return the realized P&L since an instant.

        None: a required list could not be read, or the time of an item is unknown. Only fills have a time.
        """
        if not self._ledgers_complete or self.fills.value is None:
            return None
        return since(self.ledgers.values(), at)

    @cached_property
    def total_pnl(self) -> TotalPnl | None:
        """Realized and unrealized P&L with fees. None: realized P&L is unknown."""
        if self.realized is None:
            return None
        return TotalPnl(self.realized.gross, self.unrealized_pnl, self.realized.fees)

    @cached_property
    def exposures(self) -> dict[str, Exposure]:
        """Maximum loss of each market, with resting orders.

        Empty: the positions are unknown.
        """
        if self.positions.value is None:
            return {}
        held = {row.position.ticker: row for row in self.held}
        return {
            ticker: market_exposure(
                held[ticker].position.net if ticker in held else ZERO,
                held[ticker].cost_basis if ticker in held else ZERO,
                self._resting_sizes.get(ticker, ()),
                self._floor(ticker),
            )
            for ticker in sorted(held.keys() | self._resting_sizes.keys())
        }

    @cached_property
    def collateral(self) -> Dollars | None:
        """Cash reserved by resting orders.

        None: the orders or the positions are unknown.
        """
        if self.positions.value is None or self.resting.value is None:
            return None
        nets = {row.position.ticker: row.position.net for row in self.held}
        return sum(
            (
                resting_collateral(nets.get(ticker, ZERO), orders, self._floor(ticker))
                for ticker, orders in self._resting_sizes.items()
            ),
            ZERO,
        )

    def _floor(self, ticker: str) -> Dollars:
        """Return the settlement floor of a market. Zero: none, or unknown."""
        return floor_paid(self.markets.get(ticker), Side.YES) or ZERO

    @cached_property
    def total_value(self) -> Dollars | None:
        """Total value: cash, collateral, and positions at the mark.

        None: unknown.
        """
        is_known = self.value_at_mark is not None and self.collateral_outside_cash is not None
        return self.min_total_value if is_known else None

    @cached_property
    def min_total_value(self) -> Dollars | None:
        """Total value, without positions of unknown value.

        Leaves out collateral that may already be in the cash. None: the balance or the collateral is
        unknown.
        """
        balance = self.balance.value
        if balance is None or self.collateral is None:
            return None
        marked = sum((row.value for row in self.held if row.value is not None), ZERO)
        return balance.cash + marked + (self.collateral_outside_cash or ZERO)

    @cached_property
    def collateral_outside_cash(self) -> Dollars | None:
        """Collateral of resting orders that the cash does not include.

        None: unknown. The API does not document whether a balance includes it. We infer it from all cash
        movements, if they are known. Source: Kalshi API, balance.
        """
        balance, held, moved = self.balance.value, self.collateral, self.cash_moved
        if held == ZERO:
            return ZERO
        if balance is None or held is None or moved is None:
            return None
        beside = {round_down(moved - apart, BALANCE_GRAIN): apart for apart in (ZERO, held)}
        return beside.get(balance.cash)

    @cached_property
    def _resting_sizes(self) -> dict[str, list[OpenSize]]:
        sizes: dict[str, list[OpenSize]] = {}
        for order in self.resting.value or ():
            size = OpenSize(order.book_side, order.yes_price, order.remaining_count)
            sizes.setdefault(order.ticker, []).append(size)
        return sizes

    @cached_property
    def risks(self) -> tuple[EventRisk, ...]:
        """The worst case of every event, largest first.

        Empty: positions or orders are unknown.
        """
        if self.positions.value is None or self.resting.value is None:
            return ()
        known = {row.position.ticker: row.event_ticker for row in self.positions.value}
        markets: dict[str, list[str]] = {}
        for ticker in self.exposures:
            markets.setdefault(known.get(ticker) or event_of(ticker), []).append(ticker)
        risks = []
        for event_ticker, tickers in markets.items():
            event = self.events.get(event_ticker)
            exclusive = event is not None and event.mutually_exclusive
            worst = event_exposure([self.exposures[name] for name in tickers], mutually_exclusive=exclusive)
            if worst > ZERO:
                risks.append(EventRisk(event_ticker, worst, tuple(tickers), exclusive))
        return tuple(sorted(risks, key=lambda risk: (-risk.worst_loss, risk.event_ticker)))

    @property
    def worst_loss(self) -> Dollars | None:
        """The maximum loss over all events. None: positions or orders are unknown."""
        if self.positions.value is None or self.resting.value is None:
            return None
        return sum((risk.worst_loss for risk in self.risks), ZERO)
