"""Practice-only requests work with `--control` and are absent without it."""

from __future__ import annotations

import asyncio
import json
import time
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import requests
from exchange_process import running_exchange
from practice_client import START, Answer, MakeClient, PracticeClient, ask

from kalshi_trading.practice.server.app import build_app

JSON = {"content-type": "application/json"}


class Remote:
    """The control requests of an in-process world."""

    def __init__(self, client: PracticeClient) -> None:
        self.client = client
        client.app = build_app(client.world, control=True)

    def send(self, path: str, body: Any, headers: dict[str, str] | None = None) -> Answer:
        raw = json.dumps(body).encode()
        return asyncio.run(
            ask(self.client.app, "POST", f"/practice{path}", JSON if headers is None else headers, raw)
        )

    def post(self, path: str, body: Any) -> Any:
        answer = self.send(path, body)
        assert answer.status == 200, answer.body
        return answer.body

    def audit(self) -> Any:
        return asyncio.run(ask(self.client.app, "GET", "/practice/books", {}, b"")).body


@pytest.fixture
def remote(client: PracticeClient) -> Remote:
    return Remote(client)


def test_control_requests_do_not_exist_without_the_flag(client: PracticeClient) -> None:
    answer = asyncio.run(ask(client.app, "POST", "/practice/clock", JSON, b'{"advance_s": 60}'))
    assert answer.status == 404
    assert client.clock.now() == START


def test_the_clock_is_moved(remote: Remote) -> None:
    assert remote.post("/clock", {"advance_s": 3_600}) == {"now": "2026-11-21T15:31:07Z"}
    assert remote.client.get("/exchange/user_data_timestamp")["as_of_time"] == "2026-11-21T15:31:07Z"


def test_money_is_moved(remote: Remote) -> None:
    row = remote.post("/deposits", {"amount": "25.50", "fee": "0.50", "status": "pending"})
    assert (row["status"], row["amount_cents"], row["fee_cents"]) == ("pending", 2_550, 50)
    assert remote.post(f"/transfers/{row['id']}", {"status": "applied"})["status"] == "applied"
    assert remote.post("/withdrawals", {"amount": "5.00"})["status"] == "applied"
    assert remote.client.get("/portfolio/balance")["balance_dollars"] == "10020.0000"
    assert remote.client.get("/portfolio/deposits")["deposits"][0]["id"] == row["id"]


def test_the_cut_off_is_set(remote: Remote) -> None:
    answer = remote.post("/cutoff", {"trades_s_ago": 60, "overlap_s": 0})
    assert answer == remote.client.get("/historical/cutoff")
    assert answer["trades_created_ts"] == "2026-11-21T14:30:07Z"
    assert answer["orders_updated_ts"] != answer["trades_created_ts"]


def test_a_market_gets_a_floor_that_rises_and_falls(remote: Remote) -> None:
    client, market = remote.client, remote.client.liquid_market(scalar=True)
    path = f"/markets/{market.ticker}"
    before = client.get(path)["market"]
    assert (before["settlement_bounds_type"], before.get("settlement_floor_dollars")) == ("default", None)
    resting = client.order(market, "bid", 100).body["order_id"]
    canceled = {}
    for floor in ("0.0000", "0.0200", "0.0100"):
        client.clock.move(1)
        answer = remote.post("/floor", {"ticker": market.ticker, "floor": floor})
        canceled[floor] = answer.pop("canceled")
        after = client.get(path)["market"]
        fields = ("ticker", "settlement_bounds_type", "settlement_floor_dollars")
        assert answer == {name: after[name] for name in fields}
        assert (after["settlement_bounds_type"], after["settlement_floor_dollars"]) == ("floor", floor)
        assert after["updated_time"] > before["updated_time"]
        before = after
    remote.post("/floor", {"ticker": market.ticker, "floor": "0.03"})  # at the same instant as the last one
    assert client.get(path)["market"]["settlement_floor_dollars"] == "0.0300"
    assert canceled["0.0000"] == canceled["0.0100"] == 0 < canceled["0.0200"]
    assert client.get(f"/portfolio/orders/{resting}")["order"]["status"] == "canceled"
    refusal = client.order(market, "bid", 100)
    assert (refusal.status, refusal.body["error"]["code"]) == (400, "invalid_price")
    client.world.exchange.check()


@pytest.mark.parametrize(
    "body",
    [{"floor": "1.00"}, {"floor": "0.3050"}, {"floor": 0}, {"floor": "-0.01"}, {}],
)  # fmt: skip
def test_an_impossible_floor_is_refused(remote: Remote, body: Any) -> None:
    ticker = remote.client.liquid_market(scalar=True).ticker
    assert remote.send("/floor", {"ticker": ticker, **body}).status == 400
    assert remote.client.get(f"/markets/{ticker}")["market"]["settlement_bounds_type"] == "default"


def test_only_a_known_scalar_market_gets_a_floor(remote: Remote) -> None:
    binary = remote.client.liquid_market(scalar=False).ticker
    answers = [remote.send("/floor", {"ticker": name, "floor": "0.10"}) for name in (binary, "NONE", None)]
    assert [answer.status for answer in answers] == [400, 404, 400]


