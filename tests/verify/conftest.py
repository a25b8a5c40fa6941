"""An exchange whose assumptions a test switches, and sessions on it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from exchange_process import ExchangeProcess, running_exchange
from verify_session import VerifySession

from kalshi_trading.settings.environments import Environment
from kalshi_trading.settings.options import Settings


@pytest.fixture(scope="session")
def switchable(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ExchangeProcess]:
    """A still exchange with control requests."""
    options = ("--seed", "5", "--still", "--control", "--idle-exit", "3600")
    with running_exchange(tmp_path_factory.mktemp("switchable"), *options) as running:
        yield running


@pytest.fixture
def verifier(switchable: ExchangeProcess, tmp_path: Path) -> Iterator[VerifySession]:
    settings = Settings(
        environment=Environment.PRACTICE,
        api_base_url=switchable.url,
        credentials=switchable.credentials,
        log_dir=tmp_path / "logs",
        data_dir=tmp_path / "data",
    )
    limits = replace(settings.limits, daily_order_limit=10_000)
    made = VerifySession(switchable, replace(settings, limits=limits))
    made.assume()
    yield made
    made.assume()
