"""Interface through which the engine reports changed records to a store.

Knows the kinds of records. Never writes anything.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Protocol


class Kind(StrEnum):
    """Kinds of records; each comment names the storage key."""

    SERIES = "series"  # series ticker
    EVENT = "event"  # event ticker
    MARKET = "market"  # ticker
    ACCOUNT = "account"  # account id
    ORDER = "order"  # order id
    POSITION = "position"  # account id/ticker
    FILL = "fill"  # trade id/account id
    TRADE = "trade"  # trade id
    SETTLEMENT = "settlement"  # account id/ticker
    FLOOR = "floor"  # ticker/sequence
    BALANCE = "balance"  # ledger account name; the record is an integer


class ChangeSink(Protocol):
    """Receives changed records; the same key may be reported repeatedly."""

    def record_change(self, kind: str, key: str, record: object) -> None:
        """Note that `record` is now the value of `key`."""


class NoChanges:
    """A sink for an exchange that exists in memory only."""

    def record_change(self, kind: str, key: str, record: object) -> None:
        """Ignore the change."""
