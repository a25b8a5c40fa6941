"""The header of the menu: environment, cash, unresolved orders."""

from __future__ import annotations

from decimal import Decimal as D

from screen_session import rendered

from kalshi_trading.core.records.exchange import ExchangeStatus
from kalshi_trading.core.results import Fetched
from kalshi_trading.settings.environments import Environment
from kalshi_trading.ui.views import account


def test_header_names_environment_money_trading_and_what_is_unresolved() -> None:
    status = Fetched(ExchangeStatus(True, False, None, ()))
    text = rendered(
        account.header(
            Environment.SANDBOX,
            Fetched(D("12.50")),
            status,
            news=["Found: BUY 1 YES KX-1 at 5¢ (order o-1, resting)."],
            unresolved=["BUY 10 YES KX-2 at 57¢", "SELL 3 NO KX-3 at 9¢"],
            read_only=True,
            locked="The journal is full.",
        ),
        width=100,
    )
    for words in (
        "SANDBOX",
        "$12.50",
        "cancel only",
        "Found: BUY 1 YES KX-1 at 5¢ (order o-1, resting).",
        "Order status unknown, still checking: BUY 10 YES KX-2 at 57¢. It may be live; don't resend.",
        "Order status unknown, still checking: SELL 3 NO KX-3 at 9¢.",
        "READ-ONLY",
        "is full",
    ):
        assert words in text


def test_header_without_an_exchange_shows_no_zero() -> None:
    text = rendered(
        account.header(
            Environment.SANDBOX,
            Fetched(None, "no network"),
            Fetched(None, "x"),
            news=[],
            unresolved=[],
            read_only=False,
            locked=None,
        )
    )
    assert "Exchange unreachable" in text
    assert "Cash –" in text
    assert "$0" not in text
