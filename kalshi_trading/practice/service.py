"""The whole API of a world as one ASGI application."""

from __future__ import annotations

from collections.abc import Callable

from starlette.types import ASGIApp

from kalshi_trading.practice import (
    face,
    routes_exchange,
    routes_historical,
    routes_markets,
    routes_portfolio,
)
from kalshi_trading.practice.control import ControlDoor
from kalshi_trading.practice.fault_door import FaultDoor
from kalshi_trading.practice.faults import FaultScript
from kalshi_trading.practice.latency import DistantApp, Latency
from kalshi_trading.practice.world import World

ENDPOINTS = (
    routes_exchange.ENDPOINTS
    + routes_markets.ENDPOINTS
    + routes_portfolio.ENDPOINTS
    + routes_historical.ENDPOINTS
)


def build_app(
    world: World,
    on_request: Callable[[], None] = lambda: None,
    *,
    faults: FaultScript | None = None,
    latency: Latency | None = None,
    control: bool = False,
) -> ASGIApp:
    """Make the application that serves every endpoint; `on_request` is called for each request.

    With `faults` it fails as they say, with `latency` it answers later; `control` opens the practice door.
    """
    app = face.build_app(world, ENDPOINTS, on_request)
    if faults is not None:
        app = FaultDoor(app, world, faults)
    latency = latency or Latency()
    distant = DistantApp(app, latency)
    return ControlDoor(distant, world, latency) if control else distant
