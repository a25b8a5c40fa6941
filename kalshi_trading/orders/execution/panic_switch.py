"""Block new orders in every session after a panic, until allowed again."""

from __future__ import annotations

import threading

from kalshi_trading.core.errors import JournalError
from kalshi_trading.journal.events import ORDERS_ALLOWED_EVENT, PANIC_EVENT
from kalshi_trading.orders.execution.trading_lock import TradingLock
from kalshi_trading.orders.pretrade.activity import ActivityReader
from kalshi_trading.trade_logger import TradeLogger

BLOCKED = "Trading is locked after panic. To unlock: 4, then r."
UNRECORDED_PANIC = (
    "Panic is not in the journal yet, so other sessions can still send orders. "
    "This session keeps retrying; stop the other sessions."
)


class PanicSwitch:
    """Blocks orders by the journal, whichever session pressed or allowed."""

    def __init__(self, journal: TradeLogger, activity: ActivityReader, lock: TradingLock) -> None:
        self._journal = journal
        self._activity = activity
        self._lock = lock
        self._guard = threading.RLock()  # the panic, the menu and the recovery loop record it
        self.is_unrecorded = False
        """True if a panic of this session is not in the journal, so that other sessions do not know of it."""

    def press(self) -> None:
        """Block new orders and record the panic.

        If the write fails, trading is locked until a retry succeeds.
        """
        self.is_unrecorded = True  # set without the guard: it blocks orders while another write runs
        try:
            with self._guard:
                self.is_unrecorded = True  # orders may have been allowed while this call waited for the guard
                self._record()
        except JournalError as error:
            self._lock.close(f"{error} {UNRECORDED_PANIC}", until=self._record)

    def _record(self) -> None:
        """Record a panic that is not in the journal yet. Raises JournalError."""
        with self._guard:
            if self.is_unrecorded:
                reason = "canceling everything, new orders blocked"
                self._journal.log_event(PANIC_EVENT, {"reason": reason})
                self.is_unrecorded = False

    def block_reason(self) -> str | None:
        """Return why no order may be sent; None: they may be sent.

        A panic not recorded yet counts. A panic also counts as possible while the journal cannot be read.
        """
        if self.is_unrecorded:
            return BLOCKED
        try:
            return BLOCKED if self._activity.is_panic_active() else None
        except JournalError as error:
            return f"Could not check for an earlier panic. {error}"

    def allow_orders(self) -> bool:
        """Allow new orders again in every session.

        False: it could not be recorded, so they stay blocked.
        """
        try:
            with self._guard:
                self._journal.log_event(ORDERS_ALLOWED_EVENT, {"reason": "new orders allowed again"})
                self.is_unrecorded = False
        except JournalError as error:
            self._lock.close(str(error))
            return False
        return True
