"""Screens of the history on a practice exchange, and the exit summary."""

from __future__ import annotations

import io
import re
import threading
import time
from dataclasses import replace
from decimal import Decimal as D

import pytest
from exchange_process import running_exchange
from model_factory import NOW, order
from rich.console import Console
from screen_session import buy, quoted_market, rendered, screen_text, session
from scripted_prompter import BACK, ESCAPE, ScriptedPrompter

from kalshi_trading.core.dates import Period
from kalshi_trading.core.errors import KalshiAPIError, UnavailableError
from kalshi_trading.core.models import OrderStatus, Side
from kalshi_trading.core.money import price_text
from kalshi_trading.history.day_summary import DaySummary, MarketDay
from kalshi_trading.history.rows import HistoryFilter, HistoryRow, OrderResult
from kalshi_trading.history.trade_history import TradeHistory, history_from_journal
from kalshi_trading.journal.files.log_reader import DamagedLine
from kalshi_trading.journal.records import Damage
from kalshi_trading.settings.environments import Environment
from kalshi_trading.trade_logger import TradeLogger
from kalshi_trading.ui import menu
from kalshi_trading.ui.background_task import THREAD_NAME
from kalshi_trading.ui.prompts.prompter import LeaveTask
from kalshi_trading.ui.screens import history as history_screens
from kalshi_trading.ui.screens import trade as trade_screens
from kalshi_trading.ui.views import history as history_view


@pytest.fixture(scope="module")
def exchange(tmp_path_factory):
    """An account that traded elsewhere before: two pages of external orders."""
    how = ("--seed", "5", "--still", "--scenario", "positions=4,fills=30")
    with running_exchange(tmp_path_factory.mktemp("history"), *how) as running:
        yield running


def traded(exchange, folder, *answers):
    """Return a session that has bought one YES and will give these answers."""
    app = session(exchange, folder)
    market = quoted_market(app.orders)
    ticket = buy(market, count="1", price=price_text(market.yes_ask + D("0.02")))
    app = session(exchange, folder, ScriptedPrompter(*ticket, *["1"] * 3))
    trade_screens.place_trade(app)
    assert "Filled: bought 1 YES at " in screen_text(app)
    prompter = ScriptedPrompter(*answers)
    app = session(exchange, folder, prompter)
    app.console.width = 80
    return app, prompter, market


def flat(app):
    return " ".join(screen_text(app).split())


def test_every_task_of_the_history_is_one_choice_away_from_it_and_comes_back(exchange, tmp_path):
    answers = [
        *("1", "1"),  # the newest order in depth
        "2",  # older orders
        *("3", "today", "3", "all", "4", "KX", "5", "KX", "6", "1", "6", "3", "7", "2", "9"),
        *("8", "2", "8", "1", "r", "all", "s", "", "0"),
    ]
    app, prompter, market = traded(exchange, tmp_path, *answers)
    history_screens.trade_history(app)
    prompter.assert_all_used()
    text = flat(app)
    listed = app.client.get_orders()
    ours = {record.text("client_order_id") for record in app.journal.read_journal().records}
    elsewhere = [each for each in listed if each.client_order_id not in ours]
    fills = len(app.client.get_fills())
    assert len(elsewhere) == len(listed) - 1 > 0
    assert "BUY 1 YES" in text
    assert market.ticker in text.replace(" ", "")
    assert "confirmed and recorded: BUY 1 YES" in text
    assert "filled 1 at" in text
    assert "as taker" in text
    assert "10 to 18 of" in text
    assert "No orders match." in text  # nothing was filled in part only
    assert "Journal only: not connected to this environment's exchange." in text
    assert (
        f"{len(elsewhere)} orders differ; {len(listed)} orders, {fills} fills and 4 journal records" in text
    )
    assert text.count("not in the journal") == min(len(elsewhere), history_view.DIFFERENCES_SHOWN)
    assert "Net realized" in text


