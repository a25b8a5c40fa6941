"""ASGI middleware that adds a minimum latency to every response.

Delays overlap, as over a network: the exchange processes other requests while a response waits.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from starlette.types import ASGIApp, Message, Receive, Scope, Send


@dataclass(slots=True)
class Latency:
    """Minimum latency of responses; may be changed at any time."""

    seconds: float = 0.0


class LatencyMiddleware:
    """ASGI middleware that holds each response until its latency has passed.

    The latency counts from the arrival of the request, so processing time is part of it.
    """

    def __init__(self, app: ASGIApp, latency: Latency) -> None:
        self._app = app
        self._latency = latency

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        loop = asyncio.get_running_loop()
        due_at = loop.time() + self._latency.seconds

        async def send_delayed(message: Message) -> None:
            if (left_s := due_at - loop.time()) > 0:
                await asyncio.sleep(left_s)
            await send(message)

        await self._app(scope, receive, send_delayed if scope["type"] == "http" else send)
