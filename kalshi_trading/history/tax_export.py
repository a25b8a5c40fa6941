"""Closed lots in the columns of Kalshi's yearly file, first in, first out.

Every row's type is `trade`, even where a settlement closed the lot. Kalshi's file does the same:
there a settlement is an exit at the price the market paid. Rows are grouped by market, lots in
closing order. A market whose fills do not explain it is left out and named. Never renders, never
trades.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from kalshi_trading.core.models import Fill, Position, Settlement
from kalshi_trading.core.pnl import ClosedLot, oldest_first
from kalshi_trading.core.results import Fetched, Progress
from kalshi_trading.core.text import pluralize
from kalshi_trading.journal.files.table_files import Row, Table
from kalshi_trading.portfolio.ledger_cache import LedgerCache, ResultOf

TAX = Table(
    "tax",
    (
        "type",
        "quantity_fp",
        "market_ticker",
        "side",
        "entry_price_dollars",
        "exit_price_dollars",
        "open_fees_dollars",
        "close_fees_dollars",
        "realized_pnl_without_fees_dollars",
        "realized_pnl_with_fees_dollars",
        "close_timestamp",
        "open_timestamp",
    ),
    has_mark=False,  # plain ASCII: other programs may take the mark for part of the first name
)
_TOGETHER = 100


@dataclass(slots=True)
class TaxInputs:
    """The inputs of the lots.

    `fills` are by market, newest first as the exchange lists them.
    """

    fills: dict[str, list[Fill]] = field(default_factory=dict)
    positions: Mapping[str, Position] = field(default_factory=dict)
    settlements: Mapping[str, Settlement] = field(default_factory=dict)


def fills_by_market(fills: Iterable[Fill], progress: Progress) -> dict[str, list[Fill]]:
    """Group fills by market and keep only the fields that lots need.

    A hundred thousand fills must fit into little memory.
    """
    by_market: dict[str, list[Fill]] = {}
    for number, fill in enumerate(fills, start=1):
        ticker = sys.intern(fill.ticker)
        by_market.setdefault(ticker, []).append(replace(fill, ticker=ticker, fill_id="", order_id=""))
        if number % 1000 == 0:
            progress(number)
    return by_market


def closed_lots(
    parts: TaxInputs, result_of: ResultOf, left_out: Callable[[str], None]
) -> Iterator[ClosedLot]:
    """Yield the closed lots of each market and free its fills.

    `result_of` looks up markets whose settlement rows are gone. `left_out` is called with each market
    left out and the reason.
    """
    tickers = sorted(parts.fills)
    for start in range(0, len(tickers), _TOGETHER):
        together = tickers[start : start + _TOGETHER]
        fills = {ticker: tuple(oldest_first(parts.fills.pop(ticker))) for ticker in together}
        ledgers = LedgerCache().update(
            Fetched(fills),
            {ticker: parts.positions[ticker] for ticker in together if ticker in parts.positions},
            {ticker: parts.settlements[ticker] for ticker in together if ticker in parts.settlements},
            rows_missing=None,
            result_of=result_of,
        )
        for ticker in together:
            ledger = ledgers[ticker]
            timeless = sum(fill.created_at is None for fill in ledger.fills)
            gap = ledger.mismatch or (f"{pluralize(timeless, 'fill')} without a time" if timeless else None)
            if gap is None:
                yield from ledger.fifo.closed
            else:
                left_out(f"{ledger.ticker} ({gap})")
    for ticker in sorted(parts.settlements.keys() - set(tickers)):
        left_out(f"{ticker} (settled, but no fills listed)")
    for ticker in sorted(parts.positions.keys() - parts.settlements.keys() - set(tickers)):
        if parts.positions[ticker].realized_pnl:
            left_out(f"{ticker} (realized P&L, but no fills listed)")


def lot_row(lot: ClosedLot) -> Row:
    """Return one lot as in Kalshi's file, with times to the second."""
    fees = lot.open_fees + lot.close_fees
    opened_at = lot.opened_by.created_at
    return (
        "trade",
        lot.count,
        lot.opened_by.ticker,
        lot.side,
        lot.entry_price,
        lot.exit_price,
        lot.open_fees,
        lot.close_fees,
        lot.realized_pnl,
        lot.realized_pnl - fees,
        None if lot.closed_at is None else _to_the_second(lot.closed_at),
        None if opened_at is None else _to_the_second(opened_at),
    )


def _to_the_second(at: datetime) -> str:
    return at.astimezone().isoformat(timespec="seconds")
