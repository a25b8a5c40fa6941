"""Builds every service: once for the menu, and once for all that a script makes in one process.

The doors come here when they are called without arguments, so that a script trades with the settings,
journal, limits and recovery of the menu. Decides nothing about trading.
"""

from __future__ import annotations

import os
import threading
import warnings
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from pathlib import Path

from kalshi_trading.config import load_configured
from kalshi_trading.core.dates import start_of_day, utc_now
from kalshi_trading.core.errors import AuthenticationError, JournalError, KalshiAPIError
from kalshi_trading.core.models import Fill
from kalshi_trading.exchange.http.transport import NETWORK, Timing, Transport
from kalshi_trading.exchange.practice_launcher import ENDED, close_to_others, ensure_running, keep_alive
from kalshi_trading.history import Exporter, read_fills
from kalshi_trading.history.export_tables import TRADES
from kalshi_trading.journal.events import CLOCK_EVENT
from kalshi_trading.journal.sessions import Session
from kalshi_trading.kalshi_client import KalshiClient
from kalshi_trading.orders.execution.cancel import CancelResult
from kalshi_trading.orders.execution.resting_watch import RestingOrderMonitor
from kalshi_trading.orders.execution.submission_result import SubmissionResult
from kalshi_trading.orders.service import OrderService
from kalshi_trading.portfolio.snapshot import PortfolioSnapshot
from kalshi_trading.portfolio_tracker import PortfolioTracker
from kalshi_trading.settings.environments import Environment
from kalshi_trading.settings.options import Settings
from kalshi_trading.trade_executor import TradeExecutor
from kalshi_trading.trade_logger import TradeLogger, account_fingerprint, open_request_log

__all__ = ["CancelResult", "SubmissionResult", "TradeExecutor"]


@dataclass(frozen=True, slots=True)
class Services:
    """What one session works with. `account` is the fingerprint of the key, as the journal has it."""

    settings: Settings
    client: KalshiClient
    orders: OrderService
    tracker: PortfolioTracker
    journal: TradeLogger
    watch: RestingOrderMonitor
    account: str
    session: Session | None

    def close(self) -> None:
        """Send nothing any more, end every search, and let others see that the session has ended."""
        self.orders.stop()
        if self.session is not None:
            self.session.close()


def connected(settings: Settings) -> Settings:
    """Fill in address and key of the practice exchange, starting it when it is not running.

    Raises PracticeExchangeError, ConfigurationError.
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


def build(settings: Settings, *, read_only: bool) -> Services:
    """Build every service of a session over one client and one journal. Sends nothing yet.

    `settings` are connected ones. Where no session can be opened, orders are locked.
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
    transport = Transport(
        settings.api_base_url,
        settings.credentials,
        timing=Timing(settings.connect_timeout_s, settings.total_timeout_s, settings.read_retries),
        remedy=ENDED if settings.environment is Environment.PRACTICE else NETWORK,
        on_no_connection=journal.log_error,
    )
    client = KalshiClient(transport)
    orders = OrderService(client, journal, limits=settings.limits, read_only=read_only, account=account)
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
    )


def attend(settings: Settings, client: KalshiClient, journal: TradeLogger) -> tuple[str, ...]:
    """Log requests, keep our files private and the practice exchange waiting; return what is not private."""
    open_request_log(settings.log_dir, settings.environment.value, settings.log_level)
    notes = journal.close_to_others()
    if settings.environment is Environment.PRACTICE:
        notes += close_to_others(_practice_folder(settings))
        keep_alive(client.get_exchange_status)
    return notes


def _open_session(settings: Settings) -> tuple[Session | None, JournalError | None]:
    """Begin a session that others can see is alive, until the process ends; or say why that failed."""
    try:
        return Session.open(settings.log_dir / settings.environment.value), None
    except JournalError as error:
        return None, error


def _raise(error: JournalError) -> None:
    raise error


# --- Shared by all that a script makes --------------------------------------------------------------


class Lease:
    """One object's hold on the shared services; they end with the last that is released."""

    def __init__(self, services: Services) -> None:
        self.services = services
        self._is_held = True

    def __enter__(self) -> Services:
        return self.services

    def __exit__(self, *exception: object) -> None:
        self.release()

    def release(self) -> None:
        """Let go; a second time does nothing."""
        with _shared.guard:
            if self._is_held:
                self._is_held = False
                _shared.let_go(self.services)


