"""Add up realized P&L and fees by market, event, series and day.

Every breakdown of the same ledgers has the same total. Performs no I/O.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import TypeVar

from kalshi_trading.core.money import ZERO, Dollars
from kalshi_trading.core.tickers import series_of
from kalshi_trading.portfolio.ledger import MarketLedger

K = TypeVar("K", bound=Hashable)


@dataclass(frozen=True, slots=True)
class RealizedPnl:
    """Realized P&L from trading and from settlement, both before `fees`."""

    by_trading: Dollars = ZERO
    by_settlement: Dollars = ZERO
    fees: Dollars = ZERO

    @property
    def gross(self) -> Dollars:
        return self.by_trading + self.by_settlement

    @property
    def net(self) -> Dollars:
        return self.gross - self.fees

    def __add__(self, other: RealizedPnl) -> RealizedPnl:
        return RealizedPnl(
            self.by_trading + other.by_trading,
            self.by_settlement + other.by_settlement,
            self.fees + other.fees,
        )


def total(ledgers: Iterable[MarketLedger]) -> RealizedPnl:
    return sum((_of(ledger) for ledger in ledgers), RealizedPnl())


def since(ledgers: Iterable[MarketLedger], at: datetime) -> RealizedPnl | None:
    """Add up what was closed, settled and paid at or after an instant.

    None: the time of an item is unknown.
    """
    later = RealizedPnl()
    for moment, realized in (part for ledger in ledgers for part in _by_time(ledger)):
        if moment is None and realized != RealizedPnl():
            return None
        if moment is not None and moment >= at:
            later += realized
    return later


def by_market(ledgers: Iterable[MarketLedger]) -> dict[str, RealizedPnl]:
    return _sum_by_key((ledger.ticker, _of(ledger)) for ledger in ledgers)


def by_event(ledgers: Iterable[MarketLedger]) -> dict[str, RealizedPnl]:
    return _sum_by_key((ledger.event_ticker, _of(ledger)) for ledger in ledgers)


def by_series(ledgers: Iterable[MarketLedger]) -> dict[str, RealizedPnl]:
    return _sum_by_key((series_of(ledger.event_ticker), _of(ledger)) for ledger in ledgers)


def by_day(
    ledgers: Iterable[MarketLedger], day_of: Callable[[datetime], date]
) -> dict[date | None, RealizedPnl]:
    """Add up per local day.

    Profit counts on the day a lot was closed, fees on the day they were paid. Items without a known time are
    under None. The days are in order, None first.
    """

    def day(at: datetime | None) -> date | None:
        return None if at is None else day_of(at)

    parts = _sum_by_key((day(at), realized) for ledger in ledgers for at, realized in _by_time(ledger))
    return dict(sorted(parts.items(), key=lambda part: part[0] or date.min))


def _of(ledger: MarketLedger) -> RealizedPnl:
    return RealizedPnl(ledger.realized_by_trading, ledger.realized_by_settlement, ledger.fees_paid)


def _by_time(ledger: MarketLedger) -> Iterable[tuple[datetime | None, RealizedPnl]]:
    """Split one ledger by time.

    A ledger with only the exchange's figures counts at its settlement.
    """
    if ledger.uses_exchange_figures:
        at = ledger.settlement.settled_at if ledger.settlement is not None else None
        yield at, _of(ledger)
        return
    for lot in ledger.traded.closed:
        yield lot.closed_at, RealizedPnl(by_trading=lot.realized_pnl)
    for fill in ledger.fills:
        yield fill.created_at, RealizedPnl(fees=fill.fee)
    if ledger.settlement is not None:  # as a whole: a lot's share may not be an exact decimal
        rounding = ledger.fees_paid - ledger.traded.fees_paid
        paid_out = RealizedPnl(by_settlement=ledger.realized_by_settlement, fees=rounding)
        yield ledger.settlement.settled_at, paid_out


def _sum_by_key(parts: Iterable[tuple[K, RealizedPnl]]) -> dict[K, RealizedPnl]:
    sums: dict[K, RealizedPnl] = {}
    for key, realized in parts:
        sums[key] = sums.get(key, RealizedPnl()) + realized
    return sums
