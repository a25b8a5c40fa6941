"""Every risk rule just under, at and just over its limit, and its message."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from market_factory import TAPERED, TICKER, book, market
from model_factory import CENTS, NOW, order

from kalshi_trading.core.market_models import MarketStatus
from kalshi_trading.core.models import Action, Side
from kalshi_trading.core.money import ZERO, PriceGrid
from kalshi_trading.core.order_book import BookWalk
from kalshi_trading.orders.pretrade.context import DataAge, DayPnl, DayTotals, OrderContext, RecentOrder
from kalshi_trading.orders.pretrade.findings import Severity, denials, questions
from kalshi_trading.orders.pretrade.payoff import Bounds
from kalshi_trading.orders.pretrade.pricing import build_preview
from kalshi_trading.orders.pretrade.risk import check
from kalshi_trading.orders.pretrade.ticket import OrderTicket
from kalshi_trading.settings.options import Limits

LIMITS = Limits()
RESTS = BookWalk((), Decimal(10))
HERE = {
    "market": market(),
    "book": book(),
    "fees": None,
    "position": None,
    "resting": (),
    "recent": (),
    "today": DayTotals(),
    "at": NOW,
}


def findings(
    *,
    action=Action.BUY,
    side=Side.YES,
    count="10",
    price="0.65",
    is_market_order=False,
    cash="1000",
    cost="6.50",
    cost_bound=None,
    held="0",
    worst_loss="6.50",
    walk=RESTS,
    limits=LIMITS,
    read_only=False,
    **read,
):
    """Return the findings for a harmless buy of 10 YES at the ask, changed.

    `held` is on its side. `read` is the content of the context. The numbers need not be consistent.
    """
    wanted = None if is_market_order else Decimal(price)
    ticket = OrderTicket(TICKER, action, side, Decimal(count), wanted, worst_price=Decimal(price))
    here = OrderContext(**{**HERE, **read}, cash=None if cash is None else Decimal(cash))
    priced = build_preview(ticket, here, limits=limits, read_only=read_only, client_order_id="client-1")
    most = Decimal(cost) + Decimal("0.16") if cost_bound is None else Decimal(cost_bound)
    changed = replace(
        priced,
        cost=Decimal(cost),
        bounds=Bounds(most, ZERO, ZERO),
        held_before=Decimal(held) if side is Side.YES else -Decimal(held),
        worst_loss=Decimal(worst_loss),
        walk=walk,
    )
    return check(changed, limits, read_only=read_only)


def verdict(**changes):
    """Return the findings as rule → severity."""
    return {finding.rule: finding.severity for finding in findings(**changes)}


def message(rule, **changes):
    return next(finding.message for finding in findings(**changes) if finding.rule == rule)


def test_a_harmless_order_passes_without_a_word():
    assert verdict() == {}


def test_a_session_that_only_looks_sends_nothing():
    assert verdict(read_only=True) == {"read-only": Severity.DENY}


@pytest.mark.parametrize("status", [status for status in MarketStatus if status is not MarketStatus.ACTIVE])
def test_only_an_active_market_takes_orders(status):
    here = market(status=status, status_word=status.value)
    assert verdict(market=here) == {"market open": Severity.DENY}
    assert status.value in message("market open", market=here)


@pytest.mark.parametrize(("left_s", "denied"), [(1, False), (0, True), (-1, True)])
def test_from_the_closing_time_on_nothing_is_sent(left_s, denied):
    here = market(close_at=NOW + timedelta(seconds=left_s))
    assert ("market open" in verdict(market=here)) is denied


@pytest.mark.parametrize(
    ("side", "price", "nearest"),
    [
        (Side.YES, "0.645", "64.5¢ is not a valid price here. Try 64¢ or 65¢."),
        (Side.NO, "0.355", "35.5¢ is not a valid price here. Try 35¢ or 36¢."),
        (Side.YES, "0.001", "0.1¢ is not a valid price here. Try 1¢."),
        (Side.NO, "0.999", "99.9¢ is not a valid price here. Try 99¢."),
        (Side.YES, "0", "0¢ is not a valid price here. Try 1¢."),
        (Side.YES, "1", "100¢ is not a valid price here. Try 99¢."),
    ],
)
def test_a_price_off_the_grid_is_denied_and_the_nearest_are_named(side, price, nearest):
    assert verdict(side=side, price=price)["price grid"] is Severity.DENY
    assert message("price grid", side=side, price=price) == nearest


def test_a_finer_grid_takes_finer_prices_at_its_edges_only():
    fine, here = book(yes=[("0.05", "9")], no=[("0.945", "9")]), market(price_grid=TAPERED)
    assert verdict(market=here, price="0.055", book=fine) == {}
    assert verdict(market=here, price="0.0555", book=fine) == {"price grid": Severity.DENY}


def test_a_market_that_names_no_prices_takes_none():
    here = market(price_grid=PriceGrid(()))
    assert message("price grid", market=here) == "65¢ is not a valid price here."
    assert market().price_grid is CENTS


@pytest.mark.parametrize(
    ("count", "severity"),
    [
        ("999.99", None),
        ("1000", None),
        ("1000.01", Severity.ASK),
        ("10000", Severity.ASK),
        ("10000.01", Severity.DENY),
    ],
)
def test_contracts_per_order(count, severity):
    assert verdict(count=count).get("contracts per order") is severity


@pytest.mark.parametrize(
    ("cost", "severity"),
    [
        ("99.9999", None),
        ("100", None),
        ("100.0001", Severity.ASK),
        ("1000", Severity.ASK),
        ("1000.0001", Severity.DENY),
    ],
)
def test_cost_per_order(cost, severity):
    assert verdict(cost=cost, cash="5000").get("cost per order") is severity


@pytest.mark.parametrize(
    ("cash", "severity"),
    [
        ("6.4999", Severity.DENY),
        ("6.50", Severity.WARN),
        ("6.6599", Severity.WARN),
        ("6.66", None),
        (None, Severity.ASK),
    ],
)
def test_cash_must_cover_the_cost_and_should_cover_the_fee(cash, severity):
    assert verdict(cash=cash).get("cash") is severity


def test_a_sale_that_opens_nothing_needs_no_cash():
    assert verdict(action=Action.SELL, price="0.63", held="10", cost="0", cash="0") == {}
    assert verdict(action=Action.SELL, price="0.63", held="10", cost="0", cash=None) == {}


@pytest.mark.parametrize(("loss", "denied"), [("999.9999", False), ("1000", False), ("1000.0001", True)])
def test_loss_per_market(loss, denied):
    assert ("loss per market" in verdict(worst_loss=loss)) is denied


@pytest.mark.parametrize(("bought", "denied"), [("4993.49", False), ("4993.50", False), ("4993.5001", True)])
def test_buying_per_day_counts_this_order_in(bought, denied):
    assert ("bought per day" in verdict(today=DayTotals(bought=Decimal(bought)))) is denied


@pytest.mark.parametrize(("orders", "denied"), [(199, False), (200, True), (201, True)])
def test_the_last_order_of_the_day_is_the_two_hundredth(orders, denied):
    assert ("orders per day" in verdict(today=DayTotals(orders=orders))) is denied


def day(realized="0", unrealized="0", unmarked="0"):
    return DayTotals(pnl=DayPnl(Decimal(realized), Decimal(unrealized), Decimal(unmarked)))


@pytest.mark.parametrize(
    ("today", "severity"),
    [
        (day(realized="-499.9999"), None),
        (day(realized="-500"), Severity.DENY),
        (day(realized="-500.0001"), Severity.DENY),
        (day(realized="-300", unrealized="-199.99"), None),
        (day(realized="-300", unrealized="-200"), Severity.DENY),
        (day(realized="100", unrealized="-600"), Severity.DENY),
        (day(realized="-600", unrealized="100.01"), None),
        (day(realized="900"), None),
    ],
)
def test_the_days_loss_counts_what_is_realized_and_what_is_marked(today, severity):
    assert verdict(today=today).get("loss per day") is severity


@pytest.mark.parametrize(("unmarked", "asked"), [("99.99", False), ("100", True), ("100.01", True)])
def test_a_position_without_a_bid_may_be_the_loss_that_reaches_the_limit(unmarked, asked):
    found = verdict(today=day(realized="-400", unmarked=unmarked))
    assert found == ({"loss per day": Severity.ASK} if asked else {})


def test_a_day_whose_result_cannot_be_read_is_asked_about():
    assert verdict(today=DayTotals(pnl=None)) == {"loss per day": Severity.ASK}


def test_an_order_that_only_reduces_passes_when_the_day_and_the_market_are_used_up():
    spent = DayTotals(bought=Decimal(99_999), orders=999, pnl=DayPnl(realized=Decimal(-9_999)))
    reducing = {"action": Action.SELL, "price": "0.63", "held": "10", "cost": "0"}
    assert verdict(today=spent, worst_loss="5000", **reducing) == {}
    assert verdict(today=DayTotals(pnl=None), **reducing) == {}


@pytest.mark.parametrize(
    ("price", "severity"),
    [
        ("0.65", None),
        ("0.68", None),
        ("0.69", Severity.WARN),
        ("0.75", Severity.WARN),
        ("0.76", Severity.DENY),
        ("0.60", None),
    ],
)
def test_a_purchase_through_the_ask(price, severity):
    assert verdict(price=price).get("price against the book") is severity


@pytest.mark.parametrize(
    ("side", "price", "severity"),
    [
        (Side.YES, "0.60", None),
        (Side.YES, "0.59", Severity.WARN),
        (Side.YES, "0.53", Severity.WARN),
        (Side.YES, "0.52", Severity.DENY),
        (Side.NO, "0.32", None),
        (Side.NO, "0.31", Severity.WARN),
        (Side.NO, "0.24", Severity.DENY),
        (Side.YES, "0.99", None),
    ],
)
def test_a_sale_through_the_bid(side, price, severity):
    selling = {"action": Action.SELL, "side": side, "price": price, "held": "10", "cost": "0"}
    assert verdict(**selling).get("price against the book") is severity


def test_a_market_order_is_not_warned_of_the_cap_it_shows_but_never_passes_the_block():
    assert verdict(is_market_order=True, price="0.70") == {}
    wide = replace(LIMITS, market_order_cap=Decimal("0.20"))
    assert verdict(is_market_order=True, price="0.85", limits=wide) == {
        "price against the book": Severity.DENY,
        "midpoint": Severity.WARN,
    }


@pytest.mark.parametrize("there", [None, book(no=(("0.37", "1"),)), book(no=(("0.40", "1"),))])
def test_without_a_trustworthy_book_a_limit_order_is_asked_about_and_a_market_order_denied(there):
    assert verdict(book=there) == {"book": Severity.ASK}
    assert verdict(book=there, is_market_order=True) == {"book": Severity.DENY}


@pytest.mark.parametrize(("age_s", "asked"), [("4.999999", False), ("5", False), ("5.000001", True)])
@pytest.mark.parametrize("is_market_order", [False, True])
def test_a_book_older_than_five_seconds_is_asked_about(age_s, asked, is_market_order):
    old = replace(book(), as_of=NOW - timedelta(microseconds=int(Decimal(age_s) * 1_000_000)))
    found = verdict(book=old, is_market_order=is_market_order)
    assert found == ({"book age": Severity.ASK} if asked else {})


@pytest.mark.parametrize(
    ("side", "price", "warned"),
    [
        (Side.YES, "0.54", False),  # the midpoint of YES is 64¢
        (Side.YES, "0.5399", True),
        (Side.YES, "0.74", False),
        (Side.YES, "0.7401", True),
        (Side.NO, "0.26", False),
        (Side.NO, "0.2599", True),
        (Side.NO, "0.46", False),
        (Side.NO, "0.4601", True),
    ],
)
def test_a_price_far_from_the_midpoint_is_warned_of(side, price, warned):
    found = verdict(side=side, price=price)
    assert found.get("midpoint") is (Severity.WARN if warned else None)


def test_the_distance_from_the_midpoint_is_in_the_terms_of_the_side():
    assert (
        message("midpoint", side=Side.NO, price="0.20") == "Your 20¢ limit is 16¢ below the midpoint of 36¢."
    )
    odd = book(yes=(("0.60", "1"),), no=(("0.35", "1"),))
    assert message("midpoint", price="0.10", book=odd) == (
        "Your 10¢ limit is 52.5¢ below the midpoint of 62.5¢."
    )


@pytest.mark.parametrize("there", [None, book(no=()), book(yes=()), book(no=(("0.40", "1"),))])
def test_without_both_sides_there_is_no_midpoint_to_be_far_from(there):
    assert "midpoint" not in verdict(price="0.02", book=there)


def test_without_offers_a_limit_order_rests_and_a_market_order_is_denied():
    alone = book(no=())
    assert verdict(book=alone) == {"book": Severity.WARN}
    assert verdict(book=alone, is_market_order=True) == {"book": Severity.DENY}
    assert (
        message("book", book=alone, is_market_order=True) == "No offers for YES right now. Use a limit order."
    )
    nobody = message("book", book=book(yes=()), is_market_order=True, action=Action.SELL, held="10")
    assert nobody == "No bids for YES right now. Use a limit order."


@pytest.mark.parametrize(
    ("count", "resting", "asked"),
    [
        ("10", (), False),
        ("10.01", (), True),
        ("6", (order("ask", "0.80", "4"),), False),
        ("6.01", (order("ask", "0.80", "4"),), True),
        ("10", (order("bid", "0.10", "4"),), False),
        ("0.01", (order("ask", "0.80", "15"),), True),
    ],
)
def test_a_sale_stays_within_the_position_less_what_resting_sales_promise(count, resting, asked):
    found = verdict(action=Action.SELL, price="0.63", held="10", cost="0", count=count, resting=resting)
    assert found.get("sale within position") is (Severity.ASK if asked else None)


def test_a_sale_beyond_the_position_names_what_is_held_sold_already_and_opened():
    selling = {"action": Action.SELL, "price": "0.63", "cost": "0", "count": "15"}
    beyond = message("sale within position", held="10", **selling)
    assert beyond == "You hold 10 YES. Selling 15 also opens 5 NO."
    assert message("sale within position", held="0", **selling) == ("You hold 0 YES. Selling 15 opens 15 NO.")
    promised = message("sale within position", held="10", resting=(order("ask", "0.80", "4"),), **selling)
    assert promised == ("You hold 10 YES; open orders may already sell 4. Selling 15 more can open 9 NO.")


def test_a_sale_of_no_counts_the_bids_that_sell_no():
    selling = {"action": Action.SELL, "side": Side.NO, "price": "0.35", "held": "10", "cost": "0"}
    assert "sale within position" in verdict(count="7", resting=(order("bid", "0.20", "4"),), **selling)
    assert "sale within position" not in verdict(count="7", resting=(order("ask", "0.80", "4"),), **selling)


def test_a_purchase_is_never_asked_about_the_position():
    assert "sale within position" not in verdict(held="0", count="500")


@pytest.mark.parametrize(("age_s", "asked"), [(0, True), (30, True), (30.001, False), (-1, True)])
def test_the_same_order_within_half_a_minute_is_asked_about(age_s, asked):
    at = NOW - timedelta(seconds=age_s)
    before = RecentOrder(TICKER, Action.BUY, Side.YES, Decimal(10), Decimal("0.650"), at)
    assert verdict(recent=(before,)).get("same order again") is (Severity.ASK if asked else None)


@pytest.mark.parametrize(
    "change",
    [
        {"ticker": "KX-OTHER"},
        {"action": Action.SELL},
        {"side": Side.NO},
        {"count": Decimal(11)},
        {"price": Decimal("0.64")},
    ],
    ids=lambda change: next(iter(change)),
)
def test_an_order_that_differs_in_one_thing_is_not_the_same(change):
    before = RecentOrder(TICKER, Action.BUY, Side.YES, Decimal(10), Decimal("0.65"), NOW)
    assert verdict(recent=(replace(before, **change),)) == {}


@pytest.mark.parametrize("earlier_at_once", [True, False])
@pytest.mark.parametrize("now_at_once", [True, False])
def test_a_market_order_is_the_same_again_whatever_its_worst_price(earlier_at_once, now_at_once):
    before = RecentOrder(TICKER, Action.BUY, Side.YES, Decimal(10), Decimal("0.64"), NOW, earlier_at_once)
    found = verdict(recent=(before,), is_market_order=now_at_once)
    assert ("same order again" in found) is (earlier_at_once and now_at_once)


def test_an_order_of_unknown_outcome_in_this_market_is_named_and_asked_about():
    lost = ("BUY 10 YES KX-1 at 57¢, good till canceled", "SELL 5 NO KX-1 at 12¢, good till canceled")
    assert verdict(unresolved=lost) == {"outcome unknown": Severity.ASK}
    assert all(sentence in message("outcome unknown", unresolved=lost) for sentence in lost)
    selling = {"action": Action.SELL, "price": "0.63", "held": "10", "cost": "0"}
    assert verdict(unresolved=lost[:1], **selling) == {"outcome unknown": Severity.ASK}


@pytest.mark.parametrize(
    ("behind_s", "asked"), [("-0.000001", False), ("0", False), ("0.000001", True), ("7", True)]
)
def test_data_older_than_the_newest_order_is_asked_about(behind_s, asked):
    age = timedelta(microseconds=int(Decimal(behind_s) * 1_000_000))
    found = verdict(data_age=DataAge(NOW, NOW - age))
    assert found == ({"data age": Severity.ASK} if asked else {})


def test_data_of_unknown_age_is_asked_about_where_an_order_could_be_missing_in_it():
    assert verdict(data_age=DataAge(NOW, None)) == {"data age": Severity.ASK}
    assert verdict(data_age=DataAge(None, None)) == {}
    assert verdict(data_age=DataAge(None, NOW)) == {}


def test_how_far_the_data_is_behind_is_said_in_plain_words():
    late = DataAge(NOW, NOW - timedelta(seconds=7, milliseconds=310))
    assert message("data age", data_age=late) == (
        "Exchange data is 7.3 s older than your newest order in this market. "
        "Position, cash and open orders may not include it."
    )
    assert message("data age", data_age=DataAge(NOW)) == (
        "Could not check how fresh the exchange data is. "
        "Position, cash and open orders may not include your newest order in this market."
    )


def test_what_denies_comes_first_then_what_asks_then_what_warns():
    found = findings(count="2000", price="0.76")
    assert [finding.severity for finding in found] == [Severity.DENY, Severity.ASK, Severity.WARN]
    assert denials(found) == found[:1]
    assert questions(found) == found[1:2]


def test_a_finding_can_be_recorded_with_the_numbers_of_both_sides():
    over = {"count": "10000.01", "cost": "1000.01", "cash": "5", "worst_loss": "1000.5", "price": "0.76"}
    over |= {"today": DayTotals(Decimal("4500"), 200, DayPnl(Decimal("-512.34")))}
    found = {finding.rule: finding.fields() for finding in findings(**over)}
    numbers = {rule: (fields["actual"], fields["limit"]) for rule, fields in found.items()}
    assert numbers == {
        "contracts per order": ("10000.01", "10000"),
        "cost per order": ("1000.01", "1000"),
        "cash": ("1000.01", "5"),
        "loss per market": ("1000.5", "1000"),
        "bought per day": ("5500.01", "5000"),
        "orders per day": ("200", "200"),
        "loss per day": ("-512.34", "-500"),
        "price against the book": ("0.11", "0.10"),
        "midpoint": ("0.12", "0.10"),
    }
    assert found["cash"] == {
        "rule": "cash",
        "severity": "deny",
        "message": "Not enough cash: need $1,000.01, have $5.00.",
        "actual": "1000.01",
        "limit": "5",
    }
    (quiet,) = findings(read_only=True)
    assert (quiet.fields()["actual"], quiet.fields()["limit"]) == (None, None)


def test_every_message_shows_the_number_and_its_limit():
    over = {"count": "10000.01", "cost": "1000.01", "cash": "5", "worst_loss": "1000.5"}
    texts = {finding.rule: finding.message for finding in findings(**over)}
    assert (
        texts["contracts per order"]
        == "Too large: 10,000.01 contracts (max 10,000, KALSHI_HARD_ORDER_COUNT)."
    )
    assert texts["cost per order"] == ("Cost too high: $1,000.01 (max $1,000.00, KALSHI_HARD_ORDER_COST).")
    assert texts["cash"] == "Not enough cash: need $1,000.01, have $5.00."
    assert texts["loss per market"] == (
        "Over your market loss limit: $1,000.50 at risk including open orders "
        "(max $1,000.00, KALSHI_MARKET_LOSS_LIMIT)."
    )
