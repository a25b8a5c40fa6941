"""Render the result of an order, a cancel or a panic.

A result is a panel, or one sentence. Pure, over `formats`.
"""

from __future__ import annotations

from rich import box
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.text import Text

from kalshi_trading.core.models import Action
from kalshi_trading.core.money import ONE_CONTRACT, count_text
from kalshi_trading.core.text import contracts_text, describe_order
from kalshi_trading.history.rows import describe
from kalshi_trading.orders.execution.cancel import CancelResult
from kalshi_trading.orders.execution.panic import PanicReport
from kalshi_trading.orders.execution.panic_switch import UNRECORDED_PANIC
from kalshi_trading.orders.execution.submission_result import Outcome, SubmissionResult
from kalshi_trading.orders.pretrade.preview import OrderPreview
from kalshi_trading.ui.formats import dollars, error_line, price
from kalshi_trading.ui.views.orders import order_line

_MAY_BE_LIVE = (Outcome.ACKNOWLEDGED, Outcome.UNKNOWN)
_HEADLINES = {
    Outcome.ACKNOWLEDGED: ("ACCEPTED", "bold green"),
    Outcome.REJECTED: ("REJECTED BY THE EXCHANGE: nothing was placed", "bold red"),
    Outcome.NOT_SENT: ("NOT SENT: nothing was placed", "bold yellow"),
    Outcome.DENIED: ("DENIED BY THIS PROGRAM: nothing was sent", "bold yellow"),
    Outcome.ABSENT: ("NOT PLACED: looked for and not at the exchange", "bold yellow"),
    Outcome.UNKNOWN: ("OUTCOME UNKNOWN: the order may be live. Do not send it again.", "bold white on red"),
}


def submission(result: SubmissionResult) -> RenderableType:
    """Render an order's result in the exchange's counts, and what to do next."""
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
    """Render a panic's result, and what to check now."""
    style = "bold red" if report.unknown or report.problem else ""
    lines: list[RenderableType] = [Text.assemble(_no_longer_resting(report), (_unknown(report), style))]
    lines += [Text(_settled(end)) for end in (*report.gone, *report.unknown)]
    lines += [error_line(sentence) for sentence in _open_ends(report)]
    if report.is_verified:
        lines.append(Text("A look afterwards showed nothing that still rests."))
    lines.append(Text("New orders are blocked until you allow them again under Cancel an order."))
    return Panel(Group(*lines), title=_panic_title(report), title_align="left", box=box.ROUNDED)


def _panic_title(report: PanicReport) -> str:
    return "everything canceled" if report.is_verified else "panic: not known whether everything is canceled"


def _no_longer_resting(report: PanicReport) -> str:
    return f"{len(report.canceled)} canceled · {len(report.gone)} no longer resting · "


def _unknown(report: PanicReport) -> str:
    """Format how many orders may still be open, as far as they were listed."""
    if report.problem is not None and not report.unknown:
        return "how many still rest is not known"
    return f"{len(report.unknown)} unknown"


def _settled(end: CancelResult) -> str:
    return f"{order_line(describe(end.order, None))}: {end.message}"


def _open_ends(report: PanicReport) -> list[str]:
    """Return what a panic left open, and what to do about it."""
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
    """Format a panic's result as text, for a user who did not wait for it."""
    title = _panic_title(report)
    counts = f"{_no_longer_resting(report)}{_unknown(report)}."
    rest = [_settled(end) for end in report.unknown] + _open_ends(report)
    return " ".join([f"{title[0].upper()}{title[1:]}: {counts}", *rest])


def end_of_cancel(line: str, end: CancelResult) -> str:
    """Format a cancel's result as one sentence; `line` names the order."""
    ended = f"{line}: {end.message}"
    if end.reduced_by is None:
        return ended
    verb = "rests" if end.reduced_by == ONE_CONTRACT else "rest"
    return f"{ended} {contracts_text(end.reduced_by)} no longer {verb}."


def end_of(preview: OrderPreview, result: SubmissionResult) -> str:
    """Format an order's result as one sentence, if the user did not wait."""
    headline, _ = _HEADLINES[result.outcome]
    return f"{preview.sentence}: {headline}. {result.message}"


def _acknowledged(result: SubmissionResult) -> list[RenderableType]:
    request = result.request
    lines = [Text(f"order {result.order_id}")]
    if result.fill_count:
        verb = "bought" if request.action is Action.BUY else "sold"
        filled = (
            f"{verb} {count_text(result.fill_count)} {request.side.upper()} at {price(result.average_price)}"
        )
        lines.append(Text(f"{filled} on average · fee {dollars(result.fee)}"))
    if result.remaining_count:
        rest = describe_order(request.action, result.remaining_count, request.side, request.price)
        lines.append(Text(f"resting: {rest}"))
    return list(lines)
