"""Orders for scripts: the protocol and the limits of the menu, as calls of Python.

Refuses in one way: what a person should see first raises ConfirmationRequired, everything else that stops an
order here another TradeExecutionError (the tree is in `core.errors`), and nothing was sent. What the exchange
says is a SubmissionResult. Never prints, never asks, never sends an order twice.

    from kalshi_trading.trade_executor import TradeExecutor

    with TradeExecutor() as executor:                        # as the settings say; see docs/python.md
        result = executor.place_limit_order("KXFED-26DEC-H0", "yes", 5, 39)       # 39 cents
        result.outcome, result.fill_count, result.fee        # dollars
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

from kalshi_trading.core.errors import (
    ConfirmationRequired,
    InvalidInputError,
    InvalidOrderError,
    NotFoundError,
    OrderDeniedError,
    OrderNotSentError,
    TradeExecutionError,
)
from kalshi_trading.core.fees import dearest_rate
from kalshi_trading.core.market_models import Market
from kalshi_trading.core.models import Action, Order
from kalshi_trading.core.money import ZERO
from kalshi_trading.markets import FoundMarket
from kalshi_trading.orders import arguments
from kalshi_trading.orders.execution.cancel import CancelResult
from kalshi_trading.orders.execution.submission_result import Outcome, SubmissionResult
from kalshi_trading.orders.pretrade.findings import Finding, Severity, denials, questions
from kalshi_trading.orders.pretrade.preview import OrderPreview
from kalshi_trading.orders.pretrade.risk import what_is_worse
from kalshi_trading.orders.pretrade.ticket import OrderTicket, parse_size
from kalshi_trading.settings.environments import Environment

if TYPE_CHECKING:
    from kalshi_trading.compose import Services

__all__ = ["TradeExecutionError", "TradeExecutor"]

_NOT_ALLOWED = Finding(
    "production",
    Severity.DENY,
    "This is real money: build with allow_production=True to allow orders.",
)


class TradeExecutor(AbstractContextManager["TradeExecutor"]):
    """Places and cancels orders as the settings say. Safe to share between threads.

    Everything built without arguments in a process shares connection, journal, limits and recovery. Prices
    are in the terms of the side: an int from 1 to 99 is cents, a Decimal dollars, text either ("5.5c",
    "$0.055").
    """

    def __init__(self, services: Services | None = None, *, allow_production: bool = False) -> None:
        """Connect as the settings say, or work with the services of a composition.

        `allow_production` lets orders go where money is real.
        Raises ConfigurationError, PracticeExchangeError, AuthenticationError.
        """
        self._lease = None
        if services is None:
            from kalshi_trading import compose

            self._lease = compose.acquire()
            services = self._lease.services
        self._orders = services.orders
        self._tracker = services.tracker
        self._is_allowed = allow_production or services.settings.environment is not Environment.PRODUCTION

    def close(self) -> None:
        """Let go of what it shares; the last to do so ends it. A second time does nothing."""
        if self._lease is not None:
            self._lease.release()

    def __exit__(self, *exception: object) -> None:
        self.close()

    # --- Orders -----------------------------------------------------------------------------------

    def place_market_order(
        self, ticker: str, side: str, quantity: int | Decimal | str, action: str = "buy"
    ) -> SubmissionResult:
        """Fill now, at no worse than a capped price (KALSHI_MARKET_ORDER_CAP); the rest is canceled.

        Returns and raises as `place_order`.
        """
        return self.place_order(ticker, side, quantity, action, "market")

    def place_limit_order(
        self,
        ticker: str,
        side: str,
        quantity: int | Decimal | str,
        price: int | Decimal | str,
        action: str = "buy",
    ) -> SubmissionResult:
        """Fill at `price` per contract or better; the rest stays open until it is canceled.

        Returns and raises as `place_order`.
        """
        return self.place_order(ticker, side, quantity, action, "limit", price)

    def place_order(
        self,
        ticker: str,
        side: str,
        quantity: int | Decimal | str,
        action: str = "buy",
        order_type: str = "market",
        price: int | Decimal | str | None = None,
    ) -> SubmissionResult:
        """Check one order against the limits, record it, send it once, and return what became of it.

        `quantity` is contracts, or text such as "$50" to spend on a purchase. The result's `outcome` is
        ACKNOWLEDGED, REJECTED, ABSENT or UNKNOWN; when UNKNOWN the exchange may have acted: do not place it
        again, the program goes on looking for it. Raises ConfirmationRequired, InvalidOrderError,
        OrderDeniedError and OrderNotSentError, after all of which nothing was sent; KalshiAPIError when the
        market, position or orders could not be read, and JournalError, likewise.
        """
        name, outcome = arguments.read_ticker(ticker), arguments.read_side(side)
        direction = arguments.read_action(action)
        limit = arguments.read_order_type(order_type, price)
        is_worth = isinstance(quantity, str) and quantity.strip().startswith("$")
        count = ZERO if is_worth else arguments.read_count(quantity)
        market = self._market(name)
        if problem := arguments.two_meanings(price, limit, market.price_grid, outcome):
            raise InvalidOrderError(problem)
        ticket = OrderTicket(name, direction, outcome, count, limit)
        return self._place(self._worth(str(quantity), market, ticket) if is_worth else ticket)

    def close_position(self, ticker: str, price: int | Decimal | str | None = None) -> SubmissionResult:
        """Sell all that is held in one market: now at a capped price, or at `price` of the side held.

        Raises InvalidOrderError when nothing is held; else returns and raises as `place_order`.
        """
        name = arguments.read_ticker(ticker)
        held = self._tracker.calculate_position_pnl(name).position
        if held.side is None:
            raise InvalidOrderError(f"Nothing is held in {name}.")
        order_type = "market" if price is None else "limit"
        return self.place_order(name, held.side, held.count, Action.SELL, order_type, price)

    def cancel_order(self, order_id: str) -> CancelResult:
        """Cancel what is still open of an order. The result is true when the exchange confirmed it.

        `reduced_by` is the contracts canceled; None: none were seen to be, and `message` says why: it may
        have filled, or the exchange may have acted without an answer. Limits, panic and read-only never hold
        it up. Raises NotFoundError for an id that the exchange does not know, KalshiAPIError when it cannot
        be read.
        """
        return self._orders.cancel_order(self._orders.get_order_status(order_id))

    def get_order_status(self, order_id: str) -> Order:
        """Read one order: `status` is resting, executed or canceled. Raises NotFoundError, KalshiAPIError."""
        return self._orders.get_order_status(order_id)

    def list_open_orders(self) -> tuple[Order, ...]:
        """List all resting orders. Raises KalshiAPIError, also when some may be missing."""
        return self._orders.list_open_orders()

    def messages(self) -> tuple[str, ...]:
        """Return what was found out since the last call of orders whose outcome was open, as sentences."""
        return self._orders.messages()

    def block_reason(self) -> str | None:
        """Return why no order can be sent now: a panic, or a journal that fails; None: nothing does."""
        return self._orders.block_reason() or self._orders.lock_reason

    # --- Markets ----------------------------------------------------------------------------------

    def search_markets(
        self, query: str = "", status: str = "open", limit: int | None = 20
    ) -> tuple[FoundMarket, ...]:
        """List markets whose titles contain every word, best match and busiest first; `limit` None: all.

        `status` is open, unopened, closed or settled. Raises InvalidInputError, KalshiAPIError.
        """
        return self._orders.search_markets(query, status=status, limit=limit)

    def get_market_info(self, ticker: str) -> Market:
        """Read one market with its best quotes.

        Raises InvalidInputError for an unknown one, KalshiAPIError.
        """
        return self._orders.get_market_info(ticker)

    def validate_ticker(self, ticker: str) -> bool:
        """Ask the exchange whether there is a market of this ticker. Raises KalshiAPIError."""
        try:
            self._orders.get_market_info(ticker)
        except (InvalidInputError, NotFoundError):
            return False
        return True

    # --- Below the door ---------------------------------------------------------------------------

    def _market(self, ticker: str) -> Market:
        try:
            return self._orders.get_market_info(ticker)
        except InvalidInputError as error:
            raise InvalidOrderError(str(error)) from None

    def _worth(self, amount: str, market: Market, ticket: OrderTicket) -> OrderTicket:
        """Turn dollars to spend into as many contracts as they can buy, fees inside."""
        cap = ticket.price
        if cap is None:
            book = self._orders.get_orderbook(market.ticker)
            cap = self._orders.worst_price(market, book, ticket.action, ticket.side)
        rate = dearest_rate(self._orders.get_fees(market), is_taker=True)
        try:
            size = parse_size(amount, ticket.action, cap, rate)
        except InvalidInputError as error:
            raise InvalidOrderError(str(error)) from None
        worst = cap if ticket.is_market_order else None
        return replace(ticket, count=size.count, amount=size.amount, worst_price=worst)

    def _place(self, ticket: OrderTicket) -> SubmissionResult:
        preview = self._preview(ticket)
        asked = questions(preview.findings)
        if asked and not preview.is_denied:
            raise ConfirmationRequired(asked, lambda: self._confirm(preview))
        return self._submit(preview)

    def _confirm(self, seen: OrderPreview) -> SubmissionResult:
        """Look again, and send what was confirmed if it is no worse now."""
        ticket = seen.ticket
        if ticket.is_market_order:
            ticket = replace(ticket, worst_price=seen.request.price)
        latest = self._preview(ticket)
        asked = questions(latest.findings)
        if asked and not latest.is_denied and what_is_worse(seen, latest):
            raise ConfirmationRequired(asked, lambda: self._confirm(latest))
        return self._submit(latest)

    def _preview(self, ticket: OrderTicket) -> OrderPreview:
        preview = self._orders.preview(ticket)
        if self._is_allowed:
            return preview
        return replace(preview, findings=(_NOT_ALLOWED, *preview.findings))

    def _submit(self, preview: OrderPreview) -> SubmissionResult:
        """Send, or put on record why not. Raises OrderDeniedError, OrderNotSentError."""
        result = self._orders.submit(preview)
        reason = f"Not sent: {result.message.removeprefix('Not sent: ')}"
        if result.outcome is Outcome.DENIED:
            raise OrderDeniedError(reason, denials(preview.findings))
        if result.outcome is Outcome.NOT_SENT:
            raise OrderNotSentError(reason)
        return result
