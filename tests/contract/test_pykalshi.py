"""The client `pykalshi` reads and trades at the practice exchange."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest
from traded_account import TradedAccount

from kalshi_trading.core.money import CENT

pykalshi = pytest.importorskip("pykalshi", reason="NOT INSTALLED: pykalshi")
pytestmark = [pytest.mark.contract, pytest.mark.filterwarnings("ignore")]

STATUSES = pykalshi.MarketStatus
SPAN = ("start_ts", "end_ts")


class Place:
    """A client of the traded account."""

    def __init__(self, account: TradedAccount) -> None:
        exchange = account.exchange
        self.account = account
        self.client = pykalshi.KalshiClient(exchange.key_id, exchange.private_key_path, api_base=exchange.url)
        self.day = {name: account.last_day[name] for name in SPAN}
        self.month = {name: account.last_month[name] for name in SPAN}

    def market(self) -> Any:
        return self.client.get_market(self.account.ticker)

    def event(self) -> Any:
        return self.client.get_event(self.account.event_ticker, with_nested_markets=True)

    def archived(self) -> str:
        return self.account.archived_ticker


@pytest.fixture(scope="module")
def place(account: TradedAccount) -> Iterator[Place]:
    place = Place(account)
    yield place
    place.client.close()


LISTS: dict[str, Callable[[Place], Any]] = {
    "markets": lambda p: p.client.get_markets(limit=1000, fetch_all=True),
    "open markets": lambda p: p.client.get_markets(status=STATUSES.OPEN, limit=1000, fetch_all=True),
    "settled markets": lambda p: p.client.get_markets(status=STATUSES.SETTLED, fetch_all=True),
    "markets of an event": lambda p: p.event().get_markets(),
    "events": lambda p: p.client.get_events(fetch_all=True, with_nested_markets="true"),
    "series": lambda p: p.client.get_all_series(),
    "trades": lambda p: p.client.get_trades(limit=1000, fetch_all=True),
    "candlesticks": lambda p: p.market().get_candlesticks(**p.day).candlesticks,
    "candlesticks of markets": lambda p: p.client.get_candlesticks_batch([p.account.ticker], **p.day),
    "orders": lambda p: p.client.portfolio.get_orders(fetch_all=True),
    "fills": lambda p: p.client.portfolio.get_fills(fetch_all=True),
    "positions": lambda p: p.client.portfolio.get_positions(fetch_all=True, settlement_status="all"),
    "settlements": lambda p: p.client.portfolio.get_settlements(fetch_all=True),
    "queue positions": lambda p: p.client.portfolio.get_queue_positions(market_tickers=[p.account.ticker]),
    "archived markets": lambda p: p.client.history.get_markets(limit=1000, fetch_all=True),
    "archived candlesticks": lambda p: p.client.history.get_candlesticks(p.archived(), **p.month),
    "archived trades": lambda p: p.client.history.get_trades(limit=1000, fetch_all=True),
    "archived orders": lambda p: p.client.history.get_orders(fetch_all=True),
    "archived fills": lambda p: p.client.history.get_fills(fetch_all=True),
    "keys": lambda p: p.client.api_keys.list(),
    "schedule": lambda p: p.client.exchange.get_schedule(),
}
VALUES: dict[str, Callable[[Place], Any]] = {
    "market": lambda p: p.market().data,
    "event": lambda p: p.event().data,
    "series": lambda p: p.client.get_series(p.account.series_ticker, include_volume=True).data,
    "order": lambda p: p.client.portfolio.get_order(p.account.order_id).data,
    "queue position": lambda p: p.client.portfolio.get_queue_position(p.account.order_id),
    "balance": lambda p: p.client.portfolio.get_balance(),
    "exchange status": lambda p: p.client.exchange.get_status(),
    "account limits": lambda p: p.client.api_keys.get_limits(),
    "cut-off": lambda p: p.client.history.get_cutoff(),
    "archived market": lambda p: p.client.history.get_market(p.archived()).data,
}


@pytest.mark.parametrize("name", LISTS)
def test_every_row_of_a_list_is_read(place: Place, name: str) -> None:
    assert len(LISTS[name](place)) > 0


@pytest.mark.parametrize("name", VALUES)
def test_a_single_value_is_read(place: Place, name: str) -> None:
    assert VALUES[name](place)


def test_empty_combos_are_read(place: Place) -> None:
    assert list(place.client.get_multivariate_events()) == []


def test_the_account_is_the_one_that_our_client_reads(place: Place) -> None:
    ours, portfolio = place.account.exchange.client(), place.client.portfolio
    theirs = portfolio.get_orders(fetch_all=True)
    assert {each.order_id: Decimal(each.fill_count_fp) for each in theirs} == {
        each.order_id: each.fill_count for each in ours.get_orders()
    }
    held = {each.ticker: Decimal(each.position_fp) for each in portfolio.get_positions(fetch_all=True)}
    assert held == {each.ticker: each.net for each in ours.get_positions().markets}
    assert min(held.values()) < 0 < max(held.values())
    fills = {each.trade_id for each in portfolio.get_fills(fetch_all=True)}
    assert fills == {each.fill_id for each in ours.get_fills()}
    assert 0 <= ours.get_balance().cash - Decimal(portfolio.get_balance().balance) / 100 < CENT


def test_the_book_is_the_one_that_our_client_reads(place: Place) -> None:
    theirs = place.market().get_orderbook().orderbook
    ours = place.account.exchange.client().get_orderbook(place.account.ticker)
    for side, levels in (("yes_dollars", ours.yes_bids), ("no_dollars", ours.no_bids)):
        rows = {Decimal(price): Decimal(count) for price, count in getattr(theirs, side)}
        assert rows == {level.price: level.count for level in levels}


def test_an_order_is_placed_and_canceled(place: Place) -> None:
    portfolio = place.client.portfolio
    placed = portfolio.place_order(
        place.account.ticker,
        pykalshi.Action.BUY,
        pykalshi.Side.YES,
        count_fp="3.00",
        yes_price_dollars="0.01",
    )
    assert placed.status is pykalshi.OrderStatus.RESTING
    assert portfolio.cancel_order(placed.order_id).status is pykalshi.OrderStatus.CANCELED
    assert portfolio.get_order(placed.order_id).status is pykalshi.OrderStatus.CANCELED
