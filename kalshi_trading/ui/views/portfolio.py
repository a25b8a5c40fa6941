"""Render the account summary: assets, P&L, exposure and cross-check.

Pure, over `formats`. A value that could not be read gets one line with the reason. It is never shown as
zero.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Sequence

from rich import box
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from kalshi_trading.core.money import ZERO, count_text
from kalshi_trading.core.results import sum_known
from kalshi_trading.core.text import pluralize
from kalshi_trading.portfolio.breakdown import RealizedPnl
from kalshi_trading.portfolio.cross_check import CrossCheck
from kalshi_trading.portfolio.snapshot import EventRisk, PortfolioSnapshot
from kalshi_trading.ui.formats import (
    dollars,
    error_line,
    net_position,
    note_line,
    pnl_text,
    time_zone,
    timestamp,
)

BIGGEST_RISKS = 3
DIFFERENCES_SHOWN = 8

LOW_SCREEN = 30
"""On a screen with fewer lines, explanations are left out."""

_AT_RISK = "most at risk: "
_AROUND_NOTES = 6
"""Characters around a note: the panel's border and the dot before it."""
_Cell = tuple[str, Text]
"""A number's name and its text."""


# --- Summary --------------------------------------------------------------------------------------


def summary(
    snapshot: PortfolioSnapshot,
    today: RealizedPnl | None,
    check: CrossCheck,
    width: int,
    *,
    is_brief: bool = False,
) -> RenderableType:
    """Render assets, P&L, exposure and cross-check.

    `is_brief` leaves out explanations, for low screens.
    """
    failures = list(_failed_parts(snapshot))
    if snapshot.quotes_missing:
        failures.append(("quotes", snapshot.quotes_missing))
    if snapshot.books_missing:
        failures.append(("order books or fees", snapshot.books_missing))
    return Group(
        _panel(snapshot, today, width, is_brief=is_brief),
        *_told_once(failures),
        *_checked(check, {reason for _, reason in failures}),
    )


def first_look(snapshot: PortfolioSnapshot, width: int, *, is_brief: bool = False) -> RenderableType:
    """Render what is known while the fills are still being read."""
    failures = [failure for failure in _failed_parts(snapshot) if failure[0] != "fills"]
    told = note_line("A first look: fills are still being read, and order books with them.")
    return Group(_panel(snapshot, None, width, is_brief=is_brief), *_told_once(failures), told)


def _panel(snapshot: PortfolioSnapshot, today: RealizedPnl | None, width: int, *, is_brief: bool) -> Panel:
    notes = [*_notes(snapshot, width, is_brief=is_brief), *([] if is_brief else _meanings(snapshot))]
    at = f"{timestamp(snapshot.as_of, snapshot.as_of)} {time_zone(snapshot.as_of)}"
    return Panel(
        Group(_numbers(snapshot, today, width - 4), *(note_line(note) for note in notes)),
        title=Text(f"portfolio · {at} · marks: {snapshot.mark}"),
        title_align="left",
        box=box.ROUNDED,
        expand=False,
    )


def _numbers(snapshot: PortfolioSnapshot, today: RealizedPnl | None, room: int) -> Table:
    """Render assets and P&L in two columns, or stacked on narrow screens."""
    have, earned = _have(snapshot), _earned(snapshot, today)
    side_by_side = sum(max(len(name) for name, _ in column) for column in (have, earned))
    side_by_side += sum(max(len(amount) for _, amount in column) for column in (have, earned)) + 8
    table = Table.grid(padding=(0, 2))
    pairs = 2 if side_by_side <= room else 1
    for _ in range(pairs):
        table.add_column(style="dim", no_wrap=True)
        table.add_column(justify="right", no_wrap=True)
    rows = zip(have, earned, strict=True) if pairs == 2 else ((cell,) for cell in (*have, *earned))
    for row in rows:
        table.add_row(*(part for name, amount in row for part in (Text(name), amount)))
    return table


def _have(snapshot: PortfolioSnapshot) -> tuple[_Cell, ...]:
    balance, worth, least = snapshot.balance.value, snapshot.worth, snapshot.worth_at_least
    shown = dollars(worth)
    if worth is None and least is not None:  # positions without a bid count as zero
        shown = f"≥ {dollars(least)}"
    return (
        ("account worth", Text(shown, style="bold")),
        ("cash", Text(dollars(balance.cash if balance else None))),
        ("positions", Text(dollars(snapshot.value_at_mark))),
        ("sold now", Text(dollars(snapshot.liquidation_value))),
        ("exposure", Text(dollars(snapshot.worst_loss))),
    )


def _earned(snapshot: PortfolioSnapshot, today: RealizedPnl | None) -> tuple[_Cell, ...]:
    total, realized = snapshot.total_pnl, snapshot.realized
    return (
        ("net realized today", pnl_text(today.net if today else None)),
        ("realized", pnl_text(realized.gross if realized else None)),
        ("unrealized", pnl_text(snapshot.unrealized_pnl)),
        ("fees", Text(dollars(total.fees if total else None))),
        ("net P&L", pnl_text(total.net if total else None)),
    )


# --- What has to be known beside the numbers --------------------------------------------------------


