"""The lock that blocks orders while the journal owes writes. Thread-safe."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from kalshi_trading.core.errors import JournalError
from kalshi_trading.trade_logger import TradeLogger


@dataclass(frozen=True, slots=True)
class _PendingWrite:
    """A failed write: nothing is sent until `write` succeeds.

    `write` raises JournalError as long as it fails. None: the lock ends as soon as the journal works.
    """

    reason: str
    write: Callable[[], object] | None


class TradingLock:
    """Closed while a write is pending.

    The menu, orders and searches close and retry it.
    """

    def __init__(self, journal: TradeLogger) -> None:
        self._journal = journal
        self._guard = threading.RLock()
        self._pending_writes: list[_PendingWrite] = []

    @property
    def reason(self) -> str | None:
        """All reasons why orders are blocked until the journal works again.

        None: orders are not locked.
        """
        return " ".join(dict.fromkeys(each.reason for each in self._pending_writes)) or None

    def close(self, reason: str, until: Callable[[], object] | None = None) -> None:
        """Block orders until the journal works and `until` has succeeded.

        `until` raises JournalError as long as it fails.
        """
        pending = _PendingWrite(reason, until)
        with self._guard:  # a lock closed during a retry must not end with it
            if pending not in self._pending_writes:
                self._pending_writes.append(pending)

    def retry(self) -> None:
        """Retry the pending writes, such as a missing result.

        Trading continues once all of them are written.
        """
        with self._guard:
            reason = self.reason
            if reason is None:
                return
            try:
                for number, pending in enumerate(self._pending_writes):
                    if pending.write is not None:
                        pending.write()
                    self._pending_writes[number] = _PendingWrite(pending.reason, None)  # written once only
                self._journal.log_order_step("unlocked", {"reason": reason})
            except JournalError:
                return
            self._pending_writes.clear()
