"""Faulty responses: proxy error pages, odd refusals and garbled JSON.

Fault rules use them by name. Never knows what the request did.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Any

from kalshi_trading.practice.records import ONE_SECOND

OTHER_CLIENT_ORDER_ID = "00000000-0000-4000-8000-00000000beef"
HUGE_BYTES = 32 * 1024 * 1024

_DEEP = 100_000
_LONG = 5_000
_RETRY_S = 3


@dataclass(frozen=True, slots=True)
class RawAnswer:
    """A response as sent over the wire.

    The content length is computed when it is sent.
    """

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


def json_answer(status: int, body: Any, **headers: str) -> RawAnswer:
    """Return a JSON response; underscores in header names become hyphens."""
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    return RawAnswer(status, json.dumps(body).encode(), {"content-type": "application/json", **named})


def too_many_requests(retry_after: str | None = None) -> RawAnswer:
    """Return the exchange's own 429, with Retry-After if given."""
    headers = {} if retry_after is None else {"retry_after": retry_after}
    return json_answer(429, {"error": "too many requests"}, **headers)


def _html_page(status: int, title: str, **headers: str) -> RawAnswer:
    text = f"<!DOCTYPE html><html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>"
    return RawAnswer(status, text.encode(), {"content-type": "text/html", **headers})


def _error(code: str) -> dict[str, Any]:
    return {"error": {"code": code, "message": code.replace("_", " ")}}


_ELSEWHERE = "https://elsewhere.invalid/trade-api/v2/portfolio/events/orders"

_CANNED: dict[str, RawAnswer] = {
    "rate_limited": too_many_requests(),
    "rate_limited_seconds": too_many_requests(str(_RETRY_S)),
    "rate_limited_zero": too_many_requests("0"),
    "rate_limited_negative": too_many_requests("-1"),
    "rate_limited_nan": too_many_requests("NaN"),
    "rate_limited_long": too_many_requests("99999"),
    "json_500": json_answer(500, _error("internal_error")),
    "json_503": json_answer(503, _error("service_unavailable")),
    "html_500": _html_page(500, "500 Internal Server Error"),
    "html_502": _html_page(502, "502 Bad Gateway"),
    "html_503": _html_page(503, "503 Service Temporarily Unavailable"),
    "html_504": _html_page(504, "504 Gateway Time-out"),
    "request_timeout": _html_page(408, "408 Request Time-out"),
    "too_early": _html_page(425, "425 Too Early"),
    "moved": _html_page(301, "301 Moved Permanently", location=_ELSEWHERE),
    "found": _html_page(302, "302 Found", location=_ELSEWHERE),
    "temporary_redirect": _html_page(307, "307 Temporary Redirect", location=_ELSEWHERE),
    "forbidden": json_answer(403, _error("forbidden")),
    "html_403": _html_page(403, "403 Forbidden"),
    "captive_portal": _html_page(200, "Welcome to the hotel's network"),
    "error_with_200": json_answer(200, _error("internal_error")),
    "error_with_201": json_answer(201, _error("internal_error")),
    "refusal_with_201": json_answer(201, _error("insufficient_balance")),
    "empty_object_with_201": json_answer(201, {}),
}
_DATED = "rate_limited_date"

CANNED = (*_CANNED, _DATED)


def canned_answer(name: str, now: int) -> RawAnswer:
    """Return the response of this name.

    `now` (microseconds) dates a Retry-After header.
    """
    if name == _DATED:
        return too_many_requests(formatdate(now // ONE_SECOND + _RETRY_S, usegmt=True))
    return _CANNED[name]


def _drop_order_id(body: bytes) -> bytes:
    record = json.loads(body)
    record.pop("order_id", None)
    return json.dumps(record).encode()


def _replace_client_order_id(body: bytes) -> bytes:
    return json.dumps({**json.loads(body), "client_order_id": OTHER_CLIENT_ORDER_ID}).encode()


def _append_member(member: bytes) -> Callable[[bytes], bytes]:
    """Return a change that appends one more member to a JSON object.

    A JSON parser keeps the last member of a name, so it overrides an earlier one.
    """
    return lambda body: body.rstrip()[:-1] + b"," + member + b"}"


_GARBLED: dict[str, Callable[[bytes], bytes]] = {
    "invalid_json": lambda body: body.replace(b'"', b"'"),
    "truncated_json": lambda body: body[: len(body) // 2],
    "without_order_id": _drop_order_id,
    "other_client_order_id": _replace_client_order_id,
    "error_instead": lambda _body: json.dumps(_error("internal_error")).encode(),
    "empty": lambda _body: b"",
    "list_instead": lambda body: b"[" + body + b"]",
    "huge": lambda body: _append_member(b'"padding":"' + b"x" * HUGE_BYTES + b'"')(body),
    "nan": _append_member(b'"fill_count":NaN'),
    "long_number": _append_member(b'"ts_ms":' + b"1" * _LONG),
    "deep": _append_member(b'"padding":' + b"[" * _DEEP + b"]" * _DEEP),
}

GARBLED = tuple(_GARBLED)


def garble(name: str, answer: RawAnswer) -> RawAnswer:
    """Return the response with its body garbled in the named way."""
    return RawAnswer(answer.status, _GARBLED[name](answer.body), answer.headers)
