"""The ticket and the result of an order on the screen: every question answered, in dollars and signs.

Pure, over `formats`.
"""

from __future__ import annotations

from rich import box
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from kalshi_trading.core import order_book
from kalshi_trading.core.models import Action
from kalshi_trading.core.money import (
    BALANCE_GRAIN,
    CENT,
    ONE_CONTRACT,
    ZERO,
    Contracts,
    count_text,
    dollars_text,
    price_text,
    round_half_even,
)
from kalshi_trading.history.trade_history import describe
from kalshi_trading.orders.execution.cancel import UNRECORDED_PANIC, Cancellation, PanicReport
from kalshi_trading.orders.execution.submission_result import Outcome, Submission
from kalshi_trading.orders.pretrade.order_result import Outlook
from kalshi_trading.orders.pretrade.preview import OrderPreview, is_worse
from kalshi_trading.orders.pretrade.risk import OUTCOME_UNKNOWN
from kalshi_trading.orders.pretrade.risk_input import Finding, Severity
from kalshi_trading.settings.options import Environment
from kalshi_trading.ui.formats import UNKNOWN, dollars, gain, holding, price, problem, time_left
from kalshi_trading.ui.views.orders import order_line

_SIGNS = {
    Severity.DENY: ("✗", "bold red"),
    Severity.ASK: ("‼", "bold yellow"),
    Severity.WARN: ("⚠", "yellow"),
}
_MAY_BE_LIVE = (Outcome.ACKNOWLEDGED, Outcome.UNKNOWN)
_HEADLINES = {
    Outcome.ACKNOWLEDGED: ("ACCEPTED", "bold green"),
    Outcome.REJECTED: ("REJECTED BY THE EXCHANGE: nothing was placed", "bold red"),
    Outcome.NOT_SENT: ("NOT SENT: nothing was placed", "bold yellow"),
    Outcome.DENIED: ("DENIED BY THIS PROGRAM: nothing was sent", "bold yellow"),
    Outcome.ABSENT: ("NOT PLACED: looked for and not at the exchange", "bold yellow"),
    Outcome.UNKNOWN: ("OUTCOME UNKNOWN: the order may be live. Do not send it again.", "bold white on red"),
}


def ticket(preview: OrderPreview, environment: Environment) -> RenderableType:
    """What will be sent, what it costs, what it can win and lose, and what speaks against it."""
    now = preview.circumstances
    rows = Table.grid(padding=(0, 2))
    rows.add_column(no_wrap=True, style="dim")
    rows.add_column()
    for name, value in _rows(preview):
        rows.add_row(Text(name), value if isinstance(value, Text) else Text(value))
    headline = Text(preview.sentence, style="bold")
    market = Text(f"{now.market.title} · YES is: {now.market.yes_label}")
    closes = Text(f"closes in {time_left(now.market.close_at, now.at)}", style="dim")
    findings = [_finding(finding) for finding in preview.findings]
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
    request, now = preview.request, preview.circumstances
    rows: list[tuple[str, str | Text]] = [("book", _book(preview)), ("midpoint", _midpoint(preview))]
    if preview.ticket.amount is not None:
        rows.append(("amount", f"{dollars_text(preview.ticket.amount)} buys {_contracts(request.count)}"))
    rows.append(("expected", _expected(preview) + _on_average(preview)))
    if preview.ticket.is_market_order:
        rows.append(("worst price", f"{price_text(request.price)}; what does not fill at it is canceled"))
    rows += [*_costs(preview), *_outlook(preview)]
    if preview.locked_in is not None:
        profit = gain(round_half_even(preview.locked_in, BALANCE_GRAIN))
        rows.append(("locks in", Text.assemble(profit, " over average cost, before fees")))
    after = f"at least {dollars(preview.cash_after)}" if preview.cash_after is not None else UNKNOWN
    rows.append(("cash", f"{dollars(now.cash)} → {after} if all is filled"))
    rows.append(
        ("position", f"{holding(preview.held_before)} → {holding(preview.held_after)} if all is filled")
    )
    return rows


