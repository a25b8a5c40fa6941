"""Token buckets that limit an account's requests by endpoint cost.

Only authenticated requests are charged. Refill is continuous. A request passes if its bucket holds its cost.
Source: Kalshi API, rate limits.
"""

from __future__ import annotations

from dataclasses import dataclass

from kalshi_trading.practice.records import ONE_SECOND

TIER = "advanced"
REFILL_RATE = 300  # tokens per second, the same for reads and writes
CAPACITY = 900
DEFAULT_COST = 10

_ROOT = "/trade-api/v2"
COSTS: tuple[tuple[str, str, int], ...] = (
    ("DELETE", "/portfolio/events/orders", 2),
    ("DELETE", "/portfolio/events/orders/:order_id", 2),
    ("DELETE", "/portfolio/events/orders/batched", 2),
    ("GET", "/portfolio/orders/:order_id", 2),
    ("POST", "/account/api_usage_level/upgrade", 30),
)


@dataclass(slots=True)
class _Bucket:
    """A token bucket in millionths of a token.

    Refilling by the microsecond therefore needs no fractions.
    """

    tokens: int
    filled_at: int

    def take(self, cost: int, now: int) -> bool:
        elapsed = max(0, now - self.filled_at)
        self.tokens = min(CAPACITY * ONE_SECOND, self.tokens + elapsed * REFILL_RATE)
        self.filled_at = now
        if self.tokens < cost * ONE_SECOND:
            return False
        self.tokens -= cost * ONE_SECOND
        return True


class Buckets:
    """A read and a write bucket for each account."""

    def __init__(self) -> None:
        self._buckets: dict[tuple[str, bool], _Bucket] = {}
        self._balance_read_at: dict[str, int] = {}

    def take(self, account_id: str, cost: int, now: int, *, write: bool) -> bool:
        """Charge a request; return False if the bucket holds too few tokens."""
        full = _Bucket(CAPACITY * ONE_SECOND, now)
        return self._buckets.setdefault((account_id, write), full).take(cost, now)

    def take_balance(self, account_id: str, now: int) -> bool:
        """Charge a read of the balance; return False within a second of the last."""
        last = self._balance_read_at.get(account_id)
        if last is not None and now - last < ONE_SECOND:
            return False
        self._balance_read_at[account_id] = now
        return True


def cost_of(method: str, template: str) -> int:
    """Return an endpoint's cost in tokens.

    `template` is a route such as `/portfolio/orders/{order_id}`.
    """
    path = template.replace("{", ":").replace("}", "")
    return next((cost for verb, known, cost in COSTS if (verb, known) == (method, path)), DEFAULT_COST)


def limits() -> dict[str, object]:
    """Return the JSON of /account/limits."""
    bucket = {"refill_rate": REFILL_RATE, "bucket_capacity": CAPACITY}
    grant = {"exchange_instance": "event_contract", "level": TIER, "source": "manual"}
    return {"usage_tier": TIER, "read": bucket, "write": bucket, "grants": [grant]}


def endpoint_costs() -> dict[str, object]:
    """Return the JSON of /account/endpoint_costs."""
    rows = [{"method": verb, "path": _ROOT + path, "cost": cost} for verb, path, cost in COSTS]
    return {"default_cost": DEFAULT_COST, "endpoint_costs": rows}
