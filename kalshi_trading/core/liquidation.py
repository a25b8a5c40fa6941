"""What selling a whole position into today's book would bring, after fees. Pure; sells nothing."""

from __future__ import annotations

from dataclasses import dataclass

from kalshi_trading.core.fees import fee_of_fill, fee_rate
from kalshi_trading.core.market_models import FeeSchedule, OrderBook
from kalshi_trading.core.models import Action, Side
from kalshi_trading.core.money import ZERO, Contracts, Dollars, Price
from kalshi_trading.core.order_book import Walk, walk


@dataclass(frozen=True, slots=True)
class Liquidation:
    """A sale of everything, best bids first. `unsold` contracts find no buyer and bring nothing.

    `proceeds` are before `fees`; None: the fee schedule is not known.
    """

    proceeds: Dollars
    fees: Dollars | None
    average_price: Price | None
    unsold: Contracts

    @property
    def value(self) -> Dollars | None:
        """Cash the sale would bring; None when its fees are not known."""
        return None if self.fees is None else self.proceeds - self.fees


def liquidate(net: Contracts, book: OrderBook, schedule: FeeSchedule | None) -> Liquidation:
    """Sell `net` contracts (above zero YES, below zero NO) to every bid there is, as a taker."""
    side = Side.YES if net > ZERO else Side.NO
    sale = walk(book, Action.SELL, side, abs(net), ZERO)
    return Liquidation(sale.amount, taker_fees(sale, schedule), sale.average_price, sale.left)


def taker_fees(sale: Walk, schedule: FeeSchedule | None) -> Dollars | None:
    """Give the fees of a sale, each level as one fill of one order; None: the rates are not known."""
    rate = fee_rate(schedule, is_taker=True) if schedule is not None else None
    if rate is None:
        return None
    total = accumulator = ZERO
    for level in sale.fills:
        revenue = level.price * level.count
        fee = fee_of_fill(rate, level.count, level.price, revenue=revenue, accumulator=accumulator)
        total, accumulator = total + fee.net_fee, fee.accumulator
    return total
