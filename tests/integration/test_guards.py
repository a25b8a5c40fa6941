"""Guards that keep the tests at the sandbox and their reports clean."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from exchange_process import PROJECT, ExchangeProcess
from integration_session import Report, missing_variables, require_sandbox
from sandbox_stand_in import sandbox_variables

from kalshi_trading.core.errors import KalshiAPIError
from kalshi_trading.settings.environments import HOSTS, Environment
from kalshi_trading.settings.options import KNOWN_NAMES, Settings

KEY = {"KALSHI_API_KEY": "id", "KALSHI_API_SECRET": "key.pem"}
SANDBOX = "KALSHI_ENVIRONMENT=sandbox"
SANDBOX_API = HOSTS[Environment.SANDBOX].api
PRODUCTION_API = HOSTS[Environment.PRODUCTION].api


@pytest.mark.parametrize(
    ("variables", "missing"),
    [
        ({}, [SANDBOX, *KEY]),
        ({"KALSHI_ENVIRONMENT": " "}, [SANDBOX, *KEY]),
        ({"KALSHI_ENVIRONMENT": "sandbox"}, [*KEY]),
        (KEY, [SANDBOX]),
        ({**KEY, "KALSHI_ENVIRONMENT": "practice"}, [SANDBOX]),
        ({**KEY, "KALSHI_ENVIRONMENT": "production"}, [SANDBOX]),
        ({**KEY, "ENV": "PROD"}, [SANDBOX]),
        ({**KEY, "KALSHI_ENVIRONMENT": "sandbox"}, []),
        ({"ENV": "DEMO", "DEMO_KEYID": "id", "DEMO_KEYFILE": "key.pem"}, []),
    ],
)
def test_missing_variables_are_named(variables: dict[str, str], missing: list[str]) -> None:
    assert missing_variables(variables) == missing


@pytest.mark.parametrize("address", [SANDBOX_API, "http://127.0.0.1:8000/trade-api/v2"])
def test_the_sandbox_and_its_stand_in_are_allowed(address: str) -> None:
    settings = Settings(environment=Environment.SANDBOX, api_base_url=address)
    assert require_sandbox(settings) is settings


@pytest.mark.parametrize(
    ("environment", "address"),
    [
        (Environment.PRODUCTION, PRODUCTION_API),
        (Environment.PRODUCTION, SANDBOX_API),
        (Environment.SANDBOX, PRODUCTION_API),
        (Environment.SANDBOX, "https://kalshi.co.example.org/trade-api/v2"),
        (Environment.SANDBOX, None),
        (Environment.PRACTICE, None),
    ],
)
def test_every_other_exchange_is_refused(environment: Environment, address: str | None) -> None:
    with pytest.raises(ValueError, match="sandbox only"):
        require_sandbox(Settings(environment=environment, api_base_url=address))


def test_a_report_holds_no_words_of_an_error(tmp_path: Path) -> None:
    report = Report(tmp_path / "new" / "report.jsonl")
    report.add("get_order", "failed", KalshiAPIError("No order 7d444840.", status=404, code="not_found"))
    report.add("get_fills", "read", rows="some")
    assert [json.loads(line) for line in report.path.read_text().splitlines()] == [
        {"check": "get_order", "result": "failed", "status": 404, "code": "not_found"},
        {"check": "get_fills", "result": "read", "rows": "some"},
    ]


def run_tests(variables: dict[str, str], *options: str) -> subprocess.CompletedProcess[str]:
    """Run the sandbox's side of the integration tests in a process of its own."""
    clean = {name: text for name, text in os.environ.items() if name not in KNOWN_NAMES}
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-n",
        "0",
        "-rs",
        "tests/integration/test_sandbox.py",
        *options,
    ]
    return subprocess.run(command, env={**clean, **variables}, cwd=PROJECT, capture_output=True, text=True)


def test_without_keys_the_missing_variables_are_shown() -> None:
    done = run_tests({}, "-k", "not practice and not driven")
    assert "no sandbox keys: set KALSHI_ENVIRONMENT=sandbox, KALSHI_API_KEY, KALSHI_API_SECRET" in done.stdout
    assert "passed" not in done.stdout


def test_with_keys_in_the_environment_the_sandbox_is_used(
    practice_exchange: ExchangeProcess, tmp_path: Path
) -> None:
    done = run_tests(sandbox_variables(practice_exchange), "-k", "not practice", "--report", str(tmp_path))
    assert done.returncode == 0, done.stdout
    (report,) = tmp_path.glob("integration-sandbox-*.jsonl")
    results = {line["check"]: line["result"] for line in map(json.loads, report.read_text().splitlines())}
    assert (results["place_order"], results["cancel_order"]) == ("acknowledged", "canceled")
    assert results["get_balance"] == "read"
