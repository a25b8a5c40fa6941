"""A client of an in-process practice exchange: signs requests, sets time."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from typing import Any
from urllib.parse import unquote

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from starlette.types import ASGIApp, Message

from kalshi_trading.practice.records import BookSide, Market, MarketStatus
from kalshi_trading.practice.world.clock import ManualClock
from kalshi_trading.practice.world.world import World

ROOT = "/trade-api/v2"
START = int(datetime(2026, 11, 21, 14, 31, 7, tzinfo=UTC).timestamp()) * 1_000_000
KEY_ID = "11111111-2222-3333-4444-555555555555"


@dataclass
class Answer:
    """One answer. `body` is decoded JSON, or text if it is not JSON."""

    status: int
    body: Any
    headers: dict[str, str]


async def ask(
    app: ASGIApp,
    method: str,
    target: str,
    headers: dict[str, str],
    body: bytes,
    *,
    read: Callable[[str], Any] = json.loads,
) -> Answer:
    """Send one request directly to the application.

    `read` decodes JSON.
    """
    path, _, query = target.partition("?")
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "scheme": "http",
        "method": method,
        "path": unquote(path),
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
        "server": ("127.0.0.1", 80),
        "client": ("127.0.0.1", 9),
    }
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    await app(scope, receive, send)
    text = b"".join(message.get("body", b"") for message in sent).decode()
    answered = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    is_json = answered.get("content-type") == "application/json"
    return Answer(sent[0]["status"], read(text) if is_json else text, answered)


@dataclass
class PracticeClient:
    """A trader at an in-process exchange: signs requests, moves the clock."""

    world: World
    clock: ManualClock
    app: ASGIApp
    key: Ed25519PrivateKey
    key_id: str = KEY_ID
    ids: Iterator[int] = field(default_factory=count)

    def headers(self, method: str, path: str, *, skew_s: float = 0) -> dict[str, str]:
        timestamp = str(self.clock.now() // 1000 + round(skew_s * 1000))
        signature = self.key.sign(f"{timestamp}{method}{ROOT}{path.partition('?')[0]}".encode())
        return {
            "KALSHI-ACCESS-KEY": self.key_id,
            "KALSHI-ACCESS-TIMESTAMP": timestamp,
            "KALSHI-ACCESS-SIGNATURE": base64.b64encode(signature).decode(),
        }

    def send(
        self,
        method: str,
        path: str,
        *,
        signed: bool = True,
        headers: dict[str, str] | None = None,
        json_body: Any = None,
        raw_body: bytes = b"",
    ) -> Answer:
        if headers is None:
            headers = self.headers(method, path) if signed else {}
        body = raw_body if json_body is None else json.dumps(json_body).encode()
        return asyncio.run(ask(self.app, method, ROOT + path, headers, body))

    def get(self, path: str, *, signed: bool = True) -> Any:
        answer = self.send("GET", path, signed=signed)
        assert answer.status == 200, answer.body
        return answer.body

    def body(
        self, market: Market, side: str, price: int, contracts: str = "10.00", **more: Any
    ) -> dict[str, Any]:
        return {
            "ticker": market.ticker,
            "client_order_id": f"mine-{next(self.ids)}",
            "side": side,
            "count": contracts,
            "price": f"{price / 10_000:.4f}",
            "time_in_force": "good_till_canceled",
            "self_trade_prevention_type": "taker_at_cross",
            **more,
        }

    def order(self, market: Market, side: str, price: int, contracts: str = "10.00", **more: Any) -> Answer:
        body = self.body(market, side, price, contracts, **more)
        return self.send("POST", "/portfolio/events/orders", json_body=body)

    def liquid_market(self, **wanted: Any) -> Market:
        """Return an active market with bid and ask, both of medium price."""
        for market in self.world.exchange.markets.values():
            if market.status is not MarketStatus.ACTIVE or market.close_at < self.clock.now() + 10**10:
                continue
            best = self.world.top_of_book(market.ticker)
            matches = all(getattr(market, name) == value for name, value in wanted.items())
            if matches and best.bid and best.ask and best.bid > 2000 and best.ask < 8000:
                return market
        raise AssertionError("no such market")

    def best(self, market: Market, side: BookSide) -> int:
        found = self.world.exchange.best(market.ticker, side)
        assert found is not None
        return found[0]


MakeClient = Callable[..., PracticeClient]


def listed(desk: PracticeClient, path: str, name: str) -> list[dict[str, Any]]:
    """Read a whole list, two rows at a time."""
    rows: list[dict[str, Any]] = []
    cursor, joint = "", "&" if "?" in path else "?"
    while True:
        answer = desk.get(f"{path}{joint}limit=2&cursor={cursor}")
        rows += answer[name]
        cursor = answer["cursor"]
        desk.clock.move(1)
        if not cursor:
            return rows
