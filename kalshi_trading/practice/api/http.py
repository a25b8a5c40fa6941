"""HTTP layer of a world: routing, authentication, rate limits and errors.

Turns a request into a handler call, commits the world, and turns the outcome into a response. Never knows
what a handler does. Requests cannot see each other's partial state, because nothing awaits between reading
the body and returning the response.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from kalshi_trading.practice.api.query import Query
from kalshi_trading.practice.api.rate_limits import Buckets
from kalshi_trading.practice.engine.exchange import Refusal
from kalshi_trading.practice.responses.errors import ApiError, api_error, missing_signature, too_many_requests
from kalshi_trading.practice.responses.markets import Json
from kalshi_trading.practice.world.world import World

ROOT = "/trade-api/v2"

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ApiCall:
    """One request as a handler sees it.

    `account_id` is empty on a public request without a signature.
    """

    world: World
    account_id: str
    query: Query
    path: dict[str, str]
    body: bytes

    @property
    def now(self) -> int:
        return self.world.clock.now()


Handler = Callable[[ApiCall], Json]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One row of the API: path, operation, handler, access and method."""

    path: str
    operation: str
    handler: Handler
    private: bool = False
    method: str = "GET"
    status: int = 200


def build_app(world: World, endpoints: Sequence[Endpoint], on_request: Callable[[], None]) -> ASGIApp:
    """Build the ASGI application that serves these endpoints of a world."""
    buckets = Buckets()
    routes = [
        Route(ROOT + endpoint.path, _serve(world, buckets, endpoint), methods=[endpoint.method])
        for endpoint in endpoints
    ]
    app = Starlette(routes=routes, exception_handlers={HTTPException: _http_error, Exception: _server_error})
    app.router.redirect_slashes = False
    return EntryMiddleware(app, on_request)


class EntryMiddleware:
    """ASGI middleware that counts requests and redirects trailing slashes.

    A path with a trailing slash gets a 301 to the path without it.
    """

    def __init__(self, app: ASGIApp, on_request: Callable[[], None]) -> None:
        self._app = app
        self._on_request = on_request

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        self._on_request()
        path = scope["path"]
        if path.endswith("/") and path.strip("/"):
            query = scope["query_string"].decode("latin-1")
            target = "/" + path.strip("/") + (f"?{query}" if query else "")
            await RedirectResponse(target, status_code=301)(scope, receive, send)
            return
        await self._app(scope, receive, send)


def _serve(world: World, buckets: Buckets, endpoint: Endpoint) -> Callable[[Request], Awaitable[Response]]:
    async def respond(request: Request) -> Response:
        body = await request.body()
        try:
            world.catch_up()
            account_id = _signing_account(world, request, endpoint)
            own_balance = world.assumptions.balance_bucket
            if account_id and not buckets.take(
                account_id, endpoint.method, endpoint.path, world.clock.now(), own_balance=own_balance
            ):
                raise too_many_requests()
            query = Query(endpoint.operation, request.query_params)
            call = ApiCall(world, account_id, query, request.path_params, body)
            return json_response(endpoint.status, endpoint.handler(call))
        except ApiError as error:
            return json_response(error.status, error.body)
        except Refusal as refusal:
            return json_response(
                refusal.status, api_error(refusal.status, refusal.code, refusal.details).body
            )
        finally:
            world.commit()

    return respond


def _signing_account(world: World, request: Request, endpoint: Endpoint) -> str:
    """Return the account that signed the request, or "" if unsigned.

    Signature headers on a public endpoint must be valid. Raises ApiError.
    """
    path = request.scope.get("raw_path", request.url.path.encode()).decode("latin-1").partition("?")[0]
    signer = world.keys.signer(request.headers, request.method, path, world.signing_clock.now())
    if signer is None and endpoint.private:
        raise missing_signature()
    return signer or ""


def json_response(status: int, body: Any) -> Response:
    """Return a response with a compact JSON body."""
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    return Response(text.encode(), status_code=status, media_type="application/json")


async def _http_error(_request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    code = {404: "not_found", 405: "method_not_allowed"}.get(status, "bad_request")
    return json_response(status, api_error(status, code).body)


async def _server_error(request: Request, error: Exception) -> Response:
    _log.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return json_response(500, api_error(500, "internal_error").body)
