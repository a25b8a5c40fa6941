"""The ticket as a person sees it, an amount in dollars, and panic from the menu, on a practice exchange."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal as D
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from exchange_process import ExchangeProcess
from model_factory import BOOK, MARKET, NOW, order, preview
from screen_session import buy, quoted_market, rendered, screen_text, session
from scripted_prompter import BACK, ESCAPE, ScriptedPrompter

from kalshi_trading.core.errors import KalshiAPIError, TradeExecutionError
from kalshi_trading.core.fees import cash_bound, fee_rate
from kalshi_trading.core.market_models import FeeChange, FeeSchedule, FeeType, OrderBook
from kalshi_trading.core.models import Action, BookSide, OrderRequest, Side
from kalshi_trading.core.money import CENT
from kalshi_trading.kalshi_client import KalshiClient
from kalshi_trading.orders.execution.cancel import CancelResult
from kalshi_trading.orders.execution.panic import PanicReport
from kalshi_trading.orders.execution.panic_switch import UNRECORDED_PANIC
from kalshi_trading.orders.pretrade.preview import OrderPreview
from kalshi_trading.orders.pretrade.pricing import build_preview
from kalshi_trading.orders.pretrade.ticket import OrderTicket
from kalshi_trading.settings.option_parsing import Environment
from kalshi_trading.settings.options import Limits
from kalshi_trading.trade_executor import TradeExecutor
from kalshi_trading.ui import menu
from kalshi_trading.ui.prompts.prompter import LeaveTask
from kalshi_trading.ui.screens import orders as order_screens
from kalshi_trading.ui.screens import trade as trade_screens
from kalshi_trading.ui.views import result
from kalshi_trading.ui.views import ticket as ticket_view


def ticket_text(ticket: OrderTicket, **how: object) -> str:
    return rendered(ticket_view.ticket(preview(ticket, **how), Environment.PRACTICE), 100)


def wish(action: Action, side: Side, count: str, price: str | None, **more: object) -> OrderTicket:
    return OrderTicket(MARKET.ticker, action, side, D(count), None if price is None else D(price), **more)


def test_a_journal_that_cannot_be_read_at_the_last_look_says_that_nothing_was_sent(
    exchange: ExchangeProcess, tmp_path: Path
) -> None:
    app = session(exchange, tmp_path, ScriptedPrompter())
    app.journal.trades_path.parent.mkdir(parents=True, exist_ok=True)
    app.journal.trades_path.mkdir()
    ticket = OrderTicket(quoted_market(app.executor).ticker, Action.BUY, Side.YES, D(1), D("0.01"))
    with pytest.raises(TradeExecutionError, match=r"cannot be used: .* Nothing was sent\.$"):
        trade_screens.trade_ticket(app, ticket)


# --- What the ticket says -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("side", "price", "said"),
    [
        (Side.YES, "0.65", "64¢; 65¢ is 1¢ above it"),
        (Side.YES, "0.64", "64¢; 64¢ is on it"),
        (Side.YES, "0.55", "64¢; 55¢ is 9¢ below it"),
        (Side.NO, "0.37", "36¢; 37¢ is 1¢ above it"),
        (Side.NO, "0.02", "36¢; 2¢ is 34¢ below it"),
    ],
)
def test_the_ticket_tells_how_far_the_price_is_from_the_midpoint(side: Side, price: str, said: str) -> None:
    assert said in ticket_text(wish(Action.BUY, side, "10", price))


def test_a_half_cent_is_not_lost_in_the_midpoint() -> None:
    odd = replace(BOOK, yes_bids=BOOK.yes_bids[1:])
    text = ticket_text(wish(Action.BUY, Side.YES, "10", "0.65"), book=odd)
    assert "63.5¢; 65¢ is 1.5¢ above it" in text


def test_a_book_with_one_side_has_no_midpoint() -> None:
    text = ticket_text(wish(Action.BUY, Side.YES, "10", "0.62"), book=replace(BOOK, no_bids=()))
    (row,) = [line for line in text.splitlines() if "midpoint" in line]
    assert row.split()[1:3] == ["midpoint", "–"]


def test_the_ticket_echoes_what_an_amount_buys() -> None:
    text = ticket_text(wish(Action.BUY, Side.YES, "75", "0.65", amount=D(50)))
    assert "$50.00 buys 75 contracts" in text
    assert "$0.70 buys 1 contract " in ticket_text(wish(Action.BUY, Side.YES, "1", "0.65", amount=D("0.7")))
    assert "buys" not in ticket_text(wish(Action.BUY, Side.YES, "75", "0.65"))


@pytest.mark.parametrize(
    ("ticket", "said"),
    [
        (wish(Action.BUY, Side.YES, "100", "0.57"), "$57.00 + fee about $0.00 │ │ max cost $58.72"),
        (wish(Action.BUY, Side.YES, "10", "0.65"), "$6.50 + fee about $0.1593 │ │ max cost $6.66"),
        (
            wish(Action.BUY, Side.YES, "1000", None),
            "about $222.8250 + fee about $5.2321 │ │ max cost $714.70",
        ),
        (
            wish(Action.BUY, Side.YES, "100", "0.40", post_only=True),
            "$40.00 + fee about $0.00 │ │ max cost $40.00",
        ),
    ],
)
def test_the_cost_stands_there_as_expected_and_at_most(ticket: OrderTicket, said: str) -> None:
    assert f"cost {said} with fees and rounding │" in " ".join(ticket_text(ticket).split())


def test_a_dearer_fee_at_a_second_look_is_a_change_although_the_contracts_cost_the_same() -> None:
    before = preview(wish(Action.BUY, Side.YES, "10", "0.65"))
    here = replace(before.context, fees=FeeSchedule(FeeType.QUADRATIC, D(2)))
    after = build_preview(
        before.ticket, here, limits=Limits(), read_only=False, client_order_id=before.request.client_order_id
    )
    assert ticket_view.changes(before, after) == ["max cost: $6.66 → $6.8190"]
    assert ticket_view.changes(after, before) == []


def test_what_the_book_does_not_show_is_not_expected_of_a_market_order() -> None:
    text = " ".join(ticket_text(wish(Action.BUY, Side.YES, "1000", None)).split())
    assert "what fills now if YES" in text
    assert "664.5 canceled" in text
    assert "what fills now" not in ticket_text(wish(Action.BUY, Side.YES, "10", None))


@pytest.mark.parametrize(
    ("ticket", "held", "said"),
    [
        (wish(Action.BUY, Side.YES, "10", "0.65"), "0", "at least $993.34"),
        (wish(Action.SELL, Side.YES, "10", "0.63"), "10", "at least $1,006.1360"),
        (wish(Action.BUY, Side.YES, "10", "0.65"), "-10", "at least $1,003.34"),
    ],
)
def test_cash_afterwards_counts_what_closes(ticket: OrderTicket, held: str, said: str) -> None:
    text = " ".join(ticket_text(ticket, held=held, cost="4").split())
    assert f"cash $1,000.00 → {said} if all is filled" in text
    assert "the sale" not in text


def test_fills_at_several_prices_are_averaged() -> None:
    text = ticket_text(wish(Action.BUY, Side.YES, "100", None))
    assert "80.5 at 65¢, 19.5 at 66¢ · fills average 65.2¢" in " ".join(text.split())
    assert "average" not in ticket_text(wish(Action.BUY, Side.YES, "10", None))


def test_the_age_of_the_book_stands_on_the_ticket_and_an_old_one_is_asked_about() -> None:
    text = ticket_text(
        wish(Action.BUY, Side.YES, "10", "0.65"), book=replace(BOOK, as_of=NOW - timedelta(seconds=6.2))
    )
    assert "(6.2 s old)" in text
    assert "The book is 6.2 s old; it may have moved since." in text


def test_the_worst_case_stands_beside_what_is_expected_where_a_cent_lies_between_them() -> None:
    text = " ".join(ticket_text(wish(Action.BUY, Side.YES, "1000", None)).split())
    assert "what fills now if YES +$107.4429 if NO −$228.0571" in text
    assert "at worst if YES +$285.30 if NO −$714.70" in text
    assert "at worst" not in ticket_text(wish(Action.BUY, Side.YES, "1", "0.65"))


def test_what_closes_is_told_by_its_proceeds_and_not_by_outcomes_that_cannot_matter() -> None:
    text = " ".join(ticket_text(wish(Action.SELL, Side.YES, "100", None), held="100", cost="40.00").split())
    assert "fee about $1.6317 │" in text
    assert "proceeds about $63.00 before fees; at least $56.29 after fees if all is filled" in text
    assert "max cost" not in text
    assert "if YES" not in text
    turned = " ".join(
        ticket_text(wish(Action.SELL, Side.YES, "110", "0.63"), held="100", cost="40.00").split()
    )
    assert "cost $3.70 to open 10 contracts │" in turned
    assert "fee about $1.7949 │" in turned
    assert "max cost $3.8640 to open 10 contracts with fees and rounding │" in turned
    assert "proceeds about $63.00 before fees; at least $61.36 after fees" in turned
    assert "if YES" in turned


def test_the_whole_ticket_fits_a_narrow_screen() -> None:
    panel = ticket_view.ticket(
        preview(wish(Action.BUY, Side.YES, "100", None, amount=D(70))), Environment.PRACTICE
    )
    text = rendered(panel, width=80)
    assert all(len(line) <= 80 for line in text.splitlines())
    assert len(text.splitlines()) <= 22


def test_a_price_that_moved_under_the_same_fills_is_a_change() -> None:
    confirmed = preview(wish(Action.BUY, Side.YES, "10", None, worst_price=D("0.70")))
    moved = preview(wish(Action.BUY, Side.YES, "10", None, worst_price=D("0.71")))
    (order_changed, cost_changed) = ticket_view.changes(confirmed, moved)
    assert order_changed == f"order: {confirmed.sentence} → {moved.sentence}"
    assert cost_changed == "cost: $7.00 → $7.10"


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
    seen = preview(wish(action, Side.YES, "10", None, worst_price=D(kept)), held="10", cost="6.00")
    look = lambda ticket: preview(ticket, held="10", cost="6.00")  # noqa: E731
    executor = SimpleNamespace(worst_price=lambda *_: D(best), preview=look)
    app: Any = SimpleNamespace(executor=executor, run_with_spinner=lambda _, work: work())
    assert trade_screens._with_better_cap(app, seen).request.price == D(asked_again)


def with_unknown(ticket: OrderTicket, *sentences: str) -> OrderPreview:
    now = replace(preview(ticket).context, unresolved=sentences)
    return build_preview(ticket, now, limits=Limits(), read_only=False, client_order_id="one")


def test_another_order_of_unknown_outcome_is_a_change() -> None:
    ticket = wish(Action.BUY, Side.YES, "10", "0.20")
    confirmed, later = (
        with_unknown(ticket, *names)
        for names in (["BUY 3 YES at 1¢"], ["BUY 3 YES at 1¢", "BUY 40 YES at 2¢"])
    )
    assert ticket_view.changes(confirmed, confirmed) == []
    (change,) = ticket_view.changes(confirmed, later)
    assert "BUY 40 YES at 2¢" in change


def test_a_market_order_is_sent_at_the_worst_price_that_was_confirmed_though_the_book_moves(
    exchange: ExchangeProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    market = quoted_market(session(exchange, tmp_path).executor)
    prompter = ScriptedPrompter(market.ticker, "1", "2", "3", "1", "1")
    app = session(exchange, tmp_path, prompter)
    sent: list[OrderRequest] = []
    read_book = KalshiClient.get_order_book

    def moving_book(client: KalshiClient, ticker: str) -> OrderBook:
        """The offers two cents dearer from the first confirmation on."""
        now = read_book(client, ticker)
        if "Send this order?" not in prompter.questions:
            return now
        return replace(now, no_bids=tuple(replace(bid, price=bid.price - 2 * CENT) for bid in now.no_bids))

    def refuse(client: KalshiClient, request: OrderRequest, **how: object) -> None:
        sent.append(request)
        raise KalshiAPIError("Refused.")

    monkeypatch.setattr(KalshiClient, "get_order_book", moving_book)
    monkeypatch.setattr(KalshiClient, "place_order", refuse)
    trade_screens.place_trade(app)
    prompter.assert_all_used()
    assert "The market moved since you looked." in screen_text(app)
    confirmed = [label for labels in prompter.labels for label in labels if label.startswith("Send: ")]
    (request,) = sent
    assert confirmed == [f"Send: {request.sentence}"] * 2


# --- Dollars --------------------------------------------------------------------------------------


def test_an_amount_of_dollars_buys_at_the_limit_and_is_never_exceeded(
    exchange: ExchangeProcess, tmp_path: Path
) -> None:
    market = quoted_market(session(exchange, tmp_path).executor)
    prompter = ScriptedPrompter(*buy(market, count="$5", price="2"))
    app = session(exchange, tmp_path, prompter)
    trade_screens.place_trade(app)
    assert "How many contracts ($50 for dollars)?" in prompter.questions
    (resting,) = app.executor.list_open_orders()
    assert "$5.00 buys" in screen_text(app)
    assert 5 / D("0.0221") < resting.remaining_count <= 5 / D("0.02")
    order_screens.cancel_these(app, (resting,))


def test_an_amount_at_the_market_is_counted_at_the_worst_price(
    exchange: ExchangeProcess, tmp_path: Path
) -> None:
    market = quoted_market(session(exchange, tmp_path).executor)
    prompter = ScriptedPrompter(market.ticker, "1", "2", "$20", BACK)
    app = session(exchange, tmp_path, prompter)
    cash = app.client.get_balance().cash
    with pytest.raises(LeaveTask):
        trade_screens.place_trade(app)
    prompter.assert_all_used()
    assert "$20.00 buys" in screen_text(app)
    ticket = OrderTicket(market.ticker, Action.BUY, Side.YES, D(1), None)
    assert app.executor.preview(ticket).request.price > market.yes_ask - D("0.01")
    assert app.client.get_balance().cash == cash


def test_the_worst_price_an_amount_was_counted_with_is_the_one_of_the_ticket(
    exchange: ExchangeProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    market = quoted_market(session(exchange, tmp_path).executor)
    filled_in: list[OrderTicket] = []

    def look(executor: TradeExecutor, ticket: OrderTicket) -> None:
        filled_in.append(ticket)
        raise LeaveTask

    monkeypatch.setattr(TradeExecutor, "preview", look)
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
    market = quoted_market(session(exchange, tmp_path).executor)
    dearer = FeeChange("KX", FeeType.QUADRATIC, D(10), market.close_at)
    monkeypatch.setattr(KalshiClient, "get_series_fee_changes", lambda *_, **__: (dearer,))
    filled_in: list[OrderTicket] = []

    def look(executor: TradeExecutor, ticket: OrderTicket) -> None:
        filled_in.append(ticket)
        raise LeaveTask

    monkeypatch.setattr(TradeExecutor, "preview", look)
    for answers in (["1", "2", "$20"], ["1", "1", "2", "$5"]):
        app = session(exchange, tmp_path, ScriptedPrompter(market.ticker, *answers))
        with pytest.raises(LeaveTask):
            trade_screens.place_trade(app)
    now, to_come = (fee_rate(each, is_taker=True) for each in app.executor.get_fees(market))
    at_the_market, at_a_limit = filled_in
    assert at_the_market.count == 20 // cash_bound(now, D(1), at_the_market.worst_price)
    assert at_a_limit.count == 5 // cash_bound(to_come, D(1), D("0.02")) == 147


def test_dollars_are_not_offered_for_a_sale(exchange: ExchangeProcess, tmp_path: Path) -> None:
    market = quoted_market(session(exchange, tmp_path).executor)
    prompter = ScriptedPrompter(market.ticker, "2", "1", "98", "$5", BACK)
    with pytest.raises(LeaveTask):
        trade_screens.place_trade(session(exchange, tmp_path, prompter))
    assert prompter.questions[-2:] == ["How many contracts?"] * 2


# --- An order of unknown outcome ------------------------------------------------------------------


def test_a_lost_order_of_the_same_market_is_named_and_wants_the_count_typed(
    exchange: ExchangeProcess, tmp_path: Path
) -> None:
    market = quoted_market(session(exchange, tmp_path).executor)
    prompter = ScriptedPrompter(*buy(market, count="3", price="2"), "no", BACK)
    app = session(exchange, tmp_path, prompter)
    for name, ticker, words in (("lost", market.ticker, "BUY 7 YES"), ("other", "KX-OTHER", "BUY 8 YES")):
        lost = {"client_order_id": name, "ticker": ticker, "sentence": f"{words} at 1¢"}
        app.journal.log_order_submission("intent", lost)
    with pytest.raises(LeaveTask):
        trade_screens.place_trade(app)
    text = " ".join(screen_text(app).split())
    assert "its outcome is unknown: BUY 7 YES at 1¢." in text
    assert "BUY 8 YES" not in text
    assert prompter.questions[-2] == "To confirm, type the number of contracts (3):"
    assert "Not confirmed. Nothing was sent." in text


# --- The day --------------------------------------------------------------------------------------


def test_the_day_counts_what_was_traded_on_this_exchange(
    fresh_practice_exchange: ExchangeProcess, tmp_path: Path
) -> None:
    app = session(fresh_practice_exchange, tmp_path)
    market = quoted_market(app.executor)
    bought = app.executor.place_market_order(market.ticker, "yes", 3)
    assert bought.fill_count == 3
    app.executor.place_limit_order(market.ticker, "yes", 2, "0.02")
    ticket = OrderTicket(market.ticker, Action.BUY, Side.YES, D(1), D("0.03"))
    today = app.executor.preview(ticket).context.today
    assert today.orders == 2
    assert today.pnl is not None
    assert today.pnl.realized == -bought.fee
    held = app.tracker.calculate_position_pnl(market.ticker)
    assert held is not None
    assert held.unrealized_pnl is not None
    assert today.pnl.unrealized <= 0
    app.executor.panic()


def test_a_loss_at_the_limit_denies_all_but_reducing_orders(
    exchange: ExchangeProcess, tmp_path: Path
) -> None:
    free = session(exchange, tmp_path)
    market = quoted_market(free.executor)
    assert free.executor.place_market_order(market.ticker, "yes", 3).fill_count == 3
    app = session(exchange, tmp_path, KALSHI_DAILY_LOSS_LIMIT="0.01")
    buying = app.executor.preview(OrderTicket(market.ticker, Action.BUY, Side.YES, D(1), D("0.03")))
    selling = app.executor.preview(OrderTicket(market.ticker, Action.SELL, Side.YES, D(1), None))
    assert "loss per day" in {finding.rule for finding in buying.findings}
    assert buying.is_denied
    assert not selling.is_denied


# --- Panic ----------------------------------------------------------------------------------------


def test_panic_from_the_menu_cancels_all_and_blocks_until_the_word_is_typed(
    exchange: ExchangeProcess, tmp_path: Path
) -> None:
    answers = ["p", "r", "allow?", "r", "ALLOW", "0"]
    prompter = ScriptedPrompter(*answers)
    app = session(exchange, tmp_path, prompter)
    market = quoted_market(app.executor)
    for price in ("0.02", "0.03"):
        app.executor.place_limit_order(market.ticker, "yes", 1, price)
    order_screens.cancel_order(app)
    text = screen_text(app)
    assert "2 canceled · 0 no longer resting · 0 unknown" in text
    assert "A look afterwards showed nothing that still rests." in text
    assert app.executor.list_open_orders() == ()
    denied = app.executor.preview(OrderTicket(market.ticker, Action.BUY, Side.YES, D(1), D("0.04")))
    assert denied.is_denied
    assert "New orders are blocked" in denied.findings[0].message

    order_screens.cancel_order(app)
    assert "New orders stay blocked." in screen_text(app)
    assert app.executor.block_reason() is not None
    order_screens.cancel_order(app)
    assert app.executor.block_reason() is None
    order_screens.cancel_order(app)
    prompter.assert_all_used()
    assert "Allow new orders again" not in prompter.labels[-1]


def test_going_back_from_the_word_that_allows_orders_asks_which_order(
    exchange: ExchangeProcess, tmp_path: Path
) -> None:
    prompter = ScriptedPrompter("r", ESCAPE, "0")
    app = session(exchange, tmp_path, prompter)
    app.executor.panic()
    order_screens.cancel_order(app)
    prompter.assert_all_used()
    assert prompter.questions[-1] == "Which order?"
    assert prompter.marked[-1] == "Cancel nothing"
    assert app.executor.block_reason() is not None


def test_a_panic_is_named_by_the_menu_of_the_next_session_which_can_end_it(
    exchange: ExchangeProcess, tmp_path: Path
) -> None:
    session(exchange, tmp_path).executor.panic()
    prompter = ScriptedPrompter("4", "r", "ALLOW", "0")
    app = session(exchange, tmp_path, prompter)
    assert menu.run(app) == 0
    prompter.assert_all_used()
    assert screen_text(app).count("Orders are locked. New orders are blocked since panic was pressed") == 1
    again = session(exchange, tmp_path, ScriptedPrompter("0"))
    assert menu.run(again) == 0
    assert "Orders are locked" not in screen_text(again)


def test_panic_stays_within_reach_when_the_open_orders_cannot_be_read(
    exchange: ExchangeProcess, tmp_path: Path
) -> None:
    prompter = ScriptedPrompter("0")
    app = session(exchange, tmp_path, prompter)
    away = replace(
        app, executor=session(replace(exchange, url=f"{exchange.url}/nowhere"), tmp_path, prompter).executor
    )
    order_screens.cancel_order(away)
    assert "The open orders could not be read." in screen_text(away)
    assert prompter.labels[-1] == ["Cancel nothing", "Panic: cancel everything and block new orders"]


def test_what_panic_could_not_settle_is_named_order_by_order() -> None:
    one = order(BookSide.BID, "0.50")
    report = PanicReport(
        canceled=(),
        gone=(CancelResult(one, "Too late: it was already filled, all 10.", None),),
        unknown=(CancelResult(one, "It is not known whether the order was canceled.", None),),
        problem="The open orders could not be read. Away.",
        unresolved=("BUY 7 YES at 1¢",),
    )
    text = " ".join(rendered(result.panic(report)).replace("│", " ").split())
    assert "0 canceled · 1 no longer resting · 1 unknown" in text
    assert "Too late: it was already filled, all 10." in text
    assert "It is not known whether the order was canceled." in text
    assert "Orders may still rest; look at the open orders." in text
    assert "Outcome unknown, not canceled: BUY 7 YES at 1¢. It may still turn up." in text
    assert "nothing that still rests" not in text
    assert "panic: not known whether everything is canceled" in text


@pytest.mark.parametrize(
    "doubtful",
    [
        {"problem": "The open orders could not be read. Away."},
        {"unresolved": ("BUY 7 YES at 1¢",)},
        {"unknown": (CancelResult(order(BookSide.BID, "0.50"), "It is not known.", None),)},
    ],
)
def test_everything_canceled_is_said_only_when_it_is_proved(doubtful: dict[str, Any]) -> None:
    proved = PanicReport(canceled=(), gone=(), unknown=(), problem=None)
    assert "─ everything canceled ─" in rendered(result.panic(proved))
    assert result.end_of_panic(proved).startswith("Everything canceled: 0 canceled")
    report = replace(proved, **doubtful)
    assert "everything canceled ─" not in rendered(result.panic(report)).replace("whether everything", "")
    assert "not known whether everything is canceled" in rendered(result.panic(report))
    assert result.end_of_panic(report).startswith("Panic: not known whether everything is canceled")


def test_a_block_that_is_not_on_record_is_told() -> None:
    report = PanicReport(canceled=(), gone=(), unknown=(), problem=None, is_recorded=False)
    assert UNRECORDED_PANIC in rendered(result.panic(report), width=200)
    assert UNRECORDED_PANIC in result.end_of_panic(report)
