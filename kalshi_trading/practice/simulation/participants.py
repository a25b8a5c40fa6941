"""The simulated traders: a market maker and a noise trader.

They follow `fair_values`, never the user's orders: an order resting away from the market waits until the
price comes. Activity follows attention: an event is quoted once a client read it or traded in it, or while
it is among the next to close. Short-lived and watched events are updated at every step, the other
quoted ones in turn. All other markets show what `shown` computes, so no cost grows with their number.
"""

from __future__ import annotations

import heapq
from collections import OrderedDict
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import replace
from functools import lru_cache
from random import Random

from kalshi_trading.practice.engine.exchange import Exchange, NewOrder, Refusal
from kalshi_trading.practice.records import (
    ONE_CENT_PRICE,
    ONE_CONTRACT,
    ONE_SECOND,
    BookSide,
    Event,
    Market,
    MarketStatus,
    SelfTradePrevention,
    TimeInForce,
)
from kalshi_trading.practice.simulation.fair_values import FairValues
from kalshi_trading.practice.simulation.quoting import Quote, best_quotes, first_count, nearest_price, quotes

MARKET_MAKER = "simulated-quoter"
NOISE_TRADER = "simulated-crosser"

_STEP_MARKETS = 60  # markets updated in one step
_BASE_MARKETS = 1_000  # quoted without a look; the next to close
_WATCHED_EVENTS = 30
_SHORT_LIVED_S = 3_600
_CROSSING_CHANCE = 0.05
_MAX_CROSSING = 40  # contracts
_TRADABLE = (MarketStatus.INITIALIZED, MarketStatus.ACTIVE, MarketStatus.INACTIVE)
_SHOWN_FOR_S = 10  # how long an unquoted market shows the same prices

Levels = tuple[tuple[int, int] | None, tuple[int, int] | None]  # best bid and ask: price and count


