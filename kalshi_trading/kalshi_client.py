"""The exchange's client: reads return models, orders go by the executor.

Finds its connection and journal from the settings. Never prints, never asks. Failures at the exchange raise
KalshiAPIError or one of its children. Order methods raise TradeExecutionError for a refusal. Only orders can
have an unknown outcome.

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
"""Time by which the exchange's lists may lag behind a write."""


def longest_send_s(signature_window_s: float) -> float:
    """Return the time after which an order being sent can no longer arrive."""
    return signature_window_s + Timing().total_s


class LeaseHolder:
    """Holds the services that objects built without arguments share.

    They are shared within the process, until the object is closed.
    """

    _lease: Lease | None = None

    def close(self) -> None:
        """Release the shared services. No orders can be placed afterwards.

        A second call does nothing.
        """
        if self._lease is not None:
            self._lease.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


class KalshiClient(AccountClient, LeaseHolder):
    """The exchange's reads and writes as Python calls. Thread-safe.

    `KalshiClient()` trades as the settings say. It shares connection, journal and limits with every other
    object built without arguments in this process. A list is read whole unless `limit` asks for its first
    rows. `cursor` continues a list that was cut. `since` and `until` bound rows by time; rows up to two
    seconds outside may be included. `progress` is called with the number of rows read.
    """

    def __init__(
        self,
        transport: Transport | None = None,
        *,
        clock: Callable[[], datetime] = utc_now,
        allow_production: bool = False,
    ) -> None:
        """Connect as the settings say, or use a transport without a journal.

        Without a journal there are no orders. `allow_production` permits orders with real money. Raises
        ConfigurationError, PracticeExchangeError, AuthenticationError.
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
        self._balance = services.client._balance

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
        """Check an order against the limits, record it and send it once.

        See `TradeExecutor.place_order`. A price is 1 to 99 for whole cents, a Decimal in dollars, or text,
        in the terms of `side`. Raises TradeExecutionError and its children; then nothing was sent. Read the
        result's `outcome`: UNKNOWN means the exchange may have acted.
        """
        return self._executor().place_order(ticker, side, quantity, action, order_type, price)

    def cancel_order(self, order_id: str) -> CancelResult:
        """Cancel the open part of an order. The result is true if it was canceled.

        See `TradeExecutor.cancel_order`.
        """
        return self._executor().cancel_order(order_id)

    def amend_order(self, *arguments: object, **named: object) -> SubmissionResult:
        """Not available yet. Raises NotAvailableError; nothing is sent."""
        raise NotAvailableError(
            "Amending is not supported yet. Nothing was sent; cancel and place a new order."
        )

    def decrease_order(self, *arguments: object, **named: object) -> SubmissionResult:
        """Not available yet. Raises NotAvailableError; nothing is sent."""
        raise NotAvailableError(
            "Decreasing is not supported yet. Nothing was sent; cancel and place a new order."
        )

    def batch_create_orders(self, *arguments: object, **named: object) -> list[SubmissionResult]:
        """Not available yet. Raises NotAvailableError; nothing is sent."""
        raise NotAvailableError("Batches are not supported yet. Nothing was sent; place orders one by one.")

    def batch_cancel_orders(self, *arguments: object, **named: object) -> list[CancelResult]:
        """Not available yet. Raises NotAvailableError; nothing is sent."""
        raise NotAvailableError("Batches are not supported yet. Nothing was sent; cancel orders one by one.")

    # --- Internal ---------------------------------------------------------------------------------

    def _executor(self) -> TradeExecutor:
        """Return the executor that shares this client's journal."""
        if self._lease is None:
            raise NotAvailableError(
                "This client has no journal for orders. Nothing was sent; use KalshiClient()."
            )
        from kalshi_trading import compose

        return compose.TradeExecutor(self._lease.services, allow_production=self._allow_production)

    def _with_placed_action(self, listing: Listing[Row]) -> Listing[Row]:
        if self._own_orders is None or not listing.items:
            return listing
        try:
            return replace(listing, items=self._own_orders.with_placed_action(listing.items))
        except JournalError:
            return listing  # the exchange's rows are correct without our action and side
