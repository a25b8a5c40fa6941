"""Send one HTTP request to the exchange: sign, send, time out, parse.

The only module that sends through `requests`. Repeats a read with jittered back-off, signed afresh each
time. Sends a write exactly once. Every call ends at its deadline, even if the answer drips one byte a
second. Never follows a redirect, never prints, never logs headers or bodies.
"""

from __future__ import annotations

import json
import logging
import math
import os
import queue
import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import urlsplit

from kalshi_trading.core.dates import utc_now
from kalshi_trading.core.errors import (
    KalshiAPIError,
    NotSentError,
    OutcomeUnknownError,
    RateLimitError,
    UnavailableError,
)
from kalshi_trading.exchange.http.answers import read_answer
from kalshi_trading.exchange.http.clock import ExchangeClock
from kalshi_trading.exchange.http.connection_errors import ConnectionFailure, connection_failure
from kalshi_trading.exchange.http.error_mapping import (
    RETRYABLE_READS,
    TIMESTAMP_EXPIRED,
    TOO_MANY_REQUESTS,
    Answer,
    error_for_read,
    error_for_write,
)
from kalshi_trading.exchange.http.rate_limiter import RateLimiter
from kalshi_trading.exchange.http.signing import sign
from kalshi_trading.exchange.http.workers import Workers, drained
from kalshi_trading.settings.behavior import ASSUMED
from kalshi_trading.settings.credentials import Credentials
from kalshi_trading.settings.environments import is_loopback

if TYPE_CHECKING:
    import requests

Query = Sequence[tuple[str, str]]
NETWORK = "Check the network."
_LOG = logging.getLogger("kalshi_trading.requests")  # method, path, status, duration; nothing else
_ORDER_WAIT_S = 1.5  # after this long the book behind the price is stale
_IDLE_LIMIT_S = 2.0  # never write on a connection the exchange may be closing


@dataclass(frozen=True, slots=True)
class Timing:
    """Timeouts and clock error in seconds, and the number of read retries."""

    connect_s: float = 3.0
    total_s: float = 12.0
    read_retries: int = 3
    rate_limit_retries: int = 5  # of a read after a 429
    first_pause_s: float = 0.25
    longest_pause_s: float = 5.0
    tolerated_skew_s: float = ASSUMED.tolerated_skew_s


@dataclass(slots=True)
class _Connection:
    session: requests.Session
    last_used_at: float = field(default=-math.inf)


@dataclass(frozen=True, slots=True)
class Request:
    """One request ready to send, signed or not."""

    method: str
    path: str
    query: Query
    body: object
    headers: Mapping[str, str]
    is_signed: bool


class _NotConnectedError(NotSentError):
    """No connection was made, so nothing was sent. `sentence` is the reason."""

    def __init__(self, failure: ConnectionFailure, remedy: str) -> None:
        why = f"{failure.cause}. {failure.remedy or remedy}"
        self.sentence = why[0].upper() + why[1:]
        super().__init__(f"{self.sentence} Nothing was sent.")
        self.is_lasting = failure.is_lasting


