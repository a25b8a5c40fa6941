"""Complete settlement rows by what a settlement floor paid before.

A row does not say it. Only markets whose payout a floor may explain are read, once each: a settled market's
floor no longer moves. Source: Kalshi API, settlement floors.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from kalshi_trading.core.errors import KalshiAPIError
from kalshi_trading.core.market_models import Market
from kalshi_trading.core.models import MarketResult, Settlement
from kalshi_trading.core.money import CENT, round_down
from kalshi_trading.core.pnl import exact_payout
from kalshi_trading.kalshi_client import KalshiClient

_BATCH = 100


class SettledFloors:
    """Floors of settled markets, as far as they were needed."""

    def __init__(self, client: KalshiClient) -> None:
        self._client = client
        self._markets: dict[str, Market] = {}

    def apply(self, rows: Iterable[Settlement]) -> tuple[Settlement, ...]:
        """Return the rows with the floors of their markets.

        A market that cannot be read leaves its row as it is. Raises nothing.
        """
        known = tuple(rows)
        unknown = [row.ticker for row in known if _may_have_floor(row) and row.ticker not in self._markets]
        for start in range(0, len(unknown), _BATCH):
            try:
                found = list(self._read(unknown[start : start + _BATCH]))
            except KalshiAPIError:
                continue  # the next read asks again
            self._markets |= {market.ticker: market for market in found}
        return tuple(_with_floor(row, self._markets.get(row.ticker)) for row in known)

    def _read(self, tickers: list[str]) -> Iterator[Market]:
        yield from self._client.get_historical_markets(tickers=tickers)
        yield from self._client.get_markets(tickers=tickers)


def _may_have_floor(row: Settlement) -> bool:
    """Return True if YES was held and a value other than $1 or $0 was paid."""
    if row.yes_count <= row.no_count:
        return False
    return row.result is MarketResult.SCALAR or round_down(exact_payout(row), CENT) != row.revenue


def _with_floor(row: Settlement, market: Market | None) -> Settlement:
    if market is None or not market.settlement_floor or not _may_have_floor(row):
        return row
    return replace(row, floor=market.settlement_floor, value=market.settlement_value or row.value)
