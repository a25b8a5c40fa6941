"""Exports: where they go, and the files they never overwrite."""

from __future__ import annotations

from pathlib import Path

from exchange_process import ExchangeProcess
from screen_session import screen_text, session
from scripted_prompter import BACK, ScriptedPrompter

from kalshi_trading.ui import menu


def test_an_export_writes_a_file_and_never_over_one(exchange: ExchangeProcess, tmp_path: Path) -> None:
    file = tmp_path / "trades.csv"
    journal = ("8", "3", "5", "all", str(file))
    prompter = ScriptedPrompter(*journal, *journal, "0", BACK, "0")
    app = session(exchange, tmp_path, prompter)
    assert menu.run(app) == 0
    prompter.assert_all_used()
    text = " ".join(screen_text(app).split())
    assert text.count("(journal, all time) written to") == 1
    assert file.read_text(encoding="utf-8-sig").startswith("time,event,")


def test_an_export_asks_before_it_makes_a_folder(exchange: ExchangeProcess, tmp_path: Path) -> None:
    slip, file = tmp_path / "nonexist" / "trades.csv", tmp_path / "trades.csv"
    prompter = ScriptedPrompter("8", "3", "5", "all", str(slip), "0", str(file), "0")
    app = session(exchange, tmp_path, prompter)
    assert menu.run(app) == 0
    prompter.assert_all_used()
    assert file.exists()
    assert not slip.parent.exists()
    again = session(exchange, tmp_path, ScriptedPrompter("8", "3", "5", "all", str(slip), "1", "0"))
    assert menu.run(again) == 0
    assert slip.exists()
