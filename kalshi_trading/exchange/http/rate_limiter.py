"""Token buckets that keep requests below the exchange's limits, so that it need not refuse them.

Two buckets per account, read and write; a fifth of the write bucket is kept for cancels. Knows costs
and times, sends nothing. Source: Kalshi API, rate limits.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from dataclasses import dataclass

from kalshi_trading.core.errors import RateLimitError
from kalshi_trading.core.market_models import (
    AccountLimits,
    EndpointCosts,
    TokenBucketLimit,
)

# What every account has had so far; replaced by what the exchange says about this one.
DEFAULT_LIMITS = AccountLimits("unknown", TokenBucketLimit(200, 200), TokenBucketLimit(100, 100))
DEFAULT_COSTS = EndpointCosts(10, (("DELETE", "/trade-api/v2/portfolio/events/orders/:order_id", 2),))
CANCEL_SHARE_PERCENT = 20
_WORD = re.compile(r"[a-z_]{2,}", re.ASCII)  # how the exchange spells what is no id
_SHORTEST_WAIT_S = 0.001  # no wait so small that the clock does not show it


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
        """Go on with another limit; what there is more room for comes with time, as after a drain."""
        self.refill(now)
        self.limit, self.tokens = limit, min(self.tokens, limit.bucket_capacity)


class RateLimiter:
    """Waits until a request fits the budget. Safe to share between threads; times are monotonic seconds."""

    def __init__(self, *, clock: Callable[[], float], sleep: Callable[[float], None]) -> None:
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._costs = DEFAULT_COSTS
        self._read, self._write = (
            _Bucket(limit, limit.bucket_capacity, clock())
            for limit in (DEFAULT_LIMITS.read, DEFAULT_LIMITS.write)
        )

    def configure(self, limits: AccountLimits | None, costs: EndpointCosts | None) -> None:
        """Adopt what the exchange says of this account; None keeps what is known."""
        with self._lock:
            if limits is not None:
                self._read.set_limit(limits.read, self._clock())
                self._write.set_limit(limits.write, self._clock())
            if costs is not None:
                self._costs = costs

    def mark_empty(self, method: str) -> None:
        """Take it that nothing is left, since the exchange says so: another program may spend it too."""
        with self._lock:
            bucket = self._bucket(method)
            bucket.refill(self._clock())
            bucket.tokens = min(0.0, bucket.tokens)

    def cost(self, method: str, path: str) -> int:
        """Give the tokens a request to this full path costs."""
        for known_method, template, cost in self._costs.exceptions:
            if known_method == method and _matches(template, path):
                return cost
        return self._costs.default_cost

    def acquire(self, method: str, path: str, *, within_s: float) -> None:
        """Take the tokens for one signed request, waiting for them at most `within_s` seconds.

        Raises RateLimitError, before anything is sent, when the wait would be longer.
        """
        cost = self.cost(method, path)
        deadline = self._clock() + within_s
        while (wait := self._try_acquire(method, cost)) > 0:
            if self._clock() + wait > deadline:
                raise RateLimitError("Too many requests. This one was not sent; try again shortly.")
            self._sleep(wait)

    def _bucket(self, method: str) -> _Bucket:
        return self._read if method == "GET" else self._write

    def _try_acquire(self, method: str, cost: int) -> float:
        """Take the tokens and return 0, or return the seconds until they will be there."""
        with self._lock:
            bucket = self._bucket(method)
            bucket.refill(self._clock())
            kept = (
                0
                if method in ("GET", "DELETE")
                else bucket.limit.bucket_capacity * CANCEL_SHARE_PERCENT // 100
            )
            needed = min(cost + kept, bucket.limit.bucket_capacity)
            if bucket.tokens >= needed:
                bucket.tokens -= cost
                return 0.0
            return max(_SHORTEST_WAIT_S, (needed - bucket.tokens) / max(1, bucket.limit.refill_rate))


def _matches(template: str, path: str) -> bool:
    """Compare part by part; `:order_id` stands for an id, never for a word such as `queue_positions`."""
    expected, actual = template.split("/"), path.split("/")
    return len(expected) == len(actual) and all(
        part == given or (part.startswith(":") and not _WORD.fullmatch(given))
        for part, given in zip(expected, actual, strict=True)
    )
