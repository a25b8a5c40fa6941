"""Token buckets that keep requests below the exchange's rate limits.

Each account has three buckets: write, balance, and read for everything else. A fifth of the write bucket is
reserved for cancels. Knows costs and times. Sends nothing. Source: Kalshi API, rate limits.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from dataclasses import dataclass

from kalshi_trading.core.errors import RateLimitError
from kalshi_trading.core.records.exchange import AccountLimits, EndpointCosts, TokenBucketLimit

# Limits of every account seen so far, used until the exchange reports this account's own.
DEFAULT_LIMITS = AccountLimits("unknown", TokenBucketLimit(200, 200), TokenBucketLimit(100, 100))
DEFAULT_COSTS = EndpointCosts(10, (("DELETE", "/trade-api/v2/portfolio/events/orders/:order_id", 2),))
CANCEL_SHARE_PERCENT = 20
_BALANCE = "/portfolio/balance"
_FAST_TIERS = frozenset({"expert", "premier", "paragon", "prime", "prestige"})
_BALANCE_COST = 100  # tokens per read
_BALANCE_REFILL = 90
"""Tokens per second for each read a second.

A tenth slower than allowed: without a burst, two requests must never arrive too close.
"""
_WORD = re.compile(r"[a-z_]{2,}", re.ASCII)  # a path segment in this form is a word, not an id
_SHORTEST_WAIT_S = 0.001  # a shorter wait may not show on the clock


@dataclass(slots=True)
class _Bucket:
    limit: TokenBucketLimit
    tokens: float
    filled_at: float

    def refill(self, now: float) -> None:
        gained = (now - self.filled_at) * self.limit.refill_rate
        self.tokens = min(self.limit.bucket_capacity, self.tokens + max(0.0, gained))
        self.filled_at = now

    def set_limit(self, limit: TokenBucketLimit, now: float) -> None:
        """Change the limit. Extra capacity is earned by refilling, not granted."""
        self.refill(now)
        self.limit, self.tokens = limit, min(self.tokens, limit.bucket_capacity)


class RateLimiter:
    """Wait until a request fits the rate limits.

    Safe to share between threads. Times are monotonic seconds.
    """

    def __init__(self, *, clock: Callable[[], float], sleep: Callable[[float], None]) -> None:
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._costs = DEFAULT_COSTS
        self._read, self._write, self._balance = (
            _Bucket(limit, limit.bucket_capacity, clock()) for limit in _limits_of(DEFAULT_LIMITS)
        )

    def configure(self, limits: AccountLimits | None, costs: EndpointCosts | None) -> None:
        """Use this account's limits and costs. None: keep the current ones."""
        with self._lock:
            if limits is not None:
                buckets = self._read, self._write, self._balance
                for bucket, limit in zip(buckets, _limits_of(limits), strict=True):
                    bucket.set_limit(limit, self._clock())
            if costs is not None:
                self._costs = costs

    def mark_empty(self, method: str, path: str) -> None:
        """Empty the request's bucket after a 429; another program may share it."""
        with self._lock:
            bucket = self._bucket(method, path)
            bucket.refill(self._clock())
            bucket.tokens = min(0.0, bucket.tokens)

    def cost(self, method: str, path: str) -> int:
        """Return the tokens a request to this full path costs in its bucket."""
        if self._bucket(method, path) is self._balance:
            return _BALANCE_COST
        for known_method, template, cost in self._costs.exceptions:
            if known_method == method and _matches(template, path):
                return cost
        return self._costs.default_cost

    def acquire(self, method: str, path: str, *, within_s: float) -> None:
        """Take the tokens for one signed request, waiting at most `within_s`.

        Raises RateLimitError, before anything is sent, if the wait would be longer.
        """
        cost = self.cost(method, path)
        deadline = self._clock() + within_s
        while (wait := self._try_acquire(method, path, cost)) > 0:
            if self._clock() + wait > deadline:
                raise RateLimitError("Too many requests. This one was not sent; try again shortly.")
            self._sleep(wait)

    def _bucket(self, method: str, path: str) -> _Bucket:
        if method != "GET":
            return self._write
        return self._balance if path.endswith(_BALANCE) else self._read

    def _try_acquire(self, method: str, path: str, cost: int) -> float:
        """Take the tokens and return 0, or return the seconds to wait for them."""
        with self._lock:
            bucket = self._bucket(method, path)
            bucket.refill(self._clock())
            capacity = bucket.limit.bucket_capacity
            kept = 0 if method in ("GET", "DELETE") else capacity * CANCEL_SHARE_PERCENT // 100
            needed = min(cost + kept, capacity)
            if bucket.tokens >= needed:
                bucket.tokens -= cost
                return 0.0
            return max(_SHORTEST_WAIT_S, (needed - bucket.tokens) / max(1, bucket.limit.refill_rate))


def _limits_of(limits: AccountLimits) -> tuple[TokenBucketLimit, TokenBucketLimit, TokenBucketLimit]:
    """Return the limits for read, write and balance.

    The exchange reports no limit for the balance: its tier allows 1 or 5 calls a second, without a burst.
    """
    calls = 5 if limits.usage_tier in _FAST_TIERS else 1
    balance = TokenBucketLimit(calls * _BALANCE_REFILL, calls * _BALANCE_COST)
    return limits.read, limits.write, balance


def _matches(template: str, path: str) -> bool:
    """Compare paths by segment.

    `:order_id` matches an id, never a word such as `queue_positions`.
    """
    expected, actual = template.split("/"), path.split("/")
    return len(expected) == len(actual) and all(
        part == given or (part.startswith(":") and not _WORD.fullmatch(given))
        for part, given in zip(expected, actual, strict=True)
    )
