"""Test records that read like dicts, in cents.

Every key has the right unit. None: unknown.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal as D

import pytest
from hypothesis import given
from hypothesis import strategies as st
from model_factory import MARKET, NOW, fill, held, order, settlement

from kalshi_trading.core import market_models, models
from kalshi_trading.core.market_models import BookLevel, OrderBook, Series, Trade
from kalshi_trading.core.models import Action, Balance, BookSide, Position, Side
from kalshi_trading.core.money import Cents, UnitlessNumber, cents
from kalshi_trading.core.records import exchange
from kalshi_trading.core.results import DictReading, Listing

BALANCE = Balance(D("9842.8322"), D("104.80"), NOW, ())
POSITION = Position("KX-A", D("-3"), D("1.23"), D("-0.40"), D("0.05"), D("9.00"), NOW, None)


def plain(value):
    """Return a value with its type, because 39 equals Decimal("39")."""
    return type(value).__name__, value


def test_cash_is_in_cents_with_the_digits_below_them():
    assert plain(BALANCE["portfolio_value"]) == ("int", 10480)
    assert plain(BALANCE["balance"]) == ("Cents", D("984283.22"))
    assert dict(BALANCE) == {
        "balance": Cents("984283.22"),
        "portfolio_value": 10480,
        "updated_ts": int(NOW.timestamp()),
    }


def test_quotes_are_in_cents_of_their_side():
    quotes = {name: MARKET[name] for name in ("yes_bid", "yes_ask", "no_bid", "no_ask", "last_price")}
    assert quotes == {"yes_bid": 63, "yes_ask": 65, "no_bid": 35, "no_ask": 37, "last_price": 65}
    assert {type(quote) for quote in quotes.values()} == {int}
    fine = replace(MARKET, yes_bid=D("0.0050"), yes_ask=D("0.0070"))
    assert plain(fine["yes_bid"]) == ("Cents", D("0.5"))
    assert plain(fine["no_bid"]) == ("Cents", D("99.3"))


def test_a_missing_quote_is_none_and_never_a_default():
    nobody = replace(MARKET, yes_bid=None, yes_ask=None, last_price=None)
    for name in ("yes_bid", "yes_ask", "no_bid", "no_ask", "last_price", "liquidity"):
        assert nobody[name] is None
        assert nobody.get(name, 0) is None
    with pytest.raises(TypeError):
        assert nobody["yes_ask"] < 40


def test_an_unknown_key_names_the_known_ones():
    with pytest.raises(KeyError, match="Market has no 'yes_aks'; it has ticker, event_ticker"):
        MARKET["yes_aks"]
    assert MARKET.get("yes_aks", "nothing") == "nothing"
    assert "yes_aks" not in MARKET
    assert "yes_ask" in MARKET


def test_what_is_held_is_negative_for_no_and_its_price_is_of_the_side_held():
    assert plain(POSITION["position"]) == ("int", -3)
    assert (POSITION["average_price"], POSITION["realized_pnl"], POSITION["fees_paid"]) == (41, -40, 5)
    assert POSITION["market_exposure"] == 123
    flat = replace(POSITION, net=D(0), cost_basis=D(0))
    assert (flat["position"], flat["average_price"]) == (0, None)
    assert plain(replace(POSITION, net=D("2.5"))["position"]) == ("Decimal", D("2.5"))
    third = replace(POSITION, net=D(3), cost_basis=D(1))
    assert third["average_price"] == D("33.33")


def test_a_settlement_pays_cents_and_its_fee_is_text_in_dollars():
    row = settlement(yes=("5", "2.10"), no=("0", "0.00"), revenue="5.00")
    assert (row["revenue"], row["yes_total_cost"], row["yes_count"]) == (500, 210, 5)
    assert isinstance(row["fee_cost"], str)
    assert replace(row, value=None).get("settlement_value", 0) is None
    assert replace(row, value=D(1))["settlement_value"] == 100


WORDS = [
    (None, BookSide.BID, ("buy", "yes", 63)),
    (None, BookSide.ASK, ("buy", "no", 37)),
    ((Action.SELL, Side.YES), BookSide.ASK, ("sell", "yes", 63)),
    ((Action.SELL, Side.NO), BookSide.BID, ("sell", "no", 37)),
    ((Action.BUY, Side.NO), BookSide.ASK, ("buy", "no", 37)),
]


@pytest.mark.parametrize(("words", "book_side", "reads"), WORDS)
def test_orders_and_fills_read_as_placed_else_by_their_effect(words, book_side, reads):
    placed = replace(order(book_side, "0.63"), placed_as=words)
    assert (placed["action"], placed["side"], placed["price"]) == reads
    assert (placed["yes_price"], placed["no_price"]) == (63, 37)
    filled = replace(fill(book_side, "2", "0.63"), placed_as=words)
    assert (filled["action"], filled["side"], filled["price"]) == reads


def test_a_book_reads_as_rows_of_cents_and_contracts():
    book = OrderBook("KX-A", (BookLevel(D("0.45"), D(100)), BookLevel(D("0.445"), D("2.5"))), (), NOW)
    assert book["yes"] == [[45, 100], [D("44.5"), D("2.5")]]
    assert book["no"] == []


def test_times_are_text_in_utc():
    trade = Trade("t", "KX-A", D(3), D("0.4"), Side.NO, datetime(2026, 11, 21, 15, tzinfo=UTC), False)
    assert (trade["created_time"], trade["taker_side"]) == ("2026-11-21T15:00:00Z", "no")
    assert (trade["count"], trade["yes_price"], trade["no_price"]) == (3, 40, 60)


def test_a_list_has_its_rows_under_its_name_and_says_where_it_goes_on():
    rows = Listing(("a", "b"), None, "orders", "c2")
    assert (rows["orders"], rows["cursor"], rows[0], rows.get("markets", 7)) == (["a", "b"], "c2", "a", 7)
    assert list(rows) == ["a", "b"]
    with pytest.raises(KeyError, match="The list has no 'fills'; it has orders and cursor"):
        rows["fills"]


def test_the_profit_of_a_position_reads_in_cents():
    row = held("5", "2.00")  # at the bid of 63 cents
    assert (row["position"], row["cost"], row["market_value"], row["unrealized_pnl"]) == (5, 200, 315, 115)
    assert replace(row, mark=None).get("unrealized_pnl", 0) is None


RECORDS = [
    each
    for home in (models, market_models, exchange)
    for each in vars(home).values()
    if isinstance(each, type)
]


@pytest.mark.parametrize("record", [each for each in RECORDS if issubclass(each, DictReading)])
def test_every_key_of_every_record_can_be_read(record):
    if record is DictReading:
        return
    samples = {
        type(each): each
        for each in (
            *(BALANCE, POSITION, MARKET, order(BookSide.BID, "0.5"), fill(BookSide.BID, "1", "0.5")),
            settlement(yes=("1", "0.5"), no=("0", "0"), revenue="1"),
            OrderBook("KX-A", (), (), NOW),
            Trade("t", "KX-A", D(3), D("0.4"), Side.NO, NOW, False),
            Series("KX", "t", "c", (), (), "daily", None, (), None),
            exchange.ExchangeStatus(True, True, None, ()),
            market_models.Event("KX-1", "KX", "t", "", True, None, None, None, (MARKET,)),
            models.Positions(Listing((POSITION,)), ()),
            models.EventPosition("KX-1", D("1"), D("2"), None, None, D("0.1")),
        )
    }
    assert set(dict(samples[record])) == set(record.dict_keys)


@given(st.decimals(min_value=-(10**9), max_value=10**9, places=6))
def test_cents_are_exact_and_lead_back_to_the_dollars(amount):
    read = cents(amount)
    assert D(read).scaleb(-2) == amount
    assert isinstance(read, int) is (amount * 100 == int(amount * 100))


def test_cents_stay_cents_where_they_are_added_and_are_plain_numbers_elsewhere():
    assert repr(Cents("5.5") + 1) == "Cents('6.5')"
    assert repr(100 - Cents("5.5")) == "Cents('94.5')"
    assert repr(Cents("5.5") - Cents("0.5")) == "Cents('5.0')"
    kept = (-Cents("5.5"), abs(Cents("5.5")), round(Cents("5.55"), 1), Cents("5.55").quantize(D("0.1")))
    assert [type(each) for each in (*kept, sum([Cents("0.5"), Cents("1.5")]))] == [Cents] * 5
    for scaled in (Cents("5.5") / 100, Cents("5.5") * 2, 2 * Cents("5.5"), (Cents("5.5") + Cents("6.5")) / 2):
        assert isinstance(scaled, UnitlessNumber)
        assert isinstance(scaled + 1, UnitlessNumber)
    assert Cents("5.5") / 100 == D("0.055")
    for add in (
        lambda: Cents("5.5") + D("0.5"),
        lambda: D("0.5") + Cents("5.5"),
        lambda: Cents("5.5") - D(1),
    ):
        with pytest.raises(TypeError, match="Cannot add Cents and"):
            add()
    assert Cents("38.5") < 39 < Cents("39.5")
    with pytest.raises(TypeError):
        Cents("5.5") + 0.5
