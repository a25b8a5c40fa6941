"""A running practice exchange and a home, shared by a module's journeys."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from exchange_process import running_exchange


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A newcomer's home whose practice exchange is already running."""
    folder = tmp_path_factory.mktemp("home")
    with running_exchange(folder / "data" / "practice", "--seed", "11"):
        yield folder
