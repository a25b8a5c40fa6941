"""Test P&L to the last digit: published example, flips, FIFO, settlement.

Also replays random histories.
"""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from model_factory import fill

from kalshi_trading.core.models import BookSide, MarketResult, Settlement, Side
from kalshi_trading.core.pnl import (
    FifoPosition,
    fifo_position,
    settle_lots,
    settlement_gross_pnl,
    settlement_net_pnl,
    unrealized_pnl,
)
from kalshi_trading.exchange.wire import account as account_wire
from kalshi_trading.exchange.wire.fields import Fields

STEP_1 = fill("bid", "10", "0.60", fee="0.1680")
STEP_2 = fill("ask", "4", "0.65", fee="0.0637")  # buying 4 NO at 35¢


def settlement(**changes):
    row = {
        "ticker": "KX-1",
        "event_ticker": "KX",
        "market_result": "yes",
        "yes_count_fp": "10.00",
        "yes_total_cost_dollars": "6.000000",
        "no_count_fp": "4.00",
        "no_total_cost_dollars": "1.400000",
        "revenue": 600,
        "settled_time": "2026-08-03T15:00:02Z",
        "fee_cost": "0.231700",
        "value": 100,
    }
    return account_wire.settlement(Fields(row | changes, "settlement"))


def test_step_1_buying_ten_yes_opens_them_at_cost():
    held = fifo_position([STEP_1])
    assert (held.net, held.cost_basis, held.realized_pnl) == (10, Decimal("6.00"), 0)
    assert (held.fees_paid, held.cash) == (Decimal("0.1680"), Decimal("-6.1680"))


def test_step_2_buying_four_no_closes_four_yes_and_frees_their_dollars():
    held = fifo_position([STEP_1, STEP_2])
    assert (held.net, held.side) == (6, Side.YES)
    assert (held.cost_basis, held.realized_pnl) == (Decimal("3.60"), Decimal("0.20"))
    assert held.fees_paid == Decimal("0.2317")
    assert held.cash - fifo_position([STEP_1]).cash == Decimal("2.5363")


def test_the_mark_is_what_a_buyer_would_pay():
    held = fifo_position([STEP_1, STEP_2])
    assert unrealized_pnl(held.count, held.cost_basis, Decimal("0.63")) == Decimal("0.18")


def test_without_a_mark_the_unrealized_is_unknown_and_not_zero():
    assert unrealized_pnl(Decimal(6), Decimal("3.60"), None) is None


@pytest.mark.parametrize(("value", "realized", "net"), [("1", "2.60", "2.3683"), ("0", "-3.40", "-3.6317")])
def test_step_3_settlement_pays_what_is_left(value, realized, net):
    end = settle_lots(fifo_position([STEP_1, STEP_2]), Decimal(value))
    assert (end.net, end.side, end.lots, end.cost_basis) == (0, None, (), 0)
    assert end.realized_pnl == Decimal(realized)
    assert end.cash == end.realized_pnl - end.fees_paid == Decimal(net)


def test_the_settlement_rows_of_the_walk_say_the_same():
    won, lost = settlement(), settlement(market_result="no", revenue=0, value=0)
    assert (settlement_gross_pnl(won), settlement_net_pnl(won)) == (Decimal("2.60"), Decimal("2.3683"))
    assert (settlement_gross_pnl(lost), settlement_net_pnl(lost)) == (Decimal("-3.40"), Decimal("-3.6317"))


@pytest.mark.parametrize(
    ("count", "yes_cost", "no_cost", "profit"),
    [("168.00", "97.08", "151.34", "-80.42"), ("189.00", "96.52", "165.55", "-73.07")],
)
def test_netted_pairs_count_a_dollar_each_in_a_settlement_row(count, yes_cost, no_cost, profit):
    row = settlement(
        yes_count_fp=count,
        no_count_fp=count,
        yes_total_cost_dollars=yes_cost,
        no_total_cost_dollars=no_cost,
        revenue=0,
    )
    assert settlement_gross_pnl(row) == Decimal(profit)


