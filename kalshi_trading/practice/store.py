"""The SQLite file that keeps a world: every changed record, written in one transaction per commit.

Knows how records become rows and which rows are not worth keeping. Never decides what a record says.
A killed process leaves either all of a commit or nothing of it.
"""

from __future__ import annotations

import json
import sqlite3
import typing
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from enum import StrEnum
from pathlib import Path
from typing import Any

from kalshi_trading.practice.changes import Kind
from kalshi_trading.practice.records import (
    ONE_SECOND,
    Account,
    Event,
    Fill,
    Lot,
    Market,
    MarketStatus,
    Order,
    Position,
    Series,
    Settlement,
    Trade,
)

_TRADES_KEPT = 100  # public trades per market
_REMEMBERED_S = 24 * 3600  # how long a settled market nobody of ours traded stays
_LAYOUT = 1
_SCHEMA = """
CREATE TABLE IF NOT EXISTS records (
    kind TEXT NOT NULL, key TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (kind, key)
)
"""
_UPSERT = """
INSERT INTO records (kind, key, body) VALUES (?, ?, ?)
ON CONFLICT (kind, key) DO UPDATE SET body = excluded.body
"""


@dataclass(slots=True)
class Deposit:
    """Practice money that was paid in."""

    deposit_id: str
    account_id: str
    amount: int
    created_at: int


@dataclass(slots=True)
class Charter:
    """What a world was founded with."""

    seed: int
    market_count: int
    account_id: str  # the one person who trades here
    founded_at: int
    layout: int = _LAYOUT


class OwnKind(StrEnum):
    """Kinds of records the engine knows nothing about."""

    DEPOSIT = "deposit"
    CHARTER = "charter"


@dataclass(slots=True)
class Stored:
    """Everything a file held, in the order in which it was first written."""

    series: list[Series] = field(default_factory=list)
    event: list[Event] = field(default_factory=list)
    market: list[Market] = field(default_factory=list)
    account: list[Account] = field(default_factory=list)
    order: list[Order] = field(default_factory=list)
    position: list[Position] = field(default_factory=list)
    fill: list[Fill] = field(default_factory=list)
    trade: list[Trade] = field(default_factory=list)
    settlement: list[Settlement] = field(default_factory=list)
    deposit: list[Deposit] = field(default_factory=list)
    charter: list[Charter] = field(default_factory=list)
    balances: dict[str, int] = field(default_factory=dict)


_CLASSES: dict[str, type[Any]] = {
    Kind.SERIES: Series,
    Kind.EVENT: Event,
    Kind.MARKET: Market,
    Kind.ACCOUNT: Account,
    Kind.ORDER: Order,
    Kind.POSITION: Position,
    Kind.FILL: Fill,
    Kind.TRADE: Trade,
    Kind.SETTLEMENT: Settlement,
    OwnKind.DEPOSIT: Deposit,
    OwnKind.CHARTER: Charter,
}


