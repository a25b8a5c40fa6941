"""The portfolio matches the exchange's ledger to the last digit.

The practice exchange computes its books with its own code from its own ledger. The portfolio reads the same
account through the public lists. Both must agree to the cent and far below.
"""

from __future__ import annotations

from decimal import Decimal as D

import proof
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from portfolio_histories import CENTS, SCALAR, TENTHS, Histories, History

from kalshi_trading.core.money import BALANCE_GRAIN, round_down
from kalshi_trading.core.valuation import Mark
from kalshi_trading.portfolio.cross_check import check_account
from kalshi_trading.portfolio.explain.market import explain_cash, explain_fees, explain_realized
from kalshi_trading.practice.records import BookSide, FeeType, TimeInForce

steps = st.tuples(
    st.booleans(),
    st.sampled_from([CENTS, CENTS, TENTHS, SCALAR]),
    st.sampled_from(list(BookSide)),
    st.integers(-4, 4),
    st.one_of(st.integers(1, 12).map(lambda whole: whole * 100), st.integers(1, 999)),
    st.sampled_from([TimeInForce.GOOD_TILL_CANCELED] * 3 + list(TimeInForce)),
    st.booleans(),
)
values = st.tuples(
    st.sampled_from([None, 0, 10_000]),
    st.sampled_from([None, 0, 10_000]),
    st.one_of(st.none(), st.integers(0, 100).map(lambda cents: cents * 100)),
)


@pytest.fixture(scope="module")
def histories():
    """One shared exchange, because creating it takes longer than a history."""
    exchange = Histories()
    yield exchange
    exchange.world.close()


@settings(max_examples=proof.CURRENT.portfolio_histories)
@given(
    fee_type=st.sampled_from(list(FeeType)),
    multiplier=st.sampled_from([0, 50, 100]),
    before=st.lists(steps, min_size=5, max_size=20),
    between=st.lists(steps, max_size=8),
    results=values,
    mark=st.sampled_from(list(Mark)),
)
def test_the_portfolio_is_the_exchange_s_ledger_to_the_last_digit(
    histories, fee_type, multiplier, before, between, results, mark
):
    history = histories.begin(fee_type, multiplier)
    for step in before:
        history.trade(step)
    assert_exact(history)  # the next reading continues from what this one cached
    for step in between:
        history.trade(step)
    for kind, value in enumerate(results):
        if value is not None:
            history.settle(kind, value)
    assert_exact(history)
    assert_marked(history, mark)


def assert_exact(history: History) -> None:
    """Compare all markets, totals and cash with the exchange's books."""
    snapshot, audit = history.portfolio(), history.world.audit(history.name)
    assert snapshot.ledgers.keys() == audit.markets.keys()
    for ticker, book in audit.markets.items():
        account = snapshot.ledgers[ticker]
        assert account.mismatch is None
        figures = {
            "position": account.fifo.net,
            "exposure": account.fifo.cost_basis,
            "realized_by_trading": account.realized_by_trading,
            "realized_by_settlement": account.realized_by_settlement,
            "fees": account.fees_paid,
            "cash": account.fifo.cash,
        }
        assert figures == {name: D(getattr(book, name)) for name in figures}
        assert explain_realized(account).total == account.realized_pnl
        assert explain_fees(account).total == account.fees_paid
        assert explain_cash(account).total == account.fifo.cash
    assert snapshot.realized.gross == D(audit.realized)
    assert snapshot.realized.fees == D(audit.fees)
    assert snapshot.collateral == D(audit.collateral)
    free = D(audit.cash) - D(audit.collateral)
    assert snapshot.balance.value.cash == round_down(free, BALANCE_GRAIN)  # the exchange reports it to 0.01¢
    check = check_account(snapshot)
    assert (check.differences, check.not_compared) == ((), ())
    assert check.compared >= len(audit.markets)


def assert_marked(history: History, mark: Mark) -> None:
    """Compare each position's value with the exchange's book.

    We value it contract by contract by the resting orders of other accounts.
    """
    snapshot = history.portfolio(mark)
    for row in snapshot.held:
        assert row.liquidation is not None
        assert row.liquidation.proceeds == proceeds_of(history, row.position.ticker, row.position.net)
        price = mark_of(history, row.position.ticker, row.position.net > 0, mark)
        assert row.mark == price
        if price is None:
            assert row.unrealized_pnl is None
        else:
            cost = D(history.world.audit(history.name).markets[row.position.ticker].exposure)
            assert row.unrealized_pnl == abs(row.position.net) * price - cost


def other_orders(history: History, ticker: str, side: BookSide) -> list[tuple[int, int]]:
    """Return YES price and count of other accounts' resting orders.

    The best comes first.
    """
    orders = history.exchange.resting(ticker, side)
    return [(order.price, order.remaining_count) for order in orders if order.account_id != history.name]


def proceeds_of(history: History, ticker: str, net: D) -> D:
    left, proceeds = int(abs(net) * 100), D(0)
    for price, count in other_orders(history, ticker, BookSide.BID if net > 0 else BookSide.ASK):
        taken = min(left, count)
        left -= taken
        proceeds += D(taken) / 100 * (D(price) if net > 0 else 10_000 - D(price)) / 10_000
    return proceeds


def mark_of(history: History, ticker: str, holds_yes: bool, mark: Mark) -> D | None:
    bids, asks = (other_orders(history, ticker, side) for side in (BookSide.BID, BookSide.ASK))
    yes: D | None
    if mark is Mark.LAST:
        last = history.exchange.markets[ticker].last_price
        yes = None if last is None else D(last)
    elif mark is Mark.MIDPOINT:
        yes = (D(bids[0][0]) + asks[0][0]) / 2 if bids and asks else None
    else:
        quotes = bids if holds_yes else asks
        yes = D(quotes[0][0]) if quotes else None
    if yes is None:
        return None
    return yes / 10_000 if holds_yes else 1 - yes / 10_000
