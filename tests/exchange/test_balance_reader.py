"""Test the shared balance: one request for all, never older than a write."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path

import pytest
from exchange_process import ExchangeProcess, running_exchange
from hypothesis import given
from hypothesis import strategies as st
from model_factory import NOW

from kalshi_trading.core.errors import UnavailableError
from kalshi_trading.core.models import Action, Balance, OrderRequest, Side, TimeInForce
from kalshi_trading.exchange.balance_reader import BalanceReader

LONGEST_S = 60


class Exchange:
    """An account whose cash changes; a request may be held on its way.

    A held request has already read the cash: its answer is as old as its beginning.
    """

    def __init__(self) -> None:
        self.now = 1000.0
        self.cash = 0
        self.requests = 0
        self.error: BaseException | None = None
        self.arrived = threading.Semaphore(0)
        self.let_go = threading.Semaphore(0)
        self.holds = False

    def request(self) -> Balance:
        self.requests += 1
        cash = Decimal(self.cash)
        if self.holds:
            self.arrived.release()
            assert self.let_go.acquire(timeout=LONGEST_S)
        if self.error is not None:
            raise self.error
        return Balance(cash, Decimal(0), NOW, ())

    def reader(self) -> BalanceReader:
        return BalanceReader(self.request, monotonic=lambda: self.now)


@pytest.fixture
def exchange() -> Exchange:
    return Exchange()


def test_a_balance_younger_than_a_second_is_returned_again(exchange: Exchange) -> None:
    reader = exchange.reader()
    first = reader.read()
    exchange.cash, exchange.now = 5, exchange.now + 0.75
    second = reader.read()
    assert second == first
    exchange.now += 0.25
    assert (reader.read().cash, exchange.requests) == (5, 2)


def test_after_a_write_and_for_a_fresh_read_nothing_older_counts(exchange: Exchange) -> None:
    reader = exchange.reader()
    reader.read()
    reader.expire()
    exchange.cash = 1
    assert reader.read().cash == 1
    exchange.cash = 2
    assert reader.read().cash == 1
    assert reader.read(fresh=True).cash == 2
    assert reader.read().cash == 2
    assert exchange.requests == 3


def test_callers_at_the_same_time_share_one_request(exchange: Exchange) -> None:
    exchange.holds, reader = True, exchange.reader()
    with ThreadPoolExecutor(8) as pool:
        reads = [pool.submit(reader.read) for _ in range(8)]
        assert exchange.arrived.acquire(timeout=LONGEST_S)
        exchange.let_go.release(2)
        assert {read.result(LONGEST_S).cash for read in reads} == {0}
    assert exchange.requests == 1


@pytest.mark.parametrize("fresh", [True, False])
def test_a_request_on_its_way_does_not_answer_a_read_after_a_write(exchange: Exchange, fresh: bool) -> None:
    exchange.holds, reader = True, exchange.reader()
    with ThreadPoolExecutor(2) as pool:
        before = pool.submit(reader.read)
        assert exchange.arrived.acquire(timeout=LONGEST_S)
        exchange.cash = 7  # an order is filled while the request is on its way
        if not fresh:
            reader.expire()
        after = pool.submit(reader.read, fresh=fresh)
        exchange.let_go.release(2)
        assert before.result(LONGEST_S).cash == 0
        assert after.result(LONGEST_S).cash == 7
    assert exchange.requests == 2


def test_an_answer_from_before_a_write_is_not_kept(exchange: Exchange) -> None:
    exchange.holds, reader = True, exchange.reader()
    with ThreadPoolExecutor(1) as pool:
        before = pool.submit(reader.read)
        assert exchange.arrived.acquire(timeout=LONGEST_S)
        exchange.cash = 7
        reader.expire()
        exchange.let_go.release()
        before.result(LONGEST_S)
    exchange.holds = False
    assert reader.read().cash == 7


def test_an_error_reaches_every_caller_and_is_not_kept(exchange: Exchange) -> None:
    exchange.holds, exchange.error, reader = True, UnavailableError("Away."), exchange.reader()
    with ThreadPoolExecutor(1) as pool:
        leading = pool.submit(reader.read)
        assert exchange.arrived.acquire(timeout=LONGEST_S)
        exchange.let_go.release()
        with pytest.raises(UnavailableError):
            leading.result(LONGEST_S)
    exchange.holds, exchange.error = False, None
    assert (reader.read().cash, exchange.requests) == (0, 2)


def test_an_interrupted_reader_leaves_the_others_to_ask_again(exchange: Exchange) -> None:
    exchange.error, reader = KeyboardInterrupt(), exchange.reader()
    with pytest.raises(KeyboardInterrupt):
        reader.read()
    exchange.error = None
    assert reader.read().cash == 0


def test_an_interrupted_reader_wakes_those_who_share_its_request(exchange: Exchange) -> None:
    exchange.holds, reader = True, exchange.reader()
    with ThreadPoolExecutor(2) as threads:
        interrupted = threads.submit(reader.read)
        assert exchange.arrived.acquire(timeout=LONGEST_S)
        sharing = threads.submit(reader.read)
        time.sleep(0.1)  # it waits for the request by now
        exchange.error = KeyboardInterrupt()
        exchange.let_go.release()
        with pytest.raises(KeyboardInterrupt):
            interrupted.result(LONGEST_S)
        assert exchange.arrived.acquire(timeout=LONGEST_S), "it still waits"
        exchange.error = None
        exchange.let_go.release()
        assert sharing.result(LONGEST_S).cash == 0


@given(
    steps=st.lists(
        st.one_of(st.just("write"), st.just("read"), st.just("fresh"), st.floats(0, 1.5)), max_size=40
    )
)
def test_no_read_is_older_than_a_write_or_a_second(steps: list[object]) -> None:
    exchange = Exchange()
    reader, written, asked_at = exchange.reader(), 0, -1.0
    for number, step in enumerate(steps):
        exchange.cash = number  # it also changes without us
        if step == "write":
            reader.expire()
            written = number
        elif isinstance(step, float):
            exchange.now += step
        else:
            requests = exchange.requests
            balance = reader.read(fresh=step == "fresh")
            if exchange.requests > requests:
                asked_at = exchange.now
            assert balance.cash == number or step == "read"
            assert balance.cash >= written
            assert exchange.now - asked_at < 1


@pytest.fixture
def limited_exchange(tmp_path: Path) -> Iterator[ExchangeProcess]:
    """A practice exchange that allows one balance read per second."""
    with running_exchange(tmp_path / "exchange", "--still", "--markets", "20") as running:
        yield running


def test_parts_and_programs_share_the_balance_bucket_of_a_real_exchange(
    limited_exchange: ExchangeProcess,
) -> None:
    client = limited_exchange.client()
    client.load_limits()
    with ThreadPoolExecutor(6) as pool:
        parts = [pool.submit(client.get_balance) for _ in range(6)]
        (cash,) = {part.result(LONGEST_S).cash for part in parts}
    (ticker,) = limited_exchange.open_tickers(1)
    cent = OrderRequest(
        client_order_id=str(uuid.uuid4()),
        ticker=ticker,
        action=Action.BUY,
        side=Side.YES,
        count=Decimal(10),
        price=Decimal("0.01"),
        time_in_force=TimeInForce.GOOD_TILL_CANCELED,
    )
    order = client.send_order(cent)
    assert client.get_balance().cash < cash
    client.send_cancel(order.order_id, ticker=ticker)
    assert client.get_balance().cash == cash
    assert limited_exchange.client().get_balance().cash == cash  # another program, refused at first
