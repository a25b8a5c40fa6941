"""Practice exchanges that fail as a file of rules says."""

from __future__ import annotations

import json
import os
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from exchange_process import ExchangeProcess


@dataclass(frozen=True)
class FaultyExchange:
    """A practice exchange in a process of its own, and the file that says how it fails."""

    exchange: ExchangeProcess
    file: Path

    def fail(self, *rules: Mapping[str, Any], seed: int = 0) -> None:
        """Put these rules in force from the next request on; none at all heals it."""
        write_rules(self.file, *rules, seed=seed)


def write_rules(file: Path, *rules: Mapping[str, Any], seed: int = 0) -> None:
    """Write a fault file in one step: the exchange must never read half of it."""
    draft = file.with_suffix(".new")
    draft.write_text(json.dumps({"seed": seed, "rules": list(rules)}))
    os.replace(draft, file)


def open_tickers(exchange_url: str, count: int) -> list[str]:
    """Name open markets, those that close last first."""
    with urllib.request.urlopen(f"{exchange_url}/markets?limit=1000&status=open") as answer:
        rows = json.load(answer)["markets"]
    return [row["ticker"] for row in sorted(rows, key=lambda row: row["close_time"], reverse=True)][:count]
