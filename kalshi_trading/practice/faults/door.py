"""ASGI middleware around the whole API that fails as a script says.

Knows the effect of each fault on a request and its response. Never decides when a fault happens.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kalshi_trading.practice.api.http import ROOT
from kalshi_trading.practice.faults import answers, paging
from kalshi_trading.practice.faults.answers import RawAnswer, json_answer
from kalshi_trading.practice.faults.script import FaultKind, FaultScript, Rule
from kalshi_trading.practice.world.lagging_reads import LaggingReads
from kalshi_trading.practice.world.world import World

_ABORT = "practice.abort"
_CREATE = ("POST", "/portfolio/events/orders")


class NoAnswerError(Exception):
    """The request gets no response; raised if no connection can be closed."""


def with_abort(app: ASGIApp, abort: Callable[[], None]) -> ASGIApp:
    """Return an app that can close its connection without a response."""

    async def abortable(scope: Scope, receive: Receive, send: Send) -> None:
        await app({**scope, _ABORT: abort}, receive, send)

    return abortable


class FaultMiddleware:
    """ASGI middleware that applies the faults of a script."""

    def __init__(self, app: ASGIApp, world: World, script: FaultScript) -> None:
        self._app = app
        self._world = world
        self._script = script
        self._late_tasks: set[asyncio.Task[RawAnswer]] = set()
        now = world.clock.now()
        world.use_lagging_reads(LaggingReads(world.exchange, world.account_id, now, script.shown_until))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = _Request(self._app, scope, receive, send)
        await request.read()
        self._script.refresh()
        self._world.exchange.set_forgets_ended_ids(self._script.dedup == "forget_ended")
        path = scope["path"].removeprefix(ROOT)
        rule = self._script.choose_rule(scope["method"], path, self._world.clock.now())
        if rule is None:
            await request.answer(await self._process(request))
        else:
            await self._apply(rule, request)

    async def _apply(self, rule: Rule, request: _Request) -> None:
        match rule.kind:
            case FaultKind.BEFORE_ACCEPT if rule.delay_s is not None:
                await self._script.pause(rule.delay_s)
                await request.answer(await self._process(request))
            case FaultKind.BEFORE_ACCEPT:
                await self._answer_or_close(rule, request)
            case FaultKind.AFTER_ACCEPT:
                await self._after_accept(rule, request)
            case FaultKind.LATE:
                task = asyncio.create_task(self._process_late(rule.after_s or 0, request))
                self._late_tasks.add(task)
                task.add_done_callback(self._late_tasks.discard)
                await self._answer_or_close(rule, request)
            case FaultKind.RATE_LIMIT_STORM:
                await request.answer(answers.too_many_requests(rule.retry_after))
            case _:
                await self._break_list(rule, request)

    async def _after_accept(self, rule: Rule, request: _Request) -> None:
        answer = await self._process(request)
        if rule.delay_s is not None:
            await self._script.pause(rule.delay_s)
            await request.answer(answer)
        elif isinstance(rule.answer, str) and rule.answer in answers.GARBLED:
            await request.answer(answers.garble(rule.answer, answer))
        else:
            await self._answer_or_close(rule, request)

    async def _answer_or_close(self, rule: Rule, request: _Request) -> None:
        """Send the rule's response, or close the connection without one."""
        if rule.answer is None:
            await self._script.pause(rule.hold_s or 0)
            await request.close()
        elif isinstance(rule.answer, str):
            await request.answer(answers.canned_answer(rule.answer, self._world.clock.now()))
        else:
            await request.answer(rule.answer)

    async def _process_late(self, after_s: float, request: _Request) -> RawAnswer:
        await self._script.pause(after_s)
        return await self._process(request)

    async def _process(self, request: _Request) -> RawAnswer:
        answer = await request.process()
        is_create = (request.scope["method"], request.scope["path"].removeprefix(ROOT)) == _CREATE
        if is_create and answer.status == 409 and self._script.dedup == "refuse_without_code":
            return json_answer(409, {"message": "conflict"})
        return answer

    async def _break_list(self, rule: Rule, request: _Request) -> None:
        answer = await self._process(request)
        body = _list_page(answer)
        if body is None:
            await request.answer(answer)
            return
        broken = paging.break_page(rule.mode or "", rule.page, request.page, body)
        if broken is None:
            await request.answer(answers.canned_answer("json_500", self._world.clock.now()))
        else:
            await request.answer(json_answer(answer.status, broken))


def _list_page(answer: RawAnswer) -> dict[str, Any] | None:
    """Return the body of a list page, or None if it is not one."""
    if answer.status != 200:
        return None
    body = json.loads(answer.body)
    return body if isinstance(body, dict) and "cursor" in body else None


class _Request:
    """One request and the channel for its response.

    `read` must be called before `process`.
    """

    def __init__(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        # a marked cursor may still arrive after its rule has ended
        self.page, query_string = paging.requested_page(scope["query_string"])
        self.scope = {**scope, "query_string": query_string}
        self._app = app
        self._receive = receive
        self._send = send
        self._body = b""

    async def read(self) -> None:
        """Read the body."""
        more = True
        while more:
            message = await self._receive()
            self._body += message.get("body", b"")
            more = message.get("more_body", False)

    async def process(self) -> RawAnswer:
        """Run the request through the exchange and return its response unsent."""
        sent: list[Message] = []

        async def receive() -> Message:
            return {"type": "http.request", "body": self._body, "more_body": False}

        async def send(message: Message) -> None:
            sent.append(message)

        await self._app(dict(self.scope), receive, send)
        body = b"".join(message.get("body", b"") for message in sent)
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in sent[0]["headers"]}
        headers.pop("content-length", None)
        return RawAnswer(sent[0]["status"], body, headers)

    async def answer(self, answer: RawAnswer) -> None:
        """Send a response."""
        headers = {**answer.headers, "content-length": str(len(answer.body))}
        named = [(name.encode("latin-1"), text.encode("latin-1")) for name, text in headers.items()]
        await self._send({"type": "http.response.start", "status": answer.status, "headers": named})
        await self._send({"type": "http.response.body", "body": answer.body})

    async def close(self) -> None:
        """Close the connection without a response.

        Raises NoAnswerError if there is no connection.
        """
        abort = self.scope.get(_ABORT)
        if abort is None:
            raise NoAnswerError
        abort()
        while (await self._receive())["type"] != "http.disconnect":
            continue
