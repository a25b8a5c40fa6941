"""Look for pending orders in the background.

Knows when to look, and that no error may end the search. `recovery` knows how to look.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable

from kalshi_trading.core.errors import JournalError
from kalshi_trading.orders.execution.recovery import OrderRecovery

PAUSE_S = 5.0
ROUNDS_BETWEEN_RECOVERIES = 12  # about a minute


class RecoveryLoop:
    """Looks for pending orders again and again.

    From time to time it takes over the orders of other sessions that ended. Each round begins with
    `unlock`, which retries the writes that a failing journal did not take. `journal_failed` is called
    when something could not be recorded or the journal could not be read.
    """

    def __init__(
        self,
        recovery: OrderRecovery,
        *,
        journal_failed: Callable[[str], None],
        recover: Callable[[], object] = lambda: None,
        unlock: Callable[[], object] = lambda: None,
        pause_s: float | None = None,
    ) -> None:
        self._recovery = recovery
        self._journal_failed = journal_failed
        self._recover = recover
        self._unlock = unlock
        self._pause_s = PAUSE_S if pause_s is None else pause_s
        self._reported: set[str] = set()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="recovery loop", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End the search; pending orders stay in the journal for the next start."""
        self._ended.set()

    def _run(self) -> None:
        for number in itertools.count(1):
            if self._ended.wait(self._pause_s):
                return
            self._attempt(self._unlock)
            if number % ROUNDS_BETWEEN_RECOVERIES == 0:
                self._attempt(self._recover)
            self._attempt(self._recovery.examine_all)
            self._attempt(self._recovery.look_for_late)

    def _attempt(self, look: Callable[[], object]) -> None:
        """Do one part of a round; an error in it does not stop the next one."""
        try:
            look()
        except JournalError as error:
            self._journal_failed(str(error))  # the order stays pending
        except Exception as error:  # noqa: BLE001  (a search that ended silently would lose orders)
            if repr(error) not in self._reported:
                self._reported.add(repr(error))
                self._recovery.log_search_error(error)
