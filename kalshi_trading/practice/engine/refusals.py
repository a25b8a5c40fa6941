"""Errors the engine raises; the API turns them into HTTP error bodies.

Raising a Refusal means nothing was changed. One exception: a fill-or-kill order is stored as canceled.
"""

from __future__ import annotations


class Refusal(Exception):
    """One HTTP error: `status`, Kalshi's `code` and sometimes `details`.

    Source: Kalshi API, errors. Engine refusals are 400, unknown names 404; pauses, closed markets and used
    ids 409.
    """

    def __init__(self, status: int, code: str, details: str | None = None) -> None:
        self.status = status
        self.code = code
        self.details = details
        super().__init__(self.message if details is None else f"{self.message}: {details}")

    @property
    def message(self) -> str:
        """The code with spaces instead of underscores."""
        return self.code.replace("_", " ")


def exchange_is_paused() -> Refusal:
    """Return the refusal of orders and cancels during an exchange pause."""
    return Refusal(409, "exchange_is_paused")


def trading_is_paused() -> Refusal:
    """Return the refusal of orders while trading, or one market, is paused."""
    return Refusal(409, "trading_is_paused")


def invalid_order(details: str) -> Refusal:
    """Return a refusal for an order whose fields are contradictory or invalid."""
    return Refusal(400, "invalid_order", details)


def not_found(details: str) -> Refusal:
    """Return a refusal for an unknown name or an order that is not resting."""
    return Refusal(404, "not_found", details)
