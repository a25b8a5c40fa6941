"""Serve a world: socket, clock ticks and shutdown.

Knows uvicorn. Writes the ready file only once the server accepts requests.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import time
from collections.abc import Iterator
from email.utils import formatdate
from typing import Literal

import uvicorn
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from kalshi_trading.practice.api.http import ROOT
from kalshi_trading.practice.faults.door import with_abort
from kalshi_trading.practice.faults.script import FaultScript
from kalshi_trading.practice.server.app import build_app
from kalshi_trading.practice.server.instance_lock import InstanceLock, ReadyFile
from kalshi_trading.practice.server.key_file import PracticeKey
from kalshi_trading.practice.server.latency import Latency
from kalshi_trading.practice.server.request_guard import RequestGuard
from kalshi_trading.practice.world.world import World

HOST = "127.0.0.1"

_TICK_S = 1.0
_STARTING_PAUSE_S = 0.002
_GRACE_S = 2


class _Server(uvicorn.Server):
    """A uvicorn server that leaves signal handling to us."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class _BreakableProtocol(H11Protocol):
    """A connection that the application may close without a response."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.app = with_abort(self.app, transport.abort)


class _DateMiddleware:
    """ASGI middleware that dates each response at the moment it is sent.

    uvicorn updates its own date about once a second, and less often on a busy machine. A client would read
    the delay as a difference between the clocks.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_dated(message: Message) -> None:
            if message["type"] == "http.response.start":
                date = (b"date", formatdate(usegmt=True).encode())
                message = {**message, "headers": [*message.get("headers", ()), date]}
            await send(message)

        await self._app(scope, receive, send_dated)


class _Activity:
    """Time of the last request."""

    def __init__(self) -> None:
        self._last = time.monotonic()

    def record(self) -> None:
        self._last = time.monotonic()

    def idle_s(self) -> float:
        return time.monotonic() - self._last


def listen(port: int) -> socket.socket:
    """Open the loopback port; 0 picks a free one. Raises OSError."""
    # asyncio disables Nagle's algorithm only if the protocol is named; with it responses take 40 ms.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
    except OSError:
        listener.close()
        raise
    return listener


def serve(
    world: World,
    key: PracticeKey,
    listener: socket.socket,
    lock: InstanceLock,
    idle_exit_s: int,
    faults: FaultScript | None = None,
    latency: Latency | None = None,
    control: bool = False,
) -> None:
    """Serve until a signal, or until `idle_exit_s` pass without a request.

    `idle_exit_s` 0 means never.
    """
    world.keys.add_key(key.key_id, world.account_id, key.public_key)
    port = listener.getsockname()[1]
    ready = ReadyFile(
        url=f"http://{HOST}:{port}{ROOT}",
        ws_url=f"ws://{HOST}:{port}/trade-api/ws/v2",
        key_id=key.key_id,
        private_key_path=str(key.private_key_path),
        pid=os.getpid(),
    )
    activity = _Activity()
    app = build_app(world, activity.record, faults=faults, latency=latency, control=control)
    protocol: Literal["h11"] | type[asyncio.Protocol] = "h11" if faults is None else _BreakableProtocol
    guarded = RequestGuard(app, port)
    asyncio.run(_serve(guarded, protocol, world, listener, lock, ready, idle_exit_s, activity))


async def _serve(
    app: ASGIApp,
    protocol: Literal["h11"] | type[asyncio.Protocol],
    world: World,
    listener: socket.socket,
    lock: InstanceLock,
    ready: ReadyFile,
    idle_exit_s: int,
    activity: _Activity,
) -> None:
    config = uvicorn.Config(
        _DateMiddleware(app),
        loop="asyncio",
        http=protocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        date_header=False,
        timeout_graceful_shutdown=_GRACE_S,
    )
    server = _Server(config)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        with contextlib.suppress(NotImplementedError):  # Windows: the handlers of `program` end it
            loop.add_signal_handler(number, setattr, server, "should_exit", True)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    while not server.started:
        await asyncio.sleep(_STARTING_PAUSE_S)
    lock.announce(ready)
    print(ready.to_json(), flush=True)
    ticking = asyncio.create_task(_tick(world, server, lock, activity, idle_exit_s))
    await serving
    ticking.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await ticking


async def _tick(
    world: World, server: uvicorn.Server, lock: InstanceLock, activity: _Activity, idle_exit_s: int
) -> None:
    """Advance the world once a second; stop the server on idle or error."""
    try:
        while not server.should_exit:
            await asyncio.sleep(_TICK_S)
            if idle_exit_s and activity.idle_s() >= idle_exit_s:
                return
            world.tick()
            lock.renew()
    finally:
        server.should_exit = True
