"""From a search to the result of an order, on a practice exchange."""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import Decimal as D
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from exchange_process import ExchangeProcess
from model_factory import order_ticket, preview
from screen_session import buy, place, quoted_market, screen_text, session
from scripted_prompter import BACK, ESCAPE, MeanwhilePrompter, ScriptedPrompter

from kalshi_trading.core.errors import InvalidInputError, KalshiAPIError, TradeExecutionError
from kalshi_trading.core.fees import fee_rate, max_cash
from kalshi_trading.core.market_models import FeeChange, FeeType, OrderBook
from kalshi_trading.core.models import Action, OrderRequest, Side
from kalshi_trading.core.money import CENT, parse_price, price_text
from kalshi_trading.kalshi_client import KalshiClient
from kalshi_trading.orders.pretrade.ticket import OrderTicket
from kalshi_trading.orders.service import OrderService
from kalshi_trading.settings.environments import Environment
from kalshi_trading.ui import menu
from kalshi_trading.ui.prompts.prompter import LeaveTask
from kalshi_trading.ui.screens import orders as order_screens
from kalshi_trading.ui.screens import trade as trade_screens


def test_a_journal_that_cannot_be_read_at_the_last_look_says_that_nothing_was_sent(
    exchange: ExchangeProcess, tmp_path: Path
) -> None:
    app = session(exchange, tmp_path, ScriptedPrompter())
    app.journal.trades_path.parent.mkdir(parents=True, exist_ok=True)
    app.journal.trades_path.mkdir()
    ticket = OrderTicket(quoted_market(app.orders).ticker, Action.BUY, Side.YES, D(1), D("0.01"))
    with pytest.raises(TradeExecutionError, match=r"cannot be used: .* Nothing was sent\.$"):
        trade_screens.trade_ticket(app, ticket)


@pytest.mark.parametrize(
    ("action", "kept", "best", "asked_again"),
    [
        (Action.BUY, "0.70", "0.66", "0.66"),
        (Action.BUY, "0.70", "0.75", "0.70"),
        (Action.SELL, "0.58", "0.60", "0.60"),
        (Action.SELL, "0.58", "0.50", "0.58"),
    ],
)
def test_a_worst_price_comes_nearer_with_the_book_and_never_moves_away(
    action: Action, kept: str, best: str, asked_again: str
) -> None:
    seen = preview(order_ticket(action, Side.YES, "10", None, worst_price=D(kept)), held="10", cost="6.00")
    look = lambda ticket: preview(ticket, held="10", cost="6.00")  # noqa: E731
    orders = SimpleNamespace(worst_price=lambda *_: D(best), preview=look)
    app: Any = SimpleNamespace(orders=orders, run_with_spinner=lambda _, work: work())
    assert trade_screens._with_better_cap(app, seen).request.price == D(asked_again)


