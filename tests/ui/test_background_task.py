"""Ctrl-C and signals at every moment of a background task.

Its result always reaches the user.
"""

from __future__ import annotations

import io
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TypeVar

import pytest
from exchange_process import ExchangeProcess
from rich.console import Console
from rich.live import Live
from rich.text import Text
from screen_session import buy, place, quoted_market, screen_text, session
from scripted_prompter import ScriptedPrompter

from kalshi_trading.trade_logger import TradeLogger
from kalshi_trading.ui import menu
from kalshi_trading.ui.app import AppContext, ProgressMessages
from kalshi_trading.ui.background_task import BackgroundTask
from kalshi_trading.ui.prompts.prompter import Choice, LeaveTask
from kalshi_trading.ui.screens import orders as order_screens
from kalshi_trading.ui.screens import trade as trade_screens
from kalshi_trading.ui.terminal.termination import TerminationRequested

T = TypeVar("T")
Stop = Callable[[], BaseException]
STOPS = [KeyboardInterrupt, lambda: TerminationRequested(signal.SIGTERM)]
TEXTS = ProgressMessages("Doing …", "Slowly …", "Finishing the work")


class News:
    """The part of the order service that keeps messages."""

    def __init__(self) -> None:
        self.kept: list[str] = []

    def announce(self, sentence: str) -> None:
        self.kept.append(sentence)

    def messages(self) -> tuple[str, ...]:
        kept, self.kept = tuple(self.kept), []
        return kept


@pytest.fixture
def app(tmp_path: Path) -> AppContext:
    nothing: Any = None
    orders: Any = News()
    return AppContext(
        settings=nothing,
        console=Console(file=io.StringIO(), width=100, record=True),
        prompter=nothing,
        client=nothing,
        orders=orders,
        tracker=nothing,
        journal=TradeLogger(tmp_path, "practice"),
        watch=nothing,
        clock=nothing,
        account="",
        api_changes=tuple,
    )


def test_the_waiting_text_says_what_is_waited_for_when_it_takes_long() -> None:
    looking = replace(TEXTS, detail=lambda: "Waiting for 1 order in progress…")
    assert [TEXTS.waiting(seconds).plain for seconds in (2, 3)] == ["Doing … 2 s", "Slowly … 3 s"]
    assert [looking.waiting(seconds).plain for seconds in (2, 3)] == [
        "Doing … 2 s",
        "Waiting for 1 order in progress… 3 s",
    ]


def carry_out(app: AppContext, work: Callable[[], str], show: Callable[[str], None] | None = None) -> bool:
    return app.run_uninterruptible(work, TEXTS, show=show or app.show_text, on_abandoned=app.orders.announce)


def press_ctrl_c() -> None:
    os.kill(os.getpid(), signal.SIGINT)


class Watched:
    """A console that reports what its spinner shows.

    `stop` makes it raise when the spinner ends.
    """

    def __init__(self, says: Callable[[str], None], stop: Stop | None = None) -> None:
        self._says = says
        self._stop = stop

    @contextmanager
    def status(self, text: Text) -> Iterator[Any]:
        yield SimpleNamespace(update=lambda text: self._says(str(text)))
        if self._stop is not None:
            raise self._stop()

    def print(self, renderable: object) -> None:
        self._says(str(renderable))


# --- While it lasts -------------------------------------------------------------------------------


def test_a_result_is_shown_once_and_is_no_news(app: AppContext) -> None:
    assert carry_out(app, lambda: "done")
    assert screen_text(app).count("done") == 1
    assert app.news() == ()


def test_ctrl_c_waits_for_the_end_and_shows_it(app: AppContext) -> None:
    waiting = threading.Event()
    said: list[str] = []

    def work() -> str:
        press_ctrl_c()
        assert waiting.wait(60)
        return "done"

    def says(text: str) -> None:
        said.append(text)
        waiting.set()

    assert carry_out(replace(app, console=Watched(says)), work)
    assert said[0] == "Finishing the work… 0 s (Ctrl-C to leave; the menu will show the result)"
    assert said[-1] == "done"