def _outlook(preview: OrderPreview) -> list[tuple[str, str | Text]]:
    """What the order comes to: proceeds of what it closes, and profit either way of what it opens."""
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


def _is_told_apart(expected: Outlook, worst: Outlook) -> bool:
    """Tell whether the worst differs by a cent; the rounding of a fee stands beside the cost already."""
    if expected.if_no is None or worst.if_no is None:
        return expected.if_no is not worst.if_no
    return abs(expected.if_no - worst.if_no) >= CENT


def _either_way(outlook: Outlook) -> Text:
    return Text.assemble("if YES ", gain(outlook.if_yes), "   if NO ", gain(outlook.if_no))


def _book(preview: OrderPreview) -> str:
    book, side = preview.circumstances.book, preview.request.side
    if book is None:
        return "could not be read"
    bid, ask = order_book.best_bid(book, side), order_book.best_ask(book, side)
    bid_text = f"{price_text(bid.price)} × {count_text(bid.count)}" if bid else "none"
    ask_text = f"{price_text(ask.price)} × {count_text(ask.count)}" if ask else "none"
    age_s = max(0.0, (preview.circumstances.at - book.as_of).total_seconds())
    return f"{side.upper()} bid {bid_text}   ask {ask_text}   ({age_s:.1f} s old)"


def _midpoint(preview: OrderPreview) -> str:
    """The middle of the book in the terms of the side, and how far off the limit lies."""
    distance = preview.from_midpoint
    if distance is None:
        return UNKNOWN
    where = "above" if distance > ZERO else "below"
    off = f"{price_text(abs(distance))} {where} it" if distance else "on it"
    return f"{price_text(preview.request.price - distance)}; {price_text(preview.request.price)} is {off}"


def _contracts(count: Contracts) -> str:
    return f"{count_text(count)} contract{'' if count == ONE_CONTRACT else 's'}"


def _on_average(preview: OrderPreview) -> str:
    """The average price of what fills now, where there is more than one."""
    average = preview.walk.average_price
    if average is None or len(preview.walk.fills) == 1:
        return ""
    return f" · fills average {price_text(average)}"


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
    """Cost and fee by the book as it was read, and the most the order can cost however it fills.

    Where it closes, the fee stands apart: the proceeds pay that of what closes.
    """
    opening, bounds = preview.request.count - preview.closing, preview.bounds
    rows: list[tuple[str, str | Text]] = []
    fee = "not known" if preview.expected_fee is None else f"about {dollars_text(preview.expected_fee)}"
    of = f" to open {_contracts(opening)}" if ZERO < opening < preview.request.count else ""
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


def _finding(finding: Finding) -> Text:
    sign, style = _SIGNS[finding.severity]
    return Text.assemble((f"{sign} ", style), finding.message)


def changes(before: OrderPreview, after: OrderPreview) -> list[str]:
    """Say what is worse at a second look at the same ticket; what is no worse needs no second question."""
    found = []
    if before.sentence != after.sentence:
        found.append(f"order: {before.sentence} → {after.sentence}")
    if is_worse(before, after):
        found.append(f"expected: {_expected(before)} → {_expected(after)}")
    if after.cost > before.cost:
        found.append(f"cost: {dollars_text(before.cost)} → {dollars_text(after.cost)}")
    elif before.bounds and after.bounds and after.bounds.cost > before.bounds.cost:
        found.append(f"max cost: {dollars_text(before.bounds.cost)} → {dollars_text(after.bounds.cost)}")
    known = {(finding.rule, finding.severity) for finding in before.findings}
    if before.circumstances.unresolved != after.circumstances.unresolved:
        known.discard((OUTCOME_UNKNOWN, Severity.ASK))
    found += [finding.message for finding in after.findings if (finding.rule, finding.severity) not in known]
    return found


