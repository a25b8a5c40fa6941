"""The account's lists, each read, unavailable or still being read.

Starts no read.
"""

from __future__ import annotations

from concurrent.futures import Future, wait
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from kalshi_trading.core.models import Balance, Order, Position, Positions, Settlement, Transfer
from kalshi_trading.core.results import Fetched
from kalshi_trading.portfolio.ledger_cache import FillsOf

T = TypeVar("T")
STILL_READING = "still loading"


@dataclass(frozen=True, slots=True)
class AccountParts:
    """The account's lists, each read or unavailable."""

    balance: Fetched[Balance]
    positions: Fetched[Positions]
    resting: Fetched[tuple[Order, ...]]
    fills: Fetched[FillsOf]
    settlements: Fetched[tuple[Settlement, ...]]
    deposits: Fetched[tuple[Transfer, ...]]
    withdrawals: Fetched[tuple[Transfer, ...]]

    @property
    def rows(self) -> tuple[Position, ...]:
        return () if self.positions.value is None else self.positions.value.markets.items


@dataclass(frozen=True, slots=True)
class PendingParts:
    """The pending reads of the account."""

    balance: Future[Fetched[Balance]]
    positions: Future[Fetched[Positions]]
    resting: Future[Fetched[tuple[Order, ...]]]
    fills: Future[Fetched[FillsOf]]
    settlements: Future[Fetched[tuple[Settlement, ...]]]
    deposits: Future[Fetched[tuple[Transfer, ...]]]
    withdrawals: Future[Fetched[tuple[Transfer, ...]]]

    def all_done(self, *, within_s: float) -> bool:
        asked: list[Future[Any]] = [self.balance, self.positions, self.resting, self.fills]
        asked += [self.settlements, self.deposits, self.withdrawals]
        return not wait(asked, timeout=within_s).not_done

    def parts(self, answer: Resolve) -> AccountParts:
        """Return all lists, each resolved by `answer`."""
        return AccountParts(
            balance=answer(self.balance),
            positions=complete_positions(answer(self.positions)),
            resting=answer(self.resting),
            fills=answer(self.fills),
            settlements=answer(self.settlements),
            deposits=answer(self.deposits),
            withdrawals=answer(self.withdrawals),
        )


class Resolve(Protocol):
    def __call__(self, asked: Future[Fetched[T]], /) -> Fetched[T]: ...


def wait_for(asked: Future[Fetched[T]]) -> Fetched[T]:
    return asked.result()


def if_done(asked: Future[Fetched[T]]) -> Fetched[T]:
    return asked.result() if asked.done() else Fetched(None, STILL_READING)


def complete_positions(positions: Fetched[Positions]) -> Fetched[Positions]:
    """Treat an incomplete list as unavailable: a position may be missing."""
    if positions.value is not None and positions.value.markets.incomplete is not None:
        return Fetched(None, f"The list is incomplete: {positions.value.markets.incomplete.rstrip('.')}.")
    return positions
