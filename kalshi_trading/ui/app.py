"""A running session: settings, console, prompter and services, built once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from rich.console import Console, RenderableType
from rich.status import Status
from rich.text import Text

from kalshi_trading.core.errors import InvalidInputError
from kalshi_trading.kalshi_client import KalshiClient
from kalshi_trading.orders.execution.resting_watch import RestingOrderMonitor
from kalshi_trading.orders.service import OrderService
from kalshi_trading.portfolio_tracker import PortfolioTracker
from kalshi_trading.settings.options import Settings
from kalshi_trading.trade_logger import TradeLogger
from kalshi_trading.ui import formats
from kalshi_trading.ui.background_task import BackgroundTask
from kalshi_trading.ui.prompts.prompter import Prompter
from kalshi_trading.ui.terminal import signals

SLOW_S = 3.0
RECENT_LINES = 2000
"""Newest journal lines that a screen reads to describe an order as the user placed it."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ProgressMessages:
    """Spinner texts: at first, when it takes long, and after Ctrl-C.

    A non-empty `detail` replaces `slow`.
    """

    first: str
    slow: str
    finishing: str
    detail: Callable[[], str] = lambda: ""

    def waiting(self, seconds: int) -> Text:
        slow = self.detail() or self.slow
        return Text(f"{self.first if seconds < SLOW_S else slow} {seconds} s")

    def interrupted(self, seconds: int) -> Text:
        return Text(f"{self.finishing}… {seconds} s (Ctrl-C to leave; the menu will show the result)")


@dataclass(frozen=True, slots=True)
class AppContext:
    """One session; screens reach every service through it alone."""

    settings: Settings
    console: Console
    prompter: Prompter
    client: KalshiClient
    orders: OrderService
    tracker: PortfolioTracker
    journal: TradeLogger
    watch: RestingOrderMonitor
    clock: Callable[[], datetime]
    account: str
    """Fingerprint of the key, as written to the journal."""
    api_changes: Callable[[], Sequence[str]]
    """Returns how the exchange's answers of this session differ from the documentation."""
    _tasks: list[BackgroundTask[Any]] = field(default_factory=list)
    _news: list[str] = field(default_factory=list)

    def show(self, renderable: RenderableType) -> None:
        self.console.print(renderable)

    def show_text(self, sentence: str) -> None:
        """Show one sentence; never parse exchange text as markup."""
        self.show(Text(sentence))

    def show_error(self, sentence: str) -> None:
        self.show(formats.error_line(sentence))

    def run_with_spinner(self, what: str, work: Callable[[], T]) -> T:
        """Run work under a spinner; Ctrl-C abandons it."""
        with _spinner(self.console, what):
            return work()

    def run_uninterruptible(
        self,
        work: Callable[[], T],
        texts: ProgressMessages,
        *,
        show: Callable[[T], None],
        on_abandoned: Callable[[T], None],
    ) -> bool:
        """Run work that must not be interrupted halfway, and show its result.

        After Ctrl-C we still wait for it. A second Ctrl-C returns False: the work runs on in the background,
        and `on_abandoned` gets its result. `on_abandoned` also gets it if anything interrupts `show`.
        """
        task = BackgroundTask(work, on_abandoned)
        self._tasks.append(task)  # before it starts, so that no interruption loses the result
        try:
            with _spinner(self.console, texts.first) as status:
                try:
                    task.start()
                    result = task.wait(lambda seconds: status.update(texts.waiting(seconds)))
                except KeyboardInterrupt:
                    if not task.is_started:
                        raise
                    status.update(texts.interrupted(0))
                    result = task.wait(lambda seconds: status.update(texts.interrupted(seconds)))
            show(result)
        except KeyboardInterrupt:
            return False
        task.is_reported = True
        return True

    def news(self) -> tuple[str, ...]:
        """Return sentences that are not yet shown (see `news_shown`)."""
        for task in self._tasks:
            error = task.report()  # abandoned tasks that finished report their results here
            if error is not None:
                reference = self.journal.log_error("Unexpected error in a background task", error)
                self._news.append(f"A background task failed (reference {reference}). Check open orders.")
        self._tasks[:] = [each for each in self._tasks if each.is_started and not each.is_reported]
        self._news.extend(self.orders.messages())
        return tuple(self._news)

    def news_shown(self, sentences: tuple[str, ...]) -> None:
        """Drop news that is now on the screen."""
        del self._news[: len(sentences)]

    def finish(self) -> None:
        """Wait for abandoned tasks and show the remaining news before the end."""
        waiting = [each for each in self._tasks if not each.is_done]
        if waiting:
            self.show_text("Finishing background tasks…")
        for task in waiting:
            task.join()
        for sentence in self.news():
            self.show_text(sentence)

    def run_with_count(self, what: str, work: Callable[[Callable[[int], None]], T]) -> T:
        """Run work under a spinner that counts the rows read so far."""
        with _spinner(self.console, what) as status:
            return work(lambda rows: status.update(Text(f"{what} {rows:,}")))


@contextmanager
def _spinner(console: Console, what: str) -> Iterator[Status]:
    """Show a spinner; stop it even if Ctrl-C arrives as it starts or stops."""
    turning = ExitStack()
    try:
        with signals.ctrl_c_deferred():
            status = turning.enter_context(console.status(Text(what)))
        yield status
    finally:
        with signals.ctrl_c_deferred():
            turning.close()


def not_empty(text: str) -> str:
    """Parse text that must not be empty. Raises InvalidInputError."""
    if not text.strip():
        raise InvalidInputError("Enter some text, or press Esc to go back.")
    return text.strip()
