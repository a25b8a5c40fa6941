"""One market's ledger: fills, FIFO P&L, settlement, and any mismatch.

Computes realized P&L from the fills, first in first out. If fills are missing it uses the exchange's own
figures and says so. Performs no I/O.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from kalshi_trading.core.market_models import Market
from kalshi_trading.core.models import Fill, Position, Settlement, Side, Transfer
from kalshi_trading.core.money import (
    CENT,
    ZERO,
    Contracts,
    Dollars,
    count_text,
    round_down,
)
from kalshi_trading.core.pnl import (
    FifoPosition,
    fifo_position,
    paid_early,
    payout,
    settle_lots,
    settlement_gross_pnl,
    settlement_net_pnl,
    yes_value,
)
from kalshi_trading.core.text import contracts_text
from kalshi_trading.core.tickers import event_of

PENDING = "pending"
_ARRIVED = ("applied",)
_LEFT = ("applied", PENDING)  # a pending withdrawal has already left the cash


@dataclass(frozen=True, slots=True)
class MarketLedger:
    """One market's effect on the account so far.

    Dollars exclude fees, except `fees_paid` and `cash`. `position` and `settlement` are the exchange's own
    rows. `mismatch` says why the fills do not explain them. The figures are then the exchange's, if it has
    any, and `fifo` is unreliable.
    """

    ticker: str
    fills: tuple[Fill, ...]  # oldest first
    traded: FifoPosition  # from all fills
    fifo: FifoPosition  # after the settlement, if any
    position: Position | None
    settlement: Settlement | None
    realized_by_trading: Dollars
    realized_by_settlement: Dollars
    fees_paid: Dollars
    mismatch: str | None
    missing: str | None = None
    """Reason fills or rows may be missing, as passed when the ledger was built."""

    @property
    def realized_pnl(self) -> Dollars:
        return self.realized_by_trading + self.realized_by_settlement

    @property
    def net_pnl(self) -> Dollars:
        """Realized P&L after fees, without the open position."""
        return self.realized_pnl - self.fees_paid

    @property
    def uses_exchange_figures(self) -> bool:
        """True if the figures are the exchange's, because fills are missing."""
        return self.mismatch is not None and (self.settlement or self.position) is not None

    def bought_count(self, side: Side) -> Contracts:
        """Return contracts ever bought of one outcome.

        Selling one outcome is buying the other.
        """
        return bought_count(self.fills, side)

    @property
    def event_ticker(self) -> str:
        """The event named by the settlement row, or else by the ticker.

        Kalshi names markets EVENT-MARKET.
        """
        if self.settlement is not None:
            return self.settlement.event_ticker
        return event_of(self.ticker)


def market_ledger(
    ticker: str,
    fills: Sequence[Fill],
    *,
    position: Position | None,
    settlement: Settlement | None,
    missing: str | None = None,
) -> MarketLedger:
    """Build one market's ledger from all its fills, oldest first.

    `missing` says why fills or rows may be missing. A market without any row at the exchange must be flat.
    """
    traded = fifo_position(fills)
    gap = missing or _gap(fills, traded, position, settlement)
    if gap is not None:
        ledger = _as_reported(ticker, tuple(fills), traded, position, settlement, gap)
        return replace(ledger, missing=missing)
    return _from_fills(ticker, tuple(fills), traded, position, settlement)


def ledger_from(
    before: FifoPosition, ticker: str, fills: Sequence[Fill], settlement: Settlement | None
) -> MarketLedger:
    """Build a ledger from an earlier position and the fills since.

    The fills are oldest first. If the settlement row's position differs from the fills', the row's figures
    are used, less what the earlier fills had realized.
    """
    traded = fifo_position(fills, before)
    expected = traded.net if settlement is None else settlement.yes_count - settlement.no_count
    if traded.net == expected:
        return _from_fills(ticker, tuple(fills), traded, None, settlement)
    gap = _missing(traded.net, expected)
    reported = _as_reported(ticker, tuple(fills), traded, None, settlement, gap)
    return replace(
        reported,
        realized_by_settlement=reported.realized_by_settlement - before.realized_pnl,
        fees_paid=reported.fees_paid - before.fees_paid,
    )


def _from_fills(
    ticker: str,
    fills: tuple[Fill, ...],
    traded: FifoPosition,
    position: Position | None,
    settlement: Settlement | None,
) -> MarketLedger:
    """Return a ledger with the figures of the fills.

    They explain the exchange's own rows.
    """
    end = traded if settlement is None else apply_settlement(traded, settlement)
    return MarketLedger(
        ticker=ticker,
        fills=fills,
        traded=traded,
        fifo=end,
        position=position,
        settlement=settlement,
        realized_by_trading=traded.realized_pnl,
        realized_by_settlement=end.realized_pnl - traded.realized_pnl,
        fees_paid=end.fees_paid,
        mismatch=None,
    )


def _as_reported(
    ticker: str,
    fills: tuple[Fill, ...],
    traded: FifoPosition,
    position: Position | None,
    settlement: Settlement | None,
    gap: str,
) -> MarketLedger:
    """Return a ledger with the exchange's figures, or else the known fills'.

    A settlement row does not separate P&L from trading and from settlement.
    """
    by_trading, by_settlement, fees = traded.realized_pnl, ZERO, traded.fees_paid
    if settlement is not None:
        by_trading, by_settlement, fees = ZERO, settlement_gross_pnl(settlement), settlement.fees
    elif position is not None:
        by_trading, fees = position.realized_pnl, position.fees_paid
    return MarketLedger(
        ticker, fills, traded, traded, position, settlement, by_trading, by_settlement, fees, gap
    )


