"""Measure what a practice world's size costs at the start and when idle.

    python bench/practice_size.py [MARKETS]

Starts a small world of 400 markets and a large one, each new and then saved. Prints processor time for the
start, for an idle second, and for listing every market, and how much more the large world needs. Goal with
20,000 markets: at most 20 times for each start, at most 2 times when idle.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "support" / "exchange"))
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from practice_client import ROOT, START, ask

from kalshi_trading.practice.records import ONE_SECOND
from kalshi_trading.practice.server.app import build_app
from kalshi_trading.practice.world.clock import ManualClock
from kalshi_trading.practice.world.world import World

Result = TypeVar("Result")

SMALL = 400
IDLE_S = 120


def main() -> None:
    large = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    small_times, large_times = measure(SMALL), measure(large)
    for name, seconds in large_times.items():
        base = small_times[name]
        print(f"{name}: {base * 1000:.1f} ms with {SMALL} markets, ", end="")
        print(f"{seconds * 1000:.1f} ms with {large}, {seconds / base:.1f} times")


def measure(markets: int) -> dict[str, float]:
    """Return the processor seconds of each step, for one size."""
    with tempfile.TemporaryDirectory() as folder:
        path, clock = Path(folder) / "world.sqlite", ManualClock(START)
        times: dict[str, float] = {}
        for name in ("start of a new world", "start of a saved world"):
            times[name], world = timed(lambda: World(path, seed=7, market_count=markets, clock=clock))
            if name == "start of a new world":
                world.close()
        times["idle second"] = timed(lambda: be_idle(world, clock))[0] / IDLE_S
        times["list of all markets"] = timed(lambda: list_all(world))[0]
        world.close()
    return times


def timed(work: Callable[[], Result]) -> tuple[float, Result]:
    begun = time.process_time()
    result = work()
    return time.process_time() - begun, result


def be_idle(world: World, clock: ManualClock) -> None:
    for _ in range(IDLE_S):
        clock.move_to(clock.now() + ONE_SECOND)
        world.tick()


def list_all(world: World) -> None:
    app, cursor = build_app(world), ""
    while True:
        target = f"{ROOT}/markets?limit=1000&cursor={cursor}"
        cursor = asyncio.run(ask(app, "GET", target, {}, b"")).body["cursor"]
        if not cursor:
            return


if __name__ == "__main__":
    main()
