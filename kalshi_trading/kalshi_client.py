"""The exchange as methods that return models: every read, and orders by way of the executor.

Knows how a client comes to its connection and journal. Never prints, never asks. Every method raises
KalshiAPIError or one of its children; only orders can end with an outcome that is not known.

    from kalshi_trading.kalshi_client import KalshiClient

    client = KalshiClient()                      # as the settings say; see docs/python.md
    client.get_balance().cash                    # dollars: Decimal("10000.0000")
    client.get_balance()["balance"]              # the same in cents: 1000000
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Self

from kalshi_trading.core.dates import utc_now
from kalshi_trading.core.errors import JournalError, KalshiAPIError, NotAvailableError
from kalshi_trading.core.results import Listing
from kalshi_trading.exchange.account_data import AccountClient, Row
from kalshi_trading.exchange.http.transport import Timing, Transport
from kalshi_trading.journal.own_orders import OwnOrdersReader

if TYPE_CHECKING:
    from kalshi_trading.compose import CancelResult, Lease, SubmissionResult, TradeExecutor

__all__ = ["KalshiAPIError", "KalshiClient"]

READ_LAG = timedelta(minutes=1)
"""How far the exchange's lists may lag what was written to it."""
_LONGEST_WINDOW_S = 30.0  # how long the exchange may take a signature for valid; 5 to 30 s by observation
LONGEST_SEND_S = _LONGEST_WINDOW_S + Timing().total_s
"""How long an order that is being sent can still arrive."""


class LeaseHolder:
    """Holds the services that everything built without arguments shares in a process, until it is closed."""

    _lease: Lease | None = None

    def close(self) -> None:
        """Let go of what it shares, and place no orders any more. A second time does nothing."""
        if self._lease is not None:
            self._lease.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


class KalshiClient(AccountClient, LeaseHolder):
    """The exchange's reads and writes as calls of Python. Safe to share between threads.

    `KalshiClient()` trades where the settings say, and shares connection, journal and limits with everything
    else that was built so in this process. A list is read whole unless `limit` asks for its first rows;
    `cursor` goes on where an earlier one was cut. `since` and `until` bound rows by time, and rows up to two
    seconds beyond may come too; `progress` is called with the number of rows read.
    """

    def __init__(
        self,
        transport: Transport | None = None,
        *,
        clock: Callable[[], datetime] = utc_now,
        allow_production: bool = False,
    ) -> None:
        """Connect as the settings say, or over a transport alone, which has no journal for orders.

        `allow_production` lets orders go where money is real. Raises ConfigurationError,
        PracticeExchangeError, AuthenticationError.
        """
        self._allow_production = allow_production
        self._own_orders: OwnOrdersReader | None = None
        if transport is not None:
            super().__init__(transport, clock=clock)
            return
        from kalshi_trading import compose

        self._lease = compose.acquire()
        services = self._lease.services
        self._own_orders = services.journal.own_orders
        super().__init__(services.client._transport, clock=clock)

    # --- Orders by way of the executor ------------------------------------------------------------

    def place_order(
        self,
        ticker: str,
        side: str,
        quantity: int | Decimal | str,
        action: str = "buy",
        order_type: str = "market",
        price: int | Decimal | str | None = None,
    ) -> SubmissionResult:
        """Check an order against the limits, record it and send it once; see `TradeExecutor.place_order`.

        A price is 1 to 99 for whole cents, a Decimal in dollars, or text; in the terms of `side`. Raises
        TradeExecutionError and its children, after which nothing was sent. Read the result's `outcome`: it
        may be unknown.
        """
        return self._executor().place_order(ticker, side, quantity, action, order_type, price)

    def cancel_order(self, order_id: str) -> CancelResult:
        """Cancel what is still open of an order; see `TradeExecutor.cancel_order`. True: it was canceled."""
        return self._executor().cancel_order(order_id)

    def amend_order(self, *arguments: object, **named: object) -> SubmissionResult:
        """Not there yet. Raises NotAvailableError; nothing is sent."""
        raise NotAvailableError(
            "Amending is not supported yet. Nothing was sent; cancel and place a new order."
        )

    def decrease_order(self, *arguments: object, **named: object) -> SubmissionResult:
        """Not there yet. Raises NotAvailableError; nothing is sent."""
        raise NotAvailableError(
            "Decreasing is not supported yet. Nothing was sent; cancel and place a new order."
        )

    def batch_create_orders(self, *arguments: object, **named: object) -> list[SubmissionResult]:
        """Not there yet. Raises NotAvailableError; nothing is sent."""
        raise NotAvailableError("Batches are not supported yet. Nothing was sent; place orders one by one.")

    def batch_cancel_orders(self, *arguments: object, **named: object) -> list[CancelResult]:
        """Not there yet. Raises NotAvailableError; nothing is sent."""
        raise NotAvailableError("Batches are not supported yet. Nothing was sent; cancel orders one by one.")

    # --- Below the doors --------------------------------------------------------------------------

    def _executor(self) -> TradeExecutor:
        """Return the executor that shares this client's journal."""
        if self._lease is None:
            raise NotAvailableError(
                "This client has no journal for orders. Nothing was sent; use KalshiClient()."
            )
        from kalshi_trading import compose

        return compose.TradeExecutor(self._lease.services, allow_production=self._allow_production)

    def _in_own_words(self, listing: Listing[Row]) -> Listing[Row]:
        if self._own_orders is None or not listing.items:
            return listing
        try:
            return replace(listing, items=self._own_orders.in_own_words(listing.items))
        except JournalError:
            return listing  # what the exchange says is true without our words