def test_another_environment_s_page_asks_the_connected_exchange_nothing(exchange, tmp_path, monkeypatch):
    elsewhere = TradeLogger(tmp_path, Environment.SANDBOX.value)
    terms = {"client_order_id": "c-1", "ticker": "KXHIGHNY-26NOV21-B46.5", "action": "buy", "side": "yes"}
    elsewhere.log_order_step("intent", terms | {"count": D(10), "price": D("0.65")})
    answer = {"order_id": "o-1", "fill_count": D(10), "remaining_count": D(0)}
    elsewhere.log_order_step("acknowledged", terms | answer)
    prompter = ScriptedPrompter("8", "2", "1", "1", "0")
    app = session(exchange, tmp_path, prompter)
    asked = []
    monkeypatch.setattr(app.client, "get_settlements", lambda **_: asked.append(1))
    history_screens.trade_history(app)
    prompter.assert_all_used()
    text = flat(app)
    assert "accepted as o-1" in text
    assert "Not connected to this environment's exchange." in text
    assert "not listed by the exchange" not in text
    assert asked == []


def test_a_journal_only_page_offers_no_reconcile_or_totals(tmp_path):
    def offered(history):
        page = history_view.HistoryPage(history, HistoryFilter(), Environment.SANDBOX, history.rows)
        return {choice.key for choice in history_screens._tasks(page)}

    there = offered(TradeHistory((external(),)))
    assert there - offered(TradeHistory((external(),), is_joined=False)) == {"r", "s"}


def test_an_order_is_found_by_the_beginning_of_either_id(exchange, tmp_path):
    app, _, _ = traded(exchange, tmp_path)
    own = next(
        record for record in app.journal.read_journal().records if record.event == "order.acknowledged"
    )
    for name in ("order_id", "client_order_id"):
        prompter = ScriptedPrompter("1", "t", "nothing-like-it", own.text(name)[:13], "0")
        app = session(exchange, tmp_path, prompter)
        history_screens.trade_history(app)
        prompter.assert_all_used()
        assert f"accepted as {own.text('order_id')}" in flat(app)


@pytest.mark.parametrize(
    "leave",
    [["0", "1"], [], [BACK, "e"]],  # earlier open orders are kept
    ids=["exit", "end of input", "Ctrl-C"],
)
def test_exit_after_a_trade_shows_the_day_summary(exchange, tmp_path, leave):
    app, prompter, _ = traded(exchange, tmp_path, *leave)
    assert menu.run(app) == 0
    prompter.assert_all_used()
    assert "Net realized" in screen_text(app)


def summary_of_today(**changes):
    day = NOW.astimezone().date()
    return replace(DaySummary(Period(day, day), 0, 0, 0, ()), **changes)


@pytest.mark.parametrize(
    ("summary", "is_shown"),
    [
        (summary_of_today(), False),
        (summary_of_today(orders=1), True),
        (summary_of_today(markets=(MarketDay("KXA-1-T1", D(1), D(0), 0, D(0)),)), True),
        (summary_of_today(incomplete="the list broke off"), True),
    ],
    ids=["nothing", "placed", "settled or filled of yesterday's orders", "not known"],
)
def test_an_empty_day_shows_no_summary(exchange, tmp_path, monkeypatch, summary, is_shown):
    monkeypatch.setattr(history_screens, "read_summary", lambda *_, **__: summary)
    app = session(exchange, tmp_path)  # its journal is empty
    history_screens.show_day_summary(app)
    assert ("Net realized" in screen_text(app)) is is_shown


