"""Render the ticket of an order: cost, profit either way and findings.

Pure, over `formats`.
"""

from __future__ import annotations

from rich import box
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from kalshi_trading.core import order_book
from kalshi_trading.core.money import (
    BALANCE_GRAIN,
    CENT,
    ZERO,
    count_text,
    dollars_text,
    price_text,
    round_half_even,
)
from kalshi_trading.core.text import contracts_text
from kalshi_trading.orders.pretrade.findings import Finding, Severity
from kalshi_trading.orders.pretrade.payoff import Payoff
from kalshi_trading.orders.pretrade.preview import OrderPreview
from kalshi_trading.orders.pretrade.risk import Worse, what_is_worse
from kalshi_trading.settings.environments import Environment
from kalshi_trading.ui.formats import UNKNOWN, dollars, net_position, pnl_text, time_left

_SIGNS = {
    Severity.DENY: ("✗", "bold red"),
    Severity.ASK: ("‼", "bold yellow"),
    Severity.WARN: ("⚠", "yellow"),
}


def ticket(preview: OrderPreview, environment: Environment) -> RenderableType:
    """Render what is sent, its cost, its profit and loss, and the findings."""
    now = preview.context
    rows = Table.grid(padding=(0, 2))
    rows.add_column(no_wrap=True, style="dim")
    rows.add_column()
    for name, value in _rows(preview):
        rows.add_row(Text(name), value if isinstance(value, Text) else Text(value))
    headline = Text(preview.sentence, style="bold")
    market = Text(f"{now.market.title} · YES is: {now.market.yes_label}")
    closes = Text(f"closes in {time_left(now.market.close_at, now.at)}", style="dim")
    findings = []
    for finding in preview.findings:
        sign, colour = _SIGNS[finding.severity]
        findings.append(Text.assemble((f"{sign} ", colour), finding.message))
    title = f"{environment.upper()} · order ticket"
    style = "red" if environment is Environment.PRODUCTION else "cyan"
    return Panel(
        Group(headline, market, closes, rows, *findings),
        title=title,
        title_align="left",
        box=box.ROUNDED,
        border_style=style,
    )


def _rows(preview: OrderPreview) -> list[tuple[str, str | Text]]:
    request, now = preview.request, preview.context
    rows: list[tuple[str, str | Text]] = [("book", _book(preview)), ("midpoint", _midpoint(preview))]
    if preview.ticket.amount is not None:
        rows.append(("amount", f"{dollars_text(preview.ticket.amount)} buys {contracts_text(request.count)}"))
    average = preview.walk.average_price
    expected = _expected(preview)
    if average is not None and len(preview.walk.fills) != 1:
        expected += f" · fills average {price_text(average)}"
    rows.append(("expected", expected))
    if preview.ticket.is_market_order:
        rows.append(("worst price", f"{price_text(request.price)}; what does not fill at it is canceled"))
    rows += [*_costs(preview), *_outlook(preview)]
    if preview.locked_in is not None:
        profit = pnl_text(round_half_even(preview.locked_in, BALANCE_GRAIN))
        rows.append(("locks in", Text.assemble(profit, " over average cost, before fees")))
    after = f"at least {dollars(preview.cash_after)}" if preview.cash_after is not None else UNKNOWN
    rows.append(("cash", f"{dollars(now.cash)} → {after} if all is filled"))
    rows.append(
        (
            "position",
            f"{net_position(preview.held_before)} → {net_position(preview.held_after)} if all is filled",
        )
    )
    return rows


def _outlook(preview: OrderPreview) -> list[tuple[str, str | Text]]:
    """Return the order's payoff.

    This is the proceeds of the contracts it closes, and the profit either way of those it opens.
    """
    expected, worst, most = preview.expected, preview.worst, preview.bounds
    rows: list[tuple[str, str | Text]] = []
    if preview.closing > ZERO:
        least = "not known" if most is None else f"at least {dollars_text(most.proceeds)}"
        about = f"about {dollars_text(expected.proceeds)} before fees"
        rows.append(("proceeds", f"{about}; {least} after fees if all is filled"))
    if preview.closing == preview.request.count:
        return rows
    shown = "what fills now" if preview.ticket.is_market_order and preview.walk.left else "this order"
    rows.append((shown, _either_way(expected)))
    if _is_told_apart(expected, worst):
        rows.append(("at worst", _either_way(worst)))
    return rows


