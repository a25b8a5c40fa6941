"""Preview, submit, cancel: everything the user can do with an order, over one client and one journal.

The only place besides `submission` from which the client's writes are called. Never touches the console,
never submits anything but a preview.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TypeVar

from kalshi_trading.errors import (
    InvalidInputError,
    JournalError,
    KalshiAPIError,
    NotFoundError,
    NotSentError,
    OutcomeUnknownError,
    RateLimitError,
    TradeExecutionError,
)
from kalshi_trading.kalshi_client import KalshiClient
from kalshi_trading.market_models import FeeSchedule, Market, OrderBook
from kalshi_trading.market_search import FoundMarket, MarketIndex
from kalshi_trading.models import Action, Order, OrderStatus, Position, Positions, Side
from kalshi_trading.money import (
    COUNT_GRAIN,
    ONE_DOLLAR,
    ZERO,
    Contracts,
    Price,
    count_text,
    decimal_from_text,
)
from kalshi_trading.order_preview import Circumstances, OrderPreview, OrderTicket, build_preview
from kalshi_trading.paging import Progress
from kalshi_trading.risk import DayTotals, RecentOrder, questions
from kalshi_trading.settings import Limits
from kalshi_trading.submission import Submission, Submitter
from kalshi_trading.trade_logger import JournalRecord, TradeLogger
from kalshi_trading.wire_fields import validate_ticker

T = TypeVar("T")

CANCEL_ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class Cancellation:
    """The end of one cancel. `reduced_by` contracts no longer rest; None: nothing was seen to be canceled."""

    order: Order
    message: str
    reduced_by: Contracts | None


class TradeExecutor:
    """Carries out what the user confirmed, and tells what became of it."""

    def __init__(
        self,
        client: KalshiClient,
        journal: TradeLogger,
        *,
        limits: Limits,
        read_only: bool = False,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._client = client
        self._journal = journal
        self._limits = limits
        self.read_only = read_only
        """Whether orders are denied; cancels and reads never are."""
        self._clock = clock
        self._sleep = sleep
        self._fee_schedules: dict[str, FeeSchedule] = {}
        self._index = MarketIndex(client)
        self.submitter = Submitter(client, journal, clock=clock, sleep=sleep)

    # --- Markets ----------------------------------------------------------------------------------

    def validate_ticker(self, ticker: str) -> str:
        """Return the ticker in the exchange's spelling. Raises InvalidInputError."""
        return validate_ticker(ticker)

    def get_market_info(self, ticker: str) -> Market:
        """Read one market. Raises InvalidInputError when there is none of that ticker."""
        ticker = validate_ticker(ticker)
        try:
            return self._client.get_market(ticker)
        except NotFoundError:
            raise InvalidInputError(
                f"There is no market {ticker}. Search for it by a word instead."
            ) from None

    def search_markets(
        self, words: str, *, most: int | None = None, progress: Progress | None = None
    ) -> tuple[FoundMarket, ...]:
        """List the open markets whose texts contain every word. Raises KalshiAPIError."""
        return self._index.search(words, most=most, progress=progress)

    def get_order_book(self, ticker: str) -> OrderBook:
        return self._client.get_order_book(ticker)

    # --- Preview and submit -----------------------------------------------------------------------

    def preview(self, ticket: OrderTicket) -> OrderPreview:
        """Read market, book, cash, position and orders now, side by side, and price the ticket.

        Raises InvalidInputError when there is no such market, KalshiAPIError when market, position or
        resting orders cannot be read: without them no order can be judged.
        """
        return build_preview(
            ticket,
            self._read_circumstances(ticket.ticker),
            limits=self._limits,
            read_only=self.read_only,
            client_order_id=str(uuid.uuid4()),
        )

    def _read_circumstances(self, ticker: str) -> Circumstances:
        with ThreadPoolExecutor(max_workers=5) as pool:
            book = pool.submit(_or_none, lambda: self._client.get_order_book(ticker))
            balance = pool.submit(_or_none, self._client.get_balance)
            positions = pool.submit(self._client.get_positions, ticker=ticker)
            resting = pool.submit(self._client.get_orders, ticker=ticker, status=OrderStatus.RESTING)
            market = self.get_market_info(ticker)
            fees = pool.submit(_or_none, lambda: self._fee_schedule(market))
        cash = balance.result()
        recent, today = self._own_activity()
        return Circumstances(
            market=market,
            book=book.result(),
            fees=fees.result(),
            cash=None if cash is None else cash.cash,
            position=_position_in(ticker, positions.result()),
            resting=resting.result().whole(),
            recent=recent,
            today=today,
            at=self._clock(),
        )

    def _fee_schedule(self, market: Market) -> FeeSchedule:
        """Give the fees of a market: its event's override, else its series'. Source: Kalshi API, fees."""
        known = self._fee_schedules.get(market.event_ticker)
        if known is None:
            event = self._client.get_event(market.event_ticker)
            series = self._client.get_series(event.series_ticker).fees
            multiplier = event.fee_multiplier_override
            known = FeeSchedule(
                event.fee_type_override or series.fee_type,
                series.multiplier if multiplier is None else multiplier,
            )
            self._fee_schedules[market.event_ticker] = known
        if market.fee_waiver_until is not None and market.fee_waiver_until > self._clock():
            return replace(known, multiplier=ZERO)
        return known

    def _own_activity(self) -> tuple[tuple[RecentOrder, ...], DayTotals]:
        """What the journal knows of today: the orders of the last minute, and the day's totals."""
        today = self._clock().astimezone().date()
        records = self._journal.get_trade_history(today, today)
        intents = [record for record in records if record.event == "order.intent"]
        bought = sum((decimal_from_text(record.text("cost")) or ZERO for record in intents), ZERO)
        since = self._clock() - timedelta(minutes=1)
        recent = (_recent_order(record) for record in intents if record.at >= since)
        return tuple(order for order in recent if order is not None), DayTotals(bought, len(intents))

    def submit(self, preview: OrderPreview) -> Submission:
        """Send the order of a preview, once. See `Submitter.submit`."""
        return self.submitter.submit(preview)

    # --- Orders -----------------------------------------------------------------------------------

    def list_open_orders(self) -> tuple[Order, ...]:
        """List resting orders. Raises KalshiAPIError; a list with rows missing is an error too."""
        return self._client.get_orders(status=OrderStatus.RESTING).whole()

    def get_order_status(self, order_id: str) -> Order:
        return self._client.get_order(order_id)

    def cancel_order(self, order: Order) -> Cancellation:
        """Cancel what still rests of an order; repeating is harmless, so it is tried three times.

        "Not found" means only that it does not rest any more: the order is then read to tell why.
        """
        fields: dict[str, object] = {
            "order_id": order.order_id,
            "client_order_id": order.client_order_id,
            "ticker": order.ticker,
        }
        self._record_cancel("requested", fields)
        end = self._cancel(order)
        event = "unconfirmed" if end.reduced_by is None else "acknowledged"
        self._record_cancel(event, {**fields, "reduced_by": end.reduced_by, "reason": end.message})
        return end

    def _cancel(self, order: Order) -> Cancellation:
        problem: KalshiAPIError | None = None
        for attempt in range(CANCEL_ATTEMPTS):
            try:
                said = self._client.cancel_order(order.order_id, ticker=order.ticker)
            except NotFoundError:
                return self._not_resting(order)
            except (OutcomeUnknownError, NotSentError, RateLimitError) as error:
                problem = error
                if attempt + 1 < CANCEL_ATTEMPTS:
                    self._sleep(0.5 * (attempt + 1))
            except KalshiAPIError as error:
                return Cancellation(order, f"Not canceled. {error}", None)
            else:
                return Cancellation(order, "Canceled.", said.reduced_by)
        text = f"It is not known whether the order was canceled. {problem} Look at the open orders."
        return Cancellation(order, text, None)

    def _not_resting(self, order: Order) -> Cancellation:
        now = _or_none(lambda: self._client.get_order(order.order_id))
        if now is None:
            text = "It does not rest any more; what became of it could not be read. Look at the history."
        elif now.status is OrderStatus.EXECUTED:
            text = f"Too late: it was already filled, all {count_text(now.fill_count)}."
        elif now.status is OrderStatus.RESTING:  # reads lag writes
            text = "The exchange found nothing to cancel, yet still lists it. Look at the open orders again."
        else:
            filled = count_text(now.fill_count)
            text = f"It does not rest any more; the exchange has it as {now.status.value}, {filled} filled."
        return Cancellation(now or order, text, None)

    def _record_cancel(self, event: str, fields: dict[str, object]) -> None:
        """Record a step. A cancel only lowers risk, so a journal that fails locks orders, not cancels."""
        try:
            self._journal.log_order_cancellation(event, fields)
        except JournalError as error:
            self.submitter.locked_because = str(error)

    # --- Doors for scripts ------------------------------------------------------------------------

    def place_market_order(self, ticker: str, side: str, quantity: Decimal | int | str) -> Submission:
        """Buy at once at a capped price. Raises TradeExecutionError where a person would be asked."""
        return self._buy(ticker, side, quantity, None)

    def place_limit_order(
        self, ticker: str, side: str, quantity: Decimal | int | str, price: Decimal | str
    ) -> Submission:
        """Buy at `price` dollars per contract or better, good till canceled; see place_market_order."""
        exact = decimal_from_text(str(price)) if isinstance(price, (str, Decimal)) else None
        if exact is None or not ZERO < exact < ONE_DOLLAR:
            raise InvalidInputError('A price is text or Decimal, dollars between 0 and 1, such as "0.57".')
        return self._buy(ticker, side, quantity, exact)

    def _buy(self, ticker: str, side: str, quantity: Decimal | int | str, price: Price | None) -> Submission:
        ticket = OrderTicket(validate_ticker(ticker), Action.BUY, _side(side), _count(quantity), price)
        preview = self.preview(ticket)
        asked = questions(preview.findings)
        if asked and not preview.is_denied:
            reasons = " ".join(finding.message for finding in asked)
            raise TradeExecutionError(f"Not sent: a person must confirm this order. {reasons}")
        return self.submit(preview)


def _or_none(read: Callable[[], T]) -> T | None:
    try:
        return read()
    except KalshiAPIError:
        return None


def _position_in(ticker: str, positions: Positions) -> Position | None:
    return next((position for position in positions.markets.whole() if position.ticker == ticker), None)


def _side(side: str) -> Side:
    for word in Side:
        if isinstance(side, str) and side.strip().lower() == word:
            return word
    raise InvalidInputError("The side is yes or no.")


def _count(quantity: Decimal | int | str) -> Contracts:
    exact = isinstance(quantity, (str, Decimal, int)) and not isinstance(quantity, bool)
    count = decimal_from_text(str(quantity)) if exact else None
    if count is None or count <= ZERO or count % COUNT_GRAIN != ZERO:
        raise InvalidInputError("The quantity is a number of contracts above zero, two decimals at most.")
    return count


def _recent_order(record: JournalRecord) -> RecentOrder | None:
    count, price = decimal_from_text(record.text("count")), decimal_from_text(record.text("price"))
    try:
        action, side = Action(record.text("action")), Side(record.text("side"))
    except ValueError:
        return None
    if count is None or price is None:
        return None
    return RecentOrder(record.text("ticker"), action, side, count, price, record.at)
