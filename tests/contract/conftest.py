"""The account that foreign clients read."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from traded_account import TradedAccount, traded_account


@pytest.fixture(scope="session")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TradedAccount]:
    with traded_account(tmp_path_factory.mktemp("traded")) as traded:
        yield traded
