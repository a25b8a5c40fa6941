"""An answer of an unexpected shape costs its questions, never the report."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import cast

import pytest

from kalshi_trading.core.errors import InvalidInputError, JournalError
from kalshi_trading.verify import run as running
from kalshi_trading.verify.evidence import Evidence
from kalshi_trading.verify.lab import Lab
from kalshi_trading.verify.questions import Observed, Verdict

LAB = cast(Lab, SimpleNamespace(evidence=Evidence(), is_trading=True))


def findings(monkeypatch: pytest.MonkeyPatch, error: Exception) -> dict[str, Verdict]:
    def experiment(_: Lab) -> Iterator[Observed]:
        yield Observed("ioc_row", "canceled", "yes")
        raise error

    monkeypatch.setattr(running, "EXPERIMENTS", {experiment: ("ioc_row", "fok_row")})
    return {each.question.name: each.verdict for each in running.run(LAB)}


@pytest.mark.parametrize(
    "error",
    [
        IndexError("no fills"),
        AttributeError("'NoneType' has no get"),
        AssertionError(),
        KeyError("order"),
        InvalidInputError("Market gone."),
    ],
)
def test_an_odd_answer_leaves_the_other_findings(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    assert findings(monkeypatch, error) == {"ioc_row": Verdict.AS_ASSUMED, "fok_row": Verdict.UNCLEAR}


def test_a_failing_journal_ends_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(JournalError):
        findings(monkeypatch, JournalError("trades.log", "full"))