def test_a_slow_journal_does_not_delay_the_exit(exchange, tmp_path, monkeypatch):
    forever = threading.Event()
    app = session(exchange, tmp_path)
    monkeypatch.setattr(app.journal, "read_journal", lambda *_: forever.wait(60))
    monkeypatch.setattr(app.journal, "get_records", lambda *_: forever.wait(60))
    monkeypatch.setattr(history_screens, "SUMMARY_TIMEOUT_S", 1)
    begun = time.monotonic()
    with pytest.raises(KalshiAPIError, match="did not answer in time"):
        history_screens.show_day_summary(app)
    assert time.monotonic() - begun < 20
    forever.set()


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (
            UnavailableError("The exchange cannot be reached."),
            "Daily summary unavailable. The exchange cannot be reached.",
        ),
        (ZeroDivisionError("an unexpected fault"), "Daily summary unavailable (reference "),
        (KeyboardInterrupt(), "Daily summary skipped."),
    ],
)
def test_a_failed_summary_is_one_line(exchange, tmp_path, monkeypatch, error, sentence):
    def fail(*_, **__):
        raise error

    app, _, _ = traded(exchange, tmp_path, "0", "e")
    monkeypatch.setattr(history_screens, "read_summary", fail)
    assert menu.run(app) == 0
    lines = [line for line in screen_text(app).splitlines() if "Daily summary" in line]
    assert len(lines) == 1
    assert sentence in flat(app)


def test_a_slow_summary_is_skipped_after_a_few_seconds(exchange, tmp_path, monkeypatch):
    forever = threading.Event()
    monkeypatch.setattr(history_screens, "read_summary", lambda *_, **__: forever.wait(60))
    monkeypatch.setattr(history_screens, "SUMMARY_TIMEOUT_S", 1)
    app, _, _ = traded(exchange, tmp_path, "0", "e")
    begun = time.monotonic()
    assert menu.run(app) == 0
    assert time.monotonic() - begun < 20
    assert "Daily summary unavailable. The exchange did not answer in time." in flat(app)
    stuck = [thread for thread in threading.enumerate() if thread.name == THREAD_NAME]
    assert [thread.daemon for thread in stuck] == [True]  # the program can end
    forever.set()


@pytest.mark.parametrize("keys", ["", "1", "1t", "3", "4", "6", "8", "r", "s"])
def test_ctrl_c_at_any_question_of_the_history_leads_to_the_menu(exchange, tmp_path, keys):
    prompter = ScriptedPrompter("5", *keys, BACK, "0", "e")
    app = session(exchange, tmp_path, prompter)
    assert menu.run(app) == 0
    prompter.assert_all_used()
    assert screen_text(app).count("Back to the menu.") == 1
    assert prompter.questions.count("History") == 1


LISTS = [("1", "History"), ("6", "History"), ("7", "History"), ("8", "History")]
TEXTS = [("1t", "Which order?"), *((task, "History") for task in "345rs")]


@pytest.mark.parametrize(
    ("keys", "back", "landed"),
    [
        *((keys, back, landed) for keys, landed in LISTS for back in ("0", ESCAPE)),
        *((keys, ESCAPE, landed) for keys, landed in TEXTS),
    ],
)
def test_going_back_in_the_history_asks_the_question_before(exchange, tmp_path, keys, back, landed):
    prompter = ScriptedPrompter(*keys, back, BACK)
    app = session(exchange, tmp_path, prompter)
    with pytest.raises(LeaveTask):
        history_screens.trade_history(app)
    prompter.assert_all_used()
    assert prompter.questions[-1] == landed


def test_going_back_from_a_filter_keeps_it(exchange, tmp_path):
    prompter = ScriptedPrompter("6", "1", "6", "0", "6", BACK)
    app = session(exchange, tmp_path, prompter)
    with pytest.raises(LeaveTask):
        history_screens.trade_history(app)
    assert prompter.marked[-1] == "YES"


def test_a_year_without_orders_is_not_an_account_without_orders(exchange, tmp_path):
    app, _, _ = traded(exchange, tmp_path, "3", "2001", "0")
    history_screens.trade_history(app)
    text = flat(app)
    assert "No orders match." in text
    assert "No orders yet." not in text


