"""docs/python.md runs as written and names everything a script may call."""

from __future__ import annotations

import doctest
import importlib
import inspect
import re
from pathlib import Path

import pytest
from exchange_process import running_exchange

PROJECT = Path(__file__).resolve().parent.parent
TOUR = PROJECT / "docs" / "python.md"
PUBLIC = {
    "config": "get_config get_api_credentials get_api_base_url is_production ConfigurationError",
    "kalshi_client.KalshiClient": (
        "get_balance get_positions get_markets get_market place_order cancel_order get_order get_orders "
        "get_fills get_settlements get_orderbook get_market_history get_series get_events "
        "get_exchange_status amend_order decrease_order batch_create_orders batch_cancel_orders close"
    ),
    "trade_executor.TradeExecutor": (
        "place_market_order place_limit_order close_position cancel_order get_order_status list_open_orders "
        "search_markets get_market_info validate_ticker messages block_reason close"
    ),
    "portfolio_tracker.PortfolioTracker": (
        "get_current_positions calculate_position_pnl calculate_total_pnl get_realized_pnl "
        "display_portfolio_summary close"
    ),
    "trade_logger": (
        "log_order_submission log_order_fill log_order_cancellation log_error get_trade_history "
        "export_trades_to_csv"
    ),
}
NAMES = [(owner, name) for owner, names in PUBLIC.items() for name in names.split()]


def test_the_tour_runs_as_it_stands(attaching_script, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    attaching_script.setenv("COLUMNS", "100")
    attaching_script.setenv("KALSHI_DATA_DIR", str(tmp_path / "tour"))
    with running_exchange(tmp_path / "tour" / "practice", "--still", "--idle-exit", "3600"):
        flags = doctest.ELLIPSIS
        result = doctest.testfile(str(TOUR), module_relative=False, optionflags=flags, encoding="utf-8")
    assert result.attempted > 60
    assert result.failed == 0


def test_the_script_of_the_tour_runs(script, capsys):
    blocks = re.findall(r"^```python\n(.*?)^```$", TOUR.read_text(), re.MULTILINE | re.DOTALL)
    (code,) = [block for block in blocks if ">>>" not in block]
    exec(code, {})
    assert capsys.readouterr().out.startswith("open 5 at ")


def found(owner, name):
    module, _, class_name = owner.partition(".")
    holder = importlib.import_module(f"kalshi_trading.{module}")
    return getattr(getattr(holder, class_name) if class_name else holder, name)


@pytest.mark.parametrize(("owner", "name"), NAMES, ids=lambda value: value)
def test_every_public_name_has_an_example_and_says_what_it_gives_and_raises(owner, name):
    examples = "\n".join(re.findall(r"^(?:>>>|\.\.\.) (.*)$", TOUR.read_text(), re.MULTILINE))
    assert re.search(rf"\b{name}\b", examples), f"no example of {name}"
    thing = found(owner, name)
    said = inspect.getdoc(thing) or ""
    assert len(said) > 30, f"{name} says nothing"
    if name not in ("ConfigurationError", "close", "messages", "block_reason"):
        assert re.search(r"[Rr]aises|[Ss]ee `", said), f"{name} does not say what it raises"
