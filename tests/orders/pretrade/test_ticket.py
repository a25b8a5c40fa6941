"""A size in contracts or dollars: never above the amount, never too low."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal as D

import pytest
from hypothesis import given
from hypothesis import strategies as st
from market_factory import TAPERED, TICKER, levels, market
from model_factory import CENTS, NOW, QUADRATIC

from kalshi_trading.core.errors import InvalidInputError
from kalshi_trading.core.fees import fee_rate
from kalshi_trading.core.market_models import FeeSchedule, FeeType, OrderBook
from kalshi_trading.core.models import Action, Side
from kalshi_trading.orders.pretrade.context import DayTotals, OrderContext
from kalshi_trading.orders.pretrade.pricing import build_preview
from kalshi_trading.orders.pretrade.ticket import OrderSize, OrderTicket, parse_size
from kalshi_trading.settings.options import Limits

COMBO_FEES = FeeSchedule(FeeType.QUADRATIC_WITH_COMBO_MAKER_FEES, D(1))


def size(text, price="0.57", action=Action.BUY, fees=QUADRATIC):
    rate = None if fees is None else fee_rate(fees, is_taker=True)
    return parse_size(text, action, D(price), rate)


@pytest.mark.parametrize(("text", "count"), [("10", "10"), ("2.5", "2.5"), (" 0.01 ", "0.01")])
def test_a_plain_number_is_a_number_of_contracts(text, count):
    assert size(text) == OrderSize(D(count))
    assert size(text, action=Action.SELL, fees=None) == OrderSize(D(count))


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("$50", 85),  # 57¢ and a fee of up to 1.72¢ make 58.72¢ a contract
        ("$0.58", None),
        ("$0.59", 1),
        ("$ 1.17", 1),
        ("$1.18", 2),
        ("$58.72", 100),
        ("$58.71", 99),
    ],
)
def test_dollars_buy_whole_contracts_with_their_fee_inside(text, count):
    if count is None:
        with pytest.raises(
            InvalidInputError, match=r"too little\. One contract costs up to \$0\.59 with fees"
        ):
            size(text)
    else:
        assert size(text) == OrderSize(D(count), D(text.lstrip("$ ")))


@pytest.mark.parametrize("text", ["$", "$0x", "$1e3", "$-5", "$1,000", "$5.001", "$٥", "$inf", "$5 5", "5$"])
def test_what_is_no_amount_is_refused(text):
    with pytest.raises(InvalidInputError, match=r"Enter an amount, such as|Enter a quantity, such as"):
        size(text)


def test_no_amount_buys_nothing():
    with pytest.raises(InvalidInputError, match="is too little"):
        size("$0")


def test_dollars_are_for_purchases_only():
    with pytest.raises(InvalidInputError, match="Enter the contracts to sell"):
        size("$50", action=Action.SELL)


@pytest.mark.parametrize("fees", [None, FeeSchedule(FeeType.FLAT, D(1)), FeeSchedule(FeeType.UNKNOWN, D(1))])
def test_without_a_known_fee_dollars_are_not_turned_into_contracts(fees):
    with pytest.raises(InvalidInputError, match="Fees for this market are unavailable"):
        size("$50", fees=fees)


half_books = st.dictionaries(st.integers(1, 499), st.integers(1, 40), max_size=6)


def book_of(yes, no):
    rows = [
        sorted(((D(price) / 1000, count) for price, count in half.items()), reverse=True)
        for half in (yes, no)
    ]
    return OrderBook(TICKER, levels(*rows[0]), levels(*rows[1]), NOW)


@given(
    half_books,
    half_books,
    st.sampled_from(Side),
    st.integers(1, 999),
    st.integers(1, 500_00),
    st.sampled_from([QUADRATIC, COMBO_FEES, replace(QUADRATIC, multiplier=D(2))]),
    st.sampled_from([CENTS, TAPERED]),
)
def test_the_preview_of_an_amount_never_costs_more_and_one_contract_more_might(
    yes, no, side, thousandths, amount, fees, grid
):
    price, amount = D(thousandths) / 1000, D(amount) / 100
    try:
        count = size(f"${amount:.2f}", str(price), fees=fees).count
    except InvalidInputError:
        count = D(0)
    here = OrderContext(
        market(price_grid=grid), book_of(yes, no), fees, D(10_000), None, (), (), DayTotals(), NOW
    )
    limits = Limits()

    def spent(contracts, there):
        ticket = OrderTicket(TICKER, Action.BUY, side, D(contracts), price)
        seen = build_preview(ticket, there, limits=limits, read_only=False, client_order_id="1")
        return seen.bounds.cost

    if count:
        assert spent(count, here) <= amount
    offered = levels((str(1 - price), "100000"))
    at_limit = OrderBook(TICKER, offered, (), NOW) if side is Side.NO else OrderBook(TICKER, (), offered, NOW)
    assert spent(count + 1, replace(here, book=at_limit)) > amount
