"""Results of an order and of a panic."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal as D
from typing import Any

import pytest
from model_factory import MARKET, order, preview
from screen_session import rendered

from kalshi_trading.core.models import Action, BookSide, Side
from kalshi_trading.orders.execution.cancel import CancelResult
from kalshi_trading.orders.execution.panic import PanicReport
from kalshi_trading.orders.execution.panic_switch import UNRECORDED_PANIC
from kalshi_trading.orders.execution.submission_result import Outcome, SubmissionResult
from kalshi_trading.orders.pretrade.ticket import OrderTicket
from kalshi_trading.ui.views import result
from kalshi_trading.ui.views import result as result_view


@pytest.mark.parametrize(
    ("outcome", "words", "never"),
    [
        (Outcome.REJECTED, "Rejected by the exchange. Nothing was placed.", "Order ID"),
        (Outcome.NOT_SENT, "Order not sent.", "Order ID"),
        (Outcome.DENIED, "Order blocked. Nothing was sent.", "Order ID"),
        (Outcome.UNKNOWN, "Order status unknown. It may be live; don't resend.", "Nothing was"),
    ],
)
def test_no_outcome_but_acceptance_reads_like_acceptance(outcome: Outcome, words: str, never: str) -> None:
    request = preview(OrderTicket(MARKET.ticker, Action.BUY, Side.YES, D(1), D("0.65"))).request
    text = rendered(result_view.submission(SubmissionResult(outcome, request, "because")))
    assert words in text
    assert "because" in text
    assert never not in text
    assert "filled" not in text.lower()


def test_an_accepted_order_shows_what_filled_and_what_rests() -> None:
    request = preview(OrderTicket(MARKET.ticker, Action.BUY, Side.NO, D(10), D("0.35"))).request
    result = SubmissionResult(
        Outcome.ACKNOWLEDGED,
        request,
        "partly filled, the rest is open",
        "id-1",
        D(4),
        D(6),
        D("0.35"),
        None,
    )
    text = rendered(result_view.submission(result))
    assert "Partly filled: bought 4 NO at 35¢ · fee –" in text
    assert "open: BUY 6 NO at 35¢" in text


def test_an_unrecorded_result_has_a_warning() -> None:
    request = preview(OrderTicket(MARKET.ticker, Action.BUY, Side.YES, D(1), D("0.65"))).request
    result = SubmissionResult(Outcome.ACKNOWLEDGED, request, "resting", "id-1", D(0), D(1), recorded=False)
    assert "Could not record this in the journal" in rendered(result_view.submission(result))


def test_panic_names_each_order_it_could_not_cancel() -> None:
    one = order(BookSide.BID, "0.50")
    report = PanicReport(
        canceled=(),
        gone=(CancelResult(one, "Too late: it was already filled, all 10.", None),),
        unknown=(CancelResult(one, "It is not known whether the order was canceled.", None),),
        problem="Open orders unavailable. Away.",
        unresolved=("BUY 7 YES at 1¢",),
    )
    text = " ".join(rendered(result.panic(report)).replace("│", " ").split())
    assert "0 orders canceled · 1 already closed · 1 unknown" in text
    assert "Too late: it was already filled, all 10." in text
    assert "It is not known whether the order was canceled." in text
    assert "Orders may still be open; check your open orders." in text
    assert "Order status unknown, not canceled: BUY 7 YES at 1¢. It may still appear." in text
    assert "Verified" not in text
    assert "Panic: orders may still be open" in text


@pytest.mark.parametrize(
    "doubtful",
    [
        {"problem": "Open orders unavailable. Away."},
        {"unresolved": ("BUY 7 YES at 1¢",)},
        {"unknown": (CancelResult(order(BookSide.BID, "0.50"), "It is not known.", None),)},
    ],
)
def test_all_canceled_is_claimed_only_when_verified(doubtful: dict[str, Any]) -> None:
    proved = PanicReport(canceled=(), gone=(), unknown=(), problem=None)
    assert "─ All orders canceled ─" in rendered(result.panic(proved))
    assert result.panic_result_text(proved).startswith("All orders canceled: 0 orders canceled.")
    report = replace(proved, **doubtful)
    assert "All orders canceled" not in rendered(result.panic(report))
    assert "Verified" not in rendered(result.panic(report))
    assert "─ Panic: orders may still be open ─" in rendered(result.panic(report))
    assert result.panic_result_text(report).startswith("Panic: orders may still be open")


def test_an_unrecorded_panic_lock_is_reported() -> None:
    report = PanicReport(canceled=(), gone=(), unknown=(), problem=None, is_recorded=False)
    assert UNRECORDED_PANIC in rendered(result.panic(report), width=200)
    assert UNRECORDED_PANIC in result.panic_result_text(report)
