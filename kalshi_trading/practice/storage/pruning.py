"""Prune stored records that a world no longer needs.

A market settled more than a day ago matters only to accounts that are not simulated. Never removes
anything of theirs, and keeps the ledger balanced.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from kalshi_trading.practice.accounting import ledger
from kalshi_trading.practice.engine.changes import Kind
from kalshi_trading.practice.records import ONE_SECOND, MarketStatus, Order, Position, Settlement
from kalshi_trading.practice.storage.saved_world import SavedWorld

_KEEP_S = 24 * 3600

Row = tuple[str, str]  # kind and key


def prune(stored: SavedWorld, now: int) -> list[Row]:
    """Remove unneeded records from `stored` and return the rows to delete.

    Fees paid by removed positions move to the house, so the balances FEES and HOUSE change together.
    """
    simulated = {account.account_id for account in stored.account if account.simulated}
    tickers = _prunable_tickers(stored, simulated, now)
    if not tickers:
        return []
    removed = [position for position in stored.position if position.ticker in tickers]
    rows: list[Row] = [(Kind.MARKET, ticker) for ticker in tickers]
    rows += [(Kind.TRADE, trade.trade_id) for trade in stored.trade if trade.ticker in tickers]
    rows += [(Kind.POSITION, f"{position.account_id}/{position.ticker}") for position in removed]
    rows += [(Kind.FLOOR, change.key) for change in stored.floor if change.ticker in tickers]
    for records in (stored.market, stored.trade, stored.position, stored.floor):
        _filter_in_place(records, lambda record: record.ticker not in tickers)
    return rows + _prune_events(stored) + _prune_balances(stored, tickers, removed)


def _prunable_tickers(stored: SavedWorld, simulated: set[str], now: int) -> set[str]:
    """Return the markets settled over a day ago with only simulated traders."""
    horizon = now - _KEEP_S * ONE_SECOND
    ours: set[str] = set()
    rows: Iterable[Order | Position | Settlement]
    for rows in (stored.order, stored.position, stored.settlement):
        ours.update(row.ticker for row in rows if row.account_id not in simulated)
    return {
        market.ticker
        for market in stored.market
        if market.status is MarketStatus.FINALIZED
        and (market.settled_at or now) < horizon
        and market.ticker not in ours
    }


def _prune_events(stored: SavedWorld) -> list[Row]:
    """Remove events without markets and return their rows."""
    alive = {market.event_ticker for market in stored.market}
    rows: list[Row] = [
        (Kind.EVENT, event.event_ticker) for event in stored.event if event.event_ticker not in alive
    ]
    _filter_in_place(stored.event, lambda event: event.event_ticker in alive)
    return rows


def _prune_balances(stored: SavedWorld, tickers: set[str], removed: list[Position]) -> list[Row]:
    """Remove the pots of pruned markets and move their fees to the house."""
    fees = sum(position.fees_paid for position in removed)
    for name, amount in ((ledger.FEES, -fees), (ledger.HOUSE, fees)):
        stored.balances[name] = stored.balances.get(name, 0) + amount
    pots = [name for name in map(ledger.pot, tickers) if stored.balances.pop(name, None) is not None]
    return [(Kind.BALANCE, name) for name in pots]


def _filter_in_place(records: list[Any], wanted: Callable[[Any], bool]) -> None:
    records[:] = filter(wanted, records)
