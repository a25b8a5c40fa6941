"""Test the comparison of the account with the exchange's own figures.

Matches are counted, differences are shown.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal as D

import pytest
from model_factory import MARKET, NOW, fill, order, position, settlement, snapshot

from kalshi_trading.core.models import Balance, BookSide, Transfer
from kalshi_trading.core.results import Fetched
from kalshi_trading.portfolio.cross_check import average_cost, check_account
from kalshi_trading.portfolio.ledger import market_ledger
from kalshi_trading.portfolio.snapshot import PositionPnl

BID, ASK = BookSide.BID, BookSide.ASK
FILLS = (
    fill(BID, "5", "0.50", fee="0.10"),
    fill(BID, "5", "0.60", fee="0.10"),
    fill(ASK, "5", "0.65", fee="0.05"),
)
REPORTED = replace(position("5", "3.00"), realized_pnl=D("0.75"), fees_paid=D("0.25"))
CASH = D("100") - D("5.50") + D("3.25") - D("0.25")  # both purchases, the sale, the fees


def transfer(amount, *, fee="0", status="applied"):
    return Transfer("t", status, "ach", D(amount), D(fee), NOW)


def account(reported=REPORTED, fills=FILLS):
    return market_ledger(MARKET.ticker, fills, position=reported, settlement=None)


PAID_IN = (transfer("100"),)


def held(reported=REPORTED, *, cash=CASH, deposits=PAID_IN, **parts):
    row = PositionPnl(reported, MARKET, None, account(reported))
    return snapshot(
        row,
        balance=Fetched(Balance(cash, D(0), NOW, ())),
        deposits=Fetched(deposits),
        **parts,
    )


def test_an_account_that_adds_up_says_how_much_was_compared():
    check = check_account(held())
    assert (check.compared, check.differences, check.not_compared) == (5, (), ())


@pytest.mark.parametrize(
    ("changed", "what", "ours", "theirs", "hint"),
    [
        ({"fees_paid": D("0.26")}, "fees", D("0.25"), D("0.26"), "rebate"),
        ({"realized_pnl": D("0.70")}, "realized P&L", D("0.75"), D("0.70"), "may not count cost first in"),
        ({"cost_basis": D("2.90")}, "cost", D("3.00"), D("2.90"), "may not count cost first in"),
    ],
)
def test_a_difference_is_shown_with_both_numbers_and_a_hint(changed, what, ours, theirs, hint):
    check = check_account(held(replace(REPORTED, **changed)))
    (found,) = check.differences
    assert (found.what, found.ours, found.theirs) == (f"{MARKET.ticker} {what}", ours, theirs)
    assert found.difference == ours - theirs
    assert hint in found.hint


def test_an_exchange_that_averages_is_recognised():
    averaged = replace(REPORTED, cost_basis=D("2.75"), realized_pnl=D("0.50"))
    check = check_account(held(averaged))
    assert [row.what.partition(" ")[2] for row in check.differences] == ["cost", "realized P&L"]
    assert all("average cost" in row.hint for row in check.differences)


def test_a_position_that_differs_is_not_repeated_in_dollars_and_leaves_the_cash_open():
    check = check_account(held(replace(REPORTED, net=D(4))))
    (found,) = check.differences
    assert (found.ours, found.theirs) == (5, 4)
    assert "fills are missing" in found.hint
    assert check.not_compared == (f"cash: fills do not add up in 1 market, {MARKET.ticker} first",)


def test_a_settled_market_is_compared_with_its_row():
    row = replace(settlement(yes=("10", "5.50"), no=("5", "1.75"), revenue="5.00"), fees=D("0.25"))
    won = replace(row, result="yes", value=D(1))
    fine = market_ledger(MARKET.ticker, FILLS, position=None, settlement=won)
    cheated = market_ledger(MARKET.ticker, FILLS, position=None, settlement=replace(won, yes_cost=D("5.40")))
    for kept, differences in ((fine, 0), (cheated, 1)):
        check = check_account(snapshot(ledgers={kept.ticker: kept}, settlements=Fetched((won,))))
        assert len([row for row in check.differences if row.what != "cash"]) == differences


# --- Cash ----------------------------------------------------------------------------------------


def test_cash_is_every_fill_payout_and_transfer():
    moved = (transfer("100"), transfer("7", status="pending"), transfer("9", status="failed"))
    taken = (transfer("20", fee="0.50"), transfer("3", status="returned"))
    check = check_account(held(cash=CASH - D("20.50"), deposits=moved, withdrawals=Fetched(taken)))
    assert check.differences == ()


def test_a_withdrawal_on_its_way_has_left_the_cash():
    check = check_account(held(cash=CASH - 20, withdrawals=Fetched((transfer("20", status="pending"),))))
    assert check.differences == ()


def test_cash_with_or_without_collateral_of_resting_orders_both_agree():
    resting = Fetched((order(BID, "0.40", count="10"),))
    assert check_account(held(cash=CASH, resting=resting)).differences == ()
    assert check_account(held(cash=CASH - 4, resting=resting)).differences == ()
    (found,) = check_account(held(cash=CASH - 1, resting=resting)).differences
    assert (found.what, found.difference) == ("cash", 1)


def test_cash_below_the_hundredth_of_a_cent_is_cut_as_the_exchange_cuts_it():
    odd = replace(order(BID, "0.4321", count="0.33"))  # collateral of $0.142593
    assert check_account(held(cash=CASH - D("0.1426"), resting=Fetched((odd,)))).differences == ()


@pytest.mark.parametrize(
    ("cash", "rows", "hint"),
    [
        (
            CASH - 2,
            (transfer("100"), transfer("0", fee="2", status="failed")),
            "your deposit and withdrawal fees",
        ),
        (CASH + 7, (transfer("100"), transfer("7", status="pending")), "pending"),
        (CASH + 1, (transfer("100"),), "interest"),
    ],
)
def test_a_difference_in_cash_names_what_it_may_be(cash, rows, hint):
    (found,) = check_account(held(cash=cash, deposits=rows)).differences
    assert hint in found.hint


@pytest.mark.parametrize("part", ["fills", "positions", "settlements"])
def test_what_could_not_be_read_is_named_and_nothing_is_compared(part):
    check = check_account(held(**{part: Fetched(None, "not for this key")}))
    assert (check.compared, check.differences) == (0, ())
    assert "not for this key" in check.not_compared[0]


@pytest.mark.parametrize("part", ["deposits", "withdrawals", "balance"])
def test_without_what_the_cash_needs_the_markets_are_compared_all_the_same(part):
    whole = replace(held(), **{part: Fetched(None, "not for this key")})
    check = check_account(whole)
    assert check.compared == 4
    assert check.not_compared == ("cash: not for this key",)


def test_the_average_cost_takes_its_share_at_every_close_and_starts_anew_after_a_flip():
    assert average_cost(account()) == D("2.75")
    flipped = (fill(BID, "10", "0.60"), fill(ASK, "15", "0.65"))
    assert average_cost(account(position("-5", "1.75"), flipped)) == D("1.75")


def test_cash_is_not_compared_while_it_is_unknown_what_resting_orders_hold():
    check = check_account(held(cash=CASH - 4, resting=Fetched(None, "HTTP 500")))
    assert check.differences == ()
    assert check.not_compared == ("cash: amount held by open orders unknown. HTTP 500",)


def test_what_a_fill_between_two_answers_may_make_says_to_read_again():
    for changed in (held(cash=CASH - 1), held(replace(REPORTED, net=D(4)))):
        (found,) = check_account(changed).differences
        assert "moments apart: refresh" in found.hint


def test_the_average_is_no_reason_where_it_is_what_first_in_first_out_gives():
    even = (fill(BID, "5", "0.60"), fill(BID, "5", "0.60"), fill(ASK, "5", "0.65"))
    reported = replace(position("5", "3.00"), realized_pnl=D("0.20"))
    row = PositionPnl(reported, MARKET, None, account(reported, even))
    check = check_account(snapshot(row, balance=Fetched(None, "away")))
    (found,) = check.differences
    assert "average cost" not in found.hint
