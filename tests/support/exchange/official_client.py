"""The exchange's official Python client, pointed at a practice exchange."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from exchange_process import ExchangeProcess
from urllib3.util import Retry

sdk = pytest.importorskip("kalshi_python_sync", reason="NOT INSTALLED: kalshi-python-sync")


def make_client(exchange: ExchangeProcess) -> Any:
    """Return an official client of the account."""
    configuration = sdk.Configuration(host=exchange.url)
    configuration.api_key_id = exchange.key_id
    configuration.private_key_pem = Path(exchange.private_key_path).read_text()
    # Alone it gives up at the first 429. A second allows one balance and 30 other reads.
    configuration.retries = Retry(total=20, status_forcelist={429}, backoff_factor=0.1)
    return sdk.KalshiClient(configuration)
