"""Render the ticket of an order: cost, profit either way and findings.

Pure, over `formats` and `tables`.
"""

from __future__ import annotations

from collections.abc import Callable

from rich import box
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from kalshi_trading.core import order_book
from kalshi_trading.core.market_models import BookLevel
from kalshi_trading.core.models import Action, BookSide
from kalshi_trading.core.money import (
    BALANCE_GRAIN,
    CENT,
    ONE_DOLLAR,
    ZERO,
    Dollars,
    Price,
    count_text,
    dollars_text,
    price_text,
    round_down,
    round_half_even,
    round_up,
)
from kalshi_trading.core.text import contracts_text, describe_order
from kalshi_trading.orders.pretrade.findings import Finding, Severity
from kalshi_trading.orders.pretrade.payoff import Payoff
from kalshi_trading.orders.pretrade.preview import OrderPreview
from kalshi_trading.orders.pretrade.risk import Worse, what_is_worse
from kalshi_trading.settings.environments import Environment
from kalshi_trading.ui.formats import (
    UNKNOWN,
    at_least,
    at_most,
    closing,
    dollars,
    if_no_label,
    net_position,
    pnl_text,
    sentence_case,
    side_text,
    two_dollars,
    with_sides,
    yes_terms,
)
from kalshi_trading.ui.tables import BothEnds

_Row = tuple[str, str | Text]
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
    title = Text(now.market.title)
    outcome = Text(yes_terms(now.market))
    findings = []
    for finding in preview.findings:
        sign, color = _SIGNS[finding.severity]
        findings.append(Text.assemble((f"{sign} ", color), finding.message))
    style = "red" if environment is Environment.PRODUCTION else "cyan"
    return Panel(
        Group(
            _headline(preview),
            BothEnds(title, Text(closing(now.market, now.at), style="dim")),
            outcome,
            Text(),
            rows,
            *findings,
        ),
        title=f"{environment.upper()} · order ticket",
        title_align="left",
        box=box.ROUNDED,
        border_style=style,
    )


def _rows(preview: OrderPreview) -> list[_Row]:
    request, now = preview.request, preview.context
    rows: list[_Row] = [("Book", _book(preview)), ("Midpoint", _midpoint(preview))]
    if preview.ticket.amount is not None:
        rows.append(("Amount", f"{dollars(preview.ticket.amount)} buys {contracts_text(request.count)}"))
    rows.append(("Fills now", sentence_case(_fills_now(preview))))
    if now.floor:
        rows.append(("Floor", _floor(preview, now.floor)))
    if preview.ticket.is_market_order:
        name = "Max price" if request.action is Action.BUY else "Min price"
        rows.append((name, f"{price_text(request.price)}; any unfilled quantity is canceled"))
    rows += [*_cost_rows(preview), *_payoff_rows(preview)]
    if preview.locked_in is not None:
        profit = pnl_text(round_half_even(preview.locked_in, BALANCE_GRAIN))
        rows.append(("Realizes", Text.assemble(profit, " at average cost, before fees")))
    after = UNKNOWN if preview.cash_after is None else f"at least {at_least(preview.cash_after)}"
    rows.append(("Cash", Text.assemble(f"{at_least(now.cash)} → ", (after, "bold"), " once filled")))
    rows.append(("Position", _position(preview)))
    return rows


def _floor(preview: OrderPreview, floor: Price) -> str:
    """Describe what the floor changes: cash of YES or the payout of NO."""
    is_bid, paid = preview.request.book_side is BookSide.BID, price_text(floor)
    if is_bid and preview.closing < preview.request.count:
        return f"{paid} already paid: each YES costs {paid} less"
    if preview.closing > ZERO and not is_bid:
        return f"{paid} already paid: each YES brings {paid} less"
    return f"YES pays at least {paid}, so NO at most {price_text(ONE_DOLLAR - floor)}"


def _position(preview: OrderPreview) -> Text:
    """Render the position before and after the order.

    Names what it closes and opens if the position changes sides.
    """
    before, after = preview.held_before, preview.held_after
    when = "once filled"
    if _fills_in_part(preview):
        after = before + preview.walk.filled * (1 if after > before else -1)
        when = "(fills now)"
    sentence = f"{net_position(before)} → {net_position(after)} {when}"
    if before * after < ZERO:
        sentence += f", closes {net_position(before)}, opens {net_position(after)}"
    elif abs(after) < abs(before):
        sentence += f", closes {net_position(before - after)}"
    return with_sides(sentence)


def _fills_in_part(preview: OrderPreview) -> bool:
    """True if the book holds less than a market order asks for."""
    return preview.ticket.is_market_order and preview.walk.left > ZERO


def _headline(preview: OrderPreview) -> Text:
    """Describe the order; a market order by its max or min price."""
    request, sentence = preview.request, preview.sentence
    if preview.ticket.is_market_order:
        cap = "max" if request.action is Action.BUY else "min"
        order = describe_order(request.action, request.count, request.side)
        sentence = f"{order} {request.ticker} at market, {cap} {price_text(request.price)}"
        sentence += ", reduce only" if request.reduce_only else ""
    return with_sides(Text(sentence, style="bold"))


def _payoff_rows(preview: OrderPreview) -> list[_Row]:
    """Return the order's payoff.

    This is the proceeds of the contracts it closes, and the profit either way of those it opens.
    """
    expected, worst, most = preview.expected, preview.worst, preview.bounds
    rows: list[_Row] = []
    if preview.closing > ZERO:
        least = "unknown" if most is None else f"at least {at_least(most.proceeds)}"
        about = f"about {at_least(expected.proceeds)} before fees"
        rows.append(("Proceeds", Text.assemble(f"{about}, ", (least, "bold"), " after fees once filled")))
    if preview.closing == preview.request.count:
        return rows
    in_part = _fills_in_part(preview)
    low = if_no_label(preview.context.floor)
    rows.append(("If YES", Text.assemble(_either_way(expected, low), "   (fills now)" if in_part else "")))
    if _worst_differs(expected, worst):
        all_filled = "If all fills" if in_part else "At worst"
        rows.append((all_filled, Text.assemble("If YES ", _either_way(worst, low))))
    return rows


