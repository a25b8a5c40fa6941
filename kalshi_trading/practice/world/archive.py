"""Split of rows into live and historical ones.

Knows the cut-offs: fixed, or moving with the clock. A row slightly older than its cut-off is in both lists.
Resting orders and unsettled rows never become historical. An event's markets and positions move together.
Never holds rows of its own.
Source: Kalshi API, historical.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from kalshi_trading.practice.engine.exchange import Exchange
from kalshi_trading.practice.records import (
    ONE_SECOND,
    Fill,
    Market,
    MarketStatus,
    Order,
    OrderStatus,
    Position,
    Trade,
)
from kalshi_trading.practice.storage.saved_world import CutOffs, WorldRecordKind

_DAY = 24 * 3_600 * ONE_SECOND
_LIVE_FOR = 90 * _DAY
_ORDERS_LIVE_FOR = 14 * _DAY


@dataclass(frozen=True, slots=True)
class Boundary:
    """A cut-off and the start of the live list, in Unix microseconds."""

    cut_off: int
    live_from: int

    def contains(self, at: int | None, live: bool) -> bool:
        """Return True if a row of time `at` is in the live or historical list.

        `live` selects the list. None for `at`: the row is live only.
        """
        if at is None:
            return live
        return at >= self.live_from if live else at < self.cut_off


class Archive:
    """The boundary of each kind of row, for one exchange."""

    def __init__(
        self,
        exchange: Exchange,
        *,
        founded_at: int,
        event_markets: Callable[[str], list[Market]],
        cut_offs: CutOffs,
        on_change: Callable[[str, str, object], None],
    ) -> None:
        self._exchange = exchange
        self._founded_at = founded_at
        self._event_markets = event_markets
        self._cut_offs = cut_offs
        self._on_change = on_change

    def set_cut_offs(
        self,
        *,
        markets: int | None = None,
        trades: int | None = None,
        orders: int | None = None,
        positions: int | None = None,
        overlap_s: int | None = None,
    ) -> None:
        """Fix cut-offs, in Unix microseconds; None leaves one unchanged."""
        named = {"markets": markets, "trades": trades, "orders": orders, "positions": positions}
        wanted = {name: at for name, at in {**named, "overlap_s": overlap_s}.items() if at is not None}
        self._cut_offs = replace(self._cut_offs, **wanted)
        self._on_change(WorldRecordKind.CUT_OFFS, "cut_offs", self._cut_offs)

    def markets_boundary(self, now: int) -> Boundary:
        """Return the boundary of settled markets, by their event's settlement."""
        return self._boundary(self._cut_offs.markets, now - _LIVE_FOR)

    def trades_boundary(self, now: int) -> Boundary:
        """Return the boundary of trades and fills, by creation time."""
        return self._boundary(self._cut_offs.trades, now - _LIVE_FOR)

    def orders_boundary(self, now: int) -> Boundary:
        """Return the boundary of ended orders, by last update."""
        return self._boundary(self._cut_offs.orders, now - _ORDERS_LIVE_FOR)

    def positions_boundary(self, now: int) -> Boundary:
        """Return the boundary of settled positions, by their event's settlement."""
        return self._boundary(self._cut_offs.positions, now - _LIVE_FOR)

    def fills(self, now: int, *, live: bool) -> Callable[[Fill | Trade], bool]:
        """Return a filter for the fills and trades of one list."""
        boundary = self.trades_boundary(now)
        return lambda row: boundary.contains(row.created_at, live)

    def orders(self, now: int, *, live: bool) -> Callable[[Order], bool]:
        """Return a filter for the orders of one list."""
        boundary = self.orders_boundary(now)
        return lambda row: boundary.contains(
            None if row.status is OrderStatus.RESTING else row.updated_at, live
        )

    def markets(self, now: int, *, live: bool) -> Callable[[Market], bool]:
        """Return a filter for the markets of one list."""
        boundary = self.markets_boundary(now)
        return lambda market: boundary.contains(self._event_settled_at(market), live)

    def positions(self, now: int, *, live: bool) -> Callable[[Position], bool]:
        """Return a filter for the positions of one list."""
        boundary, markets = self.positions_boundary(now), self._exchange.markets
        return lambda row: boundary.contains(self._event_settled_at(markets[row.ticker]), live)

    def _boundary(self, set_at: int | None, moving: int) -> Boundary:
        cut_off = max(self._founded_at, moving) if set_at is None else set_at
        return Boundary(cut_off, cut_off - self._cut_offs.overlap_s * ONE_SECOND)

    def _event_settled_at(self, market: Market) -> int | None:
        """Return the settlement time of the event's last market.

        None: a market of the event is not settled yet.
        """
        if market.status is not MarketStatus.FINALIZED:
            return None
        markets = self._event_markets(market.event_ticker)
        if any(other.settled_at is None for other in markets):
            return None
        return max(other.settled_at or 0 for other in markets)
