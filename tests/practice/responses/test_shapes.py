"""Responses match the recorded examples in fields and number formats."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest
from answer_shapes import differences
from api_examples import REST
from practice_client import PracticeClient

from kalshi_trading.practice.server.app import ENDPOINTS


def span(client: PracticeClient) -> str:
    now = client.clock.now() // 1_000_000
    return f"start_ts={now - 7200}&end_ts={now}&period_interval=60&include_latest_before_start=true"


def resting(client: PracticeClient) -> str:
    return str(client.order(client.liquid_market(), "bid", 100).body["order_id"])


def forecast(client: PracticeClient) -> str:
    market = client.liquid_market(series_ticker="KXHIGHNY")
    event = f"/series/KXHIGHNY/events/{market.event_ticker}"
    return f"{event}/forecast_percentile_history?{span(client)}&percentiles=1000&percentiles=5000"


Target = Callable[[PracticeClient], str]
TARGETS: dict[str, Target] = {
    "get_exchange_status": lambda d: "/exchange/status",
    "get_exchange_schedule": lambda d: "/exchange/schedule",
    "get_user_data_timestamp": lambda d: "/exchange/user_data_timestamp",
    "get_series_fee_changes": lambda d: "/series/fee_changes?show_historical=true",
    "get_series_list": lambda d: "/series?include_volume=true",
    "get_series": lambda d: "/series/KXHIGHNY?include_volume=true",
    "get_events": lambda d: "/events?limit=200",
    "get_event": lambda d: f"/events/{d.liquid_market().event_ticker}",
    "get_event_metadata": lambda d: f"/events/{d.liquid_market().event_ticker}/metadata",
    "get_event_fee_changes": lambda d: "/events/fee_changes",
    "get_multivariate_events": lambda d: "/events/multivariate",
    "get_markets": lambda d: "/markets?limit=1000",
    "get_market": lambda d: f"/markets/{d.liquid_market().ticker}",
    "get_market_orderbook": lambda d: f"/markets/{d.liquid_market().ticker}/orderbook",
    "get_market_orderbooks": lambda d: f"/markets/orderbooks?tickers={d.liquid_market().ticker}",
    "get_market_candlesticks": lambda d: (
        f"/series/{d.liquid_market().series_ticker}/markets/{d.liquid_market().ticker}/candlesticks?{span(d)}"
    ),
    "batch_get_market_candlesticks": lambda d: (
        f"/markets/candlesticks?market_tickers={d.liquid_market().ticker}&{span(d)}"
    ),
    "get_market_candlesticks_by_event": lambda d: (
        f"/series/{d.liquid_market().series_ticker}/events/{d.liquid_market().event_ticker}/candlesticks?{span(d)}"
    ),
    "get_trades": lambda d: "/markets/trades?limit=50",
    "get_balance": lambda d: "/portfolio/balance",
    "get_positions": lambda d: "/portfolio/positions",
    "get_fills": lambda d: "/portfolio/fills",
    "get_orders": lambda d: "/portfolio/orders",
    "get_order": lambda d: f"/portfolio/orders/{resting(d)}",
    "get_order_queue_position": lambda d: f"/portfolio/orders/{resting(d)}/queue_position",
    "get_order_queue_positions": lambda d: (
        f"/portfolio/orders/queue_positions?event_ticker={d.liquid_market().event_ticker}"
    ),
    "get_deposits": lambda d: "/portfolio/deposits",
    "get_withdrawals": lambda d: "/portfolio/withdrawals",
    "get_historical_cutoff": lambda d: "/historical/cutoff",
    "get_historical_markets": lambda d: "/historical/markets",
    "get_trades_historical": lambda d: "/historical/trades",
    "get_fills_historical": lambda d: "/historical/fills",
    "get_historical_orders": lambda d: "/historical/orders",
    "get_historical_positions": lambda d: "/historical/positions",
    "get_account_api_limits": lambda d: "/account/limits",
    "get_account_endpoint_costs": lambda d: "/account/endpoint_costs",
    "get_account_api_usage_level_volume_progress": lambda d: "/account/api_usage_level/volume_progress",
    "get_api_keys": lambda d: "/api_keys",
    "get_subaccount_balances": lambda d: "/portfolio/subaccounts/balances",
    "get_subaccount_transfers": lambda d: "/portfolio/subaccounts/transfers",
    "get_subaccount_netting": lambda d: "/portfolio/subaccounts/netting",
    "get_intra_exchange_instance_transfers": lambda d: "/portfolio/intra_exchange_instance_transfers",
    "get_milestones": lambda d: "/milestones?limit=50",
    "get_milestone": lambda d: f"/milestones/{d.get('/milestones?limit=1')['milestones'][0]['id']}",
    "get_incentive_programs": lambda d: "/incentive_programs",
    "get_multivariate_event_collections": lambda d: "/multivariate_event_collections",
    "get_live_datas": lambda d: "/live_data/batch?milestone_ids=none",
    "get_event_without_markets": lambda d: f"/events/{d.liquid_market().event_ticker}?exclude_markets=true",
    "get_event_forecast_percentiles_history": forecast,
}


@pytest.mark.parametrize("name", sorted(TARGETS.keys() & REST.keys()))
def test_answer_is_written_like_the_example(client: PracticeClient, name: str) -> None:
    market = client.liquid_market()
    client.order(market, "bid", client.world.top_of_book(market.ticker).ask or 0)
    client.order(market, "bid", 100, expiration_time=client.clock.now() // 1_000_000 + 600)
    real = client.get(TARGETS[name](client))
    assert differences(REST[name]["body"], real, name) == []


def test_settled_market_and_settlement_are_written_like_the_examples(client: PracticeClient) -> None:
    market = client.liquid_market()
    client.order(market, "bid", client.world.top_of_book(market.ticker).ask or 0)
    client.clock.move((market.close_at - client.clock.now()) / 1_000_000 + 3 * 3600)
    client.world.tick()
    settlements = client.get("/portfolio/settlements")
    assert len(settlements["settlements"]) == 1
    assert differences(REST["get_settlements"]["body"], settlements, "settlements") == []
    settled = client.get(f"/markets/{market.ticker}")["market"]
    assert {"settlement_value_dollars", "settlement_ts"} <= settled.keys()
    example = {
        **REST["get_market"]["body"]["market"],
        **REST["get_historical_market"]["body"]["market"],
    }
    assert differences(example, settled, "market") == []


def test_created_and_canceled_orders_are_written_like_the_examples(client: PracticeClient) -> None:
    market = client.liquid_market()
    created = client.order(market, "bid", client.world.top_of_book(market.ticker).ask or 0)
    assert created.status == REST["create_order_v2"]["status"] == 201
    assert differences(REST["create_order_v2"]["body"], created.body, "created") == []
    canceled = client.send(
        "DELETE", f"/portfolio/events/orders/{resting(client)}?market_ticker={market.ticker}"
    )
    assert canceled.status == REST["cancel_order_v2"]["status"] == 200
    assert differences(REST["cancel_order_v2"]["body"], canceled.body, "canceled") == []


def test_average_price_and_fee_are_per_contract_and_only_of_fills(client: PracticeClient) -> None:
    market = client.liquid_market()
    ask = client.world.top_of_book(market.ticker).ask or 0
    resting, filled = client.order(market, "bid", 100).body, client.order(market, "bid", ask, "4.00").body
    assert not {"average_fill_price", "average_fee_paid"} & resting.keys()
    (fill,) = client.get("/portfolio/fills")["fills"]
    assert filled["average_fill_price"] == fill["yes_price_dollars"]
    assert abs(Decimal(filled["average_fee_paid"]) - Decimal(fill["fee_cost"]) / 4) <= Decimal("0.00005")


def test_every_served_example_is_compared() -> None:
    elsewhere = {"create_order_v2", "cancel_order_v2", "get_settlements", "get_historical_market"}
    compared = {REST[name]["request"] for name in (TARGETS.keys() & REST.keys()) | elsewhere}
    served = {f"{endpoint.method} {endpoint.path}" for endpoint in ENDPOINTS}
    exempt = {
        "GET /historical/markets/{ticker}/candlesticks",  # its test needs an archived market
        *("GET /search/tags_by_categories", "GET /search/filters_by_sport"),  # the keys are data
        "GET /portfolio/summary/total_resting_order_value",  # refused
        "GET /portfolio/target_balance_allocation",  # refused
    }
    assert {example["request"] for example in REST.values()} & served - compared <= exempt


def test_order_book_has_the_best_price_last(client: PracticeClient) -> None:
    market = client.liquid_market()
    book = client.get(f"/markets/{market.ticker}/orderbook")["orderbook_fp"]
    best = client.world.top_of_book(market.ticker)
    assert best.bid is not None
    assert best.ask is not None
    assert book["yes_dollars"][-1][0] == f"{best.bid / 10_000:.4f}"
    assert book["no_dollars"][-1][0] == f"{1 - best.ask / 10_000:.4f}"
    assert book["yes_dollars"] == sorted(book["yes_dollars"])
    assert client.get(f"/markets/{market.ticker}/orderbook?depth=1")["orderbook_fp"] == {
        side: levels[-1:] for side, levels in book.items()
    }


def test_unopened_market_shows_no_quotes_the_other_way_round(client: PracticeClient) -> None:
    market = client.get("/markets?status=unopened&limit=1")["markets"][0]
    assert (market["yes_bid_dollars"], market["yes_ask_dollars"]) == ("0.0000", "0.0000")
    assert (market["no_bid_dollars"], market["no_ask_dollars"]) == ("1.0000", "1.0000")
