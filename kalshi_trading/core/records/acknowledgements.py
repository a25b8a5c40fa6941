"""Answers of the exchange to an order, a cancel and an amend.

Never reads JSON, performs no I/O.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from kalshi_trading.core.money import Contracts, Dollars, Price


@dataclass(frozen=True, slots=True)
class AmendAcknowledgement:
    """The exchange's answer to an amended order.

    None: that count is unchanged, or nothing was filled. The price is in YES dollars, the fee per contract.
    Source: Kalshi API, amend order.
    """

    order_id: str
    client_order_id: str | None
    fill_count: Contracts | None
    remaining_count: Contracts | None
    average_fill_price: Price | None
    average_fee_paid: Dollars | None
    at: datetime


@dataclass(frozen=True, slots=True)
class OrderAcknowledgement(AmendAcknowledgement):
    """The answer to a new order: the same fields, with both counts."""

    fill_count: Contracts
    remaining_count: Contracts


@dataclass(frozen=True, slots=True)
class CancelAcknowledgement:
    order_id: str
    reduced_by: Contracts
    at: datetime