def submission(result: Submission) -> RenderableType:
    """What became of an order, in the exchange's counts, and what to do next."""
    headline, style = _HEADLINES[result.outcome]
    lines: list[RenderableType] = []
    if result.outcome is Outcome.ACKNOWLEDGED:
        lines.append(Text.assemble((headline, style), f": {result.message}"))
        lines += _acknowledged(result)
    else:
        lines += [Text(headline, style=style), Text(result.message)]
    if not result.recorded and result.outcome in _MAY_BE_LIVE:
        lines.append(
            Text(
                "This could not be recorded in the journal. Copy it by hand; no further order can be sent.",
                style="bold white on red",
            )
        )
    return Panel(Group(*lines), title="result", title_align="left", box=box.ROUNDED)


def panic(report: PanicReport) -> RenderableType:
    """What became of everything that rested, and what to look at now."""
    style = "bold red" if report.unknown or report.problem else ""
    lines: list[RenderableType] = [Text.assemble(_no_longer_resting(report), (_unknown(report), style))]
    lines += [Text(_settled(end)) for end in (*report.gone, *report.unknown)]
    lines += [problem(sentence) for sentence in _open_ends(report)]
    if report.is_verified:
        lines.append(Text("A look afterwards showed nothing that still rests."))
    lines.append(Text("New orders are blocked until you allow them again under Cancel an order."))
    return Panel(Group(*lines), title=_panic_title(report), title_align="left", box=box.ROUNDED)


def _panic_title(report: PanicReport) -> str:
    return "everything canceled" if report.is_verified else "panic: not known whether everything is canceled"


def _no_longer_resting(report: PanicReport) -> str:
    return f"{len(report.canceled)} canceled · {len(report.gone)} no longer resting · "


def _unknown(report: PanicReport) -> str:
    """How many orders may still rest, as far as they could be listed."""
    if report.problem is not None and not report.unknown:
        return "how many still rest is not known"
    return f"{len(report.unknown)} unknown"


def _settled(end: Cancellation) -> str:
    return f"{order_line(describe(end.order, None))}: {end.message}"


def _open_ends(report: PanicReport) -> list[str]:
    """Say what a panic leaves open, and what to do about it."""
    said = []
    if report.problem is not None:
        said.append(f"{report.problem} Orders may still rest; look at the open orders.")
    said += [
        f"Outcome unknown, not canceled: {sentence}. It may still turn up." for sentence in report.unresolved
    ]
    if not report.is_recorded:
        said.append(UNRECORDED_PANIC)
    return said


def end_of_panic(report: PanicReport) -> str:
    """What became of a panic, for somebody who did not wait for it."""
    title = _panic_title(report)
    counts = f"{_no_longer_resting(report)}{_unknown(report)}."
    rest = [_settled(end) for end in report.unknown] + _open_ends(report)
    return " ".join([f"{title[0].upper()}{title[1:]}: {counts}", *rest])


def end_of_cancel(line: str, end: Cancellation) -> str:
    """What became of a cancel; `line` names the order."""
    ended = f"{line}: {end.message}"
    if end.reduced_by is None:
        return ended
    verb = "rests" if end.reduced_by == ONE_CONTRACT else "rest"
    return f"{ended} {_contracts(end.reduced_by)} no longer {verb}."


def end_of(preview: OrderPreview, result: Submission) -> str:
    """What became of an order, in one sentence, for somebody who did not wait for it."""
    headline, _ = _HEADLINES[result.outcome]
    return f"{preview.sentence}: {headline}. {result.message}"


def _acknowledged(result: Submission) -> list[RenderableType]:
    request = result.request
    lines = [Text(f"order {result.order_id}")]
    if result.fill_count > ZERO:
        verb = "bought" if request.action is Action.BUY else "sold"
        filled = (
            f"{verb} {count_text(result.fill_count)} {request.side.upper()} at {price(result.average_price)}"
        )
        lines.append(Text(f"{filled} on average · fee {dollars(result.fee)}"))
    if result.remaining_count > ZERO:
        what = f"{request.action.upper()} {count_text(result.remaining_count)} {request.side.upper()}"
        lines.append(Text(f"resting: {what} at {price_text(request.price)}"))
    return list(lines)
