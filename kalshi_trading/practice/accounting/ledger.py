"""Double-entry book-keeping: every posting moves money between named accounts and sums to zero.

Knows balances by name, in millionths of a dollar. Never knows what a posting is for, and never
creates or loses money: where money enters, the house goes below zero by as much.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

Entry = tuple[str, int]

FEES = "fees"
HOUSE = "house"


def cash(account_id: str) -> str:
    """Name the ledger account that holds an account's cash."""
    return f"cash:{account_id}"


def pot(ticker: str) -> str:
    """Name the ledger account that holds $1 for each contract outstanding in a market."""
    return f"pot:{ticker}"


class UnbalancedPostingError(ValueError):
    """Entries that do not sum to zero. Nothing was posted."""


class Ledger:
    """All balances of the exchange."""

    def __init__(self, balances: Mapping[str, int] | None = None) -> None:
        self._balances = dict(balances or {})

    def post(self, entries: Iterable[Entry]) -> None:
        """Add each amount to its account, or refuse them all when they do not sum to zero."""
        entries = tuple(entries)
        if sum(amount for _, amount in entries) != 0:
            raise UnbalancedPostingError(f"entries do not sum to zero: {entries}")
        for name, amount in entries:
            self._balances[name] = self._balances.get(name, 0) + amount

    def balance(self, name: str) -> int:
        """Return what an account holds; an account nothing was ever posted to holds 0."""
        return self._balances.get(name, 0)

    def balances(self) -> dict[str, int]:
        """Return every account with its balance."""
        return dict(self._balances)

    def total(self) -> int:
        """Return the sum over all accounts, which is always 0."""
        return sum(self._balances.values())
