"""Tickets in a market with a settlement floor: price, cost and worst case.

The rows are the worked ones of the exchange's rules, with a floor of 30¢.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal as D

import pytest
from cases import naming
from model_factory import BOOK, floored, order_ticket, preview

from kalshi_trading.core.errors import InvalidInputError
from kalshi_trading.core.market_models import BookLevel
from kalshi_trading.core.models import Action, BookSide, Side
from kalshi_trading.core.money import ZERO, PriceBand, PriceGrid
from kalshi_trading.orders.pretrade.context import InFlightOrder, cash_of_unseen
from kalshi_trading.orders.pretrade.risk import enough_cash
from kalshi_trading.orders.pretrade.ticket import off_grid, parse_size
from kalshi_trading.settings.options import Limits

BUY, SELL, YES, NO = Action.BUY, Action.SELL, Side.YES, Side.NO
EMPTY = replace(BOOK, yes_bids=(), no_bids=())
FLOORED = floored("0.30")


def ticket(action, side, count, price, *, held="0", cost="0", market=FLOORED, book=EMPTY):
    wish = order_ticket(action, side, count, price)
    return preview(wish, held=held, cost=cost, market=market, book=book)


def test_worked_orders_move_the_cash_of_the_rules():
    rows = [
        ("A buys at floor zero", floored("0"), (BUY, YES, "100", "0.40"), "0", "40.00", "0"),
        ("B buys NO at floor zero", floored("0"), (BUY, NO, "100", "0.60"), "0", "60.00", "0"),
        ("A sells held YES", FLOORED, (SELL, YES, "50", "0.45"), "100", "0", "7.50"),
        ("C buys YES", FLOORED, (BUY, YES, "50", "0.45"), "0", "7.50", "0"),
        ("D opens NO", FLOORED, (BUY, NO, "20", "0.55"), "0", "11.00", "0"),
        ("D opens NO by a sale", FLOORED, (SELL, YES, "20", "0.45"), "0", "11.00", "0"),
        ("E buys NO against YES", FLOORED, (BUY, NO, "40", "0.55"), "100", "0", "6.00"),
        ("F flips", FLOORED, (SELL, YES, "15", "0.65"), "10", "1.75", "3.50"),
        ("a pair frees 70¢", FLOORED, (BUY, YES, "10", "0.40"), "-10", "0", "6.00"),
        ("a bid above a risen floor", floored("0.45"), (BUY, YES, "100", "0.46"), "0", "1.00", "0"),
    ]
    for name, market, wish, held, cost, proceeds in rows:
        with naming(name):
            seen = ticket(*wish, held=held, cost="1", market=market)
            assert (seen.cost, seen.expected_cost) == (D(cost), D(cost))
            assert seen.expected.proceeds == D(proceeds)


def test_most_that_can_be_lost_and_won_is_from_the_floor():
    bought = ticket(BUY, YES, "100", "0.40")
    assert (bought.worst_loss, bought.expected.if_yes, bought.expected.if_no) == (10, 60, -10)
    sold = ticket(BUY, NO, "100", "0.60")
    assert (sold.worst_loss, sold.expected.if_yes, sold.expected.if_no) == (60, -60, 10)


def test_bounds_hold_the_fee_at_the_price_and_the_cash_above_the_floor():
    seen = ticket(BUY, YES, "100", "0.40")
    fee = D("0.07") * 100 * D("0.4") * D("0.6")
    assert D(10) + fee <= seen.bounds.cost <= D(10) + fee + D("0.01")
    assert seen.cash_after == 1000 - seen.bounds.cost
    closes = ticket(SELL, YES, "100", "0.40", held="100", cost="35")
    assert closes.bounds.cost == 0
    assert D(10) - fee - D("0.01") <= closes.bounds.proceeds <= D(10) - fee


def test_a_price_at_or_below_the_floor_is_refused_with_its_reason():
    rows = [
        (YES, "0.30", "The settlement floor is 30¢: YES prices must be above 30¢. Try 31¢."),
        (YES, "0.05", "The settlement floor is 30¢: YES prices must be above 30¢. Try 31¢."),
        (NO, "0.70", "The settlement floor is 30¢: NO prices must be below 70¢. Try 69¢."),
        (YES, "0.305", "30.5¢ is not a valid price here. Try 31¢."),
        (YES, "0.31", None),
        (NO, "0.69", None),
    ]
    for side, price, reason in rows:
        with naming((side, price)):
            assert off_grid(FLOORED.price_grid, side, D(price)) == reason
    denied = [each for each in ticket(BUY, YES, "10", "0.30").findings if each.rule == "price grid"]
    assert [each.message for each in denied] == [rows[0][2]]
    assert ticket(BUY, YES, "10", "0.30").is_denied


def test_a_grid_of_several_bands_begins_above_the_floor():
    bands = (PriceBand(D(0), D("0.3"), D("0.001")), PriceBand(D("0.3"), D(1), D("0.01")))
    grid = PriceGrid(bands, D("0.30"))
    assert grid.at_or_above(D("0.10")) == D("0.31")
    assert grid.at_or_below(D("0.30")) is None
    assert replace(grid, floor=D("0.2995")).at_or_above(ZERO) == D("0.300")


def test_a_market_order_is_never_capped_at_the_floor():
    thin = replace(EMPTY, yes_bids=(BookLevel(D("0.32"), D(50)),))
    seen = ticket(SELL, YES, "10", None, held="10", cost="4", book=thin)
    assert seen.request.price == D("0.31")


def test_dollars_buy_what_the_cash_above_the_floor_buys():
    assert parse_size("$10", BUY, D("0.40"), ZERO, D("0.30")).count == 100
    assert parse_size("$10", BUY, D("0.40"), ZERO).count == 25
    with pytest.raises(InvalidInputError, match="One contract costs up to"):
        parse_size("$0.05", BUY, D("0.40"), ZERO, D("0.30"))


def test_an_unknown_floor_costs_the_whole_price_and_counts_on_no_proceeds():
    unknown = floored(None)
    bought = ticket(BUY, YES, "100", "0.40", market=unknown)
    assert (bought.cost, bought.worst_loss) == (40, 40)
    sold = ticket(SELL, YES, "100", "0.40", held="100", cost="30", market=unknown)
    assert sold.bounds.proceeds == sold.expected.proceeds == 0
    for seen in (bought, sold):
        (warning,) = [each.message for each in seen.findings if each.rule == "settlement floor"]
        assert warning.startswith("Settlement floor unknown")
    assert not [each for each in ticket(BUY, YES, "10", "0.40").findings if each.rule == "settlement floor"]


def test_orders_in_flight_take_the_cash_above_the_floor():
    for side, cash in ((BookSide.BID, 1), (BookSide.ASK, 6)):
        unseen = InFlightOrder("a", "b", "KX", side, D("0.40"), D(10), BOOK.as_of)
        assert cash_of_unseen(ZERO, (), (unseen,), D("0.30")) == cash


def test_negative_cash_is_named_even_for_a_closing_order():
    seen = ticket(SELL, YES, "10", "0.40", held="10", cost="3")
    assert not [each for each in seen.findings if each.rule == "cash"]

    short = replace(seen, context=replace(seen.context, cash=D("-1.50")))
    found = enough_cash(short, Limits())
    assert found.message == "Cash is −$1.50. The exchange takes no order until it is $0 or more."


@pytest.mark.parametrize("price", ["0.30", "0.25"])
@pytest.mark.parametrize("rate", ["0", "0.07"])
def test_dollars_buy_nothing_at_or_below_the_floor(price: str, rate: str) -> None:
    with pytest.raises(InvalidInputError, match="settlement floor is 30¢"):
        parse_size("$50", BUY, D(price), D(rate), D("0.30"))
