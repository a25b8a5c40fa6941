"""Findings about an order: deny it, ask for confirmation, or warn."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum


class Severity(StrEnum):
    DENY = "deny"
    ASK = "ask"
    WARN = "warn"


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one rule for one order.

    `actual` and `limit` are the compared numbers. None: the rule compares none.
    """

    rule: str
    severity: Severity
    message: str
    actual: Decimal | None = None
    limit: Decimal | None = None

    def fields(self) -> dict[str, str | None]:
        """Return the finding as plain text for the journal."""
        return {
            "rule": self.rule,
            "severity": self.severity.value,
            "message": self.message,
            "actual": None if self.actual is None else f"{self.actual:f}",
            "limit": None if self.limit is None else f"{self.limit:f}",
        }


def denials(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    return tuple(finding for finding in findings if finding.severity is Severity.DENY)


def questions(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    return tuple(finding for finding in findings if finding.severity is Severity.ASK)
