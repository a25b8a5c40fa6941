"""One consistent picture of the account: cash, positions, resting orders, settlements and P&L.

Everything is fetched side by side. A part that could not be read says why and is never shown as zero;
a position nobody bids for has no mark, and so no unrealized P&L. Never renders, never trades.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Generic, TypeVar

from kalshi_trading.errors import KalshiAPIError
from kalshi_trading.kalshi_client import KalshiClient
from kalshi_trading.market_models import Market
from kalshi_trading.models import (
    Balance,
    Order,
    OrderStatus,
    Position,
    Settlement,
    Side,
)
from kalshi_trading.money import ONE_DOLLAR, ZERO, Dollars, Price
from kalshi_trading.pnl import settlement_gross_pnl, unrealized_pnl

T = TypeVar("T")
_TICKERS_PER_REQUEST = 100


@dataclass(frozen=True, slots=True)
class Part(Generic[T]):
    """One part of the picture: its value, or why there is none."""

    value: T | None
    unavailable: str | None = None


@dataclass(frozen=True, slots=True)
class PositionPnl:
    """A held position at its mark. Dollars without fees, except `fees_paid`; None: not known.

    `mark` is the best bid for the side held: what somebody would pay now.
    """

    position: Position
    market: Market | None
    mark: Price | None

    @property
    def value(self) -> Dollars | None:
        return None if self.mark is None else self.position.count * self.mark

    @property
    def unrealized_pnl(self) -> Dollars | None:
        return unrealized_pnl(self.position.count, self.position.cost_basis, self.mark)


@dataclass(frozen=True, slots=True)
class TotalPnl:
    """Sums over the account. `net` = realized + unrealized − fees; None when a summand is not known."""

    realized: Dollars
    unrealized: Dollars | None
    fees: Dollars

    @property
    def net(self) -> Dollars | None:
        return None if self.unrealized is None else self.realized + self.unrealized - self.fees


@dataclass(frozen=True, slots=True)
class PortfolioSnapshot:
    """The account at one time. `positions` holds every market traded and not settled, flat ones too."""

    as_of: datetime
    balance: Part[Balance]
    positions: Part[tuple[PositionPnl, ...]]
    resting: Part[tuple[Order, ...]]
    settlements: Part[tuple[Settlement, ...]]

    @property
    def held(self) -> tuple[PositionPnl, ...]:
        return tuple(row for row in self.positions.value or () if row.position.side is not None)


class PortfolioTracker:
    """Reads the account and computes its P&L."""

    def __init__(
        self, client: KalshiClient, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._client = client
        self._clock = clock

    def refresh(self) -> PortfolioSnapshot:
        """Fetch every part side by side. A part that fails is unavailable; this never raises for it."""
        with ThreadPoolExecutor(max_workers=4) as pool:
            balance = pool.submit(part, self._client.get_balance)
            positions = pool.submit(part, self.get_current_positions)
            resting = pool.submit(part, lambda: self._client.get_orders(status=OrderStatus.RESTING).whole())
            settlements = pool.submit(part, lambda: self._client.get_settlements().whole())
        return PortfolioSnapshot(
            as_of=self._clock(),
            balance=balance.result(),
            positions=positions.result(),
            resting=resting.result(),
            settlements=settlements.result(),
        )

    def get_current_positions(self) -> tuple[PositionPnl, ...]:
        """List the positions of all unsettled markets with their marks, most at stake first.

        Raises KalshiAPIError when they cannot be read whole. A market that cannot be read leaves its
        position without a mark.
        """
        positions = self._client.get_positions().markets.whole()
        markets = self._markets([position.ticker for position in positions])
        rows = [_at_mark(position, markets.get(position.ticker)) for position in positions]
        return tuple(sorted(rows, key=lambda row: -row.position.cost_basis))

    def _markets(self, tickers: list[str]) -> dict[str, Market]:
        markets: dict[str, Market] = {}
        for start in range(0, len(tickers), _TICKERS_PER_REQUEST):
            batch = tickers[start : start + _TICKERS_PER_REQUEST]
            found = part(lambda batch=batch: self._client.get_markets(tickers=batch))  # type: ignore[misc]
            markets.update((market.ticker, market) for market in found.value or ())
        return markets

    def calculate_position_pnl(self, ticker: str) -> PositionPnl | None:
        """Read one position at its mark; None when no unsettled one is there. Raises KalshiAPIError."""
        positions = self._client.get_positions(ticker=ticker).markets.whole()
        position = next((position for position in positions if position.ticker == ticker), None)
        return None if position is None else _at_mark(position, self._markets([ticker]).get(ticker))

    def calculate_total_pnl(self) -> TotalPnl:
        """Sum realized (trading and settlement), unrealized and fees. Raises KalshiAPIError."""
        return total_pnl(self.get_current_positions(), self._client.get_settlements().whole())

    def get_realized_pnl(self) -> Dollars:
        """Give the realized P&L of all markets, settled ones included, before fees. Raises KalshiAPIError."""
        return self.calculate_total_pnl().realized

    def display_portfolio_summary(self) -> PortfolioSnapshot:
        """Return what the portfolio screen shows; `views.portfolio` renders it."""
        return self.refresh()


def mark_price(position: Position, market: Market | None) -> Price | None:
    """Give the best bid for the side held; None when nobody bids or the market is not known."""
    if market is None or position.side is None:
        return None
    if position.side is Side.YES:
        return market.yes_bid
    return None if market.yes_ask is None else ONE_DOLLAR - market.yes_ask


def total_pnl(positions: tuple[PositionPnl, ...], settlements: tuple[Settlement, ...]) -> TotalPnl:
    """Add up open and settled markets; one position without a mark leaves the unrealized sum unknown."""
    unrealized = [row.unrealized_pnl for row in positions if row.position.side is not None]
    known = [amount for amount in unrealized if amount is not None]
    return TotalPnl(
        realized=sum((row.position.realized_pnl for row in positions), ZERO)
        + sum((settlement_gross_pnl(row) for row in settlements), ZERO),
        unrealized=sum(known, ZERO) if len(known) == len(unrealized) else None,
        fees=sum((row.position.fees_paid for row in positions), ZERO)
        + sum((row.fees for row in settlements), ZERO),
    )


def _at_mark(position: Position, market: Market | None) -> PositionPnl:
    return PositionPnl(position, market, mark_price(position, market))


def part(read: Callable[[], T]) -> Part[T]:
    """Read one part of a picture; what the exchange refuses or garbles becomes the reason it is missing."""
    try:
        return Part(read())
    except KalshiAPIError as error:
        return Part(None, str(error))
