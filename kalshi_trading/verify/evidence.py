"""Requests and answers as evidence, without keys, ids or balances.

Ids become short hashes, so equal ones stay equal. Rows of other markets are counted, never kept.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence

_MOST_ROWS = 5
_UUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
_IDS = re.compile(r"(^|_)(id|cursor)$")
_MONEY = frozenset({"balance", "balance_dollars", "portfolio_value", "amount_cents", "fee_cents"})
_LISTS_OF_MARKETS = ("ticker", "market_ticker", "event_ticker")
_HIDDEN = "…"


class Evidence:
    """Recorded exchanges; rows of markets in `tickers` are kept."""

    def __init__(self) -> None:
        self.records: list[dict[str, object]] = []
        self.tickers: set[str] = set()
        self.answers: dict[str, list[tuple[int | None, object]]] = {}
        """Status and unredacted answer of each request, by method."""

    def add(
        self,
        method: str,
        path: str,
        query: Iterable[tuple[str, str]],
        sent: object,
        status: int | None,
        body: object,
    ) -> None:
        """Add one exchange. `status` None: there was no answer."""
        self.answers.setdefault(method, []).append((status, body))
        record: dict[str, object] = {"request": f"{method} {_UUID.sub(_match_hash, path)}"}
        asked = {name: self._redacted(value, name) for name, value in query}
        if asked:
            record["query"] = asked
        if sent is not None:
            record["body"] = self._redacted(sent)
        record["status"] = "no answer" if status is None else status
        record["answer"] = self._redacted(body)
        self.records.append(record)

    def _redacted(self, value: object, name: str = "") -> object:
        if isinstance(value, Mapping):
            return {str(key): self._redacted(each, str(key)) for key, each in value.items()}
        if isinstance(value, Sequence) and not isinstance(value, str):
            kept = [row for row in value if self._is_kept(row)]
            rows = [self._redacted(row, name) for row in kept[:_MOST_ROWS]]
            left_out = len(value) - len(rows)
            return [*rows, f"{left_out} more"] if left_out else rows
        if value is None or isinstance(value, bool):
            return value
        if name in _MONEY:
            return _HIDDEN
        if _IDS.search(name):
            return hashed(str(value)) if value else ""
        return _UUID.sub(_match_hash, str(value)) if isinstance(value, str) else str(value)

    def _is_kept(self, row: object) -> bool:
        if not isinstance(row, Mapping):
            return True
        names = [row[key] for key in _LISTS_OF_MARKETS if key in row]
        return not names or any(name in self.tickers for name in names)


def error_code(answer: Mapping[str, object]) -> str:
    """Return the exchange's code in an error body, or ''."""
    error = answer.get("error")
    code = error.get("code") if isinstance(error, Mapping) else answer.get("code")
    return code if isinstance(code, str) else ""


def hashed(text: str) -> str:
    """Return a short hash of an id, with its length."""
    return f"#{hashlib.sha256(text.encode()).hexdigest()[:8]} ({len(text)} characters)"


def _match_hash(match: re.Match[str]) -> str:
    return hashed(match.group())