def test_a_market_order_is_sent_at_the_worst_price_that_was_confirmed_though_the_book_moves(
    exchange: ExchangeProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    market = quoted_market(session(exchange, tmp_path).orders)
    prompter = ScriptedPrompter(market.ticker, "1", "2", "3", "1", "1")
    app = session(exchange, tmp_path, prompter)
    sent: list[OrderRequest] = []
    read_book = KalshiClient.get_orderbook

    def moving_book(client: KalshiClient, ticker: str) -> OrderBook:
        """Return a book with asks two cents higher after the first confirmation."""
        now = read_book(client, ticker)
        if "Place this order?" not in prompter.questions:
            return now
        return replace(now, no_bids=tuple(replace(bid, price=bid.price - 2 * CENT) for bid in now.no_bids))

    def refuse(client: KalshiClient, request: OrderRequest, **how: object) -> None:
        sent.append(request)
        raise KalshiAPIError("Refused.")

    monkeypatch.setattr(KalshiClient, "get_orderbook", moving_book)
    monkeypatch.setattr(KalshiClient, "send_order", refuse)
    trade_screens.place_trade(app)
    prompter.assert_all_used()
    text = " ".join(screen_text(app).split())
    assert "Ticket changed. Nothing was sent." in text
    confirmed = [
        row for rows in zip(prompter.labels, prompter.details, strict=True) for row in zip(*rows, strict=True)
    ]
    (request,) = sent
    placing = ("Place order", f"BUY 3 YES, max price {price_text(request.price)}")
    assert [row for row in confirmed if row[0] == "Place order"] == [placing] * 2
    headline = f"BUY 3 YES {market.ticker} at market, max {price_text(request.price)} "
    assert text.count(headline) == 2  # on both tickets


# --- Dollars --------------------------------------------------------------------------------------


def test_an_amount_of_dollars_buys_at_the_limit_and_is_never_exceeded(
    exchange: ExchangeProcess, tmp_path: Path
) -> None:
    market = quoted_market(session(exchange, tmp_path).orders)
    prompter = ScriptedPrompter(*buy(market, count="$5", price="2"))
    app = session(exchange, tmp_path, prompter)
    trade_screens.place_trade(app)
    assert "Quantity (10, or $50)" in prompter.questions
    (resting,) = app.orders.list_open_orders()
    assert "$5.00 buys" in screen_text(app)
    assert 5 / D("0.0221") < resting.remaining_count <= 5 / D("0.02")
    order_screens.cancel_orders(app, (resting,))


def test_an_amount_at_the_market_is_counted_at_the_worst_price(
    exchange: ExchangeProcess, tmp_path: Path
) -> None:
    market = quoted_market(session(exchange, tmp_path).orders)
    prompter = ScriptedPrompter(market.ticker, "1", "2", "$20", BACK)
    app = session(exchange, tmp_path, prompter)
    cash = app.client.get_balance().cash
    with pytest.raises(LeaveTask):
        trade_screens.place_trade(app)
    prompter.assert_all_used()
    assert "$20.00 buys" in screen_text(app)
    ticket = OrderTicket(market.ticker, Action.BUY, Side.YES, D(1), None)
    assert app.orders.preview(ticket).request.price > market.yes_ask - D("0.01")
    assert app.client.get_balance().cash == cash


def test_the_worst_price_an_amount_was_counted_with_is_the_one_of_the_ticket(
    exchange: ExchangeProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    market = quoted_market(session(exchange, tmp_path).orders)
    filled_in: list[OrderTicket] = []

    def look(orders: OrderService, ticket: OrderTicket) -> None:
        filled_in.append(ticket)
        raise LeaveTask

    monkeypatch.setattr(OrderService, "preview", look)
    for count in ("$20", "20"):
        app = session(exchange, tmp_path, ScriptedPrompter(market.ticker, "1", "2", count))
        with pytest.raises(LeaveTask):
            trade_screens.place_trade(app)
    in_dollars, in_contracts = filled_in
    assert in_dollars.is_market_order
    assert in_dollars.worst_price is not None
    assert in_dollars.count * in_dollars.worst_price < 20
    assert (in_contracts.worst_price, in_contracts.amount) == (None, None)


def test_an_amount_that_may_rest_allows_for_dearer_fees_to_come_and_one_at_the_market_does_not(
    exchange: ExchangeProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    market = quoted_market(session(exchange, tmp_path).orders)
    dearer = FeeChange("KX", FeeType.QUADRATIC, D(10), market.close_at)
    monkeypatch.setattr(KalshiClient, "get_series_fee_changes", lambda *_, **__: (dearer,))
    filled_in: list[OrderTicket] = []

    def look(orders: OrderService, ticket: OrderTicket) -> None:
        filled_in.append(ticket)
        raise LeaveTask

    monkeypatch.setattr(OrderService, "preview", look)
    for answers in (["1", "2", "$20"], ["1", "1", "2", "$5"]):
        app = session(exchange, tmp_path, ScriptedPrompter(market.ticker, *answers))
        with pytest.raises(LeaveTask):
            trade_screens.place_trade(app)
    now, to_come = (fee_rate(each, is_taker=True) for each in app.orders.get_fees(market))
    at_the_market, at_a_limit = filled_in
    assert at_the_market.count == 20 // max_cash(now, D(1), at_the_market.worst_price)
    assert at_a_limit.count == 5 // max_cash(to_come, D(1), D("0.02")) == 147


def test_dollars_are_not_offered_for_a_sale(exchange: ExchangeProcess, tmp_path: Path) -> None:
    market = quoted_market(session(exchange, tmp_path).orders)
    prompter = ScriptedPrompter(market.ticker, "2", "1", "98", "$5", BACK)
    with pytest.raises(LeaveTask):
        trade_screens.place_trade(session(exchange, tmp_path, prompter))
    assert prompter.questions[-2:] == ["Quantity"] * 2


# --- An order of unknown outcome ------------------------------------------------------------------


def test_a_lost_order_of_the_same_market_is_named_and_wants_the_count_typed(
    exchange: ExchangeProcess, tmp_path: Path
) -> None:
    market = quoted_market(session(exchange, tmp_path).orders)
    prompter = ScriptedPrompter(*buy(market, count="3", price="2"), "no", BACK)
    app = session(exchange, tmp_path, prompter)
    for name, ticker, words in (("lost", market.ticker, "BUY 7 YES"), ("other", "KX-OTHER", "BUY 8 YES")):
        lost = {"client_order_id": name, "ticker": ticker, "sentence": f"{words} at 1¢"}
        app.journal.log_order_step("intent", lost)
    with pytest.raises(LeaveTask):
        trade_screens.place_trade(app)
    text = " ".join(screen_text(app).split())
    assert "Order status unknown in this market; it may be live: BUY 7 YES at 1¢." in text
    assert "BUY 8 YES" not in text
    assert prompter.questions[-2] == "To confirm, type the quantity (3):"
    assert "Not confirmed. Nothing was sent." in text


# --- The day --------------------------------------------------------------------------------------


def test_the_day_counts_what_was_traded_on_this_exchange(
    fresh_practice_exchange: ExchangeProcess, tmp_path: Path
) -> None:
    app = session(fresh_practice_exchange, tmp_path)
    market = quoted_market(app.orders)
    bought = place(app.orders, market.ticker, "yes", 3)
    assert bought.fill_count == 3
    place(app.orders, market.ticker, "yes", 2, "0.02")
    ticket = OrderTicket(market.ticker, Action.BUY, Side.YES, D(1), D("0.03"))
    today = app.orders.preview(ticket).context.today
    assert today.orders == 2
    assert today.pnl is not None
    assert today.pnl.realized == -bought.fee
    held = app.tracker.calculate_position_pnl(market.ticker)
    assert held is not None
    assert held.unrealized_pnl is not None
    assert today.pnl.unrealized <= 0
    app.orders.panic()


def test_a_loss_at_the_limit_denies_all_but_reducing_orders(
    exchange: ExchangeProcess, tmp_path: Path
) -> None:
    free = session(exchange, tmp_path)
    market = quoted_market(free.orders)
    assert place(free.orders, market.ticker, "yes", 3).fill_count == 3
    app = session(exchange, tmp_path, KALSHI_DAILY_LOSS_LIMIT="0.01")
    buying = app.orders.preview(OrderTicket(market.ticker, Action.BUY, Side.YES, D(1), D("0.03")))
    selling = app.orders.preview(OrderTicket(market.ticker, Action.SELL, Side.YES, D(1), None))
    assert "loss per day" in {finding.rule for finding in buying.findings}
    assert buying.is_denied
    assert not selling.is_denied


# --- What is asked and confirmed ------------------------------------------------------------------


def test_an_order_above_the_soft_limit_wants_its_count_typed(
    exchange: ExchangeProcess, tmp_path: Path
) -> None:
    market = quoted_market(session(exchange, tmp_path).orders)
    prompter = ScriptedPrompter(*buy(market, count="20", price="2"), "yes", BACK)
    app = session(exchange, tmp_path, prompter, KALSHI_SOFT_ORDER_COUNT="19")
    with pytest.raises(LeaveTask):
        trade_screens.place_trade(app)
    prompter.assert_all_used()
    assert prompter.questions[-2] == "To confirm, type the quantity (20):"
    assert "Not confirmed. Nothing was sent." in screen_text(app)
    assert app.orders.list_open_orders() == ()
    assert not app.journal.trades_path.exists()


def test_a_typed_count_sends_the_order(exchange: ExchangeProcess, tmp_path: Path) -> None:
    market = quoted_market(session(exchange, tmp_path).orders)
    prompter = ScriptedPrompter(*buy(market, count="20", price="2"), "20")
    app = session(exchange, tmp_path, prompter, KALSHI_SOFT_ORDER_COUNT="19")
    trade_screens.place_trade(app)
    assert "Open: BUY 20 YES at 2¢" in screen_text(app)
    (resting,) = app.orders.list_open_orders()
    assert (resting.yes_price, resting.remaining_count) == (D("0.02"), D(20))
    order_screens.cancel_orders(app, (resting,))
    assert app.orders.list_open_orders() == ()


def test_dollars_typed_for_a_purchase_are_not_proposed_for_a_sale(
    exchange: ExchangeProcess, tmp_path: Path
) -> None:
    market = quoted_market(session(exchange, tmp_path).orders)
    to_the_direction = [ESCAPE] * 4
    prompter = ScriptedPrompter(
        *buy(market, count="$5", price="2")[:-1], *to_the_direction, "2", "1", "98", BACK
    )
    with pytest.raises(LeaveTask):
        trade_screens.place_trade(session(exchange, tmp_path, prompter))
    prompter.assert_all_used()
    assert prompter.questions[-1] == "Quantity"
    assert "$5" in prompter.defaults
    assert prompter.defaults[-1].isdigit()


def test_what_changed_while_the_user_read_is_shown_and_asked_again(
    exchange: ExchangeProcess, tmp_path: Path
) -> None:
    """Another session of the journal sends the same order meanwhile."""
    market = quoted_market(session(exchange, tmp_path).orders)
    answers = buy(market, count="5", price="2")
    other = session(exchange, tmp_path, ScriptedPrompter(*answers))
    prompter = MeanwhilePrompter(*answers, BACK, happens=lambda: trade_screens.place_trade(other))
    app = session(exchange, tmp_path, prompter)
    with pytest.raises(LeaveTask):
        trade_screens.place_trade(app)
    prompter.assert_all_used()
    text = screen_text(app)
    assert "Ticket changed. Nothing was sent." in text
    assert re.search(r"You sent the same order \d s ago\.", text)
    assert "─ Result ─" not in text
    assert prompter.questions.count("Place this order?") == 2
    order_screens.cancel_orders(app, app.orders.list_open_orders())


def test_an_order_that_is_denied_is_never_asked_about(exchange: ExchangeProcess, tmp_path: Path) -> None:
    market = quoted_market(session(exchange, tmp_path).orders)
    prompter = ScriptedPrompter(*buy(market, count="20", price="2")[:-1], BACK)
    app = session(exchange, tmp_path, prompter, KALSHI_SOFT_ORDER_COUNT="1", KALSHI_HARD_ORDER_COUNT="10")
    with pytest.raises(LeaveTask):
        trade_screens.place_trade(app)
    prompter.assert_all_used()
    assert "Too large: 20 contracts (max 10, KALSHI_HARD_ORDER_COUNT)" in screen_text(app)
    assert "Place this order?" not in prompter.questions


def test_a_denied_order_is_changed_and_not_retyped(exchange: ExchangeProcess, tmp_path: Path) -> None:
    market = quoted_market(session(exchange, tmp_path).orders)
    prompter = ScriptedPrompter(*buy(market, count="20", price="2")[:-1], "3", BACK)
    app = session(exchange, tmp_path, prompter, KALSHI_SOFT_ORDER_COUNT="10", KALSHI_HARD_ORDER_COUNT="10")
    with pytest.raises(LeaveTask):
        trade_screens.place_trade(app)
    prompter.assert_all_used()
    assert prompter.defaults[-1] == "20"
    assert (prompter.labels[-1][1], prompter.details[-1][1]) == ("Place order", "BUY 3 YES at 2¢")
    assert f"BUY 3 YES {market.ticker} at 2¢" in screen_text(app)


def test_every_production_order_wants_its_count_typed(exchange: ExchangeProcess, tmp_path: Path) -> None:
    market = quoted_market(session(exchange, tmp_path).orders)
    prompter = ScriptedPrompter("PRODUCTION", "2", *buy(market, count="3", price="2"), "y", BACK, "0", "e")
    app = session(exchange, tmp_path, prompter, environment=Environment.PRODUCTION)
    assert menu.run(app) == 0
    prompter.assert_all_used()
    assert "Not confirmed. Nothing was sent." in screen_text(app)
    assert app.orders.list_open_orders() == ()


def test_going_back_from_the_count_that_confirms_asks_whether_to_send(
    exchange: ExchangeProcess, tmp_path: Path
) -> None:
    market = quoted_market(session(exchange, tmp_path).orders)
    prompter = ScriptedPrompter(*buy(market, count="20", price="2"), ESCAPE, "0", BACK)
    app = session(exchange, tmp_path, prompter, KALSHI_SOFT_ORDER_COUNT="19")
    with pytest.raises(LeaveTask):
        trade_screens.place_trade(app)
    prompter.assert_all_used()
    assert prompter.questions[-2] == "Place this order?"
    assert prompter.marked[-1] == "Back"
    assert app.orders.list_open_orders() == ()


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
        for found in app.orders.search_markets("")
        if found.market.price_grid.contains(D(traded))
        and not found.market.price_grid.contains(D(not_traded))
        and found.market.yes_ask
    )
    prompter = ScriptedPrompter(market.ticker, "1", "1", *typed, BACK)
    with pytest.raises(LeaveTask):
        trade_screens.place_trade(session(exchange, tmp_path, prompter))
    prompter.assert_all_used()
    assert prompter.questions.count("YES limit price (¢)") == 2


def test_enter_takes_the_best_price_to_the_digit(exchange: ExchangeProcess, tmp_path: Path) -> None:
    """A proposal of 0.4¢ must not be read back as 0.4 dollars."""
    app = session(exchange, tmp_path)
    offered = [found.market for found in app.orders.search_markets("") if found.market.yes_bid]
    market = min(offered, key=lambda market: market.yes_bid or 1)
    prompter = ScriptedPrompter(market.ticker, "2", "1", BACK)
    app = session(exchange, tmp_path, prompter)
    with pytest.raises(LeaveTask):
        trade_screens.place_trade(app)
    proposed = parse_price(prompter.defaults[-1])
    assert abs(proposed - (market.yes_bid or 0)) <= D("0.03")
    assert prompter.defaults[-1].endswith("¢")


def test_a_typed_count_may_carry_its_separators() -> None:
    assert trade_screens.matches_count("1,500", D(1500))
    assert trade_screens.matches_count(" 1500 ", D(1500))
    assert not any(trade_screens.matches_count(text, D(1500)) for text in ("y", "no", "", "15,00"))


@pytest.mark.parametrize("typed", ["1501", "15,000.5", "1500.01"])
def test_another_count_confirms_nothing_and_is_asked_again(typed: str) -> None:
    with pytest.raises(InvalidInputError, match=r"does not match\. Type 1,500, or “no” to go back\."):
        trade_screens.matches_count(typed, D(1500))
