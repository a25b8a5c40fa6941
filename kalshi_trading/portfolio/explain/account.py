"""Explain the account's totals: one line per market, event or transfer.

The lines add up to the total. An unknown summand is left out, and the caution says so. Performs no I/O. The
lines of one market are in `market`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime

from kalshi_trading.core.money import (
    BALANCE_GRAIN,
    ZERO,
    Dollars,
    count_text,
    dollars_text,
    price_text,
    round_down,
)
from kalshi_trading.core.text import pluralize
from kalshi_trading.portfolio.breakdown import since
from kalshi_trading.portfolio.explain.market import Explanation, Line, in_order
from kalshi_trading.portfolio.ledger import MarketLedger, deposits_moved, withdrawals_moved
from kalshi_trading.portfolio.snapshot import PortfolioSnapshot, PositionPnl

# --- Realized P&L ---------------------------------------------------------------------------------


def explain_all_realized(snapshot: PortfolioSnapshot) -> Explanation:
    """List the realized P&L of every market, without fees, largest last."""
    return _by_market(snapshot, "Realized P&L by market, before fees", lambda row: row.realized_pnl)


def explain_all_fees(snapshot: PortfolioSnapshot) -> Explanation:
    return _by_market(snapshot, "Fees by market", lambda row: row.fees_paid)


def explain_today(snapshot: PortfolioSnapshot, midnight: datetime) -> Explanation:
    """List the net P&L of every market since local midnight, after fees."""
    title = "Realized P&L today, after fees"
    if snapshot.realized_since(midnight) is None:
        reason = snapshot.fills.unavailable or _missing(snapshot) or "A fill has no time."
        return Explanation(title, (), f"Unknown. {reason}")

    def today(ledger: MarketLedger) -> Dollars:
        realized = since((ledger,), midnight)
        return realized.net if realized is not None else ZERO

    return _by_market(snapshot, title, today)


def _by_market(
    snapshot: PortfolioSnapshot, title: str, amount: Callable[[MarketLedger], Dollars]
) -> Explanation:
    """List one amount per market, largest last, as the newest lines are.

    Markets with amount zero are left out.
    """
    amounts = ((ledger.ticker, amount(ledger)) for ledger in snapshot.ledgers.values())
    moved = sorted((row for row in amounts if row[1] != ZERO), key=lambda row: (abs(row[1]), row[0]))
    return Explanation(title, tuple(Line(None, *row) for row in moved), _missing(snapshot))


def _missing(snapshot: PortfolioSnapshot) -> str | None:
    """Return why the market lines may be incomplete. None: they are complete."""
    unread = _unread_rows(snapshot)
    gaps = _gaps(snapshot.ledgers.values())
    return unread or (f"{gaps}; exchange figures shown." if gaps else None)


def _unread_rows(snapshot: PortfolioSnapshot) -> str | None:
    for name, part in (("positions", snapshot.positions), ("settlements", snapshot.settlements)):
        if part.value is None:
            return f"Incomplete: {name} unavailable. {part.unavailable}"
    return None


def _gaps(ledgers: Iterable[MarketLedger | None]) -> str | None:
    gaps = sum(ledger is not None and ledger.mismatch is not None for ledger in ledgers)
    return f"Fills do not add up in {pluralize(gaps, 'market')}" if gaps else None


# --- Positions ------------------------------------------------------------------------------------


def explain_all_costs(snapshot: PortfolioSnapshot) -> Explanation:
    """List the cost of every open position, without fees."""
    title = "Cost of open positions, before fees"
    explanation = _by_position(
        snapshot, title, lambda row: row.position.ticker, lambda row: row.cost_basis, "cost"
    )
    gaps = _gaps(row.ledger for row in snapshot.held)
    caution = f"{gaps}; exchange figures shown." if gaps else None
    return replace(explanation, caution=explanation.caution or caution)


def explain_value(snapshot: PortfolioSnapshot) -> Explanation:
    """List the value of every open position at the mark."""
    title = f"Value of open positions at the {snapshot.mark}"
    return _by_position(snapshot, title, _at_mark, lambda row: row.value, snapshot.mark)


def explain_open(snapshot: PortfolioSnapshot) -> Explanation:
    """List the unrealized P&L of every open position, before fees."""
    title = f"Unrealized P&L at the {snapshot.mark}, before fees"

    def text(row: PositionPnl) -> str:
        return f"{_at_mark(row)}, cost {dollars_text(row.cost_basis)}"

    return _by_position(snapshot, title, text, lambda row: row.unrealized_pnl, snapshot.mark)


def explain_liquidation(snapshot: PortfolioSnapshot) -> Explanation:
    """List the cash from selling every position into its book, after fees."""

    def text(row: PositionPnl) -> str:
        unsold = row.liquidation.unsold if row.liquidation is not None else ZERO
        return f"{_held(row)}, {count_text(unsold)} without bids" if unsold else _held(row)

    return _by_position(
        snapshot,
        "Liquidation value by position, after fees",
        text,
        lambda row: row.liquidation.value if row.liquidation is not None else None,
        "known book or fees",
    )


def explain_exposure(snapshot: PortfolioSnapshot) -> Explanation:
    """List the maximum loss of every event."""
    title = "Exposure: worst case by event, with open orders"
    for name, part in (("positions", snapshot.positions), ("open orders", snapshot.resting)):
        if part.value is None:
            return Explanation(title, (), f"Unknown: {name} unavailable. {part.unavailable}")
    lines = (
        Line(None, f"{risk.event_ticker}: {', '.join(risk.markets)}", risk.worst_loss)
        for risk in reversed(snapshot.risks)
    )
    return Explanation(title, tuple(lines))


def _by_position(
    snapshot: PortfolioSnapshot,
    title: str,
    text: Callable[[PositionPnl], str],
    amount: Callable[[PositionPnl], Dollars | None],
    lacking: str,
) -> Explanation:
    """List one amount per open position, largest last.

    `lacking` names what positions with an unknown amount do not have.
    """
    if snapshot.positions.value is None:
        reason = f"Unknown: positions unavailable. {snapshot.positions.unavailable}"
        return Explanation(title, (), reason)
    amounts = ((text(row), amount(row)) for row in snapshot.held)
    lines = [Line(None, name, value) for name, value in amounts if value is not None]
    unknown = len(snapshot.held) - len(lines)
    positions = pluralize(len(snapshot.held), "position")
    caution = f"Incomplete: no {lacking} for {unknown} of {positions}."
    ordered = sorted(lines, key=lambda line: (abs(line.amount), line.text))
    return Explanation(title, tuple(ordered), caution if unknown else None)


def _at_mark(row: PositionPnl) -> str:
    text = _held(row) if row.mark is None else f"{_held(row)} at {price_text(row.mark)}"
    return f"{text} less {dollars_text(row.floor_paid)} settlement floor" if row.floor_paid else text


def _held(row: PositionPnl) -> str:
    side = row.position.side
    return f"{row.position.ticker}: {count_text(row.position.count)} {side.upper() if side else ''}"


# --- Cash -----------------------------------------------------------------------------------------


def explain_all_cash(snapshot: PortfolioSnapshot) -> Explanation:
    """List all cash movements: markets, transfers, and orders' collateral."""
    markets = _by_market(snapshot, "Cash", lambda ledger: ledger.fifo.cash)
    floors = [
        Line(None, f"{ticker}: settlement floor", paid) for ticker, paid in snapshot.floors_paid.items()
    ]
    moved = [("deposit", *row) for row in deposits_moved(snapshot.deposits.value or ())]
    moved += [("withdrawal", *row) for row in withdrawals_moved(snapshot.withdrawals.value or ())]
    transfers = in_order(
        Line(
            row.created_at,
            f"{kind} of {dollars_text(row.amount)}, fee {dollars_text(row.fee)}" if row.fee else kind,
            amount,
        )
        for kind, row, amount in moved
    )
    explanation = Explanation("Cash", (*markets.lines, *floors, *transfers))
    unknown, balance, held = _not_all_cash(snapshot), snapshot.balance.value, snapshot.collateral
    if unknown or balance is None or held is None:
        return replace(explanation, caution=unknown)
    explanation = replace(
        explanation, lines=(*explanation.lines, *_to_the_balance(explanation.total, held, balance.cash))
    )
    differs = f"The exchange shows {dollars_text(balance.cash)}."
    if snapshot.unknown_floors:
        differs += f" The settlement floor of {snapshot.unknown_floors[0].position.ticker} is unknown."
    return replace(explanation, caution=None if explanation.total == balance.cash else differs)


