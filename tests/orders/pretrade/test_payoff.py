"""The cost bound of an order: never exceeded, reached by the worst split.

Each split is charged twice: by the program's fees and by the practice exchange's. The two share no
code.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal as D
from itertools import product

import pytest
from cases import naming
from hypothesis import given, settings
from hypothesis import strategies as st
from market_factory import TAPERED, TICKER, market
from model_factory import CENTS, NOW, position
from proof import CURRENT

from kalshi_trading.core.fees import fee_of_fill, fee_rate
from kalshi_trading.core.market_models import FeeSchedule, FeeType
from kalshi_trading.core.models import Action, Side
from kalshi_trading.core.money import PriceBand, PriceGrid
from kalshi_trading.orders.pretrade.context import DayTotals, OrderContext
from kalshi_trading.orders.pretrade.preview import OrderPreview
from kalshi_trading.orders.pretrade.pricing import build_preview
from kalshi_trading.orders.pretrade.ticket import OrderTicket
from kalshi_trading.practice import records
from kalshi_trading.practice.accounting import fees as practice_fees
from kalshi_trading.settings.options import Limits

CASH = D(1_000_000)


def even(step):
    return PriceGrid((PriceBand(D(0), D(1), D(step)),))


def edged(edge, edge_step, centre_step):
    low, high = D(edge), 1 - D(edge)
    rows = ((D(0), low, edge_step), (low, high, centre_step), (high, D(1), edge_step))
    return PriceGrid(tuple(PriceBand(start, end, D(step)) for start, end, step in rows))


DECI, CENTI = even("0.001"), even("0.0001")
GRIDS = [
    CENTS,
    TAPERED,
    DECI,
    CENTI,
    even("0.005"),
    even("0.002"),
    edged("0.1", "0.002", "0.01"),
    edged("0.01", "0.0001", "0.001"),
]
KINDS = [
    FeeType.QUADRATIC,
    FeeType.QUADRATIC_WITH_MAKER_FEES,
    FeeType.QUADRATIC_WITH_COMBO_MAKER_FEES,
]
PERCENTS = [0, 25, 50, 100, 200, 1_400, 2_000, 10_000]  # above about 1,429 the fee can outgrow the price


def schedule(kind, percent):
    return FeeSchedule(kind, D(percent) / 100)


@dataclass(frozen=True)
class Piece:
    """A fill in 0.01 contracts and $0.0001, in the terms of the side."""

    grains: int
    price: int
    is_taker: bool
    fees: FeeSchedule


def cash_by_the_exchange(pieces, action, closing=0):
    """Return the cash after each fill in millionths, by the practice exchange.

    The first `closing` grains close.
    """
    cash, accumulator, after = 0, 0, []
    for piece in pieces:
        closed = min(closing, piece.grains)
        closing -= closed
        taken = piece.price if action is Action.BUY else 10_000 - piece.price
        charged = practice_fees.charge(
            records.FeeType(piece.fees.fee_type.value),
            int(piece.fees.multiplier * 100),
            piece.price,
            piece.grains,
            closed * 10_000 - piece.grains * taken,
            piece.is_taker,
            accumulator,
        )
        cash, accumulator = cash + charged.cash_change, charged.accumulator
        after.append(cash)
    return after


def cash_by_the_program(pieces, action, closing=0):
    """Return the same with the program's own fees, in dollars."""
    cash, accumulator, after = D(0), D(0), []
    for piece in pieces:
        closed = min(closing, piece.grains)
        closing -= closed
        count, price = D(piece.grains) / 100, D(piece.price) / 10_000
        revenue = D(closed) / 100 - count * (price if action is Action.BUY else 1 - price)
        rate = fee_rate(piece.fees, is_taker=piece.is_taker)
        charged = fee_of_fill(rate, count, price, revenue=revenue, accumulator=accumulator)
        cash, accumulator = cash + charged.cash_change, charged.accumulator
        after.append(cash)
    return after


def preview(action, side, grains, price, grid, fees, *, later=(), held=0, post_only=False) -> OrderPreview:
    """Preview an order without a book; `grains` are 0.01 contracts.

    `price` is in $0.0001.
    """
    holding = position(str(D(held) / 100), "1") if held else None
    here = OrderContext(
        market(price_grid=grid), None, fees, CASH, holding, (), (), DayTotals(), NOW, later_fees=tuple(later)
    )
    ticket = OrderTicket(TICKER, action, side, D(grains) / 100, D(price) / 10_000, post_only=post_only)
    return build_preview(ticket, here, limits=Limits(), read_only=False, client_order_id="1")


# --- Any way to fill an order ---------------------------------------------------------------------

sizes = st.one_of(st.integers(1, 3), st.integers(1, 250), st.sampled_from([100, 500, 2_000]))
wishes = st.tuples(
    st.sampled_from(list(product(Action, Side))),
    st.sampled_from(GRIDS),
    st.sampled_from([(kind, percent) for kind in KINDS for percent in PERCENTS]),
    st.sampled_from([None, *((kind, percent) for kind in KINDS for percent in PERCENTS)]),
    st.one_of(st.integers(1, 9_999), st.integers(1, 300), st.integers(9_700, 9_999)),
    st.one_of(st.just(0), st.integers(-3_000, 3_000)),
    st.booleans(),
)
splits = st.lists(
    st.tuples(sizes, st.one_of(st.just(0), st.integers(0, 9_999)), st.booleans(), st.booleans()),
    min_size=1,
    max_size=12,
)


def limit_on(grid, wanted):
    found = grid.at_or_below(D(wanted) / 10_000) or grid.at_or_above(D(wanted) / 10_000)
    return int(found * 10_000)


