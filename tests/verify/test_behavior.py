"""The program acts on what `verify` found, from its next start."""

from __future__ import annotations

import re
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
import requests
from verify_session import VerifySession

from kalshi_trading import compose
from kalshi_trading.core.dates import utc_now
from kalshi_trading.core.models import Action, OrderRequest, OrderStatus, Side, TimeInForce
from kalshi_trading.core.records.acknowledgements import OrderAcknowledgement
from kalshi_trading.exchange.http.transport import Transport
from kalshi_trading.kalshi_client import READ_LAG
from kalshi_trading.orders.execution.submission_result import acknowledged_result
from kalshi_trading.orders.pretrade.preview import OrderPreview
from kalshi_trading.orders.pretrade.ticket import OrderTicket
from kalshi_trading.settings.behavior import ASSUMED, ExchangeBehavior
from kalshi_trading.verify import effects, stored
from kalshi_trading.verify.questions import QUESTIONS, Finding, Observed

AT = datetime(2026, 11, 30, 14, tzinfo=UTC)
OTHER_WORDS = {
    "clock_window_s": "1/60",
    "balance_includes_collateral": "yes",
    "data_timestamp_lags": "no",
    "ask_average_at": "no_price",
}
"""Answers on which the program acts."""
CASH_LEFT, HELD, COST = Decimal(100), Decimal(60), Decimal(50)


def finding(name: str, word: str) -> Finding:
    return Finding(QUESTIONS[name], Observed(name, word, word))


def behavior_after(verifier: VerifySession, *findings: Finding) -> ExchangeBehavior:
    stored.save(verifier.settings, "account", findings, AT)
    return effects.behavior(stored.load(verifier.settings, "account"))


def ticket_of(services: compose.Services, ticker: str, dollars: Decimal) -> OrderPreview:
    """Price a bid of one cent for so many dollars."""
    count = dollars / Decimal("0.01")
    return services.orders.preview(OrderTicket(ticker, Action.BUY, Side.YES, count, Decimal("0.01")))


@pytest.fixture
def little_cash(verifier: VerifySession) -> VerifySession:
    """$100 of cash, $60 of which an open order holds back."""
    client = verifier.exchange.client()
    surplus = client.get_balance().cash - CASH_LEFT
    verifier.exchange.control("withdrawals", {"amount": f"{surplus.quantize(Decimal('0.01'))}"})
    services = verifier.services()
    try:
        result = services.orders.submit(ticket_of(services, far_market(verifier), HELD))
        assert result.remaining_count == HELD / Decimal("0.01"), result.message
        yield verifier
        for order in client.get_orders(status=OrderStatus.RESTING):
            services.orders.cancel_order(order)
    finally:
        services.close()
        verifier.exchange.control("deposits", {"amount": f"{surplus.quantize(Decimal('0.01'))}"})


def far_market(verifier: VerifySession, at: int = 0) -> str:
    """Return a market that a bid of one cent does not cross."""
    markets = verifier.exchange.client().get_markets(status="open")
    return [market.ticker for market in markets if market.yes_ask and market.yes_ask > Decimal("0.2")][at]


@pytest.mark.parametrize("includes", ["yes", "no"])
def test_a_ticket_is_denied_by_free_cash_whichever_way_the_balance_counts(
    little_cash: VerifySession, includes: str
) -> None:
    little_cash.assume(balance_includes_collateral=includes)
    little_cash.run(("balance_includes_collateral",))
    services = little_cash.services()
    try:
        other = far_market(little_cash, 1)
        free = services.orders.preview(OrderTicket(other, Action.BUY, Side.YES, Decimal(1), Decimal("0.01")))
        assert free.context.free_cash is not None
        assert CASH_LEFT - HELD <= free.context.free_cash < CASH_LEFT - HELD + Decimal("0.02")
        overdrawn = ticket_of(services, other, COST)
        assert [each.rule for each in overdrawn.findings if each.rule == "cash"] == ["cash"]
        assert overdrawn.is_denied
        assert "Not enough cash: need $50.00, have $40.00." in str(
            [each.message for each in overdrawn.findings]
        )
    finally:
        services.close()


def test_without_verify_a_balance_with_collateral_overdraws(little_cash: VerifySession) -> None:
    little_cash.assume(balance_includes_collateral="yes")
    services = little_cash.services()
    try:
        assert not ticket_of(services, far_market(little_cash, 1), COST).is_denied
    finally:
        services.close()


def test_a_narrow_window_lowers_the_clock_error_that_is_tolerated(verifier: VerifySession) -> None:
    verifier.assume(clock_window_s="1")
    verifier.run(("clock_window_s",), is_trading=False)
    verifier.assume()
    services = verifier.services(make_transport=skewed)
    try:
        services.client.get_account_limits()
        assert services.client.use_exchange_clock() is not None
    finally:
        services.close()
    (found,) = (verifier.settings.log_dir / "practice").glob("verified-*.json")
    found.unlink()
    services = verifier.services(make_transport=skewed)
    try:
        services.client.get_account_limits()
        assert services.client.use_exchange_clock() is None
    finally:
        services.close()


def skewed(*arguments: object, **named: object) -> Transport:
    """Return a transport of a computer whose clock is 1.2 s ahead."""
    return Transport(*arguments, clock=lambda: utc_now() + timedelta(seconds=1.2), **named)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("word", "tolerated", "window"),
    [("2-30", 2.0, 30), ("1/2", 0.5, 2), ("45/60", 2.0, 60), ("45/", 2.0, 120)],
)
def test_the_window_bounds_skew_and_late_arrivals(
    verifier: VerifySession, word: str, tolerated: float, window: int
) -> None:
    behavior = behavior_after(verifier, finding("clock_window_s", word))
    assert (behavior.tolerated_skew_s, behavior.signature_window_s) == (tolerated, window)


