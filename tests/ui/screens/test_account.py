"""The account page: every limit with its setting and today's use."""

from __future__ import annotations

import re
from dataclasses import fields
from datetime import UTC, datetime
from decimal import Decimal as D
from pathlib import Path

import pytest
from exchange_process import ExchangeProcess
from screen_session import place, quoted_market, rendered, screen_text, session
from scripted_prompter import ScriptedPrompter

from kalshi_trading.core.errors import JournalError, UnavailableError
from kalshi_trading.core.results import Fetched
from kalshi_trading.exchange.wire import documented
from kalshi_trading.orders.pretrade.context import DayPnl, DayTotals
from kalshi_trading.settings.option_parsing import options_of
from kalshi_trading.settings.options import Limits
from kalshi_trading.ui.screens import account as account_screens
from kalshi_trading.ui.views import account as account_view
from kalshi_trading.verify import stored
from kalshi_trading.verify.questions import QUESTIONS, Finding, Observed


def test_every_limit_is_named_with_its_setting() -> None:
    text = rendered(
        account_view.limits_table(
            Limits(), Fetched(DayTotals(D("46.5"), 3)), Fetched(DayPnl(D(-2), D(-10))), 80
        )
    )
    for option in options_of(Limits).values():
        ending = option.name.removeprefix("KALSHI_")
        assert ending in text or ending.partition("_")[2] in text, option.name
    assert "$46.50 of $5,000 " in text
    assert "3 of 200" in text
    assert "−$12.00 of −$500 " in text
    assert "net realized −$2.00, unrealized −$10.00" in text
    assert len(fields(Limits)) == 12  # a new limit has to be shown


def test_unknown_figures_of_the_day_are_no_zero() -> None:
    text = rendered(
        account_view.limits_table(Limits(), Fetched(None, "No journal."), Fetched(None, "No exchange."), 80)
    )
    assert text.count("– of ") == 3
    assert "Today's buys and orders unavailable: No journal." in text
    assert "Today's P&L unavailable: No exchange." in text
    unmarked = rendered(
        account_view.limits_table(Limits(), Fetched(DayTotals()), Fetched(DayPnl(unmarked=D("7.5"))), 80)
    )
    assert "Positions without bids count as zero (cost $7.50)." in unmarked


@pytest.mark.parametrize(
    ("skew_s", "shown"),
    [
        (None, "not checked yet"),
        (-0.3, "matches the exchange's"),
        (0.4, "matches the exchange's"),
        (61.2, "61 s ahead of the exchange's"),
        (-3600.0, "3,600 s behind the exchange's"),
    ],
)
def test_the_page_says_how_far_the_clock_is_from_the_exchanges(
    still_exchange: ExchangeProcess,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    skew_s: float | None,
    shown: str,
) -> None:
    app = session(still_exchange, tmp_path, ScriptedPrompter("0"))
    monkeypatch.setattr(type(app.client), "clock_skew_s", skew_s)
    account_screens.account(app)
    assert re.search(rf"Clock +{shown}", screen_text(app))


VERIFIED_AT = datetime(2026, 11, 30, 14, tzinfo=UTC)


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ((), "not verified"),
        (("canceled", "64"), "verified {:%Y-%m-%d}, 2 of 24 as assumed"),
        (("absent", "36"), "verified {:%Y-%m-%d}, 2 of 24 differ"),
    ],
)
def test_the_page_says_whether_the_exchange_behaves_as_assumed(
    still_exchange: ExchangeProcess, tmp_path: Path, words: tuple[str, ...], shown: str
) -> None:
    app = session(still_exchange, tmp_path, ScriptedPrompter("0"))
    names = ("ioc_row", "longest_client_id")
    found = [
        Finding(QUESTIONS[name], Observed(name, word, word)) for name, word in zip(names, words, strict=False)
    ]
    if found:
        stored.save(app.settings, app.account, found, VERIFIED_AT)
    account_screens.account(app)
    shown = shown.format(VERIFIED_AT.astimezone())
    assert re.search(rf"API +as documented · {shown}", screen_text(app))


def test_the_page_counts_what_was_sent_today(exchange: ExchangeProcess, tmp_path: Path) -> None:
    prompter = ScriptedPrompter("1", "0")
    app = session(exchange, tmp_path, prompter, KALSHI_DAILY_ORDER_LIMIT="7")
    place(app.orders, quoted_market(app.orders).ticker, "yes", 3, "0.02")
    account_screens.account(app)
    prompter.assert_all_used()
    text = screen_text(app)
    assert text.count("1 of 7") == 2
    assert re.search(r"Daily buys +\$0\.0[67] of \$5,000 ", text)
    assert "Request limit" in text


def test_a_change_of_the_api_is_on_the_page_and_in_the_records(
    exchange: ExchangeProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = session(exchange, tmp_path, ScriptedPrompter("1", "0"))
    account_screens.account(app)
    assert re.search(r"API +as documented", screen_text(app))
    limits = documented.RECORDS["account-limits"]
    monkeypatch.setitem(documented.RECORDS, "account-limits", f"{limits} nickname:text")
    app = session(exchange, tmp_path, ScriptedPrompter("1", "0"))
    account_screens.account(app)
    text = " ".join(screen_text(app).split())
    assert "API changed, see below · not verified" in text
    assert "GET /account/limits: account limits.nickname is missing, seen 1×" in text
    records = [record for record in app.journal.read_journal().records if record.event == "api.changed"]
    assert [record.text("reason") for record in records] == [
        "GET /account/limits: account limits.nickname is missing"
    ]


def test_the_page_fits_on_a_narrow_screen(
    exchange: ExchangeProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # a path too long for its line takes another line
    app = session(exchange, Path("logs"), ScriptedPrompter("0"), width=80)
    account_screens.account(app)
    assert len(screen_text(app).rstrip().splitlines()) <= 24 - 2


def test_without_exchange_and_journal_the_page_still_shows_the_limits(
    exchange: ExchangeProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = session(exchange, tmp_path, ScriptedPrompter("0"))

    def away(*_: object, **__: object) -> object:
        raise UnavailableError("The exchange cannot be reached.")

    def unreadable(*_: object) -> object:
        raise JournalError(app.journal.trades_path, "it is away")

    for name in (
        "get_exchange_status",
        "get_account_limits",
        "get_fills",
        "get_positions",
        "get_settlements",
    ):
        monkeypatch.setattr(app.client, name, away)
    monkeypatch.setattr(app.journal, "changes", unreadable)
    account_screens.account(app)
    text = screen_text(app)
    assert "unavailable: The exchange cannot be reached." in text
    assert "Today's buys and orders unavailable: " in text
    assert "of $5,000 " in text