def test_a_larger_opposite_fill_flips_the_position():
    held = fifo_position([fill("bid", "10", "0.60"), fill("ask", "15", "0.65")])
    assert (held.net, held.side, held.realized_pnl) == (-5, Side.NO, Decimal("0.50"))
    assert held.cost_basis == Decimal("1.75")
    assert held.cash == Decimal("-6.00") + Decimal("4.75")


def test_the_oldest_contracts_are_sold_first():
    held = fifo_position([fill("bid", "5", "0.50"), fill("bid", "5", "0.60"), fill("ask", "5", "0.65")])
    assert (held.realized_pnl, held.cost_basis) == (Decimal("0.75"), Decimal("3.00"))


def test_no_contracts_bought_at_one_price_are_closed_by_a_bid_at_another():
    held = fifo_position([fill("ask", "8", "0.70"), fill("bid", "3", "0.60")])
    assert (held.net, held.cost_basis) == (-5, Decimal("1.50"))
    assert held.realized_pnl == 3 * (Decimal("0.40") - Decimal("0.30"))


def test_a_position_closed_exactly_is_flat_and_can_open_either_side():
    flat = fifo_position([fill("bid", "2.50", "0.60"), fill("ask", "2.50", "0.65")])
    assert (flat.net, flat.side, flat.cost_basis, flat.lots) == (0, None, 0, ())
    assert fifo_position([fill("ask", "1", "0.90")], flat).side is Side.NO


def test_nothing_held_settles_to_nothing():
    assert settle_lots(FifoPosition(), Decimal(1)) == FifoPosition()


def test_a_scalar_result_pays_yes_its_value_and_no_the_rest():
    yes = settle_lots(fifo_position([fill("bid", "10", "0.60")]), Decimal("0.37"))
    no = settle_lots(fifo_position([fill("ask", "10", "0.60")]), Decimal("0.37"))
    assert (yes.realized_pnl, no.realized_pnl) == (Decimal("-2.30"), Decimal("2.30"))


histories = st.lists(
    st.tuples(
        st.sampled_from(["bid", "ask"]),
        st.integers(min_value=1, max_value=5_000),
        st.integers(min_value=1, max_value=9_999),
        st.integers(min_value=0, max_value=99_999),
    ).map(
        lambda row: fill(
            row[0], Decimal(row[1]) / 100, Decimal(row[2]) / 10_000, fee=str(Decimal(row[3]) / 10_000)
        )
    ),
    max_size=25,
)


@given(histories, st.integers(min_value=0, max_value=10_000))
def test_after_settlement_cash_is_profit_less_fees_whatever_happened(history, value):
    end = settle_lots(fifo_position(history), Decimal(value) / 10_000)
    assert end.cash == end.realized_pnl - end.fees_paid


@given(histories, st.integers(min_value=0, max_value=10_000))
def test_profit_is_what_each_fill_won_against_the_result(history, value):
    value = Decimal(value) / 10_000
    end = settle_lots(fifo_position(history), value)
    signs = {BookSide.BID: 1, BookSide.ASK: -1}
    won = sum((signs[row.book_side] * row.count * (value - row.yes_price) for row in history), Decimal(0))
    assert end.realized_pnl == won


@given(histories)
def test_the_position_is_the_sum_of_the_fills_and_only_one_side_is_held(history):
    held = fifo_position(history)
    signs = {BookSide.BID: 1, BookSide.ASK: -1}
    assert held.net == sum((signs[row.book_side] * row.count for row in history), Decimal(0))
    assert (held.side is None) == (held.net == 0)
    assert all(lot.count > 0 and 0 < lot.price < 1 for lot in held.lots)