def _gap(
    fills: Sequence[Fill], traded: FifoPosition, position: Position | None, settlement: Settlement | None
) -> str | None:
    if len({fill.subaccount or 0 for fill in fills}) > 1:
        return "fills belong to several subaccounts"
    if settlement is not None:
        expected = settlement.yes_count - settlement.no_count
        if traded.net != expected:
            return _missing(traded.net, expected)
        ever = (bought_count(fills, Side.YES), bought_count(fills, Side.NO))
        at_the_end = (max(ZERO, traded.net), max(ZERO, -traded.net))
        # The API does not document which one a row counts. If it is neither, fills are missing.
        if (settlement.yes_count, settlement.no_count) not in (ever, at_the_end):
            counted = count_text(settlement.yes_count)
            return f"fills bought {count_text(ever[0])} YES, the settlement shows {counted}"
        return None
    expected = position.net if position is not None else ZERO
    if traded.net != expected:
        return _missing(traded.net, expected)
    if not fills and position is not None and (position.realized_pnl or position.fees_paid):
        return "the exchange shows P&L or fees but no fills"
    return None


def _missing(ours: Contracts, theirs: Contracts) -> str:
    return f"fills add up to {contracts_text(ours)}, the exchange shows {count_text(theirs)}"


def rebuild_settlement(fills: Sequence[Fill], market: Market) -> Settlement | None:
    """Compute the settlement of a market whose row is gone.

    None: the market has no result yet. Settlement rows are not archived, but markets are. The payout is cut
    to whole cents, as in the rows. Source: Kalshi API, settlements.
    """
    if market.settlement_value is None or market.settled_at is None:
        return None
    held = fifo_position(fills)
    value = held.side.price_in_side(market.settlement_value) if held.side is not None else ZERO
    return Settlement(
        ticker=market.ticker,
        event_ticker=market.event_ticker,
        result=market.result,
        yes_count=bought_count(fills, Side.YES),
        yes_cost=_cost(fills, Side.YES),
        no_count=bought_count(fills, Side.NO),
        no_cost=_cost(fills, Side.NO),
        revenue=round_down(held.count * value, CENT),
        fees=held.fees_paid,
        settled_at=market.settled_at,
        value=market.settlement_value,
    )


def apply_settlement(traded: FifoPosition, row: Settlement) -> FifoPosition:
    """Apply a settlement row to a position of the same size."""
    return settle_lots(
        traded,
        yes_value(row),
        payout=payout(row),
        rounding_fee=_rounding_fee(traded, row),
        at=row.settled_at,
    )


def settlement_net(row: Settlement, ledger: MarketLedger | None) -> Dollars:
    """Return a settled market's P&L after fees.

    Uses the fills, or the row if the fills do not explain it. The API does not document whether a row counts
    all contracts ever bought or only the final position. This assumes all ever bought.
    Source: Kalshi API, settlements.
    """
    return settlement_net_pnl(row) if ledger is None or ledger.mismatch is not None else ledger.net_pnl


def cash_moved(
    ledgers: Iterable[MarketLedger], deposits: Iterable[Transfer], withdrawals: Iterable[Transfer]
) -> Dollars:
    """Add up all cash movements: markets and transfers, with fees."""
    markets = sum((ledger.fifo.cash for ledger in ledgers), ZERO)
    transfers = (*deposits_moved(deposits), *withdrawals_moved(withdrawals))
    return markets + sum((amount for _, amount in transfers), ZERO)


def deposits_moved(deposits: Iterable[Transfer]) -> list[tuple[Transfer, Dollars]]:
    """List arrived deposits, each with the cash added after its fee."""
    return [(row, row.amount - row.fee) for row in deposits if row.status in _ARRIVED]


def withdrawals_moved(withdrawals: Iterable[Transfer]) -> list[tuple[Transfer, Dollars]]:
    """List withdrawals that left the cash, each with its change.

    The change is below zero and includes the fee.
    """
    return [(row, -row.amount - row.fee) for row in withdrawals if row.status in _LEFT]


def _rounding_fee(traded: FifoPosition, row: Settlement) -> Dollars:
    """Return the row's fee beyond the trades, if it equals the payout's cut.

    Source: Kalshi API, fees ("a scalar settlement that falls below a cent may carry a rounding fee").
    """
    cut = payout(row) - paid_early(row) - row.revenue
    return cut if row.fees - traded.fees_paid == cut else ZERO


def bought_count(fills: Iterable[Fill], side: Side) -> Contracts:
    """Count the contracts bought of one outcome.

    Selling one outcome is buying the other.
    """
    return sum((fill.count for fill in fills if fill.book_side.long_outcome is side), ZERO)


def _cost(fills: Iterable[Fill], side: Side) -> Dollars:
    own = (fill for fill in fills if fill.book_side.long_outcome is side)
    return sum((fill.count * side.price_in_side(fill.yes_price) for fill in own), ZERO)
