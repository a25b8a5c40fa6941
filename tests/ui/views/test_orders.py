"""Orders on the screen, the width of every view, and untrusted text."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal as D

import pytest
from model_factory import BOOK, MARKET, NOW, order, preview
from screen_session import rendered

from kalshi_trading.core.models import Action, BookSide, Side
from kalshi_trading.history.rows import describe
from kalshi_trading.orders.pretrade.ticket import OrderTicket
from kalshi_trading.settings.environments import Environment
from kalshi_trading.ui.views import market as market_view
from kalshi_trading.ui.views import orders as orders_view
from kalshi_trading.ui.views import ticket as ticket_view


def test_an_external_order_is_described_by_its_effect() -> None:
    row = describe(order(BookSide.ASK, "0.65", count="4"), None)
    text = rendered(orders_view.open_orders([row], NOW))
    assert "long 4 NO at 35¢" in text
    assert "(external)" in text


HOSTILE = "[/bold][link=http://evil]click[/link] :100: [red]x"


def test_markup_in_titles_is_shown_literally() -> None:
    market = replace(MARKET, title=HOSTILE, yes_label=HOSTILE, rules_primary=HOSTILE)
    text = rendered(market_view.market_page(market, None, BOOK, NOW), 200)
    assert text.count("[/bold][link=http://evil]click[/link] :100:") >= 2


@pytest.mark.parametrize("width", [40, 80, 100, 200])
def test_every_view_keeps_to_the_width_of_the_screen(width: int) -> None:
    views_shown = [
        market_view.market_page(MARKET, None, BOOK, NOW),
        ticket_view.ticket(
            preview(OrderTicket(MARKET.ticker, Action.BUY, Side.YES, D(100), D("0.65"))), Environment.PRACTICE
        ),
        orders_view.open_orders([describe(order(BookSide.BID, "0.60"), None)], NOW),
    ]
    for view in views_shown:
        assert max(len(line) for line in rendered(view, width).splitlines()) <= width


def test_an_order_choice_shows_the_price_of_its_side() -> None:
    assert orders_view.order_line(describe(order(BookSide.ASK, "0.65", count="4"), None)) == (
        "long 4 NO at 35¢  KXHIGHNY-26NOV21-B46.5"
    )
    partly = replace(order(BookSide.BID, "0.60"), remaining_count=D(4), fill_count=D(6))
    assert (
        orders_view.order_line(describe(partly, None)) == "long 10 YES at 60¢, 4 left  KXHIGHNY-26NOV21-B46.5"
    )
