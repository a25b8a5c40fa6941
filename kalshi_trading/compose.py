"""Share one set of services between the objects of a script.

Objects built without arguments get their services here. So a script has the settings, journal, limits and
recovery of the menu. Lower rooms reach upper ones through this module. Decides nothing about trading.
"""

from __future__ import annotations

import atexit
import os
import sys
import threading
import warnings
from datetime import date
from pathlib import Path

from kalshi_trading.config import load_configured
from kalshi_trading.core.dates import utc_now
from kalshi_trading.core.errors import (
    AuthenticationError,
    InvalidInputError,
    JournalError,
    KalshiAPIError,
    NotAvailableError,
)
from kalshi_trading.core.models import Fill
from kalshi_trading.core.money import require_exact_context
from kalshi_trading.core.text import clock_skew
from kalshi_trading.history import Exporter, read_fills
from kalshi_trading.history.export_tables import TRADES
from kalshi_trading.journal.events import CLOCK_EVENT
from kalshi_trading.journal.files.table_files import absolute_path
from kalshi_trading.orders.execution.cancel import CancelResult
from kalshi_trading.orders.execution.submission_result import SubmissionResult, unresolved_text
from kalshi_trading.portfolio.snapshot import PortfolioSnapshot
from kalshi_trading.services import Services, build, connect, start_housekeeping
from kalshi_trading.settings.options import Settings
from kalshi_trading.trade_executor import TradeExecutor
from kalshi_trading.trade_logger import TradeLogger

__all__ = [
    "CancelResult",  # result types of the doors below
    "Lease",
    "Services",
    "SubmissionResult",
    "TradeExecutor",
    "acquire",
    "build",
    "connect",
    "current_journal",
    "current_settings",
    "export_fills",
    "fills_between",
    "print_portfolio",
    "shut_down",
    "start_housekeeping",
]


class Lease:
    """A claim on the shared services, which end with the last claim."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._pid = os.getpid()
        self._is_held = True

    def __enter__(self) -> Services:
        return self.services

    def __exit__(self, *exception: object) -> None:
        self.release()

    @property
    def services(self) -> Services:
        """The services. Raises NotAvailableError once released, or after a fork."""
        if os.getpid() != self._pid:
            raise NotAvailableError("Created before a fork. Create a new one in this process.")
        if not self._is_held:
            raise NotAvailableError("Already closed. Create a new one.")
        return self._services

    def release(self) -> None:
        """Release the services. A second call does nothing."""
        with _guard:
            if self._is_held:
                self._is_held = False
                _shared.release(self._services)


class _SharedServices:
    """The services of this process while a lease exists. Requires `_guard`."""

    def __init__(self) -> None:
        self.services: Services | None = None
        self._holders = 0

    def acquire(self) -> Services:
        if self.services is None:
            self.services = _start(load_configured())
        self._holders += 1
        return self.services

    def release(self, services: Services) -> None:
        if services is not self.services:
            return  # they have ended, or belong to the process before a fork
        self._holders -= 1
        if self._holders == 0:
            self.end()

    def end(self) -> None:
        services, self.services, self._holders = self.services, None, 0
        if services is not None:
            open_outcomes = _open_outcomes(services)
            services.close()
            for note in open_outcomes:
                _warn(f"{note} Checking continues at the next start.")


_guard = threading.RLock()
"""Held while the services start, so concurrent callers share one set."""
_shared = _SharedServices()


def _reset_after_fork() -> None:
    """Start empty in a forked process, whose parent owns services and lock."""
    global _guard, _shared
    _guard, _shared = threading.RLock(), _SharedServices()


if hasattr(os, "register_at_fork"):  # Windows has no fork
    os.register_at_fork(after_in_child=_reset_after_fork)
atexit.register(lambda: shut_down())  # of the process that is there then


def acquire() -> Lease:
    """Return a lease on the services, building them for the first holder.

    Raises ConfigurationError, PracticeExchangeError, AuthenticationError.
    """
    require_exact_context()
    with _guard:
        return Lease(_shared.acquire())


def shut_down() -> None:
    """End the shared services now, even if they are held.

    The next `acquire` builds new ones.
    """
    with _guard:
        _shared.end()


def _start(settings: Settings) -> Services:
    """Connect and start recovering the unfinished orders of earlier sessions."""
    settings = connect(settings)
    services = build(settings, read_only=settings.read_only)
    try:
        notes = [*settings.warnings, *start_housekeeping(services)]
        _check_and_recover(services)
        services.orders.start_recovery_loop()
        for note in (*notes, *services.orders.messages(), *_open_outcomes(services)):
            _warn(note)  # raises in a script that turns warnings into errors
    except BaseException:
        services.close()
        raise
    return services


def _warn(note: str) -> None:
    """Warn at the line of the script that called us."""
    level, frame = 1, sys._getframe()
    while frame.f_back is not None and frame.f_globals["__name__"].startswith("kalshi_trading."):
        level, frame = level + 1, frame.f_back
    warnings.warn(note, stacklevel=level)


def _open_outcomes(services: Services) -> list[str]:
    return [unresolved_text(each.sentence) for each in services.orders.pending_orders()]


def _check_and_recover(services: Services) -> None:
    """Check the key, sync the clock and recover orders, as the menu does."""
    client, orders = services.client, services.orders
    try:
        client.load_limits()
    except AuthenticationError:
        raise
    except KalshiAPIError as error:
        services.journal.log_error("Account limits unavailable", error)
    ahead_s = client.use_exchange_clock()
    try:
        if ahead_s is not None:
            reason = f"this computer's clock is {clock_skew(ahead_s)}"
            services.journal.log_event(CLOCK_EVENT, {"reason": reason})
        orders.recover_and_announce()
        orders.look_for_pending_orders()
    except JournalError as error:
        orders.lock(str(error), until=orders.recover_and_announce)


# --- For doors that cannot build it themselves ------------------------------------------------------


def current_settings() -> Settings:
    """Return the settings with the exchange's address and key.

    They are those of the shared services, if there are any.
    """
    with _guard:
        if _shared.services is not None:
            return _shared.services.settings
    return connect(load_configured())


def current_journal() -> TradeLogger:
    """Return the shared journal, or one that needs no exchange.

    Raises ConfigurationError.
    """
    with _guard:
        if _shared.services is not None:
            return _shared.services.journal
    settings = load_configured()
    return TradeLogger(settings.log_dir, settings.environment.value)


def fills_between(first: date | None, last: date | None) -> tuple[Fill, ...]:
    """Read the account's fills of these local days."""
    with acquire() as services:
        return read_fills(services.client, services.journal, first, last)


def export_fills(path: Path) -> int:
    """Write the account's fills as CSV and return their number.

    See `Exporter.export`. Raises InvalidInputError, also if the folder does not exist.
    """
    path = absolute_path(path)
    if not path.parent.is_dir():
        raise InvalidInputError(f"Folder {path.parent} does not exist. Nothing was written.")
    with acquire() as services:
        exporter = Exporter(services.client, services.tracker, services.journal, utc_now)
        return exporter.export(TRADES, path).rows


def print_portfolio(snapshot: PortfolioSnapshot) -> None:
    """Print the portfolio as the menu shows it."""
    from kalshi_trading.ui import summary

    summary.print_portfolio(snapshot)
