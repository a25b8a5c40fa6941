"""Refusals of the practice exchange and their four wire shapes."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from api_examples import ERRORS
from cases import naming
from practice_client import PracticeClient

from kalshi_trading.practice.records import BookSide, Market


def ask_price(client: PracticeClient, market: Market) -> int:
    return client.best(market, BookSide.ASK)


def create(client: PracticeClient, **changes: Any) -> Any:
    market = client.liquid_market()
    body = {**client.body(market, "bid", 100), **changes}
    return client.send(
        "POST",
        "/portfolio/events/orders",
        json_body={name: value for name, value in body.items() if value is not ...},
    )


def look(client: PracticeClient, path: str) -> Any:
    with naming(f"GET {path}"):
        return client.send("GET", path)


def assert_error(answer: Any, example: str) -> None:
    assert (answer.status, answer.body) == (ERRORS[example]["status"], ERRORS[example]["body"])


def test_number_instead_of_text_cannot_be_decoded(client: PracticeClient) -> None:
    assert_error(create(client, count=10), "400_decode")
    assert create(client, price=0.5).body["details"].endswith("CreateOrderV2Request.price of type string")
    assert create(client, post_only="yes").body["details"].startswith("json: cannot unmarshal string")
    assert create(client, expiration_time=1.5).body["details"].endswith("expiration_time of type int64")
    assert create(client, expiration_time=True).body["code"] == "bad_request"


@pytest.mark.parametrize("name", ["expiration_time", "subaccount", "exchange_index"])
@pytest.mark.parametrize("number", [2**63, 10**20, -(2**63) - 1, 10**40])
def test_whole_number_beyond_64_bits_cannot_be_decoded(
    client: PracticeClient, name: str, number: int
) -> None:
    answer = create(client, **{name: number})
    assert (answer.status, answer.body["code"]) == (400, "bad_request")
    assert answer.body["details"].endswith(f"CreateOrderV2Request.{name} of type int64")
    assert client.get("/portfolio/orders")["orders"] == []


@pytest.mark.parametrize("seconds", [253_402_300_800, 10**14, 2**63 - 1, 0, -1, -(2**63)])
def test_expiration_that_no_calendar_knows_is_refused(client: PracticeClient, seconds: int) -> None:
    answer = create(client, expiration_time=seconds)
    assert (answer.status, answer.body["error"]["code"]) == (400, "invalid_order")
    assert client.get("/portfolio/orders")["orders"] == []


def test_last_second_a_calendar_knows_is_an_expiration_like_any_other(client: PracticeClient) -> None:
    assert create(client, expiration_time=253_402_300_799).status == 201
    (order,) = client.get("/portfolio/orders")["orders"]
    assert order["expiration_time"] == "9999-12-31T23:59:59Z"


@pytest.mark.parametrize("name", ["client_order_id", "ticker", "side", "price"])
def test_text_with_a_lone_surrogate_is_refused(client: PracticeClient, name: str) -> None:
    answer = create(client, **{name: "a\ud800"})
    assert (answer.status, answer.body["code"]) == (400, "bad_request")
    assert client.get("/portfolio/orders")["orders"] == []


NUMBERS_IN_QUERIES = (
    ("/markets", ("limit", "min_close_ts", "max_close_ts", "min_updated_ts", "min_created_ts")),
    ("/events", ("limit", "min_close_ts")),
    ("/series", ("min_updated_ts",)),
    ("/markets/trades", ("limit", "min_ts", "max_ts")),
    ("/markets/{ticker}/orderbook", ("depth",)),
    ("/series/{series}/markets/{ticker}/candlesticks", ("start_ts", "end_ts", "period_interval")),
    ("/markets/candlesticks", ("start_ts", "end_ts", "period_interval")),
    ("/portfolio/orders", ("limit", "min_ts", "max_ts", "subaccount")),
    ("/portfolio/fills", ("limit", "min_ts", "max_ts")),
    ("/portfolio/settlements", ("limit", "min_ts", "max_ts")),
    ("/portfolio/positions", ("limit",)),
)


@pytest.mark.parametrize(("path", "names"), NUMBERS_IN_QUERIES)
def test_no_number_in_a_query_is_too_much(client: PracticeClient, path: str, names: tuple[str, ...]) -> None:
    """Each number, alone among valid parameters, gets 200 or 400."""
    market = client.liquid_market()
    series = client.world.exchange.events[market.event_ticker].series_ticker
    path = path.format(ticker=market.ticker, series=series)
    now_s = client.clock.now() // 1_000_000
    sensible = {"market_tickers": market.ticker}
    if "candlesticks" in path:
        sensible |= {"start_ts": str(now_s - 7200), "end_ts": str(now_s), "period_interval": "60"}
    numbers = ["1" + "0" * 20, "9" * 18, "9" * 11, "-" + "9" * 18, "9" * 99, "0", "-1"]
    wrong = []
    for name, number in itertools.product(names, numbers):
        query = "&".join(f"{key}={value}" for key, value in {**sensible, name: number}.items())
        answer = look(client, f"{path}?{query}")
        if answer.status not in (200, 400):
            wrong.append((name, number, answer.status, answer.body))
    assert wrong == []


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b'"text"', b"\xff", b"[" * 100_000])
def test_body_that_is_no_object_is_a_flat_bad_request(client: PracticeClient, raw: bytes) -> None:
    answer = client.send("POST", "/portfolio/events/orders", raw_body=raw)
    assert (answer.status, answer.body["code"]) == (400, "bad_request")


@pytest.mark.parametrize(
    "name", ["ticker", "side", "count", "price", "time_in_force", "self_trade_prevention_type"]
)
def test_missing_field_is_named(client: PracticeClient, name: str) -> None:
    answer = create(client, **{name: ...})
    assert answer.status == 400
    assert answer.body["error"]["details"] == f"{name} is required"


@pytest.mark.parametrize(
    ("name", "word"),
    [("side", "yes"), ("time_in_force", "GTT"), ("self_trade_prevention_type", "none")],
)
def test_unknown_word_is_refused(client: PracticeClient, name: str, word: str) -> None:
    answer = create(client, **{name: word})
    assert (answer.status, answer.body["error"]["code"]) == (400, "invalid_order")


@pytest.mark.parametrize(
    "price", ["0", "1", "1.0000", "0.5050", "-0.10", "0.12345", "1e-2", "NaN", ".5", "٠.٥", "0.0100 "]
)
def test_price_off_the_grid_is_refused(client: PracticeClient, price: str) -> None:
    assert_error(create(client, price=price), "400_invalid_price")


@pytest.mark.parametrize("count", ["0", "0.00", "-1", "1.001", "abc", "1e3", "٣", "1" * 13])
def test_count_that_is_no_count_is_refused(client: PracticeClient, count: str) -> None:
    answer = create(client, count=count)
    assert (answer.status, answer.body["error"]["code"]) == (400, "invalid_order_size")


def test_order_beyond_the_balance_is_refused_and_not_kept(client: PracticeClient) -> None:
    assert_error(create(client, count="10000000.00"), "400_insufficient_balance")
    assert client.get("/portfolio/orders")["orders"] == []


def test_post_only_that_would_cross_is_refused(client: PracticeClient) -> None:
    market = client.liquid_market()
    assert_error(
        client.order(market, "bid", ask_price(client, market), post_only=True), "400_post_only_cross"
    )


def test_second_order_with_the_same_id_is_refused(client: PracticeClient) -> None:
    market = client.liquid_market()
    first = client.order(market, "bid", 100, client_order_id="again")
    assert_error(client.order(market, "bid", 100, client_order_id="again"), "409_duplicate")
    client.send("DELETE", f"/portfolio/events/orders/{first.body['order_id']}")
    assert_error(client.order(market, "bid", 100, client_order_id="again"), "409_duplicate")


@pytest.mark.parametrize("name", ["a.b", ".", "a b", "a/b", "a:b", "ä", "a\n", "x" * 65])
def test_id_with_a_refused_character_comes_before_every_other_rule(client: PracticeClient, name: str) -> None:
    for others in ({}, {"ticker": "KXNOPE"}, {"price": "2"}, {"count": ...}, {"side": "yes"}):
        answer = create(client, client_order_id=name, **others)
        assert answer.status == 400
        assert answer.body == {"error": {"code": "invalid_parameters", "message": "invalid parameters"}}
    assert client.get("/portfolio/orders")["orders"] == []


@pytest.mark.parametrize("name", ["x" * 64, "Az09-_", "0d9f6c3e-0001-4b7a-8e55-c0ffee000001"])
def test_id_of_letters_digits_and_dashes_is_accepted(client: PracticeClient, name: str) -> None:
    assert create(client, client_order_id=name).body["client_order_id"] == name


def test_fill_or_kill_without_volume_is_refused_but_kept_as_canceled(client: PracticeClient) -> None:
    market = client.liquid_market()
    answer = client.order(market, "bid", 100, time_in_force="fill_or_kill")
    assert_error(answer, "409_fok")
    (kept,) = client.get("/portfolio/orders")["orders"]
    assert (kept["status"], kept["fill_count_fp"], kept["remaining_count_fp"]) == ("canceled", "0.00", "0.00")


@pytest.mark.parametrize("place", [{"subaccount": 1}, {"exchange_index": 2}, {"order_group_id": "none"}])
def test_places_that_do_not_exist_are_refused(client: PracticeClient, place: dict[str, Any]) -> None:
    assert create(client, **place).status == 400
    assert create(client, subaccount=0, exchange_index=-1).status == 201


def test_expiration_in_the_past_is_refused(client: PracticeClient) -> None:
    answer = create(client, expiration_time=1)
    assert answer.status == 400
    assert "future" in answer.body["error"]["details"]


def test_unknown_market_order_and_path_are_not_found(client: PracticeClient) -> None:
    assert create(client, ticker="KXNOPE").status == 404
    assert_error(client.send("GET", "/markets/KXNOPE"), "404_not_found")
    assert_error(client.send("GET", "/events/KXNOPE"), "404_not_found")
    assert_error(client.send("GET", "/series/KXNOPE"), "404_not_found")
    assert_error(client.send("GET", "/no/such/path"), "404_not_found")
    assert_error(client.send("GET", "/portfolio/orders/none"), "404_not_found")
    assert_error(client.send("GET", "/historical/markets/KXHIGHNY-26NOV20-B48.5"), "404_not_found")
    assert client.send("DELETE", "/portfolio/events/orders/none").body["error"]["code"] == "not_found"


def test_order_that_no_longer_rests_cannot_be_canceled(client: PracticeClient) -> None:
    market = client.liquid_market()
    order_id = client.order(market, "bid", 100).body["order_id"]
    wrong_market = client.send("DELETE", f"/portfolio/events/orders/{order_id}?market_ticker=KXNOPE")
    assert wrong_market.status == 404
    first, second = (client.send("DELETE", f"/portfolio/events/orders/{order_id}") for _ in range(2))
    assert (first.status, first.body["reduced_by"]) == (200, "10.00")
    assert second.status == 404
    assert client.send("GET", f"/portfolio/orders/{order_id}/queue_position").status == 404


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/portfolio/orders"),
        ("POST", "/portfolio/orders/batched"),
        ("DELETE", "/portfolio/orders/batched"),
        ("DELETE", "/portfolio/orders/abc"),
        ("POST", "/portfolio/orders/abc/amend"),
        ("POST", "/portfolio/orders/abc/decrease"),
    ],
)
def test_old_order_endpoints_are_gone(client: PracticeClient, method: str, path: str) -> None:
    assert_error(client.send(method, path, raw_body=b"{}"), "410_old_endpoint")


def test_trailing_slash_is_redirected_with_its_query(client: PracticeClient) -> None:
    answer = client.send("GET", "/markets/?limit=1")
    assert (answer.status, answer.headers["location"]) == (301, "/trade-api/v2/markets?limit=1")


def test_wrong_method_is_refused_in_json(client: PracticeClient) -> None:
    answer = client.send("PUT", "/markets")
    assert (answer.status, answer.body["error"]["code"]) == (405, "method_not_allowed")


def test_page_above_the_maximum_is_refused_not_shortened(client: PracticeClient) -> None:
    assert_error(client.send("GET", "/markets?limit=1001"), "400_param")


def test_broken_query_is_answered_with_the_msg_shape(client: PracticeClient) -> None:
    paths = [
        "/markets?limit=-1", "/markets?limit=ten", "/markets?status=open,closed", "/markets?status=active",
        "/markets?mve_filter=some", "/markets?min_close_ts=soon",
        "/markets?min_created_ts=1&min_close_ts=1", "/markets?min_created_ts=1&status=settled",
        "/markets?min_settled_ts=1&status=closed",
        "/markets?min_updated_ts=1&status=open", "/markets?min_updated_ts=1&series_ticker=KXBTC",
        "/markets?min_updated_ts=1&tickers=A", "/events?limit=201", "/events?limit=0",
        "/events?status=paused",
        "/events?with_nested_markets=perhaps", "/markets/trades?limit=1001", "/markets/orderbooks",
        "/markets/orderbooks?" + "&".join(f"tickers=A{number}" for number in range(101)),
        "/markets/candlesticks?start_ts=1&end_ts=2&period_interval=1",
        "/markets/candlesticks?market_tickers=A&end_ts=2&period_interval=1",
        "/markets/candlesticks?market_tickers=A&start_ts=1&end_ts=2&period_interval=hour",
        "/markets/candlesticks?market_tickers=A&start_ts=3&end_ts=2&period_interval=1",
        "/markets/candlesticks?market_tickers=A&start_ts=1&end_ts=1795000000&period_interval=1",
        "/portfolio/orders?limit=0", "/portfolio/orders?status=pending",
        "/portfolio/orders?event_ticker=" + ",".join(f"A{number}" for number in range(101)),
        "/portfolio/fills?limit=1001", "/milestones", "/milestones?limit=501",
        "/milestones?limit=1&minimum_start_date=soon", "/milestones?limit=1&minimum_start_date=2026-11-21",
        "/incentive_programs?limit=10001", "/incentive_programs?type=none", "/live_data/batch",
        "/events/KXNOPE?with_nested_markets=true&exclude_markets=true",
        "/markets/KXNOPE/orderbook?depth=101", "/portfolio/subaccounts/transfers?limit=1001",
        "/series/A/events/B/forecast_percentile_history?start_ts=1&end_ts=2&period_interval=60",
        "/series/A/events/B/forecast_percentile_history?start_ts=1&end_ts=2&period_interval=60&percentiles=10000",
        "/series/A/events/B/forecast_percentile_history?start_ts=1&end_ts=2&period_interval=60"
        + "&percentiles=1" * 11,
        "/portfolio/fills?ticker=" + ",".join(f"A{number}" for number in range(101)),
        "/portfolio/positions?settlement_status=open", "/portfolio/positions?count_filter=volume",
        "/portfolio/settlements?limit=0", "/portfolio/deposits?limit=501", "/portfolio/withdrawals?limit=501",
        "/portfolio/orders/queue_positions", "/portfolio/orders?subaccount=64",
        "/events/multivariate?series_ticker=A&collection_ticker=B", "/historical/fills?limit=1001",
    ]  # fmt: skip
    wrong = []
    for path in paths:
        answer = look(client, path)
        said = answer.body.get("msg", "") if answer.status == 400 and len(answer.body) == 1 else ""
        if not said.startswith("Parameter validation failed for Get") and "Batch" not in said:
            wrong.append((path, answer.status, answer.body))
    assert wrong == []


def test_pauses_refuse_orders_and_only_a_full_one_refuses_cancels(client: PracticeClient) -> None:
    resting = client.order(client.liquid_market(), "bid", 100).body["order_id"]
    client.world.exchange.pause_exchange()
    assert client.get("/exchange/status")["exchange_active"] is False
    paused = {"error": {"code": "exchange_is_paused", "message": "exchange is paused"}}
    for answer in (create(client), client.send("DELETE", f"/portfolio/events/orders/{resting}")):
        assert (answer.status, answer.body) == (409, paused)
    client.world.exchange.resume()
    client.world.exchange.pause_trading()
    assert client.get("/exchange/status")["trading_active"] is False
    answer = create(client, client_order_id="again")
    assert (answer.status, answer.body["error"]["code"]) == (409, "trading_is_paused")
    assert client.send("DELETE", f"/portfolio/events/orders/{resting}").status == 200
    client.world.exchange.resume()
    assert create(client, client_order_id="again").status == 201


def test_world_goes_on_while_trading_is_paused(client: PracticeClient) -> None:
    client.world.exchange.pause_trading()
    client.clock.move(60)
    client.world.tick()
    client.world.exchange.pause_exchange()
    client.clock.move(60)
    client.world.tick()
    client.world.exchange.check()