def test_a_second_ctrl_c_leaves_it_and_its_result_is_news(app: AppContext) -> None:
    left = threading.Event()

    def work() -> str:
        press_ctrl_c()
        assert left.wait(60)
        return "done"

    assert not carry_out(replace(app, console=Watched(lambda text: press_ctrl_c())), work)
    assert app.news() == ()
    left.set()
    app.finish()
    assert "Finishing background tasks…" in screen_text(app)
    assert "done" in screen_text(app)


def test_what_was_interrupted_before_it_began_is_not_waited_for(
    app: AppContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(self: BackgroundTask[str]) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(BackgroundTask, "start", stopped)
    assert not carry_out(app, lambda: "done")
    app.finish()
    assert screen_text(app) == ""


# --- In the lines around the end ------------------------------------------------------------------


def outcome_of(app: AppContext, run: Callable[[], bool]) -> bool | str:
    try:
        return run()
    except TerminationRequested:
        return "ended"


@pytest.mark.parametrize("stop", STOPS)
def test_an_interruption_just_after_the_end_loses_nothing(
    app: AppContext, stop: Stop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ends_unheard(self: BackgroundTask[str], say: object) -> str:
        self.join()
        raise stop()

    monkeypatch.setattr(BackgroundTask, "wait", ends_unheard)
    assert outcome_of(app, lambda: carry_out(app, lambda: "done")) in (False, "ended")
    assert app.news() == ("done",)


@pytest.mark.parametrize("stop", STOPS)
def test_an_interruption_while_the_spinner_goes_away_loses_nothing(app: AppContext, stop: Stop) -> None:
    stopped = replace(app, console=Watched(lambda text: None, stop))
    assert outcome_of(app, lambda: carry_out(stopped, lambda: "done")) in (False, "ended")
    assert app.news() == ("done",)


@pytest.mark.parametrize("stop", STOPS)
def test_an_interruption_while_the_result_is_shown_loses_nothing(app: AppContext, stop: Stop) -> None:
    def show(result: str) -> None:
        raise stop()

    assert outcome_of(app, lambda: carry_out(app, lambda: "done", show)) in (False, "ended")
    assert app.news() == ("done",)


def test_a_result_that_cannot_be_shown_is_news(app: AppContext) -> None:
    def show(result: str) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        carry_out(app, lambda: "done", show)
    assert app.news() == ("done",)


def broken() -> str:
    raise ZeroDivisionError("an unexpected fault")


def test_a_fault_is_raised_in_wait_and_reported_once(app: AppContext) -> None:
    with pytest.raises(ZeroDivisionError):
        carry_out(app, broken)
    assert app.news() == ()
    assert not app.journal.errors_path.exists()


def test_an_abandoned_fault_is_logged_and_reported(app: AppContext) -> None:
    begun = threading.Event()

    def work() -> str:
        press_ctrl_c()
        assert begun.wait(60)
        return broken()

    assert not carry_out(replace(app, console=Watched(lambda text: press_ctrl_c())), work)
    begun.set()
    app.finish()
    assert "A background task failed (reference" in screen_text(app)
    assert "an unexpected fault" in app.journal.errors_path.read_text()


def test_news_stay_until_shown(app: AppContext) -> None:
    app.orders.announce("found")
    seen = app.news()
    app.orders.announce("found another")
    assert (seen, app.news()) == (("found",), ("found", "found another"))
    app.news_shown(seen)
    assert app.news() == ("found another",)


# --- On a practice exchange -----------------------------------------------------------------------


class LastMoment(ScriptedPrompter):
    """Announces news while the menu is on the screen, then exits."""

    app: AppContext
    stop: Stop | None = None

    def choose(self, question: str, choices: Sequence[Choice[T]], **how: Any) -> T:
        if question == "Menu":
            self.app.orders.announce("Found: the order you were asking for.")
            if self.stop is not None:
                raise self.stop()
        return super().choose(question, choices, **how)


@pytest.mark.parametrize(
    "stop",
    [None, LeaveTask, KeyboardInterrupt, lambda: TerminationRequested(signal.SIGTERM)],
    ids=["exit", "^C", "^C", "T"],
)
def test_late_news_are_shown_at_exit(exchange: ExchangeProcess, tmp_path: Path, stop: Stop | None) -> None:
    prompter = LastMoment("0" if stop is None else "e")
    app = prompter.app = session(exchange, tmp_path, prompter)
    prompter.stop = stop
    try:
        menu.run(app)
    except TerminationRequested:
        assert stop is not None
    assert screen_text(app).count("Found: the order you were asking for.") == 1


@pytest.fixture
def ctrl_c_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """Press Ctrl-C twice during every background task."""

    def wait(self: BackgroundTask[object], say: object) -> object:
        raise KeyboardInterrupt

    monkeypatch.setattr(BackgroundTask, "wait", wait)


def test_an_abandoned_panic_continues_and_reports(
    exchange: ExchangeProcess, tmp_path: Path, ctrl_c_twice: None
) -> None:
    app = session(exchange, tmp_path, ScriptedPrompter("p"))
    market = quoted_market(app.orders)
    place(app.orders, market.ticker, "yes", 1, "0.02")
    order_screens.cancel_order(app)
    assert "Panic continues in the background. The menu will show the result." in screen_text(app)
    app.finish()
    assert "All orders canceled: 1 order canceled." in screen_text(app)
    assert app.orders.list_open_orders() == ()


def test_abandoned_cancels_continue_and_report(
    exchange: ExchangeProcess, tmp_path: Path, ctrl_c_twice: None
) -> None:
    app = session(exchange, tmp_path, ScriptedPrompter("a"))
    market = quoted_market(app.orders)
    for price in ("0.02", "0.03"):
        place(app.orders, market.ticker, "yes", 1, price)
    order_screens.cancel_order(app)
    assert "Still canceling in the background. The menu will show the result." in screen_text(app)
    app.finish()
    assert screen_text(app).count("Canceled 1 contract.") == 2
    assert app.orders.list_open_orders() == ()


def test_an_abandoned_order_is_reported_at_exit(
    exchange: ExchangeProcess, tmp_path: Path, ctrl_c_twice: None
) -> None:
    market = quoted_market(session(exchange, tmp_path).orders)
    app = session(exchange, tmp_path, ScriptedPrompter(*buy(market, count="3", price="2")))
    trade_screens.place_trade(app)
    assert "Order status unknown, still checking: BUY 3 YES" in screen_text(app)
    app.finish()
    text = " ".join(screen_text(app).split())
    assert "good till canceled: Open." in text
    (resting,) = app.orders.list_open_orders()
    app.orders.cancel_order(resting)


# --- The spinner ----------------------------------------------------------------------------------


@pytest.mark.parametrize("moment", ["start", "stop"])
@pytest.mark.parametrize("is_late", [False, True])
def test_ctrl_c_while_the_spinner_comes_or_goes_leaves_none_turning(
    app: AppContext, monkeypatch: pytest.MonkeyPatch, moment: str, is_late: bool
) -> None:
    real, turned = getattr(Live, moment), []

    def interrupted(live: Live, *arguments: Any, **named: Any) -> None:
        turned.append(live)
        if is_late:
            real(live, *arguments, **named)
        press_ctrl_c()
        if not is_late:
            real(live, *arguments, **named)

    monkeypatch.setattr(Live, moment, interrupted)
    before = set(threading.enumerate())
    with pytest.raises(KeyboardInterrupt):
        app.run_with_spinner("Doing …", lambda: None)
    assert not any(live.is_started for live in turned)
    for thread in set(threading.enumerate()) - before:
        thread.join(10)  # a stopped spinner draws once more
        assert not thread.is_alive()
