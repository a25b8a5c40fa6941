"""Open orders, and panic."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal as D
from functools import partial
from pathlib import Path

from exchange_process import ExchangeProcess
from screen_session import buy, place, quoted_market, screen_text, session
from scripted_prompter import ESCAPE, MeanwhilePrompter, ScriptedPrompter

from kalshi_trading.core.models import Action, Side
from kalshi_trading.orders.pretrade.ticket import OrderTicket
from kalshi_trading.ui import menu
from kalshi_trading.ui.screens import orders as order_screens
from kalshi_trading.ui.screens import trade as trade_screens


def test_panic_from_the_menu_cancels_all_and_blocks_until_the_word_is_typed(
    exchange: ExchangeProcess, tmp_path: Path
) -> None:
    answers = ["p", "r", "allow?", "r", "ALLOW", "0"]
    prompter = ScriptedPrompter(*answers)
    app = session(exchange, tmp_path, prompter)
    market = quoted_market(app.orders)
    for price in ("0.02", "0.03"):
        place(app.orders, market.ticker, "yes", 1, price)
    order_screens.cancel_order(app)
    text = screen_text(app)
    assert "2 orders canceled" in text
    assert "Verified: no open orders." in text
    assert app.orders.list_open_orders() == ()
    denied = app.orders.preview(OrderTicket(market.ticker, Action.BUY, Side.YES, D(1), D("0.04")))
    assert denied.is_denied
    assert "Trading is locked after panic" in denied.findings[0].message

    order_screens.cancel_order(app)
    assert "Trading stays locked." in screen_text(app)
    assert app.orders.block_reason() is not None
    order_screens.cancel_order(app)
    assert app.orders.block_reason() is None
    order_screens.cancel_order(app)
    prompter.assert_all_used()
    assert "Unlock trading" not in prompter.labels[-1]


def test_going_back_from_the_word_that_allows_orders_asks_which_order(
    exchange: ExchangeProcess, tmp_path: Path
) -> None:
    prompter = ScriptedPrompter("r", ESCAPE, "0")
    app = session(exchange, tmp_path, prompter)
    app.orders.panic()
    order_screens.cancel_order(app)
    prompter.assert_all_used()
    assert prompter.questions[-1] == "Cancel which order?"
    assert prompter.marked[-1] == "Back"
    assert app.orders.block_reason() is not None


def test_a_panic_is_named_by_the_menu_of_the_next_session_which_can_end_it(
    exchange: ExchangeProcess, tmp_path: Path
) -> None:
    session(exchange, tmp_path).orders.panic()
    prompter = ScriptedPrompter("4", "r", "ALLOW", "0")
    app = session(exchange, tmp_path, prompter)
    assert menu.run(app) == 0
    prompter.assert_all_used()
    assert screen_text(app).count("Trading is locked after panic. To unlock: 4, then r.") == 1
    again = session(exchange, tmp_path, ScriptedPrompter("0"))
    assert menu.run(again) == 0
    assert "Trading is locked" not in screen_text(again)


def test_panic_stays_within_reach_when_the_open_orders_cannot_be_read(
    exchange: ExchangeProcess, tmp_path: Path
) -> None:
    prompter = ScriptedPrompter("0")
    app = session(exchange, tmp_path, prompter)
    away = replace(
        app, orders=session(replace(exchange, url=f"{exchange.url}/nowhere"), tmp_path, prompter).orders
    )
    order_screens.cancel_order(away)
    assert "Open orders unavailable." in screen_text(away)
    assert prompter.labels[-1] == ["Back", "Panic: cancel all and lock trading (acts at once)"]


def test_open_orders_are_refreshed_until_the_user_goes_back(
    exchange: ExchangeProcess, tmp_path: Path
) -> None:
    market = quoted_market(session(exchange, tmp_path).orders)
    trade_screens.place_trade(
        session(exchange, tmp_path, ScriptedPrompter(*buy(market, count="6", price="2")))
    )
    app = session(exchange, tmp_path, ScriptedPrompter("1", "0"))
    order_screens.open_orders(app)
    assert screen_text(app).count("BUY 6 YES at 2¢") == 2
    assert "No open orders" not in screen_text(app)

    canceled = partial(order_screens.cancel_orders, app, app.orders.list_open_orders())
    app = session(exchange, tmp_path, MeanwhilePrompter("1", happens=canceled, before="Open orders"))
    order_screens.open_orders(app)
    assert "No open orders" in screen_text(app).split("BUY 6 YES at 2¢")[1]
