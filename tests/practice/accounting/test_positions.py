from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from kalshi_trading.practice.accounting.positions import apply_fill, closable, exposure, settle
from kalshi_trading.practice.records import BookSide, Position

BID, ASK = BookSide.BID, BookSide.ASK


def position(*fills: tuple[BookSide, int, int]) -> Position:
    """Build a position from fills of whole contracts at whole cents."""
    result = Position("ann", "T")
    for side, cents, contracts in fills:
        apply_fill(result, side, cents * 100, contracts * 100)
    return result


def cents(amount: int) -> int:
    return amount * 10_000


def test_buying_yes_then_four_no_leaves_six_yes_and_twenty_cents_realized() -> None:
    after = position((BID, 60, 10), (ASK, 65, 4))
    assert after.count == 600
    assert exposure(after) == cents(360)
    assert after.realized_pnl == cents(20)
    assert (after.yes_bought, after.yes_cost) == (1000, cents(600))
    assert (after.no_bought, after.no_cost) == (400, cents(140))


def test_an_order_larger_than_the_position_flips_it() -> None:
    after = position((BID, 60, 10), (ASK, 65, 15))
    assert after.count == -500
    assert exposure(after) == cents(175)
    assert after.realized_pnl == cents(50)


def test_the_oldest_contracts_are_closed_first() -> None:
    after = position((BID, 50, 5), (BID, 60, 5), (ASK, 65, 5))
    assert after.realized_pnl == cents(75)
    assert exposure(after) == cents(300)


def test_no_contracts_closed_by_a_bid_realize_in_no_prices() -> None:
    after = position((ASK, 65, 10), (BID, 60, 10))  # NO bought at 0.35, sold at 0.40
    assert after.count == 0
    assert after.lots == []
    assert after.realized_pnl == cents(50)


def test_netted_pairs_are_what_the_fill_closed() -> None:
    held = position((BID, 60, 10))
    assert closable(held, ASK) == 1000
    assert closable(held, BID) == 0
    assert apply_fill(held, ASK, 6500, 1500) == 1000


def test_settlement_pays_yes_its_value_and_no_the_rest() -> None:
    yes, no = position((BID, 60, 6)), position((ASK, 65, 4))
    assert settle(yes, 10_000, 0) == cents(600)
    assert yes.realized_pnl == cents(240)
    assert settle(no, 2_500, 0) == cents(300)
    assert no.realized_pnl == cents(160)
    assert (yes.count, yes.lots, yes.settled) == (0, [], True)


fills = st.lists(
    st.tuples(st.sampled_from(list(BookSide)), st.integers(1, 9_999), st.integers(1, 5_000)), max_size=30
)


@given(fills, st.integers(0, 10_000))
def test_realized_profit_is_all_money_back_minus_all_money_spent(
    history: list[tuple[BookSide, int, int]], value: int
) -> None:
    held = Position("ann", "T")
    cash = 0
    for side, price, count in history:
        pairs = apply_fill(held, side, price, count)
        cash += pairs * 10_000 - (price if side is BID else 10_000 - price) * count
        assert sum(lot.count for lot in held.lots) == abs(held.count)
        assert held.realized_pnl == cash + exposure(held)
    assert min(held.yes_bought, held.no_bought) * 10_000 - held.yes_cost - held.no_cost == cash
    payout = settle(held, value, 0)
    assert held.realized_pnl == cash + payout
