"""Summary of some days: orders, fills, fees, P&L, best and worst market.

P&L is realized by closing and by settlement, first in, first out. It counts on the day a lot was
closed, after the fees paid that day. Open positions are not included. Where fills do not explain a
market, its P&L is unknown and the summary says so. Never renders.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from kalshi_trading.core.dates import Period, local_date
from kalshi_trading.core.models import Fill, Order, Settlement
from kalshi_trading.core.money import ZERO, Contracts, Dollars
from kalshi_trading.core.pnl import oldest_first
from kalshi_trading.core.results import Fetched, Listing, Progress, fetch
from kalshi_trading.core.text import pluralize
from kalshi_trading.history.trade_history import ONE_DAY, ExchangeHistory, read_exchange, read_order_log
from kalshi_trading.journal.order_log import LoggedOrder
from kalshi_trading.journal.order_state import OrderStage
from kalshi_trading.kalshi_client import KalshiClient
from kalshi_trading.portfolio.breakdown import by_day
from kalshi_trading.portfolio.ledger import MarketLedger
from kalshi_trading.portfolio.ledger_cache import LedgerCache
from kalshi_trading.portfolio.settled_floors import SettledFloors
from kalshi_trading.portfolio_tracker import PortfolioTracker
from kalshi_trading.trade_logger import TradeLogger

_TICKERS_AT_ONCE = 100
_FEW_MARKETS = 20
"""Up to this many markets, read the archive market by market; above, as a whole."""
_NAMED = 3


@dataclass(frozen=True, slots=True)
class MarketDay:
    """The result of one market.

    `pnl` is realized, after `fees`. None: the fills do not explain it.
    """

    ticker: str
    pnl: Dollars | None
    fees: Dollars
    fills: int
    contracts: Contracts
    gap: str | None = None
    """The reason why `pnl` is not known."""


@dataclass(frozen=True, slots=True)
class DaySummary:
    """Totals of a period.

    `orders` are those placed, here or elsewhere. `rejected` are those the exchange refused. `unknown`
    are orders of unknown outcome that the exchange does not list. `incomplete` says why something may
    be missing. `has_all_markets` False: whole markets, or fills of them, may be missing.
    """

    period: Period
    orders: int
    rejected: int
    unknown: int
    markets: tuple[MarketDay, ...]  # best first, those of unknown P&L last
    incomplete: str | None = None
    has_all_markets: bool = True

    @property
    def is_empty(self) -> bool:
        """True if it is certain that nothing happened."""
        return not (self.orders or self.rejected or self.unknown or self.markets or self.incomplete)

    @property
    def fills(self) -> int:
        return sum(market.fills for market in self.markets)

    @property
    def contracts(self) -> Contracts:
        return sum((market.contracts for market in self.markets), ZERO)

    @property
    def fees(self) -> Dollars:
        """Fees of the available fills that have a time."""
        return sum((market.fees for market in self.markets), ZERO)

    @property
    def pnl(self) -> Dollars | None:
        """Realized P&L after fees.

        None: some market's P&L is not known, or not all markets are known.
        """
        if not self.has_all_markets:
            return None
        known = [market.pnl for market in self.markets if market.pnl is not None]
        return sum(known, ZERO) if len(known) == len(self.markets) else None

    @property
    def best(self) -> MarketDay | None:
        """The market with the largest gain; None: no gain, or not known."""
        first = self.markets[0] if self.markets and self.pnl is not None else None
        return first if first is not None and _gain(first) > ZERO else None

    @property
    def worst(self) -> MarketDay | None:
        """The market with the largest loss; None: no loss, or not known."""
        last = self.markets[-1] if self.markets and self.pnl is not None else None
        return last if last is not None and _gain(last) < ZERO else None


def _gain(market: MarketDay) -> Dollars:
    return market.pnl or ZERO


# --- Reading --------------------------------------------------------------------------------------


def read_summary(
    client: KalshiClient,
    journal: TradeLogger,
    period: Period,
    *,
    account: str | None = None,
    progress: Progress | None = None,
) -> DaySummary:
    """Read and add up a period, one request after the other.

    Raises KalshiAPIError, JournalError.
    """
    logged, damage = read_order_log(journal, period.first - ONE_DAY, account)
    on_exchange = read_exchange(client, since=period.start - ONE_DAY, progress=progress)
    settled = client.get_settlements(since=period.start)
    fills = _fills_of_markets(client, _active_markets(client, period, on_exchange, settled), progress)
    positions = client.get_positions().markets
    by_market: dict[str, list[Fill]] = {}
    for fill in fills:
        by_market.setdefault(fill.ticker, []).append(fill)
    ledgers = LedgerCache().update(
        Fetched({ticker: tuple(oldest_first(rows)) for ticker, rows in by_market.items()}),
        {row.ticker: row for row in positions},
        {row.ticker: row for row in SettledFloors(client).apply(settled)},
        rows_missing=positions.incomplete or settled.incomplete,
        result_of=PortfolioTracker(client).markets_by_ticker,
    )
    return summarize(
        period,
        on_exchange.orders,
        logged.orders.values(),
        ledgers.values(),
        reasons=[on_exchange.orders_missing, positions.incomplete, damage.sentence],
        missing=[on_exchange.fills_missing, settled.incomplete, fills.incomplete],
    )


def _active_markets(
    client: KalshiClient, period: Period, on_exchange: ExchangeHistory, settled: Listing[Settlement]
) -> set[str] | None:
    """Return the markets with a fill or a settlement in a period.

    None: only all fills can show that, because the exchange drops the rows of old settlements. Source:
    Kalshi API, settlements.
    """
    cutoff = fetch(client.get_historical_cutoff).value
    if cutoff is None or period.start <= cutoff.markets_settled_at:
        return None
    fills = (fill for own in on_exchange.fills.values() for fill in own)
    return {fill.ticker for fill in fills if _may_be_in(period, fill.created_at)} | {
        row.ticker for row in settled if period.contains(row.settled_at)
    }


def _fills_of_markets(
    client: KalshiClient, tickers: set[str] | None, progress: Progress | None
) -> Listing[Fill]:
    """Read all fills, of all times, of these markets.

    None: of every market. The archive is read last.
    """
    listings: list[Listing[Fill]] = []
    if tickers is None:
        listings = [client.get_fills(progress=progress), client.get_historical_fills(progress=progress)]
    else:
        wanted = sorted(tickers)
        for first in range(0, len(wanted), _TICKERS_AT_ONCE):
            together = ",".join(wanted[first : first + _TICKERS_AT_ONCE])
            listings.append(client.get_fills(ticker=together, progress=progress))
        few = wanted if len(wanted) <= _FEW_MARKETS else [None]
        listings += [client.get_historical_fills(ticker=ticker, progress=progress) for ticker in few]
    once = {fill.fill_id: fill for listing in listings for fill in listing}
    own = (fill for fill in once.values() if tickers is None or fill.ticker in tickers)
    return Listing(tuple(own), next((each.incomplete for each in listings if each.incomplete), None))


# --- Adding up ------------------------------------------------------------------------------------


def summarize(
    period: Period,
    orders: Iterable[Order],
    logged: Iterable[LoggedOrder],
    ledgers: Iterable[MarketLedger],
    reasons: Iterable[str | None] = (),
    missing: Iterable[str | None] = (),
) -> DaySummary:
    """Add up the part of these ledgers that falls into a period.

    `reasons` say why something may be missing. `missing` say why fills or settlements, on which P&L
    depends, may be missing.
    """
    orders, missing = tuple(orders), [reason for reason in missing if reason]
    markets = [_market_day(ledger, period) for ledger in ledgers if _is_active(ledger, period)]
    states = [own.state for own in logged if period.contains(own.state.intent_at)]
    listed = {order.client_order_id for order in orders}
    timeless = sum(order.created_at is None for order in orders)
    gaps = [
        *reasons,
        *missing,
        _without_time(timeless, "order") if timeless else None,
        *(f"P&L of {market.ticker}: {market.gap}" for market in markets if market.gap),
    ]
    return DaySummary(
        period=period,
        orders=sum(order.created_at is not None and period.contains(order.created_at) for order in orders),
        rejected=sum(state.stage is OrderStage.REJECTED for state in states),
        unknown=sum(state.is_pending and state.client_order_id not in listed for state in states),
        markets=tuple(sorted(markets, key=lambda day: (day.pnl is None, -_gain(day), day.ticker))),
        incomplete=_shorten_reasons([gap for gap in gaps if gap]),
        has_all_markets=not missing,
    )


def _is_active(ledger: MarketLedger, period: Period) -> bool:
    """Check whether a market has a fill or a settlement in a period.

    A fill without a time counts, because it may be in the period.
    """
    settled = ledger.settlement is not None and period.contains(ledger.settlement.settled_at)
    return settled or any(_may_be_in(period, fill.created_at) for fill in ledger.fills)


def _may_be_in(period: Period, at: datetime | None) -> bool:
    return at is None or period.contains(at)


def _market_day(ledger: MarketLedger, period: Period) -> MarketDay:
    """Add up one market; fills without a time make its P&L unknown.

    Without a time it is open which lots a fill closed, and when.
    """
    fills = [
        fill for fill in ledger.fills if fill.created_at is not None and period.contains(fill.created_at)
    ]
    timeless = sum(fill.created_at is None for fill in ledger.fills)
    gap = _without_time(timeless, "fill") if timeless else ledger.mismatch
    count = sum((fill.count for fill in fills), ZERO)
    if gap is not None:
        return MarketDay(ledger.ticker, None, sum((fill.fee for fill in fills), ZERO), len(fills), count, gap)
    days = by_day([ledger], local_date)
    own = [each for day, each in days.items() if day is not None and period.first <= day <= period.last]
    pnl, fees = sum((each.net for each in own), ZERO), sum((each.fees for each in own), ZERO)
    return MarketDay(ledger.ticker, pnl, fees, len(fills), count)


def _without_time(count: int, what: str) -> str:
    return f"{pluralize(count, what)} without a time"


def _shorten_reasons(reasons: list[str]) -> str | None:
    """Join distinct reasons into one sentence, at most _NAMED of them."""
    once = list(dict.fromkeys(reasons))
    more = [f"and {len(once) - _NAMED} more reasons"] if len(once) > _NAMED else []
    return "; ".join([*once[:_NAMED], *more]) or None
