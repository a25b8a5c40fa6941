"""What a day, or some days, brought: orders, fills, fees, profit, and the best and the worst market.

Profit is what was realized by closing and by settlement, first in first out, fees inside; what is still
held is not in it. A sum that may lack something says so. Never renders.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from kalshi_trading.journal_orders import JournaledOrder
from kalshi_trading.kalshi_client import KalshiClient
from kalshi_trading.market_account import oldest_first
from kalshi_trading.models import Fill, Listing, Order, Settlement
from kalshi_trading.money import ZERO, Contracts, Dollars
from kalshi_trading.order_life import State
from kalshi_trading.paging import Progress
from kalshi_trading.periods import Period
from kalshi_trading.pnl import holding_from
from kalshi_trading.trade_history import A_DAY, read_exchange, read_told
from kalshi_trading.trade_logger import TradeLogger
from kalshi_trading.trading_day import realized_since

_SECOND = timedelta(seconds=1)
_TICKERS_AT_ONCE = 100
_FEW_MARKETS = 20
"""For up to so many markets the archive is asked market by market, for more as a whole."""


@dataclass(frozen=True, slots=True)
class MarketDay:
    """What one market brought. `pnl` is realized, after `fees`."""

    ticker: str
    pnl: Dollars
    fees: Dollars
    fills: int


@dataclass(frozen=True, slots=True)
class DaySummary:
    """The sums of a period; `orders` are those placed, here or elsewhere, `rejected` those refused.

    `incomplete` says why something may be missing.
    """

    period: Period
    orders: int
    rejected: int
    unknown: int
    fills: int
    contracts: Contracts
    markets: tuple[MarketDay, ...]  # best first
    incomplete: str | None = None

    @property
    def is_empty(self) -> bool:
        return not (self.orders or self.rejected or self.unknown or self.markets)

    @property
    def fees(self) -> Dollars:
        return sum((market.fees for market in self.markets), ZERO)

    @property
    def pnl(self) -> Dollars:
        """Realized profit after fees."""
        return sum((market.pnl for market in self.markets), ZERO)

    @property
    def best(self) -> MarketDay | None:
        """The market that gained most; None: none gained anything."""
        return self.markets[0] if self.markets and self.markets[0].pnl > ZERO else None

    @property
    def worst(self) -> MarketDay | None:
        """The market that lost most; None: none lost anything."""
        return self.markets[-1] if self.markets and self.markets[-1].pnl < ZERO else None


def read_summary(
    client: KalshiClient,
    journal: TradeLogger,
    period: Period,
    *,
    account: str | None = None,
    progress: Progress | None = None,
) -> DaySummary:
    """Read and add up a period, one request after the other. Raises KalshiAPIError and JournalError."""
    told, _ = read_told(journal, period.first - A_DAY, account)
    there = read_exchange(client, since=period.start - A_DAY, progress=progress)
    settled = client.get_settlements(since=period.start - _SECOND, until=period.end + _SECOND)
    newest_first = (fill for own in there.fills.values() for fill in reversed(own))
    fills = [fill for fill in newest_first if _is_in(period, fill.created_at)]
    ends = {row.ticker: row for row in settled if period.holds(row.settled_at)}
    earlier, gap = _fills_before(client, sorted({fill.ticker for fill in fills} | ends.keys()), period.start)
    reasons = [reason for reason in (there.incomplete, settled.incomplete, gap) if reason]
    return summarize(
        period, there.orders, told.orders.values(), fills, earlier, ends, "; ".join(reasons) or None
    )


def summarize(
    period: Period,
    orders: Iterable[Order],
    told: Iterable[JournaledOrder],
    fills: Iterable[Fill],
    earlier: Mapping[str, list[Fill]],
    settled: Mapping[str, Settlement],
    incomplete: str | None = None,
) -> DaySummary:
    """Add up: `fills` and `settled` are the period's, `earlier` all fills before it by market.

    Fills come newest first.
    """
    fills = tuple(fills)
    by_market: dict[str, list[Fill]] = {ticker: [] for ticker in settled}
    for fill in fills:
        by_market.setdefault(fill.ticker, []).append(fill)
    markets = (
        _market_day(ticker, earlier.get(ticker, []), rows, settled.get(ticker))
        for ticker, rows in by_market.items()
    )
    states = [own.life.state for own in told if period.holds(own.life.intent_at)]
    return DaySummary(
        period=period,
        orders=sum(_is_in(period, order.created_at) for order in orders),
        rejected=states.count(State.REJECTED),
        unknown=sum(state in (State.UNKNOWN, State.SENDING, State.INTENT) for state in states),
        fills=len(fills),
        contracts=sum((fill.count for fill in fills), ZERO),
        markets=tuple(sorted(markets, key=lambda market: (-market.pnl, market.ticker))),
        incomplete=incomplete,
    )


def _market_day(
    ticker: str, earlier: Iterable[Fill], fills: list[Fill], settlement: Settlement | None
) -> MarketDay:
    before = holding_from(oldest_first(earlier))
    pnl = realized_since(before, oldest_first(fills), settlement)
    return MarketDay(ticker, pnl, sum((fill.fee for fill in fills), ZERO), len(fills))


def _is_in(period: Period, at: datetime | None) -> bool:
    """Tell whether something was in the period; what has no time is not counted."""
    return at is not None and period.holds(at)


def _fills_before(
    client: KalshiClient, tickers: list[str], start: datetime
) -> tuple[dict[str, list[Fill]], str | None]:
    """Read the fills of these markets before a moment, live ones first, and say why some may be missing."""
    until = start + _SECOND
    listings: list[Listing[Fill]] = []
    for first in range(0, len(tickers), _TICKERS_AT_ONCE):
        wanted = ",".join(tickers[first : first + _TICKERS_AT_ONCE])
        listings.append(client.get_fills(ticker=wanted, until=until))
    few = tickers if len(tickers) <= _FEW_MARKETS else [None]
    listings += [client.get_historical_fills(ticker=ticker, until=until) for ticker in few]
    once = {fill.fill_id: fill for listing in listings for fill in listing}
    found: dict[str, list[Fill]] = {}
    for fill in once.values():
        if fill.created_at is not None and fill.created_at < start:
            found.setdefault(fill.ticker, []).append(fill)
    return found, next((each.incomplete for each in listings if each.incomplete), None)
