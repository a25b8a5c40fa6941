"""Where a number comes from: the fills, fees and settlements behind it, line by line, adding up to it.

Pure; computes nothing that is not on a line.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from kalshi_trading.market_account import MarketAccount
from kalshi_trading.models import Fill, MarketResult, Settlement, Side
from kalshi_trading.money import ONE_DOLLAR, ZERO, Dollars, count_text, dollars_text, price_text
from kalshi_trading.pnl import ClosedLot, payout, settlement_net_pnl, yes_value


@dataclass(frozen=True, slots=True)
class Line:
    """One summand. Dollars are signed: above zero it adds to the number explained."""

    at: datetime | None
    text: str
    amount: Dollars


@dataclass(frozen=True, slots=True)
class Explanation:
    """A number and its summands. `caution` says why it may not be the whole story."""

    title: str
    lines: tuple[Line, ...]
    caution: str | None = None

    @property
    def total(self) -> Dollars:
        return sum((line.amount for line in self.lines), ZERO)


def explain_realized(account: MarketAccount) -> Explanation:
    """List every closed lot with what it cost and what it brought; fees are explained apart."""
    title = f"Realized P&L of {account.ticker}, without fees"
    if account.gap is not None:
        reported = Line(_settled_at(account), "the exchange's own figure", account.realized_pnl)
        return Explanation(title, (reported,), f"It cannot be rebuilt: {account.gap}.")
    lines = (Line(lot.closed_at, _closing(lot), lot.realized_pnl) for lot in account.holding.closed)
    return Explanation(title, _in_order(lines))


def _closing(lot: ClosedLot) -> str:
    how = "settled" if lot.closed_by is None else "closed"
    bought = f"{count_text(lot.count)} {lot.side.upper()} bought at {price_text(lot.entry_price)}"
    text = f"{bought}, {how} at {price_text(lot.exit_price)}"
    if lot.proceeds != lot.count * lot.exit_price:
        return f"{text}, of which {dollars_text(lot.proceeds)} was paid"
    return text


def explain_fees(account: MarketAccount) -> Explanation:
    """List the fee of every fill."""
    title = f"Fees of {account.ticker}"
    if account.gap is not None:
        reported = Line(_settled_at(account), "the exchange's own figure", account.fees_paid)
        return Explanation(title, (reported,), f"It cannot be rebuilt: {account.gap}.")
    lines = [
        Line(fill.created_at, f"{_trade(fill)} as {'taker' if fill.is_taker else 'maker'}", fill.fee)
        for fill in account.fills
    ]
    rounding = account.fees_paid - account.traded.fees_paid
    if rounding != ZERO:
        lines.append(Line(_settled_at(account), "rounding of the payout", rounding))
    return Explanation(title, tuple(lines))


def explain_cost(account: MarketAccount) -> Explanation:
    """List the lots still held and what they cost."""
    side = account.holding.side
    lines = tuple(
        Line(
            lot.opened_by.created_at,
            f"{count_text(lot.count)} {side.upper() if side else ''} bought at {price_text(lot.price)}",
            lot.count * lot.price,
        )
        for lot in account.holding.lots
    )
    caution = f"It cannot be rebuilt: {account.gap}." if account.gap is not None else None
    return Explanation(f"Cost of what is held in {account.ticker}, without fees", lines, caution)


def explain_cash(account: MarketAccount) -> Explanation:
    """List what every fill took, its fee, what each closed pair brought, and what the settlement paid."""
    lines: list[Line] = []
    for fill in account.fills:
        price = fill.book_side.bought.converted(fill.yes_price)
        lines.append(Line(fill.created_at, _trade(fill), -fill.count * price))
        lines.append(Line(fill.created_at, "fee", -fill.fee))
    lines += [
        Line(lot.closed_at, f"{count_text(lot.count)} pairs of YES and NO, $1 each", lot.count * ONE_DOLLAR)
        for lot in account.traded.closed
    ]
    if account.settlement is not None:
        paid = account.holding.cash - account.traded.cash
        lines.append(Line(account.settlement.settled_at, "paid out", paid))
    caution = f"It is not the whole: {account.gap}." if account.gap is not None else None
    return Explanation(f"Cash moved by {account.ticker}", _in_order(lines), caution)


def explain_settlement(row: Settlement) -> Explanation:
    """List what a settled market took and paid over its whole life, fees inside.

    The row counts every contract ever bought; opposite ones were netted in pairs for a dollar each, so
    only the rest was paid out. Source: Kalshi API, settlements.
    """
    lines = [
        Line(None, f"paid for {count_text(count)} {side.upper()} over the market's life", -cost)
        for side, count, cost in (
            (Side.YES, row.yes_count, row.yes_cost),
            (Side.NO, row.no_count, row.no_cost),
        )
        if count != ZERO
    ]
    pairs = min(row.yes_count, row.no_count)
    if pairs != ZERO:
        lines.append(
            Line(None, f"received for {count_text(pairs)} pairs of YES and NO, $1 each", pairs * ONE_DOLLAR)
        )
    lines.append(Line(row.settled_at, _payout(row), payout(row)))
    lines.append(Line(None, "fees of all its trades", -row.fees))
    explanation = Explanation(f"Settlement of {row.ticker}, {_result(row)}", tuple(lines))
    assert explanation.total == settlement_net_pnl(row)
    return explanation


def _result(row: Settlement) -> str:
    if row.result in (MarketResult.YES, MarketResult.NO):
        return f"result {row.result.upper()}"
    return f"scalar result: YES pays {price_text(yes_value(row))} each"


def _payout(row: Settlement) -> str:
    held = row.yes_count - row.no_count
    if held == ZERO:
        return "paid out: nothing was held at the end"
    side = Side.YES if held > ZERO else Side.NO
    each = side.converted(yes_value(row))
    text = f"paid out for {count_text(abs(held))} {side.upper()} at {price_text(each)} each"
    if payout(row) != row.revenue:
        return f"{text} (the exchange shows whole cents, {dollars_text(row.revenue)})"
    return text


def _trade(fill: Fill) -> str:
    side = fill.book_side.bought
    price = price_text(side.converted(fill.yes_price))
    return f"{count_text(fill.count)} {side.upper()} bought at {price}"


def _settled_at(account: MarketAccount) -> datetime | None:
    return account.settlement.settled_at if account.settlement is not None else None


def _in_order(lines: Iterable[Line]) -> tuple[Line, ...]:
    """Sort by time; a line without one stands last."""
    latest = datetime.max.replace(tzinfo=UTC)
    return tuple(sorted(lines, key=lambda line: line.at or latest))
