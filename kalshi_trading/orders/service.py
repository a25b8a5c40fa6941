"""Preview, submit, cancel: everything that can be done with orders, over one client and one journal.

`orders.execution` sends and cancels; nothing else calls the client's writes. Never touches the
console, never submits anything but a preview.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime
from functools import partial

from kalshi_trading.core.dates import utc_now
from kalshi_trading.core.errors import JournalError
from kalshi_trading.core.market_models import FeeSchedule, Market, OrderBook
from kalshi_trading.core.models import Action, Order, OrderStatus, Side
from kalshi_trading.core.money import Price
from kalshi_trading.core.results import Progress
from kalshi_trading.core.tickers import validate_ticker
from kalshi_trading.journal.order_state import OrderState
from kalshi_trading.journal.sessions import is_alive
from kalshi_trading.kalshi_client import KalshiClient
from kalshi_trading.markets import FoundMarket, MarketIndex
from kalshi_trading.orders.execution.cancel import CancelResult, OrderCanceler
from kalshi_trading.orders.execution.panic import OrdersUnderWay, PanicReport, PanicRun
from kalshi_trading.orders.execution.panic_switch import PanicSwitch
from kalshi_trading.orders.execution.pending_orders import PendingOrders
from kalshi_trading.orders.execution.recovery import OrderRecovery, RecoverySummary
from kalshi_trading.orders.execution.recovery_loop import RecoveryLoop
from kalshi_trading.orders.execution.submission import OrderSubmitter, SubmissionStep
from kalshi_trading.orders.execution.submission_result import SubmissionResult
from kalshi_trading.orders.execution.trading_lock import TradingLock
from kalshi_trading.orders.pretrade.activity import ActivityReader
from kalshi_trading.orders.pretrade.context_reader import ContextReader
from kalshi_trading.orders.pretrade.day_pnl import DayPnlReader
from kalshi_trading.orders.pretrade.findings import Finding, Severity
from kalshi_trading.orders.pretrade.preview import OrderPreview
from kalshi_trading.orders.pretrade.pricing import build_preview, rechecked, worst_price
from kalshi_trading.orders.pretrade.ticket import OrderTicket
from kalshi_trading.settings.options import Limits
from kalshi_trading.trade_logger import TradeLogger


class OrderService:
    """Previews, submits and cancels orders, and follows them to their end: one for each session."""

    def __init__(
        self,
        client: KalshiClient,
        journal: TradeLogger,
        *,
        limits: Limits,
        read_only: bool = False,
        account: str | None = None,
        pending: PendingOrders | None = None,
        clock: Callable[[], datetime] = utc_now,
        sleep: Callable[[float], None] | None = None,
        reached: Callable[[SubmissionStep], None] = lambda step: None,
    ) -> None:
        self._client = client
        self._journal = journal
        self._limits = limits
        self.read_only = read_only
        """Whether orders are denied; cancels and reads never are."""
        self._activity = ActivityReader(journal, account=account, clock=clock)
        self._lock = TradingLock(journal)
        self._panic_switch = PanicSwitch(journal, self._activity, self._lock)
        self._indexes = {"open": MarketIndex(client)}
        self._account = account
        self._pending = pending or PendingOrders()
        self._recovery = OrderRecovery(client, journal, self._pending, clock=clock, sleep=sleep)
        pause = sleep or time.sleep
        self._submitter = OrderSubmitter(
            client,
            journal,
            self._pending,
            self._recovery,
            self._lock,
            block_reason=self.block_reason,
            recount=self._recount,
            clock=clock,
            sleep=pause,
            reached=reached,
        )
        self._canceler = OrderCanceler(client, journal, journal_failed=self._lock.close, sleep=pause)
        self._panic_run: PanicRun | None = None
        self._loop: RecoveryLoop | None = None
        self._clock, self._pause = clock, pause
        self._reader = ContextReader(
            client,
            self._activity,
            DayPnlReader(client, clock=clock),
            clock=clock,
        )

    # --- Markets ----------------------------------------------------------------------------------

    def get_market_info(self, ticker: str) -> Market:
        """Read one market. Raises InvalidInputError when there is none of that ticker."""
        return self._reader.market(validate_ticker(ticker))

    def search_markets(
        self,
        query: str = "",
        *,
        status: str = "open",
        limit: int | None = None,
        progress: Progress | None = None,
    ) -> tuple[FoundMarket, ...]:
        """List the markets whose texts contain every word; `status` is open, unopened, closed or settled.

        Raises InvalidInputError for another status, KalshiAPIError.
        """
        index = self._indexes.get(status)
        if index is None:
            index = self._indexes.setdefault(status, MarketIndex(self._client, status))
        return index.search(query, most=limit, progress=progress)

    @property
    def search_incomplete(self) -> str | None:
        """Why the last search of open markets may have missed markets; None: it saw all open ones."""
        return self._indexes["open"].incomplete

    def get_orderbook(self, ticker: str) -> OrderBook:
        return self._client.get_orderbook(ticker)

    # --- Preview and submit -----------------------------------------------------------------------

    def preview(self, ticket: OrderTicket) -> OrderPreview:
        """Read market, book, cash, position and orders now, side by side, and price the ticket.

        Raises InvalidInputError when there is no such market, KalshiAPIError when market, position or
        resting orders cannot be read: without them no order can be judged.
        """
        context = self._reader.read(validate_ticker(ticket.ticker))
        self._notice(context.resting)
        preview = build_preview(
            ticket,
            context,
            limits=self._limits,
            read_only=self.read_only,
            client_order_id=str(uuid.uuid4()),
        )
        reason = self.block_reason()
        if reason is None:
            return preview
        return replace(preview, findings=(Finding("panic", Severity.DENY, reason), *preview.findings))

    def _recount(self, preview: OrderPreview) -> OrderPreview:
        """Judge a preview again by what every session has recorded since. Raises JournalError."""
        later, today = self._activity.since(preview.context.known_orders)
        return rechecked(preview, later, today, self._limits)

    def get_fees(self, market: Market) -> tuple[FeeSchedule, ...]:
        """Give the fee schedule of a market now, then those to come; empty: they could not be read."""
        return self._reader.fees(market)

    def worst_price(self, market: Market, book: OrderBook | None, action: Action, side: Side) -> Price:
        """Give the price at which a market order would be capped."""
        return worst_price(action, side, market, book, self._limits.market_order_cap)

    def submit(self, preview: OrderPreview) -> SubmissionResult:
        """Send the order of a preview, once. See `OrderSubmitter.submit`."""
        return self._submitter.submit(preview)

    # --- Orders -----------------------------------------------------------------------------------

    def list_open_orders(self) -> tuple[Order, ...]:
        """List resting orders. Raises KalshiAPIError; a list with rows missing is an error too.

        One that had been written off and turned up late is adopted and announced. Raises JournalError.
        """
        orders = self._client.get_orders(status=OrderStatus.RESTING).whole()
        self._recovery.reconcile_late(orders)
        return orders

    def get_order_status(self, order_id: str) -> Order:
        return self._client.get_order(order_id)

    def cancel_order(self, order: Order) -> CancelResult:
        """Cancel the remaining contracts of an order and return the result. See `OrderCanceler.cancel`."""
        return self._canceler.cancel(order)

    def panic(self) -> PanicReport:
        """Block new orders until `allow_orders`, cancel everything that rests, and look whether it is gone.

        No limit, read-only session or failing journal holds it up, but for some seconds where a program was
        stopped while it held the journal's lock. It never raises for what the exchange does.
        """
        self._panic_switch.press()  # before the looks: `OrderSubmitter` checks after it has recorded
        self._panic_run = PanicRun(
            self._client, self._canceler, self._read_orders_under_way, clock=self._clock, sleep=self._pause
        )
        report = self._panic_run.cancel_everything()
        self._notice(end.order for end in (*report.canceled, *report.gone, *report.unknown))
        return replace(report, is_recorded=not self._panic_switch.is_unrecorded)

    @property
    def has_unrecorded_panic(self) -> bool:
        """Whether other sessions, and the next one, do not know of a panic of this session."""
        return self._panic_switch.is_unrecorded

    @property
    def orders_under_way(self) -> int:
        """How many orders, of every session, a panic is still looking for."""
        return self._panic_run.orders_under_way if self._panic_run is not None else 0

    def _notice(self, orders: Iterable[Order]) -> None:
        """Adopt orders that turned up late. One that cannot be recorded locks orders, and is seen again."""
        try:
            self._recovery.reconcile_late(orders)
        except JournalError as error:
            self._lock.close(str(error))

    def _read_orders_under_way(self) -> OrdersUnderWay:
        """Return the orders that may still turn up, those of other sessions as far as they can be read."""
        orders, problem = list(self._pending.orders()), None
        try:
            orders += self._activity.pending_orders()
        except JournalError as error:
            problem = f"Pending orders of other sessions are unavailable. {error}"
        return {order.client_order_id: order for order in orders}, problem

    def block_reason(self) -> str | None:
        """Return why no order may be sent since a panic; None: they may. See `PanicSwitch.block_reason`."""
        return self._panic_switch.block_reason()

    def allow_orders(self) -> bool:
        """Allow new orders again after a panic, in every session; False: they stay blocked."""
        return self._panic_switch.allow_orders()

    # --- Orders without an end --------------------------------------------------------------------

    def recover(self, progress: Progress = lambda lines: None) -> RecoverySummary:
        """Take over the orders of sessions that have ended; `progress` gets the lines read.

        Raises JournalError. See `OrderRecovery.recover`.
        """
        is_running = partial(is_alive, self._journal.folder)
        return self._recovery.recover(account=self._account or "", is_alive=is_running, progress=progress)

    def recover_and_announce(self) -> None:
        """Recover, and put what is left alone among the messages to the user. Raises JournalError."""
        for note in self.recover().notes:
            self.announce(note)

    def pending_orders(self) -> tuple[OrderState, ...]:
        """List the orders of this session that may exist and are neither found nor ruled out."""
        return self._pending.orders()

    def look_for_pending_orders(self) -> None:
        """Look once for every pending order. Raises JournalError when an end cannot be recorded."""
        self._recovery.examine_all()

    def reconcile_late(self, orders: Iterable[Order]) -> None:
        """Watch orders that were read for another purpose for one written off. Raises JournalError."""
        self._recovery.reconcile_late(orders)

    def start_recovery_loop(self) -> None:
        """Go on looking for pending orders in the background, of sessions that have ended meanwhile too."""
        self._loop = RecoveryLoop(
            self._recovery,
            journal_failed=self._lock.close,
            recover=self.recover,
            unlock=self._lock.retry,
        )
        self._loop.start()

    def stop_recovery_loop(self) -> None:
        """Begin no round any more; a round that has begun goes on."""
        if self._loop is not None:
            self._loop.stop()

    def stop(self) -> None:
        """Send nothing any more and end every search, because the program ends."""
        self.stop_recovery_loop()
        self._submitter.stop()
        self._recovery.stop()

    def announce(self, sentence: str) -> None:
        """Put a sentence among the messages to the user."""
        self._pending.announce(sentence)

    def messages(self) -> tuple[str, ...]:
        """Return what was found out since the last call, as sentences for the user."""
        return self._pending.drain_messages()

    # --- The lock ---------------------------------------------------------------------------------

    def lock(self, reason: str, until: Callable[[], object] | None = None) -> None:
        """Send no order before the journal works and `until`, which raises JournalError, has succeeded."""
        self._lock.close(reason, until)

    @property
    def lock_reason(self) -> str | None:
        """Why no order can be sent until the journal works again; None: there is no reason."""
        return self._lock.reason

    def retry_pending_writes(self) -> None:
        """Write what a failing journal did not take; orders can be sent again once all is written."""
        self._lock.retry()
