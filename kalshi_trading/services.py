"""Build the services of one session over one client and one journal.

Nothing is sent before the caller uses a service. Decides nothing about trading.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from kalshi_trading.core.errors import JournalError
from kalshi_trading.exchange.http.transport import NETWORK, Timing, Transport
from kalshi_trading.exchange.practice_launcher import ENDED, ensure_running, keep_alive, restrict_data_dir
from kalshi_trading.exchange.wire.drift import DriftCheck
from kalshi_trading.journal.events import API_EVENT
from kalshi_trading.journal.files.journal_register import second_journal_notes
from kalshi_trading.journal.sessions import Session
from kalshi_trading.kalshi_client import KalshiClient
from kalshi_trading.orders.execution.resting_watch import RestingOrderMonitor
from kalshi_trading.orders.service import OrderService
from kalshi_trading.portfolio_tracker import PortfolioTracker
from kalshi_trading.settings.environments import Environment
from kalshi_trading.settings.options import Settings
from kalshi_trading.trade_logger import TradeLogger, account_fingerprint, open_request_log
from kalshi_trading.verify import effects, stored


@dataclass(frozen=True, slots=True)
class Services:
    """The services of one session; `account` is the key's fingerprint."""

    settings: Settings
    client: KalshiClient
    orders: OrderService
    tracker: PortfolioTracker
    journal: TradeLogger
    watch: RestingOrderMonitor
    account: str
    session: Session | None
    drift: DriftCheck
    placing: threading.Lock = field(default_factory=threading.Lock)
    """Held by a script from reading the market to the result, so every limit counts the order before."""

    ended: threading.Event = field(default_factory=threading.Event)
    """Set once the session is closed."""

    def close(self) -> None:
        """Stop sending, end every search, and mark the session as ended."""
        self.ended.set()
        self.orders.stop()
        self.client.disconnect()
        if self.session is not None:
            self.session.close()


def connect(settings: Settings) -> Settings:
    """Fill in address and key of the practice exchange, starting it if needed.

    Other environments are returned unchanged. Raises PracticeExchangeError, ConfigurationError.
    """
    if settings.environment is not Environment.PRACTICE:
        return settings
    folder = _practice_folder(settings)
    exchange = ensure_running(folder, seed=settings.practice_seed, markets=settings.practice_markets)
    return replace(
        settings,
        api_base_url=exchange.api_base_url,
        ws_url=exchange.ws_url,
        credentials=exchange.credentials(),
    )


def _practice_folder(settings: Settings) -> Path:
    return settings.data_dir / "practice"


def build(
    settings: Settings, *, read_only: bool, make_transport: Callable[..., Transport] = Transport
) -> Services:
    """Build every service of a session over one client and one journal.

    Sends nothing yet. `settings` must come from `connect`. If no session can be opened, orders are locked.
    """
    assert settings.api_base_url is not None
    assert settings.credentials is not None
    account = account_fingerprint(settings.credentials.key_id)
    session, no_session = _open_session(settings)
    journal = TradeLogger(
        settings.log_dir,
        settings.environment.value,
        session_id=None if session is None else session.session_id,
        account=account,
    )
    drift = DriftCheck(partial(_log_api_change, journal))
    behavior = effects.behavior(stored.load(settings, account))
    timing = Timing(settings.connect_timeout_s, settings.total_timeout_s, settings.read_retries)
    transport = make_transport(
        settings.api_base_url,
        settings.credentials,
        timing=replace(timing, tolerated_skew_s=behavior.tolerated_skew_s),
        remedy=ENDED if settings.environment is Environment.PRACTICE else NETWORK,
        on_no_connection=journal.log_error,
        on_answer=drift.observe,
    )
    client = KalshiClient(transport)
    orders = OrderService(
        client, journal, limits=settings.limits, read_only=read_only, account=account, behavior=behavior
    )
    if no_session is not None:
        orders.lock(str(no_session), until=partial(_raise, no_session))
    return Services(
        settings=settings,
        client=client,
        orders=orders,
        tracker=PortfolioTracker(client),
        journal=journal,
        watch=RestingOrderMonitor(client, journal, account=account),
        account=account,
        session=session,
        drift=drift,
    )


def _log_api_change(journal: TradeLogger, sentence: str) -> None:
    with suppress(JournalError):  # a read must not fail because its note cannot be written
        journal.log_event(API_EVENT, {"reason": sentence})


def start_housekeeping(services: Services) -> tuple[str, ...]:
    """Log requests, keep files private and the practice exchange running.

    Returns sentences about files that are not private.
    """
    settings = services.settings
    open_request_log(settings.log_dir, settings.environment.value, settings.log_level)
    notes = services.journal.restrict_permissions()
    notes += second_journal_notes(settings.data_dir, services.account, services.journal.trades_path)
    if settings.environment is Environment.PRACTICE:
        notes += restrict_data_dir(_practice_folder(settings))
        keep_alive(services.client.get_exchange_status, services.ended)
    return notes


def _open_session(settings: Settings) -> tuple[Session | None, JournalError | None]:
    """Begin a session that other processes see as alive, or return the error."""
    try:
        return Session.open(settings.log_dir / settings.environment.value), None
    except JournalError as error:
        return None, error


def _raise(error: JournalError) -> None:
    raise error