class SimulatedTraders:
    """Quotes and trades on behalf of the simulated accounts."""

    def __init__(self, exchange: Exchange, values: FairValues, seed: int, new_id: Callable[[], str]) -> None:
        self._exchange = exchange
        self._values = values
        self._random = Random(seed)
        self._new_id = new_id
        self._markets_by_event: dict[str, list[Market]] = {}
        self._queue: OrderedDict[str, None] = OrderedDict()  # events, the longest without an update first
        self._queued_markets = 0
        self._waiting: list[tuple[int, str]] = []  # heap of closing times and events that may join the queue
        self._short_lived: dict[str, None] = {}
        self._watched: OrderedDict[str, None] = OrderedDict()
        self._quoted: set[str] = set()
        self._cached_values = lru_cache(maxsize=4096)(self._fair_values)
        self._resting: dict[str, dict[tuple[BookSide, int], str]] = {}
        self.is_paused = False
        """True: the simulated traders do nothing, so books change only through the user's orders."""

    def open_accounts(self) -> None:
        """Open the simulated accounts; their credit is unlimited."""
        for account_id in (MARKET_MAKER, NOISE_TRADER):
            if account_id not in self._exchange.accounts:
                self._exchange.open_account(account_id, simulated=True)

    def add_markets(self, markets: Iterable[Market]) -> None:
        """Make these markets, in whole events, ready to trade in."""
        for market in markets:
            siblings = self._markets_by_event.setdefault(market.event_ticker, [])
            siblings.append(market)
            if len(siblings) == 1 and market.status is not MarketStatus.FINALIZED:
                heapq.heappush(self._waiting, (market.close_at, market.event_ticker))
            if _is_short_lived(market):
                self._short_lived[market.event_ticker] = None

    def event_markets(self, event_ticker: str) -> list[Market]:
        """Return the markets of one event, in the order of their intervals."""
        return self._markets_by_event.get(event_ticker, [])

    def value(self, market: Market, now: int) -> int:
        """Return the fair value of a YES contract."""
        return self._cached_values(market.event_ticker, now)[market.ticker]

    def outcome(self, event_ticker: str) -> list[tuple[Market, int]]:
        """Return every market of the event with its YES payout.

        It is at least the settlement floor.
        """
        markets = self._markets_by_event[event_ticker]
        payouts = self._values.outcome(self._exchange.events[event_ticker], markets)
        return [(each, max(each.floor, payout)) for each, payout in zip(markets, payouts, strict=True)]

    def watch(self, ticker: str, now: int) -> None:
        """Update this market's event at every step from now on."""
        event_ticker = self._exchange.markets[ticker].event_ticker
        self._watched[event_ticker] = None
        self._watched.move_to_end(event_ticker)
        if len(self._watched) > _WATCHED_EVENTS:
            self._watched.popitem(last=False)
        self.quote_if_new(ticker, now)

    def quote_if_new(self, ticker: str, now: int) -> None:
        """Quote this market's event now if it was never quoted."""
        event_ticker = self._exchange.markets[ticker].event_ticker
        if event_ticker not in self._quoted:
            self.attend(ticker)
            self._update_event(event_ticker, now)

    def attend(self, ticker: str) -> None:
        """Update this market's event in turn from now on."""
        event_ticker = self._exchange.markets[ticker].event_ticker
        if event_ticker not in self._queue:
            self._queue[event_ticker] = None
            self._queued_markets += len(self.event_markets(event_ticker))

    def shown(self, market: Market, now: int) -> tuple[Market, Levels]:
        """Return a market as reads show it, with its best levels.

        An unquoted market shows the quotes and the first trade that the first look will bring. Paused
        traders bring none.
        """
        if market.event_ticker in self._quoted or self.is_paused:
            return market, self._levels(market)
        return self._unquoted(market, now)

    def begin(self, now: int) -> None:
        """Quote the first markets to close, and those in the queue.

        The others are quoted at the first look.
        """
        self._fill_queue()
        self._update_next(self._queued_markets, now)

    def step(self, now: int) -> None:
        """Update the short-lived and watched events, and the next in turn."""
        for event_ticker in [*self._short_lived, *self._watched]:
            self._update_event(event_ticker, now)
        self._fill_queue()
        self._update_next(_STEP_MARKETS, now)

    def _can_trade(self) -> bool:
        return not self.is_paused and self._exchange.trading_active and self._exchange.exchange_active

    def _levels(self, market: Market) -> Levels:
        best, ticker = self._exchange.best, market.ticker
        return best(ticker, BookSide.BID), best(ticker, BookSide.ASK)

    def _unquoted(self, market: Market, now: int) -> tuple[Market, Levels]:
        """Return a market as it will be once it is quoted, or would have been."""
        is_active = market.status is MarketStatus.ACTIVE
        if market.status is MarketStatus.INITIALIZED or (market.volume and not is_active):
            return market, self._levels(market)
        value = self.value(market, min(now - now % (_SHOWN_FOR_S * ONE_SECOND), market.close_at))
        value = _above_floor(market, value)
        levels = best_quotes(market, value) if is_active and self._can_trade() else self._levels(market)
        if market.volume:
            return market, levels
        count = first_count(market.ticker)
        held = 0 if market.status is MarketStatus.FINALIZED else count
        price = nearest_price(market, value)
        return replace(market, volume=count, open_interest=held, last_price=price), levels

    def _fill_queue(self) -> None:
        """Add the next events to close while the queue has room."""
        while self._waiting and self._queued_markets < _BASE_MARKETS:
            _, event_ticker = heapq.heappop(self._waiting)
            markets = self._markets_by_event[event_ticker]
            if any(market.status in _TRADABLE for market in markets):
                self.attend(markets[0].ticker)

    def _fair_values(self, event_ticker: str, now: int) -> dict[str, int]:
        """Return the fair value of each market of one event."""
        markets = self._markets_by_event[event_ticker]
        values = self._values.at(self._exchange.events[event_ticker], markets, now)
        return {market.ticker: value for market, value in zip(markets, values, strict=True)}

    def _update_next(self, count: int, now: int) -> None:
        updated: set[str] = set()
        while self._queue and count > 0:
            event_ticker = next(iter(self._queue))
            if event_ticker in updated:
                break
            updated.add(event_ticker)
            self._queue.move_to_end(event_ticker)
            count -= max(1, self._update_event(event_ticker, now))

    def _update_event(self, event_ticker: str, now: int) -> int:
        """Update one event's quotes; return how many of its markets are active.

        Returns 0 while trading or the traders are paused.
        """
        markets = self._markets_by_event[event_ticker]
        active = [market for market in markets if market.status is MarketStatus.ACTIVE]
        if not self._can_trade():
            return 0
        if not active:
            self._stop_updating(event_ticker, markets)
            return 0
        self._quoted.add(event_ticker)
        values = self._values.at(self._exchange.events[event_ticker], markets, now)
        for market, value in zip(markets, values, strict=True):
            # The clock keeps running: the market may close between our check and the exchange's.
            with suppress(Refusal):
                if market.status is MarketStatus.ACTIVE:
                    self._trade(market, _above_floor(market, value))
        return len(active)

    def _stop_updating(self, event_ticker: str, markets: list[Market]) -> None:
        """Stop updating an event that will not trade again."""
        if any(market.status is MarketStatus.INITIALIZED for market in markets):
            return
        self._watched.pop(event_ticker, None)
        self._short_lived.pop(event_ticker, None)
        for market in markets:
            self._resting.pop(market.ticker, None)
        if all(market.status is MarketStatus.FINALIZED for market in markets) and event_ticker in self._queue:
            del self._queue[event_ticker]
            self._queued_markets -= len(markets)

    def _trade(self, market: Market, value: int) -> None:
        if not market.volume:
            self._make_first_trade(market, value)
        self._quote(market, value)
        if self._random.random() < _CROSSING_CHANCE:
            self._cross(market)
            self._quote(market, value)

    def _quote(self, market: Market, value: int) -> None:
        """Replace outdated quotes; correct ones keep their queue position."""
        wanted = {(quote.side, quote.price): quote for quote in quotes(market, value)}
        resting = self._resting.setdefault(market.ticker, {})
        for place, order_id in list(resting.items()):
            order = self._exchange.orders.get(order_id)
            if order is None:
                del resting[place]
            elif place not in wanted or 2 * order.remaining_count < wanted[place].count:
                self._exchange.cancel(MARKET_MAKER, order_id)
                del resting[place]
        for place, quote in wanted.items():
            if place not in resting:
                self._place_quote(market, quote, resting)

    def _place_quote(self, market: Market, quote: Quote, resting: dict[tuple[BookSide, int], str]) -> None:
        order_id = self._place(MARKET_MAKER, market, quote, TimeInForce.GOOD_TILL_CANCELED)
        if order_id in self._exchange.orders:
            resting[(quote.side, quote.price)] = order_id

    def _cross(self, market: Market) -> None:
        """Trade a few contracts at the best price of a random side."""
        side, other = self._random.choice(((BookSide.BID, BookSide.ASK), (BookSide.ASK, BookSide.BID)))
        best = self._exchange.best(market.ticker, other)
        if best is not None:
            count = self._random.randint(1, _MAX_CROSSING) * ONE_CONTRACT
            if self._random.random() < 0.1:
                count += ONE_CONTRACT // 2
            self._place(NOISE_TRADER, market, Quote(side, best[0], count), TimeInForce.IMMEDIATE_OR_CANCEL)

    def _make_first_trade(self, market: Market, value: int) -> None:
        """Trade once, so that the market has open interest and a last price."""
        count = first_count(market.ticker)
        price = nearest_price(market, value)
        offer = Quote(BookSide.ASK, price, count)
        order_id = self._place(MARKET_MAKER, market, offer, TimeInForce.GOOD_TILL_CANCELED)
        self._place(NOISE_TRADER, market, Quote(BookSide.BID, price, count), TimeInForce.IMMEDIATE_OR_CANCEL)
        if order_id in self._exchange.orders:
            self._exchange.cancel(MARKET_MAKER, order_id)

    def _place(self, account_id: str, market: Market, quote: Quote, time_in_force: TimeInForce) -> str:
        new = NewOrder(
            ticker=market.ticker,
            client_order_id=self._new_id(),
            side=quote.side,
            price=quote.price,
            count=quote.count,
            time_in_force=time_in_force,
            self_trade_prevention=SelfTradePrevention.TAKER_AT_CROSS,
        )
        return self._exchange.place(account_id, new).order.order_id


def _above_floor(market: Market, value: int) -> int:
    """Return the value to quote around: at least a cent above the floor."""
    return max(value, market.floor + ONE_CENT_PRICE) if market.floor else value


def _is_short_lived(market: Market) -> bool:
    return market.close_at - market.open_at <= _SHORT_LIVED_S * ONE_SECOND


def expiration_value(event: Event, outcome: list[tuple[Market, int]]) -> str:
    """Return the expiration value that an outcome stands for.

    Scalar: the payout in cents. No winner: the first market's floor, or "No". A winning band: its floor.
    Otherwise: the winner's label. Of several winners, the last one counts.
    """
    winners = [market for market, payout in outcome if payout > 0]
    if outcome[0][0].scalar:
        return f"{outcome[0][1] / 100:.0f}"
    if not winners:
        return outcome[0][0].floor_strike or "No"
    best = winners[0] if event.mutually_exclusive else winners[-1]
    if best.strike_type is None:
        return best.yes_sub_title
    return best.floor_strike if best.strike_type == "between" and best.floor_strike else best.yes_sub_title
