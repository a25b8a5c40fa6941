"""The summary of the account on the screen: what there is, earned, at risk, and whether it adds up.

Pure, over `formats`. What could not be read says why in one line and is never shown as zero.
"""

from __future__ import annotations

from collections.abc import Iterator

from rich import box
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from kalshi_trading.account_check import AccountCheck, Comparison
from kalshi_trading.formats import (
    UNKNOWN,
    dollars,
    gain,
    holding,
    moment,
    notice,
    problem,
    time_zone,
)
from kalshi_trading.money import ZERO, count_text
from kalshi_trading.pnl_breakdown import Realized
from kalshi_trading.portfolio import PortfolioSnapshot, known_sum

BIGGEST_RISKS = 3
DIFFERENCES_SHOWN = 8

Row = tuple[str, str | Text, str]
"""Name, amount, and what the amount means."""


# --- Summary --------------------------------------------------------------------------------------


def summary(snapshot: PortfolioSnapshot, today: Realized | None, check: AccountCheck) -> RenderableType:
    """What there is, what it earned, what it can lose, and whether it adds up."""
    failures = [problem(f"{name} unavailable: {reason}") for name, reason in _failures(snapshot)]
    return Group(_panel(snapshot, today), *failures, *_checked(check))


def first_look(snapshot: PortfolioSnapshot) -> RenderableType:
    """What can be told while the fills are still being read."""
    failures = [
        problem(f"{name} unavailable: {reason}")
        for name, reason in _failed_parts(snapshot)
        if name != "Fills"
    ]
    told = notice("A first look: fills are still being read, and order books with them.")
    return Group(_panel(snapshot, None), *failures, told)


def _panel(snapshot: PortfolioSnapshot, today: Realized | None) -> Panel:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(overflow="fold")
    parts = (_cash(snapshot), _worth(snapshot), _pnl(snapshot, today), _risk(snapshot), _source(snapshot))
    for name, amount, meaning in (row for part in parts for row in part):
        table.add_row(Text(name), amount if isinstance(amount, Text) else Text(amount), Text(meaning))
    return Panel(table, title="portfolio", title_align="left", box=box.ROUNDED, expand=False)


def _cash(snapshot: PortfolioSnapshot) -> Iterator[Row]:
    balance, resting = snapshot.balance.value, snapshot.resting.value
    if resting is None:
        held = "what resting orders hold is not known"
    elif not resting:
        held = "no resting orders"
    else:
        held = f"{_number(len(resting), 'resting order')}, holding {dollars(snapshot.collateral)}"
    yield "cash", dollars(balance.cash if balance else None), held
    if balance is not None and len(balance.by_shard) > 1:
        for shard, cash in balance.by_shard:
            yield "", dollars(cash), f"on shard {shard}"


def _worth(snapshot: PortfolioSnapshot) -> Iterator[Row]:
    yield "positions", dollars(snapshot.value_at_mark), _marked(snapshot)
    yield "sold now", dollars(snapshot.liquidation_value), _sellable(snapshot)


def _marked(snapshot: PortfolioSnapshot) -> str:
    """Name the mark, and what stands apart from the value because it has none."""
    if snapshot.positions.value is None:
        return ""
    if not snapshot.unmarked:
        return f"{_number(len(snapshot.held), 'market')} at the {snapshot.mark}"
    rest = known_sum(row.value for row in snapshot.held if row.mark is not None)
    without = f"{len(snapshot.unmarked)} of {_number(len(snapshot.held), 'market')} without a {snapshot.mark}"
    return f"{without}; the others {dollars(rest)}"


def _sellable(snapshot: PortfolioSnapshot) -> str:
    if snapshot.positions.value is None:
        return ""
    sales = [row.liquidation for row in snapshot.held]
    unsold = [sale.unsold for sale in sales if sale is not None and sale.unsold > ZERO]
    unknown = sum(sale is None or sale.value is None for sale in sales)
    text = "into today's books, after fees"
    if unknown:
        text += f"; book or fees of {_number(unknown, 'market')} not known"
    if unsold:
        without = f"{count_text(sum(unsold, ZERO))} contracts in {_number(len(unsold), 'market')}"
        text += f"; {without} find no buyer"
    return text


