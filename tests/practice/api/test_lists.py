"""Lists of the practice exchange: filters and pages.

Each filter keeps exactly the matching rows. The pages together are the whole list without repeats.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import pytest
from practice_client import PracticeClient

from kalshi_trading.practice.records import BookSide


def collect(client: PracticeClient, path: str, name: str, **query: Any) -> list[Any]:
    """Read all pages of a list."""
    rows: list[Any] = []
    cursor = ""
    while True:
        answer = client.get(f"{path}?{urlencode({**query, 'cursor': cursor} if cursor else query)}")
        rows += answer[name]
        cursor = answer["cursor"]
        if not cursor:
            return rows


@pytest.mark.parametrize("limit", [1, 7, 50, 1000])
def test_pages_of_markets_are_the_whole_list_once(client: PracticeClient, limit: int) -> None:
    client.world.keys.add_key("unused", "unused", client.key.public_key())
    tickers = []
    cursor = ""
    while True:
        answer = client.get(f"/markets?limit={limit}&cursor={cursor}", signed=False)
        assert len(answer["markets"]) <= limit
        tickers += [market["ticker"] for market in answer["markets"]]
        cursor = answer["cursor"]
        if not cursor:
            break
    assert tickers == list(client.world.exchange.markets)


def test_rows_that_arrive_between_pages_do_not_shift_them(client: PracticeClient) -> None:
    market = client.liquid_market()
    first = [client.order(market, "bid", 100).body["order_id"] for _ in range(4)]
    page = client.get("/portfolio/orders?limit=2")
    client.order(market, "bid", 100)
    rest = client.get(f"/portfolio/orders?limit=2&cursor={page['cursor']}")
    assert [row["order_id"] for row in page["orders"] + rest["orders"]] == first[::-1]
    assert rest["cursor"] == ""


@pytest.mark.parametrize("cursor", ["garbage", "%00", "KXNOPE", "____", "é"])
def test_garbage_cursor_gives_the_first_page(client: PracticeClient, cursor: str) -> None:
    first = client.get("/markets?limit=5")
    assert client.get(f"/markets?limit=5&{urlencode({'cursor': cursor})}") == first


def test_limit_zero_gives_no_markets(client: PracticeClient) -> None:
    assert client.get("/markets?limit=0") == {"markets": [], "cursor": ""}


def test_default_page_of_markets_has_a_hundred(client: PracticeClient) -> None:
    assert len(client.get("/markets")["markets"]) == 100


@pytest.mark.parametrize(
    ("word", "statuses"),
    [
        ("unopened", {"initialized"}),
        ("open", {"active"}),
        ("paused", {"inactive"}),
        ("closed", {"closed", "determined"}),
        ("settled", {"finalized"}),
    ],
)
def test_market_status_filter(client: PracticeClient, word: str, statuses: set[str]) -> None:
    exchange = client.world.exchange
    exchange.deactivate(client.liquid_market().ticker)
    for _ in range(40):
        client.clock.move(10)
        client.world.tick()
        if {"closed", "determined"} & {market.status for market in exchange.markets.values()}:
            break
    found = {market["ticker"] for market in collect(client, "/markets", "markets", status=word, limit=1000)}
    expected = {market.ticker for market in exchange.markets.values() if market.status in statuses}
    assert found == expected
    assert expected, "the world has such a market"


def test_market_filters_by_parent_and_name(client: PracticeClient) -> None:
    chosen = client.liquid_market()
    everything = collect(client, "/markets", "markets", limit=1000)
    of_event = collect(client, "/markets", "markets", event_ticker=chosen.event_ticker)
    assert of_event == [row for row in everything if row["event_ticker"] == chosen.event_ticker]
    of_series = collect(client, "/markets", "markets", series_ticker=chosen.series_ticker)
    assert of_series == [row for row in everything if row["ticker"].startswith(chosen.series_ticker + "-")]
    assert len(of_event) < len(of_series) < len(everything)
    names = f"{everything[3]['ticker']},{everything[1]['ticker']},KXNOPE"
    found = collect(client, "/markets", "markets", tickers=names)
    assert found == [everything[3], everything[1]]
    assert collect(client, "/markets", "markets", mve_filter="only") == []
    assert len(collect(client, "/markets", "markets", mve_filter="exclude", limit=1000)) == len(everything)


@pytest.mark.parametrize(
    ("word", "field", "status"),
    [
        *(("created", "created_at", "open"), ("updated", "updated_at", "")),
        *(("close", "close_at", ""), ("close", "close_at", "open")),
    ],
)
def test_market_time_filters_keep_what_lies_between(
    client: PracticeClient, word: str, field: str, status: str
) -> None:
    markets = [
        market for market in client.world.exchange.markets.values() if not status or market.status == "active"
    ]
    instants = sorted({getattr(market, field) // 1_000_000 for market in markets})
    low, high = instants[1], instants[-2]
    query = {f"min_{word}_ts": low, f"max_{word}_ts": high, **({"status": status} if status else {})}
    found = {market["ticker"] for market in collect(client, "/markets", "markets", limit=1000, **query)}
    assert found == {
        market.ticker for market in markets if low * 1_000_000 <= getattr(market, field) <= high * 1_000_000
    }


def test_settled_time_filter_finds_the_markets_paid_out(client: PracticeClient) -> None:
    now = client.clock.now() // 1_000_000
    found = collect(client, "/markets", "markets", min_settled_ts=now - 3600, status="settled")
    assert found
    assert all(market["status"] == "finalized" for market in found)
    assert collect(client, "/markets", "markets", max_settled_ts=now - 3600) == []


def test_event_filters(client: PracticeClient) -> None:
    everything = collect(client, "/events", "events")
    assert [event["event_ticker"] for event in everything] == list(client.world.exchange.events)
    one = everything[4]
    assert collect(client, "/events", "events", tickers=one["event_ticker"]) == [one]
    assert all(
        event["series_ticker"] == "KXBTC"
        for event in collect(client, "/events", "events", series_ticker="KXBTC")
    )
    settled = collect(client, "/events", "events", status="settled")
    assert 0 < len(settled) < len(everything)
    now = client.clock.now() // 1_000_000
    later = collect(client, "/events", "events", min_close_ts=now + 86_400 * 20)
    assert 0 < len(later) < len(everything)
    assert collect(client, "/events", "events", min_updated_ts=now + 86_400) == []


def test_markets_are_nested_where_asked(client: PracticeClient) -> None:
    event_ticker = client.liquid_market().event_ticker
    plain = client.get(f"/events/{event_ticker}")
    nested = client.get(f"/events/{event_ticker}?with_nested_markets=true")
    assert "markets" not in plain["event"]
    assert nested["event"]["markets"] == plain["markets"] != []
    listed = client.get("/events?with_nested_markets=true&limit=3")["events"]
    assert all(event["markets"] for event in listed)
    alone = client.get(f"/events/{event_ticker}?exclude_markets=true")
    assert alone == {"event": plain["event"], "markets": []}


def test_archived_markets_are_not_in_their_event(client: PracticeClient) -> None:
    settled = client.get("/markets?status=settled&limit=1")["markets"][0]
    path = f"/events/{settled['event_ticker']}"
    assert client.get(path)["markets"] != []
    client.world.archive.set_cut_offs(markets=client.clock.now(), overlap_s=0)
    assert client.get(path)["markets"] == []
    assert client.get(f"{path}?with_nested_markets=true")["event"]["markets"] == []


@pytest.mark.parametrize("depth", ["0", "-1", "-100", "100"])
def test_depth_of_zero_and_below_means_every_level(client: PracticeClient, depth: str) -> None:
    path = f"/markets/{client.liquid_market().ticker}/orderbook"
    whole, best = client.get(path), client.get(f"{path}?depth=1")
    assert client.get(f"{path}?depth={depth}") == whole != best


@pytest.mark.parametrize("interval", [-1, 0, 2, 7, 10**9])
def test_unknown_period_has_no_candlesticks(client: PracticeClient, interval: int) -> None:
    market, now = client.liquid_market(), client.clock.now() // 1_000_000
    span = f"start_ts={now - 7200}&end_ts={now}&period_interval={interval}"
    series = f"/series/{market.series_ticker}"
    one = client.get(f"{series}/markets/{market.ticker}/candlesticks?{span}")
    assert one == {"ticker": market.ticker, "candlesticks": []}
    event = client.get(f"{series}/events/{market.event_ticker}/candlesticks?{span}")
    assert event["market_candlesticks"] == [[] for _ in event["market_tickers"]] != []
    assert event["adjusted_end_ts"] == now
    batch = client.send("GET", f"/markets/candlesticks?market_tickers={market.ticker}&{span}")
    if interval > 0:
        assert batch.body == {"markets": [{"market_ticker": market.ticker, "candlesticks": []}]}
    else:
        assert batch.status == 400


def test_candlesticks_of_an_event_end_early_and_go_on_from_there(client: PracticeClient) -> None:
    market, now = client.liquid_market(series_ticker="KXCPI"), client.clock.now() // 1_000_000
    path = f"/series/KXCPI/events/{market.event_ticker}/candlesticks?period_interval=1"
    start, seen = now - 86_400, {}
    for _ in range(20):
        answer = client.get(f"{path}&start_ts={start}&end_ts={now}")
        assert sum(map(len, answer["market_candlesticks"])) <= 5_000
        for ticker, rows in zip(answer["market_tickers"], answer["market_candlesticks"], strict=True):
            seen.setdefault(ticker, []).extend(row["end_period_ts"] for row in rows)
        start = answer["adjusted_end_ts"]
        if start == now:
            break
    assert start == now
    minutes = list(range((now - 86_400 + 59) // 60 * 60, now + 1, 60))
    assert len(seen) == 7
    assert all(sorted(set(ends)) == minutes for ends in seen.values())
    assert client.get(f"{path}&start_ts={now}&end_ts={now + 900}")["adjusted_end_ts"] == now + 900


def test_series_filters(client: PracticeClient) -> None:
    everything = client.get("/series")["series"]
    assert "volume_fp" not in everything[0]
    weather = client.get("/series?category=Climate+and+Weather")["series"]
    assert {row["category"] for row in weather} == {"Climate and Weather"}
    assert client.get("/series?category=climate")["series"] == []
    assert [row["ticker"] for row in client.get("/series?tags=Inflation")["series"]] == ["KXCPI"]
    assert client.get(f"/series?min_updated_ts={client.clock.now() // 1_000_000}")["series"] == []


def trade_twice(client: PracticeClient) -> tuple[str, str]:
    """Fill one order in each of two markets; return the tickers.

    The fills are a minute apart.
    """
    first = client.liquid_market()
    client.order(first, "bid", client.best(first, BookSide.ASK))
    client.clock.move(60)
    second = client.liquid_market(event_ticker="KXCPI-26DEC")
    client.order(second, "ask", client.best(second, BookSide.BID))
    return first.ticker, second.ticker


def test_order_filters(client: PracticeClient) -> None:
    first, second = trade_twice(client)
    resting = client.order(client.world.exchange.markets[second], "bid", 100).body["order_id"]

    def ids(**query: Any) -> list[str]:
        return [row["ticker"] for row in collect(client, "/portfolio/orders", "orders", **query)]

    now = client.clock.now() // 1_000_000
    assert ids() == [second, second, first]
    orders = client.get("/portfolio/orders")["orders"]
    old_words = [(row["book_side"], row["side"], row["action"]) for row in orders]
    assert old_words == [("bid", "yes", "buy"), ("ask", "no", "buy"), ("bid", "yes", "buy")]
    assert ids(ticker=first) == [first]
    assert ids(event_ticker="KXCPI-26DEC,KXNOPE") == [second, second]
    hundred = ",".join(["KXCPI-26DEC", *(f"KX{number}" for number in range(99))])
    assert ids(event_ticker=hundred) == [second, second]
    assert ids(status="executed") == [second, first]
    assert ids(status="resting") == [second]
    assert ids(max_ts=now - 30) == [first]
    assert ids(min_ts=now - 30) == [second, second]
    assert ids(subaccount=1) == ids(exchange_index=3) == []
    client.send("DELETE", f"/portfolio/events/orders/{resting}")
    assert ids(status="canceled") == [second]


def test_fill_filters(client: PracticeClient) -> None:
    first, second = trade_twice(client)
    newest, oldest = client.get("/portfolio/fills")["fills"]
    now = client.clock.now() // 1_000_000

    def fills(**query: Any) -> list[Any]:
        return collect(client, "/portfolio/fills", "fills", **query)

    assert (newest["ticker"], oldest["ticker"]) == (second, first)
    assert (newest["book_side"], oldest["book_side"]) == ("ask", "bid")
    assert (newest["side"], oldest["side"]) == ("no", "yes")
    assert fills(ticker=f"{first},KXNOPE") == [oldest]
    assert fills(order_id=newest["order_id"]) == [newest]
    assert fills(max_ts=now - 30) == [oldest]
    assert fills(min_ts=now - 30) == [newest]
    assert fills(limit=1) == [newest, oldest]


def test_position_filters(client: PracticeClient) -> None:
    first, second = trade_twice(client)
    client.order(client.world.exchange.markets[first], "ask", 100, time_in_force="immediate_or_cancel")

    def held(**query: Any) -> dict[str, str]:
        rows = collect(client, "/portfolio/positions", "market_positions", **query)
        return {row["ticker"]: row["position_fp"] for row in rows}

    assert held() == {first: "0.00", second: "-10.00"}
    assert held(limit=1) == held()
    assert held(count_filter="position") == {second: "-10.00"}
    assert held(count_filter="position,total_traded") == held()
    assert held(ticker=first) == {first: "0.00"}
    assert held(event_ticker="KXCPI-26DEC") == {second: "-10.00"}
    assert held(settlement_status="settled") == {}
    assert held(settlement_status="all") == held()


def test_trades_are_public_and_newest_first(client: PracticeClient) -> None:
    first, second = trade_twice(client)
    mine = client.get("/portfolio/fills")["fills"][0]
    newest = client.get("/markets/trades?limit=1", signed=False)["trades"][0]
    assert (newest["trade_id"], newest["taker_book_side"]) == (mine["trade_id"], "ask")
    assert newest["taker_side"] == newest["taker_outcome_side"] == "no"
    of_first = collect(client, "/markets/trades", "trades", ticker=first)
    assert {trade["ticker"] for trade in of_first} == {first}
    assert len(of_first) >= 2, "the one that opened the market, and mine"
    assert collect(client, "/markets/trades", "trades", ticker=first, is_block_trade="true") == []
    now = client.clock.now() // 1_000_000
    recent = collect(client, "/markets/trades", "trades", min_ts=now - 30)
    assert second in {trade["ticker"] for trade in recent}


def test_queue_positions_of_chosen_markets(client: PracticeClient) -> None:
    market = client.liquid_market()
    price = client.best(market, BookSide.BID)
    _, ahead = client.world.exchange.best(market.ticker, BookSide.BID) or (0, 0)
    order_id = client.order(market, "bid", price).body["order_id"]
    rows = client.get(f"/portfolio/orders/queue_positions?market_tickers={market.ticker}")["queue_positions"]
    expected = {
        "order_id": order_id,
        "market_ticker": market.ticker,
        "queue_position_fp": f"{ahead // 100}.{ahead % 100:02d}",
    }
    assert rows == [expected]
    other = client.get("/portfolio/orders/queue_positions?market_tickers=KXNOPE")
    assert other == {"queue_positions": []}
    one = client.get(f"/portfolio/orders/{order_id}/queue_position")
    assert one == {"queue_position_fp": expected["queue_position_fp"]}


def test_balance_shows_cash_without_resting_collateral_and_positions_at_the_bid(
    client: PracticeClient,
) -> None:
    market = client.liquid_market()
    ask, bid = client.best(market, BookSide.ASK), client.best(market, BookSide.BID)
    filled = client.order(market, "bid", ask).body
    fee = client.get("/portfolio/fills")["fills"][0]["fee_cost"]
    client.order(market, "bid", 100)
    balance = client.get("/portfolio/balance")
    cash = 10_000_000_000 - ask * 1000 - round(float(fee) * 1_000_000) - 100 * 1000
    assert filled["fill_count"] == "10.00"
    assert balance["balance_dollars"] == f"{cash // 1_000_000}.{cash % 1_000_000:06d}"[:-2]
    assert balance["balance"] == cash // 10_000
    assert balance["portfolio_value"] == bid * 1000 // 10_000
    assert client.send("GET", "/portfolio/balance?subaccount=1").status == 404
