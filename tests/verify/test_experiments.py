"""Each open question, answered either way, is found and stored."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest
from verify_session import VerifySession

from kalshi_trading.history.reconciliation import reconcile
from kalshi_trading.trade_logger import account_fingerprint
from kalshi_trading.verify import stored
from kalshi_trading.verify.questions import QUESTIONS
from kalshi_trading.verify.run import EXPERIMENTS

OTHER_WAY = {
    "clock_window_s": ("50", "45/60"),
    "balance_bucket": ("no", "no"),
    "balance_bucket_shown": ("yes", "yes"),
    "times_in": ("milliseconds", "milliseconds"),
    "orders_filtered_by": ("updated", "updated"),
    "max_ts_whole_second": ("yes", "yes"),
    "read_lag_ms": ("700", "short"),
    "balance_includes_collateral": ("yes", "yes"),
    "queue_positions_listed": ("no", "no"),
    "ioc_row": ("no", "absent"),
    "fok_row": ("no", "absent"),
    "longest_client_id": ("36", "36"),
    "dot_in_client_id": ("yes", "yes"),
    "client_id_reusable": ("yes", "yes"),
    "refusal_spends_id": ("yes", "yes"),
    "reduce_only_canceled": ("no", "no"),
    "post_only_canceled": ("yes", "yes"),
    "price_checked_first": ("no", "no"),
    "portfolio_value_at": ("cost", "cost"),
    "realized_by": ("average", "average"),
    "sale_traded_at": ("yes_price", "yes_price"),
    "ask_cost_at": ("yes_price", "yes_price"),
    "ask_average_at": ("no_price", "no_price"),
}
"""For each question the other setting of its switch, and the word that `verify` stores then."""
NEEDS_ANOTHER_SWITCH = {"data_timestamp_lags"}


def stored_words(verifier: VerifySession) -> dict[str, str]:
    assert verifier.settings.credentials is not None
    account = account_fingerprint(verifier.settings.credentials.key_id)
    found = stored.load(verifier.settings, account)
    return {} if found is None else dict(found.words)


def test_every_question_is_tried_once() -> None:
    tried = [name for names in EXPERIMENTS.values() for name in names]
    assert sorted(tried) == sorted(QUESTIONS)
    assert OTHER_WAY.keys() | NEEDS_ANOTHER_SWITCH == QUESTIONS.keys()


@pytest.mark.parametrize("names", EXPERIMENTS.values(), ids=" ".join)
def test_an_assumed_answer_is_found(verifier: VerifySession, names: tuple[str, ...]) -> None:
    verifier.assume()
    status, screen = verifier.run(names)
    found = stored_words(verifier)
    wanted = {name for name in names if name != "data_timestamp_lags"}
    assert {name for name in wanted if found.get(name) not in QUESTIONS[name].expected} == set(), screen
    assert status == 0


@pytest.mark.parametrize("name", OTHER_WAY)
def test_another_answer_is_found(verifier: VerifySession, name: str) -> None:
    setting, word = OTHER_WAY[name]
    verifier.assume(**{name: setting})
    siblings = next(names for names in EXPERIMENTS.values() if name in names)
    status, screen = verifier.run(siblings)
    found = stored_words(verifier)
    assert found.get(name) == word, screen
    assert (status == 8) == (word not in QUESTIONS[name].expected), screen
    others = {each for each in siblings if each not in (name, "data_timestamp_lags")}
    assert {each for each in others if found.get(each) not in QUESTIONS[each].expected} == set(), screen


@pytest.mark.parametrize(("lags", "word"), [("yes", "yes"), ("no", "no")])
def test_a_timestamp_newer_than_the_reads_is_found(verifier: VerifySession, lags: str, word: str) -> None:
    verifier.assume(read_lag_ms="700", data_timestamp_lags=lags)
    verifier.run(("data_timestamp_lags",))
    assert stored_words(verifier)["data_timestamp_lags"] == word


@pytest.mark.parametrize("setting", ["yes", "no"])
def test_the_answer_about_collateral_begins_with_yes_or_no(verifier: VerifySession, setting: str) -> None:
    verifier.assume(balance_includes_collateral=setting)
    _, screen = verifier.run(("balance_includes_collateral",))
    assert f"{setting}: an order of $0.01 changed cash by " in screen


def test_the_last_price_as_mark_is_told_from_the_cost(verifier: VerifySession) -> None:
    verifier.assume(portfolio_value_at="last")
    _, screen = verifier.run(("portfolio_value_at",))
    assert re.search(r"last price \([\d,.]+ contracts, \$\d+\.\d\d\)", screen)
    assert stored_words(verifier)["portfolio_value_at"] == "last"


def test_nothing_is_left_open_or_held(verifier: VerifySession) -> None:
    client = verifier.exchange.client()
    orders = client.get_orders(limit=1)
    verifier.run(("portfolio_value_at", "client_id_reusable"))
    assert client.get_orders(limit=1) != orders
    assert list(client.get_orders(status="resting")) == []
    assert [row for row in client.get_positions().markets if row.net] == []


def test_a_refusal_for_too_little_cash_answers_no_question(verifier: VerifySession) -> None:
    cash = verifier.exchange.client().get_balance().cash - Decimal("0.01")
    verifier.exchange.control("withdrawals", {"amount": f"{cash:.2f}"})
    try:
        status, screen = verifier.run()
    finally:
        verifier.exchange.control("deposits", {"amount": f"{cash:.2f}"})
    assert status == 0, screen
    assert "Not enough cash" in screen


def test_orders_with_used_ids_reconcile_afterwards(verifier: VerifySession) -> None:
    verifier.run(("client_id_reusable", "refusal_spends_id"))
    services = verifier.services()
    found = reconcile(services.client, services.journal, account=services.account)
    assert found.compared
    assert [each.mismatches for each in found.differences if each.row.logged is not None] == []
    services.close()
