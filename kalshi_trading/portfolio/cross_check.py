"""Compare our figures with the exchange's own.

Ours come from fills and settlements. Shows a difference with both numbers and a hint, and never hides it.
Lists what could not be compared. Performs no I/O.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from kalshi_trading.core.models import Side
from kalshi_trading.core.money import BALANCE_GRAIN, ZERO, Dollars, round_down, round_half_even
from kalshi_trading.core.pnl import settlement_gross_pnl
from kalshi_trading.core.text import pluralize
from kalshi_trading.portfolio.ledger import PENDING, MarketLedger
from kalshi_trading.portfolio.snapshot import PortfolioSnapshot

_COUNTED_OTHERWISE = "The exchange may not count cost first in, first out."
_FEES = "A rebate or rounding fee may be in only one of them."
_APART = "The exchange's lists may be moments apart: refresh."
_FILLS_MISSING = f"{_APART} If it stays, fills are missing here."
_CASH = f"{_APART} If it stays, it may be another payment, such as interest or a credit."


@dataclass(frozen=True, slots=True)
class Comparison:
    """One number as computed by us and as reported by the exchange.

    Contracts for a position, otherwise dollars.
    """

    what: str
    ours: Decimal
    theirs: Decimal
    hint: str

    @property
    def difference(self) -> Decimal:
        return self.ours - self.theirs


@dataclass(frozen=True, slots=True)
class CrossCheck:
    """Number of comparisons, the differences, and what was not compared.

    Each entry of `not_compared` includes the reason.
    """

    compared: int
    differences: tuple[Comparison, ...]
    not_compared: tuple[str, ...]


def check_account(snapshot: PortfolioSnapshot) -> CrossCheck:
    """Compare every market and the cash with the exchange's figures.

    For a market: position, cost, profit and fees.
    """
    missing = [
        f"fills, positions and settlements: {part.unavailable or 'not read'}"
        for part in (snapshot.fills, snapshot.positions, snapshot.settlements)
        if part.value is None
    ]
    comparisons: list[Comparison] = []
    if not missing:
        comparisons = [
            row
            for ledger in snapshot.ledgers.values()
            for row in _market(ledger, snapshot.floors_paid.get(ledger.ticker, ZERO))
        ]
        cash = _cash(snapshot)
        if isinstance(cash, Comparison):
            comparisons.append(cash)
        else:
            missing.append(f"cash: {cash}")
    differences = tuple(row for row in comparisons if row.difference != ZERO)
    return CrossCheck(len(comparisons), differences, tuple(missing))


def _market(ledger: MarketLedger, floor_paid: Dollars) -> Iterator[Comparison]:
    """Compare one market.

    The API does not document whether a position's cost includes what a settlement floor has paid.
    If the position differs, its dollar figures are skipped: they would only repeat the difference.
    """
    ticker, row, position = ledger.ticker, ledger.settlement, ledger.position
    if row is not None:
        expected = row.yes_count - row.no_count
    else:
        expected = position.net if position is not None else ZERO
    yield Comparison(f"{ticker} position", ledger.traded.net, expected, _FILLS_MISSING)
    if ledger.mismatch is not None:
        return
    if row is not None:
        pairs_are_counted = row.yes_count == ledger.bought_count(Side.YES)
        if pairs_are_counted:  # otherwise the row counts only the final position
            reported = settlement_gross_pnl(row)
            yield Comparison(f"{ticker} realized P&L", ledger.realized_pnl, reported, _FILLS_MISSING)
        yield Comparison(f"{ticker} fees", ledger.fees_paid, row.fees, _FEES)
    elif position is not None:
        hint, cost = _COUNTED_OTHERWISE, ledger.fifo.cost_basis
        if position.cost_basis == cost - floor_paid:
            cost = position.cost_basis
        if cost != position.cost_basis == average_cost(ledger):
            hint = "The exchange counts average cost, we count first in, first out."
        yield Comparison(f"{ticker} cost", cost, position.cost_basis, hint)
        yield Comparison(f"{ticker} realized P&L", ledger.realized_pnl, position.realized_pnl, hint)
        yield Comparison(f"{ticker} fees", ledger.fees_paid, position.fees_paid, _FEES)


def average_cost(ledger: MarketLedger) -> Dollars:
    """Return the cost of the open position by the average-cost method.

    Every close takes its share of the average. Rounded to $0.0001.
    """
    net = cost = ZERO
    for fill in ledger.fills:
        bought = fill.book_side.long_outcome
        signed = fill.count if bought is Side.YES else -fill.count
        price = bought.price_in_side(fill.yes_price)
        if net * signed >= ZERO:
            cost += fill.count * price
        elif abs(signed) <= abs(net):
            cost -= cost * abs(signed) / abs(net)
        else:
            cost = (abs(signed) - abs(net)) * price
        net += signed
    return round_half_even(cost, BALANCE_GRAIN)


def _cash(snapshot: PortfolioSnapshot) -> Comparison | str:
    """Compare the cash with the total of all cash movements.

    Returns text, the reason, if that is impossible.
    """
    for part in (snapshot.balance, snapshot.deposits, snapshot.withdrawals):
        if part.value is None:
            return part.unavailable or "not read"
    assert snapshot.balance.value is not None
    if snapshot.collateral is None:
        return f"amount held by open orders unknown. {snapshot.resting.unavailable or 'Not read.'}"
    gaps = [ledger.ticker for ledger in snapshot.ledgers.values() if ledger.mismatch is not None]
    if gaps:
        return f"fills do not add up in {pluralize(len(gaps), 'market')}, {gaps[0]} first"
    moved = snapshot.cash_moved
    assert moved is not None
    theirs = snapshot.balance.value.cash
    free = round_down(moved - snapshot.collateral, BALANCE_GRAIN)
    # The API does not document whether the balance includes the collateral of resting orders.
    ours = free if free == theirs else round_down(moved, BALANCE_GRAIN)
    if ours != theirs and snapshot.unknown_floors:
        return f"settlement floor of {snapshot.unknown_floors[0].position.ticker} unknown"
    return Comparison("cash", ours, theirs, _cash_hint(snapshot, ours - theirs))


def _cash_hint(snapshot: PortfolioSnapshot, difference: Dollars) -> str:
    """Return a known amount that would explain the difference."""
    rows = (*(snapshot.deposits.value or ()), *(snapshot.withdrawals.value or ()))
    known = {
        "your deposit and withdrawal fees": sum((row.fee for row in rows), ZERO),
        "your pending deposits and withdrawals": sum(
            (row.amount + row.fee for row in rows if row.status == PENDING), ZERO
        ),
    }
    for name, amount in known.items():
        if amount != ZERO and abs(difference) == amount:
            return f"It equals {name}."
    return _CASH
