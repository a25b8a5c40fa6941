"""A world over time: market lifecycle, quotes, restarts and candlesticks."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from practice_client import START, MakeClient, PracticeClient

from kalshi_trading.practice.assumptions import Assumptions
from kalshi_trading.practice.records import BookSide, Market, MarketStatus
from kalshi_trading.practice.world.lagging_reads import LaggingReads


def live(client: PracticeClient, seconds: int, step: int = 1) -> None:
    for _ in range(0, seconds, step):
        client.clock.move(step)
        client.world.tick()


def short_lived(client: PracticeClient, status: MarketStatus) -> Market:
    return next(
        market
        for market in client.world.exchange.markets.values()
        if market.series_ticker == "KXBTC5M" and market.status is status
    )


def test_short_lived_market_lives_its_whole_life_within_minutes(client: PracticeClient) -> None:
    market = short_lived(client, MarketStatus.INITIALIZED)
    path = f"/markets/{market.ticker}"
    assert client.order(market, "bid", 5000).body["error"]["code"] == "market_inactive"
    live(client, 300 - 67 % 300, step=10)
    assert client.get(path)["market"]["status"] == "active"
    bought = client.order(market, "bid", client.best(market, BookSide.ASK))
    assert bought.body["fill_count"] == "10.00"
    resting = client.order(market, "bid", 100).body["order_id"]
    seen = ["active"]
    for _ in range(400):
        client.clock.move(1)
        client.world.tick()
        status = client.send("GET", path, signed=False).body["market"]["status"]
        if status != seen[-1]:
            seen.append(status)
    assert seen == ["active", "closed", "determined", "finalized"]
    after = client.get(path)["market"]
    assert after["result"] in ("yes", "no")
    assert after["settlement_value_dollars"] == {"yes": "1.0000", "no": "0.0000"}[after["result"]]
    assert after["expiration_value"]
    assert client.get(f"/portfolio/orders/{resting}")["order"]["status"] == "canceled"
    assert client.get("/portfolio/positions")["market_positions"] == []
    (row,) = client.get("/portfolio/settlements")["settlements"]
    assert (row["market_result"], row["revenue"]) == (
        after["result"],
        1000 if after["result"] == "yes" else 0,
    )
    assert client.get("/portfolio/positions?settlement_status=settled")["market_positions"]
    client.world.exchange.check()


def test_closed_market_refuses_orders_and_cancels(client: PracticeClient) -> None:
    market = short_lived(client, MarketStatus.ACTIVE)
    resting = client.order(market, "bid", 100).body["order_id"]
    client.clock.move((market.close_at - client.clock.now()) / 1_000_000)
    assert client.order(market, "bid", 100).body["error"]["code"] == "market_closed"
    assert client.send("DELETE", f"/portfolio/events/orders/{resting}").status in (400, 404)


def test_new_short_lived_markets_keep_coming(client: PracticeClient) -> None:
    seen = set()
    for _ in range(20):
        live(client, 60, step=20)
        seen |= {row["ticker"] for row in client.get("/markets?series_ticker=KXBTC5M&status=open")["markets"]}
    assert 4 <= len(seen) <= 5
    traded = [client.world.exchange.markets[ticker] for ticker in seen]
    assert all(market.volume > 0 for market in traded)


def test_scalar_market_pays_a_share(client: PracticeClient) -> None:
    market = client.liquid_market(scalar=True)
    client.order(market, "bid", client.best(market, BookSide.ASK), "100.00")
    client.clock.move((market.close_at - client.clock.now()) / 1_000_000 + 86_400)
    client.world.tick()
    (row,) = client.get("/portfolio/settlements")["settlements"]
    assert row["market_result"] == "scalar"
    assert 0 < row["value"] < 100
    assert row["revenue"] == row["value"] * 100
    written = client.get(f"/markets/{market.ticker}")["market"]
    assert written["settlement_value_dollars"] == f"0.{row['value']:02d}00"
    assert written["expiration_value"] == str(row["value"])


def test_a_floor_moves_cash_value_and_payout_and_survives_a_restart(
    make_client: MakeClient, tmp_path: Path
) -> None:
    path = tmp_path / "world.sqlite"
    client = make_client(path=path)
    market = client.liquid_market(scalar=True)
    client.order(market, "bid", client.best(market, BookSide.ASK), "100.00")
    before = client.get("/portfolio/balance")
    client.world.exchange.set_floor(market.ticker, 1_000)
    client.world.commit()
    client.world.close()
    client = make_client(path=path)
    market = client.world.exchange.markets[market.ticker]
    after = client.get("/portfolio/balance")
    assert after["balance"] - before["balance"] == 1_000
    assert after["portfolio_value"] == (client.best(market, BookSide.BID) - 1_000)
    (row,) = client.get("/portfolio/positions")["market_positions"]
    assert (row["position_fp"], row["realized_pnl_dollars"]) == ("100.00", "0.000000")
    audit = client.world.audit(client.world.account_id).markets[market.ticker]
    assert row["market_exposure_dollars"] == audit.exposure
    assert audit.floor_payouts == "10.000000"
    client.clock.move((market.close_at - client.clock.now()) / 1_000_000 + 86_400)
    client.world.tick()
    (settled,) = client.get("/portfolio/settlements")["settlements"]
    assert settled["revenue"] == settled["value"] * 100 - 1_000
    assert settled["yes_count_fp"] == "100.00"
    client.world.exchange.check()


def test_the_value_of_yes_above_its_floor_is_never_below_zero(client: PracticeClient) -> None:
    market = client.liquid_market(scalar=True)
    client.order(market, "bid", client.best(market, BookSide.ASK), "100.00")
    client.world.participants.is_paused = True
    client.world.exchange.set_floor(market.ticker, 9_800)
    for mark in ("bid", "last"):
        client.world.assume(Assumptions(balance_bucket=False, portfolio_value_at=mark))
        assert client.get("/portfolio/balance")["portfolio_value"] == 0
    client.world.exchange.deactivate(market.ticker)
    assert client.get("/portfolio/balance")["portfolio_value"] == 0


def test_a_world_stored_before_floors_is_read(make_client: MakeClient, tmp_path: Path) -> None:
    path = tmp_path / "world.sqlite"
    client = make_client(path=path)
    client.world.close()
    with closing(sqlite3.connect(path)) as database:
        query = "UPDATE records SET body = json_remove(body, '$.settlement_floor') WHERE kind = 'market'"
        assert database.execute(query).rowcount > 100
        database.commit()
    again = make_client(path=path)
    assert {it.settlement_floor for it in again.world.exchange.markets.values()} == {None}
    again.world.exchange.check()


def test_lagging_reads_show_what_a_floor_frees_after_the_lag(client: PracticeClient) -> None:
    market = client.liquid_market(scalar=True)
    client.world.participants.is_paused = True
    client.world.exchange.set_floor(market.ticker, 0)
    client.order(market, "bid", 1_500, "10.00")
    now = client.clock.now()
    client.world.use_lagging_reads(
        LaggingReads(client.world.exchange, client.world.account_id, now, lambda at: at - 4_000_000)
    )
    client.clock.move(10)
    client.world.exchange.set_floor(market.ticker, 1_000)
    client.world.commit()
    assert client.get("/portfolio/balance")["balance_dollars"] == "9998.5000"
    client.clock.move(4)
    assert client.get("/portfolio/balance")["balance_dollars"] == "9999.5000"


def test_reads_keep_their_lag_when_another_assumption_changes(client: PracticeClient) -> None:
    now = client.clock.now()
    client.world.use_lagging_reads(
        LaggingReads(client.world.exchange, client.world.account_id, now, lambda at: at - 4_000_000)
    )
    client.clock.move(10)
    client.order(client.liquid_market(), "bid", 100)
    client.world.assume(Assumptions(balance_bucket=False, ioc_row=False))
    assert client.get("/portfolio/orders")["orders"] == []
    client.clock.move(4)
    assert len(client.get("/portfolio/orders")["orders"]) == 1


def test_floors_of_pruned_markets_are_pruned(make_client: MakeClient, tmp_path: Path) -> None:
    path = tmp_path / "world.sqlite"
    client = make_client(path=path)
    market = client.liquid_market(scalar=True)
    client.world.exchange.set_floor(market.ticker, 100)
    client.world.close()
    closed = market.close_at + 3 * 86_400 * 1_000_000
    make_client(path=path, now=closed).world.close()
    last = make_client(path=path, now=closed + 3 * 86_400 * 1_000_000).world.exchange
    assert market.ticker not in last.markets
    assert market.ticker not in last.floor_changes
    last.check()


def test_ten_contracts_always_fill_at_the_ask_shown(client: PracticeClient) -> None:
    for _ in range(60):
        live(client, 5)
        market = client.liquid_market()
        shown = client.get(f"/markets/{market.ticker}")["market"]["yes_ask_dollars"]
        answer = client.order(market, "bid", round(float(shown) * 10_000), time_in_force="fill_or_kill")
        assert (answer.status, answer.body["average_fill_price"]) == (201, shown)


def test_participants_do_not_react_to_an_order_by_itself(client: PracticeClient) -> None:
    market = client.liquid_market()
    before = client.get(f"/markets/{market.ticker}/orderbook")["orderbook_fp"]
    order_id = client.order(market, "bid", 100).body["order_id"]
    assert client.get(f"/portfolio/orders/{order_id}")["order"]["status"] == "resting"
    after = client.get(f"/markets/{market.ticker}/orderbook")["orderbook_fp"]
    assert after["no_dollars"] == before["no_dollars"]
    assert after["yes_dollars"] == [["0.0100", "10.00"], *before["yes_dollars"]]


def falling_market(client: PracticeClient) -> Market:
    """Return a market whose value falls by five cents within a day."""
    now, value = client.clock.now(), client.world.participants.value
    for market in client.world.exchange.markets.values():
        hours = [now + hour * 3_600_000_000 for hour in range(1, 24)]
        later = [value(market, hour) for hour in hours if hour < market.close_at]
        if market.status is MarketStatus.ACTIVE and 500 < min(later, default=0) < value(market, now) - 500:
            return market
    raise AssertionError("no such market")


def test_bid_below_the_market_rests_until_the_price_comes(client: PracticeClient) -> None:
    market = falling_market(client)
    low = client.order(market, "bid", 100).body["order_id"]
    price = client.best(market, BookSide.BID)
    near = client.order(market, "bid", price).body["order_id"]
    for _ in range(3600):
        live(client, 30, step=30)
        if client.world.exchange.orders[near].fill_count:
            break
    filled = client.world.exchange.orders[near]
    assert filled.fill_count > 0, "the price came"
    assert client.world.exchange.orders[low].fill_count == 0
    assert filled.maker_fill_cost == filled.price * filled.fill_count
    client.world.exchange.check()


def test_books_do_not_change_while_the_participants_are_paused(client: PracticeClient) -> None:
    markets = client.world.exchange.markets.values()
    names = [market.ticker for market in markets if market.close_at > client.clock.now() + 10**11][:40]

    def shown() -> list[Any]:
        return [client.get(f"/markets/{name}/orderbook")["orderbook_fp"] for name in names]

    client.world.participants.is_paused = True
    before = shown()
    live(client, 600, step=30)
    assert shown() == before
    client.world.participants.is_paused = False
    live(client, 600, step=30)
    assert shown() != before


def test_books_stay_two_sided_and_trade(client: PracticeClient) -> None:
    volume = sum(market.volume for market in client.world.exchange.markets.values())
    live(client, 300)
    assert sum(market.volume for market in client.world.exchange.markets.values()) > volume
    thin = []
    for market in client.world.exchange.markets.values():
        best = client.world.top_of_book(market.ticker)
        value = client.world.participants.value(market, client.clock.now())
        if market.status is MarketStatus.ACTIVE and 400 < value < 9600 and not (best.bid and best.ask):
            thin.append(market.ticker)
    assert thin == []
    client.world.exchange.check()


def test_exclusive_events_are_quoted_coherently(client: PracticeClient) -> None:
    live(client, 60)
    for event in client.world.exchange.events.values():
        markets = client.world.participants.event_markets(event.event_ticker)
        tops = [client.world.top_of_book(market.ticker) for market in markets]
        if event.mutually_exclusive and all(market.status == "active" for market in markets):
            assert sum(best.bid or 0 for best in tops) < 10_000
            assert sum(best.ask or 10_000 for best in tops) > 10_000


def test_world_catches_up_after_a_long_pause(make_client: MakeClient, tmp_path: Path) -> None:
    path = tmp_path / "world.sqlite"
    client = make_client(path=path)
    market = client.liquid_market()
    client.order(market, "bid", client.best(market, BookSide.ASK))
    client.world.close()
    later = make_client(path=path, now=START + 3 * 86_400 * 1_000_000)
    later.world.exchange.check()
    assert later.world.exchange.markets[market.ticker].status is MarketStatus.FINALIZED
    (row,) = later.get("/portfolio/settlements")["settlements"]
    settled = later.world.exchange.markets[market.ticker].settled_at
    assert settled is not None
    assert settled < later.clock.now(), "it was paid when it was due, not at the restart"
    assert row["ticker"] == market.ticker
    assert later.get("/markets?status=open")["markets"]
    assert later.liquid_market()


def test_all_records_of_the_account_survive_a_restart(make_client: MakeClient, tmp_path: Path) -> None:
    path = tmp_path / "world.sqlite"
    client = make_client(path=path)
    market = client.liquid_market()
    client.order(market, "bid", client.best(market, BookSide.ASK))
    client.order(market, "bid", 100, client_order_id="spent")
    client.order(market, "ask", 9900, expiration_time=START // 1_000_000 + 9000)
    names = ("orders", "fills", "positions", "balance", "deposits", "settlements")
    before = {name: client.get(f"/portfolio/{name}") for name in names}
    client.world.close()
    again = make_client(path=path, seed=99, markets=5)
    after = {name: again.get(f"/portfolio/{name}") for name in names}
    for answers in (before, after):
        del answers["balance"]["portfolio_value"]
    assert after == before
    duplicate = again.order(market, "bid", 100, client_order_id="spent")
    assert duplicate.body["error"]["code"] == "order_already_exists"
    assert again.get(f"/markets/{market.ticker}/orderbook")["orderbook_fp"]["yes_dollars"][0] == [
        "0.0100", "10.00",
    ]  # fmt: skip
    again.world.exchange.check()


def test_nothing_uncommitted_is_needed_after_an_answer(make_client: MakeClient, tmp_path: Path) -> None:
    """A second world on the same file sees each acknowledged order.

    The first world was never closed.
    """
    client = make_client(path=tmp_path / "world.sqlite")
    order_id = client.order(client.liquid_market(), "bid", 100).body["order_id"]
    other = make_client(path=tmp_path / "world.sqlite")
    assert other.get(f"/portfolio/orders/{order_id}")["order"]["status"] == "resting"
    other.world.exchange.check()


def test_settled_markets_without_user_trades_are_pruned(make_client: MakeClient, tmp_path: Path) -> None:
    path = tmp_path / "world.sqlite"
    client = make_client(path=path)
    mine, start = short_lived(client, MarketStatus.ACTIVE), set(client.world.exchange.markets)
    client.order(mine, "bid", client.best(mine, BookSide.ASK))
    live(client, 3600, step=60)
    client.world.close()
    later = make_client(path=path, now=START + 8 * 86_400 * 1_000_000)
    later.world.close()
    last = make_client(path=path, now=START + 10 * 86_400 * 1_000_000)
    kept = start & set(last.world.exchange.markets)
    gone = {ticker for ticker in start - kept if ticker.startswith(("KXBTC5M", "KXHIGH"))}
    assert mine.ticker in kept
    assert gone
    last.world.exchange.check()


def candles(
    client: PracticeClient, market: Market, start: int, end: int, interval: int, **query: Any
) -> list[Any]:
    path = f"/series/{market.series_ticker}/markets/{market.ticker}/candlesticks"
    more = "".join(f"&{name}={value}" for name, value in query.items())
    rows = client.get(f"{path}?start_ts={start}&end_ts={end}&period_interval={interval}{more}")[
        "candlesticks"
    ]
    assert [row["end_period_ts"] for row in rows] == sorted({row["end_period_ts"] for row in rows})
    return list(rows)


def assert_sound(rows: list[Any]) -> None:
    for row in rows:
        for name in ("yes_bid", "yes_ask", "price"):
            numbers = {key: float(value) for key, value in row[name].items()}
            if "open_dollars" in numbers:
                low, high = numbers["low_dollars"], numbers["high_dollars"]
                assert low <= numbers["open_dollars"] <= high
                assert low <= numbers["close_dollars"] <= high
                assert low <= numbers.get("mean_dollars", low) <= high
        assert float(row["yes_bid"]["close_dollars"]) < float(row["yes_ask"]["close_dollars"])


@pytest.mark.parametrize("interval", [1, 60, 1440])
def test_candles_reach_back_before_the_world_began(client: PracticeClient, interval: int) -> None:
    market = client.liquid_market(series_ticker="KXCPI")
    now = client.clock.now() // 1_000_000
    rows = candles(client, market, now - 100 * interval * 60, now, interval)
    opened = market.open_at // 1_000_000
    assert len(rows) >= min(99, (now - opened) // (interval * 60) - 1) > 5
    assert all(row["end_period_ts"] % (interval * 60) == 0 for row in rows)
    assert all(row["end_period_ts"] > opened for row in rows)
    assert_sound(rows)
    assert rows == candles(client, market, now - 100 * interval * 60, now, interval)
    for earlier, later in pairwise(rows):
        assert later["price"]["previous_dollars"] == earlier["price"]["close_dollars"]


def test_candle_of_this_minute_shows_my_trade_and_the_present_quotes(client: PracticeClient) -> None:
    market = client.liquid_market()
    live(client, 120)
    answer = client.order(market, "bid", client.best(market, BookSide.ASK), "17.00")
    now = client.clock.now() // 1_000_000
    row = candles(client, market, now, now + 60, 1)[-1]
    assert row["end_period_ts"] >= now
    assert float(row["volume_fp"]) >= 17
    assert row["price"]["close_dollars"] == answer.body["average_fill_price"]
    shown = client.get(f"/markets/{market.ticker}")["market"]
    assert row["yes_bid"]["close_dollars"] == shown["yes_bid_dollars"]
    assert row["yes_ask"]["close_dollars"] == shown["yes_ask_dollars"]
    assert row["open_interest_fp"] == shown["open_interest_fp"]


def test_candles_while_the_world_runs_are_sound(client: PracticeClient) -> None:
    market = short_lived(client, MarketStatus.ACTIVE)
    live(client, 290)
    now = client.clock.now() // 1_000_000
    rows = candles(client, market, now - 290, now + 60, 1)
    assert 3 <= len(rows) <= 6
    assert_sound(rows)


def test_latest_before_start_is_a_flat_candle_without_trades(client: PracticeClient) -> None:
    market = client.liquid_market(series_ticker="KXCPI")
    now = client.clock.now() // 1_000_000
    plain = candles(client, market, now - 7200, now, 60)
    rows = candles(client, market, now - 7200, now, 60, include_latest_before_start="true")
    assert rows[1:] == plain
    assert rows[0]["end_period_ts"] < plain[0]["end_period_ts"]
    assert rows[0]["price"].keys() == {"previous_dollars"}
    assert rows[0]["volume_fp"] == "0.00"


def test_batch_and_event_candles_are_those_of_the_markets(client: PracticeClient) -> None:
    market = client.liquid_market(series_ticker="KXCPI")
    now = client.clock.now() // 1_000_000
    span = f"start_ts={now - 7200}&end_ts={now}&period_interval=60"
    single = candles(client, market, now - 7200, now, 60)
    batch = client.get(f"/markets/candlesticks?market_tickers={market.ticker},KXNOPE&{span}")["markets"]
    assert batch == [{"market_ticker": market.ticker, "candlesticks": single}]
    event = client.get(f"/series/KXCPI/events/{market.event_ticker}/candlesticks?{span}")
    index = event["market_tickers"].index(market.ticker)
    assert event["market_candlesticks"][index] == single
    assert len(event["market_candlesticks"]) == len(event["market_tickers"])
    other = client.send("GET", f"/series/KXBTC/markets/{market.ticker}/candlesticks?{span}")
    assert other.status == 404


def test_day_old_prices_are_shown_once_a_market_is_a_day_old(client: PracticeClient) -> None:
    rows = {row["ticker"]: row for row in client.get("/markets?limit=1000&status=open")["markets"]}
    for market in client.world.exchange.markets.values():
        if market.status is MarketStatus.ACTIVE and 2000 < market.initial_value < 8000:
            old = client.clock.now() - market.open_at > 25 * 3_600_000_000
            assert (rows[market.ticker]["previous_price_dollars"] != "0.0000") >= old


def test_real_trades_replace_computed_ones_after_a_restart(make_client: MakeClient, tmp_path: Path) -> None:
    client = make_client(path=tmp_path / "world.sqlite")
    market = client.liquid_market()
    live(client, 90, step=30)
    client.order(market, "bid", client.best(market, BookSide.ASK), "77.00")
    now = client.clock.now() // 1_000_000
    before = candles(client, market, now, now + 60, 1)[-1]
    client.world.close()
    again = make_client(path=tmp_path / "world.sqlite", now=client.clock.now() + 120_000_000)
    after = candles(again, market, now, now + 60, 1)[0]
    assert after["volume_fp"] == before["volume_fp"]
    assert {**after["price"], "previous_dollars": ""} == {**before["price"], "previous_dollars": ""}


def test_a_failed_write_is_retried_with_the_next_commit(make_client: MakeClient, tmp_path: Path) -> None:
    path = tmp_path / "world.sqlite"
    client = make_client(path=path)
    client.send("GET", "/markets")
    with closing(sqlite3.connect(path, timeout=0.1)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(sqlite3.OperationalError):
            client.order(client.liquid_market(), "bid", 100)
    (order,) = client.get("/portfolio/orders")["orders"]
    again = make_client(path=path)
    assert again.get(f"/portfolio/orders/{order['order_id']}")["order"]["status"] == "resting"
    again.world.exchange.check()


def test_depleted_best_level_is_refilled(client: PracticeClient) -> None:
    market = client.liquid_market()
    price, count = client.world.exchange.best(market.ticker, BookSide.ASK) or (0, 0)
    client.order(market, "bid", price, f"{(count - 100) / 100:.2f}")
    assert client.world.exchange.best(market.ticker, BookSide.ASK) == (price, 100)
    live(client, 1)
    _, refilled = client.world.exchange.best(market.ticker, BookSide.ASK) or (0, 0)
    assert refilled >= 5_000
