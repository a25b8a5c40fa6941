"""Orders of `verify`: journaled, within limits, canceled at the end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

import pytest
from verify_session import VerifySession

from kalshi_trading.trade_logger import TradeLogger
from kalshi_trading.ui.commands import verify
from kalshi_trading.verify.lab import Lab
from kalshi_trading.verify.questions import Finding


def test_ctrl_c_cancels_what_was_placed(verifier: VerifySession, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(lab: Lab, names: object) -> Iterator[Finding]:
        assert lab.place(lab.market()).result.remaining_count == 1
        assert len(lab.client.get_orders(status="resting")) == 1
        raise KeyboardInterrupt
        yield

    monkeypatch.setattr(verify, "run", interrupted)
    status, screen = verifier.run()
    assert (status, "Interrupted." in screen) == (130, True)
    assert list(verifier.exchange.client().get_orders(status="resting")) == []


def test_every_order_has_an_intent_before_it_is_sent(verifier: VerifySession) -> None:
    known = {order.order_id for order in verifier.exchange.client().get_orders()}
    verifier.run(("longest_client_id", "refusal_spends_id", "fok_row"))
    placed = [order for order in verifier.exchange.client().get_orders() if order.order_id not in known]
    journal = TradeLogger(verifier.settings.log_dir, "practice").read_journal()
    intents = {record.text("client_order_id") for record in journal.records if record.event == "order.intent"}
    assert len(placed) > 5
    assert {order.client_order_id for order in placed} <= intents


def test_a_limit_of_the_program_denies_its_orders(verifier: VerifySession) -> None:
    limits = replace(verifier.settings.limits, hard_order_cost=Decimal("0.005"))
    verifier.settings = replace(verifier.settings, limits=limits)
    before = len(verifier.exchange.client().get_orders())
    status, screen = verifier.run(("queue_positions_listed",))
    assert (status, "KALSHI_HARD_ORDER_COST" in screen) == (0, True)
    assert len(verifier.exchange.client().get_orders()) == before
