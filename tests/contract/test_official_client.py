"""The official client calls every endpoint of the practice exchange.

Its models must parse the answers.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from exchange_process import ExchangeProcess
from official_client import make_client, sdk
from traded_account import SERVED, TradedAccount, shape

pytestmark = [pytest.mark.contract, pytest.mark.filterwarnings("ignore")]


class Place:
    """A client of the traded account, and what it asks for."""

    def __init__(self, account: TradedAccount) -> None:
        self.client = make_client(account.exchange)
        self.account = account
        self.ticker = account.ticker
        self.event_ticker = account.event_ticker
        self.series_ticker = account.series_ticker
        self.order_id = account.order_id
        self.archived_ticker = account.archived_ticker
        self.span = account.last_day


def find_market(client: Any) -> Any:
    """Return an active market with a middle price that does not close soon."""
    for market in client.get_markets(limit=1000, status="open").markets:
        lives_on = market.close_time.timestamp() > time.time() + 3600
        if lives_on and float(market.yes_bid_dollars) > 0.2 and float(market.yes_ask_dollars) < 0.8:
            return market
    raise AssertionError("no such market")


def create(client: Any, market: Any, side: str, price: str, **more: Any) -> Any:
    order = {
        "ticker": market.ticker,
        "client_order_id": str(uuid.uuid4()),
        "side": side,
        "count": "10.00",
        "price": price,
        "time_in_force": "good_till_canceled",
        "self_trade_prevention_type": "taker_at_cross",
        **more,
    }
    return client.create_order_v2(**order)


@pytest.fixture(scope="module")
def place(account: TradedAccount) -> Place:
    return Place(account)


def forecast(place: Place) -> Any:
    """Read forecasts of a weather event; there are some."""
    event = place.client.get_events(series_ticker="KXHIGHNY", status="open").events[0]
    answer = place.client.get_event_forecast_percentiles_history(
        event.event_ticker, "KXHIGHNY", [1000, 5000], **{**place.span, "period_interval": 1}
    )
    assert answer.forecast_history
    return answer


def a_milestone(place: Place) -> str:
    return place.client.get_milestones(limit=1).milestones[0].id


READS: dict[str, Callable[[Place], Any]] = {
    "/exchange/status": lambda p: p.client.get_exchange_status(),
    "/exchange/schedule": lambda p: p.client.get_exchange_schedule(),
    "/exchange/user_data_timestamp": lambda p: p.client.get_user_data_timestamp(),
    "/account/limits": lambda p: p.client.get_account_api_limits(),
    "/account/endpoint_costs": lambda p: p.client.get_account_endpoint_costs(),
    "/account/api_usage_level/volume_progress": lambda p: (
        p.client.get_account_api_usage_level_volume_progress()
    ),
    "/api_keys": lambda p: p.client.get_api_keys(),
    "/search/tags_by_categories": lambda p: p.client.get_tags_for_series_categories(),
    "/search/filters_by_sport": lambda p: p.client.get_filters_for_sports(),
    "/milestones": lambda p: p.client.get_milestones(limit=100),
    "/milestones/{milestone_id}": lambda p: p.client.get_milestone(a_milestone(p)),
    "/incentive_programs": lambda p: p.client.get_incentive_programs(),
    "/live_data/batch": lambda p: p.client.get_live_datas(["none"]),
    "/historical/cutoff": lambda p: p.client.get_historical_cutoff(),
    "/historical/markets": lambda p: p.client.get_historical_markets(limit=10),
    "/historical/markets/{ticker}": lambda p: p.client.get_historical_market(p.archived_ticker),
    "/historical/markets/{ticker}/candlesticks": lambda p: p.client.get_market_candlesticks_historical(
        p.archived_ticker, **p.account.last_month
    ),
    "/historical/trades": lambda p: p.client.get_trades_historical(),
    "/historical/fills": lambda p: p.client.get_fills_historical(),
    "/historical/orders": lambda p: p.client.get_historical_orders(),
    "/historical/positions": lambda p: p.client.get_historical_positions(),
    "/series": lambda p: p.client.get_series_list(include_volume=True),
    "/series/fee_changes": lambda p: p.client.get_series_fee_changes(show_historical=True),
    "/series/{series_ticker}": lambda p: p.client.get_series(p.series_ticker),
    "/series/{series_ticker}/markets/{ticker}/candlesticks": lambda p: p.client.get_market_candlesticks(
        p.series_ticker, p.ticker, include_latest_before_start=True, **p.span
    ),
    "/series/{series_ticker}/events/{ticker}/candlesticks": lambda p: (
        p.client.get_market_candlesticks_by_event(p.event_ticker, p.series_ticker, **p.span)
    ),
    "/series/{series_ticker}/events/{ticker}/forecast_percentile_history": lambda p: forecast(p),
    "/events": lambda p: p.client.get_events(with_nested_markets=True, with_milestones=True),
    "/events/multivariate": lambda p: p.client.get_multivariate_events(),
    "/events/fee_changes": lambda p: p.client.get_event_fee_changes(),
    "/events/{event_ticker}": lambda p: p.client.get_event(p.event_ticker, with_nested_markets=True),
    "/events/{event_ticker}/metadata": lambda p: p.client.get_event_metadata(p.event_ticker),
    "/markets": lambda p: p.client.get_markets(limit=1000),
    "/markets/trades": lambda p: p.client.get_trades(limit=1000),
    "/markets/orderbooks": lambda p: p.client.get_market_orderbooks([p.ticker, p.ticker]),
    "/markets/candlesticks": lambda p: p.client.batch_get_market_candlesticks(p.ticker, **p.span),
    "/markets/{ticker}": lambda p: p.client.get_market(p.ticker),
    "/markets/{ticker}/orderbook": lambda p: p.client.get_market_orderbook(p.ticker, depth=5),
    "/portfolio/balance": lambda p: p.client.get_balance(),
    "/portfolio/positions": lambda p: p.client.get_positions(settlement_status="all"),
    "/portfolio/fills": lambda p: p.client.get_fills(),
    "/portfolio/settlements": lambda p: p.client.get_settlements(),
    "/portfolio/orders": lambda p: p.client.get_orders(status="resting"),
    "/portfolio/orders/queue_positions": lambda p: p.client.get_order_queue_positions(
        market_tickers=p.ticker
    ),
    "/portfolio/orders/{order_id}": lambda p: p.client.get_order(p.order_id),
    "/portfolio/orders/{order_id}/queue_position": lambda p: p.client.get_order_queue_position(p.order_id),
    "/portfolio/deposits": lambda p: p.client.get_deposits(),
    "/portfolio/withdrawals": lambda p: p.client.get_withdrawals(),
    "/portfolio/intra_exchange_instance_transfers": lambda p: (
        p.client.get_intra_exchange_instance_transfers()
    ),
    "/multivariate_event_collections": lambda p: p.client.get_multivariate_event_collections(),
    "/portfolio/subaccounts/balances": lambda p: p.client.get_subaccount_balances(),
    "/portfolio/subaccounts/netting": lambda p: p.client.get_subaccount_netting(),
    "/portfolio/subaccounts/transfers": lambda p: p.client.get_subaccount_transfers(),
}
# Reads that the exchange refuses to this account, or has nothing for.
REFUSED: dict[str, tuple[Callable[[Place], Any], type[Exception]]] = {
    "/portfolio/summary/total_resting_order_value": (
        lambda p: p.client.get_portfolio_resting_order_total_value(),
        sdk.exceptions.ForbiddenException,
    ),
    "/portfolio/target_balance_allocation": (
        lambda p: p.client.get_target_balance_allocation(),
        sdk.exceptions.ForbiddenException,
    ),
    "/multivariate_event_collections/{collection_ticker}": (
        lambda p: p.client.get_multivariate_event_collection("none"),
        sdk.exceptions.NotFoundException,
    ),
    "/portfolio/intra_exchange_instance_transfers/{transfer_id}": (
        lambda p: p.client.get_intra_exchange_instance_transfer("none"),
        sdk.exceptions.NotFoundException,
    ),
    "/live_data/milestone/{milestone_id}": (
        lambda p: p.client.get_live_data_by_milestone("none"),
        sdk.exceptions.NotFoundException,
    ),
    "/live_data/milestone/{milestone_id}/game_stats": (
        lambda p: p.client.get_game_stats("none"),
        sdk.exceptions.NotFoundException,
    ),
    "/live_data/{type}/milestone/{milestone_id}": (
        lambda p: p.client.get_live_data("none", "none"),
        sdk.exceptions.NotFoundException,
    ),
    "/live_data/events/{event_ticker}": (
        lambda p: p.client.get_event_live_data(p.event_ticker),
        sdk.exceptions.NotFoundException,
    ),
    "/live_data/weather/{city}": (
        lambda p: p.client.get_weather_index("none"),
        sdk.exceptions.NotFoundException,
    ),
    "/live_data/weather/{city}/calibrations": (
        lambda p: p.client.get_weather_index_calibrations("none"),
        sdk.exceptions.NotFoundException,
    ),
}
LISTS = {  # with the name of their rows; each has some in the traded account
    "/markets": "markets",
    "/events": "events",
    "/series": "series",
    "/markets/trades": "trades",
    "/series/{series_ticker}/markets/{ticker}/candlesticks": "candlesticks",
    "/markets/candlesticks": "markets",
    "/portfolio/positions": "market_positions",
    "/portfolio/fills": "fills",
    "/portfolio/settlements": "settlements",
    "/portfolio/orders": "orders",
    "/portfolio/orders/queue_positions": "queue_positions",
    "/portfolio/deposits": "deposits",
    "/portfolio/withdrawals": "withdrawals",
    "/historical/markets": "markets",
    "/historical/markets/{ticker}/candlesticks": "candlesticks",
    "/historical/trades": "trades",
    "/historical/fills": "fills",
    "/historical/orders": "orders",
    "/historical/positions": "market_positions",
}


def test_every_read_served_is_driven() -> None:
    assert sorted(SERVED - {shape(path) for path in (*READS, *REFUSED)}) == []


@pytest.mark.parametrize("path", READS)
def test_official_models_parse_the_answer(place: Place, path: str) -> None:
    answer = READS[path](place).to_dict()
    assert answer
    if path in LISTS:
        assert answer[LISTS[path]]


@pytest.mark.parametrize("path", REFUSED)
def test_official_exceptions_parse_the_refusal(place: Place, path: str) -> None:
    read, error = REFUSED[path]
    with pytest.raises(error):
        read(place)


def test_order_lives_its_whole_life(fresh_practice_exchange: ExchangeProcess) -> None:
    client = make_client(fresh_practice_exchange)
    market = client.get_market(find_market(client).ticker).market
    before = client.get_balance()

    bought = create(client, market, "bid", market.yes_ask_dollars)
    assert (bought.fill_count, bought.remaining_count) == ("10.00", "0.00")
    assert client.get_order(bought.order_id).order.status == "executed"
    (fill,) = client.get_fills(order_id=bought.order_id).fills
    assert (fill.book_side, fill.is_taker, fill.count_fp) == ("bid", True, "10.00")
    (held,) = client.get_positions(ticker=market.ticker).market_positions
    assert held.position_fp == "10.00"
    cost = float(bought.average_fill_price) * 10 + float(fill.fee_cost)
    spent = float(before.balance_dollars) - float(client.get_balance().balance_dollars)
    assert abs(spent - cost) < 0.00005

    resting = create(client, market, "ask", "0.9900", client_order_id="one-of-a-kind")
    assert (resting.fill_count, resting.remaining_count) == ("0.00", "10.00")
    rows = client.get_order_queue_positions(market_tickers=market.ticker).queue_positions
    assert [row.order_id for row in rows] == [resting.order_id]
    position = client.get_order_queue_position(resting.order_id).queue_position_fp
    assert float(position) >= 0
    with pytest.raises(sdk.exceptions.ConflictException):
        create(client, market, "ask", "0.9900", client_order_id="one-of-a-kind")
    canceled = client.cancel_order_v2(resting.order_id, market_ticker=market.ticker)
    assert (canceled.order_id, canceled.reduced_by) == (resting.order_id, "10.00")
    assert client.get_order(resting.order_id).order.status == "canceled"
    with pytest.raises(sdk.exceptions.NotFoundException):
        client.cancel_order_v2(resting.order_id, market_ticker=market.ticker)

    sold = create(client, market, "ask", "0.0100", time_in_force="immediate_or_cancel", reduce_only=True)
    assert sold.fill_count == "10.00"
    (closed,) = client.get_positions(ticker=market.ticker).market_positions
    assert closed.position_fp == "0.00"


def test_pages_are_followed_with_the_official_cursor(place: Place) -> None:
    tickers: list[str] = []
    cursor = None
    while cursor != "":
        page = place.client.get_markets(limit=100, cursor=cursor)
        tickers += [market.ticker for market in page.markets]
        cursor = page.cursor
    assert len(tickers) == len(set(tickers)) >= 400


def test_refusals_are_parsed_as_the_official_exceptions(place: Place) -> None:
    market = place.client.get_market(place.ticker).market
    with pytest.raises(sdk.exceptions.BadRequestException) as refused:
        create(place.client, market, "bid", "0.5055")
    assert "invalid_price" in refused.value.body
    with pytest.raises(sdk.exceptions.BadRequestException) as refused:
        create(place.client, market, "bid", "0.0200", count="9999999.00")
    assert "insufficient_balance" in refused.value.body
