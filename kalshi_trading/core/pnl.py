"""FIFO profit and loss of one market, from its fills and settlement.

Each lot is priced in its own side's dollars. A fill of the other side closes the oldest lots first; the rest
opens new ones. Realized P&L excludes fees, which are reported separately. Exact to the last digit. Performs
no I/O. Source: Kalshi API, positions and settlements.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from kalshi_trading.core.dates import FAR_FUTURE
from kalshi_trading.core.models import Fill, MarketResult, Settlement, Side
from kalshi_trading.core.money import (
    BALANCE_GRAIN,
    CENT,
    ONE_DOLLAR,
    ZERO,
    Contracts,
    Dollars,
    Price,
    round_down,
    round_half_even,
)

_FEE_SHARE_GRAIN: Dollars = Decimal("0.000001")


@dataclass(frozen=True, slots=True)
class Lot:
    """Contracts opened by one fill and still open.

    `price` is in dollars of the position's side. `fees` is what the opening fill paid for these contracts.
    """

    count: Contracts
    price: Price
    fees: Dollars
    opened_by: Fill


@dataclass(frozen=True, slots=True)
class ClosedLot:
    """Contracts opened by one fill and closed by another or by settlement.

    `closed_by` is None for a settlement. Prices are in dollars of `side`. `proceeds` is count times exit
    price, unless the exchange paid out another amount.
    """

    side: Side
    count: Contracts
    entry_price: Price
    exit_price: Price
    proceeds: Dollars
    open_fees: Dollars
    close_fees: Dollars
    opened_by: Fill
    closed_by: Fill | None
    closed_at: datetime | None

    @property
    def cost(self) -> Dollars:
        return self.count * self.entry_price

    @property
    def realized_pnl(self) -> Dollars:
        """Profit without fees."""
        return self.proceeds - self.cost


@dataclass(frozen=True, slots=True)
class FifoPosition:
    """Position, closed lots and cash that result from fills in one market.

    Dollars exclude fees, which are in `fees_paid`.
    """

    side: Side | None = None
    lots: tuple[Lot, ...] = ()  # oldest first
    closed: tuple[ClosedLot, ...] = ()  # in closing order
    realized_pnl: Dollars = ZERO
    fees_paid: Dollars = ZERO
    cash: Dollars = ZERO
    """Change of cash from trading, fees included."""

    @property
    def count(self) -> Contracts:
        return sum((lot.count for lot in self.lots), ZERO)

    @property
    def net(self) -> Contracts:
        """Signed like the exchange: above zero YES, below zero NO."""
        return -self.count if self.side is Side.NO else self.count

    @property
    def cost_basis(self) -> Dollars:
        return sum((lot.count * lot.price for lot in self.lots), ZERO)


@dataclass(slots=True)
class _OpenLot:
    """A lot that can be closed in parts."""

    count: Contracts
    price: Price
    fees: Dollars
    opened_by: Fill


class _FifoReplay:
    """A position while fills are applied to it one by one."""

    def __init__(self, start: FifoPosition) -> None:
        self.side = start.side
        self.lots = deque(_OpenLot(lot.count, lot.price, lot.fees, lot.opened_by) for lot in start.lots)
        self.closed = list(start.closed)
        self.realized_pnl = start.realized_pnl
        self.fees_paid = start.fees_paid
        self.cash = start.cash

    def add(self, fill: Fill) -> None:
        """Close the oldest lots of the other side first, then open the rest.

        Each closed YES and NO pair pays one dollar.
        """
        bought = fill.book_side.long_outcome
        price = bought.price_in_side(fill.yes_price)
        self.fees_paid += fill.fee
        self.cash -= fill.count * price + fill.fee
        left, fees_left = fill.count, fill.fee
        while self.lots and self.side is not bought and left > ZERO:
            taken = min(self.lots[0].count, left)
            fees = _share(fees_left, taken, left)
            self._close_oldest(taken, fees, fill, ONE_DOLLAR - price)
            left, fees_left = left - taken, fees_left - fees
        if left > ZERO:
            self.side = bought
            self.lots.append(_OpenLot(left, price, fees_left, fill))
        if not self.lots:
            self.side = None

    def _close_oldest(self, count: Contracts, fees: Dollars, fill: Fill, exit_price: Price) -> None:
        assert self.side is not None  # the caller checked that lots exist
        lot = self.lots[0]
        open_fees = _share(lot.fees, count, lot.count)
        proceeds = count * exit_price
        self.closed.append(
            ClosedLot(
                self.side,
                count,
                lot.price,
                exit_price,
                proceeds,
                open_fees,
                fees,
                lot.opened_by,
                fill,
                fill.created_at,
            )
        )
        self.realized_pnl += proceeds - count * lot.price
        self.cash += count * ONE_DOLLAR
        lot.count -= count
        lot.fees -= open_fees
        if lot.count == ZERO:
            self.lots.popleft()

    def position(self) -> FifoPosition:
        return FifoPosition(
            self.side,
            tuple(Lot(lot.count, lot.price, lot.fees, lot.opened_by) for lot in self.lots),
            tuple(self.closed),
            self.realized_pnl,
            self.fees_paid,
            self.cash,
        )


def _share(fees: Dollars, count: Contracts, whole: Contracts) -> Dollars:
    """Return the part of a fill's fees for `count` of its `whole` contracts."""
    return fees if count == whole else round_half_even(fees * count / whole, _FEE_SHARE_GRAIN)


