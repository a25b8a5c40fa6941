"""Whether a panic blocks new orders, in every session: pressed, on record, and taken back."""

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
    """The journal decides, whichever session pressed panic or allowed orders again."""

    def __init__(self, journal: TradeLogger, activity: ActivityReader, lock: TradingLock) -> None:
        self._journal = journal
        self._activity = activity
        self._lock = lock
        self._guard = threading.RLock()  # panic, the menu and the recovery loop record it
        self.is_unrecorded = False
        """Whether other sessions, and the next one, do not know of a panic of this session."""

    def press(self) -> None:
        """Block new orders and record it, or lock trading until that has worked: it is tried again."""
        self.is_unrecorded = True  # without the guard: it blocks orders while another one is written
        try:
            with self._guard:
                self.is_unrecorded = True  # orders may have been allowed while it waited for its turn
                self._record()
        except JournalError as error:
            self._lock.close(f"{error} {UNRECORDED_PANIC}", until=self._record)

    def _record(self) -> None:
        """Record a panic that is not on record yet. Raises JournalError."""
        with self._guard:
            if self.is_unrecorded:
                reason = "canceling everything, new orders blocked"
                self._journal.log_event(PANIC_EVENT, {"reason": reason})
                self.is_unrecorded = False

    def block_reason(self) -> str | None:
        """Return why no order may be sent; None: they may.

        A panic that is not on record yet counts too. So does one that cannot be ruled out, because the
        journal cannot be read.
        """
        if self.is_unrecorded:
            return BLOCKED
        try:
            return BLOCKED if self._activity.is_panic_active() else None
        except JournalError as error:
            return f"Could not check for an earlier panic. {error}"

    def allow_orders(self) -> bool:
        """Allow new orders again, in every session; False: it is not on record, so they stay blocked."""
        try:
            with self._guard:
                self._journal.log_event(ORDERS_ALLOWED_EVENT, {"reason": "new orders allowed again"})
                self.is_unrecorded = False
        except JournalError as error:
            self._lock.close(str(error))
            return False
        return True
