"""Ways out of the menu.

Ctrl-C asks, open orders are listed, and the end of input reports what stays.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal as D
from pathlib import Path

import pytest
from exchange_process import ExchangeProcess
from screen_session import buy, place, quoted_market, screen_text, session
from scripted_prompter import BACK, ScriptedPrompter

from kalshi_trading.core.errors import OutcomeUnknownError, UnavailableError
from kalshi_trading.core.results import Listing
from kalshi_trading.orders.execution.resting_watch import RestingOrderMonitor
from kalshi_trading.ui import menu
from kalshi_trading.ui.app import AppContext
from kalshi_trading.ui.screens import orders as order_screens
from kalshi_trading.ui.screens import trade as trade_screens


@pytest.fixture
def resting(exchange: ExchangeProcess, tmp_path: Path) -> Iterator[str]:
    """One open order, described as the user placed it."""
    app = session(exchange, tmp_path)
    market = quoted_market(app.orders)
    trade_screens.place_trade(
        session(exchange, tmp_path, ScriptedPrompter(*buy(market, count="3", price="2")))
    )
    yield f"BUY 3 YES at 2¢  {market.ticker}"
    order_screens.cancel_orders(app, app.orders.list_open_orders())


def at_the_menu(
    exchange: ExchangeProcess, folder: Path, *answers: str
) -> tuple[AppContext, ScriptedPrompter]:
    prompter = ScriptedPrompter(*answers)
    app = session(exchange, folder, prompter)
    assert menu.run(app) == 0
    prompter.assert_all_used()
    return app, prompter


def test_ctrl_c_in_the_menu_asks_whether_to_leave_and_ctrl_c_goes_back(
    exchange: ExchangeProcess, tmp_path: Path
) -> None:
    _, prompter = at_the_menu(exchange, tmp_path, BACK, "0", BACK, BACK, BACK, "e")
    assert prompter.questions == ["Menu", "Exit the program?"] * 3
    assert prompter.marked[1] == "Back"


def test_an_order_that_no_list_shows_yet_is_named_and_asked_about(
    exchange: ExchangeProcess, tmp_path: Path, resting: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Reads lag writes: the exchange accepted the order, its list is older."""
    prompter = ScriptedPrompter("0", "0", "0", "e")
    app = session(exchange, tmp_path, prompter)
    monkeypatch.setattr(app.client, "get_orders", lambda **how: Listing(()))
    assert menu.run(app) == 0
    prompter.assert_all_used()
    assert prompter.questions == ["Menu", "Exit the program?"] * 2
    named = "Just placed and not listed yet; it may be open: BUY 3 YES"
    assert " ".join(screen_text(app).split()).count(named) == 2
    later = app.clock() + timedelta(minutes=2)
    watch = RestingOrderMonitor(app.client, app.journal, account=app.account, clock=lambda: later)
    assert watch.unlisted(()) == ()  # every list would have it by now


def test_ctrl_c_with_an_order_that_rests_names_it_and_asks_what_becomes_of_it(
    exchange: ExchangeProcess, tmp_path: Path, resting: str
) -> None:
    app, prompter = at_the_menu(exchange, tmp_path, BACK, BACK, BACK, "e")
    asked = "You have 1 open order. Keep or cancel?"
    assert prompter.questions == ["Menu", asked] * 2
    assert prompter.labels[1] == ["Keep order and exit", "Cancel order and exit", "Back"]
    assert prompter.marked[1] == "Back"
    assert screen_text(app).count(resting) == 2
    assert app.orders.list_open_orders()


def test_the_program_stays_when_a_cancel_is_not_known_to_have_worked(
    exchange: ExchangeProcess, tmp_path: Path, resting: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    prompter = ScriptedPrompter("0", "x", "c", "0", "e")
    app = session(exchange, tmp_path, prompter)

    def lost(*_: object, **__: object) -> object:
        raise OutcomeUnknownError("no answer")

    with monkeypatch.context() as broken:
        broken.setattr(app.client, "send_cancel", lost)
        broken.setattr("kalshi_trading.orders.execution.cancel.time.sleep", lambda seconds: None)
        assert menu.run(app) == 0
    prompter.assert_all_used()
    said = " ".join(screen_text(app).split())
    assert "Not every order is confirmed canceled. The program stays open." in said


def test_the_end_of_input_names_what_stays(exchange: ExchangeProcess, tmp_path: Path, resting: str) -> None:
    app, _ = at_the_menu(exchange, tmp_path)
    text = screen_text(app)
    assert "1 open order stays on the exchange and may still fill:" in text
    assert resting in text


def test_the_end_of_input_admits_unknown_open_orders(
    exchange: ExchangeProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = session(exchange, tmp_path)

    def away(**_: object) -> object:
        raise UnavailableError("The exchange cannot be reached.")

    monkeypatch.setattr(app.client, "get_orders", away)
    assert menu.run(app) == 0
    assert "Open orders unavailable. Any that exist stay on the exchange." in screen_text(app)


def test_many_orders_are_named_in_part_and_counted(
    exchange: ExchangeProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kalshi_trading.ui.screens.exit.ORDERS_NAMED", 1)
    app = session(exchange, tmp_path)
    market = quoted_market(app.orders)
    for price in ("0.01", "0.02"):
        place(app.orders, market.ticker, "yes", 1, D(price))
    app, prompter = at_the_menu(exchange, tmp_path, "0", "x", "c")
    assert prompter.questions[-2:] == [
        "You have 2 open orders. Keep or cancel?",
        "Cancel 2 orders?",
    ]
    assert "and 1 more" in screen_text(app)
    assert app.orders.list_open_orders() == ()


def test_cancel_all_and_leave_is_asked_twice(exchange: ExchangeProcess, tmp_path: Path) -> None:
    market = quoted_market(session(exchange, tmp_path).orders)
    one, two = buy(market, count="3", price="2"), buy(market, count="4", price="3")
    prompter = ScriptedPrompter("2", *one, "2", *two, "0", "0", "0", "x", "0", "x", "c")
    app = session(exchange, tmp_path, prompter)
    assert menu.run(app) == 0
    prompter.assert_all_used()
    assert prompter.questions.count("You have 2 open orders. Keep or cancel?") == 3
    assert prompter.questions.count("Cancel 2 orders?") == 2
    assert screen_text(app).count(": Canceled ") == 2
    assert app.orders.list_open_orders() == ()