def test_a_page_of_the_history_and_its_choices_fit_on_a_narrow_screen(exchange, tmp_path):
    app, _, _ = traded(exchange, tmp_path, "0")
    app = replace(
        app, console=Console(file=io.StringIO(), width=80, height=24, force_terminal=True, record=True)
    )
    history_screens.trade_history(app)
    text = screen_text(app)
    page = text[text.index(" PRACTICE ") :].rstrip().splitlines()
    assert len(page) <= 24 - history_screens.CHOICES_LINES
    assert re.match(r"1 to [3-9] of", page[-1])


# --- What stands on the screen --------------------------------------------------------------------


@pytest.mark.parametrize("remaining", ["30", "0"])
def test_a_ticker_stays_whole_at_eighty_columns_beside_every_result(remaining):
    """Over a thousand contracts, a fee of many digits, a rounded average."""
    ticker = "KXGOVERNOR-26NOV23-B60.5"
    status = OrderStatus.RESTING if D(remaining) else OrderStatus.CANCELED
    changes = {"ticker": ticker, "status": status, "initial_count": D("1264.56"), "fees": D("12.4525")}
    text = page_text(TradeHistory((HistoryRow(order("bid", "0.61", remaining, **changes), None, (), ()),)))
    lines = text.splitlines()
    (below,) = (number for number, line in enumerate(lines) if f" {ticker} " in line)
    assert "long 1,264.56 YES at 61¢" in lines[below - 1]
    assert ("open" if D(remaining) else "canceled") in lines[below - 1]


def page_text(history, wanted=None, start=0):
    rows = tuple(row for row in history.rows if (wanted or HistoryFilter()).takes(row))
    page = history_view.HistoryPage(history, wanted or HistoryFilter(), Environment.SANDBOX, rows, start)
    return rendered(history_view.history(page, NOW))


def external(**changes):
    return HistoryRow(order("bid", "0.65", "10", **changes), None, (), ())


def test_a_history_names_all_missing_data():
    damage = Damage(5, tuple(DamagedLine("trades.log", number) for number in range(5)))
    text = " ".join(page_text(TradeHistory((external(),), "the list broke off", damage, 2)).split())
    assert "History is incomplete: the list broke off." in text
    assert "Skipped 5 damaged lines in the journal: trades.log line 0" in text
    assert "Not shown: 2 orders from other API keys." in text


def test_the_filter_is_shown_above_the_orders():
    day = NOW.astimezone().date()
    wanted = HistoryFilter(Period(day, day), "KXHIGH", "KX", Side.YES, OrderResult.RESTING)
    text = page_text(TradeHistory((external(),)), wanted)
    assert f"Placed {day} · Market contains KXHIGH · Event KX… · Side YES · Result open" in " ".join(
        text.split()
    )
    assert "long 10 YES at 65¢" in text
    assert "(external)" in text


def test_missing_fills_are_shown_with_the_order():
    text = page_text(TradeHistory((external(fill_count=D(3), initial_count=D(13)),)))
    assert "fills missing for 3 contracts" in " ".join(text.split())


@pytest.mark.parametrize("width", [60, 80, 160])
def test_a_narrow_page_loses_columns_and_no_letters(width):
    page = history_view.HistoryPage(
        TradeHistory((external(),)), HistoryFilter(), Environment.SANDBOX, (external(),)
    )
    text = rendered(history_view.history(page, NOW), width)
    assert "long 10 YES at 65¢" in text
    assert ("Widen to see" in text) == (width == 60)
    assert "…" not in text


def test_hostile_text_of_a_journal_reaches_no_terminal(tmp_path):
    log = TradeLogger(tmp_path, "sandbox")
    log.log_order_step("intent", {"client_order_id": "c", "ticker": "K\x1b[2J", "sentence": "[b]\x1b]0;x"})
    text = page_text(history_from_journal(log))
    assert "\x1b" not in text
    assert "[b]" in text
