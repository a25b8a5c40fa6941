"""Exceptions: the failure, its effect at the exchange, and the remedy.

    TradingError
    ├─ ConfigurationError            the settings cannot be used; `problems` lists all of them
    ├─ InvalidInputError             text or a number is invalid; nothing was changed
    ├─ JournalError                  the journal cannot be written or read; no order may be sent
    ├─ PracticeExchangeError         the practice exchange could not be started or reached
    ├─ TradeExecutionError           an order was refused locally; nothing was sent
    │  ├─ InvalidOrderError          invalid side, quantity, price or ticker (also an InvalidInputError)
    │  ├─ ConfirmationRequired       soft limits ask; `confirm()` answers exactly these `findings`
    │  ├─ OrderDeniedError           hard limits, price grid, panic, read-only, production not allowed
    │  ├─ OrderNotSentError          an allowed order that provably did not leave this computer
    │  └─ NotAvailableError          this program cannot do that yet
    └─ KalshiAPIError                the exchange refused a request, or its answer was unreadable
       ├─ AuthenticationError, ForbiddenError, NotFoundError, ConflictError, RateLimitError
       ├─ MalformedAnswerError       the answer lacks a field or has an untrusted form
       ├─ UnavailableError           no answer; nothing was changed
       │  └─ NotSentError            a write that provably never left
       └─ OutcomeUnknownError        a write that may have taken effect (`may_have_acted`)

The exchange's result for an order (filled, resting, rejected, unknown) is a value: `SubmissionResult`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any


class TradingError(Exception):
    """Base of all our own errors. `str()` is a sentence for the user."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One configuration fault: the variable, what is wrong, and the remedy."""

    variable: str
    what: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.variable}: {self.what} {self.remedy}"


class ConfigurationError(TradingError):
    """The settings cannot be used.

    Lists every problem found, never a secret's value.
    """

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class InvalidInputError(TradingError):
    """Text or a number from outside is invalid. Nothing was changed."""


class JournalError(TradingError):
    """The journal cannot be written or read.

    No order may be sent while this holds.
    """

    def __init__(self, path: str, reason: str) -> None:
        self.path = path
        super().__init__(f"The journal {path} cannot be used: {reason}.")


class TradeExecutionError(TradingError):
    """An order was refused before it was sent. The exchange did nothing."""


class InvalidOrderError(TradeExecutionError, InvalidInputError):
    """An order argument is invalid. Nothing was sent."""

    def __init__(self, message: str) -> None:
        super().__init__(f"{message} Nothing was sent.")


class OrderDeniedError(TradeExecutionError):
    """Our own rules deny the order. Nothing was sent.

    `findings` has each reason with its numbers.
    """

    def __init__(self, message: str, findings: Sequence[Any] = ()) -> None:
        self.findings = tuple(findings)
        super().__init__(message)


class ConfirmationRequired(TradeExecutionError):
    """A person must review the order first. Nothing was sent.

    `findings` has each question with its numbers. `confirm()` answers exactly these: it reprices the order
    and sends it if nothing got worse. It returns the SubmissionResult, or raises this error again.
    """

    def __init__(self, findings: Sequence[Any], confirm: Callable[[], Any]) -> None:
        self.findings = tuple(findings)
        self.confirm = confirm
        reasons = " ".join(finding.message for finding in self.findings)
        how = "To send it, call confirm() on this error."
        super().__init__(f"Confirmation required. Nothing was sent. {reasons} {how}")


class OrderNotSentError(TradeExecutionError):
    """An allowed order could not be sent.

    Provably nothing reached the exchange.
    """


class NotAvailableError(TradeExecutionError):
    """This program cannot do that yet. Nothing was sent."""


class PracticeExchangeError(TradingError):
    """The practice exchange could not be started or reached."""


class KalshiAPIError(TradingError):
    """The exchange refused a request, or its answer could not be read.

    `status` is the HTTP status. None: there was none. `code` is the exchange's own code. `may_have_acted`:
    the write may have taken effect despite the error.
    """

    may_have_acted = False

    def __init__(self, message: str, *, status: int | None = None, code: str | None = None) -> None:
        self.status = status
        self.code = code
        super().__init__(message)


class AuthenticationError(KalshiAPIError):
    """The exchange rejects the key, signature or clock. Nothing was done."""


class ForbiddenError(KalshiAPIError):
    """The key is valid but not allowed to do this. Nothing was done."""


class NotFoundError(KalshiAPIError):
    """The exchange has no such item. For a cancel: the order no longer rests."""


class ConflictError(KalshiAPIError):
    """The exchange refused for its current state (HTTP 409); `code` says why.

    Causes are a pause, a closed market or too little volume for fill or kill.
    """


class RateLimitError(KalshiAPIError):
    """Too many requests. The matching engine never saw this one."""


class UnavailableError(KalshiAPIError):
    """The exchange is unreachable or not answering. Nothing was changed."""


class NotSentError(UnavailableError):
    """A write that provably never left this computer."""


class MalformedAnswerError(KalshiAPIError):
    """The exchange's answer lacks a required field or has an untrusted form."""


class OutcomeUnknownError(KalshiAPIError):
    """A write was sent without a reliable answer. It may have taken effect."""

    may_have_acted = True