def _not_all_cash(snapshot: PortfolioSnapshot) -> str | None:
    """Return why the lines cannot explain the exchange's cash. None: they can."""
    transfers = snapshot.deposits.unavailable or snapshot.withdrawals.unavailable
    if transfers:
        return f"Incomplete: deposits or withdrawals unavailable. {transfers}"
    if unread := _unread_rows(snapshot):
        return unread
    if gaps := _gaps(snapshot.ledgers.values()):
        return f"Incomplete. {gaps}."
    if snapshot.resting.value is None:
        return f"Amount held by open orders unknown. {snapshot.resting.unavailable}"
    if snapshot.balance.value is None:
        return f"Balance unavailable. {snapshot.balance.unavailable}"
    return None


def _to_the_balance(moved: Dollars, held: Dollars, cash: Dollars) -> tuple[Line, ...]:
    """Return the lines from total cash movements to the exchange's balance.

    Empty: no lines explain it. The API does not document whether the balance includes the collateral of
    resting orders. The balance is cut to $0.0001.
    """
    for amount in (held, ZERO):
        if round_down(moved - amount, BALANCE_GRAIN) == cash:
            cut = moved - amount - cash
            steps = Line(None, "held by open orders", -amount), Line(None, "rounded down to $0.0001", -cut)
            return tuple(step for step in steps if step.amount != ZERO)
    return ()
