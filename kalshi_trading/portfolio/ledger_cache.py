"""Cache the ledgers of all markets ever traded between reads.

Recomputes only markets that changed. Fetches nothing itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from kalshi_trading.core.errors import KalshiAPIError
from kalshi_trading.core.market_models import Market
from kalshi_trading.core.models import Fill, Position, Settlement
from kalshi_trading.core.money import ZERO
from kalshi_trading.core.pnl import fifo_position
from kalshi_trading.core.results import Fetched
from kalshi_trading.portfolio.ledger import MarketLedger, market_ledger, rebuild_settlement

FillsOf = Mapping[str, tuple[Fill, ...]]
ResultOf = Callable[[Iterable[str]], Mapping[str, Market]]


class LedgerCache:
    """Ledgers by ticker, as of the last update."""

    def __init__(self) -> None:
        self._ledgers: dict[str, MarketLedger] = {}
        self._fills_of: FillsOf = {}
        self._results: dict[str, Market] = {}

    def update(
        self,
        fills: Fetched[FillsOf],
        positions: Mapping[str, Position],
        settlements: Mapping[str, Settlement],
        *,
        rows_missing: str | None,
        result_of: ResultOf,
    ) -> dict[str, MarketLedger]:
        """Return the ledgers of all markets with a fill, position or settlement.

        `rows_missing` says why positions or settlements may be missing. If none is missing, `result_of`
        reads the result of a market with open contracts but neither row. Settlement rows are not archived.
        """
        if fills.value is not None:
            self._fills_of = fills.value
        fills_of = self._fills_of  # fills from an earlier read are better than none
        if rows_missing is None and fills.value is not None:
            settlements = {**self._rebuild(fills_of, positions, settlements, result_of), **settlements}
        tickers = fills_of.keys() | positions.keys() | settlements.keys()
        self._ledgers = {
            ticker: self._ledger(
                ticker,
                fills_of.get(ticker, ()),
                positions.get(ticker),
                settlements.get(ticker),
                # may be missing: its fills, or the row that explains them
                fills.unavailable or (None if ticker in positions or ticker in settlements else rows_missing),
            )
            for ticker in tickers
        }
        return dict(self._ledgers)

    def _ledger(
        self,
        ticker: str,
        fills: tuple[Fill, ...],
        position: Position | None,
        settlement: Settlement | None,
        missing: str | None,
    ) -> MarketLedger:
        known = self._ledgers.get(ticker)
        if (
            known is not None
            and known.fills is fills
            and (known.position, known.settlement, known.missing) == (position, settlement, missing)
        ):
            return known
        return market_ledger(ticker, fills, position=position, settlement=settlement, missing=missing)

    def _rebuild(
        self,
        fills_of: FillsOf,
        positions: Mapping[str, Position],
        settlements: Mapping[str, Settlement],
        result_of: ResultOf,
    ) -> dict[str, Settlement]:
        """Rebuild settlements whose rows are gone. Unreadable ones stay missing."""
        gone = [
            ticker
            for ticker in fills_of.keys() - positions.keys() - settlements.keys()
            if self._is_held(ticker, fills_of[ticker])
        ]
        unknown = [ticker for ticker in gone if ticker not in self._results]
        try:
            markets = result_of(unknown) if unknown else {}
        except KalshiAPIError:
            markets = {}  # unreadable results stay unknown
        found = {ticker: markets[ticker] for ticker in unknown if ticker in markets}
        self._results |= {ticker: market for ticker, market in found.items() if market.settled_at is not None}
        rows = {
            ticker: rebuild_settlement(fills_of[ticker], self._results[ticker])
            for ticker in gone
            if ticker in self._results
        }
        return {ticker: row for ticker, row in rows.items() if row is not None}

    def _is_held(self, ticker: str, fills: tuple[Fill, ...]) -> bool:
        known = self._ledgers.get(ticker)
        held = known.traded if known is not None and known.fills is fills else fifo_position(fills)
        return held.net != ZERO
