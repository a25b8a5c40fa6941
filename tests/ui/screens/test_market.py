"""Screens and menu over a real practice exchange, with a scripted person in front of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import Decimal as D
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import pytest
from exchange_process import ExchangeProcess
from model_factory import BOOK, MARKET, preview
from screen_session import buy, quoted_market, screen_text, session
from scripted_prompter import BACK, ESCAPE, ScriptedPrompter

from kalshi_trading.core.errors import InvalidInputError
from kalshi_trading.core.models import Action, Side
from kalshi_trading.core.money import parse_price
from kalshi_trading.orders.pretrade.ticket import OrderTicket
from kalshi_trading.settings.option_parsing import Environment
from kalshi_trading.ui import menu
from kalshi_trading.ui.app import AppContext, not_empty
from kalshi_trading.ui.prompts.prompter import Choice, LeaveTask
from kalshi_trading.ui.screens import orders as order_screens
from kalshi_trading.ui.screens import trade as trade_screens
from kalshi_trading.ui.views.ticket import changes

T = TypeVar("T")


def test_an_order_above_the_soft_limit_wants_its_count_typed(
    exchange: ExchangeProcess, tmp_path: Path
) -> None:
    market = quoted_market(session(exchange, tmp_path).executor)
    prompter = ScriptedPrompter(*buy(market, count="20", price="2"), "yes", BACK)
    app = session(exchange, tmp_path, prompter, KALSHI_SOFT_ORDER_COUNT="19")
    with pytest.raises(LeaveTask):
        trade_screens.place_trade(app)
    prompter.assert_all_used()
    assert prompter.questions[-2] == "To confirm, type the number of contracts (20):"
    assert "Not confirmed. Nothing was sent." in screen_text(app)
    assert app.executor.list_open_orders() == ()
    assert not app.journal.trades_path.exists()


def test_a_typed_count_sends_the_order(exchange: ExchangeProcess, tmp_path: Path) -> None:
    market = quoted_market(session(exchange, tmp_path).executor)
    prompter = ScriptedPrompter(*buy(market, count="20", price="2"), "20")
    app = session(exchange, tmp_path, prompter, KALSHI_SOFT_ORDER_COUNT="19")
    trade_screens.place_trade(app)
    assert "ACCEPTED: resting" in screen_text(app)
    (resting,) = app.executor.list_open_orders()
    assert (resting.yes_price, resting.remaining_count) == (D("0.02"), D(20))
    order_screens.cancel_these(app, (resting,))
    assert app.executor.list_open_orders() == ()


def test_dollars_typed_for_a_purchase_are_not_proposed_for_a_sale(
    exchange: ExchangeProcess, tmp_path: Path
) -> None:
    market = quoted_market(session(exchange, tmp_path).executor)
    to_the_direction = [ESCAPE] * 4
    prompter = ScriptedPrompter(
        *buy(market, count="$5", price="2")[:-1], *to_the_direction, "2", "1", "98", BACK
    )
    with pytest.raises(LeaveTask):
        trade_screens.place_trade(session(exchange, tmp_path, prompter))
    prompter.assert_all_used()
    assert prompter.questions[-1] == "How many contracts?"
    assert "$5" in prompter.defaults
    assert prompter.defaults[-1].isdigit()


class _Meanwhile(ScriptedPrompter):
    """Lets something happen at the exchange while the user reads what a question stands under."""

    def __init__(
        self, *answers: str, happens: Callable[[], object], before: str = "Send this order?"
    ) -> None:
        super().__init__(*answers)
        self._happens: Callable[[], object] | None = happens
        self._before = before

    def choose(self, question: str, choices: Sequence[Choice[T]], **how: Any) -> T:
        if question == self._before and self._happens is not None:
            happens, self._happens = self._happens, None
            happens()
        return super().choose(question, choices, **how)


def test_open_orders_are_read_anew_until_the_user_goes_back_or_none_rests(
    exchange: ExchangeProcess, tmp_path: Path
) -> None:
    market = quoted_market(session(exchange, tmp_path).executor)
    trade_screens.place_trade(
        session(exchange, tmp_path, ScriptedPrompter(*buy(market, count="6", price="2")))
    )
    app = session(exchange, tmp_path, ScriptedPrompter("1", "0"))
    order_screens.open_orders(app)
    assert screen_text(app).count("BUY 6 YES at 2¢") == 2
    assert "No resting orders" not in screen_text(app)

    canceled = partial(order_screens.cancel_these, app, app.executor.list_open_orders())
    app = session(exchange, tmp_path, _Meanwhile("1", happens=canceled, before="Open orders"))
    order_screens.open_orders(app)
    assert "No resting orders" in screen_text(app).split("BUY 6 YES at 2¢")[1]


def test_what_changed_while_the_user_read_is_shown_and_asked_again(
    exchange: ExchangeProcess, tmp_path: Path
) -> None:
    """Another session of the same journal sends the same order between the ticket and the key press."""
    market = quoted_market(session(exchange, tmp_path).executor)
    answers = buy(market, count="5", price="2")
    other = session(exchange, tmp_path, ScriptedPrompter(*answers))
    prompter = _Meanwhile(*answers, BACK, happens=lambda: trade_screens.place_trade(other))
    app = session(exchange, tmp_path, prompter)
    with pytest.raises(LeaveTask):
        trade_screens.place_trade(app)
    prompter.assert_all_used()
    text = screen_text(app)
    assert "The market moved since you looked. Nothing was sent." in text
    assert "The same order was sent 0 s ago." in text
    assert "─ result ─" not in text
    assert prompter.questions.count("Send this order?") == 2
    order_screens.cancel_these(app, app.executor.list_open_orders())


def test_a_book_that_moved_is_told_with_both_numbers() -> None:
    ticket = OrderTicket(MARKET.ticker, Action.BUY, Side.YES, D(10), D("0.65"))
    offers_gone = replace(BOOK, no_bids=BOOK.no_bids[1:])
    before, after = preview(ticket), preview(ticket, book=offers_gone)
    assert changes(before, before) == []
    assert changes(before, after)[0] == (
        "expected: fills now: 10 at 65¢ → nothing fills now · 10 rest at 65¢"
    )


def test_an_order_that_is_denied_is_never_asked_about(exchange: ExchangeProcess, tmp_path: Path) -> None:
    market = quoted_market(session(exchange, tmp_path).executor)
    prompter = ScriptedPrompter(*buy(market, count="20", price="2")[:-1], BACK)
    app = session(exchange, tmp_path, prompter, KALSHI_SOFT_ORDER_COUNT="1", KALSHI_HARD_ORDER_COUNT="10")
    with pytest.raises(LeaveTask):
        trade_screens.place_trade(app)
    prompter.assert_all_used()
    assert "20 contracts are above the limit of 10" in screen_text(app)
    assert "Send this order?" not in prompter.questions


def test_a_denied_order_is_changed_and_not_typed_anew(exchange: ExchangeProcess, tmp_path: Path) -> None:
    market = quoted_market(session(exchange, tmp_path).executor)
    prompter = ScriptedPrompter(*buy(market, count="20", price="2")[:-1], "3", BACK)
    app = session(exchange, tmp_path, prompter, KALSHI_SOFT_ORDER_COUNT="10", KALSHI_HARD_ORDER_COUNT="10")
    with pytest.raises(LeaveTask):
        trade_screens.place_trade(app)
    prompter.assert_all_used()
    assert prompter.defaults[-1] == "20"
    assert prompter.labels[-1][1].startswith(f"Send: BUY 3 YES {market.ticker} at 2¢")


def test_production_is_read_only_until_the_word_is_typed(exchange: ExchangeProcess, tmp_path: Path) -> None:
    prompter = ScriptedPrompter("production", "0")
    app = session(exchange, tmp_path, prompter, environment=Environment.PRODUCTION)
    assert menu.run(app) == 0
    assert "real money" in prompter.questions[0]
    assert "READ-ONLY" in screen_text(app)
    assert "PRODUCTION · REAL MONEY" in screen_text(app)


def test_every_production_order_wants_its_count_typed(exchange: ExchangeProcess, tmp_path: Path) -> None:
    market = quoted_market(session(exchange, tmp_path).executor)
    prompter = ScriptedPrompter("PRODUCTION", "2", *buy(market, count="3", price="2"), "y", BACK, "0", "e")
    app = session(exchange, tmp_path, prompter, environment=Environment.PRODUCTION)
    assert menu.run(app) == 0
    prompter.assert_all_used()
    assert "Not confirmed. Nothing was sent." in screen_text(app)
    assert app.executor.list_open_orders() == ()


def test_cancel_all_and_leave_is_asked_twice(exchange: ExchangeProcess, tmp_path: Path) -> None:
    market = quoted_market(session(exchange, tmp_path).executor)
    one, two = buy(market, count="3", price="2"), buy(market, count="4", price="3")
    prompter = ScriptedPrompter("2", *one, "2", *two, "0", "0", "0", "x", "0", "x", "c")
    app = session(exchange, tmp_path, prompter)
    assert menu.run(app) == 0
    prompter.assert_all_used()
    assert prompter.questions.count("2 resting orders. Leave them at the exchange?") == 3
    assert prompter.questions.count("Cancel what is listed above?") == 2
    assert screen_text(app).count("Canceled.") == 2
    assert app.executor.list_open_orders() == ()


@pytest.mark.parametrize("key", ["1", "0"])
def test_an_unexpected_fault_becomes_a_reference_and_the_menu_comes_back(
    exchange: ExchangeProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    """Also on the way out, where orders may rest."""

    def broken(app: AppContext) -> None:
        monkeypatch.undo()
        raise ZeroDivisionError("a fault nobody expected")

    entries = tuple(replace(each, value=broken) if each.key == key else each for each in menu.ENTRIES)
    monkeypatch.setattr(menu, "ENTRIES", entries)
    app = session(exchange, tmp_path, ScriptedPrompter(key, "0"))
    assert menu.run(app) == 0
    text = screen_text(app)
    assert "Something unexpected went wrong" in text
    assert "ZeroDivisionError" not in text
    assert "ZeroDivisionError: a fault nobody expected" in app.journal.errors_path.read_text()


def test_ctrl_c_in_a_screen_leads_back_to_the_menu(exchange: ExchangeProcess, tmp_path: Path) -> None:
    prompter = ScriptedPrompter("2", BACK, "4", "0", "6", BACK, "0")
    app = session(exchange, tmp_path, prompter)
    assert menu.run(app) == 0
    prompter.assert_all_used()
    assert prompter.questions.count("Menu") == 4
    assert screen_text(app).count("Back to the menu.") == 2


WORDS, MARKETS = "Search words, or a ticker:", "Which market?"


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
def test_going_back_from_a_market_leads_to_its_list_and_then_to_the_words(
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
        lists = [labels for labels in prompter.labels if labels[-1] == "None of these"]
        assert lists == [lists[0]] * 2
        assert prompter.marked[-1] == lists[0][1]


def test_going_back_from_a_ticker_leads_to_it(exchange: ExchangeProcess, tmp_path: Path) -> None:
    market = quoted_market(session(exchange, tmp_path).executor)
    prompter = ScriptedPrompter("temperature", "1", ESCAPE, ESCAPE, market.ticker, ESCAPE, BACK)
    with pytest.raises(LeaveTask):
        trade_screens.place_trade(session(exchange, tmp_path, prompter))
    prompter.assert_all_used()
    assert prompter.questions[-1] == WORDS
    assert prompter.defaults[-1] == market.ticker


def test_going_back_from_the_count_that_confirms_asks_whether_to_send(
    exchange: ExchangeProcess, tmp_path: Path
) -> None:
    market = quoted_market(session(exchange, tmp_path).executor)
    prompter = ScriptedPrompter(*buy(market, count="20", price="2"), ESCAPE, "0", BACK)
    app = session(exchange, tmp_path, prompter, KALSHI_SOFT_ORDER_COUNT="19")
    with pytest.raises(LeaveTask):
        trade_screens.place_trade(app)
    prompter.assert_all_used()
    assert prompter.questions[-2] == "Send this order?"
    assert prompter.marked[-1] == "Back, send nothing"
    assert app.executor.list_open_orders() == ()


@pytest.mark.parametrize(
    ("traded", "not_traded", "typed"),
    [("0.55", "0.555", ["55.5"]), ("0.007", "1", ["0.7", "0.7c"])],
    ids=["off the grid", "dollars or cents"],
)
def test_a_price_that_is_none_here_or_may_be_two_is_asked_again_and_never_snapped(
    exchange: ExchangeProcess, tmp_path: Path, traded: str, not_traded: str, typed: list[str]
) -> None:
    app = session(exchange, tmp_path)
    market = next(
        found.market
        for found in app.executor.search_markets("")
        if found.market.price_grid.contains(D(traded))
        and not found.market.price_grid.contains(D(not_traded))
        and found.market.yes_ask
    )
    prompter = ScriptedPrompter(market.ticker, "1", "1", *typed, BACK)
    with pytest.raises(LeaveTask):
        trade_screens.place_trade(session(exchange, tmp_path, prompter))
    prompter.assert_all_used()
    assert prompter.questions.count("Price per YES contract (cents, or $0.57)?") == 2


def test_a_search_without_a_match_says_what_to_try(exchange: ExchangeProcess, tmp_path: Path) -> None:
    prompter = ScriptedPrompter("zzzz qqqq", BACK)
    app = session(exchange, tmp_path, prompter)
    with pytest.raises(LeaveTask):
        trade_screens.find_market(app)
    assert prompter.defaults == ["", "zzzz qqqq"]
    assert "No open market has “zzzz qqqq” in its texts. Try one word" in screen_text(app)


def test_an_export_writes_a_file_and_never_over_one(exchange: ExchangeProcess, tmp_path: Path) -> None:
    file = tmp_path / "trades.csv"
    journal = ("8", "3", "5", "all", str(file))
    prompter = ScriptedPrompter(*journal, *journal, "0", BACK, "0")
    app = session(exchange, tmp_path, prompter)
    assert menu.run(app) == 0
    prompter.assert_all_used()
    text = " ".join(screen_text(app).split())
    assert text.count("(journal, all time) written to") == 1
    assert file.read_text(encoding="utf-8-sig").startswith("time,event,")


def test_an_export_asks_before_it_makes_a_folder(exchange: ExchangeProcess, tmp_path: Path) -> None:
    slip, file = tmp_path / "nonexist" / "trades.csv", tmp_path / "trades.csv"
    prompter = ScriptedPrompter("8", "3", "5", "all", str(slip), "0", str(file), "0")
    app = session(exchange, tmp_path, prompter)
    assert menu.run(app) == 0
    prompter.assert_all_used()
    assert file.exists()
    assert not slip.parent.exists()
    again = session(exchange, tmp_path, ScriptedPrompter("8", "3", "5", "all", str(slip), "1", "0"))
    assert menu.run(again) == 0
    assert slip.exists()


def test_enter_takes_the_best_price_to_the_digit(exchange: ExchangeProcess, tmp_path: Path) -> None:
    """A proposal of 0.4¢ must not be read back as 0.4 dollars."""
    app = session(exchange, tmp_path)
    offered = [found.market for found in app.executor.search_markets("") if found.market.yes_bid]
    market = min(offered, key=lambda market: market.yes_bid or 1)
    prompter = ScriptedPrompter(market.ticker, "2", "1", BACK)
    app = session(exchange, tmp_path, prompter)
    with pytest.raises(LeaveTask):
        trade_screens.place_trade(app)
    proposed = parse_price(prompter.defaults[-1])
    assert abs(proposed - (market.yes_bid or 0)) <= D("0.03")
    assert prompter.defaults[-1].endswith("¢")


def test_a_typed_count_may_carry_its_separators() -> None:
    assert trade_screens.is_count("1,500", D(1500))
    assert trade_screens.is_count(" 1500 ", D(1500))
    assert not any(trade_screens.is_count(text, D(1500)) for text in ("y", "no", "", "15,00"))


@pytest.mark.parametrize("typed", ["1501", "15,000.5", "1500.01"])
def test_another_count_confirms_nothing_and_is_asked_again(typed: str) -> None:
    with pytest.raises(InvalidInputError, match="is not 1,500"):
        trade_screens.is_count(typed, D(1500))


def test_an_index_that_is_not_whole_says_so(exchange: ExchangeProcess, tmp_path: Path) -> None:
    app = session(exchange, tmp_path, ScriptedPrompter("bitcoin", "0", BACK))
    app.executor.search_markets("bitcoin")
    app.executor._index.incomplete = "the exchange repeated a page"
    with pytest.raises(LeaveTask):
        trade_screens.find_market(app)
    assert "Markets may be missing: the exchange repeated a page." in screen_text(app)


def test_a_question_for_words_names_the_key_that_leads_back() -> None:
    with pytest.raises(InvalidInputError, match="press Esc to go back"):
        not_empty(" ")
