"""The exception tree: what failed, whether the exchange may have acted, what the user can do.

Expected outcomes of an order (denied, rejected, unknown) are values, not exceptions; see
`trade_executor`. What stands here is for what cannot go on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


class TradingError(Exception):
    """Base of every error this program raises on purpose; `str()` is a sentence for the user."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault in the configuration: the variable, what is wrong with it, what to do."""

    variable: str
    what: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.variable}: {self.what} {self.remedy}"


class ConfigurationError(TradingError):
    """The settings cannot be used. Carries every problem found; never a secret's value."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class InvalidInputError(TradingError):
    """Text or a number from outside is not what it must be. Nothing was changed."""


class JournalError(TradingError):
    """The journal cannot be written or read. An order must not be sent while this holds."""

    def __init__(self, path: str, reason: str) -> None:
        self.path = path
        super().__init__(f"The journal {path} cannot be used: {reason}.")


class TradeExecutionError(TradingError):
    """A trade could not be prepared or carried out; the message says whether anything was sent."""


class PracticeExchangeError(TradingError):
    """The practice exchange could not be started or reached."""


class KalshiAPIError(TradingError):
    """The exchange refused, or could not be understood.

    `status` is the HTTP status (None when there was none), `code` the exchange's own code, and
    `may_have_acted` tells whether a write may have taken effect all the same.
    """

    may_have_acted = False

    def __init__(self, message: str, *, status: int | None = None, code: str | None = None) -> None:
        self.status = status
        self.code = code
        super().__init__(message)


class AuthenticationError(KalshiAPIError):
    """The exchange does not accept the key, the signature or the clock. Nothing was done."""


class NotFoundError(KalshiAPIError):
    """The exchange knows nothing under that name. For a cancel: it is not resting any more."""


class ConflictError(KalshiAPIError):
    """The request collides with an earlier one (409), such as a repeated client_order_id."""


class RateLimitError(KalshiAPIError):
    """Too many requests; this one was refused before it reached the engine."""


class UnavailableError(KalshiAPIError):
    """The exchange could not be reached or is not answering; nothing was changed."""


class NotSentError(UnavailableError):
    """A write that provably never left this machine."""


class MalformedAnswerError(KalshiAPIError):
    """The exchange's answer lacks something it must have, or says it in a form we cannot trust."""


class OutcomeUnknownError(KalshiAPIError):
    """A write was sent and no trustworthy answer came: it may or may not have taken effect."""

    may_have_acted = True