@given(histories, st.booleans())
def test_the_settlement_row_agrees_with_the_fills(history, yes_wins):
    held = fifo_position(history)
    bought = {
        side: [row for row in history if row.book_side is book_side]
        for side, book_side in ((Side.YES, BookSide.BID), (Side.NO, BookSide.ASK))
    }
    payout = held.count if held.side is (Side.YES if yes_wins else Side.NO) else Decimal(0)
    row = Settlement(
        ticker="KX-1",
        event_ticker="KX",
        result=MarketResult.YES if yes_wins else MarketResult.NO,
        yes_count=sum((fill.count for fill in bought[Side.YES]), Decimal(0)),
        yes_cost=sum((fill.count * fill.yes_price for fill in bought[Side.YES]), Decimal(0)),
        no_count=sum((fill.count for fill in bought[Side.NO]), Decimal(0)),
        no_cost=sum((fill.count * (1 - fill.yes_price) for fill in bought[Side.NO]), Decimal(0)),
        revenue=payout,
        fees=held.fees_paid,
        settled_at=settlement().settled_at,
        value=Decimal(yes_wins),
    )
    assert settlement_net_pnl(row) == settle_lots(held, Decimal(yes_wins)).cash


# --- Closed lots ---------------------------------------------------------------------------------


def test_every_closed_lot_knows_both_fills_and_its_share_of_their_fees():
    opened, closed = fill("bid", "10", "0.60", fee="0.30"), fill("ask", "4", "0.65", fee="0.08")
    held = fifo_position([opened, closed])
    (lot,) = held.closed
    assert (lot.side, lot.count, lot.entry_price, lot.exit_price) == (
        Side.YES,
        4,
        Decimal("0.60"),
        Decimal("0.65"),
    )
    assert (lot.open_fees, lot.close_fees) == (Decimal("0.12"), Decimal("0.08"))
    assert (lot.opened_by, lot.closed_by) == (opened, closed)
    assert held.lots[0].fees == Decimal("0.18")


def test_a_flip_splits_its_fee_between_what_it_closed_and_what_it_opened():
    held = fifo_position([fill("bid", "10", "0.60"), fill("ask", "15", "0.65", fee="0.30")])
    assert held.closed[0].close_fees == Decimal("0.20")
    assert held.lots[0].fees == Decimal("0.10")


def test_a_payout_that_differs_falls_on_the_newest_lot():
    held = fifo_position([fill("bid", "1", "0.40"), fill("bid", "2", "0.50")])
    first, last = settle_lots(
        held, Decimal("0.37"), payout=Decimal("1.10"), rounding_fee=Decimal("0.01")
    ).closed
    assert (first.proceeds, first.close_fees) == (Decimal("0.37"), 0)
    assert (last.proceeds, last.close_fees) == (Decimal("0.73"), Decimal("0.01"))
    assert last.closed_by is None


@given(histories, st.integers(min_value=0, max_value=10_000))
def test_closed_lots_and_open_ones_account_for_every_contract_and_every_fee(history, value):
    held = fifo_position(history)
    end = settle_lots(held, Decimal(value) / 10_000)
    assert sum((lot.realized_pnl for lot in end.closed), Decimal(0)) == end.realized_pnl
    closed_fees = sum((lot.open_fees + lot.close_fees for lot in held.closed), Decimal(0))
    assert closed_fees + sum((lot.fees for lot in held.lots), Decimal(0)) == held.fees_paid
    # Every closed contract was bought once on each side.
    closed = sum((lot.count for lot in held.closed), Decimal(0))
    assert 2 * closed + held.count == sum((row.count for row in history), Decimal(0))
    assert all(lot.open_fees >= 0 and lot.close_fees >= 0 for lot in end.closed)


@given(histories, st.integers(min_value=0, max_value=25))
def test_going_on_from_an_earlier_position_is_the_same_as_from_the_beginning(history, cut):
    assert fifo_position(history[cut:], fifo_position(history[:cut])) == fifo_position(history)
