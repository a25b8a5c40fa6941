"""Options and fixtures of all tests.

    --proof quick|full|long   how much is tried (support/proof.py)
    --date +40d|2028-02-29    the day the tests and all their processes live on (support/shifted_clock.py)
    --zone Asia/Kolkata       the time zone they live in

`practice_exchange` is one exchange for each worker, for tests that only look or that use markets and orders
of their own; `fresh_practice_exchange` belongs to one test alone. Both give an `ExchangeProcess`.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import proof
import pytest
import shifted_clock
from exchange_process import ExchangeProcess, running_exchange
from hypothesis import HealthCheck, settings
from machine_share import share_of_machine
from screen_session import cancel_all
from zones import NEW_YORK, InZone, move_to


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("proof", "how much is tried, when and where")
    group.addoption("--proof", choices=list(proof.PROOFS), default="quick", help="how much is tried")
    group.addoption("--date", help="the day to live on: +40d, or 2028-02-29T23:58 in the zone of the tests")
    group.addoption("--zone", default=NEW_YORK, help="the time zone to live in, as TZ understands it")


def pytest_configure(config: pytest.Config) -> None:
    move_to(config.option.zone)
    # A shell that starts a run in the background lets it ignore Ctrl-C, and so does all that it starts.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    proof.CURRENT = proof.PROOFS[config.option.proof]
    # Speed is measured under bench/; a loaded machine must not make a property look false.
    settings.register_profile(
        "proof",
        deadline=None,
        max_examples=proof.CURRENT.examples,
        # fixtures that are made once for all examples are meant so
        suppress_health_check=[HealthCheck.function_scoped_fixture],
    )
    settings.load_profile("proof")


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> None:
    """Check zone and date, and start again on the day that is asked for."""
    try:
        move_to(config.option.zone)
        if config.option.date is None or shifted_clock.is_shifted():
            return
        shift = shifted_clock.shift_to(config.option.date, datetime.now(UTC))
        shifted = shifted_clock.environment(shift, shifted_clock.make_folder())
    except ValueError as error:
        raise pytest.UsageError(str(error)) from None
    except shifted_clock.NoCompilerError as error:
        raise pytest.UsageError(f"NOT RUN on {config.option.date}: {error}") from None
    sys.stdout.flush()
    os.execve(sys.executable, sys.orig_argv, {**os.environ, **shifted})


def pytest_report_header(config: pytest.Config) -> str:
    now = datetime.now().astimezone()
    return f"proof {config.option.proof}, {now:%Y-%m-%d %H:%M %z}, zone {config.option.zone}"


def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove what another day needed."""
    if shifted_clock.is_shifted() and not is_worker(config):
        shutil.rmtree(Path(os.environ["LD_PRELOAD"]).parent, ignore_errors=True)


# --- Workers --------------------------------------------------------------------------------------


def pytest_xdist_auto_num_workers() -> int:
    """Give each core two workers: most tests wait, for a process, a terminal or a time-out."""
    return 2 * len(os.sched_getaffinity(0))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put tests that need the machine to themselves last, so that the others need not wait for them."""
    items.sort(key=is_alone)


def is_alone(item: pytest.Item) -> bool:
    return item.get_closest_marker("alone") is not None


@pytest.fixture(autouse=True)
def machine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Run a test that is marked `alone` while no other worker runs one."""
    if not is_worker(request.config):
        yield
        return
    with share_of_machine(tmp_path_factory.getbasetemp().parent, alone=is_alone(request.node)):
        yield


def is_worker(config: pytest.Config) -> bool:
    """Report whether this process is one of several that share a run."""
    return hasattr(config, "workerinput")


# --- Fixtures -------------------------------------------------------------------------------------


@pytest.fixture
def in_zone() -> Iterator[InZone]:
    """Move this computer to another zone; back home at the end."""
    home = os.environ["TZ"]
    yield move_to
    move_to(home)


@pytest.fixture(scope="session")
def practice_exchange(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ExchangeProcess]:
    """One practice exchange for this worker's whole run."""
    with running_exchange(tmp_path_factory.mktemp("practice"), "--idle-exit", "0") as running:
        yield running


@pytest.fixture(scope="session")
def still_exchange(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ExchangeProcess]:
    """One exchange for this worker whose other participants stand still."""
    options = ("--seed", "5", "--still", "--idle-exit", "0")
    with running_exchange(tmp_path_factory.mktemp("still"), *options) as running:
        yield running


@pytest.fixture
def exchange(still_exchange: ExchangeProcess) -> Iterator[ExchangeProcess]:
    """The still exchange, where no order of the account is open before a test."""
    yield still_exchange
    cancel_all(still_exchange)


@pytest.fixture
def fresh_practice_exchange(tmp_path: Path) -> Iterator[ExchangeProcess]:
    """A practice exchange for one test alone."""
    with running_exchange(tmp_path / "practice", "--idle-exit", "0") as running:
        yield running


@pytest.fixture
def run_practice_exchange() -> Callable[..., Any]:
    """Start practice exchanges with arguments: `with run(data_dir, "--markets", "50") as exchange:`."""
    return running_exchange