def fifo_position(fills: Iterable[Fill], start: FifoPosition | None = None) -> FifoPosition:
    """Replay one market's fills, oldest first.

    Begins from `start`. None: from no position.
    """
    replay = _FifoReplay(start or FifoPosition())
    for fill in fills:
        replay.add(fill)
    return replay.position()


def settle_lots(
    position: FifoPosition,
    yes_value: Dollars,
    *,
    payout: Dollars | None = None,
    rounding_fee: Dollars = ZERO,
    at: datetime | None = None,
) -> FifoPosition:
    """Pay out all lots at `yes_value` dollars per YES contract.

    A NO contract pays a dollar less `yes_value`. `payout` is the amount the exchange actually paid, if
    known. The newest lot takes the difference, and the rounding fee.
    """
    if position.side is None:
        return position
    value = position.side.price_in_side(yes_value)
    paid = position.count * value if payout is None else payout
    ends = [_settle_lot(position.side, lot, value, at) for lot in position.lots]
    difference = paid - sum((end.proceeds for end in ends), ZERO)
    newest = ends[-1]
    ends[-1] = replace(newest, proceeds=newest.proceeds + difference, close_fees=rounding_fee)
    return replace(
        position,
        side=None,
        lots=(),
        closed=(*position.closed, *ends),
        realized_pnl=position.realized_pnl + paid - position.cost_basis,
        fees_paid=position.fees_paid + rounding_fee,
        cash=position.cash + paid - rounding_fee,
    )


def _settle_lot(side: Side, lot: Lot, value: Price, at: datetime | None) -> ClosedLot:
    return ClosedLot(
        side=side,
        count=lot.count,
        entry_price=lot.price,
        exit_price=value,
        proceeds=lot.count * value,
        open_fees=lot.fees,
        close_fees=ZERO,
        opened_by=lot.opened_by,
        closed_by=None,
        closed_at=at,
    )


def average_price(fills: Iterable[Fill], count: Contracts, side: Side) -> Price | None:
    """Return the mean price of an order's fills in the terms of `side`.

    Rounded to $0.0001. None: the fills do not add up to `count`, so an average would be wrong.
    """
    own = tuple(fills)
    if count == ZERO or sum((fill.count for fill in own), ZERO) != count:
        return None
    paid = sum((fill.count * fill.yes_price for fill in own), ZERO)
    return side.price_in_side(round_half_even(paid / count, BALANCE_GRAIN))


def unrealized_pnl(count: Contracts, cost_basis: Dollars, mark: Price | None) -> Dollars | None:
    """Return the profit over cost if sold at `mark`.

    `mark` is in dollars of the position's side. None: there is no mark.
    """
    return None if mark is None else count * mark - cost_basis


def settlement_gross_pnl(row: Settlement) -> Dollars:
    """Return the profit of a settled market before fees.

    Assumes that the row's counts cover the market's whole life, which the API does not document. Each
    netted pair then adds one dollar to the payout, so revenue minus costs alone would be wrong.
    Source: Kalshi API, settlements.
    """
    pairs = min(row.yes_count, row.no_count)
    return payout(row) + pairs * ONE_DOLLAR - row.yes_cost - row.no_cost


def settlement_net_pnl(row: Settlement) -> Dollars:
    """Return the profit of a settled market after all its trading fees."""
    return settlement_gross_pnl(row) - row.fees


def yes_value(row: Settlement) -> Price:
    """Return the payout of one YES contract.

    Uses the result, else the row's value, else the revenue.
    """
    if row.result is MarketResult.YES:
        return ONE_DOLLAR
    if row.result is MarketResult.NO:
        return ZERO
    held = row.yes_count - row.no_count
    if row.value is not None or held == ZERO:
        return row.value or ZERO
    side = Side.YES if held > ZERO else Side.NO
    return side.price_in_side(row.revenue / abs(held))


def payout(row: Settlement) -> Dollars:
    """Return a settled market's payout: net contracts times their value.

    Includes what a settlement floor paid before. A row reports whole cents only. If they do not match the
    exact payout, the row's cents win. Source: Kalshi API, settlements.
    """
    early, exact = paid_early(row), exact_payout(row)
    return exact if early or round_down(exact, CENT) == row.revenue else row.revenue


def paid_early(row: Settlement) -> Dollars:
    """Return the part of the payout that a settlement floor paid before.

    Zero if the row's revenue includes it: the API does not document which. Source: Kalshi API, settlement
    floors.
    """
    early = max(ZERO, row.yes_count - row.no_count) * (row.floor or ZERO)
    return early if round_down(exact_payout(row) - early, CENT) == row.revenue else ZERO


def exact_payout(row: Settlement) -> Dollars:
    """Return a settled market's net contracts times their value."""
    held = row.yes_count - row.no_count
    side = Side.YES if held > ZERO else Side.NO
    return abs(held) * side.price_in_side(yes_value(row))


def oldest_first(fills: Iterable[Fill]) -> list[Fill]:
    """Sort fills received newest first into oldest first.

    Fills of the same instant keep the exchange's order, reversed.
    """
    rows = list(fills)
    rows.reverse()
    return sorted(rows, key=lambda fill: fill.created_at or FAR_FUTURE)
