"""Sessions of the integration tests: at the sandbox, and at its stand-in."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest
from integration_session import Place, Report, missing_variables
from sandbox_stand_in import sandbox_services, sandbox_variables
from traded_account import traded_account

LOGS = Path(__file__).resolve().parents[2] / "logs"


@pytest.fixture(scope="session", params=["practice", "sandbox"])
def exchange_name(request: pytest.FixtureRequest) -> str:
    """Name the exchange; skip the sandbox without its keys."""
    missing = missing_variables(os.environ)
    if request.param == "sandbox" and missing:
        pytest.skip(f"no sandbox keys: set {', '.join(missing)}")
    return str(request.param)


@pytest.fixture(scope="session")
def place(exchange_name: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp(exchange_name)
    with ExitStack() as stack:
        variables = dict(os.environ)
        if exchange_name == "practice":
            account = stack.enter_context(traded_account(folder / "stand-in"))
            variables = sandbox_variables(account.exchange)
        yield Place(stack.enter_context(sandbox_services(variables, folder)))


@pytest.fixture(scope="session")
def report(
    exchange_name: str,
    testrun_uid: str,
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
) -> Report:
    """Open the report of this run, which its workers share."""
    everyday = LOGS if exchange_name == "sandbox" else tmp_path_factory.mktemp("report")
    folder = request.config.option.report or everyday
    name = f"integration-{exchange_name}-{datetime.now(UTC):%Y%m%d}-{testrun_uid[:8]}.jsonl"
    return Report(Path(folder) / name)