class Store:
    """Collects changed records and writes them; reads them back after a restart."""

    def __init__(self, path: Path | str) -> None:
        self._database = sqlite3.connect(path, isolation_level=None)
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute("PRAGMA synchronous = NORMAL")
        self._database.execute(_SCHEMA)
        self._changed: dict[tuple[str, str], object] = {}
        self._simulated: set[str] = set()
        self._trade_keys: dict[str, deque[str]] = {}

    def touch(self, kind: str, key: str, record: object) -> None:
        """Write this record with the next commit. Orders of simulated accounts are not kept."""
        if isinstance(record, Account) and record.simulated:
            self._simulated.add(record.account_id)
        if isinstance(record, (Order, Fill)) and record.account_id in self._simulated:
            return
        self._changed[kind, key] = record

    def commit(self) -> None:
        """Write everything that was touched since the last commit, or nothing of it."""
        if not self._changed:
            return
        changed, self._changed = self._changed, {}
        outdated = self._outdated_trades(changed)
        with _transaction(self._database) as database:
            database.executemany(_UPSERT, [(kind, key, encode(it)) for (kind, key), it in changed.items()])
            database.executemany("DELETE FROM records WHERE kind = ? AND key = ?", outdated)

    def load(self, now: int) -> Stored:
        """Read the world, leaving out and deleting what nobody needs any more."""
        stored = Stored()
        for kind, key, body in self._database.execute("SELECT kind, key, body FROM records ORDER BY rowid"):
            if kind == Kind.BALANCE:
                stored.balances[key] = json.loads(body)
            else:
                getattr(stored, kind).append(decode(_CLASSES[kind], body))
        self._simulated = {account.account_id for account in stored.account if account.simulated}
        self._forget(stored, _forgettable(stored, self._simulated, now))
        for trade in stored.trade:
            self._trade_keys.setdefault(trade.ticker, deque()).append(trade.trade_id)
        return stored

    def close(self) -> None:
        """Write what is left and let go of the file."""
        self.commit()
        self._database.close()

    def _outdated_trades(self, changed: dict[tuple[str, str], object]) -> list[tuple[str, str]]:
        """Note the new trades and return the old ones that they push out."""
        outdated = []
        for (kind, key), record in changed.items():
            if isinstance(record, Trade):
                keys = self._trade_keys.setdefault(record.ticker, deque())
                keys.append(key)
                if len(keys) > _TRADES_KEPT:
                    outdated.append((kind, keys.popleft()))
        return outdated

    def _forget(self, stored: Stored, tickers: set[str]) -> None:
        if not tickers:
            return
        rows = [(Kind.MARKET, ticker) for ticker in tickers]
        rows += [(Kind.BALANCE, name) for name in stored.balances if name.removeprefix("pot:") in tickers]
        rows += [(Kind.TRADE, trade.trade_id) for trade in stored.trade if trade.ticker in tickers]
        rows += [
            (Kind.POSITION, f"{position.account_id}/{position.ticker}")
            for position in stored.position
            if position.ticker in tickers
        ]
        for rows_of in (stored.market, stored.trade, stored.position):
            _keep(rows_of, lambda row: row.ticker not in tickers)
        alive = {market.event_ticker for market in stored.market}
        rows += [(Kind.EVENT, it.event_ticker) for it in stored.event if it.event_ticker not in alive]
        _keep(stored.event, lambda event: event.event_ticker in alive)
        for _, name in [row for row in rows if row[0] is Kind.BALANCE]:
            del stored.balances[name]
        with _transaction(self._database) as database:
            database.executemany("DELETE FROM records WHERE kind = ? AND key = ?", rows)


def _keep(rows: list[Any], wanted: Callable[[Any], bool]) -> None:
    rows[:] = filter(wanted, rows)


def _forgettable(stored: Stored, simulated: set[str], now: int) -> set[str]:
    """Return the markets settled a while ago that only simulated accounts ever traded."""
    horizon = now - _REMEMBERED_S * ONE_SECOND
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


@contextmanager
def _transaction(database: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """Do all of the statements inside, or none of them."""
    database.execute("BEGIN IMMEDIATE")
    try:
        yield database
    except BaseException:
        database.execute("ROLLBACK")
        raise
    database.execute("COMMIT")


def encode(record: object) -> str:
    """Return a record as JSON text."""
    return json.dumps(record, default=_plain, separators=(",", ":"))


def _plain(record: object) -> dict[str, object]:
    return {name: getattr(record, name) for name in _FIELDS[type(record)]}


def decode(kind: type[Any], text: str) -> Any:
    """Return the record of that class which `encode` turned into text."""
    values = json.loads(text)
    for name, read in _READERS[kind].items():
        if values[name] is not None:
            values[name] = read(values[name])
    return kind(**values)


def _readers(kind: Any) -> dict[str, Callable[[Any], Any]]:
    """Return how to read the fields that JSON cannot express."""
    readers: dict[str, Callable[[Any], Any]] = {}
    for name, hint in typing.get_type_hints(kind).items():
        if isinstance(hint, type) and issubclass(hint, StrEnum):
            readers[name] = hint
        elif hint == list[Lot]:
            readers[name] = lambda lots: [Lot(**lot) for lot in lots]
    return readers


_FIELDS = {kind: tuple(entry.name for entry in fields(kind)) for kind in (*_CLASSES.values(), Lot)}
_READERS = {kind: _readers(kind) for kind in _CLASSES.values()}
