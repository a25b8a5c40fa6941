"""Place orders from scripts, with the protocol and limits of the menu.

A refusal raises, and then nothing was sent. A question for a person raises ConfirmationRequired. Every other
refusal raises another TradeExecutionError (the tree is in `core.errors`). The exchange's answer is a
SubmissionResult. Never prints, never asks, never sends an order twice.

    from kalshi_trading.trade_executor import TradeExecutor

    with TradeExecutor() as executor:                        # as the settings say; see docs/python.md
        result = executor.place_limit_order("KXFED-26DEC-H0", "yes", 5, 39)       # 39 cents
        result.outcome, result.fill_count, result.fee        # dollars
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

from kalshi_trading.core.errors import (
    ConfirmationRequired,
    InvalidInputError,
    InvalidOrderError,
    JournalError,
    NotFoundError,
    OrderDeniedError,
    OrderNotSentError,
    TradeExecutionError,
)
from kalshi_trading.core.fees import highest_rate
from kalshi_trading.core.market_models import Market
from kalshi_trading.core.models import Action, Order, Side
from kalshi_trading.core.money import ZERO, Price, require_exact_context
from kalshi_trading.core.valuation import floor_paid
from kalshi_trading.kalshi_client import LeaseHolder
from kalshi_trading.markets import FoundMarket
from kalshi_trading.orders import arguments
from kalshi_trading.orders.execution.cancel import CancelResult
from kalshi_trading.orders.execution.submission_result import Outcome, SubmissionResult
from kalshi_trading.orders.pretrade.findings import Finding, Severity, denials, questions
from kalshi_trading.orders.pretrade.preview import OrderPreview
from kalshi_trading.orders.pretrade.risk import READ_ONLY, what_is_worse
from kalshi_trading.orders.pretrade.ticket import OrderTicket, parse_size, two_meanings
from kalshi_trading.orders.service import OrderService
from kalshi_trading.settings.environments import Environment

if TYPE_CHECKING:
    from kalshi_trading.compose import Services

__all__ = ["TradeExecutionError", "TradeExecutor"]

_NOT_ALLOWED = Finding(
    "production",
    Severity.DENY,
    "This is real money. To allow orders, pass allow_production=True.",
)


class TradeExecutor(LeaseHolder):
    """Places and cancels orders as the settings say. Thread-safe.

    Objects built without arguments in a process share connection, journal, limits and recovery. Prices are
    in the terms of the side: an int from 1 to 99 is cents, a Decimal dollars, text either ("5.5c",
    "$0.055").
    """

    def __init__(self, services: Services | None = None, *, allow_production: bool = False) -> None:
        """Connect as the settings say, or use the given services.

        `allow_production` permits orders with real money. Raises InvalidInputError unless it is a bool,
        ConfigurationError, PracticeExchangeError, AuthenticationError.
        """
        if not isinstance(allow_production, bool):
            raise InvalidInputError(f"allow_production must be True or False, not {allow_production!r}.")
        self._allow_production = allow_production
        self._passed_services = services
        if services is None:
            from kalshi_trading import compose

            self._lease = compose.acquire()

    @property
    def _services(self) -> Services:
        """The services. Raises NotAvailableError once closed."""
        if self._lease is not None:
            return self._lease.services
        assert self._passed_services is not None
        return self._passed_services

    @property
    def _orders(self) -> OrderService:
        return self._services.orders

    # --- Orders -----------------------------------------------------------------------------------

    def place_market_order(
        self, ticker: str, side: str, quantity: int | Decimal | str, action: str = "buy"
    ) -> SubmissionResult:
        """Fill now at a capped price (KALSHI_MARKET_ORDER_CAP); cancel the rest.

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
        """Fill at `price` per contract or better; the rest stays open.

        It stays open until it is canceled. Returns and raises as `place_order`.
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
        """Check one order against the limits, record it and send it once.

        `quantity` is contracts, or text such as "$50" to spend on a purchase. The result's `outcome` is
        ACKNOWLEDGED, REJECTED, ABSENT or UNKNOWN. UNKNOWN: the exchange may have acted. Do not place the
        order again; the program keeps looking for it. Raises ConfirmationRequired, InvalidOrderError,
        OrderDeniedError and OrderNotSentError. Raises KalshiAPIError when market, position or orders could
        not be read. After each of these nothing was sent.
        """
        require_exact_context()
        name, outcome = arguments.read_ticker(ticker), arguments.read_side(side)
        direction = arguments.read_action(action)
        limit = arguments.read_order_type(order_type, price)
        is_dollars = isinstance(quantity, str) and quantity.strip().startswith("$")
        count = ZERO if is_dollars else arguments.read_count(quantity)
        ticket = OrderTicket(name, direction, outcome, count, limit)
        with self._services.placing, _journal_errors_as_not_sent():
            market = self._market(name)
            if isinstance(price, str) and limit is not None:
                _require_one_meaning(price, limit, market, outcome)
            if is_dollars:
                ticket = self._size_for_dollars(str(quantity), market, ticket)
            return self._place(ticket)

    def close_position(self, ticker: str, price: int | Decimal | str | None = None) -> SubmissionResult:
        """Sell the whole position in one market.

        Without `price` it sells now at a capped price, else at `price` in the terms of the side held. Raises
        InvalidOrderError when there is no position. Otherwise returns and raises as `place_order`.
        """
        name = arguments.read_ticker(ticker)
        rows = self._services.client.get_positions(ticker=name).markets.require_complete()
        held = next((row for row in rows if row.ticker == name and row.side is not None), None)
        if held is None or held.side is None:
            raise InvalidOrderError(f"No open position in {name}.")
        order_type = "market" if price is None else "limit"
        return self.place_order(name, held.side, held.count, Action.SELL, order_type, price)

    def cancel_order(self, order_id: str) -> CancelResult:
        """Cancel the open part of an order. The result is true once confirmed.

        `reduced_by` is the contracts canceled. None: no cancel was seen, and `message` gives the reason. The
        order may have filled, or the exchange may have acted without an answer. Limits, panic and read-only
        never block a cancel. Raises NotFoundError for an id unknown to the exchange, KalshiAPIError when it
        cannot be read.
        """
        result = self._orders.cancel_order(self.get_order_status(order_id))
        return replace(result, order=self._with_placed_action([result.order])[0])

    def get_order_status(self, order_id: str) -> Order:
        """Read one order: `status` is resting, executed or canceled.

        Raises InvalidInputError, NotFoundError, KalshiAPIError.
        """
        if not isinstance(order_id, str):
            raise InvalidInputError(f"order_id must be text, not {type(order_id).__name__}.")
        return self._with_placed_action([self._orders.get_order_status(order_id)])[0]

    def list_open_orders(self) -> tuple[Order, ...]:
        """List all open orders.

        Raises KalshiAPIError, also when some may be missing.
        """
        return self._with_placed_action(self._orders.list_open_orders())

    def messages(self) -> tuple[str, ...]:
        """Return new sentences about orders whose outcome was unknown.

        They are new since the last call.
        """
        return self._orders.messages()

    def block_reason(self) -> str | None:
        """Return why every order would be denied now. None: no general block.

        Reasons are a panic, a failing journal, a read-only session, and production without allow_production.
        """
        orders = self._orders
        reasons = (orders.block_reason(), orders.lock_reason, READ_ONLY.message if orders.read_only else None)
        return next(filter(None, reasons), None if self._is_allowed else _NOT_ALLOWED.message)

    # --- Markets ----------------------------------------------------------------------------------

    def search_markets(
        self, query: str = "", status: str = "open", limit: int | None = 20
    ) -> tuple[FoundMarket, ...]:
        """List markets whose titles contain every word.

        Best match and busiest come first. `limit` None: all. `status` is open, unopened, closed or settled.
        Raises InvalidInputError, KalshiAPIError.
        """
        if limit is not None and (not isinstance(limit, int) or limit < 0):
            raise InvalidInputError(f"limit must be a whole number, not {limit!r}.")
        return self._orders.search_markets(query, status=status, limit=limit)

    def get_market_info(self, ticker: str) -> Market:
        """Read one market with its best quotes.

        Raises InvalidInputError for an unknown ticker, KalshiAPIError.
        """
        return self._orders.get_market_info(ticker)

    def validate_ticker(self, ticker: str) -> bool:
        """Return True if the exchange has a market of this ticker.

        Raises KalshiAPIError.
        """
        try:
            self._orders.get_market_info(ticker)
        except (InvalidInputError, NotFoundError):
            return False
        return True

    # --- Internal ---------------------------------------------------------------------------------

    def _market(self, ticker: str) -> Market:
        try:
            return self._orders.get_market_info(ticker)
        except InvalidInputError as error:
            raise InvalidOrderError(str(error)) from None

    def _size_for_dollars(self, amount: str, market: Market, ticket: OrderTicket) -> OrderTicket:
        """Convert dollars to the most contracts they can buy, fees included."""
        cap = ticket.price
        if cap is None:
            book = self._orders.get_orderbook(market.ticker)
            cap = self._orders.worst_price(market, book, ticket.action, ticket.side)
        rate = highest_rate(self._orders.get_fees(market), is_taker=True)
        try:
            size = parse_size(amount, ticket.action, cap, rate, floor_paid(market, ticket.side) or ZERO)
        except InvalidInputError as error:
            raise InvalidOrderError(str(error)) from None
        worst = cap if ticket.is_market_order else None
        return replace(ticket, count=size.count, amount=size.amount, worst_price=worst)

    def _place(self, ticket: OrderTicket) -> SubmissionResult:
        preview = self._preview(ticket)
        asked = questions(preview.findings)
        if asked and not preview.is_denied:
            raise ConfirmationRequired(asked, self._confirmation(preview))
        return self._submit(preview)

    def _confirmation(self, seen: OrderPreview) -> Callable[[], SubmissionResult]:
        """Return the callable that answers a question.

        It sends at most one order, however often and from whichever thread it is called.
        """
        answers = iter([seen])

        def confirm() -> SubmissionResult:
            with self._services.placing, _journal_errors_as_not_sent():
                confirmed = next(answers, None)
                if confirmed is None:
                    raise OrderDeniedError("Already confirmed. Nothing was sent again; place a new order.")
                return self._confirm(confirmed)

        return confirm

    def _confirm(self, seen: OrderPreview) -> SubmissionResult:
        """Preview again, and send the confirmed order if it is no worse now."""
        ticket = seen.ticket
        if ticket.is_market_order:
            ticket = replace(ticket, worst_price=seen.request.price)
        latest = self._preview(ticket)
        asked = questions(latest.findings)
        if asked and not latest.is_denied and what_is_worse(seen, latest):
            raise ConfirmationRequired(asked, self._confirmation(latest))
        return self._submit(latest)

    @property
    def _is_allowed(self) -> bool:
        is_production = self._services.settings.environment is Environment.PRODUCTION
        return self._allow_production or not is_production

    def _with_placed_action(self, orders: Sequence[Order]) -> tuple[Order, ...]:
        try:
            return self._services.journal.own_orders.with_placed_action(orders)
        except JournalError:
            return tuple(orders)  # the exchange's rows are correct without our action and side

    def _preview(self, ticket: OrderTicket) -> OrderPreview:
        preview = self._orders.preview(ticket)
        if self._is_allowed:
            return preview
        return replace(preview, findings=(_NOT_ALLOWED, *preview.findings))

    def _submit(self, preview: OrderPreview) -> SubmissionResult:
        """Send, or record why not. Raises OrderDeniedError, OrderNotSentError."""
        result = self._orders.submit(preview)
        if result.outcome is Outcome.DENIED:
            reason = f"Order blocked. Nothing was sent. {result.message}"
            raise OrderDeniedError(reason, denials(preview.findings))
        if result.outcome is Outcome.NOT_SENT:
            raise OrderNotSentError(f"Order not sent. {result.message}")
        return result


def _require_one_meaning(typed: str, price: Price, market: Market, side: Side) -> None:
    if problem := two_meanings(typed, price, market.price_grid, side):
        raise InvalidOrderError(problem)


@contextmanager
def _journal_errors_as_not_sent() -> Iterator[None]:
    """Convert a JournalError before sending to OrderNotSentError."""
    try:
        yield
    except JournalError as error:
        raise OrderNotSentError(f"{error} Nothing was sent.") from error
