"""Number of keys a journey takes in the real program, from the menu.

Every typed character counts, and so does Enter.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from cases import naming
from exchange_process import running_exchange
from terminal import ENTER, Terminal, program

pytestmark = pytest.mark.journey
WIDE = 180
PAST = "positions=2,fills=20,settled=0,resting=2,days=2,seed=3"

Step = tuple[str, str]
"""The beginning of the last question on the screen, and the keys to press."""
A_QUOTED_ONE = "the key of a market that both sides quote"
ROW = re.compile(r"^[ ▸]+(\d)  +(\d+)(?:\.\d)?¢/(\d+)(?:\.\d)?¢ ", re.MULTILINE)


@dataclass(frozen=True)
class Journey:
    """The questions from the menu to an end, and the most keys they may take."""

    most: int
    steps: Sequence[Step]
    end: str


def order(*, search: str, kind: Sequence[Step], count: str) -> list[Step]:
    """Search, take a market, buy YES and send."""
    return [
        ("Menu", "2"),
        ("Search markets", search + ENTER),
        ("Which market", A_QUOTED_ONE),
        ("Choose a side", "1"),
        *kind,
        ("Quantity", count + ENTER),
        ("Place this order", "1"),
    ]


LIMIT = [("Order type", "1"), ("YES limit price", ENTER)]
"""At the proposed price."""
MARKET = [("Order type", "2")]
SENT = r"─ Result ─[^›]*Filled: bought"
JOURNEYS = {  # panic comes last: it blocks orders
    "market order, 2 letters, 2 digits": Journey(11, order(search="be", kind=MARKET, count="10"), SENT),
    "market order, 3 letters, 1 digit": Journey(11, order(search="fed", kind=MARKET, count="5"), SENT),
    "limit order, 2 letters, 2 digits": Journey(12, order(search="be", kind=LIMIT, count="10"), SENT),
    "limit order, 3 letters, 1 digit": Journey(12, order(search="fed", kind=LIMIT, count="5"), SENT),
    "cancel one": Journey(2, [("Menu", "4"), ("Cancel which order", "1")], r": Canceled \d+ contracts?\."),
    "leave": Journey(2, [("Menu", "0"), (r"You have \d open orders?\. Keep", "e")], ""),
    "panic": Journey(2, [("Menu", "4"), ("Cancel which order", "p")], "─ All orders canceled ─"),
}


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """A home with a still exchange: no market moves, so no ticket asks again."""
    with running_exchange(tmp_path / "data/practice", "--seed", "11", "--still", "--scenario", PAST):
        yield tmp_path


def _quoted(terminal: Terminal) -> str:
    terminal.wait_for(r"0  Search again\s*(page|\[ \]|\Z)")
    rows = ROW.findall(terminal.screen)
    assert rows, terminal.screen
    return str(min(rows, key=lambda row: abs(int(row[1]) - 50))[0])  # the prices depend on the day


def _walk(terminal: Terminal, journey: Journey) -> int:
    """Answer each question to the end; return the number of keys pressed."""
    pressed = 0
    for question, keys in journey.steps:
        terminal.wait_for(rf"› {question}[^›]*\Z")
        keys = _quoted(terminal) if keys == A_QUOTED_ONE else keys
        for key in keys:
            terminal.press(key)
            pressed += 1
    if journey.end:
        terminal.wait_for(journey.end)
    else:
        assert terminal.exit_status() == 0
    return pressed


def test_no_journey_takes_more_keys_than_this(home: Path) -> None:
    too_long = []
    for name, journey in JOURNEYS.items():
        with naming(name), program(home, columns=WIDE) as terminal:
            pressed = _walk(terminal, journey)
            if pressed > journey.most:
                too_long.append((name, pressed))
    assert too_long == []
