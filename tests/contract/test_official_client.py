"""The official client calls every endpoint of the practice exchange.

Its models must parse the answers.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from exchange_process import ExchangeProcess
from official_client import make_client, sdk

from kalshi_trading.practice.server.app import ENDPOINTS

pytestmark = [pytest.mark.contract, pytest.mark.filterwarnings("ignore")]


class Place:
    """A client of one exchange, and the market, event and order it asks for."""

    def __init__(self, client: Any, market: Any, order_id: str) -> None:
        self.client = client
        self.ticker = market.ticker
        self.event_ticker = market.event_ticker
        self.series_ticker = market.event_ticker.partition("-")[0]
        self.order_id = order_id
        self.span = {"end_ts": int(time.time()), "start_ts": int(time.time()) - 7200, "period_interval": 60}


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
def place(practice_exchange: ExchangeProcess) -> Iterator[Place]:
    client = make_client(practice_exchange)
    market = find_market(client)
    resting = create(client, market, "bid", "0.0100")
    yield Place(client, market, resting.order_id)
    client.cancel_order_v2(resting.order_id, market_ticker=market.ticker)


def forecast(place: Place) -> Any:
    """Read forecasts of a weather event; there are some."""
    event = place.client.get_events(series_ticker="KXHIGHNY", status="open").events[0]
    answer = place.client.get_event_forecast_percentiles_history(
        event.event_ticker, "KXHIGHNY", [1000, 5000], **{**place.span, "period_interval": 1}
    )
    assert answer.forecast_history
    return answer


READS: dict[str, Callable[[Place], Any]] = {
    "/exchange/status": lambda p: p.client.get_exchange_status(),
    "/exchange/schedule": lambda p: p.client.get_exchange_schedule(),
    "/exchange/user_data_timestamp": lambda p: p.client.get_user_data_timestamp(),
    "/account/limits": lambda p: p.client.get_account_api_limits(),
    "/account/endpoint_costs": lambda p: p.client.get_account_endpoint_costs(),
    "/historical/cutoff": lambda p: p.client.get_historical_cutoff(),
    "/historical/markets": lambda p: p.client.get_historical_markets(limit=10),
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
    "/portfolio/subaccounts/balances": lambda p: p.client.get_subaccount_balances(),
    "/portfolio/subaccounts/netting": lambda p: p.client.get_subaccount_netting(),
    "/portfolio/subaccounts/transfers": lambda p: p.client.get_subaccount_transfers(),
    "/portfolio/intra_exchange_instance_transfers": lambda p: (
        p.client.get_intra_exchange_instance_transfers()
    ),
    "/account/api_usage_level/volume_progress": lambda p: (
        p.client.get_account_api_usage_level_volume_progress()
    ),
    "/api_keys": lambda p: p.client.get_api_keys(),
    "/search/tags_by_categories": lambda p: p.client.get_tags_for_series_categories(),
    "/search/filters_by_sport": lambda p: p.client.get_filters_for_sports(),
    "/milestones": lambda p: p.client.get_milestones(limit=500),
    "/milestones/{milestone_id}": lambda p: p.client.get_milestone(
        p.client.get_milestones(limit=1).milestones[0].id
    ),
    "/incentive_programs": lambda p: p.client.get_incentive_programs(),
    "/multivariate_event_collections": lambda p: p.client.get_multivariate_event_collections(),
    "/live_data/batch": lambda p: p.client.get_live_datas(["none"]),
    "/series/{series_ticker}/events/{ticker}/forecast_percentile_history": forecast,
}
REFUSED: dict[str, Callable[[Place], Any]] = {
    "/portfolio/summary/total_resting_order_value": lambda p: (
        p.client.get_portfolio_resting_order_total_value()
    ),
    "/portfolio/target_balance_allocation": lambda p: p.client.get_target_balance_allocation(),
}
NO_HISTORY = {"/historical/markets/{ticker}", "/historical/markets/{ticker}/candlesticks"}


def test_every_read_served_is_driven() -> None:
    served = {endpoint.path for endpoint in ENDPOINTS if endpoint.method == "GET"}
    assert served == READS.keys() | REFUSED.keys() | NO_HISTORY


@pytest.mark.parametrize("path", READS)
def test_official_models_parse_the_answer(place: Place, path: str) -> None:
    assert READS[path](place).to_dict()


@pytest.mark.parametrize("path", REFUSED)
def test_official_client_is_forbidden_what_is_not_for_everybody(place: Place, path: str) -> None:
    with pytest.raises(sdk.exceptions.ForbiddenException):
        REFUSED[path](place)


def test_nothing_is_archived_yet(place: Place) -> None:
    with pytest.raises(sdk.exceptions.NotFoundException):
        place.client.get_historical_market(place.ticker)
    with pytest.raises(sdk.exceptions.NotFoundException):
        place.client.get_market_candlesticks_historical(place.ticker, **place.span)


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
