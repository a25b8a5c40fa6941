"""A practice exchange that stands in for the sandbox.

The program reaches it by settings alone, as it would reach the sandbox.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from exchange_process import ExchangeProcess
from integration_session import require_sandbox

from kalshi_trading import compose
from kalshi_trading.compose import Services
from kalshi_trading.config import load_settings


def sandbox_variables(exchange: ExchangeProcess) -> dict[str, str]:
    """Return the environment variables of a sandbox session on this exchange."""
    return {
        "KALSHI_ENVIRONMENT": "sandbox",
        "KALSHI_API_BASE_URL": exchange.url,
        "KALSHI_API_KEY": exchange.key_id,
        "KALSHI_API_SECRET": exchange.private_key_path,
    }


@contextmanager
def sandbox_services(variables: dict[str, str], folder: Path) -> Iterator[Services]:
    """Build the services of a session, with its files in `folder`.

    Raises ValueError for another exchange than the sandbox, ConfigurationError, KalshiAPIError.
    """
    files = {"KALSHI_DATA_DIR": str(folder / "data"), "KALSHI_LOG_DIR": str(folder / "logs")}
    settings = require_sandbox(load_settings({**variables, **files}, None))
    services = compose.build(settings, read_only=False)
    try:
        services.client.load_limits()
        services.client.use_exchange_clock()
        yield services
    finally:
        services.close()
