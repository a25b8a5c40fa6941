"""Exchanges that fail as told, and proxies in front of them.

`faulty_exchange(*arguments)` starts a practice exchange with a fault file of its own, and
`proxy_before(exchange)` puts a TCP proxy in front of one. Both end with the test.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pytest
from exchange_process import ExchangeProcess, running_exchange
from tcp_proxy import TcpProxy


@dataclass(frozen=True)
class FaultyExchange:
    """A practice exchange in a process of its own, and the file that says how it fails."""

    exchange: ExchangeProcess
    file: Path

    def fail(self, *rules: Mapping[str, Any], seed: int = 0) -> None:
        """Put these rules in force from the next request on; none at all heals it."""
        write_rules(self.file, *rules, seed=seed)


def write_rules(file: Path, *rules: Mapping[str, Any], seed: int = 0) -> None:
    """Write a fault file in one step, so that nobody reads half of it."""
    draft = file.with_suffix(".new")
    draft.write_text(json.dumps({"seed": seed, "rules": list(rules)}))
    os.replace(draft, file)


@pytest.fixture
def faulty_exchange(tmp_path: Path) -> Iterator[Callable[..., FaultyExchange]]:
    """Start exchanges that fail as told: `faulty_exchange("--markets", "50").fail({...})`."""
    with ExitStack() as stack:

        def start(*arguments: str, name: str = "exchange") -> FaultyExchange:
            file = tmp_path / f"{name}-faults.json"
            write_rules(file)
            arguments = ("--idle-exit", "0", "--faults", str(file), *arguments)
            running = stack.enter_context(running_exchange(tmp_path / name, *arguments))
            return FaultyExchange(running, file)

        yield start


@pytest.fixture
def proxy_before() -> Iterator[Callable[[ExchangeProcess], tuple[TcpProxy, ExchangeProcess]]]:
    """Put a proxy before an exchange; return it and the exchange as it is reached through it."""
    with ExitStack() as stack:

        def put(exchange: ExchangeProcess) -> tuple[TcpProxy, ExchangeProcess]:
            address = urlsplit(exchange.url)
            assert address.port is not None
            proxy = stack.enter_context(TcpProxy(address.port))
            url = urlunsplit(address._replace(netloc=f"127.0.0.1:{proxy.port}"))
            return proxy, replace(exchange, url=url)

        yield put
