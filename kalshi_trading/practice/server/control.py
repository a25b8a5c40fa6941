"""Practice-only requests: clock, money, cut-offs, floors, latency, audit.

Kalshi has none of these, and they are off by default. They need no signature and are served on loopback only.
A body must be sent as application/json, because a web page in a browser cannot send that here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from decimal import Decimal
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from kalshi_trading.practice import assumptions
from kalshi_trading.practice.api.historical import cut_offs_json
from kalshi_trading.practice.api.http import json_response
from kalshi_trading.practice.records import ONE_CONTRACT, ONE_DOLLAR, ONE_SECOND
from kalshi_trading.practice.responses import account as account_responses
from kalshi_trading.practice.responses import markets as market_responses
from kalshi_trading.practice.responses.markets import Json
from kalshi_trading.practice.server.latency import Latency
from kalshi_trading.practice.storage.saved_world import TransferStatus
from kalshi_trading.practice.world.clock import MovableClock
from kalshi_trading.practice.world.world import World

PREFIX = "/practice"

_MAX_SECONDS = 10 * 366 * 24 * 3_600
_MAX_CENTS = 10**12
_MAX_LATENCY_MS = 60_000
_DOLLARS = re.compile(r"[0-9]{1,12}(?:\.[0-9]{1,6})?")
_KINDS = ("markets", "trades", "orders", "positions")

Handler = Callable[[Request, Json], Json]


class ControlMiddleware:
    """ASGI middleware that handles control requests before the API."""

    def __init__(self, app: ASGIApp, world: World, latency: Latency) -> None:
        self._app = app
        self._control = _Control(world, latency).app()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_ours = scope["type"] == "http" and scope["path"].startswith(f"{PREFIX}/")
        await (self._control if is_ours else self._app)(scope, receive, send)


class _Control:
    """Control requests of one world."""

    def __init__(self, world: World, latency: Latency) -> None:
        self._world = world
        self._latency = latency

    def app(self) -> Starlette:
        routes: list[tuple[str, str, Handler]] = [
            ("POST", "/clock", self._advance_clock),
            ("POST", "/deposits", self._deposit),
            ("POST", "/withdrawals", self._withdraw),
            ("POST", "/transfers/{transfer_id}", self._finish_transfer),
            ("POST", "/cutoff", self._set_cut_offs),
            ("POST", "/floor", self._set_floor),
            ("POST", "/latency", self._set_latency),
            ("POST", "/assumptions", self._assume),
            ("GET", "/books", self._audit),
        ]
        return Starlette(
            routes=[
                Route(PREFIX + path, self._serve(handler), methods=[method])
                for method, path, handler in routes
            ]
        )

    def _serve(self, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
        async def respond(request: Request) -> Response:
            raw = await request.body()
            try:
                self._world.catch_up()
                body = _read_body(request, raw) if request.method == "POST" else {}
                return json_response(200, handler(request, body))
            except ValueError as error:
                return json_response(400, {"error": str(error)})
            except KeyError as error:
                return json_response(404, {"error": f"{error.args[0]} is not known"})
            finally:
                self._world.commit()

        return respond

    def _advance_clock(self, _request: Request, body: Json) -> Json:
        seconds = _read_int(body, "advance_s", _MAX_SECONDS)
        if not isinstance(self._world.clock, MovableClock):
            raise ValueError("this exchange's clock cannot be moved")
        self._world.advance(seconds)
        return {"now": market_responses.time(self._world.clock.now())}

    def _deposit(self, _request: Request, body: Json) -> Json:
        row = self._world.deposit(
            self._world.account_id,
            _read_money(body, "amount"),
            fee=_read_money(body, "fee", "0"),
            status=_read_status(body),
        )
        return account_responses.transfer(row)

    def _withdraw(self, _request: Request, body: Json) -> Json:
        row = self._world.withdraw(
            self._world.account_id,
            _read_money(body, "amount"),
            fee=_read_money(body, "fee", "0"),
            status=_read_status(body),
        )
        return account_responses.transfer(row)

    def _finish_transfer(self, request: Request, body: Json) -> Json:
        row = self._world.finish_transfer(request.path_params["transfer_id"], _read_status(body))
        return account_responses.transfer(row)

    def _set_cut_offs(self, _request: Request, body: Json) -> Json:
        now = self._world.clock.now()
        ages = {
            kind: _read_int(body, f"{kind}_s_ago", _MAX_SECONDS) for kind in _KINDS if f"{kind}_s_ago" in body
        }
        overlap_s = _read_int(body, "overlap_s", _MAX_SECONDS) if "overlap_s" in body else None
        instants = {kind: now - age * ONE_SECOND for kind, age in ages.items()}
        self._world.archive.set_cut_offs(**instants, overlap_s=overlap_s)
        return cut_offs_json(self._world)

    def _set_floor(self, _request: Request, body: Json) -> Json:
        ticker, floor = body.get("ticker"), _read_money(body, "floor") // ONE_CONTRACT
        if not isinstance(ticker, str):
            raise ValueError("ticker must be a market's ticker")
        canceled = self._world.exchange.set_floor(ticker, floor)
        return {
            "ticker": ticker,
            "settlement_bounds_type": "floor",
            "settlement_floor_dollars": market_responses.price(floor),
            "canceled": canceled,
        }

    def _set_latency(self, _request: Request, body: Json) -> Json:
        milliseconds = _read_int(body, "ms", _MAX_LATENCY_MS)
        self._latency.seconds = milliseconds / 1_000
        return {"ms": milliseconds}

    def _assume(self, _request: Request, body: Json) -> Json:
        self._world.assume(assumptions.parse(f"{name}={word}" for name, word in body.items()))
        return asdict(self._world.assumptions)

    def _audit(self, _request: Request, _body: Json) -> Json:
        return self._world.audit(self._world.account_id).as_json()


def _read_body(request: Request, raw: bytes) -> Json:
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        raise ValueError("the body must be application/json")
    try:
        body: Any = json.loads(raw)
        json.dumps(body, ensure_ascii=False).encode()  # a lone surrogate cannot be encoded in a response
    except (ValueError, RecursionError):
        raise ValueError("the body must be valid JSON") from None
    if not isinstance(body, dict):
        raise ValueError("the body must be a JSON object")
    return body


def _read_int(body: Json, name: str, most: int) -> int:
    number = body.get(name)
    if type(number) is not int or not 0 <= number <= most:
        raise ValueError(f"{name} must be a whole number from 0 to {most}")
    return number


def _read_money(body: Json, name: str, default: str | None = None) -> int:
    """Read dollars in whole cents; return millionths of a dollar."""
    text = body.get(name, default)
    cents = Decimal(text) * 100 if isinstance(text, str) and _DOLLARS.fullmatch(text) else None
    if cents is None or cents % 1 or cents > _MAX_CENTS:
        raise ValueError(f'{name} must be dollars and cents in quotes, such as "25.00"')
    return int(cents) * ONE_DOLLAR // 100


def _read_status(body: Json) -> TransferStatus:
    word = body.get("status", TransferStatus.APPLIED)
    if word not in tuple(TransferStatus):
        raise ValueError(f"status must be one of {', '.join(TransferStatus)}")
    return TransferStatus(word)
