"""Test the order book: prices of both outcomes, and fills of a size."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kalshi_trading.core.market_models import BookLevel, OrderBook
from kalshi_trading.core.models import Action, Side
from kalshi_trading.core.order_book import asks, best_ask, best_bid, best_opposite, is_crossed, midpoint, walk
from kalshi_trading.exchange.wire.fields import Fields
from kalshi_trading.exchange.wire.markets import order_book

AT = datetime(2026, 11, 21, 14, 50, tzinfo=UTC)
EVERY_WAY = [(action, side) for action in Action for side in Side]


def levels(*rows):
    return tuple(BookLevel(Decimal(price), Decimal(count)) for price, count in rows)


def book(yes=(), no=()):
    return OrderBook("KX-1", levels(*yes), levels(*no), AT)


USUAL = book(
    yes=[("0.63", "120"), ("0.62", "310"), ("0.55", "20")],
    no=[("0.35", "80.5"), ("0.34", "200"), ("0.30", "55")],
)


def read_book(yes, no):
    return order_book(Fields({"orderbook_fp": {"yes_dollars": yes, "no_dollars": no}}, "answer"), "KX-1", AT)


@given(st.permutations(range(5)), st.permutations(range(5)))
def test_the_best_price_is_found_whatever_the_order_of_the_arrays(yes_order, no_order):
    yes = [[f"0.5{place}00", f"{place + 1}.00"] for place in yes_order]
    no = [[f"0.3{place}00", f"{place + 1}.00"] for place in no_order]
    read = read_book(yes, no)
    prices = [level.price for level in read.yes_bids]
    assert prices == sorted(prices, reverse=True)
    assert best_bid(read, Side.YES) == BookLevel(Decimal("0.54"), Decimal(5))
    assert best_ask(read, Side.YES) == BookLevel(Decimal("0.66"), Decimal(5))
    assert best_bid(read, Side.NO) == BookLevel(Decimal("0.34"), Decimal(5))
    assert best_ask(read, Side.NO) == BookLevel(Decimal("0.46"), Decimal(5))


@pytest.mark.parametrize(
    "row",
    [["0.5000", "0.00"], ["0.5000", "-3.00"], ["0.0000", "5.00"], ["1.0000", "5.00"], ["-0.10", "5"]],
)
def test_a_level_without_a_tradable_price_or_size_is_dropped(row):
    assert read_book([row], []).yes_bids == ()


def test_a_buyer_pays_the_ask_and_a_seller_gets_the_bid_of_either_outcome():
    prices = [best_opposite(USUAL, action, side).price for action, side in EVERY_WAY]
    assert dict(zip(EVERY_WAY, prices, strict=True)) == {
        (Action.BUY, Side.YES): Decimal("0.65"),
        (Action.BUY, Side.NO): Decimal("0.37"),
        (Action.SELL, Side.YES): Decimal("0.63"),
        (Action.SELL, Side.NO): Decimal("0.35"),
    }


def test_a_side_without_quotes_has_no_price_and_no_midpoint():
    empty, one_sided = book(), book(yes=[("0.63", "1")])
    assert [best_opposite(empty, action, side) for action, side in EVERY_WAY] == [None] * 4
    assert best_ask(one_sided, Side.YES) is None
    assert best_bid(one_sided, Side.NO) is None
    assert midpoint(one_sided, Side.YES) is midpoint(one_sided, Side.NO) is midpoint(empty, Side.YES) is None


def test_the_middle_lies_between_bid_and_ask_of_its_own_outcome():
    assert midpoint(USUAL, Side.YES) == Decimal("0.64")
    assert midpoint(USUAL, Side.NO) == Decimal("0.36")


@pytest.mark.parametrize(
    ("no_bid", "crossed"), [("0.36", False), ("0.37", True), ("0.38", True)], ids=["apart", "locked", "over"]
)
def test_a_locked_or_crossed_book_is_noticed(no_bid, crossed):
    assert is_crossed(book(yes=[("0.63", "1")], no=[(no_bid, "1")])) is crossed


def test_half_a_book_is_not_crossed():
    assert not is_crossed(book(yes=[("0.99", "1")]))
    assert not is_crossed(book())


def test_a_buyer_of_yes_walks_up_the_no_bids():
    met = walk(USUAL, Action.BUY, Side.YES, Decimal(100), Decimal("0.66"))
    assert met.fills == levels(("0.65", "80.5"), ("0.66", "19.5"))
    assert (met.left, met.filled, met.amount) == (0, 100, Decimal("65.195"))


def test_a_seller_of_no_walks_down_the_no_bids_to_the_limit():
    met = walk(USUAL, Action.SELL, Side.NO, Decimal(400), Decimal("0.34"))
    assert met.fills == levels(("0.35", "80.5"), ("0.34", "200"))
    assert met.left == Decimal("119.5")


def test_an_order_away_from_the_book_meets_nothing():
    met = walk(USUAL, Action.BUY, Side.YES, Decimal(10), Decimal("0.64"))
    assert (met.fills, met.left, met.amount) == ((), 10, 0)


sides_of_a_book = st.dictionaries(
    st.integers(min_value=1, max_value=49), st.integers(min_value=1, max_value=5_000), max_size=8
)


@given(
    sides_of_a_book,
    sides_of_a_book,
    st.sampled_from(EVERY_WAY),
    st.integers(min_value=1, max_value=20_000),
    st.integers(min_value=1, max_value=99),
)
def test_a_walk_takes_the_best_first_never_beyond_the_limit_and_loses_nothing(yes, no, way, count, limit):
    def side(rows):
        return [(Decimal(cents) / 100, Decimal(n) / 100) for cents, n in sorted(rows.items(), reverse=True)]

    action, outcome = way
    here, count, limit = book(side(yes), side(no)), Decimal(count) / 100, Decimal(limit) / 100
    met = walk(here, action, outcome, count, limit)
    there = asks(here, outcome) if action is Action.BUY else asks(here, outcome.opposite)
    prices = [fill.price for fill in met.fills]
    assert met.filled + met.left == count
    assert prices == sorted(prices, reverse=action is Action.SELL)
    assert all(price <= limit if action is Action.BUY else price >= limit for price in prices)
    in_reach = [
        level
        for level in there
        if (level.price <= limit if action is Action.BUY else 1 - level.price >= limit)
    ]
    assert met.filled == min(count, sum((level.count for level in in_reach), Decimal(0)))
