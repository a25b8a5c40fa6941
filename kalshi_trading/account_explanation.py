"""Where the account's own numbers come from: one line per market, deposit and withdrawal, adding up.

Pure; the lines of one market are `explanation`'s.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

from kalshi_trading.explanation import Explanation, Line
from kalshi_trading.market_account import MarketAccount
from kalshi_trading.models import Transfer
from kalshi_trading.money import BALANCE_GRAIN, ZERO, Dollars, dollars_text, round_down
from kalshi_trading.portfolio import PortfolioSnapshot

_ARRIVED = ("applied",)
_LEFT = ("applied", "pending")  # a withdrawal leaves the cash at once


def explain_all_realized(snapshot: PortfolioSnapshot) -> Explanation:
    """List what every market earned, the largest amounts first, without fees."""
    return _by_market(snapshot, "Realized P&L of all markets, without fees", lambda row: row.realized_pnl)


def explain_all_fees(snapshot: PortfolioSnapshot) -> Explanation:
    return _by_market(snapshot, "Fees of all markets", lambda row: row.fees_paid)


def explain_all_costs(snapshot: PortfolioSnapshot) -> Explanation:
    """List what everything held cost, without fees."""
    rows = sorted(snapshot.held, key=lambda row: row.cost_basis)
    lines = tuple(Line(None, row.position.ticker, row.cost_basis) for row in rows)
    return Explanation("Cost of everything held, without fees", lines, _missing(snapshot))


def explain_all_cash(snapshot: PortfolioSnapshot) -> Explanation:
    """List everything that moved the cash: each market as a whole, transfers, and what orders hold."""
    title, balance = "Cash", snapshot.balance.value
    markets = _by_market(snapshot, title, lambda row: row.holding.cash)
    lines = (*markets.lines, *_transfers(snapshot))
    unread = snapshot.deposits.unavailable or snapshot.withdrawals.unavailable
    if unread:
        return Explanation(title, lines, f"Deposits or withdrawals are missing. {unread}")
    if balance is None:
        return Explanation(title, lines, markets.caution)
    lines += _to_the_balance(Explanation(title, lines).total, snapshot.collateral or ZERO, balance.cash)
    told = Explanation(title, lines)
    differs = None if told.total == balance.cash else f"The exchange says {dollars_text(balance.cash)}."
    return replace(told, caution=markets.caution or differs)


def _to_the_balance(ledger: Dollars, held: Dollars, cash: Dollars) -> tuple[Line, ...]:
    """Lead from all that moved the cash to what the exchange shows; nothing where that does not explain it.

    Whether the balance is before or after what resting orders hold is not documented; it is cut to a
    hundredth of a cent.
    """
    for amount in (held, ZERO):
        if round_down(ledger - amount, BALANCE_GRAIN) == cash:
            cut = ledger - amount - cash
            steps = Line(None, "held by resting orders", -amount), Line(None, "cut to $0.0001", -cut)
            return tuple(step for step in steps if step.amount != ZERO)
    return ()


def _transfers(snapshot: PortfolioSnapshot) -> list[Line]:
    """List deposits and withdrawals as they moved the cash, fees inside."""
    arrived = (row for row in snapshot.deposits.value or () if row.status in _ARRIVED)
    left = (row for row in snapshot.withdrawals.value or () if row.status in _LEFT)
    lines = [Line(row.created_at, _named("deposit", row), row.amount - row.fee) for row in arrived]
    lines += [Line(row.created_at, _named("withdrawal", row), -row.amount - row.fee) for row in left]
    return sorted(lines, key=lambda line: line.at or datetime.max.replace(tzinfo=UTC))


def _named(kind: str, row: Transfer) -> str:
    return f"{kind} of {dollars_text(row.amount)}, fee {dollars_text(row.fee)}" if row.fee else kind


def _by_market(
    snapshot: PortfolioSnapshot, title: str, amount: Callable[[MarketAccount], Dollars]
) -> Explanation:
    """Put the largest amounts last, where the newest lines stand; markets that moved nothing are left out."""
    amounts = ((account.ticker, amount(account)) for account in snapshot.accounts.values())
    moved = sorted((row for row in amounts if row[1] != ZERO), key=lambda row: (abs(row[1]), row[0]))
    return Explanation(title, tuple(Line(None, *row) for row in moved), _missing(snapshot))


def _missing(snapshot: PortfolioSnapshot) -> str | None:
    """Say why the lines may not be the whole story."""
    for name, part in (("positions", snapshot.positions), ("settlements", snapshot.settlements)):
        if part.value is None:
            return f"It is not the whole: the {name} could not be read. {part.unavailable}"
    gaps = sum(account.gap is not None for account in snapshot.accounts.values())
    return f"Fills do not explain {gaps} of the markets; their lines are the exchange's." if gaps else None
