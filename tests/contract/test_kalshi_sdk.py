"""The client `kalshi-sdk` reads and trades at the practice exchange.

Its market model still requires a key that Kalshi no longer sends, so the exchange sends retired fields here.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest
from traded_account import TradedAccount

from kalshi_trading.core.money import CENT

kalshi = pytest.importorskip("kalshi", reason="NOT INSTALLED: kalshi-sdk")
httpx = pytest.importorskip("httpx", reason="NOT INSTALLED: kalshi-sdk")
pytestmark = [pytest.mark.contract, pytest.mark.filterwarnings("ignore")]

RETIRED = {"liquidity_dollars"}
"""Source: Kalshi API, changelog: gone since 2026-10-01."""


class Place:
    """A client of the traded account."""

    def __init__(self, account: TradedAccount) -> None:
        exchange = account.exchange
        self.account = account
        self.client = kalshi.KalshiClient(
            key_id=exchange.key_id,
            private_key_path=exchange.private_key_path,
            base_url=exchange.url,
            max_retries=10,
        )

    def bars(self, **more: Any) -> Any:
        account = self.account
        return self.client.markets.candlesticks(
            account.series_ticker, account.ticker, **account.last_day, **more
        )

    def forecasts(self) -> Any:
        """Read forecasts of a weather event, whose strikes are numbers."""
        event = next(iter(self.client.events.list_all(series_ticker="KXHIGHNY", status="open")))
        return self.client.series.forecast_percentile_history(
            "KXHIGHNY", event.event_ticker, percentiles=[2500, 5000], **self.account.last_day
        )


@pytest.fixture(scope="module")
def place(account: TradedAccount) -> Iterator[Place]:
    account.exchange.control("assumptions", {"retired_fields": "yes"})
    place = Place(account)
    yield place
    place.client.close()
    account.exchange.control("assumptions", {})


LISTS: dict[str, Callable[[Place], Any]] = {
    "markets": lambda p: p.client.markets.list_all(limit=1000),
    "settled markets": lambda p: p.client.markets.list_all(status="settled", limit=1000),
    "books": lambda p: p.client.markets.bulk_orderbooks(tickers=[p.account.ticker]),
    "trades": lambda p: p.client.markets.list_all_trades(limit=1000),
    "candlesticks": lambda p: p.bars(),
    "forecasts": lambda p: p.forecasts(),
    "milestones": lambda p: p.client.milestones.list_all(limit=100),
    "candlesticks with the latest before": lambda p: p.bars(include_latest_before_start=True),
    "candlesticks of markets": lambda p: p.client.markets.bulk_candlesticks(
        market_tickers=[p.account.ticker], **p.account.last_day
    ),
    "events": lambda p: p.client.events.list_all(with_nested_markets=True, with_milestones=True),
    "series": lambda p: p.client.series.list(include_product_metadata=True, include_volume=True),
    "orders": lambda p: p.client.orders.list_all(),
    "fills": lambda p: p.client.portfolio.fills_all(),
    "positions": lambda p: p.client.portfolio.positions_all(settlement_status="all"),
    "settlements": lambda p: p.client.portfolio.settlements_all(),
    "deposits": lambda p: p.client.portfolio.deposits_all(),
    "withdrawals": lambda p: p.client.portfolio.withdrawals_all(),
    "queue positions": lambda p: p.client.orders.queue_positions(market_tickers=[p.account.ticker]),
    "archived markets": lambda p: p.client.historical.markets_all(limit=1000),
    "archived candlesticks": lambda p: p.client.historical.candlesticks(
        p.account.archived_ticker, **p.account.last_month
    ),
    "archived trades": lambda p: p.client.historical.trades_all(limit=1000),
    "archived orders": lambda p: p.client.historical.orders_all(),
    "archived fills": lambda p: p.client.historical.fills_all(),
    "archived positions": lambda p: p.client.historical.positions_all(),
}
VALUES: dict[str, Callable[[Place], Any]] = {
    "market": lambda p: p.client.markets.get(p.account.ticker),
    "book": lambda p: p.client.markets.orderbook(p.account.ticker, depth=5),
    "event": lambda p: p.client.events.get(p.account.event_ticker, with_nested_markets=True),
    "event metadata": lambda p: p.client.events.metadata(p.account.event_ticker),
    "series": lambda p: p.client.series.get(p.account.series_ticker, include_volume=True),
    "event candlesticks": lambda p: p.client.series.event_candlesticks(
        p.account.series_ticker, p.account.event_ticker, **p.account.last_day
    ),
    "order": lambda p: p.client.orders.get(p.account.order_id),
    "balance": lambda p: p.client.portfolio.balance(),
    "exchange status": lambda p: p.client.exchange.status(),
    "exchange schedule": lambda p: p.client.exchange.schedule(),
    "data timestamp": lambda p: p.client.exchange.user_data_timestamp(),
    "account limits": lambda p: p.client.account.limits(),
    "endpoint costs": lambda p: p.client.account.endpoint_costs(),
    "volume progress": lambda p: p.client.account.volume_progress(),
    "search tags": lambda p: p.client.search.tags_by_categories(),
    "search by sport": lambda p: p.client.search.filters_by_sport(),
    "keys": lambda p: p.client.api_keys.list(),
    "subaccounts": lambda p: p.client.subaccounts.list_balances(),
    "netting": lambda p: p.client.subaccounts.get_netting(),
    "cut-off": lambda p: p.client.historical.cutoff(),
    "archived market": lambda p: p.client.historical.market(p.account.archived_ticker),
}
EMPTY: dict[str, Callable[[Place], Any]] = {
    "incentives": lambda p: p.client.incentive_programs.list_all(),
    "subaccount transfers": lambda p: p.client.subaccounts.list_all_transfers(),
    "combos": lambda p: p.client.events.list_all_multivariate(),
    "event fee changes": lambda p: p.client.events.fee_changes_all(),
    "series fee changes": lambda p: p.client.series.fee_changes(show_historical=True),
}


@pytest.mark.parametrize("name", LISTS)
def test_every_row_of_a_list_is_read(place: Place, name: str) -> None:
    assert list(LISTS[name](place))


@pytest.mark.parametrize("name", VALUES)
def test_a_single_value_is_read(place: Place, name: str) -> None:
    assert VALUES[name](place)


@pytest.mark.parametrize("name", EMPTY)
def test_an_empty_list_is_read(place: Place, name: str) -> None:
    assert list(EMPTY[name](place)) == []


def test_only_the_retired_key_is_missed(place: Place) -> None:
    place.account.exchange.control("assumptions", {})
    try:
        with pytest.raises(Exception, match="validation error") as refused:
            place.client.markets.get(place.account.ticker)
        missed = [(each["type"], *each["loc"]) for each in refused.value.errors()]
        assert missed == [("missing", *RETIRED)]
    finally:
        place.account.exchange.control("assumptions", {"retired_fields": "yes"})


def test_the_account_is_the_one_that_our_client_reads(place: Place) -> None:
    ours, client = place.account.exchange.client(), place.client
    assert {each.order_id: each.fill_count for each in client.orders.list_all()} == {
        each.order_id: each.fill_count for each in ours.get_orders()
    }
    held = {each.ticker: each.position for each in client.portfolio.positions_all()}
    assert held == {each.ticker: each.net for each in ours.get_positions().markets}
    assert min(held.values()) < 0 < max(held.values())
    assert {each.fill_id: (each.count, each.fee_cost) for each in client.portfolio.fills_all()} == {
        each.fill_id: (each.count, each.fee) for each in ours.get_fills()
    }
    assert 0 <= ours.get_balance().cash - Decimal(client.portfolio.balance().balance) / 100 < CENT


def test_the_book_is_the_one_that_our_client_reads(place: Place) -> None:
    theirs = place.client.markets.orderbook(place.account.ticker)
    ours = place.account.exchange.client().get_orderbook(place.account.ticker)
    for rows, levels in ((theirs.yes, ours.yes_bids), (theirs.no, ours.no_bids)):
        assert {row.price: row.quantity for row in rows} == {level.price: level.count for level in levels}


def test_an_order_is_placed_and_canceled(place: Place) -> None:
    ticker, orders = place.account.ticker, place.client.orders
    request = kalshi.CreateOrderV2Request(
        ticker=ticker,
        client_order_id=str(uuid.uuid4()),
        side="bid",
        count=Decimal(3),
        price=CENT,
        time_in_force="good_till_canceled",
        self_trade_prevention_type="taker_at_cross",
        post_only=True,
    )
    placed = orders.create_v2(request=request)
    assert (placed.fill_count, placed.remaining_count) == (0, 3)
    assert orders.cancel_v2(placed.order_id, market_ticker=ticker).reduced_by == 3
    assert orders.get(placed.order_id).status == "canceled"
