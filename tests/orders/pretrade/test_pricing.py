"""Previews against a separate calculation, one contract at a time.

Covers cost, fees, outcomes, closing contracts and the worst loss.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st
from market_factory import TAPERED, TICKER, book, levels, market
from model_factory import CENTS, NOW, QUADRATIC, order, position

from kalshi_trading.core.fees import fee_of_fill, fee_rate
from kalshi_trading.core.market_models import FeeSchedule, FeeType, OrderBook
from kalshi_trading.core.models import Action, BookSide, Side, TimeInForce
from kalshi_trading.orders.pretrade.context import (
    DataAge,
    DayTotals,
    InFlightOrder,
    OrderContext,
    cash_of_unseen,
)
from kalshi_trading.orders.pretrade.findings import Severity
from kalshi_trading.orders.pretrade.payoff import Bounds, Payoff
from kalshi_trading.orders.pretrade.pricing import build_preview, recheck, worst_price
from kalshi_trading.orders.pretrade.risk import Worse, what_is_worse
from kalshi_trading.orders.pretrade.ticket import OrderTicket
from kalshi_trading.settings.options import Limits

CLIENT_ORDER_ID = "0d9f6c3e-0001-4b7a-8e55-c0ffee000001"
EVERY_WAY = list(product(Action, Side))


def context(**changes):
    here = OrderContext(
        market=market(),
        book=book(),
        fees=QUADRATIC,
        cash=Decimal(1000),
        position=None,
        resting=(),
        recent=(),
        today=DayTotals(),
        at=NOW,
    )
    return replace(here, **changes)


def preview(action, side, count, price, *, here=None, limits=None, read_only=False, **ticket):
    wish = OrderTicket(
        TICKER, action, side, Decimal(count), None if price is None else Decimal(price), **ticket
    )
    return build_preview(
        wish,
        here or context(),
        limits=limits or Limits(),
        read_only=read_only,
        client_order_id=CLIENT_ORDER_ID,
    )


def rules(seen):
    return {finding.rule for finding in seen.findings}


# --- Single tickets, by hand ----------------------------------------------------------------------


def test_buying_ten_yes_at_the_ask():
    seen = preview(Action.BUY, Side.YES, "10", "0.65")
    assert (seen.cost, seen.walk.fills, seen.walk.left) == (Decimal("6.50"), levels(("0.65", "10")), 0)
    assert seen.expected_fee == Decimal("0.1593")  # 7% of 10 · 0.65 · 0.35, up to a hundredth of a cent
    assert seen.bounds == Bounds(Decimal("6.6600"), Decimal(0), Decimal("0.16"))
    assert (seen.held_before, seen.held_after) == (0, 10)
    assert seen.expected == Payoff(Decimal(0), Decimal("3.3407"), Decimal("-6.6593"))
    assert seen.worst == Payoff(Decimal(0), Decimal("3.34"), Decimal("-6.66"))
    assert seen.locked_in is None
    assert seen.findings == ()


def test_a_bid_below_the_market_rests_whole():
    seen = preview(Action.BUY, Side.YES, "10", "0.50")
    assert (seen.walk.fills, seen.walk.left, seen.cost) == ((), 10, Decimal("5.00"))
    assert (seen.expected_fee, seen.held_after) == (0, 10)
    assert seen.bounds.cost == Decimal("5.1750")  # it takes liquidity if the book moves before it arrives
    assert seen.request.time_in_force is TimeInForce.GOOD_TILL_CANCELED


def test_a_post_only_order_meets_nothing_even_where_it_would_cross():
    seen = preview(Action.BUY, Side.YES, "10", "0.65", post_only=True)
    assert (seen.walk.fills, seen.walk.left, seen.request.post_only) == ((), 10, True)


def test_what_is_confirmed_is_what_is_sent():
    seen = preview(Action.BUY, Side.NO, "2.5", "0.37")
    assert seen.sentence == seen.request.sentence
    assert seen.sentence == f"BUY 2.5 NO {TICKER} at 37¢, good till canceled"
    assert seen.request.client_order_id == CLIENT_ORDER_ID
    quick = preview(Action.SELL, Side.YES, "5", None, here=context(position=position("10", "6.00")))
    assert quick.sentence == f"SELL 5 YES {TICKER} at 58¢, immediate or cancel, reduce only"


def test_selling_what_is_held_costs_nothing_and_locks_its_profit_in():
    here = context(position=position("10", "6.00"))
    seen = preview(Action.SELL, Side.YES, "4", "0.63", here=here)
    assert (seen.cost, seen.held_before, seen.held_after) == (0, 10, 6)
    assert seen.locked_in == 4 * (Decimal("0.63") - Decimal("0.60"))


def test_buying_no_closes_yes_and_locks_the_same_profit_in():
    here = context(position=position("10", "6.00"))
    seen = preview(Action.BUY, Side.NO, "4", "0.37", here=here)
    assert (seen.cost, seen.held_after) == (0, 6)
    assert seen.locked_in == 4 * (Decimal("0.63") - Decimal("0.60"))


def test_selling_more_than_is_held_locks_in_the_first_fills_only():
    thin = book(yes=(("0.63", "10"), ("0.53", "10")))
    here = context(position=position("10", "6.00"), book=thin)
    seen = preview(Action.SELL, Side.YES, "20", "0.53", here=here)
    assert seen.locked_in == 10 * (Decimal("0.63") - Decimal("0.60"))
    assert (seen.cost, seen.held_after) == (10 * (1 - Decimal("0.53")), -10)
    assert "sale within position" in rules(seen)


def test_what_a_resting_sale_will_close_cannot_be_closed_twice():
    here = context(position=position("10", "6.00"), resting=(order("ask", "0.80", "10"),))
    again = preview(Action.SELL, Side.YES, "10", "0.70", here=here)
    assert again.cost == 10 * (1 - Decimal("0.70"))
    poor = replace(here, cash=Decimal("2.99"))
    assert "cash" in rules(preview(Action.SELL, Side.YES, "10", "0.70", here=poor))


def test_stacked_sales_of_one_position_run_into_the_market_limit():
    stack = tuple(order("ask", "0.70", "1000") for _ in range(5))
    here = context(position=position("1000", "600"), resting=stack, cash=Decimal(100_000))
    assert "loss per market" in rules(preview(Action.SELL, Side.YES, "1000", "0.70", here=here))


def test_a_market_sale_of_what_is_held_only_reduces_and_is_never_held_up_by_money():
    here = context(
        position=position("10", "6.00"),
        resting=(order("ask", "0.80", "10"),),
        cash=Decimal(0),
        today=DayTotals(Decimal(99_999), 999),
    )
    seen = preview(Action.SELL, Side.YES, "10", None, here=here)
    assert (seen.cost, seen.request.reduce_only, seen.is_denied) == (0, True, False)


def test_a_market_sale_beyond_the_position_may_open_and_does_not_claim_to_reduce():
    here = context(position=position("10", "6.00"))
    seen = preview(Action.SELL, Side.YES, "10.01", None, here=here)
    assert seen.request.reduce_only is False
    assert seen.cost > 0


def test_a_market_order_shows_only_what_is_there_and_cancels_the_rest():
    seen = preview(Action.BUY, Side.YES, "500", None)
    assert seen.request.price == Decimal("0.70")
    assert (seen.walk.filled, seen.walk.left) == (Decimal("280.5"), Decimal("219.5"))
    assert seen.expected_cost == Decimal("80.5") * Decimal("0.65") + 200 * Decimal("0.66")
    assert seen.expected.if_no == -seen.expected_cost - Decimal(
        "4.4236"
    )  # 1.2819625 for 80.5, 3.1416 for 200
    assert seen.worst.if_no == -500 * Decimal("0.70") - Decimal("7.35")
    assert seen.request.time_in_force is TimeInForce.IMMEDIATE_OR_CANCEL


def test_a_market_order_can_cost_its_worst_price_for_every_contract_although_few_are_offered():
    thin = context(book=book(no=(("0.35", "10"),)))
    seen = preview(Action.BUY, Side.YES, "1000", None, here=thin)
    assert (seen.cost, seen.expected_cost) == (Decimal("700.00"), Decimal("6.50"))
    assert (seen.bounds.cost, seen.expected_fee) == (Decimal("714.70"), Decimal("0.1593"))
    assert (seen.held_after, seen.cash_after) == (1000, Decimal("285.30"))
    assert "cost per order" in rules(seen)
    assert "cash" in rules(preview(Action.BUY, Side.YES, "1000", None, here=replace(thin, cash=Decimal(699))))
    spent = replace(thin, today=DayTotals(Decimal(4_301)))
    assert "bought per day" in rules(preview(Action.BUY, Side.YES, "1000", None, here=spent))


def test_a_market_order_that_first_closes_can_cost_only_what_it_opens():
    here = context(position=position("-4", "1.00"), book=book(no=(("0.35", "10"),)))
    seen = preview(Action.BUY, Side.YES, "100", None, here=here)
    assert (seen.cost, seen.expected_cost) == (96 * Decimal("0.70"), 6 * Decimal("0.65"))
    assert (seen.bounds.cost, seen.bounds.proceeds) == (Decimal("68.6112"), Decimal("1.1412"))


@pytest.mark.parametrize(
    ("action", "side", "price"),
    [(Action.SELL, Side.YES, "0.63"), (Action.BUY, Side.NO, "0.37")],  # 4 · 63¢, 4 · ($1 − 37¢)
)
def test_what_closes_brings_cash(action, side, price):
    here = context(position=position("10", "6.00"))
    seen = preview(action, side, "4", price, here=here)
    assert seen.cash_after == Decimal("1002.52") - Decimal("0.0656")


def test_an_order_that_turns_a_position_brings_and_takes_cash():
    here = context(position=position("10", "6.00"))
    seen = preview(Action.SELL, Side.YES, "15", "0.63", here=here)
    received, taken = 10 * Decimal("0.63"), 5 * Decimal("0.37")
    assert seen.cash_after == 1000 + received - taken - seen.bounds.added


def test_a_market_order_keeps_the_worst_price_the_user_has_seen():
    moved = context(book=book(no=(("0.31", "500"),)))
    seen = preview(Action.BUY, Side.YES, "10", None, here=moved, worst_price=Decimal("0.70"))
    assert seen.request.price == Decimal("0.70")


def test_a_price_of_zero_is_denied_and_never_becomes_a_market_price():
    seen = preview(Action.BUY, Side.YES, "10", "0")
    assert seen.request.price == 0
    assert seen.is_denied
    assert seen.ticket.is_market_order is False


@pytest.mark.parametrize(
    ("action", "side", "price", "own", "meets"),
    [
        (Action.BUY, Side.YES, "0.65", order("ask", "0.65", "5"), True),
        (Action.BUY, Side.YES, "0.65", order("ask", "0.64", "5"), True),
        (Action.BUY, Side.YES, "0.65", order("ask", "0.66", "5"), False),
        (Action.BUY, Side.YES, "0.65", order("bid", "0.65", "5"), False),
        (Action.BUY, Side.NO, "0.37", order("bid", "0.63", "5"), True),
        (Action.BUY, Side.NO, "0.37", order("bid", "0.62", "5"), False),
        (Action.SELL, Side.NO, "0.35", order("ask", "0.65", "5"), True),
        (Action.SELL, Side.NO, "0.35", order("ask", "0.66", "5"), False),
    ],
)
def test_an_order_that_would_meet_an_own_order_is_warned_of(action, side, price, own, meets):
    here = context(resting=(own,), cash=Decimal(10_000))
    assert ("own order" in rules(preview(action, side, "5000", price, here=here))) is meets
    assert "own order" not in rules(preview(action, side, "1", "0.02", here=here, post_only=True))


def test_contracts_of_our_own_are_not_there_for_us_and_end_the_order():
    """The exchange stops at our order.

    Others at its price may be behind it.
    """
    first = context(resting=(order("ask", "0.65", "5"),))
    seen = preview(Action.BUY, Side.YES, "1", "0.65", here=first)
    assert (seen.walk.fills, seen.walk.left, seen.walk.meets_own_at) == ((), 1, Decimal("0.65"))
    assert seen.expected_cost == 0  # a canceled rest never rests
    assert "own order" in rules(seen)
    second = context(resting=(order("ask", "0.66", "5"),))
    seen = preview(Action.BUY, Side.YES, "100", "0.67", here=second)
    assert (seen.walk.fills, seen.walk.left) == (levels(("0.65", "80.5")), Decimal("19.5"))
    assert seen.walk.meets_own_at == Decimal("0.66")
    enough = preview(Action.BUY, Side.YES, "80.5", "0.67", here=second)
    assert (enough.walk.meets_own_at, "own order" in rules(enough)) == (None, False)


def test_without_a_book_an_order_of_our_own_is_still_known_to_be_in_the_way():
    here = context(book=None, resting=(order("ask", "0.60", "5"),))
    assert preview(Action.BUY, Side.YES, "10", "0.65", here=here).walk.meets_own_at == Decimal("0.60")
    assert preview(Action.BUY, Side.YES, "10", "0.59", here=here).walk.meets_own_at is None


def test_what_closes_is_shown_by_its_proceeds():
    here = context(position=position("10", "6.00"))
    seen = preview(Action.SELL, Side.YES, "10", None, here=here)
    assert (seen.closing, seen.expected.proceeds, seen.worst.proceeds) == (
        10,
        Decimal("6.30"),
        Decimal("5.80"),
    )
    turned = preview(Action.BUY, Side.NO, "15", "0.37", here=here)
    assert (turned.closing, turned.expected.proceeds) == (10, Decimal("6.30"))


@pytest.mark.parametrize(
    ("offers", "worse"),
    [
        ((("0.35", "80.5"), ("0.34", "200")), False),
        ((("0.35", "500"),), False),  # a level that grew
        ((("0.36", "100"),), False),  # a better price
        ((("0.34", "100"),), False),  # a tick
        ((("0.33", "100"),), True),
        ((("0.35", "49"),), True),  # fewer fill
        ((), True),
    ],
)
def test_a_book_that_moved_is_worse_only_where_fewer_fill_or_at_more_than_a_tick_beyond(offers, worse):
    before = preview(Action.BUY, Side.YES, "50", "0.70")
    after = preview(Action.BUY, Side.YES, "50", "0.70", here=context(book=book(no=offers)))
    assert (Worse.EXPECTED in what_is_worse(before, after)) is worse


@pytest.mark.parametrize("kind", [FeeType.FLAT, FeeType.UNKNOWN])
def test_an_unknown_fee_leaves_the_outcomes_unknown_rather_than_too_good(kind):
    for fees in (FeeSchedule(kind, Decimal(1)), None):
        seen = preview(Action.BUY, Side.YES, "10", "0.65", here=context(fees=fees))
        assert (seen.bounds, seen.expected_fee, seen.cash_after) == (None, None, None)
        assert seen.expected == seen.worst == Payoff(Decimal(0), None, None)
        assert seen.cost == Decimal("6.50")


@pytest.mark.parametrize("there", [None, book(yes=(), no=())])
@pytest.mark.parametrize(("action", "side"), EVERY_WAY)
def test_without_a_book_a_market_order_is_denied_whatever_its_direction(there, action, side):
    seen = preview(action, side, "10", None, here=context(book=there))
    assert seen.is_denied
    assert seen.expected_cost == 0


def test_a_session_that_only_looks_denies_the_preview():
    assert preview(Action.BUY, Side.YES, "1", "0.65", read_only=True).is_denied


def test_the_same_input_gives_the_same_preview():
    first, second = (preview(Action.BUY, Side.YES, "10", "0.66") for _ in range(2))
    assert first == second


# --- Orders that the exchange's data does not show yet ---------------------------------------------


def unseen(book_side, yes_price, count):
    return InFlightOrder("ours", "", TICKER, BookSide(book_side), Decimal(yes_price), Decimal(count), NOW)


def test_an_order_that_is_not_shown_yet_uses_up_the_market_limit_as_a_resting_one_does():
    rich = context(cash=Decimal(10_000))
    here = replace(rich, unseen=(unseen("bid", "0.50", "1900"),))
    assert "loss per market" not in rules(preview(Action.BUY, Side.YES, "90", "0.55", here=here))
    denied = preview(Action.BUY, Side.YES, "91", "0.55", here=here)
    assert (denied.is_denied, rules(denied) >= {"loss per market"}) == (True, True)


def test_a_sale_that_is_not_shown_yet_cannot_be_made_twice():
    here = context(position=position("10", "6.00"), unseen=(unseen("ask", "0.80", "10"),))
    again = preview(Action.SELL, Side.YES, "10", "0.70", here=here)
    assert again.cost == 10 * (1 - Decimal("0.70"))
    (asked,) = [finding for finding in again.findings if finding.rule == "sale within position"]
    assert asked.message == (
        "You hold 10 YES; open or unconfirmed orders may already sell 10. Selling 10 more can open 10 NO."
    )
    assert "cash" in rules(
        preview(Action.SELL, Side.YES, "10", "0.70", here=replace(here, cash=Decimal("2.99")))
    )


def test_cash_that_an_unseen_order_may_take_cannot_be_spent_again():
    here = context(cash=Decimal("8.25"), unseen=(unseen("bid", "0.15", "10"),))
    seen = preview(Action.BUY, Side.YES, "10", "0.65", here=here)
    assert seen.cash_after == Decimal("8.25") - Decimal("1.50") - seen.bounds.cost
    assert not seen.is_denied
    denied = preview(Action.BUY, Side.YES, "10", "0.65", here=replace(here, cash=Decimal("7.99")))
    (cash,) = [finding for finding in denied.findings if finding.rule == "cash"]
    assert cash.severity is Severity.DENY
    assert cash.message == (
        "Not enough cash: need $6.50, have $6.49. Orders the exchange does not show yet are deducted."
    )


def test_more_than_all_cash_may_be_taken_and_none_is_left_then():
    here = context(cash=Decimal(1), unseen=(unseen("bid", "0.50", "10"),))
    assert here.free_cash == 0
    assert context(cash=None, unseen=here.unseen).free_cash is None


def test_data_that_is_older_than_the_newest_order_is_asked_about():
    here = context(data_age=DataAge(NOW, None))
    assert rules(preview(Action.BUY, Side.YES, "10", "0.65", here=here)) == {"data age"}


# --- Against a separate calculation ---------------------------------------------------------------

cents = st.integers(min_value=1, max_value=99)
sizes = st.integers(min_value=1, max_value=12)
half_books = st.dictionaries(st.integers(min_value=1, max_value=49), sizes, max_size=5)
holdings = st.one_of(
    st.none(),
    st.tuples(st.integers(min_value=-15, max_value=15).filter(bool), cents).map(
        lambda row: position(row[0], abs(row[0]) * Decimal(row[1]) / 100)
    ),
)
resting_orders = st.lists(
    st.tuples(st.sampled_from(["bid", "ask"]), cents, sizes).map(
        lambda row: order(row[0], Decimal(row[1]) / 100, row[2])
    ),
    max_size=4,
)


def book_of(yes, no):
    return OrderBook(
        TICKER,
        levels(*((Decimal(price) / 100, size) for price, size in sorted(yes.items(), reverse=True))),
        levels(*((Decimal(price) / 100, size) for price, size in sorted(no.items(), reverse=True))),
        NOW,
    )


def single_contracts(there, is_bid, limit_in_yes, count, resting):
    """Return the YES price at which each single contract fills.

    None: it rests. Contracts that would meet our own order are canceled. Others at its price may be
    behind it.
    """
    if is_bid:
        offers = sorted(1 - level.price for level in there.no_bids for _ in range(int(level.count)))
    else:
        bids = (level.price for level in there.yes_bids for _ in range(int(level.count)))
        offers = sorted(bids, reverse=True)

    def in_reach(price, end):
        return price <= end if is_bid else price >= end

    opposite = [row for row in resting if (row.book_side is BookSide.BID) is not is_bid]
    own = [row.yes_price for row in opposite if in_reach(row.yes_price, limit_in_yes)]
    before_ours = [price for price in offers if all(price != at and in_reach(price, at) for at in own)]
    met = [price for price in before_ours if in_reach(price, limit_in_yes)][:count]
    return met if own else [*met, *[None] * (count - len(met))]


@given(half_books, half_books, st.sampled_from(EVERY_WAY), cents, sizes, holdings, resting_orders)
def test_the_preview_of_a_limit_order_agrees_with_counting_contract_by_contract(
    yes, no, way, limit, count, holding, resting
):
    there, (action, side), limit = book_of(yes, no), way, Decimal(limit) / 100
    here = context(book=there, position=holding, resting=tuple(resting))
    seen = preview(action, side, count, limit, here=here)

    is_bid = (action is Action.BUY) == (side is Side.YES)
    limit_in_yes = limit if side is Side.YES else 1 - limit
    contracts = single_contracts(there, is_bid, limit_in_yes, count, resting)
    prices = [limit_in_yes if price is None else price for price in contracts]
    sign = 1 if is_bid else -1
    net = holding.net if holding else Decimal(0)

    assert seen.walk.filled == sum(price is not None for price in contracts)
    assert seen.held_after == net + sign * count
    assert seen.expected.if_yes == sum(sign * (1 - price) for price in prices) - seen.expected_fee
    assert seen.expected.if_no == sum(-sign * price for price in prices) - seen.expected_fee
    assert seen.worst.if_yes == sign * count * (1 - limit_in_yes) - seen.bounds.added
    assert seen.worst.if_no == -sign * count * limit_in_yes - seen.bounds.added

    same_way = sum(row.remaining_count for row in resting if (row.book_side is BookSide.BID) is is_bid)
    closes = min(count, max(0, abs(net) - same_way)) if net * sign < 0 else 0
    paid = [price if is_bid else 1 - price for price in prices]
    worst = limit_in_yes if is_bid else 1 - limit_in_yes
    assert seen.expected_cost == sum(paid[int(closes) :])
    assert seen.cost == worst * (count - closes)
    assert seen.cash_after == here.cash - seen.cost + closes * (1 - worst) - seen.bounds.added

    if net * sign < 0 and prices:
        closing = prices[: int(min(abs(net), count))]
        received = sum((1 - price if is_bid else price) for price in closing)
        assert seen.locked_in == received - holding.cost_basis * len(closing) / abs(net)
    else:
        assert seen.locked_in is None


@given(half_books, half_books, st.sampled_from(EVERY_WAY), cents, sizes, st.sampled_from(list(FeeType)[:3]))
def test_the_expected_fee_is_what_the_fills_cost_and_lies_within_the_bound(yes, no, way, limit, count, kind):
    there, (action, side), limit = book_of(yes, no), way, Decimal(limit) / 100
    schedule = FeeSchedule(kind, Decimal(1))
    seen = preview(action, side, count, limit, here=context(book=there, fees=schedule))
    assert seen.expected_cost + seen.expected_fee <= seen.bounds.cost
    accumulator, paid = Decimal(0), Decimal(0)
    rest = [(limit, Decimal(seen.walk.left), False)] if seen.walk.left else []
    for price, size, is_taker in [*((fill.price, fill.count, True) for fill in seen.walk.fills), *rest]:
        rate = fee_rate(schedule, is_taker=is_taker)
        for piece in (size / 4, size / 4, size / 2):
            charged = fee_of_fill(rate, piece, price, revenue=-piece * price, accumulator=accumulator)
            accumulator, paid = charged.accumulator, paid + charged.net_fee
    assert seen.expected_cost + paid <= seen.bounds.cost
    assert abs(paid - seen.expected_fee) <= Decimal("0.0002")  # however a level is split into orders


MAKERS = FeeSchedule(FeeType.QUADRATIC_WITH_MAKER_FEES, Decimal(1))


def test_an_order_that_can_rest_is_bound_by_the_highest_fees_to_come():
    waived = FeeSchedule(FeeType.QUADRATIC, Decimal(0))
    here = context(fees=waived, later_fees=(MAKERS, waived))
    rests = preview(Action.BUY, Side.YES, "100", "0.40", here=here)
    assert (rests.bounds.cost, rests.expected_fee) == (Decimal("41.68"), 0)
    assert (rests.expected.if_no, rests.worst.if_no) == (Decimal("-40"), Decimal("-41.68"))
    at_once = preview(Action.BUY, Side.YES, "100", None, here=here)
    assert at_once.bounds.added == 0
    maker = preview(Action.BUY, Side.YES, "100", "0.40", here=here, post_only=True)
    assert maker.bounds.cost == Decimal("40.42")


def test_fees_to_come_that_are_lower_lower_nothing():
    here = context(later_fees=(FeeSchedule(FeeType.QUADRATIC, Decimal(0)),))
    assert preview(Action.BUY, Side.YES, "100", "0.40", here=here).bounds.cost == Decimal("41.68")


def test_fees_to_come_whose_rates_are_not_published_leave_the_bound_unknown():
    here = context(later_fees=(FeeSchedule(FeeType.FLAT, Decimal(1)),))
    assert preview(Action.BUY, Side.YES, "100", "0.40", here=here).bounds is None
    assert preview(Action.BUY, Side.YES, "100", None, here=here).bounds is not None


def test_a_closing_sale_brings_its_revenue_less_the_most_its_fees_can_be():
    seen = preview(Action.SELL, Side.YES, "10", "0.63", here=context(position=position("10", "6.00")))
    assert seen.bounds == Bounds(Decimal(0), Decimal("6.1360"), Decimal("0.1640"))


def test_a_closing_sale_whose_fees_exceed_its_revenue_costs_the_rest():
    dear = replace(QUADRATIC, multiplier=Decimal(20))
    here = context(position=position("10", "6.00"), fees=dear)
    seen = preview(Action.SELL, Side.YES, "10", "0.10", here=here)
    assert seen.bounds == Bounds(Decimal("0.2860"), Decimal(0), Decimal("1.2860"))
    assert (seen.cost, seen.cash_after) == (0, Decimal("999.7140"))


def test_a_post_only_order_pays_as_a_maker_at_its_limit():
    makers = FeeSchedule(FeeType.QUADRATIC_WITH_MAKER_FEES, Decimal(1))
    seen = preview(Action.BUY, Side.YES, "100", "0.40", here=context(fees=makers), post_only=True)
    assert seen.bounds.added == seen.expected_fee == Decimal("0.42")


@given(
    st.sampled_from(EVERY_WAY),
    st.sampled_from([CENTS, TAPERED]),
    st.integers(min_value=1, max_value=999),
    st.integers(min_value=0, max_value=200),
)
def test_a_market_order_never_passes_its_cap_and_lies_on_the_grid(way, grid, best, cap):
    action, side = way
    cap, here = Decimal(cap) / 1000, market(price_grid=grid)
    best_in_yes = grid.at_or_below(Decimal(best) / 1000) or Decimal("0.01")
    both = OrderBook(
        TICKER, levels((str(best_in_yes), "5")), levels((str(1 - best_in_yes), "5")), NOW
    )  # the bid and the ask of either outcome are at this one price
    best_price = best_in_yes if side is Side.YES else 1 - best_in_yes
    worst = worst_price(action, side, here, both, cap)
    beyond = worst - best_price if action is Action.BUY else best_price - worst
    assert 0 <= beyond <= cap
    assert grid.contains(worst if side is Side.YES else 1 - worst)
    in_yes = worst if side is Side.YES else 1 - worst
    further = 1 if (action is Action.BUY) == (side is Side.YES) else -1
    next_tick = in_yes + further * Decimal("0.0001")
    beyond_it = grid.at_or_above(next_tick) if further > 0 else grid.at_or_below(next_tick)
    if beyond_it is not None:
        assert abs(beyond_it - best_in_yes) > cap  # the price is the last one on the grid within the cap


unseen_orders = st.lists(
    st.tuples(st.sampled_from(["bid", "ask"]), cents, sizes).map(
        lambda row: unseen(row[0], Decimal(row[1]) / 100, row[2])
    ),
    max_size=4,
)


@given(st.integers(min_value=-15, max_value=15), resting_orders, unseen_orders)
def test_the_cash_of_unseen_orders_agrees_with_counting_contract_by_contract(net, resting, hidden):
    """The cheapest contracts close what no resting order will close.

    All others are paid.
    """
    expected = Decimal(0)
    for side, closes in ((BookSide.BID, -net), (BookSide.ASK, net)):
        promised = sum(row.remaining_count for row in resting if row.book_side is side)
        paid = sorted(
            row.yes_price if side is BookSide.BID else 1 - row.yes_price
            for row in hidden
            if row.book_side is side
            for _ in range(int(row.remaining_count))
        )
        expected += sum(paid[int(max(0, closes - promised)) :])
    assert cash_of_unseen(Decimal(net), resting, hidden) == expected


@given(holdings, resting_orders, st.sampled_from(EVERY_WAY), cents, sizes)
def test_an_unseen_order_weighs_as_much_in_what_opens_and_in_the_loss_as_a_resting_one(
    holding, rows, way, limit, count
):
    action, side = way
    hidden = tuple(unseen(row.book_side, row.yes_price, row.remaining_count) for row in rows)
    tight = Limits(market_loss_limit=Decimal(5))
    shown, not_shown = (
        preview(action, side, count, Decimal(limit) / 100, limits=tight, here=here)
        for here in (
            context(position=holding, resting=tuple(rows)),
            context(position=holding, unseen=hidden),
        )
    )
    assert shown.cost == not_shown.cost
    both = {"loss per market", "sale within position"}
    assert rules(shown) & both == rules(not_shown) & both


# --- The worst loss in a market -------------------------------------------------------------------


def test_a_resting_order_is_in_the_worst_loss_of_a_new_one():
    here = context(resting=(order("bid", "0.50", "1900"),), cash=Decimal(10_000))
    assert "loss per market" not in rules(preview(Action.BUY, Side.YES, "90", "0.55", here=here))
    assert "loss per market" in rules(preview(Action.BUY, Side.YES, "91", "0.55", here=here))


# --- Orders that other sessions recorded since ----------------------------------------------------


def later_sale():
    """Return a sale of YES that another session has just recorded."""
    return InFlightOrder(
        client_order_id="later",
        order_id="",
        ticker=TICKER,
        book_side=BookSide.ASK,
        yes_price=Decimal("0.60"),
        remaining_count=Decimal(10),
        at=NOW,
    )


def test_a_preview_that_counted_every_order_stays_as_it_is():
    seen = preview(Action.BUY, Side.YES, "1", "0.60")
    assert recheck(seen, [], DayTotals(), Limits()) is seen


def test_orders_of_another_key_of_the_account_count_in_the_day():
    seen = preview(Action.BUY, Side.YES, "1", "0.60")
    again = recheck(seen, [], DayTotals(Decimal(5), 1), replace(Limits(), daily_order_limit=1))
    assert rules(again) == {"orders per day"}


def test_an_order_that_the_preview_lists_as_resting_is_counted_once():
    own = order(BookSide.BID, "0.50", count="10", client_order_id="later", ticker=TICKER)
    here = context(resting=(own,))
    seen = preview(Action.BUY, Side.YES, "10", "0.50", here=here)
    later = replace(later_sale(), book_side=BookSide.BID, yes_price=Decimal("0.50"))
    limits = replace(Limits(), market_loss_limit=Decimal(11))
    assert recheck(seen, [later], DayTotals(), limits).findings == seen.findings


def test_a_sale_of_contracts_that_another_session_is_selling_is_denied():
    """It closed a position when confirmed; now it would open one."""
    seen = preview(Action.SELL, Side.YES, "10", "0.60", here=context(position=position("10", "5.00")))
    assert (seen.closing, seen.findings) == (10, ())
    again = recheck(seen, [later_sale()], DayTotals(), Limits())
    assert [(finding.rule, finding.severity) for finding in again.findings] == [
        ("sale within position", Severity.DENY)
    ]


def test_a_question_that_was_answered_is_not_asked_again():
    seen = preview(Action.SELL, Side.YES, "10", "0.60")
    assert rules(seen) == {"sale within position"}
    assert recheck(seen, [later_sale()], DayTotals(), Limits()).findings == seen.findings


def test_an_answer_to_a_smaller_question_is_no_answer_to_a_bigger_one():
    """The user confirmed 5 of 15 as opening a position; now all 15 would."""
    seen = preview(Action.SELL, Side.YES, "15", "0.60", here=context(position=position("10", "5.00")))
    assert [finding.severity for finding in seen.findings] == [Severity.ASK]
    again = recheck(seen, [later_sale()], DayTotals(), Limits())
    assert Severity.DENY in [finding.severity for finding in again.findings]


def test_the_cost_of_an_order_is_that_of_the_moment_it_is_recorded():
    seen = preview(Action.SELL, Side.YES, "15", "0.60", here=context(position=position("10", "5.00")))
    assert seen.cost == Decimal("2.00")
    assert recheck(seen, [later_sale()], DayTotals(), Limits()).cost == Decimal("6.00")


def test_a_sale_that_opens_a_position_since_is_counted_as_bought():
    seen = preview(Action.SELL, Side.YES, "10", "0.60", here=context(position=position("10", "5.00")))
    again = recheck(seen, [later_sale()], DayTotals(), replace(Limits(), daily_cost_limit=Decimal(3)))
    assert rules(again) == {"sale within position", "bought per day"}
