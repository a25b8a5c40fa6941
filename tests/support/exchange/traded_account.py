"""An account whose every list has rows, traded by our own client.

Foreign clients read it.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from exchange_process import ExchangeProcess, running_exchange
from sandbox_stand_in import sandbox_services, sandbox_variables
from screen_session import quoted_market

from kalshi_trading.compose import Services
from kalshi_trading.core.models import Action, Side
from kalshi_trading.core.money import CENT, ONE_CONTRACT
from kalshi_trading.orders.execution.submission_result import SubmissionResult
from kalshi_trading.orders.pretrade.ticket import OrderTicket
from kalshi_trading.practice.server.app import ENDPOINTS

DAY_S = 24 * 3_600
_PAST = "positions=10,fills=80,settled=6,resting=2"


def shape(path: str) -> str:
    """Return a path without the names of its parameters."""
    return re.sub(r"\{\w+\}", "{}", path)


SERVED = {shape(endpoint.path) for endpoint in ENDPOINTS if endpoint.method == "GET"}
"""Shapes of the paths that the practice exchange answers."""


@dataclass(frozen=True)
class TradedAccount:
    """An exchange and what to ask it for.

    `order_id` rests in `ticker`. `archived_ticker` has left the live lists. Times are Unix seconds.
    """

    exchange: ExchangeProcess
    ticker: str
    event_ticker: str
    series_ticker: str
    order_id: str
    archived_ticker: str
    now: int

    @property
    def last_day(self) -> dict[str, int]:
        """Query of hourly bars until now."""
        return {"start_ts": self.now - DAY_S, "end_ts": self.now, "period_interval": 60}

    @property
    def last_month(self) -> dict[str, int]:
        """Query of hourly bars, from before the archive begins."""
        return {**self.last_day, "start_ts": self.now - 30 * DAY_S}


def place(services: Services, ticket: OrderTicket) -> SubmissionResult:
    """Send an order by the whole protocol, as the menu does."""
    return services.orders.submit(services.orders.preview(ticket))


def _trade(services: Services, exchange: ExchangeProcess) -> TradedAccount:
    """Buy YES and NO, cancel one order, leave another, and archive the past."""
    market = quoted_market(services.orders)
    other = quoted_market(services.orders, without=[market.ticker])
    for ticker, side in ((market.ticker, Side.YES), (other.ticker, Side.NO)):
        assert place(services, OrderTicket(ticker, Action.BUY, side, 5 * ONE_CONTRACT, None)).fill_count
    far = OrderTicket(market.ticker, Action.BUY, Side.YES, 2 * ONE_CONTRACT, CENT, post_only=True)
    canceled, resting = place(services, far), place(services, far)
    assert canceled.order_id
    assert resting.order_id
    assert services.orders.cancel_order(services.client.get_order(canceled.order_id))
    ages = {"trades_s_ago": DAY_S, "orders_s_ago": DAY_S, "markets_s_ago": 0, "positions_s_ago": 0}
    exchange.control("cutoff", ages)
    return TradedAccount(
        exchange,
        market.ticker,
        market.event_ticker,
        market.event_ticker.partition("-")[0],
        resting.order_id,
        services.client.get_historical_markets(limit=1)[0].ticker,
        int(time.time()),
    )


@contextmanager
def traded_account(folder: Path) -> Iterator[TradedAccount]:
    """Run an exchange whose account has traded for days and just now."""
    with running_exchange(folder / "exchange", "--control", "--still", "--scenario", _PAST) as exchange:
        with sandbox_services(sandbox_variables(exchange), folder) as services:
            account = _trade(services, exchange)
        yield account
