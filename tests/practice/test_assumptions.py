"""The switches of open questions: their grammar and their start."""

from __future__ import annotations

from dataclasses import asdict, fields
from pathlib import Path

import pytest
from exchange_process import running_exchange, start_process

from kalshi_trading.practice.assumptions import Assumptions, parse


def test_pairs_switch_what_they_name_and_nothing_else() -> None:
    given = parse(["balance_includes_collateral=yes", "clock_window_s=25", "realized_by=average"])
    changed = {"balance_includes_collateral": True, "clock_window_s": 25, "realized_by": "average"}
    assert asdict(given) == asdict(Assumptions()) | changed


@pytest.mark.parametrize(
    ("pair", "reason"),
    [
        ("cash=yes", "'cash' is not one of clock_window_s, "),
        ("ioc_row=1", "ioc_row must be yes or no, not '1'"),
        ("clock_window_s=-1", "clock_window_s must be a whole number, not '-1'"),
        ("realized_by=lifo", "realized_by must be fifo or average, not 'lifo'"),
        ("ioc_row", "ioc_row must be yes or no, not ''"),
    ],
)
def test_a_wrong_pair_is_named(pair: str, reason: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011  (its text is compared)
        parse([pair])
    assert str(caught.value).startswith(reason)


def test_the_program_refuses_a_wrong_pair_and_starts_with_a_right_one(tmp_path: Path) -> None:
    process = start_process(tmp_path / "wrong", "--assume", "ioc_row=maybe")
    assert "argument --assume: ioc_row must be yes or no" in process.communicate(timeout=60)[1]
    assert process.returncode == 2
    options = ("--markets", "30", "--control", "--assume", "fok_row=no", "--assume", "times_in=milliseconds")
    with running_exchange(tmp_path / "right", *options) as exchange:
        client = exchange.client()
        assert client.get_account_limits().usage_tier
        switched = exchange.control("assumptions", {"ioc_row": "no"})
        assert switched == asdict(Assumptions(ioc_row=False))
    assert len(fields(Assumptions)) == len(switched)
