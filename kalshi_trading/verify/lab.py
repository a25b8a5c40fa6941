"""The tools of the experiments: raw reads, orders, cleaning up.

Every order goes through preview, limits, journal and the submitter. It is remembered before it is sent, so
that `clean_up` finds it whatever happened. Some orders are wrong on purpose: then only the request changes.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

from kalshi_trading.core.dates import utc_now
from kalshi_trading.core.errors import KalshiAPIError, NotFoundError, TradingError
from kalshi_trading.core.market_models import Market
from kalshi_trading.core.models import Action, Order, OrderStatus, Side, TimeInForce
from kalshi_trading.core.money import CENT, ZERO, Contracts, Price
from kalshi_trading.exchange.http.transport import Timing, Transport
from kalshi_trading.kalshi_client import KalshiClient
from kalshi_trading.orders.execution.submission_result import Outcome, SubmissionResult
from kalshi_trading.orders.pretrade.findings import denials
from kalshi_trading.orders.pretrade.preview import OrderPreview
from kalshi_trading.orders.pretrade.ticket import OrderTicket
from kalshi_trading.orders.service import OrderService
from kalshi_trading.settings.options import Settings
from kalshi_trading.trade_logger import TradeLogger
from kalshi_trading.verify.evidence import Evidence
from kalshi_trading.verify.questions import NEEDS_ORDERS, CannotTellError
from kalshi_trading.verify.recording import RecordingTransport
from kalshi_trading.verify.sent import Sent, acknowledged_order, is_unrelated, read_sent

ONE = Decimal(1)
FAR = CENT
"""A bid of one cent, which no market that we choose fills."""
_OPENS_FOR = timedelta(hours=1)
_LOWEST_ASK = Decimal("0.05")
_SETTLE_S = 10.0
_ROUNDS = 5
_END_ROUNDS = 10
_END_PAUSE_S = 1.0


class Lab:
    """One run's access to the exchange.

    `guard` wraps each submission, so that Ctrl-C cannot cut it.
    """

    def __init__(
        self,
        settings: Settings,
        client: KalshiClient,
        orders: OrderService,
        journal: TradeLogger,
        transport: RecordingTransport,
        evidence: Evidence,
        *,
        account: str,
        is_trading: bool,
        guard: Callable[[], AbstractContextManager[object]] = nullcontext,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self.settings, self.client, self.evidence = settings, client, evidence
        self.is_trading, self.pause = is_trading, pause
        self.read_lag_s = 0.0
        self._orders, self._journal, self._transport = orders, journal, transport
        self._account, self._guard = account, guard
        self._sent: dict[str, str] = {}  # client_order_id and market
        self._open: dict[str, Order] = {}  # by order_id, as acknowledged: reads may lag
        self._ended: set[str] = set()  # order_ids
        self._held: dict[str, Contracts] = {}  # bought less sold here
        self._unknown: set[str] = set()  # client_order_ids without a known outcome, also if interrupted
        self._may_wait = True
        self._markets: tuple[Market, ...] | None = None

    # --- Reads ------------------------------------------------------------------------------------

    def read(self, path: str, **query: object) -> Mapping[str, Any]:
        """GET raw JSON. Raises KalshiAPIError."""
        return self._transport.read(path, [(name, str(value)) for name, value in query.items()])

    def fresh_transport(self, shift_s: float = 0) -> Transport:
        """Return a transport without retries whose clock is off by `shift_s`.

        Its rate limiter starts full. The clock is the exchange's, as far as it is known.
        """
        shift = timedelta(seconds=shift_s - (self.client.clock_skew_s or 0))
        return RecordingTransport(
            self.settings.api_base_url,
            self.settings.credentials,
            timing=Timing(
                self.settings.connect_timeout_s,
                self.settings.total_timeout_s,
                read_retries=0,
                rate_limit_retries=0,
            ),
            clock=lambda: utc_now() + shift,
            record=self.evidence.add,
        )

    def balance(self) -> Mapping[str, Any]:
        """Read the balance raw, after the reads have caught up."""
        self.settle()
        for _ in range(_ROUNDS):
            try:
                return self.read("/portfolio/balance")
            except KalshiAPIError as error:
                if error.status != 429:
                    raise
                self.pause(1.05)
        raise CannotTellError("the balance could not be read")

    def settle(self) -> None:
        """Wait until account reads show everything up to now."""
        if not self._may_wait:
            return
        until, wanted = time.monotonic() + _SETTLE_S, self.client.exchange_time(utc_now()) or utc_now()
        self.pause(1.5 * self.read_lag_s)
        while self.client.get_user_data_timestamp() < wanted and time.monotonic() < until:
            self.pause(0.1)

    def rows(self, path: str, name: str, **query: object) -> list[Mapping[str, Any]]:
        """Read the first page of a list raw."""
        return list(self.read(path, limit=200, **query)[name])

    def order_row(self, ticker: str, client_order_id: str) -> Mapping[str, Any] | None:
        """Return an order's raw row once reads have caught up; None: not listed."""
        self.settle()
        rows = self.rows("/portfolio/orders", "orders", ticker=ticker)
        return next((row for row in rows if row.get("client_order_id") == client_order_id), None)

    # --- Markets ----------------------------------------------------------------------------------

    def quoted_markets(self) -> tuple[Market, ...]:
        """Return open markets with both quotes in which we have nothing.

        Cheap and narrow ones first. Raises CannotTellError.
        """
        if self._markets is None:
            held = {row.ticker for row in self.client.get_positions().markets}
            resting = {order.ticker for order in self.client.get_orders(status=OrderStatus.RESTING)}
            listed = self.client.get_markets(limit=1000, status="open")
            self._markets = tuple(
                market
                for market in listed
                if market.ticker not in held | resting
                and market.yes_bid is not None
                and market.yes_ask is not None
                and market.yes_ask >= _LOWEST_ASK
                and market.close_at > utc_now() + _OPENS_FOR
            )
        if not self._markets:
            raise CannotTellError("no open market with both quotes and without our orders")
        return self._markets

    def market(self) -> Market:
        """Return a market where a bid of one cent stays open."""
        return self.quoted_markets()[0]

    # --- Orders -----------------------------------------------------------------------------------

    def place(
        self,
        market: Market,
        price: Price = FAR,
        *,
        action: Action = Action.BUY,
        count: Contracts = ONE,
        again: bool = False,
        wrong_price: Price | None = None,
        **changes: Any,
    ) -> Sent:
        """Send an order by the protocol, with `changes` to its request.

        `again` allows an id that was used before. `wrong_price` replaces a valid price. Raises
        CannotTellError if the program's rules deny it, or if the exchange refuses it for another reason than
        what is tried.
        """
        if not self.is_trading:
            raise CannotTellError(NEEDS_ORDERS)
        service = self._second_service() if again else self._orders
        preview = service.preview(OrderTicket(market.ticker, action, Side.YES, count, price))
        if preview.is_denied:
            raise CannotTellError(" ".join(each.message for each in denials(preview.findings)))
        request = replace(preview.request, **changes)
        if wrong_price is not None:
            request = replace(request, price=wrong_price)
        self._sent[request.client_order_id] = request.ticker
        self.evidence.tickers.add(request.ticker)
        before = len(self.evidence.answers.get("POST", ()))
        with self._guard():
            result = self._submit(service, replace(preview, request=request))
        sent = read_sent(result, self.evidence.answers.get("POST", [])[before:])
        if is_unrelated(sent, is_closed_expected="ticker" in changes):
            raise CannotTellError(f"rejected for another reason: {sent.status} {sent.code}".rstrip())
        return sent

    def _submit(self, service: OrderService, preview: OrderPreview) -> SubmissionResult:
        """Submit and remember what it left open or held."""
        self._unknown.add(preview.request.client_order_id)
        result = service.submit(preview)
        if result.outcome is not Outcome.UNKNOWN:
            self._unknown.discard(preview.request.client_order_id)
        ticker, bought = result.request.ticker, result.fill_count or ZERO
        if result.order_id is not None and result.remaining_count:
            self._open[result.order_id] = acknowledged_order(result, result.order_id, result.remaining_count)
        sign = 1 if result.request.action is Action.BUY else -1
        self._held[ticker] = self._held.get(ticker, ZERO) + sign * bought
        return result

    def _second_service(self) -> OrderService:
        """Return a service that has not seen the ids used so far.

        It looks for a missing order without pauses: the next start looks thoroughly.
        """
        return OrderService(
            self.client,
            self._journal,
            limits=self.settings.limits,
            account=self._account,
            sleep=lambda seconds: self.pause(seconds / 20),
        )

    def cancel(self, sent: Sent) -> bool:
        """Cancel an order that was just placed; return whether it was confirmed."""
        order = self._open.get(sent.result.order_id or "")
        return order is not None and self._cancel(order)

    def _cancel(self, order: Order) -> bool:
        if not self._orders.cancel_order(order):
            return False
        self._open.pop(order.order_id, None)
        self._ended.add(order.order_id)
        return True

    # --- The end ----------------------------------------------------------------------------------

    def clean_up(self, *, may_wait: bool = True) -> tuple[str, ...]:
        """Cancel every order placed here and sell what they bought.

        Acknowledged orders are canceled before anything is read, because reads may lag. `may_wait` False:
        the program ends in a moment, so everything is tried once. Returns sentences about what may be left.
        Never raises for what the exchange does.
        """
        if not self._sent:
            return ()
        self._may_wait = may_wait
        for order in tuple(self._open.values()):
            self._cancel(order)
        problems: list[str] = []
        for end, what in ((self._cancel_own, "Open orders"), (self._flatten, "Positions")):
            try:
                problems += end()
            except TradingError as error:
                markets = ", ".join(sorted(set(self._sent.values())))
                problems.append(f"{what} could not be checked: {error} Check them in the menu: {markets}.")
        if not may_wait:
            problems += [
                f"An order in {ticker} may be open or filled. Check it in the menu."
                for ticker in sorted(self._unknown_markets())
            ]
        return tuple(problems)

    def _cancel_own(self) -> list[str]:
        left: list[Order] = []
        for _ in range(_END_ROUNDS if self._may_wait else 1):
            self.settle()
            found = self._own_open_orders()
            if not found:
                return []
            left = [order for order in found if not self._cancel(order)]
            if left and self._may_wait:
                self.pause(_END_PAUSE_S)
        tickers = sorted({order.ticker for order in left})
        return [f"Open order left in {ticker}. Cancel it in the menu." for ticker in tickers]

    def _own_open_orders(self) -> list[Order]:
        """Return own open orders.

        An acknowledged order counts as open until it is read as ended: lists may lag.
        """
        listed = self.client.get_orders(status=OrderStatus.RESTING).require_complete()
        own = (order for order in listed if order.client_order_id in self._sent)
        found = {order.order_id: order for order in own if order.order_id not in self._ended}
        for order_id in self._open.keys() - found.keys():
            with suppress(NotFoundError):
                if self.client.get_order(order_id).status is not OrderStatus.RESTING:
                    del self._open[order_id]
                    continue
            found[order_id] = self._open[order_id]
        return list(found.values())

    def _flatten(self) -> list[str]:
        """Sell what was bought here.

        No more than that: another session may trade the same market.
        """
        held = self._own_positions()
        for _ in range(_ROUNDS if self._may_wait else 1):
            for ticker, count in held.items():
                with suppress(TradingError):  # what stays is named below
                    self._sell(ticker, count)
            before, held = held, self._own_positions()
            if not held:
                return []
            if held == before and self._may_wait:
                self.pause(_END_PAUSE_S)
        return [f"Position left in {ticker}. Close it in the menu." for ticker in sorted(held)]

    def _own_positions(self) -> dict[str, Contracts]:
        held = {ticker: count for ticker, count in self._held.items() if count > ZERO}
        if unknown := self._unknown_markets():
            self.settle()
            rows = self.client.get_positions().markets.require_complete()
            held |= {row.ticker: row.net for row in rows if row.ticker in unknown and row.net > ZERO}
        return held

    def _unknown_markets(self) -> set[str]:
        return {self._sent[client_order_id] for client_order_id in self._unknown}

    def _sell(self, ticker: str, count: Contracts) -> None:
        """Sell at the bids.

        Reduce-only, because reads may lag and selling twice would open NO.
        """
        preview = self._orders.preview(OrderTicket(ticker, Action.SELL, Side.YES, count, None))
        if preview.is_denied:
            return
        request = replace(preview.request, time_in_force=TimeInForce.IMMEDIATE_OR_CANCEL, reduce_only=True)
        self._sent[request.client_order_id] = ticker
        with self._guard():
            self._submit(self._orders, replace(preview, request=request))
