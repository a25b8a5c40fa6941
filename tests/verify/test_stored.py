"""A damaged file of findings never stops the program."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from kalshi_trading.settings.behavior import ASSUMED
from kalshi_trading.settings.environments import Environment
from kalshi_trading.settings.options import Settings
from kalshi_trading.verify import stored
from kalshi_trading.verify.effects import behavior
from kalshi_trading.verify.questions import QUESTIONS, Finding, Observed

AT = datetime(2026, 11, 30, 14, tzinfo=UTC)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(
        environment=Environment.PRACTICE, api_base_url="http://127.0.0.1:1/x", log_dir=tmp_path / "logs"
    )


def put(settings: Settings, text: str) -> stored.Verified | None:
    stored.save(settings, "a", [], AT).write_text(text, encoding="utf-8")
    return stored.load(settings, "a")


def content(**changes: object) -> str:
    plain = {
        "verified_at": AT.isoformat(),
        "api_base_url": "http://127.0.0.1:2",
        "account": "a",
        "found": {"clock_window_s": "8/12"},
    }
    return json.dumps(plain | changes)


@pytest.mark.parametrize(
    "text", ["[" * 200_000, '{"account":' * 100_000, "null", "NaN", content(found=[]), content(verified_at=1)]
)
def test_a_damaged_file_counts_as_none(settings: Settings, text: str) -> None:
    assert put(settings, content()) is not None
    assert put(settings, text) is None


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00+00:00", "9999-12-31T23:59:59+00:00"])
def test_a_time_that_no_clock_shows_counts_as_none(settings: Settings, at: str) -> None:
    assert put(settings, content(verified_at=at)) is None


@pytest.mark.parametrize("word", ["²/5", "5/²", "9" * 5_000 + "/5", "9" * 400 + "/9", "-1/5", "/", "1e3/5"])
def test_a_clock_window_that_is_no_number_is_the_assumed_one(settings: Settings, word: str) -> None:
    found = behavior(put(settings, content(found={"clock_window_s": word})))
    assert found.tolerated_skew_s <= ASSUMED.tolerated_skew_s
    assert found.signature_window_s <= 4 * ASSUMED.signature_window_s


def test_evidence_with_half_a_character_is_saved(settings: Settings) -> None:
    row = Finding(QUESTIONS["ioc_row"], Observed("ioc_row", "canceled", "a"), [{"answer": "\ud800"}])
    path = stored.save_evidence(settings, [row], AT)
    assert json.loads(path.read_text())["findings"][0]["evidence"] == [{"answer": "\ud800"}]
