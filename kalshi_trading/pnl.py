"""Profit and loss from fills and settlements: FIFO lots, realized apart from fees, exact to the last digit.

Each lot stands in the price of its own side. A fill of the other side closes the oldest lots first,
the rest opens. Pure arithmetic; knows nothing of the screen or the network. Source: Kalshi API,
positions and settlements.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from kalshi_trading.models import BookSide, Fill, Settlement, Side
from kalshi_trading.money import BALANCE_GRAIN, ONE_DOLLAR, ZERO, Contracts, Dollars, Price, round_half_even


@dataclass(frozen=True, slots=True)
class Lot:
    """Contracts opened together; `price` in the dollars of the side held."""

    count: Contracts
    price: Price


@dataclass(frozen=True, slots=True)
class Holding:
    """What fills add up to in one market. Dollars are without fees; `fees_paid` stands apart."""

    side: Side | None = None
    lots: tuple[Lot, ...] = ()  # oldest first
    realized_pnl: Dollars = ZERO
    fees_paid: Dollars = ZERO
    cash: Dollars = ZERO
    """Change of cash by trading, fees included."""

    @property
    def count(self) -> Contracts:
        return sum((lot.count for lot in self.lots), ZERO)

    @property
    def net(self) -> Contracts:
        """Signed as the exchange signs it: above zero YES, below zero NO."""
        return -self.count if self.side is Side.NO else self.count

    @property
    def cost_basis(self) -> Dollars:
        return sum((lot.count * lot.price for lot in self.lots), ZERO)


def add_fill(holding: Holding, fill: Fill) -> Holding:
    """Apply one fill: close the oldest lots of the other side first, open with the rest."""
    bought = Side.YES if fill.book_side is BookSide.BID else Side.NO
    price = fill.yes_price if bought is Side.YES else ONE_DOLLAR - fill.yes_price
    holding = replace(
        holding, fees_paid=holding.fees_paid + fill.fee, cash=holding.cash - fill.count * price - fill.fee
    )
    if holding.side is bought or not holding.lots:
        return replace(holding, side=bought, lots=(*holding.lots, Lot(fill.count, price)))
    return _close(holding, bought, fill.count, price)


def _close(holding: Holding, bought: Side, count: Contracts, price: Price) -> Holding:
    """Net opposite contracts in pairs; each pair is worth one dollar."""
    lots = list(holding.lots)
    realized = closed = ZERO
    while lots and closed < count:
        oldest = lots.pop(0)
        taken = min(oldest.count, count - closed)
        realized += taken * (ONE_DOLLAR - price - oldest.price)
        closed += taken
        if taken < oldest.count:
            lots.insert(0, Lot(oldest.count - taken, oldest.price))
    opened = count - closed
    if opened > ZERO:
        side, lots = bought, [Lot(opened, price)]
    else:
        side = holding.side if lots else None  # type: ignore[assignment]
    return replace(
        holding,
        side=side,
        lots=tuple(lots),
        realized_pnl=holding.realized_pnl + realized,
        cash=holding.cash + closed * ONE_DOLLAR,
    )


def holding_from(fills: Iterable[Fill]) -> Holding:
    """Replay the fills of one market, oldest first."""
    holding = Holding()
    for fill in fills:
        holding = add_fill(holding, fill)
    return holding


def settle(holding: Holding, yes_value: Dollars) -> Holding:
    """Pay out at `yes_value` dollars per YES contract; a NO contract pays the rest of the dollar."""
    value = yes_value if holding.side is Side.YES else ONE_DOLLAR - yes_value
    payout = holding.count * value
    return replace(
        holding,
        side=None,
        lots=(),
        realized_pnl=holding.realized_pnl + payout - holding.cost_basis,
        cash=holding.cash + payout,
    )


def average_price(fills: Iterable[Fill], count: Contracts, side: Side) -> Price | None:
    """Give the mean price of an order's fills in the terms of `side`, to a hundredth of a cent.

    None unless the fills add up to `count`: an average of some of them would be wrong.
    """
    own = tuple(fills)
    if count == ZERO or sum((fill.count for fill in own), ZERO) != count:
        return None
    paid = sum((fill.count * fill.yes_price for fill in own), ZERO)
    return side.converted(round_half_even(paid / count, BALANCE_GRAIN))


def unrealized_pnl(count: Contracts, cost_basis: Dollars, mark: Price | None) -> Dollars | None:
    """Give what selling at `mark` (dollars of the side held) would bring over cost; None without a mark."""
    return None if mark is None else count * mark - cost_basis


def settlement_gross_pnl(row: Settlement) -> Dollars:
    """Give the profit of a settled market before fees.

    The row's counts cover the market's whole life, so each netted pair counts for one dollar besides
    the payout; revenue less costs alone would be wrong. Source: Kalshi API, settlements.
    """
    pairs = min(row.yes_count, row.no_count)
    return row.revenue + pairs * ONE_DOLLAR - row.yes_cost - row.no_cost


def settlement_net_pnl(row: Settlement) -> Dollars:
    """The same after all trading fees of that market."""
    return settlement_gross_pnl(row) - row.fees
