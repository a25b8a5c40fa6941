"""Test one market's ledger: published example, gaps, rebuilt settlements."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal as D

import pytest
from model_factory import MARKET, NOW, fill, position, settlement

from kalshi_trading.core.models import BookSide, MarketResult, Side
from kalshi_trading.core.pnl import oldest_first
from kalshi_trading.core.tickers import event_of, series_of
from kalshi_trading.portfolio.explain.market import (
    explain_cash,
    explain_fees,
    explain_realized,
    explain_settlement,
)
from kalshi_trading.portfolio.ledger import market_ledger, rebuild_settlement

TICKER = MARKET.ticker
BID, ASK = BookSide.BID, BookSide.ASK
WALK = (fill(BID, "10", "0.60", fee="0.1680"), fill(ASK, "4", "0.65", fee="0.0637"))


def account(fills=WALK, *, held=None, settled=None, missing=None):
    return market_ledger(TICKER, fills, position=held, settlement=settled, missing=missing)


def won(**changes):
    row = settlement(yes=("10", "6.00"), no=("4", "1.40"), revenue="6.00")
    return replace(row, result=MarketResult.YES, value=D(1), fees=D("0.2317"), **changes)


def test_the_walk_before_its_settlement():
    kept = account(held=position("6", "3.60"))
    assert (kept.fifo.net, kept.fifo.cost_basis) == (6, D("3.60"))
    assert (kept.realized_by_trading, kept.realized_by_settlement) == (D("0.20"), 0)
    assert (kept.fees_paid, kept.net_pnl, kept.mismatch) == (D("0.2317"), D("-0.0317"), None)


def test_fills_of_several_subaccounts_are_no_single_position():
    """Each subaccount has its own position. The exchange's row covers one."""
    elsewhere = [replace(each, fill_id=f"{each.fill_id}-2", subaccount=2) for each in WALK]
    mixed = account([*WALK, *elsewhere], held=position("12", "7.20"))
    assert mixed.mismatch == "fills belong to several subaccounts"
    assert account(elsewhere, held=position("6", "3.60")).mismatch is None
    assert account([replace(WALK[0], subaccount=0), WALK[1]], held=position("6", "3.60")).mismatch is None


@pytest.mark.parametrize(
    ("row", "by_settlement", "total", "net"),
    [
        (won(), "2.40", "2.60", "2.3683"),
        (
            replace(won(), result=MarketResult.NO, value=D(0), revenue=D(0)),
            "-3.60",
            "-3.40",
            "-3.6317",
        ),
    ],
)
def test_the_walk_settles_either_way(row, by_settlement, total, net):
    kept = account(settled=row)
    assert (kept.realized_by_trading, kept.realized_by_settlement) == (D("0.20"), D(by_settlement))
    assert (kept.realized_pnl, kept.net_pnl) == (D(total), D(net))
    assert kept.fifo.cash == D(net)
    assert kept.mismatch is None


@pytest.mark.parametrize(
    ("count", "yes_cost", "no_cost", "profit"),
    [("168", "97.08", "151.34", "-80.42"), ("189", "96.52", "165.55", "-73.07")],
)
def test_the_two_real_rows_lost_what_their_pairs_cost_beyond_a_dollar(count, yes_cost, no_cost, profit):
    row = settlement(yes=(count, yes_cost), no=(count, no_cost), revenue="0")
    yes_price, no_price = D(yes_cost) / D(count), D(no_cost) / D(count)
    exact = [replace(WALK[0], count=D(count), yes_price=yes_price, fee=D(0))]
    exact.append(replace(WALK[1], count=D(count), yes_price=1 - no_price, fee=D(0)))
    kept = account(tuple(exact), settled=row)
    assert kept.mismatch is None
    assert kept.realized_pnl.quantize(D("0.000001")) == D(profit)
    assert kept.realized_by_settlement == 0  # all of it was lost in trading
    assert explain_settlement(row, kept).total == D(profit)


# --- Gaps ----------------------------------------------------------------------------------------


def test_a_missing_fill_is_a_gap_and_the_exchange_s_figures_stand_instead():
    reported = replace(position("6", "3.60"), realized_pnl=D("0.20"), fees_paid=D("0.2317"))
    kept = account(WALK[:1], held=reported)
    assert kept.mismatch == "fills add up to 10 contracts, the exchange shows 6"
    assert (kept.realized_pnl, kept.fees_paid) == (D("0.20"), D("0.2317"))
    assert explain_realized(kept).total == D("0.20")
    assert "fills add up to 10 contracts" in explain_realized(kept).caution
    assert explain_fees(kept).total == D("0.2317")


@pytest.mark.parametrize("row", [won(), won(yes_count=D(6), yes_cost=D("3.60"), no_count=D(0), no_cost=D(0))])
def test_a_row_may_count_all_contracts_ever_bought_or_those_held_at_the_end(row):
    assert account(settled=row).mismatch is None
    assert account(settled=row).realized_pnl == D("2.60")


