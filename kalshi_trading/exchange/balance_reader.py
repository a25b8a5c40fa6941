"""One reader of the balance for every part of the program.

The exchange allows one balance read per second, so all parts share them. Never returns a balance older than
a second, and none read before our last write was answered. Source: Kalshi API, rate limits.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from dataclasses import dataclass, field

from kalshi_trading.core.errors import KalshiAPIError
from kalshi_trading.core.models import Balance

KEPT_FOR_S = 1.0


@dataclass(frozen=True, slots=True)
class _Request:
    number: int
    begun_at: float
    balance: Future[Balance] = field(default_factory=Future)


class BalanceReader:
    """Reads the balance for all threads, one request at a time."""

    def __init__(self, request: Callable[[], Balance], *, monotonic: Callable[[], float] = time.monotonic):
        self._request = request
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._latest: _Request | None = None
        self._begun = 0
        self._oldest_valid = 1  # the number of the first request that began after our last write

    def expire(self) -> None:
        """Make the next read a new one, because the balance may have changed."""
        with self._lock:
            self._oldest_valid = self._begun + 1

    def read(self, *, fresh: bool = False) -> Balance:
        """Return a balance less than a second old, or a new one.

        `fresh`: only one whose request begins after this call. Callers at the same time share one request and
        its error. Raises KalshiAPIError.
        """
        with self._lock:
            needed = self._begun + 1 if fresh else self._oldest_valid
        while True:
            request, is_mine = self._share_or_begin(needed)
            if is_mine:
                self._send(request)
            wait([request.balance])
            if request.number >= needed and not request.balance.cancelled():
                return request.balance.result()

    def _share_or_begin(self, needed: int) -> tuple[_Request, bool]:
        """Return the latest request, or a new one and True.

        The latest counts while it is on its way, even if it is too old for the caller: the next one begins
        after it.
        """
        with self._lock:
            latest = self._latest
            if latest is not None and (not latest.balance.done() or self._is_usable(latest, needed)):
                return latest, False
            self._begun += 1
            self._latest = _Request(self._begun, self._monotonic())
            return self._latest, True

    def _is_usable(self, request: _Request, needed: int) -> bool:
        is_known = not request.balance.cancelled() and request.balance.exception() is None
        return is_known and request.number >= needed and self._monotonic() - request.begun_at < KEPT_FOR_S

    def _send(self, request: _Request) -> None:
        try:
            request.balance.set_result(self._request())
        except KalshiAPIError as error:
            request.balance.set_exception(error)
        except BaseException:
            if request.balance.cancel():  # an interrupted reader leaves the others to ask again
                request.balance.set_running_or_notify_cancel()  # only this wakes those who wait
            raise
