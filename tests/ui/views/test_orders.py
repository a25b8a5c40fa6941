"""What stands on the screen: signs, sides, units, unknowns, and text that cannot be trusted."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal as D

import pytest
from model_factory import BOOK, MARKET, NOW, order, preview
from screen_session import rendered

from kalshi_trading.core.market_models import Event, ExchangeStatus
from kalshi_trading.core.models import Action, BookSide, Side
from kalshi_trading.core.results import Fetched
from kalshi_trading.history.rows import describe
from kalshi_trading.markets import FoundMarket
from kalshi_trading.orders.execution.submission_result import Outcome, SubmissionResult
from kalshi_trading.orders.pretrade.ticket import OrderTicket
from kalshi_trading.settings.option_parsing import Environment
from kalshi_trading.ui import formats
from kalshi_trading.ui.views import account
from kalshi_trading.ui.views import market as market_view
from kalshi_trading.ui.views import orders as orders_view
from kalshi_trading.ui.views import result as result_view
from kalshi_trading.ui.views import ticket as ticket_view

# --- Signs and unknowns ---------------------------------------------------------------------------


def test_gains_and_losses_carry_their_sign_in_text() -> None:
    assert formats.pnl_text(D("1.5")).plain == "+$1.50"
    assert formats.pnl_text(D("-1.5")).plain == "−$1.50"
    assert formats.pnl_text(D("0")).plain == "$0.00"
    assert formats.pnl_text(None).plain == formats.UNKNOWN


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-1, "closed"),
        (0, "closed"),
        (59, "59 s"),
        (3600, "1 h"),
        (3660, "1 h 1 min"),
        (1_568_400, "18 d 3 h"),
    ],
)
def test_time_left_is_written_in_its_two_largest_units(seconds: int, text: str) -> None:
    assert formats.time_left(NOW + timedelta(seconds=seconds), NOW) == text


# --- Ticket and result ----------------------------------------------------------------------------


def test_the_ticket_answers_every_question() -> None:
    ticket = preview(
        OrderTicket(MARKET.ticker, Action.BUY, Side.YES, D(100), D("0.65")), held="-5", cost="1.75"
    )
    text = rendered(ticket_view.ticket(ticket, Environment.PRACTICE))
    assert "PRACTICE · order ticket" in text
    assert "BUY 100 YES KXHIGHNY-26NOV21-B46.5 at 65¢, good till canceled" in text
    assert "YES bid 63¢ × 120   ask 65¢ × 80.5" in text
    assert "80.5 at 65¢ · 19.5 rest at 65¢" in text
    assert "5 NO → 95 YES" in text
    assert "$61.75 to open 95 contracts" in text  # five close the NO held
    assert "fee         about $1.2820" in text
    assert "$63.27 to open 95 contracts with fees and rounding" in text
    assert "if YES +$" in text
    assert "if NO −$" in text


def test_a_market_order_shows_its_worst_price() -> None:
    ticket = preview(OrderTicket(MARKET.ticker, Action.SELL, Side.YES, D(6), None), held="6", cost="3.60")
    text = rendered(ticket_view.ticket(ticket, Environment.PRACTICE))
    assert "worst price" in text
    assert "58¢; what does not fill at it is canceled" in text
    assert "locks in" in text
    assert "+$0.18 over average cost" in text


def test_production_is_unmistakable() -> None:
    assert "PRODUCTION · REAL MONEY" in rendered(formats.environment_badge(Environment.PRODUCTION))
    ticket = preview(OrderTicket(MARKET.ticker, Action.BUY, Side.YES, D(1), D("0.65")))
    assert "PRODUCTION · order ticket" in rendered(ticket_view.ticket(ticket, Environment.PRODUCTION))


@pytest.mark.parametrize(
    ("outcome", "words", "never"),
    [
        (Outcome.REJECTED, "REJECTED BY THE EXCHANGE: nothing was placed", "ACCEPTED"),
        (Outcome.NOT_SENT, "NOT SENT: nothing was placed", "ACCEPTED"),
        (Outcome.DENIED, "DENIED BY THIS PROGRAM: nothing was sent", "ACCEPTED"),
        (Outcome.UNKNOWN, "OUTCOME UNKNOWN: the order may be live. Do not send it again.", "nothing was"),
    ],
)
def test_no_outcome_but_acceptance_reads_like_acceptance(outcome: Outcome, words: str, never: str) -> None:
    request = preview(OrderTicket(MARKET.ticker, Action.BUY, Side.YES, D(1), D("0.65"))).request
    text = rendered(result_view.submission(SubmissionResult(outcome, request, "because")))
    assert words in text
    assert "because" in text
    assert never not in text
    assert "filled" not in text


def test_an_accepted_order_shows_what_filled_and_what_rests() -> None:
    request = preview(OrderTicket(MARKET.ticker, Action.BUY, Side.NO, D(10), D("0.35"))).request
    result = SubmissionResult(
        Outcome.ACKNOWLEDGED,
        request,
        "partly filled, the rest is resting",
        "id-1",
        D(4),
        D(6),
        D("0.35"),
        None,
    )
    text = rendered(result_view.submission(result))
    assert "bought 4 NO at 35¢ on average · fee –" in text
    assert "resting: BUY 6 NO at 35¢" in text


def test_a_result_that_could_not_be_recorded_is_said_in_words() -> None:
    request = preview(OrderTicket(MARKET.ticker, Action.BUY, Side.YES, D(1), D("0.65"))).request
    result = SubmissionResult(Outcome.ACKNOWLEDGED, request, "resting", "id-1", D(0), D(1), recorded=False)
    assert "could not be recorded in the journal" in rendered(result_view.submission(result))


# --- Markets to choose from -------------------------------------------------------------------------

TITLE = "Highest temperature in New York City on Nov {}, 2026?"


@pytest.mark.parametrize("width", [80, 120])
def test_markets_to_choose_from_differ_by_day_ticker_and_close(width: int) -> None:
    rows = [
        FoundMarket(
            Event(f"KXHIGHNY-26NOV{day}", "KXHIGHNY", TITLE.format(day), "", True, None, None, None, ()),
            replace(
                MARKET, ticker=f"KXHIGHNY-26NOV{day}-B46.5", close_at=NOW + timedelta(days=day - 21, hours=3)
            ),
        )
        for day in (22, 23)
    ]
    labels = market_view.market_labels(rows, width, NOW)
    assert all(len(label) <= width - 8 for label in labels)
    for label, words in zip(
        labels, ("1 d  KXHIGHNY-26NOV22-B46.5", "2 d  KXHIGHNY-26NOV23-B46.5"), strict=True
    ):
        assert words in label
        assert "63¢/65¢" in label
        assert "46° to 47° · Hi" in label


def test_a_ticker_to_choose_from_is_never_cut() -> None:
    ticker = "KXMVESPORTSMULTIGAMEEXTENDED-S20261121ABCDEF-0123456789A"
    event = Event("E", "E", "title", "", True, None, None, None, ())
    (label,) = market_view.market_labels([FoundMarket(event, replace(MARKET, ticker=ticker))], 80, NOW)
    assert label.endswith(ticker)


# --- Orders ---------------------------------------------------------------------------------------


def test_an_order_placed_elsewhere_is_external_and_told_by_its_effect() -> None:
    row = describe(order(BookSide.ASK, "0.65", count="4"), None)
    text = rendered(orders_view.open_orders([row], NOW))
    assert "long 4 NO at 35¢" in text
    assert "(external)" in text


def test_header_names_environment_money_trading_and_what_is_unresolved() -> None:
    status = Fetched(ExchangeStatus(True, False, None, ()))
    text = rendered(
        account.header(
            Environment.SANDBOX,
            Fetched(D("12.50")),
            status,
            news=["Found: BUY 1 YES KX-1 at 5¢ is order o-1, resting."],
            unresolved=["BUY 10 YES KX-2 at 57¢", "SELL 3 NO KX-3 at 9¢"],
            read_only=True,
            locked="The journal is full.",
        ),
        width=100,
    )
    for words in (
        "SANDBOX",
        "$12.50",
        "cancels only",
        "Found: BUY 1 YES KX-1 at 5¢ is order o-1, resting.",
        "Outcome unknown, still looking: BUY 10 YES KX-2 at 57¢. It may be live. Do not send it again.",
        "Outcome unknown, still looking: SELL 3 NO KX-3 at 9¢.",
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
    assert "not reachable" in text
    assert "cash –" in text
    assert "$0" not in text


# --- Text of the exchange is never trusted --------------------------------------------------------

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


def test_times_are_shown_in_the_users_zone_with_its_offset() -> None:
    at = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
    assert formats.time_zone(at).startswith("UTC")
    assert formats.timestamp(at, at) == f"{at.astimezone():%b %d %H:%M:%S}"


def test_an_order_to_choose_from_is_told_in_the_price_of_its_side() -> None:
    assert orders_view.order_line(describe(order(BookSide.ASK, "0.65", count="4"), None)) == (
        "long 4 NO at 35¢  KXHIGHNY-26NOV21-B46.5"
    )
    partly = replace(order(BookSide.BID, "0.60"), remaining_count=D(4), fill_count=D(6))
    assert (
        orders_view.order_line(describe(partly, None)) == "long 10 YES at 60¢, 4 left  KXHIGHNY-26NOV21-B46.5"
    )