@pytest.mark.parametrize(
    "fills", [(fill(BID, "6", "0.60"),), (fill(BID, "8", "0.60"), fill(ASK, "2", "0.65"))]
)
def test_fills_that_net_to_the_same_but_bought_less_are_a_gap_at_settlement(fills):
    kept = account(fills, settled=won())
    assert "the settlement shows 10" in kept.mismatch
    assert kept.realized_pnl == D("2.60")  # from the row
    assert kept.uses_exchange_figures


def test_profit_without_any_fill_is_never_shown_as_none():
    flat = replace(position("0", "0"), realized_pnl=D("1.25"))
    assert account((), held=flat).realized_pnl == D("1.25")
    assert account((), held=position("0", "0")).mismatch is None


def test_a_market_the_exchange_no_longer_lists_must_be_flat():
    gone = account(WALK)
    assert gone.mismatch == "fills add up to 6 contracts, the exchange shows 0"
    # The exchange has no figures for it, so the fills' are used: an unknown is never zero.
    assert (gone.realized_by_trading, gone.fees_paid) == (D("0.20"), D("0.2317"))
    assert not gone.uses_exchange_figures
    flat = (*WALK, fill(ASK, "6", "0.70"))
    assert account(flat).mismatch is None


def test_what_could_not_be_read_is_the_reason_of_the_gap():
    kept = account(missing="the fills could not be read", held=position("6", "3.60"))
    assert kept.mismatch == "the fills could not be read"


# --- Scalar results and whole cents --------------------------------------------------------------


def scalar(value, revenue, fees="0"):
    row = settlement(yes=("2.53", "1.0120"), no=("0", "0"), revenue=revenue)
    return replace(row, result=MarketResult.SCALAR, value=D(value), fees=D(fees))


def test_a_payout_reported_in_whole_cents_counts_exactly():
    kept = account((fill(BID, "2.53", "0.40"),), settled=scalar("0.37", "0.93"))
    assert kept.realized_pnl == D("2.53") * D("0.37") - D("1.0120")
    assert kept.fifo.cash == D("2.53") * D("0.37") - D("1.0120")
    assert explain_cash(kept).total == kept.fifo.cash


def test_a_rounding_fee_in_the_row_is_what_the_payout_was_cut_by():
    cut = D("2.53") * D("0.37") - D("0.93")
    kept = account((fill(BID, "2.53", "0.40"),), settled=scalar("0.37", "0.93", str(cut)))
    assert kept.fees_paid == cut
    assert kept.fifo.cash == D("0.93") - D("1.0120")
    assert explain_fees(kept).total == cut
    assert explain_cash(kept).total == kept.fifo.cash


def test_a_payout_that_does_not_fit_its_value_is_believed():
    kept = account((fill(BID, "2.53", "0.40"),), settled=scalar("0.37", "0.50"))
    assert kept.realized_pnl == D("0.50") - D("1.0120")
    (line,) = explain_realized(kept).lines
    assert line.amount == kept.realized_pnl
    assert "paid $0.50" in line.text


# --- Rows rebuilt, names, order ------------------------------------------------------------------


def test_a_settlement_whose_row_is_gone_is_worked_out_from_the_market():
    market = replace(MARKET, result=MarketResult.YES, settlement_value=D(1), settled_at=NOW)
    row = rebuild_settlement(WALK, market)
    assert row == won(ticker=TICKER, settled_at=NOW)
    assert account(settled=row).net_pnl == D("2.3683")
    assert rebuild_settlement(WALK, MARKET) is None  # no result yet
    no = rebuild_settlement((fill(ASK, "2.53", "0.40"),), replace(market, settlement_value=D("0.37")))
    assert no.revenue == D("1.59")  # 2.53 · 63¢ = $1.5939, cut to whole cents


def test_an_event_and_a_series_are_named_by_their_markets():
    assert event_of("KXHIGHNY-26NOV21-B46.5") == "KXHIGHNY-26NOV21"
    assert series_of("KXHIGHNY-26NOV21") == "KXHIGHNY"
    assert event_of("ODD") == series_of("ODD") == "ODD"
    assert account(settled=won(event_ticker="KXOTHER-26")).event_ticker == "KXOTHER-26"


def test_fills_of_one_moment_keep_the_exchange_s_order_turned_round():
    first, second = fill(BID, "1", "0.50"), fill(ASK, "1", "0.60")
    later = replace(first, created_at=NOW + timedelta(seconds=1))
    assert oldest_first([later, second, first]) == [first, second, later]


def test_bought_counts_a_sale_as_buying_the_other_side():
    kept = account(held=position("6", "3.60"))
    assert (kept.bought_count(Side.YES), kept.bought_count(Side.NO)) == (10, 4)
