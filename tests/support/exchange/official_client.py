"""The exchange's official Python client, pointed at a practice exchange."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from exchange_process import ExchangeProcess

sdk = pytest.importorskip("kalshi_python_sync", reason="NOT INSTALLED: kalshi-python-sync")


def make_client(exchange: ExchangeProcess) -> Any:
    """Return an official client of the account."""
    configuration = sdk.Configuration(host=exchange.url)
    configuration.api_key_id = exchange.key_id
    configuration.private_key_pem = Path(exchange.private_key_path).read_text()
    return sdk.KalshiClient(configuration)
