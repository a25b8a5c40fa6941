"""Test the rate limiter: never above the limits, with room for a cancel."""

from __future__ import annotations

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kalshi_trading.core.errors import RateLimitError
from kalshi_trading.core.records.exchange import AccountLimits, EndpointCosts, TokenBucketLimit
from kalshi_trading.exchange.http.rate_limiter import RateLimiter

ORDERS = "/trade-api/v2/portfolio/events/orders"
ONE_ORDER = f"{ORDERS}/a1c5e7d2-1111"
BALANCE = "/trade-api/v2/portfolio/balance"
READ = "/trade-api/v2/portfolio/positions"


class Clock:
    """A clock that advances only by `sleep` or by setting `now`."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.now += seconds


class Bucket:
    """The exchange's own token bucket: it decides what is refused."""

    def __init__(self, rate: int, capacity: int, now: float) -> None:
        self.rate, self.capacity, self.tokens, self.at = rate, capacity, float(capacity), now

    def takes(self, cost: int, now: float) -> bool:
        self.tokens = min(self.capacity, self.tokens + (now - self.at) * self.rate)
        self.at = now
        self.tokens -= cost
        return self.tokens > -1e-6


def limits(read: tuple[int, int], write: tuple[int, int], tier: str = "basic") -> AccountLimits:
    return AccountLimits(tier, TokenBucketLimit(*read), TokenBucketLimit(*write))


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def budget(clock):
    return RateLimiter(clock=clock, sleep=clock.sleep)


@pytest.mark.parametrize(("method", "other"), [("GET", "POST"), ("POST", "GET")])
def test_what_the_exchange_says_is_spent_is_waited_for_and_no_other_bucket_with_it(
    clock, budget, method, other
):
    budget.configure(limits((200, 200), (100, 100)), EndpointCosts(10, ()))
    budget.mark_empty(method, READ)
    begun = clock.now
    budget.acquire(other, READ, within_s=0)
    assert clock.now == begun
    budget.acquire(method, READ, within_s=5)
    assert clock.now - begun == pytest.approx(
        0.05 if method == "GET" else 0.3, abs=0.002
    )  # a fifth is reserved for cancels
    budget.mark_empty("DELETE", ONE_ORDER)
    budget.mark_empty("DELETE", ONE_ORDER)  # a second call adds no debt
    begun = clock.now
    budget.acquire("DELETE", ONE_ORDER, within_s=5)
    assert clock.now - begun == pytest.approx(0.1, abs=0.002)


def take_all(budget, method, path):
    """Acquire until a wait would be needed, and return the number acquired."""
    for taken in range(10_000):
        try:
            budget.acquire(method, path, within_s=0)
        except RateLimitError:
            return taken
    raise AssertionError("the budget has no end")


requests = st.lists(
    st.tuples(
        st.sampled_from([("GET", READ), ("GET", BALANCE), ("POST", ORDERS), ("DELETE", ONE_ORDER)]),
        st.floats(0, 0.5),
    ),
    max_size=60,
)


TIERS = {
    "basic": 1,
    "advanced": 1,
    "expert": 5,
    "premier": 5,
    "paragon": 5,
    "prime": 5,
    "prestige": 5,
    "?": 1,
}
"""Balance reads per second by tier; 1 for a tier that is not known."""


@given(
    requests=requests,
    read=st.tuples(st.integers(10, 400), st.integers(10, 900)),
    tier=st.sampled_from(sorted(TIERS)),
)
def test_no_sequence_of_requests_ever_meets_a_refusal(requests, read, tier):
    clock = Clock()
    budget = RateLimiter(clock=clock, sleep=clock.sleep)
    budget.configure(limits(read, (50, 60), tier), None)
    # configure() adds no tokens, so wait until the buckets are full, like the exchange's.
    clock.sleep(100)
    calls = TIERS[tier]
    reads, writes, balances = (
        Bucket(rate, capacity, clock.now) for rate, capacity in (read, (50, 60), (calls, calls))
    )
    for (method, path), pause in requests:
        clock.now += pause
        budget.acquire(method, path, within_s=60)
        if path == BALANCE:
            assert balances.takes(1, clock.now)
        else:
            bucket = reads if method == "GET" else writes
            assert bucket.takes(budget.cost(method, path), clock.now)


@pytest.mark.parametrize(("tier", "calls"), TIERS.items())
def test_the_balance_has_a_bucket_of_its_own_by_tier(budget, clock, tier, calls):
    take_all(budget, "GET", READ)
    budget.configure(limits((200, 200), (100, 100), tier), None)
    clock.sleep(60)
    assert take_all(budget, "GET", BALANCE) == calls  # no more than one second's worth
    assert take_all(budget, "GET", READ) == 20
    begun = clock.now
    budget.acquire("GET", BALANCE, within_s=2)
    assert 1 / calls < clock.now - begun < 1.2 / calls  # with a margin for two requests that travel unevenly


def test_a_refused_balance_read_empties_no_other_bucket(budget, clock):
    budget.mark_empty("GET", BALANCE)
    assert take_all(budget, "GET", BALANCE) == 0
    assert take_all(budget, "GET", READ) == 20
    clock.sleep(2)
    budget.mark_empty("GET", READ)
    assert take_all(budget, "GET", READ) == 0
    assert take_all(budget, "GET", BALANCE) == 1


