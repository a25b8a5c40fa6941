"""What the engine says when it will not do a thing; the face turns it into an HTTP error body.

Knows the engine's own error words. Never carries money or a half-done change: whoever raises a
refusal has changed nothing, except where a fill-or-kill order is stored as canceled.
"""

from __future__ import annotations


class Refusal(Exception):
    """One HTTP error: `status`, the exchange's `code` and, for some codes, `details`.

    Source: Kalshi API, errors. Engine refusals are 400, unknown names 404, spent ids 409.
    """

    def __init__(self, status: int, code: str, details: str | None = None) -> None:
        self.status = status
        self.code = code
        self.details = details
        super().__init__(self.message if details is None else f"{self.message}: {details}")

    @property
    def message(self) -> str:
        """Spell the code as the words of a sentence."""
        return self.code.replace("_", " ")


def invalid_order(details: str) -> Refusal:
    """Refuse an order whose parts contradict each other or the rules."""
    return Refusal(400, "invalid_order", details)


def not_found(details: str) -> Refusal:
    """Refuse a name that means nothing here, or an order that does not rest."""
    return Refusal(404, "not_found", details)
