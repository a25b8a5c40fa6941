"""Map failed HTTP answers to errors, with pure functions.

Knows the four shapes of error bodies, and the definite answers to a write. Sends nothing.
Source: Kalshi API, errors.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from kalshi_trading.core.errors import (
    AuthenticationError,
    ConflictError,
    ForbiddenError,
    KalshiAPIError,
    NotFoundError,
    OutcomeUnknownError,
    RateLimitError,
    UnavailableError,
)
from kalshi_trading.core.text import sanitize
from kalshi_trading.exchange.http.error_advice import next_step

_LONGEST_EXCERPT = 200
NOT_FOUND = 404
CONFLICT = 409
TOO_MANY_REQUESTS = 429
DEFINITE_REFUSALS = frozenset({400, 401, 403, 404, 410, 422, TOO_MANY_REQUESTS})
"""Write statuses that, with the exchange's nested error body, prove that nothing was done."""
DEFINITE_CONFLICTS = frozenset(
    {
        "trading_is_paused",
        "exchange_is_paused",
        "market_closed",
        "fill_or_kill_insufficient_resting_volume",
    }
)
"""Codes of a 409 that prove that nothing was done. With any other code the order may have arrived before."""
RETRYABLE_READS = frozenset({408, 425, TOO_MANY_REQUESTS, 500, 502, 503, 504})
TIMESTAMP_EXPIRED = "header_timestamp_expired"


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer. `body` is the parsed JSON. None: it was not JSON."""

    status: int
    body: object
    text: str


@dataclass(frozen=True, slots=True)
class ErrorBody:
    """The exchange's own error text, sanitized and shortened."""

    code: str | None
    message: str
    details: str | None

    def __str__(self) -> str:
        parts = [part for part in (self.code, self.message, self.details) if part]
        unlike = [
            part for index, part in enumerate(parts) if _letters(part) not in map(_letters, parts[:index])
        ]
        return ": ".join(unlike) or "no explanation"


def _letters(text: str) -> str:
    return text.lower().replace("_", " ")


def read_error(answer: Answer) -> ErrorBody:
    """Read any of the four error shapes, or an excerpt of any other body."""
    body = answer.body
    if isinstance(body, Mapping):
        error = body.get("error")
        if isinstance(error, Mapping):
            return _from_object(error)
        if isinstance(error, str):
            return ErrorBody(None, _excerpt(error), None)
        if isinstance(body.get("code"), str) or isinstance(body.get("message"), str):
            return _from_object(body)
        if isinstance(body.get("msg"), str):
            return ErrorBody(None, _excerpt(body["msg"]), None)
    return ErrorBody(None, _excerpt(answer.text), None)


def _from_object(error: Mapping[str, object]) -> ErrorBody:
    code, message, details = (
        _excerpt(value) if isinstance(value, str) and value else None
        for value in (error.get("code"), error.get("message"), error.get("details"))
    )
    return ErrorBody(code, message or "", details)


def _excerpt(text: str) -> str:
    text = sanitize(text[: _LONGEST_EXCERPT + 1]).strip()
    return text if len(text) <= _LONGEST_EXCERPT else text[:_LONGEST_EXCERPT] + "…"


def error_for_read(answer: Answer, path: str) -> KalshiAPIError | None:
    """Return the error of the answer to a read of `path`. None: success."""
    if answer.status == 200 and isinstance(answer.body, Mapping):
        return None
    if 200 <= answer.status < 400:
        return UnavailableError(
            f"This answer is not from the exchange (HTTP {answer.status}). Check network and API address.",
            status=answer.status,
        )
    return _refusal(answer, f" for {sanitize(path)}" if answer.status == NOT_FOUND else "")


def error_for_write(answer: Answer) -> KalshiAPIError | None:
    """Return the error of a write's answer. None: success with a JSON body.

    Only answers that `_is_definite` accepts are refusals. All others leave the outcome unknown: 408, 5xx,
    redirects, bodies a gateway may have written, an unreadable success.
    """
    if answer.status in (200, 201) and isinstance(answer.body, Mapping) and "error" not in answer.body:
        return None
    words = read_error(answer)
    if _is_definite(answer):
        return _refusal(answer)
    return OutcomeUnknownError(
        f"The exchange's answer is unclear: {words} (HTTP {answer.status}). It may have acted.",
        status=answer.status,
        code=words.code,
    )


def _is_definite(answer: Answer) -> bool:
    """Return True if the exchange itself reports that it did nothing.

    Source: Kalshi API, error body shapes and the statuses seen with them.
    """
    body = answer.body
    if not isinstance(body, Mapping):
        return False
    error = body.get("error")
    if isinstance(error, Mapping):
        code = error.get("code")
        if not isinstance(code, str) or not code:
            return False
        return answer.status in DEFINITE_REFUSALS or (
            answer.status == CONFLICT and code in DEFINITE_CONFLICTS
        )
    if isinstance(error, str):
        return answer.status == TOO_MANY_REQUESTS and bool(error)
    words = body.get("code"), body.get("message")
    is_flat = error is None and all(isinstance(word, str) and word for word in words)
    return is_flat and answer.status == 400


def _refusal(answer: Answer, asked: str = "") -> KalshiAPIError:
    words = read_error(answer)
    kind = {
        401: AuthenticationError,
        403: ForbiddenError,
        NOT_FOUND: NotFoundError,
        CONFLICT: ConflictError,
        TOO_MANY_REQUESTS: RateLimitError,
    }.get(answer.status, UnavailableError if answer.status in RETRYABLE_READS else KalshiAPIError)
    said = "reports an error" if kind is UnavailableError else "rejected the request"
    step = next_step(answer.status, words.code, str(words))
    return kind(
        f"The exchange {said}{asked}: {words} (HTTP {answer.status}). {step}",
        status=answer.status,
        code=words.code,
    )