@pytest.mark.parametrize("word", ["²/30", f"{'9' * 5_000}/60", "30/99999", "/", "30/x"])
def test_a_damaged_window_counts_as_assumed(word: str) -> None:
    assert effects.behavior(stored.Verified(AT, {"clock_window_s": word})) == ASSUMED


@pytest.mark.parametrize(("lags", "is_trusted"), [("yes", True), ("no", False)])
def test_a_timestamp_newer_than_its_reads_is_set_back(
    verifier: VerifySession, lags: str, is_trusted: bool
) -> None:
    verifier.assume(read_lag_ms="700", data_timestamp_lags=lags)
    verifier.run(("data_timestamp_lags",))
    services = verifier.services()
    try:
        context = ticket_of(services, far_market(verifier), Decimal("0.01")).context
        assert context.data_age.as_of is not None
        assert (utc_now() - context.data_age.as_of < READ_LAG) is is_trusted
    finally:
        services.close()


@pytest.mark.parametrize(("word", "average"), [("yes_price", "0.65"), ("no_price", "0.35")])
def test_the_average_price_of_a_sale_is_read_on_the_scale_found(
    verifier: VerifySession, word: str, average: str
) -> None:
    behavior = behavior_after(verifier, finding("ask_average_at", word))
    request = OrderRequest(
        "id", "KX", Action.SELL, Side.YES, Decimal(2), Decimal("0.6"), TimeInForce.IMMEDIATE_OR_CANCEL
    )
    answer = OrderAcknowledgement("order", "id", Decimal(2), Decimal(0), Decimal(average), None, AT)
    assert acknowledged_result(request, answer, behavior).average_price == Decimal("0.65")


def test_assumed_answers_change_nothing(verifier: VerifySession) -> None:
    for question in QUESTIONS.values():
        for word in question.expected:
            assert behavior_after(verifier, finding(question.name, word)) == ASSUMED, question.name


def test_every_switch_has_an_answer_that_turns_it(verifier: VerifySession) -> None:
    turned = behavior_after(verifier, *(finding(name, word) for name, word in OTHER_WORDS.items()))
    left = [each.name for each in fields(turned) if getattr(turned, each.name) == getattr(ASSUMED, each.name)]
    assert left == []


# --- The file -------------------------------------------------------------------------------------


def test_findings_of_another_exchange_or_account_do_not_count(verifier: VerifySession) -> None:
    stored.save(verifier.settings, "account", [finding("balance_includes_collateral", "yes")], AT)
    assert stored.load(verifier.settings, "another") is None
    assert effects.behavior(None) == ASSUMED


def test_findings_of_one_account_outlive_those_of_another(verifier: VerifySession) -> None:
    stored.save(verifier.settings, "account", [finding("balance_includes_collateral", "yes")], AT)
    stored.save(verifier.settings, "another", [finding("balance_includes_collateral", "no")], AT)
    verified = stored.load(verifier.settings, "account")
    assert verified is not None
    assert verified.words == {"balance_includes_collateral": "yes"}


@pytest.mark.parametrize("content", ["", "[]", '{"account": "account"}', '{"account": 1, "found": 2', "\x00"])
def test_a_damaged_file_counts_as_no_findings(verifier: VerifySession, content: str) -> None:
    path = stored.save(verifier.settings, "account", [finding("ioc_row", "absent")], AT)
    path.write_text(content)
    assert stored.load(verifier.settings, "account") is None


def test_an_unclear_answer_keeps_the_earlier_one_and_the_summary_counts(verifier: VerifySession) -> None:
    found = [finding("ioc_row", "absent"), finding("fok_row", "canceled")]
    path = stored.save(verifier.settings, "account", found, AT)
    stored.save(verifier.settings, "account", [finding("ioc_row", "")], AT)
    verified = stored.load(verifier.settings, "account")
    assert verified is not None
    assert verified.words == {"ioc_row": "absent", "fok_row": "canceled"}
    assert verified.summary == f"verified {AT.astimezone():%Y-%m-%d}, 1 of 24 differs"
    some = replace(verified, words={"fok_row": "canceled"})
    assert some.summary == f"verified {AT.astimezone():%Y-%m-%d}, 1 of 24 as assumed"
    assert path.stat().st_mode & 0o777 == 0o600


def test_evidence_holds_no_key_no_id_and_no_balance(verifier: VerifySession) -> None:
    names = ("balance_includes_collateral", "fok_row", "longest_client_id", "portfolio_value_at")
    verifier.run(names)
    folder = Path(verifier.settings.log_dir) / "practice"
    evidence = next(folder.glob("verify-*.json")).read_text()
    client = verifier.exchange.client()
    secrets = [verifier.exchange.key_id]
    for order in client.get_orders(limit=40):
        secrets += [order.order_id, order.client_order_id]
    assert [secret for secret in secrets if secret in evidence] == []
    balances = re.findall(r'"(?:balance|balance_dollars|portfolio_value)": ("[^"]*"|[0-9.]+)', evidence)
    assert set(balances) == {'"…"'}
    assert '"status": 409' in evidence
    assert "KALSHI-ACCESS" not in evidence
    unsigned = requests.get(f"{verifier.exchange.url}/portfolio/balance", timeout=60)
    assert unsigned.status_code == 401
