"""Decide from the journal if an account's last panic still blocks orders."""

from __future__ import annotations

from collections.abc import Iterable

from kalshi_trading.journal.events import ORDERS_ALLOWED_EVENT, PANIC_EVENT
from kalshi_trading.journal.records import JournalRecord


def is_panic_active(records: Iterable[JournalRecord], account: str | None) -> bool:
    """Return True if no unlock followed the account's last panic.

    A record that names no account counts for each account. Without an account every record counts.
    """
    events = [
        record.event
        for record in records
        if record.event in (PANIC_EVENT, ORDERS_ALLOWED_EVENT)
        and (account is None or record.text("account") in ("", account))
    ]
    return bool(events) and events[-1] == PANIC_EVENT
