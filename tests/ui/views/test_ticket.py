"""The ticket of an order: price, cost, outcome, and a moved market."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal as D

import pytest
from model_factory import BOOK, MARKET, NOW, floored, order_ticket, preview
from screen_session import rendered

from kalshi_trading.core.market_models import FeeSchedule, FeeType
from kalshi_trading.core.models import Action, Side
from kalshi_trading.orders.pretrade.preview import OrderPreview
from kalshi_trading.orders.pretrade.pricing import build_preview
from kalshi_trading.orders.pretrade.ticket import OrderTicket
from kalshi_trading.settings.environments import Environment
from kalshi_trading.settings.options import Limits
from kalshi_trading.ui import formats
from kalshi_trading.ui.views import ticket as ticket_view
from kalshi_trading.ui.views.ticket import changes


def test_the_ticket_answers_every_question() -> None:
    ticket = preview(
        OrderTicket(MARKET.ticker, Action.BUY, Side.YES, D(100), D("0.65")), held="-5", cost="1.75"
    )
    text = rendered(ticket_view.ticket(ticket, Environment.PRACTICE))
    assert "PRACTICE · order ticket" in text
    assert "BUY 100 YES KXHIGHNY-26NOV21-B46.5 at 65¢, good till canceled" in text
    assert "YES bid 63¢ × 120  ask 65¢ × 80.5" in text
    assert "80.5 at 65¢ · 19.5 rest at 65¢" in text
    assert "5 NO → 95 YES" in text
    assert "$61.75 to open 95 contracts" in text  # five close the NO held
    assert "Fee        about $1.29" in text
    assert "$63.27 to open 95 contracts including fees" in text
    assert "If YES     +$" in text
    assert "If NO −$" in text
    assert "closes 5 NO, opens 95 YES" in text


def test_a_market_order_shows_its_worst_price() -> None:
    ticket = preview(OrderTicket(MARKET.ticker, Action.SELL, Side.YES, D(6), None), held="6", cost="3.60")
    text = rendered(ticket_view.ticket(ticket, Environment.PRACTICE))
    assert "Min price" in text
    assert "58¢; any unfilled quantity is canceled" in text
    assert "Realizes" in text
    assert "+$0.18 at average cost, before fees" in text


def test_production_is_unmistakable() -> None:
    assert "PRODUCTION · REAL MONEY" in rendered(formats.environment_badge(Environment.PRODUCTION))
    ticket = preview(OrderTicket(MARKET.ticker, Action.BUY, Side.YES, D(1), D("0.65")))
    assert "PRODUCTION · order ticket" in rendered(ticket_view.ticket(ticket, Environment.PRODUCTION))


def ticket_text(ticket: OrderTicket, **how: object) -> str:
    return rendered(ticket_view.ticket(preview(ticket, **how), Environment.PRACTICE), 100)


@pytest.mark.parametrize(
    ("side", "price", "said"),
    [
        (Side.YES, "0.65", "64¢ (your limit +1¢)"),
        (Side.YES, "0.64", "64¢ (your limit ±0¢)"),
        (Side.YES, "0.55", "64¢ (your limit −9¢)"),
        (Side.NO, "0.37", "36¢ (your limit +1¢)"),
        (Side.NO, "0.02", "36¢ (your limit −34¢)"),
    ],
)
def test_the_ticket_shows_the_distance_from_the_midpoint(side: Side, price: str, said: str) -> None:
    assert said in ticket_text(order_ticket(Action.BUY, side, "10", price))


def test_a_half_cent_is_not_lost_in_the_midpoint() -> None:
    odd = replace(BOOK, yes_bids=BOOK.yes_bids[1:])
    text = ticket_text(order_ticket(Action.BUY, Side.YES, "10", "0.65"), book=odd)
    assert "63.5¢ (your limit +1.5¢)" in text


def test_a_book_with_one_side_has_no_midpoint() -> None:
    text = ticket_text(order_ticket(Action.BUY, Side.YES, "10", "0.62"), book=replace(BOOK, no_bids=()))
    (row,) = [line for line in text.splitlines() if "Midpoint" in line]
    assert row.split()[1:3] == ["Midpoint", "–"]


def test_the_ticket_echoes_what_an_amount_buys() -> None:
    text = ticket_text(order_ticket(Action.BUY, Side.YES, "75", "0.65", amount=D(50)))
    assert "$50.00 buys 75 contracts" in text
    assert "$0.70 buys 1 contract " in ticket_text(
        order_ticket(Action.BUY, Side.YES, "1", "0.65", amount=D("0.7"))
    )
    assert "buys" not in ticket_text(order_ticket(Action.BUY, Side.YES, "75", "0.65"))


@pytest.mark.parametrize(
    ("ticket", "said"),
    [
        (order_ticket(Action.BUY, Side.YES, "100", "0.57"), "$57.00 + fee about $0.00 │ │ Max cost $58.72"),
        (order_ticket(Action.BUY, Side.YES, "10", "0.65"), "$6.50 + fee about $0.16 │ │ Max cost $6.66"),
        (
            order_ticket(Action.BUY, Side.YES, "1000", None),
            "about $222.83 + fee about $5.24 │ │ Max cost $714.70",
        ),
        (
            order_ticket(Action.BUY, Side.YES, "100", "0.40", post_only=True),
            "$40.00 + fee about $0.00 │ │ Max cost $40.00",
        ),
    ],
)
def test_the_ticket_shows_expected_and_maximum_cost(ticket: OrderTicket, said: str) -> None:
    assert f"Cost {said} including fees │" in " ".join(ticket_text(ticket).split())


def test_a_dearer_fee_at_a_second_look_is_a_change_although_the_contracts_cost_the_same() -> None:
    before = preview(order_ticket(Action.BUY, Side.YES, "10", "0.65"))
    here = replace(before.context, fees=FeeSchedule(FeeType.QUADRATIC, D(2)))
    after = build_preview(
        before.ticket, here, limits=Limits(), read_only=False, client_order_id=before.request.client_order_id
    )
    assert ticket_view.changes(before, after) == ["Max cost: $6.66 → $6.82"]
    assert ticket_view.changes(after, before) == []


def test_what_the_book_does_not_show_is_not_expected_of_a_market_order() -> None:
    text = " ".join(ticket_text(order_ticket(Action.BUY, Side.YES, "1000", None)).split())
    assert "(fills now)" in text
    assert "664.5 canceled" in text
    assert "(fills now)" not in ticket_text(order_ticket(Action.BUY, Side.YES, "10", None))


@pytest.mark.parametrize(
    ("ticket", "held", "said"),
    [
        (order_ticket(Action.BUY, Side.YES, "10", "0.65"), "0", "at least $993.34"),
        (order_ticket(Action.SELL, Side.YES, "10", "0.63"), "10", "at least $1,006.13"),
        (order_ticket(Action.BUY, Side.YES, "10", "0.65"), "-10", "at least $1,003.34"),
    ],
)
def test_cash_afterwards_counts_what_closes(ticket: OrderTicket, held: str, said: str) -> None:
    text = " ".join(ticket_text(ticket, held=held, cost="4").split())
    assert f"Cash $1,000.00 → {said} once filled" in text
    assert "the sale" not in text


def test_fills_at_several_prices_are_averaged() -> None:
    text = ticket_text(order_ticket(Action.BUY, Side.YES, "100", None))
    assert "80.5 at 65¢, 19.5 at 66¢ · average 65.2¢" in " ".join(text.split())
    assert "average" not in ticket_text(order_ticket(Action.BUY, Side.YES, "10", None))


def test_the_ticket_shows_the_age_of_the_book() -> None:
    text = ticket_text(
        order_ticket(Action.BUY, Side.YES, "10", "0.65"),
        book=replace(BOOK, as_of=NOW - timedelta(seconds=6.2)),
    )
    assert "  6.2 s old" in text
    assert "The order book is 6.2 s old and may have moved." in text


def test_the_worst_case_is_shown_if_a_cent_apart() -> None:
    text = " ".join(ticket_text(order_ticket(Action.BUY, Side.YES, "1000", None)).split())
    assert "If YES +$107.44 If NO −$228.06 (fills now)" in text
    assert "If all fills If YES +$285.30 If NO −$714.70" in text
    assert "At worst" not in ticket_text(order_ticket(Action.BUY, Side.YES, "1", "0.65"))


def test_a_closing_order_shows_proceeds_instead_of_outcomes() -> None:
    text = " ".join(
        ticket_text(order_ticket(Action.SELL, Side.YES, "100", None), held="100", cost="40.00").split()
    )
    assert "Fee about $1.64 │" in text
    assert "Proceeds about $63.00 before fees, at least $56.29 after fees once filled" in text
    assert "Max cost" not in text
    assert "If YES" not in text
    turned = " ".join(
        ticket_text(order_ticket(Action.SELL, Side.YES, "110", "0.63"), held="100", cost="40.00").split()
    )
    assert "Cost $3.70 to open 10 contracts │" in turned
    assert "Fee about $1.80 │" in turned
    assert "Max cost $3.87 to open 10 contracts including fees │" in turned
    assert "Proceeds about $63.00 before fees, at least $61.36 after fees" in turned
    assert "If YES" in turned


def test_the_whole_ticket_fits_a_narrow_screen() -> None:
    panel = ticket_view.ticket(
        preview(order_ticket(Action.BUY, Side.YES, "100", None, amount=D(70))), Environment.PRACTICE
    )
    text = rendered(panel, width=80)
    assert all(len(line) <= 80 for line in text.splitlines())
    assert len(text.splitlines()) <= 22


def test_a_price_that_moved_under_the_same_fills_is_a_change() -> None:
    confirmed = preview(order_ticket(Action.BUY, Side.YES, "10", None, worst_price=D("0.70")))
    moved = preview(order_ticket(Action.BUY, Side.YES, "10", None, worst_price=D("0.71")))
    (order_changed, cost_changed) = ticket_view.changes(confirmed, moved)
    assert order_changed == f"Order: {confirmed.sentence} → {moved.sentence}"
    assert cost_changed == "Cost: $7.00 → $7.10"


def with_unknown(ticket: OrderTicket, *sentences: str) -> OrderPreview:
    now = replace(preview(ticket).context, unresolved=sentences)
    return build_preview(ticket, now, limits=Limits(), read_only=False, client_order_id="one")


def test_another_order_of_unknown_outcome_is_a_change() -> None:
    ticket = order_ticket(Action.BUY, Side.YES, "10", "0.20")
    confirmed, later = (
        with_unknown(ticket, *names)
        for names in (["BUY 3 YES at 1¢"], ["BUY 3 YES at 1¢", "BUY 40 YES at 2¢"])
    )
    assert ticket_view.changes(confirmed, confirmed) == []
    (change,) = ticket_view.changes(confirmed, later)
    assert "BUY 40 YES at 2¢" in change


def test_a_moved_book_shows_both_numbers() -> None:
    ticket = OrderTicket(MARKET.ticker, Action.BUY, Side.YES, D(10), D("0.65"))
    offers_gone = replace(BOOK, no_bids=BOOK.no_bids[1:])
    before, after = preview(ticket), preview(ticket, book=offers_gone)
    assert changes(before, before) == []
    assert changes(before, after)[0] == ("Fills now: 10 at 65¢ → nothing · 10 rest at 65¢")


def test_the_ticket_of_a_floored_market_names_the_floor() -> None:
    wish = order_ticket(Action.BUY, Side.YES, "80", "0.65")
    text = rendered(ticket_view.ticket(preview(wish, market=floored("0.30")), Environment.PRACTICE))
    assert "Floor      30¢ already paid: each YES costs 30¢ less" in text
    assert "YES pays: " in text
    assert "Cost       $28.00" in text
    assert "If 30¢ −$" in text
    assert "If NO" not in text
    unknown = rendered(ticket_view.ticket(preview(wish, market=floored(None)), Environment.PRACTICE))
    assert "Cost       $52.00" in unknown
    assert "Settlement floor unknown" in unknown


@pytest.mark.parametrize(
    ("action", "side", "held", "words"),
    [
        (Action.BUY, Side.NO, "0", "YES pays at least 30¢, so NO at most 70¢"),
        (Action.BUY, Side.NO, "100", "30¢ already paid: each YES brings 30¢ less"),
        (Action.SELL, Side.YES, "100", "30¢ already paid: each YES brings 30¢ less"),
        (Action.SELL, Side.NO, "-100", "YES pays at least 30¢, so NO at most 70¢"),
    ],
)
def test_the_floor_line_fits_the_order(action: Action, side: Side, held: str, words: str) -> None:
    wish = order_ticket(action, side, "10", "0.45")
    priced = preview(wish, held=held, cost="40", market=floored("0.30"))
    assert f"Floor      {words}" in rendered(ticket_view.ticket(priced, Environment.PRACTICE))
