"""The exception tree: what failed, whether the exchange may have acted, what the user can do.

    TradingError
    ├─ ConfigurationError            the settings cannot be used; `problems` lists all of them
    ├─ InvalidInputError             text or a number is not what it must be; nothing was changed
    ├─ JournalError                  the journal cannot be written or read; no order may be sent
    ├─ PracticeExchangeError         the practice exchange could not be started or reached
    ├─ TradeExecutionError           an order was refused here; the exchange was sent nothing
    │  ├─ InvalidOrderError          a side, quantity, price or ticker is wrong (an InvalidInputError too)
    │  ├─ ConfirmationRequired       soft limits ask; `confirm()` answers exactly these `findings`
    │  ├─ OrderDeniedError           hard limits, the price grid, panic, read-only, production not allowed
    │  ├─ OrderNotSentError          it was allowed, and provably did not leave this computer
    │  └─ NotAvailableError          this program cannot do that yet
    └─ KalshiAPIError                the exchange refused a request, or could not be understood
       ├─ AuthenticationError, NotFoundError, ConflictError, RateLimitError, MalformedAnswerError
       ├─ UnavailableError           no answer; nothing was changed
       │  └─ NotSentError            a write that provably never left
       └─ OutcomeUnknownError        a write that may have taken effect (`may_have_acted`)

What the exchange says of an order (filled, resting, rejected, unknown) is a value: `SubmissionResult`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any


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
    """An order was refused before it was sent. The exchange did nothing."""


class InvalidOrderError(TradeExecutionError, InvalidInputError):
    """An argument of an order is not what it must be. Nothing was sent."""

    def __init__(self, message: str) -> None:
        super().__init__(f"{message} Nothing was sent.")


class OrderDeniedError(TradeExecutionError):
    """Our own rules deny the order; `findings` has each reason with its numbers. Nothing was sent."""

    def __init__(self, message: str, findings: Sequence[Any] = ()) -> None:
        self.findings = tuple(findings)
        super().__init__(message)


class ConfirmationRequired(TradeExecutionError):
    """A person should look at the order first; `findings` has each question with its numbers.

    `confirm()` answers exactly these: it prices the order once more, sends it if nothing is worse by now and
    returns the SubmissionResult; else it raises this anew. Until then nothing was sent.
    """

    def __init__(self, findings: Sequence[Any], confirm: Callable[[], Any]) -> None:
        self.findings = tuple(findings)
        self.confirm = confirm
        reasons = " ".join(finding.message for finding in self.findings)
        how = "To send it, call confirm() on this error."
        super().__init__(f"Confirmation required. Nothing was sent. {reasons} {how}")


class OrderNotSentError(TradeExecutionError):
    """An order that was allowed could not be sent. Provably nothing reached the exchange."""


class NotAvailableError(TradeExecutionError):
    """This program cannot do that yet. Nothing was sent."""


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