def better(grid, limit, off, action):
    """Return the grid price that is the limit or `off` better.

    The grids are symmetric, so the side does not matter.
    """
    wanted = max(1, limit - off) if action is Action.BUY else min(9_999, limit + off)
    find = grid.at_or_below if action is Action.BUY else grid.at_or_above
    return int((find(D(wanted) / 10_000) or D(limit) / 10_000) * 10_000)


@settings(max_examples=CURRENT.fill_patterns)
@given(wishes, splits, st.integers(1, 8))
def test_no_way_to_fill_an_order_takes_more_than_its_bound(wish, split, repeated):
    (action, side), grid, now, to_come, wanted, held, post_only = wish
    fees, later = schedule(*now), [] if to_come is None else [schedule(*to_come)]
    limit = limit_on(grid, wanted)
    pieces = [
        Piece(
            size,
            better(grid, limit, off, action),
            is_taker and not post_only,
            later[0] if later and is_later else fees,
        )
        for size, off, is_taker, is_later in split * repeated
    ]
    grains = sum(piece.grains for piece in pieces)
    seen = preview(action, side, grains, limit, grid, fees, later=later, held=held, post_only=post_only)
    closing = int(seen.closing * 100)
    after = cash_by_the_program(pieces, action, closing)
    assert [D(each) / 1_000_000 for each in cash_by_the_exchange(pieces, action, closing)] == after
    assert min(after) >= -seen.bounds.cost
    assert CASH + after[-1] >= seen.cash_after
    long_yes = (action is Action.BUY) == (side is Side.YES)
    net = grains if long_yes else -grains
    worst = seen.worst.if_yes if long_yes else seen.worst.if_no
    assert after[-1] - D(closing) / 100 + abs(D(net)) / 100 >= worst


# --- The worst way --------------------------------------------------------------------------------


def reachable(grid, limit, rate):
    """Return the prices at which a fill may cost most.

    These are the limit, better prices, half a dollar, and the peak of cost and fee.
    """
    peak = (1 + 1 / rate) / 2 if rate else D(1)
    wanted = [D(limit) / 10_000, D("0.5"), peak, *(D(limit - off) / 10_000 for off in (10, 50))]
    found = {grid.at_or_below(price) for price in wanted} | {grid.at_or_above(price) for price in wanted}
    return sorted(int(price * 10_000) for price in found if price is not None and price * 10_000 <= limit)


def ways_to_split(grains):
    """Yield splits: equal fills and a rest, or one large fill and small ones."""
    for size in (1, 2, 3, 5, 7, 10, 33, 50, 99, 100, grains):
        count, rest = divmod(grains, size)
        yield [*[size] * count, *[rest] * bool(rest)]
    yield [grains - 100, *[1] * 100]


def worst_found(grid, limit, grains, fees):
    rate = fee_rate(fees, is_taker=True)
    patterns = (
        [Piece(size, price, is_taker, fees) for size in split]
        for split in ways_to_split(grains)
        for price in reachable(grid, limit, rate)
        for is_taker in (True, False)
    )
    return max(patterns, key=lambda pieces: -cash_by_the_exchange(pieces, Action.BUY)[-1])


LIMITS = [
    *((CENTS, cents * 100) for cents in (1, 6, 57, 90, 99)),
    *((TAPERED, price) for price in (55, 400, 9_050, 9_990)),
    *((DECI, price) for price in (10, 550, 5_010, 9_990)),
    *((CENTI, price) for price in (1, 99, 4_321, 9_999)),
]


@pytest.mark.parametrize("percent", [0, 100, 300, 2_000])
def test_the_bound_is_reached_to_a_hundredth_by_the_worst_way_to_fill_an_order(percent):
    fees, grains, wrong = schedule(FeeType.QUADRATIC_WITH_MAKER_FEES, percent), 305, []
    for grid, wanted in LIMITS:
        limit = limit_on(grid, wanted)
        with naming(str(limit)):
            bound = preview(Action.BUY, Side.YES, grains, limit, grid, fees).bounds.cost
            worst = worst_found(grid, limit, grains, fees)
            taken = -cash_by_the_program(worst, Action.BUY)[-1]
            if not taken <= bound <= taken * D("1.01"):
                wrong.append((limit, bound, taken))
    assert wrong == []


def dearest_of_every_split(grains, prices, fees):
    """Return the highest cash over every sequence of fills at these prices.

    In millionths. Each fill is taken or made.
    """
    reached = [{} for _ in range(grains + 1)]  # per filled grains: highest cash paid, by accumulator
    reached[0][0] = 0
    for filled, known in enumerate(reached):
        for size, price, is_taker in product(range(1, grains - filled + 1), prices, (True, False)):
            kind, percent = records.FeeType(fees.fee_type.value), int(fees.multiplier * 100)
            for accumulator, paid in known.items():
                charged = practice_fees.charge(
                    kind, percent, price, size, -size * price, is_taker, accumulator
                )
                into, now = reached[filled + size], paid - charged.cash_change
                into[charged.accumulator] = max(into.get(charged.accumulator, 0), now)
    return max(reached[grains].values())


@pytest.mark.parametrize("percent", [0, 50, 100, 1_000])
@pytest.mark.parametrize(("limit", "better_price"), [(57, 50), (90, 50), (5.5, 5.4), (99.9, 50), (0.1, 0.05)])
def test_the_bound_is_exactly_the_costliest_split_of_a_small_order(limit, better_price, percent):
    fees = schedule(FeeType.QUADRATIC_WITH_COMBO_MAKER_FEES, percent)
    prices = [int(D(str(price)) * 100) for price in (limit, better_price)]
    bound = preview(Action.BUY, Side.NO, 9, prices[0], CENTI, fees).bounds.cost
    assert bound == D(dearest_of_every_split(9, prices, fees)) / 1_000_000
