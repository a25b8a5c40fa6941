from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kalshi_trading.practice.engine.book import Book
from kalshi_trading.practice.records import BookSide, Order, SelfTradePrevention, TimeInForce

BID, ASK = BookSide.BID, BookSide.ASK


def order(order_id: str, side: BookSide, price: int, count: int, account_id: str = "ann") -> Order:
    return Order(
        order_id=order_id,
        account_id=account_id,
        client_order_id=order_id,
        ticker="T",
        side=side,
        price=price,
        initial_count=count,
        remaining_count=count,
        time_in_force=TimeInForce.GOOD_TILL_CANCELED,
        post_only=False,
        self_trade_prevention=SelfTradePrevention.TAKER_AT_CROSS,
        created_at=0,
        updated_at=0,
    )


@pytest.fixture
def book() -> Book:
    book = Book()
    for resting in (
        order("a1", ASK, 5200, 300),
        order("a2", ASK, 5100, 100),
        order("a3", ASK, 5100, 200, "bob"),
        order("b1", BID, 4900, 700),
        order("b2", BID, 5000, 500),
    ):
        book.add(resting)
    return book


def test_levels_come_best_first(book: Book) -> None:
    assert book.levels(ASK) == [(5100, 300), (5200, 300)]
    assert book.levels(BID) == [(5000, 500), (4900, 700)]
    assert book.best(ASK) == (5100, 300)
    assert book.best(BID) == (5000, 500)
    assert Book().best(BID) is None


def test_a_taker_matches_the_best_price_first_and_then_the_oldest(book: Book) -> None:
    matches = list(book.matches(BID, 5200, 450, skipped_account="carl"))
    assert [(m.resting.order_id, m.count) for m in matches] == [("a2", 100), ("a3", 200), ("a1", 150)]


def test_a_taker_matches_no_order_beyond_its_limit(book: Book) -> None:
    assert list(book.matches(BID, 5000, 100, skipped_account="carl")) == []
    assert [m.resting.order_id for m in book.matches(ASK, 5000, 9_999, skipped_account="carl")] == ["b2"]
    assert book.crosses(BID, 5100)
    assert not book.crosses(BID, 5099)
    assert book.crosses(ASK, 5000)
    assert not book.crosses(ASK, 5001)


def test_an_own_order_is_matched_but_not_traded_with(book: Book) -> None:
    matches = list(book.matches(BID, 5200, 450, skipped_account="bob"))
    assert [(m.resting.order_id, m.count) for m in matches] == [("a2", 100), ("a3", 0), ("a1", 300)]


def test_contracts_ahead_are_those_before_it_at_its_price(book: Book) -> None:
    last = order("a4", ASK, 5100, 50)
    book.add(last)
    assert book.count_ahead(last) == 300


def test_a_reduced_order_keeps_its_place(book: Book) -> None:
    first = book.orders(ASK)[0]
    book.reduce(first, 40)
    first.remaining_count -= 40
    assert book.orders(ASK)[0] is first
    assert book.levels(ASK)[0] == (5100, 260)


operations = st.lists(
    st.tuples(st.sampled_from(list(BookSide)), st.integers(1, 8), st.integers(1, 50), st.booleans()),
    max_size=60,
)


@given(operations)
def test_a_book_is_always_what_sorting_a_plain_list_gives(
    steps: list[tuple[BookSide, int, int, bool]],
) -> None:
    book, resting = Book(), []
    for number, (side, price, count, removes) in enumerate(steps):
        if removes and resting:
            book.remove(resting.pop(count % len(resting)))
        else:
            resting.append(order(str(number), side, price, count))
            book.add(resting[-1])
    for side, sign in ((BID, -1), (ASK, 1)):
        mine = sorted(
            (row for row in resting if row.side is side),
            key=lambda row: (sign * row.price, int(row.order_id)),
        )
        assert book.orders(side) == mine
        prices = dict.fromkeys(row.price for row in mine)
        assert book.levels(side) == [
            (price, sum(row.remaining_count for row in mine if row.price == price)) for price in prices
        ]
