"""Fixtures for practice worlds inside the test process."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from practice_client import KEY_ID, START, MakeClient, PracticeClient

from kalshi_trading.practice.assumptions import Assumptions
from kalshi_trading.practice.server.app import build_app
from kalshi_trading.practice.world.clock import ManualClock
from kalshi_trading.practice.world.world import World


@pytest.fixture
def make_client() -> Iterator[MakeClient]:
    """Return a function that builds in-process worlds; close them at the end."""
    worlds: list[World] = []

    def make(
        *, path: Any = ":memory:", now: int = START, seed: int = 7, markets: int = 150
    ) -> PracticeClient:
        clock = ManualClock(now)
        world = World(path, seed=seed, market_count=markets, clock=clock)
        worlds.append(world)
        key = Ed25519PrivateKey.generate()
        world.keys.add_key(KEY_ID, world.account_id, key.public_key())
        # The clock stands still, so a second balance read would never be allowed.
        world.assume(Assumptions(balance_bucket=False))
        return PracticeClient(world, clock, build_app(world), key)

    yield make
    for world in worlds:
        world.close()


@pytest.fixture
def client(make_client: MakeClient) -> PracticeClient:
    """Client of a fresh, small world."""
    return make_client()
