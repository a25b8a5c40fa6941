"""What a world's file holds besides the engine's own records, and all of it together after reading."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from kalshi_trading.practice.records import (
    Account,
    Event,
    Fill,
    Market,
    Order,
    Position,
    Series,
    Settlement,
    Trade,
)

LAYOUT = 1


@dataclass(slots=True)
class Deposit:
    """Practice money that was paid in."""

    deposit_id: str
    account_id: str
    amount: int
    created_at: int


@dataclass(slots=True)
class Charter:
    """What a world was founded with."""

    seed: int
    market_count: int
    account_id: str  # the one person who trades here
    founded_at: int
    layout: int = LAYOUT


class OwnKind(StrEnum):
    """Kinds of records the engine knows nothing about."""

    DEPOSIT = "deposit"
    CHARTER = "charter"


@dataclass(slots=True)
class Stored:
    """Everything a file held, in the order in which it was first written."""

    series: list[Series] = field(default_factory=list)
    event: list[Event] = field(default_factory=list)
    market: list[Market] = field(default_factory=list)
    account: list[Account] = field(default_factory=list)
    order: list[Order] = field(default_factory=list)
    position: list[Position] = field(default_factory=list)
    fill: list[Fill] = field(default_factory=list)
    trade: list[Trade] = field(default_factory=list)
    settlement: list[Settlement] = field(default_factory=list)
    deposit: list[Deposit] = field(default_factory=list)
    charter: list[Charter] = field(default_factory=list)
    balances: dict[str, int] = field(default_factory=dict)
