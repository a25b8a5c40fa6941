"""A running world: exchange, catalogue, traders, candles and store.

Knows the sequence in which things happen as the clock moves. Never speaks HTTP. After a change through
`exchange`, the caller must `commit` before reporting it.
"""

from __future__ import annotations

import uuid
from collections import deque
from pathlib import Path

from kalshi_trading.practice.assumptions import Assumptions
from kalshi_trading.practice.engine.exchange import Exchange
from kalshi_trading.practice.engine.schedule import DueKind
from kalshi_trading.practice.records import (
    ONE_DOLLAR,
    ONE_SECOND,
    BookSide,
    Market,
    MarketStatus,
    Order,
    OrderStatus,
    Trade,
)
from kalshi_trading.practice.responses.market_cache import MarketAnswers
from kalshi_trading.practice.simulation.bank import Transfers
from kalshi_trading.practice.simulation.candles import Candles
from kalshi_trading.practice.simulation.catalogue import Catalogue
from kalshi_trading.practice.simulation.fair_values import FairValues
from kalshi_trading.practice.simulation.floors import SettlementFloors
from kalshi_trading.practice.simulation.participants import SimulatedTraders, expiration_value
from kalshi_trading.practice.simulation.quoting import TopOfBook
from kalshi_trading.practice.storage.saved_world import (
    CutOffs,
    Deposit,
    SavedWorld,
    TransferStatus,
    Withdrawal,
    WorldInfo,
    WorldRecordKind,
)
from kalshi_trading.practice.storage.store import Store
from kalshi_trading.practice.world import account_audit
from kalshi_trading.practice.world.account_audit import AccountAudit
from kalshi_trading.practice.world.archive import Archive
from kalshi_trading.practice.world.clock import Clock, MovableClock
from kalshi_trading.practice.world.key_ring import KeyRing
from kalshi_trading.practice.world.lagging_reads import LaggingReads

OPENING_DEPOSIT = 10_000 * ONE_DOLLAR

_FOUNDED_EARLIER_S = 12 * 60  # gives a new world short-lived markets that have already closed
_CLEANUP_EVERY_S = 600
_NEVER = 2**63
_LATEST_TRADES = 20_000  # over all markets


