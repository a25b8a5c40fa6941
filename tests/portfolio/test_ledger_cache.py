"""Test the ledger cache: only changed markets are recomputed."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal as D

import pytest
from model_factory import MARKET, NOW, fill, position, settlement

from kalshi_trading.core.errors import KalshiAPIError
from kalshi_trading.core.models import BookSide, MarketResult
from kalshi_trading.core.results import Fetched
from kalshi_trading.portfolio.ledger_cache import LedgerCache

BID, ASK = BookSide.BID, BookSide.ASK
TICKER = MARKET.ticker
WALK = (fill(BID, "10", "0.60", fee="0.1680"), fill(ASK, "4", "0.65", fee="0.0637"))
PAID = replace(MARKET, result=MarketResult.YES, settlement_value=D(1), settled_at=NOW)
WON = replace(
    settlement(yes=("10", "6.00"), no=("4", "1.40"), revenue="6.00"),
    result=MarketResult.YES,
    value=D(1),
    fees=D("0.2317"),
)


class Reading:
    """A ledger cache with scripted market results."""

    def __init__(self):
        self.book = LedgerCache()
        self.results = {}
        self.asked = []

    def result_of(self, tickers):
        self.asked.append(list(tickers))
        if self.results is None:
            raise KalshiAPIError("not here")
        return self.results

    def account(self, fills=WALK, *, held=None, settled=None, missing=None):
        of_market = Fetched({TICKER: fills} if fills else {}) if not isinstance(fills, Fetched) else fills
        accounts = self.book.update(
            of_market,
            {TICKER: held} if held else {},
            {TICKER: settled} if settled else {},
            rows_missing=missing,
            result_of=self.result_of,
        )
        return accounts.get(TICKER)


@pytest.fixture
def reading():
    return Reading()


def test_an_account_of_which_nothing_changed_is_the_very_same(reading):
    row = position("6", "3.60")
    first = reading.account(held=row)
    assert reading.account(held=replace(row)) is first
    assert reading.account(held=replace(row, net=D(5))) is not first
    longer = (*WALK, fill(ASK, "6", "0.70"))
    assert reading.account(longer, held=replace(row, net=D(0))).fifo.net == 0
    assert reading.account(longer, settled=WON) is not first


def test_a_new_fill_counts_although_the_position_row_lags(reading):
    row = position("6", "3.60")
    assert reading.account(held=row).mismatch is None
    late = reading.account((*WALK, fill(ASK, "6", "0.70")), held=row)
    assert late.mismatch == "fills add up to 0 contracts, the exchange shows 6"


def test_a_reason_that_rows_are_missing_changes_the_account(reading):
    assert reading.account(held=position("6", "3.60")).mismatch is None
    gone = reading.account(missing="positions could not be read")
    assert gone.mismatch == "positions could not be read"


def test_a_settlement_whose_row_is_gone_is_rebuilt_from_the_market_s_result(reading):
    reading.results = {TICKER: PAID}
    assert reading.account().net_pnl == D("2.3683")
    assert reading.account().net_pnl == D("2.3683")
    assert reading.asked == [[TICKER]]  # a result is final


def test_a_fill_that_shows_up_after_the_rebuilding_is_in_it(reading):
    reading.results = {TICKER: PAID}
    reading.account()
    late = (*WALK, fill(BID, "2", "0.70"))
    assert reading.account(late).mismatch is None
    assert reading.account(late).realized_pnl == D("2.60") + 2 * D("0.30")


def test_the_exchange_s_own_row_comes_before_what_was_rebuilt(reading):
    reading.results = {TICKER: replace(PAID, settlement_value=D("0.5"), result=MarketResult.SCALAR)}
    assert reading.account().realized_pnl == D("-0.40")
    assert reading.account(settled=WON).realized_pnl == D("2.60")


def test_a_market_without_a_result_yet_stays_a_gap_and_is_asked_for_again(reading):
    reading.results = {TICKER: MARKET}
    for _ in range(2):
        assert "the exchange shows 0" in reading.account().mismatch
    assert reading.asked == [[TICKER]] * 2


@pytest.mark.parametrize("results", [{}, {"KXSOMETHING-ELSE": PAID}, None])
def test_an_odd_answer_to_the_question_for_results_breaks_nothing(reading, results):
    reading.results = results
    kept = reading.account()
    assert kept.mismatch is not None
    assert kept.realized_by_trading == D("0.20")


def test_without_fills_those_of_the_last_reading_are_better_than_none(reading):
    flat = (*WALK, fill(ASK, "6", "0.70"))
    assert reading.account(flat).realized_pnl == D("0.20") + 6 * D("0.10")
    kept = reading.account(Fetched(None, "not here"))
    assert (kept.realized_pnl, kept.mismatch) == (D("0.80"), "not here")


def test_nothing_is_asked_for_what_is_flat_or_listed(reading):
    reading.account((*WALK, fill(ASK, "6", "0.70")))
    reading.account(held=position("6", "3.60"))
    reading.account(settled=WON)
    assert reading.asked == []
