"""A session at the sandbox: every read, and one order far from the market.

It runs at the sandbox if its keys are in the environment, and at a practice exchange that stands in for it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from integration_session import Place, Report

from kalshi_trading.core.errors import KalshiAPIError
from kalshi_trading.core.models import Action, Order, OrderStatus, Positions, Side
from kalshi_trading.core.money import CENT, ONE_CONTRACT
from kalshi_trading.core.results import Listing
from kalshi_trading.kalshi_client import KalshiClient
from kalshi_trading.orders.execution.submission_result import Outcome, SubmissionResult
from kalshi_trading.orders.pretrade.findings import denials
from kalshi_trading.orders.pretrade.ticket import OrderTicket

pytestmark = pytest.mark.integration

LONGEST_LAG_S = 30
FIRST_ROWS = 200
AS_ASKED = "rows were requested"
LISTS = (Listing, Positions, tuple, list, dict)

READS: dict[str, Callable[[Place], Any]] = {
    "get_exchange_status": lambda p: p.client.get_exchange_status(),
    "get_exchange_schedule": lambda p: p.client.get_exchange_schedule(),
    "get_user_data_timestamp": lambda p: p.client.get_user_data_timestamp(),
    "get_data_as_of": lambda p: p.client.get_data_as_of(),
    "get_account_limits": lambda p: p.client.get_account_limits(),
    "get_endpoint_costs": lambda p: p.client.get_endpoint_costs(),
    "get_series": lambda p: p.client.get_series(),
    "get_series_by_ticker": lambda p: p.client.get_series_by_ticker(p.series_ticker),
    "get_series_fee_changes": lambda p: p.client.get_series_fee_changes(),
    "get_events": lambda p: p.client.get_events(limit=FIRST_ROWS, with_nested_markets=True),
    "get_event": lambda p: p.client.get_event(p.market.event_ticker),
    "get_event_metadata": lambda p: p.client.get_event_metadata(p.market.event_ticker),
    "get_event_fee_changes": lambda p: p.client.get_event_fee_changes(),
    "get_event_candlesticks": lambda p: p.client.get_event_candlesticks(
        p.series_ticker, p.market.event_ticker, p.bars()
    ),
    "get_multivariate_events": lambda p: p.client.get_multivariate_events(series_ticker=p.series_ticker),
    "get_forecast_percentile_history": lambda p: p.client.get_forecast_percentile_history(
        p.series_ticker, p.market.event_ticker, p.bars(), percentiles=(2500, 5000, 7500)
    ),
    "get_markets": lambda p: p.client.get_markets(limit=1000),
    "get_market": lambda p: p.client.get_market(p.market.ticker),
    "get_market_history": lambda p: p.client.get_market_history(p.market.ticker),
    "get_orderbook": lambda p: p.client.get_orderbook(p.market.ticker),
    "get_orderbooks": lambda p: p.client.get_orderbooks([p.market.ticker]),
    "get_candlesticks": lambda p: p.client.get_candlesticks(p.series_ticker, p.market.ticker, p.bars()),
    "get_candlesticks_of_markets": lambda p: p.client.get_candlesticks_of_markets(
        [p.market.ticker], p.bars()
    ),
    "get_trades": lambda p: p.client.get_trades(limit=FIRST_ROWS),
    "get_historical_cutoff": lambda p: p.client.get_historical_cutoff(),
    "get_historical_markets": lambda p: p.client.get_historical_markets(limit=FIRST_ROWS),
    "get_historical_market": lambda p: p.client.get_historical_market(archived(p)),
    "get_historical_candlesticks": lambda p: p.client.get_historical_candlesticks(archived(p), p.bars(30)),
    "get_historical_trades": lambda p: p.client.get_historical_trades(limit=FIRST_ROWS),
    "get_historical_fills": lambda p: p.client.get_historical_fills(),
    "get_historical_orders": lambda p: p.client.get_historical_orders(),
    "get_historical_positions": lambda p: p.client.get_historical_positions(),
    "get_balance": lambda p: p.client.get_balance(),
    "get_positions": lambda p: p.client.get_positions(settlement_status="all"),
    "get_fills": lambda p: p.client.get_fills(),
    "get_settlements": lambda p: p.client.get_settlements(),
    "get_orders": lambda p: p.client.get_orders(),
    "get_deposits": lambda p: p.client.get_deposits(),
    "get_withdrawals": lambda p: p.client.get_withdrawals(),
    "each_fill": lambda p: list(p.client.each_fill()),
    "each_order": lambda p: list(p.client.each_order()),
    "each_settlement": lambda p: list(p.client.each_settlement()),
}
ORDER_READS: dict[str, Callable[[Place, str], Any]] = {
    "get_order": lambda p, order_id: p.client.get_order(order_id),
    "get_queue_position": lambda p, order_id: p.client.get_queue_position(order_id),
    "get_queue_positions": lambda p, order_id: p.client.get_queue_positions(tickers=[p.market.ticker]),
}
MAY_BE_REFUSED = {"get_forecast_percentile_history": (400, 404)}
"""HTTP statuses that are no fault: only events with numeric strikes have a forecast."""


def archived(place: Place) -> str:
    if place.archived_ticker is None:
        pytest.skip("the archive is empty")
    return place.archived_ticker


def is_read(name: str) -> bool:
    return name.startswith(("get_", "each_"))


def test_every_read_of_the_client_is_driven() -> None:
    assert {name for name in dir(KalshiClient) if is_read(name)} == READS.keys() | ORDER_READS.keys()


def check(name: str, read: Callable[[], Any], place: Place, report: Report) -> Any:
    """Ask, put the answer's kind on record, and return it."""
    try:
        answer = read()
    except KalshiAPIError as error:
        is_expected = error.status in MAY_BE_REFUSED.get(name, ())
        report.add(name, "refused" if is_expected else "failed", error)
        if is_expected:
            return None
        raise
    rows = {"rows": "some" if len(answer) else "none"} if isinstance(answer, LISTS) else {}
    report.add(name, "read", fields_changed=place.field_changes(), **rows)
    incomplete = answer.incomplete if isinstance(answer, Listing) else None
    assert incomplete is None or incomplete.endswith(AS_ASKED)
    return answer


