"""Options and fixtures of all tests.

    --proof quick|full|long   the amount of testing (support/proof.py)
    --date +40d|2028-02-29    the day on which tests and their processes run (support/shifted_clock.py)
    --zone Asia/Kolkata       the time zone in which they run
    --report DIR              where integration tests write their reports (default: logs/)

Exchanges, each an `ExchangeProcess`:

    practice_exchange         one per worker, for tests that only read or use their own markets
    exchange                  one per worker whose other participants are still, without open orders
    fresh_practice_exchange   one for this test
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import proof
import pytest
import shifted_clock
from exchange_process import ExchangeProcess, running_exchange
from hypothesis import HealthCheck, settings
from screen_session import cancel_all
from worker_lock import worker_lock
from zones import NEW_YORK, SetZone, set_local_zone

from kalshi_trading import compose, config, services
from kalshi_trading.exchange.practice_launcher import PracticeExchange, ensure_running
from kalshi_trading.settings.options import KNOWN_NAMES


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("proof", "how much is tried, when and where")
    group.addoption("--proof", choices=list(proof.PROOFS), default="quick", help="how much is tried")
    group.addoption("--date", help="the day to live on: +40d, or 2028-02-29T23:58 in the zone of the tests")
    group.addoption("--report", metavar="DIR", help="folder for the reports of integration tests")
    group.addoption("--zone", default=NEW_YORK, help="the time zone to live in, such as Asia/Kolkata")


def pytest_configure(config: pytest.Config) -> None:
    set_local_zone(config.option.zone)
    # A background shell starts us with SIGINT ignored, but tests of Ctrl-C need it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    proof.CURRENT = proof.PROOFS[config.option.proof]
    # Speed is measured under bench/. A loaded machine must not make a property look false.
    settings.register_profile(
        "proof",
        deadline=None,
        max_examples=proof.CURRENT.examples,
        # examples share one fixture on purpose
        suppress_health_check=[HealthCheck.function_scoped_fixture],
    )
    settings.load_profile("proof")


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> int | None:
    """Check zone and date, and run pytest again on the requested day."""
    try:
        set_local_zone(config.option.zone)
        if config.option.date is None or shifted_clock.is_shifted():
            return None
        return shifted_clock.run_again(shifted_clock.shift_to(config.option.date, datetime.now(UTC)))
    except ValueError as error:
        raise pytest.UsageError(str(error)) from None
    except shifted_clock.NoCompilerError as error:
        raise pytest.UsageError(f"NOT RUN on {config.option.date}: {error}") from None


def pytest_report_header(config: pytest.Config) -> str:
    now = datetime.now().astimezone()
    return f"proof {config.option.proof}, {now:%Y-%m-%d %H:%M %z}, zone {config.option.zone}"


def pytest_assertrepr_compare(op: str, left: object, right: object) -> list[str] | None:
    """Show every item of a list that should be empty.

    A table then names all its offenders.
    """
    if op == "==" and isinstance(left, list) and right == []:
        return [f"{len(left)} items where there should be none:", *map(repr, left)]
    return None


# --- Workers --------------------------------------------------------------------------------------


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Start three workers per core.

    Most tests wait for a process, a terminal or a timeout.
    """
    return 3 * (os.cpu_count() or 1)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Run tests that need the machine alone last, so the others never wait."""
    items.sort(key=is_alone)
    if "installation" not in config.option.markexpr:
        asked = pytest.mark.skip(reason="needs the package registry: -m installation")
        for item in items:
            if item.get_closest_marker("installation") is not None:
                item.add_marker(asked)


def is_alone(item: pytest.Item) -> bool:
    return item.get_closest_marker("alone") is not None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Run a test marked `alone`, with its fixtures, while no other runs."""
    with ExitStack() as stack:
        if hasattr(item.config, "workerinput"):
            # private, but the only folder that all workers of a run share
            shared = item.config._tmp_path_factory.getbasetemp().parent  # type: ignore[attr-defined]
            stack.enter_context(worker_lock(shared, alone=is_alone(item)))
        return (yield)


# --- Fixtures -------------------------------------------------------------------------------------


@pytest.fixture
def in_zone() -> Iterator[SetZone]:
    """Set another local zone; restore it afterwards."""
    zone = os.environ["TZ"]
    yield set_local_zone
    set_local_zone(zone)


@pytest.fixture(scope="session")
def practice_exchange(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ExchangeProcess]:
    """A practice exchange for the whole run of this worker."""
    # Without a balance bucket: tests follow one another faster than the account may read its balance.
    options = ("--assume", "balance_bucket=no", "--idle-exit", "3600")
    with running_exchange(tmp_path_factory.mktemp("practice"), *options) as running:
        yield running


@pytest.fixture(scope="session")
def still_exchange(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ExchangeProcess]:
    """An exchange for this worker whose other participants are still."""
    options = ("--seed", "5", "--still", "--assume", "balance_bucket=no", "--idle-exit", "3600")
    with running_exchange(tmp_path_factory.mktemp("still"), *options) as running:
        yield running


@pytest.fixture
def exchange(still_exchange: ExchangeProcess) -> Iterator[ExchangeProcess]:
    """Yield the still exchange; cancel every open order afterwards."""
    yield still_exchange
    cancel_all(still_exchange)


@pytest.fixture
def script(
    exchange: ExchangeProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[pytest.MonkeyPatch]:
    """Make this process a script on the still exchange, with its own files.

    No menu is running.
    """
    found = PracticeExchange(
        exchange.url, exchange.ws_url, exchange.key_id, Path(exchange.private_key_path), exchange.pid
    )
    monkeypatch.setattr(services, "ensure_running", lambda *_, **__: found)  # starting one takes a process
    for name in [each for each in os.environ if each in KNOWN_NAMES]:
        monkeypatch.delenv(name)
    monkeypatch.setattr(config, "env_file_path", lambda: tmp_path / ".env")
    monkeypatch.setenv("KALSHI_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("KALSHI_LOG_DIR", str(tmp_path / "logs"))
    yield monkeypatch
    compose.shut_down()


@pytest.fixture
def attaching_script(script: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Make this process a script that starts or finds its practice exchange.

    The exchange is that of the script's data folder.
    """
    script.setattr(services, "ensure_running", ensure_running)
    return script


@pytest.fixture
def fresh_practice_exchange(tmp_path: Path) -> Iterator[ExchangeProcess]:
    """A practice exchange for this test only."""
    with running_exchange(tmp_path / "practice", "--idle-exit", "3600") as running:
        yield running
