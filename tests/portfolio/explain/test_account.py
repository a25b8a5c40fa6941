"""Test explanations of the account's totals.

The lines add up to the summary, or say what is missing.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal as D

import pytest
from hypothesis import given
from hypothesis import strategies as st
from model_factory import BOOK, MARKET, NOW, QUADRATIC, fill, held, order, position, settlement, snapshot

from kalshi_trading.core.models import Balance, BookSide
from kalshi_trading.core.results import Fetched
from kalshi_trading.core.valuation import liquidate
from kalshi_trading.portfolio.explain.account import (
    explain_all_cash,
    explain_all_costs,
    explain_exposure,
    explain_liquidation,
    explain_open,
    explain_today,
    explain_value,
)
from kalshi_trading.portfolio.explain.market import explain_cost, explain_fees, explain_realized
from kalshi_trading.portfolio.ledger import market_ledger
from kalshi_trading.portfolio.snapshot import PortfolioSnapshot

BID, ASK = BookSide.BID, BookSide.ASK
MIDNIGHT = NOW - timedelta(hours=15)
YESTERDAY = NOW - timedelta(days=1)
AWAY: Fetched[object] = Fetched(None, "HTTP 500")

COUNTS = st.decimals(-500, 500, places=2)
COSTS = st.decimals(0, 400, places=4)


def account_of(rows: list[tuple[D, D]], **parts: object) -> PortfolioSnapshot:
    """Return a snapshot of positions with these counts and costs.

    Each position has its liquidation into the book.
    """
    positions = [held(str(net), str(cost), ticker=f"KX{n}-E-M") for n, (net, cost) in enumerate(rows)]
    sold = (replace(row, liquidation=liquidate(row.position.net, BOOK, QUADRATIC)) for row in positions)
    return snapshot(*sold, **parts)


@given(st.lists(st.tuples(COUNTS, COSTS), max_size=5))
def test_what_is_held_adds_up_to_every_number_of_the_summary(rows: list[tuple[D, D]]) -> None:
    account = account_of(rows)
    pairs = (
        (explain_value, account.value_at_mark),
        (explain_open, account.unrealized_pnl),
        (explain_liquidation, account.liquidation_value),
        (explain_exposure, account.worst_loss),
        (explain_all_costs, sum(row.cost_basis for row in account.held)),
    )
    for explain, number in pairs:
        explanation = explain(account)
        assert (explanation.total, explanation.caution) == (number, None)


def test_today_is_what_every_market_earned_since_midnight_after_fees() -> None:
    """Buy yesterday for a 10¢ fee, sell today 5¢ higher for a 2¢ fee."""
    bought = fill(BID, "10", "0.60", fee="0.10", at=YESTERDAY)
    row = held("6", "3.60", bought, fill(ASK, "4", "0.65", fee="0.02"))
    idle = held("1", "0.50", fill(BID, "1", "0.50", ticker="KX-B", at=YESTERDAY), ticker="KX-B")
    account = snapshot(row, idle)
    explanation = explain_today(account, MIDNIGHT)
    assert [(line.text, line.amount) for line in explanation.lines] == [(MARKET.ticker, D("0.18"))]
    assert explanation.total == account.realized_since(MIDNIGHT).net  # type: ignore[union-attr]


@pytest.mark.parametrize("part", ["positions", "settlements", "fills"])
def test_today_is_not_explained_where_a_list_it_needs_is_missing(part: str) -> None:
    account = snapshot(held("6", "3.60", fill(BID, "6", "0.60", fee="0.1")), **{part: AWAY})
    explanation = explain_today(account, MIDNIGHT)
    assert explanation.lines == ()
    assert "HTTP 500" in (explanation.caution or "")


def test_a_position_without_a_mark_is_left_out_and_counted() -> None:
    known, unknown = held("6", "3.60"), held("2", "1", market=None, ticker="KX-B")
    account = snapshot(known, unknown)
    for explain, amount in ((explain_value, D("3.78")), (explain_open, D("0.18"))):
        explanation = explain(account)
        assert (explanation.total, explanation.caution) == (
            amount,
            "Incomplete: no best bid for 1 of 2 positions.",
        )
    assert "no known book or fees for 2 of 2 positions" in (explain_liquidation(account).caution or "")


def test_what_cannot_be_read_is_no_explanation_of_zero() -> None:
    whole = account_of([(D(6), D("3.60"))], positions=AWAY)
    for explain in (explain_value, explain_open, explain_liquidation, explain_exposure, explain_all_costs):
        explanation = explain(whole)
        assert explanation.lines == ()
        assert explanation.caution == "Unknown: positions unavailable. HTTP 500"
    explanation = explain_exposure(account_of([(D(6), D("3.60"))], resting=AWAY))
    assert explanation.caution == "Unknown: open orders unavailable. HTTP 500"


def test_the_cash_is_not_led_to_the_balance_while_orders_are_unreadable() -> None:
    row = held("6", "3.60", fill(BID, "6", "0.60"))
    balance = Fetched(Balance(D("-3.60"), D(0), NOW, ()))
    explanation = explain_all_cash(snapshot(row, balance=balance, resting=AWAY))
    assert explanation.caution == "Amount held by open orders unknown. HTTP 500"
    resting = Fetched((order(BID, "0.12"),))
    assert explain_all_cash(snapshot(row, balance=balance, resting=resting)).caution is None


def test_without_a_balance_the_cash_says_so() -> None:
    assert explain_all_cash(snapshot(balance=AWAY)).caution == "Balance unavailable. HTTP 500"


# --- Markets that fills do not explain ------------------------------------------------------------


def test_in_a_gap_the_cost_is_the_number_on_the_page() -> None:
    row = held("5", "3.00", fill(BID, "6", "0.60"))
    assert row.ledger is not None
    explanation = explain_cost(row.ledger)
    assert [(line.text, line.amount) for line in explanation.lines] == [("exchange figure", row.cost_basis)]
    assert "fills add up to 6 contracts, the exchange shows 5" in (explanation.caution or "")
    whole = explain_all_costs(snapshot(row))
    assert whole.total == row.cost_basis
    assert "Fills do not add up in 1 market" in (whole.caution or "")


def test_a_market_without_any_row_is_explained_by_its_fills_and_says_that_they_are_incomplete() -> None:
    fills = fill(BID, "10", "0.60", fee="0.1"), fill(ASK, "4", "0.65", fee="0.02")
    alone = market_ledger(MARKET.ticker, fills, position=None, settlement=None)
    assert alone.mismatch is not None
    for explain, number in ((explain_realized, alone.realized_pnl), (explain_fees, alone.fees_paid)):
        explanation = explain(alone)
        assert explanation.total == number != 0
        assert explanation.caution == f"Incomplete: {alone.mismatch}."


def test_a_settled_market_still_listed_as_a_position_holds_nothing_that_cost() -> None:
    row = settlement(yes=("5", "3"), no=("0", "0"), revenue="0")
    fills = (fill(BID, "6", "0.60"),)
    ledger = market_ledger(MARKET.ticker, fills, position=position("5", "3.00"), settlement=row)
    assert ledger.uses_exchange_figures
    assert explain_cost(ledger).total == 0
