"""Screens and menu over a practice exchange, with scripted answers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest
from exchange_process import ExchangeProcess
from screen_session import quoted_market, screen_text, session
from scripted_prompter import BACK, ESCAPE, ScriptedPrompter

from kalshi_trading.core.errors import InvalidInputError
from kalshi_trading.ui.app import AppContext, not_empty
from kalshi_trading.ui.prompts.prompter import LeaveTask
from kalshi_trading.ui.screens import trade as trade_screens

T = TypeVar("T")


WORDS, MARKETS = "Search markets or enter a ticker:", "Which market?"


@pytest.mark.parametrize(
    ("screen", "keys", "landed"),
    [
        (trade_screens.place_trade, ["temperature", ESCAPE], WORDS),
        (trade_screens.place_trade, ["temperature", "0"], WORDS),
        (trade_screens.place_trade, ["temperature", "2", ESCAPE], MARKETS),
        (trade_screens.place_trade, ["temperature", "2", "0"], MARKETS),
        (trade_screens.place_trade, ["temperature", "2", ESCAPE, ESCAPE], WORDS),
        (trade_screens.place_trade, ["temperature", "2", "1", ESCAPE, ESCAPE], MARKETS),
        (trade_screens.find_market, ["temperature", "2", ESCAPE], MARKETS),
        (trade_screens.find_market, ["temperature", "2", "0"], MARKETS),
        (trade_screens.find_market, ["temperature", "2", "1", ESCAPE], "What next?"),
        (trade_screens.find_market, ["temperature", "2", "1", ESCAPE, ESCAPE, ESCAPE], WORDS),
    ],
)
def test_going_back_from_a_market_leads_to_its_list_and_then_to_the_search(
    exchange: ExchangeProcess,
    tmp_path: Path,
    screen: Callable[[AppContext], None],
    keys: list[str],
    landed: str,
) -> None:
    prompter = ScriptedPrompter(*keys, BACK)
    app = session(exchange, tmp_path, prompter)
    with pytest.raises(LeaveTask):
        screen(app)
    prompter.assert_all_used()
    assert prompter.questions[-1].startswith(landed)
    if landed == WORDS:
        assert prompter.defaults[-1] == "temperature"
    if landed == MARKETS:
        lists = [labels for labels in prompter.labels if labels[-1] == "Search again"]
        assert lists == [lists[0]] * 2
        assert prompter.marked[-1] == lists[0][1]


def test_going_back_from_a_ticker_leads_to_it(exchange: ExchangeProcess, tmp_path: Path) -> None:
    market = quoted_market(session(exchange, tmp_path).orders)
    prompter = ScriptedPrompter("temperature", "1", ESCAPE, ESCAPE, market.ticker, ESCAPE, BACK)
    with pytest.raises(LeaveTask):
        trade_screens.place_trade(session(exchange, tmp_path, prompter))
    prompter.assert_all_used()
    assert prompter.questions[-1] == WORDS
    assert prompter.defaults[-1] == market.ticker


@pytest.mark.parametrize("name", ["KALSHI_EXAMPLE_TICKER", "EVENT_TICKER"])
def test_the_settings_name_what_a_search_begins_with(
    exchange: ExchangeProcess, tmp_path: Path, name: str
) -> None:
    market = quoted_market(session(exchange, tmp_path).orders)
    ticker = market.event_ticker if name == "EVENT_TICKER" else market.ticker
    prompter = ScriptedPrompter(BACK)
    app = session(exchange, tmp_path, prompter, **{name: ticker})
    with pytest.raises(LeaveTask):
        trade_screens.place_trade(app)
    assert prompter.defaults == [ticker]
    assert market.ticker in [found.market.ticker for found in app.orders.search_markets(ticker)]


def test_a_market_goes_before_its_event(exchange: ExchangeProcess, tmp_path: Path) -> None:
    prompter = ScriptedPrompter(BACK)
    named = {"KALSHI_EXAMPLE_TICKER": "KX-26NOV21-B1", "EVENT_TICKER": "KX-26NOV21"}
    with pytest.raises(LeaveTask):
        trade_screens.find_market(session(exchange, tmp_path, prompter, **named))
    assert prompter.defaults == ["KX-26NOV21-B1"]


def test_a_search_without_a_match_says_what_to_try(exchange: ExchangeProcess, tmp_path: Path) -> None:
    prompter = ScriptedPrompter("zzzz qqqq", BACK)
    app = session(exchange, tmp_path, prompter)
    with pytest.raises(LeaveTask):
        trade_screens.find_market(app)
    assert prompter.defaults == ["", "zzzz qqqq"]
    assert "No open markets match “zzzz qqqq”. Try another search." in screen_text(app)


def test_an_index_that_is_not_whole_says_so(exchange: ExchangeProcess, tmp_path: Path) -> None:
    app = session(exchange, tmp_path, ScriptedPrompter("bitcoin", "0", BACK))
    app.orders.search_markets("bitcoin")
    app.orders._indexes["open"].incomplete = "the exchange repeated a page"
    with pytest.raises(LeaveTask):
        trade_screens.find_market(app)
    assert "Some markets may be missing: the exchange repeated a page." in screen_text(app)


def test_the_search_question_names_the_key_to_go_back() -> None:
    with pytest.raises(InvalidInputError, match="press Esc to go back"):
        not_empty(" ")