def test_a_full_bucket_answers_at_once_and_then_at_the_refill_rate(budget, clock):
    started = clock.now
    for _ in range(20):
        budget.acquire("GET", READ, within_s=0)
    assert clock.now == started
    for _ in range(40):
        budget.acquire("GET", READ, within_s=1)
    assert clock.now - started == pytest.approx(2, abs=0.05)


def test_reads_and_writes_have_buckets_of_their_own(budget):
    assert take_all(budget, "GET", READ) == 20
    assert take_all(budget, "POST", ORDERS) == 8


def test_orders_leave_a_fifth_of_the_bucket_to_cancels(budget):
    take_all(budget, "POST", ORDERS)
    assert take_all(budget, "DELETE", ONE_ORDER) == 10  # 20 tokens, 2 each


def test_a_wait_that_is_too_long_is_refused_before_anything_is_sent(budget, clock):
    take_all(budget, "POST", ORDERS)
    started = clock.now
    with pytest.raises(RateLimitError, match="not sent"):
        budget.acquire("POST", ORDERS, within_s=0.05)
    assert clock.now == started
    budget.acquire("POST", ORDERS, within_s=0.2)
    assert clock.now - started == pytest.approx(0.1)


def test_the_exchanges_own_costs_are_adopted(budget):
    assert budget.cost("DELETE", ONE_ORDER) == 2
    assert budget.cost("GET", f"{ORDERS}/x") == 10
    budget.configure(None, EndpointCosts(7, (("GET", "/trade-api/v2/portfolio/orders/:order_id", 3),)))
    assert budget.cost("GET", "/trade-api/v2/portfolio/orders/a1") == 3
    assert budget.cost("GET", "/trade-api/v2/portfolio/orders/a1/queue_position") == 7
    assert budget.cost("DELETE", "/trade-api/v2/portfolio/orders/a1") == 7
    assert budget.cost("DELETE", ONE_ORDER) == 7


def test_a_template_for_one_order_is_not_for_what_is_named_beside_the_orders(budget):
    orders = "/trade-api/v2/portfolio/orders"
    budget.configure(None, EndpointCosts(10, (("GET", f"{orders}/:order_id", 2),)))
    assert budget.cost("GET", f"{orders}/{ONE_ORDER.rpartition('/')[2]}") == 2
    assert budget.cost("GET", f"{orders}/queue_positions") == 10
    assert budget.cost("DELETE", f"{ORDERS}/batched") == 10
    budget.configure(
        None, EndpointCosts(10, (("DELETE", f"{ORDERS}/:id", 2), ("DELETE", f"{ORDERS}/batched", 7)))
    )
    assert budget.cost("DELETE", f"{ORDERS}/batched") == 7


def test_larger_limits_are_adopted_and_spent_from(budget, clock):
    budget.configure(limits((300, 900), (300, 900)), None)
    clock.sleep(3)
    assert take_all(budget, "GET", READ) == 90
    assert take_all(budget, "POST", ORDERS) == 72


def test_learning_the_limits_gives_back_nothing_that_was_spent(budget):
    take_all(budget, "GET", READ)
    budget.configure(limits((200, 200), (100, 100)), None)
    assert take_all(budget, "GET", READ) == 0


@pytest.mark.parametrize("capacity", [200, 600, 10_000])
def test_learning_the_limits_refills_nothing_that_the_exchange_said_is_spent(budget, clock, capacity):
    budget.mark_empty("GET", READ)
    budget.configure(limits((200, capacity), (100, capacity)), None)
    assert take_all(budget, "GET", READ) == 0
    clock.sleep(0.5)
    assert take_all(budget, "GET", READ) == 10


@given(read=st.tuples(st.integers(0, 900), st.integers(0, 900)), spent=st.integers(0, 20))
def test_learning_the_limits_never_adds_to_what_is_there(read, spent):
    clock = Clock()
    budget = RateLimiter(clock=clock, sleep=clock.sleep)
    for _ in range(spent):
        budget.acquire("GET", READ, within_s=0)
    budget.configure(limits(read, (100, 100)), None)
    if read[1] >= 10:
        assert take_all(budget, "GET", READ) == min(200 - 10 * spent, read[1]) // 10


def test_smaller_limits_are_kept_at_once(budget, clock):
    take_all(budget, "GET", READ)
    budget.configure(limits((10, 20), (10, 20)), None)
    clock.sleep(60)
    assert take_all(budget, "GET", READ) == 2


@pytest.mark.parametrize("bucket", [(0, 0), (0, 5), (5, 0), (-3, -7)])
def test_limits_that_make_no_sense_neither_hang_nor_break(budget, clock, bucket):
    budget.configure(limits(bucket, bucket), None)
    begun = clock.now
    for method, path in (("GET", READ), ("POST", ORDERS), ("DELETE", ONE_ORDER)):
        for _ in range(3):
            try:
                budget.acquire(method, path, within_s=2)
            except RateLimitError:
                clock.sleep(1)
    assert clock.now - begun <= 9 * (2 + 1)


def test_threads_together_take_no_more_than_the_bucket_holds(budget):
    taken = []

    def take() -> None:
        for _ in range(10):
            try:
                budget.acquire("GET", READ, within_s=0)
            except RateLimitError:
                return
            taken.append(1)

    threads = [threading.Thread(target=take) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(taken) == 20
