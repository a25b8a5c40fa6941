"""Audit of one account, recomputed from its fills, payouts and transfers.

Applies first in, first out to the exchange's rows and floor changes alone, so that running positions and
ledger balances can be compared with it. Figures are exact decimal text: dollars with six decimals, contracts
with two. Profits never include fees. Never changes anything.
Source: Kalshi API, positions, fills, settlements, P&L.
"""

from __future__ import annotations

from collections import defaultdict, deque
from dataclasses import asdict, dataclass, field
from typing import Any

from kalshi_trading.practice.engine.exchange import Exchange
from kalshi_trading.practice.records import ONE_DOLLAR_PRICE, BookSide, Fill, FloorChange, Settlement
from kalshi_trading.practice.responses.markets import count, money
from kalshi_trading.practice.simulation.bank import Transfers

_Row = Fill | FloorChange | Settlement


@dataclass(frozen=True, slots=True)
class MarketAudit:
    """Audit of one market.

    `position` below 0 is NO. `exposure` is the cost of the open position, `cash` the total cash flow.
    `floor_payouts` is the part of the cash flow that changes of the settlement floor moved.
    """

    position: str
    exposure: str
    realized_by_trading: str
    realized_by_settlement: str
    realized: str
    fees: str
    revenue: str
    floor_payouts: str
    cash: str
    fill_count: int
    settled: bool


@dataclass(frozen=True, slots=True)
class AccountAudit:
    """Audit of an account; `cash` includes the collateral of resting orders."""

    deposited: str
    withdrawn: str
    realized: str
    fees: str
    revenue: str
    cash: str
    collateral: str
    fill_count: int
    markets: dict[str, MarketAudit]

    def as_json(self) -> dict[str, Any]:
        """Return the audit as plain JSON values."""
        return asdict(self)


@dataclass(slots=True)
class _RunningAudit:
    """Running audit of one market.

    A lot is a price, in its side's terms, and a count.
    """

    held: int = 0  # below 0 is NO
    lots: deque[tuple[int, int]] = field(default_factory=deque)
    by_trading: int = 0
    by_settlement: int = 0
    fees: int = 0
    revenue: int = 0
    floor: int = 0
    floor_payouts: int = 0
    cash: int = 0
    fill_count: int = 0
    settled: bool = False

    def apply(self, row: _Row) -> None:
        """Apply the market's next row."""
        match row:
            case Fill():
                self.apply_fill(row)
            case FloorChange():
                self.change_floor(row)
            case Settlement():
                self.settle(row)

    def apply_fill(self, fill: Fill) -> None:
        """Apply a fill: close the opposite position first, then open."""
        signed = fill.count if fill.side is BookSide.BID else -fill.count
        own_price = fill.price if signed > 0 else ONE_DOLLAR_PRICE - fill.price
        closing = min(fill.count, abs(self.held)) if self.held * signed < 0 else 0
        self.by_trading += self._close(closing, ONE_DOLLAR_PRICE - own_price)
        if fill.count > closing:
            self.lots.append((own_price, fill.count - closing))
        self.held += signed
        prepaid = self.floor if signed > 0 else 0
        freed = closing * (ONE_DOLLAR_PRICE - self.floor)
        self.cash += freed - fill.count * (own_price - prepaid) - fill.fee
        self.fees += fill.fee
        self.fill_count += 1

    def change_floor(self, row: FloorChange) -> None:
        """Pay the holder of YES the rise of the floor."""
        paid = (row.floor - self.floor) * max(0, self.held)
        self.floor_payouts += paid
        self.cash += paid
        self.floor = row.floor

    def settle(self, row: Settlement) -> None:
        """Close the position at the settlement value."""
        pays = row.value if self.held > 0 else ONE_DOLLAR_PRICE - row.value
        self.by_settlement += self._close(abs(self.held), pays)
        self.revenue += row.revenue
        self.cash += row.revenue
        self.held = 0
        self.settled = True

    def _close(self, wanted: int, proceeds: int) -> int:
        """Consume the oldest lots and return the profit."""
        profit = 0
        while wanted:
            price, held = self.lots.popleft()
            part = min(wanted, held)
            profit += part * (proceeds - price)
            wanted -= part
            if held > part:
                self.lots.appendleft((price, held - part))
        return profit

    def to_text(self) -> MarketAudit:
        """Return the figures as decimal text."""
        return MarketAudit(
            position=count(self.held),
            exposure=money(sum(price * held for price, held in self.lots)),
            realized_by_trading=money(self.by_trading),
            realized_by_settlement=money(self.by_settlement),
            realized=money(self.by_trading + self.by_settlement),
            fees=money(self.fees),
            revenue=money(self.revenue),
            floor_payouts=money(self.floor_payouts),
            cash=money(self.cash),
            fill_count=self.fill_count,
            settled=self.settled,
        )


def audit(exchange: Exchange, transfers: Transfers, account_id: str) -> AccountAudit:
    """Return the audit of an account's full history."""
    markets: dict[str, _RunningAudit] = defaultdict(_RunningAudit)
    fills = exchange.fills[account_id]
    changes = [
        change
        for ticker in {fill.ticker for fill in fills}
        for change in exchange.floor_changes.get(ticker, ())
    ]
    rows: list[_Row] = [*fills, *changes, *exchange.settlements[account_id]]
    for row in sorted(rows, key=lambda row: row.sequence):
        markets[row.ticker].apply(row)
    paid_in = sum(row.cash_change for row in transfers.deposits if row.account_id == account_id)
    paid_out = sum(row.cash_change for row in transfers.withdrawals if row.account_id == account_id)
    return AccountAudit(
        deposited=money(paid_in),
        withdrawn=money(-paid_out),
        realized=money(sum(market.by_trading + market.by_settlement for market in markets.values())),
        fees=money(sum(market.fees for market in markets.values())),
        revenue=money(sum(market.revenue for market in markets.values())),
        cash=money(paid_in + paid_out + sum(market.cash for market in markets.values())),
        collateral=money(exchange.cash(account_id) - exchange.balance(account_id)),
        fill_count=sum(market.fill_count for market in markets.values()),
        markets={ticker: market.to_text() for ticker, market in sorted(markets.items())},
    )