@pytest.mark.parametrize("name", READS)
def test_every_read_is_understood(place: Place, report: Report, name: str) -> None:
    check(name, lambda: READS[name](place), place, report)
    assert place.field_changes() == []


def wait_for_status(place: Place, order_id: str, status: OrderStatus) -> Order:
    """Read the order until it has this status: reads lag behind writes."""
    deadline = time.monotonic() + LONGEST_LAG_S
    while (order := place.client.get_order(order_id)).status is not status:
        assert time.monotonic() < deadline, f"the order is {order.status}, not {status}"
        time.sleep(0.2)
    return order


def submit_far_order(place: Place) -> SubmissionResult:
    """Bid one cent for a YES contract that costs far more."""
    orders = place.services.orders
    ticket = OrderTicket(place.market.ticker, Action.BUY, Side.YES, ONE_CONTRACT, CENT, post_only=True)
    preview = orders.preview(ticket)
    assert [finding.rule for finding in denials(preview.findings)] == []
    return orders.submit(preview)


def test_an_order_at_one_cent_is_placed_and_canceled(place: Place, report: Report) -> None:
    result = submit_far_order(place)
    report.add("place_order", result.outcome.value)
    assert result.outcome is Outcome.ACKNOWLEDGED
    assert result.order_id is not None
    try:
        assert (result.fill_count, result.remaining_count) == (0, ONE_CONTRACT)
        order = wait_for_status(place, result.order_id, OrderStatus.RESTING)
        assert (order.ticker, order.yes_price, order.book_side) == (place.market.ticker, CENT, "bid")
        assert result.order_id in {each.order_id for each in place.client.get_orders(status="resting")}
        for name, read in ORDER_READS.items():
            check(name, lambda read=read: read(place, result.order_id), place, report)
    finally:
        canceled = place.services.orders.cancel_order(place.client.get_order(result.order_id))
        report.add("cancel_order", "canceled" if canceled else "not canceled")
    assert canceled.reduced_by == ONE_CONTRACT
    ended = wait_for_status(place, result.order_id, OrderStatus.CANCELED)
    assert (ended.fill_count, ended.remaining_count) == (0, 0)
    assert place.field_changes() == []
    assert_redacted(report, place, result)


def assert_redacted(report: Report, place: Place, result: SubmissionResult) -> None:
    """Fail if the report names the key, the order or the cash."""
    credentials = place.services.settings.credentials
    assert credentials is not None
    cash = str(place.client.get_balance().cash)
    private = (credentials.key_id, result.order_id, result.request.client_order_id, cash)
    written = report.path.read_text()
    assert [each for each in private if each is None or each in written] == []
