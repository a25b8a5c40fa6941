"""SQLite storage of a world; each commit is one transaction.

Knows how records become rows and which rows to discard. Never changes what a record says. A killed process
leaves either a whole commit or nothing of it.
"""

from __future__ import annotations

import json
import os
import sqlite3
import typing
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import fields
from enum import StrEnum
from pathlib import Path
from typing import Any

from kalshi_trading.practice.accounting import ledger
from kalshi_trading.practice.engine.changes import Kind
from kalshi_trading.practice.records import (
    Account,
    Event,
    Fill,
    FloorChange,
    Lot,
    Market,
    Order,
    Position,
    Series,
    Settlement,
    Trade,
)
from kalshi_trading.practice.storage.private_files import SQLITE_SUFFIXES, exists_as_ours, open_private
from kalshi_trading.practice.storage.pruning import prune
from kalshi_trading.practice.storage.saved_world import (
    LAYOUT,
    CutOffs,
    Deposit,
    SavedWorld,
    Withdrawal,
    WorldInfo,
    WorldRecordKind,
)

_TRADES_KEPT = 100  # public trades per market
_LOCK_TIMEOUT_S = 1.0  # no other process should have the file open
_SCHEMA = """
CREATE TABLE IF NOT EXISTS records (
    kind TEXT NOT NULL, key TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (kind, key)
)
"""
_UPSERT = """
INSERT INTO records (kind, key, body) VALUES (?, ?, ?)
ON CONFLICT (kind, key) DO UPDATE SET body = excluded.body
"""
_DELETE = "DELETE FROM records WHERE kind = ? AND key = ?"
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
    Kind.FLOOR: FloorChange,
    WorldRecordKind.DEPOSIT: Deposit,
    WorldRecordKind.WITHDRAWAL: Withdrawal,
    WorldRecordKind.CUT_OFFS: CutOffs,
    WorldRecordKind.INFO: WorldInfo,
}
_LISTS = {WorldRecordKind.INFO.value: "info"}  # where the list is not named after the stored kind


class Store:
    """Collects changed records, writes them, and reads them after a restart."""

    def __init__(self, path: Path | str) -> None:
        if isinstance(path, Path):
            _prepare(path)
        self._database = sqlite3.connect(path, timeout=_LOCK_TIMEOUT_S, isolation_level=None)
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute("PRAGMA synchronous = NORMAL")
        self._database.execute(_SCHEMA)
        self._changed: dict[tuple[str, str], object] = {}
        self._simulated: set[str] = set()
        self._trade_keys: dict[str, dict[str, None]] = {}  # by ticker, oldest first

    def record_change(self, kind: str, key: str, record: object) -> None:
        """Queue a record for the next commit.

        Orders and fills of simulated accounts are skipped.
        """
        if isinstance(record, Account) and record.simulated:
            self._simulated.add(record.account_id)
        if isinstance(record, (Order, Fill)) and record.account_id in self._simulated:
            return
        self._changed[kind, key] = record

    def commit(self) -> None:
        """Write all records changed since the last commit in one transaction."""
        if not self._changed:
            return
        outdated = self._outdated_trades()
        rows = [(kind, key, encode(record)) for (kind, key), record in self._changed.items()]
        with _transaction(self._database) as database:
            database.executemany(_UPSERT, rows)
            database.executemany(_DELETE, outdated)
        self._changed.clear()  # after the transaction: unwritten records stay queued

    def load(self, now: int) -> SavedWorld:
        """Read the world, and prune records it no longer needs.

        Raises ValueError if the file holds no world that this version can read.
        """
        try:
            stored = self._read()
        except (KeyError, TypeError, ValueError, AttributeError):
            raise ValueError("it was made by another version, or is damaged") from None
        self._simulated = {account.account_id for account in stored.account if account.simulated}
        self._delete(prune(stored, now), stored.balances)
        for trade in stored.trade:
            self._trade_keys.setdefault(trade.ticker, {})[trade.trade_id] = None
        return stored

    def close(self) -> None:
        """Commit pending records and close the file."""
        self.commit()
        self._database.close()

    def _read(self) -> SavedWorld:
        stored = SavedWorld()
        for kind, key, body in self._database.execute("SELECT kind, key, body FROM records ORDER BY rowid"):
            if kind == Kind.BALANCE:
                stored.balances[key] = json.loads(body)
            else:
                getattr(stored, _LISTS.get(kind, kind)).append(decode(_CLASSES[kind], body))
        if any(info.layout != LAYOUT for info in stored.info):
            raise ValueError
        return stored

    def _delete(self, rows: list[tuple[str, str]], balances: dict[str, int]) -> None:
        """Delete rows and write the FEES and HOUSE balances in one transaction."""
        if not rows:
            return
        moved = [(Kind.BALANCE, name, encode(balances[name])) for name in (ledger.FEES, ledger.HOUSE)]
        with _transaction(self._database) as database:
            database.executemany(_DELETE, rows)
            database.executemany(_UPSERT, moved)

    def _outdated_trades(self) -> list[tuple[str, str]]:
        """Record the new trades and return the oldest ones that they displace."""
        outdated = []
        for (kind, key), record in self._changed.items():
            if isinstance(record, Trade):
                keys = self._trade_keys.setdefault(record.ticker, {})
                keys[key] = None
                if len(keys) > _TRADES_KEPT:
                    oldest = next(iter(keys))
                    del keys[oldest]
                    outdated.append((kind, oldest))
        return outdated


def _prepare(path: Path) -> None:
    """Create the file, private to its owner, and check SQLite's side files.

    SQLite gives its side files the same mode. Raises OSError.
    """
    os.close(open_private(path, os.O_RDWR | os.O_CREAT))
    for end in SQLITE_SUFFIXES:
        exists_as_ours(path.with_name(path.name + end))


@contextmanager
def _transaction(database: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """Run the enclosed statements in one transaction."""
    database.execute("BEGIN IMMEDIATE")
    try:
        yield database
    except BaseException:
        database.execute("ROLLBACK")
        raise
    database.execute("COMMIT")


def encode(record: object) -> str:
    """Return a record as JSON text."""
    return json.dumps(record, default=_to_dict, separators=(",", ":"))


def _to_dict(record: object) -> dict[str, object]:
    return {name: getattr(record, name) for name in _FIELDS[type(record)]}


def decode(kind: type[Any], text: str) -> Any:
    """Return the record of class `kind` that `encode` turned into text."""
    values = json.loads(text)
    for name, read in _READERS[kind].items():
        if values.get(name) is not None:
            values[name] = read(values[name])
    return kind(**values)


def _readers(kind: Any) -> dict[str, Callable[[Any], Any]]:
    """Return converters for the fields that JSON cannot express."""
    readers: dict[str, Callable[[Any], Any]] = {}
    for name, hint in typing.get_type_hints(kind).items():
        if isinstance(hint, type) and issubclass(hint, StrEnum):
            readers[name] = hint
        elif hint == list[Lot]:
            readers[name] = lambda lots: [Lot(**lot) for lot in lots]
    return readers


_FIELDS = {kind: tuple(entry.name for entry in fields(kind)) for kind in (*_CLASSES.values(), Lot)}
_READERS = {kind: _readers(kind) for kind in _CLASSES.values()}
