"""Each scripted fault has its effect on request, state and response."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import urlencode

import proof
import pytest
import requests
from exchange_process import end_process, running_exchange, start_process
from hypothesis import given, settings
from hypothesis import strategies as st
from practice_client import ROOT, START, Answer, MakeClient, PracticeClient, ask
from starlette.types import Message, Receive, Scope, Send

from kalshi_trading.practice.faults.answers import (
    CANNED,
    GARBLED,
    HUGE_BYTES,
    OTHER_CLIENT_ORDER_ID,
    RawAnswer,
)
from kalshi_trading.practice.faults.door import NoAnswerError
from kalshi_trading.practice.faults.rules import parse
from kalshi_trading.practice.faults.script import FaultKind, FaultScript, Rule
from kalshi_trading.practice.records import Order
from kalshi_trading.practice.responses import account as account_responses
from kalshi_trading.practice.server.app import build_app

ORDERS = "/portfolio/events/orders"
LONGEST_S = 60


class FaultyClient:
    """A client whose exchange fails by a script.

    Pauses move its clock instead of waiting.
    """

    def __init__(self, client: PracticeClient) -> None:
        self.client = client
        self.paused: list[float] = []
        self.script = FaultScript(pause=self.pause)
        client.app = build_app(client.world, faults=self.script)
        self.market = client.liquid_market()

    async def pause(self, seconds: float) -> None:
        self.paused.append(seconds)
        await asyncio.sleep(0)
        self.client.clock.move(seconds)

    def fail(self, kind: str, **how: Any) -> None:
        self.script.replace([Rule(kind=FaultKind(kind), **how)])

    def create(self, **more: Any) -> Answer:
        return self.client.order(self.market, "bid", 100, **more)

    def create_and_linger(self) -> Answer | None:
        """Place an order and wait until the exchange has finished its late work.

        None: the exchange sent no response.
        """
        body = json.dumps(self.client.body(self.market, "bid", 100)).encode()

        async def send() -> Answer | None:
            try:
                return await ask(
                    self.client.app, "POST", ROOT + ORDERS, self.client.headers("POST", ORDERS), body
                )
            except NoAnswerError:
                return None
            finally:
                self.live_at_answer = len(self.orders)
                await asyncio.gather(*asyncio.all_tasks() - {asyncio.current_task()})

        return asyncio.run(send())

    @property
    def orders(self) -> list[Order]:
        """Actual orders at the exchange."""
        return self.client.world.exchange.orders_of(self.client.world.account_id)

    def seen_orders(self) -> list[str]:
        """Return the order ids that the order list shows."""
        return [row["order_id"] for row in self.client.get("/portfolio/orders")["orders"]]


@pytest.fixture
def faulty(make_client: MakeClient) -> FaultyClient:
    return FaultyClient(make_client(markets=40))


# --- Before the request is accepted ----------------------------------------------------------------


@pytest.mark.parametrize("name", CANNED)
def test_before_accept_answers_by_name_and_places_nothing(faulty: FaultyClient, name: str) -> None:
    faulty.fail("before_accept", answer=name)
    answer = faulty.create()
    assert answer.status in {200, 201, 301, 302, 307, 403, 408, 425, 429, 500, 502, 503, 504}
    assert faulty.orders == []


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("rate_limited", None),
        ("rate_limited_seconds", "3"),
        ("rate_limited_date", "Sat, 21 Nov 2026 14:31:10 GMT"),
        ("rate_limited_zero", "0"),
        ("rate_limited_negative", "-1"),
        ("rate_limited_nan", "NaN"),
        ("rate_limited_long", "99999"),
    ],
)
def test_429_comes_with_every_kind_of_retry_after(
    faulty: FaultyClient, name: str, expected: str | None
) -> None:
    faulty.fail("before_accept", answer=name)
    answer = faulty.create()
    assert (answer.status, answer.headers.get("retry-after")) == (429, expected)
    assert answer.body == {"error": "too many requests"}


def test_before_accept_sends_a_custom_response(faulty: FaultyClient) -> None:
    faulty.fail("before_accept", answer=RawAnswer(599, b"what", {"x-odd": "yes"}))
    answer = faulty.create()
    assert (answer.status, answer.body, answer.headers["x-odd"]) == (599, "what", "yes")
    assert faulty.orders == []


def test_before_accept_holds_and_never_answers(faulty: FaultyClient) -> None:
    faulty.fail("before_accept", hold_s=9)
    with pytest.raises(NoAnswerError):
        faulty.create()
    assert faulty.paused == [9]
    assert faulty.orders == []


@pytest.mark.parametrize(("delay_s", "status"), [(9, 201), (11, 401)])
def test_before_accept_delays_and_checks_the_signature_afterwards(
    faulty: FaultyClient, delay_s: int, status: int
) -> None:
    faulty.fail("before_accept", delay_s=delay_s)
    assert faulty.create().status == status
    assert len(faulty.orders) == (1 if status == 201 else 0)


# --- After it was accepted -------------------------------------------------------------------------


def test_after_accept_holds_and_the_order_is_live(faulty: FaultyClient) -> None:
    faulty.fail("after_accept", hold_s=15)
    with pytest.raises(NoAnswerError):
        faulty.create()
    assert faulty.paused == [15]
    assert len(faulty.orders) == 1


def test_after_accept_delays_the_true_answer(faulty: FaultyClient) -> None:
    faulty.fail("after_accept", delay_s=15)
    answer = faulty.create()
    assert answer.status == 201
    assert answer.body["order_id"] == faulty.orders[0].order_id
    assert faulty.orders[0].created_at == START


@pytest.mark.parametrize("name", CANNED)
def test_after_accept_answers_otherwise_and_the_order_is_live(faulty: FaultyClient, name: str) -> None:
    faulty.fail("after_accept", answer=name)
    answer = faulty.create()
    assert len(faulty.orders) == 1
    assert faulty.orders[0].order_id not in str(answer.body)


CHECKS: dict[str, Callable[[str], bool]] = {
    "invalid_json": lambda text: text.startswith("{'order_id'"),
    "truncated_json": lambda text: text.startswith('{"order_id"') and not text.endswith("}"),
    "without_order_id": lambda text: "order_id" not in json.loads(text) and "ts_ms" in json.loads(text),
    "other_client_order_id": lambda text: json.loads(text)["client_order_id"] == OTHER_CLIENT_ORDER_ID,
    "error_instead": lambda text: json.loads(text).keys() == {"error"},
    "empty": lambda text: text == "",
    "list_instead": lambda text: isinstance(json.loads(text), list),
    "huge": lambda text: len(text) > HUGE_BYTES and "order_id" in json.loads(text),
    "nan": lambda text: json.loads(text)["fill_count"] != json.loads(text)["fill_count"],
    "long_number": lambda text: text.endswith("1" * 5000 + "}"),
    "deep": lambda text: text.endswith("]" * 100_000 + "}"),
}


@pytest.mark.parametrize("name", GARBLED)
def test_after_accept_garbles_the_answer_and_the_order_is_live(faulty: FaultyClient, name: str) -> None:
    faulty.fail("after_accept", answer=name)
    status, text = raw_create(faulty)
    assert status == 201
    assert len(faulty.orders) == 1
    assert CHECKS[name](text)


def raw_create(faulty: FaultyClient) -> tuple[int, str]:
    """Place an order; return status and body, unparsed."""
    app = faulty.client.app

    async def as_text(scope: Scope, receive: Receive, send: Send) -> None:
        async def unnamed(message: Message) -> None:
            await send({**message, "headers": []} if "headers" in message else message)

        await app(scope, receive, unnamed)

    faulty.client.app = as_text
    answer = faulty.create()
    return answer.status, answer.body


# --- Late ------------------------------------------------------------------------------------------


def test_late_request_is_processed_after_its_connection_was_closed(faulty: FaultyClient) -> None:
    faulty.fail("late", after_s=8)
    assert faulty.create_and_linger() is None
    assert faulty.live_at_answer == 0
    assert [order.created_at for order in faulty.orders] == [START + 8_000_000]


def test_late_request_beyond_the_window_of_its_signature_is_refused(faulty: FaultyClient) -> None:
    faulty.fail("late", after_s=11)
    assert faulty.create_and_linger() is None
    assert faulty.orders == []


def test_late_request_can_be_answered_by_a_middleman_meanwhile(faulty: FaultyClient) -> None:
    faulty.fail("late", after_s=8, answer="html_504")
    answer = faulty.create_and_linger()
    assert answer is not None
    assert answer.status == 504
    assert faulty.live_at_answer == 0
    assert len(faulty.orders) == 1


# --- Storms ----------------------------------------------------------------------------------------


def test_storm_refuses_the_next_requests_and_then_ends(faulty: FaultyClient) -> None:
    faulty.fail("rate_limit_storm", times=3, retry_after="1")
    answers = [faulty.create() for _ in range(5)]
    assert [answer.status for answer in answers] == [429, 429, 429, 201, 201]
    assert answers[0].headers["retry-after"] == "1"
    assert len(faulty.orders) == 2


def test_storm_lasts_for_a_time_from_its_first_request_on(faulty: FaultyClient) -> None:
    faulty.fail("rate_limit_storm", for_s=5)
    faulty.client.clock.move(100)
    statuses = []
    for _ in range(4):
        statuses.append(faulty.create().status)
        faulty.client.clock.move(2.5)
    assert statuses == [429, 429, 201, 201]


# --- Lagging reads ---------------------------------------------------------------------------------


def test_lagging_reads_show_an_order_only_after_the_lag_and_say_so(faulty: FaultyClient) -> None:
    client = faulty.client
    faulty.fail("read_lag", lag_s=4)
    client.clock.move(10)
    placed = faulty.create().body["order_id"]
    cash = client.world.exchange.balance(client.world.account_id)
    assert faulty.seen_orders() == []
    assert client.send("GET", f"/portfolio/orders/{placed}").status == 404
    assert client.get("/portfolio/balance")["balance"] == 1_000_000
    client.clock.move(3.999)
    assert faulty.seen_orders() == []
    assert client.get("/exchange/user_data_timestamp")["as_of_time"].startswith("2026-11-21T14:31:16.999")
    client.clock.move(0.001)
    assert faulty.seen_orders() == [placed]
    assert client.get(f"/portfolio/orders/{placed}")["order"]["status"] == "resting"
    assert client.get("/portfolio/balance")["balance"] == cash // 10_000


def test_lagging_reads_show_a_canceled_order_as_resting(faulty: FaultyClient) -> None:
    placed = faulty.create().body["order_id"]
    faulty.fail("read_lag", lag_s=4)
    faulty.client.clock.move(10)
    assert (
        faulty.client.send("DELETE", f"{ORDERS}/{placed}?market_ticker={faulty.market.ticker}").status == 200
    )
    assert faulty.client.get(f"/portfolio/orders/{placed}")["order"]["status"] == "resting"
    faulty.client.clock.move(4)
    assert faulty.client.get(f"/portfolio/orders/{placed}")["order"]["status"] == "canceled"


def test_frozen_reads_do_not_change_until_the_rule_is_removed(faulty: FaultyClient) -> None:
    faulty.fail("frozen")
    before = faulty.client.get("/exchange/user_data_timestamp")
    faulty.client.clock.move(100)
    placed = faulty.create().body["order_id"]
    faulty.client.clock.move(100)
    assert faulty.seen_orders() == []
    assert faulty.client.get("/exchange/user_data_timestamp") == before
    faulty.script.replace([])
    assert faulty.seen_orders() == [placed]
    assert faulty.client.get("/exchange/user_data_timestamp")["as_of_time"] > before["as_of_time"]


def test_reads_never_go_back_when_a_lag_begins(faulty: FaultyClient) -> None:
    placed = faulty.create().body["order_id"]
    fresh = faulty.client.get("/exchange/user_data_timestamp")
    faulty.fail("read_lag", lag_s=60)
    assert faulty.seen_orders() == [placed]
    assert faulty.client.get("/exchange/user_data_timestamp") == fresh


# The examples share one account, and each adds 15 orders at most: all must fit on a page of 1,000.
@settings(max_examples=min(proof.CURRENT.costly_examples, 60))
@given(seed=st.integers(0, 2**32))
def test_lagging_reads_are_exactly_the_reads_of_then(faulty: FaultyClient, seed: int) -> None:
    random = Random(seed)
    faulty.script.replace([])
    faulty.client.clock.move(60)
    faulty.client.get("/portfolio/orders")
    faulty.fail("read_lag", lag_s=4)
    records = []
    for step in range(15):
        act(faulty, random)
        records.append(actual_records(faulty))
        if step >= 4:
            assert api_records(faulty.client) == records[step - 4]
        faulty.client.clock.move(1)


def act(faulty: FaultyClient, random: Random) -> None:
    """Place an order that rests or trades, or cancel one."""
    resting = [order for order in faulty.orders if order.remaining_count]
    if resting and random.random() < 0.4:
        path = f"{ORDERS}/{random.choice(resting).order_id}?market_ticker={faulty.market.ticker}"
        assert faulty.client.send("DELETE", path).status == 200
        return
    side, price = random.choice((("bid", 100), ("bid", 9_900), ("ask", 100), ("ask", 9_900)))
    assert faulty.client.order(faulty.market, side, price, f"{random.randint(1, 5)}.00").status in (201, 400)


def actual_records(faulty: FaultyClient) -> dict[str, Any]:
    """Return the JSON of the actual records at the exchange."""
    exchange, account_id = faulty.client.world.exchange, faulty.client.world.account_id
    return {
        "orders": [account_responses.order(row) for row in exchange.orders_of(account_id)],
        "fills": [account_responses.fill(row) for row in exchange.fills_of(account_id)],
        "positions": [account_responses.market_position(row) for row in exchange.positions_of(account_id)],
        "balance": exchange.balance(account_id) // 10_000,
    }


def api_records(client: PracticeClient) -> dict[str, Any]:
    """Read the same records over the API."""
    return {
        "orders": client.get("/portfolio/orders?limit=1000")["orders"],
        "fills": client.get("/portfolio/fills?limit=1000")["fills"],
        "positions": client.get("/portfolio/positions?limit=1000")["market_positions"],
        "balance": client.get("/portfolio/balance")["balance"],
    }


# --- Repeated client_order_id ----------------------------------------------------------------------


def test_repeated_id_is_refused_without_a_code(faulty: FaultyClient) -> None:
    faulty.fail("dedup", mode="refuse_without_code")
    assert faulty.create(client_order_id="one").status == 201
    again = faulty.create(client_order_id="one")
    assert (again.status, again.body) == (409, {"message": "conflict"})
    assert len(faulty.orders) == 1


def test_repeated_id_is_refused_with_the_code_by_default(faulty: FaultyClient) -> None:
    faulty.fail("dedup", mode="refuse")
    faulty.create(client_order_id="one")
    assert faulty.create(client_order_id="one").body["error"]["code"] == "order_already_exists"


def test_id_of_an_ended_order_may_be_used_again_but_not_of_a_resting_one(faulty: FaultyClient) -> None:
    faulty.fail("dedup", mode="forget_ended")
    first = faulty.create(client_order_id="one")
    assert faulty.create(client_order_id="one").status == 409
    path = f"{ORDERS}/{first.body['order_id']}?market_ticker={faulty.market.ticker}"
    assert faulty.client.send("DELETE", path).status == 200
    assert faulty.create(client_order_id="one").status == 201
    assert [order.client_order_id for order in faulty.orders] == ["one", "one"]
    faulty.script.replace([])
    assert faulty.create(client_order_id="one").status == 409
    faulty.client.world.exchange.check()


# --- Lists -----------------------------------------------------------------------------------------


def pages(client: PracticeClient, most: int) -> tuple[list[list[str]], list[str]]:
    """Read up to `most` pages of two orders; return rows and cursors.

    After a failed page the last cursor is its status.
    """
    rows, cursors = [], [""]
    for _ in range(most):
        query = urlencode({"limit": 2, "cursor": cursors[-1]} if cursors[-1] else {"limit": 2})
        answer = client.send("GET", f"/portfolio/orders?{query}")
        if answer.status != 200:
            return rows, [*cursors[1:], str(answer.status)]
        rows.append([row["order_id"] for row in answer.body["orders"]])
        cursors.append(answer.body["cursor"])
        if not cursors[-1]:
            break
    return rows, cursors[1:]


@pytest.fixture
def three_pages(faulty: FaultyClient) -> list[list[str]]:
    placed = [faulty.create().body["order_id"] for _ in range(5)][::-1]
    return [placed[:2], placed[2:4], placed[4:]]


def test_list_repeats_a_page_and_its_cursor_for_ever(
    faulty: FaultyClient, three_pages: list[list[str]]
) -> None:
    faulty.fail("paging", mode="repeat", page=2)
    rows, cursors = pages(faulty.client, 6)
    assert rows == [three_pages[0]] + [three_pages[1]] * 5
    assert len(set(cursors)) == 1


def test_list_goes_in_a_circle(faulty: FaultyClient, three_pages: list[list[str]]) -> None:
    faulty.fail("paging", mode="cycle")
    rows, cursors = pages(faulty.client, 6)
    assert rows == three_pages[:2] * 3
    assert len(set(cursors)) == 2


def test_list_has_an_empty_page_on_the_way_and_is_complete(
    faulty: FaultyClient, three_pages: list[list[str]]
) -> None:
    faulty.fail("paging", mode="empty", page=2)
    rows, cursors = pages(faulty.client, 10)
    assert rows == [three_pages[0], [], three_pages[1], three_pages[2]]
    assert cursors[-1] == ""


def test_list_never_ends_with_ever_new_cursors(faulty: FaultyClient, three_pages: list[list[str]]) -> None:
    faulty.fail("paging", mode="endless")
    rows, cursors = pages(faulty.client, 6)
    assert rows == [[]] * 6
    assert len(set(cursors)) == 6


def test_list_breaks_off_on_a_page(faulty: FaultyClient, three_pages: list[list[str]]) -> None:
    faulty.fail("paging", mode="break_off", page=2)
    rows, cursors = pages(faulty.client, 6)
    assert rows == three_pages[:1]
    assert cursors[-1] == "500"


@pytest.mark.parametrize("mode", ["repeat", "cycle", "empty", "endless"])
def test_list_of_one_page_can_be_broken(faulty: FaultyClient, mode: str) -> None:
    faulty.fail("paging", mode=mode)
    assert pages(faulty.client, 1)[1] != [""]


def test_cursor_of_a_broken_list_goes_on_rightly_when_the_fault_has_ended(
    faulty: FaultyClient, three_pages: list[list[str]]
) -> None:
    faulty.fail("paging", mode="empty", page=2, times=2)
    assert pages(faulty.client, 10)[0] == [three_pages[0], [], three_pages[1], three_pages[2]]


# --- Matching of requests --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "applied"),
    [
        ("*", "*", True),
        ("GET", "*", True),
        ("POST", "*", False),
        ("GET", "/portfolio/*", True),
        ("GET", "/portfolio/orders/{order_id}", True),
        ("GET", "/portfolio/orders", False),
        ("GET", "/portfolio/orders/{order_id}/queue_position", False),
        ("GET", "/portfolio/orders/1.*", False),
    ],
)
def test_rule_means_a_method_and_a_path(method: str, path: str, applied: bool) -> None:
    rule = Rule(kind=FaultKind.BEFORE_ACCEPT, method=method, path=path, hold_s=1)
    assert rule.matches("GET", "/portfolio/orders/123") is applied


def test_rule_skips_some_requests_applies_to_some_and_is_done() -> None:
    script = FaultScript([Rule(kind=FaultKind.BEFORE_ACCEPT, hold_s=1, after=2, times=3)])
    applied = [script.choose_rule("GET", "/markets", 0) is not None for _ in range(8)]
    assert applied == [False] * 2 + [True] * 3 + [False] * 3
    assert script.used() == [3]


def test_first_rule_that_applies_counts() -> None:
    first = Rule(kind=FaultKind.BEFORE_ACCEPT, hold_s=1, times=1)
    second = Rule(kind=FaultKind.LATE, after_s=1)
    script = FaultScript([first, second])
    assert [script.choose_rule("GET", "/markets", 0) for _ in range(2)] == [first, second]


def test_chance_is_the_seeds_and_about_what_it_says() -> None:
    rules = [Rule(kind=FaultKind.BEFORE_ACCEPT, hold_s=1, chance=0.3)]

    def draws(seed: int) -> list[bool]:
        script = FaultScript(rules, seed=seed)
        return [script.choose_rule("GET", "/markets", 0) is not None for _ in range(1000)]

    assert draws(1) == draws(1) != draws(2)
    assert 230 < sum(draws(1)) < 370


# --- Files -----------------------------------------------------------------------------------------


def test_file_is_read_whole() -> None:
    found = parse(
        """{"seed": 5, "rules": [
          {"kind": "before_accept", "method": "POST", "path": "/portfolio/*", "times": 1,
           "answer": {"status": 503, "headers": {"Retry-After": "2"}, "body": {"no": 1}}},
          {"kind": "late", "after_s": 0.5}]}"""
    )
    json_answer = RawAnswer(503, b'{"no": 1}', {"content-type": "application/json", "Retry-After": "2"})
    assert found.seed == 5
    assert found.rules == (
        Rule(kind=FaultKind.BEFORE_ACCEPT, method="POST", path="/portfolio/*", times=1, answer=json_answer),
        Rule(kind=FaultKind.LATE, after_s=0.5),
    )


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        ([], "kind must be one of"),
        ({"kind": "sometimes"}, "kind must be one of"),
        ({"kind": []}, "kind must be one of"),
        ({"kind": "late"}, "late needs after_s"),
        ({"kind": "late", "after_s": -1}, "after_s must be a number of seconds"),
        ({"kind": "late", "after_s": "1"}, "after_s must be a number of seconds"),
        ({"kind": "late", "after_s": True}, "after_s must be a number of seconds"),
        ({"kind": "late", "after_s": 1, "mode": "x"}, "late has no mode"),
        ({"kind": "late", "after_s": 1, "tymes": 1}, "unknown field tymes"),
        ({"kind": "before_accept"}, "takes one of answer, hold_s and delay_s"),
        ({"kind": "before_accept", "hold_s": 1, "answer": "empty"}, "takes one of"),
        ({"kind": "before_accept", "answer": "empty"}, "has no answer 'empty'"),
        ({"kind": "before_accept", "answer": {"status": 99}}, "status must be"),
        ({"kind": "before_accept", "answer": {"status": 200, "headers": {"a": 1}}}, "headers must be"),
        ({"kind": "before_accept", "answer": 7}, "answer must be"),
        ({"kind": "before_accept", "hold_s": 1, "times": 1.5}, "times must be a whole number"),
        ({"kind": "before_accept", "hold_s": 1, "after": None}, "after must be a whole number"),
        ({"kind": "before_accept", "hold_s": 1, "chance": 2}, "chance must be"),
        ({"kind": "before_accept", "hold_s": 1, "path": "portfolio"}, "path must begin with /"),
        ({"kind": "before_accept", "hold_s": 1, "method": 1}, "method must be text"),
        ({"kind": "read_lag", "lag_s": 1, "times": 2}, "read_lag has no times"),
        ({"kind": "paging", "mode": "sideways"}, "mode must be one of"),
        ({"kind": "paging", "mode": "repeat", "page": 0}, "page must be a whole number"),
        ({"kind": "dedup"}, "dedup needs mode"),
    ],
)
def test_bad_rule_is_refused_with_its_number_and_reason(rule: Any, reason: str) -> None:
    good = {"kind": "frozen"}
    with pytest.raises(ValueError, match=f"^rule 2: .*{reason}"):
        parse(json.dumps({"rules": [good, rule]}))


@pytest.mark.parametrize(
    "text", ["", "[]", "{", '{"rule": []}', '{"rules": {}}', '{"seed": "1"}', '{"seed": NaN}', "[" * 100_000]
)
def test_bad_file_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse(text)


def write(file: Path, text: str) -> None:
    draft = file.with_suffix(".new")
    draft.write_text(text)
    os.replace(draft, file)


def test_file_that_did_not_change_goes_on_counting(tmp_path: Path) -> None:
    file = tmp_path / "faults.json"
    write(file, "{}")
    script = FaultScript.from_file(file)
    write(file, '{"rules": [{"kind": "late", "after_s": 1, "times": 1}]}')
    applied = []
    for _ in range(3):
        script.refresh()
        applied.append(script.choose_rule("GET", "/", 0) is not None)
    assert applied == [True, False, False]


def test_file_is_read_again_when_it_changes_and_kept_when_it_is_bad(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "faults.json"
    write(file, '{"rules": [{"kind": "late", "after_s": 1}]}')
    script = FaultScript.from_file(file)
    late = script.choose_rule("GET", "/", 0)
    write(file, '{"rules": [{"kind": "before_accept", "hold_s": 2}]}')
    script.refresh()
    hold = script.choose_rule("GET", "/", 0)
    write(file, "{")
    script.refresh()
    assert [rule and rule.kind for rule in (late, hold, script.choose_rule("GET", "/", 0))] == [
        FaultKind.LATE,
        FaultKind.BEFORE_ACCEPT,
        FaultKind.BEFORE_ACCEPT,
    ]
    assert "not reloaded" in caplog.text


# --- The program -----------------------------------------------------------------------------------


def test_running_exchange_fails_as_its_file_says_at_the_moment(tmp_path: Path) -> None:
    file = tmp_path / "faults.json"
    write(file, '{"rules": [{"kind": "before_accept", "path": "/exchange/status", "hold_s": 0.05}]}')
    with running_exchange(tmp_path / "world", "--markets", "40", "--faults", str(file)) as running:
        with requests.Session() as session:
            with pytest.raises(requests.ConnectionError):
                session.get(running.url + "/exchange/status", timeout=LONGEST_S)
            write(file, '{"rules": [{"kind": "after_accept", "answer": "html_502"}]}')
            page = session.get(running.url + "/exchange/status", timeout=LONGEST_S)
            assert (page.status_code, page.headers["Content-Type"]) == (502, "text/html")
            write(file, "{}")
            assert session.get(running.url + "/exchange/status", timeout=LONGEST_S).status_code == 200
        running.process.terminate()
        assert running.process.wait(LONGEST_S) == 0
        assert running.process.stderr is not None
        assert running.process.stderr.read() == ""


@pytest.mark.parametrize("text", [None, "{", '{"rules": [{"kind": "late"}]}'])
def test_bad_fault_file_is_one_sentence_and_exit_status_two(tmp_path: Path, text: str | None) -> None:
    file = tmp_path / "faults.json"
    if text is not None:
        file.write_text(text)
    process = start_process(tmp_path / "world", "--faults", str(file))
    try:
        output, errors = process.communicate(timeout=LONGEST_S)
    finally:
        end_process(process)
    assert (process.returncode, output) == (2, "")
    assert errors.startswith(f"The faults in {file} cannot be used: ")
    assert errors.count("\n") == 1
    assert not (tmp_path / "world").exists()