def _is_told_apart(expected: Payoff, worst: Payoff) -> bool:
    """Return True if the worst case differs from the expected by a cent.

    Smaller differences are the rounding of a fee, which the maximum cost already includes.
    """
    if expected.if_no is None or worst.if_no is None:
        return expected.if_no is not worst.if_no
    return abs(expected.if_no - worst.if_no) >= CENT


def _either_way(outlook: Payoff) -> Text:
    return Text.assemble("if YES ", pnl_text(outlook.if_yes), "   if NO ", pnl_text(outlook.if_no))


def _book(preview: OrderPreview) -> str:
    book, side = preview.context.book, preview.request.side
    if book is None:
        return "could not be read"
    bid, ask = order_book.best_bid(book, side), order_book.best_ask(book, side)
    bid_text = f"{price_text(bid.price)} × {count_text(bid.count)}" if bid else "none"
    ask_text = f"{price_text(ask.price)} × {count_text(ask.count)}" if ask else "none"
    age_s = max(0.0, (preview.context.at - book.as_of).total_seconds())
    return f"{side.upper()} bid {bid_text}   ask {ask_text}   ({age_s:.1f} s old)"


def _midpoint(preview: OrderPreview) -> str:
    """Format the midpoint in the terms of the side, and the limit's distance."""
    distance = preview.from_midpoint
    if distance is None:
        return UNKNOWN
    where = "above" if distance > ZERO else "below"
    off = f"{price_text(abs(distance))} {where} it" if distance else "on it"
    return f"{price_text(preview.request.price - distance)}; {price_text(preview.request.price)} is {off}"


def _expected(preview: OrderPreview) -> str:
    fills = [f"{count_text(fill.count)} at {price_text(fill.price)}" for fill in preview.walk.fills]
    left = preview.walk.left
    parts = ["fills now: " + ", ".join(fills)] if fills else ["nothing fills now"]
    own = preview.walk.meets_own_at
    if own is not None:
        parts.append(f"up to {count_text(left)} canceled where it meets your own order at {price_text(own)}")
    elif left > ZERO:
        if preview.ticket.is_market_order:
            parts.append(f"{count_text(left)} canceled")
        else:
            parts.append(f"{count_text(left)} rest at {price_text(preview.request.price)}")
    return " · ".join(parts)


def _costs(preview: OrderPreview) -> list[tuple[str, str | Text]]:
    """Return expected cost and fee from the book, and the maximum cost.

    The maximum covers any way of filling. If the order closes contracts, the fee has its own row: the
    proceeds pay the fee of the closed part.
    """
    opening, bounds = preview.request.count - preview.closing, preview.bounds
    rows: list[tuple[str, str | Text]] = []
    fee = "not known" if preview.expected_fee is None else f"about {dollars_text(preview.expected_fee)}"
    of = f" to open {contracts_text(opening)}" if ZERO < opening < preview.request.count else ""
    if opening > ZERO:
        about = "" if preview.expected_cost == preview.cost else "about "
        cost = f"{about}{dollars_text(preview.expected_cost)}{of}"
        rows.append(("cost", cost if preview.closing > ZERO else f"{cost} + fee {fee}"))
    if preview.closing > ZERO:
        rows.append(("fee", fee))
    if bounds is not None and bounds.cost > ZERO:
        rows.append(("max cost", f"{dollars_text(bounds.cost)}{of} with fees and rounding"))
    elif opening > ZERO:
        rows.append(("max cost", "not known"))
    return rows


def changes(before: OrderPreview, after: OrderPreview) -> list[str]:
    """Describe what became worse between two previews of the same ticket.

    Each line has both values.
    """
    return [
        change.message
        if isinstance(change, Finding)
        else f"{change}: {_value_of(change, before)} → {_value_of(change, after)}"
        for change in what_is_worse(before, after)
    ]


def _value_of(change: Worse, preview: OrderPreview) -> str:
    match change:
        case Worse.ORDER:
            return preview.sentence
        case Worse.EXPECTED:
            return _expected(preview)
        case Worse.COST:
            return dollars_text(preview.cost)
        case Worse.MAX_COST:
            return dollars_text(preview.cost_bound)
