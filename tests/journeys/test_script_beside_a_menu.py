"""A script and an open menu share journal, limits, panic and recovery."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from exchange_process import running_exchange
from terminal import PROJECT, environment, program

pytestmark = pytest.mark.journey

KILLED_AFTER_THE_SEND = """
import os
from kalshi_trading.kalshi_client import KalshiClient
from kalshi_trading.trade_executor import TradeExecutor

send = KalshiClient.send_order
def send_and_die(*arguments, **named):
    send(*arguments, **named)
    os._exit(9)

KalshiClient.send_order = send_and_die
with TradeExecutor() as executor:
    market = next(m for m in executor.search_markets(limit=None) if 20 < (m["yes_bid"] or 0) < 70)
    executor.place_limit_order(market["ticker"], "yes", 7, 2)
"""
ONE_MORE = """
import sys
from kalshi_trading.trade_executor import TradeExecutor

with TradeExecutor() as executor:
    market = next(m for m in executor.search_markets(limit=None) if 20 < (m["yes_bid"] or 0) < 70)
    try:
        sys.stdout.write(executor.place_limit_order(market["ticker"], "yes", 1, int(sys.argv[1]))["status"])
    except Exception as error:
        sys.stdout.write(f"{type(error).__name__}: {error}")
"""


@pytest.fixture
def home(tmp_path: Path):
    """A home with its own still exchange."""
    with running_exchange(tmp_path / "data" / "practice", "--still", "--idle-exit", "3600"):
        yield tmp_path


def run(home: Path, *command: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *command],
        cwd=PROJECT,
        env=environment(home) | {"PYTHONPATH": str(PROJECT)} | more,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def records(home: Path) -> list[tuple[str, dict[str, str]]]:
    """Return the journal as events with their fields."""
    lines = (home / "logs/practice/trades.log").read_text().splitlines()
    return [(line.split(" ")[1], json.loads(line[line.index("{") :])) for line in lines]


def test_a_script_of_thirty_lines_beside_an_open_menu(home: Path) -> None:
    script = PROJECT / "docs" / "first_script.py"
    code = [
        line for line in script.read_text().splitlines() if line.strip() and not line.startswith(("#", '"'))
    ]
    assert len(code) <= 30
    with program(home) as terminal:
        terminal.menu()
        csv_folder = home / "out"
        csv_folder.mkdir()
        ended = subprocess.run(
            [sys.executable, str(script), "temperature"],
            cwd=csv_folder,
            env=environment(home) | {"PYTHONPATH": str(PROJECT)},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert (ended.returncode, ended.stderr) == (0, "")
        said = re.fullmatch(
            r"bought 3 (KX\S+) at [\d.]+ ¢, fee \$ 0\.\d+\nopen resting 5 at 2 ¢\ncanceled 5(?:\.00)?\n"
            r"unrealized \$ -?[\d.]+\nexported 1 fills\n",
            ended.stdout,
        )
        assert said, ended.stdout
        assert len(next(csv_folder.glob("trades-*.csv")).read_text().splitlines()) == 2

        # the menu counts and shows the script's orders
        terminal.choose("9", r"2 of 200.*0 Back")
        terminal.press("0")
        terminal.choose("1", rf"{re.escape(said[1])}\s+3 YES")
    sessions = {fields["session"] for event, fields in records(home) if event.startswith("order.")}
    assert len(sessions) == 1
    events = [event for event, _ in records(home)]
    assert [each for each in events if each.startswith(("order.", "cancel."))] == [
        *("order.intent", "order.sending", "order.acknowledged", "order.fill"),
        *("order.intent", "order.sending", "order.acknowledged", "cancel.requested", "cancel.acknowledged"),
    ]


def test_a_panic_in_the_menu_stops_the_next_order_of_a_script(home: Path) -> None:
    assert run(home, "-c", ONE_MORE, "2").stdout == "resting"
    with program(home) as terminal:
        terminal.menu()
        terminal.press("4")
        terminal.decide("Cancel which order", "p")
        terminal.wait_for("─ All orders canceled ─")
        said = run(home, "-c", ONE_MORE, "3").stdout
    assert said.startswith("OrderDeniedError: Order blocked. Nothing was sent. ")
    assert "panic" in said


def test_limits_count_the_orders_of_scripts_and_menu_together(home: Path) -> None:
    limit = {"KALSHI_DAILY_ORDER_LIMIT": "2"}
    assert [run(home, "-c", ONE_MORE, price, **limit).stdout for price in ("2", "3")] == ["resting"] * 2
    assert "OrderDeniedError" in run(home, "-c", ONE_MORE, "4", **limit).stdout


def test_the_next_session_finds_the_order_of_a_script_that_was_killed(home: Path) -> None:
    assert run(home, "-c", KILLED_AFTER_THE_SEND).returncode == 9
    assert [event for event, _ in records(home)][-1] == "order.sending"
    with program(home) as terminal:
        terminal.wait_for(r"Order from an earlier session, status unknown: BUY 7 YES")
        terminal.menu()
    found = [fields for event, fields in records(home) if event == "order.acknowledged"]
    assert len(found) == 1
