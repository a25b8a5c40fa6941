from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kalshi_trading.practice.accounting.ledger import FEES, HOUSE, Ledger, UnbalancedPostingError, cash, pot


def test_a_posting_moves_money_between_accounts() -> None:
    ledger = Ledger()
    ledger.post([(HOUSE, -500), (cash("ann"), 500)])
    ledger.post([(cash("ann"), -120), (pot("T"), 100), (FEES, 20)])
    assert ledger.balances() == {HOUSE: -500, cash("ann"): 380, pot("T"): 100, FEES: 20}
    assert ledger.total() == 0


def test_an_unbalanced_posting_is_refused_whole() -> None:
    ledger = Ledger({HOUSE: -5, cash("ann"): 5})
    with pytest.raises(UnbalancedPostingError):
        ledger.post([(cash("ann"), -5), (HOUSE, 4)])
    assert ledger.balances() == {HOUSE: -5, cash("ann"): 5}


def test_an_account_never_posted_to_holds_nothing() -> None:
    assert Ledger().balance(cash("unknown")) == 0


names = st.sampled_from([HOUSE, FEES, cash("ann"), cash("bob"), pot("T")])


@given(st.lists(st.lists(st.tuples(names, st.integers(-1000, 1000)), max_size=4)))
def test_whatever_is_posted_the_total_stays_zero(postings: list[list[tuple[str, int]]]) -> None:
    ledger = Ledger()
    for entries in postings:
        before = ledger.balances()
        try:
            ledger.post(entries)
        except UnbalancedPostingError:
            assert sum(amount for _, amount in entries) != 0
            assert ledger.balances() == before
        assert ledger.total() == 0
