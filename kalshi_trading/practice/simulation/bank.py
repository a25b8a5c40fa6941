"""Bank transfers: deposits and withdrawals with their effect on cash.

A deposit adds cash once it is applied. A withdrawal takes cash at the request and returns it if it fails or
is returned. Fees always lower the cash. Never knows why money moves.
Source: Kalshi API, portfolio reads (deposits, withdrawals).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from kalshi_trading.practice.engine.exchange import Exchange
from kalshi_trading.practice.records import ONE_CENT
from kalshi_trading.practice.storage.saved_world import Deposit, TransferStatus, Withdrawal, WorldRecordKind

Transfer = Deposit | Withdrawal

_NEXT = {
    TransferStatus.PENDING: (TransferStatus.APPLIED, TransferStatus.FAILED),
    TransferStatus.APPLIED: (TransferStatus.RETURNED,),
}


class Transfers:
    """All deposits and withdrawals of a world, oldest first.

    Calls `on_change` for each new or changed transfer.
    """

    def __init__(
        self,
        exchange: Exchange,
        *,
        clock: Callable[[], int],
        new_id: Callable[[], str],
        on_change: Callable[[str, str, object], None],
    ) -> None:
        self.deposits: list[Deposit] = []
        self.withdrawals: list[Withdrawal] = []
        self._exchange = exchange
        self._clock = clock
        self._new_id = new_id
        self._on_change = on_change

    def restore(self, deposits: Iterable[Deposit], withdrawals: Iterable[Withdrawal]) -> None:
        """Restore stored transfers; the balances already contain their money."""
        self.deposits.extend(deposits)
        self.withdrawals.extend(withdrawals)

    def deposit(self, account_id: str, amount: int, *, fee: int, status: TransferStatus) -> Deposit:
        """Deposit money.

        Amount and fee are in millionths of a dollar, whole cents. Raises ValueError.
        """
        _check(amount, fee)
        if fee >= amount:
            raise ValueError("the fee must be below the deposit")
        row = Deposit(self._new_id(), account_id, amount, self._clock(), fee, TransferStatus.PENDING)
        self._begin(row, status)
        self.deposits.append(row)
        return row

    def withdraw(self, account_id: str, amount: int, *, fee: int, status: TransferStatus) -> Withdrawal:
        """Withdraw money.

        Units as for `deposit`. Raises ValueError if there is too little free cash.
        """
        _check(amount, fee)
        row = Withdrawal(self._new_id(), account_id, amount, self._clock(), fee, TransferStatus.PENDING)
        self._exchange.withdraw(account_id, amount + fee)
        self._begin(row, status)
        self.withdrawals.append(row)
        return row

    def finish(self, transfer_id: str, status: TransferStatus) -> Transfer:
        """Move a transfer to its next status.

        Raises KeyError if it is unknown, ValueError if it cannot take that status.
        """
        transfers: list[Transfer] = [*self.deposits, *self.withdrawals]
        for row in transfers:
            if transfer_id == id_of(row):
                self._set_status(row, status)
                return row
        raise KeyError(transfer_id)

    def _begin(self, row: Transfer, status: TransferStatus) -> None:
        """Set a new transfer's first status, skipping the earlier ones."""
        before, row.status = row.cash_change, status
        # Only the sum is posted: with cash below zero, a paid deposit could not be returned.
        self._post(row.account_id, row.cash_change - before)
        if status is not TransferStatus.PENDING:
            row.finalized_at = self._clock()
        self._on_change(_kind(row), id_of(row), row)

    def _set_status(self, row: Transfer, status: TransferStatus) -> None:
        if status not in _NEXT.get(row.status, ()):
            raise ValueError(f"a transfer that is {row.status} cannot become {status}")
        before, earlier = row.cash_change, row.status
        row.status = status
        try:
            self._post(row.account_id, row.cash_change - before)
        except ValueError:
            row.status = earlier
            raise
        row.finalized_at = self._clock()
        self._on_change(_kind(row), id_of(row), row)

    def _post(self, account_id: str, change: int) -> None:
        if change > 0:
            self._exchange.deposit(account_id, change)
        elif change < 0:
            self._exchange.withdraw(account_id, -change)


def id_of(row: Transfer) -> str:
    """Return the id of a transfer."""
    return row.deposit_id if isinstance(row, Deposit) else row.withdrawal_id


def _kind(row: Transfer) -> WorldRecordKind:
    return WorldRecordKind.DEPOSIT if isinstance(row, Deposit) else WorldRecordKind.WITHDRAWAL


def _check(amount: int, fee: int) -> None:
    if amount <= 0 or fee < 0 or amount % ONE_CENT or fee % ONE_CENT:
        raise ValueError("a transfer is made of whole cents, above zero")
