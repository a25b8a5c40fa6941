"""How the engine tells that a record is new or different, so that a store can write it.

Knows the kinds of records. Never writes anything itself.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Protocol


class Kind(StrEnum):
    """Kinds of records, each with the key it is stored under."""

    SERIES = "series"  # series ticker
    EVENT = "event"  # event ticker
    MARKET = "market"  # ticker
    ACCOUNT = "account"  # account id
    ORDER = "order"  # order id
    POSITION = "position"  # account id/ticker
    FILL = "fill"  # trade id/account id
    TRADE = "trade"  # trade id
    SETTLEMENT = "settlement"  # account id/ticker
    BALANCE = "balance"  # name of the ledger account; the record is a whole number


class ChangeSink(Protocol):
    """Whoever wants to know of changed records; several touches of one key may follow each other."""

    def record_change(self, kind: str, key: str, record: object) -> None:
        """Take note that `record` is now what stands under `key`."""


class NoChanges:
    """A sink for an exchange that lives in memory only."""

    def record_change(self, kind: str, key: str, record: object) -> None:
        """Forget it."""
