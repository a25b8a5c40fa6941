"""World records that the engine does not keep, and the whole saved world."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from kalshi_trading.practice.records import (
    Account,
    Event,
    Fill,
    FloorChange,
    Market,
    Order,
    Position,
    Series,
    Settlement,
    Trade,
)

LAYOUT = 1


class TransferStatus(StrEnum):
    """Progress of a deposit or withdrawal; it only moves forward."""

    PENDING = "pending"
    APPLIED = "applied"
    FAILED = "failed"
    RETURNED = "returned"


@dataclass(slots=True)
class Deposit:
    """Practice money paid in.

    Once the deposit is applied, cash grows by the amount less the fee.
    """

    deposit_id: str
    account_id: str
    amount: int
    created_at: int
    fee: int = 0
    status: TransferStatus = TransferStatus.APPLIED
    finalized_at: int | None = None

    @property
    def cash_change(self) -> int:
        """The change in cash so far, at least 0."""
        return self.amount - self.fee if self.status is TransferStatus.APPLIED else 0


@dataclass(slots=True)
class Withdrawal:
    """Practice money paid out.

    Cash falls by the amount and the fee as soon as the withdrawal is requested.
    """

    withdrawal_id: str
    account_id: str
    amount: int
    created_at: int
    fee: int = 0
    status: TransferStatus = TransferStatus.APPLIED
    finalized_at: int | None = None

    @property
    def cash_change(self) -> int:
        """The change in cash so far, at most 0."""
        gone = self.status in (TransferStatus.PENDING, TransferStatus.APPLIED)
        return -self.amount - self.fee if gone else 0


@dataclass(slots=True)
class CutOffs:
    """Times before which rows are historical. None: moves with the clock."""

    markets: int | None = None
    trades: int | None = None
    orders: int | None = None
    positions: int | None = None
    overlap_s: int = 3_600  # how long a row may be in both lists


@dataclass(slots=True)
class WorldInfo:
    """Settings a world was created with."""

    seed: int
    market_count: int
    account_id: str  # the only account that is not simulated
    founded_at: int
    layout: int = LAYOUT


class WorldRecordKind(StrEnum):
    """Kinds of records the engine does not know."""

    DEPOSIT = "deposit"
    WITHDRAWAL = "withdrawal"
    CUT_OFFS = "cut_offs"
    INFO = "charter"  # the stored value


@dataclass(slots=True)
class SavedWorld:
    """All records of a file, in the order in which they were first written."""

    series: list[Series] = field(default_factory=list)
    event: list[Event] = field(default_factory=list)
    market: list[Market] = field(default_factory=list)
    account: list[Account] = field(default_factory=list)
    order: list[Order] = field(default_factory=list)
    position: list[Position] = field(default_factory=list)
    fill: list[Fill] = field(default_factory=list)
    trade: list[Trade] = field(default_factory=list)
    settlement: list[Settlement] = field(default_factory=list)
    floor: list[FloorChange] = field(default_factory=list)
    deposit: list[Deposit] = field(default_factory=list)
    withdrawal: list[Withdrawal] = field(default_factory=list)
    cut_offs: list[CutOffs] = field(default_factory=list)
    info: list[WorldInfo] = field(default_factory=list)
    balances: dict[str, int] = field(default_factory=dict)