def _notes(snapshot: PortfolioSnapshot, width: int, *, is_brief: bool) -> Iterator[str]:
    """Yield the notes that appear on every screen, however low."""
    resting, balance = snapshot.resting.value, snapshot.balance.value
    if resting is None:
        yield "what resting orders hold is not known"
    elif resting:
        hold = "holds" if len(resting) == 1 else "hold"
        yield f"{pluralize(len(resting), 'resting order')} {hold} {dollars(snapshot.collateral)}"
    if balance is not None and len(balance.by_shard) > 1:
        yield "cash: " + " · ".join(f"{dollars(cash)} on shard {shard}" for shard, cash in balance.by_shard)
    yield from _unmarked(snapshot)
    yield from _not_sold(snapshot)
    if snapshot.risks:
        told = _risks_in_line(snapshot.risks, width - _AROUND_NOTES) if is_brief else _risks(snapshot.risks)
        yield f"{_AT_RISK}{told}"
    gaps = sum(ledger.mismatch is not None for ledger in snapshot.ledgers.values())
    if snapshot.fills.value is None:
        yield "figures: the exchange's own, since fills are missing"
    elif gaps:
        yield f"figures: of {pluralize(gaps, 'market')} the exchange's own"


def _unmarked(snapshot: PortfolioSnapshot) -> Iterator[str]:
    """Name the positions without a mark, which the totals leave out."""
    if not snapshot.unmarked:
        return
    marked = [row for row in snapshot.held if row.mark is not None]
    value = dollars(sum_known(row.value for row in marked))
    unrealized = pnl_text(sum_known(row.unrealized_pnl for row in marked)).plain
    without = f"{len(snapshot.unmarked)} of {pluralize(len(snapshot.held), 'market')} without"
    yield f"{without} a {snapshot.mark}; the others {value}, unrealized {unrealized}"


def _not_sold(snapshot: PortfolioSnapshot) -> Iterator[str]:
    sales = [row.liquidation for row in snapshot.held]
    unsold = [sale.unsold for sale in sales if sale is not None and sale.unsold > ZERO]
    unknown = sum(sale is None or sale.value is None for sale in sales)
    if unknown:
        yield f"sold now: book or fees of {pluralize(unknown, 'market')} not known"
    if unsold:
        without = f"{count_text(sum(unsold, ZERO))} contracts in {pluralize(len(unsold), 'market')}"
        yield f"sold now: {without} find no buyer"


def _risks(risks: Sequence[EventRisk]) -> str:
    """Format the biggest risks by event, with their number of markets."""
    told = []
    for risk in risks[:BIGGEST_RISKS]:
        kind = ", one YES at most" if risk.mutually_exclusive and len(risk.markets) > 1 else ""
        told.append(f"{_risk(risk)} ({pluralize(len(risk.markets), 'market')}{kind})")
    return " · ".join(told)


def _risks_in_line(risks: Sequence[EventRisk], room: int) -> str:
    """Format as many of the biggest risks as fit on one line."""
    told = [_risk(risk) for risk in risks[:BIGGEST_RISKS]]
    while len(told) > 1 and len(_AT_RISK + " · ".join(told)) > room:
        told.pop()
    return " · ".join(told)


def _risk(risk: EventRisk) -> str:
    return f"{risk.event_ticker} {dollars(risk.worst_loss)}"


def _meanings(snapshot: PortfolioSnapshot) -> Iterator[str]:
    """Yield explanations of the numbers, for screens with room for them."""
    if snapshot.fills.value is not None:
        yield f"from {pluralize(snapshot.fills.value, 'fill')}; positions at the {snapshot.mark}"
    yield "sold now: into today's books, after fees · exposure: worst case, with resting orders"
    realized = snapshot.realized
    if realized is not None:
        trading, settlement = pnl_text(realized.by_trading).plain, pnl_text(realized.by_settlement).plain
        roads = f"by trading {trading} · by settlement {settlement}"
        if any(row.mismatch is not None and row.settlement is not None for row in snapshot.ledgers.values()):
            roads = "by trading and settlement, which the exchange's figures do not tell apart"
        yield f"realized, before fees: {roads}"
    yield "net realized today: since local midnight, after fees; the daily loss limit adds what is held"
    yield "net P&L = realized + unrealized − fees"


# --- What could not be read, and whether it adds up -------------------------------------------------


def _failed_parts(snapshot: PortfolioSnapshot) -> Iterator[tuple[str, str]]:
    reasons = {
        "balance": snapshot.balance.unavailable,
        "positions": snapshot.positions.unavailable,
        "resting orders": snapshot.resting.unavailable,
        "settlements": snapshot.settlements.unavailable,
        "fills": snapshot.fills.unavailable,
        "deposits": snapshot.deposits.unavailable,
        "withdrawals": snapshot.withdrawals.unavailable,
    }
    return ((name, reason) for name, reason in reasons.items() if reason)


def _told_once(failures: Iterable[tuple[str, str]]) -> Iterator[Text]:
    """Yield one line for each reason, naming all the parts it affects."""
    parts: dict[str, list[str]] = {}
    for name, reason in failures:
        parts.setdefault(reason, []).append(name)
    for reason, names in parts.items():
        listed = ", ".join(names)
        yield error_line(f"{listed[0].upper()}{listed[1:]} unavailable: {reason}")


def _checked(check: CrossCheck, told: Container[str]) -> Iterator[Text]:
    """Render the cross-check: each difference with both numbers and a hint.

    Reasons that were shown before are not repeated.
    """
    agreeing = check.compared - len(check.differences)
    if check.compared:
        agree = "agrees" if agreeing == 1 else "agree"
        yield note_line(f"Checked against the exchange: {pluralize(agreeing, 'number')} {agree}.")
    for row in check.differences[:DIFFERENCES_SHOWN]:
        shown = net_position if row.what.endswith(" position") else dollars
        both = f"{shown(row.ours)} here, {shown(row.theirs)} at the exchange"
        yield error_line(f"{row.what} differs: {both}. {row.hint}")
    if len(check.differences) > DIFFERENCES_SHOWN:
        yield error_line(f"{len(check.differences) - DIFFERENCES_SHOWN} more numbers differ.")
    for each in dict.fromkeys(check.not_compared):
        what, _, reason = each.partition(": ")
        yield note_line(f"Not checked: {what}, as above." if reason in told else f"Not checked: {each}")
