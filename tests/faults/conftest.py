"""Practice exchanges with scripted faults, and proxies in front of them.

`faulty_exchange(*arguments)` starts a practice exchange with its own fault file.
`proxy_before(exchange)` puts a TCP proxy in front of one. Both end with the test. `sessions` starts
processes.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from multiprocessing import forkserver
from multiprocessing.context import ForkServerContext
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest
from exchange_process import ExchangeProcess
from faulty_exchange import FaultyExchange, running_faulty_exchange
from tcp_proxy import TcpProxy

TESTS = Path(__file__).parent.parent
SUPPORT = TESTS / "support"


@pytest.fixture(scope="module")
def sessions() -> Iterator[ForkServerContext]:
    """Processes with all modules already loaded."""
    with pytest.MonkeyPatch.context() as environment:
        folders = TESTS.parent, *(SUPPORT / name for name in (".", "builders", "exchange", "program"))
        environment.setenv("PYTHONPATH", os.pathsep.join(map(str, folders)))
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["child_order"])
        forkserver.ensure_running()
        yield context


@pytest.fixture
def faulty_exchange(tmp_path: Path) -> Iterator[Callable[..., FaultyExchange]]:
    """Start exchanges with scripted faults.

    Example: `faulty_exchange("--markets", "50").fail({...})`.
    """
    with ExitStack() as stack:

        def start(*arguments: str, name: str = "exchange") -> FaultyExchange:
            return stack.enter_context(running_faulty_exchange(tmp_path / name, *arguments))

        yield start


@pytest.fixture
def proxy_before() -> Iterator[Callable[[ExchangeProcess], tuple[TcpProxy, ExchangeProcess]]]:
    """Put a proxy in front of an exchange.

    Returns the proxy, and the exchange as reached through it.
    """
    with ExitStack() as stack:

        def put(exchange: ExchangeProcess) -> tuple[TcpProxy, ExchangeProcess]:
            address = urlsplit(exchange.url)
            assert address.port is not None
            proxy = stack.enter_context(TcpProxy(address.port))
            url = urlunsplit(address._replace(netloc=f"127.0.0.1:{proxy.port}"))
            return proxy, replace(exchange, url=url)

        yield put
