"""Measure the portfolio's round trips, and fills against a bare fetch.

    python bench/portfolio.py [POSITIONS] [FILLS] [LATENCY_MS]

A practice exchange with a generated account provides the responses. A separate process caches each response
and replays it after the latency, so that only our own time is measured.

One round trip is the median of single small requests. The snapshot is timed cold (nothing known, connections
open) and warm (the same tracker again). Goals for 200 positions and 30 ms: 2.3 round trips cold, 1.3 warm.

Fills are read without latency. We compare the portfolio's reading with fetching the same pages and
`json.loads` alone. Goal: ratio 2.
"""

from __future__ import annotations

import asyncio
import gc
import json
import multiprocessing
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "support" / "exchange"))
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import requests
from exchange_process import ExchangeProcess, running_exchange

from kalshi_trading.exchange.http.signing import sign
from kalshi_trading.exchange.http.transport import Timing, Transport
from kalshi_trading.kalshi_client import KalshiClient
from kalshi_trading.portfolio.fill_history import FillHistory
from kalshi_trading.portfolio_tracker import PortfolioTracker
from kalshi_trading.settings.credentials import Credentials

ROOT = "/trade-api/v2"
ROUNDS = 15
STILL = ("--still", "--idle-exit", "0")
BETWEEN_S = 0.8  # the rate limit refills
UNLIMITED = Timing(total_s=120.0)


class Replay:
    """A server that replays the exchange's response to each request.

    It asks the exchange once per request target.
    """

    def __init__(self, url: str, latency_s: float) -> None:
        self.url = url
        self.latency_s = latency_s
        self.answers: dict[bytes, bytes] = {}

    async def serve(self, port_to: Connection) -> None:
        server = await asyncio.start_server(self.serve_connection, "127.0.0.1", 0, limit=2**20)
        port_to.send(server.sockets[0].getsockname()[1])
        async with server:
            await server.serve_forever()

    async def serve_connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                head = await reader.readuntil(b"\r\n\r\n")
            except (asyncio.IncompleteReadError, ConnectionError):
                writer.close()
                return
            due_at = loop.time() + self.latency_s
            target = head.split(b" ", 2)[1]
            if target not in self.answers:
                self.answers[target] = await loop.run_in_executor(None, self.ask, target, head)
            await asyncio.sleep(max(0.0, due_at - loop.time()))
            writer.write(self.answers[target])

    def ask(self, target: bytes, head: bytes) -> bytes:
        lines = head.decode().split("\r\n")[1:]
        headers = dict(line.split(": ", 1) for line in lines if line)
        headers.pop("Host", None)
        answer = requests.get(self.url + target.decode(), headers=headers, timeout=60)
        body = answer.content
        return b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n" % (answer.status_code, len(body)) + body


def replay(url: str, latency_s: float, port_to: Connection) -> None:
    asyncio.run(Replay(url, latency_s).serve(port_to))


def time_once(work: Callable[[], object]) -> float:
    time.sleep(BETWEEN_S)
    gc.collect()
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def median_ms(work: Callable[[], Callable[[], object]], rounds: int = ROUNDS) -> float:
    """Return the median milliseconds of the function that `work` returns.

    `work` itself is preparation and not timed.
    """
    return statistics.median(time_once(work()) for _ in range(rounds)) * 1000


def measure_round_trips(url: str, credentials: Credentials) -> None:
    client = KalshiClient(Transport(url, credentials))
    client.load_limits()
    known = PortfolioTracker(client)
    for _ in range(3):  # fills the replay's cache and opens all connections
        PortfolioTracker(client).refresh()
        known.refresh()
    round_trip = median_ms(lambda: client.get_balance)
    cold = median_ms(lambda: PortfolioTracker(client).refresh)
    warm = median_ms(lambda: known.refresh)
    held = len(known.refresh().held)
    print(f"{held} positions; one round trip {round_trip:.1f} ms")
    print(f"cold  {cold:6.1f} ms = {cold / round_trip:.2f} round trips (goal 2.3)")
    print(f"warm  {warm:6.1f} ms = {warm / round_trip:.2f} round trips (goal 1.3)")


def measure_fills(exchange: ExchangeProcess, credentials: Credentials) -> None:
    client = KalshiClient(Transport(exchange.url, credentials, timing=UNLIMITED))
    client.load_limits()
    fetched, read = [], []
    for _ in range(5):  # alternating, so that a slow moment affects both
        fetched.append(time_once(lambda: fetch_fills(exchange, credentials)))
        read.append(time_once(FillHistory(client).read_fills))
    bare, ours = statistics.median(fetched), statistics.median(read)
    print(f"fills: fetching and json.loads {bare:.2f} s, reading {ours:.2f} s = {ours / bare:.2f} (goal 2)")


def fetch_fills(exchange: ExchangeProcess, credentials: Credentials) -> int:
    """Fetch and parse every page of both fill lists, nothing else."""
    count = 0
    with requests.Session() as session:
        for path in ("/portfolio/fills", "/historical/fills"):
            cursor: str | None = ""
            while cursor is not None:
                headers = sign(credentials, "GET", ROOT + path, int(time.time() * 1000))
                query = {"limit": "1000", **({"cursor": cursor} if cursor else {})}
                text = session.get(exchange.url + path, params=query, headers=headers, timeout=60).text
                body = json.loads(text)
                count += len(body["fills"])
                cursor = body["cursor"] or None
    return count


def main(positions: str = "200", fills: str = "900", latency_ms: str = "30", loaded: str = "20000") -> None:
    with tempfile.TemporaryDirectory() as folder:
        scenario = f"positions={positions},fills={fills}"
        with running_exchange(Path(folder), "--scenario", scenario, *STILL) as exchange:
            credentials = exchange.credentials
            receiver, sender = multiprocessing.Pipe(duplex=False)
            origin = exchange.url.removesuffix(ROOT)
            arguments = (origin, float(latency_ms) / 1000, sender)
            server = multiprocessing.Process(target=replay, args=arguments, daemon=True)
            server.start()
            measure_round_trips(f"http://127.0.0.1:{receiver.recv()}{ROOT}", credentials)
            server.terminate()
    with tempfile.TemporaryDirectory() as folder:
        scenario = f"positions={positions},fills={loaded}"
        with running_exchange(Path(folder), "--scenario", scenario, *STILL) as exchange:
            credentials = exchange.credentials
            measure_fills(exchange, credentials)


if __name__ == "__main__":
    main(*sys.argv[1:])
