"""Deposits and withdrawals move cash at the right time and appear as rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from answer_shapes import differences
from api_examples import REST
from practice_client import START, MakeClient, PracticeClient

from kalshi_trading.practice.records import ONE_DOLLAR, BookSide
from kalshi_trading.practice.simulation.bank import id_of
from kalshi_trading.practice.storage.saved_world import Deposit, TransferStatus, Withdrawal

APPLIED, PENDING = TransferStatus.APPLIED, TransferStatus.PENDING
FAILED, RETURNED = TransferStatus.FAILED, TransferStatus.RETURNED
OPENING = "10000.0000"


def balance(client: PracticeClient) -> str:
    return str(client.get("/portfolio/balance")["balance_dollars"])


def deposit(client: PracticeClient, status: TransferStatus, *, dollars: int = 100, fee: int = 2) -> Deposit:
    world = client.world
    return world.deposit(world.account_id, dollars * ONE_DOLLAR, fee=fee * ONE_DOLLAR, status=status)


def withdraw(
    client: PracticeClient, status: TransferStatus, *, dollars: int = 100, fee: int = 2
) -> Withdrawal:
    world = client.world
    return world.withdraw(world.account_id, dollars * ONE_DOLLAR, fee=fee * ONE_DOLLAR, status=status)


@pytest.mark.parametrize(
    ("status", "after_deposit", "after_withdrawal"),
    [
        (APPLIED, "10098.0000", "9898.0000"),
        (PENDING, OPENING, "9898.0000"),
        (FAILED, OPENING, OPENING),
        (RETURNED, OPENING, OPENING),
    ],
)
def test_what_a_transfer_of_each_status_does_to_the_cash(
    make_client: MakeClient, status: TransferStatus, after_deposit: str, after_withdrawal: str
) -> None:
    paid_in, paid_out = make_client(), make_client()
    deposit(paid_in, status)
    withdraw(paid_out, status)
    assert (balance(paid_in), balance(paid_out)) == (after_deposit, after_withdrawal)


def test_an_account_below_zero_gets_a_deposit_that_is_returned_and_no_withdrawal(
    client: PracticeClient,
) -> None:
    exchange, account_id = client.world.exchange, client.world.account_id
    market = client.liquid_market(scalar=True)
    client.order(market, "bid", client.best(market, BookSide.ASK), "100.00")
    exchange.set_floor(market.ticker, 2_000)
    withdraw(client, APPLIED, dollars=exchange.balance(account_id) // ONE_DOLLAR, fee=0)
    exchange.set_floor(market.ticker, 0)
    owed = exchange.balance(account_id)
    assert -20 * ONE_DOLLAR <= owed < 0
    deposit(client, RETURNED, dollars=10)
    with pytest.raises(ValueError, match="free cash"):
        withdraw(client, RETURNED, dollars=1)
    assert exchange.balance(account_id) == owed
    assert client.get("/portfolio/balance")["balance_dollars"] == f"-{-owed / ONE_DOLLAR:.4f}"
    deposit(client, APPLIED, dollars=20, fee=0)
    assert exchange.balance(account_id) == owed + 20 * ONE_DOLLAR
    exchange.check()


def test_a_pending_deposit_counts_once_it_is_applied_and_no_more_when_returned(
    client: PracticeClient,
) -> None:
    row = deposit(client, PENDING)
    client.clock.move(60)
    client.world.finish_transfer(id_of(row), APPLIED)
    assert balance(client) == "10098.0000"
    client.clock.move(60)
    client.world.finish_transfer(id_of(row), RETURNED)
    assert balance(client) == OPENING
    shown = client.get("/portfolio/deposits")["deposits"][0]
    assert (shown["status"], shown["finalized_ts"] - shown["created_ts"]) == ("returned", 120)


def test_a_withdrawal_that_fails_comes_back(client: PracticeClient) -> None:
    row = withdraw(client, PENDING)
    client.world.finish_transfer(id_of(row), FAILED)
    assert balance(client) == OPENING


def test_rows_look_as_documented_and_come_newest_first_in_pages(client: PracticeClient) -> None:
    for status in (APPLIED, PENDING, FAILED, RETURNED):
        client.clock.move(1)
        deposit(client, status)
        withdraw(client, status)
    for name in ("deposits", "withdrawals"):
        answer = client.get(f"/portfolio/{name}")
        assert differences(REST[f"get_{name}"]["body"], finalized(answer, name), name) == []
        rows = answer[name]
        assert [row["status"] for row in rows[:4]] == ["returned", "failed", "pending", "applied"]
        assert (rows[0]["amount_cents"], rows[0]["fee_cents"]) == (10_000, 200)
        assert "finalized_ts" not in rows[2]
        first = client.get(f"/portfolio/{name}?limit=3")
        second = client.get(f"/portfolio/{name}?limit=3&cursor={first['cursor']}")
        assert [*first[name], *second[name]] == rows


def finalized(answer: dict[str, Any], name: str) -> dict[str, Any]:
    return {**answer, name: [row for row in answer[name] if row["status"] != "pending"]}


def test_only_free_cash_can_be_paid_out(client: PracticeClient) -> None:
    market = client.liquid_market()
    assert client.order(market, "bid", 100, "500000.00").status == 201  # holds $5,000
    with pytest.raises(ValueError, match="free cash"):
        withdraw(client, APPLIED, dollars=5_001)
    withdraw(client, APPLIED, dollars=4_000)
    assert balance(client) == "998.0000"
    client.world.exchange.check()
    assert len(client.get("/portfolio/withdrawals")["withdrawals"]) == 1


def test_a_returned_deposit_that_was_spent_stays_applied(client: PracticeClient) -> None:
    row = deposit(client, APPLIED, fee=0)
    withdraw(client, APPLIED, dollars=10_050, fee=0)
    with pytest.raises(ValueError, match="free cash"):
        client.world.finish_transfer(id_of(row), RETURNED)
    assert row.status is APPLIED


@pytest.mark.parametrize(
    ("first", "then"), [(APPLIED, PENDING), (FAILED, APPLIED), (RETURNED, APPLIED), (PENDING, RETURNED)]
)
def test_no_transfer_goes_backwards_or_skips(
    client: PracticeClient, first: TransferStatus, then: TransferStatus
) -> None:
    row = deposit(client, first)
    with pytest.raises(ValueError, match=r"cannot become"):
        client.world.finish_transfer(id_of(row), then)


@pytest.mark.parametrize(("amount", "fee"), [(0, 0), (-1, 0), (10_001, 0), (10_000, 10_000), (20_000, -1)])
def test_amounts_that_make_no_sense_are_refused(client: PracticeClient, amount: int, fee: int) -> None:
    with pytest.raises(ValueError, match=r"whole cents|below the deposit"):
        client.world.deposit(client.world.account_id, amount, fee=fee)


def test_transfers_survive_a_restart(make_client: MakeClient, tmp_path: Path) -> None:
    client = make_client(path=tmp_path / "world.sqlite")
    deposit(client, APPLIED)
    pending = withdraw(client, PENDING)
    before = [client.get(f"/portfolio/{name}") for name in ("deposits", "withdrawals", "balance")]
    client.world.close()
    again = make_client(path=tmp_path / "world.sqlite", now=START + 1)
    assert [again.get(f"/portfolio/{name}") for name in ("deposits", "withdrawals", "balance")] == before
    again.world.finish_transfer(id_of(pending), FAILED)
    assert balance(again) == "10098.0000"
