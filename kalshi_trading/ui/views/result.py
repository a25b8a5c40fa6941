"""Render the result of an order, a cancel or a panic.

A result is a panel, or one sentence. Pure, over `formats`.
"""

from __future__ import annotations

from rich import box
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.text import Text

from kalshi_trading.core.models import Action
from kalshi_trading.core.money import ZERO, count_text
from kalshi_trading.core.text import contracts_text, describe_order, pluralize
from kalshi_trading.history.rows import describe
from kalshi_trading.orders.execution.cancel import CancelResult
from kalshi_trading.orders.execution.panic import PanicReport
from kalshi_trading.orders.execution.panic_switch import BLOCKED, UNRECORDED_PANIC
from kalshi_trading.orders.execution.submission_result import Outcome, SubmissionResult, what_happened
from kalshi_trading.orders.pretrade.preview import OrderPreview
from kalshi_trading.ui.formats import dollars, error_line, price, sentence_case, with_sides
from kalshi_trading.ui.views.orders import order_line

_MAY_BE_LIVE = (Outcome.ACKNOWLEDGED, Outcome.UNKNOWN)
_HEADLINES = {
    Outcome.REJECTED: ("Rejected by the exchange. Nothing was placed.", "bold red"),
    Outcome.NOT_SENT: ("Order not sent.", "bold yellow"),
    Outcome.DENIED: ("Order blocked. Nothing was sent.", "bold yellow"),
    Outcome.ABSENT: ("Not placed. The exchange does not have this order.", "bold yellow"),
    Outcome.UNKNOWN: ("Order status unknown. It may be live; don't resend.", "bold white on red"),
}


def submission(result: SubmissionResult) -> RenderableType:
    """Render an order's result in the exchange's counts, and what to do next."""
    lines: list[RenderableType] = []
    if result.outcome is Outcome.ACKNOWLEDGED:
        lines += _acknowledged(result)
    else:
        headline, style = _HEADLINES[result.outcome]
        lines += [Text(headline, style=style), Text(result.message)]
    if not result.recorded and result.outcome in _MAY_BE_LIVE:
        lines.append(
            Text(
                "Could not record this in the journal. Write it down; no further orders can be sent.",
                style="bold white on red",
            )
        )
    return Panel(Group(*lines), title="Result", title_align="left", box=box.ROUNDED)


def _acknowledged(result: SubmissionResult) -> list[RenderableType]:
    """Render filled and open quantity, any further message, and the order ID."""
    verb, rest = _headline(result)
    lines: list[RenderableType] = [Text.assemble((verb, "bold green"), with_sides(rest))]
    if not _is_from_counts(result):
        lines.append(Text(result.message))
    return [*lines, Text(f"Order ID {result.order_id}", style="dim")]


def _headline(result: SubmissionResult) -> tuple[str, str]:
    """The headline in two parts: what became of the order, and its numbers."""
    request, filled, open_count = result.request, result.fill_count, result.remaining_count
    if filled is None or open_count is None:
        return "Accepted", ""
    open_order = describe_order(request.action, open_count, request.side, request.price)
    if not filled:
        return ("Open", f": {open_order}") if open_count else ("Canceled at once", ": nothing filled")
    verb = "bought" if request.action is Action.BUY else "sold"
    average = "" if result.average_price is None else f" at {price(result.average_price)}"
    traded = f"{verb} {count_text(filled)} {request.side.upper()}{average} · fee {dollars(result.fee)}"
    if open_count:
        return "Partly filled", f": {traded} · open: {open_order}"
    canceled = request.count - filled
    if canceled > ZERO:
        return "Partly filled", f": {traded} · {count_text(canceled)} canceled"
    return "Filled", f": {traded}"


def _is_from_counts(result: SubmissionResult) -> bool:
    """True if the message only repeats the counts."""
    filled, open_count = result.fill_count, result.remaining_count
    if filled is None or open_count is None:
        return False
    return result.message == what_happened(result.request, filled, open_count)


def panic(report: PanicReport) -> RenderableType:
    """Render a panic's result, and what to check now."""
    style = "bold red" if report.unknown or report.problem else ""
    lines: list[RenderableType] = [Text(_counts(report), style=style)]
    lines += [Text(_cancel_line(end)) for end in (*report.gone, *report.unknown)]
    lines += [error_line(sentence) for sentence in _open_issues(report)]
    if report.is_verified:
        lines.append(Text("Verified: no open orders."))
    lines.append(Text(BLOCKED))
    return Panel(Group(*lines), title=_panic_title(report), title_align="left", box=box.ROUNDED)


def _panic_title(report: PanicReport) -> str:
    return "All orders canceled" if report.is_verified else "Panic: orders may still be open"


def _counts(report: PanicReport) -> str:
    """Format the orders canceled, already closed, or possibly still open."""
    counts = [f"{pluralize(len(report.canceled), 'order')} canceled"]
    counts += [f"{len(report.gone)} already closed"] if report.gone else []
    if report.problem is not None and not report.unknown:
        counts.append("open orders unknown")
    elif report.unknown:
        counts.append(f"{len(report.unknown)} unknown")
    return " · ".join(counts)


def _cancel_line(end: CancelResult) -> str:
    return f"{order_line(describe(end.order, None))}: {end.message}"


def _open_issues(report: PanicReport) -> list[str]:
    """Return what a panic left open, and what to do about it."""
    said = []
    if report.problem is not None:
        said.append(f"{report.problem} Orders may still be open; check your open orders.")
    said += [
        f"Order status unknown, not canceled: {sentence}. It may still appear."
        for sentence in report.unresolved
    ]
    if not report.is_recorded:
        said.append(UNRECORDED_PANIC)
    return said


def panic_result_text(report: PanicReport) -> str:
    """Format a panic's result as text, for a user who did not wait for it."""
    title = _panic_title(report)
    rest = [_cancel_line(end) for end in report.unknown] + _open_issues(report)
    return " ".join([f"{title}: {_counts(report)}.", *rest])


def cancel_result_text(line: str, end: CancelResult) -> str:
    """Format a cancel's result as one sentence; `line` names the order."""
    if end.reduced_by is None:
        return f"{line}: {end.message}"
    return f"{line}: Canceled {contracts_text(end.reduced_by)}."


def order_result_text(preview: OrderPreview, result: SubmissionResult) -> str:
    """Format an order's result as one sentence, if the user did not wait."""
    if result.outcome is not Outcome.ACKNOWLEDGED:
        headline, _ = _HEADLINES[result.outcome]
        return f"{preview.sentence}: {headline} {result.message}"
    verb, numbers = _headline(result)
    ended = f"{preview.sentence}: {verb}{numbers if result.fill_count else ''}."
    return ended if _is_from_counts(result) else f"{ended} {sentence_case(result.message)}"
