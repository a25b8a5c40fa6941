"""Fixtures shared by all tests: practice exchanges as real processes.

`practice_exchange` is one exchange for a whole run, for tests that only look or that use markets and orders
of their own; `fresh_practice_exchange` belongs to one test alone. Both give an `ExchangeProcess`.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from exchange_process import ExchangeProcess, running_exchange
from hypothesis import settings

# Speed is measured under bench/; a loaded machine must not make a property look false.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")

# All tests live in one zone, five hours behind UTC in winter and four in summer, wherever they run.
HOME = "EST5EDT,M3.2.0,M11.1.0"


def move_to(zone: str) -> None:
    """Let local times be those of this zone, here and in every program started from now on."""
    os.environ["TZ"] = zone
    time.tzset()


move_to(HOME)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--long", action="store_true", help="many more repetitions, for an hour of one's own")


@pytest.fixture(scope="session")
def long_run(request: pytest.FixtureRequest) -> bool:
    """Whether there is time for the counts of a long run."""
    return bool(request.config.getoption("--long"))


@pytest.fixture
def in_zone() -> Iterator[Callable[[str], None]]:
    """Move this computer to another zone; back home at the end."""
    yield move_to
    move_to(HOME)


@pytest.fixture(scope="session")
def practice_exchange(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ExchangeProcess]:
    """One practice exchange for the whole run."""
    with running_exchange(tmp_path_factory.mktemp("practice"), "--idle-exit", "0") as running:
        yield running


@pytest.fixture
def fresh_practice_exchange(tmp_path: Path) -> Iterator[ExchangeProcess]:
    """A practice exchange for one test alone."""
    with running_exchange(tmp_path / "practice", "--idle-exit", "0") as running:
        yield running


@pytest.fixture
def run_practice_exchange() -> Callable[..., Any]:
    """Start practice exchanges with arguments of one's own: `with run(data_dir, "--markets", "50") as e:`."""
    return running_exchange