class _Shared:
    """The services of this process, while anything holds them."""

    def __init__(self) -> None:
        self.guard = threading.RLock()
        self.services: Services | None = None
        self._holders = 0

    def take(self) -> Services:
        if self.services is None:
            self.services = _start(load_configured())
        self._holders += 1
        return self.services

    def let_go(self, services: Services) -> None:
        if services is not self.services:
            return  # of the process that this one was forked from
        self._holders -= 1
        if self._holders == 0:
            self.services = None
            services.close()


_shared = _Shared()


def _forget() -> None:
    """Begin anew in a forked process: its parent goes on with session and searches."""
    global _shared
    _shared = _Shared()


os.register_at_fork(after_in_child=_forget)


def acquire() -> Lease:
    """Hold the services of this process, which begin with the first that asks.

    Raises ConfigurationError, PracticeExchangeError, AuthenticationError.
    """
    with _shared.guard:
        return Lease(_shared.take())


def _start(settings: Settings) -> Services:
    """Connect, look for the orders that earlier sessions left without an end, and go on looking."""
    settings = connected(settings)
    services = build(settings, read_only=settings.read_only)
    try:
        for note in (*settings.warnings, *attend(settings, services.client, services.journal)):
            warnings.warn(note, stacklevel=4)
        _sign_in(services)
        services.orders.start_recovery_loop()
    except BaseException:
        services.close()
        raise
    return services


def _sign_in(services: Services) -> None:
    client, orders = services.client, services.orders
    try:
        client.learn_limits()
    except AuthenticationError:
        raise
    except KalshiAPIError as error:
        services.journal.log_error("The account's limits could not be read", error)
    try:
        ahead_s = client.use_exchange_clock()
        if ahead_s is not None:
            reason = f"this computer's clock is {ahead_s:.1f} s ahead of the exchange's"
            services.journal.log_event(CLOCK_EVENT, {"reason": reason})
        orders.recover()
        orders.look_for_pending_orders()
    except JournalError as error:
        orders.lock(str(error), until=orders.recover)


def shut_down() -> None:
    """End the shared services now, whoever holds them; the next that asks begins anew."""
    global _shared
    with _shared.guard:
        services, _shared = _shared.services, _Shared()
        if services is not None:
            services.close()


# --- What the doors below cannot build themselves ---------------------------------------------------


def current_settings() -> Settings:
    """Return the settings with the exchange's address and key, as the shared services have them."""
    with _shared.guard:
        if _shared.services is not None:
            return _shared.services.settings
    return connected(load_configured())


def current_journal() -> TradeLogger:
    """Return the shared journal, else one that needs no exchange. Raises ConfigurationError."""
    with _shared.guard:
        if _shared.services is not None:
            return _shared.services.journal
    settings = load_configured()
    return TradeLogger(settings.log_dir, settings.environment.value)


def fills_between(first: date | None, last: date | None) -> tuple[Fill, ...]:
    """Read the account's fills of these local days; see `history.read_fills`."""
    with acquire() as services:
        return read_fills(services.client, services.journal, first, last)


def export_fills(path: Path) -> int:
    """Write the account's fills as CSV and return their number; see `Exporter.export`."""
    with acquire() as services:
        exporter = Exporter(services.client, services.tracker, services.journal, utc_now)
        return exporter.export(TRADES, path).rows


def print_portfolio(snapshot: PortfolioSnapshot) -> None:
    """Print the portfolio as the menu shows it."""
    from rich.console import Console

    from kalshi_trading.portfolio.cross_check import check_account
    from kalshi_trading.ui.views import portfolio, positions

    console = Console(highlight=False, emoji=False, markup=False)
    today, check = snapshot.realized_since(start_of_day(snapshot.as_of)), check_account(snapshot)
    console.print(portfolio.summary(snapshot, today, check, console.width))
    every = max(1, len(snapshot.held))
    console.print(positions.positions(snapshot, positions.Sorting.COST, 0, console.width, page=every))
