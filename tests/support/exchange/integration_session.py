"""A session at the sandbox: its needs, its market and its report.

Never trades with real money. A report holds names of checks and fields, never a value of the account.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from urllib.parse import urlsplit

from kalshi_trading.compose import Services
from kalshi_trading.core.errors import KalshiAPIError
from kalshi_trading.core.market_models import BarPeriod, Market
from kalshi_trading.core.money import CENT
from kalshi_trading.kalshi_client import KalshiClient
from kalshi_trading.settings.environments import HOSTS, Environment, is_loopback
from kalshi_trading.settings.options import Settings

_NEEDED = (  # what to set, and every variable that sets it
    ("KALSHI_ENVIRONMENT=sandbox", ("KALSHI_ENVIRONMENT", "KALSHI_ENV", "ENV")),
    ("KALSHI_API_KEY", ("KALSHI_API_KEY", "KALSHI_API_KEY_ID", "DEMO_KEYID")),
    ("KALSHI_API_SECRET", ("KALSHI_API_SECRET", "KALSHI_PRIVATE_KEY_PATH", "DEMO_KEYFILE")),
)
_SANDBOX_WORDS = ("sandbox", "DEMO")
_FAR = 10 * CENT
"""A market whose YES costs at least this is far from an order at one cent."""
_LONGEST_SESSION = timedelta(hours=1)


def missing_variables(variables: Mapping[str, str]) -> list[str]:
    """Return what must be set before the sandbox can be used."""
    missing = [what for what, names in _NEEDED if not any(variables.get(name, "").strip() for name in names)]
    words = [variables.get(name, "").strip() for name in _NEEDED[0][1]]
    if not missing and not any(word in _SANDBOX_WORDS for word in words):
        return [_NEEDED[0][0]]
    return missing


def require_sandbox(settings: Settings) -> Settings:
    """Return the settings if orders can only reach the sandbox.

    Raises ValueError otherwise.
    """
    address = settings.api_base_url or ""
    host = urlsplit(address).hostname or ""
    is_sandbox = f".{host}".endswith(f".{HOSTS[Environment.SANDBOX].domain}")
    if settings.environment is not Environment.SANDBOX or not (is_sandbox or is_loopback(address)):
        raise ValueError(f"These tests place an order. They run at the sandbox only, not at {host}.")
    return settings


@dataclass(frozen=True)
class Place:
    """A session, and the market it asks for."""

    services: Services

    @property
    def client(self) -> KalshiClient:
        return self.services.client

    @cached_property
    def market(self) -> Market:
        """An open market in which an order to buy YES at one cent rests."""
        outlives = datetime.now(UTC) + _LONGEST_SESSION
        cash = self.client.get_balance()
        for market in self.client.get_markets(status="open", limit=1000):
            is_far = market.yes_ask is not None and market.yes_ask >= _FAR
            affordable = (cash.cash_for(market.exchange_index) or 0) >= CENT
            if is_far and affordable and market.close_at > outlives and market.price_grid.contains(CENT):
                return market
        raise AssertionError("no open market suits an order at one cent")

    @property
    def series_ticker(self) -> str:
        return self.client.get_event(self.market.event_ticker).series_ticker

    @cached_property
    def archived_ticker(self) -> str | None:
        """A market in the archive. None: it is empty."""
        return next((each.ticker for each in self.client.get_historical_markets(limit=1)), None)

    def field_changes(self) -> list[str]:
        """Return how the answers of this session differ from the documentation."""
        return [f"{each.change.endpoint}: {each.change}" for each in self.services.drift.seen()]

    def bars(self, days: int = 1) -> BarPeriod:
        """Hourly bars until now."""
        now = datetime.now(UTC)
        return BarPeriod(now - timedelta(days=days), now, 60)


@dataclass(frozen=True)
class Report:
    """A file of one JSON line per check, which several processes append to."""

    path: Path

    def add(self, check: str, result: str, error: KalshiAPIError | None = None, **facts: object) -> None:
        """Append a check. Of an error only its status and code are written."""
        line = {"check": check, "result": result, **facts}
        if error is not None:
            line |= {"status": error.status, "code": error.code}
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a") as file:
            file.write(json.dumps(line) + "\n")
