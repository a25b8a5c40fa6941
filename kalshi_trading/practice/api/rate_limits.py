"""Token buckets that limit an account's requests by endpoint cost.

Only authenticated requests are charged. Refill is continuous. A request passes if its bucket holds its cost.
The balance has a bucket of its own: one read per second, without a burst.
Source: Kalshi API, rate limits.
"""

from __future__ import annotations

from dataclasses import dataclass

from kalshi_trading.practice.records import ONE_SECOND

TIER = "advanced"
REFILL_RATE = 300  # tokens per second, the same for reads and writes
CAPACITY = 900
DEFAULT_COST = 10
BALANCE_PATH = "/portfolio/balance"
BALANCE_RATE = DEFAULT_COST  # one read per second, which is also all that its bucket holds

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

    rate: int
    capacity: int
    tokens: int
    filled_at: int

    def take(self, cost: int, now: int) -> bool:
        elapsed = max(0, now - self.filled_at)
        self.tokens = min(self.capacity * ONE_SECOND, self.tokens + elapsed * self.rate)
        self.filled_at = now
        if self.tokens < cost * ONE_SECOND:
            return False
        self.tokens -= cost * ONE_SECOND
        return True


class Buckets:
    """The write, read and balance buckets of each account."""

    def __init__(self) -> None:
        self._buckets: dict[tuple[str, str], _Bucket] = {}

    def take(self, account_id: str, method: str, template: str, now: int, *, own_balance: bool) -> bool:
        """Charge a request; return False if its bucket holds too few tokens.

        Without `own_balance`, balance reads are charged to the read bucket.
        """
        name, rate, capacity = "write", REFILL_RATE, CAPACITY
        if method == "GET":
            name = "read"
            if own_balance and template == BALANCE_PATH:
                name, rate, capacity = "balance", BALANCE_RATE, BALANCE_RATE
        full = _Bucket(rate, capacity, capacity * ONE_SECOND, now)
        bucket = self._buckets.setdefault((account_id, name), full)
        return bucket.take(cost_of(method, template), now)


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
