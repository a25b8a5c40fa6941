"""`verify` leaves nothing behind, however late reads show its orders."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from decimal import Decimal

import pytest
from verify_session import VerifySession

from kalshi_trading.core.errors import InvalidInputError, JournalError, TradingError
from kalshi_trading.core.models import TimeInForce
from kalshi_trading.orders.execution.submission_result import SubmissionResult
from kalshi_trading.orders.pretrade.preview import OrderPreview
from kalshi_trading.orders.pretrade.ticket import OrderTicket
from kalshi_trading.ui.commands import verify
from kalshi_trading.ui.terminal.termination import TerminationRequested
from kalshi_trading.verify import position_experiment
from kalshi_trading.verify.lab import Lab
from kalshi_trading.verify.questions import Finding


def leave_open(lab: Lab) -> None:
    assert lab.place(lab.market()).result.remaining_count == 1


def leave_held(lab: Lab) -> None:
    plan = position_experiment._plan(lab)
    bought = lab.place(
        plan.market, plan.second, count=plan.count, time_in_force=TimeInForce.IMMEDIATE_OR_CANCEL
    )
    assert bought.result.fill_count == plan.count


@pytest.mark.parametrize("leave", [leave_open, leave_held])
@pytest.mark.parametrize("is_honest", ["yes", "no"])
def test_late_reads_hide_nothing_at_the_end(
    verifier: VerifySession, monkeypatch: pytest.MonkeyPatch, leave: Callable[[Lab], None], is_honest: str
) -> None:
    def interrupted(lab: Lab, names: object) -> Iterator[Finding]:
        leave(lab)
        raise KeyboardInterrupt
        yield

    verifier.assume(read_lag_ms="1500", data_timestamp_lags=is_honest)
    monkeypatch.setattr(verify, "run", interrupted)
    status, screen = verifier.run()
    verifier.assume()
    client = verifier.exchange.client()
    assert (status, " left in " in screen) == (130, False), screen
    assert list(client.get_orders(status="resting")) == []
    assert [row for row in client.get_positions().markets if row.net] == []


@pytest.mark.parametrize("leave", [leave_open, leave_held])
def test_a_request_to_end_cancels_and_sells_without_waiting(
    verifier: VerifySession, monkeypatch: pytest.MonkeyPatch, leave: Callable[[Lab], None]
) -> None:
    waits: list[float] = []

    def ended(lab: Lab, names: object) -> Iterator[Finding]:
        leave(lab)
        verifier.assume(read_lag_ms="4000")
        lab.read_lag_s, lab.pause = 4.0, waits.append
        raise TerminationRequested(signal.SIGTERM)
        yield

    monkeypatch.setattr(verify, "run", ended)
    with pytest.raises(TerminationRequested):
        verifier.run()
    verifier.assume()
    client = verifier.exchange.client()
    assert waits == []
    assert list(client.get_orders(status="resting")) == []
    assert [row for row in client.get_positions().markets if row.net] == []


def test_an_order_without_a_known_outcome_is_named_at_the_end(
    verifier: VerifySession, monkeypatch: pytest.MonkeyPatch
) -> None:
    left: list[str] = []

    def ended(lab: Lab, names: object) -> Iterator[Finding]:
        monkeypatch.setattr(lab._orders, "submit", cut_off)
        left.append(lab.market().ticker)
        lab.place(lab.market())
        yield

    def cut_off(preview: OrderPreview) -> SubmissionResult:
        raise TerminationRequested(signal.SIGTERM)

    monkeypatch.setattr(verify, "run", ended)
    monkeypatch.setattr(verify, "error_line", lambda sentence: left.append(sentence) or sentence)
    with pytest.raises(TerminationRequested):
        verifier.run()
    assert left[1:] == [f"An order in {left[0]} may be open or filled. Check it in the menu."]


@pytest.mark.parametrize("error", [InvalidInputError("No such market."), JournalError("trades.log", "full")])
def test_a_position_that_cannot_be_sold_hides_no_other(
    verifier: VerifySession, monkeypatch: pytest.MonkeyPatch, error: TradingError
) -> None:
    def interrupted(lab: Lab, names: object) -> Iterator[Finding]:
        leave_open(lab)
        lab._held = {"KXA": Decimal(1), "KXB": Decimal(2)}
        lab.pause = lambda seconds: None
        monkeypatch.setattr(lab._orders, "preview", refuse)
        raise KeyboardInterrupt
        yield

    def refuse(ticket: OrderTicket) -> OrderPreview:
        raise error

    monkeypatch.setattr(verify, "run", interrupted)
    status, screen = verifier.run()
    assert status == 9
    for ticker in ("KXA", "KXB"):
        assert f"Position left in {ticker}. Close it in the menu." in screen


def test_what_may_be_left_is_said_last_and_in_the_status(
    verifier: VerifySession, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = ("Open order left in KXA. Cancel it in the menu.",)
    monkeypatch.setattr(Lab, "clean_up", lambda lab, *, may_wait: left)
    status, screen = verifier.run(("clock_window_s",), is_trading=False)
    assert (status, screen.splitlines()[-1]) == (9, "✗ Open order left in KXA. Cancel it in the menu.")
