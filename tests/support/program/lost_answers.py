"""A home whose practice exchange takes orders and withholds answers.

A fault file defines the faults.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from faulty_exchange import FaultyExchange, running_faulty_exchange
from terminal import ENTER, Terminal

DOWN = "\x1b[B"
CREATE = {"method": "POST", "path": "/portfolio/events/orders"}


@dataclass(frozen=True)
class FaultyHome(FaultyExchange):
    """A new user's home, with the exchange it uses."""

    folder: Path

    def events(self) -> list[str]:
        """Return the journal's events so far."""
        journal = self.folder / "logs/practice/trades.log"
        return [line.split(" ")[1] for line in journal.read_text().splitlines()] if journal.exists() else []


@contextmanager
def faulty_home(folder: Path) -> Iterator[FaultyHome]:
    """Run an exchange that loses answers, in the home of a session."""
    with running_faulty_exchange(folder / "data/practice", "--seed", "11") as faulty:
        yield FaultyHome(faulty.exchange, faulty.file, folder)


def withhold_answer(seconds: float) -> dict[str, Any]:
    """Take the order, never answer, and close the connection after `seconds`."""
    return {"kind": "after_accept", **CREATE, "hold_s": seconds, "times": 1}


def lose_request() -> dict[str, Any]:
    """Do not take the order, and close the connection without an answer."""
    return {"kind": "before_accept", **CREATE, "hold_s": 0, "times": 1}


def open_ticket(terminal: Terminal, count: str) -> None:
    """Fill in a 2¢ bid that rests, up to the confirmation."""
    terminal.choose("2", "Search markets or enter a ticker")
    terminal.type("temperature")
    terminal.wait_for("Search again")
    bids = re.findall(r"^[ ▸]+(\d+)  +(\d+)(?:\.\d)?¢/", terminal.screen, re.MULTILINE)
    quoted = next(int(key) for key, bid in bids if int(bid) >= 10)
    terminal.press(DOWN * (quoted - 1) + ENTER)
    terminal.wait_for("Choose a side")
    terminal.press("1")
    terminal.wait_for("Order type")
    terminal.press("1")
    terminal.wait_for("YES limit price")
    terminal.type("2")
    terminal.wait_for("Quantity")
    terminal.type(count)
    terminal.wait_for("Place this order")


def send(terminal: Terminal, then: str) -> None:
    """Confirm, again if the market moves, until `then` is on the screen."""
    for _ in range(5):
        asked = terminal.text.count("Place this order")
        terminal.decide("Place this order", "1")
        terminal.wait_until(
            lambda text, asked=asked: then in text or text.count("Place this order") > asked  # type: ignore[misc]
        )
        if then in terminal.text:
            return
    raise AssertionError(terminal.text)
