"""One session without screens: journal, client, recovery and submitter.

Several can use one journal folder at once, as sessions do. Times are short, the order of steps is real.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from model_factory import MARKET, preview

from kalshi_trading.core.errors import KalshiAPIError
from kalshi_trading.core.models import Action, OrderRequest, Side, TimeInForce
from kalshi_trading.exchange.http.transport import Timing, Transport
from kalshi_trading.journal import sessions
from kalshi_trading.kalshi_client import KalshiClient
from kalshi_trading.orders.execution.pending_orders import PendingOrders
from kalshi_trading.orders.execution.recovery import OrderRecovery, RecoverySummary
from kalshi_trading.orders.execution.submission import OrderSubmitter, SubmissionStep
from kalshi_trading.orders.execution.submission_result import SubmissionResult
from kalshi_trading.orders.execution.trading_lock import TradingLock
from kalshi_trading.orders.pretrade.preview import OrderPreview
from kalshi_trading.orders.pretrade.ticket import OrderTicket
from kalshi_trading.settings.credentials import Credentials, load_private_key
from kalshi_trading.trade_logger import TradeLogger, account_fingerprint

ENVIRONMENT = "practice"
BUSY_TIMEOUT_S = 20.0
SHORT = Timing(connect_s=0.25, total_s=0.3, read_retries=1, first_pause_s=0.01, longest_pause_s=0.02)


@dataclass(frozen=True)
class Access:
    """Address and key of an exchange, as plain data for another process."""

    url: str
    key_id: str
    private_key_path: str


@dataclass(frozen=True)
class OrderSpec:
    """An order to place. `price` is in the terms of `side`."""

    ticker: str
    price: str
    action: Action = Action.BUY
    side: Side = Side.YES
    count: str = "1"
    time_in_force: TimeInForce = TimeInForce.GOOD_TILL_CANCELED


def preview_of(spec: OrderSpec, at: datetime) -> OrderPreview:
    """Return a preview of an order without findings."""
    ticket = OrderTicket(MARKET.ticker, spec.action, spec.side, Decimal(spec.count), Decimal("0.50"))
    made = preview(ticket)
    request = OrderRequest(
        client_order_id=str(uuid.uuid4()),
        ticker=spec.ticker,
        action=spec.action,
        side=spec.side,
        count=Decimal(spec.count),
        price=Decimal(spec.price),
        time_in_force=spec.time_in_force,
    )
    return replace(made, request=request, context=replace(made.context, at=at), findings=())


def retry_read(ask: Callable[[], object]) -> None:
    """Repeat a read until it succeeds, or 20 s have passed.

    A read delayed by a busy machine is no fault of the protocol.
    """
    deadline = time.monotonic() + BUSY_TIMEOUT_S
    while True:
        try:
            ask()
        except KalshiAPIError:
            if time.monotonic() > deadline:
                raise
        else:
            return


class TradingSession:
    """A session that sends orders.

    `ahead_s` is the error of its clock, above zero if ahead.
    """

    def __init__(
        self,
        folder: Path,
        access: Access,
        *,
        margin_s: float,
        apart_s: float,
        ahead_s: float = 0,
        pace: float = 0.02,
        on_step: Callable[[SubmissionStep], None] = lambda step: None,
    ) -> None:
        self.folder = folder / ENVIRONMENT
        self.session = sessions.Session.open(self.folder)
        self.account = account_fingerprint(access.key_id)
        self.journal = TradeLogger(
            folder, ENVIRONMENT, session_id=self.session.session_id, account=self.account
        )
        self._ahead = timedelta(seconds=ahead_s)
        credentials = Credentials(access.key_id, load_private_key(access.private_key_path))
        self.client = KalshiClient(Transport(access.url, credentials, timing=SHORT, clock=self.now))
        self.pending = PendingOrders()
        self.recovery = OrderRecovery(
            self.client,
            self.journal,
            self.pending,
            clock=self.now,
            sleep=lambda seconds: time.sleep(seconds * pace),
            margin_s=margin_s,
            apart_s=apart_s,
        )
        self.lock = TradingLock(self.journal)
        self.submitter = OrderSubmitter(
            self.client,
            self.journal,
            self.pending,
            self.recovery,
            self.lock,
            clock=self.now,
            sleep=lambda seconds: time.sleep(seconds * pace),
            on_step=on_step,
        )

    def now(self) -> datetime:
        return datetime.now(UTC) + self._ahead

    def read_limits(self) -> None:
        """Read the limits like a start, which also shows the exchange's clock."""
        retry_read(self.client.load_limits)

    def submit(self, spec: OrderSpec) -> SubmissionResult:
        return self.submitter.submit(preview_of(spec, self.now()))

    def recover(self) -> RecoverySummary:
        """Take over orders from ended sessions."""
        return self.recovery.recover(
            account=self.account, is_alive=lambda session: sessions.is_alive(self.folder, session)
        )

    def resolve_pending(self, within_s: float = 30) -> None:
        """Run recovery until no order is pending. Raises TimeoutError."""
        ends_at = time.monotonic() + within_s
        while self.pending.orders():
            if time.monotonic() > ends_at:
                raise TimeoutError(f"still open: {self.pending.orders()}")
            self.recovery.examine_all()
            time.sleep(0.1)

    def close(self) -> None:
        self.session.close()


@contextmanager
def open_session(folder: Path, access: Access, **how: object) -> Iterator[TradingSession]:
    """Open a session and close it at the end."""
    session = TradingSession(folder, access, **how)  # type: ignore[arg-type]
    try:
        yield session
    finally:
        session.close()