def _worst_differs(expected: Payoff, worst: Payoff) -> bool:
    """Return True if the worst case differs from the expected by a cent.

    Smaller differences are the rounding of a fee, which the maximum cost already includes.
    """
    if expected.if_no is None or worst.if_no is None:
        return expected.if_no is not worst.if_no
    return abs(expected.if_no - worst.if_no) >= CENT


def _either_way(payoff: Payoff, low: str) -> Text:
    """Render the profit either way, never better than it is."""
    if_yes, if_no = (pnl_text(profit, round_down) for profit in (payoff.if_yes, payoff.if_no))
    return Text.assemble(if_yes, f"   {low} ", if_no)


def _book(preview: OrderPreview) -> str | Text:
    book, side = preview.context.book, preview.request.side
    if book is None:
        return "unavailable"
    bid, ask = order_book.best_bid(book, side), order_book.best_ask(book, side)
    age_s = max(0.0, (preview.context.at - book.as_of).total_seconds())
    age = (f"  {age_s:.1f} s old", "dim")
    return Text.assemble(side_text(side), f" bid {_level(bid)}  ask {_level(ask)}", age)


def _level(level: BookLevel | None) -> str:
    return "none" if level is None else f"{price_text(level.price)} × {count_text(level.count)}"


def _midpoint(preview: OrderPreview) -> str:
    """Format the midpoint in the terms of the side, and the limit's distance."""
    distance, request = preview.distance_from_midpoint, preview.request
    if distance is None:
        return UNKNOWN
    sign = "+" if distance > ZERO else "−" if distance < ZERO else "±"
    return f"{price_text(request.price - distance)} ({_limit(preview)} {sign}{price_text(abs(distance))})"


def _limit(preview: OrderPreview) -> str:
    if not preview.ticket.is_market_order:
        return "your limit"
    return "max price" if preview.request.action is Action.BUY else "min price"


def _fills_now(preview: OrderPreview) -> str:
    walk = preview.walk
    fills = [f"{count_text(fill.count)} at {price_text(fill.price)}" for fill in walk.fills]
    parts = [", ".join(fills) or "nothing"]
    if walk.average_price is not None and len(fills) > 1:
        parts.append(f"average {price_text(walk.average_price)}")
    left, own = count_text(walk.left), walk.meets_own_at
    if own is not None:
        parts.append(f"up to {left} canceled at your own order at {price_text(own)}")
    elif walk.left > ZERO:
        rests = f"{left} rest at {price_text(preview.request.price)}"
        parts.append(f"{left} canceled" if preview.ticket.is_market_order else rests)
    return " · ".join(parts)


def _amounts(preview: OrderPreview) -> Callable[[Dollars], str]:
    """Return how to write costs: in cents, rounded up.

    With every digit if cost and fee in cents would exceed the maximum cost.
    """
    cost, fee, bounds = preview.expected_cost, preview.expected_fee, preview.bounds
    if fee is None or bounds is None or preview.closing > ZERO:
        return at_most
    fits = round_up(cost, CENT) + round_up(fee, CENT) <= round_up(bounds.cost, CENT)
    return at_most if fits or cost + fee > bounds.cost else dollars_text


def _cost_rows(preview: OrderPreview) -> list[_Row]:
    """Return expected cost and fee from the book, and the maximum cost.

    The maximum covers any way of filling. If the order closes contracts, the fee has its own row: the
    proceeds pay the fee of the closed part.
    """
    opening, bounds = preview.request.count - preview.closing, preview.bounds
    rows: list[_Row] = []
    write = _amounts(preview)
    fee = "unknown" if preview.expected_fee is None else f"about {write(preview.expected_fee)}"
    of = f" to open {contracts_text(opening)}" if ZERO < opening < preview.request.count else ""
    if opening > ZERO:
        about = "" if preview.expected_cost == preview.cost else "about "
        cost = Text.assemble(about, (write(preview.expected_cost), "bold"), of)
        rows.append(("Cost", cost if preview.closing > ZERO else Text.assemble(cost, f" + fee {fee}")))
    if preview.closing > ZERO:
        rows.append(("Fee", fee))
    if bounds is not None and bounds.cost > ZERO:
        rows.append(("Max cost", f"{write(bounds.cost)}{of} including fees"))
    elif opening > ZERO:
        rows.append(("Max cost", "unknown"))
    return rows


_CHANGES = {
    Worse.ORDER: "Order",
    Worse.EXPECTED: "Fills now",
    Worse.COST: "Cost",
    Worse.MAX_COST: "Max cost",
}


def changes(before: OrderPreview, after: OrderPreview) -> list[str]:
    """Describe what became worse between two previews of the same ticket.

    Each line has both values.
    """
    return [
        change.message
        if isinstance(change, Finding)
        else f"{_CHANGES[change]}: {' → '.join(_both_values(change, before, after))}"
        for change in what_is_worse(before, after)
    ]


def _both_values(change: Worse, before: OrderPreview, after: OrderPreview) -> tuple[str, str]:
    match change:
        case Worse.ORDER:
            return before.sentence, after.sentence
        case Worse.EXPECTED:
            return _fills_now(before), _fills_now(after)
        case Worse.COST:
            return two_dollars(before.cost, after.cost, round_up)
        case Worse.MAX_COST:
            return two_dollars(before.cost_bound, after.cost_bound, round_up)
