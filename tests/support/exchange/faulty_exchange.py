"""Practice exchanges with scripted faults."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from exchange_process import ExchangeProcess, running_exchange


@dataclass(frozen=True)
class FaultyExchange:
    """A practice exchange in a process of its own, and its fault file."""

    exchange: ExchangeProcess
    file: Path

    def fail(self, *rules: Mapping[str, Any], seed: int = 0) -> None:
        """Use these rules from the next request on. None: no faults."""
        write_rules(self.file, *rules, seed=seed)


def write_rules(file: Path, *rules: Mapping[str, Any], seed: int = 0) -> None:
    """Write a fault file atomically: the exchange must never read half of it."""
    draft = file.with_suffix(".new")
    draft.write_text(json.dumps({"seed": seed, "rules": list(rules)}))
    os.replace(draft, file)


@contextmanager
def running_faulty_exchange(folder: Path, *arguments: str) -> Iterator[FaultyExchange]:
    """Run a practice exchange with a fault file, and kill it at the end."""
    folder.mkdir(parents=True, exist_ok=True)
    write_rules(file := folder.with_name(f"{folder.name}-faults.json"))
    with running_exchange(folder, "--idle-exit", "3600", "--faults", str(file), *arguments) as exchange:
        yield FaultyExchange(exchange, file)