class World:
    """A world in a file, or in memory for the path ":memory:"."""

    def __init__(
        self,
        path: Path | str,
        *,
        seed: int,
        market_count: int,
        clock: Clock,
        signing_clock: Clock | None = None,
    ) -> None:
        self.clock = clock
        self.signing_clock = signing_clock or clock  # checks signature timestamps, even if `clock` is shifted
        self.keys = KeyRing()
        self.assumptions = Assumptions()
        self.exchange = Exchange(clock=clock.now, new_id=_new_id, changes=self)
        self.transfers = Transfers(self.exchange, clock=clock.now, new_id=_new_id, on_change=self._record)
        self._store = Store(path)
        stored = self._store.load(clock.now())
        self.info = stored.info[0] if stored.info else self._create_info(seed, market_count)
        self._values = FairValues(self.info.seed)
        self._catalogue = Catalogue(self.info.seed, self.info.market_count)
        self.participants = SimulatedTraders(self.exchange, self._values, self.info.seed, _new_id)
        self.floors = SettlementFloors(self.exchange, self.participants.outcome, self.info.seed)
        self.candles = Candles(self.participants.value)
        self.market_answers = MarketAnswers(self.participants, self.candles)
        self.archive = Archive(
            self.exchange,
            founded_at=self.info.founded_at - _FOUNDED_EARLIER_S * ONE_SECOND,
            event_markets=self.participants.event_markets,
            cut_offs=stored.cut_offs[0] if stored.cut_offs else CutOffs(),
            on_change=self._record,
        )
        self.latest_trades: deque[Trade] = deque(maxlen=_LATEST_TRADES)
        self._changed_tickers: set[str] = set()
        self._lagging: LaggingReads | None = None
        self._next_change = 0
        self._next_cleanup = 0
        self._next_result = _NEVER
        self._undetermined: list[Market] = []
        self._begin(stored)

    @property
    def account_id(self) -> str:
        """The user's account, the only one that is not simulated."""
        return self.info.account_id

    @property
    def reads(self) -> Exchange | LaggingReads:
        """Source of private reads: the exchange, or a delayed copy of it."""
        if self._lagging is None:
            return self.exchange
        self._lagging.advance(self.clock.now())
        return self._lagging

    @property
    def reads_as_of(self) -> int:
        """The instant private reads show, in Unix microseconds."""
        reads = self.reads
        if isinstance(reads, LaggingReads) and self.assumptions.data_timestamp_lags:
            return reads.as_of
        return self.clock.now()

    def assume(self, assumptions: Assumptions) -> None:
        """Answer the open questions this way from now on."""
        previous_lag_ms = self.assumptions.read_lag_ms
        self.assumptions = assumptions
        self.exchange.assume(assumptions)
        self.keys.window_ms = assumptions.clock_window_s * 1_000
        if assumptions.read_lag_ms != previous_lag_ms:
            self._set_lag(assumptions.read_lag_ms * 1_000)

    def _set_lag(self, lag: int) -> None:
        """Make private reads lag by this many microseconds from now on."""
        lagging = LaggingReads(self.exchange, self.account_id, self.clock.now(), lambda at: at - lag)
        self._lagging = lagging if lag else None

    def use_lagging_reads(self, lagging: LaggingReads) -> None:
        """Make private reads lag from now on."""
        self._lagging = lagging

    def record_change(self, kind: str, key: str, record: object) -> None:
        """Note a record that the exchange changed."""
        self._store.record_change(kind, key, record)
        if self._lagging is not None:
            self._lagging.record_change(kind, key, record)
        if isinstance(record, Trade):
            self.latest_trades.append(record)
            self.candles.record_trade(self.exchange.markets[record.ticker], record)
        elif isinstance(record, Order):
            self._changed_tickers.add(record.ticker)
            if not self.exchange.accounts[record.account_id].simulated:
                self.participants.attend(record.ticker)

    def commit(self) -> None:
        """Write all changes so far to the store, so they survive this process."""
        now = self.clock.now()
        for ticker in self._changed_tickers:
            self.candles.record_quotes(self.exchange.markets[ticker], now, self.top_of_book(ticker))
        self._changed_tickers.clear()
        self._store.commit()
        if self._lagging is not None:
            self._lagging.commit(now)

    def top_of_book(self, ticker: str) -> TopOfBook:
        """Return the best bid and ask of a market's book."""
        bid, ask = self.exchange.best(ticker, BookSide.BID), self.exchange.best(ticker, BookSide.ASK)
        return TopOfBook(bid[0] if bid else None, ask[0] if ask else None)

    def tick(self) -> None:
        """Process due events, move floors, run the traders, and commit."""
        self._catch_up()
        self.floors.step(self.clock.now())
        self.participants.step(self.clock.now())
        if self.clock.now() >= self._next_cleanup:
            self._next_cleanup = self.clock.now() + _CLEANUP_EVERY_S * ONE_SECOND
            self.candles.drop_old(self.clock.now())
        self.commit()

    def catch_up(self) -> None:
        """Process due events, so that a request sees the current state."""
        if self._is_due():
            self._catch_up()
            self.commit()

    def advance(self, seconds: float) -> None:
        """Move the clock forward by `seconds`; see `advance_to`."""
        self.advance_to(self.clock.now() + round(seconds * ONE_SECOND))

    def advance_to(self, until: int) -> None:
        """Move the clock forward to an instant in Unix microseconds.

        Exchange events and results take effect at their due times. New events are announced, floors move
        and the simulated traders act only at the end. Raises TypeError if the clock cannot be moved.
        """
        if not isinstance(self.clock, MovableClock):
            raise TypeError("this world's clock cannot be moved")
        while (due := self._next_step()) <= until:
            self.clock.move_to(due)
            self._queue_closed_markets()
            self._determine_results()
        self.clock.move_to(until)
        self.tick()

    def deposit(
        self,
        account_id: str,
        amount: int,
        *,
        fee: int = 0,
        status: TransferStatus = TransferStatus.APPLIED,
    ) -> Deposit:
        """Deposit practice money.

        Amount and fee are in millionths of a dollar, whole cents. Raises ValueError.
        """
        return self.transfers.deposit(account_id, amount, fee=fee, status=status)

    def withdraw(
        self,
        account_id: str,
        amount: int,
        *,
        fee: int = 0,
        status: TransferStatus = TransferStatus.APPLIED,
    ) -> Withdrawal:
        """Withdraw practice money.

        Units as for `deposit`. Raises ValueError if there is too little free cash.
        """
        return self.transfers.withdraw(account_id, amount, fee=fee, status=status)

    def finish_transfer(self, transfer_id: str, status: TransferStatus) -> Deposit | Withdrawal:
        """Move a transfer to its next status. Raises KeyError or ValueError.

        Pending becomes applied or failed; applied becomes returned.
        """
        return self.transfers.finish(transfer_id, status)

    def audit(self, account_id: str) -> AccountAudit:
        """Return the audit of an account, market by market."""
        return account_audit.audit(self.exchange, self.transfers, account_id)

    def close(self) -> None:
        """Commit pending changes and close the file."""
        self.commit()
        self._store.close()

    def _record(self, kind: str, key: str, record: object) -> None:
        self._store.record_change(kind, key, record)

    def _create_info(self, seed: int, market_count: int) -> WorldInfo:
        info = WorldInfo(seed, market_count, _new_id(), self.clock.now())
        self._store.record_change(WorldRecordKind.INFO, "charter", info)
        return info

    def _begin(self, stored: SavedWorld) -> None:
        now = self.clock.now()
        self.transfers.restore(stored.deposit, stored.withdrawal)
        if stored.info:
            self._restore(stored)
        self.participants.open_accounts()
        self.participants.add_markets(self.exchange.markets.values())
        if not stored.info:
            self.exchange.open_account(self.account_id, simulated=False)
            self.deposit(self.account_id, OPENING_DEPOSIT)
            self._add_new_markets(now - _FOUNDED_EARLIER_S * ONE_SECOND)
        self._add_new_markets(now)
        self._catch_up()
        self._attend_to_account()
        self.participants.begin(now)
        self.commit()

    def _restore(self, stored: SavedWorld) -> None:
        self.exchange.restore(
            series=stored.series,
            events=stored.event,
            markets=stored.market,
            accounts=stored.account,
            orders=stored.order,
            positions=stored.position,
            fills=stored.fill,
            trades=stored.trade,
            settlements=stored.settlement,
            floor_changes=stored.floor,
            balances=stored.balances,
        )
        self._undetermined = [market for market in stored.market if market.status is MarketStatus.CLOSED]
        for trade in stored.trade:
            self.latest_trades.append(trade)
            self.candles.record_trade(self.exchange.markets[trade.ticker], trade)

    def _attend_to_account(self) -> None:
        """Quote the markets in which the account holds or rests something.

        Without quotes there, no order of it would ever be filled.
        """
        resting = [it for it in self.exchange.orders_of(self.account_id) if it.status is OrderStatus.RESTING]
        held = [it for it in self.exchange.positions_of(self.account_id) if not it.settled]
        for ticker in [row.ticker for row in resting] + [row.ticker for row in held]:
            self.participants.attend(ticker)

    def _add_new_markets(self, now: int) -> None:
        """Add the catalogue's series, events and markets that are new by `now`."""
        listing = self._catalogue.take_new(now)
        for series in listing.series:
            if series.ticker not in self.exchange.series:
                self.exchange.add_series(series)
        new_events = {event.event_ticker for event in listing.events} - self.exchange.events.keys()
        for event in listing.events:
            if event.event_ticker in new_events:
                self.exchange.add_event(event)
        markets = [market for market in listing.markets if market.event_ticker in new_events]
        for market in markets:
            self.exchange.add_market(market)
        self.participants.add_markets(markets)
        self._next_change = self._catalogue.next_change(now)

    def _is_due(self) -> bool:
        now = self.clock.now()
        due = self.exchange.next_due()
        return now >= min(self._next_change, self._next_result) or (due is not None and due <= now)

    def _next_step(self) -> int:
        """Return when the next exchange event or market result is due."""
        return min(self._next_result, self.exchange.next_due() or _NEVER)

    def _catch_up(self) -> None:
        now = self.clock.now()
        if now >= self._next_change:
            self._add_new_markets(now)
        self._queue_closed_markets()
        self._determine_results()

    def _determine_results(self) -> None:
        now = self.clock.now()
        if now < self._next_result:
            return
        for market in [market for market in self._undetermined if market.expected_expiration_at <= now]:
            self._undetermined.remove(market)
            self._determine(market)
        self._queue_closed_markets()

    def _queue_closed_markets(self) -> None:
        """Advance the exchange and queue closed markets for their result."""
        for event in self.exchange.advance():
            if event.kind is DueKind.MARKET_CLOSED:
                self._undetermined.append(self.exchange.markets[event.key])
        times = [market.expected_expiration_at for market in self._undetermined]
        self._next_result = min(times, default=_NEVER)

    def _determine(self, market: Market) -> None:
        event = self.exchange.events[market.event_ticker]
        outcome = self.participants.outcome(market.event_ticker)
        payout = {other.ticker: value for other, value in outcome}[market.ticker]
        self.exchange.determine(
            market.ticker, payout, expiration_value(event, outcome), at=market.expected_expiration_at
        )


def _new_id() -> str:
    return str(uuid.uuid4())
