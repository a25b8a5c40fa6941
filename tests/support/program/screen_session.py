"""Sessions of the program with a scripted user."""

from __future__ import annotations

import io
from collections.abc import Collection
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal as D
from pathlib import Path

from exchange_process import ExchangeProcess
from rich.console import Console, RenderableType
from scripted_prompter import ScriptedPrompter

from kalshi_trading.config import load_settings
from kalshi_trading.core.market_models import Market
from kalshi_trading.core.models import Action, OrderStatus, Side
from kalshi_trading.orders.execution.submission_result import SubmissionResult
from kalshi_trading.orders.pretrade.ticket import OrderTicket
from kalshi_trading.orders.service import OrderService
from kalshi_trading.settings.environments import Environment
from kalshi_trading.ui.app import AppContext
from kalshi_trading.ui.program import build_app

LONGER_THAN_ANY_RUN = timedelta(hours=1)


def console(width: int = 100) -> Console:
    """Return a console that records its output, without color."""
    return Console(file=io.StringIO(), width=width, record=True, emoji=False, markup=False)


def rendered(renderable: RenderableType, width: int = 80) -> str:
    """Render at this width and return the text."""
    screen = console(width)
    screen.print(renderable)
    return screen.export_text()


def session(
    exchange: ExchangeProcess,
    folder: Path,
    prompter: ScriptedPrompter | None = None,
    *,
    environment: Environment = Environment.PRACTICE,
    width: int = 100,
    **settings: str,
) -> AppContext:
    """Build the program for this exchange, with its files in `folder`."""
    loaded = load_settings({"KALSHI_LOG_DIR": str(folder), "KALSHI_DATA_DIR": str(folder), **settings}, None)
    connected = replace(
        loaded,
        environment=environment,
        api_base_url=exchange.url,
        credentials=exchange.credentials,
    )
    return build_app(connected, console(width), prompter or ScriptedPrompter(), read_only=False)


def screen_text(app: AppContext) -> str:
    """Return everything printed so far."""
    return app.console.export_text(clear=False)


def quoted_market(service: OrderService, *, without: Collection[str] = ()) -> Market:
    """Return a market open for an hour, with both quotes far from the ends.

    An order near an end of its grid then rests, whatever other traders do.
    """
    outlives = datetime.now(UTC) + LONGER_THAN_ANY_RUN
    for found in service.search_markets(""):
        market = found.market
        quotes = market.yes_bid, market.yes_ask
        is_quoted = all(quote is not None and D("0.2") < quote < D("0.8") for quote in quotes)
        if is_quoted and market.close_at > outlives and market.ticker not in without:
            return market
    raise AssertionError("no market is quoted")


def place(
    service: OrderService, ticker: str, side: str, count: int, price: D | str | None = None
) -> SubmissionResult:
    """Buy at a limit in dollars, or at the market, like the menu."""
    limit = None if price is None else D(price)
    return service.submit(service.preview(OrderTicket(ticker, Action.BUY, Side(side), D(count), limit)))


def buy(market: Market, *, count: str, price: str) -> list[str]:
    """Return the answers from the search to the confirmation of a YES limit."""
    return [market.ticker, "1", "1", price, count, "1"]


def cancel_all(exchange: ExchangeProcess) -> None:
    """Cancel every open order of the account."""
    client = exchange.client()
    for order in client.get_orders(status=OrderStatus.RESTING):
        client.send_cancel(order.order_id, ticker=order.ticker)
