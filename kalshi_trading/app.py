"""What a running session consists of: settings, console, prompter and services, built once and handed on."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from rich.console import Console, RenderableType
from rich.text import Text

from kalshi_trading import formats
from kalshi_trading.errors import InvalidInputError
from kalshi_trading.kalshi_client import KalshiClient
from kalshi_trading.portfolio_tracker import PortfolioTracker
from kalshi_trading.prompts import Prompter
from kalshi_trading.settings import Settings
from kalshi_trading.trade_executor import TradeExecutor
from kalshi_trading.trade_logger import TradeLogger

T = TypeVar("T")


class Terminated(BaseException):
    """The system asks the program to end (SIGTERM, SIGHUP); `signal_number` says how."""

    def __init__(self, signal_number: int) -> None:
        self.signal_number = signal_number
        super().__init__(signal_number)


@dataclass(frozen=True, slots=True)
class App:
    """One session. Screens reach everything through it, and nothing past it."""

    settings: Settings
    console: Console
    prompter: Prompter
    client: KalshiClient
    executor: TradeExecutor
    tracker: PortfolioTracker
    journal: TradeLogger
    clock: Callable[[], datetime]
    account: str
    """Fingerprint of the key, as it stands in the journal."""

    def show(self, renderable: RenderableType) -> None:
        self.console.print(renderable)

    def say(self, sentence: str) -> None:
        """Show one sentence; text of the exchange is never read as markup."""
        self.show(Text(sentence))

    def complain(self, sentence: str) -> None:
        self.show(formats.problem(sentence))

    def working(self, what: str, work: Callable[[], T]) -> T:
        """Do something that takes a while under a spinner; Ctrl-C leaves it."""
        with self.console.status(Text(what)):
            return work()

    def finished(
        self, what: str, work: Callable[[], T], *, late_s: float, late: str, left: Callable[[T], None]
    ) -> T | None:
        """Do something that must not be torn apart: Ctrl-C waits for it, a second one leaves it running.

        After `late_s` seconds the text beside the spinner becomes `late`. None: it was left, runs to its
        end by itself, and `left` is told the result; the program does not end before it. When the
        system asks the program to end, `left` is told first.
        """

        def say(seconds: int) -> None:
            status.update(Text(f"{what if seconds < late_s else late} {seconds} s"))

        def say_finishing(seconds: int) -> None:
            status.update(Text(f"Finishing the order, {seconds} s … (Ctrl-C again leaves it to the search)"))

        with self.console.status(Text(what)) as status:
            ending = _started(work)
            try:
                try:
                    return _awaited(ending, say)
                except KeyboardInterrupt:
                    return _awaited(ending, say_finishing)
            except KeyboardInterrupt:
                ending.add_done_callback(lambda done: self._tell(done, left))
                return None
            except Terminated:
                self.executor.resolver.leave_off()
                self._tell(ending, left)
                raise

    def _tell(self, ending: Future[T], left: Callable[[T], None]) -> None:
        """Hand on a result nobody waits for; a fault goes on record, for no screen shows it."""
        error = ending.exception()
        if error is None:
            left(ending.result())
        else:
            self.journal.log_error("Unexpected error in what was left to itself", error)

    def counted(self, what: str, work: Callable[[Callable[[int], None]], T]) -> T:
        """The same for work that reports how many rows it has read."""
        with self.console.status(Text(what)) as status:
            return work(lambda rows: status.update(Text(f"{what} {rows:,}")))


def _started(work: Callable[[], T]) -> Future[T]:
    """Run work in a thread of its own, for which the program waits before it ends."""
    pool = ThreadPoolExecutor(max_workers=1)
    try:
        return pool.submit(work)
    finally:
        pool.shutdown(wait=False)


def _awaited(ending: Future[T], say: Callable[[int], None]) -> T:
    """Wait for the result and tell every second how long it takes."""
    seconds = 0
    while wait((ending,), timeout=1).not_done:
        seconds += 1
        say(seconds)
    return ending.result()


def not_empty(text: str) -> str:
    """Parse text that must not be empty."""
    if not text.strip():
        raise InvalidInputError("Type a word, or press Ctrl-C to go back.")
    return text.strip()