class Transport:
    """Send requests to one base URL with one key. Thread-safe."""

    def __init__(
        self,
        base_url: str,
        credentials: Credentials | None = None,
        *,
        timing: Timing | None = None,
        remedy: str = NETWORK,
        clock: Callable[[], datetime] = utc_now,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        on_no_connection: Callable[[str, Exception], object] = lambda sentence, error: None,
        on_answer: Callable[[str, str, Mapping[str, Any]], object] = lambda method, path, body: None,
    ) -> None:
        self._base_url = base_url.rstrip("/")
        self._root_path = urlsplit(self._base_url).path
        self._credentials = credentials
        self._timing = timing or Timing()
        self._remedy = remedy
        self._exchange_clock = ExchangeClock(clock, self._timing.tolerated_skew_s)
        self._monotonic, self._sleep = monotonic, sleep
        self._on_no_connection = on_no_connection
        self._on_answer = on_answer
        self._reported: str | None = None
        self._idle: queue.LifoQueue[_Connection] = queue.LifoQueue()
        self._workers = Workers()
        self.rate_limiter = RateLimiter(clock=monotonic, sleep=sleep)

    def close(self) -> None:
        """Close idle connections and threads. A later request opens new ones."""
        self._workers.end_idle()
        for connection in drained(self._idle):
            connection.session.close()

    def read(self, path: str, query: Query = (), *, signed: bool = True) -> Mapping[str, Any]:
        """GET one JSON object, with retries until the deadline.

        Retries on timeouts, 408 and 5xx and 429 as often as the timing says. Never changes anything. Raises
        KalshiAPIError (one of its children).
        """
        timing = self._timing
        deadline = self._monotonic() + timing.total_s
        limited: list[bool] = []  # for each failure: a 429
        while True:
            failure, retryable = self._read_once(path, query, signed, deadline)
            if isinstance(failure, Mapping):
                return failure
            # Full jitter below a doubling bound: the exchange names no time to wait.
            pause = random.uniform(0, min(timing.longest_pause_s, timing.first_pause_s * 2 ** len(limited)))
            limited.append(isinstance(failure, RateLimitError))
            is_spent = sum(limited) > timing.rate_limit_retries or limited.count(False) > timing.read_retries
            if not retryable or is_spent or self._monotonic() + pause >= deadline:
                raise failure
            self._sleep(pause)

    def _read_once(
        self, path: str, query: Query, signed: bool, deadline: float
    ) -> tuple[Mapping[str, Any] | KalshiAPIError, bool]:
        """Return the object, or the failure and whether a retry may help."""
        self._acquire_tokens("GET", path, signed=signed, within_s=deadline - self._monotonic())
        signed_with_s = self._exchange_clock.offset_s
        try:
            answer = self._round_trip(self._request("GET", path, query, None, signed=signed), deadline)
        except _NotConnectedError as failure:
            return _unavailable(failure.sentence, failure), not failure.is_lasting
        except OutcomeUnknownError as failure:
            sentence = f"{failure} Nothing was changed. Try again."
            return _unavailable(sentence, failure), True
        error = error_for_read(answer, path)
        if error is None:
            assert isinstance(answer.body, Mapping)
            self._on_answer("GET", path, answer.body)
            return answer.body, False
        if error.code == TIMESTAMP_EXPIRED and self._exchange_clock.resync(signed_with_s):
            return error, True
        return error, answer.status in RETRYABLE_READS

    @property
    def clock_skew_s(self) -> float | None:
        """Seconds this computer's clock is ahead of the exchange's.

        None: no time from the exchange yet.
        """
        return self._exchange_clock.skew_s

    @property
    def least_clock_skew_s(self) -> float | None:
        """The minimum seconds this computer's clock can be ahead.

        None: no time from the exchange yet.
        """
        return self._exchange_clock.least_skew_s

    def use_exchange_clock(self) -> float | None:
        """Sign by the exchange's clock; see `ExchangeClock.apply_offset`."""
        return self._exchange_clock.apply_offset()

    def write(
        self,
        method: str,
        path: str,
        query: Query = (),
        body: object = None,
        *,
        before_sending: Callable[[], None] = lambda: None,
    ) -> Mapping[str, Any]:
        """Send one write exactly once and return the JSON object of its success.

        `before_sending` is called once the request is signed. If it raises, nothing is sent and the error
        propagates. If the process sleeps after that for longer than the exchange's window, the signature is
        outdated.

        Raises NotSentError if the write provably never left. Raises OutcomeUnknownError if the exchange may
        have acted. Raises another KalshiAPIError if it definitely refused.
        """
        # A cancel may wait longer: it has no price that can go stale.
        timeout_s = self._timing.total_s if method == "DELETE" else _ORDER_WAIT_S
        try:
            self._acquire_tokens(method, path, signed=True, within_s=min(timeout_s, self._timing.total_s))
        except RateLimitError as refusal:
            raise NotSentError("Too many requests. Nothing was sent; try again shortly.") from refusal
        request = self._request(method, path, query, body, signed=True)
        before_sending()
        # Start the deadline here: waiting for the rate limit must not shorten the time for the answer.
        deadline = self._monotonic() + self._timing.total_s
        answer = self._round_trip(request, deadline)
        error = error_for_write(answer)
        if error is not None:
            raise error
        assert isinstance(answer.body, Mapping)
        self._on_answer(method, path, answer.body)
        return answer.body

    def _acquire_tokens(self, method: str, path: str, *, signed: bool, within_s: float) -> None:
        if signed and self._credentials is not None:
            self.rate_limiter.acquire(method, self._root_path + path, within_s=within_s)

    def _round_trip(self, request: Request, deadline: float) -> Answer:
        """Send one request and wait for its whole answer until the deadline.

        Runs in a separate thread, because no socket timeout bounds an answer that keeps dripping. At the
        deadline we abandon that thread.
        """
        results: queue.SimpleQueue[Answer | BaseException] = queue.SimpleQueue()

        def work() -> None:
            try:
                results.put(self._send(request, deadline))
            except BaseException as error:  # noqa: BLE001  (passed on to the caller's thread)
                results.put(error)

        started_at = self._monotonic()
        self._workers.run(work)
        try:
            result = results.get(timeout=max(0.0, deadline - started_at) + 0.05)
        except queue.Empty:
            result = OutcomeUnknownError("The exchange did not answer in time.")
        status = result.status if isinstance(result, Answer) else type(result).__name__
        took_ms = (self._monotonic() - started_at) * 1000
        _LOG.info("%s %s %s %d ms", request.method, request.path, status, took_ms)
        self._report(result)
        if isinstance(result, BaseException):
            raise result
        if request.is_signed and result.status == TOO_MANY_REQUESTS:
            self.rate_limiter.mark_empty(request.method, request.path)
        return result

    def _report(self, result: Answer | BaseException) -> None:
        """Report a connection failure once, until an answer or another failure."""
        if isinstance(result, Answer):
            self._reported = None
        elif isinstance(result, _NotConnectedError) and result.sentence != self._reported:
            self._reported = result.sentence
            self._on_no_connection(result.sentence, result)

    def _send(self, request: Request, deadline: float) -> Answer:
        connection = self._borrow(fresh_only=request.method != "GET")
        left_s = max(0.05, deadline - self._monotonic())
        try:
            response = connection.session.request(
                request.method,
                self._base_url + request.path,
                params=list(request.query),
                data=None if request.body is None else json.dumps(request.body),
                headers=request.headers,
                timeout=(min(self._timing.connect_s, left_s), left_s),
                allow_redirects=False,
                stream=True,
            )
            if request.is_signed:  # a cache may answer unsigned requests, with an older date
                self._exchange_clock.observe(response.headers, response.elapsed.total_seconds())
            answer = read_answer(response, deadline, self._monotonic)
        except OutcomeUnknownError:
            connection.session.close()
            raise
        except Exception as error:  # noqa: BLE001  (always raised again as one of our errors)
            connection.session.close()
            self._raise_unanswered(error)
        connection.last_used_at = self._monotonic()
        self._idle.put(connection)
        return answer

    def _raise_unanswered(self, error: Exception) -> NoReturn:
        """Raise NotSentError if the request provably never left.

        Otherwise raise OutcomeUnknownError.
        """
        scheme = urlsplit(self._base_url).scheme
        failure = connection_failure(error, scheme=scheme, environ=os.environ)
        if failure is None:
            raise OutcomeUnknownError("The exchange's answer was cut off.") from error
        raise _NotConnectedError(failure, self._remedy) from failure.error

    def _request(self, method: str, path: str, query: Query, body: object, *, signed: bool) -> Request:
        """Build a request and sign it with the current time."""
        headers = {"Accept": "application/json", "Content-Type": "application/json"}
        is_signed = signed and self._credentials is not None
        if signed and self._credentials is not None:
            now_ms = self._exchange_clock.signing_time_ms()
            headers |= sign(self._credentials, method, self._root_path + path, now_ms)
        return Request(method, path, query, body, headers, is_signed)

    def _borrow(self, *, fresh_only: bool) -> _Connection:
        """Return an idle connection or a new one; a write needs a fresh one."""
        while True:
            try:
                connection = self._idle.get_nowait()
            except queue.Empty:
                return _Connection(_new_session(self._base_url))
            if not fresh_only or self._monotonic() - connection.last_used_at < _IDLE_LIMIT_S:
                return connection
            connection.session.close()


def _new_session(base_url: str) -> requests.Session:
    import requests

    session = requests.Session()
    session.auth = _no_other_authentication
    if is_loopback(base_url):
        session.trust_env = False  # no proxy between two programs on one computer
    return session


def _no_other_authentication(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Return the request unchanged.

    This keeps `requests` from adding a password from .netrc to a signed request.
    """
    return request


def _unavailable(sentence: str, cause: Exception) -> UnavailableError:
    error = UnavailableError(sentence)
    error.__cause__ = cause
    return error
