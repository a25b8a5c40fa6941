"""ASGI application with all endpoints of a world."""

from __future__ import annotations

from collections.abc import Callable

from starlette.types import ASGIApp

from kalshi_trading.practice.api import discovery, exchange, historical, http, markets, portfolio
from kalshi_trading.practice.faults.door import FaultMiddleware
from kalshi_trading.practice.faults.script import FaultScript
from kalshi_trading.practice.server.control import ControlMiddleware
from kalshi_trading.practice.server.latency import Latency, LatencyMiddleware
from kalshi_trading.practice.world.world import World

ENDPOINTS = (
    exchange.ENDPOINTS + discovery.ENDPOINTS + markets.ENDPOINTS + portfolio.ENDPOINTS + historical.ENDPOINTS
)


def build_app(
    world: World,
    on_request: Callable[[], None] = lambda: None,
    *,
    faults: FaultScript | None = None,
    latency: Latency | None = None,
    control: bool = False,
) -> ASGIApp:
    """Build the application that serves every endpoint of a world.

    `on_request` is called for each API request. `faults` adds scripted failures. `latency` delays responses.
    `control` adds the practice-only requests.
    """
    app = http.build_app(world, ENDPOINTS, on_request)
    if faults is not None:
        app = FaultMiddleware(app, world, faults)
    latency = latency or Latency()
    delayed = LatencyMiddleware(app, latency)
    return ControlMiddleware(delayed, world, latency) if control else delayed
