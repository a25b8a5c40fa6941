"""Double-entry ledger: postings move money between named accounts.

Knows balances by name, in millionths of a dollar. Every posting sums to zero, so money is never created
or lost. Money that enters is taken from the house, whose balance goes below zero. Never knows the purpose
of a posting.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

Entry = tuple[str, int]

FEES = "fees"
HOUSE = "house"


def cash(account_id: str) -> str:
    """Return the name of the ledger account for an account's cash."""
    return f"cash:{account_id}"


def pot(ticker: str) -> str:
    """Return the name of the ledger account for a market's payouts.

    It holds $1 less the settlement floor for each contract outstanding.
    """
    return f"pot:{ticker}"


class UnbalancedPostingError(ValueError):
    """Entries that do not sum to zero. Nothing was posted."""


class Ledger:
    """All balances of the exchange."""

    def __init__(self, balances: Mapping[str, int] | None = None) -> None:
        self._balances = dict(balances or {})

    def post(self, entries: Iterable[Entry]) -> None:
        """Add each amount to its account.

        Raises UnbalancedPostingError, and posts nothing, if the entries do not sum to zero.
        """
        entries = tuple(entries)
        if sum(amount for _, amount in entries) != 0:
            raise UnbalancedPostingError(f"entries do not sum to zero: {entries}")
        for name, amount in entries:
            self._balances[name] = self._balances.get(name, 0) + amount

    def balance(self, name: str) -> int:
        """Return a balance, or 0 if nothing was ever posted to it."""
        return self._balances.get(name, 0)

    def balances(self) -> dict[str, int]:
        """Return all balances by name."""
        return dict(self._balances)

    def total(self) -> int:
        """Return the sum over all accounts, which is always 0."""
        return sum(self._balances.values())
