"""Render the account summary: assets, P&L, exposure and cross-check.

Pure, over `formats` and `tables`. A value that could not be read gets one line with the reason. It is never
shown as zero.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Sequence

from rich import box
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from kalshi_trading.core.money import ONE_CONTRACT, ZERO
from kalshi_trading.core.results import sum_known
from kalshi_trading.core.text import contracts_text, pluralize
from kalshi_trading.portfolio.breakdown import RealizedPnl
from kalshi_trading.portfolio.cross_check import Comparison, CrossCheck
from kalshi_trading.portfolio.snapshot import EventRisk, PortfolioSnapshot
from kalshi_trading.ui.formats import (
    at_least,
    at_most,
    dollars,
    error_line,
    net_position,
    note_line,
    pnl_text,
    sentence_case,
    time_zone,
    timestamp,
    two_dollars,
)
from kalshi_trading.ui.tables import add_rows

BIGGEST_RISKS = 3
DIFFERENCES_SHOWN = 8

LOW_SCREEN = 36
"""On a screen with fewer lines, explanations are left out."""

_AT_RISK = "Largest exposure: "
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
        *_failure_lines(failures),
        *_cross_check(check, {reason for _, reason in failures}),
    )


def first_look(snapshot: PortfolioSnapshot, width: int, *, is_brief: bool = False) -> RenderableType:
    """Render what is known while the fills are still being read."""
    failures = [failure for failure in _failed_parts(snapshot) if failure[0] != "fills"]
    note = note_line("Preliminary: still reading fills and order books.")
    return Group(_panel(snapshot, None, width, is_brief=is_brief), *_failure_lines(failures), note)


def _panel(snapshot: PortfolioSnapshot, today: RealizedPnl | None, width: int, *, is_brief: bool) -> Panel:
    notes = [*_notes(snapshot, width, is_brief=is_brief), *([] if is_brief else _explanations(snapshot))]
    at = f"{timestamp(snapshot.as_of, snapshot.as_of)} {time_zone(snapshot.as_of)}"
    return Panel(
        Group(_figures(snapshot, today, width - 4), *(note_line(note) for note in notes)),
        title=Text(f"Portfolio · {at} · mark: {snapshot.mark}"),
        title_align="left",
        box=box.ROUNDED,
        expand=False,
    )


def _figures(snapshot: PortfolioSnapshot, today: RealizedPnl | None, width: int) -> Table:
    """Render assets and P&L in two columns, or stacked on narrow screens."""
    assets, pnl = _assets(snapshot), _pnl(snapshot, today)
    side_by_side = sum(max(len(name) for name, _ in column) for column in (assets, pnl))
    side_by_side += sum(max(len(amount) for _, amount in column) for column in (assets, pnl)) + 8
    table = Table.grid(padding=(0, 2))
    pairs = 2 if side_by_side <= width else 1
    for _ in range(pairs):
        table.add_column(style="dim", no_wrap=True)
        table.add_column(justify="right", no_wrap=True)
    rows = zip(assets, pnl, strict=True) if pairs == 2 else ((cell,) for cell in (*assets, *pnl))
    return add_rows(table, [[part for cell in row for part in cell] for row in rows])


def _assets(snapshot: PortfolioSnapshot) -> tuple[_Cell, ...]:
    balance, worth, least = snapshot.balance.value, snapshot.total_value, snapshot.min_total_value
    shown = at_least(worth)
    if worth is None and least is not None:  # positions without a bid count as zero
        shown = f"≥ {at_least(least)}"
    return (
        ("Account value", Text(shown, style="bold")),
        ("Cash", Text(at_least(balance.cash if balance else None))),
        ("Positions", Text(at_least(snapshot.value_at_mark))),
        ("Liquidation value", Text(at_least(snapshot.liquidation_value))),
        ("Exposure", Text(at_most(snapshot.worst_loss))),
    )


def _pnl(snapshot: PortfolioSnapshot, today: RealizedPnl | None) -> tuple[_Cell, ...]:
    total, realized = snapshot.total_pnl, snapshot.realized
    return (
        ("Net realized today", pnl_text(today.net if today else None)),
        ("Realized P&L", pnl_text(realized.gross if realized else None)),
        ("Unrealized P&L", pnl_text(snapshot.unrealized_pnl)),
        ("Fees", Text(dollars(total.fees if total else None))),
        ("Net P&L", _bold(pnl_text(total.net if total else None))),
    )


def _bold(text: Text) -> Text:
    text.stylize("bold")
    return text


# --- What has to be known beside the numbers --------------------------------------------------------


def _notes(snapshot: PortfolioSnapshot, width: int, *, is_brief: bool) -> Iterator[str]:
    """Yield the notes that appear on every screen, however low."""
    resting, balance = snapshot.resting.value, snapshot.balance.value
    if resting is None:
        yield "Cash held by open orders: unknown"
    elif resting:
        hold = "holds" if len(resting) == 1 else "hold"
        yield f"{pluralize(len(resting), 'open order')} {hold} {at_most(snapshot.collateral)}"
    if balance is not None and len(balance.by_shard) > 1:
        yield "Cash: " + " · ".join(f"{at_least(cash)} on shard {shard}" for shard, cash in balance.by_shard)
    paid = sum(snapshot.floors_paid.values(), ZERO)
    if paid:
        yield f"Settlement floor: {dollars(paid)} is in cash, not in positions"
    unvalued = sum(row.market is not None for row in snapshot.unknown_floors)
    if unvalued:
        yield f"Settlement floor unknown: {pluralize(unvalued, 'position')} not valued"
    yield from _unmarked_note(snapshot)
    yield from _unsold_note(snapshot)
    if snapshot.risks:
        risks = _risks_in_line(snapshot.risks, width - _AROUND_NOTES) if is_brief else _risks(snapshot.risks)
        yield f"{_AT_RISK}{risks}"
    gaps = sum(ledger.mismatch is not None for ledger in snapshot.ledgers.values())
    if snapshot.fills.value is None:
        yield "Figures are the exchange's, without fills"
    elif gaps:
        yield f"Figures are the exchange's for {pluralize(gaps, 'market')}"


def _unmarked_note(snapshot: PortfolioSnapshot) -> Iterator[str]:
    """Name the positions without a mark, which the totals leave out."""
    if not snapshot.unmarked:
        return
    marked = [row for row in snapshot.held if row.mark is not None]
    value = at_least(sum_known(row.value for row in marked))
    unrealized = pnl_text(sum_known(row.unrealized_pnl for row in marked)).plain
    count, held = len(snapshot.unmarked), pluralize(len(snapshot.held), "position")
    without = f"{count} of {held} {'has' if count == 1 else 'have'} no {snapshot.mark.removeprefix('best ')}"
    rest = f"; the rest: {value}, unrealized {unrealized}" if marked else ""
    yield f"{without}{rest}"


def _unsold_note(snapshot: PortfolioSnapshot) -> Iterator[str]:
    sales = [row.liquidation for row in snapshot.held if row.market is None or row.floor_paid is not None]
    unsold = [sale.unsold for sale in sales if sale is not None and sale.unsold > ZERO]
    unknown = sum(sale is None or sale.value is None for sale in sales)
    if unknown:
        yield f"Liquidation value: order book or fees of {pluralize(unknown, 'market')} unknown"
    if unsold:
        contracts = sum(unsold, ZERO)
        have = "has" if contracts == ONE_CONTRACT else "have"
        where = pluralize(len(unsold), "market")
        yield f"Liquidation value: {contracts_text(contracts)} in {where} {have} no bids"


def _risks(risks: Sequence[EventRisk]) -> str:
    """Format the biggest risks by event, with their number of markets."""
    parts = []
    for risk in risks[:BIGGEST_RISKS]:
        kind = ", at most one YES" if risk.mutually_exclusive and len(risk.markets) > 1 else ""
        parts.append(f"{_risk(risk)} ({pluralize(len(risk.markets), 'market')}{kind})")
    return " · ".join(parts)


def _risks_in_line(risks: Sequence[EventRisk], width: int) -> str:
    """Format as many of the biggest risks as fit on one line."""
    parts = [_risk(risk) for risk in risks[:BIGGEST_RISKS]]
    while len(parts) > 1 and len(_AT_RISK + " · ".join(parts)) > width:
        parts.pop()
    return " · ".join(parts)


def _risk(risk: EventRisk) -> str:
    return f"{risk.event_ticker} {at_most(risk.worst_loss)}"


def _explanations(snapshot: PortfolioSnapshot) -> Iterator[str]:
    """Yield explanations of the numbers, for screens with room for them."""
    if snapshot.fills.value is not None:
        yield f"Based on {pluralize(snapshot.fills.value, 'fill')}; positions at the {snapshot.mark}"
    yield "Liquidation value: sold into the order books now, after fees"
    yield "Exposure: worst case, open orders included"
    realized = snapshot.realized
    if realized is not None:
        trading, settlement = pnl_text(realized.by_trading).plain, pnl_text(realized.by_settlement).plain
        roads = f"trading {trading} · settlement {settlement}"
        if any(row.mismatch is not None and row.settlement is not None for row in snapshot.ledgers.values()):
            roads = "trading and settlement together (exchange figures)"
        yield f"Realized P&L, before fees: {roads}"
    yield "Net realized today: since local midnight, after fees"
    yield "Daily loss limit: net realized today plus unrealized P&L"
    yield "Net P&L = realized + unrealized − fees"


# --- What could not be read, and whether it adds up -------------------------------------------------


def _failed_parts(snapshot: PortfolioSnapshot) -> Iterator[tuple[str, str]]:
    reasons = {
        "balance": snapshot.balance.unavailable,
        "positions": snapshot.positions.unavailable,
        "open orders": snapshot.resting.unavailable,
        "settlements": snapshot.settlements.unavailable,
        "fills": snapshot.fills.unavailable,
        "deposits": snapshot.deposits.unavailable,
        "withdrawals": snapshot.withdrawals.unavailable,
    }
    return ((name, reason) for name, reason in reasons.items() if reason)


def _failure_lines(failures: Iterable[tuple[str, str]]) -> Iterator[Text]:
    """Yield one line for each reason, naming all the parts it affects."""
    parts: dict[str, list[str]] = {}
    for name, reason in failures:
        parts.setdefault(reason, []).append(name)
    for reason, names in parts.items():
        listed = ", ".join(names)
        yield error_line(f"{sentence_case(listed)} unavailable: {reason}")


def _cross_check(check: CrossCheck, shown_reasons: Container[str]) -> Iterator[Text]:
    """Render the cross-check: each difference with both numbers and a hint.

    Reasons that were shown before are not repeated.
    """
    agreeing = check.compared - len(check.differences)
    if check.compared:
        match = "matches" if agreeing == 1 else "match"
        yield note_line(f"Checked against the exchange: {pluralize(agreeing, 'figure')} {match}.")
    for row in check.differences[:DIFFERENCES_SHOWN]:
        yield error_line(f"{sentence_case(row.what)} differs: {_both(row)}. {row.hint}")
    if len(check.differences) > DIFFERENCES_SHOWN:
        more = pluralize(len(check.differences) - DIFFERENCES_SHOWN, "more figure")
        yield error_line(f"{more} not shown.")
    for each in dict.fromkeys(check.not_compared):
        what, _, reason = each.partition(": ")
        yield note_line(
            f"Not checked: {what} (see above)." if reason in shown_reasons else f"Not checked: {each}"
        )


def _both(row: Comparison) -> str:
    if row.what.endswith(" position"):
        ours, theirs = net_position(row.ours), net_position(row.theirs)
    else:
        ours, theirs = two_dollars(row.ours, row.theirs)
    return f"{ours} here, {theirs} at the exchange"
