"""Options and fixtures of all tests.

    --proof quick|full|long   how much is tried (support/proof.py)
    --date +40d|2028-02-29    the day the tests and all their processes live on (support/shifted_clock.py)
    --zone Asia/Kolkata       the time zone they live in

Exchanges, each an `ExchangeProcess`:

    practice_exchange         one for each worker, for tests that only read, or use markets of their own
    exchange                  one for each worker whose other participants stand still, without open orders
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

from kalshi_trading import compose, config
from kalshi_trading.exchange.practice_launcher import PracticeExchange, ensure_running
from kalshi_trading.settings.options import KNOWN_NAMES


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("proof", "how much is tried, when and where")
    group.addoption("--proof", choices=list(proof.PROOFS), default="quick", help="how much is tried")
    group.addoption("--date", help="the day to live on: +40d, or 2028-02-29T23:58 in the zone of the tests")
    group.addoption("--zone", default=NEW_YORK, help="the time zone to live in, such as Asia/Kolkata")


def pytest_configure(config: pytest.Config) -> None:
    set_local_zone(config.option.zone)
    # A background shell starts us with SIGINT ignored; tests of Ctrl-C need it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    proof.CURRENT = proof.PROOFS[config.option.proof]
    # Speed is measured under bench/; a loaded machine must not make a property look false.
    settings.register_profile(
        "proof",
        deadline=None,
        max_examples=proof.CURRENT.examples,
        # properties share one fixture across examples on purpose
        suppress_health_check=[HealthCheck.function_scoped_fixture],
    )
    settings.load_profile("proof")


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> int | None:
    """Check zone and date, and run again on the day that is asked for."""
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
    """Show every item of a list that should be empty: a table names all its offenders."""
    if op == "==" and isinstance(left, list) and right == []:
        return [f"{len(left)} items where there should be none:", *map(repr, left)]
    return None


# --- Workers --------------------------------------------------------------------------------------


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Start three workers a core: most tests wait for a process, a terminal or a time-out."""
    return 3 * (os.cpu_count() or 1)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put tests that need the machine to themselves last, so that the others need not wait for them."""
    items.sort(key=is_alone)


def is_alone(item: pytest.Item) -> bool:
    return item.get_closest_marker("alone") is not None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Run a test that is marked `alone` while no other worker runs one, its fixtures included."""
    with ExitStack() as stack:
        if hasattr(item.config, "workerinput"):
            # private, but the one folder that pytest gives to all workers of a run
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
    """One practice exchange for this worker's whole run."""
    with running_exchange(tmp_path_factory.mktemp("practice"), "--idle-exit", "3600") as running:
        yield running


@pytest.fixture(scope="session")
def still_exchange(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ExchangeProcess]:
    """One exchange for this worker whose other participants stand still."""
    options = ("--seed", "5", "--still", "--idle-exit", "3600")
    with running_exchange(tmp_path_factory.mktemp("still"), *options) as running:
        yield running


@pytest.fixture
def exchange(still_exchange: ExchangeProcess) -> Iterator[ExchangeProcess]:
    """Give the still exchange; cancel every open order afterwards."""
    yield still_exchange
    cancel_all(still_exchange)


@pytest.fixture
def script(
    exchange: ExchangeProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[pytest.MonkeyPatch]:
    """Make this process a script beside no menu: it trades on the still exchange, with files of its own."""
    found = PracticeExchange(
        exchange.url, exchange.ws_url, exchange.key_id, Path(exchange.private_key_path), exchange.pid
    )
    monkeypatch.setattr(compose, "ensure_running", lambda *_, **__: found)  # which takes a process
    for name in [each for each in os.environ if each in KNOWN_NAMES]:
        monkeypatch.delenv(name)
    monkeypatch.setattr(config, "DOTENV_PATH", tmp_path / ".env")
    monkeypatch.setenv("KALSHI_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("KALSHI_LOG_DIR", str(tmp_path / "logs"))
    yield monkeypatch
    compose.shut_down()


@pytest.fixture
def attaching_script(script: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Make this process a script that starts the practice exchange of its data folder, or finds it."""
    script.setattr(compose, "ensure_running", ensure_running)
    return script


@pytest.fixture
def fresh_practice_exchange(tmp_path: Path) -> Iterator[ExchangeProcess]:
    """A practice exchange for one test alone."""
    with running_exchange(tmp_path / "practice", "--idle-exit", "3600") as running:
        yield running