def _pnl(snapshot: PortfolioSnapshot, today: Realized | None) -> Iterator[Row]:
    total, realized = snapshot.total_pnl, snapshot.realized
    meaning = f"realized since local midnight, after fees of {dollars(today.fees)}" if today else ""
    yield "P&L today", gain(today.net if today else None), meaning
    yield "P&L open", gain(snapshot.unrealized_pnl), _open(snapshot)
    if realized is None:
        yield "realized", UNKNOWN, "needs positions and settlements"
    else:
        yield "realized", gain(realized.gross), _roads(snapshot, realized)
    yield "fees", dollars(total.fees if total else None), "of all trades"
    yield "P&L net", gain(total.net if total else None), "realized + open − fees"


def _open(snapshot: PortfolioSnapshot) -> str:
    text = f"at the {snapshot.mark} over cost, before fees"
    if not snapshot.unmarked:
        return text
    rest = known_sum(row.unrealized_pnl for row in snapshot.held if row.mark is not None)
    return f"{text}; of those that have one {gain(rest).plain}"


def _roads(snapshot: PortfolioSnapshot, realized: Realized) -> str:
    """Split by road, unless a settled market stands there by figures that do not."""
    if any(row.gap is not None and row.settlement is not None for row in snapshot.accounts.values()):
        return "by trading and settlement, which the exchange's figures do not tell apart"
    by_trading, by_settlement = gain(realized.by_trading).plain, gain(realized.by_settlement).plain
    return f"by trading {by_trading} · by settlement {by_settlement}"


def _risk(snapshot: PortfolioSnapshot) -> Iterator[Row]:
    yield "exposure", dollars(snapshot.worst_loss), "worst case of all events, with resting orders"
    for risk in snapshot.risks[:BIGGEST_RISKS]:
        kind = ", one YES at most" if risk.mutually_exclusive and len(risk.markets) > 1 else ""
        yield (
            "",
            dollars(risk.worst_loss),
            f"{risk.event_ticker} ({_number(len(risk.markets), 'market')}{kind})",
        )


def _source(snapshot: PortfolioSnapshot) -> Iterator[Row]:
    at = f"as of {moment(snapshot.as_of, snapshot.as_of)} {time_zone(snapshot.as_of)}"
    if snapshot.fills.value is None:
        yield "figures", "", f"the exchange's own, since fills are missing; {at}"
        return
    gaps = sum(account.gap is not None for account in snapshot.accounts.values())
    own = f"; {_number(gaps, 'market')} by the exchange's own figures" if gaps else ""
    yield "figures", "", f"from {_number(snapshot.fills.value, 'fill')}{own}; {at}"


def _failures(snapshot: PortfolioSnapshot) -> Iterator[tuple[str, str]]:
    """Name every part that could not be read, and why."""
    yield from _failed_parts(snapshot)
    if snapshot.quotes_missing:
        yield "Quotes", snapshot.quotes_missing
    if snapshot.books_missing:
        yield "Order books or fees", snapshot.books_missing


def _failed_parts(snapshot: PortfolioSnapshot) -> Iterator[tuple[str, str]]:
    reasons = {
        "Balance": snapshot.balance.unavailable,
        "Positions": snapshot.positions.unavailable,
        "Resting orders": snapshot.resting.unavailable,
        "Settlements": snapshot.settlements.unavailable,
        "Fills": snapshot.fills.unavailable,
        "Deposits": snapshot.deposits.unavailable,
        "Withdrawals": snapshot.withdrawals.unavailable,
    }
    return ((name, reason) for name, reason in reasons.items() if reason)


def _checked(check: AccountCheck) -> Iterator[Text]:
    """Say whether the account adds up; each difference with both numbers and a hint."""
    agreeing = check.compared - len(check.differences)
    if check.compared:
        yield notice(f"Checked against the exchange: {_number(agreeing, 'number')} agree.")
    yield from (problem(_difference(row)) for row in check.differences[:DIFFERENCES_SHOWN])
    if len(check.differences) > DIFFERENCES_SHOWN:
        yield problem(f"{len(check.differences) - DIFFERENCES_SHOWN} more numbers differ.")
    yield from (notice(f"Not checked: {reason}") for reason in check.not_compared)


def _difference(row: Comparison) -> str:
    shown = holding if row.what.endswith(" position") else dollars
    return f"{row.what} differs: {shown(row.ours)} here, {shown(row.theirs)} at the exchange. {row.hint}"


def _number(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
