"""Measure how long the practice exchange takes to list many markets.

    python bench/practice_lists.py [MARKETS]

Prints the first and the fastest of ten responses with 1,000 rows, and the ratio of the fastest to
`json.dumps` of the same rows. Goal with 3,000 markets: at most 10.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "support" / "exchange"))
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from practice_client import ROOT, START, Answer, ask

from kalshi_trading.practice.server.app import build_app
from kalshi_trading.practice.world.clock import ManualClock
from kalshi_trading.practice.world.world import World


def main() -> None:
    markets = int(sys.argv[1]) if len(sys.argv) > 1 else 3_000
    world = World(":memory:", seed=7, market_count=markets, clock=ManualClock(START))
    app = build_app(world)
    answer = Answer(0, None, {})
    times = []
    for _ in range(10):
        begun = time.perf_counter()
        answer = asyncio.run(ask(app, "GET", f"{ROOT}/markets?limit=1000", {}, b""))
        times.append(time.perf_counter() - begun)
    begun = time.perf_counter()
    json.dumps(answer.body)
    ratio = min(times) / (time.perf_counter() - begun)
    print(f"{len(answer.body['markets'])} of {markets} markets: first {times[0] * 1000:.0f} ms, ", end="")
    print(f"then {min(times) * 1000:.0f} ms, {ratio:.1f} times json.dumps")
    world.close()


if __name__ == "__main__":
    main()
