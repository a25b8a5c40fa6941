"""The account's API methods, which return models, and the two raw writes.

Knows paths, parameters and response shapes. Never repeats a create. Every method raises KalshiAPIError or
one of its children. Only the writes can raise OutcomeUnknownError, after which the exchange may have acted.
Source: Kalshi Trade API v2, October 2026.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, TypeVar

from kalshi_trading.core.dates import utc_now
from kalshi_trading.core.errors import InvalidInputError, MalformedAnswerError, OutcomeUnknownError
from kalshi_trading.core.models import (
    Balance,
    Fill,
    Order,
    OrderRequest,
    OrderStatus,
    Position,
    Positions,
    Settlement,
    Transfer,
)
from kalshi_trading.core.money import Contracts
from kalshi_trading.core.records.acknowledgements import CancelAcknowledgement, OrderAcknowledgement
from kalshi_trading.core.records.exchange import AccountLimits, EndpointCosts
from kalshi_trading.core.results import Listing, Progress
from kalshi_trading.core.tickers import normalize_ticker
from kalshi_trading.exchange import endpoints
from kalshi_trading.exchange.balance_reader import BalanceReader
from kalshi_trading.exchange.http.transport import Query, Transport
from kalshi_trading.exchange.market_data import MarketDataClient, explain_not_found
from kalshi_trading.exchange.paging import collect, iterate, params, quote_path, time_range
from kalshi_trading.exchange.wire import account as account_wire
from kalshi_trading.exchange.wire.fields import Fields, decode_rows

_SMALLEST_SKEW_S = 1.0  # the exchange reports whole seconds; a smaller skew may be rounding

T = TypeVar("T")
Row = TypeVar("Row", Order, Fill)


class AccountClient(MarketDataClient):
    """Reads and writes of one account. Safe to share between threads."""

    def __init__(self, transport: Transport, *, clock: Callable[[], datetime] = utc_now) -> None:
        super().__init__(transport, clock=clock)
        self._balance = BalanceReader(lambda: account_wire.balance(self._signed("/portfolio/balance")))

    def get_data_as_of(self) -> datetime:
        """Return when the account's data was complete, on our clock."""
        as_of, skew_s = self.get_user_data_timestamp(), self.clock_skew_s
        if skew_s is None or abs(skew_s) <= _SMALLEST_SKEW_S:
            return as_of
        return as_of + timedelta(seconds=skew_s)

    def load_limits(self) -> None:
        """Read this account's rate limits and obey them from now on."""
        self._transport.rate_limiter.configure(self.get_account_limits(), self.get_endpoint_costs())

    # --- Account ----------------------------------------------------------------------------------

    def get_account_limits(self) -> AccountLimits:
        return account_wire.account_limits(self._signed("/account/limits"))

    def get_endpoint_costs(self) -> EndpointCosts:
        return account_wire.endpoint_costs(self._public("/account/endpoint_costs"))

    # --- Portfolio --------------------------------------------------------------------------------

    def get_balance(self, *, fresh: bool = False) -> Balance:
        """Read cash and the exchange's own value of the positions, in dollars.

        By key (`["balance"]`) both are in cents. The exchange allows one read a second: a balance less than a
        second old is returned again, unless this program has written since or `fresh` is set. Only reads.
        Raises KalshiAPIError.
        """
        return self._balance.read(fresh=fresh)

    def expire_balance(self) -> None:
        """Make the next balance a new one, because an order has filled or ended."""
        self._balance.expire()

    def get_positions(
        self,
        limit: int | None = None,
        cursor: str | None = None,
        *,
        ticker: str | None = None,
        event_ticker: str | None = None,
        settlement_status: str = "unsettled",
        progress: Progress | None = None,
    ) -> Positions:
        """Read positions by market and by event.

        Net contracts are below zero for NO. Dollars are before fees. `settlement_status` is unsettled,
        settled or all. Only reads. Raises KalshiAPIError.
        """
        query = params(
            ticker=normalize_ticker(ticker),
            event_ticker=normalize_ticker(event_ticker),
            settlement_status=settlement_status,
        )
        return self._positions(endpoints.POSITIONS, query, progress, limit=limit, cursor=cursor)

    def get_fills(
        self,
        ticker: str | None = None,
        order_id: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        progress: Progress | None = None,
        on_last_page: Callable[[], None] | None = None,
    ) -> Listing[Fill]:
        """List the account's fills, newest first, in YES dollars with fees.

        Fills of months ago are in `get_historical_fills`. Only reads. Raises KalshiAPIError.
        """
        listing = collect(
            self._transport,
            endpoints.FILLS,
            [*params(ticker=normalize_ticker(ticker), order_id=order_id), *time_range(since, until)],
            limit=limit,
            cursor=cursor,
            progress=progress,
            on_last_page=on_last_page,
        )
        return self._with_placed_action(listing)

    def get_settlements(
        self,
        limit: int | None = None,
        cursor: str | None = None,
        *,
        ticker: str | None = None,
        event_ticker: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        progress: Progress | None = None,
    ) -> Listing[Settlement]:
        """List the payouts of settled markets, newest first.

        Each has contracts and dollars per side, revenue and fees. Only reads. Raises KalshiAPIError.
        """
        asked = params(ticker=normalize_ticker(ticker), event_ticker=normalize_ticker(event_ticker))
        query, transport = [*asked, *time_range(since, until)], self._transport
        return collect(transport, endpoints.SETTLEMENTS, query, limit=limit, cursor=cursor, progress=progress)

    def get_orders(
        self,
        ticker: str | None = None,
        status: OrderStatus | str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
        *,
        event_ticker: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        progress: Progress | None = None,
    ) -> Listing[Order]:
        """List the account's orders, newest first.

        `status` is resting, executed or canceled. Limit prices are YES dollars. Only reads. Raises
        KalshiAPIError, and InvalidInputError for another status.
        """
        query = params(
            ticker=normalize_ticker(ticker),
            event_ticker=normalize_ticker(event_ticker),
            status=_status(status),
        )
        listing = collect(
            self._transport,
            endpoints.ORDERS,
            [*query, *time_range(since, until)],
            limit=limit,
            cursor=cursor,
            progress=progress,
        )
        return self._with_placed_action(listing)

    def get_order(self, order_id: str) -> Order:
        """Read one order: limit in YES dollars, filled, remaining, status.

        Only reads. Raises KalshiAPIError, and NotFoundError if the exchange has no such order or has
        archived it.
        """
        path = f"/portfolio/orders/{quote_path(order_id)}"
        where = "It may be archived (see History) or belong to another environment."
        with explain_not_found(f"The exchange has no order {order_id}. {where}"):
            order = account_wire.order(self._signed(path).inner("order"))
        return self._with_placed_action(Listing((order,)))[0]

    def get_queue_position(self, order_id: str) -> Contracts:
        """Return the contracts ahead of this order at its price. 0 is the front."""
        body = self._signed(f"/portfolio/orders/{quote_path(order_id)}/queue_position")
        return body.decimal("queue_position_fp")

    def get_queue_positions(
        self, *, tickers: Iterable[str] = (), event_ticker: str | None = None
    ) -> dict[str, Contracts]:
        """Return the contracts ahead of each resting order, by order_id.

        Covers the resting orders of some markets, or of one event.
        """
        query = params(market_tickers=",".join(tickers), event_ticker=event_ticker)
        rows = self._signed("/portfolio/orders/queue_positions", query).rows("queue_positions")
        return dict(decode_rows(rows, account_wire.queue_position).items)

    def get_deposits(self, *, progress: Progress | None = None) -> Listing[Transfer]:
        return collect(self._transport, endpoints.DEPOSITS, progress=progress)

    def get_withdrawals(self, *, progress: Progress | None = None) -> Listing[Transfer]:
        return collect(self._transport, endpoints.WITHDRAWALS, progress=progress)

    # --- Historical -------------------------------------------------------------------------------

    def get_historical_fills(
        self,
        *,
        ticker: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        progress: Progress | None = None,
    ) -> Listing[Fill]:
        query = [*params(ticker=ticker), *time_range(since, until)]
        return collect(self._transport, endpoints.OLD_FILLS, query, progress=progress)

    def get_historical_orders(
        self,
        *,
        ticker: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int | None = None,
        progress: Progress | None = None,
    ) -> Listing[Order]:
        query = [*params(ticker=ticker), *time_range(since, until)]
        return collect(self._transport, endpoints.OLD_ORDERS, query, limit=limit, progress=progress)

    def get_historical_positions(
        self, *, ticker: str | None = None, event_ticker: str | None = None
    ) -> Positions:
        return self._positions(endpoints.OLD_POSITIONS, params(ticker=ticker, event_ticker=event_ticker))

    # --- Lists too large for memory ---------------------------------------------------------------

    # The archive comes last: rows only move from the live list to the archive, so none is missed.

    def each_fill(self, *, since: datetime | None = None, until: datetime | None = None) -> Iterator[Fill]:
        """Yield fills newest first, live and historical, each once.

        Raises KalshiAPIError, also after some rows.
        """
        return iterate(self._transport, (endpoints.FILLS, endpoints.OLD_FILLS), time_range(since, until))

    def each_order(self, *, since: datetime | None = None) -> Iterator[Order]:
        """Yield orders newest first, live and historical, each once.

        An order archived meanwhile is yielded as it was in the live list. Raises KalshiAPIError, also after
        some rows.
        """
        return iterate(self._transport, (endpoints.ORDERS, endpoints.OLD_ORDERS), time_range(since))

    def each_settlement(
        self, *, since: datetime | None = None, until: datetime | None = None
    ) -> Iterator[Settlement]:
        """Yield settlements newest first. They have no archive.

        Each subaccount's row of a market is yielded separately. Raises KalshiAPIError, also after some rows.
        """
        return iterate(self._transport, (endpoints.SETTLEMENTS,), time_range(since, until))

    # --- Writes, for `orders.execution` alone -----------------------------------------------------

    def send_order(
        self, order: OrderRequest, *, before_sending: Callable[[], None] = lambda: None
    ) -> OrderAcknowledgement:
        """Send one order, exactly once.

        `before_sending` is called once the request is signed. If it raises, nothing is sent and the error
        propagates. Raises NotSentError: nothing left. Raises OutcomeUnknownError: the order may be live.
        """
        acknowledgement = self._write(
            lambda body: account_wire.order_acknowledgement(Fields(body, "order")),
            "POST",
            "/portfolio/events/orders",
            body=account_wire.order_body(order),
            before_sending=before_sending,
        )
        if acknowledgement.client_order_id != order.client_order_id:
            raise OutcomeUnknownError("The exchange's answer does not name this order. It may be live.")
        if acknowledgement.fill_count + acknowledgement.remaining_count > order.count:
            raise OutcomeUnknownError("The exchange's counts do not match this order. It may be live.")
        return acknowledgement

    def send_cancel(self, order_id: str, *, ticker: str) -> CancelAcknowledgement:
        """Cancel the remaining contracts of an order.

        Raises NotFoundError: no order with that id rests, which does not prove a cancel. `ticker` routes the
        request to the right shard. Source: Kalshi API, cancel.
        """
        path = f"/portfolio/events/orders/{quote_path(order_id)}"
        acknowledgement = self._write(
            lambda body: account_wire.cancel_acknowledgement(Fields(body, "cancel")),
            "DELETE",
            path,
            params(market_ticker=ticker),
        )
        if acknowledgement.order_id != order_id:
            raise OutcomeUnknownError("The exchange answered for another order. This one may be canceled.")
        return acknowledgement

    # --- Internal ---------------------------------------------------------------------------------

    def _write(
        self,
        decode: Callable[[Mapping[str, Any]], T],
        method: str,
        path: str,
        query: Query = (),
        *,
        body: object = None,
        before_sending: Callable[[], None] = lambda: None,
    ) -> T:
        """Send one write and decode its answer.

        Raises OutcomeUnknownError for an unreadable answer, because the write may have taken effect.
        """
        try:
            return decode(self._transport.write(method, path, query, body, before_sending=before_sending))
        except MalformedAnswerError as error:
            raise OutcomeUnknownError(f"{error} It may have acted.") from error
        finally:
            self._balance.expire()

    def _with_placed_action(self, listing: Listing[Row]) -> Listing[Row]:
        """Add action and side as placed.

        Returns the rows unchanged here. A client with the journal overrides this.
        """
        return listing

    def _positions(
        self,
        endpoint: endpoints.ListEndpoint[Position],
        query: Query,
        progress: Progress | None = None,
        *,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Positions:
        events: list[Fields] = []
        listing = collect(
            self._transport,
            endpoint,
            query,
            limit=limit,
            cursor=cursor,
            progress=progress,
            on_page=lambda body: events.extend(body.optional_rows("event_positions")),
        )
        return Positions(listing, tuple(account_wire.event_position(row) for row in events))


def _status(word: OrderStatus | str | None) -> OrderStatus | None:
    """Check a status that can filter orders. Raises InvalidInputError."""
    known = (OrderStatus.RESTING, OrderStatus.EXECUTED, OrderStatus.CANCELED)
    if word is None:
        return None
    if word not in known:
        raise InvalidInputError(f"status must be one of {', '.join(known)}.")
    return OrderStatus(word)
