"""A long way to the exchange: every answer takes a set time at least, side by side with the others.

What the exchange needs for one answer passes while others are on their way, as it would over a network.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from starlette.types import ASGIApp, Message, Receive, Scope, Send


@dataclass(slots=True)
class Latency:
    """How much later answers come; may be changed at any time."""

    seconds: float = 0.0


class LatencyMiddleware:
    """An application at the end of a long line: answers wait on the way back until their time is due."""

    def __init__(self, app: ASGIApp, latency: Latency) -> None:
        self._app = app
        self._latency = latency

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        loop = asyncio.get_running_loop()
        due_at = loop.time() + self._latency.seconds

        async def arrive(message: Message) -> None:
            if (left_s := due_at - loop.time()) > 0:
                await asyncio.sleep(left_s)
            await send(message)

        await self._app(scope, receive, arrive if scope["type"] == "http" else send)
