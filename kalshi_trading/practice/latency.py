"""A long way to the exchange: every answer comes a set time later, side by side with the others."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from starlette.types import ASGIApp, Receive, Scope, Send


@dataclass(slots=True)
class Latency:
    """How much later answers come; may be changed at any time."""

    seconds: float = 0.0


class DistantApp:
    """An application at the end of a long line. A request sets out at once and waits on the way."""

    def __init__(self, app: ASGIApp, latency: Latency) -> None:
        self._app = app
        self._latency = latency

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and self._latency.seconds > 0:
            await asyncio.sleep(self._latency.seconds)
        await self._app(scope, receive, send)
