"""The command `verify`: refusal, question, screen and status."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from exchange_process import ExchangeProcess, running_exchange
from scripted_prompter import BACK, ScriptedPrompter
from terminal import PROJECT, environment

from kalshi_trading.core.errors import ConfigurationError
from kalshi_trading.settings.environments import Environment
from kalshi_trading.settings.options import Settings
from kalshi_trading.ui.commands import verify


def run_program(
    home: Path, *words: str, typed: str = "", **settings: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(PROJECT / "main.py"), "verify", *words],
        input=typed,
        env=environment(home, **settings),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def sandbox(exchange: ExchangeProcess) -> dict[str, str]:
    return {
        "KALSHI_ENVIRONMENT": "sandbox",
        "KALSHI_API_BASE_URL": exchange.url,
        "KALSHI_API_KEY": exchange.key_id,
        "KALSHI_API_SECRET": exchange.private_key_path,
    }


def test_production_is_refused_in_one_sentence(tmp_path: Path, practice_exchange: ExchangeProcess) -> None:
    ended = run_program(
        tmp_path, "--trade", **{**sandbox(practice_exchange), "KALSHI_ENVIRONMENT": "production"}
    )
    assert ended.returncode == 2
    assert "verify never runs on production." in ended.stderr
    assert ended.stdout == ""


def test_without_trade_it_reads_only_and_names_what_is_left(tmp_path: Path) -> None:
    with running_exchange(tmp_path / "exchange", "--still") as exchange:
        ended = run_program(tmp_path, **sandbox(exchange))
        assert ended.returncode == 0, ended.stderr
        assert "rejected (429)" in ended.stdout
        assert "3 as assumed, 0 differ, 3 could not tell. In effect from the next start." in ended.stdout
        assert "18 more questions need orders: verify --trade" in ended.stdout
        assert list(exchange.client().get_orders()) == []
        assert len(list((tmp_path / "logs").rglob("verify-*.json"))) == 1, ended.stdout


@pytest.mark.parametrize("typed", ["", "1\n"])
def test_trade_places_nothing_unless_confirmed(
    tmp_path: Path, practice_exchange: ExchangeProcess, typed: str
) -> None:
    before = len(practice_exchange.client().get_orders())
    ended = run_program(tmp_path, "--trade", typed=typed, **sandbox(practice_exchange))
    assert (ended.returncode, "No orders were placed." in ended.stdout) == (0, True), ended.stderr
    assert len(practice_exchange.client().get_orders()) == before


@pytest.mark.parametrize(("answer", "is_yes"), [("2", True), ("1", False), (BACK, False)])
def test_one_question_stands_before_orders(answer: str, is_yes: bool) -> None:
    prompter = ScriptedPrompter(answer)
    assert verify.confirm(prompter) is is_yes
    assert prompter.marked == ["Place no orders"]


def test_production_settings_are_refused_whatever_calls() -> None:
    with pytest.raises(ConfigurationError, match="never runs on production"):
        verify.require_allowed(Settings(environment=Environment.PRODUCTION))


def test_a_signal_to_end_leaves_no_order_however_late_reads_are(tmp_path: Path) -> None:
    with running_exchange(tmp_path / "exchange", "--still", "--control") as exchange:
        exchange.control("assumptions", {"read_lag_ms": "4000"})
        session = subprocess.Popen(
            [sys.executable, str(PROJECT / "main.py"), "verify", "--trade"],
            env=environment(tmp_path, **sandbox(exchange)),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert session.stdin is not None
        session.stdin.write("2\n")
        session.stdin.flush()
        journal = tmp_path / "logs" / "sandbox" / "trades.log"
        while not (journal.exists() and "order.acknowledged" in journal.read_text()):
            assert session.poll() is None
            time.sleep(0.02)
        session.terminate()
        session.communicate(timeout=60)
        exchange.control("assumptions", {"read_lag_ms": "0"})
        assert session.returncode == 128 + signal.SIGTERM
        assert len(exchange.client().get_orders()) == 1
        assert list(exchange.client().get_orders(status="resting")) == []
