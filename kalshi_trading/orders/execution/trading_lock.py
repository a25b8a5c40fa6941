"""Why no order may be sent until the journal works again, and the writes that it still owes. Thread-safe."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from kalshi_trading.core.errors import JournalError
from kalshi_trading.trade_logger import TradeLogger


@dataclass(frozen=True, slots=True)
class _PendingWrite:
    """A write that failed: the reason to send nothing until `write`, which raises JournalError, succeeds.

    Without one the lock ends as soon as the journal works.
    """

    reason: str
    write: Callable[[], object] | None


class TradingLock:
    """Closed while a write is owed. The menu, orders and searches close and retry it."""

    def __init__(self, journal: TradeLogger) -> None:
        self._journal = journal
        self._guard = threading.RLock()
        self._pending_writes: list[_PendingWrite] = []

    @property
    def reason(self) -> str | None:
        """Every reason why no order can be sent until the journal works again; None: there is none."""
        return " ".join(dict.fromkeys(each.reason for each in self._pending_writes)) or None

    def close(self, reason: str, until: Callable[[], object] | None = None) -> None:
        """Send no order before the journal works and `until`, which raises JournalError, has succeeded."""
        pending = _PendingWrite(reason, until)
        with self._guard:  # a lock set while another one ends must not end with it
            if pending not in self._pending_writes:
                self._pending_writes.append(pending)

    def retry(self) -> None:
        """Write what is owed, such as a missing result; trading goes on once all of it is written."""
        with self._guard:
            reason = self.reason
            if reason is None:
                return
            try:
                for number, pending in enumerate(self._pending_writes):
                    if pending.write is not None:
                        pending.write()
                    self._pending_writes[number] = _PendingWrite(pending.reason, None)  # once is enough
                self._journal.log_order_step("unlocked", {"reason": reason})
            except JournalError:
                return
            self._pending_writes.clear()
