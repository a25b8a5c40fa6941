"""Choose a market by search or ticker, and show its page with its book."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from kalshi_trading.core.errors import InvalidInputError, KalshiAPIError
from kalshi_trading.core.market_models import FeeSchedule, Market, OrderBook
from kalshi_trading.core.tickers import is_ticker, validate_ticker
from kalshi_trading.markets import FoundMarket
from kalshi_trading.ui.app import AppContext, not_empty
from kalshi_trading.ui.prompts.prompter import Choice, GoBack, Step, ask_in_turn, numbered
from kalshi_trading.ui.views import market as market_view

MAX_FOUND = 15


@dataclass(frozen=True, slots=True)
class _Search:
    """The answers so far on the way to a market."""

    words: str = ""
    found: tuple[FoundMarket, ...] = ()
    """Empty: the user typed a ticker."""
    market: Market | None = None


def choose_market(app: AppContext, act: Callable[[Market], object]) -> None:
    """Choose a market, show it and act on it.

    Going back from the first question of `act` chooses again.
    """

    def show_and_act(search: _Search) -> _Search:
        market = search.market
        assert market is not None  # answered by the steps before
        book = app.run_with_spinner("Reading the order book…", lambda: _book(app, market.ticker))
        app.show(market_view.market_page(market, None, book, app.clock()))
        act(market)
        return search

    choose = Step(partial(_ask_market, app), lambda search: bool(search.found))
    begin = _Search(app.settings.example_ticker or app.settings.event_ticker or "")
    ask_in_turn(begin, [Step(partial(_ask_search, app)), choose, Step(show_and_act)])


def _ask_search(app: AppContext, search: _Search) -> _Search:
    """Ask for search words or a ticker until they find a market."""
    while True:
        words = app.prompter.ask("Search markets or enter a ticker:", not_empty, prefill=search.words)
        market = _find_ticker(app, words)
        search = _Search(words, () if market is not None else _search_markets(app, words), market)
        if search.found or market is not None:
            return search


def _find_ticker(app: AppContext, wanted: str) -> Market | None:
    if "-" not in wanted or " " in wanted:
        return None
    try:
        ticker = validate_ticker(wanted)
        return app.run_with_spinner("Looking up the market…", lambda: app.orders.get_market_info(ticker))
    except InvalidInputError:
        return None


def _search_markets(app: AppContext, wanted: str) -> tuple[FoundMarket, ...]:
    found = app.run_with_count(
        "Searching open markets…",
        lambda progress: app.orders.search_markets(wanted, limit=MAX_FOUND + 1, progress=progress),
    )
    if not found:
        is_name = "-" in wanted and is_ticker(wanted.upper())
        what = f"No market {wanted.upper()} found." if is_name else f"No open markets match “{wanted}”."
        app.show_text(f"{what} Try another search.")
        return ()
    if app.orders.search_incomplete is not None:
        app.show_error(f"Some markets may be missing: {app.orders.search_incomplete}.")
    if len(found) > MAX_FOUND:
        app.show_text(f"Showing the {MAX_FOUND} most active. Add a word to narrow the list.")
    return found[:MAX_FOUND]


def _ask_market(app: AppContext, search: _Search) -> _Search:
    before = (at for at, each in enumerate(search.found) if each.market is search.market)
    columns, labels = market_view.market_labels(search.found, app.console.width, app.clock())
    rows: list[Choice[FoundMarket | None]] = list(numbered(labels, list(search.found)))
    rows.append(Choice("0", "Search again", None))
    chosen = app.prompter.choose(f"Which market?   {columns}", rows, marked=next(before, 0))
    if chosen is None:
        raise GoBack
    return replace(search, market=chosen.market)


def _book(app: AppContext, ticker: str) -> OrderBook | None:
    try:
        return app.orders.get_orderbook(ticker)
    except KalshiAPIError:
        return None


def read_book_and_fees(
    app: AppContext, ticker: str, market: Market | None
) -> tuple[OrderBook | None, tuple[FeeSchedule, ...]]:
    """Read a market's order book and its fee schedules, under a spinner.

    The current schedule is first, then the announced ones. A book of None or empty fees: unreadable. Without
    `market` the fees are unknown.
    """

    def read() -> tuple[OrderBook | None, tuple[FeeSchedule, ...]]:
        return _book(app, ticker), () if market is None else app.orders.get_fees(market)

    return app.run_with_spinner("Reading the order book…", read)
