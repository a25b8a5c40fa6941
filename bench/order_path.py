"""Measure our time from confirming an order to its first byte on the wire.

    python bench/order_path.py [FOLDER] [ORDERS]

A server process on loopback records when the first byte of each order arrives. The time is split into the
journal's part (intent and sending, both flushed) and the rest (checks, signature, HTTP). A bare flushed write
and POST, in alternation, is the comparison. FOLDER selects the disk (default: a temporary folder below the
working directory). Goal: 10 ms in 99 of 100 cases.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import socket
import statistics
import sys
import tempfile
import time
import uuid
from dataclasses import replace
from decimal import Decimal
from http.client import HTTPConnection
from multiprocessing.connection import Connection
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "support" / "builders"))
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from model_factory import MARKET, NOW, preview

from kalshi_trading.core.models import Action, Side
from kalshi_trading.exchange.http.transport import Transport
from kalshi_trading.kalshi_client import KalshiClient
from kalshi_trading.orders.execution.pending_orders import PendingOrders
from kalshi_trading.orders.execution.recovery import OrderRecovery
from kalshi_trading.orders.execution.submission import OrderSubmitter
from kalshi_trading.orders.execution.submission_result import Outcome
from kalshi_trading.orders.execution.trading_lock import TradingLock
from kalshi_trading.orders.pretrade.preview import OrderPreview
from kalshi_trading.orders.pretrade.ticket import OrderTicket
from kalshi_trading.settings.credentials import Credentials
from kalshi_trading.trade_logger import TradeLogger

ROOT = "/trade-api/v2"
ORDER = OrderTicket(MARKET.ticker, Action.BUY, Side.YES, Decimal(10), Decimal("0.55"))


class TimedJournal(TradeLogger):
    """A journal that adds up the time of its order events."""

    spent_s = 0.0

    def log_order_step(self, event: str, fields: object) -> None:
        begun = time.perf_counter()
        super().log_order_step(event, fields)  # type: ignore[arg-type]
        if event in ("intent", "sending"):
            self.spent_s += time.perf_counter() - begun


def serve(port_to: Connection) -> None:
    """Accept every order; send the arrival time of its first byte."""
    listener = socket.create_server(("127.0.0.1", 0))
    port_to.send(listener.getsockname()[1])
    while True:
        connection, _ = listener.accept()
        if os.fork() == 0:  # one process per connection, so that none waits for another
            serve_connection(connection, port_to)
        connection.close()


def serve_connection(connection: socket.socket, arrivals: Connection) -> None:
    while first := connection.recv(1):
        arrived_at = time.perf_counter()
        request = first
        while b"\r\n\r\n" not in request:
            request += connection.recv(65_536)
        head, _, body = request.partition(b"\r\n\r\n")
        lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
        while len(body) < int(lengths[0].split(b":")[1]):
            body += connection.recv(65_536)
        own = json.loads(body)["client_order_id"]
        answer = {"order_id": "o-1", "client_order_id": own, "ts_ms": 1795271405165}
        text = json.dumps(answer | {"fill_count": "0.00", "remaining_count": "10.00"}).encode()
        connection.sendall(b"HTTP/1.1 201 Created\r\nContent-Length: %d\r\n\r\n" % len(text) + text)
        arrivals.send(arrived_at)
    os._exit(0)


def new_order() -> OrderPreview:
    made: OrderPreview = preview(ORDER)
    return replace(made, request=replace(made.request, client_order_id=str(uuid.uuid4())))


def measure(port: int, arrivals: Connection, folder: Path, orders: int) -> dict[str, list[float]]:
    """Return milliseconds by name; orders and bare requests alternate."""
    credentials = Credentials("bench", generate_private_key(65537, 2048))
    client = KalshiClient(Transport(f"http://127.0.0.1:{port}{ROOT}", credentials))
    client._transport.rate_limiter.acquire = lambda *_, **__: None  # type: ignore[method-assign]
    journal = TimedJournal(folder, "bench", session_id="0" * 32, account="0" * 12)
    pending = PendingOrders()
    recovery = OrderRecovery(client, journal, pending)
    submitter = OrderSubmitter(client, journal, pending, recovery, TradingLock(journal), clock=lambda: NOW)
    plain = HTTPConnection("127.0.0.1", port)
    times: dict[str, list[float]] = {"journal": [], "rest": [], "confirm to wire": [], "bare": []}
    for number in range(-20, orders):  # the first twenty are warm-up
        order, journal.spent_s = new_order(), 0.0
        begun = time.perf_counter()
        result = submitter.submit(order)
        whole = arrivals.recv() - begun
        assert result.outcome is Outcome.ACKNOWLEDGED, result.message
        bare = bare_order(plain, arrivals, folder / "bare", order)
        if number >= 0:
            times["journal"].append(journal.spent_s * 1000)
            times["rest"].append((whole - journal.spent_s) * 1000)
            times["confirm to wire"].append(whole * 1000)
            times["bare"].append(bare * 1000)
    return times


def bare_order(plain: HTTPConnection, arrivals: Connection, path: Path, order: OrderPreview) -> float:
    """Write and flush a line, then POST; return seconds to the first byte."""
    begun = time.perf_counter()
    descriptor = os.open(path, os.O_APPEND | os.O_CREAT | os.O_WRONLY, 0o600)
    os.write(descriptor, b"x" * 500 + b"\n")
    os.fsync(descriptor)
    os.close(descriptor)
    plain.request("POST", ROOT, json.dumps({"client_order_id": order.request.client_order_id}))
    plain.getresponse().read()
    arrived_at: float = arrivals.recv()
    return arrived_at - begun


def main() -> None:
    parent = sys.argv[1] if len(sys.argv) > 1 else "."
    orders = int(sys.argv[2]) if len(sys.argv) > 2 else 1000
    arrivals, theirs = multiprocessing.Pipe(duplex=False)
    server = multiprocessing.Process(target=serve, args=(theirs,), daemon=True)
    server.start()
    with tempfile.TemporaryDirectory(dir=parent) as folder:
        times = measure(arrivals.recv(), arrivals, Path(folder), orders)
    server.terminate()
    print(f"{orders} orders, milliseconds     p50      p99")
    rows = {
        name: (statistics.median(each), statistics.quantiles(each, n=100)[98]) for name, each in times.items()
    }
    for name, (median, p99) in rows.items():
        print(f"{name:<24} {median:>8.3f} {p99:>8.3f}")
    whole, bare = rows["confirm to wire"], rows["bare"]
    print(f"{'ratio to bare':<24} {whole[0] / bare[0]:>8.2f} {whole[1] / bare[1]:>8.2f}")


if __name__ == "__main__":
    main()
