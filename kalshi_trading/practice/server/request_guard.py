"""ASGI middleware that admits only small, complete requests to this host.

A page in a browser can reach a loopback port through its own host name (DNS rebinding). It cannot send our
host name, so the Host header exposes it. Knows nothing of the API.
"""

from __future__ import annotations

import asyncio

from h11 import LocalProtocolError
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kalshi_trading.practice.api.http import json_response
from kalshi_trading.practice.responses.errors import ApiError, api_error

MAX_BODY_BYTES = 1024 * 1024

_HOSTS = ("127.0.0.1", "localhost", "[::1]")
_DEFAULT_PORT = 80  # left out of the Host header


class _ClientGoneError(Exception):
    """The client disconnected before its request was complete."""


class RequestGuard:
    """ASGI middleware that passes on only complete requests to this host.

    Refuses a Host header of another host or port with 421. Refuses a body above 1 MiB with 413 before reading
    more of it. Ends without an error if the client leaves or the server stops, because no response can
    arrive.
    """

    def __init__(self, app: ASGIApp, port: int) -> None:
        self._app = app
        self._hosts = {f"{host}:{port}".encode() for host in _HOSTS}
        if port == _DEFAULT_PORT:
            self._hosts |= {host.encode() for host in _HOSTS}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        try:
            await self._pass_on(scope, receive, send)
        except (_ClientGoneError, asyncio.CancelledError):
            return
        except LocalProtocolError:  # the server has answered a malformed body and closed the connection
            return

    async def _pass_on(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            self._check(dict(scope["headers"]))
            body = await _read_body(receive)
        except ApiError as error:
            answer = json_response(error.status, error.body)
            answer.headers["connection"] = "close"  # the rest of the request is not read
            await answer(scope, receive, send)
        else:
            await self._app(scope, _replay(body, receive), send)

    def _check(self, headers: dict[bytes, bytes]) -> None:
        """Check the headers alone. Raises ApiError."""
        if headers.get(b"host", b"").lower() not in self._hosts:
            raise api_error(421, "misdirected_request")
        if int(headers.get(b"content-length", 0)) > MAX_BODY_BYTES:  # h11 takes digits only
            raise _too_large()


async def _read_body(receive: Receive) -> bytes:
    """Read the body up to its maximum size.

    Raises ApiError or _ClientGoneError.
    """
    body = bytearray()
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _ClientGoneError
        body += message.get("body", b"")
        more = message.get("more_body", False)
        if len(body) > MAX_BODY_BYTES:
            raise _too_large()
    return bytes(body)


def _too_large() -> ApiError:
    return api_error(413, "request_too_large")


def _replay(body: bytes, receive: Receive) -> Receive:
    """Return a `receive` that yields the whole body first, then the rest."""
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Message:
        return waiting.pop() if waiting else await receive()

    return replay