def test_the_audit_is_returned(remote: Remote) -> None:
    remote.client.order(
        remote.client.liquid_market(), "bid", 9_000, "3.00", time_in_force="immediate_or_cancel"
    )
    audit = remote.audit()
    assert audit == remote.client.world.audit(remote.client.world.account_id).as_json()
    assert audit["fill_count"] == sum(row["fill_count"] for row in audit["markets"].values()) == 1


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/clock", {}), ("/clock", {"advance_s": -1}), ("/clock", {"advance_s": True}),
        ("/clock", {"advance_s": 1.5}), ("/clock", [1]), ("/latency", {"ms": "30"}),
        ("/deposits", {"amount": 5}), ("/deposits", {"amount": "5.001"}), ("/deposits", {"amount": "NaN"}),
        ("/deposits", {"amount": "x"}), ("/deposits", {"amount": "1e999999999"}),
        ("/deposits", {"amount": "0.3_0"}), ("/deposits", {"amount": " 0.3 "}),
        ("/floor", {"ticker": "\ud800", "floor": "0.10"}),
        ("/deposits", {"amount": "5.00", "status": "lost"}),
        ("/withdrawals", {"amount": "99999999.00"}), ("/cutoff", {"trades_s_ago": "1"}),
    ],
)  # fmt: skip
def test_invalid_control_requests_are_refused_and_change_nothing(
    remote: Remote, path: str, body: Any
) -> None:
    answer = remote.send(path, body)
    assert answer.status == 400
    assert answer.body["error"]
    assert remote.client.clock.now() == START
    assert remote.client.get("/portfolio/balance")["balance_dollars"] == "10000.0000"


@pytest.mark.parametrize("raw", [b"", b"{", b"\xff", b'{"advance_s":' * 100_000, b"[" * 100_000])
def test_a_body_that_is_not_json_is_refused(remote: Remote, raw: bytes) -> None:
    answer = asyncio.run(ask(remote.client.app, "POST", "/practice/clock", JSON, raw))
    assert (answer.status, answer.body) == (400, {"error": "the body must be valid JSON"})


def test_a_page_in_a_browser_cannot_send_here(remote: Remote) -> None:
    assert remote.send("/clock", {"advance_s": 60}, {"content-type": "text/plain"}).status == 400
    assert remote.send("/clock", {"advance_s": 60}, {}).status == 400
    assert remote.client.clock.now() == START


def test_an_unknown_transfer_is_not_found(remote: Remote) -> None:
    assert remote.send("/transfers/nothing", {"status": "applied"}).status == 404


def test_delayed_answers_overlap(make_client: MakeClient) -> None:
    client = make_client()
    remote = Remote(client)
    assert remote.post("/latency", {"ms": 300}) == {"ms": 300}

    async def many() -> float:
        begun = time.monotonic()
        path = "/trade-api/v2/exchange/status"
        await asyncio.gather(*(ask(client.app, "GET", path, {}, b"") for _ in range(10)))
        return time.monotonic() - begun

    assert 0.3 <= asyncio.run(many()) < 10 * 0.3


def test_a_real_exchange_begins_with_a_past_moves_on_and_answers_late(tmp_path: Path) -> None:
    options = ["--control", "--latency-ms", "40", "--scenario", "positions=12,fills=90,settled=3,resting=0"]
    with running_exchange(tmp_path, *options, "--idle-exit", "3600") as exchange:
        before = exchange.control("books")
        assert (before["fill_count"], sum(not row["settled"] for row in before["markets"].values())) == (
            90,
            12,
        )
        begun = time.monotonic()
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda _: requests.get(f"{exchange.url}/exchange/status", timeout=30), range(8)))
        assert time.monotonic() - begun >= 0.04
        exchange.control("clock", {"advance_s": 400 * 24 * 3_600})
        after = exchange.control("books")
        settled = [row for row in after["markets"].values() if row["settled"]]
        assert len(settled) > 3
        assert Decimal(after["cash"]) == Decimal(after["deposited"]) - Decimal(after["withdrawn"]) + sum(
            Decimal(row["cash"]) for row in after["markets"].values()
        )
    with running_exchange(tmp_path, *options, "--idle-exit", "3600") as again:
        assert again.control("books")["fill_count"] == 90


def test_a_real_exchange_moves_its_floors_by_the_clock(tmp_path: Path) -> None:
    with running_exchange(tmp_path, "--control", "--floors", "--still", "--idle-exit", "3600") as exchange:
        exchange.control("clock", {"advance_s": 5 * 24 * 3_600})
        rows = requests.get(f"{exchange.url}/markets?limit=1000&status=open", timeout=60).json()["markets"]
        floors = [row["settlement_floor_dollars"] for row in rows if row["market_type"] == "scalar"]
        assert floors
        assert Decimal(max(floors)) > 0
        assert {row["settlement_bounds_type"] for row in rows} == {"default", "floor"}
