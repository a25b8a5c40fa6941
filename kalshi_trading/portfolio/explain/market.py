"""Explain one market's numbers: fills, fees and settlement that add up.

Performs no I/O. Computes nothing that is not on a line.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from kalshi_trading.core.dates import FAR_FUTURE
from kalshi_trading.core.models import Fill, MarketResult, Settlement, Side
from kalshi_trading.core.money import (
    ONE_CONTRACT,
    ONE_DOLLAR,
    ZERO,
    Contracts,
    Dollars,
    count_text,
    dollars_text,
    price_text,
)
from kalshi_trading.core.pnl import paid_early, payout, settlement_net_pnl, yes_value
from kalshi_trading.portfolio.ledger import MarketLedger, settlement_net


@dataclass(frozen=True, slots=True)
class Line:
    """One summand. Dollars are signed: above zero adds to the total."""

    at: datetime | None
    text: str
    amount: Dollars


@dataclass(frozen=True, slots=True)
class Explanation:
    """A number and its summands. `caution` says why it may be incomplete."""

    title: str
    lines: tuple[Line, ...]
    caution: str | None = None

    @property
    def total(self) -> Dollars:
        return sum((line.amount for line in self.lines), ZERO)


def explain_realized(ledger: MarketLedger) -> Explanation:
    """List every closed lot with its cost and proceeds, without fees."""
    title = f"Realized P&L of {ledger.ticker}, before fees"
    if ledger.uses_exchange_figures:
        return _as_reported(ledger, title, ledger.realized_pnl)
    lines = []
    for lot in ledger.fifo.closed:
        bought = f"{count_text(lot.count)} {lot.side.upper()} bought at {price_text(lot.entry_price)}"
        how = "settled" if lot.closed_by is None else "closed"
        text = f"{bought}, {how} at {price_text(lot.exit_price)}"
        if lot.proceeds != lot.count * lot.exit_price:
            text += f", paid {dollars_text(lot.proceeds)}"
        lines.append(Line(lot.closed_at, text, lot.realized_pnl))
    return Explanation(title, in_order(lines), _missing(ledger))


def _as_reported(ledger: MarketLedger, title: str, amount: Dollars) -> Explanation:
    reported = Line(_settled_at(ledger), "exchange figure", amount)
    return Explanation(title, (reported,), f"Exchange figure shown: {ledger.mismatch}.")


def _missing(ledger: MarketLedger) -> str | None:
    return f"Incomplete: {ledger.mismatch}." if ledger.mismatch is not None else None


def explain_fees(ledger: MarketLedger) -> Explanation:
    """List the fee of every fill."""
    title = f"Fees of {ledger.ticker}"
    if ledger.uses_exchange_figures:
        return _as_reported(ledger, title, ledger.fees_paid)
    lines = [
        Line(fill.created_at, f"{_trade(fill)} as {'taker' if fill.is_taker else 'maker'}", fill.fee)
        for fill in ledger.fills
    ]
    rounding = ledger.fees_paid - ledger.traded.fees_paid
    if rounding != ZERO:
        lines.append(Line(_settled_at(ledger), "payout rounding", rounding))
    return Explanation(title, tuple(lines), _missing(ledger))


def explain_cost(ledger: MarketLedger) -> Explanation:
    """List the open lots and their cost."""
    title = f"Cost of open position in {ledger.ticker}, before fees"
    if ledger.uses_exchange_figures:
        held = ledger.position if ledger.settlement is None else None
        return _as_reported(ledger, title, held.cost_basis if held is not None else ZERO)
    side = ledger.fifo.side
    lines = tuple(
        Line(
            lot.opened_by.created_at,
            f"{count_text(lot.count)} {side.upper() if side else ''} bought at {price_text(lot.price)}",
            lot.count * lot.price,
        )
        for lot in ledger.fifo.lots
    )
    return Explanation(title, lines, _missing(ledger))


def explain_cash(ledger: MarketLedger, floor_paid: Dollars = ZERO) -> Explanation:
    """List all cash movements: fills, fees, closed pairs and the payout.

    `floor_paid` is what a settlement floor has paid on the open position.
    """
    lines: list[Line] = []
    for fill in ledger.fills:
        price = fill.book_side.long_outcome.price_in_side(fill.yes_price)
        lines.append(Line(fill.created_at, _trade(fill), -fill.count * price))
        lines.append(Line(fill.created_at, "fee", -fill.fee))
    lines += [
        Line(lot.closed_at, f"{_pairs(lot.count)} of YES and NO, $1 each", lot.count * ONE_DOLLAR)
        for lot in ledger.traded.closed
    ]
    if ledger.settlement is not None:
        early = paid_early(ledger.settlement)
        paid = ledger.fifo.cash - ledger.traded.cash - early
        lines += _floor_lines(early)
        lines.append(Line(ledger.settlement.settled_at, "payout", paid))
    lines += _floor_lines(floor_paid)
    return Explanation(f"Cash flow of {ledger.ticker}", in_order(lines), _missing(ledger))


def explain_settlement(row: Settlement, ledger: MarketLedger | None) -> Explanation:
    """List a settled market's costs and payout over its life, with fees.

    The row counts every contract ever bought. Opposite contracts were netted in pairs for a dollar each, so
    only the rest was paid out. Source: Kalshi API, settlements.
    """
    lines = [
        Line(None, f"paid for {count_text(count)} {side.upper()}, all purchases", -cost)
        for side, count, cost in (
            (Side.YES, row.yes_count, row.yes_cost),
            (Side.NO, row.no_count, row.no_cost),
        )
        if count != ZERO or cost != ZERO
    ]
    pairs = min(row.yes_count, row.no_count)
    if pairs != ZERO:
        lines.append(Line(None, f"received for {_pairs(pairs)} of YES and NO, $1 each", pairs * ONE_DOLLAR))
    lines += _floor_lines(paid_early(row))
    lines.append(Line(row.settled_at, _payout(row), payout(row) - paid_early(row)))
    lines.append(Line(None, "fees of all trades", -row.fees))
    earned, caution = settlement_net(row, ledger), None
    if earned != settlement_net_pnl(row):
        caution = (
            f"Fills give {dollars_text(earned)} after fees. "
            "The settlement may count only the position held at the end."
        )
    return Explanation(f"Settlement of {row.ticker}, {_result(row)}", tuple(lines), caution)


def _result(row: Settlement) -> str:
    if row.result in (MarketResult.YES, MarketResult.NO):
        return f"result {row.result.upper()}"
    return f"scalar result: YES pays {price_text(yes_value(row))} each"


def _payout(row: Settlement) -> str:
    held = row.yes_count - row.no_count
    if held == ZERO:
        return "payout: no position at settlement"
    side = Side.YES if held > ZERO else Side.NO
    early = paid_early(row)
    each = side.price_in_side(yes_value(row)) - (row.floor or ZERO if early else ZERO)
    text = f"payout for {count_text(abs(held))} {side.upper()} at {price_text(each)} each"
    if payout(row) - early != row.revenue:
        return f"{text} (the exchange shows whole cents, {dollars_text(row.revenue)})"
    return text


def _floor_lines(paid: Dollars) -> list[Line]:
    """Return the line of a settlement floor's payments.

    Empty: it paid nothing. They have no time: only the present floor is known.
    """
    return [Line(None, "settlement floor, already paid", paid)] if paid else []


def _pairs(count: Contracts) -> str:
    return f"{count_text(count)} pair{'' if count == ONE_CONTRACT else 's'}"


def _trade(fill: Fill) -> str:
    side = fill.book_side.long_outcome
    price = price_text(side.price_in_side(fill.yes_price))
    return f"{count_text(fill.count)} {side.upper()} bought at {price}"


def _settled_at(ledger: MarketLedger) -> datetime | None:
    return ledger.settlement.settled_at if ledger.settlement is not None else None


def in_order(lines: Iterable[Line]) -> tuple[Line, ...]:
    """Sort by time. Lines without a time come last."""
    return tuple(sorted(lines, key=lambda line: line.at or FAR_FUTURE))
