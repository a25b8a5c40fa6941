"""Preview, submit, cancel and recover orders of one session.

`orders.execution` sends and cancels; nothing else calls the client's writes. Never touches the
console. Never submits anything but a preview.
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
from kalshi_trading.orders.execution.absence_proof import absence_margin_s
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
from kalshi_trading.orders.pretrade.pricing import build_preview, recheck, worst_price
from kalshi_trading.orders.pretrade.ticket import OrderTicket
from kalshi_trading.settings.behavior import ASSUMED, ExchangeBehavior
from kalshi_trading.settings.options import Limits
from kalshi_trading.trade_logger import TradeLogger


class OrderService:
    """Previews, submits, cancels and recovers orders. Create one per session."""

    def __init__(
        self,
        client: KalshiClient,
        journal: TradeLogger,
        *,
        limits: Limits,
        read_only: bool = False,
        account: str | None = None,
        behavior: ExchangeBehavior = ASSUMED,
        pending: PendingOrders | None = None,
        clock: Callable[[], datetime] = utc_now,
        sleep: Callable[[float], None] | None = None,
        on_step: Callable[[SubmissionStep], None] = lambda step: None,
    ) -> None:
        self._client = client
        self._journal = journal
        self._limits = limits
        self.read_only = read_only
        """True if orders are denied; cancels and reads are always allowed."""
        self._activity = ActivityReader(journal, account=account, clock=clock)
        self._lock = TradingLock(journal)
        self._panic_switch = PanicSwitch(journal, self._activity, self._lock)
        self.behavior = behavior
        self._indexes = {"open": MarketIndex(client)}
        self._account = account
        self._pending = pending or PendingOrders()
        self._recovery = OrderRecovery(
            client, journal, self._pending, clock=clock, sleep=sleep, margin_s=absence_margin_s(behavior)
        )
        pause = sleep or time.sleep
        self._submitter = OrderSubmitter(
            client,
            journal,
            self._pending,
            self._recovery,
            self._lock,
            block_reason=self.block_reason,
            recount=self._recount,
            behavior=behavior,
            clock=clock,
            sleep=pause,
            on_step=on_step,
        )
        self._canceler = OrderCanceler(client, journal, journal_failed=self._lock.close, sleep=pause)
        self._panic_run: PanicRun | None = None
        self._loop: RecoveryLoop | None = None
        self._clock, self._pause = clock, pause
        day = DayPnlReader(client, clock=clock)
        self._reader = ContextReader(client, self._activity, day, behavior=behavior, clock=clock)

    # --- Markets ----------------------------------------------------------------------------------

    def get_market_info(self, ticker: str) -> Market:
        """Read one market.

        Raises InvalidInputError when no market has that ticker, KalshiAPIError.
        """
        return self._reader.market(validate_ticker(ticker))

    def search_markets(
        self,
        query: str = "",
        *,
        status: str = "open",
        limit: int | None = None,
        progress: Progress | None = None,
    ) -> tuple[FoundMarket, ...]:
        """List the markets whose text contains every word of `query`.

        `status` is open, unopened, closed or settled. Raises InvalidInputError for another status,
        KalshiAPIError.
        """
        index = self._indexes.get(status)
        if index is None:
            index = self._indexes.setdefault(status, MarketIndex(self._client, status))
        return index.search(query, most=limit, progress=progress)

    @property
    def search_incomplete(self) -> str | None:
        """The reason why the last search of open markets may have missed some.

        None: it covered all open markets.
        """
        return self._indexes["open"].incomplete

    def get_orderbook(self, ticker: str) -> OrderBook:
        return self._client.get_orderbook(ticker)

    # --- Preview and submit -----------------------------------------------------------------------

    def preview(self, ticket: OrderTicket) -> OrderPreview:
        """Read what a preview needs in parallel and price the ticket.

        Reads market, book, cash, position and orders. Raises InvalidInputError when no market has that
        ticker. Raises KalshiAPIError when market, position or resting orders cannot be read, because no
        order can be checked without them. Raises JournalError when the journal cannot be read.
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
        """Check a preview again, including what every session has recorded since.

        Raises JournalError.
        """
        later, today = self._activity.since(preview.context.known_order_count)
        return recheck(preview, later, today, self._limits)

    def get_fees(self, market: Market) -> tuple[FeeSchedule, ...]:
        """Return the current fee schedule of a market, then the future ones.

        Empty: they could not be read.
        """
        return self._reader.fees(market)

    def worst_price(self, market: Market, book: OrderBook | None, action: Action, side: Side) -> Price:
        """Return the price at which a market order would be capped."""
        return worst_price(action, side, market, book, self._limits.market_order_cap)

    def submit(self, preview: OrderPreview) -> SubmissionResult:
        """Send the order of a preview once. See `OrderSubmitter.submit`."""
        return self._submitter.submit(preview)

    # --- Orders -----------------------------------------------------------------------------------

    def list_open_orders(self) -> tuple[Order, ...]:
        """List resting orders.

        An order that was written off and appears late is adopted and announced. Raises KalshiAPIError, also
        when rows are missing. Raises JournalError.
        """
        orders = self._client.get_orders(status=OrderStatus.RESTING).require_complete()
        self._recovery.reconcile_late(orders)
        return orders

    def get_order_status(self, order_id: str) -> Order:
        return self._client.get_order(order_id)

    def cancel_order(self, order: Order) -> CancelResult:
        """Cancel the remaining contracts of an order. See `OrderCanceler.cancel`."""
        return self._canceler.cancel(order)

    def panic(self) -> PanicReport:
        """Block new orders, cancel all resting orders and verify that none rests.

        New orders stay blocked until `allow_orders`. No limit, read-only session or failing journal delays
        the cancels. One exception: a program stopped while it holds the journal's lock delays them by some
        seconds. Never raises for what the exchange does.
        """
        self._panic_switch.press()  # before the reads: `OrderSubmitter` checks after it has recorded
        self._panic_run = PanicRun(
            self._client,
            self._canceler,
            self._read_orders_under_way,
            behavior=self.behavior,
            clock=self._clock,
            sleep=self._pause,
        )
        report = self._panic_run.cancel_everything()
        self._notice(end.order for end in (*report.canceled, *report.gone, *report.unknown))
        return replace(report, is_recorded=not self._panic_switch.is_unrecorded)

    @property
    def has_unrecorded_panic(self) -> bool:
        """True if a panic of this session is not in the journal yet.

        Other sessions, and the next one, do not know of it.
        """
        return self._panic_switch.is_unrecorded

    @property
    def under_way_count(self) -> int:
        """Number of orders, of every session, that a panic is still looking for."""
        return self._panic_run.under_way_count if self._panic_run is not None else 0

    def _notice(self, orders: Iterable[Order]) -> None:
        """Adopt orders that appeared late.

        An order that cannot be recorded locks trading; the next read finds it again.
        """
        try:
            self._recovery.reconcile_late(orders)
        except JournalError as error:
            self._lock.close(str(error))

    def _read_orders_under_way(self) -> OrdersUnderWay:
        """Return the orders that may still appear, and why some may be missing.

        Includes those of other sessions as far as the journal can be read.
        """
        orders, problem = list(self._pending.orders()), None
        try:
            orders += self._activity.pending_orders()
        except JournalError as error:
            problem = f"Pending orders of other sessions are unavailable. {error}"
        return {order.client_order_id: order for order in orders}, problem

    def block_reason(self) -> str | None:
        """Return why a panic blocks orders. See `PanicSwitch.block_reason`.

        None: orders may be sent.
        """
        return self._panic_switch.block_reason()

    def allow_orders(self) -> bool:
        """Allow new orders again in every session after a panic.

        False: they stay blocked.
        """
        return self._panic_switch.allow_orders()

    # --- Pending orders ---------------------------------------------------------------------------

    def recover(self, progress: Progress = lambda lines: None) -> RecoverySummary:
        """Take over the pending orders of sessions that have ended.

        `progress` gets the number of lines read. Raises JournalError. See `OrderRecovery.recover`.
        """
        is_running = partial(is_alive, self._journal.folder)
        return self._recovery.recover(account=self._account or "", is_alive=is_running, progress=progress)

    def recover_and_announce(self) -> None:
        """Recover orders and announce those that the program leaves alone.

        Raises JournalError.
        """
        for note in self.recover().notes:
            self.announce(note)

    def pending_orders(self) -> tuple[OrderState, ...]:
        """List this session's orders that may exist and are not resolved."""
        return self._pending.orders()

    def look_for_pending_orders(self) -> None:
        """Look once for every pending order.

        Raises JournalError when an end cannot be recorded.
        """
        self._recovery.examine_all()

    def reconcile_late(self, orders: Iterable[Order]) -> None:
        """Adopt written-off orders that appear in `orders`.

        `orders` were read for another purpose. Raises JournalError.
        """
        self._recovery.reconcile_late(orders)

    def start_recovery_loop(self) -> None:
        """Start looking for pending orders in the background.

        Includes the orders of sessions that end meanwhile.
        """
        self._loop = RecoveryLoop(
            self._recovery,
            journal_failed=self._lock.close,
            recover=self.recover,
            unlock=self._lock.retry,
        )
        self._loop.start()

    def stop_recovery_loop(self) -> None:
        """Start no further round; a round in progress continues."""
        if self._loop is not None:
            self._loop.stop()

    def stop(self) -> None:
        """Stop sending and end every search, because the program ends."""
        self.stop_recovery_loop()
        self._submitter.stop()
        self._recovery.stop()

    def announce(self, sentence: str) -> None:
        """Add a sentence to the messages for the user."""
        self._pending.announce(sentence)

    def messages(self) -> tuple[str, ...]:
        """Return what was found since the last call, as sentences for the user."""
        return self._pending.drain_messages()

    # --- The lock ---------------------------------------------------------------------------------

    def lock(self, reason: str, until: Callable[[], object] | None = None) -> None:
        """Block orders until the journal works and `until` has succeeded.

        `until` raises JournalError as long as it fails.
        """
        self._lock.close(reason, until)

    @property
    def lock_reason(self) -> str | None:
        """The reason why orders are blocked until the journal works again.

        None: orders are not locked.
        """
        return self._lock.reason

    def retry_pending_writes(self) -> None:
        """Retry the writes that a failing journal did not take.

        Orders are allowed again once all of them are written.
        """
        self._lock.retry()
