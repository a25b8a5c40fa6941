"""A stop, another session's panic or a clock jump at each order step."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from multiprocessing.context import ForkServerContext
from pathlib import Path

import child_order
import pytest
import verifier
from exchange_process import ExchangeProcess, running_exchange
from trading_session import Access, OrderSpec

from kalshi_trading.core.models import Action, Side
from kalshi_trading.exchange.http.transport import Transport
from kalshi_trading.kalshi_client import KalshiClient
from kalshi_trading.orders.execution.submission import SubmissionStep
from kalshi_trading.orders.execution.submission_result import Outcome, SubmissionResult
from kalshi_trading.orders.pretrade.ticket import OrderTicket
from kalshi_trading.orders.service import OrderService
from kalshi_trading.settings.credentials import Credentials, load_private_key
from kalshi_trading.settings.options import Limits
from kalshi_trading.trade_logger import TradeLogger, account_fingerprint

pytestmark = pytest.mark.faults
BEFORE_THE_CHECK = (
    SubmissionStep.CONFIRMED,
    SubmissionStep.INTENT_RECORDED,
    SubmissionStep.SIGNED,
    SubmissionStep.SENDING_RECORDED,
)
SIGNATURE_WINDOW_S = 10  # of the practice exchange; equals OLDEST_PREVIEW_S
WAIT_S = 60


@pytest.fixture(scope="module")
def exchange(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ExchangeProcess]:
    with running_exchange(tmp_path_factory.mktemp("steps"), "--seed", "7") as running:
        yield running


class Session:
    """A session that buys one contract for a cent, with an event at one step."""

    def __init__(self, exchange: ExchangeProcess, folder: Path, *, pace: float = 1) -> None:
        self.ahead = timedelta()
        self._exchange = exchange
        self.event: tuple[SubmissionStep, Callable[[], None]] | None = None
        credentials = Credentials(exchange.key_id, load_private_key(exchange.private_key_path))
        self.client = KalshiClient(Transport(exchange.url, credentials, clock=self.now))
        self.client.load_limits()
        account = account_fingerprint(exchange.key_id)
        self.journal = TradeLogger(folder, "practice", account=account, clock=self.now)
        self.executor = OrderService(
            self.client,
            self.journal,
            limits=Limits(),
            clock=self.now,
            sleep=lambda seconds: time.sleep(seconds * pace),
            on_step=self._on_step,
        )

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    def _on_step(self, step: SubmissionStep) -> None:
        if self.event is not None and step is self.event[0]:
            self.event[1]()

    def buy(self, step: SubmissionStep, event: Callable[[], None]) -> SubmissionResult:
        self.event = (step, event)
        ticket = OrderTicket(
            self._exchange.open_tickers(1)[0], Action.BUY, Side.YES, Decimal(1), Decimal("0.01")
        )
        return self.executor.submit(self.executor.preview(ticket))

    def exists(self, result: SubmissionResult) -> bool:
        """Check whether the exchange ever had this order."""
        listed = self.client.get_orders(ticker=result.request.ticker).require_complete()
        return any(order.client_order_id == result.request.client_order_id for order in listed)


# --- Stopped for longer than a signature is valid -------------------------------------------------


def wait_until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT_S
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def is_stopped(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"


def test_a_stopped_process_wakes_too_late_to_place_its_order(
    sessions: ForkServerContext, exchange: ExchangeProcess, tmp_path: Path
) -> None:
    access = Access(exchange.url, exchange.key_id, exchange.private_key_path)
    wish = OrderSpec(exchange.open_tickers(1)[0], "0.01")
    stopped = [
        sessions.Process(target=child_order.stop_at, args=(step, tmp_path, access, wish))
        for step in SubmissionStep
    ]
    for process in stopped:
        process.start()
    pids = [process.pid for process in stopped if process.pid is not None]
    wait_until(lambda: all(map(is_stopped, pids)))
    time.sleep(SIGNATURE_WINDOW_S + 1)
    for pid in pids:
        os.kill(pid, signal.SIGCONT)
    for process in stopped:
        process.join(WAIT_S)
        assert process.exitcode == 0
    lines, damaged = verifier.journal_lines(tmp_path / "practice")
    orders = verifier.exchange_orders(access.url, access.key_id, access.private_key_path)
    own = {line.fields.get("client_order_id") for line in lines}
    verdict = verifier.verify(lines, [row for row in orders if row["client_order_id"] in own], margin_s=60)
    assert (damaged, verdict.faults) == ([], [])
    # The exchange refuses the order that passed the check. Two orders were placed before their stop.
    assert verdict.ends == Counter(not_sent=len(BEFORE_THE_CHECK), rejected=1, acknowledged=2)
    assert verdict.orders == 2


# --- Another session's panic ----------------------------------------------------------------------


@pytest.mark.parametrize("step", SubmissionStep)
def test_nothing_rests_after_another_session_s_panic(
    exchange: ExchangeProcess, tmp_path: Path, step: SubmissionStep
) -> None:
    session, other = Session(exchange, tmp_path), Session(exchange, tmp_path, pace=0.1)
    panic = threading.Thread(target=other.executor.panic)

    def is_recorded() -> bool:
        return any(record.event == "cancel.panic" for record in other.journal.read_journal().records)

    def pressed() -> None:
        panic.start()
        wait_until(is_recorded)

    result = session.buy(step, pressed)
    panic.join(WAIT_S)
    assert not panic.is_alive()
    assert result.outcome is (Outcome.NOT_SENT if step in BEFORE_THE_CHECK else Outcome.ACKNOWLEDGED)
    assert session.exists(result) is (step not in BEFORE_THE_CHECK)
    assert session.executor.list_open_orders() == ()


# --- A clock that jumps ---------------------------------------------------------------------------


@pytest.mark.parametrize("jump_s", [SIGNATURE_WINDOW_S + 1, 3600, -30, -3600])
@pytest.mark.parametrize("step", BEFORE_THE_CHECK)
def test_nothing_is_sent_once_the_clock_has_jumped(
    exchange: ExchangeProcess, tmp_path: Path, step: SubmissionStep, jump_s: int
) -> None:
    session = Session(exchange, tmp_path)

    def jump() -> None:
        session.ahead = timedelta(seconds=jump_s)

    result = session.buy(step, jump)
    assert result.outcome is Outcome.NOT_SENT
    assert ("set back" if jump_s < 0 else "s old") in result.message
    session.ahead = timedelta()
    assert not session.exists(result)
